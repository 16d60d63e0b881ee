// The one issue of ours that is kept open, edited and closed. Found among the issues of our account, oldest first: it was made once and
// early, so that the pages before it do not change and cost nothing to ask again.
import { type FoundIssue, keepOneIssue } from "../keep-one.ts";
import type { Forge } from "../port.ts";
import { readIssue, readList } from "../reading.ts";
import { readAll, type Session } from "./session.ts";

const issuesRoute = "/repos/{owner}/{repo}/issues";
const issueRoute = "/repos/{owner}/{repo}/issues/{issue_number}";
/** Of a hundred issues and pull requests of our account. */
const mostPages = 200;

/** True where the repository has its issues switched off: GitHub answers 410 then. */
function isWithoutIssues(session: Session, error: unknown): boolean {
  const failure = session.failure(error);
  return failure.kind === "NotFound" && failure.gone;
}

export function issuesOn(session: Session): Pick<Forge, "keepIssue"> {
  async function list(): Promise<readonly FoundIssue[]> {
    const creator = await session.viewer();
    return await readAll(
      session,
      {
        route: issuesRoute,
        parameters: { creator, state: "all", sort: "created", direction: "asc" },
        read: (data) => readList(data, "issues", readIssue).filter((issue) => issue !== undefined),
      },
      mostPages,
      "issues and pull requests of our account",
    );
  }

  async function make(title: string, body: string): Promise<FoundIssue> {
    const reply = await session.send("write", "POST", issuesRoute, { title, body });
    const made = readIssue(reply.data);
    if (made === undefined) throw new Error(`${session.place}: the forge made a pull request of an issue`);
    return made;
  }

  return {
    keepIssue: (issue) =>
      session.guarded(`keep the issue ${JSON.stringify(issue.title)}`, async () => {
        try {
          return await keepOneIssue(
            {
              list,
              make,
              async edit(number, { open, ...texts }) {
                const state = open === undefined ? {} : { state: open ? "open" : "closed" };
                await session.send("write", "PATCH", issueRoute, { issue_number: number, ...texts, ...state });
              },
            },
            issue,
          );
        } catch (error) {
          if (isWithoutIssues(session, error)) return undefined;
          throw error;
        }
      }),
  };
}
