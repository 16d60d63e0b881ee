// A pod's status as its kubelet reports it: a pure function of the pod, its run and whether the node is fit to serve.
// Times that have not changed are kept, so an unchanged pod is never written again.
import { createHash } from "node:crypto";
import type { Instant } from "../../clock.ts";
import { imageBehaviour, runtimeNames } from "./images.ts";
import type { Condition, Container, ContainerState, ContainerStatus, Pod, PodStatus } from "./objects.ts";
import type { Ending, PodRun } from "./pod-run.ts";
import { timestamp, withCondition } from "./template.ts";

export interface PodStatusInput {
  readonly pod: Pod;
  readonly run: PodRun;
  /** The node is up and Ready: only then pods are. */
  readonly nodeServes: boolean;
  readonly hostIP: string;
  readonly now: Instant;
}

export function podStatus({ pod, run, nodeServes, hostIP, now }: PodStatusInput): PodStatus {
  const behaves = pod.spec.containers.every(({ image }) => imageBehaviour(image) === "good");
  const someEnded = Object.keys(run.endings).length > 0;
  const ready = run.stage === "Running" && behaves && nodeServes && !someEnded;
  const statuses = pod.spec.containers.map((container) => containerStatus(pod, container, run, ready));
  const phase = phaseOf(run);
  const podIP = run.startedAt === undefined ? undefined : derivedAddress(`${pod.metadata.uid ?? ""}`);
  return {
    ...pod.status,
    phase,
    conditions: conditionsOf(pod, run, ready, now),
    containerStatuses: statuses,
    startTime: pod.status?.startTime ?? timestamp(now),
    hostIP,
    ...(podIP === undefined ? {} : { podIP, podIPs: [{ ip: podIP }] }),
  };
}

function phaseOf(run: PodRun): NonNullable<PodStatus["phase"]> {
  if (run.stage === "Pulling") return "Pending";
  if (run.stage !== "Ended") return "Running";
  return Object.values(run.endings).every(({ exitCode }) => exitCode === 0) ? "Succeeded" : "Failed";
}

function conditionsOf(pod: Pod, run: PodRun, ready: boolean, now: Instant): readonly Condition[] {
  const names = pod.spec.containers.map(({ name }) => name).join(" ");
  const completed = run.stage === "Ended" && phaseOf(run) === "Succeeded";
  const why: Partial<Condition> = ready
    ? {}
    : completed
      ? { reason: "PodCompleted" }
      : { reason: "ContainersNotReady", message: `containers with unready status: [${names}]` };
  let conditions = pod.status?.conditions;
  for (const [type, status, detail] of [
    ["PodScheduled", "True", {}],
    ["Initialized", "True", {}],
    ["ContainersReady", ready ? "True" : "False", why],
    ["Ready", ready ? "True" : "False", why],
  ] as const) {
    conditions = withCondition(conditions, { type, status, ...detail, lastProbeTime: null }, now);
  }
  return conditions ?? [];
}

function containerStatus(pod: Pod, container: Container, run: PodRun, ready: boolean): ContainerStatus {
  const { name } = container;
  const containerID = `containerd://${hash(`${pod.metadata.uid ?? ""} ${name} ${run.restarts} ${run.bootCount}`)}`;
  const state = stateOf(container, run, containerID);
  const ending = run.last[name];
  const lastState: ContainerState = ending === undefined ? {} : { terminated: terminated(ending, containerID) };
  if (run.stage === "Pulling") {
    return {
      name,
      image: container.image,
      imageID: "",
      ready: false,
      started: false,
      restartCount: run.restarts,
      state,
      lastState,
    };
  }
  const started = state.running !== undefined && run.stage === "Running";
  const serves = ready && state.running !== undefined;
  return {
    name,
    ...runtimeNames(container.image),
    containerID,
    ready: serves,
    started,
    restartCount: run.restarts,
    state,
    lastState,
  };
}

function stateOf(container: Container, run: PodRun, containerID: string): ContainerState {
  if (run.stage === "Pulling") {
    if (imageBehaviour(container.image) !== "missing") return { waiting: { reason: "ContainerCreating" } };
    const message = `Failed to pull image "${container.image}": not found`;
    return { waiting: { reason: "ErrImagePull", message } };
  }
  if (run.stage === "Backoff")
    return {
      waiting: { reason: "CrashLoopBackOff", message: `back-off restarting failed container ${container.name}` },
    };
  const ending = run.endings[container.name];
  if (ending !== undefined) return { terminated: terminated(ending, containerID) };
  return { running: { startedAt: timestamp(run.startedAt ?? 0) } };
}

function terminated(ending: Ending, containerID: string): NonNullable<ContainerState["terminated"]> {
  return {
    exitCode: ending.exitCode,
    reason: ending.exitCode === 0 ? "Completed" : "Error",
    ...(ending.message === "" ? {} : { message: ending.message }),
    startedAt: timestamp(ending.startedAt),
    finishedAt: timestamp(ending.at),
    containerID,
  };
}

/** An address that follows from what it is for. */
export function derivedAddress(seed: string): string {
  const bytes = createHash("sha256").update(seed).digest();
  return `10.${64 + ((bytes[0] ?? 0) % 64)}.${bytes[1] ?? 0}.${1 + ((bytes[2] ?? 0) % 254)}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
