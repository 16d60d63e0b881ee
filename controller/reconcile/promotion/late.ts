// How late a forge's lists may be, and what follows from it. No forge promises that a list shows what was written a moment ago: what a list
// lacks may be there all the same, and be answered already. Nothing is opened, deleted or left double because a list was old (A5).
import type { Clock, Instant } from "../../clock.ts";
import type { PullRequest } from "../../forge/port.ts";
import type { CommitSha, PolicyGit } from "../../git/port.ts";

/** After so long a list shows what was written, ms. */
export const LATE_MS = 120_000;

/** Pull requests that this process opened a moment ago: they are there, whatever a list says. Losing it costs a wait. */
export interface JustOpened {
  add(pull: PullRequest): void;
  /** The list, with those that it does not show yet. */
  complete(listed: readonly PullRequest[]): readonly PullRequest[];
}

export function createJustOpened(transport: Clock): JustOpened {
  const opened = new Map<number, { readonly pull: PullRequest; readonly until: number }>();
  return {
    add(pull) {
      opened.set(pull.number, { pull, until: transport.monotonic() + LATE_MS });
    },
    complete(listed) {
      for (const [number, { until }] of opened) if (transport.monotonic() >= until) opened.delete(number);
      const missing = [...opened.values()].filter(({ pull }) => listed.every(({ number }) => number !== pull.number));
      return [...missing.map(({ pull }) => pull), ...listed];
    },
  };
}

/** Whether a list shows a pull request of what stands on a branch now: one of an earlier time says nothing of it. */
export function isShown(pulls: readonly PullRequest[], branch: string, tip: CommitSha): boolean {
  return pulls.some(({ head, headSha }) => head === branch && headSha === tip);
}

/** Whether a branch was moved so short a time ago that somebody else's pull request of it may not be in any list yet. */
export async function isJustMade(git: PolicyGit, tip: CommitSha, now: Instant): Promise<boolean> {
  const [entry] = await git.log(undefined, tip, 1);
  return entry !== undefined && now - entry.time < LATE_MS;
}
