// There and back again: what is wanted becomes more, and then what it was. Images and levels that are Exact return to where they were; of floors nothing is
// changed, and it is said that the nodes are above (DESIGN: "Withdrawal"; B12, R3, V1 beside the others).
import { beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { createChecker } from "../../controller/sandbox/invariants/index.ts";
import { SMALL } from "../simulate/small.ts";
import { compareEndStates, type EndState, readEndState } from "./end-state.ts";
import { branchOf, judgeHouse } from "./house.ts";
import { beBorn, createFate } from "./life.ts";
import { CONTROLLER_USERS, createQuiet, isIdle } from "./run.ts";
import { createStage, type MemoryStage, portsOf } from "./stage.ts";

type Files = Readonly<Record<string, string>>;

/** What is wanted at first, beside what the examples want. */
const EARLIER: readonly (readonly [path: string, now: string, before: string])[] = [
  ["baselines/ubuntu-2204.yaml", "5.15.0-125-generic", "5.15.0-122-generic"],
  ["baselines/ubuntu-2204.yaml", "kubelet: 1.31.4", "kubelet: 1.31.2"],
  ["baselines/ubuntu-2204.yaml", "containerd://1.7.24", "containerd://1.7.22"],
  ["baselines/shared-images.yaml", "tag: 1.27.3", "tag: 1.27.2"],
];

function earlier(files: Files, enforce: "Floor" | "Exact"): Files {
  const changed: Record<string, string> = { ...files };
  for (const [path, now, before] of EARLIER) {
    if (changed[path]?.includes(now) !== true) throw new Error(`${path} does not say ${now}`);
    changed[path] = changed[path].replace(now, before);
  }
  for (const path of ["rings/canary.yaml", "rings/early.yaml"])
    changed[path] = (changed[path] ?? "").replace(
      "- baseline: ubuntu-2204\n",
      `- baseline: ubuntu-2204\n      enforce: ${enforce}\n`,
    );
  return changed;
}

const MOST_PASSES = 400;

interface Journey {
  readonly stage: MemoryStage;
  readonly first: EndState;
  readonly there: EndState;
  readonly back: EndState;
  readonly problems: readonly string[];
  readonly passes: number;
}

/** To the first state, on to the second, and back to the first. */
async function travel(enforce: "Floor" | "Exact"): Promise<Journey> {
  const wanted = await SMALL.policy();
  const scenario = { ...SMALL, policy: () => Promise.resolve(earlier(wanted, enforce)) };
  const stage = await createStage(1, scenario);
  const { people } = stage.remote;
  const fate = createFate(0);
  const life = beBorn(stage, "ringward/0", portsOf(stage, "ringward/0"), fate);
  let passes = 0;
  /** Until all is done, and nothing is for as long as it takes to hear of a commit. */
  const settle = async (): Promise<EndState> => {
    const quiet = createQuiet({ ...stage, scenario: { ...scenario, quietPasses: 4 } });
    for (let pass = 0; pass < MOST_PASSES; pass += 1) {
      const before = fate.count;
      const result = await life.pass();
      passes += 1;
      if (await quiet(result, fate.count - before)) return readEndState(stage);
      await stage.turn(isIdle(result, fate.count - before));
    }
    throw new Error(`it did not come to its end in ${MOST_PASSES} passes`);
  };
  const commit = (files: Files, message: string): void =>
    void people.commitFiles("main", files, { message, time: stage.clock.now() });
  const textOf = (path: string): string => people.text("main", path) ?? "";
  const pick = (paths: readonly string[]): Files => Object.fromEntries(paths.map((path) => [path, textOf(path)]));

  const first = await settle();
  const approved = pick([...new Set(EARLIER.map(([path]) => path)), "rings/canary.yaml", "rings/early.yaml"]);
  commit(Object.fromEntries(EARLIER.map(([path]) => [path, wanted[path] ?? ""])), "more");
  const there = await settle();
  commit(approved, "back to what it was");
  const back = await settle();
  const checker = createChecker({ controllerUsers: CONTROLLER_USERS, git: branchOf(stage) });
  checker.feed(stage.cluster.server.store.history());
  const problems = [
    ...checker.finish().violations.map(({ invariant, object, message }) => `${invariant} ${object}: ${message}`),
    ...judgeHouse(stage, fate.requests, new Map()),
    ...life.errors.map(String),
  ];
  return { stage, first, there, back, problems, passes };
}

/** What runs: nodes, workloads and the machines beneath, but how often they booted. */
function running(state: EndState, what: RegExp): EndState {
  return Object.fromEntries(Object.entries(state).filter(([key]) => what.test(key)));
}

const NODES = /^nodes\//;
/** Jobs under a claim. */
const JOBS = /^count jobs /;
const IMAGES = /^deployments\.apps\//;

describe.each(["Floor", "Exact"] as const)("there and back again with %s", (enforce) => {
  let journey: Journey;
  beforeAll(async () => {
    const begun = systemClock.monotonic();
    journey = await travel(enforce);
    const seconds = ((systemClock.monotonic() - begun) / 1000).toFixed(1);
    process.stdout.write(`there and back again with ${enforce}: ${journey.passes} passes, ${seconds} s\n`);
  }, 600_000);

  it("breaks no promise, and the way was long enough to say something", () => {
    expect(journey.problems).toEqual([]);
    const { first, there } = journey;
    expect(compareEndStates(running(first, NODES), running(there, NODES))).toHaveLength(4);
    expect(compareEndStates(running(first, IMAGES), running(there, IMAGES))).toHaveLength(1);
  });

  it("brings images back to where they were", () => {
    expect(compareEndStates(running(journey.first, IMAGES), running(journey.back, IMAGES))).toEqual([]);
  });

  it("brings nodes of an Exact entry back, and leaves those above a floor as they are", () => {
    const { first, there, back, stage } = journey;
    expect(compareEndStates(running(enforce === "Exact" ? first : there, NODES), running(back, NODES))).toEqual([]);

    const { tables } = stage.cluster.server.store.snapshot();
    const levels = listAt(tables.get("rolloutrings.ringward.dev")?.objects.get("early")?.["status"], "levels");
    const withdrawn = levels.filter((level) => textAt(level, "withdrawnTime") !== undefined);
    expect(withdrawn.map((level) => textAt(level, "baseline"))).toEqual(["shared-images", "ubuntu-2204"]);
    // Beside what it withdrew the ring says of a node above a floor that it is as it should be, and nothing ran on it.
    if (enforce === "Floor") expect(running(back, JOBS)).toEqual(running(there, JOBS));
    for (const node of tables.get("nodepatchstates.ringward.dev")?.objects.values() ?? [])
      expect(textAt(node["status"], "state")).toBe("Installed");
  });
});
