// Limits and the admission of claims: what a compare-and-set of the ledger may add. The same pure function runs in the plan and
// again on the ledger as it was just read, so a stale cache can only refuse, never overrun (B1, B2, B8).
import { type Claim, type DisruptionLedgerSpec, MAX_CLAIMS } from "../../api/disruption-ledger.ts";
import type { Block, NodeAsset, RingInForce } from "../model.ts";

/** A target that wants budget. */
export interface ClaimRequest extends Omit<Claim, "id" | "since"> {
  readonly kind: string;
}

/** What counts against a limit, apart from claims: nodes that are down or unschedulable, whoever did it. */
export interface Capacity {
  readonly nodes: readonly Pick<NodeAsset, "uid" | "zone" | "ready" | "unschedulable" | "controlPlane">[];
  /** Ring of each node UID. */
  readonly ringOf: (uid: string) => string | undefined;
  readonly ringNodes: (ring: string) => number;
  readonly ringWorkloads: (ring: string) => number;
  readonly workloads: number;
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

/** A node that is not there for workloads, for any reason but our own claim. Defined once, here. */
export function isUnavailable(node: Pick<NodeAsset, "ready" | "unschedulable">): boolean {
  return !node.ready || node.unschedulable;
}

export interface Admission {
  readonly admitted: readonly ClaimRequest[];
  /** By target UID. */
  readonly refused: ReadonlyMap<string, Block>;
}

const isNode = (claim: { readonly kind: string }): boolean => claim.kind === "Node";

/** Admits requests in order, as far as every limit allows. Claims that stand already always count. */
export function admit(held: readonly Claim[], requests: readonly ClaimRequest[], capacity: Capacity): Admission {
  const usage = countUsage(held, capacity);
  const refused = new Map<string, Block>();
  const admitted: ClaimRequest[] = [];
  const claimed = new Set(held.map((claim) => claim.uid));
  for (const request of requests) {
    if (claimed.has(request.uid)) continue;
    const block =
      held.length + admitted.length >= MAX_CLAIMS
        ? ({ reason: "LedgerFull", message: `the ledger holds ${MAX_CLAIMS} claims` } as const)
        : isNode(request)
          ? refuseNode(request, usage, capacity)
          : refuseWorkload(request, usage, capacity);
    if (block !== undefined) {
      refused.set(request.uid, block);
      continue;
    }
    claimed.add(request.uid);
    admitted.push(request);
    take(request, usage);
  }
  return { admitted, refused };
}

interface Usage {
  readonly cluster: Set<string>;
  readonly zones: Map<string, Set<string>>;
  readonly rings: Map<string, Set<string>>;
  readonly ringZones: Map<string, Set<string>>;
  readonly controlPlane: Set<string>;
  readonly zoneSize: Map<string, number>;
  readonly ringZoneSize: Map<string, number>;
  workloads: number;
  readonly ringWorkloads: Map<string, number>;
}

function countUsage(held: readonly Claim[], capacity: Capacity): Usage {
  const usage: Usage = {
    cluster: new Set(),
    zones: new Map(),
    rings: new Map(),
    ringZones: new Map(),
    controlPlane: new Set(),
    zoneSize: new Map(),
    ringZoneSize: new Map(),
    workloads: 0,
    ringWorkloads: new Map(),
  };
  for (const node of capacity.nodes) {
    const zone = node.zone ?? "";
    const ring = capacity.ringOf(node.uid);
    usage.zoneSize.set(zone, (usage.zoneSize.get(zone) ?? 0) + 1);
    if (ring !== undefined)
      usage.ringZoneSize.set(`${ring}/${zone}`, (usage.ringZoneSize.get(`${ring}/${zone}`) ?? 0) + 1);
    if (isUnavailable(node)) countNode(usage, node.uid, node.zone, ring, node.controlPlane);
  }
  for (const claim of held) take(claim, usage);
  return usage;
}

function take(claim: ClaimRequest, usage: Usage): void {
  if (isNode(claim)) countNode(usage, claim.uid, claim.zone, claim.ring, claim.controlPlane === true);
  else {
    usage.workloads += 1;
    usage.ringWorkloads.set(claim.ring, (usage.ringWorkloads.get(claim.ring) ?? 0) + 1);
  }
}

function countNode(usage: Usage, uid: string, zone: string | undefined, ring: string | undefined, cp: boolean): void {
  usage.cluster.add(uid);
  addTo(usage.zones, zone ?? "", uid);
  if (ring !== undefined) {
    addTo(usage.rings, ring, uid);
    addTo(usage.ringZones, `${ring}/${zone ?? ""}`, uid);
  }
  if (cp) usage.controlPlane.add(uid);
}

function addTo(sets: Map<string, Set<string>>, key: string, uid: string): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([uid]));
  else set.add(uid);
}

/** Whether the union with this target would be over the limit; a target that already counts is counted once. */
function over(set: ReadonlySet<string> | undefined, uid: string, limit: number): boolean {
  const size = set?.size ?? 0;
  return (set?.has(uid) === true ? size : size + 1) > limit;
}

function refuseNode(request: ClaimRequest, usage: Usage, capacity: Capacity): Block | undefined {
  const { limits } = capacity;
  const total = capacity.nodes.length;
  const zone = request.zone ?? "";
  const ring = capacity.rings.find((other) => other.name === request.ring);
  const budget = ring?.spec.budget ?? {};
  const ringLimit = limitOf(budget.nodes, capacity.ringNodes(request.ring), 1);
  if (over(usage.rings.get(request.ring), request.uid, ringLimit))
    return {
      reason: "RingBudgetExhausted",
      message: `ring ${request.ring} may have ${ringLimit} of its nodes unavailable, and has ${usage.rings.get(request.ring)?.size ?? 0}`,
    };
  if (budget.nodesPerZone !== undefined) {
    const key = `${request.ring}/${zone}`;
    const limit = limitOf(budget.nodesPerZone, usage.ringZoneSize.get(key) ?? 0, 1);
    if (over(usage.ringZones.get(key), request.uid, limit))
      return {
        reason: "ZoneBudgetExhausted",
        message: `ring ${request.ring} may have ${limit} nodes of zone ${zone || "(none)"} unavailable`,
      };
  }
  const zoneLimit = limitOf(limits.nodesPerZone, usage.zoneSize.get(zone) ?? 0, "25%");
  if (over(usage.zones.get(zone), request.uid, zoneLimit))
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
