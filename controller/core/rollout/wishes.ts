// Which targets of a ring want budget, in which order, and what stands in the way of each by itself. A wish is remembered where only
// its target and policy decide it, and not the time.
import type { Instant } from "../../clock.ts";
import type { PodsByNode } from "../incremental/pods-by-node.ts";
import type { PodAsset } from "../model.ts";
import { isUnavailable } from "./census.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { KnownWish, TargetRecord, Wish } from "./target-record.ts";
import { isSameList, recall, reviseInSteps } from "../incremental/memory.ts";
import { makeOfPieces, type MadeOfPieces, type Pieces } from "../incremental/pieces.ts";
import type { Steps } from "../incremental/steps.ts";
import type { Context } from "./prepare.ts";
import { needsWork } from "./progress.ts";
import { deadlineOf, isForced, type RingScope } from "./ring-checks.ts";
import { findTargetBlocks } from "./target-checks.ts";
import type { Group } from "./survey.ts";
import type { Target } from "./targets.ts";
import { compareText } from "../text-order.ts";

/** What a piece of a group wishes. */
export interface PieceWishes {
  /** Pods by node, where the level is one of nodes: those that were looked at last. */
  pods: PodsByNode["of"] | undefined;
  readonly since: Instant;
  /** Some wish may be another when time goes on. */
  readonly waits: boolean;
  /** Some target has work to do, whether or not it may. */
  readonly pending: boolean;
  /** Those that nothing of their own stands in the way of, and no claim. */
  readonly ready: readonly Wish[];
}

/** What a group wishes. */
export interface Wishes {
  /** What all of it depends on, beside targets and time. */
  readonly parts: readonly unknown[];
  readonly made: MadeOfPieces<TargetRecord, PieceWishes>;
  readonly pending: boolean;
  readonly ready: Pieces<Wish>;
}

/** The order of claims. */
export function compareWishes(a: Wish, b: Wish): number {
  return compareText(a.order, b.order);
}

/** What the targets of one ring and baseline wish. */
export function* findWishes(group: Group, scope: RingScope, context: Context): Steps<Wishes> {
  const { policy, inventory, now } = context.input;
  const { approval } = scope;
  const ring = context.ringOf.get(scope.ring.name) ?? scope.ring;
  const forcedAt = isForced(scope) ? deadlineOf(ring, scope.offeredAt) : undefined;
  const epoch = recall(
    context.memory,
    `wishes/${ring.name}/${approval.baseline}`,
    [
      ring.spec.members,
      ring.spec.cordonedNodes,
      ring.spec.gracePeriod,
      ring.spec.drain,
      ring.spec.drain?.localVolumes === "Block" ? inventory.volumes : undefined,
      context.lasting,
      forcedAt,
      approval.level,
      policy.recipes,
      policy.clusterName,
      inventory.apiServerVersion,
      context.controlPlane,
      scope.blockingPods,
    ],
    () => ({}),
  );
  const key = `${ring.name}/${approval.baseline}`;
  // Pods come and go all the time: only where one did on a node that has work to do is there another wish.
  const pods = approval.level.spec.node === undefined ? undefined : context.pods.of;
  const parts = [epoch, ...(context.claimsIn.get(key) ?? [])];
  return yield* reviseInSteps(context.memory, `wanted/${key}`, function* (before: Wishes | undefined): Steps<Wishes> {
    const same = before !== undefined && isSameList(before.parts, parts);
    const made = yield* makeOfPieces(
      same ? before.made : undefined,
      group.records,
      (piece) => collectWishes(piece, { scope, ring, forcedAt, epoch, pods }, context),
      (known, piece) => {
        if (!(known.since <= now) || (known.waits && known.since < now)) return false;
        if (known.pods !== pods && hasOtherPods(piece, pods, context)) return false;
        known.pods = pods;
        return true;
      },
    );
    if (same && isSameList([...before.made].flat(), [...made].flat())) return before;
    const all = [...made.values()];
    return {
      parts,
      made,
      pending: all.some(({ pending }) => pending),
      ready: all.flatMap(({ ready }) => (ready.length === 0 ? [] : [ready])),
    };
  });
}

function hasOtherPods(
  piece: readonly TargetRecord[],
  pods: PodsByNode["of"] | undefined,
  { claimOf }: Context,
): boolean {
  return piece.some(
    ({ wish, target }) =>
      wish !== undefined && wish.pods !== podsOn(target, pods) && needsWork(target) && !claimOf.has(target.asset.uid),
  );
}

function podsOn({ node }: Target, pods: PodsByNode["of"] | undefined): readonly PodAsset[] | undefined {
  return node === undefined ? undefined : pods?.get(node.name);
}

function collectWishes(piece: readonly TargetRecord[], scope: WishScope, context: Context): PieceWishes {
  const { now } = context.input;
  const ready: Wish[] = [];
  let [pending, waits] = [false, false];
  for (const record of piece) {
    if (!needsWork(record.target)) continue;
    pending = true;
    if (context.claimOf.has(record.target.asset.uid)) continue;
    const pods = podsOn(record.target, scope.pods);
    if (
      record.wish === undefined ||
      record.wish.epoch !== scope.epoch ||
      record.wish.pods !== pods ||
      now < record.wish.since
    )
      record.wish = findWish(record, scope, context);
    const { wish, epoch } = record.wish;
    waits ||= epoch === undefined;
    if (wish.blocks.length === 0) ready.push(wish);
  }
  return { since: now, waits, pending, ready, pods: scope.pods };
}

interface WishScope {
  readonly scope: RingScope;
  readonly ring: RingScope["ring"];
  readonly forcedAt: Instant | undefined;
  readonly epoch: object;
  readonly pods: PodsByNode["of"] | undefined;
}

function findWish(record: TargetRecord, wishScope: WishScope, context: Context): KnownWish {
  const { scope, ring, forcedAt, epoch } = wishScope;
  const { now, policy, inventory, stored } = context.input;
  const { controlPlane } = context;
  const { target, state } = record;
  const { approval } = scope;
  const pods = podsOn(target, wishScope.pods);
  const blocks = findTargetBlocks({
    ...{
      now,
      policy,
      inventory,
      stored,
      controlPlane,
      blockingPods: scope.blockingPods,
      target,
      ring,
      approval,
      forcedAt,
    },
    ...(pods === undefined ? {} : { pods, lasting: context.lasting }),
  });
  // A grace ends by the clock, and so do a foreign lock and what an attempt that ended made its target wait for.
  const waits =
    blocks.some((block) => block.reason === "GracePeriod") ||
    target.node?.foreign?.some(({ until }) => until !== undefined && until > now) === true ||
    (state?.attempted ?? []).some(({ notBefore }) => notBefore !== undefined && !(Date.parse(notBefore) <= now));
  return {
    epoch: waits ? undefined : epoch,
    since: now,
    pods,
    wish: {
      blocks,
      order: orderOf(target),
      request: requestFor(target, scope, context),
      lane: laneOf(target, ring.name, context),
    },
  };
}

/** One that is down already is counted by itself. */
function laneOf({ node, asset }: Target, ring: string, { lanes }: Context): string {
  if (node !== undefined && isUnavailable(node)) return `${ring}/down/${asset.uid}`;
  const lane = `${ring}/${node === undefined ? "workloads" : `${node.zone ?? ""}/${node.controlPlane}`}`;
  // The very same text for all of a lane is found faster.
  const known = lanes.get(lane) ?? lane;
  lanes.set(lane, known);
  return known;
}

/** Zone by zone, then by name: a zone's nodes go together, and the order does not depend on any list's. */
function orderOf({ node, workload, asset, baseline }: Target): string {
  return [node?.zone ?? "", asset.name, workload?.namespace ?? "", workload?.kind ?? "", baseline.name, asset.uid].join(
    "\u0000",
  );
}

function requestFor({ asset, node, workload }: Target, scope: RingScope, context: Context): ClaimRequest {
  return {
    uid: asset.uid,
    kind: workload?.kind ?? "Node",
    ...(workload === undefined ? {} : { namespace: workload.namespace }),
    name: asset.name,
    cluster: context.input.policy.clusterName,
    ...(node?.zone === undefined ? {} : { zone: node.zone }),
    ...(node?.controlPlane === true ? { controlPlane: true } : {}),
    ring: scope.ring.name,
    baseline: scope.approval.baseline,
    level: scope.approval.level.name,
    digest: scope.approval.level.digest,
  };
}
