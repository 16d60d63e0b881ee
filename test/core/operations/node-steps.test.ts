// The step machine of a node, step by step (B3–B7, B10–B14), and as properties over every situation that it can be asked about.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  NODE_STEPS,
  type NodeOperation,
  type NodePatchStateStatus,
  type NodeStep,
} from "../../../controller/api/patch-state.ts";
import { assessNode } from "../../../controller/core/compliance/index.ts";
import type { Block, LevelInForce, NodeAsset, PodAsset } from "../../../controller/core/model.ts";
import {
  type JobView,
  nextNodeAct,
  type NodeAct,
  type NodeView,
  type RecipeStepName,
  SETTLE_MS,
} from "../../../controller/core/operations/node-steps.ts";
import {
  claimOn,
  HOUR,
  iso,
  kernel,
  kernelLevel,
  kubeletLevel,
  MINUTE,
  nodeAsset,
  nodeBaseline,
  START,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const CLAIM = claimOn(nodeAsset("n"), "prod", LEVEL);
const MARK = { claimId: CLAIM.id, priorUnschedulable: false };
const WINDOW_ENDED: Block = { reason: "OutsideWindow", message: "the window ended" };
const NOT_THERE: JobView = { phase: "Absent" };
const JOB = { uid: "job-1", resourceVersion: "7" };
const PREPARED: JobView = { ...JOB, phase: "Prepared" };
const RUNNING: JobView = { ...JOB, phase: "Running", since: START, paused: false };
const SUCCEEDED: JobView = { ...JOB, phase: "Succeeded", at: START };
const failed = (exitCode: number | undefined, timedOut = false, message = ""): JobView => ({
  ...JOB,
  phase: "Failed",
  at: START,
  exitCode,
  message,
  timedOut,
});

const cordoned = (rest: Partial<NodeAsset> = {}): NodeAsset =>
  nodeAsset("n", { unschedulable: true, mark: MARK, ...rest });

function operation(step: NodeStep, rest: Partial<NodeOperation> = {}): NodeOperation {
  return {
    claimId: CLAIM.id,
    ring: "prod",
    baseline: "ubuntu",
    level: LEVEL.name,
    digest: LEVEL.digest,
    startedTime: iso(START - HOUR),
    stepTime: iso(START - MINUTE),
    attempt: 1,
    step,
    bootId: "boot-1",
    priorUnschedulable: false,
    disrupt: true,
    ...(["Claimed", "Preparing", "Prepared", "Staging", "Staged"].includes(step) ? {} : { marked: true }),
    ...(["Preparing", "Staging", "Updating", "Rebooting"].includes(step) ? { jobUID: JOB.uid } : {}),
    ...rest,
  };
}

function pod(name: string, rest: Partial<PodAsset> = {}): PodAsset {
  return {
    namespace: "shop",
    name,
    uid: name,
    nodeName: "n",
    labels: {},
    phase: "Running",
    deleting: false,
    ready: true,
    controller: { kind: "ReplicaSet", name: "web", uid: "rs" },
    mirror: false,
    emptyDir: false,
    priority: 0,
    job: false,
    ...rest,
  };
}

interface Situation extends Partial<Omit<NodeView, "job" | "assess">> {
  readonly operation?: NodeOperation;
  readonly jobs?: Partial<Record<RecipeStepName, JobView>>;
  readonly of?: LevelInForce;
}

function act({ operation: under, jobs = {}, of = LEVEL, ...rest }: Situation): NodeAct {
  const state: NodePatchStateStatus = rest.state ?? (under === undefined ? {} : { operation: under });
  const node = "node" in rest ? rest.node : nodeAsset("n");
  return nextNodeAct({
    now: START,
    claim: CLAIM,
    level: of.spec,
    drain: {},
    pods: [],
    pdbs: [],
    retreat: undefined,
    ...rest,
    node,
    state,
    job: (step) => jobs[step] ?? NOT_THERE,
    assess: () =>
      assessNode({
        node: node as NodeAsset,
        stored: state,
        baseline: nodeBaseline(),
        level: of,
        approved: true,
        withdrawn: false,
        enforce: "Floor",
        exceptions: [],
        now: START,
      }),
  });
}

const GRANTED = { kind: "Granted" } as const;
const step = (made: NodeAct): string => (made.kind === "Record" ? made.note : made.kind);

describe("the way forward", () => {
  it("is not taken where a person released the node meanwhile", () => {
    const { baseline, digest } = CLAIM;
    const released = {
      baseline,
      digest,
      result: "Released",
      reason: "ReleasedByPerson",
      message: "m",
      time: iso(START),
    } as const;

    expect(act({ state: { attempted: [released] } })).toEqual({ kind: "Free", lost: false });
    expect(step(act({ state: { attempted: [{ ...released, digest: "other" }] } }))).toBe("Claimed");
  });

  it("writes its intent, marks and cordons in one write, drains, updates, reboots, verifies and gives back", () => {
    expect(act({})).toMatchObject({
      kind: "Record",
      note: "Claimed",
      operation: { bootId: "boot-1", disrupt: true, priorUnschedulable: false },
    });
    expect(act({ operation: operation("Claimed") })).toEqual({
      kind: "Rehearse",
      pods: [],
      steps: ["update", "reboot"],
    });
    expect(act({ operation: operation("Claimed"), trial: GRANTED })).toEqual({
      kind: "Mark",
      cordon: true,
      priorUnschedulable: false,
    });
    expect(step(act({ operation: operation("Claimed"), node: cordoned() }))).toBe("Cordoned");
    expect(step(act({ operation: operation("Cordoned"), node: cordoned() }))).toBe("Drained");
    const drained = { operation: operation("Drained"), node: cordoned() };
    expect(act(drained)).toEqual({ kind: "CreateJob", step: "update", suspended: true });
    expect(act({ ...drained, jobs: { update: PREPARED } })).toMatchObject({
      note: "Updating",
      operation: { jobUID: JOB.uid },
    });
    const updating = { operation: operation("Updating"), node: cordoned() };
    expect(act({ ...updating, jobs: { update: PREPARED } })).toEqual({ kind: "ResumeJob", step: "update", job: JOB });
    expect(act({ ...updating, jobs: { update: RUNNING } })).toMatchObject({ kind: "Wait" });
    expect(step(act({ ...updating, jobs: { update: SUCCEEDED } }))).toBe("Updated");
    const updated = { operation: operation("Updated"), node: cordoned() };
    expect(act(updated)).toEqual({ kind: "CreateJob", step: "reboot", suspended: true });
    expect(step(act({ ...updated, jobs: { reboot: PREPARED } }))).toBe("Rebooting");
    const rebooting = { operation: operation("Rebooting"), node: cordoned() };
    expect(act({ ...rebooting, jobs: { reboot: PREPARED } })).toEqual({ kind: "ResumeJob", step: "reboot", job: JOB });
    const after = cordoned({ bootId: "boot-2", kernelVersion: kernel(110) });
    expect(step(act({ operation: operation("Rebooting"), node: after }))).toBe("Rebooted");
    expect(step(act({ operation: operation("Rebooted"), node: after }))).toBe("Verified");
    expect(act({ operation: operation("Verified"), node: after })).toEqual({ kind: "Unmark", uncordon: true });
    const given = nodeAsset("n", { kernelVersion: kernel(110) });
    expect(step(act({ operation: operation("Verified"), node: given }))).toBe("Uncordoned");
    expect(act({ operation: operation("Uncordoned"), node: given })).toMatchObject({
      kind: "Close",
      result: "Succeeded",
    });
    expect(
      act({
        state: {
          history: [
            {
              claimId: CLAIM.id,
              level: LEVEL.name,
              ring: "prod",
              result: "Succeeded",
              startedTime: iso(START),
              finishedTime: iso(START),
            },
          ],
        },
      }),
    ).toEqual({ kind: "Free", lost: false });
  });

  it("disruption None and Restart skip cordon and drain, unless drain says Always", () => {
    const restart = kubeletLevel("v1.34.9");

    expect(act({ of: restart })).toMatchObject({ operation: { disrupt: false } });
    expect(act({ of: kubeletLevel("v1.34.9", { drain: "Always" }) })).toMatchObject({ operation: { disrupt: true } });
    expect(act({ of: restart, operation: operation("Claimed", { disrupt: false }) })).toEqual({
      kind: "Mark",
      cordon: false,
      priorUnschedulable: false,
    });
    expect(
      step(
        act({
          of: restart,
          operation: operation("Claimed", { disrupt: false }),
          node: nodeAsset("n", { mark: MARK }),
          jobs: { update: PREPARED },
        }),
      ),
    ).toBe("Updating");
  });

  it("a reboot that turns out to be needed goes back through cordon and drain, with a mark of its own", () => {
    const updated = operation("Updated", { disrupt: false });

    expect(act({ operation: updated, node: nodeAsset("n", { mark: MARK }) })).toEqual({
      kind: "Unmark",
      uncordon: false,
    });
    expect(act({ operation: updated, node: nodeAsset("n", { unschedulable: true }) })).toMatchObject({
      note: "Staged",
      operation: { disrupt: true, rebootPending: true, priorUnschedulable: true },
    });
    expect(step(act({ operation: updated, retreat: WINDOW_ENDED }))).toBe("Updated");
    const second = operation("Drained", { rebootPending: true });
    expect(step(act({ operation: second, node: cordoned(), jobs: { reboot: PREPARED } }))).toBe("Rebooting");
  });

  it("nothing is done twice: a node that is there already is left alone", () => {
    const there = nodeAsset("n", { kernelVersion: kernel(110) });

    expect(act({ node: there })).toMatchObject({ kind: "Close", result: "Succeeded" });
    expect(step(act({ node: there, operation: operation("Claimed") }))).toBe("Verified");
    expect(step(act({ node: { ...there, unschedulable: true, mark: MARK }, operation: operation("Drained") }))).toBe(
      "Verified",
    );
  });
});

describe("drain", () => {
  const at = (pods: readonly PodAsset[], rest: Situation = {}): NodeAct =>
    act({ operation: operation("Cordoned"), node: cordoned(), pods, ...rest });

  it("evicts lowest priority first; DaemonSet, mirror and completed pods stay", () => {
    const pods = [
      pod("b", { priority: 9 }),
      pod("a"),
      pod("ds", { controller: { kind: "DaemonSet", name: "d", uid: "d" } }),
      pod("static", { mirror: true }),
      pod("job", { phase: "Succeeded" }),
    ];

    expect(at(pods)).toMatchObject({ kind: "Evict", pods: [{ name: "a" }, { name: "b" }] });
    expect(step(at(pods.slice(2)))).toBe("Drained");
  });

  it("B5: waits for late bindings after the cordon, and drains again those that came late", () => {
    expect(at([], { operation: operation("Cordoned", { stepTime: iso(START - SETTLE_MS + 1) }) })).toMatchObject({
      until: START + 1,
      kind: "Wait",
      block: { reason: "Draining" },
    });
    expect(at([pod("late")], { operation: operation("Drained") })).toMatchObject({ kind: "Evict" });
    expect(at([pod("ending", { deleting: true })], { operation: operation("Drained") })).toMatchObject({
      kind: "Wait",
    });
  });

  it("bare pods and emptyDir stand in the way by policy, and are named", () => {
    const bare = pod("bare", { controller: undefined });

    expect(at([bare])).toMatchObject({
      kind: "Wait",
      block: { reason: "PodBlocksDrain", message: expect.stringContaining("shop/bare") },
    });
    expect(at([bare], { drain: { barePods: "Evict" } })).toMatchObject({ kind: "Evict" });
    expect(at([pod("cache", { emptyDir: true })], { drain: { emptyDir: "Block" } })).toMatchObject({
      block: { reason: "PodBlocksDrain" },
    });
    expect(at([pod("cache", { emptyDir: true })])).toMatchObject({ kind: "Evict" });
  });

  it("names the budget that refuses", () => {
    const pdbs = ["loose", "tight"].map((name, index) => ({
      namespace: "shop",
      name,
      selector: { matchLabels: { app: name } },
      disruptionsAllowed: 1 - index,
      currentHealthy: 1,
      desiredHealthy: 1,
    }));

    const pods = [pod("a", { labels: { app: "loose" } }), pod("b", { labels: { app: "tight" } })];

    expect(at(pods, { pdbs })).toMatchObject({
      wait: { reason: "PDBBlocked", message: expect.stringContaining("tight") },
    });
  });

  it("backs out at the timeout, unless the ring says Hold", () => {
    const late = operation("Cordoned", { stepTime: iso(START - 16 * MINUTE) });

    expect(at([pod("web")], { operation: late })).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "DrainTimedOut" } },
    });
    expect(at([pod("web")], { operation: late, drain: { onTimeout: "Hold" } })).toMatchObject({ kind: "Evict" });
    expect(
      at([], { operation: { ...late, backOut: { reason: "DrainTimedOut", message: "m", time: iso(START) } } }),
    ).toEqual({ kind: "Unmark", uncordon: true });
    expect(
      act({ operation: { ...late, backOut: { reason: "DrainTimedOut", message: "m", time: iso(START) } } }),
    ).toMatchObject({ kind: "Close", result: "BackedOut", retryAt: START + 15 * MINUTE });
  });
});

describe("prepare", () => {
  const steps = LEVEL.spec.node?.recipe.steps ?? {};
  const withPrepare: LevelInForce = {
    ...LEVEL,
    spec: {
      ...LEVEL.spec,
      node: {
        ...(LEVEL.spec.node as NonNullable<LevelInForce["spec"]["node"]>),
        recipe: {
          name: "r",
          strategy: "InPlace",
          steps: {
            ...steps,
            prepare: { image: `r@sha256:${"a".repeat(64)}`, command: ["/recipe/k3s", "prepare"] },
            stage: { image: `r@sha256:${"a".repeat(64)}`, command: ["/recipe/k3s", "stage"] },
          },
        },
      },
    },
  };
  const at = (name: NodeStep, jobs: Situation["jobs"] = {}, rest: Situation = {}) =>
    act({ of: withPrepare, operation: operation(name), jobs, ...rest });

  it("comes before stage and before the cordon, as a job like any other", () => {
    expect(at("Claimed")).toEqual({ kind: "CreateJob", step: "prepare", suspended: true });
    expect(at("Claimed", { prepare: PREPARED })).toMatchObject({ note: "Preparing", operation: { jobUID: JOB.uid } });
    expect(at("Preparing", { prepare: PREPARED })).toEqual({ kind: "ResumeJob", step: "prepare", job: JOB });
    expect(at("Preparing", { prepare: RUNNING })).toMatchObject({ kind: "Wait" });
    expect(step(at("Preparing", { prepare: SUCCEEDED }))).toBe("Prepared");
    expect(at("Prepared")).toEqual({ kind: "CreateJob", step: "stage", suspended: true });
    expect(step(at("Prepared", { stage: PREPARED }))).toBe("Staging");
  });

  it("that fails stops the node where it is: not cordoned, its claim kept", () => {
    expect(at("Preparing", { prepare: failed(1, false, "no servers") })).toMatchObject({
      note: "OperationFailed",
      operation: { step: "Preparing", failure: { reason: "StepFailed", message: /step prepare .*: no servers/ } },
    });
    expect(at("Preparing", { prepare: failed(undefined, true) })).toMatchObject({
      operation: { failure: { reason: "StepTimedOut" } },
    });
  });

  it("that says not yet (75) hands the node back, and is asked again a quarter of an hour later", () => {
    const notYet = { prepare: failed(75, false, "servers are older") };

    expect(at("Preparing", notYet)).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "NotPrepared", message: "servers are older" } },
    });
    const back = operation("Preparing", { backOut: { reason: "NotPrepared", message: "m", time: iso(START) } });
    expect(at("Preparing", notYet, { operation: back })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      retryAt: START + 15 * MINUTE,
    });
    // Of another step it is a failure like any other.
    expect(at("Staging", { stage: failed(75) })).toMatchObject({ operation: { failure: { reason: "StepFailed" } } });
  });

  it("on the way back a job of it that waits to run is deleted", () => {
    const back = operation("Preparing", { backOut: { reason: "OutsideWindow", message: "m", time: iso(START) } });

    expect(at("Preparing", { prepare: PREPARED }, { operation: back })).toEqual({
      kind: "DeleteJob",
      step: "prepare",
      job: JOB,
    });
  });
});

describe("another tool's hold", () => {
  const foreign = [{ reason: "BeingRemoved", message: "Cluster Autoscaler: the node is drained" }] as const;
  const held = (): NodeAsset => cordoned({ foreign });

  it.each(["Claimed", "Staged"] as const)("before the cordon is backed out from: %s", (name) => {
    expect(act({ operation: operation(name), node: nodeAsset("n", { foreign }) })).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "BeingRemoved" } },
    });
  });

  it("that is there before anything is written down ends the claim", () => {
    expect(act({ node: nodeAsset("n", { foreign }) })).toMatchObject({ kind: "Close", result: "BackedOut" });
  });

  it.each(["Cordoned", "Drained"] as const)("is waited for after the cordon, whatever else is due: %s", (name) => {
    const pods = [pod("web")];
    const late = operation(name, { stepTime: iso(START - 60 * MINUTE) });
    const away = { ...late, backOut: { reason: "OutsideWindow", message: "m", time: iso(START) } };

    for (const one of [late, away])
      for (const retreat of [undefined, WINDOW_ENDED])
        expect(act({ operation: one, node: held(), pods, retreat })).toMatchObject({
          kind: "Wait",
          block: { reason: "BeingRemoved" },
        });
  });

  it("gives way to a person: Stop, a release, an uncordon", () => {
    const stopped: Block = { reason: "Stopped", message: "the ledger says Stop" };
    const away = operation("Cordoned", { backOut: { reason: "Stopped", message: "m", time: iso(START) } });
    const released = operation("Cordoned", { release: { reason: "r", time: iso(START) } });
    const uncordoned = { ...held(), unschedulable: false };

    expect(act({ operation: operation("Cordoned"), node: held(), retreat: stopped })).toMatchObject({
      note: "BackingOut",
    });
    expect(act({ operation: away, node: held() })).toMatchObject({ kind: "Unmark" });
    expect(act({ operation: released, node: held() })).toMatchObject({ kind: "Unmark" });
    expect(act({ operation: operation("Cordoned"), node: uncordoned })).toMatchObject({
      operation: { backOut: { reason: "UncordonedByPerson" } },
    });
  });

  it("does not stop what has begun", () => {
    expect(act({ operation: operation("Rebooted"), node: held() }).kind).not.toBe("Wait");
  });
});

describe("a pod that holds its node back", () => {
  const blocking = [
    { name: "batch", type: "BlockingPods", pods: { selector: { matchLabels: { app: "train" } } } },
  ] as const;
  const train = pod("train", { labels: { app: "train" } });

  it("and came after the claim sends the node back before its cordon, and not after it", () => {
    const claimedNode = { operation: operation("Claimed"), blocking, pods: [train] };

    expect(act(claimedNode)).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "BlockingPod", message: "gate batch: pod shop/train holds the node back" } },
    });
    expect(act({ ...claimedNode, pods: [pod("web")] })).toMatchObject({ kind: "Rehearse" });
    expect(act({ ...claimedNode, pods: [{ ...train, phase: "Succeeded" }], trial: GRANTED })).toMatchObject({
      kind: "Mark",
    });
    expect(act({ ...claimedNode, operation: operation("Cordoned"), node: cordoned() })).toMatchObject({
      kind: "Evict",
    });
  });
});

describe("a kubelet's minor", () => {
  const begins = (wanted: string) => {
    const of = kubeletLevel(wanted);
    const restart: LevelInForce = { ...of, spec: { ...of.spec, disruption: "Restart" } };
    return act({ of: restart, node: nodeAsset("n", { kubeletVersion: "v1.34.0" }) });
  };

  it("is never changed under running pods; a patch of it is, where the level disrupts nothing more", () => {
    expect(begins("v1.35.0")).toMatchObject({ note: "Claimed", operation: { disrupt: true } });
    expect(begins("v1.34.9")).toMatchObject({ note: "Claimed", operation: { disrupt: false } });
  });
});

describe("a control-plane node", () => {
  const risk: Block = { reason: "EtcdQuorumAtRisk", message: "m" };

  it("goes back while its update has not begun, and waits with its reboot while etcd could not spare it", () => {
    expect(step(act({ operation: operation("Cordoned"), node: cordoned(), retreat: risk }))).toBe("BackingOut");
    const updated = { operation: operation("Updated"), node: cordoned(), retreat: risk };
    expect(act(updated)).toEqual({ kind: "Wait", block: risk });
    const rebooting = { operation: operation("Rebooting"), node: cordoned(), retreat: risk };
    expect(act({ ...rebooting, jobs: { reboot: PREPARED } })).toEqual({ kind: "Wait", block: risk });
    expect(act({ ...rebooting, jobs: { reboot: RUNNING } })).toMatchObject({ block: { reason: "Rebooting" } });
  });
});

describe("the last look before the cordon", () => {
  const staged = (rest: Situation = {}): NodeAct =>
    act({ operation: operation("Staged"), pods: [pod("b"), pod("a", { priority: -1 })], ...rest });
  const refused = (reason: Block["reason"]): Situation => ({
    trial: { kind: "Refused", block: { reason, message: "pod shop/b: why" } },
  });

  it("tries every eviction and every job, and cordons when all would be granted", () => {
    const steps = ["update", "reboot"];
    expect(staged()).toMatchObject({ kind: "Rehearse", pods: [{ name: "a" }, { name: "b" }], steps });
    expect(staged({ pods: [pod("static", { mirror: true })] })).toEqual({ kind: "Rehearse", pods: [], steps });
    expect(staged({ trial: GRANTED })).toMatchObject({ kind: "Mark", cordon: true });
  });

  it("gives the claim back, for a while, where the cluster would not take the update's job", () => {
    expect(staged(refused("JobRefused"))).toMatchObject({ operation: { backOut: { reason: "JobRefused" } } });
    const away = operation("Staged", { backOut: { reason: "JobRefused", message: "m", time: iso(START) } });
    expect(act({ operation: away })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      retryAt: START + 15 * MINUTE,
    });
  });

  it.each(["PDBConflict", "PDBNeverAllows"] as const)("gives the claim back at once for %s", (reason) => {
    expect(staged(refused(reason))).toMatchObject({ note: "BackingOut", operation: { backOut: { reason } } });
    expect(staged({ pods: [pod("bare", { controller: undefined })] })).toMatchObject({
      operation: { backOut: { reason: "PodBlocksDrain" } },
    });
    const operationAway = operation("Staged", { backOut: { reason, message: "m", time: iso(START) } });
    expect(act({ operation: operationAway })).toMatchObject({ kind: "Close", retryAt: START + MINUTE });
  });

  it.each(["PDBBlocked", "ServerBusy"] as const)("waits for %s, for as long as a drain may take", (reason) => {
    const late = operation("Staged", { stepTime: iso(START - 16 * MINUTE) });

    expect(staged(refused(reason))).toMatchObject({ kind: "Wait", block: { reason, since: START - MINUTE } });
    expect(staged({ ...refused(reason), operation: late })).toMatchObject({
      operation: { backOut: { reason: "DrainTimedOut", message: expect.stringContaining("not cordoned") } },
    });
    expect(staged({ ...refused(reason), operation: late, drain: { onTimeout: "Hold" } }).kind).toBe("Wait");
  });
});

describe("the way back", () => {
  const REVERSIBLE = [
    "Claimed",
    "Preparing",
    "Prepared",
    "Staging",
    "Staged",
    "Cordoned",
    "Drained",
    "Updating",
  ] as const;

  it.each(REVERSIBLE)("until the update starts there is a way back: from %s", (name) => {
    const node = ["Cordoned", "Drained", "Updating"].includes(name) ? cordoned() : nodeAsset("n");

    expect(act({ operation: operation(name), node, retreat: WINDOW_ENDED })).toMatchObject({
      note: "BackingOut",
      operation: { backOut: { reason: "OutsideWindow" } },
    });
  });

  it.each(["Updated", "Rebooting", "Rebooted", "Verified", "Uncordoned"] as const)(
    "from then on the target finishes: %s",
    (name) => {
      const node = cordoned({ kernelVersion: kernel(110), bootId: "boot-2" });

      expect(step(act({ operation: operation(name), node, retreat: WINDOW_ENDED }))).not.toBe("BackingOut");
    },
  );

  it("an update whose job is there has started", () => {
    const under = { operation: operation("Updating"), node: cordoned(), retreat: WINDOW_ENDED };

    expect(act({ ...under, jobs: { update: RUNNING } })).toMatchObject({ kind: "Wait" });
    // Made and never let run is not there yet.
    expect(act({ ...under, jobs: { update: PREPARED } })).toMatchObject({ note: "BackingOut" });
  });

  it("B3: of a leader that lets the update run and one that backs out exactly one wins", () => {
    const back = { reason: "OutsideWindow", message: "m", time: iso(START) };
    const away = { operation: operation("Updating", { backOut: back }), node: cordoned() };

    // The job that waits goes first, under its resourceVersion: a node is not given back while somebody may let it run.
    expect(act({ ...away, jobs: { update: PREPARED } })).toEqual({ kind: "DeleteJob", step: "update", job: JOB });
    expect(act({ ...away, jobs: {} })).toEqual({ kind: "Unmark", uncordon: true });
    // The other one was faster: the way back is taken back.
    for (const job of [RUNNING, SUCCEEDED, failed(1)])
      expect(act({ ...away, jobs: { update: job } })).toEqual({
        kind: "Record",
        operation: operation("Updating"),
        note: "Updating",
      });
    const gone = { ...away, operation: operation("Updating", { release: { reason: "r", time: iso(START) } }) };
    expect(act({ ...gone, jobs: { update: PREPARED } })).toEqual({ kind: "DeleteJob", step: "update", job: JOB });
    expect(act({ ...away, jobs: { update: PREPARED }, level: undefined })).toMatchObject({ kind: "DeleteJob" });
  });

  it("B11: only the job that was written down is let run", () => {
    const late: JobView = { ...PREPARED, uid: "late" };

    expect(act({ operation: operation("Updating"), node: cordoned(), jobs: { update: late } })).toMatchObject({
      kind: "Record",
      note: "Updating",
      operation: { step: "Updating", jobUID: "late", stepTime: iso(START - MINUTE) },
    });
    expect(act({ operation: operation("Rebooting"), node: cordoned(), jobs: { reboot: late } })).toMatchObject({
      kind: "Record",
      operation: { step: "Rebooting", jobUID: "late" },
    });
    expect(act({ operation: operation("Updating"), node: cordoned() })).toMatchObject({ kind: "CreateJob" });
  });

  it("a person may pause a job", () => {
    const paused: JobView = { ...JOB, phase: "Running", since: START, paused: true };

    expect(act({ operation: operation("Updating"), node: cordoned(), jobs: { update: paused } })).toMatchObject({
      kind: "Wait",
      block: { message: "the job of step update is suspended: somebody paused it" },
    });
  });

  it("B7: a person who uncordons before the reboot's job was let run keeps the node from rebooting", () => {
    const under = { operation: operation("Rebooting"), node: nodeAsset("n", { mark: MARK }) };

    expect(act({ ...under, jobs: { reboot: PREPARED } })).toEqual({ kind: "DeleteJob", step: "reboot", job: JOB });
    expect(act(under)).toMatchObject({ note: "Updated", operation: { noReboot: true } });
  });

  it("B7: a person who uncordons before the update makes us back out, also right after our cordon", () => {
    for (const name of ["Claimed", "Staged", "Cordoned", "Drained", "Updating"] as const)
      expect(act({ operation: operation(name), node: nodeAsset("n", { mark: MARK }) })).toMatchObject({
        operation: { backOut: { reason: "UncordonedByPerson" } },
      });
  });

  it("B7: after the update we verify, do not reboot, and end as pending reboot, without another cordon at once", () => {
    const node = nodeAsset("n", { mark: MARK });
    const state = (under: NodeOperation): NodePatchStateStatus => ({
      operation: { ...under, looked: true },
      inventory: {
        time: iso(START),
        digest: "0",
        osId: "ubuntu",
        osVersionId: "22.04",
        scheme: "dpkg",
        installedKernels: [kernel(110)],
        rebootRequired: true,
        packages: [],
      },
    });

    expect(act({ node, state: state(operation("Updated")) })).toMatchObject({
      note: "Updated",
      operation: { noReboot: true },
    });
    expect(act({ node, state: state(operation("Updated", { noReboot: true })) })).toMatchObject({ note: "Verified" });
    expect(act({ node, state: state(operation("Rebooting")) })).toMatchObject({
      note: "Updated",
      operation: { noReboot: true },
    });
    expect(act({ node: nodeAsset("n"), state: state(operation("Uncordoned", { noReboot: true })) })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      retryAt: START + 15 * MINUTE,
    });
  });

  it("B12: an inventory from before the step verifies nothing, also where a clock that was put back makes it look new", () => {
    const node = LEVEL.spec.node as NonNullable<LevelInForce["spec"]["node"]>;
    const inventoryStep = { image: `r@sha256:${"a".repeat(64)}`, command: ["/recipe/apt", "inventory"] };
    const recipe = { ...node.recipe, steps: { ...node.recipe.steps, inventory: inventoryStep } };
    const level: LevelInForce = { ...LEVEL, spec: { ...LEVEL.spec, node: { ...node, recipe } } };
    const inventory = {
      time: iso(START + 60 * MINUTE),
      digest: "0",
      osId: "ubuntu",
      osVersionId: "22.04",
      scheme: "dpkg" as const,
      installedKernels: [kernel(110)],
      rebootRequired: true,
      packages: [],
    };
    const rebooted = (looked: boolean): NodeAct =>
      act({
        of: level,
        node: nodeAsset("n", { mark: MARK, unschedulable: true, kernelVersion: kernel(110), bootId: "boot-2" }),
        state: { operation: operation("Rebooted", looked ? { looked } : {}), inventory },
      });

    expect(rebooted(false)).toMatchObject({ kind: "CreateJob", step: "inventory" });
    expect(rebooted(true)).not.toMatchObject({ kind: "CreateJob" });
  });

  it("B6: a node that somebody cordons before our own cordon is theirs", () => {
    expect(act({ operation: operation("Claimed"), node: nodeAsset("n", { unschedulable: true }) })).toMatchObject({
      operation: { backOut: { reason: "CordonedByOther" } },
    });
    expect(act({ node: nodeAsset("n", { unschedulable: true }), cordonedNodes: "Skip" })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
    });
    expect(
      act({
        operation: operation("Claimed", { priorUnschedulable: true }),
        node: nodeAsset("n", { unschedulable: true }),
        trial: GRANTED,
      }),
    ).toEqual({ kind: "Mark", cordon: true, priorUnschedulable: true });
  });

  it("B4: a mark that was stripped is written again before anything is evicted; another claim's mark stops us", () => {
    expect(
      act({
        operation: operation("Cordoned", { priorUnschedulable: true }),
        node: cordoned({ mark: undefined }),
        pods: [pod("web")],
      }),
    ).toEqual({ kind: "Mark", cordon: true, priorUnschedulable: true });
    expect(
      act({
        operation: operation("Cordoned"),
        node: cordoned({ mark: { claimId: "other", priorUnschedulable: false } }),
        pods: [pod("web")],
      }),
    ).toMatchObject({ operation: { backOut: { reason: "CordonedByOther" } } });
  });

  it("a job that the cluster does not take: back, until the update was let run; after that it waits and says why", () => {
    const refusedJob = { reason: "JobRefused", message: "not an allowed image" } as const;

    for (const name of ["Drained", "Updating"] as const)
      expect(act({ operation: operation(name), node: cordoned(), refusedJob })).toMatchObject({
        note: "BackingOut",
        operation: { backOut: { reason: "JobRefused" } },
      });
    expect(act({ operation: operation("Updated"), node: cordoned(), refusedJob })).toMatchObject({
      kind: "Wait",
      block: refusedJob,
    });
    expect(
      act({ operation: operation("Drained", { rebootPending: true, attempt: 2 }), node: cordoned(), refusedJob }),
    ).toMatchObject({ kind: "Wait", block: refusedJob });
    expect(
      step(act({ operation: operation("Updating"), node: cordoned(), jobs: { update: SUCCEEDED }, refusedJob })),
    ).toBe("Updated");
  });

  it("a version that the node's source does not have: back, not failed, and asked again later", () => {
    const jobs = { update: failed(69, false, "not in the mirror") };

    const back = act({ operation: operation("Updating"), node: cordoned(), jobs });
    expect(back).toMatchObject({ note: "BackingOut", operation: { backOut: { reason: "VersionNotAvailable" } } });
    const away = operation("Updating", { backOut: { reason: "VersionNotAvailable", message: "m", time: iso(START) } });
    expect(act({ operation: away, jobs, node: cordoned() })).toEqual({ kind: "Unmark", uncordon: true });
    expect(act({ operation: away, jobs })).toMatchObject({
      kind: "Close",
      result: "NotAvailable",
      retryAt: START + HOUR,
    });
  });
});

describe("failures", () => {
  const failure = { reason: "StepFailed", message: "dpkg", time: iso(START - HOUR) };

  it.each([
    ["failed", failed(1), "StepFailed"],
    ["timed out", failed(undefined, true), "StepTimedOut"],
  ] as const)("a job that %s fails the operation, which keeps its claim", (_, job, reason) => {
    expect(act({ operation: operation("Updating"), node: cordoned(), jobs: { update: job } })).toMatchObject({
      note: "OperationFailed",
      operation: { failure: { reason } },
    });
    expect(act({ operation: operation("Updating", { failure }), node: cordoned() })).toMatchObject({
      kind: "Wait",
      block: { reason: "StepFailed", since: START - HOUR },
    });
  });

  it("B12: verified from the node, never from an exit code", () => {
    expect(
      act({ operation: operation("Rebooted"), node: cordoned({ bootId: "boot-2" }), jobs: { update: SUCCEEDED } }),
    ).toMatchObject({ operation: { failure: { reason: "VerificationFailed" } } });
    expect(
      step(act({ operation: operation("Updating", { failure }), node: cordoned({ kernelVersion: kernel(110) }) })),
    ).toBe("Recovered");
  });

  it("B10: a reboot whose job somebody deleted is not asked for again in the same attempt", () => {
    const gone = operation("Rebooting", { jobUID: "job-1" });

    expect(act({ operation: gone, node: cordoned() })).toMatchObject({
      kind: "Wait",
      block: { reason: "Rebooting", message: expect.stringContaining("somebody deleted the job") },
    });
    expect(act({ operation: { ...gone, stepTime: iso(START - HOUR) }, node: cordoned() })).toMatchObject({
      operation: { failure: { reason: "NodeNotBack", message: expect.stringContaining("somebody deleted the job") } },
    });
    expect(step(act({ operation: gone, node: cordoned({ bootId: "boot-2" }) }))).toBe("Rebooted");
  });

  it("B10: a reboot is asked for only while the boot id is the recorded one; how its job ended says nothing", () => {
    const killed = failed(143);

    expect(act({ operation: operation("Rebooting"), node: cordoned(), jobs: { reboot: killed } })).toMatchObject({
      kind: "Wait",
      block: { reason: "Rebooting" },
    });
    expect(
      act({
        operation: operation("Rebooting", { stepTime: iso(START - HOUR) }),
        node: cordoned(),
        jobs: { reboot: killed },
      }),
    ).toMatchObject({ operation: { failure: { reason: "NodeNotBack" } } });
    expect(
      act({ operation: operation("Rebooting"), node: cordoned({ bootId: "boot-2", ready: false }) }),
    ).toMatchObject({ kind: "Wait" });
    expect(
      act({
        operation: operation("Rebooting", { stepTime: iso(START - HOUR) }),
        node: cordoned({ bootId: "boot-2", ready: false }),
      }),
    ).toMatchObject({ operation: { failure: { reason: "NodeNotBack" } } });
  });

  it("a boot before the update is none of ours", () => {
    const drained = { operation: operation("Drained"), node: cordoned({ bootId: "boot-7" }) };
    expect(act({ ...drained, jobs: { update: PREPARED } })).toMatchObject({
      note: "Updating",
      operation: { bootId: "boot-7" },
    });
  });

  it("retry: another attempt where the node is held; a node that was uncordoned meanwhile is cordoned anew", () => {
    const asked = operation("Updating", { failure, retryTime: iso(START) });

    expect(act({ operation: asked, node: cordoned() })).toMatchObject({
      note: "Retried",
      operation: { step: "Cordoned", attempt: 2 },
    });
    expect(act({ operation: asked, node: nodeAsset("n", { mark: MARK }) })).toEqual({
      kind: "Unmark",
      uncordon: false,
    });
    expect(act({ operation: asked, node: nodeAsset("n") })).toMatchObject({
      note: "Retried",
      operation: { step: "Claimed", marked: false },
    });
    expect(
      act({ operation: operation("Updating", { failure, retryTime: iso(START - 2 * HOUR) }), node: cordoned() }),
    ).toMatchObject({ kind: "Wait" });
  });

  it("release: the node is handed back as it was", () => {
    const released = operation("Updating", { failure, release: { reason: "replaced", time: iso(START) } });

    expect(act({ operation: released, node: cordoned() })).toEqual({ kind: "Unmark", uncordon: true });
    expect(act({ operation: released })).toMatchObject({ kind: "Close", result: "Released", message: "replaced" });
  });

  it("a failure before the update is given up when its level is withdrawn, and not when a window ends", () => {
    const staging = operation("Staging", { failure });

    expect(act({ operation: staging, retreat: { reason: "LevelWithdrawn", message: "m" } })).toMatchObject({
      note: "BackingOut",
    });
    expect(act({ operation: staging, retreat: WINDOW_ENDED })).toMatchObject({ kind: "Wait" });
  });
});

describe("identity", () => {
  it("B9: a node that is gone, or was made anew under its name, frees the claim; past the cordon it counts as failed", () => {
    expect(act({ node: undefined, operation: operation("Staged") })).toEqual({ kind: "Free", lost: false });
    expect(act({ node: undefined, operation: operation("Cordoned") })).toEqual({ kind: "Free", lost: true });
    expect(act({ node: undefined, operation: operation("Staged", { rebootPending: true }) })).toEqual({
      kind: "Free",
      lost: true,
    });
    expect(act({ node: undefined })).toEqual({ kind: "Free", lost: false });
  });

  it("a mark whose operation was lost is handed back, with or without its level", () => {
    expect(act({ node: cordoned() })).toEqual({ kind: "Unmark", uncordon: true });
    expect(act({ node: cordoned(), level: undefined })).toEqual({ kind: "Unmark", uncordon: true });
    expect(act({ claim: { ...CLAIM, digest: "", level: "" }, level: undefined })).toEqual({
      kind: "Free",
      lost: false,
    });
  });

  it("B8: another claim that stands on the node comes first", () => {
    expect(act({ node: cordoned({ mark: { claimId: "older", priorUnschedulable: true } }) })).toEqual({
      kind: "Free",
      lost: false,
    });
    expect(act({ state: { operation: operation("Drained", { claimId: "older" }) } })).toEqual({
      kind: "Free",
      lost: false,
    });
  });

  it("without its level what was not begun is undone, and what was begun waits", () => {
    expect(act({ operation: operation("Cordoned"), node: cordoned(), level: undefined })).toMatchObject({
      note: "BackingOut",
    });
    expect(act({ operation: operation("Updated"), node: cordoned(), level: undefined })).toMatchObject({
      kind: "Wait",
      block: { reason: "LevelMissing" },
    });
  });
});

describe("in every situation", () => {
  const job = fc.constantFrom<JobView>(
    NOT_THERE,
    PREPARED,
    { ...PREPARED, uid: "late" },
    RUNNING,
    SUCCEEDED,
    failed(69),
    failed(1),
    failed(undefined, true),
  );
  const situation = fc.record({
    step: fc.option(fc.constantFrom(...NODE_STEPS)),
    disrupt: fc.boolean(),
    prior: fc.boolean(),
    age: fc.constantFrom(0, MINUTE, HOUR),
    attempt: fc.constantFrom(1, 2),
    rebootPending: fc.boolean(),
    noReboot: fc.boolean(),
    backOut: fc.option(fc.constantFrom("OutsideWindow", "VersionNotAvailable", "DrainTimedOut"), { freq: 1 }),
    failure: fc.option(fc.constantFrom(HOUR, -HOUR), { freq: 1 }),
    release: fc.constantFrom(false, false, false, true),
    node: fc.option(
      fc.record({
        ready: fc.boolean(),
        unschedulable: fc.boolean(),
        mark: fc.constantFrom("ours", "none", "other"),
        booted: fc.boolean(),
        build: fc.constantFrom(100, 110),
      }),
    ),
    pods: fc.constantFrom<readonly PodAsset[]>(
      [],
      [pod("late")],
      [pod("ending", { deleting: true })],
      [pod("bare", { controller: undefined })],
    ),
    retreat: fc.option(
      fc.constantFrom<Block>(
        WINDOW_ENDED,
        { reason: "LevelWithdrawn", message: "m" },
        { reason: "Stopped", message: "m" },
      ),
      { freq: 1 },
    ),
    update: job,
    reboot: job,
  });

  it("no act breaks B4, B5, B6, B7 or B10, and no step is skipped", () => {
    fc.assert(
      fc.property(situation, (drawn) => {
        const node =
          drawn.node === null
            ? undefined
            : nodeAsset("n", {
                ready: drawn.node.ready,
                unschedulable: drawn.node.unschedulable,
                bootId: drawn.node.booted ? "boot-2" : "boot-1",
                kernelVersion: kernel(drawn.node.build),
                mark:
                  drawn.node.mark === "none"
                    ? undefined
                    : { claimId: drawn.node.mark === "ours" ? CLAIM.id : "other", priorUnschedulable: drawn.prior },
              });
        const under =
          drawn.step === null
            ? undefined
            : operation(drawn.step, {
                disrupt: drawn.disrupt || drawn.step === "Cordoned" || drawn.step === "Drained",
                priorUnschedulable: drawn.prior,
                stepTime: iso(START - drawn.age),
                attempt: drawn.attempt,
                rebootPending: drawn.rebootPending,
                noReboot: drawn.noReboot,
                ...(drawn.backOut === null
                  ? {}
                  : { backOut: { reason: drawn.backOut, message: "m", time: iso(START) } }),
                ...(drawn.failure === null
                  ? {}
                  : {
                      failure: { reason: "StepFailed", message: "m", time: iso(START) },
                      retryTime: iso(START + drawn.failure),
                    }),
                ...(drawn.release ? { release: { reason: "r", time: iso(START) } } : {}),
              });

        const made = act({
          node,
          ...(under === undefined ? {} : { operation: under }),
          pods: drawn.pods,
          retreat: drawn.retreat ?? undefined,
          jobs: { update: drawn.update, reboot: drawn.reboot },
        });

        if (made.kind === "Evict") {
          expect(node?.unschedulable).toBe(true);
          expect(node?.mark?.claimId).toBe(CLAIM.id);
          expect(under?.step === "Cordoned" || under?.step === "Drained").toBe(true);
        }
        if (made.kind === "CreateJob") expect(made.suspended).toBe(made.step !== "inventory");
        if (made.kind === "ResumeJob") {
          expect(under?.jobUID).toBe(made.job.uid);
          if (under?.disrupt === true) expect(node?.unschedulable).toBe(true);
          if (made.step === "update") {
            expect(under?.step).toBe("Updating");
            expect(drawn.retreat).toBeNull();
            expect([under?.backOut, under?.release, under?.failure]).toEqual([undefined, undefined, undefined]);
          } else expect([under?.step, node?.bootId]).toEqual(["Rebooting", under?.bootId]);
        }
        // Whoever gives a node back has first deleted what waits to run there.
        if (made.kind === "Unmark" && (under?.backOut !== undefined || under?.release !== undefined))
          expect([under.step, drawn.update.phase]).not.toEqual(["Updating", "Prepared"]);
        // Never a cordon where a person took ours off, and never one outside a window.
        if (made.kind === "Mark" && made.cordon) {
          if (node?.mark?.claimId === CLAIM.id) expect(node.unschedulable).toBe(true);
          expect(drawn.retreat).toBeNull();
        }
        if (
          made.kind === "Record" &&
          made.operation.step !== under?.step &&
          ["Updating", "Rebooting"].includes(made.operation.step)
        ) {
          if (made.operation.disrupt === true && under?.step !== "Updated")
            expect([under?.step, drawn.pods.length]).toEqual(["Drained", 0]);
        }
        if (made.kind === "Unmark") expect(node?.mark?.claimId).toBe(CLAIM.id);
        if (made.kind === "Unmark" && made.uncordon && under !== undefined) {
          expect(under.disrupt).toBe(true);
          expect(under.step === "Verified" || under.backOut !== undefined || under.release !== undefined).toBe(true);
        }
        if (made.kind === "Record" && made.note === "Verified") {
          expect(
            drawn.node?.build === 110 || made.operation.rebootPending === true || made.operation.noReboot === true,
          ).toBe(true);
        }
        if (made.kind === "Free" && made.lost) expect(node).toBeUndefined();
        if (under?.release === undefined && under?.failure !== undefined && made.kind === "Close")
          expect(under.backOut).toBeDefined();
      }),
      { numRuns: 4000 },
    );
  });
});
