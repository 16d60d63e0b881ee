// The step machine of a node, step by step (B3–B7, B10–B14), and as properties over every situation that it can be asked about. Its drain and
// what may hold it up are in node-drain.test.ts, the way back and failures in node-retreat.test.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NODE_STEPS } from "../../../controller/api/patch-state.ts";
import type { Block, LevelInForce, PodAsset } from "../../../controller/core/model.ts";
import type { JobView, NodeAct } from "../../../controller/core/operations/node-steps.ts";
import { HOUR, iso, kernel, kubeletLevel, MINUTE, nodeAsset, START } from "../../support/fleet.ts";
import {
  LEVEL,
  CLAIM,
  MARK,
  WINDOW_ENDED,
  NOT_THERE,
  JOB,
  PREPARED,
  RUNNING,
  SUCCEEDED,
  failed,
  cordoned,
  operation,
  pod,
  type Situation,
  act,
  GRANTED,
  step,
} from "./node-scene.ts";

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
