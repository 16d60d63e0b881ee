// Who is a member of which rings (D12): read anew from labels and selectors, as they were when a claim was added.
import type { LabelSelector } from "../../api/schema.ts";
import { matches } from "../../core/selectors.ts";
import type { Claim } from "../../core/model.ts";
import type { Invariant } from "./invariant.ts";
import type { NodeView } from "./readings.ts";
import { isSettled, type World } from "./world.ts";

const ROLE_LABELS = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
];

function namesRole({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return ROLE_LABELS.some(
    (label) =>
      matchLabels?.[label] !== undefined ||
      matchExpressions?.some((term) => term.key === label && (term.operator === "In" || term.operator === "Exists")),
  );
}

/** Whether a selector means a node: a control-plane node only where it names such a role. */
export function selectsNode(selector: LabelSelector, node: NodeView): boolean {
  return (!node.controlPlane || namesRole(selector)) && matches(selector, node.labels);
}

/** Rings whose selectors mean a target, shares (`percent`) left aside; undefined: it is not there. */
export function memberOf(world: World, uid: string): readonly string[] | undefined {
  const node = world.nodes.get(world.nodeNames.get(uid) ?? "");
  const workload = world.workloads.get(uid);
  if (node === undefined && workload === undefined) return undefined;
  return [...world.rings].flatMap(([name, { spec }]) => {
    const selector = node === undefined ? spec.members.workloads?.selector : spec.members.nodes?.selector;
    if (selector === undefined) return [];
    const is = node === undefined ? matches(selector, workload?.labels ?? {}) : selectsNode(selector, node);
    return is ? [name] : [];
  });
}

/** Whether labels and selectors have been as they are for long enough. */
function isKnown(world: World, claim: Claim): boolean {
  const node = world.nodes.get(claim.name);
  if (claim.kind === "Node" && (node === undefined || !isSettled(world, node.labelsSince))) return false;
  return [...world.rings.values()].every((ring) => isSettled(world, ring.membersSince));
}

const check: NonNullable<Invariant["check"]> = ({ ledger }, world, report) => {
  for (const claim of ledger?.fresh ?? []) {
    const rings = isKnown(world, claim) ? memberOf(world, claim.uid) : undefined;
    if (rings === undefined) continue;
    report.met();
    const shares = rings.some((ring) => world.rings.get(ring)?.spec.members.nodes?.percent !== undefined);
    if (!rings.includes(claim.ring))
      report.violated(`rolloutrings/${claim.ring}`, `${claim.kind} ${claim.name} was claimed and is no member`);
    else if (rings.length > 1 && !shares)
      report.violated(
        `rolloutrings/${claim.ring}`,
        `${claim.kind} ${claim.name} was claimed and is a member of ${rings.join(" and ")}`,
      );
  }
};

export const membership: readonly Invariant[] = [
  {
    id: "D12",
    says: "only a target that is a member of one ring is claimed, there; a control-plane node where its role is named",
    on: ["disruptionledgers.ringward.dev"],
    check,
  },
];
