// What a promotion's commit holds: the ring's file with its entries changed, the level files that are new, and a message that says which.
// Built anew from the head each time, never by merging text. Trailers let a later pass tell Ringward's own commit from a person's.
import { createHash } from "node:crypto";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import { levelDigest } from "../../core/levels/index.ts";
import type { LevelInForce, RingInForce } from "../../core/model.ts";
import type { PromotedEntry } from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import type { CommitSha, GitSnapshot } from "../../git/port.ts";
import { levelPath, renderLevelFile } from "./level-file.ts";
import { editRingEntries, findDocument, type FoundDocument } from "./ring-edit.ts";

export type Files = ReadonlyMap<string, string>;

export interface PolicyPlace {
  readonly snapshot: GitSnapshot;
  /** Folder of the policy in the repository. */
  readonly policyPath: string;
}

/** The ring's document at the head. Throws UserError RW1202 where there is not exactly one. */
export function findRing(ring: RingInForce, { snapshot }: PolicyPlace): FoundDocument {
  const found = findDocument(snapshot.files, "RolloutRing", ring.name, ring.origin?.file);
  if (found !== undefined) return found;
  throw new UserError(
    "RW1202",
    `commit ${snapshot.commit.slice(0, 12)} does not hold exactly one RolloutRing "${ring.name}"`,
    "keep exactly one of that name",
  );
}

/** Every file that the change needs, path -> text. Throws UserError for files that cannot be edited in place, or levels that were edited. */
export function filesFor(ring: RingInForce, entries: readonly PromotedEntry[], place: PolicyPlace): Files {
  const { file } = findRing(ring, place);
  const text = editRingEntries(
    file,
    ring.name,
    entries.map(({ baseline, level, maxTargets }) => ({ baseline, level: level.name, maxTargets })),
  );
  const files = new Map<string, string>();
  for (const { level } of entries) {
    const path = levelPath(place.policyPath, level.name);
    if (!hasLevel(level, path, place)) files.set(path, renderLevelFile(level));
  }
  if (text !== file.text) files.set(file.path, text);
  return files;
}

/** Whether the level stands in Git. Throws UserError RW1201 where something else stands under its name. */
function hasLevel(level: LevelInForce, path: string, { snapshot, policyPath }: PolicyPlace): boolean {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  const levels = snapshot.files.filter((file) => file.path.startsWith(folder));
  const found = findDocument(levels, "PatchLevel", level.name, path);
  if (found !== undefined && levelDigest(found.document.value["spec"] as PatchLevelSpec) === level.digest) return true;
  const other = found?.file ?? snapshot.files.find((file) => file.path === path);
  if (other === undefined) return false;
  throw new UserError(
    "RW1201",
    `${other.path} stands where level ${level.name} belongs and holds something else`,
    `revert what was changed in ${levelPath(policyPath, level.name)}`,
  );
}

// ----------------------------------------------------------------------------------------------------- messages

const BASE = "Ringward-Base";
const CONTENT = "Ringward-Content";
const EVIDENCE = "Ringward-Evidence";
const MOST = "Ringward-Max-Targets";

/** What a commit of Ringward says of itself. */
export interface Trailers {
  readonly base: string;
  /** Hash of the policy files that it changes. */
  readonly content: string;
  readonly evidence: string | undefined;
  readonly maxTargets: number | undefined;
}

/** The message of a promotion's commit. `base` is the commit that it stands on; `evidence` is told where the commit itself holds the page. */
export function messageFor(
  ring: RingInForce,
  entries: readonly PromotedEntry[],
  files: Files,
  base: CommitSha,
  evidence?: string,
): string {
  const [only] = entries;
  const subject =
    only === undefined || entries.length > 1
      ? `Promote ring ${ring.name}: ${entries.length} baselines`
      : only.kind === "Scope"
        ? `Cover ${only.maxTargets} targets of ${only.baseline} in ring ${ring.name}`
        : `Promote ring ${ring.name} to ${only.level.name}`;
  return [
    subject.length <= 100 ? subject : `${subject.slice(0, 99)}…`,
    "",
    ...entries.map(
      ({ baseline, previous, level, maxTargets }) =>
        `${baseline}: ${previous?.name ?? "no level"} -> ${level.name}, at most ${maxTargets} targets`,
    ),
    "",
    `Ringward-Ring: ${ring.name}`,
    ...entries.flatMap(({ baseline, level }) => [
      `Ringward-Baseline: ${baseline}`,
      `Ringward-Level: ${level.name}`,
      `Ringward-Digest: sha256:${level.digest}`,
    ]),
    ...(only === undefined || entries.length > 1 ? [] : [`${MOST}: ${only.maxTargets}`]),
    ...(evidence === undefined ? [] : [`${EVIDENCE}: ${evidence}`]),
    `${BASE}: ${base}`,
    `${CONTENT}: ${hashFiles(files)}`,
  ].join("\n");
}

/** Undefined: not a commit of Ringward. */
export function readTrailers(message: string): Trailers | undefined {
  const last = (name: string): string | undefined =>
    [...message.matchAll(new RegExp(`^${name}: (\\S+)$`, "gm"))].at(-1)?.[1];
  const [base, content] = [last(BASE), last(CONTENT)];
  if (base === undefined || content === undefined) return undefined;
  const most = last(MOST);
  return {
    base,
    content,
    evidence: last(EVIDENCE),
    maxTargets: most !== undefined && /^\d{1,6}$/.test(most) ? Number(most) : undefined,
  };
}

/** Equal for equal paths and texts. */
export function hashFiles(files: ReadonlyMap<string, string | null>): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex").slice(0, 24);
}
