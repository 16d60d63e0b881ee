// Whether a node that has its turn could be drained now. In a cluster where many cannot, all of them are asked about in every plan, so
// an answer is remembered until the node's pods or the budgets of their namespaces change.
import type { DrainPolicy } from "../../api/rollout-ring.ts";
import type { Block, PodAsset } from "../model.ts";
import { isSameList, recall } from "../incremental/memory.ts";
import { drainsNode, forecastNow } from "../operations/forecast.ts";
import type { ClaimRequest } from "./limits.ts";
import type { Context } from "./prepare.ts";

interface KnownDrain {
  /** Pods, policy, volumes, and the budgets of each namespace that a pod is of. */
  readonly parts: readonly unknown[];
  readonly block: Block | undefined;
}

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
  const given = [pods, policy, volumes];
  return recall(memory, `drain/${asset.uid}`, [...given, budgets], (before: KnownDrain | undefined): KnownDrain => {
    const namespaces = new Set(pods.map(({ namespace }) => namespace));
    const parts = [...given, ...[...namespaces].map((namespace) => budgets.get(namespace))];
    if (before !== undefined && isSameList(before.parts, parts)) return before;
    return { parts, block: forecastNow({ pods, budgets, policy, volumes }) };
  }).block;
}
