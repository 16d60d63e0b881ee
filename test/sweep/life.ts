// A controller's life on a stage: it is made with nothing in memory, makes passes, and may end at any write: before it, right after it, or
// it lives on and only never hears the answer. A dead controller's ports answer nothing and change nothing more.
import { createClient } from "../../controller/kube/client.ts";
import type { ApiPort } from "../../controller/kube/port.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import type { TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import { directReader } from "./reader.ts";
import { Crash, type Soul } from "./soul.ts";
import { nameWrite } from "./write-kind.ts";
import { type Controller, createController, type PassResult } from "../../controller/reconcile/pass.ts";
import { createPolicySource } from "../../controller/reconcile/policy-source.ts";
import { createPromoter } from "../../controller/reconcile/promotion/promoter.ts";
import type { Ports, Stage } from "./stage.ts";

export type Mode = "before" | "after" | "lost";
export const MODES: readonly Mode[] = ["before", "after", "lost"];

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
}

export function createFate(count: number, at?: number, mode: Mode = "before"): Fate {
  return { count, names: [], requests: [], at, mode };
}

class ReplyLost extends Error {}

export interface Life {
  readonly user: string;
  readonly dead: boolean;
  /** Errors that it survived. */
  readonly errors: readonly unknown[];
  /** Undefined: it died, or the pass failed. */
  pass(): Promise<PassResult | undefined>;
}

/** Sends one write under a fate. */
async function write<T>(soul: Soul, fate: Fate, name: string, send: () => Promise<T>): Promise<T> {
  if (soul.dead) throw new Crash("dead");
  const mine = fate.count;
  fate.count += 1;
  fate.names.push(name);
  if (mine !== fate.at) return send();
  if (fate.mode === "before") {
    soul.dead = true;
    throw new Crash(name);
  }
  await send();
  if (fate.mode === "lost") throw new ReplyLost(name);
  soul.dead = true;
  throw new Crash(name);
}

function withoutUndefined(query: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function mortalApi(port: ApiPort, user: string, soul: Soul, fate: Fate): ApiPort {
  return {
    request(request) {
      if (soul.dead) return Promise.reject(new Crash("dead"));
      if (request.method === "GET") return port.request(request);
      const { method, path, body, query = {} } = request;
      const sent = {
        seq: fate.count,
        user,
        method,
        path,
        query: withoutUndefined(query),
        body,
        write: true,
        status: 0,
      };
      fate.requests.push({ ...sent, time: 0, revision: 0 });
      return write(soul, fate, nameWrite(request), () => port.request(request));
    },
    watch: (request) => port.watch(request),
  };
}

function mortalGit(git: PolicyGit, soul: Soul, fate: Fate): PolicyGit {
  return {
    ...git,
    fetch: () => (soul.dead ? Promise.reject(new Crash("dead")) : git.fetch()),
    push: (commit) => write(soul, fate, `push ${commit.branch}`, () => git.push(commit)),
    deleteBranch: (branch, at) => write(soul, fate, `delete ${branch}`, () => git.deleteBranch(branch, at)),
  };
}

function mortalForge(forge: Forge, soul: Soul, fate: Fate): Forge {
  const read =
    <Args extends readonly unknown[], Result>(ask: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      soul.dead ? Promise.reject(new Crash("dead")) : ask(...args);
  const { push } = forge;
  return {
    list: read((prefix) => forge.list(prefix)),
    listOpen: read((base) => forge.listOpen(base)),
    files: read((number) => forge.files(number)),
    history: read((number) => forge.history(number)),
    keepComment: (number, marker, body) =>
      write(soul, fate, `comment #${number}`, () => forge.keepComment(number, marker, body)),
    report: (report) => write(soul, fate, `report ${report.name}`, () => forge.report(report)),
    merge: (number, request) => write(soul, fate, `merge #${number}`, () => forge.merge(number, request)),
    keepIssue: (issue) => write(soul, fate, "issue", () => forge.keepIssue(issue)),
    ...(push === undefined ? {} : { push: (commit) => write(soul, fate, `push ${commit.branch}`, () => push(commit)) }),
    open: (request) => write(soul, fate, `open ${request.head}`, () => forge.open(request)),
    update: (number, change) => write(soul, fate, `update #${number}`, () => forge.update(number, change)),
    close: (number, comment) => write(soul, fate, `close #${number}`, () => forge.close(number, comment)),
  };
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
  const client = createClient(wrap(mortalApi(ports.api, user, soul, fate)), {
    fieldManager: "ringward",
    clock: stage.clock,
  });
  const onError = (error: unknown): void => {
    if (!soul.dead && !(error instanceof ReplyLost)) errors.push(error);
  };
  const policy = createPolicySource({
    client,
    validators: stage.validators,
    openGit: async (spec) => mortalGit(await ports.git(spec.branch ?? "main"), soul, fate),
    openForge: () => Promise.resolve(mortalForge(ports.forge(), soul, fate)),
    record: () => undefined,
    onError,
  });
  const promoter = createPromoter({
    clock: stage.clock,
    transport: stage.clock,
    listEveryMs: 10_000,
    poke: () => policy.poke(),
    record: () => undefined,
    onError,
  });
  const controller: Controller = createController(
    {
      client,
      reader: ports.reader?.(client) ?? directReader(stage, soul),
      policy,
      promoter,
      clock: stage.clock,
      record: () => undefined,
      onError,
    },
    { concurrency: 1, statusBudget: 1000, inventoryJobs: 20 },
  );
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
