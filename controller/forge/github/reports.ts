// Verdicts on commits: check runs where we are an App that may write them, commit statuses elsewhere, which any token with the right may
// write. Said only where they differ from what was said last.
import type { Forge, Report } from "../port.ts";
import { boundLine } from "../text.ts";
import { readList } from "../reading.ts";
import { sayCheck } from "./checks.ts";
import { type CommitStatus, readStatus } from "./documents.ts";
import type { Session } from "./session.ts";

const statusesRoute = "/repos/{owner}/{repo}/commits/{ref}/statuses";
const statusRoute = "/repos/{owner}/{repo}/statuses/{sha}";
/** Of a hundred statuses; GitHub keeps a thousand of a name. */
const mostPages = 10;

/** The newest status of that name, which is the one that counts. */
async function lastStatus(session: Session, { commit, name }: Report): Promise<CommitStatus | undefined> {
  const listing = {
    route: statusesRoute,
    parameters: { ref: commit },
    read: (data: unknown) => readList(data, "statuses", readStatus),
  };
  let page = await session.firstPage(listing);
  for (let count = 1; ; count++) {
    const found = page.items.find((status) => status.name === name);
    if (found !== undefined || page.next === undefined || count >= mostPages) return found;
    page = await session.otherPage(listing, page.next);
  }
}

async function sayStatus(session: Session, report: Report): Promise<void> {
  const { commit, name, state } = report;
  const title = boundLine(report.title);
  const last = await lastStatus(session, report);
  if (last !== undefined && last.state === state && last.title === title) return;
  await session.send("write", "POST", statusRoute, { sha: commit, state, context: name, description: title });
}

export function reportsOn(session: Session): Pick<Forge, "report"> {
  let checks = session.account === "App";
  return {
    report: (report) =>
      session.guarded(`report ${report.name} on commit ${report.commit.slice(0, 12)}`, async () => {
        if (!checks) return await sayStatus(session, report);
        try {
          return await sayCheck(session, report);
        } catch (error) {
          if (session.failure(error).kind !== "Forbidden") throw error;
          // The App was installed without the right to write checks.
          checks = false;
        }
        await sayStatus(session, report);
      }),
  };
}
