// What a pass asks of git, over real parts: system git over HTTP, the GitHub adapter, the sandbox's forge, the controller on a live
// cluster. While nothing was fetched or pushed no git process starts, also with proposals open.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createValidators } from "../../controller/api/validator.ts";
import { systemClock } from "../../controller/clock.ts";
import { createForge } from "../../controller/forge/index.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { createClient } from "../../controller/kube/client.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { createController } from "../../controller/reconcile/pass.ts";
import { createPolicySource } from "../../controller/reconcile/policy-source.ts";
import { createPromoter } from "../../controller/reconcile/promotion/promoter.ts";
import { startForge } from "../../controller/sandbox/forge/index.ts";
import { recordGit } from "../git/support/recording-git.ts";
import { basePolicy, createRig, machine, ringFile } from "./rig.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe("a pass in which nothing was fetched or pushed", () => {
  it("starts no git process", async () => {
    const directory = await mkdtemp(join(tmpdir(), "ringward-quiet-"));
    cleanups.push(() => rm(directory, { recursive: true, force: true }));
    const recording = recordGit(directory);
    cleanups.push(() => recording.stop());
    const store = join(directory, "store");
    const started = (): readonly string[] =>
      recording
        .runs()
        .filter(({ environment }) => (environment["GIT_DIR"] ?? "").startsWith(store))
        .map(({ args }) => args[0] ?? "");
    const rig = await createRig({ machines: [machine("n1")], workloads: [] });
    const sandbox = await startForge({
      directory: join(directory, "forge"),
      clock: rig.clock,
      owner: "acme",
      repository: "policies",
      tokens: { "bot-token": "ringward" },
    });
    cleanups.push(() => sandbox.close());
    const ring = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
    const files = { ...(await basePolicy()), "rings/canary.yaml": ring };
    await sandbox.seed(new Map(Object.entries(files)), "Start", "alice");
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const client = createClient(rig.cluster.server.as("ringward"), { fieldManager: "ringward", clock: rig.clock });
    const token = (): Promise<string> => Promise.resolve("bot-token");
    const forge = createForge({
      kind: "GitHub",
      apiUrl: sandbox.apiUrl,
      owner: "acme",
      repository: "policies",
      token,
      clock: systemClock,
    });
    const policy = createPolicySource({
      client,
      validators: createValidators(),
      openGit: () =>
        openPolicyGit({
          url: sandbox.gitUrl,
          allowInsecure: true,
          branch: "main",
          directory: store,
          auth: { kind: "Token", token },
          author: { name: "Ringward", email: "ringward@rig.invalid" },
          clock: systemClock,
        }),
      openForge: () => Promise.resolve(forge),
      record: () => undefined,
      onError,
    });
    const controller = createController(
      {
        client,
        reader: listing(client),
        policy,
        promoter: createPromoter({
          clock: rig.clock,
          transport: rig.clock,
          listEveryMs: 10_000,
          poke: () => policy.poke(),
          record: () => undefined,
          onError,
        }),
        clock: rig.clock,
        record: () => undefined,
        onError,
      },
      { concurrency: 2, statusBudget: 1000, inventoryJobs: 20 },
    );
    for (let pass = 0; pass < 6; pass += 1) {
      await controller.pass();
      await rig.turn();
    }
    expect((await forge.list("ringward/")).filter(({ state }) => state === "open").length).toBe(2);
    rig.clock.advance(60_000);
    await controller.pass();
    const before = started();
    expect(before).toContain("fetch");
    expect(before).toContain("push");

    for (let pass = 0; pass < 5; pass += 1) await controller.pass();

    expect(started().slice(before.length)).toEqual([]);
    rig.clock.advance(60_000);
    await controller.pass();
    // Of a fetch that brought nothing new only the open proposals are looked at again.
    expect(
      started()
        .slice(before.length)
        .filter((command) => command === "fetch").length,
    ).toBe(1);
    expect(errors).toEqual([]);
  });
});
