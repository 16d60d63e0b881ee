// Proposals against what the rings' records said when they were made: no withdrawn or refused level is proposed again (A6), only a level that
// all rings before have soaked and only the train while it runs (D3), and a withdrawn level's proposal is closed (D5).
import type { RingLevelStatus, RingRejection, RolloutRingSpec, RolloutRingStatus } from "../../api/rollout-ring.ts";
import type { Claim } from "../../core/model.ts";
import { branchPart, parseProposalBranch } from "../../core/promotion/index.ts";
import type { StoredVersion } from "../apiserver/index.ts";
import type { PullFacts } from "./approvals.ts";
import { listAt } from "./readings.ts";

const RINGS = "rolloutrings.ringward.dev";

type Tell = (id: "A6" | "D3" | "D5", time: number, object: string, message: string) => void;
type Met = (id: "A6" | "D3" | "D5") => void;

interface RingThen {
  readonly name: string;
  readonly spec: RolloutRingSpec;
  readonly status: RolloutRingStatus | undefined;
}

/** Rings and claims as they were at a moment. */
interface Then {
  readonly rings: Map<string, RingThen>;
  claims: readonly Claim[];
  /** Proposals of what had been refused, until the ring's record speaks again. */
  doubts: readonly Doubt[];
}

interface Doubt {
  readonly asked: Asked;
  readonly ring: string;
  readonly refused: number;
}

interface Asked {
  readonly pull: PullFacts;
  readonly about: NonNullable<ReturnType<typeof parseProposalBranch>>;
  readonly from: number;
  readonly to: number;
}

/** How long a withdrawn level's proposal may stay open, ms: the next looks at repository and forge have to come. */
const CLOSING_MS = 30 * 60_000;

/** A forge tells times by whole seconds: what was stored in the same one may have been there before. */
const FORGE_SECOND_MS = 999;

export interface ProposalsInput {
  readonly history: readonly StoredVersion[];
  readonly pulls: readonly PullFacts[];
  /** A change so young may not have been seen by who proposes, ms. */
  readonly settleMs: number;
}

/** Goes through the history once, and looks at each pull request at the time when it was made. */
export function judgeProposals({ history, pulls, settleMs }: ProposalsInput, tell: Tell, met: Met): void {
  const asked = pulls.flatMap((pull): readonly Asked[] => {
    const about = parseProposalBranch(pull.head);
    if (about === undefined) return [];
    const to =
      pull.closedTime === undefined || pull.state === "open" ? Number.POSITIVE_INFINITY : Date.parse(pull.closedTime);
    return [{ pull, about, from: Date.parse(pull.createdTime), to }];
  });
  const queue = [...asked].sort((a, b) => a.from - b.from);
  const then: Then = { rings: new Map(), claims: [], doubts: [] };
  const grace = Math.max(settleMs, FORGE_SECOND_MS);
  let end = 0;
  for (const version of history) {
    for (let next = queue[0]; next !== undefined && next.from + grace < version.time; next = queue[0]) {
      queue.shift();
      judge(next, then, settleMs, tell, met);
    }
    take(then, version);
    if (version.resource === RINGS && then.doubts.length > 0)
      settleDoubts(then, version.object.metadata.name, version.time, tell);
    end = version.time;
  }
  for (const left of queue) judge(left, then, settleMs, tell, met);
  for (const one of asked) judgeClosing(one, then, { end, settleMs }, tell, met);
}

function take(then: Then, { resource, object, type }: StoredVersion): void {
  if (resource === "disruptionledgers.ringward.dev")
    then.claims = type === "DELETED" ? [] : (listAt(object.status, "claims") as readonly Claim[]);
  if (resource !== RINGS) return;
  const { name } = object.metadata;
  if (type === "DELETED") then.rings.delete(name);
  else
    then.rings.set(name, {
      name,
      spec: object.spec as RolloutRingSpec,
      status: object.status as RolloutRingStatus | undefined,
    });
}

function ringOf({ rings }: Then, part: string): RingThen | undefined {
  return [...rings.values()].find(({ name }) => branchPart(name) === part);
}

function recordIn(ring: RingThen | undefined, { about }: Asked): RingLevelStatus | undefined {
  return ring?.status?.levels?.find(
    (one) => branchPart(one.baseline) === about.baseline && one.digest.startsWith(about.digest),
  );
}

/** The ring and all before it. */
function upTo(ring: RingThen, then: Then): readonly RingThen[] {
  const found = new Map([[ring.name, ring]]);
  const queue = [...(ring.spec.after ?? [])];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const before = then.rings.get(name);
    if (before === undefined || found.has(name)) continue;
    found.set(name, before);
    queue.push(...(before.spec.after ?? []));
  }
  return [...found.values()];
}

function judge(asked: Asked, then: Then, settleMs: number, tell: Tell, met: Met): void {
  const { pull, about, from } = asked;
  const ring = ringOf(then, about.ring);
  if (ring === undefined) return;
  const object = `pull request #${pull.number}`;
  const line = upTo(ring, then);
  const isOld = (time: string | undefined): boolean => time !== undefined && from - Date.parse(time) > settleMs;
  for (const one of line) {
    if (!isOld(recordIn(one, asked)?.withdrawnTime)) continue;
    met("A6");
    tell("A6", from, object, `proposes ${about.digest} for ring ${ring.name}, which was withdrawn in ring ${one.name}`);
  }
  if (about.scope === undefined) judgeRefusal(asked, ring, then, met);
  if (about.scope !== undefined) return;
  met("D3");
  judgeOrder(asked, ring, then, tell);
  if ((ring.spec.after ?? []).length === 0) judgeTrain(asked, ring, then, settleMs, tell);
}

function refusalOf({ status }: RingThen, { about }: Asked): RingRejection | undefined {
  return status?.rejections?.find(
    (one) => branchPart(one.baseline) === about.baseline && one.digest.startsWith(about.digest),
  );
}

/** The forge tells of a person who asks again before the ring's record does: what it says next is what counts. */
function judgeRefusal(asked: Asked, ring: RingThen, then: Then, met: Met): void {
  const refusal = refusalOf(ring, asked);
  if (refusal === undefined || refusal.pullRequest === asked.pull.number) return;
  met("A6");
  then.doubts = [...then.doubts, { asked, ring: ring.name, refused: refusal.pullRequest }];
}

function settleDoubts(then: Then, name: string, time: number, tell: Tell): void {
  const mine = then.doubts.filter(({ ring, asked }) => ring === name && asked.from < time);
  then.doubts = then.doubts.filter((one) => !mine.includes(one));
  const ring = then.rings.get(name);
  for (const { asked, refused } of mine) {
    if (ring === undefined || refusalOf(ring, asked)?.pullRequest !== refused) continue;
    const { pull, about, from } = asked;
    const object = `pull request #${pull.number}`;
    tell("A6", from, object, `proposes ${about.digest} for ring ${name} again, for which #${refused} was refused`);
  }
}

/** Every ring right before it has soaked the level; one without targets that lets levels pass is asked through. */
function judgeOrder(asked: Asked, ring: RingThen, then: Then, tell: Tell, seen = new Set<string>()): void {
  for (const name of ring.spec.after ?? []) {
    const before = then.rings.get(name);
    if (before === undefined || seen.has(name)) continue;
    seen.add(name);
    const record = recordIn(before, asked);
    if (record?.soakedTime !== undefined) continue;
    if (before.spec.completion?.onEmpty === "Pass" && (record?.targets ?? 0) === 0) {
      judgeOrder(asked, before, then, tell, seen);
      continue;
    }
    const { pull, about, from } = asked;
    tell("D3", from, `pull request #${pull.number}`, `proposes ${about.digest}, which ring ${name} has not soaked`);
  }
}

/** While an approved level is on its way no newer one is begun, unless the ring says Restart. */
function judgeTrain(asked: Asked, ring: RingThen, then: Then, settleMs: number, tell: Tell): void {
  const { pull, about, from } = asked;
  if (ring.spec.onSupersede === "Restart") return;
  for (const claim of then.claims) {
    if (branchPart(claim.baseline) !== about.baseline || claim.digest.startsWith(about.digest)) continue;
    const where = then.rings.get(claim.ring);
    const entry = where?.spec.levels?.find((one) => one.baseline === claim.baseline);
    const record = where?.status?.levels?.find((one) => one.baseline === claim.baseline && one.digest === claim.digest);
    // Superseded, withdrawn or through already: that one is no train any more.
    if (entry?.level !== claim.level || record?.withdrawnTime !== undefined || record?.soakedTime !== undefined)
      continue;
    if (from - Date.parse(claim.since) <= settleMs) continue;
    tell(
      "D3",
      from,
      `pull request #${pull.number}`,
      `proposes ${about.digest} while ${claim.level} is on its way: ${claim.name} in ring ${claim.ring} is in change`,
    );
    return;
  }
}

function judgeClosing(
  asked: Asked,
  then: Then,
  { end, settleMs }: { readonly end: number; readonly settleMs: number },
  tell: Tell,
  met: Met,
): void {
  const ring = ringOf(then, asked.about.ring);
  if (ring === undefined) return;
  for (const one of upTo(ring, then)) {
    const time = recordIn(one, asked)?.withdrawnTime;
    if (time === undefined || asked.to < Date.parse(time)) continue;
    met("D5");
    const open = Math.min(asked.to, end) - Math.max(asked.from, Date.parse(time));
    if (open > Math.max(CLOSING_MS, 30 * settleMs))
      tell(
        "D5",
        end,
        `pull request #${asked.pull.number}`,
        `stayed open although its level was withdrawn in ring ${one.name} at ${time}`,
      );
  }
}
