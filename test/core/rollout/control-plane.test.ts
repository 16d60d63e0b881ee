// Control-plane nodes: one at a time, only while etcd keeps its quorum without them and another API server answers, and each refusal named.
import { describe, expect, it } from "vitest";
import type { ControlPlanePod, Inventory, NodeAsset } from "../../../controller/core/model.ts";
import { findControlPlaneRisk, viewControlPlane } from "../../../controller/core/rollout/control-plane.ts";
import { makePlan, type Plan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  claimOn,
  entry,
  inventory,
  kernelLevel,
  ledger,
  nodeAsset,
  planInput,
  policy,
  ring,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const ROLE = "node-role.kubernetes.io/control-plane";
const RING = ring("cp", {
  members: { nodes: { selector: { matchExpressions: [{ key: ROLE, operator: "Exists" }] } } },
  levels: [entry(LEVEL)],
});

const plane = (name: string, rest: Partial<NodeAsset> = {}): NodeAsset =>
  nodeAsset(name, { controlPlane: true, labels: { [ROLE]: "" }, ...rest });
const etcd = (node: string, ready = true): ControlPlanePod => ({ component: "etcd", node, ready, version: undefined });
const server = (node: string, ready = true, version = "v1.35.1"): ControlPlanePod => ({
  component: "kube-apiserver",
  node,
  ready,
  version,
});
const stacked = (...names: readonly string[]): ControlPlanePod[] => names.flatMap((name) => [etcd(name), server(name)]);

interface Scene {
  readonly nodes?: readonly NodeAsset[];
  readonly pods?: readonly ControlPlanePod[];
  readonly ready?: boolean | undefined;
  readonly input?: Partial<PlanInput>;
}

const THREE = ["a", "b", "c"].map((name) => plane(name));

function seen({ nodes = THREE, pods = stacked("a", "b", "c"), ...rest }: Scene = {}): Inventory {
  return { ...inventory(nodes), controlPlane: { pods, ready: "ready" in rest ? rest.ready : true } };
}

function plan(scene: Scene = {}): Plan {
  const cluster = seen(scene);
  return makePlan(
    planInput({ policy: policy({ rings: [RING], levels: [LEVEL] }), inventory: cluster, ...scene.input }),
  );
}

const reasonsOf = (made: Plan, name = "a"): readonly string[] =>
  made.rows.find((row) => row.asset.name === name)?.blockedBy.map(({ reason }) => reason) ?? [];
const messageOf = (made: Plan, name = "a"): string =>
  made.rows.find((row) => row.asset.name === name)?.blockedBy[0]?.message ?? "";
const claimed = (made: Plan): readonly string[] => made.claims.map(({ name }) => name);

describe("a control plane that is well", () => {
  it("gives up one node, and the next only after it", () => {
    const made = plan({ input: { ledger: ledger() } });

    expect(claimed(made)).toEqual(["a"]);
    expect(reasonsOf(made, "b")).toEqual(["RingBudgetExhausted"]);
  });

  it("is one at a time whatever the ring's budget says", () => {
    const wide = { ...RING, spec: { ...RING.spec, budget: { nodes: 3 } } };
    const made = makePlan(planInput({ policy: policy({ rings: [wide], levels: [LEVEL] }), inventory: seen() }));

    expect(claimed(made)).toEqual(["a"]);
    expect(reasonsOf(made, "b")).toEqual(["ControlPlaneBusy"]);
  });
});

describe("etcd", () => {
  it("keeps the node of a healthy member while another one is ill", () => {
    const made = plan({ pods: [etcd("a"), etcd("b", false), etcd("c")] });

    expect(claimed(made)).toEqual(["b"]);
    expect(reasonsOf(made)).toEqual(["EtcdQuorumAtRisk"]);
    expect(messageOf(made)).toBe("etcd has 3 members and needs 2; without a 1 would be left: not well is b");
  });

  it("a member whose pod is gone, or whose node is not Ready, is a member that is not well", () => {
    const gone = seen({ pods: [etcd("a"), etcd("c")] });
    const dead = seen({ nodes: [plane("a"), plane("b", { ready: false }), plane("c")] });
    const lost = seen({ nodes: [plane("a"), plane("c")] });

    for (const cluster of [gone, dead, lost])
      expect(findControlPlaneRisk(plane("a"), viewControlPlane(cluster))?.reason).toBe("EtcdQuorumAtRisk");
  });

  it("of two members neither may go; a single one has no quorum to lose", () => {
    expect(reasonsOf(plan({ nodes: [plane("a"), plane("b")], pods: stacked("a", "b") }))).toEqual(["EtcdQuorumAtRisk"]);
    expect(claimed(plan({ nodes: [plane("a")], pods: stacked("a") }))).toEqual(["a"]);
  });

  it("of five members one may go while another one is ill, and none while two are", () => {
    const names = ["a", "b", "c", "d", "e"];
    const nodes = names.map((name) => plane(name));
    const ill = (count: number) => names.map((name, at) => etcd(name, at < names.length - count));

    expect(findControlPlaneRisk(plane("a"), viewControlPlane(seen({ nodes, pods: ill(1) })))).toBeUndefined();
    expect(findControlPlaneRisk(plane("a"), viewControlPlane(seen({ nodes, pods: ill(2) })))?.reason).toBe(
      "EtcdQuorumAtRisk",
    );
  });

  it("is found by the role of its nodes, with or without pods (k3s, RKE2)", () => {
    const role = { [ROLE]: "", "node-role.kubernetes.io/etcd": "true" };
    const nodes = [
      plane("a", { labels: role }),
      plane("b", { labels: role, ready: false }),
      plane("c", { labels: role }),
    ];
    const only = plane("s");

    expect(findControlPlaneRisk(nodes[0] as NodeAsset, viewControlPlane(seen({ nodes, pods: [] })))?.reason).toBe(
      "EtcdQuorumAtRisk",
    );
    // A server without etcd takes no member with it.
    expect(findControlPlaneRisk(only, viewControlPlane(seen({ nodes: [...nodes, only], pods: [] })))).toBeUndefined();
  });

  it("that nobody can see (external, managed) is left to the rule that the others are Ready", () => {
    expect(claimed(plan({ pods: [] }))).toEqual(["a"]);
    const down = [plane("a"), plane("b", { ready: false }), plane("c")];
    const wide = { ...RING, spec: { ...RING.spec, budget: { nodes: 3 } } };
    const made = makePlan(
      planInput({ policy: policy({ rings: [wide], levels: [LEVEL] }), inventory: seen({ nodes: down, pods: [] }) }),
    );

    expect(claimed(made)).toEqual([]);
    expect(reasonsOf(made)).toEqual(["ControlPlaneBusy"]);
  });

  it("takes back a node whose update has not begun when another member falls ill", () => {
    const a = plane("a");
    const flying = { ledger: ledger([claimOn(a, "cp", LEVEL, { controlPlane: true })]) };

    expect(plan({ input: flying }).steering[0]?.retreat).toBeUndefined();
    expect(plan({ pods: [etcd("a"), etcd("b", false), etcd("c")], input: flying }).steering[0]?.retreat?.reason).toBe(
      "EtcdQuorumAtRisk",
    );
  });
});

describe("API servers", () => {
  it("no node goes while the one that is asked is not ready, or says nothing", () => {
    expect(reasonsOf(plan({ ready: false }))).toEqual(["ApiServerNotReady"]);
    expect(reasonsOf(plan({ ready: undefined }))).toEqual(["ApiServerNotReady"]);
  });

  it("the last one that is Ready stays; where there is only one, it goes", () => {
    const last = [etcd("a"), etcd("b"), etcd("c"), server("a"), server("b", false), server("c", false)];

    expect(reasonsOf(plan({ pods: last }))).toEqual(["ApiServerNotReady"]);
    expect(claimed(plan({ pods: [etcd("a"), etcd("b"), etcd("c"), server("a")] }))).toEqual(["a"]);
  });

  it("workers do not care", () => {
    const worker = nodeAsset("w", { labels: { ring: "w" } });
    const workers = ring("w", { levels: [entry(LEVEL)] });
    const made = makePlan(
      planInput({
        policy: policy({ rings: [workers], levels: [LEVEL] }),
        inventory: seen({ nodes: [worker], pods: [], ready: false }),
      }),
    );

    expect(claimed(made)).toEqual(["w"]);
  });
});
