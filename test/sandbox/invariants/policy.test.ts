// Every check on policy, its commits and its proposals is able to fail (G1-G6, A2, A3, A6, D1, D3-D5).
import { describe, expect, it } from "vitest";
import { checkHistory, type GitHistory, type PullFacts } from "../../../controller/sandbox/invariants/index.ts";
import {
  claimOn,
  CONTROLLER,
  createStory,
  DIGEST,
  LEVEL,
  LEVEL_SPEC,
  operation,
  soaked,
  type Story,
} from "../../support/history.ts";

const REPOSITORY = "policyrepositories.ringward.dev";
const MORNING = Date.parse("2024-12-16T07:00:00Z");

function base(): Story {
  return createStory()
    .ring("canary")
    .ring("wide", { after: ["canary"] })
    .level()
    .node("n1", {}, "kubelet")
    .node("n2", { ring: "wide" }, "kubelet")
    .ledger([], {}, "admin");
}

/** Policy as it is read now: in force, and where the branch is. */
function at(story: Story, observed: string, fetched = observed, rest: object = {}, user = CONTROLLER): Story {
  const { spec = {}, status = {} } = rest as { readonly spec?: object; readonly status?: object };
  return story.put(
    REPOSITORY,
    {
      metadata: { name: "policy" },
      spec,
      status: { observedCommit: observed, fetchedCommit: fetched, ...status },
    },
    user,
  );
}

function commit(id: string, files: Readonly<Record<string, string>>, minute = 0): GitHistory["commits"][number] {
  return {
    id,
    time: MORNING + minute * 60_000,
    author: "ana",
    byController: false,
    before: new Map(),
    after: new Map(Object.entries(files)),
  };
}

const ring = (name: string, more = ""): string => `kind: RolloutRing
metadata: { name: ${name} }
spec:
  members: { nodes: { selector: { matchLabels: { ring: ${name} } } } }
  budget: { nodes: 2 }
${more}  levels: [{ baseline: base, level: ${LEVEL} }]
`;
const FILES = { "rings/canary.yaml": ring("canary"), "rings/wide.yaml": ring("wide", "  after: [canary]\n") };

function ids(story: Story, more: Parameters<Story["check"]>[0] = {}): readonly string[] {
  return [...new Set(story.check(more).violations.map(({ invariant }) => invariant))].sort();
}

const inCanary = claimOn("n1");

describe("invariants of policy and its commits", () => {
  const line: GitHistory = {
    commits: [commit("c1", FILES), commit("c2", FILES, 1), commit("c3", FILES, 2)],
    former: new Set(["c1", "x1", "c2", "c3"]),
  };

  it("G1: policy that goes to a commit which does not contain the one before, unless a person acknowledged that", () => {
    const forward = at(at(base(), "c1"), "c2");
    const back = at(at(base(), "c2"), "c1");
    const rewritten = at(at(base(), "x1"), "c2");
    const accepted = at(at(base(), "x1"), "c3", "c3", { spec: { acknowledgedCommit: "c2" } });

    expect(ids(forward, { git: line })).toEqual([]);
    expect(forward.check({ git: line }).occurred).not.toContain("G1");
    expect(ids(back, { git: line })).toEqual(["G1"]);
    expect(ids(rewritten, { git: line })).toEqual(["G1"]);
    expect(ids(accepted, { git: line })).toEqual([]);
    expect(accepted.check({ git: line }).occurred).toContain("G1");
  });

  it("G1: a claim while the branch was rewritten and nobody has acknowledged it", () => {
    const held = at(at(base(), "x1"), "x1", "c2");

    expect(ids(held, { git: line })).toEqual([]);
    expect(held.check({ git: line }).occurred).toContain("G1");
    expect(ids(held.ledger([inCanary]), { git: line })).toEqual(["G1"]);
    expect(ids(held, { git: line, settleMs: 60_000 })).toEqual([]);
  });

  it("G2: a claim while the repository says that it is stale", () => {
    const stale = { status: { conditions: [{ type: "Stalled", status: "True", reason: "RepositoryStale" }] } };
    const held = at(base(), "c1", "c1", stale);

    expect(held.check().occurred).toContain("G2");
    expect(ids(held)).toEqual(["S2"]);
    expect(ids(held.ledger([inCanary]))).toEqual(["G2", "S2"]);
  });

  it("G3: a claim or a copy that is of another commit than the one in force", () => {
    const said = (story: Story, observedCommit: string): Story =>
      story.put("rolloutrings.ringward.dev", {
        metadata: { name: "canary" },
        spec: {
          members: { nodes: { selector: { matchLabels: { ring: "canary" } } } },
          budget: { nodes: 2 },
          levels: [{ baseline: "base", level: LEVEL }],
        },
        status: { observedCommit },
      });
    const copied = (story: Story, applied: string): Story =>
      story.put(
        "maintenancecalendars.ringward.dev",
        {
          metadata: {
            name: "hours",
            labels: { "ringward.dev/policy": "git" },
            annotations: { "ringward.dev/applied-commit": applied },
          },
          spec: { timeZone: "UTC" },
        },
        CONTROLLER,
      );

    const inWide = claimOn("n2", { ring: "wide" });
    expect(ids(said(at(base(), "c2"), "c2").ledger([inWide]))).not.toContain("G3");
    expect(said(at(base(), "c2"), "c2").ledger([inWide]).check().occurred).toContain("G3");
    expect(ids(said(at(base(), "c2"), "c1").ledger([inWide]))).toContain("G3");
    expect(ids(copied(at(base(), "c2"), "c2"))).toEqual([]);
    expect(ids(copied(at(base(), "c2"), "c1"))).toEqual(["G3"]);
    const moved = copied(at(at(base(), "c1"), "c2"), "c1");
    expect(ids(moved, { settleMs: 60_000 })).toEqual([]);
    expect(ids(moved)).toEqual(["G3"]);
  });

  it("D1: a copy that does not say what its commit says; what Git leaves out the server fills", () => {
    const copy = (spec: object): Story =>
      at(base(), "c1").put(
        "rolloutrings.ringward.dev",
        {
          metadata: {
            name: "canary",
            labels: { "ringward.dev/policy": "git" },
            annotations: { "ringward.dev/applied-commit": "c1" },
          },
          spec,
        },
        CONTROLLER,
      );
    const said = {
      members: { nodes: { selector: { matchLabels: { ring: "canary" } } } },
      budget: { nodes: 2, maxFailures: 0 },
      soak: "24h",
      levels: [{ baseline: "base", level: LEVEL, enforce: "Floor" }],
    };

    expect(copy(said).check({ git: line }).occurred).toContain("D1");
    expect(ids(copy(said), { git: line })).toEqual([]);
    expect(ids(copy({ ...said, suspend: true }), { git: line })).toEqual([]);
    expect(ids(copy({ ...said, budget: { nodes: 5 } }), { git: line })).toEqual(["D1"]);
  });

  it("D1: a person's suspension that is put back; what Git alone had suspended, Git resumes", () => {
    const suspended: GitHistory = {
      commits: [commit("c0", { "rings/canary.yaml": ring("canary", "  suspend: true\n") }), ...line.commits],
    };
    const copy = (story: Story, applied: string, suspend: boolean, user = CONTROLLER): Story =>
      story.put(
        "rolloutrings.ringward.dev",
        {
          metadata: {
            name: "canary",
            labels: { "ringward.dev/policy": "git" },
            annotations: { "ringward.dev/applied-commit": applied },
          },
          spec: {
            members: { nodes: { selector: { matchLabels: { ring: "canary" } } } },
            budget: { nodes: 2 },
            levels: [{ baseline: "base", level: LEVEL }],
            suspend,
          },
        },
        user,
      );
    const byPerson = (): Story => copy(copy(at(base(), "c1"), "c1", false), "c1", true, "admin");

    expect(ids(copy(at(byPerson(), "c2"), "c2", false), { git: suspended })).toEqual(["D1"]);
    expect(ids(copy(at(byPerson(), "c2"), "c2", true), { git: suspended })).toEqual([]);
    expect(ids(copy(at(copy(at(base(), "c0"), "c0", true), "c1"), "c1", false), { git: suspended })).toEqual([]);
  });

  it("G4: a claim that only the deletion of a file made possible", () => {
    const calendar = (end: string): string => `kind: MaintenanceCalendar
metadata: { name: all }
spec:
  scope: Cluster
  timeZone: UTC
  freezes: [{ startTime: 2024-12-16T00:00, endTime: ${end}, reason: audit }]
`;
    const git = (end: string): GitHistory => ({
      commits: [commit("c1", { ...FILES, "calendars/all.yaml": calendar(end) }), commit("c2", FILES, 1)],
    });
    const story = at(at(base(), "c1"), "c2").ledger([inCanary]);

    expect(ids(story, { git: git("2024-12-17T00:00") })).toEqual(["G4"]);
    expect(ids(story, { git: git("2024-12-16T01:00") })).toEqual([]);
    expect(story.check({ git: git("2024-12-16T01:00") }).occurred).toContain("G4");
  });

  it("G5: a claim in a ring that a file which cannot be read is about, and one in another ring", () => {
    const git: GitHistory = {
      commits: [commit("c1", FILES), commit("c2", { ...FILES, "rings/wide.yaml": "kind: [" }, 1)],
    };
    const story = at(at(base(), "c1"), "c2").wait(1000);
    const level = { "level.json": JSON.stringify({ kind: "PatchLevel", metadata: { name: LEVEL }, spec: LEVEL_SPEC }) };
    const broken: GitHistory = {
      commits: [commit("c1", { ...FILES, ...level }), commit("c2", { ...FILES, "level.json": "{" }, 1)],
    };

    expect(ids(story.ledger([inCanary]), { git })).toEqual([]);
    expect(story.check({ git }).occurred).toContain("G5");
    expect(ids(story, { git: broken })).toEqual(["G5"]);
    const wide = at(at(base(), "c1"), "c2")
      .ring("canary", {}, [soaked()])
      .ledger([claimOn("n2", { ring: "wide" })]);
    expect(ids(wide, { git })).toContain("G5");
  });

  it("G6: a commit in force that was not verified, or that bears no signature that counts", () => {
    const strict = (verifiedCommit: string): object => ({
      spec: { verification: { mode: "Strict" } },
      status: { verifiedCommit },
    });

    expect(ids(at(base(), "c1", "c1", strict("c1")))).toEqual([]);
    expect(at(base(), "c1", "c1", strict("c1")).check().occurred).toContain("G6");
    expect(ids(at(base(), "c1", "c1", strict("c0")))).toEqual(["G6"]);
    const signatures = new Map([["c1", false]]);
    expect(ids(at(base(), "c1", "c1", strict("c1")), { git: { ...line, signatures } })).toEqual(["G6"]);
    expect(ids(at(base(), "c1"), { git: { ...line, signatures } })).toEqual([]);
  });
});

describe("invariants of entries", () => {
  it("A2: more targets claimed than the approval covers, and a claim while more are in scope", () => {
    const covers = (maxTargets: number, targets: number): Story =>
      base()
        .node("n3", {}, "kubelet")
        .ring("canary", { levels: [{ baseline: "base", level: LEVEL, maxTargets }] }, [
          { ...soaked(0, false), targets },
        ]);

    expect(ids(covers(1, 1).ledger([inCanary]))).toEqual([]);
    expect(covers(1, 1).ledger([inCanary]).check().occurred).toContain("A2");
    expect(
      ids(
        covers(1, 1)
          .ledger([inCanary])
          .ledger([])
          .ledger([claimOn("n3")]),
      ),
    ).toContain("A2");
    expect(ids(covers(1, 2).ledger([inCanary]))).toEqual(["A2"]);
    // One that is gone makes room.
    expect(
      ids(
        covers(1, 1)
          .ledger([inCanary])
          .remove("nodes", "n1")
          .ledger([claimOn("n3")]),
      ),
    ).not.toContain("A2");
  });

  const withdrawn = { ...soaked(0, false), withdrawnTime: "2024-12-16T08:00:00.000Z" };

  it("A3: a claim at a level that was withdrawn in the ring or before it, and a cordon under an older claim", () => {
    const taken = base().ring("canary", {}, [withdrawn]).wait(1000);
    const before = base()
      .ring("canary", { levels: [] }, [{ ...withdrawn, soakedTime: "2024-12-16T07:00:00Z" }])
      .wait(1000);
    const underWay = base()
      .ledger([inCanary])
      .state("n1", operation("n1", "Claimed"))
      .ring("canary", {}, [withdrawn])
      .wait(1000);

    expect(ids(taken.ledger([inCanary]))).toEqual(["A3"]);
    expect(taken.check().occurred).toContain("A3");
    expect(ids(before.ledger([claimOn("n2", { ring: "wide" })]))).toContain("A3");
    expect(ids(underWay)).toEqual([]);
    expect(ids(underWay.node("n1", { cordoned: true, mark: "claim-n1" }))).toEqual(["A3"]);
    expect(ids(underWay, { settleMs: 60_000 })).toEqual([]);
  });

  it("D4: a cordon at a level that the ring's entry does not name any more; one that is past it goes on", () => {
    const changed = (step: string): Story =>
      base()
        .ledger([inCanary])
        .state("n1", operation("n1", step))
        .ring("canary", { levels: [{ baseline: "base", level: "base-20241217-ffffffffffff" }] })
        .wait(1000);

    expect(changed("Claimed").check().occurred).toContain("D4");
    expect(ids(changed("Claimed").node("n1", { cordoned: true, mark: "claim-n1" }))).toEqual(["D4"]);
    expect(ids(changed("Rebooting").job("reboot", "n1", "reboot"))).not.toContain("D4");
  });

  it("A6: a level under a name that does not match its content", () => {
    const level = (name: string): Story =>
      base().put("patchlevels.ringward.dev", { metadata: { name }, spec: LEVEL_SPEC }, CONTROLLER);

    expect(ids(level(LEVEL))).toEqual([]);
    expect(level(LEVEL).check().occurred).toContain("A6");
    expect(ids(level("base-20241216-000000000000"))).toEqual(["A6"]);
  });
});

describe("invariants of proposals", () => {
  const pull = (number: number, ringName: string, at: string, closedTime?: string): PullFacts => ({
    number,
    head: `ringward/${ringName}/base/${DIGEST.slice(0, 12)}`,
    state: closedTime === undefined ? "open" : "closed",
    createdTime: `2024-12-16T${at}Z`,
    closedTime,
  });
  const judge = (story: Story, ...pulls: readonly PullFacts[]) => {
    const { violations, occurred } = checkHistory({
      history: story.history,
      controllerUsers: new Set([CONTROLLER]),
      pulls,
    });
    return { ids: [...new Set(violations.map(({ invariant }) => invariant))].sort(), occurred };
  };
  const HOUR = 3_600_000;

  it("D3: a level is proposed that a ring before has not soaked, or while an older one is on its way", () => {
    const ready = base().ring("canary", {}, [soaked()]).wait(HOUR);
    const other = claimOn("n1", { level: "base-20241101-eeeeeeeeeeee", digest: "e".repeat(64) });
    const train = base()
      .ring("canary", { levels: [{ baseline: "base", level: "base-20241101-eeeeeeeeeeee" }] })
      .ledger([other])
      .wait(HOUR);

    expect(judge(ready, pull(1, "wide", "08:30:00")).ids).toEqual([]);
    expect(judge(ready, pull(1, "wide", "08:30:00")).occurred).toContain("D3");
    expect(judge(base(), pull(1, "wide", "08:30:00")).ids).toEqual(["D3"]);
    expect(judge(train, pull(1, "canary", "08:30:00")).ids).toContain("D3");
    expect(judge(base(), pull(1, "canary", "08:30:00")).ids).toEqual([]);
  });

  it("A6: a level is proposed again that was withdrawn, or that a person refused", () => {
    const record = { ...soaked(0, false), withdrawnTime: "2024-12-16T08:00:00.000Z" };
    const taken = base().ring("canary", {}, [record]);
    const refusal = { baseline: "base", level: LEVEL, digest: DIGEST, pullRequest: 1, time: "2024-12-16T08:10:00Z" };
    const refused = (rejections: readonly object[]): Story =>
      base()
        .put("rolloutrings.ringward.dev", {
          metadata: { name: "canary" },
          spec: { members: {} },
          status: { rejections: [refusal] },
        })
        .wait(2 * HOUR)
        .put("rolloutrings.ringward.dev", {
          metadata: { name: "canary" },
          spec: { members: {} },
          status: { rejections },
        });
    const both = [pull(1, "canary", "08:05:00", "2024-12-16T08:10:00Z"), pull(2, "canary", "09:00:00")];

    expect(judge(taken, pull(1, "canary", "09:00:00", "2024-12-16T09:01:00Z")).ids).toEqual(["A6"]);
    expect(judge(refused([refusal]), ...both).ids).toEqual(["A6"]);
    // A person asked again.
    expect(judge(refused([]), ...both).ids).toEqual([]);
    expect(judge(refused([]), ...both).occurred).toContain("A6");
  });

  it("D5: a proposal that stays open although its level was withdrawn", () => {
    const record = { ...soaked(0, false), withdrawnTime: "2024-12-16T08:10:00.000Z" };
    const story = base()
      .ring("canary", {}, [record])
      .wait(2 * HOUR)
      .ring("canary", {}, [record]);

    expect(judge(story, pull(1, "canary", "08:05:00", "2024-12-16T08:11:00Z")).ids).toEqual([]);
    expect(judge(story, pull(1, "canary", "08:05:00", "2024-12-16T08:11:00Z")).occurred).toContain("D5");
    expect(judge(story, pull(1, "canary", "08:05:00")).ids).toEqual(["D5"]);
  });
});
