// Fleets of any size from a seed, for tests and benches, and the objects that such a fleet would have once it runs, without
// running it: 5,000 nodes with 150,000 pods come from memory in seconds. Equal options give equal fleets.
import { seededRandom } from "../../clock.ts";
import type { Instant, Random } from "../../clock.ts";
import type { KubeObject } from "../../kube/port.ts";
import type { Deployment, Lease, Node, Pod, ReplicaSet } from "../actors/objects.ts";
import { hostAddress, newNode, nodeStatus } from "../actors/node-status.ts";
import type { PodRun } from "../actors/pod-run.ts";
import { podStatus } from "../actors/pod-status.ts";
import { microTimestamp, ownerReference, podFrom, templateHash, timestamp } from "../actors/template.ts";
import { createMachine, derivedUuid } from "../nodes/machine.ts";
import type { Fleet } from "./fleet.ts";
import { quickstartCatalogue } from "./images.ts";
import { quickstartMachines, WORKLOAD_RING_LABEL } from "./quickstart.ts";
import { namespaceObject, workloadObjects } from "./workloads.ts";
import type { WorkloadRow } from "./workloads.ts";

export interface GenerateOptions {
  readonly nodes: number;
  readonly podsPerNode: number;
  readonly seed: number;
  /** Different images among the workloads; 20 if absent. */
  readonly images?: number;
  /** Most replicas of one Deployment; 20 if absent. */
  readonly maxReplicas?: number;
}

/** Machines as in the quickstart and Deployments with `nodes * podsPerNode` replicas in total, most with a budget. */
export function generateFleet(options: GenerateOptions): Fleet {
  const { nodes, podsPerNode, seed, images = 20, maxReplicas = 20 } = options;
  const random = seededRandom(seed);
  const rows: WorkloadRow[] = [];
  for (let left = nodes * podsPerNode; left > 0; left -= rows.at(-1)?.replicas ?? left) {
    rows.push(
      generateWorkload(rows.length, Math.min(left, 1 + below(random, maxReplicas)), below(random, images), random),
    );
  }
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))].sort();
  return {
    machines: quickstartMachines(nodes),
    catalogue: quickstartCatalogue(),
    objects: [...namespaces.map(namespaceObject), ...rows.flatMap(workloadObjects)],
  };
}

function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

function generateWorkload(index: number, replicas: number, image: number, random: Random): WorkloadRow {
  const ring =
    ["canary", "early", "early", "early", "broad", "broad", "broad", "broad", "broad", "broad"][below(random, 10)] ??
    "broad";
  return {
    kind: "Deployment",
    namespace: `team-${String(Math.floor(index / 20)).padStart(3, "0")}`,
    name: `app-${String(index).padStart(5, "0")}`,
    image: `registry.example.com/apps/image-${String(image).padStart(3, "0")}:1.${below(random, 3)}.0`,
    replicas,
    labels: { [WORKLOAD_RING_LABEL]: ring },
    ...(replicas > 1 && random.next() < 0.8 ? { budget: { maxUnavailable: 1 } } : {}),
  };
}

/** The fleet's objects as a running cluster has them: nodes, Leases, Deployments, ReplicaSets and pods with their status. */
export function* materialiseFleet(fleet: Fleet, now: Instant): Generator<KubeObject> {
  const nodes: string[] = [];
  let version = 1;
  const stamp = <T extends KubeObject>(object: T, apiVersion: string, kind: string): T => {
    const key = `${kind} ${object.metadata.namespace ?? ""}/${object.metadata.name}`;
    const metadata = {
      ...object.metadata,
      uid: derivedUuid(key),
      resourceVersion: String(version++),
      creationTimestamp: timestamp(now),
      generation: 1,
    };
    return { ...object, apiVersion, kind, metadata };
  };
  for (const spec of fleet.machines) {
    nodes.push(spec.name);
    const node: Node = stamp(newNode(spec), "v1", "Node");
    yield { ...node, status: nodeStatus(node, createMachine(spec.name, spec.image), now) };
    const lease: Lease = {
      metadata: { name: spec.name, namespace: "kube-node-lease" },
      spec: { holderIdentity: spec.name, leaseDurationSeconds: 40, renewTime: microTimestamp(now) },
    };
    yield stamp(lease, "coordination.k8s.io/v1", "Lease");
  }
  let placed = 0;
  for (const object of fleet.objects) {
    const whole = stamp(object, object.apiVersion ?? "v1", object.kind ?? "");
    if (object.kind !== "Deployment") {
      yield whole;
      continue;
    }
    for (const part of materialiseDeployment(whole as Deployment, stamp, nodes, placed, now)) {
      if (part.kind === "Pod") placed += 1;
      yield part;
    }
  }
}

function* materialiseDeployment(
  deployment: Deployment,
  stamp: <T extends KubeObject>(object: T, apiVersion: string, kind: string) => T,
  nodes: readonly string[],
  placed: number,
  now: Instant,
): Generator<KubeObject> {
  const { name, namespace = "default" } = deployment.metadata;
  const { template, selector, replicas = 1 } = deployment.spec;
  const hash = templateHash(template);
  const labels = { ...template.metadata?.labels, "pod-template-hash": hash };
  const counts = { replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1 };
  yield { ...deployment, status: { ...counts, updatedReplicas: replicas } };
  const set: ReplicaSet = stamp(
    {
      metadata: {
        name: `${name}-${hash}`,
        namespace,
        labels,
        ownerReferences: [ownerReference(deployment, "apps/v1", "Deployment")],
      },
      spec: { replicas, selector, template: { ...template, metadata: { ...template.metadata, labels } } },
    },
    "apps/v1",
    "ReplicaSet",
  );
  yield { ...set, status: { ...counts, fullyLabeledReplicas: replicas } };
  for (let index = 0; index < replicas; index++) {
    const nodeName = nodes[(placed + index) % nodes.length] ?? "";
    const origin = {
      template: set.spec.template,
      namespace,
      owner: ownerReference(set, "apps/v1", "ReplicaSet"),
      name: `${set.metadata.name}-${index}`,
    };
    const pod = stamp(podFrom({ ...origin, spec: { nodeName } }), "v1", "Pod");
    yield {
      ...pod,
      status: podStatus({ pod, run: runningSince(now), nodeServes: true, hostIP: hostAddress(nodeName), now }),
    } satisfies Pod;
  }
}

function runningSince(now: Instant): PodRun {
  return {
    stage: "Running",
    until: now,
    startedAt: now,
    restarts: 0,
    endings: {},
    last: {},
    killAt: undefined,
    bootCount: 1,
    log: "",
    logSent: true,
  };
}
