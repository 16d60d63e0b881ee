// A pure little world for rollout timelines: nodes with kernels and jobs, workloads with rollouts, a ledger and stored states in
// memory, moved minute by minute by the real plan and the real step machines, one act at a time. It writes what happens as a person
// would tell it, and throws where an act would break an invariant (B1, B3, B4, B5, B10).
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../controller/api/patch-state.ts";
import { assessNode, assessWorkload } from "../../controller/core/compliance/index.ts";
import { isCompliant } from "../../controller/core/compliance/states.ts";
import type {
  Claim,
  Inventory,
  LevelInForce,
  NodeAsset,
  PdbAsset,
  PodAsset,
  PolicyInForce,
  RingInForce,
  WorkloadAsset,
} from "../../controller/core/model.ts";
import { admit, limitOf } from "../../controller/core/rollout/limits.ts";
import {
  type JobIdentity,
  type JobView,
  nextNodeAct,
  type NodeAct,
  type NodeView,
  type RecipeStepName,
  type Trial,
} from "../../controller/core/operations/node-steps.ts";
import { makePlan, type Plan } from "../../controller/core/rollout/plan.ts";
import type { Steering } from "../../controller/core/rollout/decision.ts";
import type { PlanInput } from "../../controller/core/rollout/plan-input.ts";
import { ringStatusOf } from "../../controller/core/rollout/summary.ts";
import { nextWorkloadAct, type WorkloadAct } from "../../controller/core/operations/workload-steps.ts";
import { addVerified, closeOperation } from "../../controller/kube/closing.ts";
import { iso, kernel, MINUTE, START } from "./fleet.ts";

/** Here pods are refused only once their node is cordoned: what no forecast can see. */
const GRANTED: Trial = { kind: "Granted" };

export interface Machine {
  asset: NodeAsset;
  /** Kernel and kubelet that an update brings; the kernel runs after the next boot. */
  installedKernel: string;
  /** What goes wrong on it. */
  trouble?: "NeverReady" | "UpdateFails" | "NotAvailable" | "PodStays";
  pods: number;
}

interface Job {
  readonly identity: JobIdentity;
  end: number;
  readonly run: () => void;
  readonly effect: () => { readonly exitCode: number };
  view: JobView;
}

type Due = { readonly at: number; readonly say: string; readonly act: () => void };

export interface WorldOptions {
  readonly start?: number;
  readonly policy: PolicyInForce;
  readonly nodes?: readonly NodeAsset[];
  readonly workloads?: readonly WorkloadAsset[];
  readonly limits?: NonNullable<PlanInput["ledger"]["spec"]["limits"]>;
  readonly candidates?: readonly LevelInForce[];
  /** Minutes that an update takes (4) and a boot (3). */
  readonly updateMinutes?: number;
  readonly apiServerVersion?: string;
}

const PASSES_PER_MINUTE = 40;

export interface World {
  readonly now: () => number;
  readonly plan: () => Plan;
  readonly policy: () => PolicyInForce;
  readonly machine: (name: string) => Machine;
  readonly workload: (name: string) => WorkloadAsset;
  readonly changeWorkload: (name: string, change: Partial<WorkloadAsset>) => void;
  /** Tags whose rollout never progresses. */
  readonly badTags: Set<string>;
  readonly states: {
    readonly nodes: Map<string, NodePatchStateStatus>;
    readonly workloads: Map<string, WorkloadPatchStateStatus>;
  };
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
  let now = start;
  let policy = options.policy;
  let mode: "Observe" | "Enforce" | "Stop" = "Enforce";
  let claims: readonly Claim[] = [];
  let rebuilt = true;
  let soakedMs: ReadonlyMap<string, number> = new Map();
  let looked: number | undefined = start;
  let last: Plan | undefined;
  let claimNumber = 0;
  const machines = new Map<string, Machine>();
  const workloads = new Map<string, { asset: WorkloadAsset; changedAt: number }>();
  const states = {
    nodes: new Map<string, NodePatchStateStatus>(),
    workloads: new Map<string, WorkloadPatchStateStatus>(),
  };
  const jobs = new Map<string, Job>();
  const due: Due[] = [];
  const lines: string[] = [];
  const told = new Map<string, string>();
  const badTags = new Set<string>();
  let minuteNotes = new Map<string, string[]>();

  for (const asset of options.nodes ?? []) addNode(asset);
  for (const asset of options.workloads ?? []) workloads.set(asset.name, { asset, changedAt: start });

  function addNode(asset: NodeAsset): void {
    machines.set(asset.name, { asset, installedKernel: asset.kernelVersion, pods: 2 });
  }

  const clock = (): string => {
    const minutes = Math.round((now - start) / MINUTE);
    return `T+${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  };
  const write = (ring: string, name: string, what: string): void =>
    void lines.push(`${clock()}  ${ring.padEnd(7)} ${name.padEnd(9)} ${what}`.trimEnd());
  const note = (ring: string, name: string, what: string): void => {
    const key = `${ring}\u0000${name}`;
    minuteNotes.set(key, [...(minuteNotes.get(key) ?? []), what]);
  };
  const must = (holds: boolean, invariant: string, what: string): void => {
    if (!holds) throw new Error(`${clock()} ${invariant}: ${what}`);
  };

  function inventory(): Inventory {
    return {
      nodes: [...machines.values()].map((machine) => machine.asset),
      workloads: [...workloads.values()].map((item) => item.asset),
      pods: [],
      pdbs: [],
      apiServerVersion: options.apiServerVersion ?? "v1.35.1",
    };
  }

  /** Claims whose marks or operations stand while the ledger lacks them. */
  function lostClaims(): readonly Claim[] {
    const held = new Set(claims.map((claim) => claim.uid));
    return [...machines.values()].flatMap(({ asset }) => {
      const operation = states.nodes.get(asset.uid)?.operation;
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
          since: iso(now),
        },
      ];
    });
  }

  function pass(): boolean {
    const lost = lostClaims();
    const elapsed = looked === undefined ? 0 : now - looked;
    looked = now;
    const plan = makePlan({
      now,
      policy,
      inventory: inventory(),
      stored: states,
      ledger: {
        spec: { mode, limits: options.limits ?? { nodes: "100%", nodesPerZone: "100%", workloads: "100%" } },
        claims,
        rebuilding: !rebuilt || lost.length > 0,
      },
      candidates: new Map((options.candidates ?? []).map((level) => [level.spec.baseline, level])),
      observedMs: elapsed,
      soakedMs,
    });
    last = plan;
    soakedMs = plan.soakedMs;
    storeStatuses(plan);
    let moved = false;
    const free = new Set<string>();
    for (const steering of plan.steering) moved = serve(steering, plan, free) || moved;
    return changeLedger(plan, lost, free) || moved;
  }

  function storeStatuses(plan: Plan): void {
    policy = {
      ...policy,
      rings: policy.rings.map((ring) => {
        const outcome = plan.rings.find((other) => other.ring.name === ring.name);
        return outcome === undefined ? ring : { ...ring, status: ringStatusOf(outcome) };
      }),
    };
    for (const row of plan.rows) {
      const map: Map<string, NodePatchStateStatus | WorkloadPatchStateStatus> =
        row.asset.kind === "Node" ? states.nodes : states.workloads;
      const stored = map.get(row.asset.uid) ?? {};
      if (stored.operation !== undefined) continue;
      const verified =
        row.approved &&
        row.state === "Installed" &&
        row.digest !== undefined &&
        !(stored.verified ?? []).some((one) => one.digest === row.digest)
          ? addVerified(stored.verified ?? [], { baseline: row.baseline, digest: row.digest }, iso(now))
          : (stored.verified ?? []);
      map.set(row.asset.uid, {
        ...stored,
        verified,
        blockedBy: row.blockedBy.map(({ reason, message, since }) => ({ reason, message, since: iso(since ?? now) })),
      });
    }
  }

  function changeLedger(plan: Plan, lost: readonly Claim[], free: ReadonlySet<string>): boolean {
    for (const claim of claims) if (free.has(claim.uid)) note(claim.ring, claim.name, "released");
    for (const claim of lost) note(claim.ring || "-", claim.name, "claim restored from its mark");
    const kept = [...claims.filter((claim) => !free.has(claim.uid)), ...lost];
    const complete = rebuilt && lost.length === 0;
    const { admitted } = admit(kept, complete ? plan.claims : [], plan.capacity);
    const added = admitted.map((request): Claim => ({ ...request, id: `c${++claimNumber}`, since: iso(now) }));
    for (const claim of added) note(claim.ring, claim.name, `Claimed for ${told.get(claim.digest) ?? claim.level}`);
    const changed = added.length > 0 || free.size > 0 || lost.length > 0 || !rebuilt;
    if (!rebuilt) write("-", "ledger", "complete again");
    claims = [...kept, ...added];
    rebuilt = true;
    checkBudgets();
    return changed;
  }

  /** B1: no claim was granted beyond a ring's budget; who is down for other reasons may be over it, our claims alone never. */
  function checkBudgets(): void {
    for (const ring of policy.rings) {
      const members = [...machines.values()].filter(({ asset }) => asset.labels["ring"] === ring.name).length;
      const held = claims.filter((claim) => claim.ring === ring.name && claim.kind === "Node").length;
      must(
        held <= Math.max(1, limitOf(ring.spec.budget?.nodes, members, 1)),
        "B1",
        `ring ${ring.name} holds ${held} nodes`,
      );
    }
  }

  function serve({ claim, retreat }: Steering, plan: Plan, free: Set<string>): boolean {
    const level = policy.levels.find((other) => other.digest === claim.digest);
    const baseline = policy.baselines.find((other) => other.name === claim.baseline);
    const found = plan.rings.find((outcome) => outcome.ring.name === claim.ring)?.entries.approvals.get(claim.baseline);
    const ring = policy.rings.find((other) => other.name === claim.ring);
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
      exceptions: policy.exceptions,
      now,
    };
    if (claim.kind === "Node") {
      const machine = [...machines.values()].find(({ asset }) => asset.uid === claim.uid);
      const state = states.nodes.get(claim.uid);
      const view: NodeView = {
        now,
        claim,
        level: level?.spec,
        drain: ring?.spec.drain ?? {},
        node: machine?.asset,
        state,
        pods: machine === undefined ? [] : podsOf(machine),
        pdbs: machine === undefined ? [] : pdbsOf(machine),
        job: (step) => jobs.get(jobKey(claim, step, state))?.view ?? { phase: "Absent" },
        assess: () =>
          assessNode({ ...common, node: (machine as Machine).asset, stored: states.nodes.get(claim.uid), enforce }),
        retreat,
      };
      const first = nextNodeAct(view);
      const act = first.kind === "Rehearse" ? nextNodeAct({ ...view, trial: GRANTED }) : first;
      return doNodeAct(act, claim, machine, level, free);
    }
    const item = [...workloads.values()].find(({ asset }) => asset.uid === claim.uid);
    const act = nextWorkloadAct({
      now,
      claim,
      level: level?.spec,
      onFailure: ring?.spec.onFailure ?? "Halt",
      workload: item?.asset,
      state: states.workloads.get(claim.uid),
      assess: () =>
        assessWorkload({ ...common, workload: item?.asset as WorkloadAsset, stored: states.workloads.get(claim.uid) }),
      retreat,
    });
    return doWorkloadAct(act, claim, item, free);
  }

  function jobKey(claim: Claim, step: RecipeStepName, state: NodePatchStateStatus | undefined): string {
    return [claim.id, step, state?.operation?.attempt ?? 0].join("/");
  }

  function podsOf(machine: Machine): readonly PodAsset[] {
    return Array.from({ length: machine.pods }, (_, index) => ({
      namespace: "shop",
      name: `${machine.asset.name}-pod-${index}`,
      uid: `${machine.asset.uid}-pod-${index}`,
      nodeName: machine.asset.name,
      labels: { app: "web" },
      phase: "Running",
      deleting: false,
      ready: true,
      controller: { kind: "ReplicaSet", name: "web", uid: "rs" },
      mirror: false,
      emptyDir: false,
      priority: 0,
      job: false,
    }));
  }

  function pdbsOf({ trouble }: Machine): readonly PdbAsset[] {
    if (trouble !== "PodStays") return [];
    return [
      {
        namespace: "shop",
        name: "web",
        selector: { matchLabels: { app: "web" } },
        disruptionsAllowed: 0,
        currentHealthy: 2,
        desiredHealthy: 2,
      },
    ];
  }

  const quiet = new Set(["Claimed", "Preparing", "Prepared", "Staging", "Staged", "Uncordoned"]);

  function doNodeAct(
    act: NodeAct,
    claim: Claim,
    machine: Machine | undefined,
    level: LevelInForce | undefined,
    free: Set<string>,
  ): boolean {
    const state = states.nodes.get(claim.uid) ?? {};
    must(
      claims.some((other) => other.id === claim.id),
      "B3",
      `act on ${claim.name} without its claim`,
    );
    switch (act.kind) {
      case "Free":
        if (act.lost) loseTarget(claim);
        free.add(claim.uid);
        return false;
      case "Rehearse":
        throw new Error("the drain was tried, and is to be tried again");
      case "Wait":
        return false;
      case "Record": {
        const { failure, backOut } = act.operation;
        states.nodes.set(claim.uid, { ...state, operation: act.operation });
        if (failure !== undefined) note(claim.ring, claim.name, `FAILED ${failure.reason}: ${failure.message}`);
        else if (act.note === "BackingOut")
          note(claim.ring, claim.name, `backs out: ${backOut?.reason}: ${backOut?.message}`);
        else if (!quiet.has(act.note)) note(claim.ring, claim.name, act.note);
        return true;
      }
      case "Mark":
        if (machine === undefined) return false;
        machine.asset = {
          ...machine.asset,
          mark:
            machine.asset.mark?.claimId === claim.id
              ? machine.asset.mark
              : { claimId: claim.id, priorUnschedulable: act.priorUnschedulable },
          unschedulable: machine.asset.unschedulable || act.cordon,
        };
        return true;
      case "Unmark": {
        if (machine === undefined) return false;
        const restored =
          act.uncordon && machine.asset.mark?.priorUnschedulable !== true ? false : machine.asset.unschedulable;
        if (machine.asset.unschedulable && !restored) note(claim.ring, claim.name, "Uncordoned");
        machine.asset = { ...machine.asset, mark: undefined, unschedulable: restored };
        if (!restored) machine.pods = 2;
        return true;
      }
      case "Evict":
        must(
          machine?.asset.unschedulable === true && machine.asset.mark?.claimId === claim.id,
          "B4",
          `eviction on ${claim.name} without our cordon`,
        );
        if (machine === undefined || machine.trouble === "PodStays") {
          if (told.get(claim.name) !== "PDBBlocked")
            note(claim.ring, claim.name, `waits: ${act.wait.reason}: ${act.wait.message}`);
          told.set(claim.name, "PDBBlocked");
          return false;
        }
        machine.pods = 0;
        return true;
      case "CreateJob":
        if (machine !== undefined) createJob(act.step, act.suspended, claim, machine, level, state);
        return true;
      case "ResumeJob": {
        const job = jobs.get(jobKey(claim, act.step, state));
        must(job?.view.phase === "Prepared", "B11", `the job ${act.step} on ${claim.name} was let run twice`);
        must(state.operation?.jobUID === act.job.uid, "S4", `the job ${act.step} on ${claim.name} is not written down`);
        job?.run();
        return true;
      }
      case "DeleteJob":
        jobs.delete(jobKey(claim, act.step, state));
        return true;
      case "ReadInventory":
        return false;
      case "Close":
        states.nodes.set(
          claim.uid,
          closeOperation(state, {
            claim,
            now,
            result: act.result,
            reason: state.operation?.backOut?.reason ?? act.result,
            message: act.message,
            retryAt: act.retryAt,
            pendingReboot: act.pendingReboot,
            verified: act.result === "Succeeded" && isInstalled(claim, machine, level),
          }),
        );
        note(
          claim.ring,
          claim.name,
          act.result === "Succeeded"
            ? `done (${act.message.replace(claim.level, told.get(claim.digest) ?? claim.level)})`
            : `closed ${act.result}`,
        );
        return true;
      default:
        return act satisfies never;
    }
  }

  function isInstalled(claim: Claim, machine: Machine | undefined, level: LevelInForce | undefined): boolean {
    const baseline = policy.baselines.find((other) => other.name === claim.baseline);
    if (machine === undefined || baseline === undefined) return false;
    return (
      assessNode({
        node: machine.asset,
        stored: undefined,
        baseline,
        level,
        approved: true,
        withdrawn: false,
        enforce: "Floor",
        exceptions: [],
        now,
      }).state === "Installed"
    );
  }

  function loseTarget(claim: Claim): void {
    note(claim.ring, claim.name, claim.kind === "Node" ? "VANISHED: counts as failed" : "counts as failed");
    policy = {
      ...policy,
      rings: policy.rings.map((ring) => ({
        ...ring,
        status: ring.status && {
          ...ring.status,
          levels: (ring.status.levels ?? []).map((level) =>
            ring.name === claim.ring && level.digest === claim.digest
              ? { ...level, lost: [...new Set([...(level.lost ?? []), claim.uid])] }
              : level,
          ),
        },
      })),
    };
  }

  function createJob(
    step: RecipeStepName,
    suspended: boolean,
    claim: Claim,
    machine: Machine,
    level: LevelInForce | undefined,
    state: NodePatchStateStatus,
  ): void {
    const key = jobKey(claim, step, state);
    if (jobs.has(key)) return;
    const minutes = step === "reboot" ? 3 : (options.updateMinutes ?? 4);
    const identity = { uid: key, resourceVersion: "1" };
    const job: Job = {
      identity,
      end: now,
      view: { ...identity, phase: "Prepared" },
      run: () => {
        const disrupts = states.nodes.get(claim.uid)?.operation?.disrupt === true;
        if (disrupts)
          must(
            machine.asset.unschedulable && machine.pods === 0,
            "B5",
            `job ${step} on ${claim.name} before the drain`,
          );
        const { bootId } = states.nodes.get(claim.uid)?.operation ?? {};
        if (step === "reboot") must(machine.asset.bootId === bootId, "B10", `a second reboot of ${claim.name}`);
        job.view = { ...identity, phase: "Running", since: now, paused: false };
        job.end = now + minutes * MINUTE;
        if (step === "reboot") machine.asset = { ...machine.asset, ready: false };
      },
      effect: () => {
        if (step === "reboot") boot(machine);
        else if (machine.trouble === "UpdateFails") return { exitCode: 1 };
        else if (machine.trouble === "NotAvailable") return { exitCode: 69 };
        else install(machine, level);
        return { exitCode: 0 };
      },
    };
    jobs.set(key, job);
    if (!suspended) job.run();
  }

  function install(machine: Machine, level: LevelInForce | undefined): void {
    for (const component of level?.spec.node?.components ?? []) {
      if (component.name.startsWith("kernel")) machine.installedKernel = component.version;
      if (component.name === "kubelet") machine.asset = { ...machine.asset, kubeletVersion: component.version };
    }
  }

  function boot(machine: Machine): void {
    machine.asset = {
      ...machine.asset,
      bootId: `${machine.asset.bootId}+`,
      kernelVersion: machine.installedKernel,
      ready: machine.trouble !== "NeverReady",
    };
  }

  function doWorkloadAct(
    act: WorkloadAct,
    claim: Claim,
    item: { asset: WorkloadAsset; changedAt: number } | undefined,
    free: Set<string>,
  ): boolean {
    const state = states.workloads.get(claim.uid) ?? {};
    switch (act.kind) {
      case "Free":
        if (act.lost) loseTarget(claim);
        free.add(claim.uid);
        return false;
      case "Wait":
        return false;
      case "Record":
        states.workloads.set(claim.uid, { ...state, operation: act.operation });
        if (act.operation.failure !== undefined) note(claim.ring, claim.name, `FAILED ${act.operation.failure.reason}`);
        else if (!["Claimed", "Patching"].includes(act.note)) note(claim.ring, claim.name, act.note);
        return true;
      case "SetImages": {
        if (item === undefined) return false;
        const to = new Map(act.images.map((image) => [image.container, image.to]));
        item.asset = {
          ...item.asset,
          mark: { claimId: claim.id },
          containers: item.asset.containers.map((container) => ({
            ...container,
            image: to.get(container.name) ?? container.image,
          })),
          rollout: { ...item.asset.rollout, complete: false, available: 0, deadlineExceeded: false },
        };
        item.changedAt = now;
        note(claim.ring, claim.name, `image → ${act.images.map((image) => image.to.split(":").at(-1)).join(", ")}`);
        return true;
      }
      case "Unmark":
        if (item !== undefined) item.asset = { ...item.asset, mark: undefined };
        return true;
      case "Close":
        states.workloads.set(
          claim.uid,
          closeOperation(state, {
            claim,
            now,
            result: act.result,
            reason: act.contested === true ? "FieldContested" : act.result,
            message: act.message,
            verified: act.result === "Succeeded",
            contested: act.contested,
          }),
        );
        note(
          claim.ring,
          claim.name,
          act.contested === true
            ? "closed FieldContested"
            : act.result === "Succeeded"
              ? "done"
              : `closed ${act.result}`,
        );
        return true;
      default:
        return act satisfies never;
    }
  }

  /** What the world does by itself in a minute: jobs end, rollouts progress. */
  function tick(): void {
    for (const job of jobs.values()) {
      if (job.view.phase !== "Running" || now < job.end) continue;
      const { exitCode } = job.effect();
      job.view =
        exitCode === 0
          ? { ...job.identity, phase: "Succeeded", at: now }
          : {
              ...job.identity,
              phase: "Failed",
              at: now,
              exitCode,
              message: exitCode === 69 ? "the mirror does not have it" : "dpkg was interrupted",
              timedOut: false,
            };
    }
    for (const item of workloads.values()) {
      if (item.asset.rollout.complete) continue;
      const image = item.asset.containers[0]?.image ?? "";
      const bad = badTags.has(image.split(":").at(-1) ?? "");
      if (bad && now - item.changedAt >= 10 * MINUTE)
        item.asset = { ...item.asset, rollout: { ...item.asset.rollout, deadlineExceeded: true } };
      if (bad || now - item.changedAt < 3 * MINUTE) continue;
      item.asset = {
        ...item.asset,
        pods: [
          {
            name: `${item.asset.name}-0`,
            ready: true,
            running: [{ container: "web", image, imageId: `${image.split(":")[0]}@sha256:${"0".repeat(64)}` }],
          },
        ],
        rollout: { complete: true, deadlineExceeded: false, desired: 1, available: 1 },
      };
    }
  }

  function minute(): void {
    minuteNotes = new Map();
    tick();
    for (const item of due.filter((one) => one.at === now)) {
      write("", "", `-- ${item.say}`);
      item.act();
    }
    for (let turn = 0; pass(); turn += 1) must(turn < PASSES_PER_MINUTE, "V1", "the passes of one minute do not end");
    for (const [key, notes] of [...minuteNotes].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [ring = "", name = ""] = key.split("\u0000");
      write(ring, name, notes.join(" → "));
    }
    for (const outcome of last?.rings ?? []) tellRing(outcome);
    for (const row of last?.rows ?? []) {
      const trouble = row.blockedBy.find((block) => !ORDINARY.has(block.reason));
      const said = trouble === undefined ? "" : `${trouble.reason}: ${trouble.message}`;
      const key = `row/${row.asset.uid}/${row.baseline}`;
      const operating =
        (states.nodes.get(row.asset.uid) ?? states.workloads.get(row.asset.uid))?.operation !== undefined;
      if (!operating && (told.get(key) ?? "") !== said && said !== "")
        write(row.ring ?? "-", row.asset.name, `blocked: ${said}`);
      told.set(key, said);
    }
  }

  /** Reasons that a ring's own line tells. */
  const ORDINARY = new Set([
    "OutsideWindow",
    "Frozen",
    "Deferred",
    "WaitingForApproval",
    "PredecessorNotSoaked",
    "RingSuspended",
    "RingHalted",
    "RingEmpty",
    "RingBudgetExhausted",
    "ZoneBudgetExhausted",
    "LimitReached",
    "LedgerFull",
    "LedgerRebuilding",
    "GateShut",
    "ScopeGrew",
    "LevelMissing",
    "LevelWithdrawn",
    "ReferenceMissing",
    "HistoryRewritten",
    "Stopped",
    "RebootPending",
  ]);

  function tellRing(outcome: Plan["rings"][number]): void {
    const parts = [...outcome.progress.values()].map(({ status }) => {
      const { done = 0, targets = 0, inFlight = 0, failed = 0 } = status;
      const counts = `${done}/${targets}${inFlight > 0 ? ` (${inFlight} in flight)` : ""}${failed > 0 ? ` ${failed} FAILED` : ""}`;
      return `${told.get(status.digest) ?? status.level} ${status.phase} ${counts}`;
    });
    const blocks = outcome.halted === undefined ? outcome.blockedBy : [outcome.halted];
    const said = `${parts.join("; ") || outcome.phase}${blocks.length === 0 ? "" : ` [${blocks.map((block) => block.reason).join(", ")}]`}`;
    if (told.get(`ring/${outcome.ring.name}`) === said) return;
    told.set(`ring/${outcome.ring.name}`, said);
    write(outcome.ring.name, "", said);
  }

  for (const level of policy.levels) nameLevel(level);

  function nameLevel(level: LevelInForce): void {
    const version = level.spec.node?.components[0]?.version ?? level.spec.image?.images[0]?.tag ?? level.name;
    told.set(
      level.digest,
      version === kernel(Number(version.split("-")[1])) ? `kernel-${version.split("-")[1]}` : version,
    );
  }

  return {
    now: () => now,
    plan: () => last as Plan,
    policy: () => policy,
    machine: (name) => machines.get(name) as Machine,
    workload: (name) => workloads.get(name)?.asset as WorkloadAsset,
    changeWorkload(name, change) {
      const item = workloads.get(name);
      if (item === undefined) return;
      item.asset = { ...item.asset, ...change };
      item.changedAt = now;
    },
    badTags,
    states,
    at: (minuteOf, say, act) => void due.push({ at: start + minuteOf * MINUTE, say, act }),
    setPolicy(change) {
      policy = change(policy);
      for (const level of policy.levels) nameLevel(level);
    },
    setRing(name, spec) {
      policy = {
        ...policy,
        rings: policy.rings.map((ring) => (ring.name === name ? { ...ring, spec: { ...ring.spec, ...spec } } : ring)),
      };
    },
    addNode,
    removeNode: (name) => void machines.delete(name),
    setMode: (wanted) => void (mode = wanted),
    loseLedger() {
      claims = [];
      rebuilt = false;
    },
    restart() {
      soakedMs = new Map();
      looked = undefined;
    },
    runUntil(until) {
      for (; now <= start + until * MINUTE; now += MINUTE) minute();
    },
    text() {
      const left = (last?.rows ?? [])
        .filter((row) => !isCompliant(row.state))
        .map((row) => `${row.asset.name} ${row.state}`);
      const cordoned = [...machines.values()].filter(({ asset }) => asset.unschedulable).map(({ asset }) => asset.name);
      const end = [
        `in the end: ${left.length === 0 ? "all compliant" : left.join(", ")}`,
        `claims: ${claims.length === 0 ? "none" : claims.map((claim) => claim.name).join(", ")}`,
        `cordoned: ${cordoned.length === 0 ? "none" : cordoned.join(", ")}`,
      ];
      return `${[...lines, end.join("; ")].join("\n")}\n`;
    },
  };
}
