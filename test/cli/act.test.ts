// What people do by hand, against an API server over HTTP: each act is one write and an event that says who and why, hits only what it
// looked at, and refuses what is not a person's to do.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ActName, runAct } from "../../controller/cli/act.ts";
import { manualClock, type Random, seededRandom, systemClock } from "../../controller/clock.ts";
import { UserError } from "../../controller/errors.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  EVENTS,
  NAMESPACES,
  NODE_PATCH_STATES,
  NODES,
  PATCH_BASELINES,
  PATCH_LEVELS,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
  WORKLOAD_PATCH_STATES,
} from "../../controller/kube/resources.ts";
import { createApiServer } from "../../controller/sandbox/apiserver/index.ts";
import { makeFolder, type Ran, ROOT, run } from "./plan-support.ts";

const NOW = Date.parse("2026-11-17T22:30:00Z");

interface World {
  readonly client: Client;
  readonly kubeconfig: string;
  /** Event names are drawn from it: two acts never draw the same. */
  readonly random: Random;
  /** Writes that the server saw since `forget`, as `METHOD path`. */
  readonly writes: string[];
  readonly close: () => Promise<void>;
}

let world: World;

async function createWorld(): Promise<World> {
  const server = createApiServer({ clock: manualClock(NOW), random: seededRandom(1) });
  const client = createClient(server, { fieldManager: "test", clock: systemClock });
  const crds = readdirSync(join(ROOT, "crds")).filter((name) => name.endsWith(".yaml"));
  for (const name of crds)
    await client.create(
      CUSTOM_RESOURCE_DEFINITIONS,
      load(readFileSync(join(ROOT, "crds", name), "utf8")) as KubeObject,
    );
  for (const name of ["default", "shop"])
    if ((await client.get(NAMESPACES, { name })) === undefined) await client.create(NAMESPACES, { metadata: { name } });
  const { url, close } = await server.listen({ host: "127.0.0.1" });
  const kubeconfig = join(makeFolder(), "kubeconfig");
  writeFileSync(kubeconfig, server.kubeconfig(url));
  const writes: string[] = [];
  server.onRequest(({ method, path }) => void (method === "GET" ? 0 : writes.push(`${method} ${path}`)));
  return { client, kubeconfig, random: seededRandom(2), writes, close };
}

beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => world.close());

/** Runs an act with the world's kubeconfig; afterwards `writes` holds its writes alone. */
async function act(name: ActName, ...args: readonly string[]): Promise<Ran> {
  world.writes.length = 0;
  return run((words, surroundings) => runAct(name, words, surroundings), [...args, "--kubeconfig", world.kubeconfig], {
    clock: { ...systemClock, now: () => NOW },
    random: world.random,
  });
}

interface Event extends KubeObject {
  readonly reason: string;
  readonly action: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid: string };
}

async function events(): Promise<readonly Event[]> {
  return (await world.client.list<Event>(EVENTS)).items;
}

const eventPath = (namespace: string): string => `POST /apis/events.k8s.io/v1/namespaces/${namespace}/events`;
const ring = (spec: object = {}, labels: Record<string, string> = {}): KubeObject => ({
  metadata: { name: "canary", labels },
  spec: { members: { nodes: { selector: { matchLabels: { ring: "canary" } } } }, ...spec },
});

describe("observe, enforce, stop", () => {
  it("makes the ledger where there is none, with one event that says who and why", async () => {
    const { code, out } = await act("enforce", "--reason", "the pilot is over");

    expect([code, out]).toEqual([0, "the ledger is made, in mode Enforce\n"]);
    expect(world.writes).toEqual(["POST /apis/ringward.dev/v1alpha1/disruptionledgers", eventPath("default")]);
    expect(await events()).toMatchObject([
      {
        reason: "RequestedByPerson",
        action: "Enforce",
        note: expect.stringMatching(/^ana@laptop as .+: enforce: the pilot is over$/),
        regarding: { kind: "DisruptionLedger", name: "cluster" },
      },
    ]);
  });

  it("changes the mode and keeps the limits", async () => {
    await world.client.create(DISRUPTION_LEDGERS, {
      metadata: { name: "cluster" },
      spec: { mode: "Enforce", limits: { nodes: 3 } },
    } as KubeObject);

    await act("stop");

    const ledger = await world.client.get(DISRUPTION_LEDGERS, { name: "cluster" });
    expect(ledger?.spec).toMatchObject({ mode: "Stop", limits: { nodes: 3 } });
    expect(world.writes).toEqual(["PATCH /apis/ringward.dev/v1alpha1/disruptionledgers/cluster", eventPath("default")]);
  });

  it("writes nothing where nothing changes", async () => {
    await world.client.create(DISRUPTION_LEDGERS, {
      metadata: { name: "cluster" },
      spec: { mode: "Observe" },
    } as KubeObject);

    const { code, out } = await act("observe");

    expect([code, out]).toEqual([0, "the ledger's mode is Observe already; nothing was written\n"]);
    expect(world.writes).toEqual([]);
  });
});

describe("suspend, resume", () => {
  it("suspends and resumes a ring", async () => {
    await world.client.create(ROLLOUT_RINGS, ring());

    await act("suspend", "canary", "--reason", "incident 4711");
    const suspended = await world.client.get(ROLLOUT_RINGS, { name: "canary" });
    await act("resume", "canary");
    const resumed = await world.client.get(ROLLOUT_RINGS, { name: "canary" });

    expect(suspended?.spec).toMatchObject({ suspend: true });
    expect(resumed?.spec).toMatchObject({ suspend: false });
    expect((await events()).map(({ action }) => action).sort()).toEqual(["Resume", "Suspend"]);
  });

  it("names what is missing", async () => {
    await expect(act("suspend", "canry")).rejects.toThrow("there is no RolloutRing canry");
  });
});

describe("approve", () => {
  const baseline: KubeObject = {
    metadata: { name: "web" },
    spec: { target: "Image", image: { images: [{ repository: "registry.example.com/shop/web", tag: "1.2.3" }] } },
  };

  /** Asks for a level that is not there and reads what the refusal names. */
  async function candidate(): Promise<string> {
    const refusal = await act("approve", "canary", "web-20260101-000000000000").catch((error: unknown) =>
      String(error),
    );
    return /web-\d{8}-[0-9a-f]{12}(?=\))/.exec(String(refusal))?.[0] ?? "";
  }

  it("refuses a ring that a repository holds, and says what to do", async () => {
    await world.client.create(ROLLOUT_RINGS, ring({}, { "ringward.dev/policy": "git" }));

    const refused = act("approve", "canary", "web-20260101-000000000000");

    await expect(refused).rejects.toThrow(/ring canary is held by the policy repository.*\(merge the pull request/);
    expect(world.writes).toEqual([]);
  });

  it("writes down a baseline's level and names it in the ring's entry", async () => {
    await world.client.create(PATCH_BASELINES, baseline);
    await world.client.create(
      ROLLOUT_RINGS,
      ring({ levels: [{ baseline: "other" }, { baseline: "web", maxTargets: 4 }] }),
    );
    const level = await candidate();

    const { code, out } = await act("approve", "canary", level, "--reason", "tested");

    const live = await world.client.get(ROLLOUT_RINGS, { name: "canary" });
    expect([code, out]).toEqual([0, `ring canary is approved for ${level} of web; it had no level of it\n`]);
    expect(live?.spec).toMatchObject({
      levels: [{ baseline: "other" }, { baseline: "web", level, maxTargets: 4 }],
    });
    expect((await world.client.get(PATCH_LEVELS, { name: level }))?.spec).toMatchObject({ baseline: "web" });
    expect(world.writes).toEqual([
      "POST /apis/ringward.dev/v1alpha1/patchlevels",
      "PATCH /apis/ringward.dev/v1alpha1/rolloutrings/canary",
      eventPath("default"),
    ]);
  });

  it("adds the entry where the ring has none, and writes nothing the second time", async () => {
    await world.client.create(PATCH_BASELINES, baseline);
    await world.client.create(ROLLOUT_RINGS, ring());
    const level = await candidate();

    await act("approve", "canary", level);
    const again = await act("approve", "canary", level);

    const live = await world.client.get(ROLLOUT_RINGS, { name: "canary" });
    expect(live?.spec).toMatchObject({ levels: [{ baseline: "web", level }] });
    expect(again.out).toContain("already; nothing was written");
    expect(world.writes).toEqual([]);
  });

  it("refuses a level whose name does not match its content", async () => {
    await world.client.create(ROLLOUT_RINGS, ring());
    await world.client.create(PATCH_LEVELS, {
      metadata: { name: "web-20260101-000000000000" },
      spec: {
        baseline: "web",
        target: "Image",
        disruption: "Restart",
        image: { images: [{ repository: "a.example.com/b", tag: "1" }] },
      },
    });

    await expect(act("approve", "canary", "web-20260101-000000000000")).rejects.toThrow(/it was edited/);
  });
});

const operation = {
  claimId: "c1",
  ring: "canary",
  baseline: "web",
  level: "web-20260101-000000000000",
  digest: "d",
  startedTime: "2026-11-17T22:00:00Z",
  stepTime: "2026-11-17T22:05:00Z",
  attempt: 1,
  step: "Rebooting",
  bootId: "b",
};
const failure = { reason: "NodeNotBack", message: "not Ready for 20m", time: "2026-11-17T22:25:00Z" };

async function nodeWith(status: object, uid?: string): Promise<KubeObject> {
  const node = await world.client.create(NODES, { metadata: { name: "n1" }, spec: {} } as KubeObject);
  const state = await world.client.create(NODE_PATCH_STATES, { metadata: { name: "n1" } });
  await world.client.updateStatus(NODE_PATCH_STATES, {
    ...state,
    status: { targetUID: uid ?? node.metadata.uid, ...status },
  });
  return node;
}

const stateOf = async (): Promise<Record<string, unknown>> =>
  (await world.client.get(NODE_PATCH_STATES, { name: "n1" }))?.status as Record<string, unknown>;

describe("retry, release", () => {
  it("asks for another attempt of a failed operation", async () => {
    await nodeWith({ operation: { ...operation, failure } });

    const { out } = await act("retry", "node/n1", "--reason", "the disk was replaced");

    expect(out).toBe("node/n1 is tried again from step Rebooting; it failed with NodeNotBack\n");
    expect(await stateOf()).toMatchObject({
      operation: { claimId: "c1", retryTime: "2026-11-17T22:30:00.000Z", failure },
    });
    expect(world.writes).toEqual(["PATCH /apis/ringward.dev/v1alpha1/nodepatchstates/n1/status", eventPath("default")]);
    expect((await events())[0]?.note).toContain("retry node/n1: the disk was replaced");
  });

  it("asks for it also where a clock was put back since it failed", async () => {
    await nodeWith({ operation: { ...operation, failure: { ...failure, time: "2026-11-18T08:00:00.000Z" } } });

    await act("retry", "node/n1", "--reason", "the disk was replaced");

    expect(await stateOf()).toMatchObject({ operation: { retryTime: "2026-11-18T08:00:01.000Z" } });
  });

  it("forgets attempts that were given up", async () => {
    const attempt = {
      baseline: "web",
      digest: "d",
      result: "NotAvailable",
      reason: "VersionNotAvailable",
      message: "no such version",
      time: failure.time,
    };
    await nodeWith({ attempted: [attempt] });

    await act("retry", "no/n1", "--reason", "the mirror is back");

    expect(await stateOf()).not.toHaveProperty("attempted");
  });

  it("finds nothing to try again on a target that did not fail", async () => {
    await nodeWith({ operation });

    await expect(act("retry", "node/n1", "--reason", "impatience")).rejects.toThrow(
      /did not fail: there is nothing to try again/,
    );
    expect(world.writes).toEqual([]);
  });

  it("gives a target up with the person's words", async () => {
    await nodeWith({ operation: { ...operation, failure } });

    await act("release", "node/n1", "--reason", "scrapped");

    expect(await stateOf()).toMatchObject({
      operation: { release: { reason: "scrapped", time: "2026-11-17T22:30:00.000Z" } },
    });
  });

  it("gives up a node that is gone, by its name", async () => {
    const node = await nodeWith({ operation: { ...operation, failure } });
    await world.client.delete(NODES, { name: "n1" }, { uid: node.metadata.uid ?? "" });

    await act("release", "node/n1", "--reason", "gone for good");

    expect(await stateOf()).toMatchObject({ operation: { release: { reason: "gone for good" } } });
  });

  it("touches no state that speaks of another node of that name", async () => {
    await nodeWith({ operation: { ...operation, failure } }, "11111111-1111-4111-8111-111111111111");

    await expect(act("retry", "node/n1", "--reason", "x")).rejects.toThrow(/has no NodePatchState yet/);
  });

  it("finds a workload's state by kind, namespace and name", async () => {
    const template = {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: "a.example.com/b:1" }] },
    };
    const web: KubeObject = await world.client.create<KubeObject>(DEPLOYMENTS, {
      metadata: { name: "web", namespace: "shop" },
      spec: { selector: { matchLabels: { app: "web" } }, template },
    });
    const state = await world.client.create(WORKLOAD_PATCH_STATES, {
      metadata: { name: "deployment-web", namespace: "shop" },
      spec: { kind: "Deployment", name: "web" },
    });
    const failed = { ...operation, bootId: undefined, step: "Patched", images: [], failure };
    await world.client.updateStatus(WORKLOAD_PATCH_STATES, {
      ...state,
      status: { targetUID: web.metadata.uid, operation: failed },
    });

    await act("retry", "deploy/web", "-n", "shop", "--reason", "quota raised");

    const after = await world.client.get(WORKLOAD_PATCH_STATES, { name: "deployment-web", namespace: "shop" });
    expect(after?.status).toMatchObject({ operation: { retryTime: "2026-11-17T22:30:00.000Z" } });
    expect(world.writes.at(-1)).toBe(eventPath("shop"));
  });
});

describe("reconcile", () => {
  it("asks the controller to look at the oldest repository", async () => {
    const spec = { url: "https://git.example.com/policy.git", clusterName: "demo" };
    await world.client.create(POLICY_REPOSITORIES, { metadata: { name: "policy" }, spec });

    await act("reconcile");

    const live = await world.client.get(POLICY_REPOSITORIES, { name: "policy" });
    expect(live?.metadata.annotations).toEqual({
      "ringward.dev/reconcile-requested-at": expect.stringMatching(/^2026-11-17T22:30:00\.000\d{9}Z$/) as string,
    });
  });

  it("asks with another value each time, also in the same millisecond", async () => {
    const spec = { url: "https://git.example.com/policy.git", clusterName: "demo" };
    await world.client.create(POLICY_REPOSITORIES, { metadata: { name: "policy" }, spec });
    const values = new Set<unknown>();
    for (let times = 0; times < 5; times += 1) {
      await act("reconcile");
      const live = await world.client.get(POLICY_REPOSITORIES, { name: "policy" });
      values.add(live?.metadata.annotations?.["ringward.dev/reconcile-requested-at"]);
    }

    expect(values.size).toBe(5);
  });

  it("says where it is suspended, and asks all the same", async () => {
    const spec = { url: "https://git.example.com/policy.git", clusterName: "demo", suspend: true };
    await world.client.create(POLICY_REPOSITORIES, { metadata: { name: "policy" }, spec });

    const { out, code } = await act("reconcile");

    expect([code, out]).toEqual([
      0,
      "the controller is asked to look at policy, which it does when spec.suspend is false\n",
    ]);
    expect(world.writes).toHaveLength(2);
  });

  it("says where there is none", async () => {
    await expect(act("reconcile")).rejects.toThrow("there is no PolicyRepository");
  });
});

describe("wrong use", () => {
  it.each<[ActName, readonly string[], RegExp]>([
    ["retry", ["node/n1"], /--reason is missing/],
    ["release", ["node/n1", "--reason", " "], /--reason is missing/],
    ["approve", ["canary"], /expected "ringward approve RING LEVEL", got 1/],
    ["enforce", ["now"], /expected "ringward enforce", got 1/],
    ["suspend", ["canary", "--force"], /--force/],
    ["suspend", ["canary", "--wait"], /--wait/],
    ["reconcile", ["--timeout", "5m"], /--timeout without --wait/],
    ["reconcile", ["--wait", "--timeout", "5 minutes"], /give a duration such as 90s, 45m or 12h/],
    ["retry", ["disk/n1", "--reason", "x"], /there is no kind "disk" here/],
  ])("refuses %s %j", async (name, args, message) => {
    const refused = act(name, ...args);

    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UserError);
    expect(world.writes).toEqual([]);
  });

  it("says what to do without a cluster", async () => {
    const refused = run((words, surroundings) => runAct("stop", words, surroundings), []);

    await expect(refused).rejects.toThrow(/there is no cluster to ask/);
  });

  it("explains an API server that does not answer", async () => {
    await world.close();

    await expect(act("stop")).rejects.toThrow(/the API server does not answer/);
  });
});
