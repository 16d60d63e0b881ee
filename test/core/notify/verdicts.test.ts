// What stands on commits: of each level the word that counts now, and nothing of what is over.
import { describe, expect, it } from "vitest";
import type { RingLevelStatus } from "../../../controller/api/rollout-ring.ts";
import type { OpenApproval } from "../../../controller/core/metrics/index.ts";
import {
  type Audience,
  findLevelVerdicts,
  findNotifications,
  findPullVerdicts,
  joinVerdicts,
  type LevelVerdict,
} from "../../../controller/core/notify/index.ts";
import { HOUR, inventory, iso, MINUTE, nodeAsset, ring, START } from "../../support/fleet.ts";
import { INSTALLED, LEVEL, lookAt, type Moment, NODE, OPERATION, PULL, STARTED } from "./look.ts";

const ALL: Audience = { name: "commits", events: undefined, rings: undefined };

function verdicts(moment: Moment, audience = ALL): readonly LevelVerdict[] {
  const look = lookAt(moment);
  return findLevelVerdicts(look, findNotifications(look), audience);
}
const said = (moment: Moment, audience = ALL): readonly string[] =>
  verdicts(moment, audience).map(({ state, title }) => `${state}: ${title}`);

const DONE: RingLevelStatus = { ...STARTED, completedTime: iso(START - MINUTE), targets: 1, done: 1 };
const FAILED = { reason: "StepFailed" as const, message: "exit 1", time: iso(START - MINUTE) };
const STUCK: Moment = {
  policy: { brakes: [{ reason: "HistoryRewritten", message: "" }] },
  status: { blockedBy: [{ reason: "HistoryRewritten", message: "", since: iso(START - HOUR) }] },
};

describe("a level of a ring", () => {
  it("that nothing began of says nothing", () => {
    const { startedTime: _, ...offered } = STARTED;

    expect(said({ record: offered })).toEqual([]);
  });

  it("is pending from its start on, and then done", () => {
    expect(said({ record: STARTED })).toEqual([`pending: Ring broad started ${LEVEL.name}`]);
    expect(said({ record: DONE, input: { inventory: INSTALLED } })).toEqual([
      `success: Ring broad is done with ${LEVEL.name}`,
    ]);
  });

  it("has failed while a target of it has, and not any more once that is tried again", () => {
    const failed = { operation: { ...OPERATION, failure: FAILED } };

    expect(said({ record: STARTED, state: failed })).toEqual(["failure: Node n1 of ring broad failed: StepFailed"]);
    expect(said({ record: STARTED, state: { operation: { ...OPERATION, attempt: 2 } } })).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
    ]);
  });

  it("is pending with what blocks its ring, also before it began", () => {
    const { startedTime: _, ...offered } = STARTED;

    for (const record of [STARTED, offered])
      expect(said({ ...STUCK, record })).toEqual(["pending: Ring broad is blocked: HistoryRewritten"]);
  });

  it("has failed rather than being blocked, and is not concerned by what another level does", () => {
    const failed = { ...OPERATION, failure: FAILED };

    const spec = { budget: { nodes: 2, maxFailures: 1 } };

    // One that waits: else nothing is blocked.
    const input = { inventory: inventory([NODE, nodeAsset("n2", { labels: { ring: "broad" } })]) };

    expect(said({ ...STUCK, spec, input, record: STARTED, state: { operation: failed } })).toEqual([
      "failure: Node n1 of ring broad failed: StepFailed",
    ]);
    expect(said({ record: STARTED, state: { operation: { ...failed, level: "ubuntu-before" } } })).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
    ]);
  });

  it("that is done is done, also where targets failed on the way", () => {
    const state = { operation: { ...OPERATION, failure: FAILED } };
    const other = nodeAsset("n2", { labels: { ring: "broad" }, kernelVersion: "5.15.0-110-generic" });
    const spec = { completion: { minPercent: 50 }, budget: { nodes: 2, maxFailures: 1 } };

    expect(said({ record: DONE, state, spec, input: { inventory: inventory([NODE, other]) } })).toEqual([
      `success: Ring broad is done with ${LEVEL.name}`,
    ]);
  });

  it("that is done is done, whatever blocks its ring now", () => {
    expect(said({ ...STUCK, record: DONE, input: { inventory: INSTALLED } })).toEqual([
      `success: Ring broad is done with ${LEVEL.name}`,
    ]);
  });

  it("says of its events only those that are asked for, and of its ring only where that is asked for", () => {
    const failed: Moment = {
      record: STARTED,
      state: { operation: { ...OPERATION, failure: FAILED } },
    };

    expect(said(failed, { ...ALL, events: ["Started", "Done"] })).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
    ]);
    expect(said(failed, { ...ALL, events: ["Done"] })).toEqual([]);
    expect(said(failed, { ...ALL, rings: ["broad"] })).toHaveLength(1);
    expect(said(failed, { ...ALL, rings: ["other"] })).toEqual([]);
  });

  it("of a ring that people change with kubectl has no commit", () => {
    const own = ring("broad", { levels: [{ baseline: "ubuntu", level: LEVEL.name }] });
    const rings = [{ ...own, authority: { kind: "Cluster" as const }, status: { levels: [STARTED] } }];

    expect(said({ policy: { rings } })).toEqual([]);
  });
});

describe("the level before", () => {
  const before: RingLevelStatus = { ...STARTED, level: "ubuntu-before", digest: "sha256:before" };
  const after = (older: RingLevelStatus, record?: RingLevelStatus): Moment => ({
    record,
    status: { levels: record === undefined ? [older] : [older, record] },
  });

  it("that was begun and never completed was not completed, whatever became of the next", () => {
    expect(said(after(before, STARTED))).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
      `failure: Ring broad did not complete ubuntu-before: ${LEVEL.name} took its place`,
    ]);
  });

  it("is the newest one before", () => {
    const oldest = { ...before, level: "ubuntu-oldest", digest: "sha256:oldest" };
    const completed = { ...before, completedTime: iso(START - HOUR) };

    expect(said({ record: STARTED, status: { levels: [oldest, completed, STARTED] } })).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
    ]);
  });

  it("whose approval was taken back was not completed", () => {
    const withdrawn = { ...STARTED, withdrawnTime: iso(START - MINUTE) };

    expect(said({ record: withdrawn, spec: { levels: [{ baseline: "ubuntu" }] } })).toEqual([
      `failure: Ring broad did not complete ${LEVEL.name}: its approval was taken back`,
    ]);
  });

  it.each([
    ["that was completed", { completedTime: iso(START - HOUR) }],
    ["that was completed, and then had a target more", { soakedTime: iso(START - HOUR) }],
    ["that was never begun", { startedTime: undefined }],
  ])("%s is not said to have failed", (_, change) => {
    const { startedTime, ...rest } = { ...before, ...change };

    expect(said(after(startedTime === undefined ? rest : { ...rest, startedTime }, STARTED))).toEqual([
      `pending: Ring broad started ${LEVEL.name}`,
    ]);
  });

  it("is not spoken of to those who do not want to hear of failures", () => {
    expect(said(after(before, STARTED), { ...ALL, events: ["Started"] })).toHaveLength(1);
  });
});

describe("a pull request that asks for an approval", () => {
  const on = (approvals: readonly OpenApproval[], audience = ALL) => {
    const look = lookAt({ approvals, spec: { levels: [{ baseline: "ubuntu" }] } });
    return findPullVerdicts(look, findNotifications(look), audience);
  };

  it("has it on its head, and only there", () => {
    expect(on([PULL])).toMatchObject([
      {
        name: "ringward/test/broad",
        commit: "f00d",
        state: "pending",
        title: `Ring broad waits for approval: ${LEVEL.name}`,
      },
    ]);
    expect(said({ approvals: [PULL], spec: { levels: [{ baseline: "ubuntu" }] } })).toEqual([]);
  });

  it.each([
    ["whose head nobody knows", [{ ...PULL, head: undefined }], ALL],
    ["of a ring that nobody asks about", [PULL], { ...ALL, rings: ["other"] }],
    ["where nobody wants to hear that it waits", [PULL], { ...ALL, events: ["Done" as const] }],
  ])("%s has nothing", (_, approvals, audience) => {
    expect(on(approvals, audience)).toEqual([]);
  });
});

describe("several levels", () => {
  const look = lookAt({ record: STARTED });
  const [one] = verdicts({ record: STARTED });
  const level = (state: LevelVerdict["state"], commit: string, baseline: string) => ({
    ...(one as LevelVerdict),
    state,
    baseline,
    title: `${state} of ${baseline}`,
    commit,
  });

  it("that one commit brought are one verdict, the worst", () => {
    const joined = joinVerdicts(look, [
      level("success", "c1", "a"),
      level("failure", "c1", "b"),
      level("pending", "c1", "c"),
      level("success", "c2", "a"),
    ]);

    expect(joined.map(({ name, commit, state, title }) => ({ name, commit, state, title }))).toEqual([
      { name: "ringward/test/broad", commit: "c1", state: "failure", title: "failure of b (and 2 more)" },
      { name: "ringward/test/broad", commit: "c2", state: "success", title: "success of a" },
    ]);
  });
});
