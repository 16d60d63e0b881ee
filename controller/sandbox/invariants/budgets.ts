// Budgets over every ledger version that adds claims (B1, B2, B8, B13). Each limit has two parts: what is claimed never exceeds it, and
// a claim is never added while what is claimed and what is otherwise unavailable together exceed it. The second part counts only what
// had been unavailable long enough to be seen: a node that fails between the look and the write can exceed the total, never the claims.
import type { Claim } from "../../core/model.ts";
import { matches } from "../../core/selectors.ts";
import type { Invariant, Report } from "./invariant.ts";
import { mostOf, type NodeView } from "./readings.ts";
import { isSettled, type Step, type World } from "./world.ts";

const LEDGER = "disruptionledgers/cluster";

const isNode = (claim: Claim): boolean => claim.kind === "Node";

interface Limit {
  readonly what: string;
  readonly most: number;
  /** Claims that count against it. */
  readonly claimed: readonly Claim[];
  /** Nodes that count against it when they are unavailable; none for workloads. */
  readonly nodes: readonly NodeView[];
}

function enforce(limit: Limit, step: Step, world: World, report: Report): void {
  const { what, most, claimed, nodes } = limit;
  if (claimed.length > most) report.violated(LEDGER, `${what}: ${claimed.length} claims, ${most} allowed`);
  const uids = new Set(claimed.map((claim) => claim.uid));
  for (const node of nodes)
    if (node.awaySince !== undefined && step.now - node.awaySince >= world.settleMs) uids.add(node.uid);
  if (claimed.length <= most && uids.size > most)
    report.violated(LEDGER, `${what}: a claim was added with ${uids.size} claimed or unavailable, ${most} allowed`);
}

function ringNodes(world: World, ring: string): readonly NodeView[] {
  const selector = world.rings.get(ring)?.spec.members.nodes?.selector;
  return selector === undefined ? [] : [...world.nodes.values()].filter((node) => matches(selector, node.labels));
}

function ringWorkloads(world: World, ring: string): number {
  const selector = world.rings.get(ring)?.spec.members.workloads?.selector;
  return selector === undefined
    ? 0
    : [...world.workloads.values()].filter((workload) => matches(selector, workload.labels)).length;
}

/** Rings that this step adds claims to. */
function ringsOf(claims: readonly Claim[]): readonly string[] {
  return [...new Set(claims.map((claim) => claim.ring))];
}

const checkBudgets: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { ledger } = step;
  if (ledger === undefined || ledger.fresh.length === 0) return;
  report.met();
  const { claims, spec } = ledger.after;
  const nodes = [...world.nodes.values()];
  const fresh = { nodes: ledger.fresh.filter(isNode), workloads: ledger.fresh.filter((claim) => !isNode(claim)) };
  if (fresh.nodes.length > 0)
    enforce(
      {
        what: "cluster, nodes",
        most: mostOf(spec.limits?.nodes, nodes.length, "10%"),
        claimed: claims.filter(isNode),
        nodes,
      },
      step,
      world,
      report,
    );
  if (fresh.workloads.length > 0)
    enforce(
      {
        what: "cluster, workloads",
        most: mostOf(spec.limits?.workloads, world.workloads.size, "10%"),
        claimed: claims.filter((claim) => !isNode(claim)),
        nodes: [],
      },
      step,
      world,
      report,
    );
  for (const ring of ringsOf(ledger.fresh)) {
    const budget = world.rings.get(ring)?.spec.budget;
    const mine = claims.filter((claim) => claim.ring === ring);
    const members = ringNodes(world, ring);
    if (fresh.nodes.some((claim) => claim.ring === ring))
      enforce(
        {
          what: `ring ${ring}, nodes`,
          most: mostOf(budget?.nodes, members.length, 1),
          claimed: mine.filter(isNode),
          nodes: members,
        },
        step,
        world,
        report,
      );
    if (fresh.workloads.some((claim) => claim.ring === ring))
      enforce(
        {
          what: `ring ${ring}, workloads`,
          most: mostOf(budget?.workloads, ringWorkloads(world, ring), 1),
          claimed: mine.filter((claim) => !isNode(claim)),
          nodes: [],
        },
        step,
        world,
        report,
      );
  }
};

const checkZones: NonNullable<Invariant["check"]> = (step, world, report) => {
  const { ledger } = step;
  const fresh = ledger?.fresh.filter(isNode) ?? [];
  if (ledger === undefined || fresh.length === 0) return;
  const { claims, spec } = ledger.after;
  for (const zone of new Set(fresh.map((claim) => claim.zone ?? ""))) {
    if (zone !== "") report.met();
    const inZone = (node: NodeView): boolean => node.zone === zone;
    const claimed = claims.filter((claim) => isNode(claim) && (claim.zone ?? "") === zone);
    const nodes = [...world.nodes.values()].filter(inZone);
    enforce(
      { what: `zone ${zone}`, most: mostOf(spec.limits?.nodesPerZone, nodes.length, "25%"), claimed, nodes },
      step,
      world,
      report,
    );
    for (const ring of ringsOf(fresh.filter((claim) => (claim.zone ?? "") === zone))) {
      const limit = world.rings.get(ring)?.spec.budget?.nodesPerZone;
      if (limit === undefined) continue;
      const members = ringNodes(world, ring).filter(inZone);
      const mine = claimed.filter((claim) => claim.ring === ring);
      enforce(
        { what: `ring ${ring}, zone ${zone}`, most: mostOf(limit, members.length, 1), claimed: mine, nodes: members },
        step,
        world,
        report,
      );
    }
  }
  if (fresh.some((claim) => claim.controlPlane === true))
    enforce(
      {
        what: "control plane",
        most: mostOf(spec.limits?.controlPlane, 1, 1),
        claimed: claims.filter((claim) => claim.controlPlane === true),
        nodes: [...world.nodes.values()].filter((node) => node.controlPlane),
      },
      step,
      world,
      report,
    );
};

const checkOneClaim: NonNullable<Invariant["check"]> = ({ ledger }, world, report) => {
  if (ledger === undefined) return;
  const uids = new Set<string>();
  const targets = new Set<string>();
  for (const claim of ledger.after.claims) {
    const target = `${claim.kind}/${claim.namespace ?? ""}/${claim.name}`;
    if (uids.has(claim.uid) || targets.has(target)) report.violated(LEDGER, `${target} is in more than one claim`);
    uids.add(claim.uid);
    targets.add(target);
  }
  if (uids.size > 1) report.met();
  for (const claim of ledger.fresh) {
    const standing = world.nodes.get(claim.name)?.claimId;
    if (
      isNode(claim) &&
      standing !== undefined &&
      standing !== claim.id &&
      world.nodes.get(claim.name)?.uid === claim.uid
    )
      report.violated(`nodes/${claim.name}`, `claimed as ${claim.id} while it bears claim ${standing}`);
  }
};

const checkBrakes: NonNullable<Invariant["check"]> = ({ ledger, version }, world, report) => {
  if (
    version.resource === "rolloutrings.ringward.dev" &&
    world.rings.get(version.object.metadata.name)?.spec.suspend === true &&
    world.claims.size > 0
  )
    report.met();
  if (ledger === undefined) return;
  const lowered = (["nodes", "workloads", "nodesPerZone"] as const).some((name) => {
    const [before, after] = [ledger.before?.spec.limits?.[name], ledger.after.spec.limits?.[name]];
    return typeof before === "number" && typeof after === "number" && after < before;
  });
  const mode = ledger.after.spec.mode ?? "Observe";
  if (ledger.before !== undefined && (lowered || (mode !== "Enforce" && ledger.before.spec.mode === "Enforce")))
    report.met();
  if (mode !== "Enforce" && ledger.fresh.length > 0) report.violated(LEDGER, `a claim was added in mode ${mode}`);
  for (const claim of ledger.fresh) {
    const since = world.rings.get(claim.ring)?.suspendedSince;
    // One that came while the claim was on its way was seen by nobody: ledger and ring are two objects.
    if (since !== undefined && isSettled(world, since))
      report.violated(LEDGER, `a claim was added in ring ${claim.ring}, which is suspended`);
  }
};

export const budgets: readonly Invariant[] = [
  { id: "B1", says: "a claim never exceeds the cluster's or its ring's budget", check: checkBudgets },
  { id: "B2", says: "zone and control-plane limits hold across rings", check: checkZones },
  { id: "B8", says: "a target is in at most one claim", check: checkOneClaim },
  { id: "B13", says: "lowering limits, suspending or stopping starts nothing", check: checkBrakes },
];
