// Merging on Gitea. The request carries the head that we mean, so that nothing else can be merged by it. Gitea says `mergeable: false` both
// for a conflict and while it still checks, and answers 405 for "wait" and "never" alike: we wait for the check, which takes less than a
// second where the server is well; what it says after a refusal decides, and what stays unclear is NotYet.
import { type Attempt, decideMerge, tryMethods } from "../merging.ts";
import type { Forge, MergeMethod, MergeRequest, MergeResult } from "../port.ts";
import { boundTitle } from "../text.ts";
import { readMergeMethods } from "./documents.ts";
import { getPull } from "./pulls.ts";
import type { Session } from "./session.ts";

const mergeRoute = "/repos/{owner}/{repo}/pulls/{number}/merge";
/** Waits between looks, ms. */
const patience = [250, 500, 1000, 2000];

/** Looks until the forge says that it can be merged. */
async function look(session: Session, number: number, request: MergeRequest): Promise<MergeResult | undefined> {
  for (let count = 0; ; count++) {
    const detail = await getPull(session, number);
    const end = decideMerge(detail, request);
    if (end !== undefined || detail.mergeable) return end;
    const wait = patience[count];
    if (wait === undefined)
      return { kind: "Refused", message: `it conflicts with ${detail.pull.base}, or the forge could not check it` };
    await session.clock.sleep(wait);
  }
}

const otherMethod = /allowed merge style/i;
/** "Please try again later", "merge push out of date". */
const later = /try again|push out of date/i;

/** What a refusal means, after a look at what the pull request is now. */
async function afterRefusal(
  session: Session,
  number: number,
  request: MergeRequest,
  message: string,
): Promise<MergeResult> {
  const end = decideMerge(await getPull(session, number), request);
  return end ?? (later.test(message) ? { kind: "NotYet", message } : { kind: "Refused", message });
}

async function attempt(session: Session, number: number, request: MergeRequest, method: MergeMethod): Promise<Attempt> {
  try {
    const texts = { merge_title_field: boundTitle(request.title), merge_message_field: request.message };
    const body = { Do: method, head_commit_id: request.head, ...(method === "rebase" ? {} : texts) };
    await session.send("write", "POST", mergeRoute, { path: { number }, body });
  } catch (error) {
    const failure = session.failure(error);
    switch (failure.kind) {
      case "NotAllowed":
        if (otherMethod.test(failure.message)) return { kind: "OtherMethod", message: failure.message };
        return await afterRefusal(session, number, request, failure.message);
      case "Conflict":
        return await afterRefusal(session, number, request, failure.message);
      case "NotFound":
        // Closed meanwhile.
        return await afterRefusal(session, number, request, "the forge does not find it any more");
      case "Outage": {
        // Only the forge knows whether it was done.
        const after = decideMerge(await getPull(session, number), request);
        if (after === undefined) throw error;
        return after;
      }
      default:
        throw error;
    }
  }
  // The answer is empty: which commit it made stands in the pull request.
  const { merged } = await getPull(session, number);
  return { kind: "Merged", commit: merged?.commit };
}

export function mergeOn(session: Session): Pick<Forge, "merge"> {
  return {
    merge: (number, request) =>
      session.guarded(`merge pull request #${number}`, async () => {
        const seen = await look(session, number, request);
        if (seen !== undefined) return seen;
        const methods =
          request.method === undefined
            ? readMergeMethods((await session.send("read", "GET", "/repos/{owner}/{repo}")).data)
            : [request.method];
        return tryMethods(methods, (method) => attempt(session, number, request, method));
      }),
  };
}
