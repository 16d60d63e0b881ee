// What is said on a merged proposal, on the tracking issue and on the check: the stage, the forecast against what happened, and names.
import { describe, expect, it } from "vitest";
import type { RingLevelStatus } from "../../../controller/api/rollout-ring.ts";
import {
  type DesiredProposal,
  judgePlan,
  judgeStopped,
  progressMarker,
  type ProgressComment,
  reportProgress,
  TRACKING_MARKER,
  writeTracking,
} from "../../../controller/core/promotion/index.ts";
import { escapeCode, escapeMarkdown } from "../../../controller/forge/text.ts";
import { BASELINE, known, levelOf, play, type Scene, type SceneOptions, START } from "./scene.ts";

const [L1, L2, L3] = [levelOf(1), levelOf(2), levelOf(3)];
const escape = { text: escapeMarkdown, code: escapeCode };
const HOUR = 3_600_000;
const at = (hours: number): string => new Date(START + hours * HOUR).toISOString();

const people = {
  merged: { by: "ann", time: at(-10), commit: "c".repeat(40) },
  mergedByUs: false,
  closed: undefined,
  approvedBy: [],
  why: undefined,
  askedAgain: false,
};
const merged = known(7, "canary", L2, { state: "merged", people });

function report(
  record: Partial<RingLevelStatus>,
  options: Partial<SceneOptions> = {},
  forecast?: string,
): readonly ProgressComment[] {
  const scene = play({
    rings: { canary: { entry: L2, nodes: [2, 1, 1, 1] } },
    candidate: L2,
    proposals: [merged],
    ...options,
  });
  const rings = scene.plan.rings.map((outcome) => ({
    ...outcome,
    levels: outcome.levels.map((level) => (level.digest === L2.digest ? { ...level, ...record } : level)),
  }));
  return reportProgress({
    plan: { ...scene.plan, rings },
    policy: scene.policy,
    known: options.proposals === undefined || options.proposals === "unknown" ? [merged] : options.proposals,
    markerOf: () => (forecast === undefined ? undefined : { forecast }),
    estimates: () => [],
    escape,
  });
}

describe("the comment on a merged proposal", () => {
  it("says how far the rollout is and who is not there, by name", () => {
    const [comment] = report({ startedTime: at(-9), targets: 4, done: 1, inFlight: 1 });

    expect(comment).toMatchObject({ number: 7 });
    expect(
      comment?.body.startsWith(`${progressMarker(BASELINE)}\n### ⏳ Under way: 1 of 4 targets of ring \`canary\` at `),
    ).toBe(true);
    expect(comment?.body).toContain("- The first target began 1h after the merge.");
    expect(comment?.body).toMatch(/\| `Node canary-1` \| Missing \| /);
  });

  it("ends with the forecast against what really happened", () => {
    const rings = { canary: { entry: L2, nodes: [2, 2] } };
    const record = { startedTime: at(-9), completedTime: at(-7), soakedTime: at(-1), targets: 2, done: 2 };
    const [comment] = report(record, { rings }, at(-8));

    expect(comment?.body).toContain("### ✅ Done: 2 of 2");
    expect(comment?.body).toContain("complete about 2026-01-05 00:00 UTC; really 2026-01-05 01:00 UTC, 1h after that.");
    expect(comment?.body).toContain("- It took 2h, 1h a target.");
    expect(comment?.body).toContain("This is the result.");
  });

  it("stays a result when another target joins after it, which is named", () => {
    const record = { startedTime: at(-9), completedTime: at(-7), soakedTime: at(-1), targets: 3, done: 2 };
    const [comment] = report(record, { rings: { canary: { entry: L2, nodes: [2, 2, 1] } } });

    expect(comment?.body).toContain("### ✅ Done: 2 of 3");
    expect(comment?.body).toMatch(/\| `Node canary-2` \| Missing \| /);
    expect(comment?.body).toContain("This is the result.");
  });

  it.each([
    ["Waiting", {}, {}, "🕒"],
    ["Soaking", { startedTime: at(-9), completedTime: at(-7) }, {}, "🌤️"],
    ["Withdrawn", { withdrawnTime: at(-1) }, {}, "↩️"],
    ["Overtaken", {}, { rings: { canary: { entry: L3, nodes: [1], soaked: [L2] } } }, "⏭️"],
  ])("knows when it is %s", (_, record, options, sign) => {
    expect(report(record, options)[0]?.body).toContain(`### ${sign}`);
  });

  it("is written anew for a tenth, a stage, a failure or a block, and for nothing less", () => {
    const many = { rings: { canary: { entry: L2, nodes: Array.from({ length: 4 }, () => 1) } } };
    const keyOf = (record: Partial<RingLevelStatus>): string => {
      const [comment] = report({ startedTime: at(-9), targets: 100, ...record }, many);
      if (comment === undefined) throw new Error("no comment");
      return comment.key;
    };

    expect(keyOf({ done: 11 })).toBe(keyOf({ done: 19 }));
    expect(keyOf({ done: 11, inFlight: 3 })).toBe(keyOf({ done: 12, inFlight: 1 }));
    const others = [keyOf({ done: 20 }), keyOf({ done: 11, failed: 1 }), keyOf({ done: 11, completedTime: at(-1) })];
    expect(new Set([keyOf({ done: 11 }), ...others]).size).toBe(4);
  });

  it("is about the newest merge, and about none that is not in the ring's record", () => {
    const older = { ...merged, number: 3 };

    expect(report({}, { proposals: [older, merged] }).map(({ number }) => number)).toEqual([7]);
    expect(report({}, { proposals: [known(8, "canary", L3, { state: "merged" })] })).toEqual([]);
    expect(report({}, { proposals: [known(8, "canary", L2)] })).toEqual([]);
  });

  it("takes no time from a marker that is none", () => {
    const [comment] = report({ startedTime: at(-9) }, {}, "<b>soon</b>");

    expect(comment?.body).not.toContain("Forecast when");
    expect(comment?.body).not.toContain("<b>");
  });
});

function track(scene: Scene, proposals: Parameters<typeof writeTracking>[0]["known"]): string {
  return writeTracking({
    plan: scene.plan,
    promotions: scene.promotions,
    known: proposals,
    clusterName: "test",
    escape,
  });
}

describe("the tracking issue", () => {
  it("lists what is open, to be opened, not offered and refused, with reasons", () => {
    const proposals = [
      known(4, "a", L2),
      known(5, "c", L2, {
        state: "closed",
        people: { ...people, merged: undefined, closed: { by: "b|b", time: at(-1) }, why: "no @all" },
      }),
    ];
    const scene = play({
      rings: { a: { listed: true }, b: { listed: true }, c: { listed: true }, d: { after: ["a"], listed: true } },
      candidate: L2,
      settings: { maxOpen: 1 },
      proposals,
    });

    const body = track(scene, proposals);

    expect(body.startsWith(TRACKING_MARKER)).toBe(true);
    expect(body).toContain(`| #4 | \`a\` | \`${BASELINE}\` |`);
    expect(body).toMatch(/#### To be opened \(1\)\n\n.*\n.*\n\| `b` \| `ubuntu-\d+-[0-9a-f]+` \| `ProposalLimit`: /);
    expect(body).toMatch(/\| #5 \| `c` \| `ubuntu-[^|]+` \| b&#124;b \| no &#64;&#8288;all \|/);
    expect(body).not.toContain("@all");
    expect(track(scene, proposals)).toBe(body);
  });

  it("says so when nothing waits", () => {
    expect(track(play({ rings: { a: { entry: L2, nodes: [2], soaked: [L2] } }, candidate: L2 }), [])).toContain(
      "Nothing is proposed, and nothing waits.",
    );
  });
});

describe("the check ringward/plan", () => {
  const rings = {
    canary: { entry: L2, soaked: [L1, L2], nodes: [2] },
    early: { after: ["canary"], entry: L1, soaked: [L1], nodes: [1] },
  };
  const scene = play({ rings, candidate: L2 });
  const proposal = scene.promotions.proposals[0] as DesiredProposal;

  it("is green while merging does what the page says", () => {
    expect(judgePlan({ ...scene, proposal }, true)).toEqual({
      state: "success",
      title: `ring early may run ${L2.name}: 1 target now, at most 2`,
    });
  });

  it("turns red when the ring before regressed, or the branch says something else", () => {
    const regressed = play({ rings: { ...rings, canary: { entry: L2, soaked: [L1], nodes: [1] } }, candidate: L2 });

    expect(judgePlan({ ...regressed, proposal }, true)).toMatchObject({ state: "failure" });
    expect(judgePlan({ ...regressed, proposal }, true).title).toContain("PredecessorNotSoaked: ring canary");
    expect(judgePlan({ ...scene, proposal }, false).state).toBe("failure");
  });

  it("turns red with the reason of whatever stops an open one", () => {
    const open = known(4, "early", L2);
    const stopped = play({
      rings,
      candidate: L2,
      proposals: [open],
      brakes: [{ reason: "HistoryRewritten", message: "the branch was rewritten" }],
    });

    expect(stopped.promotions.proposals).toEqual([]);
    expect(judgeStopped(open, stopped.promotions.decisions)).toEqual({
      state: "failure",
      title: "HistoryRewritten: the branch was rewritten",
    });
    expect(judgeStopped(known(5, "other", L2), stopped.promotions.decisions)).toBeUndefined();
  });
});
