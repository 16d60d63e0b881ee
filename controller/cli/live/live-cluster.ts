// A cluster that is looked at for a while: lists once, then watches, so that a picture of 5,000 nodes costs the API server no list a
// second. It only reads. It always knows how old its picture is: a small request every few seconds says whether the server answers, for
// a watch on which nothing comes is silent also when all is well.
import type { Clock, Instant, Random } from "../../clock.ts";
import { createMemory } from "../../core/incremental/memory.ts";
import { UserError } from "../../errors.ts";
import { type ApiServerView, viewApiServer } from "../../kube/api-server.ts";
import { ApiError } from "../../kube/port.ts";
import { MUTE_METER } from "../../metrics.ts";
import { watching, type WatchingReader } from "../../reconcile/cluster.ts";
import { type ClusterKey, resourceOf } from "../../reconcile/cluster-kinds.ts";
import { type ClusterView, explainFailure, explainRefusal, type OpenCluster, viewObjects } from "../cluster-view.ts";

export type Link =
  | { readonly kind: "Up" }
  /** It answers again, and not everything was read anew yet. */
  | { readonly kind: "CatchingUp"; readonly since: Instant }
  /** `since`: when it last answered. */
  | { readonly kind: "Down"; readonly since: Instant; readonly message: string };

export interface LiveCluster {
  /** The cluster as it is known now. */
  view(): Promise<ClusterView>;
  /** Whether anything changed since the last view. */
  changed(): boolean;
  link(): Link;
  stop(): Promise<void>;
}

const PROBE_MS = 3000;
const PROBE_WHEN_DOWN_MS = 1000;
/** Between 2 and 4 s: one person's client is no herd. */
const BACKOFF_STEPS = 2;

/** Begins to watch and resolves when everything was read once. Throws UserError where the server does not answer or refuses. */
export async function watchCluster(
  { client }: Pick<OpenCluster, "client">,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<LiveCluster> {
  const probe = createProbe(client, clock);
  await explainFailure(() => probe.ask());
  let dirty = true;
  let refuse: (error: unknown) => void = () => undefined;
  const refused = new Promise<never>((_, reject) => (refuse = reject));
  const reader = watching({
    client,
    clock,
    random,
    meter: MUTE_METER,
    backoffSteps: BACKOFF_STEPS,
    onChange: () => {
      dirty = true;
      probe.hear();
    },
    onError: (error, key) => {
      if (error instanceof ApiError && [401, 403, 404].includes(error.code)) refuse(explainAnswer(error, key));
    },
  });
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error("the watch was ended"));
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const probing = probe.keepAsking(ended.signal);
  const stop = async (): Promise<void> => {
    end();
    signal.removeEventListener("abort", end);
    await Promise.all([reader.stop(), probing]);
  };
  try {
    await Promise.race([reader.read(), refused, whenAborted(ended.signal)]);
  } catch (error) {
    await stop();
    throw error;
  }
  // Later refusals are told by the link's state; nobody waits for this promise any more.
  refused.catch(() => undefined);
  const memory = createMemory();
  return {
    async view() {
      dirty = false;
      return viewObjects(await reader.read(), probe.apiServer(), clock.now(), memory);
    },
    changed: () => dirty,
    link: () => linkOf(probe, reader),
    stop,
  };
}

interface Probe {
  ask(): Promise<void>;
  /** Asks until the signal; never throws. */
  keepAsking(signal: AbortSignal): Promise<void>;
  /** Something came by a watch. */
  hear(): void;
  apiServer(): ApiServerView;
  /** When it last answered. */
  heardAt(): Instant;
  /** It answers again: when it had answered last before. Undefined: it always did, or all was read anew (`forget`). */
  lostAt(): Instant | undefined;
  forget(): void;
  error(): string | undefined;
}

function createProbe(client: OpenCluster["client"], clock: Clock): Probe {
  let apiServer: ApiServerView = { version: undefined, ready: undefined };
  let heardAt = clock.now();
  let error: string | undefined;
  let lostAt: Instant | undefined;
  const hear = (): void => {
    if (error !== undefined) lostAt ??= heardAt;
    error = undefined;
    heardAt = clock.now();
  };
  const ask = async (): Promise<void> => {
    await client.port.request({ method: "GET", path: "/version", timeoutMs: PROBE_MS });
    hear();
    apiServer = await viewApiServer(client);
  };
  return {
    ask,
    hear,
    async keepAsking(signal) {
      while (!signal.aborted) {
        await clock.sleep(error === undefined ? PROBE_MS : PROBE_WHEN_DOWN_MS, signal).catch(() => undefined);
        if (signal.aborted) return;
        await ask().catch((thrown: unknown) => {
          error = thrown instanceof Error ? thrown.message : String(thrown);
        });
      }
    },
    apiServer: () => apiServer,
    heardAt: () => heardAt,
    lostAt: () => lostAt,
    forget: () => (lostAt = undefined),
    error: () => error,
  };
}

function linkOf(probe: Probe, reader: WatchingReader): Link {
  const message = probe.error();
  if (message !== undefined) return { kind: "Down", since: probe.heardAt(), message };
  const lostAt = probe.lostAt();
  if (lostAt === undefined) return { kind: "Up" };
  if (reader.cutOff().length > 0) return { kind: "CatchingUp", since: lostAt };
  probe.forget();
  return { kind: "Up" };
}

function explainAnswer(error: ApiError, key: ClusterKey): UserError {
  if (error.code !== 404) return explainRefusal(error);
  const { kind } = resourceOf(key);
  return new UserError("RW0228", `the API server has no kind ${kind}`, "ringward crds prints the definitions");
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
