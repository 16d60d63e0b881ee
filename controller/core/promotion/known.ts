// Proposals as a forge knows them: which ring, baseline and level a branch is about, and the hidden marker in a pull request's body.
// Pure. A marker is only a memory (anyone who may write can edit a body): it never approves anything and never widens a scope (A1).
import { createHash } from "node:crypto";
import type { Digest } from "../model.ts";
import type { ProposalPeople } from "./people.ts";

/** Branches of Ringward's proposals. */
export const PROPOSAL_PREFIX = "ringward/";
const SHORT = 12;

/** One pull request of ours, or, where there is no forge, one branch (number 0). Ring and baseline are the branch's parts: compare them with `branchPart(name)`. */
export interface KnownProposal {
  readonly number: number;
  readonly branch: string;
  readonly state: "open" | "merged" | "closed";
  readonly ring: string;
  readonly baseline: string;
  /** First 12 hex digits of the level's digest. */
  readonly digest: string;
  /** A scope proposal's number of targets; undefined: a proposal of a level. */
  readonly scope: number | undefined;
  /** The number of targets that its entry line says, as its marker remembers. */
  readonly maxTargets: number | undefined;
  /** Closed by Ringward itself, which is no rejection. */
  readonly withdrawn: boolean;
  /** One of several entries of the ring's shared pull request. */
  readonly group?: true;
  /** What people did with it, where that was asked and answered. */
  readonly people?: ProposalPeople;
}

/** A name as a part of a branch: itself, or, where git or its length would refuse that, a short form with a hash. */
export function branchPart(name: string): string {
  if (name.length <= 63 && !name.includes("..") && !name.endsWith(".lock")) return name;
  const stem = name.slice(0, 40).replaceAll(".", "-");
  // No object's name holds an underscore, so a short form is never another name's plain one.
  return `${stem}_${createHash("sha256").update(name).digest("hex").slice(0, SHORT)}`;
}

/** The branch of a proposal: `ringward/RING/BASELINE/DIGEST[-scope-MAXTARGETS]`. */
export function proposalBranch(ring: string, baseline: string, digest: Digest, scope?: number): string {
  const end = scope === undefined ? "" : `-scope-${scope}`;
  return `${PROPOSAL_PREFIX}${branchPart(ring)}/${branchPart(baseline)}/${digest.slice(0, SHORT)}${end}`;
}

/** The branch of a ring's shared pull request. No object's name holds an underscore, so no baseline's branch is ever there. */
export function groupBranch(ring: string): string {
  return `${PROPOSAL_PREFIX}${branchPart(ring)}/_all`;
}

/** The ring's part of a shared pull request's branch; undefined for any other. */
export function parseGroupBranch(branch: string): string | undefined {
  return /^ringward\/([a-z0-9._-]+)\/_all$/.exec(branch)?.[1];
}

/** What a branch's name says; undefined for a branch that is no proposal of ours. */
export function parseProposalBranch(
  branch: string,
): Pick<KnownProposal, "ring" | "baseline" | "digest" | "scope"> | undefined {
  const match = /^ringward\/([a-z0-9._-]+)\/([a-z0-9._-]+)\/([0-9a-f]{12})(?:-scope-(0|[1-9][0-9]{0,5}))?$/.exec(
    branch,
  );
  const [, ring, baseline, digest, scope] = match ?? [];
  if (ring === undefined || baseline === undefined || digest === undefined) return undefined;
  return { ring, baseline, digest, scope: scope === undefined ? undefined : Number(scope) };
}

/** One entry of a shared pull request. */
export interface MarkedEntry {
  readonly baseline: string;
  readonly digest: string;
  readonly maxTargets: number;
  /** Set where the level stays and the number grows. */
  readonly scope?: number;
}

/** What a pull request's body remembers, hidden from readers. */
export interface ProposalMarker {
  readonly cluster: string;
  readonly ring: string;
  readonly baseline: string;
  readonly level: string;
  readonly digest: string;
  readonly maxTargets: number;
  /** Of a shared pull request: what it holds. */
  readonly entries?: readonly MarkedEntry[];
  /** Hash of all that the body says for longer than a pass: it is rewritten when this changes. */
  readonly evidence: string;
  /** The same of each part of the body, by its title: what is new in the next version is told. */
  readonly parts?: Readonly<Record<string, string>>;
  /** Which parts were new in versions before, the newest last. */
  readonly versions?: readonly { readonly at: string; readonly parts: readonly string[] }[];
  /** When the rollout would have ended had it been merged at this version, RFC 3339: held against what it really took. */
  readonly forecast?: string;
  /** Why Ringward itself closed it. */
  readonly closed?: string;
}

const OPEN = "<!-- ringward: ";
const CLOSE = " -->";

/** The marker as a line of a body. */
export function writeMarker(marker: Partial<ProposalMarker>): string {
  // What begins or ends a comment is written so that JSON reads it back and neither HTML nor `readMarker` sees it.
  return `${OPEN}${JSON.stringify(marker).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e")}${CLOSE}`;
}

/** The last marker in a body; undefined where there is none that can be read. */
export function readMarker(body: string): Partial<ProposalMarker> | undefined {
  const start = body.lastIndexOf(OPEN);
  const end = start < 0 ? -1 : body.indexOf(CLOSE, start);
  if (end < 0) return undefined;
  try {
    const value: unknown = JSON.parse(body.slice(start + OPEN.length, end));
    return typeof value === "object" && value !== null ? (value as Partial<ProposalMarker>) : undefined;
  } catch {
    return undefined;
  }
}

/** The body with the marker that says why Ringward closes it. */
export function markClosed(body: string, reason: string): string {
  const marker = readMarker(body);
  const start = marker === undefined ? -1 : body.lastIndexOf(OPEN);
  const line = writeMarker({ ...marker, closed: reason });
  // What a forge would cut off must not be the marker.
  if (start < 0 || body.length > 60_500) return `${body.slice(0, 60_000).trimEnd()}\n\n${line}\n`;
  return body.slice(0, start) + line + body.slice(body.indexOf(CLOSE, start) + CLOSE.length);
}

/** A pull request as proposals of ours: one, or those that a shared one holds; none if its branch is none of ours. */
export function readProposals(
  pull: {
    readonly number: number;
    readonly head: string;
    readonly state: "open" | "merged" | "closed";
    readonly body: string;
  },
  people?: ProposalPeople,
): readonly KnownProposal[] {
  const marker = readMarker(pull.body);
  const base = {
    number: pull.number,
    branch: pull.head,
    state: pull.state,
    withdrawn: pull.state === "closed" && typeof marker?.closed === "string",
    ...(people === undefined ? {} : { people }),
  };
  const parsed = parseProposalBranch(pull.head);
  if (parsed !== undefined) return [{ ...base, ...parsed, maxTargets: parsed.scope ?? countOf(marker?.maxTargets) }];
  const ring = parseGroupBranch(pull.head);
  if (ring === undefined || !Array.isArray(marker?.entries)) return [];
  return (marker.entries as readonly unknown[]).flatMap((entry) => {
    const { baseline, digest, maxTargets, scope } = (entry ?? {}) as Partial<Record<keyof MarkedEntry, unknown>>;
    if (typeof baseline !== "string" || typeof digest !== "string" || !/^[0-9a-f]{12}/.test(digest)) return [];
    return [
      {
        ...base,
        ring,
        baseline: branchPart(baseline),
        digest: digest.slice(0, SHORT),
        scope: countOf(scope),
        maxTargets: countOf(maxTargets),
        group: true as const,
      },
    ];
  });
}

/** A number of targets, as a body that anyone may edit says it. */
function countOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
