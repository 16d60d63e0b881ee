// What there is to tell of a plan: each thing under one id for as long as it is the same, and nothing that is part of every rollout.
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { Reason } from "../../../controller/api/reasons.ts";
import { findNotifications } from "../../../controller/core/notify/index.ts";
import { HOUR, iso, MINUTE, nodeAsset, inventory, START } from "../../support/fleet.ts";
import { INSTALLED, LEVEL, lookAt, type Moment, NODE, OPERATION, PULL, STARTED } from "./look.ts";

const found = (moment: Moment) => findNotifications(lookAt(moment));
const told = (moment: Moment): readonly string[] => found(moment).map(({ event, title }) => `${event}: ${title}`);
const ids = (moment: Moment): readonly string[] => found(moment).map(({ id }) => id);

describe("a level", () => {
  it("that was only offered tells nothing", () => {
    const { startedTime: _, ...offered } = STARTED;

    expect(told({ record: offered })).toEqual([]);
  });

  it("tells that it started, and then that it is done, each at its time", () => {
    const done = { ...STARTED, completedTime: iso(START - MINUTE), targets: 1, done: 1 };
    const finds = found({ record: done, input: { inventory: INSTALLED } });

    expect(told({ record: STARTED })).toEqual([`Started: Ring broad started ${LEVEL.name}`]);
    expect(finds.map(({ event, title, at, level }) => ({ event, title, at, level }))).toEqual([
      { event: "Started", title: `Ring broad started ${LEVEL.name}`, at: START - HOUR, level: LEVEL.name },
      { event: "Done", title: `Ring broad is done with ${LEVEL.name}`, at: START - MINUTE, level: LEVEL.name },
    ]);
    expect(finds[1]?.text).toBe("1 of 1 target verified. It soaks for 1h.");
  });

  it("keeps its ids whatever else changes, and has others in another ring or cluster", () => {
    const [one] = ids({ record: STARTED });

    expect(ids({ at: HOUR, record: { ...STARTED, startedTime: iso(START) } })).toEqual([one]);
    expect(ids({ record: STARTED, policy: { clusterName: "other" } })[0]).not.toBe(one);
  });

  it("that was taken back tells nothing", () => {
    const record = { ...STARTED, withdrawnTime: iso(START - MINUTE) };

    expect(told({ record, spec: { levels: [{ baseline: "ubuntu" }] } })).toEqual([]);
  });
});

describe("an approval", () => {
  it("is waited for once for each pull request, with its address", () => {
    const finds = found({ approvals: [PULL], spec: { levels: [{ baseline: "ubuntu" }] } });

    expect(finds).toMatchObject([
      {
        event: "WaitingForApproval",
        title: `Ring broad waits for approval: ${LEVEL.name}`,
        level: LEVEL.name,
        baseline: "ubuntu",
        at: START - HOUR,
        pull: { number: 7, url: PULL.url },
      },
    ]);
  });

  it("of several levels in one pull request is one", () => {
    const second = { ...PULL, baseline: "debian", digest: "0123456789ab" };

    expect(told({ approvals: [PULL, second] })).toEqual([
      "WaitingForApproval: Ring broad waits for approval: 2 levels",
    ]);
    expect(ids({ approvals: [PULL, second] })).toEqual(ids({ approvals: [PULL] }));
  });

  it("without a forge is a branch", () => {
    const [branch] = found({ approvals: [{ ...PULL, number: 0, url: undefined, openedAt: undefined }] });

    expect(branch?.text).toBe(`Merging branch ${PULL.branch} approves it.`);
    expect(branch).not.toHaveProperty("pull");
    expect(branch?.at).toBe(START);
  });

  it.each([
    [
      "a ring that Ringward promotes itself",
      { spec: { promotion: "Automatic" as const, levels: [{ baseline: "ubuntu" }] } },
    ],
    ["a ring that is not there", { approvals: [{ ...PULL, ring: "gone" }] }],
    ["a cluster that does not propose", { policy: { proposer: false } }],
  ])("of %s waits for nobody here", (_, moment) => {
    expect(told({ approvals: [PULL], ...moment })).toEqual([]);
  });
});

describe("an Automatic ring", () => {
  it("waits for a person where its file does not list the baseline", () => {
    expect(told({ approvals: [PULL], spec: { promotion: "Automatic", levels: [] } })).toEqual([
      `WaitingForApproval: Ring broad waits for approval: ${LEVEL.name}`,
    ]);
  });
});

describe("a block", () => {
  const brake = (reason: Reason) => [{ reason, message: "why <it> stands" }];
  const blocked = (reason: Reason, since: number, at = 0): Moment => ({
    at,
    policy: { brakes: brake(reason) },
    status: { blockedBy: [{ reason, message: "", since: iso(START + since) }] },
  });

  it("tells after a quarter of an hour, and not before", () => {
    expect(told(blocked("HistoryRewritten", -15 * MINUTE + 1_000))).toEqual([]);
    expect(told(blocked("HistoryRewritten", -15 * MINUTE))).toEqual([
      "Blocked: Ring broad is blocked: HistoryRewritten",
    ]);
  });

  it("is the same one while it stands, and another one when it came back", () => {
    const first = ids(blocked("HistoryRewritten", -HOUR));

    expect(ids(blocked("HistoryRewritten", -HOUR, MINUTE))).toEqual(first);
    expect(ids(blocked("HistoryRewritten", -30 * MINUTE))).not.toEqual(first);
    expect(ids(blocked("RepositoryStale", -HOUR))).not.toEqual(first);
  });

  it("whose time is not stored yet tells nothing", () => {
    expect(told({ policy: { brakes: brake("HistoryRewritten") } })).toEqual([]);
  });

  it.each(["OutsideWindow", "Frozen", "Deferred", "PredecessorNotSoaked", "Observing"] as const)(
    "of reason %s is routine",
    (reason) => {
      expect(told(blocked(reason, -HOUR))).toEqual([]);
    },
  );

  it("of single targets is told once for a reason and level, with how many there are", () => {
    const other = nodeAsset("n2", { labels: { ring: "broad" } });
    const unready = (name: string) => nodeAsset(name, { labels: { ring: "broad" }, ready: false });
    const state = (uid: string, since: number): [string, NodePatchStateStatus] => [
      uid,
      { targetUID: uid, blockedBy: [{ reason: "NodeNotReady", message: "", since: iso(START + since) }] },
    ];
    const at = (first: number, second: number): Moment => ({
      record: STARTED,
      input: {
        inventory: inventory([unready("n1"), unready("n2")]),
        stored: { nodes: new Map([state(NODE.uid, first), state(other.uid, second)]), workloads: new Map() },
      },
    });
    const blocks = (moment: Moment) => found(moment).filter(({ event }) => event === "Blocked");

    expect(blocks(at(-MINUTE, -MINUTE))).toEqual([]);
    expect(blocks(at(-HOUR, -20 * MINUTE))).toMatchObject([
      { title: "Node n1 and 1 more of ring broad blocked: NodeNotReady", level: LEVEL.name, reason: "NodeNotReady" },
    ]);
    expect(blocks(at(-MINUTE, -20 * MINUTE)).map(({ id }) => id)).toEqual(blocks(at(-HOUR, -HOUR)).map(({ id }) => id));
  });
});

describe("a failure", () => {
  const failing = (rest: object): Moment => ({
    record: STARTED,
    state: {
      targetUID: NODE.uid,
      operation: {
        ...OPERATION,
        failure: { reason: "StepFailed", message: "apt <script> ended with 100", time: iso(START) },
        ...rest,
      },
    },
  });
  const failures = (moment: Moment) => found(moment).filter(({ event }) => event === "Failed");

  it("is told once for each attempt of a target", () => {
    const [one, ...more] = failures(failing({}));

    expect(more).toEqual([]);
    expect(one).toMatchObject({
      title: "Node n1 of ring broad failed: StepFailed",
      text: "apt <script> ended with 100",
      reason: "StepFailed",
      at: START,
    });
    expect(failures(failing({ stepTime: iso(START) })).map(({ id }) => id)).toEqual([one?.id]);
    expect(failures(failing({ attempt: 2 })).map(({ id }) => id)).not.toEqual([one?.id]);
  });

  it("that halts a ring is told once more, when the halt is stored", () => {
    const halted = { ...failing({}), spec: { budget: { maxFailures: 0 } } };
    const stored = { ...halted, status: { blockedBy: [{ reason: "RingHalted", message: "", since: iso(START) }] } };

    expect(failures(halted)).toHaveLength(1);
    expect(failures({ ...stored, status: { ...stored.status, levels: [STARTED] } }).map(({ title }) => title)).toEqual([
      "Ring broad is halted",
      "Node n1 of ring broad failed: StepFailed",
    ]);
  });
});

it("a long message of somebody else is cut, and lines are joined", () => {
  const [one] = found({
    state: {
      targetUID: NODE.uid,
      operation: {
        ...OPERATION,
        failure: { reason: "StepFailed", message: `a\n\nb${"x".repeat(5_000)}`, time: iso(START) },
      },
    },
  }).filter(({ event }) => event === "Failed");

  expect(one?.text).toHaveLength(600);
  expect(one?.text.startsWith("a bxxx")).toBe(true);
});
