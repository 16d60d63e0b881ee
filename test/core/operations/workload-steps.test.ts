// The step machine of a workload (B3, B8, B9, K1, K2): forward, back, rolled back, contested, and every situation at once.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  WORKLOAD_STEPS,
  type WorkloadOperation,
  type WorkloadPatchStateStatus,
  type WorkloadStep,
} from "../../../controller/api/patch-state.ts";
import { assessWorkload } from "../../../controller/core/compliance/index.ts";
import type { Block, WorkloadAsset } from "../../../controller/core/model.ts";
import {
  nextWorkloadAct,
  type WorkloadAct,
  type WorkloadView,
} from "../../../controller/core/operations/workload-steps.ts";
import {
  claimOn,
  HOUR,
  imageBaseline,
  imageLevel,
  iso,
  MINUTE,
  START,
  WEB,
  workloadAsset,
} from "../../support/fleet.ts";

const LEVEL = imageLevel("1.1");
const OLD = workloadAsset("cart", "1.0");
const NEW = workloadAsset("cart", "1.1");
const CLAIM = claimOn(OLD, "apps", LEVEL);
const AWAY: Block = { reason: "OutsideWindow", message: "the window ended" };
const rolling = (asset: WorkloadAsset, rest: Partial<WorkloadAsset["rollout"]> = {}): WorkloadAsset => ({
  ...asset,
  mark: { claimId: CLAIM.id },
  rollout: { ...asset.rollout, complete: false, ...rest },
});

function operation(step: WorkloadStep, rest: Partial<WorkloadOperation> = {}): WorkloadOperation {
  return {
    claimId: CLAIM.id,
    ring: "apps",
    baseline: "web",
    level: LEVEL.name,
    digest: LEVEL.digest,
    startedTime: iso(START - HOUR),
    stepTime: iso(START - MINUTE),
    attempt: 1,
    step,
    images: [{ container: "web", from: `${WEB}:1.0`, to: `${WEB}:1.1` }],
    ...rest,
  };
}

function act({
  operation: under,
  ...rest
}: Partial<Omit<WorkloadView, "assess">> & { readonly operation?: WorkloadOperation }): WorkloadAct {
  const workload = "workload" in rest ? rest.workload : OLD;
  const state: WorkloadPatchStateStatus = rest.state ?? (under === undefined ? {} : { operation: under });
  return nextWorkloadAct({
    now: START,
    claim: CLAIM,
    level: LEVEL.spec,
    onFailure: "Halt",
    retreat: undefined,
    ...rest,
    workload,
    state,
    assess: () =>
      assessWorkload({
        workload: workload as WorkloadAsset,
        stored: state,
        baseline: imageBaseline(),
        level: LEVEL,
        approved: true,
        withdrawn: false,
        exceptions: [],
        now: START,
      }),
  });
}

const note = (made: WorkloadAct): string => (made.kind === "Record" ? made.note : made.kind);

const RELEASED = {
  baseline: CLAIM.baseline,
  digest: CLAIM.digest,
  result: "Released" as const,
  reason: "ReleasedByPerson",
  message: "m",
  time: iso(START),
};

describe("a workload's operation", () => {
  it("is not begun where a person released the workload meanwhile", () => {
    expect(act({ state: { attempted: [RELEASED] } })).toEqual({ kind: "Free", lost: false });
    expect(note(act({ state: { attempted: [{ ...RELEASED, digest: "other" }] } }))).toBe("Claimed");
    expect(note(act({ state: { attempted: [{ ...RELEASED, result: "BackedOut" }] } }))).toBe("Claimed");
  });

  it("is not begun where somebody put the image back meanwhile, and a plan did not see that yet", () => {
    const entry = { baseline: CLAIM.baseline, digest: CLAIM.digest, time: iso(START) };

    expect(act({ state: { contested: [entry] } })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      contested: true,
    });
    expect(note(act({ state: { contested: [{ ...entry, digest: "other" }] } }))).toBe("Claimed");
  });

  it("writes its intent, sets images with their old values as precondition, watches, verifies and closes", () => {
    expect(act({})).toMatchObject({
      kind: "Record",
      operation: { step: "Claimed", images: [{ from: `${WEB}:1.0`, to: `${WEB}:1.1` }] },
    });
    expect(note(act({ operation: operation("Claimed") }))).toBe("Patching");
    expect(act({ operation: operation("Patching") })).toEqual({
      kind: "SetImages",
      images: [{ container: "web", init: false, from: `${WEB}:1.0`, to: `${WEB}:1.1` }],
    });
    expect(note(act({ operation: operation("Patching"), workload: rolling(NEW) }))).toBe("Patched");
    expect(act({ operation: operation("Patched"), workload: rolling(NEW) })).toMatchObject({ kind: "Wait" });
    expect(note(act({ operation: operation("Patched"), workload: { ...NEW, mark: { claimId: CLAIM.id } } }))).toBe(
      "Progressed",
    );
    expect(note(act({ operation: operation("Progressed"), workload: NEW }))).toBe("Verified");
    expect(note(act({ operation: operation("Verified"), workload: { ...NEW, mark: { claimId: CLAIM.id } } }))).toBe(
      "Unmark",
    );
    expect(act({ operation: operation("Verified"), workload: NEW })).toMatchObject({
      kind: "Close",
      result: "Succeeded",
    });
  });

  it("backs out while nothing is written, and finishes after", () => {
    expect(act({ retreat: AWAY })).toMatchObject({ kind: "Close", result: "BackedOut" });
    expect(act({ operation: operation("Claimed"), retreat: AWAY })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
    });
    expect(act({ operation: operation("Patching"), retreat: AWAY })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
    });
    expect(note(act({ operation: operation("Patching"), workload: rolling(NEW), retreat: AWAY }))).toBe("Patched");
    expect(note(act({ operation: operation("Patched"), workload: NEW, retreat: AWAY }))).toBe("Progressed");
  });

  it("a template that somebody took over, or changed first, is left alone", () => {
    expect(
      act({ operation: operation("Patching"), workload: { ...OLD, managedBy: "Helm release cart" } }),
    ).toMatchObject({ kind: "Close", result: "BackedOut" });
    expect(act({ operation: operation("Patching"), workload: workloadAsset("cart", "2.0") })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
    });
  });

  it("an image that goes back is FieldContested, whatever it went to", () => {
    for (const tag of ["1.0", "2.0"]) {
      const undone = workloadAsset("cart", tag);
      expect(act({ operation: operation("Patched"), workload: undone })).toMatchObject({
        kind: "Close",
        contested: true,
      });
      expect(act({ operation: operation("Progressed"), workload: undone })).toMatchObject({
        kind: "Close",
        contested: true,
      });
    }
  });

  it("a rollout that does not progress fails and keeps its claim, or is rolled back where the ring says so", () => {
    const stuck = rolling(NEW, { deadlineExceeded: true });

    expect(act({ operation: operation("Patched"), workload: stuck })).toMatchObject({
      operation: { failure: { reason: "ProgressDeadlineExceeded" } },
    });
    expect(act({ operation: operation("Patched"), workload: stuck, onFailure: "RollBackTarget" })).toMatchObject({
      operation: { step: "RollingBack" },
    });
    expect(act({ operation: operation("RollingBack"), workload: stuck })).toMatchObject({
      kind: "SetImages",
      images: [{ from: `${WEB}:1.1`, to: `${WEB}:1.0` }],
    });
    expect(note(act({ operation: operation("RollingBack"), workload: OLD }))).toBe("RolledBack");
    expect(act({ operation: operation("RolledBack"), workload: OLD })).toMatchObject({
      kind: "Close",
      result: "RolledBack",
    });
    expect(
      act({ operation: operation("Patched", { stepTime: iso(START - HOUR) }), workload: rolling(NEW) }),
    ).toMatchObject({ operation: { failure: { reason: "RolloutTimedOut" } } });
  });

  it("what changed no image cannot be rolled back, so it fails instead of writing nothing for ever", () => {
    expect(
      act({
        operation: operation("Patched", { images: [] }),
        workload: rolling(NEW, { deadlineExceeded: true }),
        onFailure: "RollBackTarget",
      }),
    ).toMatchObject({ operation: { failure: { reason: "ProgressDeadlineExceeded" } } });
  });

  it("a failed one recovers by itself, is retried or is given up by a person", () => {
    const failure = { reason: "ProgressDeadlineExceeded", message: "m", time: iso(START - HOUR) };

    expect(note(act({ operation: operation("Patched", { failure }), workload: NEW }))).toBe("Recovered");
    expect(act({ operation: operation("Patched", { failure }), workload: rolling(NEW) })).toMatchObject({
      kind: "Wait",
    });
    expect(
      act({ operation: operation("Patched", { failure, retryTime: iso(START) }), workload: rolling(NEW) }),
    ).toMatchObject({ note: "Retried", operation: { step: "Patching", attempt: 2 } });
    expect(
      act({ operation: operation("Patched", { failure, release: { reason: "r", time: iso(START) } }), workload: NEW }),
    ).toMatchObject({ kind: "Close", result: "Released" });
    expect(note(act({ operation: operation("RollingBack", { failure }), workload: OLD }))).toBe("Recovered");
  });

  it("a roll-back that was closed counts as failed for ever; one that vanished too", () => {
    const history = [
      {
        claimId: CLAIM.id,
        level: LEVEL.name,
        ring: "apps",
        result: "RolledBack" as const,
        startedTime: iso(START),
        finishedTime: iso(START),
      },
    ];

    expect(act({ state: { history } })).toEqual({ kind: "Free", lost: true });
    expect(act({ workload: undefined, operation: operation("Patched") })).toEqual({ kind: "Free", lost: true });
    expect(act({ workload: undefined, operation: operation("Claimed") })).toEqual({ kind: "Free", lost: false });
  });

  it("in every situation: images are written only with an intent, from what is there, and never outside a window", () => {
    const situation = fc.record({
      step: fc.option(fc.constantFrom(...WORKLOAD_STEPS)),
      tag: fc.constantFrom("1.0", "1.1", "2.0"),
      complete: fc.boolean(),
      exceeded: fc.boolean(),
      marked: fc.boolean(),
      failed: fc.boolean(),
      retreat: fc.boolean(),
      managed: fc.boolean(),
      back: fc.boolean(),
      age: fc.constantFrom(MINUTE, 2 * HOUR),
    });
    fc.assert(
      fc.property(situation, (drawn) => {
        const asset = workloadAsset("cart", drawn.tag, {
          rollout: { complete: drawn.complete, deadlineExceeded: drawn.exceeded, desired: 1, available: 1 },
          mark: drawn.marked ? { claimId: CLAIM.id } : undefined,
          managedBy: drawn.managed ? "Helm release cart" : undefined,
        });
        const under =
          drawn.step === null
            ? undefined
            : operation(drawn.step, {
                stepTime: iso(START - drawn.age),
                ...(drawn.failed ? { failure: { reason: "RolloutTimedOut", message: "m", time: iso(START) } } : {}),
              });

        const made = act({
          workload: asset,
          ...(under === undefined ? {} : { operation: under }),
          retreat: drawn.retreat ? AWAY : undefined,
          onFailure: drawn.back ? "RollBackTarget" : "Halt",
        });

        if (made.kind === "SetImages") {
          expect(made.images.every((image) => image.from === `${WEB}:${drawn.tag}` && image.from !== image.to)).toBe(
            true,
          );
          expect(["Patching", "RollingBack"]).toContain(drawn.step);
          if (drawn.step === "Patching") expect([drawn.retreat, drawn.managed]).toEqual([false, false]);
        }
        if (made.kind === "Close" && made.result === "Succeeded" && under !== undefined)
          expect(drawn.step).toBe("Verified");
        if (made.kind === "Record" && made.note === "Verified") expect(drawn.tag).toBe("1.1");
      }),
      { numRuns: 1500 },
    );
  });
});
