// What a kubelet knows of one pod between two looks: which stage its containers are in and when that ends. A pure state
// machine: `advance` answers the same object when nothing changed. All containers of a pod go through the stages together.
// Programs (recipes, `true`, `sleep 5`) end; every other container runs until it is stopped.
import type { Instant } from "../../clock.ts";
import { isRecipe, recipeStep, environmentOf } from "../nodes/program.ts";
import type { Invocation } from "../nodes/program.ts";
import { imageBehaviour } from "./images.ts";
import type { Container, Pod } from "./objects.ts";
import type { SandboxTiming } from "./timing.ts";

export interface Ending {
  readonly exitCode: number;
  readonly message: string;
  readonly startedAt: Instant;
  readonly at: Instant;
}

export interface PodRun {
  readonly stage: "Pulling" | "Starting" | "Running" | "Backoff" | "Ended";
  /** When Pulling, Starting or Backoff ends. */
  readonly until: Instant;
  readonly startedAt: Instant | undefined;
  readonly restarts: number;
  /** Containers of the present run that have ended, by name. */
  readonly endings: Readonly<Record<string, Ending>>;
  /** The same of the run before. */
  readonly last: Readonly<Record<string, Ending>>;
  /** When containers that were asked to stop do stop. */
  readonly killAt: Instant | undefined;
  /** The boot in which the containers were started. */
  readonly bootCount: number;
  /** Printed by programs; sent to the server before the status says that they ended. */
  readonly log: string;
  readonly logSent: boolean;
}

export interface AdvanceInput {
  readonly pod: Pod;
  readonly now: Instant;
  readonly bootCount: number;
  readonly timing: SandboxTiming;
  /** Runs a recipe on the machine; undefined if the program took the host down before it could answer. */
  readonly runRecipe: (invocation: Invocation) => { readonly exitCode: number; readonly log: string } | undefined;
}

const TERMINATED_BY_SIGNAL = 143;
const DEFAULT_GRACE_SECONDS = 30;
const MESSAGE_LIMIT = 2_048;

/** A pod that has just come to a node. `known` if the node has its images already. */
export function startRun(pod: Pod, known: boolean, bootCount: number, timing: SandboxTiming, now: Instant): PodRun {
  const missing = pod.spec.containers.some(({ image }) => imageBehaviour(image) === "missing");
  const until = missing ? Number.MAX_SAFE_INTEGER : now + (known ? 0 : timing.imagePull);
  return {
    stage: "Pulling",
    until,
    startedAt: undefined,
    restarts: 0,
    endings: {},
    last: {},
    killAt: undefined,
    bootCount,
    log: "",
    logSent: true,
  };
}

/** What a kubelet that starts anew finds running, by the pod's own status; undefined if nothing was started yet. */
export function resumeRun(pod: Pod, bootCount: number): PodRun | undefined {
  const statuses = pod.status?.containerStatuses ?? [];
  const since = statuses
    .map(({ state }) => Date.parse(state.running?.startedAt ?? ""))
    .filter((time) => !Number.isNaN(time));
  if (pod.status?.phase !== "Running" || since.length === 0) return undefined;
  const startedAt = Math.min(...since);
  const restarts = Math.max(...statuses.map(({ restartCount }) => restartCount));
  return {
    stage: "Running",
    until: startedAt,
    startedAt,
    restarts,
    endings: {},
    last: {},
    killAt: undefined,
    bootCount,
    log: "",
    logSent: true,
  };
}

/** The run after a look at `now`. At most one stage further, so that a status of every stage can be seen. */
export function advance(run: PodRun, input: AdvanceInput): PodRun {
  if (run.stage === "Ended") return run;
  if (run.bootCount !== input.bootCount) return afterBoot(run, input);
  if (input.pod.metadata.deletionTimestamp !== undefined) return stopping(run, input);
  switch (run.stage) {
    case "Pulling":
    case "Backoff":
      return input.now >= run.until ? started(run, input) : run;
    case "Starting":
      return endPrograms(input.now >= run.until ? { ...run, stage: "Running" } : run, input);
    case "Running":
      return endPrograms(run, input);
  }
}

function started(run: PodRun, { now, timing }: AdvanceInput): PodRun {
  const last = run.stage === "Backoff" ? run.endings : run.last;
  return { ...run, stage: "Starting", startedAt: now, until: now + timing.containerStart, endings: {}, last };
}

/** A reboot ends every container without asking. */
function afterBoot(run: PodRun, input: AdvanceInput): PodRun {
  const moved = { ...run, bootCount: input.bootCount };
  if (run.startedAt === undefined) return moved;
  const ended = { ...moved, endings: endAll(run, input, "the host was rebooted") };
  if (input.pod.spec.restartPolicy === "Never") return { ...ended, stage: "Ended" };
  return started({ ...ended, restarts: run.restarts + 1, stage: "Backoff" }, input);
}

function stopping(run: PodRun, input: AdvanceInput): PodRun {
  const { metadata, spec } = input.pod;
  const grace = metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
  const wait = run.startedAt === undefined ? 0 : Math.min(input.timing.terminate, grace * 1000);
  const killAt = run.killAt ?? input.now + wait;
  if (input.now < killAt) return run.killAt === undefined ? { ...run, killAt } : run;
  return { ...run, killAt, stage: "Ended", endings: endAll(run, input, "the container was stopped") };
}

function endAll(run: PodRun, { pod, now }: AdvanceInput, message: string): Readonly<Record<string, Ending>> {
  const ending: Ending = { exitCode: TERMINATED_BY_SIGNAL, message, startedAt: run.startedAt ?? now, at: now };
  return Object.fromEntries(pod.spec.containers.map(({ name }) => [name, run.endings[name] ?? ending]));
}

/** Ends the programs whose time has come, and with the last container the run. */
function endPrograms(run: PodRun, input: AdvanceInput): PodRun {
  const { pod, now, timing } = input;
  const startedAt = run.startedAt ?? now;
  let next = run;
  for (const container of pod.spec.containers) {
    if (next.endings[container.name] !== undefined) continue;
    const duration = programDuration(container, timing);
    if (duration === undefined || now < startedAt + duration) continue;
    const result = runProgram(container, input);
    if (result === undefined) continue;
    const message = result.exitCode === 0 ? "" : lastLines(result.log);
    const ending = { exitCode: result.exitCode, message, startedAt, at: now };
    const endings = { ...next.endings, [container.name]: ending };
    next = { ...next, endings, log: next.log + result.log, logSent: next.logSent && result.log === "" };
  }
  const all = pod.spec.containers.every(({ name }) => next.endings[name] !== undefined);
  return next === run || !all ? next : afterEnd(next, input);
}

function afterEnd(run: PodRun, { pod, now, timing }: AdvanceInput): PodRun {
  const { restartPolicy = "Always" } = pod.spec;
  const failed = Object.values(run.endings).some(({ exitCode }) => exitCode !== 0);
  if (restartPolicy === "Never" || (restartPolicy === "OnFailure" && !failed)) return { ...run, stage: "Ended" };
  return { ...run, stage: "Backoff", until: now + timing.crashBackoff, restarts: run.restarts + 1 };
}

function invocationOf({ command = [], args = [], env }: Container): Invocation {
  return { command, args, env: environmentOf(env) };
}

/** How long a container's program takes; undefined if it runs until it is stopped. */
function programDuration(container: Container, timing: SandboxTiming): number | undefined {
  const invocation = invocationOf(container);
  if (isRecipe(invocation)) return timing.program[recipeStep(invocation) ?? "inventory"];
  const plain = plainProgram(invocation);
  return plain === undefined ? undefined : plain.seconds * 1000;
}

function runProgram(
  container: Container,
  { runRecipe }: AdvanceInput,
): { readonly exitCode: number; readonly log: string } | undefined {
  const invocation = invocationOf(container);
  if (isRecipe(invocation)) return runRecipe(invocation);
  return { exitCode: plainProgram(invocation)?.exitCode ?? 0, log: "" };
}

/** The few ordinary programs that are known to end: true, false, sleep N, sh -c "exit N". */
function plainProgram({
  command,
  args,
}: Invocation): { readonly seconds: number; readonly exitCode: number } | undefined {
  const [program = "", ...rest] = [...command, ...args];
  switch (program.split("/").at(-1)) {
    case "true":
      return { seconds: 0, exitCode: 0 };
    case "false":
      return { seconds: 0, exitCode: 1 };
    case "sleep":
      return /^\d+$/.test(rest[0] ?? "") ? { seconds: Number(rest[0]), exitCode: 0 } : undefined;
    case "sh": {
      const exit = rest[0] === "-c" ? /^exit (\d+)$/.exec(rest[1] ?? "") : null;
      return exit === null ? undefined : { seconds: 0, exitCode: Number(exit[1]) };
    }
    default:
      return undefined;
  }
}

/** What FallbackToLogsOnError puts into the termination message. */
function lastLines(log: string): string {
  return log.trimEnd().slice(-MESSAGE_LIMIT);
}

/** True while a moment is near at which the run will change by itself. */
export function isWaiting(run: PodRun, pod: Pod, timing: SandboxTiming): boolean {
  if (run.stage === "Ended") return false;
  if (pod.metadata.deletionTimestamp !== undefined || run.stage === "Starting") return true;
  if (run.stage === "Pulling" || run.stage === "Backoff") return run.until < Number.MAX_SAFE_INTEGER;
  return pod.spec.containers.some(
    (container) => run.endings[container.name] === undefined && programDuration(container, timing) !== undefined,
  );
}
