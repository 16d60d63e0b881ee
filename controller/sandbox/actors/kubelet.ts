// The kubelets of all nodes in one actor: registers nodes, renews their Leases, reports what runs, starts and stops
// containers, and lets recipe containers act on the machine. It knows no kind of ringward.dev: what a node becomes follows
// from the command, arguments and environment of what ran on it.
// A program runs exactly once per container: its outcome is kept here until the server has the log and the status.
import type { Instant } from "../../clock.ts";
import { bootIdOf, derivedUuid } from "../nodes/machine.ts";
import type { Machine, Power } from "../nodes/machine.ts";
import type { Machines, MachineSpec } from "../nodes/machines.ts";
import type { Invocation } from "../nodes/program.ts";
import type { Actor } from "./actor.ts";
import type { KubeletEndpoint } from "./kubelet-endpoint.ts";
import { hostAddress, isReported, newNode, nodeStatus } from "./node-status.ts";
import type { Lease, Node, Pod } from "./objects.ts";
import { advance, isWaiting, resumeRun, startRun } from "./pod-run.ts";
import type { PodRun } from "./pod-run.ts";
import { podStatus } from "./pod-status.ts";
import { isFinished } from "./selection.ts";
import { equal, microTimestamp } from "./template.ts";
import type { SandboxTiming } from "./timing.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const NODE_LEASES = "kube-node-lease";

/** What the kubelets keep between steps; all of it is in `snapshot`. */
interface Memory {
  /** By pod uid. */
  runs: Map<string, PodRun>;
  /** The boot in which a machine last registered its node. */
  registered: Map<string, string>;
  leaseDue: Map<string, Instant>;
  reportDue: Map<string, Instant>;
  /** Images that a node has pulled, as `NODE IMAGE`. */
  images: Set<string>;
}

interface Settled {
  readonly pod: Pod;
  readonly run: PodRun;
  readonly serves: boolean;
  /** Time alone changes nothing. */
  readonly rests: boolean;
}

interface Kubelet {
  readonly client: ActorClient;
  readonly machines: Machines;
  readonly timing: SandboxTiming;
  readonly endpoint: KubeletEndpoint | undefined;
  memory: Memory;
  /** What needed no write the last time, by pod uid: saves comparing statuses again. */
  readonly settled: Map<string, Settled>;
  /** The last Node and machine that agreed, by name; for the same reason. */
  readonly reported: Map<string, { readonly node: Node; readonly machine: Machine }>;
  heartbeats: number;
  waiting: boolean;
}

/** With an endpoint, nodes name it and logs are asked for there, as a real API server does; without, the sandbox's server holds them. */
export function createKubelet(
  view: ClusterView,
  machines: Machines,
  timing: SandboxTiming,
  endpoint?: KubeletEndpoint,
): Actor {
  const client = view.client("kubelet");
  const kubelet: Kubelet = {
    client,
    machines,
    timing,
    endpoint,
    memory: emptyMemory(),
    settled: new Map(),
    reported: new Map(),
    heartbeats: 0,
    waiting: false,
  };
  return {
    name: "kubelet",
    async step(now) {
      const before = client.writes();
      kubelet.heartbeats = 0;
      kubelet.waiting = false;
      const alive = new Set<string>();
      for (const spec of machines.specs()) await stepMachine(kubelet, spec, now, alive);
      for (const uid of kubelet.memory.runs.keys()) if (!alive.has(uid)) kubelet.memory.runs.delete(uid);
      for (const uid of kubelet.settled.keys()) if (!alive.has(uid)) kubelet.settled.delete(uid);
      endpoint?.forget(alive);
      return client.writes() - before - kubelet.heartbeats;
    },
    busy: () => kubelet.waiting,
    snapshot: () => {
      const { runs, registered, leaseDue, reportDue, images } = kubelet.memory;
      return {
        runs: [...runs],
        registered: [...registered],
        leaseDue: [...leaseDue],
        reportDue: [...reportDue],
        images: [...images],
      };
    },
    restore(state) {
      const saved = state as Record<keyof Memory, [string, never][]>;
      kubelet.memory = {
        runs: new Map(saved.runs),
        registered: new Map(saved.registered),
        leaseDue: new Map(saved.leaseDue),
        reportDue: new Map(saved.reportDue),
        images: new Set(saved.images as unknown as string[]),
      };
      kubelet.settled.clear();
      kubelet.reported.clear();
    },
  };
}

function emptyMemory(): Memory {
  return { runs: new Map(), registered: new Map(), leaseDue: new Map(), reportDue: new Map(), images: new Set() };
}

async function stepMachine(kubelet: Kubelet, spec: MachineSpec, now: Instant, alive: Set<string>): Promise<void> {
  const { client } = kubelet;
  const machine = advancePower(kubelet, spec.name, now);
  const pods = client.podsOn(spec.name);
  for (const pod of pods) alive.add(pod.metadata.uid ?? "");
  if (machine.power.state === "gone") return leaveCluster(kubelet, spec.name);
  if (machine.power.state === "down" || kubelet.machines.trouble(spec.name).silent === true) return;
  const node = client.get("nodes", spec.name) ?? (await register(kubelet, spec, machine));
  // A kubelet whose Node somebody deleted is refused until it starts anew.
  if (node === undefined) return;
  await renewLease(kubelet, node, now);
  await reportNode(kubelet, node, now);
  for (const pod of pods) await stepPod(kubelet, pod, spec.name, now);
  // Programs may have changed the machine; nobody should have to wait a round to see it.
  const after = client.get("nodes", spec.name);
  if (after !== undefined) await reportNode(kubelet, after, now);
}

/** Moves the machine's power on as time passes; a boot happens exactly here. */
function advancePower(kubelet: Kubelet, name: string, now: Instant): Machine {
  const { machines, timing } = kubelet;
  let machine = machineOf(machines, name);
  const set = (power: Power): void => {
    machine = { ...machine, power };
    machines.put(machine);
  };
  const trouble = machines.trouble(name);
  if (machine.power.state === "stopping" && now >= machine.power.until) {
    set({ state: "down", until: machine.power.until + timing.reboot + (trouble.slowReboot ?? 0) });
  }
  if (machine.power.state === "down" && now >= machine.power.until) {
    const until = machine.power.until + timing.bootToReady;
    machine = machines.boot(name);
    set({ state: "booting", until });
  } else if (
    machine.power.state === "booting" &&
    now >= machine.power.until &&
    trouble.neverReadyAfterReboot !== true
  ) {
    set({ state: "up" });
  }
  const hangs = machine.power.state === "booting" && trouble.neverReadyAfterReboot === true;
  if (machine.power.state !== "up" && machine.power.state !== "gone" && !hangs) kubelet.waiting = true;
  return machine;
}

function machineOf(machines: Machines, name: string): Machine {
  const machine = machines.get(name);
  if (machine === undefined) throw new RangeError(`the fleet has no machine "${name}"`);
  return machine;
}

/** What a cloud's node controller does when an instance is gone. */
async function leaveCluster(kubelet: Kubelet, name: string): Promise<void> {
  const { client, memory } = kubelet;
  const node = client.get("nodes", name);
  if (node !== undefined) await client.remove("nodes", node);
  const lease = client.get("leases", name, NODE_LEASES);
  if (lease !== undefined) await client.remove("leases", lease);
  memory.registered.delete(name);
}

async function register(kubelet: Kubelet, spec: MachineSpec, machine: Machine): Promise<Node | undefined> {
  const bootId = bootIdOf(machine);
  if (kubelet.memory.registered.get(spec.name) === bootId) return undefined;
  const node = await kubelet.client.create("nodes", newNode(spec));
  if (node !== undefined) kubelet.memory.registered.set(spec.name, bootId);
  return node;
}

async function renewLease(kubelet: Kubelet, node: Node, now: Instant): Promise<void> {
  const { client, memory, timing } = kubelet;
  const { name, uid = "" } = node.metadata;
  const due = memory.leaseDue.get(name);
  const lease = client.get("leases", name, NODE_LEASES);
  if (lease !== undefined && due !== undefined && now < due) return;
  const spec: Lease["spec"] = {
    ...lease?.spec,
    holderIdentity: name,
    leaseDurationSeconds: Math.ceil(timing.leaseDuration / 1000),
    renewTime: microTimestamp(now),
  };
  const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
  const stored =
    lease === undefined
      ? await client.create("leases", { metadata: { name, namespace: NODE_LEASES, ownerReferences }, spec })
      : await client.replace("leases", { ...lease, spec });
  if (stored === undefined) return;
  kubelet.heartbeats += 1;
  memory.leaseDue.set(name, now + spread(timing.leaseRenew, name, due === undefined));
}

async function reportNode(kubelet: Kubelet, node: Node, now: Instant): Promise<void> {
  const { client, machines, memory, timing } = kubelet;
  const { name } = node.metadata;
  const machine = machineOf(machines, name);
  const due = memory.reportDue.get(name);
  const last = kubelet.reported.get(name);
  const changed = !(last?.node === node && last.machine === machine) && !isReported(node, machine);
  if (!changed) kubelet.reported.set(name, { node, machine });
  if (!changed && due !== undefined && now < due) return;
  const stored = await client.replace(
    "nodes",
    { ...node, status: nodeStatus(node, machine, now, kubelet.endpoint) },
    "status",
  );
  if (stored === undefined) return;
  if (!changed) kubelet.heartbeats += 1;
  memory.reportDue.set(name, now + spread(timing.nodeStatusReport, name, due === undefined));
}

/** The first heartbeat of each node comes at another time, so that they never come all at once. */
function spread(interval: number, name: string, first: boolean): number {
  return first ? interval * (0.25 + 0.75 * (Number.parseInt(derivedUuid(name).slice(0, 4), 16) / 0xffff)) : interval;
}

/** The delays on one machine, with its troubles. */
function timingOf({ machines, timing }: Kubelet, nodeName: string): SandboxTiming {
  const { slowStage } = machines.trouble(nodeName);
  if (slowStage === undefined) return timing;
  return { ...timing, program: { ...timing.program, stage: timing.program.stage + slowStage } };
}

async function stepPod(kubelet: Kubelet, pod: Pod, nodeName: string, now: Instant): Promise<void> {
  const { memory, machines } = kubelet;
  const uid = pod.metadata.uid ?? "";
  const known = memory.runs.get(uid);
  const { bootCount, power } = machineOf(machines, nodeName);
  const last = kubelet.settled.get(uid);
  // Nearly all pods in nearly all steps.
  if (
    last?.rests === true &&
    last.pod === pod &&
    last.run === known &&
    known.bootCount === bootCount &&
    last.serves === (power.state === "up")
  )
    return;
  const timing = timingOf(kubelet, nodeName);
  if (known === undefined && isFinished(pod)) return endPod(kubelet, pod);
  const before = known ?? beginPod(kubelet, pod, nodeName, now);
  const runRecipe = (invocation: Invocation) => runOnMachine(kubelet, nodeName, invocation, now);
  const run = advance(before, { pod, now, bootCount, timing, runRecipe });
  memory.runs.set(uid, run);
  const waits = isWaiting(run, pod, timing);
  if (waits) kubelet.waiting = true;
  await reportPod(kubelet, pod, run, nodeName, now, !waits && run.stage !== "Ended");
  if (run.stage === "Ended")
    await endPod(kubelet, kubelet.client.get("pods", pod.metadata.name, pod.metadata.namespace) ?? pod);
}

function beginPod(kubelet: Kubelet, pod: Pod, nodeName: string, now: Instant): PodRun {
  const { memory, timing, machines } = kubelet;
  const resumed = resumeRun(pod, machineOf(machines, nodeName).bootCount);
  if (resumed !== undefined) return resumed;
  const keys = pod.spec.containers.map(({ image }) => `${nodeName} ${image}`);
  const pulled = keys.every((key) => memory.images.has(key));
  for (const key of keys) memory.images.add(key);
  return startRun(pod, pulled, machineOf(machines, nodeName).bootCount, timing, now);
}

/** Undefined: the host goes down before the program can report its end, as about every second reboot does in the field. */
function runOnMachine(kubelet: Kubelet, name: string, invocation: Invocation, now: Instant) {
  const { machines, timing } = kubelet;
  const before = machineOf(machines, name);
  if (before.power.state === "stopping") return undefined;
  const result = machines.run(name, invocation, now);
  if (result.reboots === true) {
    machines.put({ ...machineOf(machines, name), power: { state: "stopping", until: now + timing.shutdown } });
    if (derivedUuid("shutdown", name, before.bootCount) < "8") return undefined;
  }
  return { exitCode: result.exitCode, log: result.log };
}

async function reportPod(
  kubelet: Kubelet,
  pod: Pod,
  run: PodRun,
  nodeName: string,
  now: Instant,
  rests: boolean,
): Promise<void> {
  const { client, memory, settled, machines } = kubelet;
  const uid = pod.metadata.uid ?? "";
  const serves = machineOf(machines, nodeName).power.state === "up";
  const last = settled.get(uid);
  if (last !== undefined && last.pod === pod && last.run === run && last.serves === serves) return;
  if (!run.logSent) {
    if (kubelet.endpoint === undefined) await client.setLog(pod, run.log);
    else kubelet.endpoint.keep(pod, run.log);
    memory.runs.set(uid, { ...run, logSent: true });
  }
  const status = podStatus({ pod, run, nodeServes: serves, hostIP: hostAddress(nodeName), now });
  // A pod that nobody waits for is removed next; its last status would be a write that nobody reads.
  const vanishes =
    run.stage === "Ended" &&
    pod.metadata.deletionTimestamp !== undefined &&
    (pod.metadata.finalizers ?? []).length === 0;
  if (vanishes) return;
  if (equal(status, pod.status)) settled.set(uid, { pod, run: memory.runs.get(uid) ?? run, serves, rests });
  else await client.replace("pods", { ...pod, status }, "status");
}

/** The last word on a pod that was asked to go and has stopped. Finalizers may still hold it. */
async function endPod(kubelet: Kubelet, pod: Pod): Promise<void> {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers = [] } = pod.metadata;
  if (deletionTimestamp === undefined) return;
  if (deletionGracePeriodSeconds === 0 && finalizers.length > 0) return;
  await kubelet.client.remove("pods", pod, { gracePeriodSeconds: 0 });
}
