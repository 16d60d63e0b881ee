// What only a cluster can tell: rings and baselines that meet nothing or the same thing twice, and zones that do not exist.
// Uses the core's own membership and targets, so `validate` and `plan` never disagree.
import { closest } from "../../api/suggest.ts";
import { isNodeTarget, isWorkloadTarget } from "../../core/compliance/index.ts";
import type { RingInForce } from "../../core/model.ts";
import { assignMembers, type Members } from "../../core/rollout/membership.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error, warning } from "./context.ts";

type Cluster = NonNullable<CheckContext["cluster"]>;
const ZONE_LABELS = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];

export function checkCluster(context: CheckContext): readonly Finding[] {
  const { cluster } = context;
  if (cluster === undefined) return [];
  const { nodes, workloads } = cluster.inventory;
  const members = assignMembers(context.rings.map(ringOf), nodes, workloads);
  return [
    ...checkRingConflicts(context, cluster, members),
    ...checkEmptyRings(context, members),
    ...checkIntersections(context, cluster, members),
    ...checkBaselineConflicts(context, cluster),
    ...checkZones(context, cluster),
  ];
}

/** Membership asks only for names, order and selectors. */
function ringOf(ring: ObjectOf<"RolloutRing">): RingInForce {
  return {
    name: ring.name,
    spec: ring.spec,
    status: undefined,
    authority: { kind: "Cluster" },
    suspendedLive: false,
    brakes: [],
  };
}

function checkRingConflicts(context: CheckContext, { inventory }: Cluster, members: Members): Finding[] {
  const byRings = new Map<string, { rings: readonly string[]; side: "nodes" | "workloads"; names: string[] }>();
  const note = (side: "nodes" | "workloads", uid: string, name: string): void => {
    const membership = members.of.get(uid);
    if (membership?.kind !== "Conflict") return;
    const key = `${side} ${membership.rings.join(" ")}`;
    const group = byRings.get(key) ?? { rings: membership.rings, side, names: [] };
    group.names.push(name);
    byRings.set(key, group);
  };
  for (const node of inventory.nodes) note("nodes", node.uid, node.name);
  for (const workload of inventory.workloads) note("workloads", workload.uid, `${workload.namespace}/${workload.name}`);
  return [...byRings.values()].flatMap(({ rings, side, names }) => {
    const last = context.rings.findLast((ring) => rings.includes(ring.name));
    if (last === undefined) return [];
    const others = rings
      .filter((name) => name !== last.name)
      .map((name) => `"${name}"`)
      .join(", ");
    const message = `${listed(names)} ${names.length === 1 ? "is" : "are"} also in ring ${others}`;
    return [
      error(last, ["spec", "members", side, "selector"], "RingConflict", message, "an asset in two rings is blocked"),
    ];
  });
}

/** The first few, and how many more. */
function listed(names: readonly string[]): string {
  const sorted = names.toSorted();
  const shown = sorted.slice(0, 3).join(", ");
  return sorted.length > 3 ? `${shown} and ${sorted.length - 3} more` : shown;
}

function checkEmptyRings(context: CheckContext, members: Members): Finding[] {
  return context.rings.flatMap((ring) =>
    (["nodes", "workloads"] as const).flatMap((side) => {
      const selects = ring.spec.members[side] !== undefined;
      if (!selects || (members[side].get(ring.name) ?? []).length > 0) return [];
      const message = `selects none of the cluster's ${side}`;
      return [
        warning(ring, ["spec", "members", side, "selector"], "RingWithoutMembers", message, "look at the labels"),
      ];
    }),
  );
}

/** An entry whose baseline and ring have nothing in common never completes, unless onEmpty says Pass. */
function checkIntersections(context: CheckContext, cluster: Cluster, members: Members): Finding[] {
  return context.rings.flatMap((ring) => {
    if (ring.spec.completion?.onEmpty === "Pass") return [];
    return (ring.spec.levels ?? []).flatMap((entry, index) => {
      const baseline = context.find("PatchBaseline", entry.baseline);
      if (baseline === undefined || meets(baseline, ring.name, cluster, members, context)) return [];
      const message = `baseline "${entry.baseline}" and the ring have no target in common`;
      const hint = "an empty ring blocks the ones after it, unless completion.onEmpty is Pass";
      return [warning(ring, ["spec", "levels", index, "baseline"], "RingEmpty", message, hint)];
    });
  });
}

function meets(
  baseline: ObjectOf<"PatchBaseline">,
  ring: string,
  { stored }: Cluster,
  members: Members,
  { now }: CheckContext,
): boolean {
  if (baseline.spec.target === "Image") {
    return (members.workloads.get(ring) ?? []).some((workload) => isWorkloadTarget(baseline, workload));
  }
  return (members.nodes.get(ring) ?? []).some((node) => isNodeTarget(baseline, node, stored?.nodes.get(node.uid), now));
}

function checkBaselineConflicts(context: CheckContext, { inventory, stored }: Cluster): Finding[] {
  const byBaselines = new Map<string, { baselines: readonly ObjectOf<"PatchBaseline">[]; names: string[] }>();
  const all = context.baselines.filter(({ spec }) => spec.target === "Node");
  for (const node of inventory.nodes) {
    const baselines = all.filter((baseline) => isNodeTarget(baseline, node, stored?.nodes.get(node.uid), context.now));
    if (baselines.length < 2) continue;
    const key = baselines.map(({ name }) => name).join(" ");
    const group = byBaselines.get(key) ?? { baselines, names: [] };
    group.names.push(node.name);
    byBaselines.set(key, group);
  }
  return [...byBaselines.values()].flatMap(({ baselines, names }) => {
    const last = baselines.at(-1);
    if (last === undefined) return [];
    const others = baselines
      .slice(0, -1)
      .map(({ name }) => `"${name}"`)
      .join(", ");
    const message = `${listed(names)} ${names.length === 1 ? "is" : "are"} also under baseline ${others}`;
    return [
      error(
        last,
        ["spec", "node", "product"],
        "BaselineConflict",
        message,
        "a node under two node baselines is blocked",
      ),
    ];
  });
}

/** Selectors that name a zone which no node is in, and budgets per zone where nodes have none. */
function checkZones(context: CheckContext, { inventory }: Cluster): Finding[] {
  const zones = new Set(inventory.nodes.flatMap(({ zone }) => zone ?? []));
  const findings: Finding[] = [];
  const judge = (
    object: ObjectOf<"RolloutRing" | "PatchBaseline">,
    pointer: readonly (string | number)[],
    zone: string,
  ): void => {
    if (zones.has(zone)) return;
    const guess = closest(zone, zones);
    const hint =
      guess === undefined ? `there are ${[...zones].toSorted().join(", ") || "none"}` : `did you mean "${guess}"?`;
    findings.push(warning(object, pointer, "UnknownZone", `no node is in zone "${zone}"`, hint));
  };
  const selectors = [
    ...context.rings.map((ring) => ({
      object: ring,
      path: ["spec", "members", "nodes", "selector"],
      selector: ring.spec.members.nodes?.selector,
    })),
    ...context.baselines.map((baseline) => ({
      object: baseline,
      path: ["spec", "node", "nodeSelector"],
      selector: baseline.spec.node?.nodeSelector,
    })),
  ];
  for (const { object, path, selector } of selectors) {
    for (const label of ZONE_LABELS) {
      const value = selector?.matchLabels?.[label];
      if (value !== undefined) judge(object, [...path, "matchLabels", label], value);
    }
    for (const [index, term] of (selector?.matchExpressions ?? []).entries()) {
      if (!ZONE_LABELS.includes(term.key) || term.operator !== "In") continue;
      for (const [at, zone] of (term.values ?? []).entries())
        judge(object, [...path, "matchExpressions", index, "values", at], zone);
    }
  }
  const unzoned = inventory.nodes.filter(({ zone }) => zone === undefined);
  if (unzoned.length === 0) return findings;
  for (const ring of context.rings) {
    if (ring.spec.budget?.nodesPerZone === undefined) continue;
    const message = `${listed(unzoned.map(({ name }) => name))}: no zone; nodes without one count as one zone`;
    findings.push(
      warning(
        ring,
        ["spec", "budget", "nodesPerZone"],
        "NodesWithoutZone",
        message,
        `label them ${ZONE_LABELS[0] ?? ""}`,
      ),
    );
  }
  return findings;
}

/** Exceptions by name that name nobody. */
export function checkExceptionTargets(context: CheckContext): readonly Finding[] {
  if (context.cluster === undefined) return [];
  const { nodes, workloads } = context.cluster.inventory;
  const known: Record<"Node" | "Workload", ReadonlySet<string>> = {
    Node: new Set(nodes.map(({ name }) => name)),
    Workload: new Set(workloads.map(({ namespace, name }) => `${namespace}/${name}`)),
  };
  return context.exceptions.flatMap((exception) =>
    (exception.spec.targets.names ?? []).flatMap((name, index) => {
      const names = known[exception.spec.targets.kind];
      if (names.has(name)) return [];
      const guess = closest(name, names);
      const message = `the cluster has no ${exception.spec.targets.kind === "Node" ? "node" : "workload"} "${name}"`;
      return [
        warning(
          exception,
          ["spec", "targets", "names", index],
          "UnknownTarget",
          message,
          guess === undefined ? "remove it when it is gone for good" : `did you mean "${guess}"?`,
        ),
      ];
    }),
  );
}
