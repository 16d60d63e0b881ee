// Whether a node that has its turn could be drained now. In a cluster where many cannot, all of them are asked about in every plan, so
// an answer is remembered until the node's pods or the budgets of their namespaces change.
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Block, PodAsset, VolumeAsset } from "../model.ts";
import { isSameList, recall } from "../incremental/memory.ts";
import type { Budgets } from "../operations/budgets.ts";
import { drainsNode, forecastNow } from "../operations/forecast.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { Context } from "./prepare.ts";

/** An answer, and the very things that it was given to. */
interface KnownDrain {
  readonly pods: readonly PodAsset[];
  readonly policy: DrainPolicy;
  readonly volumes: readonly VolumeAsset[];
  readonly budgets: Budgets;
  /** The budgets of each namespace that a pod is of. */
  readonly own: readonly unknown[];
  readonly block: Block | undefined;
}

/** Answers of nodes that are gone are thrown away when there are so many more than nodes. */
const MOST_GONE = 1_000;

const NO_PODS: readonly PodAsset[] = [];
const NO_VOLUMES: readonly never[] = [];
const NO_POLICY: DrainPolicy = {};

/** What would refuse the drain now: the node waits for it before it is claimed, and takes nobody's place. */
export function foreseeDrain(request: ClaimRequest, context: Context): Block | undefined {
  const { survey, ringOf, input, budgets, memory } = context;
  const asset = survey.byUid.get(request.uid)?.asset;
  const level = context.entries.get(request.ring)?.approvals.get(request.baseline)?.level;
  if (asset === undefined || "kind" in asset || level === undefined || !drainsNode(level.spec, asset)) return undefined;
  const pods = context.pods.of.get(asset.name) ?? NO_PODS;
  const policy = ringOf.get(request.ring)?.spec.drain ?? NO_POLICY;
  const volumes = input.inventory.volumes ?? NO_VOLUMES;
  // One map for ever: each answer says itself what it is an answer to, and thousands are asked for in a plan that finds nothing changed.
  const drains = recall(memory, "drains", [], (): Map<string, KnownDrain> => new Map());
  const known = drains.get(asset.uid);
  const same = known?.pods === pods && known.policy === policy && known.volumes === volumes;
  if (same && known.budgets === budgets) return known.block;
  const own = [...new Set(pods.map(({ namespace }) => namespace))].map((namespace) => budgets.get(namespace));
  const block = same && isSameList(known.own, own) ? known.block : forecastNow({ pods, budgets, policy, volumes });
  if (drains.size > survey.byUid.size + MOST_GONE) drains.clear();
  drains.set(asset.uid, { pods, policy, volumes, budgets, own, block });
  return block;
}
