// `--wait` as a pipeline runs it: a process of its own against a cluster that answers over HTTP. It ends with 0 when all is done, with 1 as
// soon as only a person can bring it on, and with 1 at its timeout, saying what is open; an outage of the API server ends nothing.
import { spawn } from "node:child_process";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { command as rollout } from "../../../controller/cli/rollout.ts";
import { createWaiting } from "../../../controller/cli/live/wait.ts";
import { command as status } from "../../../controller/cli/status.ts";
import type { RingLevelStatus } from "../../../controller/api/rollout-ring.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  NODES,
  PATCH_BASELINES,
  PATCH_LEVELS,
  POLICY_REPOSITORIES,
  type Resource,
  ROLLOUT_RINGS,
} from "../../../controller/kube/resources.ts";
import { NODE_RING_LABEL, OS_LABEL } from "../../../controller/sandbox/fleet/quickstart.ts";
import { kubeletLevel } from "../../support/fleet.ts";
import { createWorld, type World } from "../live-world.ts";
import { run } from "../plan-support.ts";

const BEFORE = "v1.36.0";
const AFTER = "v1.36.2";
const LEVEL = kubeletLevel(AFTER, { baseline: "kubelet" });
let world: World;
let members: readonly string[];

beforeAll(async () => {
  world = await createWorld();
  const { client } = world;
  const { items } = await client.list(NODES);
  // Two of the ten.
  members = items
    .filter(({ metadata: { labels } }) => labels?.[NODE_RING_LABEL] === "broad" && labels[OS_LABEL] === "ubuntu")
    .map(({ metadata }) => metadata.name);
  await client.create(PATCH_BASELINES, {
    metadata: { name: "kubelet" },
    spec: {
      target: "Node",
      node: {
        nodeSelector: { matchLabels: { [OS_LABEL]: "ubuntu" } },
        product: { id: "ubuntu" },
        recipeRef: { name: "ubuntu" },
        minimum: { kubelet: AFTER },
      },
    },
  } as unknown as KubeObject);
  await client.create(PATCH_LEVELS, { metadata: { name: LEVEL.name }, spec: LEVEL.spec } as unknown as KubeObject);
  await createRing("early", "In");
  await createRing("late", "NotIn", ["early"]);
  await client.create(DISRUPTION_LEDGERS, { metadata: { name: "cluster" }, spec: { mode: "Enforce" } } as KubeObject);
}, 30_000);
afterAll(() => world.close());

/** A ring of the nodes that are, or are not, called broad. */
function createRing(name: string, operator: "In" | "NotIn", after: readonly string[] = []): Promise<unknown> {
  const selector = { matchExpressions: [{ key: NODE_RING_LABEL, operator, values: ["broad"] }] };
  return world.client.create(ROLLOUT_RINGS, {
    metadata: { name },
    spec: { after, members: { nodes: { selector } }, levels: [{ baseline: "kubelet", level: LEVEL.name }] },
  } as unknown as KubeObject);
}

beforeEach(async () => {
  for (const { metadata } of (await world.client.list(NODES)).items) await setKubelet(metadata.name, BEFORE);
});

function setKubelet(name: string, kubeletVersion: string): Promise<unknown> {
  const body = { status: { nodeInfo: { kubeletVersion } } };
  return world.client.patch(NODES, { name }, { type: "merge", body }, { subresource: "status" });
}

async function bringAllThere(): Promise<void> {
  for (const name of members) await setKubelet(name, AFTER);
}

interface Waited {
  readonly out: () => string;
  readonly err: () => string;
  readonly code: Promise<number | null>;
}

function wait(...args: readonly string[]): Waited {
  const all = ["controller/launch.cjs", "controller/main.ts", ...args, "--kubeconfig", world.kubeconfig, "--wait"];
  const child = spawn(process.execPath, all, { stdio: ["ignore", "pipe", "pipe"] });
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const code = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { out: () => out, err: () => err, code };
}

const seen = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 60_000, interval: 20 });

describe("waiting for a ring", () => {
  it("tells what goes on, does without the API server for a while, and ends with 0 when the last asset is there", async () => {
    const { out, err, code } = wait("rollout", "early", "--timeout", "2m");
    await seen(() => expect(out()).toMatch(/ early 0\/2 /));

    await setKubelet(members[0] ?? "", AFTER);
    await seen(() => expect(out()).toMatch(/ early 1\/2 /));
    const back = await world.interruptServer();
    await seen(() => expect(err()).toContain("the API server does not answer"));
    await back();
    await seen(() => expect(err()).toContain("is read anew"));
    await bringAllThere();

    expect(await code).toBe(0);
    expect(out()).toMatch(/ early 2\/2 \w+\nring early is done after \d+s\n$/);
  }, 90_000);

  it("ends with 1 at its timeout, and says what is still open", async () => {
    const { out, err, code } = wait("rollout", "early", "--timeout", "12s");

    expect(await code).toBe(1);
    expect(err()).toMatch(/^ring early is not done after 12s; still open:\n {2}early 0\/2 \w+.*\n$/);
    expect(out()).not.toContain("is not done");
  }, 90_000);

  it("does not take the rollout before for the one that was merged: the controller comes to the ring first", async () => {
    await bringAllThere();
    const { client } = world;
    const spec = { url: "https://git.example.com/example/policy.git", clusterName: "test" };
    const { metadata } = await client.create(POLICY_REPOSITORIES, {
      metadata: { name: "policy" },
      spec,
    } as unknown as KubeObject);
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: "a".repeat(40) });
    await setStatus(POLICY_REPOSITORIES, "policy", { observedCommit: "b".repeat(40) });
    const late = wait("rollout", "early", "--timeout", "12s");
    expect(await late.code).toBe(1);
    expect(late.err()).toMatch(/\n {2}early 2\/2 .*; as it was before the policy repository's last commit\n$/);

    const { out, code } = wait("rollout", "early", "--timeout", "1m");
    await seen(() => expect(out()).toMatch(/ early 2\/2 /));
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: "b".repeat(40) });

    expect(await code).toBe(0);
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: null });
    await client.delete(POLICY_REPOSITORIES, { name: "policy" }, { uid: metadata.uid ?? "" });
  }, 90_000);

  it("waits for a ring that the merge brings: the controller writes the commit down first, and a moment later the ring", async () => {
    const { client } = world;
    const spec = { url: "https://git.example.com/example/policy.git", clusterName: "test" };
    const { metadata } = await client.create(POLICY_REPOSITORIES, {
      metadata: { name: "policy" },
      spec,
    } as unknown as KubeObject);
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: "a".repeat(40) });
    await setStatus(POLICY_REPOSITORIES, "policy", { observedCommit: "b".repeat(40) });
    const { err, code } = wait("rollout", "new", "--timeout", "1m");
    const slip = wait("rollout", "erly", "--timeout", "12s");
    let over = false;
    void code.then(() => (over = true));

    // Never there while another ring is behind: the timeout ends that, and says what is missing.
    expect(await slip.code).toBe(2);
    expect(slip.err()).toContain("there is no ring erly (did you mean early?)");
    expect(over).toBe(false);
    const ring = await client.create(ROLLOUT_RINGS, {
      metadata: { name: "new" },
      spec: { suspend: true, members: { nodes: { selector: { matchLabels: { new: "yes" } } } }, levels: [] },
    } as unknown as KubeObject);
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: "b".repeat(40) });

    expect(await code).toBe(1);
    expect(err()).toMatch(/^ring new needs a person, after \d+s:\n {2}new: /);
    await client.delete(ROLLOUT_RINGS, { name: "new" }, { uid: ring.metadata.uid ?? "" });
    const gone = wait("rollout", "new");
    expect(await gone.code).toBe(2);
    await setStatus(ROLLOUT_RINGS, "early", { observedCommit: null });
    await client.delete(POLICY_REPOSITORIES, { name: "policy" }, { uid: metadata.uid ?? "" });
  }, 120_000);

  it("ends with 1 when the ring is halted, and so does who waits for the ring after it", async () => {
    await halt(["gone"]);
    const [mine, next] = [wait("rollout", "early"), wait("rollout", "late")];

    expect(await mine.code).toBe(1);
    expect(mine.err()).toMatch(
      /^ring early needs a person, after \d+s:\n {2}early: RingHalted: 1 targets of ring early failed, 0 may\n$/,
    );
    expect(await next.code).toBe(1);
    expect(next.err()).toMatch(/^ring late needs a person, after \d+s:\n {2}early: RingHalted: /);
    await halt([]);
  }, 90_000);

  it("is a document on a line with -o json, the last of which says how it ended", async () => {
    await world.client.patch(ROLLOUT_RINGS, { name: "early" }, { type: "merge", body: { spec: { suspend: true } } });
    const { out, code } = wait("rollout", "early", "-o", "json");

    expect(await code).toBe(1);
    const documents = out()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly ring: { readonly name: string }; readonly wait?: object });
    expect(documents.map(({ ring, wait: ended }) => [ring.name, ended !== undefined])).toEqual([
      ["early", false],
      ["early", true],
    ]);
    expect(documents.at(-1)?.wait).toEqual({
      result: "Stuck",
      elapsedSeconds: expect.any(Number),
      because: [{ ring: "early", asset: null, reason: "RingSuspended", message: "ring early is suspended" }],
    });
    await world.client.patch(ROLLOUT_RINGS, { name: "early" }, { type: "merge", body: { spec: { suspend: null } } });
  }, 90_000);
});

describe("the end of a wait", () => {
  const because = [{ ring: "early", asset: undefined, reason: "RingHalted" as const, message: "" }];
  const DOWN = { kind: "Down" as const, since: 0, message: "refused" };
  const begin = (timeoutMs: number | undefined) => {
    let now = 0;
    const waiting = createWaiting(timeoutMs, { monotonic: () => now });
    return { ...waiting, pass: (ms: number) => void (now += ms) };
  };

  it("is not seen in a picture that may be old", () => {
    const waiting = begin(undefined);
    waiting.see({ kind: "Done" });
    expect(waiting.end(DOWN, true)).toBeUndefined();
    expect(waiting.end({ kind: "Up" }, true)).toEqual({ kind: "Done" });

    waiting.see({ kind: "Stuck", because });
    waiting.pass(60_000);
    expect(waiting.end(DOWN, true)).toBeUndefined();
    expect(waiting.end({ kind: "Up" }, false)).toBeUndefined();
    expect(waiting.end({ kind: "Up" }, true)).toEqual({ kind: "Stuck", because });
  });

  it("is what only a person can end, when it was so for three seconds without a break", () => {
    const waiting = begin(undefined);
    waiting.see({ kind: "Stuck", because });
    waiting.pass(2_999);
    expect(waiting.end({ kind: "Up" }, true)).toBeUndefined();
    waiting.see({ kind: "Open" });
    waiting.see({ kind: "Stuck", because });
    waiting.pass(2_999);
    expect(waiting.end({ kind: "Up" }, true)).toBeUndefined();
    waiting.pass(1);
    expect(waiting.end({ kind: "Up" }, true)).toEqual({ kind: "Stuck", because });
  });

  it("is the timeout, also without the API server", () => {
    const waiting = begin(1_000);
    waiting.pass(999);
    expect(waiting.end(DOWN, true)).toBeUndefined();
    waiting.pass(1);
    expect(waiting.end(DOWN, true)).toEqual({ kind: "TimedOut", behind: [] });
  });

  it("is the timeout with what the last picture left open", () => {
    const waiting = begin(1_000);
    waiting.see({ kind: "Open", behind: ["web"] });
    waiting.pass(1_000);
    expect(waiting.end({ kind: "Up" }, true)).toEqual({ kind: "TimedOut", behind: ["web"] });
  });
});

describe("waiting for the fleet", () => {
  it("ends with 0 when all is compliant", async () => {
    const { items } = await world.client.list(NODES);
    const { out, code } = wait("status", "--timeout", "2m");
    await seen(() => expect(out()).toMatch(/ late 0\/\d+ /));

    for (const { metadata } of items) await setKubelet(metadata.name, AFTER);

    expect(await code).toBe(0);
    expect(out()).toMatch(/the fleet is compliant after \d+s\n$/);
  }, 90_000);
});

describe("wrong use", () => {
  it.each([
    [["early", "--timeout", "5m"], /--timeout without --wait/],
    [["early", "--wait", "--timeout", "5 minutes"], /give a duration such as 90s, 45m or 12h/],
    [["early", "--wait", "--timeout", "0s"], /give a duration/],
    [["early", "--wait", "--at", "2026-11-21T17:50:00Z"], /the present/],
  ])("is told: %j", async (args, message) => {
    await expect(run(rollout, ["--kubeconfig", world.kubeconfig, ...args])).rejects.toThrow(message);
  });

  it("of status, too", async () => {
    await expect(run(status, ["--kubeconfig", world.kubeconfig, "--timeout", "5m"])).rejects.toThrow(/without --wait/);
  });

  it("is a ring that does not exist: 2, and at once", async () => {
    const { err, code } = wait("rollout", "erly");

    expect(await code).toBe(2);
    expect(err()).toContain("there is no ring erly (did you mean early?)");
  }, 90_000);
});

function setStatus(resource: Resource, name: string, status: object): Promise<unknown> {
  return world.client.patch(resource, { name }, { type: "merge", body: { status } }, { subresource: "status" });
}

async function halt(lost: readonly string[]): Promise<void> {
  const level: RingLevelStatus = { baseline: "kubelet", level: LEVEL.name, digest: LEVEL.digest, lost: [...lost] };
  await setStatus(ROLLOUT_RINGS, "early", { levels: [level] });
}
