// Manifest proposals as a forge knows them: the branch says which ring, baseline and level they are about, and which place they change.
import { createHash } from "node:crypto";
import type { Digest } from "../model.ts";
import { branchPart, PROPOSAL_PREFIX, type ProposalPeople, readMarker } from "../promotion/index.ts";

/** Branches of manifest proposals; no promotion's branch begins so and has as many parts. */
export const MANIFEST_PREFIX = `${PROPOSAL_PREFIX}manifests/`;

export interface KnownManifestProposal {
  readonly number: number;
  readonly branch: string;
  readonly state: "open" | "merged" | "closed";
  /** Parts of the branch: compare them with `branchPart(name)`. */
  readonly ring: string;
  readonly baseline: string;
  /** First 12 hex digits of the level's digest. */
  readonly digest: string;
  /** Short hash of the path. */
  readonly path: string;
  /** Closed by Ringward itself, which is no refusal. */
  readonly withdrawn: boolean;
  readonly people?: ProposalPeople;
}

export function hashPath(path: string): string {
  return createHash("sha256").update(path).digest("hex").slice(0, 8);
}

/** `ringward/manifests/RING/BASELINE/DIGEST-PATHHASH`. */
export function manifestBranch(ring: string, baseline: string, digest: Digest, path: string): string {
  return `${MANIFEST_PREFIX}${branchPart(ring)}/${branchPart(baseline)}/${digest.slice(0, 12)}-${hashPath(path)}`;
}

/** Undefined: not a branch of ours. */
export function parseManifestBranch(
  branch: string,
): Pick<KnownManifestProposal, "ring" | "baseline" | "digest" | "path"> | undefined {
  const match = /^ringward\/manifests\/([a-z0-9._-]+)\/([a-z0-9._-]+)\/([0-9a-f]{12})-([0-9a-f]{8})$/.exec(branch);
  const [, ring, baseline, digest, path] = match ?? [];
  if (ring === undefined || baseline === undefined || digest === undefined || path === undefined) return undefined;
  return { ring, baseline, digest, path };
}

/** A pull request as a manifest proposal of ours; undefined if its branch is none. */
export function readManifestProposal(
  pull: Pick<KnownManifestProposal, "number" | "state"> & { readonly head: string; readonly body: string },
  people?: ProposalPeople,
): KnownManifestProposal | undefined {
  const parsed = parseManifestBranch(pull.head);
  if (parsed === undefined) return undefined;
  return {
    number: pull.number,
    branch: pull.head,
    state: pull.state,
    ...parsed,
    withdrawn: pull.state === "closed" && typeof readMarker(pull.body)?.closed === "string",
    ...(people === undefined ? {} : { people }),
  };
}
