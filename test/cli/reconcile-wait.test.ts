// `ringward reconcile --wait` against an API server over HTTP: when a request counts as handled, and what is said of the look. The controller
// is played by the test; the real one answers in test/reconcile/webhook.test.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import { runAct } from "../../controller/cli/act.ts";
import { manualClock, seededRandom, systemClock } from "../../controller/clock.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import type { StoredRepository } from "../../controller/reconcile/look-request.ts";
import { createApiServer, type SandboxApiServer } from "../../controller/sandbox/apiserver/index.ts";
import { makeFolder, ROOT, run, type Ran } from "./plan-support.ts";

const COMMIT = "c".repeat(40);
const READY = { type: "Ready", status: "True", reason: "InSync", message: "policy is in force" };
const FAILED = { type: "Ready", status: "False", reason: "ReadFailed", message: "no such host\nat all" };

let server: SandboxApiServer;
let client: Client;
let kubeconfig: string;
let listening: Awaited<ReturnType<SandboxApiServer["listen"]>>;
let people: number;

beforeEach(async () => {
  people = 0;
  server = createApiServer({ clock: manualClock(Date.parse("2026-11-17T22:30:00Z")), random: seededRandom(1) });
  client = createClient(server, { fieldManager: "test", clock: systemClock });
  const crd = load(readFileSync(join(ROOT, "crds/policyrepositories.yaml"), "utf8")) as KubeObject;
  await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd);
  await client.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: { url: "https://git.example.com/policy.git", clusterName: "demo" },
  } as KubeObject);
  listening = await server.listen({ host: "127.0.0.1" });
  kubeconfig = join(makeFolder(), "kubeconfig");
  writeFileSync(kubeconfig, server.kubeconfig(listening.url));
});
afterEach(() => listening.close());

interface Waited {
  readonly ended: Promise<Ran>;
  readonly isOver: () => boolean;
  /** What was said so far on standard error. */
  readonly err: () => string;
  readonly interrupt: () => void;
}

/** One of the people who ask; each has a random of their own. */
function reconcile(...args: readonly string[]): Waited {
  people += 1;
  let over = false;
  let err = "";
  let interrupt: () => void = () => undefined;
  const words = [...args, "--wait", "--kubeconfig", kubeconfig];
  const ended = run((given, surroundings) => runAct("reconcile", given, surroundings), words, {
    clock: systemClock,
    random: seededRandom(people),
    onInterrupt: (listener) => {
      interrupt = listener;
      return () => undefined;
    },
    stderr: { write: (text) => (err += text) },
  }).finally(() => (over = true));
  return { ended, isOver: () => over, err: () => err, interrupt: () => interrupt() };
}

async function repository(): Promise<StoredRepository> {
  const found = await client.get<StoredRepository>(POLICY_REPOSITORIES, { name: "policy" });
  if (found === undefined) throw new Error("there is no repository");
  return found;
}

async function requested(): Promise<string> {
  const value = (await repository()).metadata.annotations?.[REQUESTED_AT];
  if (value === undefined) throw new Error("nobody asked");
  return value;
}

/** The value of a request that was not there before. */
async function nextRequest(before?: string): Promise<string> {
  return vi.waitFor(async () => {
    const value = await requested();
    expect(value).not.toBe(before);
    return value;
  }, 10_000);
}

/** What a controller writes when a look has ended. */
async function handle(value: string, condition: object = READY, more: object = {}): Promise<void> {
  const conditions = [{ lastTransitionTime: "2026-11-17T22:30:00Z", ...condition }];
  const object = await repository();
  const { generation = 1 } = object.metadata;
  const status = { observedGeneration: generation, observedCommit: COMMIT, conditions, lastHandledReconcileAt: value };
  await client.updateStatus(POLICY_REPOSITORIES, { ...object, status: { ...status, ...more } } as KubeObject);
}

const patch = (body: object): Promise<unknown> =>
  client.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
const annotate = (value: string | null): Promise<unknown> =>
  patch({ metadata: { annotations: { [REQUESTED_AT]: value } } });
/** Longer than it takes to look twice. */
const rest = (): Promise<void> => systemClock.sleep(1_200);

describe("waiting for a look", () => {
  it("ends with 0 when it is Ready, and says at which commit and what is not in force", async () => {
    await handle("before");
    const problems = Array.from({ length: 7 }, (_, line) => ({
      ...{ file: "rings/prod.yaml", line, column: 5, path: "spec", code: "Unknown" },
      message: "no such field",
    }));
    const { ended, isOver, err } = reconcile();
    const value = await nextRequest();
    await rest();
    expect(isOver()).toBe(false);

    await handle(value, READY, { problems });

    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).toMatch(
      /^the controller is asked to look at policy\npolicy was looked at after \d+s: commit c{40} is in force\n$/,
    );
    expect(err().split("\n")).toHaveLength(7);
    expect(err()).toMatch(/^warning: not in force: rings\/prod\.yaml:0:5: Unknown: no such field\n/);
    expect(err()).toMatch(/\nwarning: and 2 more\n$/);
  });

  it("ends with 1 when the look failed, with its reason and message on a line", async () => {
    const { ended, err } = reconcile();

    await handle(await nextRequest(), FAILED);

    expect((await ended).code).toBe(1);
    expect(err()).toMatch(/^policy was looked at after \d+s: ReadFailed: no such host at all\n$/);
  });

  it("ends with 1 at its timeout", async () => {
    const { ended, err } = reconcile("--timeout", "2s");

    expect((await ended).code).toBe(1);
    expect(err()).toBe("policy was not looked at within 2s: does a controller run and lead?\n");
  });

  it("ends for both of two people who ask at once, although only one value stays", async () => {
    const [first, second] = [reconcile(), reconcile()];
    await vi.waitFor(() => expect(new Set(written()).size).toBe(2), 10_000);
    await rest();

    await handle(await requested());

    expect([(await first.ended).code, (await second.ended).code]).toEqual([0, 0]);
  });

  it("asks again where its request was taken away, or put back to what was handled before", async () => {
    await handle("before");
    const { ended, isOver } = reconcile();
    const value = await nextRequest();
    for (const lost of [null, "before"]) {
      await annotate(lost);
      await vi.waitFor(async () => expect(await requested()).toBe(value), { timeout: 15_000, interval: 100 });
    }
    expect(isOver()).toBe(false);

    await handle(value);

    expect((await ended).code).toBe(0);
  }, 60_000);

  it("concludes nothing while the API server does not answer, and goes on when it does", async () => {
    const { ended, err } = reconcile("--timeout", "1m");
    const value = await nextRequest();
    const { port } = new URL(listening.url);
    await listening.close();
    await vi.waitFor(() => expect(err()).toContain("the API server does not answer ("), 10_000);
    await handle(value);

    listening = await server.listen({ host: "127.0.0.1", port: Number(port) });

    expect((await ended).code).toBe(0);
    expect(err()).toMatch(/^the API server does not answer \(.*\)\nthe API server answers again\n$/);
  });

  it("ends when it may not look, with what the API server says", async () => {
    const { ended } = reconcile("--timeout", "1m");
    await nextRequest();

    server.setFault(({ method, path }) =>
      method === "GET" && path.endsWith("/policyrepositories/policy") ? { status: 403 } : "none",
    );

    await expect(ended).rejects.toMatchObject({ name: "UserError", code: "RW0212" });
  });

  it("says at once that a suspended repository is not looked at, and asks nothing", async () => {
    await patch({ spec: { suspend: true } });

    const { ended, err } = reconcile();

    const { code, out } = await ended;
    expect([code, out]).toEqual([1, ""]);
    expect(err()).toBe("policy is suspended: nobody looks at it before spec.suspend is false; nothing was asked\n");
    expect((await repository()).metadata.annotations).toBeUndefined();
  });

  it("says so when it is suspended or deleted meanwhile", async () => {
    const suspended = reconcile();
    await nextRequest();
    await patch({ spec: { suspend: true } });
    expect((await suspended.ended).code).toBe(1);
    expect(suspended.err()).toBe("policy is suspended: nobody looks at it before spec.suspend is false\n");

    await patch({ spec: { suspend: false } });
    const before = await requested();
    const deleted = reconcile();
    await nextRequest(before);
    const { metadata } = await repository();
    await client.delete(POLICY_REPOSITORIES, { name: "policy" }, { uid: metadata.uid ?? "" });

    expect((await deleted.ended).code).toBe(1);
    expect(deleted.err()).toBe("policy was deleted while it was waited for\n");
  });

  it("ends with 1 when it is interrupted", async () => {
    const { ended, interrupt } = reconcile();
    await nextRequest();
    await rest();
    interrupt();

    expect((await ended).code).toBe(1);
  });
});

/** Every request that the server took so far. */
function written(): readonly string[] {
  return server.store.history().flatMap(({ object }) => object?.metadata.annotations?.[REQUESTED_AT] ?? []);
}
