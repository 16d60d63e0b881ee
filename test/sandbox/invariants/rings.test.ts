// Every check on rings, time, approvals and requests is able to fail (R1-R6, A1, A4, A5, K1, K3, K4, K6).
import { describe, expect, it } from "vitest";
import { checkHistory, type GitHistory, type TimedRequest } from "../../../controller/sandbox/invariants/index.ts";
import {
  claimOn,
  CONTROLLER,
  createStory,
  DIGEST,
  LEVEL,
  LEVEL_SPEC,
  soaked,
  type Story,
} from "../../support/history.ts";

/** canary before wide, a node in each, and an empty ledger. */
function base(): Story {
  return createStory()
    .ring("canary")
    .ring("wide", { after: ["canary"] })
    .level()
    .node("n1", {}, "kubelet")
    .node("n2", { ring: "wide" }, "kubelet")
    .ledger([], {}, "admin");
}

function broken(story: Story): readonly string[] {
  return [...new Set(story.check().violations.map(({ invariant }) => invariant))].sort();
}

const inWide = claimOn("n2", { ring: "wide" });
const inCanary = claimOn("n1");

describe("invariants of rings and time", () => {
  it("R1: a claim behind a ring whose record does not say soaked", () => {
    const early = base().ledger([inCanary]).ledger([inCanary, inWide]);
    const late = base().ledger([inCanary]).ring("canary", {}, [soaked()]).ledger([inCanary, inWide]);

    expect(broken(early)).toEqual(["R1"]);
    expect(broken(late)).toEqual([]);
    expect(late.check().occurred).toContain("R1");
  });

  it("R1: an entry that expedites may skip the soak until its time", () => {
    const entry = (until: string): object => ({
      baseline: "base",
      level: LEVEL,
      expedite: { reason: "hot", until, skip: ["Soak"] },
    });
    const story = (until: string): Story =>
      base()
        .ring("wide", { after: ["canary"], levels: [entry(until)] as never })
        .ledger([inCanary])
        .ledger([inCanary, inWide]);

    expect(broken(story("2024-12-17T00:00:00Z"))).toEqual([]);
    expect(broken(story("2024-12-16T07:00:00Z"))).toEqual(["R1"]);
  });

  it("R2: a soak that goes on although a verified node fell back, and one that is forgotten although nothing did", () => {
    const verified = { verified: [{ baseline: "base", digest: DIGEST, time: "2024-12-16T08:00:00Z" }] };
    const fallen = base()
      .node("n1", { kubelet: "v1.31.4" }, "kubelet")
      .state("n1", undefined, verified)
      .ring("canary", {}, [soaked(10, false)])
      .node("n1", { kubelet: "v1.31.0" }, "kubelet");
    const standing = (): Story =>
      base()
        .node("n1", { kubelet: "v1.31.4" }, "kubelet")
        .state("n1", undefined, verified)
        .ring("canary", {}, [soaked(60)]);

    expect(broken(fallen.ring("canary", {}, [soaked(20, false)]))).toEqual(["D8", "R2"]);
    expect(fallen.check().occurred).toContain("R2");
    expect(broken(standing().ring("canary", {}, [soaked(0, false)]))).toEqual(["R2"]);
    // Git asked for a longer soak, and the copy was written after the status; or it was written and asks for none.
    const forgotten = (): Story => standing().ring("canary", {}, [soaked(60, false)]);
    expect(broken(forgotten().ring("canary", { soak: "10m" }, [soaked(60, false)]))).toEqual([]);
    expect(broken(forgotten().ring("canary", { soak: "30s" }, [soaked(60, false)]))).toEqual(["R2"]);
    // The ring asks for a longer soak by now.
    expect(broken(standing().ring("canary", { soak: "10m" }, [soaked(60, false)]))).toEqual([]);
  });

  it("R3: a digest that begins in a later ring", () => {
    expect(broken(base().ledger([inWide]))).toEqual(["R1", "R3"]);
    expect(base().ledger([inCanary]).check().occurred).toContain("R3");
  });

  it("R4: a claim outside its windows, and one in a freeze", () => {
    const calendar = (spec: object): Story =>
      base()
        .calendar("hours", spec)
        .ring("canary", { calendarRefs: [{ name: "hours" }] });
    const open = { timeZone: "UTC", windows: [{ schedule: "0 6 * * 1-5", duration: "4h" }] };
    const shut = { timeZone: "UTC", windows: [{ schedule: "0 20 * * 1-5", duration: "4h" }] };
    const frozen = {
      ...open,
      freezes: [{ startTime: "2024-12-16T00:00:00Z", endTime: "2024-12-17T00:00:00Z", reason: "audit" }],
    };

    expect(broken(calendar(open).ledger([inCanary]))).toEqual([]);
    expect(calendar(open).ledger([inCanary]).check().occurred).toContain("R4");
    expect(broken(calendar(shut).ledger([inCanary]))).toEqual(["R4"]);
    expect(broken(calendar(frozen).ledger([inCanary]))).toEqual(["R4"]);
    expect(
      broken(
        base()
          .ring("canary", { calendarRefs: [{ name: "nowhere" }] })
          .ledger([inCanary]),
      ),
    ).toEqual(["R4"]);
  });

  it("R4: a calendar for the whole cluster holds without a reference", () => {
    const story = base().calendar("all", {
      scope: "Cluster",
      timeZone: "UTC",
      freezes: [{ startTime: "2024-12-16T00:00:00Z", endTime: "2024-12-17T00:00:00Z", reason: "audit" }],
    });

    expect(broken(story.ledger([inCanary]))).toEqual(["R4"]);
  });

  it("R5: a ring without targets that counts as soaked, and a ring behind one that does not exist", () => {
    const empty = { ...soaked(60), targets: 0 };

    expect(broken(base().ring("canary", {}, [empty]))).toEqual(["R5"]);
    expect(broken(base().ring("canary", { completion: { onEmpty: "Pass" } }, [empty]))).toEqual([]);
    expect(broken(base().remove("rolloutrings.ringward.dev", "canary").ledger([inWide]))).toContain("R5");
  });

  it("R6: two runs that differ, whatever it is that differs", () => {
    const [one, two, three] = [
      base().ledger([inCanary]),
      base().ledger([inCanary]),
      base().ledger([claimOn("n1", { id: "other" })]),
    ];

    expect(one.check({ twin: two.history })).toMatchObject({ violations: [] });
    expect(one.check({ twin: three.history }).violations).toMatchObject([{ invariant: "R6" }]);
    expect(one.check({ twin: two.history.slice(1) }).violations).toMatchObject([{ invariant: "R6" }]);
    expect(one.check({ twin: two.history.slice(0, -1) }).violations).toMatchObject([{ invariant: "R6" }]);
  });
});

const RING = (levels: string, promotion: string): string => `kind: RolloutRing
metadata: { name: canary }
spec:
  promotion: ${promotion}
  levels:
${levels}`;
const LEVEL_FILE = JSON.stringify({ kind: "PatchLevel", metadata: { name: LEVEL }, spec: LEVEL_SPEC });

function historyOf(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  byController = true,
): GitHistory {
  const commit = { id: "c1", time: Date.parse("2024-12-16T07:00:00Z"), author: "x", byController };
  return { commits: [{ ...commit, before: new Map(Object.entries(before)), after: new Map(Object.entries(after)) }] };
}

describe("invariants of approvals", () => {
  it("A1: a claim that the ring's entry does not name, or under another digest", () => {
    expect(
      broken(
        base()
          .ring("canary", { levels: [{ baseline: "base" }] })
          .ledger([inCanary]),
      ),
    ).toContain("A1");
    expect(broken(base().ledger([claimOn("n1", { digest: "f".repeat(64) })]))).toContain("A1");
    expect(broken(base().ledger([inCanary]))).toEqual([]);
  });

  it("A1: a claim that the commit in force does not name", () => {
    const story = base()
      .put("policyrepositories.ringward.dev", { metadata: { name: "policy" }, status: { observedCommit: "c1" } })
      .ledger([inCanary]);
    const named = historyOf(
      {},
      { "rings/canary.yaml": RING(`    - { baseline: base, level: ${LEVEL} }`, "PullRequest") },
      false,
    );
    const other = historyOf(
      {},
      { "rings/canary.yaml": RING("    - { baseline: base, level: base-20240101-000000000000 }", "PullRequest") },
      false,
    );

    expect(story.check({ git: named }).violations).toEqual([]);
    expect(story.check({ git: other }).violations).toMatchObject([{ invariant: "A1" }]);
    expect(story.check({ git: { commits: [] } }).violations).toMatchObject([{ invariant: "A1" }]);
  });

  it("A4: a commit of the controller on the tracked branch that changes more than it may", () => {
    const judge = (
      before: Readonly<Record<string, string>>,
      after: Readonly<Record<string, string>>,
    ): readonly string[] =>
      checkHistory({ history: [], controllerUsers: new Set(), git: historyOf(before, after) })
        .violations.filter(({ invariant }) => invariant === "A4")
        .map(({ message }) => message);
    const unset = RING("    - { baseline: base }", "Automatic");
    const set = RING(`    - { baseline: base, level: ${LEVEL}, maxTargets: 3 }`, "Automatic");

    expect(judge({ r: unset }, { r: set, l: LEVEL_FILE })).toEqual([]);
    expect(
      judge(
        { r: RING("    - { baseline: base }", "PullRequest") },
        { r: RING(`    - { baseline: base, level: ${LEVEL} }`, "PullRequest") },
      ),
    ).toHaveLength(1);
    expect(judge({ r: unset }, { r: set.replace("levels:", "suspend: true\n  levels:") })).toEqual([
      "the controller changed more than entries",
    ]);
    expect(
      judge(
        { r: unset },
        { r: RING(`    - { baseline: base, level: ${LEVEL} }\n    - { baseline: new }`, "Automatic") },
      ),
    ).toEqual(["the controller added an entry for new"]);
    expect(
      judge({ r: unset }, { r: RING(`    - { baseline: base, level: ${LEVEL}, enforce: Exact }`, "Automatic") }),
    ).toEqual(["the controller changed more than the level of base"]);
    expect(judge({ r: unset }, {})).toEqual(["the controller deleted a file of the tracked branch"]);
    expect(judge({}, { x: "kind: UpdateRecipe" })).toEqual(["the controller added a file that is no level"]);
    expect(judge({}, { l: LEVEL_FILE.replace("1.31.4", "1.31.5") })).toEqual([
      "the controller added a level whose name does not match its content",
    ]);
  });

  it("A5: two pull requests for one ring and digest, open at once", () => {
    const head = `ringward/wide/base/${DIGEST.slice(0, 12)}`;
    const pull = (number: number, from: string, to?: string) => ({
      number,
      head,
      state: to === undefined ? ("open" as const) : ("closed" as const),
      createdTime: from,
      closedTime: to,
    });
    const judge = (...pulls: readonly ReturnType<typeof pull>[]) =>
      checkHistory({ history: [], controllerUsers: new Set(), pulls });

    expect(judge(pull(1, "2024-12-16T08:00:00Z"), pull(2, "2024-12-16T09:00:00Z")).violations).toMatchObject([
      { invariant: "A5", object: "pull request #2" },
    ]);
    expect(
      judge(pull(1, "2024-12-16T08:00:00Z", "2024-12-16T08:30:00Z"), pull(2, "2024-12-16T09:00:00Z")),
    ).toMatchObject({ violations: [] });
    expect(judge(pull(1, "2024-12-16T08:00:00Z")).occurred).toContain("A5");
  });
});

function request(
  method: string,
  path: string,
  body?: unknown,
  query: Readonly<Record<string, string>> = {},
): TimedRequest {
  return {
    seq: 1,
    user: CONTROLLER,
    method,
    path,
    query,
    body,
    write: method !== "GET",
    status: 200,
    time: 0,
    revision: 1,
  };
}

describe("invariants of requests", () => {
  const judge = (...requests: readonly TimedRequest[]): readonly string[] =>
    checkHistory({ history: [], controllerUsers: new Set([CONTROLLER]), requests }).violations.map(
      ({ invariant, object }) => `${invariant} ${object}`,
    );
  const reads = [
    "/api/v1/nodes",
    "/api/v1/pods",
    ...["deployments", "statefulsets", "daemonsets"].map((kind) => `/apis/apps/v1/${kind}`),
    "/apis/policy/v1/poddisruptionbudgets",
  ]
    .concat(
      ["rolloutrings", "disruptionledgers", "nodepatchstates", "workloadpatchstates"].map(
        (kind) => `/apis/ringward.dev/v1alpha1/${kind}`,
      ),
    )
    .map((path) => request("GET", path));

  it("K1: a mutation that does not say which object it is meant for", () => {
    const bound = [
      request("PUT", "/a", { metadata: { resourceVersion: "1" } }),
      request("PATCH", "/b", [{ op: "test", path: "/metadata/uid", value: "u" }]),
      request("PATCH", "/c", { metadata: { uid: "u" } }),
      request("PATCH", "/d", {}, { force: "false" }),
      request("DELETE", "/e", { preconditions: { uid: "u" } }),
      request("POST", "/f", { metadata: { name: "n" } }),
      request("POST", "/g/eviction", { deleteOptions: { preconditions: { uid: "u" } } }),
    ];
    const blind = [
      request("PUT", "/a", { metadata: {} }),
      request("PATCH", "/b", [{ op: "add", path: "/spec/unschedulable", value: true }]),
      request("PATCH", "/c", { spec: {} }),
      request("DELETE", "/e", {}),
      request("POST", "/f", { metadata: { generateName: "n-" } }),
      request("POST", "/g/eviction", { metadata: { name: "p" } }),
    ];

    expect(judge(...reads, ...bound)).toEqual([]);
    expect(judge(...reads, ...blind)).toEqual(["K1 /a", "K1 /b", "K1 /c", "K1 /e", "K1 /f", "K1 /g/eviction"]);
  });

  it("K3: a write before every kind was read; a Lease and events decide nothing", () => {
    const write = request("PUT", "/x", { metadata: { resourceVersion: "1" } });
    const lease = request("POST", "/apis/coordination.k8s.io/v1/namespaces/a/leases", { metadata: { name: "l" } });

    expect(judge(...reads, write)).toEqual([]);
    expect(judge(lease, ...reads, write)).toEqual([]);
    expect(judge(...reads.slice(1), write)).toEqual(["K3 /x"]);
  });
});

describe("invariants of requests against the history", () => {
  const node = (story: Story, boot: string): Story => story.node("n1", { boot });
  const patch = (expected: number, status: number, revision: number): TimedRequest => ({
    ...request("PATCH", "/api/v1/nodes/n1", [
      { op: "test", path: "/metadata/resourceVersion", value: String(expected) },
    ]),
    status,
    revision,
    time: status === 200 ? 0 : 1000,
  });
  const judge = (requests: readonly TimedRequest[], more: object = {}) => {
    const { violations, occurred } = checkHistory({
      history: node(node(createStory(), "a"), "b").history,
      controllerUsers: new Set([CONTROLLER]),
      requests,
      ...more,
    });
    return { ids: violations.map(({ invariant }) => invariant).filter((id) => id === "K4" || id === "K6"), occurred };
  };

  it("K4: a write that is made from an older version than the writer's own last one, even where it is refused", () => {
    expect(judge([patch(0, 200, 1), patch(1, 200, 2)]).ids).toEqual([]);
    expect(judge([patch(0, 200, 1), patch(1, 200, 2)]).occurred).toContain("K4");
    expect(judge([patch(0, 200, 1), patch(1, 200, 2), patch(1, 409, 2)]).ids).toEqual(["K4"]);
    expect(judge([patch(0, 200, 1), patch(1, 200, 2), patch(1, 409, 2)], { settleMs: 2000 }).ids).toEqual([]);
    // Its answer never came: nobody knows of that version.
    expect(judge([patch(0, 200, 1), patch(1, 0, 2), patch(1, 409, 2)]).ids).toEqual([]);
  });

  it("K6: a refused write that is sent again and again as it was, and writes that come too fast", () => {
    const refused = (count: number): readonly TimedRequest[] => Array.from({ length: count }, () => patch(5, 409, 9));
    const at = (time: number): TimedRequest => ({ ...patch(5, 200, 2), time });

    expect(judge(refused(3)).ids).toEqual([]);
    expect(judge(refused(3)).occurred).toContain("K6");
    expect(judge(refused(4)).ids).toEqual(["K6"]);
    expect(judge([...refused(3), patch(6, 409, 9), ...refused(3)]).ids).toEqual([]);
    const burst = Array.from({ length: 21 }, (_, index) => at(index * 100));
    expect(judge(burst, { mostWritesPerSecond: 2 }).ids).toEqual(["K6"]);
    expect(
      judge(
        burst.map(({ time }) => at(time * 6)),
        { mostWritesPerSecond: 2 },
      ).ids,
    ).toEqual([]);
  });
});
