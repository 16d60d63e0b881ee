// Merging on GitHub. The request carries the head that we mean, so that nothing else can be merged by it. GitHub answers 405 for "wait" and
// for "never" alike, and computes `mergeable` in the background: what it says after a refusal decides, and what stays unclear is NotYet.
import { type Attempt, decideMerge, tryMethods } from "../merging.ts";
import type { Forge, MergeMethod, MergeRequest, MergeResult } from "../port.ts";
import { boundTitle } from "../text.ts";
import { type PullDetail, readMergeCommit, readMergeMethods } from "./documents.ts";
import { getPull } from "./pulls.ts";
import type { Session } from "./session.ts";

const mergeRoute = "/repos/{owner}/{repo}/pulls/{pull_number}/merge";
const looks = 3;

/** What needs no attempt: the end of it, or what forbids one. */
function decided(detail: PullDetail, request: MergeRequest): MergeResult | undefined {
  const { pull, mergeable } = detail;
  const end = decideMerge(detail, request);
  return end === undefined && mergeable === false
    ? { kind: "Refused", message: `it conflicts with ${pull.base}` }
    : end;
}

/** Looks until the forge knows whether it can be merged; NotYet where it does not say. */
async function look(session: Session, number: number, request: MergeRequest): Promise<MergeResult | undefined> {
  for (let count = 1; ; count++) {
    const detail = await getPull(session, number);
    const end = decided(detail, request);
    if (end !== undefined || detail.mergeable === true) return end;
    if (count >= looks) return { kind: "NotYet", message: "the forge has not computed yet whether it can be merged" };
    await session.clock.sleep(1000 * count);
  }
}

const otherMethod = /(merge commits|squash merges|rebase merges) are not allowed|linear history|merge method/i;
/** "Base branch was modified. Review and try the merge again.", "Merge already in progress". */
const later = /base branch was modified|try (the merge )?again|in progress/i;

/** What a refusal means, after a look at what the pull request is now. Undefined: nothing is known of it. */
async function afterRefusal(
  session: Session,
  number: number,
  request: MergeRequest,
  message: string,
): Promise<MergeResult | undefined> {
  const detail = await getPull(session, number);
  const end = decided(detail, request);
  if (end !== undefined) return end;
  return later.test(message) || detail.mergeable === undefined ? { kind: "NotYet", message } : undefined;
}

async function attempt(session: Session, number: number, request: MergeRequest, method: MergeMethod): Promise<Attempt> {
  try {
    const reply = await session.send("write", "PUT", mergeRoute, {
      pull_number: number,
      sha: request.head,
      merge_method: method,
      ...(method === "rebase" ? {} : { commit_title: boundTitle(request.title), commit_message: request.message }),
    });
    return { kind: "Merged", commit: readMergeCommit(reply.data) };
  } catch (error) {
    const failure = session.failure(error);
    switch (failure.kind) {
      case "NotAllowed":
        if (otherMethod.test(failure.message)) return { kind: "OtherMethod", message: failure.message };
        return (
          (await afterRefusal(session, number, request, failure.message)) ?? {
            kind: "Refused",
            message: failure.message,
          }
        );
      case "Unprocessable":
        return { kind: "Refused", message: failure.message };
      case "Conflict":
        // The head moved, says GitHub; where it did not, something else did.
        return (
          (await afterRefusal(session, number, request, failure.message)) ?? {
            kind: "NotYet",
            message: failure.message,
          }
        );
      case "Outage": {
        // Only the forge knows whether it was done.
        const after = decided(await getPull(session, number), request);
        if (after === undefined) throw error;
        return after;
      }
      default:
        throw error;
    }
  }
}

export function mergeOn(session: Session): Pick<Forge, "merge"> {
  return {
    merge: (number, request) =>
      session.guarded(`merge pull request #${number}`, async () => {
        const seen = await look(session, number, request);
        if (seen !== undefined) return seen;
        const methods =
          request.method === undefined
            ? readMergeMethods((await session.send("read", "GET", "/repos/{owner}/{repo}", {})).data)
            : [request.method];
        return tryMethods(methods, (method) => attempt(session, number, request, method));
      }),
  };
}
