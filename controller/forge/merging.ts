// What merging is on every forge: what a look at the pull request decides, and one method after another until one is allowed. What a
// refusal means is each forge's own.
import type { CommitSha } from "../git/port.ts";
import type { MergeMethod, MergeRequest, MergeResult, PullRequest } from "./port.ts";

/** What one attempt came to. `OtherMethod`: the repository does not allow this one. */
export type Attempt = MergeResult | { readonly kind: "OtherMethod"; readonly message: string };

/** What needs no attempt: the end of it, or what forbids one. */
export function decideMerge(
  { pull, merged }: { readonly pull: PullRequest; readonly merged: { readonly commit: CommitSha } | undefined },
  { head }: MergeRequest,
): MergeResult | undefined {
  if (pull.headSha !== head) return { kind: "Moved" };
  if (merged !== undefined) return { kind: "Merged", commit: merged.commit };
  if (pull.state === "closed") return { kind: "Refused", message: "the pull request is closed" };
  return pull.draft ? { kind: "Refused", message: "the pull request is a draft" } : undefined;
}

/** Tries the methods in their order, until one is not refused for what it is. */
export async function tryMethods(
  methods: readonly MergeMethod[],
  attempt: (method: MergeMethod) => Promise<Attempt>,
): Promise<MergeResult> {
  let refusal = "the repository allows no merge method";
  for (const method of methods) {
    const result = await attempt(method);
    if (result.kind !== "OtherMethod") return result;
    refusal = result.message;
  }
  return { kind: "Refused", message: refusal };
}
