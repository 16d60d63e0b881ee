// Control-plane pods are told by what only a kubelet can make: a mirror pod of kube-system.
import { describe, expect, it } from "vitest";
import { controlPlanePods } from "../../controller/inventory/control-plane.ts";
import { projectPod } from "../../controller/inventory/project-pod.ts";

interface Options {
  readonly component?: string;
  readonly namespace?: string;
  readonly mirror?: boolean;
  readonly ready?: string;
  readonly image?: string;
}

function pod(node: string, options: Options = {}) {
  const { component = "etcd", namespace = "kube-system", mirror = true, ready = "True" } = options;
  const projected = projectPod({
    metadata: {
      name: `${component}-${node}`,
      namespace,
      uid: `uid-${component}-${node}`,
      labels: { component, tier: "control-plane" },
      annotations: mirror ? { "kubernetes.io/config.mirror": "f00" } : {},
    },
    spec: {
      nodeName: node,
      containers: [{ name: component, image: options.image ?? `registry.k8s.io/${component}:v1.35.2` }],
    },
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready }] },
  });
  return projected.ok ? [projected.value] : [];
}

describe("control-plane pods", () => {
  it("are members of etcd and API servers, with node, readiness and version, however they came", () => {
    const pods = [...pod("b", { ready: "False" }), ...pod("a", { component: "kube-apiserver" }), ...pod("a")];

    expect(controlPlanePods(pods)).toEqual([
      { component: "etcd", node: "a", ready: true, version: "v1.35.2" },
      { component: "etcd", node: "b", ready: false, version: "v1.35.2" },
      { component: "kube-apiserver", node: "a", ready: true, version: "v1.35.2" },
    ]);
  });

  it("are not what somebody else labelled so", () => {
    expect(controlPlanePods([...pod("a", { mirror: false }), ...pod("a", { namespace: "shop" })])).toEqual([]);
    expect(controlPlanePods(pod("a", { component: "kube-scheduler" }))).toEqual([]);
  });

  it.each([
    ["registry.k8s.io/kube-apiserver:v1.35.2@sha256:00", "v1.35.2"],
    ["index.docker.io/rancher/hardened-kubernetes:v1.35.2-rke2r1", "v1.35.2-rke2r1"],
    ["localhost:5000/kube-apiserver", undefined],
    ["kube-apiserver:latest", undefined],
  ])("image %s is version %s", (image, version) => {
    expect(controlPlanePods(pod("a", { component: "kube-apiserver", image }))[0]?.version).toBe(version);
  });
});
