// A Node as its kubelet registers and reports it: a pure function of the machine. nodeInfo says what really runs,
// which is all that a controller in front of the sandbox may believe.
import type { Instant } from "../../clock.ts";
import { bootIdOf, derivedUuid } from "../nodes/machine.ts";
import type { Machine } from "../nodes/machine.ts";
import type { MachineSpec } from "../nodes/machines.ts";
import type { Condition, Node, NodeInfo } from "./objects.ts";
import { derivedAddress } from "./pod-status.ts";
import { timestamp, withCondition } from "./template.ts";

const CAPACITY = { cpu: "4", memory: "16384Mi", pods: "110", "ephemeral-storage": "100Gi" };

/** What the kubelet creates when it finds no Node of its name. */
export function newNode(spec: MachineSpec): Node {
  const labels = {
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": spec.name,
    "kubernetes.io/os": "linux",
    ...spec.labels,
  };
  const taints = spec.taints ?? [];
  return {
    metadata: { name: spec.name, labels },
    spec: { providerID: `sandbox://${spec.name}`, ...(taints.length === 0 ? {} : { taints }) },
  };
}

export function nodeInfoOf(machine: Machine): NodeInfo {
  const version = `v${machine.kubelet}`;
  return {
    machineID: derivedUuid("machine", machine.name).replaceAll("-", ""),
    systemUUID: derivedUuid("system", machine.name),
    bootID: bootIdOf(machine),
    kernelVersion: machine.kernel.running,
    osImage: machine.osRelease.prettyName,
    containerRuntimeVersion: machine.containerRuntime,
    kubeletVersion: version,
    kubeProxyVersion: version,
    operatingSystem: "linux",
    architecture: "amd64",
  };
}

/** The Ready condition that the machine's state calls for. */
export function readiness(machine: Machine): Pick<Condition, "type" | "status" | "reason" | "message"> {
  switch (machine.power.state) {
    case "up":
      return { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" };
    case "stopping":
      return { type: "Ready", status: "False", reason: "KubeletNotReady", message: "node is shutting down" };
    default:
      return {
        type: "Ready",
        status: "False",
        reason: "KubeletNotReady",
        message:
          "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
      };
  }
}

/** Where an API server reaches the kubelet of a node. */
export interface KubeletAddress {
  readonly address: string;
  readonly port: number;
}

/** The whole status, every condition with a fresh heartbeat. Without an address nobody can ask the kubelet for anything. */
export function nodeStatus(
  node: Node,
  machine: Machine,
  now: Instant,
  kubelet?: KubeletAddress,
): NonNullable<Node["status"]> {
  const beat = { lastHeartbeatTime: timestamp(now) };
  let conditions = node.status?.conditions;
  for (const [type, reason, what] of [
    ["MemoryPressure", "KubeletHasSufficientMemory", "sufficient memory available"],
    ["DiskPressure", "KubeletHasNoDiskPressure", "no disk pressure"],
    ["PIDPressure", "KubeletHasSufficientPID", "sufficient PID available"],
  ] as const) {
    conditions = withCondition(
      conditions,
      { type, status: "False", reason, message: `kubelet has ${what}`, ...beat },
      now,
    );
  }
  conditions = withCondition(conditions, { ...readiness(machine), ...beat }, now);
  return {
    ...node.status,
    capacity: CAPACITY,
    allocatable: CAPACITY,
    conditions,
    addresses: [
      { type: "InternalIP", address: kubelet?.address ?? hostAddress(machine.name) },
      { type: "Hostname", address: machine.name },
    ],
    nodeInfo: nodeInfoOf(machine),
    ...(kubelet === undefined ? {} : { daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } }),
  };
}

export function hostAddress(name: string): string {
  return derivedAddress(`host ${name}`);
}

/** True if what the Node says of readiness and versions is what the machine is. */
export function isReported(node: Node, machine: Machine): boolean {
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  const wanted = readiness(machine);
  if (ready?.status !== wanted.status || ready.reason !== wanted.reason) return false;
  const told: Partial<NodeInfo> = node.status?.nodeInfo ?? {};
  return Object.entries(nodeInfoOf(machine)).every(([key, value]) => told[key as keyof NodeInfo] === value);
}
