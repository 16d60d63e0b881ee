// A pure little world for rollout timelines: nodes with kernels and jobs, workloads with rollouts, a ledger and stored states in
// memory, moved minute by minute by the real plan and the real step machines, one act at a time. It writes what happens as a person
// would tell it, and throws where an act would break an invariant (B1, B3, B4, B5, B10).
import { isCompliant } from "../../../controller/core/compliance/states.ts";
import type { NodeAsset, PolicyInForce, RingInForce, WorkloadAsset } from "../../../controller/core/model.ts";
import type { Plan } from "../../../controller/core/rollout/plan.ts";
import { MINUTE, START } from "../../support/fleet.ts";
import { createChronicle } from "./chronicle.ts";
import { createController } from "./controller.ts";
import { type Ground, type Machine, must, type WorldOptions } from "./ground.ts";
import { endJobs } from "./nodes.ts";
import { moveRollouts } from "./workloads.ts";

type Due = { readonly at: number; readonly say: string; readonly act: () => void };

const PASSES_PER_MINUTE = 40;

export interface World {
  readonly now: () => number;
  readonly plan: () => Plan;
  readonly policy: () => PolicyInForce;
  readonly machine: (name: string) => Machine;
  readonly workload: (name: string) => WorkloadAsset;
  readonly changeWorkload: (name: string, change: Partial<WorkloadAsset>) => void;
  readonly badTags: Ground["badTags"];
  readonly states: Ground["states"];
  /** Something that people (or the world) do at a minute from the start. */
  readonly at: (minute: number, say: string, act: () => void) => void;
  readonly setPolicy: (change: (policy: PolicyInForce) => PolicyInForce) => void;
  readonly setRing: (name: string, spec: Partial<RingInForce["spec"]>) => void;
  readonly addNode: (asset: NodeAsset) => void;
  readonly removeNode: (name: string) => void;
  readonly setMode: (mode: "Observe" | "Enforce" | "Stop") => void;
  readonly loseLedger: () => void;
  readonly restart: () => void;
  /** Lets the minutes pass until this one, or (true) until nothing is left to do and nothing soaks. */
  readonly runUntil: (minute: number) => void;
  readonly text: () => string;
}

export function createWorld(options: WorldOptions): World {
  const start = options.start ?? START;
  const due: Due[] = [];
  const chronicle = createChronicle(start, () => ground.now);
  const ground: Ground = {
    options,
    now: start,
    policy: options.policy,
    claims: [],
    machines: new Map(),
    jobs: new Map(),
    workloads: new Map((options.workloads ?? []).map((asset) => [asset.name, { asset, changedAt: start }])),
    states: { nodes: new Map(), workloads: new Map() },
    badTags: new Set(),
    chronicle,
  };
  const controller = createController(ground);
  for (const level of ground.policy.levels) chronicle.nameLevel(level);
  for (const asset of options.nodes ?? []) addNode(asset);

  function addNode(asset: NodeAsset): void {
    ground.machines.set(asset.name, { asset, installedKernel: asset.kernelVersion, pods: 2 });
  }

  function minute(): void {
    chronicle.beginMinute();
    endJobs(ground);
    moveRollouts(ground);
    for (const item of due.filter((one) => one.at === ground.now)) {
      chronicle.write("", "", `-- ${item.say}`);
      item.act();
    }
    for (let turn = 0; controller.pass(); turn += 1)
      must(ground, turn < PASSES_PER_MINUTE, "V1", "the passes of one minute do not end");
    chronicle.writeNotes();
    const plan = controller.plan();
    for (const outcome of plan?.rings ?? []) chronicle.tellRing(outcome);
    for (const row of plan?.rows ?? []) {
      const { nodes, workloads } = ground.states;
      const { uid } = row.asset;
      chronicle.tellRow(row, (nodes.get(uid) ?? workloads.get(uid))?.operation !== undefined);
    }
  }

  return {
    now: () => ground.now,
    plan: () => controller.plan() as Plan,
    policy: () => ground.policy,
    machine: (name) => ground.machines.get(name) as Machine,
    workload: (name) => ground.workloads.get(name)?.asset as WorkloadAsset,
    changeWorkload(name, change) {
      const item = ground.workloads.get(name);
      if (item === undefined) return;
      item.asset = { ...item.asset, ...change };
      item.changedAt = ground.now;
    },
    badTags: ground.badTags,
    states: ground.states,
    at: (minuteOf, say, act) => void due.push({ at: start + minuteOf * MINUTE, say, act }),
    setPolicy(change) {
      ground.policy = change(ground.policy);
      for (const level of ground.policy.levels) chronicle.nameLevel(level);
    },
    setRing(name, spec) {
      const { policy } = ground;
      ground.policy = {
        ...policy,
        rings: policy.rings.map((ring) => (ring.name === name ? { ...ring, spec: { ...ring.spec, ...spec } } : ring)),
      };
    },
    addNode,
    removeNode: (name) => void ground.machines.delete(name),
    setMode: (mode) => controller.setMode(mode),
    loseLedger: () => controller.loseLedger(),
    restart: () => controller.restart(),
    runUntil(until) {
      for (; ground.now <= start + until * MINUTE; ground.now += MINUTE) minute();
    },
    text: () => `${[...chronicle.lines(), describeEnd(ground, controller.plan())].join("\n")}\n`,
  };
}

function describeEnd({ machines, claims }: Ground, plan: Plan | undefined): string {
  const left = (plan?.rows ?? [])
    .filter((row) => !isCompliant(row.state))
    .map((row) => `${row.asset.name} ${row.state}`);
  const cordoned = [...machines.values()].filter(({ asset }) => asset.unschedulable).map(({ asset }) => asset.name);
  return [
    `in the end: ${left.length === 0 ? "all compliant" : left.join(", ")}`,
    `claims: ${claims.length === 0 ? "none" : claims.map((claim) => claim.name).join(", ")}`,
    `cordoned: ${cordoned.length === 0 ? "none" : cordoned.join(", ")}`,
  ].join("; ");
}
