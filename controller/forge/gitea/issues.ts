// The one issue of ours that is kept open, edited and closed, found among the issues of our account.
import { type FoundIssue, keepOneIssue } from "../keep-one.ts";
import type { Forge } from "../port.ts";
import { readIssue } from "../reading.ts";
import { boundTitle } from "../text.ts";
import { readHasIssues } from "./documents.ts";
import { titleLimit } from "./pulls.ts";
import { readAll, type Session } from "./session.ts";

const issuesRoute = "/repos/{owner}/{repo}/issues";
const issueRoute = "/repos/{owner}/{repo}/issues/{number}";
const mostIssues = 10_000;

export function issuesOn(session: Session): Pick<Forge, "keepIssue"> {
  async function list(): Promise<readonly FoundIssue[]> {
    const query = { type: "issues", state: "all", created_by: await session.viewer() };
    const found = await readAll(
      session,
      { route: issuesRoute, query, read: readIssue, what: "issues of our account" },
      mostIssues,
    );
    return found.filter((issue) => issue !== undefined);
  }

  async function make(title: string, text: string): Promise<FoundIssue> {
    const { data } = await session.send("write", "POST", issuesRoute, { body: { title, body: text } });
    const made = readIssue(data);
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
                await session.send("write", "PATCH", issueRoute, { path: { number }, body: { ...texts, ...state } });
              },
            },
            { ...issue, title: boundTitle(issue.title, titleLimit) },
          );
        } catch (error) {
          // Where issues are switched off it answers 404, as for a repository that is not there.
          if (session.failure(error).kind !== "NotFound") throw error;
          if (readHasIssues((await session.send("read", "GET", "/repos/{owner}/{repo}")).data)) throw error;
          return undefined;
        }
      }),
  };
}
