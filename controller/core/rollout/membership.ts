// Which ring an asset belongs to. In two rings is a conflict, never "first wins"; in none it is counted and never touched.
// Holds B8 (one ring per asset) together with the ledger's one claim per UID.
import { createHash } from "node:crypto";
import type { LabelSelector } from "../../api/schema.ts";
import type { NodeAsset, RingInForce, WorkloadAsset } from "../model.ts";
import { matches } from "../selectors.ts";
import { sortRings } from "./ring-order.ts";
import { compareText } from "../text-order.ts";

export type Membership =
  | { readonly kind: "Ring"; readonly ring: string }
  | { readonly kind: "Unassigned" }
  | { readonly kind: "Conflict"; readonly rings: readonly string[] };

/** The ring of a member; undefined: it is in none, or in two. */
export function ringOf(membership: Membership): string | undefined {
  return membership.kind === "Ring" ? membership.ring : undefined;
}

export interface Members {
  /** By UID, for nodes and workloads alike. */
  readonly of: ReadonlyMap<string, Membership>;
  readonly nodes: ReadonlyMap<string, readonly NodeAsset[]>;
  readonly workloads: ReadonlyMap<string, readonly WorkloadAsset[]>;
}

const CONTROL_PLANE_LABELS = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/etcd",
];

/** Assigns every node and workload. Lists of members are in the order in which the assets came. */
export function assignMembers(
  rings: readonly RingInForce[],
  nodes: readonly NodeAsset[],
  workloads: readonly WorkloadAsset[],
): Members {
  const rules = makeRules(rings);
  const names = rings.map((ring) => ring.name);
  const ofNodes = nodes.map((asset) => ({ asset, membership: rules.ofNode(asset) }));
  const ofWorkloads = workloads.map((asset) => ({ asset, membership: rules.ofWorkload(asset) }));
  return {
    of: new Map([...ofNodes, ...ofWorkloads].map(({ asset, membership }) => [asset.uid, membership])),
    nodes: listMembers(names, ofNodes),
    workloads: listMembers(names, ofWorkloads),
  };
}

/** The members of every ring (by name), in the order in which they came. */
export function listMembers<Asset>(
  rings: readonly string[],
  assigned: readonly { readonly asset: Asset; readonly membership: Membership }[],
): ReadonlyMap<string, readonly Asset[]> {
  const lists = new Map<string, Asset[]>(rings.map((ring) => [ring, []]));
  for (const { asset, membership } of assigned) if (membership.kind === "Ring") lists.get(membership.ring)?.push(asset);
  return lists;
}

/** Who is a member of what, as the rings say it. Equal memberships are the same object, but for conflicts. */
export interface MembershipRules {
  readonly ofNode: (node: NodeAsset) => Membership;
  readonly ofWorkload: (workload: WorkloadAsset) => Membership;
}

/** What the rules depend on: they are the same while all of this is. */
export function rulesParts(rings: readonly RingInForce[]): readonly unknown[] {
  return rings.flatMap((ring) => [ring.name, ring.spec.members, ring.spec.after]);
}

/** Reads the rings' selectors. */
export function makeRules(rings: readonly RingInForce[]): MembershipRules {
  const nodeRules = nodeRulesOf(rings);
  const workloadRules = rings.flatMap((ring) => {
    const selector = ring.spec.members.workloads?.selector;
    return selector === undefined ? [] : [{ ring: ring.name, selector }];
  });
  const decided = new Map<string, Membership>(rings.map((ring) => [ring.name, { kind: "Ring", ring: ring.name }]));
  return {
    ofNode: (node) =>
      decide(
        nodeRules.filter((rule) => rule.selects(node)).map((rule) => rule.ring),
        decided,
      ),
    ofWorkload: (workload) =>
      decide(
        workloadRules.filter((rule) => matches(rule.selector, workload.labels)).map((rule) => rule.ring),
        decided,
      ),
  };
}

const UNASSIGNED: Membership = { kind: "Unassigned" };

function decide(found: readonly string[], decided: ReadonlyMap<string, Membership>): Membership {
  const [ring, ...others] = found;
  if (ring === undefined) return UNASSIGNED;
  return others.length > 0
    ? { kind: "Conflict", rings: [...found].sort() }
    : (decided.get(ring) ?? { kind: "Ring", ring });
}

interface NodeRule {
  readonly ring: string;
  readonly selects: (node: NodeAsset) => boolean;
}

/** Rings with equal selectors and a percent divide the nodes among them, in ring order, by a stable hash of the UID. */
function nodeRulesOf(rings: readonly RingInForce[]): readonly NodeRule[] {
  const taken = new Map<string, number>();
  return sortRings(rings).flatMap((ring) => {
    const nodes = ring.spec.members.nodes;
    if (nodes === undefined) return [];
    const { selector, percent } = nodes;
    const controlPlane = namesControlPlane(selector);
    const selected = (node: NodeAsset): boolean =>
      (!node.controlPlane || controlPlane) && matches(selector, node.labels);
    if (percent === undefined) return [{ ring: ring.name, selects: selected }];
    const key = keyOf(selector);
    const from = taken.get(key) ?? 0;
    const to = Math.min(100, from + percent);
    taken.set(key, to);
    return [
      {
        ring: ring.name,
        selects: (node: NodeAsset) => {
          if (!selected(node)) return false;
          const place = cohortOf(node.uid);
          return place >= from && place < to;
        },
      },
    ];
  });
}

/** The same for selectors that say the same in another order. */
function keyOf({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = Object.entries(matchLabels ?? {}).sort(([a], [b]) => compareText(a, b));
  const terms = (matchExpressions ?? []).map(({ key, operator, values }) =>
    JSON.stringify([key, operator, [...(values ?? [])].sort()]),
  );
  return JSON.stringify([labels, terms.sort()]);
}

/** A stable place in [0, 100) for a node (Bottlerocket's update waves work the same way). */
export function cohortOf(uid: string): number {
  return (createHash("sha256").update(uid).digest().readUInt32BE(0) / 2 ** 32) * 100;
}

/** Control-plane nodes are members only of rings whose selector names their role label. */
function namesControlPlane(selector: LabelSelector): boolean {
  return CONTROL_PLANE_LABELS.some(
    (label) =>
      selector.matchLabels?.[label] !== undefined ||
      selector.matchExpressions?.some((term) => term.key === label && ["In", "Exists"].includes(term.operator)),
  );
}
