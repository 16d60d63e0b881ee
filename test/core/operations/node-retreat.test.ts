// The way back of a node that is given back before its update, and failures that keep their claim (B6, B7, B10–B14).
import { describe, expect, it } from "vitest";
import type { LevelComponent } from "../../../controller/api/patch-level.ts";
import type { NodeOperation, NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { LevelInForce } from "../../../controller/core/model.ts";
import type { JobView, NodeAct } from "../../../controller/core/operations/node-steps.ts";
import { HOUR, iso, kernel, MINUTE, nodeAsset, START } from "../../support/fleet.ts";
import {
  LEVEL,
  MARK,
  WINDOW_ENDED,
  JOB,
  PREPARED,
  RUNNING,
  SUCCEEDED,
  failed,
  cordoned,
  operation,
  pod,
  act,
  GRANTED,
  step,
} from "./node-scene.ts";

const NODE_LEVEL = LEVEL.spec.node as NonNullable<LevelInForce["spec"]["node"]>;

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

  it("B7: what shows only after a reboot that a person prevented ends as pending reboot too, and only in the boot of its update", () => {
    const kept = operation("Updated", { noReboot: true });
    const booted = nodeAsset("n", { mark: MARK, bootId: "boot-2" });

    expect(act({ node: nodeAsset("n", { mark: MARK }), operation: kept })).toMatchObject({
      note: "Verified",
      operation: { rebootPending: true },
    });
    expect(act({ node: nodeAsset("n"), operation: { ...kept, step: "Uncordoned" } })).toMatchObject({
      kind: "Close",
      result: "BackedOut",
      retryAt: START + 15 * MINUTE,
      pendingReboot: "boot-1",
    });
    // It booted since, and what was to come did not: that is a failure.
    expect(act({ node: booted, operation: kept })).toMatchObject({
      operation: { failure: { reason: "VerificationFailed" } },
    });
    // A kubelet needs no boot; an image that waits may bring one.
    const shows = (components: LevelComponent[]): NodeAct =>
      act({
        node: nodeAsset("n", { mark: MARK, osImage: "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)" }),
        operation: kept,
        of: { ...LEVEL, spec: { ...LEVEL.spec, node: { ...NODE_LEVEL, components } } },
      });
    const kubelet: LevelComponent = { name: "kubelet", scheme: "semver", version: "v1.34.9" };
    const image: LevelComponent = { name: "osImage", scheme: "osimage", version: "4081.2.0" };
    expect(shows([...NODE_LEVEL.components, kubelet])).toMatchObject({
      operation: { failure: { reason: "VerificationFailed", message: expect.stringMatching(/^kubelet is v1\.34\.0/) } },
    });
    expect(shows([image, kubelet])).toMatchObject({ note: "Verified" });
  });

  it("B7: where nothing may begin any more, an update without a cordon ends with its reboot written down", () => {
    const kept = operation("Updated", { noReboot: true, disrupt: false });

    expect(act({ node: nodeAsset("n", { mark: MARK }), operation: kept, retreat: WINDOW_ENDED })).toMatchObject({
      note: "Verified",
    });
    expect(act({ node: nodeAsset("n"), operation: { ...kept, step: "Uncordoned" } })).toEqual({
      kind: "Close",
      result: "Succeeded",
      message: "a reboot is left to do",
      pendingReboot: "boot-1",
    });
  });

  it("B7, B12: an inventory that sees no need of a reboot knows better than the record of an update", () => {
    const inventory = (rebootRequired: boolean): NonNullable<NodePatchStateStatus["inventory"]> => ({
      time: iso(START),
      digest: "0",
      osId: "ubuntu",
      osVersionId: "22.04",
      scheme: "dpkg",
      installedKernels: [],
      rebootRequired,
      packages: [],
    });
    const left = (rebootRequired: boolean): NodeAct =>
      act({
        node: nodeAsset("n", { mark: MARK }),
        state: {
          operation: operation("Updated", { noReboot: true, looked: true }),
          inventory: inventory(rebootRequired),
        },
      });

    // It lists the kernels that could be booted, and the one that is wanted is not there.
    for (const rebootRequired of [false, true])
      expect(left(rebootRequired)).toMatchObject({ operation: { failure: { reason: "VerificationFailed" } } });
  });

  it("B7: a way back that a person kept from being booted ends as pending reboot", () => {
    const back = operation("Updated", { noReboot: true, rollback: true });
    const above = { kernelVersion: kernel(120), mark: MARK };

    expect(act({ node: nodeAsset("n", above), operation: back, enforce: "Exact" })).toMatchObject({ note: "Verified" });
    expect(
      act({ node: nodeAsset("n", above), operation: { ...back, step: "Uncordoned" }, enforce: "Exact" }),
    ).toMatchObject({ kind: "Close", result: "BackedOut", pendingReboot: "boot-1" });
    expect(
      act({ node: nodeAsset("n", { ...above, bootId: "boot-2" }), operation: back, enforce: "Exact" }),
    ).toMatchObject({ operation: { failure: { reason: "VerificationFailed" } } });
  });

  it("B12: a failure to verify is over when the node shows its level, and another attempt may reboot", () => {
    const failure = { reason: "VerificationFailed", message: "m", time: iso(START) };
    const failed = operation("Updated", { noReboot: true, failure });
    const booted = nodeAsset("n", { mark: MARK, kernelVersion: kernel(110), bootId: "boot-2" });

    expect(act({ node: booted, operation: failed })).toMatchObject({
      note: "Recovered",
      operation: { step: "Verified" },
    });
    // Asked for again it goes the whole way, with a cordon of its own.
    const retried = { ...failed, retryTime: iso(START + MINUTE) };
    expect(act({ node: nodeAsset("n"), operation: retried })).toMatchObject({
      note: "Retried",
      operation: { step: "Claimed", noReboot: false, attempt: 2 },
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
