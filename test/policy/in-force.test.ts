// DESIGN, "Approval" and "What makes it safe", as far as policy files go: one fact each. The ids are invariants (G4, G5).
import { describe, expect, it } from "vitest";
import type { PolicyInForce, RingInForce } from "../../controller/core/model.ts";
import { compileCalendars } from "../../controller/core/rollout/calendars.ts";
import { type InForceInput, type PolicyWithDrift, toPolicyInForce } from "../../controller/policy/in-force.ts";
import type { LiveObject } from "../../controller/policy/live.ts";
import type { PolicyObject } from "../../controller/policy/object.ts";
import { CALENDAR, doc, load, nodeBaseline, NOW, recipe, ring } from "./support/policy.ts";

const COMMIT = "0123456789abcdef0123456789abcdef01234567";
type Files = Readonly<Record<string, string>>;

/** Three rings, two calendars, two baselines: ring c uses nothing that a and b use. */
const POLICY: Files = {
  "rings/a.yaml": ring("a", "calendarRefs: [{name: office}]\nlevels: [{baseline: ubuntu}]"),
  "rings/b.yaml": ring("b", "after: [a]\nlevels: [{baseline: ubuntu}]"),
  "rings/c.yaml": ring("c", "calendarRefs: [{name: night}]\nlevels: [{baseline: rocky}]"),
  "calendars/office.yaml": doc("MaintenanceCalendar", "office", CALENDAR),
  "calendars/night.yaml": doc("MaintenanceCalendar", "night", CALENDAR),
  "baselines/ubuntu.yaml": nodeBaseline("ubuntu"),
  "baselines/rocky.yaml": nodeBaseline("rocky", "", "{id: rocky}").replace("name: apt", "name: dnf"),
  "recipes/apt.yaml": recipe("apt"),
  "recipes/dnf.yaml": recipe("dnf", "rocky"),
};

function inForce(files: Files, more: Partial<InForceInput> = {}): PolicyWithDrift {
  return toPolicyInForce({
    loaded: load(files),
    live: [],
    commit: COMMIT,
    mode: "Apply",
    clusterName: "test",
    baselineStatuses: new Map(),
    ringStatuses: new Map(),
    inputTime: () => NOW,
    commitTime: NOW,
    retainedExceptions: [],
    brakes: [],
    proposer: true,
    ...more,
  });
}

const without = (path: string): Files => Object.fromEntries(Object.entries(POLICY).filter(([name]) => name !== path));
const objects = (files: Files = POLICY): readonly PolicyObject[] => load(files).objects;
const ringOf = (policy: PolicyInForce, name: string): RingInForce => {
  const found = policy.rings.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no ring ${name}`);
  return found;
};
const brakesOf = (policy: PolicyInForce): Record<string, string[]> =>
  Object.fromEntries(policy.rings.map(({ name, brakes }) => [name, brakes.map(({ reason }) => reason)]));
/** What the cluster holds after the policy was applied. */
const applied = (
  files: Files = POLICY,
  change: (object: LiveObject) => LiveObject = (object) => object,
): LiveObject[] =>
  objects(files).map(({ kind, name, spec }) =>
    change({ kind, name, spec, time: NOW, fromRepository: true } as LiveObject),
  );
const changeRing =
  (name: string, spec: object) =>
  (object: LiveObject): LiveObject =>
    object.kind === "RolloutRing" && object.name === name ? { ...object, spec: { ...object.spec, ...spec } } : object;

describe("authority", () => {
  it("is Git's for a ring that the snapshot contains: the live spec is never read", () => {
    const policy = inForce(POLICY, { live: applied(POLICY, changeRing("a", { budget: { nodes: 50 }, levels: [] })) });
    expect(ringOf(policy, "a")).toMatchObject({ authority: { kind: "Git", commit: COMMIT }, brakes: [] });
    expect(ringOf(policy, "a").spec.levels).toEqual([{ baseline: "ubuntu", enforce: "Floor" }]);
    expect(policy.drift).toEqual([{ kind: "RolloutRing", name: "a" }]);
  });

  it("is the cluster's for a ring that no repository contains", () => {
    const live = {
      kind: "RolloutRing",
      name: "own",
      spec: { members: { nodes: { selector: { matchLabels: { a: "b" } } } } },
      time: NOW,
      fromRepository: false,
    } as const;
    const policy = inForce(POLICY, { live: [...applied(), live] });
    expect(ringOf(policy, "own")).toMatchObject({ authority: { kind: "Cluster" }, brakes: [] });
  });

  it("is the cluster's for every ring once the PolicyRepository is deleted (break-glass)", () => {
    const policy = inForce({}, { commit: undefined, live: applied() });
    expect(policy.rings.map(({ authority }) => authority.kind)).toEqual(["Cluster", "Cluster", "Cluster"]);
    expect(Object.values(brakesOf(policy)).flat()).toEqual([]);
    expect(policy.baselines.map(({ name }) => name)).toEqual(["rocky", "ubuntu"]);
  });

  it("stays Git's for a ring whose file is broken: nobody approves it with kubectl meanwhile", () => {
    const policy = inForce({ ...POLICY, "rings/a.yaml": ring("a", "after: [") }, { live: applied() });
    expect(ringOf(policy, "a").authority.kind).toBe("Git");
  });
});

describe("of Git and live the more careful wins", () => {
  it("a live suspend holds, and is no drift", () => {
    const policy = inForce(POLICY, { live: applied(POLICY, changeRing("a", { suspend: true })) });
    expect(ringOf(policy, "a").suspendedLive).toBe(true);
    expect(policy.drift).toEqual([]);
  });

  it("a suspend in Git that is lifted live is drift and stays", () => {
    const files = { ...POLICY, "rings/a.yaml": ring("a", "suspend: true") };
    const policy = inForce(files, { live: applied(files, changeRing("a", { suspend: false })) });
    expect(ringOf(policy, "a").spec.suspend).toBe(true);
    expect(policy.drift).toEqual([{ kind: "RolloutRing", name: "a" }]);
  });

  it("defaults that the API server filled in are no drift", () => {
    const bare = objects().map(
      ({ kind, name, object }) => ({ kind, name, spec: object.spec, time: NOW, fromRepository: true }) as LiveObject,
    );
    expect(inForce(POLICY, { live: bare }).drift).toEqual([]);
  });
});

describe("mode ReadOnly", () => {
  it("starts nothing before live equals Git: not applied, or applied as something else", () => {
    expect(brakesOf(inForce(POLICY, { mode: "ReadOnly", live: applied() }))).toEqual({ a: [], b: [], c: [] });
    expect(brakesOf(inForce(POLICY, { mode: "ReadOnly", live: applied(without("rings/a.yaml")) }))).toEqual({
      a: ["WaitingForApply"],
      b: ["WaitingForApply"],
      c: [],
    });
    const old = applied(POLICY, (object) =>
      object.name === "night" ? ({ ...object, spec: { windows: [] } } as LiveObject) : object,
    );
    expect(brakesOf(inForce(POLICY, { mode: "ReadOnly", live: old }))).toEqual({
      a: [],
      b: [],
      c: ["WaitingForApply"],
    });
  });
});

describe("a file that fails to parse (G5)", () => {
  const uses: Readonly<Record<string, readonly string[]>> = {
    "rings/a.yaml": ["a", "b"],
    "rings/b.yaml": ["b"],
    "rings/c.yaml": ["c"],
    "calendars/office.yaml": ["a"],
    "calendars/night.yaml": ["c"],
    "baselines/ubuntu.yaml": ["a", "b"],
    "baselines/rocky.yaml": ["c"],
    "recipes/apt.yaml": ["a", "b"],
    "recipes/dnf.yaml": ["c"],
  };

  describe.each(Object.entries(uses))("%s", (path, stopped) => {
    it.each([
      ["cut in the middle", (text: string) => text.slice(0, Math.floor(text.length / 2)).concat("\n  - [")],
      ["with a typo", (text: string) => text.replace("spec:", "spec:\n  typo: 1")],
      ["of garbage", () => "{{ not: yaml"],
    ])("%s stops the rings that use it and no others", (_, corrupt) => {
      const policy = inForce(
        { ...POLICY, [path]: corrupt(POLICY[path] ?? "") },
        { previous: objects(), live: applied() },
      );
      const braked = policy.rings.filter(({ brakes }) => brakes.some(({ reason }) => reason === "PolicyInvalid"));

      expect(braked.map(({ name }) => name)).toEqual(stopped);
      expect(policy.rings.filter(({ brakes }) => brakes.length > 0)).toEqual(braked);
      // What is in flight is finished by the last good spec.
      expect(policy.rings.map(({ name }) => name)).toEqual(["a", "b", "c"]);
      expect(policy.baselines).toHaveLength(2);
      expect(policy.calendars).toHaveLength(2);
    });
  });

  it("says which file, where and why", () => {
    const policy = inForce({ ...POLICY, "calendars/office.yaml": "a: [" }, { previous: objects() });
    expect(ringOf(policy, "a").brakes[0]?.message).toMatch(
      /^MaintenanceCalendar "office" cannot be read: calendars\/office\.yaml:1: /,
    );
  });

  it("stops the rings that name it, where nothing is known of before", () => {
    const policy = inForce({
      ...POLICY,
      "calendars/office.yaml": `${POLICY["calendars/office.yaml"] ?? ""}  zone: x\n`,
    });
    expect(brakesOf(policy)).toEqual({ a: ["PolicyInvalid"], b: [], c: [] });
  });

  it("stops every ring when a calendar of scope Cluster broke", () => {
    const files = { ...POLICY, "calendars/all.yaml": doc("MaintenanceCalendar", "all", `scope: Cluster\n${CALENDAR}`) };
    const policy = inForce({ ...files, "calendars/all.yaml": "a: [" }, { previous: objects(files) });
    expect(brakesOf(policy)).toEqual({ a: ["PolicyInvalid"], b: ["PolicyInvalid"], c: ["PolicyInvalid"] });
  });

  it("concerns nobody when it never was policy", () => {
    const policy = inForce({ ...POLICY, "helm/values.yaml": "a: {{ .Values }}" }, { previous: objects() });
    expect(brakesOf(policy)).toEqual({ a: [], b: [], c: [] });
  });

  it("that stood twice keeps the last good one and stops its users", () => {
    const policy = inForce(
      { ...POLICY, "calendars/copy.yaml": POLICY["calendars/office.yaml"] ?? "" },
      { previous: objects() },
    );
    expect(brakesOf(policy)).toEqual({ a: ["PolicyInvalid"], b: [], c: [] });
    expect(policy.calendars.map(({ name }) => name)).toEqual(["night", "office"]);
  });
});

describe("deleting a file never starts work (G4)", () => {
  it.each([
    ["calendars/office.yaml", { a: ["ReferenceMissing"], b: [], c: [] }],
    ["rings/b.yaml", { a: [], b: ["ReferenceMissing"], c: [] }],
    ["rings/a.yaml", { a: ["ReferenceMissing"], b: ["ReferenceMissing"], c: [] }],
  ])("%s", (path, wanted) => {
    expect(brakesOf(inForce(without(path), { previous: objects(), live: applied() }))).toEqual(wanted);
  });

  it("a baseline: its entries have nothing to start, and the ring is not braked for others", () => {
    const policy = inForce(without("baselines/ubuntu.yaml"), { previous: objects(), live: applied() });
    expect(policy.baselines.map(({ name }) => name)).toEqual(["rocky"]);
    expect(brakesOf(policy)).toEqual({ a: [], b: [], c: [] });
  });

  it("all of it: every ring that is left behind is stopped", () => {
    const policy = inForce({}, { previous: objects(), live: applied() });
    expect(policy.rings.map(({ name, brakes }) => [name, brakes[0]?.reason])).toEqual([
      ["a", "ReferenceMissing"],
      ["b", "ReferenceMissing"],
      ["c", "ReferenceMissing"],
    ]);
  });

  it("a ring that left the repository is not approved with kubectl, even if only its status tells", () => {
    const live = applied().map((object) => ({ ...object, fromRepository: false }));
    const policy = inForce(without("rings/a.yaml"), {
      live,
      ringStatuses: new Map([["a", { observedCommit: COMMIT }]]),
    });
    expect(ringOf(policy, "a")).toMatchObject({ authority: { kind: "Git" }, brakes: [{ reason: "ReferenceMissing" }] });
  });

  it("a freeze for the whole cluster holds until its object is gone too", () => {
    const freeze = doc(
      "MaintenanceCalendar",
      "freeze",
      'scope: Cluster\nfreezes: [{startTime: "2026-11-01T00:00:00Z", endTime: "2026-12-01T00:00:00Z", reason: x}]',
    );
    const files = { ...POLICY, "calendars/freeze.yaml": freeze };
    const policy = inForce(POLICY, { previous: objects(files), live: applied(files) });
    expect([...compileCalendars(policy).keys()]).toContain("freeze");
  });

  it("a deleted exception counts until its time", () => {
    const exception = {
      name: "e",
      spec: {
        targets: { kind: "Node", names: ["n1"] },
        owner: "me",
        justification: "why",
        expirationTime: "2027-01-01T00:00:00Z",
      },
    } as const;
    const spec = { ...exception.spec, targets: { kind: "Node" as const, names: ["n1"] } };
    expect(inForce(POLICY, { retainedExceptions: [{ name: "e", spec }] }).exceptions).toEqual([{ name: "e", spec }]);
    const live: LiveObject = { kind: "PatchException", name: "e", spec, time: NOW, fromRepository: true };
    expect(inForce(POLICY, { live: [live] }).exceptions).toEqual([{ name: "e", spec }]);
  });
});

describe("levels", () => {
  const text = (name: string): string =>
    `${doc("PatchLevel", name, "baseline: web\ntarget: Image\ndisruption: Restart\nimage: {images: [{repository: r.example.com/web, tag: 1.2.3}]}")}`;

  it("whose name does not match are kept, marked, and stop no ring as a whole", () => {
    const name = "web-20261120-000000000000";
    const policy = inForce({
      ...POLICY,
      [`levels/${name}.yaml`]: text(name),
      "rings/c.yaml": ring("c", `levels: [{baseline: web, level: ${name}}]`),
    });
    expect(policy.levels).toMatchObject([
      { name, mismatch: expect.stringContaining("it was edited"), inputTime: Date.parse("2026-11-21T00:00:00Z") },
    ]);
    expect(brakesOf(policy)).toEqual({ a: [], b: [], c: [] });
  });

  it("are as old as their annotation says", () => {
    const name = "web-20261120-000000000000";
    const annotated = text(name).replace(
      `name: ${name}\n`,
      `name: ${name}\n  annotations: {ringward.dev/input-time: "2026-11-20T08:00:00Z"}\n`,
    );
    expect(inForce({ [`levels/${name}.yaml`]: annotated }).levels[0]?.inputTime).toBe(
      Date.parse("2026-11-20T08:00:00Z"),
    );
  });
});

describe("the rest", () => {
  it("a baseline is as young as the younger of its file and its recipe's", () => {
    const times: Record<string, number> = { "baselines/ubuntu.yaml": 10, "recipes/apt.yaml": 20 };
    const policy = inForce(POLICY, { inputTime: (path) => times[path] });
    expect(policy.baselines.map(({ name, inputTime }) => [name, inputTime])).toEqual([
      ["rocky", NOW],
      ["ubuntu", 20],
    ]);
  });

  it("does not depend on any order", () => {
    const forth = inForce(POLICY, { live: applied() });
    const back = inForce(Object.fromEntries(Object.entries(POLICY).toReversed()), { live: applied().toReversed() });
    expect(back).toEqual(forth);
  });

  it("passes brakes, proposer and cluster through", () => {
    const brakes = [{ reason: "HistoryRewritten", message: "x" }] as const;
    expect(inForce(POLICY, { brakes, proposer: false })).toMatchObject({
      brakes,
      proposer: false,
      clusterName: "test",
    });
  });
});
