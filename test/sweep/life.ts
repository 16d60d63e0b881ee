// A controller's life on a stage: it is made with nothing in memory, makes passes, and something may happen to any of its writes. A dead
// controller's ports answer nothing and change nothing more.
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../controller/clock.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import type { TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import { createManifestProposer } from "../../controller/reconcile/manifests/proposer.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import { type Controller, createController, type PassResult } from "../../controller/reconcile/pass.ts";
import { createPolicyPulls } from "../../controller/reconcile/policy-pulls.ts";
import { createPolicySource } from "../../controller/reconcile/policy-source.ts";
import { createPromoter } from "../../controller/reconcile/promotion/promoter.ts";
import { mortalApi, mortalGit } from "./mortal.ts";
import { directReader } from "./reader.ts";
import { Crash, type Pulse, type Soul, type Witness } from "./soul.ts";
import type { Ports, Stage } from "./stage.ts";

/**
 * `before`: the life ends, and nothing is sent. `after`: it is done, and the life ends. `lost`: it is done, and only the answer never comes.
 * `refused`: nothing is done, and the life goes on. `overtaken`: another life takes over while the request waits to be sent, and then it goes out.
 */
export type Mode = "before" | "after" | "lost" | "refused" | "overtaken";
export const MODES: readonly Mode[] = ["before", "after", "lost"];
export const EVERY_MODE: readonly Mode[] = [...MODES, "refused", "overtaken"];

/** Counts writes of all controllers of a run, and knows at which one something happens. */
export interface Fate {
  /** Writes so far. */
  count: number;
  /** What each write was, where somebody keeps it. */
  readonly names: string[];
  /** Requests that change something, as they were sent. */
  readonly requests: TimedRequest[];
  readonly at: number | undefined;
  readonly mode: Mode;
  /** What happens while a request is overtaken. */
  meanwhile: (() => Promise<void>) | undefined;
  readonly witness: Witness | undefined;
}

export function createFate(count: number, at?: number, mode: Mode = "before", witness?: Witness): Fate {
  return { count, names: [], requests: [], at, mode, meanwhile: undefined, witness };
}

class ReplyLost extends Error {}
class NeverSent extends Error {}

export interface Life {
  readonly user: string;
  readonly dead: boolean;
  /** Errors that it survived. */
  readonly errors: readonly unknown[];
  /** Undefined: it died, or the pass failed. */
  pass(): Promise<PassResult | undefined>;
}

function pulseOf(soul: Soul, fate: Fate): Pulse {
  return {
    read: (ask) => (soul.dead ? Promise.reject(new Crash("dead")) : ask()),
    write: (name, send) => write(soul, fate, name, send),
    called: (port, member) => fate.witness?.called(port, member, new Error().stack ?? ""),
  };
}

/** Sends one write under a fate. */
async function write<T>(soul: Soul, fate: Fate, name: string, send: () => Promise<T>): Promise<T> {
  if (soul.dead) throw new Crash("dead");
  const mine = fate.count;
  fate.count += 1;
  fate.names.push(name);
  fate.witness?.wrote(name);
  if (mine !== fate.at) return send();
  switch (fate.mode) {
    case "before":
      soul.dead = true;
      throw new Crash(name);
    case "after":
      await send();
      soul.dead = true;
      throw new Crash(name);
    case "lost":
      await send();
      throw new ReplyLost(name);
    case "refused":
      throw new NeverSent(name);
    case "overtaken":
      await fate.meanwhile?.();
      return send();
  }
}

/** A controller that remembers nothing. `wrap` may break its client on purpose. */
export function beBorn(
  stage: Stage,
  user: string,
  ports: Ports,
  fate: Fate,
  wrap: (port: ApiPort) => ApiPort = (port) => port,
): Life {
  const soul: Soul = { dead: false };
  const errors: unknown[] = [];
  const pulse = pulseOf(soul, fate);
  const controller = bringUp(stage, {
    ports,
    pulse,
    api: wrap(mortalApi(ports.api, user, pulse, fate.requests)),
    reader: (client) => ports.reader?.(client) ?? directReader(stage, soul),
    clock: stage.clock,
    onError,
  });
  function onError(error: unknown): void {
    if (!soul.dead && !(error instanceof ReplyLost) && !(error instanceof NeverSent)) errors.push(error);
  }
  return {
    user,
    get dead() {
      return soul.dead;
    },
    errors,
    async pass() {
      try {
        return await controller.pass();
      } catch (error) {
        onError(error);
        return undefined;
      }
    },
  };
}

/** What a controller is made of. */
export interface Body {
  readonly ports: Ports;
  readonly pulse: Pulse;
  readonly api: ApiPort;
  readonly reader: (client: Client) => ClusterReader;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** The product's controller, whole, over those ports. */
export function bringUp(
  stage: Stage,
  { ports, pulse, api, reader, clock, onError }: Body,
): Controller & { /** What a webhook does. */ poke(): void } {
  const client = createClient(api, { fieldManager: "ringward", clock });
  const policy = createPolicySource({
    client,
    validators: stage.validators,
    openGit: async (spec) => mortalGit(await ports.git(spec.branch ?? "main"), pulse),
    openForge: () => Promise.resolve(ports.forge(pulse)),
    record: () => undefined,
    onError,
  });
  const promoter = createPromoter({
    clock,
    transport: clock,
    listEveryMs: 10_000,
    poke: () => policy.poke(),
    record: () => undefined,
    onError,
  });
  const controller = createController(
    {
      client,
      reader: reader(client),
      policy,
      promoter,
      ...besides(stage, ports, pulse, { poke: () => policy.poke(), onError }),
      clock,
      record: () => undefined,
      onError,
    },
    { concurrency: 1, statusBudget: 1000, inventoryJobs: 20 },
  );
  return {
    ...controller,
    poke() {
      policy.poke();
      promoter.poke();
    },
  };
}

/** What is said, and asked for, beside promotions; only where the stage has a place for it. */
function besides(
  { clock, validators }: Stage,
  { apps }: Ports,
  pulse: Pulse,
  { poke, onError }: { readonly poke: () => void; readonly onError: (error: unknown) => void },
): Pick<Parameters<typeof createController>[0], "manifests" | "pulls"> {
  if (apps === undefined) return {};
  const times = { clock, transport: clock, listEveryMs: 10_000 };
  return {
    manifests: createManifestProposer({
      ...times,
      open: ({ branch = "main" }) =>
        Promise.resolve({ git: mortalGit(apps.git(branch), pulse), forge: apps.forge(pulse) }),
      directory: join(tmpdir(), "ringward-sweep-renderings"),
      poke,
      record: () => undefined,
      onError,
    }),
    pulls: createPolicyPulls({ ...times, validators, onError }),
  };
}
