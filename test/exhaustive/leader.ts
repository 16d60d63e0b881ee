// A controller's pass, one request after the other. Its process remembers nothing from pass to pass, so a pass follows from what its caches
// held when it began, from its clock and from the answers it got: that is all there is to know of a controller in the middle of one. A pass that
// is to go on in another world is made again from its beginning with the answers that it got (and must ask the same again); what it asks
// next is remembered, so that this is rarely necessary.
import type { Clock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { TransportError, type ApiPort, type ApiRequest, type ApiResponse } from "../../controller/kube/port.ts";
import type { ClusterObjects } from "../../controller/reconcile/cluster-kinds.ts";
import { digest, digestOnce } from "./digest.ts";
import { bringUp, type Scene } from "./scene.ts";

export type Answer = ApiResponse | "lost";

/** A pass so far. */
export interface Trace {
  readonly key: string;
  readonly objects: ClusterObjects;
  readonly now: number;
  readonly steps: readonly { readonly asked: string; readonly answer: Answer }[];
}

export type Next =
  | { readonly kind: "Asks"; readonly request: ApiRequest; readonly asked: string }
  | { readonly kind: "Done"; readonly slips: readonly string[] };

export function beginTrace(objects: ClusterObjects, objectsKey: string, now: number): Trace {
  return { key: digest(`${objectsKey} ${now}`), objects, now, steps: [] };
}

/** What was asked follows from what came before, and need not be in the key. */
export function extend(trace: Trace, asked: string, answer: Answer): Trace {
  const said = answer === "lost" ? answer : digestOnce(answer);
  return { ...trace, key: digest(`${trace.key} ${said}`), steps: [...trace.steps, { asked, answer }] };
}

/** Whether a request changes anything. */
export function isWrite({ method, query }: ApiRequest): boolean {
  return method !== "GET" && query?.["dryRun"] === undefined;
}

/** Faults of our own: everything else is told and survived. */
const SLIPS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** A pass that is under way in this process. */
interface Running {
  next(): Promise<Next>;
  answer(answer: Answer): void;
}

export interface Passes {
  /** What a pass asks next; remembered. */
  next(trace: Trace): Promise<Next>;
  readonly made: () => number;
}

export function createPasses(scene: Scene): Passes {
  const known = new Map<string, Next>();
  // The pass that was asked last, as it waits: whoever goes on from there need not make it again.
  let live: { readonly trace: Trace; readonly running: Running } | undefined;
  let made = 0;

  async function reach(trace: Trace): Promise<Running> {
    const last = live;
    live = undefined;
    if (last !== undefined && isBefore(last.trace, trace)) return catchUp(last.running, trace, last.trace.steps.length);
    made += 1;
    return catchUp(begin(scene, trace), trace, 0);
  }

  return {
    made: () => made,
    async next(trace) {
      const found = known.get(trace.key);
      if (found !== undefined) return found;
      const running = await reach(trace);
      const next = await running.next();
      known.set(trace.key, next);
      if (next.kind === "Asks") live = { trace, running };
      return next;
    },
  };
}

function isBefore(early: Trace, late: Trace): boolean {
  return (
    early.objects === late.objects &&
    early.now === late.now &&
    early.steps.every((step, index) => step === late.steps[index])
  );
}

async function catchUp(running: Running, { steps }: Trace, from: number): Promise<Running> {
  for (const { asked, answer } of steps.slice(from)) {
    const next = await running.next();
    if (next.kind !== "Asks" || next.asked !== asked)
      throw new Error(
        `a pass that was made again asked something else: ${asked}, ${next.kind === "Asks" ? next.asked : "nothing"}`,
      );
    running.answer(answer);
  }
  return running;
}

function begin(scene: Scene, { objects, now }: Trace): Running {
  let asked: Next | undefined;
  let settle: ((answer: Answer) => void) | undefined;
  let wake: (() => void) | undefined;
  const say = (next: Next): void => {
    if (asked !== undefined) throw new Error("a pass sent two requests side by side");
    asked = next;
    wake?.();
  };
  const port: ApiPort = {
    request(request) {
      return new Promise((resolve, reject) => {
        settle = (answer) =>
          answer === "lost" ? reject(new TransportError("connection", "unknown", "no answer")) : resolve(answer);
        say({ kind: "Asks", request, asked: nameRequest(request) });
      });
    },
    watch: () => {
      throw new Error("a pass opened a watch");
    },
  };
  const clock: Clock = { now: () => now, monotonic: () => now, sleep: () => Promise.resolve() };
  const slips: string[] = [];
  const note = (error: unknown): void => {
    if (SLIPS.some((kind) => error instanceof kind)) slips.push(String((error as Error).stack ?? error));
  };
  const client = createClient(port, { fieldManager: "ringward", clock });
  const reader = { read: () => Promise.resolve(objects), pending: () => [], stop: () => Promise.resolve() };
  bringUp(scene, client, reader, clock, note)
    .pass()
    .catch(note)
    .finally(() => say({ kind: "Done", slips }));
  return {
    async next() {
      if (asked === undefined) await new Promise<void>((resolve) => (wake = resolve));
      wake = undefined;
      return asked as unknown as Next;
    },
    answer(answer) {
      const give = settle;
      asked = undefined;
      settle = undefined;
      give?.(answer);
    },
  };
}

function nameRequest({ method, path, query, body }: ApiRequest): string {
  return JSON.stringify([method, path, query ?? {}, body ?? null]);
}
