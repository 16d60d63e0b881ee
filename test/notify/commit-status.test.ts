// Saying on commits: once each, anew only where the words are others, each failure by itself, and nothing after the lead is lost.
import { describe, expect, it, onTestFinished } from "vitest";
import type { RingLevelStatus } from "../../controller/api/rollout-ring.ts";
import { type ManualClock, manualClock } from "../../controller/clock.ts";
import type { Report } from "../../controller/forge/port.ts";
import { type Meter, MUTE_METER } from "../../controller/metrics.ts";
import type { CommitPlace } from "../../controller/notify/commit-status.ts";
import { createNotifier, type Notifier } from "../../controller/notify/notifier.ts";
import { entry, HOUR, iso, MINUTE, ring, START } from "../support/fleet.ts";
import { INSTALLED, LEVEL, lookAt, STARTED } from "../core/notify/look.ts";

const DONE: RingLevelStatus = { ...STARTED, completedTime: iso(START) };
const started = lookAt({ at: HOUR, record: STARTED });
const done = lookAt({ at: HOUR, record: DONE, input: { inventory: INSTALLED } });
/** Two rings at one level, each with a commit of its own. */
const two = lookAt({
  at: HOUR,
  policy: {
    rings: ["broad", "early"].map((name) =>
      ring(name, { levels: [entry(LEVEL)] }, { status: { levels: [{ ...STARTED, level: LEVEL.name }] } }),
    ),
  },
});

interface Bench {
  readonly clock: ManualClock;
  readonly notifier: Notifier;
  readonly place: CommitPlace;
  /** What the forge was asked to say; the next ones that it refuses. */
  readonly said: Report[];
  readonly errors: string[];
  readonly counts: Map<string, number>;
  readonly waiting: () => number | undefined;
  leads: boolean;
  /** Called in mid-report. */
  during: (report: Report) => void | Promise<void>;
  /** Looks, and lets all that follows happen. */
  readonly look: (look: typeof started, place?: CommitPlace) => Promise<void>;
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

function bench(events?: readonly ("Started" | "Done")[]): Bench {
  const clock = manualClock(START - 2 * HOUR);
  const said: Report[] = [];
  const errors: string[] = [];
  const counts = new Map<string, number>();
  let waiting: number | undefined;
  const meter: Meter = {
    ...MUTE_METER,
    counter: ({ labels }) => ({
      add: (values, by = 1) => {
        const key = labels.map((label) => values[label]).join(" ");
        counts.set(key, (counts.get(key) ?? 0) + by);
      },
    }),
    gauge: () => ({ clear: () => undefined, set: (_, value) => void (waiting = value) }),
  };
  const self: Bench = {
    clock,
    said,
    errors,
    counts,
    waiting: () => waiting,
    leads: true,
    during: () => undefined,
    place: {
      forge: {
        report: async (report) => {
          await self.during(report);
          said.push(report);
        },
      },
      commitOf: ({ name }, _, level) => Promise.resolve(level === "unknown" ? undefined : `c0ffee-${name}`),
    },
    notifier: createNotifier({
      destinations: [{ name: "commits", type: "CommitStatus", events, rings: undefined }],
      allowInsecure: false,
      clock,
      transport: clock,
      random: { next: () => 0 },
      meter,
      leads: () => self.leads,
      wake: () => undefined,
      onError: (error, where) => void errors.push(`${where}: ${(error as Error).message}`),
    }),
    async look(look, place = self.place) {
      self.notifier.look(look, place);
      await settle();
    },
  };
  onTestFinished(() => self.notifier.close());
  return self;
}

describe("a ring's commit", () => {
  it("has each word once, however many passes there are, and the next one when it changes", async () => {
    const { look, said, counts, waiting, notifier } = bench();

    for (let pass = 0; pass < 3; pass += 1) await look(started);
    for (let pass = 0; pass < 3; pass += 1) await look(done);

    const name = "ringward/test/broad";
    expect(said).toEqual([
      { name, commit: "c0ffee-broad", state: "pending", title: `Ring broad started ${LEVEL.name}` },
      { name, commit: "c0ffee-broad", state: "success", title: `Ring broad is done with ${LEVEL.name}` },
    ]);
    expect(counts).toEqual(
      new Map([
        ["commits Started sent", 1],
        ["commits Done sent", 1],
      ]),
    );
    expect(waiting()).toBe(0);
    // Nothing of it is stored: the forge knows it.
    expect(notifier.taken().size).toBe(0);
  });

  it("goes back to what was said before, when that is so again", async () => {
    const { look, said } = bench();

    for (const one of [started, done, started]) await look(one);

    expect(said.map(({ state }) => state)).toEqual(["pending", "success", "pending"]);
  });

  it("is said to again after there was nothing to say", async () => {
    const { look, said, place } = bench();

    await look(started);
    await look(started, { ...place, commitOf: () => Promise.resolve(undefined) });
    await look(started);

    expect(said).toHaveLength(2);
  });

  it("that nobody finds has nothing, and neither has what nobody asked for", async () => {
    const { look, said, place } = bench(["Done"]);

    await look(started);
    await look(done, { ...place, commitOf: () => Promise.resolve(undefined) });
    expect(said).toEqual([]);
    await look(done);
    expect(said).toHaveLength(1);
  });

  it("is said to the newest look that came while the forge took its time", async () => {
    const self = bench();
    const { promise, resolve } = Promise.withResolvers<void>();
    self.during = () => promise;

    await self.look(started);
    await self.look(two);
    await self.look(done);
    resolve();
    await settle();

    expect(self.said.map(({ state }) => state)).toEqual(["pending", "success"]);
  });
});

describe("a forge", () => {
  it("that fails is asked again later, and what it refuses for one commit keeps no other one waiting", async () => {
    const self = bench();
    self.during = ({ name }) => {
      if (name.endsWith("broad")) throw new Error("there is no such commit");
    };

    await self.look(two);
    expect(self.said).toEqual([]);
    expect(self.errors).toEqual([
      "notification commits: Started of ring broad on commit c0ffee-broad: there is no such commit; it is tried again in 5 s",
    ]);
    expect(self.waiting()).toBe(2);
    self.clock.advance(4_999);
    await self.look(two);
    expect(self.said).toEqual([]);
    self.clock.advance(1);
    await self.look(two);
    expect(self.said.map(({ commit }) => commit)).toEqual(["c0ffee-early"]);
    // It is tried once a minute, and spoken of ever more seldom.
    for (let minute = 0; minute < 240; minute += 1) {
      self.clock.advance(MINUTE);
      await self.look(two);
    }
    expect(self.counts.get("commits Started retried")).toBe(242);
    expect(self.errors).toHaveLength(8);
    self.during = () => undefined;
    self.clock.advance(MINUTE);
    await self.look(two);
    expect(self.said.map(({ commit }) => commit)).toEqual(["c0ffee-early", "c0ffee-broad"]);
    expect(self.waiting()).toBe(0);
  });

  it("that took something is a good one again: the next failure is the first one", async () => {
    const self = bench();
    const fails = (): void => {
      throw new Error("connection refused");
    };
    self.during = fails;
    for (let minute = 0; minute < 2; minute += 1) {
      await self.look(started);
      self.clock.advance(MINUTE);
    }
    self.during = () => undefined;
    await self.look(started);
    expect(self.errors).toHaveLength(2);
    self.during = fails;
    await self.look(done);

    expect(self.errors.at(-1)).toContain("Done of ring broad");
    expect(self.errors.at(-1)).toContain("it is tried again in 5 s");
    self.during = () => undefined;
    self.clock.advance(5_000);
    await self.look(done);
    expect(self.said).toHaveLength(2);
  });

  it("that was away for long hears everything within a minute", async () => {
    const self = bench();
    self.during = () => {
      throw new Error("connection refused");
    };
    for (let second = 0; second < 3_600; second += 10) {
      self.clock.advance(10_000);
      await self.look(two);
    }
    expect(self.said).toEqual([]);
    self.during = () => undefined;
    self.clock.advance(MINUTE);
    await self.look(two);

    expect(self.said).toHaveLength(2);
  });

  it("that the PolicyRepository does not name is said to be missing", async () => {
    const { look, errors, place } = bench();

    await look(started, { ...place, forge: undefined });

    expect(errors[0]).toContain("the PolicyRepository names no forge (spec.forge)");
  });

  it("is left alone where git could not say which commit it is", async () => {
    const { look, errors, place, said, clock } = bench();

    await look(started, { ...place, commitOf: () => Promise.reject(new Error("no such object")) });
    expect(errors).toEqual(["notification commits: no such object"]);
    await look(started);
    expect(said).toEqual([]);
    clock.advance(5_000);
    await look(started);
    expect(said).toHaveLength(1);
  });
});

describe("a process that does not lead", () => {
  it("says nothing, and no more from the moment on in which the lead is lost", async () => {
    const self = bench();
    self.leads = false;
    await self.look(two);
    expect(self.said).toEqual([]);

    self.leads = true;
    self.during = () => void (self.leads = false);
    await self.look(two);
    expect(self.said).toHaveLength(1);
  });

  it("tells no error that comes after it was told to forget", async () => {
    const self = bench();
    const { promise, reject } = Promise.withResolvers<void>();
    self.during = () => promise;
    await self.look(started);
    self.notifier.forget();
    reject(new Error("not leading"));
    await settle();

    expect([self.errors, self.counts.size]).toEqual([[], 0]);
  });

  it("forgets what it said: when it leads again it says it again, and the forge leaves it as it is", async () => {
    const { look, notifier, said } = bench();

    await look(started);
    notifier.forget();
    await look(started);

    expect(said).toHaveLength(2);
    expect(said[0]).toEqual(said[1]);
  });

  it("counts nothing that came back after it was told to forget", async () => {
    const self = bench();
    const { promise, resolve } = Promise.withResolvers<void>();
    self.during = () => promise;
    await self.look(started);
    self.notifier.forget();
    self.during = () => undefined;
    await self.look(started);
    resolve();
    await settle();
    await self.look(started);

    // What is said under the new lead is another report, and the only one that counts.
    expect(self.said).toHaveLength(2);
    expect(self.counts).toEqual(new Map([["commits Started sent", 1]]));
  });
});
