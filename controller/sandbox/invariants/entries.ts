// What an entry covers, and what becomes of one that was changed: its scope (A2), its withdrawal (A3), its level's name (A6), and targets
// that had not begun when it came to name another level (D4).
import { levelDigest } from "../../core/levels/index.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Claim } from "../../core/model.ts";
import type { Invariant } from "./invariant.ts";
import { memberOf } from "./membership.ts";
import { allBefore, entryOf, recordOf } from "./rings.ts";
import { decidedAt, describeAct, isStart, objectOf } from "./starts.ts";
import { isSettled, type World } from "./world.ts";

const RINGS = "rolloutrings.ringward.dev";
const LEDGERS = "disruptionledgers.ringward.dev";

const checkScope: NonNullable<Invariant["check"]> = ({ ledger }, world, report) => {
  for (const claim of ledger?.fresh ?? []) {
    const key = `${claim.ring}/${claim.baseline}/${claim.digest}`;
    const claimed = new Set([...((report.memo.get(key) as readonly string[] | undefined) ?? []), claim.uid]);
    report.memo.set(key, [...claimed]);
    const most = entryOf(world, claim)?.maxTargets;
    if (most === undefined) continue;
    report.met();
    // Who is gone, or is a member elsewhere by now, counts no more.
    const mine = [...claimed].filter((uid) => memberOf(world, uid)?.includes(claim.ring) === true);
    if (mine.length > most)
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${mine.length} targets were claimed for ${claim.level}, and the approval covers ${most}`,
      );
    const told = recordOf(world, claim.ring, claim)?.targets;
    if (told !== undefined && told > most)
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${claim.name} was claimed with ${told} targets in scope of ${claim.level}, and the approval covers ${most}`,
      );
  }
};

/** The ring, or one before it, in which a level was withdrawn long enough ago to be known. */
function withdrawnIn(world: World, claim: Claim, at: Pick<World, "now" | "settleMs"> = world): string | undefined {
  return [claim.ring, ...allBefore(world, claim.ring)].find((ring) => {
    const time = recordOf(world, ring, claim)?.withdrawnTime;
    return time !== undefined && isSettled(at, Date.parse(time));
  });
}

/** The ring's entry named the claim's level once and names another one now, or none, for longer than may go unnoticed. */
function isLeft(world: World, claim: Claim, at: Pick<World, "now" | "settleMs">): boolean {
  const since = world.entryLeft.get(`${claim.ring}/${claim.baseline}/${claim.level}`);
  if (since === undefined || !isSettled(at, since)) return false;
  const entry = world.rings.get(claim.ring)?.spec.levels?.find((one) => one.baseline === claim.baseline);
  // Another name of the same content is the same level.
  return world.levels.get(entry?.level ?? "")?.digest !== claim.digest;
}

const checkWithdrawn: NonNullable<Invariant["check"]> = (step, world, report) => {
  if (step.version.resource === RINGS) {
    const records = world.rings.get(step.version.object.metadata.name)?.status?.levels ?? [];
    if (records.some((record) => record.withdrawnTime !== undefined)) report.met();
  }
  for (const claim of step.ledger?.fresh ?? []) {
    const ring = withdrawnIn(world, claim);
    if (ring !== undefined)
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${claim.kind} ${claim.name} was claimed at ${claim.level}, which was withdrawn in ring ${ring}`,
      );
  }
  for (const act of step.acts) {
    const claim = isStart(act, world) ? world.claims.get(act.claimId ?? "") : undefined;
    const ring = claim === undefined ? undefined : withdrawnIn(world, claim, decidedAt(act, world));
    if (claim !== undefined && ring !== undefined)
      report.violated(objectOf(act), `${describeAct(act)} at ${claim.level}, which was withdrawn in ring ${ring}`);
  }
};

const checkChanged: NonNullable<Invariant["check"]> = ({ version, acts }, world, report) => {
  if (version.resource === RINGS) {
    const { name } = version.object.metadata;
    for (const claim of world.held.values())
      if (claim.ring === name && world.entryLeft.has(`${name}/${claim.baseline}/${claim.level}`)) report.met();
  }
  for (const act of acts) {
    const claim = isStart(act, world) ? world.claims.get(act.claimId ?? "") : undefined;
    const at = decidedAt(act, world);
    if (claim === undefined || !isLeft(world, claim, at) || withdrawnIn(world, claim, at) !== undefined) continue;
    report.violated(
      objectOf(act),
      `${describeAct(act)} at ${claim.level}, which the entry of ring ${claim.ring} does not name any more`,
    );
  }
};

const checkLevelName: NonNullable<Invariant["check"]> = ({ version, byController }, world, report) => {
  if (!byController || version.type === "DELETED") return;
  report.met();
  const { name } = version.object.metadata;
  const digest = world.levels.get(name)?.digest ?? levelDigest(version.object.spec as PatchLevelSpec);
  if (!name.endsWith(`-${digest.slice(0, 12)}`))
    report.violated(`patchlevels/${name}`, `written under a name that does not match its content, ${digest}`);
};

export const entries: readonly Invariant[] = [
  {
    id: "A2",
    says: "no more targets are claimed for a level than its approval covers",
    on: [LEDGERS],
    check: checkScope,
  },
  { id: "A3", says: "nothing is claimed or started at a level that was withdrawn", check: checkWithdrawn },
  {
    id: "A6",
    says: "a level is written only under the name of its content",
    on: ["patchlevels.ringward.dev"],
    check: checkLevelName,
  },
  {
    id: "D4",
    says: "where an entry came to name another level, nothing more starts at the one before",
    check: checkChanged,
  },
];
