// Notifications through whole passes and real HTTP: what a rollout tells, that it stands in the rings' status, and that a process that takes over tells
// none of it again.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { NotifiedRecord } from "../../controller/api/rollout-ring.ts";
import { systemClock } from "../../controller/clock.ts";
import { MUTE_METER } from "../../controller/metrics.ts";
import { createNotifier, type Notifier } from "../../controller/notify/notifier.ts";
import type { DestinationSettings } from "../../controller/notify/settings.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import { type Receiver, startReceiver } from "../notify/receiver.ts";
import { type Born, createRig, isConverged, machine, type Rig, ringFile } from "./rig.ts";

interface Told {
  readonly event: string;
  readonly ring: string;
  readonly level?: string;
  readonly pullRequest?: { readonly number: number; readonly url: string };
}

const told = (receiver: Receiver): readonly Told[] => receiver.deliveries.map(({ body }) => JSON.parse(body) as Told);

function tellTo(rig: Rig, receiver: Receiver): Notifier {
  const folder = mkdtempSync(join(tmpdir(), "ringward-notify-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const urlFile = join(folder, "url");
  writeFileSync(urlFile, receiver.url);
  return notifierOf(rig, { name: "hook", type: "Webhook", urlFile, events: undefined, rings: undefined });
}

function notifierOf(rig: Rig, destination: DestinationSettings): Notifier {
  const notifier = createNotifier({
    destinations: [destination],
    allowInsecure: true,
    clock: rig.clock,
    transport: systemClock,
    random: { next: () => 0 },
    meter: MUTE_METER,
    leads: () => true,
    wake: () => undefined,
    onError: (error, where) => void rig.errors.push({ error, where }),
  });
  onTestFinished(() => notifier.close());
  return notifier;
}

/** Passes of this process, each with time for an answer to come. */
async function passesUntil(rig: Rig, one: Born, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let pass = 0; pass < 120; pass += 1) {
    if (await is()) return;
    await one.pass();
    for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await rig.turn();
  }
  throw new Error("it never came to be so");
}

const notified = async (rig: Rig): Promise<readonly NotifiedRecord[]> =>
  ((await rig.ring())["notified"] ?? []) as NotifiedRecord[];

it("a rollout tells that it waits, starts and is done, each once, and a process that takes over tells none of it again", async () => {
  const people = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
  const rig = await createRig({
    workloads: [],
    machines: [machine("n1")],
    files: {
      "baselines/shared-images.yaml": null,
      "rings/canary.yaml": people.replace("    - baseline: shared-images\n", ""),
    },
  });
  const receiver = await startReceiver();
  const first = rig.born("ringward", { notifier: tellTo(rig, receiver) });

  await passesUntil(rig, first, () => told(receiver).length > 0);
  const pull = rig.forge.people.pulls().find(({ state }) => state === "open");
  rig.forge.people.merge(pull?.number ?? 0, "alice");
  await passesUntil(rig, first, async () => (await isConverged(rig)) && (await notified(rig)).length === 3);

  const [waiting, started, done] = told(receiver);
  const level = (await rig.ring())["levels"][0].level as string;
  expect(waiting).toMatchObject({
    event: "WaitingForApproval",
    ring: "canary",
    level,
    pullRequest: { number: pull?.number },
  });
  expect(started).toMatchObject({ event: "Started", ring: "canary", level });
  expect(done).toMatchObject({ event: "Done", ring: "canary", level });
  expect(new Set((await notified(rig)).map(({ id }) => id))).toEqual(
    new Set(receiver.deliveries.map(({ headers }) => headers["ringward-delivery"])),
  );

  const written = rig.writes.length;
  const second = rig.born("ringward-2", { notifier: tellTo(rig, receiver) });
  let passes = 0;
  await passesUntil(rig, second, () => (passes += 1) > 5);
  expect(told(receiver)).toHaveLength(3);
  expect(rig.writes.slice(written).filter(({ path }) => path.includes("/rolloutrings/"))).toEqual([]);
  expect(rig.errors.map(({ error }) => String(error))).toEqual([]);
}, 60_000);

it("a notification whose record could not be written is told once all the same while the process lives, and the record follows", async () => {
  const rig = await createRig({ workloads: [], machines: [machine("n1")] });
  const receiver = await startReceiver();
  const notifier = tellTo(rig, receiver);
  const one = rig.born("ringward", { notifier });
  await passesUntil(rig, one, () => told(receiver).length > 0);
  // The status of rings is refused for a while.
  rig.cluster.server.setFault(({ user, write, path }) =>
    rig.users.has(user) && write && path.includes("/rolloutrings/") ? { status: 500 } : "none",
  );
  let passes = 0;
  await passesUntil(rig, one, () => (passes += 1) > 6);
  const before = told(receiver).length;
  expect(new Set(receiver.deliveries.map(({ headers }) => headers["ringward-delivery"])).size).toBe(before);
  rig.cluster.server.setFault(() => "none");
  await passesUntil(rig, one, () => isConverged(rig));
  await passesUntil(rig, one, async () => (await notified(rig)).length === told(receiver).length);

  const ids = receiver.deliveries.map(({ headers }) => headers["ringward-delivery"]);
  expect(new Set(ids).size).toBe(ids.length);
  // What stands in the status is forgotten at the look after that.
  await passesUntil(rig, one, () => notifier.taken().size === 0);
}, 60_000);

it("without destinations nothing is written, and what was told before stays", async () => {
  const rig = await createRig({ workloads: [], machines: [machine("n1")] });
  const receiver = await startReceiver();
  const telling = rig.born("ringward", { notifier: tellTo(rig, receiver) });
  await passesUntil(rig, telling, async () => (await notified(rig)).length > 0);
  const before = await notified(rig);

  await rig.until("everything is patched", () => isConverged(rig));

  expect(await notified(rig)).toEqual(before);
}, 60_000);

it("commits say how far their ring is: the pull request that waits, its merge, and what Ringward committed itself", async () => {
  const rig = await createRig({
    workloads: [],
    machines: [machine("n1"), machine("n2", "early")],
    files: {
      "baselines/shared-images.yaml": null,
      "rings/canary.yaml": ringFile("canary").replace("    - baseline: shared-images\n", ""),
      "rings/early.yaml": ringFile("early", "after: [canary]")
        .replace("promotion: Automatic", "promotion: PullRequest")
        .replace("    - baseline: shared-images\n", ""),
    },
  });
  const commits = (): Notifier =>
    notifierOf(rig, { name: "commits", type: "CommitStatus", events: undefined, rings: undefined });
  const on = (commit: CommitSha): readonly string[] =>
    rig.forge.people
      .statuses(commit)
      // The promoter's verdict on its pull request is none of these.
      .filter(({ name }) => name !== "ringward/plan")
      .map(({ name, state, title }) => `${name} ${state}: ${title}`);
  const one = rig.born("ringward", { notifier: commits() });
  const open = () => rig.forge.people.pulls().find(({ state }) => state === "open");
  const start = rig.remote.people.branches().get("main") as CommitSha;

  await passesUntil(rig, one, () => open() !== undefined);
  const automatic = rig.remote.people.branches().get("main") as CommitSha;
  const { number = 0, headSha = start } = open() ?? {};
  await passesUntil(rig, one, () => on(headSha).length > 0 && on(automatic).length === 2);
  const level = (await rig.ring())["levels"][0].level as string;
  expect(on(headSha)).toEqual([`ringward/rig/early pending: Ring early waits for approval: ${level}`]);
  expect(on(automatic)).toEqual([
    `ringward/rig/canary pending: Ring canary started ${level}`,
    `ringward/rig/canary success: Ring canary is done with ${level}`,
  ]);

  const merge = rig.forge.people.merge(number, "alice");
  await passesUntil(rig, one, async () => (await isConverged(rig)) && on(merge).length === 2);
  const all = [start, automatic, headSha, merge].map(on);
  expect(all[0]).toEqual([]);
  expect(all[3]).toEqual([
    `ringward/rig/early pending: Ring early started ${level}`,
    `ringward/rig/early success: Ring early is done with ${level}`,
  ]);

  // A process that takes over says all of it again, and the forge has it already.
  const second = rig.born("ringward-2", { notifier: commits() });
  let passes = 0;
  await passesUntil(rig, second, () => (passes += 1) > 5);
  expect([start, automatic, headSha, merge].map(on)).toEqual(all);
  expect(rig.errors.map(({ error }) => String(error))).toEqual([]);
}, 60_000);
