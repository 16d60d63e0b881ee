// A webhook at the whole controller, over real parts: it makes git and the forge be asked at once, and whatever it says is not believed.
import { createHmac, randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type PolicyRepository, REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import { runAct } from "../../controller/cli/act.ts";
import { seededRandom, systemClock, systemRandom } from "../../controller/clock.ts";
import { CONTROLLER_LEASE } from "../../controller/kube/lease.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { LEASES, POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { runController } from "../../controller/reconcile/run-controller.ts";
import { startForge } from "../../controller/sandbox/forge/index.ts";
import { run, type Ran } from "../cli/plan-support.ts";
import { basePolicy, createRig, machine, type Rig, ringFile, type Status } from "./rig.ts";

const SECRET = "a long random string";
/** Longer than the test. */
const NEVER_MS = 3_600_000;

async function until(is: () => boolean): Promise<void> {
  for (let look = 0; look < 600; look += 1) {
    if (is()) return;
    await systemClock.sleep(100);
  }
  throw new Error(`it never came to that: ${is.toString()}`);
}

interface Served {
  url: string;
  readonly log: string[];
  readonly stop: AbortController;
}

async function prepare(allowInsecure = true) {
  const directory = await mkdtemp(join(tmpdir(), "ringward-webhook-"));
  const rig = await createRig({ mode: "Observe", repository: null, workloads: [], machines: [machine("n1")] });
  const sandbox = await startForge({
    directory: join(directory, "forge"),
    clock: rig.clock,
    owner: "acme",
    repository: "policies",
    tokens: { "bot-token": "ringward" },
  });
  const ring = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
  await sandbox.seed(new Map(Object.entries({ ...(await basePolicy()), "rings/canary.yaml": ring })), "Start", "alice");
  const [tokenFile, secretFile] = [join(directory, "token"), join(directory, "secret")];
  await writeFile(tokenFile, "bot-token");
  await writeFile(secretFile, SECRET);
  await rig.admin.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: {
      url: allowInsecure ? sandbox.gitUrl : "https://git.invalid/policies.git",
      clusterName: "rig",
      interval: "1h",
      auth: { tokenFile },
      forge: { kind: "GitHub", apiUrl: sandbox.apiUrl, owner: "acme", repository: "policies", tokenFile },
    },
  });
  const seen = { fetches: 0, lists: 0, writes: 0, passes: 0 };
  sandbox.onRequest(({ kind, method, path, write }) => {
    if (kind === "git" && path.includes("info/refs")) seen.fetches += 1;
    if (kind === "api" && method === "GET" && path.includes("/pulls?state=all")) seen.lists += 1;
    if (write) seen.writes += 1;
  });
  const address = await rig.cluster.listen();
  const stop = new AbortController();
  const running: Promise<void>[] = [];
  /** A controller of its own, and where it takes webhooks. */
  const start = (identity: string): Served => {
    const served: Served = { url: "", log: [], stop: new AbortController() };
    running.push(
      runController(
        {
          kubeconfig: address.kubeconfig,
          namespace: "ringward-jobs",
          identity,
          directory: join(directory, identity),
          allowInsecure,
          idleMs: 500,
          paceMs: 10,
          listEveryMs: NEVER_MS,
          webhook: { address: { host: "127.0.0.1", port: 0 }, secretFile },
          qps: 1_000,
          burst: 1_000,
          clock: rig.clock,
          transport: systemClock,
          random: seededRandom(running.length + 1),
          log(_, message, details) {
            served.log.push(message);
            if (message === "serving webhooks") served.url = (details as { url: string }).url;
          },
          onPass: () => void (seen.passes += 1),
        },
        AbortSignal.any([stop.signal, served.stop.signal]),
      ),
    );
    return served;
  };
  const first = start("one");
  onTestFinished(async () => {
    stop.abort(new Error("the test is over"));
    await Promise.all(running);
    await address.close();
    await sandbox.close();
    await rm(directory, { recursive: true, force: true });
  });
  const send = async (body: string, key: string, to: Served = first): Promise<number> => {
    const headers = {
      "x-github-event": "pull_request",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${createHmac("sha256", key).update(body).digest("hex")}`,
    };
    return (await fetch(to.url, { method: "POST", headers, body })).status;
  };
  /** Passes go by, in policy time too, without anything to do. */
  const rest = async (): Promise<void> => {
    const from = seen.passes;
    await until(() => {
      rig.clock.advance(1_000);
      return seen.passes >= from + 5;
    });
  };
  return { rig, sandbox, seen, send, rest, first, start, tokenFile, kubeconfig: address.kubeconfig };
}

it("pokes the controller to look, and cannot tell it what it will see", async () => {
  const { sandbox, seen, send, rest } = await prepare();
  await until(() => seen.lists > 0 && seen.writes > 0);
  await rest();
  const states = async (): Promise<readonly string[]> =>
    (await sandbox.pullRequests()).map(({ number, state, headSha }) => `#${number} ${state} ${headSha}`);
  const pulls = await states();
  const [pull] = await sandbox.pullRequests();
  const main = (await sandbox.branches()).get("main");
  const before = { ...seen };
  const lie = JSON.stringify({
    action: "closed",
    number: pull?.number,
    pull_request: { number: pull?.number, merged: true, merge_commit_sha: "a".repeat(40), base: { ref: "main" } },
    ref: "refs/heads/main",
    after: "b".repeat(40),
    forced: true,
  });

  // Whoever does not know the secret makes nothing happen.
  expect(await send(lie, "another random string")).toBe(401);
  await rest();
  expect([seen.fetches, seen.lists, seen.writes]).toEqual([before.fetches, before.lists, before.writes]);

  // Signed, it makes us look; what we see is what is there, and nothing is written for it.
  expect(await send(lie, SECRET)).toBe(202);
  await until(() => seen.fetches > before.fetches && seen.lists > before.lists);
  await rest();
  expect(seen.writes).toBe(before.writes);
  expect((await sandbox.branches()).get("main")).toBe(main);
  expect(await states()).toEqual(pulls);
  expect(pulls.length).toBeGreaterThan(0);

  // And it looks at once where something did happen, long before the interval is over.
  const told = { ...seen };
  await sandbox.commit({
    branch: "main",
    files: new Map([["README.md", "new\n"]]),
    message: "By hand",
    author: "alice",
  });
  expect(await send("{}", SECRET)).toBe(202);
  await until(() => seen.fetches > told.fetches);
}, 120_000);

it("talks to no forge on this machine where that is not allowed, whatever address it has for git", async () => {
  const { rig, sandbox, rest } = await prepare(false);
  let asked = 0;
  sandbox.onRequest(() => void (asked += 1));
  await rest();

  const { items } = await rig.admin.list(POLICY_REPOSITORIES);
  const { conditions = [] } = (items[0]?.status ?? {}) as { readonly conditions?: readonly Status[] };
  expect(conditions.find(({ type }) => type === "Stalled")).toMatchObject({
    status: "True",
    message: expect.stringContaining("forge address") as string,
  });
  expect(asked).toBe(0);
}, 120_000);

it("is waited for by ringward reconcile --wait, which tells two people at once the commit that was seen, and a third why none was", async () => {
  const stage = await prepare();
  await until(() => stage.seen.lists > 0 && stage.seen.writes > 0);
  await stage.rest();
  const ask = (): Promise<Ran> =>
    run(
      (words, surroundings) => runAct("reconcile", words, surroundings),
      ["--wait", "--timeout", "60s", "--kubeconfig", stage.kubeconfig],
      { clock: systemClock, random: systemRandom },
    );
  const commit = await stage.sandbox.commit({
    branch: "main",
    files: new Map([["README.md", "new\n"]]),
    message: "By hand",
    author: "alice",
  });

  const both = await Promise.all([ask(), ask()]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  for (const { out } of both) expect(out).toContain(`: commit ${commit} is in force\n`);

  // The token is gone: the look fails, and whoever waits hears why.
  await rm(stage.tokenFile);
  const failed = await ask();
  expect(failed.code).toBe(1);
  expect(failed.err).toMatch(/^policy was looked at after \d+s: ReadFailed: .*token/);
}, 120_000);

describe("a controller that does not lead", () => {
  /** Two of them, at rest. */
  async function prepareTwo() {
    const stage = await prepare();
    const { first, start, seen, rest } = stage;
    await until(() => first.log.includes("leading") && seen.lists > 0 && seen.writes > 0);
    const second = start("two");
    await until(() => second.url !== "");
    await rest();
    return { ...stage, second };
  }
  const repository = async ({ rig }: { readonly rig: Rig }): Promise<PolicyRepository & KubeObject> =>
    (await rig.admin.get<PolicyRepository & KubeObject>(POLICY_REPOSITORIES, { name: "policy" }))!;

  it("hands a webhook over to the one that leads, which looks at git and at the forge, and says when it has", async () => {
    const stage = await prepareTwo();
    const { seen, send, rest, second } = stage;
    const before = { ...seen };
    const untouched = await repository(stage);

    expect(await send("{}", "another random string", second)).toBe(401);
    await rest();
    expect([seen.fetches, seen.lists]).toEqual([before.fetches, before.lists]);
    expect(await send("{}", SECRET, second)).toBe(202);
    await until(() => seen.fetches > before.fetches && seen.lists > before.lists);
    await rest();

    const { metadata, spec, status } = await repository(stage);
    expect(second.log).not.toContain("leading");
    expect(status?.lastHandledReconcileAt).toMatch(/^\d{4}-\d\d-\d\dT[\d:]+\.\d{12}Z$/);
    expect(metadata.annotations).toEqual({ [REQUESTED_AT]: status?.lastHandledReconcileAt });
    expect(spec).toEqual(untouched.spec);
    expect(seen.writes).toBe(before.writes);
  }, 120_000);

  it("writes nothing for one that met the leader", async () => {
    const stage = await prepareTwo();
    const { seen, send, first } = stage;
    const before = { ...seen };

    expect(await send("{}", SECRET, first)).toBe(202);
    await until(() => seen.fetches > before.fetches && seen.lists > before.lists);

    expect((await repository(stage)).metadata.annotations).toBeUndefined();
  }, 120_000);

  it("hands at most one over a second, says once that it cannot, and goes on when it can", async () => {
    const stage = await prepareTwo();
    const { rig, seen, send, second } = stage;
    let tried: number[] = [];
    rig.cluster.server.setFault(({ method, path }) => {
      if (method !== "PATCH" || !path.endsWith("/policyrepositories/policy")) return "none";
      tried.push(systemClock.monotonic());
      return { status: 500 };
    });
    const complaints = (): readonly string[] => second.log.filter((line) => line.startsWith("webhook, handed over"));

    for (let count = 0; count < 20; count += 1) expect(await send("{}", SECRET, second)).toBe(202);
    await until(() => tried.length >= 2);
    expect(complaints()).toHaveLength(1);
    expect((tried[1] ?? 0) - (tried[0] ?? 0)).toBeGreaterThan(900);
    tried = [];
    rig.cluster.server.setFault(() => "none");
    const before = { ...seen };
    expect(await send("{}", SECRET, second)).toBe(202);
    await until(() => seen.fetches > before.fetches);

    expect(complaints()).toHaveLength(1);
  }, 120_000);

  it("looks at once when it comes to lead again: the one between may have been told of something", async () => {
    const { rig, seen, rest, first } = await prepare();
    await until(() => first.log.includes("leading") && seen.lists > 0 && seen.writes > 0);
    await rest();
    const before = { ...seen };

    const lease = { namespace: "ringward-jobs", name: CONTROLLER_LEASE };
    const other = { type: "merge", body: { spec: { holderIdentity: "another" } } } as const;
    const { metadata } = await rig.admin.patch(LEASES, lease, other);
    await until(() => first.log.includes("not leading"));
    await rig.admin.delete(LEASES, lease, { uid: metadata.uid! });
    await until(() => first.log.filter((line) => line === "leading").length === 2);

    await until(() => seen.fetches > before.fetches && seen.lists > before.lists);
    expect(seen.writes).toBe(before.writes);
  }, 120_000);
});
