// Processes that are measured: started, read line by line, looked at in /proc for their peak memory, and ended.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { systemClock } from "../../../controller/clock.ts";
import type { PlanLine, ReaderLine } from "./lines.ts";

const LAUNCHED = ["--disable-warning=ExperimentalWarning", "--disable-proto=delete"];
const READER = new URL("./reader.ts", import.meta.url).pathname;
const LIMIT_MS = 300_000;

export interface Figures {
  /** From the process's start. */
  readonly ms: number;
  /** Peak resident memory, MB (10^6 bytes). */
  readonly peakMb: number;
}

/** VmHWM of a process that lives, in MB. */
export function peakMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1];
  if (kib === undefined) throw new Error(`/proc/${pid}/status does not tell VmHWM: these figures need Linux`);
  return (Number(kib) * 1024) / 1e6;
}

interface Measured {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly begun: number;
  /** Hears of every line from now on; rejects `next` when the process ends. */
  onLine(listener: (line: string) => void): () => void;
  next<T extends object | string>(wanted: (line: string) => T | undefined): Promise<T>;
  stop(): Promise<void>;
}

function startMeasured(file: string, args: readonly string[]): Measured {
  const begun = systemClock.now();
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
  const listeners = new Set<(line: string) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    for (const listener of listeners) listener(line);
  });
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? String(code)}`));
  });
  const onLine: Measured["onLine"] = (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    child,
    pid: child.pid ?? 0,
    begun,
    onLine,
    async next<T extends object | string>(wanted: (line: string) => T | undefined): Promise<T> {
      const late = new AbortController();
      const found = Promise.withResolvers<T>();
      const forget = onLine((line) => {
        const one = wanted(line);
        if (one !== undefined) found.resolve(one);
      });
      try {
        return await Promise.race([
          found.promise,
          ended.then((why) => Promise.reject(new Error(`${file}: ${why}`))),
          systemClock.sleep(LIMIT_MS, late.signal).then(() => Promise.reject(new Error(`${file}: nothing came`))),
        ]);
      } finally {
        late.abort();
        forget();
      }
    },
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** One run of the yardstick: client-go's informers until all are synced. */
export async function measureInformer(
  program: string,
  kubeconfig: string,
  keep: "whole" | "trimmed",
  counts: Readonly<Record<string, number>>,
): Promise<Figures> {
  const measured = startMeasured(program, ["inform", kubeconfig, keep]);
  try {
    const line = await measured.next((text) => text);
    const ms = systemClock.now() - measured.begun;
    const { synced } = JSON.parse(line) as { readonly synced: Readonly<Record<string, number>> };
    for (const kind of ["nodes", "pods"])
      if (synced[kind] !== counts[kind]) throw new Error(`the informer has ${synced[kind]} ${kind} of ${counts[kind]}`);
    return { ms, peakMb: peakMemory(measured.pid) };
  } finally {
    await measured.stop();
  }
}

export interface ReaderRun extends Figures {
  /** Until the process had loaded its modules and its policy. */
  readonly startedMs: number;
  /** Until every list was in the stores. */
  readonly syncedMs: number;
  readonly listBlockedMs: number;
  readonly planBlockedMs: number;
  readonly first: PlanLine;
}

export interface Reader {
  readonly run: ReaderRun;
  onPlan(listener: (plan: PlanLine) => void): () => void;
  /** Longest block of the event loop since this was last asked. */
  blocked(): Promise<number>;
  peakMb(): number;
  stop(): Promise<void>;
}

/** Starts the product's reader and waits for its first plan. */
export async function startReader(kubeconfig: string, counts: Readonly<Record<string, number>>): Promise<Reader> {
  const measured = startMeasured(process.execPath, [...LAUNCHED, READER, kubeconfig]);
  const line = <T extends ReaderLine["type"]>(type: T) =>
    measured.next((text) => {
      const read = JSON.parse(text) as ReaderLine;
      return read.type === type ? (read as Extract<ReaderLine, { readonly type: T }>) : undefined;
    });
  const blocked = async (): Promise<number> => {
    const answer = line("blocked");
    measured.child.stdin?.write("blocked\n");
    return (await answer).blockedMs;
  };
  try {
    const [started, synced, first] = await Promise.all([line("started"), line("synced"), line("plan")]);
    const peakMb = peakMemory(measured.pid);
    for (const kind of ["nodes", "pods"] as const)
      if (first[kind] !== counts[kind]) throw new Error(`the plan knows ${first[kind]} ${kind} of ${counts[kind]}`);
    if (first.states !== counts["nodeStates"]) throw new Error(`the plan knows the states of ${first.states} nodes`);
    const run = {
      ms: first.at - measured.begun,
      startedMs: started.at - measured.begun,
      syncedMs: synced.at - measured.begun,
      peakMb,
      listBlockedMs: synced.blockedMs,
      planBlockedMs: await blocked(),
      first,
    };
    return {
      run,
      onPlan: (listener) =>
        measured.onLine((text) => {
          const read = JSON.parse(text) as ReaderLine;
          if (read.type === "plan") listener(read);
        }),
      blocked,
      peakMb: () => peakMemory(measured.pid),
      stop: () => measured.stop(),
    };
  } catch (error) {
    await measured.stop();
    throw error;
  }
}
