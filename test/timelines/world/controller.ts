// The controller of a little world: one pass after another by the real plan and the real step machines, and a ledger in memory.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../../controller/api/patch-state.ts";
import { assessNode, assessWorkload } from "../../../controller/core/compliance/index.ts";
import type { Claim, Inventory, WorkloadAsset } from "../../../controller/core/model.ts";
import { admit, limitOf } from "../../../controller/core/rollout/limits.ts";
import { nextNodeAct, type NodeView, type Trial } from "../../../controller/core/operations/node-steps.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { Steering } from "../../../controller/core/rollout/decision.ts";
import { ringStatusOf } from "../../../controller/core/rollout/summary.ts";
import { nextWorkloadAct } from "../../../controller/core/operations/workload-steps.ts";
import { addVerified } from "../../../controller/kube/closing.ts";
import { iso } from "../../support/fleet.ts";
import { type Ground, type Machine, must } from "./ground.ts";
import { doNodeAct, jobKey, pdbsOf, podsOf } from "./nodes.ts";
import { doWorkloadAct } from "./workloads.ts";

/** Here pods are refused only once their node is cordoned: what no forecast can see. */
const GRANTED: Trial = { kind: "Granted" };

export interface Controller {
  /** One pass; true where it changed something. */
  pass(): boolean;
  /** The last plan. */
  plan(): Plan | undefined;
  setMode(mode: "Observe" | "Enforce" | "Stop"): void;
  loseLedger(): void;
  restart(): void;
}

export function createController(ground: Ground): Controller {
  const { chronicle } = ground;
  let mode: "Observe" | "Enforce" | "Stop" = "Enforce";
  let rebuilt = true;
  let soakedMs: ReadonlyMap<string, number> = new Map();
  let looked: number | undefined = ground.now;
  let last: Plan | undefined;
  let claimNumber = 0;

  function pass(): boolean {
    const lost = lostClaims(ground);
    const elapsed = looked === undefined ? 0 : ground.now - looked;
    looked = ground.now;
    const plan = makePlan({
      now: ground.now,
      policy: ground.policy,
      inventory: inventory(ground),
      stored: ground.states,
      ledger: {
        spec: { mode, limits: ground.options.limits ?? { nodes: "100%", nodesPerZone: "100%", workloads: "100%" } },
        claims: ground.claims,
        rebuilding: !rebuilt || lost.length > 0,
      },
      candidates: new Map((ground.options.candidates ?? []).map((level) => [level.spec.baseline, level])),
      observedMs: elapsed,
      soakedMs,
    });
    last = plan;
    soakedMs = plan.soakedMs;
    storeStatuses(ground, plan);
    let moved = false;
    const free = new Set<string>();
    for (const steering of plan.steering) moved = serve(ground, steering, plan, free) || moved;
    return changeLedger(plan, lost, free) || moved;
  }

  function changeLedger(plan: Plan, lost: readonly Claim[], free: ReadonlySet<string>): boolean {
    for (const claim of ground.claims) if (free.has(claim.uid)) chronicle.note(claim.ring, claim.name, "released");
    for (const claim of lost) chronicle.note(claim.ring || "-", claim.name, "claim restored from its mark");
    const kept = [...ground.claims.filter((claim) => !free.has(claim.uid)), ...lost];
    const complete = rebuilt && lost.length === 0;
    const { admitted } = admit(kept, complete ? plan.claims : [], plan.capacity);
    const added = admitted.map((request): Claim => ({ ...request, id: `c${++claimNumber}`, since: iso(ground.now) }));
    for (const claim of added) chronicle.note(claim.ring, claim.name, `Claimed for ${chronicle.levelOf(claim)}`);
    const changed = added.length > 0 || free.size > 0 || lost.length > 0 || !rebuilt;
    if (!rebuilt) chronicle.write("-", "ledger", "complete again");
    ground.claims = [...kept, ...added];
    rebuilt = true;
    checkBudgets(ground);
    return changed;
  }

  return {
    pass,
    plan: () => last,
    setMode: (wanted) => void (mode = wanted),
    loseLedger() {
      ground.claims = [];
      rebuilt = false;
    },
    restart() {
      soakedMs = new Map();
      looked = undefined;
    },
  };
}

function inventory(ground: Ground): Inventory {
  return {
    nodes: [...ground.machines.values()].map((machine) => machine.asset),
    workloads: [...ground.workloads.values()].map((item) => item.asset),
    pods: [],
    pdbs: [],
    apiServerVersion: ground.options.apiServerVersion ?? "v1.35.1",
  };
}

/** Claims whose marks or operations stand while the ledger lacks them. */
function lostClaims(ground: Ground): readonly Claim[] {
  const held = new Set(ground.claims.map((claim) => claim.uid));
  return [...ground.machines.values()].flatMap(({ asset }) => {
    const operation = ground.states.nodes.get(asset.uid)?.operation;
    const id = asset.mark?.claimId ?? operation?.claimId;
    if (id === undefined || held.has(asset.uid)) return [];
    const { ring = "", baseline = "", level = "", digest = "" } = operation ?? {};
    return [
      {
        uid: asset.uid,
        id,
        kind: "Node",
        name: asset.name,
        cluster: "test",
        ...(asset.zone === undefined ? {} : { zone: asset.zone }),
        ring,
        baseline,
        level,
        digest,
        since: iso(ground.now),
      },
    ];
  });
}

function storeStatuses(ground: Ground, plan: Plan): void {
  ground.policy = {
    ...ground.policy,
    rings: ground.policy.rings.map((ring) => {
      const outcome = plan.rings.find((other) => other.ring.name === ring.name);
      return outcome === undefined ? ring : { ...ring, status: ringStatusOf(outcome) };
    }),
  };
  for (const row of plan.rows) {
    const map: Map<string, NodePatchStateStatus | WorkloadPatchStateStatus> =
      row.asset.kind === "Node" ? ground.states.nodes : ground.states.workloads;
    const stored = map.get(row.asset.uid) ?? {};
    if (stored.operation !== undefined) continue;
    const verified =
      row.approved &&
      row.state === "Installed" &&
      row.digest !== undefined &&
      !(stored.verified ?? []).some((one) => one.digest === row.digest)
        ? addVerified(stored.verified ?? [], { baseline: row.baseline, digest: row.digest }, iso(ground.now))
        : (stored.verified ?? []);
    map.set(row.asset.uid, {
      ...stored,
      verified,
      blockedBy: row.blockedBy.map(({ reason, message, since }) => ({
        reason,
        message,
        since: iso(since ?? ground.now),
      })),
    });
  }
}

/** B1: no claim was granted beyond a ring's budget; who is down for other reasons may be over it, our claims alone never. */
function checkBudgets(ground: Ground): void {
  for (const ring of ground.policy.rings) {
    const members = [...ground.machines.values()].filter(({ asset }) => asset.labels["ring"] === ring.name).length;
    const held = ground.claims.filter((claim) => claim.ring === ring.name && claim.kind === "Node").length;
    must(
      ground,
      held <= Math.max(1, limitOf(ring.spec.budget?.nodes, members, 1)),
      "B1",
      `ring ${ring.name} holds ${held} nodes`,
    );
  }
}

function serve(ground: Ground, { claim, retreat }: Steering, plan: Plan, free: Set<string>): boolean {
  const level = ground.policy.levels.find((other) => other.digest === claim.digest);
  const baseline = ground.policy.baselines.find((other) => other.name === claim.baseline);
  const found = plan.rings.find((outcome) => outcome.ring.name === claim.ring)?.entries.approvals.get(claim.baseline);
  const ring = ground.policy.rings.find((other) => other.name === claim.ring);
  const enforce = found?.level.digest === claim.digest ? (found.entry.enforce ?? "Floor") : "Floor";
  const common = {
    baseline: baseline ?? {
      name: claim.baseline,
      spec: { target: "Node" as const },
      status: undefined,
      inputTime: 0,
    },
    level,
    approved: true,
    withdrawn: false,
    exceptions: ground.policy.exceptions,
    now: ground.now,
  };
  if (claim.kind === "Node") {
    const machine = [...ground.machines.values()].find(({ asset }) => asset.uid === claim.uid);
    const state = ground.states.nodes.get(claim.uid);
    const view: NodeView = {
      now: ground.now,
      claim,
      level: level?.spec,
      drain: ring?.spec.drain ?? {},
      node: machine?.asset,
      state,
      pods: machine === undefined ? [] : podsOf(machine),
      pdbs: machine === undefined ? [] : pdbsOf(machine),
      job: (step) => ground.jobs.get(jobKey(claim, step, state))?.view ?? { phase: "Absent" },
      assess: () =>
        assessNode({
          ...common,
          node: (machine as Machine).asset,
          stored: ground.states.nodes.get(claim.uid),
          enforce,
        }),
      retreat,
    };
    const first = nextNodeAct(view);
    const act = first.kind === "Rehearse" ? nextNodeAct({ ...view, trial: GRANTED }) : first;
    return doNodeAct(ground, act, claim, machine, level, free);
  }
  const item = [...ground.workloads.values()].find(({ asset }) => asset.uid === claim.uid);
  const act = nextWorkloadAct({
    now: ground.now,
    claim,
    level: level?.spec,
    onFailure: ring?.spec.onFailure ?? "Halt",
    workload: item?.asset,
    state: ground.states.workloads.get(claim.uid),
    assess: () =>
      assessWorkload({
        ...common,
        workload: item?.asset as WorkloadAsset,
        stored: ground.states.workloads.get(claim.uid),
      }),
    retreat,
  });
  return doWorkloadAct(ground, act, claim, item, free);
}
