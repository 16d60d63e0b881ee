// The order of rings (R1, R3, R5) and their soak (R2), judged by the records that stand in the rings' own status when a claim is added.
import { isDeepStrictEqual } from "node:util";
import type { LevelEntry, RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../../core/duration.ts";
import type { Claim } from "../../core/model.ts";
import { isProduct, parseProduct } from "../../core/compliance/index.ts";
import { matches } from "../../core/selectors.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import type { Invariant, Report } from "./invariant.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import { type NodeView, textAt } from "./readings.ts";
import { isSettled, type World } from "./world.ts";

/** The entry of a claim's ring, if it still names the claim's level. */
export function entryOf(world: World, claim: Claim): LevelEntry | undefined {
  const entry = world.rings.get(claim.ring)?.spec.levels?.find((one) => one.baseline === claim.baseline);
  return entry?.level === claim.level ? entry : undefined;
}

/** Whether the entry's expedite skips something now. */
export function skips(world: World, claim: Claim, what: "Soak" | "Windows" | "Freezes"): boolean {
  const expedite = entryOf(world, claim)?.expedite;
  return (
    expedite !== undefined && expedite.skip.includes(what) && world.now - world.settleMs < Date.parse(expedite.until)
  );
}

export function recordOf(
  world: World,
  ring: string,
  claim: Pick<Claim, "baseline" | "digest">,
): RingLevelStatus | undefined {
  return world.rings
    .get(ring)
    ?.status?.levels?.find((level) => level.baseline === claim.baseline && level.digest === claim.digest);
}

/** No target of the baseline is a member of the ring: no node of the level's product, no workload with one of its images. */
function isEmpty(world: World, ring: string, claim: Claim): boolean {
  const members = world.rings.get(ring)?.spec.members;
  const level = world.levels.get(claim.level)?.spec;
  if (claim.kind === "Node") {
    const selector = members?.nodes?.selector;
    const wanted = level?.node?.product;
    if (selector === undefined || wanted === undefined) return selector === undefined;
    return ![...world.nodes.values()].some((node) => {
      const product = parseProduct(textAt(node.info, "osImage") ?? "");
      return matches(selector, node.labels) && (product === undefined || isProduct(product, wanted));
    });
  }
  const selector = members?.workloads?.selector;
  if (selector === undefined) return true;
  const repositories = level?.image?.images.map((image) => image.repository) ?? [];
  return ![...world.workloads.values()].some(
    (workload) =>
      matches(selector, workload.labels) &&
      repositories.some((repository) => workload.images.includes(`=${repository}`)),
  );
}

/** Why a ring lets nothing of a level through; undefined: it does. One that is empty and passes is asked through: its own predecessors count. */
function withholds(
  world: World,
  ring: string,
  claim: Claim,
  seen: ReadonlySet<string> = new Set(),
): string | undefined {
  const spec = world.rings.get(ring)?.spec;
  if (spec === undefined) return `ring ${ring} does not exist`;
  if (seen.has(ring) || recordOf(world, ring, claim)?.soakedTime !== undefined) return undefined;
  if (spec.completion?.onEmpty !== "Pass" || !isEmpty(world, ring, claim))
    return `ring ${ring} has no record that it soaked ${claim.level}`;
  for (const before of spec.after ?? []) {
    const why = withholds(world, before, claim, new Set([...seen, ring]));
    if (why !== undefined) return why;
  }
  return undefined;
}

const checkPredecessors: NonNullable<Invariant["check"]> = ({ ledger }, world, report) => {
  for (const claim of ledger?.fresh ?? []) {
    const after = world.rings.get(claim.ring)?.spec.after ?? [];
    if (after.length > 0) report.met();
    if (skips(world, claim, "Soak")) continue;
    for (const ring of after) {
      const why = withholds(world, ring, claim);
      if (why !== undefined)
        report.violated(`rolloutrings/${claim.ring}`, `${claim.kind} ${claim.name} was claimed: ${why}`);
    }
  }
};

/** Every ring before this one, directly or not. */
export function allBefore(world: World, ring: string, seen = new Set<string>()): ReadonlySet<string> {
  for (const name of world.rings.get(ring)?.spec.after ?? []) {
    if (seen.has(name)) continue;
    seen.add(name);
    allBefore(world, name, seen);
  }
  return seen;
}

/** The first claim of a digest ever, in any ring. */
const checkFirstRing: NonNullable<Invariant["check"]> = ({ ledger }, world, report) => {
  for (const claim of ledger?.fresh ?? []) {
    const key = `${claim.baseline}/${claim.digest}`;
    if (report.memo.has(key)) continue;
    report.memo.set(key, true);
    report.met();
    if (skips(world, claim, "Soak")) continue;
    for (const ring of allBefore(world, claim.ring)) {
      const why = withholds(world, ring, claim);
      if (why !== undefined)
        report.violated(`rolloutrings/${claim.ring}`, `level ${claim.level} began in ring ${claim.ring}: ${why}`);
    }
  }
};

const checkRegression: NonNullable<Invariant["check"]> = ({ version, byController }, world, report) => {
  if (version.resource !== "rolloutrings.ringward.dev") return;
  const name = version.object.metadata.name;
  judgeForgotten(version, world, report);
  if (!byController) return;
  const before =
    (version.previous?.status as { readonly levels?: readonly RingLevelStatus[] } | undefined)?.levels ?? [];
  for (const record of world.rings.get(name)?.status?.levels ?? []) {
    const earlier = before.find((one) => one.baseline === record.baseline && one.digest === record.digest);
    const grew = (record.soakedSeconds ?? 0) > (earlier?.soakedSeconds ?? 0);
    if ((record.soakedSeconds ?? 0) > 0) report.memo.set(`${name}/${record.digest}`, true);
    const regressed = findRegressed(world, name, record);
    if (
      earlier?.soakedTime !== undefined &&
      // Approved again after it was taken back it soaks again.
      earlier.withdrawnTime === undefined &&
      record.soakedTime === undefined &&
      regressed === undefined &&
      isWhole(world, name, record) &&
      !isTooShort(world, name, earlier)
    )
      report.memo.set(`forgotten/${name}`, { earlier, level: record.level, time: world.now } satisfies Forgotten);
    if (regressed === undefined) continue;
    report.met();
    if (grew)
      report.violated(
        `rolloutrings/${name}`,
        `the soak of ${record.level} went on although node ${regressed.name} fell back below it`,
      );
    else if (isKept(world, name, record) && isSettled(world, regressed.infoSince))
      report.violated(
        `rolloutrings/${name}`,
        `the soak of ${record.level} was kept although node ${regressed.name} fell back below it`,
      );
  }
};

/** A soak that was forgotten, and when. */
interface Forgotten {
  readonly earlier: RingLevelStatus;
  readonly level: string;
  readonly time: Instant;
}

/**
 * What a ring's next spec says of a soak that was forgotten: Git may ask for a longer one before its copy is written. Where the next one does
 * not, or none comes, nothing asked for it.
 */
function judgeForgotten(version: StoredVersion, world: World, report: Report): void {
  const name = version.object.metadata.name;
  const forgotten = report.memo.get(`forgotten/${name}`) as Forgotten | undefined;
  if (forgotten === undefined || isDeepStrictEqual(version.object.spec, version.previous?.spec)) return;
  report.memo.delete(`forgotten/${name}`);
  if (!isTooShort(world, name, forgotten.earlier)) tellForgotten(name, forgotten, report);
}

function tellForgotten(name: string, { level, time }: Forgotten, report: Report): void {
  const when = new Date(time).toISOString();
  report.violated(`rolloutrings/${name}`, `the soak of ${level} was forgotten at ${when} although nothing fell back`);
}

const endRegression: NonNullable<Invariant["end"]> = (_world, report) => {
  for (const [key, forgotten] of report.memo)
    if (key.startsWith("forgotten/")) tellForgotten(key.slice("forgotten/".length), forgotten as Forgotten, report);
};

/** The ring asks for a longer soak by now than was seen. */
function isTooShort(world: World, name: string, earlier: RingLevelStatus): boolean {
  const wanted = parseDuration(world.rings.get(name)?.spec.soak ?? "0s") ?? 0;
  return (earlier.soakedSeconds ?? 0) * 1000 < wanted;
}

/** Some soak of the level that the ring is approved for still counts. With exceptions, and shares of nodes, nobody here knows who is in scope. */
function isKept(world: World, ring: string, record: RingLevelStatus): boolean {
  const spec = world.rings.get(ring)?.spec;
  const entry = spec?.levels?.find(({ baseline }) => baseline === record.baseline);
  return (
    (record.soakedSeconds ?? 0) > 0 &&
    record.withdrawnTime === undefined &&
    entry?.level === record.level &&
    spec?.members.nodes?.percent === undefined &&
    world.exceptions.size === 0
  );
}

/** A node of the ring that was verified at the level and now reports less. */
function findRegressed(world: World, ring: string, record: RingLevelStatus): NodeView | undefined {
  const selector = world.rings.get(ring)?.spec.members.nodes?.selector;
  const level = world.levels.get(record.level)?.spec;
  if (selector === undefined || level?.node === undefined) return undefined;
  for (const node of world.nodes.values()) {
    const verified =
      world.verified.get(node.uid)?.some((one) => one.baseline === record.baseline && one.digest === record.digest) ===
      true;
    if (!verified || !matches(selector, node.labels)) continue;
    if (findBelow(node.info, level, coversKernel(node.info, level), false) !== undefined) return node;
  }
  return undefined;
}

/** Every workload of the ring still asks for the level's images; packages of nodes do not show here, so levels with some are not judged. */
function isWhole(world: World, ring: string, record: RingLevelStatus): boolean {
  const level = world.levels.get(record.level)?.spec;
  if (level?.image === undefined)
    return (
      level?.node !== undefined && !level.node.components.some((component) => component.name.startsWith("package:"))
    );
  const selector = world.rings.get(ring)?.spec.members.workloads?.selector;
  if (selector === undefined) return true;
  return [...world.workloads.values()].every(
    (workload) =>
      !matches(selector, workload.labels) ||
      level.image?.images.every(
        ({ repository, tag }) =>
          !workload.images.includes(`=${repository}:`) ||
          tag === undefined ||
          workload.images.includes(`=${repository}:${tag}`),
      ) === true,
  );
}

const checkEmpty: NonNullable<Invariant["check"]> = ({ version, ledger, byController }, world, report) => {
  for (const claim of ledger?.fresh ?? [])
    for (const ring of world.rings.get(claim.ring)?.spec.after ?? [])
      if (!world.rings.has(ring))
        report.violated(
          `rolloutrings/${claim.ring}`,
          `${claim.name} was claimed although ring ${ring}, which comes before, does not exist`,
        );
  if (!byController || version.resource !== "rolloutrings.ringward.dev") return;
  const name = version.object.metadata.name;
  const ring = world.rings.get(name);
  const before =
    (version.previous?.status as { readonly levels?: readonly RingLevelStatus[] } | undefined)?.levels ?? [];
  for (const record of ring?.status?.levels ?? []) {
    if (record.targets !== 0) continue;
    report.met();
    const earlier = before.find((one) => one.baseline === record.baseline && one.digest === record.digest);
    const newly = record.soakedTime !== undefined && earlier?.soakedTime === undefined;
    if (newly && ring?.spec.completion?.onEmpty !== "Pass")
      report.violated(`rolloutrings/${name}`, `${record.level} counts as soaked in a ring without targets`);
  }
};

export const rings: readonly Invariant[] = [
  {
    id: "R1",
    says: "no claim in a ring before every predecessor's record shows that digest soaked",
    check: checkPredecessors,
  },
  {
    id: "R2",
    says: "soak does not go on while a verified node has fallen back, and begins anew",
    check: checkRegression,
    end: endRegression,
  },
  { id: "R3", says: "a new digest starts in the first ring", check: checkFirstRing },
  { id: "R5", says: "an empty or missing ring never counts as soaked unless it says so", check: checkEmpty },
];
