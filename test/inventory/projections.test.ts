// Objects of the API as the core sees them: what counts is read, the rest is left, and nothing that is read can do harm (V4).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { projectWorkloads } from "../../controller/inventory/join-workloads.ts";
import { projectNode } from "../../controller/inventory/project-node.ts";
import { projectPdb } from "../../controller/inventory/project-pdb.ts";
import { projectPod } from "../../controller/inventory/project-pod.ts";
import { type ControllerKind, projectWorkload } from "../../controller/inventory/project-workload.ts";
import type { Projected } from "../../controller/inventory/projected.ts";
import { controlledBy, type Json, lease, meta, nodeObject, podObject, workloadObject } from "./objects.ts";

function value<T>(projected: Projected<T>): T {
  if (!projected.ok) throw new Error(projected.problem.message);
  return projected.value;
}

describe("a node", () => {
  it("is read whole", () => {
    const object = nodeObject("worker-1", {
      metadata: {
        labels: { "topology.kubernetes.io/zone": "a", "node-role.kubernetes.io/control-plane": "" },
        annotations: { "ringward.dev/claim": "claim-1", "ringward.dev/prior-unschedulable": "true" },
      },
      spec: { unschedulable: true },
    });
    expect(value(projectNode(object, lease("worker-1", "2026-11-21T12:00:00.123456Z", "uid-worker-1")))).toEqual({
      name: "worker-1",
      uid: "uid-worker-1",
      resourceVersion: "1",
      labels: { "topology.kubernetes.io/zone": "a", "node-role.kubernetes.io/control-plane": "" },
      zone: "a",
      createdAt: Date.parse("2026-11-01T00:00:00Z"),
      ready: true,
      unschedulable: true,
      controlPlane: true,
      provider: undefined,
      bootId: "boot-1",
      kernelVersion: "5.15.0-125-generic",
      kubeletVersion: "v1.33.6",
      containerRuntimeVersion: "containerd://1.7.24",
      osImage: "Ubuntu 22.04.5 LTS",
      architecture: "amd64",
      heardAt: Date.parse("2026-11-21T12:00:00.123Z"),
      mark: { claimId: "claim-1", priorUnschedulable: true },
    });
  });

  it.each<[string, Json, string | undefined]>([
    ["nothing", {}, undefined],
    ["a Karpenter label", { labels: { "karpenter.sh/nodepool": "x" } }, "Karpenter"],
    ["a Cluster API annotation", { annotations: { "cluster.x-k8s.io/machine": "x" } }, "ClusterAPI"],
    ["a Cluster API label", { labels: { "cluster.x-k8s.io/cluster-name": "x" } }, "ClusterAPI"],
    ["an EKS node group", { labels: { "eks.amazonaws.com/nodegroup": "x" } }, "ManagedPool"],
    ["a GKE node pool", { labels: { "cloud.google.com/gke-nodepool": "x" } }, "ManagedPool"],
    ["an AKS agent pool", { labels: { "kubernetes.azure.com/agentpool": "x" } }, "ManagedPool"],
    ["Karpenter on EKS", { labels: { "karpenter.sh/nodepool": "x", "eks.amazonaws.com/nodegroup": "y" } }, "Karpenter"],
  ])("with %s is replaced by its provider as it should be", (_what, metadata, provider) => {
    expect(value(projectNode(nodeObject("n", { metadata }))).provider).toBe(provider);
  });

  it("is not heard of by the Lease of an earlier node of its name", () => {
    expect(
      value(projectNode(nodeObject("n"), lease("n", "2026-11-21T12:00:00Z", "uid-of-before"))).heardAt,
    ).toBeUndefined();
    expect(value(projectNode(nodeObject("n"), lease("n", "2026-11-21T12:00:00Z"))).heardAt).toBeDefined();
    expect(value(projectNode(nodeObject("n"))).heardAt).toBeUndefined();
  });

  it("is not ready unless it says so", () => {
    for (const conditions of [undefined, [], [{ type: "Ready", status: "Unknown" }], "Ready"])
      expect(value(projectNode(nodeObject("n", { status: { conditions } }))).ready).toBe(false);
  });

  it("cannot write on people's terminals", () => {
    const osImage = `Ubuntu\u001b[2J\u0007 22.04\u202e${"x".repeat(1000)}`;
    const { osImage: shown } = value(projectNode(nodeObject("n", { status: { nodeInfo: { osImage } } })));
    expect(shown.length).toBe(256);
    // oxlint-disable-next-line no-control-regex
    expect(shown).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

describe("a pod", () => {
  it("is read as a drain and an assessment need it", () => {
    const object = podObject("web-1", {
      metadata: { annotations: { "kubernetes.io/config.mirror": "x" }, ...controlledBy("Job", "migrate") },
      spec: { priority: 1000, volumes: [{ name: "a", emptyDir: {} }] },
      status: { phase: "Running" },
    });
    expect(value(projectPod(object)).asset).toEqual({
      namespace: "shop",
      name: "web-1",
      uid: "uid-web-1",
      nodeName: "worker-1",
      labels: { app: "web" },
      phase: "Running",
      deleting: false,
      ready: true,
      controller: { kind: "Job", name: "migrate", uid: "uid-migrate" },
      mirror: true,
      emptyDir: true,
      priority: 1000,
      job: true,
    });
  });

  it("of a controller runs the tag that it was made with, not another of the same content", () => {
    const containerStatuses = [{ name: "web", image: "registry.example.com/shop/web:stable", imageID: "sha256:1" }];
    const bare = podObject("a", { status: { containerStatuses } });
    const controlled = podObject("b", { metadata: controlledBy("ReplicaSet", "web-1"), status: { containerStatuses } });
    expect(value(projectPod(bare)).running[0]?.image).toBe("registry.example.com/shop/web:stable");
    expect(value(projectPod(controlled)).running[0]?.image).toBe("registry.example.com/shop/web:1.27.3");
  });

  it("runs nothing while no container has started", () => {
    const waiting = [
      { name: "web", image: "registry.example.com/shop/web:1.27.3", imageID: "", state: { waiting: {} } },
    ];
    expect(value(projectPod(podObject("a", { status: { containerStatuses: waiting } }))).running).toEqual([]);
  });
});

describe("a budget", () => {
  it("allows nothing until its controller says so, and tells no selector from an empty one", () => {
    const budget = (spec: Json, status?: Json) =>
      value(projectPdb({ metadata: meta("pdb", { namespace: "shop" }), spec, status }));
    expect(budget({})).toMatchObject({ selector: undefined, disruptionsAllowed: 0 });
    expect(budget({ selector: {} }).selector).toEqual({});
    expect(
      budget(
        {
          selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["a"] }] },
        },
        { disruptionsAllowed: 1, currentHealthy: 3, desiredHealthy: 2, expectedPods: 3 },
      ),
    ).toEqual({
      namespace: "shop",
      name: "pdb",
      selector: { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "In", values: ["a"] }] },
      disruptionsAllowed: 1,
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
    });
  });

  it("is outdated until its controller has seen what it says, and may let unhealthy pods go always", () => {
    const budget = (observedGeneration: number) =>
      value(
        projectPdb({
          metadata: meta("pdb", { namespace: "shop", generation: 2 }),
          spec: { unhealthyPodEvictionPolicy: "AlwaysAllow" },
          status: { observedGeneration },
        }),
      );
    expect(budget(1)).toMatchObject({ outdated: true, alwaysAllowsUnhealthy: true });
    expect(budget(2).outdated).toBeUndefined();
  });
});

describe("a rollout", () => {
  const rollout = (kind: ControllerKind, rest: { spec?: Json; status?: Json; metadata?: Json } = {}) =>
    value(projectWorkload(kind, workloadObject(kind, "web", rest))).rollout;

  it.each<[string, { spec?: Json; status?: Json }, boolean]>([
    ["everything runs the newest", {}, true],
    ["the controller has not seen the spec", { status: { observedGeneration: 1 } }, false],
    ["a replica is old", { status: { updatedReplicas: 1 } }, false],
    ["an old one is still there", { status: { replicas: 3 } }, false],
    ["one is not available", { status: { availableReplicas: 1 } }, false],
    ["no status", { status: { observedGeneration: undefined, updatedReplicas: undefined } }, false],
    [
      "scaled to nothing",
      { spec: { replicas: 0 }, status: { replicas: 0, updatedReplicas: 0, availableReplicas: 0 } },
      true,
    ],
  ])("of a Deployment: %s", (_what, rest, complete) => {
    expect(rollout("Deployment", rest).complete).toBe(complete);
  });

  it("of a Deployment says when it is over its deadline", () => {
    const conditions = [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }];
    expect(rollout("Deployment", { status: { conditions } })).toMatchObject({ deadlineExceeded: true });
    expect(rollout("Deployment").deadlineExceeded).toBe(false);
  });

  it("of a StatefulSet needs the revision and availability", () => {
    const revisions = { currentRevision: "a", updateRevision: "b" };
    expect(rollout("StatefulSet", { status: revisions }).complete).toBe(true);
    expect(rollout("StatefulSet", { status: { ...revisions, updatedReplicas: 1 } }).complete).toBe(false);
    expect(rollout("StatefulSet", { status: { availableReplicas: 1 } }).complete).toBe(false);
  });

  it("of a DaemonSet counts nodes", () => {
    const status = { desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberAvailable: 3 };
    expect(rollout("DaemonSet", { status })).toEqual({
      complete: true,
      deadlineExceeded: false,
      desired: 3,
      available: 3,
    });
    expect(rollout("DaemonSet", { status: { ...status, updatedNumberScheduled: 2 } }).complete).toBe(false);
    expect(rollout("DaemonSet", { status: { ...status, numberAvailable: 2 } }).complete).toBe(false);
  });

  it.each<[ControllerKind, Json, boolean]>([
    ["Deployment", {}, true],
    ["Deployment", { strategy: { type: "Recreate" } }, false],
    ["Deployment", { paused: true }, false],
    ["StatefulSet", { updateStrategy: { type: "OnDelete" } }, false],
    ["StatefulSet", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 1 } } }, false],
    ["StatefulSet", { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } } }, true],
    ["DaemonSet", { updateStrategy: { type: "OnDelete" } }, false],
    ["DaemonSet", {}, true],
    ["ReplicaSet", {}, false],
    ["Job", {}, false],
  ])("of a %s with %j follows a changed template: %s", (kind, spec, expected) => {
    expect(value(projectWorkload(kind, workloadObject(kind, "web", { spec }))).rollingUpdate).toBe(expected);
  });
});

describe("who applies a template", () => {
  const owner = (metadata: Json): string | undefined =>
    value(projectWorkload("Deployment", workloadObject("Deployment", "web", { metadata }))).managedBy;
  const fields = (manager: string, operation: string, path = "f:containers") => ({
    managedFields: [
      {
        manager,
        operation,
        fieldsV1: { "f:spec": { "f:template": { "f:spec": { [path]: { 'k:{"name":"web"}': { "f:image": {} } } } } } },
      },
    ],
  });

  it.each<[string, Json, string | undefined]>([
    ["nothing", {}, undefined],
    ["a controller", controlledBy("Rollout", "web"), "Rollout web"],
    ["an owner that is no controller", { ownerReferences: [{ kind: "App", name: "x", uid: "y" }] }, undefined],
    [
      "an Argo CD tracking id",
      { annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" } },
      "Argo CD application shop",
    ],
    ["an Argo CD label", { labels: { "argocd.argoproj.io/instance": "shop" } }, "Argo CD application shop"],
    [
      "a Flux Kustomization",
      {
        labels: { "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system" },
      },
      "Flux Kustomization flux-system/apps",
    ],
    [
      "a Flux HelmRelease",
      {
        labels: {
          "helm.toolkit.fluxcd.io/name": "web",
          "helm.toolkit.fluxcd.io/namespace": "shop",
          "app.kubernetes.io/managed-by": "Helm",
        },
        annotations: { "meta.helm.sh/release-name": "web" },
      },
      "Flux HelmRelease shop/web",
    ],
    [
      "a Helm release",
      {
        labels: { "app.kubernetes.io/managed-by": "Helm" },
        annotations: { "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" },
      },
      "Helm release shop/web",
    ],
    ["a chart that kubectl applied", { labels: { "app.kubernetes.io/managed-by": "Helm" } }, undefined],
    ["somebody who applies the image", fields("kapp", "Apply"), "field manager kapp"],
    [
      "somebody who applies an init container's image",
      fields("kapp", "Apply", "f:initContainers"),
      "field manager kapp",
    ],
    ["somebody who applies something else", fields("kapp", "Apply", "f:volumes"), undefined],
    ["somebody who updated the image", fields("my-operator", "Update"), undefined],
    ["kubectl apply --server-side", fields("kubectl", "Apply"), undefined],
    ["kubectl apply", fields("kubectl-client-side-apply", "Apply"), undefined],
    ["Ringward", fields("ringward", "Apply"), undefined],
    ["Ringward's writer of workloads", fields("ringward-workloads", "Apply"), undefined],
  ])("%s", (_what, metadata, expected) => {
    expect(owner(metadata)).toBe(expected);
  });
});

describe("workloads", () => {
  const names = (objects: Parameters<typeof projectWorkloads>[0]) =>
    projectWorkloads(objects).workloads.map(
      (one) => `${one.kind} ${one.name}: ${one.pods.map((pod) => pod.name).join(" ")}`,
    );
  const deployments = [workloadObject("Deployment", "web")];
  const replicasets = [
    workloadObject("ReplicaSet", "web-new", { metadata: controlledBy("Deployment", "web") }),
    workloadObject("ReplicaSet", "web-old", { metadata: controlledBy("Deployment", "web"), spec: { replicas: 0 } }),
  ];
  const hash = { labels: { "pod-template-hash": "new" } };
  const pods = [
    podObject("web-new-b", { metadata: { ...controlledBy("ReplicaSet", "web-new"), ...hash } }),
    podObject("web-new-a", { metadata: { ...controlledBy("ReplicaSet", "web-new"), ...hash } }),
  ];

  it("have the pods of their ReplicaSets", () => {
    expect(names({ deployments, replicasets, pods })).toEqual(["Deployment web: web-new-a web-new-b"]);
  });

  it("have them also where no ReplicaSets were read, and ReplicaSets stand in where no Deployments were", () => {
    expect(names({ deployments, pods })).toEqual(["Deployment web: web-new-a web-new-b"]);
    expect(names({ replicasets, pods })).toEqual(["ReplicaSet web-new: web-new-a web-new-b"]);
    expect(projectWorkloads({ replicasets, pods }).workloads[0]).toMatchObject({
      managedBy: "Deployment web",
      rollingUpdate: false,
    });
    expect(names({ pods })).toEqual(["Pod web-new-a: web-new-a", "Pod web-new-b: web-new-b"]);
    expect(projectWorkloads({ pods }).workloads[0]).toMatchObject({ managedBy: "ReplicaSet web-new" });
  });

  it("are also what has no controller, and what a controller of another kind made", () => {
    expect(names({ pods: [podObject("bare")] })).toEqual(["Pod bare: bare"]);
    expect(names({ replicasets: [workloadObject("ReplicaSet", "bare")] })).toEqual(["ReplicaSet bare: "]);
    const rollout = [workloadObject("ReplicaSet", "canary", { metadata: controlledBy("Rollout", "canary") })];
    expect(projectWorkloads({ replicasets: rollout }).workloads).toMatchObject([
      { kind: "ReplicaSet", managedBy: "Rollout canary" },
    ]);
    expect(
      projectWorkloads({ pods: [podObject("static", { metadata: controlledBy("Node", "worker-1") })] }).workloads,
    ).toMatchObject([{ kind: "Pod", managedBy: "Node worker-1" }]);
  });

  it("leave out what runs nothing", () => {
    const gone = [
      podObject("done", { status: { phase: "Succeeded" } }),
      podObject("evicted", { status: { phase: "Failed" } }),
      podObject("leaving", { metadata: { deletionTimestamp: "2026-11-21T12:00:00Z" } }),
    ];
    const jobs = [
      workloadObject("Job", "finished", { status: { conditions: [{ type: "Complete", status: "True" }] } }),
      workloadObject("Job", "idle", { metadata: controlledBy("CronJob", "nightly"), status: { active: 0 } }),
      workloadObject("Job", "nightly-1", { metadata: controlledBy("CronJob", "nightly"), status: { active: 1 } }),
      workloadObject("Job", "once", { status: { active: 1 } }),
    ];
    const old = [
      workloadObject("ReplicaSet", "old", { metadata: controlledBy("Rollout", "x"), spec: { replicas: 0 } }),
    ];
    expect(names({ pods: gone, replicasets: old, jobs })).toEqual(["Job nightly-1: ", "Job once: "]);
  });

  it("go on when one of them is broken", () => {
    const broken = [{ metadata: { name: "../../etc", namespace: "shop", uid: "x" } }, null, 7, {}];
    const { workloads, problems } = projectWorkloads({ deployments: [...broken, ...deployments] });
    expect(workloads).toHaveLength(1);
    expect(problems).toHaveLength(4);
    expect(problems[0]).toMatchObject({ kind: "Deployment", namespace: "shop", name: "../../etc" });
  });
});

describe("hostile objects (V4)", () => {
  const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, maxDepth: 4 });
  const field = fc.constantFrom(
    "metadata",
    "name",
    "namespace",
    "uid",
    "labels",
    "annotations",
    "ownerReferences",
    "controller",
    "managedFields",
    "spec",
    "status",
    "conditions",
    "nodeInfo",
    "template",
    "containers",
    "containerStatuses",
    "image",
    "imageID",
    "type",
    "__proto__",
    "selector",
    "matchExpressions",
    "operator",
    "renewTime",
    "deletionTimestamp",
    "fieldsV1",
    "f:spec",
  );
  const tree = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small" },
      anything,
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(field, tie("tree"), { maxKeys: 6 }),
    ),
  })).tree;
  const kinds: readonly ControllerKind[] = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"];

  it("never stop a projection", () => {
    fc.assert(
      fc.property(tree, tree, tree, (metadata, spec, status) => {
        const named = typeof metadata === "object" && !Array.isArray(metadata) ? metadata : {};
        for (const object of [
          metadata,
          { metadata, spec, status },
          { metadata: { ...named, ...meta("x", { namespace: "y" }) }, spec, status },
        ]) {
          for (const projected of [
            projectNode(object, spec),
            projectPod(object),
            projectPdb(object),
            ...kinds.map((kind) => projectWorkload(kind, object)),
          ])
            expect(typeof projected.ok).toBe("boolean");
          projectWorkloads({ pods: [object], deployments: [object], replicasets: [object] });
        }
      }),
      { numRuns: 300 },
    );
  });

  it("cannot reach the prototype by a label", () => {
    const object: unknown = JSON.parse('{"metadata":{"name":"n","uid":"u","labels":{"__proto__":"x","a":"b"}}}');
    const { labels } = value(projectNode(object));
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
    expect(Object.hasOwn(labels, "__proto__")).toBe(true);
  });
});
