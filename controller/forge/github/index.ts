// GitHub (and GitHub Enterprise Server) through octokit. Holds A5: at most one open pull request per head, also after lost replies:
// we look before we open and again after an unclear answer. Reads may be repeated, writes never blindly. Approval is not read here (A1).
import type { Forge } from "../port.ts";
import { type CommitOptions, pushOn } from "./commits.ts";
import { historyOn } from "./history.ts";
import { issuesOn } from "./issues.ts";
import { mergeOn } from "./merge.ts";
import { pullsOn } from "./pulls.ts";
import { reportsOn } from "./reports.ts";
import { createSession, type GitHubForgeOptions, type Speaker } from "./session.ts";

export { type AppOptions, createAppAccount } from "./app.ts";
export type { Account } from "./session.ts";

export type GitHubSettings = GitHubForgeOptions & Speaker & { readonly commits?: CommitOptions };

/** A forge on GitHub. Throws UserError for an address that cannot be used; talks to nobody until the first call. */
export function createGitHubForge(options: GitHubSettings): Forge {
  const session = createSession(options);
  // Only an App's commits are signed by GitHub; whoever has a token pushes with git, and may sign with a key.
  const push =
    options.commits !== undefined && session.account === "App" ? pushOn(session, options.commits) : undefined;
  return {
    ...(push === undefined ? {} : { push }),
    ...pullsOn(session),
    ...historyOn(session),
    ...reportsOn(session),
    ...mergeOn(session),
    ...issuesOn(session),
  };
}
