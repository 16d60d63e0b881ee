// Whether the head of the policy repository may be taken into force by who signed it. Whatever is not known to be verified is a brake:
// what was in force serves what is in flight, and nothing starts. A person who acknowledges a commit vouches for what led to it, never for
// a head: that one is always asked for its own signature.
import type { PolicyRepositorySpec } from "../api/policy-repository.ts";
import type { Block } from "../core/model.ts";
import type { CommitSha, PolicyGit } from "../git/port.ts";
import type { PolicyObject } from "../policy/object.ts";

type Verification = NonNullable<PolicyRepositorySpec["verification"]>;

export function isVerified(
  spec: PolicyRepositorySpec,
): spec is PolicyRepositorySpec & { readonly verification: Verification & { readonly mode: "Head" | "Strict" } } {
  return spec.verification !== undefined && spec.verification.mode !== "None";
}

/** Why a head is not verified; undefined where it is, or where nobody asks. */
export async function findUnverified(
  git: PolicyGit,
  spec: PolicyRepositorySpec,
  head: CommitSha,
  verified: CommitSha | undefined,
  onError: (error: unknown) => void,
): Promise<Block | undefined> {
  if (!isVerified(spec)) return undefined;
  try {
    const since = spec.verification.mode === "Head" ? undefined : await anchorOf(git, spec, head, verified);
    const verdict = await git.verify(head, since);
    if (verdict.kind === "Verified") return undefined;
    const by = verdict.signer === undefined ? "" : ` (${verdict.signer})`;
    const wayOut =
      verdict.commit === head
        ? "sign the next commit with a trusted key"
        : `set acknowledgedCommit to ${verdict.commit} if it is to be taken, under a signed head`;
    return {
      reason: "SignatureInvalid",
      message: `commit ${verdict.commit.slice(0, 12)}${by}: ${verdict.why}; ${wayOut}`,
    };
  } catch (error) {
    onError(error);
    const why = error instanceof Error ? error.message : String(error);
    return {
      reason: "SignatureInvalid",
      message: `commit ${head.slice(0, 12)} cannot be verified: ${why.slice(0, 500)}`,
    };
  }
}

/** The commit since which all are asked for: the one that was verified last, or a later one that a person has acknowledged. */
async function anchorOf(
  git: PolicyGit,
  { acknowledgedCommit }: PolicyRepositorySpec,
  head: CommitSha,
  verified: CommitSha | undefined,
): Promise<CommitSha | undefined> {
  if (verified === undefined) return undefined;
  const acknowledged = acknowledgedCommit as CommitSha | undefined;
  if (acknowledged === undefined || !(await git.isAncestor(acknowledged, head))) return verified;
  // One from before the verified head would only ask for commits again that were verified.
  return (await git.isAncestor(acknowledged, verified)) ? verified : acknowledged;
}

/** What a person should know of Ringward's own commits where commits are verified; undefined: nothing. */
export function describeOwnCommits(
  spec: PolicyRepositorySpec,
  byForge: boolean,
  objects: readonly PolicyObject[],
): string | undefined {
  if (!isVerified(spec) || byForge || spec.commits?.signingKeyFile !== undefined) return undefined;
  const automatic = objects.filter(
    ({ kind, spec: its }) => kind === "RolloutRing" && (its as { promotion?: string }).promotion === "Automatic",
  );
  const names = automatic.map(({ name }) => name).join(", ");
  if (names !== "")
    return `verification ${spec.verification.mode} and promotion: Automatic cannot go together while Ringward's own commits are not signed: nothing is promoted by itself in ${names} (give commits.signingKeyFile, or a GitHub App)`;
  if (spec.verification.mode !== "Strict") return undefined;
  return "Ringward's own commits are not signed: a proposal that is merged with its commits will not be verified (squash it, give commits.signingKeyFile, or a GitHub App)";
}
