// Verdicts on commits as commit statuses: Gitea has no checks. Said only where they differ from what was said last.
import type { Forge, Report } from "../port.ts";
import { boundLine } from "../text.ts";
import { type CommitStatus, readStatus } from "./documents.ts";
import { readPage, type Session } from "./session.ts";

const statusesRoute = "/repos/{owner}/{repo}/commits/{ref}/statuses";
const statusRoute = "/repos/{owner}/{repo}/statuses/{sha}";
const mostPages = 20;

/** The newest status of that name, which is the one that counts. */
async function lastStatus(session: Session, { commit, name }: Report): Promise<CommitStatus | undefined> {
  const listing = {
    route: statusesRoute,
    path: { ref: commit },
    // The highest index first: times are to the second.
    query: { sort: "leastindex" },
    read: readStatus,
    what: "statuses",
  };
  for (let page = 1; page <= mostPages; page++) {
    const { items } = await readPage(session, listing, page);
    const found = items.filter((status) => status.name === name).sort((one, other) => other.id - one.id);
    if (found.length > 0 || items.length === 0) return found[0];
  }
  return undefined;
}

export function reportsOn(session: Session): Pick<Forge, "report"> {
  return {
    report: (report) =>
      session.guarded(`report ${report.name} on commit ${report.commit.slice(0, 12)}`, async () => {
        const { commit, name, state } = report;
        const title = boundLine(report.title);
        try {
          const last = await lastStatus(session, report);
          if (last !== undefined && last.state === state && last.title === title) return;
          const body = { state, context: name, description: title };
          await session.send("write", "POST", statusRoute, { path: { sha: commit }, body });
        } catch (error) {
          if (session.failure(error).kind !== "NotFound") throw error;
          await session.send("read", "GET", "/repos/{owner}/{repo}");
          throw new Error(`${session.place}: there is no commit ${commit}`);
        }
      }),
  };
}
