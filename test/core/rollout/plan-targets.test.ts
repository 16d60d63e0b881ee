// What keeps a single target where it is, whatever its ring may do: conflicts, other owners, versions that do not go together.
import { describe, expect, it } from "vitest";
import type { RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import type { LevelInForce, WorkloadAsset } from "../../../controller/core/model.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import {
  claimOn,
  entry,
  HOUR,
  imageBaseline,
  imageLevel,
  inventory,
  iso,
  kernel,
  kubeletLevel,
  ledger,
  nodeAsset,
  nodeBaseline,
  planInput,
  policy,
  ring,
  START,
  workloadAsset,
} from "../../support/fleet.ts";
import { canaryNode, claimed, LEVEL, one, reasonsOf } from "./one-ring.ts";

describe("targets", () => {
  it("a node under two node baselines is Blocked, not done, and backs out", () => {
    const twice = { baselines: [nodeBaseline(), nodeBaseline("other")] };

    expect(reasonsOf(one({ policy: twice }))).toEqual(["BaselineConflict"]);
    expect(
      one({ policy: twice, input: { ledger: ledger([claimOn(canaryNode, "canary", LEVEL)]) } }).steering[0]?.retreat
        ?.reason,
    ).toBe("BaselineConflict");
  });

  it("a target that moved to a ring that is not approved for the level backs out (B8)", () => {
    const moved = nodeAsset("w1", { labels: { ring: "wide" } });
    const rings = (wide: readonly LevelInForce[]) => [
      ring("canary", { levels: [entry(LEVEL)] }),
      ring("wide", { levels: wide.map((level) => entry(level)) }),
    ];
    const retreat = (wide: readonly LevelInForce[]) =>
      makePlan(
        planInput({
          policy: policy({ rings: rings(wide), levels: [LEVEL] }),
          inventory: inventory([moved]),
          ledger: ledger([claimOn(moved, "canary", LEVEL)]),
        }),
      ).steering[0]?.retreat;

    expect(retreat([])?.reason).toBe("WaitingForApproval");
    expect(retreat([LEVEL])).toBeUndefined();
  });

  it("a node that somebody else cordoned is skipped, unless the ring says Update", () => {
    const nodes = [{ ...canaryNode, unschedulable: true }];

    expect(reasonsOf(one({ nodes }))).toEqual(["CordonedByOther"]);
    expect(claimed(one({ nodes, spec: { cordonedNodes: "Update" } }))).toEqual(["c1"]);
  });

  it("nodes that their provider replaces are assessed and left alone", () => {
    expect(reasonsOf(one({ nodes: [{ ...canaryNode, provider: "Karpenter" }] }))).toEqual(["ReplacedByProvider"]);
  });

  it("what cannot be told is named, and never claimed", () => {
    expect(reasonsOf(one({ nodes: [{ ...canaryNode, kernelVersion: "6.8.0-40-generic" }] }))).toEqual([
      "KernelNotCovered",
    ]);
  });

  it("a kubelet never gets ahead of the API server; where that is unknown only a patch of its own minor passes", () => {
    const kubelet = (level: LevelInForce, apiServerVersion: string | undefined): Plan =>
      one({ level, input: { inventory: { ...inventory([canaryNode]), apiServerVersion } } });

    expect(reasonsOf(kubelet(kubeletLevel("v1.36.0"), "v1.35.2"))).toEqual(["VersionSkew"]);
    expect(claimed(kubelet(kubeletLevel("v1.35.9"), "v1.35.2"))).toEqual(["c1"]);
    expect(reasonsOf(kubelet(kubeletLevel("v1.35.0"), undefined))).toEqual(["VersionSkew"]);
    expect(claimed(kubelet(kubeletLevel("v1.34.9"), undefined))).toEqual(["c1"]);
  });

  it("a kubelet never gets ahead of the oldest API server of a control plane that is being upgraded", () => {
    const pods = (["v1.36.0", "v1.35.2"] as const).map((version, at) => ({
      component: "kube-apiserver" as const,
      node: `cp-${at}`,
      ready: true,
      version,
    }));
    const upgrading = { ...inventory([canaryNode]), apiServerVersion: "v1.36.0", controlPlane: { pods, ready: true } };

    const plan = one({ level: kubeletLevel("v1.36.0"), input: { inventory: upgrading } });

    expect(plan.rows[0]?.blockedBy).toMatchObject([
      { reason: "VersionSkew", message: "kubelet v1.36.0 would be newer than the API server v1.35.2" },
    ]);
  });

  it("a kubelet that goes back never becomes more than three minors older; one that is too old already is brought forward", () => {
    const back = (wanted: string, running: string): Plan => {
      const level = kubeletLevel(wanted);
      const rollback = { image: `r@sha256:${"a".repeat(64)}`, command: ["rollback"] };
      const node = level.spec.node as NonNullable<typeof level.spec.node>;
      const steps = { ...node.recipe.steps, rollback };
      return one({
        level: { ...level, spec: { ...level.spec, node: { ...node, recipe: { ...node.recipe, steps } } } },
        spec: { levels: [entry(level, { enforce: "Exact" })] },
        nodes: [{ ...canaryNode, kubeletVersion: running }],
      });
    };

    expect(reasonsOf(back("v1.31.9", "v1.33.0"))).toEqual(["VersionSkew"]);
    expect(claimed(back("v1.32.9", "v1.33.0"))).toEqual(["c1"]);
    expect(claimed(back("v1.31.9", "v1.31.10"))).toEqual(["c1"]);
    const old = [{ ...canaryNode, kubeletVersion: "v1.29.0" }];
    expect(claimed(one({ level: kubeletLevel("v1.31.9"), nodes: old }))).toEqual(["c1"]);
  });

  it("workloads: applied elsewhere, without RollingUpdate or observed are named and left alone", () => {
    const level = imageLevel("1.1");
    const workload = (rest: Partial<WorkloadAsset>, spec: Partial<RolloutRingSpec> = {}): readonly string[] =>
      reasonsOf(
        makePlan(
          planInput({
            policy: policy({
              baselines: [imageBaseline()],
              levels: [level],
              rings: [ring("apps", { levels: [entry(level)], ...spec })],
            }),
            inventory: inventory([], [workloadAsset("cart", "1.0", { labels: { ring: "apps" }, ...rest })]),
          }),
        ),
        "cart",
      );

    expect(workload({})).toEqual([]);
    expect(workload({ managedBy: "Argo CD application shop" })).toEqual(["ManagedElsewhere"]);
    expect(workload({ rollingUpdate: false })).toEqual(["UpdateStrategyNotSupported"]);
    expect(workload({}, { members: { workloads: { selector: { matchLabels: { ring: "apps" } } } } })).toEqual([
      "RingObserves",
    ]);
  });

  it("a failed target under its claim says why and since when", () => {
    const claim = claimOn(canaryNode, "canary", LEVEL);
    const operation = {
      claimId: claim.id,
      ring: "canary",
      baseline: "ubuntu",
      level: LEVEL.name,
      digest: LEVEL.digest,
      startedTime: iso(START),
      stepTime: iso(START),
      attempt: 1,
      step: "Updating" as const,
      bootId: "b",
      failure: { reason: "StepFailed", message: "dpkg", time: iso(START - HOUR) },
    };

    const plan = one({
      input: { ledger: ledger([claim]), stored: { nodes: new Map([["uid-c1", { operation }]]), workloads: new Map() } },
    });

    expect(plan.rows[0]).toMatchObject({
      phase: "Blocked",
      blockedBy: [{ reason: "StepFailed", message: "dpkg", since: START - HOUR }],
    });
  });

  it("K7: a ring with nothing left to do says nothing of windows that shut", () => {
    const calendars = [{ name: "change", spec: { windows: [{ schedule: "0 20 * * *", duration: "1h" }] } }];

    const plan = one({
      nodes: [{ ...canaryNode, kernelVersion: kernel(110) }],
      spec: { calendarRefs: [{ name: "change" }] },
      policy: { calendars },
    });

    expect(plan.rings[0]?.blockedBy).toEqual([]);
  });
});
