// Gitea and Forgejo by their REST API. Holds A5: at most one open pull request per head, also after lost replies: we look before we open and
// again after an unclear answer. Reads may be repeated, writes never blindly. Approval is not read here (A1).
import type { Forge } from "../port.ts";
import { historyOn } from "./history.ts";
import { issuesOn } from "./issues.ts";
import { mergeOn } from "./merge.ts";
import { pullsOn } from "./pulls.ts";
import { reportsOn } from "./reports.ts";
import { createSession, type GiteaForgeOptions } from "./session.ts";

export type { GiteaForgeOptions } from "./session.ts";

/** A forge on Gitea. Throws UserError for an address that cannot be used; talks to nobody until the first call. */
export function createGiteaForge(options: GiteaForgeOptions): Forge {
  const session = createSession(options);
  return {
    ...pullsOn(session),
    ...historyOn(session),
    ...reportsOn(session),
    ...mergeOn(session),
    ...issuesOn(session),
  };
}
