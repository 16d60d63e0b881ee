// Promotion over the real parts: system git over HTTP, the GitHub adapter, the sandbox's forge; from the first commit to the merge.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { RolloutRingStatus } from "../../controller/api/rollout-ring.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { manualClock, systemClock } from "../../controller/clock.ts";
import { createForge } from "../../controller/forge/index.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import type { PromotionEvent } from "../../controller/reconcile/promotion/scene.ts";
import { startForge } from "../../controller/sandbox/forge/index.ts";
import { FILES, passOver, type PassPorts, START } from "./promotion-bench.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start() {
  const directory = await mkdtemp(join(tmpdir(), "ringward-promotion-"));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  const clock = manualClock(START);
  const sandbox = await startForge({
    directory: join(directory, "forge"),
    clock,
    owner: "acme",
    repository: "policies",
    tokens: { "bot-token": "ringward" },
  });
  cleanups.push(() => sandbox.close());
  await sandbox.seed(new Map(Object.entries(FILES)), "Start", "alice");
  const git = await openPolicyGit({
    url: sandbox.gitUrl,
    allowInsecure: true,
    branch: "main",
    directory: join(directory, "store"),
    auth: { kind: "Token", token: async () => "bot-token" },
    author: { name: "Ringward", email: "ringward@example.test" },
    clock: systemClock,
  });
  const forge = createForge({
    kind: "GitHub",
    apiUrl: sandbox.apiUrl,
    owner: "acme",
    repository: "policies",
    token: async () => "bot-token",
    clock: systemClock,
  });
  const events: PromotionEvent[] = [];
  const fleet = new Map([
    ["canary", ["v1.34.1", "v1.34.1"]],
    ["early", ["v1.34.1", "v1.34.1", "v1.34.1"]],
  ]);
  const ports: PassPorts = {
    git,
    forge,
    clock,
    events,
    fleet,
    statuses: new Map<string, RolloutRingStatus>(),
    validators: createValidators(),
  };
  const settle = async (hours = 0): Promise<void> => {
    for (let count = 0, more = true; more && count < 10; count++)
      more = (await passOver(ports, { hours: count === 0 ? hours : 0 })).written;
  };
  return { sandbox, clock, events, fleet, ports, settle };
}

it("promotes from commit to pull request to merge over real git and a real forge, and is silent after", async () => {
  const { sandbox, clock, events, fleet, settle } = await start();
  await settle();
  fleet.set("canary", ["v1.34.2", "v1.34.2"]);
  await settle();
  clock.advance(2 * 3_600_000);
  await settle(2);
  const [pull] = await sandbox.pullRequests();
  expect(pull).toMatchObject({ number: 1, state: "open", author: "ringward", labels: ["ringward"] });

  await sandbox.merge(1, "alice");
  await settle();

  expect(events.map((event) => `${event.ring} ${event.reason}`)).toEqual(["canary Promoted", "early ProposalOpened"]);
  expect([...(await sandbox.branches()).keys()]).toEqual(["main"]);
  expect(await sandbox.pullRequests()).toHaveLength(1);
  const writes: string[] = [];
  sandbox.onRequest((request) => void (request.write && writes.push(request.path)));
  await settle();
  expect(writes).toEqual([]);
});

it("closes a proposal on the forge with its reason when the approval before it is taken back", async () => {
  const { sandbox, clock, fleet, settle } = await start();
  await settle();
  fleet.set("canary", ["v1.34.2", "v1.34.2"]);
  await settle();
  clock.advance(2 * 3_600_000);
  await settle(2);

  await sandbox.commit({
    branch: "main",
    files: new Map([
      ["policy/rings/canary.yaml", (FILES["policy/rings/canary.yaml"] ?? "").replace("  promotion: Automatic\n", "")],
    ]),
    message: "Back",
    author: "alice",
  });
  await settle();

  const [pull, ...others] = await sandbox.pullRequests();
  expect(others).toEqual([]);
  expect(pull?.state).toBe("closed");
  expect(pull?.comments.map(({ body }) => body)).toEqual([
    "Ringward closes this: the level was withdrawn in ring canary.",
  ]);
  expect([...(await sandbox.branches()).keys()]).toEqual(["main"]);
});
