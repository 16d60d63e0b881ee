// A branch whose protection takes no commit from us: the one refusal that callers act on, because a pull request may still be merged there.
import { UserError } from "../errors.ts";

/** Code of the error. */
export const REF_PROTECTED = "RW0720";

/** Whether a forge's words say that rules protect a branch (GitHub's branch protection and rulesets say it in several ways). */
export function saysProtected(message: string): boolean {
  return /protected|rule violation|through a pull request|required status check|review is required/i.test(message);
}

export function refProtected(place: string, branch: string, said: string): UserError {
  return new UserError(
    REF_PROTECTED,
    `${place}: the rules of branch ${branch} take no commit from us: ${said.slice(0, 300)}`,
    "let Ringward's account pass them, or use promotion: PullRequest",
  );
}
