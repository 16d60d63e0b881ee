// Telling, over real HTTP, with servers that hang, fail, limit, redirect or send without end: nothing is told twice, nothing is lost, nobody waits, and
// nothing of a secret is ever said.
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { NotifiedRecord, RingLevelStatus } from "../../controller/api/rollout-ring.ts";
import { type ManualClock, manualClock } from "../../controller/clock.ts";
import { addNotified } from "../../controller/core/notify/index.ts";
import type { Meter } from "../../controller/metrics.ts";
import { MUTE_METER } from "../../controller/metrics.ts";
import { MOST_WAITING, createLine, pauseAfter } from "../../controller/notify/line.ts";
import { createNotifier, type Notifier } from "../../controller/notify/notifier.ts";
import { parseRetryAfter } from "../../controller/notify/post.ts";
import type { DestinationSettings } from "../../controller/notify/settings.ts";
import { INSTALLED, lookAt, STARTED } from "../core/notify/look.ts";
import { HOUR, iso, MINUTE, START } from "../support/fleet.ts";
import { hang, type Receiver, startReceiver, status } from "./receiver.ts";

const KEY = "a-key-that-both-sides-hold";
const SECRET = "canary5f0c9a41e7";

interface Bench {
  readonly clock: ManualClock;
  readonly receiver: Receiver;
  readonly counts: Map<string, number>;
  readonly errors: string[];
  readonly wakes: () => number;
  readonly urlFile: string;
  leads: boolean;
  /** A process; its destinations, or one webhook to the receiver. */
  readonly born: (destinations?: readonly Partial<DestinationSettings>[]) => Notifier;
  readonly destination: (rest?: Partial<DestinationSettings>) => DestinationSettings;
  readonly file: (name: string, text: string) => string;
}

async function bench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "ringward-notify-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file: Bench["file"] = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const clock = manualClock(START - 2 * HOUR);
  const receiver = await startReceiver();
  const urlFile = file("url", `${receiver.url}/hook?token=${SECRET}\n`);
  const counts = new Map<string, number>();
  const errors: string[] = [];
  let wakes = 0;
  const meter: Meter = {
    ...MUTE_METER,
    counter: ({ name, labels }) => ({
      add: (values, by = 1) => {
        const key = [name, ...labels.map((label) => values[label])]
          .join(" ")
          .replace("ringward_notifications_total ", "");
        counts.set(key, (counts.get(key) ?? 0) + by);
      },
    }),
  };
  const destination: Bench["destination"] = (rest) => ({
    name: "hook",
    type: "Webhook",
    urlFile,
    events: undefined,
    rings: undefined,
    ...rest,
  });
  const self: Bench = {
    clock,
    receiver,
    counts,
    errors,
    wakes: () => wakes,
    urlFile,
    leads: true,
    destination,
    file,
    born(destinations = [{}]) {
      const notifier = createNotifier({
        destinations: destinations.map(destination),
        allowInsecure: true,
        clock,
        transport: clock,
        random: { next: () => 0 },
        meter,
        leads: () => self.leads,
        wake: () => void (wakes += 1),
        onError: (error, where) => void errors.push(`${where}: ${(error as Error).message}`),
      });
      onTestFinished(() => notifier.close());
      return notifier;
    },
  };
  return self;
}

const DONE: RingLevelStatus = { ...STARTED, completedTime: iso(START), soakedTime: iso(START) };
const look = (record: RingLevelStatus | undefined, notified: readonly NotifiedRecord[] = []) =>
  lookAt({
    at: HOUR,
    record,
    status: { levels: record === undefined ? [] : [record], notified: [...notified] },
    ...(record?.completedTime === undefined ? {} : { input: { inventory: INSTALLED } }),
  });

/** Real sockets need real turns of the event loop. */
async function until(is: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !is(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(is()).toBe(true);
}
/** Long enough for an answer on this machine to have come. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
const taken = (notifier: Notifier): readonly NotifiedRecord[] => notifier.taken().get("broad") ?? [];

describe("a webhook", () => {
  it("gets a signed document with an id, and what was taken is handed to the pass", async () => {
    const { born, receiver, file, wakes, counts } = await bench();
    const notifier = born([{ hmacKeyFile: file("key", `${KEY}\n`) }]);

    notifier.look(look(STARTED));
    await until(() => taken(notifier).length === 1);

    const [{ headers, body, path } = { headers: {}, body: "", path: "" }] = receiver.deliveries;
    const { id, event } = JSON.parse(body) as { readonly id: string; readonly event: string };
    expect(path).toBe(`/hook?token=${SECRET}`);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "ringward-delivery": id,
      "ringward-event": "Started",
      "ringward-signature": `sha256=${createHmac("sha256", KEY).update(body).digest("hex")}`,
    });
    expect(event).toBe("Started");
    expect(taken(notifier)).toEqual([{ id, destination: "hook", time: STARTED.startedTime }]);
    expect(wakes()).toBe(1);
    expect(counts).toEqual(new Map([["hook Started sent", 1]]));
  });

  it("is told nothing twice: pass after pass, and by the next process", async () => {
    const { born, receiver } = await bench();
    const first = born();

    for (let pass = 0; pass < 3; pass += 1) first.look(look(DONE));
    await until(() => taken(first).length === 2);
    for (let pass = 0; pass < 3; pass += 1) first.look(look(DONE));
    const stored = addNotified([], taken(first));
    first.look(look(DONE, stored));
    expect(taken(first)).toEqual([]);
    const second = born();
    second.look(look(DONE, stored));
    await quiet();
    second.look(look(DONE, stored));
    await quiet();

    expect(receiver.deliveries.map(({ headers }) => headers["ringward-event"])).toEqual(["Started", "Done"]);
  });

  it("is told again, under the same id, what was taken and never written down", async () => {
    const { born, receiver } = await bench();
    const first = born();
    const second = born();

    first.look(look(STARTED));
    await receiver.came(1);
    await first.close();
    second.look(look(STARTED));
    await receiver.came(2);

    const [one, two] = receiver.deliveries.map(({ headers }) => headers["ringward-delivery"]);
    expect(one).toBe(two);
  });

  it("hears nothing of the time before the first process that tells", async () => {
    const { born, receiver, clock } = await bench();
    clock.advance(HOUR + MINUTE);
    const notifier = born();

    notifier.look(look(STARTED));
    notifier.look(look(DONE));
    await until(() => taken(notifier).length === 1);

    expect(receiver.deliveries.map(({ headers }) => headers["ringward-event"])).toEqual(["Done"]);
  });
});

describe("a server", () => {
  it("that fails is asked again, ever more seldom, and then has everything in order", async () => {
    const { born, receiver, clock, errors, counts } = await bench();
    const notifier = born();
    receiver.answer(status(500), status(503), status(200));

    notifier.look(look(DONE));
    await until(() => errors.length === 1);
    clock.advance(4_999);
    notifier.look(look(DONE));
    await quiet();
    expect(receiver.deliveries).toHaveLength(1);
    clock.advance(1);
    await until(() => errors.length === 2);
    clock.advance(10_000);
    await until(() => taken(notifier).length === 2);

    expect(receiver.deliveries.map(({ headers }) => headers["ringward-event"])).toEqual([
      "Started",
      "Started",
      "Started",
      "Done",
    ]);
    expect(errors).toEqual([
      "notification hook: Started of ring broad: it answers 500; it is tried again in 5 s",
      "notification hook: Started of ring broad: it answers 503; it is tried again in 10 s",
    ]);
    expect(counts).toEqual(
      new Map([
        ["hook Started retried", 2],
        ["hook Started sent", 1],
        ["hook Done sent", 1],
      ]),
    );
  });

  it("that limits is left alone for as long as it says", async () => {
    const { born, receiver, clock, errors } = await bench();
    const notifier = born();
    receiver.answer(status(429, { "retry-after": "120" }), status(200));

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);
    clock.advance(119_999);
    await quiet();
    expect(receiver.deliveries).toHaveLength(1);
    clock.advance(1);
    await until(() => taken(notifier).length === 1);
  });

  it("that hangs is given up after ten seconds, and holds up no other destination", async () => {
    const { born, receiver, clock, errors, file } = await bench();
    const other = await startReceiver();
    const notifier = born([{}, { name: "chat", type: "Slack", urlFile: file("other", other.url) }]);
    receiver.answer(hang);

    notifier.look(look(STARTED));
    await Promise.all([receiver.came(1), until(() => taken(notifier).length === 1)]);
    expect(taken(notifier)[0]?.destination).toBe("chat");
    expect(JSON.parse(other.deliveries[0]?.body ?? "")).toHaveProperty("blocks");
    clock.advance(10_000);
    await until(() => errors.length === 1);

    expect(errors[0]).toContain("no answer within 10 s; it is tried again in 5 s");
  });

  it.each([
    [400, "it answers 400; it is not tried again"],
    [410, "it answers 410; it is not tried again"],
    [307, "it answers 307: redirects are not followed; it is not tried again"],
  ])("that answers %d is not asked for that one again, and is for the next", async (code, said) => {
    const { born, receiver, clock, errors, counts } = await bench();
    const elsewhere = await startReceiver();
    const notifier = born();
    receiver.answer(status(code, { location: elsewhere.url }), status(200));

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);
    clock.advance(2 * HOUR);
    notifier.look(look(STARTED));
    notifier.look(look(DONE));
    await until(() => taken(notifier).length === 1);

    expect(errors).toEqual([`notification hook: Started of ring broad: ${said}`]);
    expect(receiver.deliveries.map(({ headers }) => headers["ringward-event"])).toEqual(["Started", "Done"]);
    expect(elsewhere.deliveries).toEqual([]);
    expect(counts.get("hook Started refused")).toBe(1);
  });

  it("that sends without end has taken it, and is not read to it", async () => {
    const { born, receiver } = await bench();
    const notifier = born();
    let sent = 0;
    receiver.answer((response: ServerResponse) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write("x".repeat(16_384))) sent += 16_384;
      };
      response.on("drain", more);
      more();
    });

    notifier.look(look(STARTED));
    await until(() => taken(notifier).length === 1);

    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });

  it("that is not there is asked again, and its address is said nowhere", async () => {
    const { born, errors, urlFile, file } = await bench();
    const notifier = born();
    file("url", `http://127.0.0.1:1/${SECRET}`);

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);

    expect(errors[0]).toContain("ECONNREFUSED");
    expect(errors[0]).not.toContain(SECRET);
    expect(urlFile).not.toContain(SECRET);
  });
});

describe("the file of an address", () => {
  it.each([
    ["is not there", undefined, "cannot be read: ENOENT"],
    ["is empty", "", "does not hold an address"],
    ["holds two", `http://a.invalid/${SECRET}\nhttp://b.invalid/`, "does not hold an address"],
    ["is of another kind", `ftp://a.invalid/${SECRET}`, "is not https"],
    ["holds a password", `https://user:${SECRET}@a.invalid/`, "holds a user or password"],
  ])("that %s is said without what it holds, and read anew the next time", async (_, text, said) => {
    const { born, receiver, clock, errors, urlFile, file } = await bench();
    const notifier = born();
    if (text === undefined) rmSync(urlFile);
    else file("url", text);

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);
    expect(errors[0]).toContain(said);
    expect(errors[0]).not.toContain(SECRET);
    file("url", `${receiver.url}/rotated`);
    clock.advance(5_000);
    await receiver.came(1);

    expect(receiver.deliveries[0]?.path).toBe("/rotated");
  });

  it("must hold https where nobody allowed otherwise", async () => {
    const { destination, clock, receiver, errors } = await bench();
    const notifier = createNotifier({
      destinations: [destination()],
      allowInsecure: false,
      clock,
      transport: clock,
      random: { next: () => 0 },
      meter: MUTE_METER,
      leads: () => true,
      wake: () => undefined,
      onError: (error) => void errors.push((error as Error).message),
    });
    onTestFinished(() => notifier.close());

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);

    expect(errors[0]).toContain("is not https");
    expect(receiver.deliveries).toEqual([]);
  });

  it("of a key that is too short sends nothing unsigned", async () => {
    const { born, receiver, errors, file } = await bench();
    const notifier = born([{ hmacKeyFile: file("key", "short") }]);

    notifier.look(look(STARTED));
    await until(() => errors.length === 1);

    expect(errors[0]).toMatch(/the key in .* is shorter than 16 characters/);
    expect(receiver.deliveries).toEqual([]);
  });
});

describe("a process that does not lead", () => {
  it("tells nothing", async () => {
    const self = await bench();
    const notifier = self.born();
    self.leads = false;

    notifier.look(look(STARTED));
    await quiet();

    expect([self.receiver.deliveries, self.counts.size]).toEqual([[], 0]);
  });

  it("tells no more from the moment on in which the lead is lost, whoever has noticed", async () => {
    const self = await bench();
    const notifier = self.born();
    self.receiver.answer((response) => {
      self.leads = false;
      status(200)(response);
    });
    // Started and Done wait.
    notifier.look(look(DONE));
    await until(() => taken(notifier).length === 1);
    await quiet();

    expect(self.receiver.deliveries.map(({ headers }) => headers["ringward-event"])).toEqual(["Started"]);
  });

  it("forgets what waits, and tells nothing when the pause is over", async () => {
    const self = await bench();
    const notifier = self.born();
    self.receiver.answer(status(500));
    notifier.look(look(STARTED));
    await until(() => self.errors.length === 1);

    self.leads = false;
    notifier.forget();
    self.clock.advance(HOUR);
    await quiet();

    expect(self.receiver.deliveries).toHaveLength(1);
  });
});

describe("those who wait", () => {
  const note = (id: string, event: "Started" | "Failed" | "Blocked") => ({
    id,
    event,
    cluster: "c",
    ring: "r",
    at: 0,
    title: "",
    text: "",
  });

  it("are so many at most; the oldest that say Started go first, and do not come again", () => {
    const line = createLine();
    const failed = Array.from({ length: MOST_WAITING }, (_, index) => note(`f${index}`, "Failed"));
    const all = [note("s1", "Started"), ...failed, note("s2", "Started"), note("last", "Failed")];

    expect(line.join(all).dropped.map(({ id }) => id)).toEqual(["s1", "s2", "f0"]);
    expect(line.length()).toBe(MOST_WAITING);
    expect(line.join(all)).toEqual({ dropped: [], outdated: [] });
    expect(line.first()?.id).toBe("f1");
  });

  it("are not told what is over by now, but for what happened", () => {
    const line = createLine();
    line.join([note("b", "Blocked"), note("f", "Failed")]);

    expect(line.join([]).outdated.map(({ id }) => id)).toEqual(["b"]);
    expect(line.first()?.id).toBe("f");
  });

  it("wait from 5 s up to an hour, by chance up to half as long", () => {
    const pauses = (chance: number) => [1, 2, 5, 50].map((failures) => pauseAfter(failures, { next: () => chance }));

    expect(pauses(0)).toEqual([5_000, 10_000, 80_000, HOUR]);
    expect(pauses(1)).toEqual([2_500, 5_000, 40_000, HOUR / 2]);
  });
});

it.each([
  [undefined, 0],
  ["0", 0],
  ["120", 120_000],
  ["999999999", HOUR],
  ["Mon, 16 Dec 2024 08:01:00 GMT", undefined],
  ["soon", 0],
  ["-5", 0],
])("Retry-After %s is %s ms", (text, ms) => {
  const now = Date.parse("2024-12-16T08:00:00Z");

  expect(parseRetryAfter(text, now)).toBe(ms ?? MINUTE);
});
