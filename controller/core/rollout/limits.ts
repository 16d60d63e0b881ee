// Limits and the admission of claims: what a compare-and-set of the ledger may add. The same pure function runs in the plan and
// again on the ledger as it was just read, so a stale cache can only refuse, never overrun (B1, B2, B8).
import { type Claim, type DisruptionLedgerSpec, MAX_CLAIMS } from "../../api/disruption-ledger.ts";
import type { Block, NodeAsset, RingInForce } from "../model.ts";
import { finish, type Steps } from "../incremental/steps.ts";
import { type Census, isUnavailable } from "./census.ts";
import type { ClaimRequest } from "./claim-request.ts";

/** What counts against a limit, apart from claims: nodes that are down or unschedulable, whoever did it. */
export interface Capacity {
  readonly nodes: readonly Pick<NodeAsset, "uid" | "zone" | "ready" | "unschedulable" | "controlPlane">[];
  /** Ring of each node UID. */
  readonly ringOf: (uid: string) => string | undefined;
  readonly ringNodes: (ring: string) => number;
  readonly ringWorkloads: (ring: string) => number;
  readonly workloads: number;
  /** The nodes counted, where somebody did that already. */
  readonly census?: Census;
  readonly limits: NonNullable<DisruptionLedgerSpec["limits"]>;
  readonly rings: readonly RingInForce[];
}

/** Percent is rounded down, but at least 1 unless it is 0. */
export function limitOf(value: number | string | undefined, total: number, fallback: number | string): number {
  const limit = value ?? fallback;
  if (typeof limit === "number") return Math.max(0, Math.floor(limit));
  const percent = Number(limit.replace("%", ""));
  if (!Number.isFinite(percent) || percent <= 0) return 0;
  return Math.max(1, Math.floor((total * percent) / 100));
}

export interface Admission {
  readonly admitted: readonly ClaimRequest[];
  /** By target UID. */
  readonly refused: ReadonlyMap<string, Block>;
}

const isNode = (claim: { readonly kind: string }): boolean => claim.kind === "Node";

/** Admits requests in order, as far as every limit allows. Claims that stand already always count. */
export function admit(held: readonly Claim[], requests: readonly ClaimRequest[], capacity: Capacity): Admission {
  // Each in a lane of its own: every request is asked about by itself.
  const alone = requests.map((request) => ({ request, lane: request.uid }));
  const queue: QueuePiece = { requests: alone, lanes: alone.map(({ lane }) => lane) };
  const { admitted, shut } = finish(admitQueue(held, [[queue]], capacity));
  return { admitted, refused: shut };
}

export interface QueuedRequest {
  readonly request: ClaimRequest;
  /** Requests of one lane fare alike: of one ring and zone, nodes or workloads, of one role, and none of them down by itself. */
  readonly lane: string;
}

/** A part of a queue. */
export interface QueuePiece {
  readonly requests: readonly QueuedRequest[];
  /** All lanes that its requests are in: where all of them are shut, nobody needs to look at the requests. */
  readonly lanes: readonly string[];
}

export interface QueueAdmission {
  readonly admitted: readonly ClaimRequest[];
  /** By lane: what refused the first of it. Usage only grows while requests are admitted, so all that come after are refused too. */
  readonly shut: ReadonlyMap<string, Block>;
  /** By UID: what would meet that one target, and no other. */
  readonly obstacles: ReadonlyMap<string, Block>;
}

/** The same for long queues, one after the other and lane by lane. */
export function* admitQueue(
  held: readonly Claim[],
  queues: readonly (readonly QueuePiece[])[],
  capacity: Capacity,
  foresee: (request: ClaimRequest) => Block | undefined = () => undefined,
): Steps<QueueAdmission> {
  const usage = countUsage(held, capacity);
  const shut = new Map<string, Block>();
  const obstacles = new Map<string, Block>();
  const admitted: ClaimRequest[] = [];
  const claimed = new Set(held.map((claim) => claim.uid));
  const names = new Set(held.map(nameOf));
  for (const { requests, lanes } of queues.flat()) {
    let seen = -1;
    for (const { request, lane } of requests) {
      // Looked at again only when another lane was shut.
      if (shut.size !== seen && lanes.every((one) => shut.has(one))) break;
      seen = shut.size;
      if (shut.has(lane) || claimed.has(request.uid)) continue;
      const block = refuse(request, held.length + admitted.length, usage, capacity);
      if (block !== undefined) {
        shut.set(lane, block);
        continue;
      }
      // Only of those that there is room for: their turn is now, and the next one has it if they cannot use it.
      const obstacle = names.has(nameOf(request)) ? describeEarlier(request) : foresee(request);
      if (obstacle === undefined) {
        claimed.add(request.uid);
        admitted.push(request);
        take(request, usage);
      } else obstacles.set(request.uid, obstacle);
      yield;
    }
  }
  return { admitted, shut, obstacles };
}

function nameOf({ cluster, kind, namespace = "", name }: ClaimRequest): string {
  return [cluster, kind, namespace, name].join("/");
}

/** Of a name two claims would share one state: how far the first one came would be forgotten, and with it a failure (B8). */
function describeEarlier({ kind, name }: ClaimRequest): Block {
  return { reason: "TargetVanished", message: `the claim of an earlier ${kind} ${name} is not settled yet` };
}

/** Why a request is refused while so many claims stand. */
function refuse(request: ClaimRequest, claims: number, usage: Usage, capacity: Capacity): Block | undefined {
  if (claims >= MAX_CLAIMS) return { reason: "LedgerFull", message: `the ledger holds ${MAX_CLAIMS} claims` };
  return isNode(request) ? refuseNode(request, usage, capacity) : refuseWorkload(request, usage, capacity);
}

/** A zone, or a ring's part of it: its nodes, and those of them that are down, unschedulable or claimed. */
interface Place {
  size: number;
  readonly down: Set<string>;
}

interface RingUsage {
  readonly down: Set<string>;
  readonly zones: Map<string, Place>;
}

interface Usage {
  readonly cluster: Set<string>;
  readonly zones: Map<string, Place>;
  readonly rings: Map<string, RingUsage>;
  readonly controlPlane: Set<string>;
  workloads: number;
  readonly ringWorkloads: Map<string, number>;
}

/** What counts against each limit now. */
export interface Measured {
  readonly nodes: number;
  readonly controlPlane: number;
  readonly workloads: number;
  readonly ringNodes: ReadonlyMap<string, number>;
  readonly ringWorkloads: ReadonlyMap<string, number>;
}

/** The same count that admits claims, for people to see. */
export function measureUsage(held: readonly Claim[], capacity: Capacity): Measured {
  const { cluster, controlPlane, workloads, rings, ringWorkloads } = countUsage(held, capacity);
  return {
    nodes: cluster.size,
    controlPlane: controlPlane.size,
    workloads,
    ringNodes: new Map([...rings].map(([ring, { down }]) => [ring, down.size])),
    ringWorkloads,
  };
}

function countUsage(held: readonly Claim[], capacity: Capacity): Usage {
  const usage: Usage = {
    cluster: new Set(),
    zones: new Map(),
    rings: new Map(),
    controlPlane: new Set(),
    workloads: 0,
    ringWorkloads: new Map(),
  };
  if (capacity.census === undefined) countNodes(usage, capacity);
  else recount(usage, capacity.census);
  for (const claim of held) take(claim, usage);
  return usage;
}

function countNodes(usage: Usage, { nodes, ringOf }: Capacity): void {
  for (const { uid, zone = "", ready, unschedulable, controlPlane } of nodes) {
    const ring = ringOf(uid);
    placeIn(usage.zones, zone).size += 1;
    if (ring !== undefined) placeIn(ringIn(usage, ring).zones, zone).size += 1;
    if (isUnavailable({ ready, unschedulable })) countNode(usage, uid, zone, ring, controlPlane);
  }
}

function recount(usage: Usage, { zones: counted, down }: Census): void {
  for (const [ring, zones] of counted)
    for (const [zone, size] of zones) {
      placeIn(usage.zones, zone).size += size;
      if (ring !== "") placeIn(ringIn(usage, ring).zones, zone).size += size;
    }
  for (const [uid, { zone, ring, controlPlane }] of down) countNode(usage, uid, zone, ring, controlPlane);
}

function take(claim: ClaimRequest, usage: Usage): void {
  if (isNode(claim)) countNode(usage, claim.uid, claim.zone ?? "", claim.ring, claim.controlPlane === true);
  else {
    usage.workloads += 1;
    usage.ringWorkloads.set(claim.ring, (usage.ringWorkloads.get(claim.ring) ?? 0) + 1);
  }
}

function countNode(usage: Usage, uid: string, zone: string, ring: string | undefined, cp: boolean): void {
  usage.cluster.add(uid);
  placeIn(usage.zones, zone).down.add(uid);
  if (ring !== undefined) {
    const mine = ringIn(usage, ring);
    mine.down.add(uid);
    placeIn(mine.zones, zone).down.add(uid);
  }
  if (cp) usage.controlPlane.add(uid);
}

function placeIn(places: Map<string, Place>, zone: string): Place {
  let place = places.get(zone);
  if (place === undefined) places.set(zone, (place = { size: 0, down: new Set() }));
  return place;
}

function ringIn({ rings }: Usage, ring: string): RingUsage {
  let found = rings.get(ring);
  if (found === undefined) rings.set(ring, (found = { down: new Set(), zones: new Map() }));
  return found;
}

/** Whether the union with this target would be over the limit; a target that already counts is counted once. */
function over(set: ReadonlySet<string>, uid: string, limit: number): boolean {
  return (set.has(uid) ? set.size : set.size + 1) > limit;
}

function refuseNode(request: ClaimRequest, usage: Usage, capacity: Capacity): Block | undefined {
  const { limits } = capacity;
  const total = capacity.nodes.length;
  const zone = request.zone ?? "";
  const ring = capacity.rings.find((other) => other.name === request.ring);
  const budget = ring?.spec.budget ?? {};
  const mine = ringIn(usage, request.ring);
  const ringLimit = limitOf(budget.nodes, capacity.ringNodes(request.ring), 1);
  if (over(mine.down, request.uid, ringLimit))
    return {
      reason: "RingBudgetExhausted",
      message: `ring ${request.ring} may have ${ringLimit} of its nodes unavailable, and has ${mine.down.size}`,
    };
  if (budget.nodesPerZone !== undefined) {
    const place = placeIn(mine.zones, zone);
    const limit = limitOf(budget.nodesPerZone, place.size, 1);
    if (over(place.down, request.uid, limit))
      return {
        reason: "ZoneBudgetExhausted",
        message: `ring ${request.ring} may have ${limit} nodes of zone ${zone || "(none)"} unavailable`,
      };
  }
  const place = placeIn(usage.zones, zone);
  const zoneLimit = limitOf(limits.nodesPerZone, place.size, "25%");
  if (over(place.down, request.uid, zoneLimit))
    return {
      reason: "ZoneBudgetExhausted",
      message: `zone ${zone || "(none)"} may have ${zoneLimit} nodes unavailable`,
    };
  const clusterLimit = limitOf(limits.nodes, total, "10%");
  if (over(usage.cluster, request.uid, clusterLimit))
    return {
      reason: "LimitReached",
      message: `the cluster may have ${clusterLimit} of ${total} nodes unavailable, and has ${usage.cluster.size}`,
    };
  if (request.controlPlane === true && over(usage.controlPlane, request.uid, limitOf(limits.controlPlane, total, 1)))
    return { reason: "ControlPlaneBusy", message: "another control-plane node is unavailable or in change" };
  return undefined;
}

function refuseWorkload(request: ClaimRequest, usage: Usage, capacity: Capacity): Block | undefined {
  const ring = capacity.rings.find((other) => other.name === request.ring);
  const ringLimit = limitOf(ring?.spec.budget?.workloads, capacity.ringWorkloads(request.ring), 1);
  if ((usage.ringWorkloads.get(request.ring) ?? 0) >= ringLimit)
    return {
      reason: "RingBudgetExhausted",
      message: `ring ${request.ring} may have ${ringLimit} workloads in change at once`,
    };
  const limit = limitOf(capacity.limits.workloads, capacity.workloads, "10%");
  if (usage.workloads >= limit)
    return { reason: "LimitReached", message: `the cluster may have ${limit} workloads in change at once` };
  return undefined;
}
