// The ledger's shell: one compare-and-set a pass adds and frees claims together (B1, B2, B3). A new ledger, or one that lacks
// claims whose marks stand on objects, is rebuilt from those marks before anything is claimed.
import { createHash } from "node:crypto";
import {
  type DisruptionLedger,
  type DisruptionLedgerSpec,
  type DisruptionLedgerStatus,
  LEDGER_NAME,
  MAX_CLAIMS,
} from "../api/disruption-ledger.ts";
import type { Instant } from "../clock.ts";
import type { Claim, Inventory, LedgerView, StoredStates } from "../core/model.ts";
import { mayBeClaimed } from "../core/rollout/attempts.ts";
import { admit, type Capacity } from "../core/rollout/limits.ts";
import type { ClaimRequest } from "../core/rollout/claim-request.ts";
import { claimOf } from "../inventory/projected.ts";
import { isAlreadyExists } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { readState, type StatusOf } from "../kube/patch-states.ts";
import { DISRUPTION_LEDGERS, findResource, NODES } from "../kube/resources.ts";

/** The ledger as it was just read from the API server. */
export interface LiveLedger {
  readonly object: KubeObject;
  readonly spec: DisruptionLedgerSpec;
  readonly claims: readonly Claim[];
  /** Its claims were known to be complete once. */
  readonly rebuilt: boolean;
}

/** Reads the ledger, making an empty one in mode Observe where there is none. */
export async function readLedger(client: Client): Promise<LiveLedger> {
  const found = await client.get(DISRUPTION_LEDGERS, { name: LEDGER_NAME });
  if (found !== undefined) return toLive(found);
  try {
    return toLive(await client.create(DISRUPTION_LEDGERS, { metadata: { name: LEDGER_NAME }, spec: {} } as KubeObject));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return readLedger(client);
  }
}

function toLive(object: KubeObject): LiveLedger {
  const { spec, status } = object as unknown as Pick<DisruptionLedger, "spec" | "status">;
  return { object, spec: spec ?? {}, claims: status?.claims ?? [], rebuilt: status?.rebuiltTime !== undefined };
}

/** Claims that stand on objects (or in operations under way) and are not in the ledger. */
export function findLostClaims(
  ledger: LiveLedger,
  inventory: Inventory,
  stored: StoredStates,
  cluster: string,
): readonly Claim[] {
  const held = new Set(ledger.claims.map((claim) => claim.uid));
  const lost: Claim[] = [];
  for (const node of inventory.nodes) {
    const operation = stored.nodes.get(node.uid)?.operation;
    const id = node.mark?.claimId ?? operation?.claimId;
    if (id === undefined || held.has(node.uid)) continue;
    lost.push({
      uid: node.uid,
      id,
      kind: "Node",
      name: node.name,
      cluster,
      ...(node.zone === undefined ? {} : { zone: node.zone }),
      ...(node.controlPlane ? { controlPlane: true } : {}),
      ...workOf(operation),
    });
  }
  for (const workload of inventory.workloads) {
    const operation = stored.workloads.get(workload.uid)?.operation;
    const id = workload.mark?.claimId ?? operation?.claimId;
    if (id === undefined || held.has(workload.uid)) continue;
    lost.push({
      uid: workload.uid,
      id,
      kind: workload.kind,
      namespace: workload.namespace,
      name: workload.name,
      cluster,
      ...workOf(operation),
    });
  }
  return lost;
}

/** The cache may still show a mark that was just taken off: only what a live read shows too is lost (K3). */
export async function confirmLostClaims(client: Client, lost: readonly Claim[]): Promise<readonly Claim[]> {
  const confirmed: Claim[] = [];
  for (const claim of lost) {
    const resource = claim.kind === "Node" ? NODES : findResource("apps/v1", claim.kind);
    const object =
      resource === undefined ? undefined : await client.get(resource, { name: claim.name, namespace: claim.namespace });
    // The mark as projections read it: one that is too long to be ours is taken off too, and must not keep the node from being claimed.
    const marked = object?.metadata.uid === claim.uid && claimOf(object.metadata.annotations ?? {}) === claim.id;
    const state = await readState<StatusOf>(client, claim);
    if (marked || state?.status?.operation?.claimId === claim.id) confirmed.push(claim);
  }
  return confirmed;
}

export interface Confirmation {
  readonly client: Client;
  readonly now: Instant;
  /** Targets asked for at once. */
  readonly concurrency: number;
  /** Whether the target itself, as it stands now, has something to be done; given its record. */
  readonly hasWork: (request: ClaimRequest, state: StatusOf | undefined) => Promise<boolean>;
  readonly onError: (error: unknown, request: ClaimRequest) => void;
}

/**
 * Caches may be behind the ledger: whom a person released a moment ago, who has only just backed off, or a node that is at its level, would be
 * claimed, let go and claimed again in every pass until they have caught up. Only whom the record and the node as they stand let be claimed is
 * claimed (K3). Read after the ledger, because a claim is freed after the record says why.
 */
export async function confirmRequests(
  requests: readonly ClaimRequest[],
  { client, now, concurrency, hasWork, onError }: Confirmation,
): Promise<readonly ClaimRequest[]> {
  const confirmed = new Set<ClaimRequest>();
  const queue = [...requests];
  async function work(): Promise<void> {
    for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
      try {
        const state = await readState<StatusOf>(client, request);
        if (!mayBeClaimed(state?.status, request, now)) continue;
        if (await hasWork(request, state?.status)) confirmed.add(request);
      } catch (error) {
        // What cannot be known is not claimed; the next pass asks again.
        onError(error, request);
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, requests.length) }, work));
  return requests.filter((request) => confirmed.has(request));
}

type Work = Pick<Claim, "ring" | "baseline" | "level" | "digest" | "since">;

function workOf(
  operation:
    | (Work & { readonly startedTime?: string })
    | {
        readonly startedTime: string;
        readonly ring: string;
        readonly baseline: string;
        readonly level: string;
        readonly digest: string;
      }
    | undefined,
): Work {
  return {
    ring: operation?.ring ?? "",
    baseline: operation?.baseline ?? "",
    level: operation?.level ?? "",
    digest: operation?.digest ?? "",
    since: operation?.startedTime ?? "1970-01-01T00:00:00Z",
  };
}

/** What the planner sees of it. */
export function viewLedger(ledger: LiveLedger, lost: readonly Claim[]): LedgerView {
  return { spec: ledger.spec, claims: ledger.claims, rebuilding: !ledger.rebuilt || lost.length > 0 };
}

export interface LedgerChange {
  readonly now: Instant;
  readonly add: readonly ClaimRequest[];
  /** UIDs of claims to free. */
  readonly free: ReadonlySet<string>;
  readonly restore: readonly Claim[];
  readonly capacity: Capacity;
}

export interface LedgerOutcome {
  readonly added: readonly Claim[];
  readonly freed: readonly Claim[];
}

/**
 * Frees, restores and adds in one write under the resourceVersion that was read. Limits are checked again on the claims as they were
 * just read, so a stale plan can only be refused. Throws ApiError 409 when somebody was faster; then nothing has changed.
 */
export async function writeLedger(client: Client, ledger: LiveLedger, change: LedgerChange): Promise<LedgerOutcome> {
  const freed = ledger.claims.filter((claim) => change.free.has(claim.uid));
  const kept = [...ledger.claims.filter((claim) => !change.free.has(claim.uid)), ...change.restore];
  const complete = ledger.rebuilt && change.restore.length === 0;
  const mayAdd = complete && ledger.spec.mode === "Enforce";
  const { admitted } = admit(kept, mayAdd ? change.add : [], change.capacity);
  const since = new Date(change.now).toISOString();
  const added = admitted.map((request) => ({ ...request, id: claimId(request, ledger), since }));
  if (added.length === 0 && freed.length === 0 && complete) return { added: [], freed: [] };
  const claims = [...kept, ...added].slice(0, MAX_CLAIMS);
  const nodes = claims.filter((claim) => claim.kind === "Node").length;
  const status: DisruptionLedgerStatus = {
    ...(ledger.object.status as DisruptionLedgerStatus | undefined),
    rebuiltTime: ledger.rebuilt ? ((ledger.object.status as DisruptionLedgerStatus).rebuiltTime ?? since) : since,
    claims,
    held: { nodes, workloads: claims.length - nodes },
  };
  await client.updateStatus(DISRUPTION_LEDGERS, { ...ledger.object, status });
  return { added, freed };
}

/** Distinct for each claim of a target, and the same if the very write is repeated. */
function claimId(request: ClaimRequest, ledger: LiveLedger): string {
  return createHash("sha256")
    .update([request.uid, request.digest, ledger.object.metadata.resourceVersion ?? ""].join("/"))
    .digest("hex")
    .slice(0, 16);
}
