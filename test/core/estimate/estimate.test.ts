// The estimate: budgets, windows, freezes, soaks and predecessors, and what never ends as things stand.
import { describe, expect, it } from "vitest";
import type { DisruptionLedgerSpec } from "../../../controller/api/disruption-ledger.ts";
import type { MaintenanceCalendarSpec } from "../../../controller/api/maintenance-calendar.ts";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import { levelDigest, levelName } from "../../../controller/core/levels/index.ts";
import type { LevelInForce, NodeAsset, PolicyInForce, RingInForce } from "../../../controller/core/model.ts";
import { type Estimate, estimateRollout } from "../../../controller/core/estimate/estimate.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";

/** A Monday, 20:00 UTC. */
const NOW = Date.parse("2026-11-16T20:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const spec = {
  baseline: "kubelet",
  target: "Node",
  disruption: "Restart",
  node: {
    product: { id: "ubuntu" },
    components: [{ name: "kubelet", scheme: "semver", version: "1.34.2" }],
    recipe: { name: "apt", strategy: "InPlace" },
    rebootPolicy: "IfRequired",
    drain: "IfDisruptive",
  },
} as const satisfies LevelInForce["spec"];
function levelOf(of: LevelInForce["spec"]): LevelInForce {
  const digest = levelDigest(of);
  const inputTime = NOW - 30 * 24 * HOUR;
  return { name: levelName("kubelet", inputTime, digest), digest, spec: of, inputTime };
}
const level = levelOf(spec);
const { digest } = level;

function node(name: string, ring: string, more: Partial<NodeAsset> = {}): NodeAsset {
  return {
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    labels: { ring },
    zone: undefined,
    createdAt: NOW - 90 * 24 * HOUR,
    ready: true,
    unschedulable: false,
    controlPlane: false,
    provider: undefined,
    bootId: "b",
    kernelVersion: "5.15.0-1-generic",
    kubeletVersion: "v1.34.1",
    containerRuntimeVersion: "containerd://2.0.0",
    osImage: "Ubuntu 22.04.5 LTS",
    architecture: "amd64",
    heardAt: NOW,
    mark: undefined,
    ...more,
  };
}

const nodes = (ring: string, count: number): readonly NodeAsset[] =>
  Array.from({ length: count }, (_, index) => node(`${ring}-${index}`, ring));

function ring(name: string, more: Partial<RolloutRingSpec> = {}, over: Partial<RingInForce> = {}): RingInForce {
  return {
    name,
    spec: {
      members: { nodes: { selector: { matchLabels: { ring: name } } } },
      budget: { nodes: 2, maxFailures: 0 },
      soak: "1h",
      levels: [{ baseline: "kubelet", level: level.name }],
      ...more,
    },
    status: undefined,
    authority: { kind: "Cluster" },
    suspendedLive: false,
    brakes: [],
    ...over,
  };
}

interface World {
  readonly rings: readonly RingInForce[];
  readonly nodes: readonly NodeAsset[];
  readonly calendars?: readonly { readonly name: string; readonly spec: MaintenanceCalendarSpec }[];
  readonly ledger?: DisruptionLedgerSpec;
  readonly stored?: ReadonlyMap<string, NodePatchStateStatus>;
  /** Left out: the one that needs no drain. */
  readonly level?: LevelInForce;
  readonly input?: Partial<PlanInput>;
}

function estimate(world: World, minutesPerTarget?: number): ReadonlyMap<string, Estimate> {
  const policy: PolicyInForce = {
    clusterName: "c",
    baselines: [
      {
        name: "kubelet",
        spec: {
          target: "Node",
          node: { product: { id: "ubuntu" }, minimum: { kubelet: "1.34.2" }, recipeRef: { name: "apt" } },
        },
        status: undefined,
        inputTime: level.inputTime,
      },
    ],
    rings: world.rings,
    calendars: world.calendars ?? [],
    exceptions: [],
    recipes: [],
    levels: [world.level ?? level],
    brakes: [],
    proposer: false,
  };
  const input: PlanInput = {
    now: NOW,
    policy,
    inventory: { nodes: world.nodes, workloads: [], pods: [], pdbs: [], apiServerVersion: undefined },
    stored: { nodes: world.stored ?? new Map(), workloads: new Map() },
    ledger: {
      spec: world.ledger ?? { mode: "Enforce", limits: { nodes: 50, nodesPerZone: 50 } },
      claims: [],
      rebuilding: false,
    },
    candidates: new Map([["kubelet", world.level ?? level]]),
    observedMs: 0,
    ...world.input,
  };
  const found = estimateRollout(input, makePlan(input), minutesPerTarget === undefined ? {} : { minutesPerTarget });
  return new Map(found.map((one) => [one.ring, one]));
}

const nightly = (more: Partial<MaintenanceCalendarSpec> = {}) => ({
  name: "nights",
  spec: { timeZone: "UTC", windows: [{ schedule: "0 22 * * *", duration: "2h", cutoff: "30m" }], ...more },
});

describe("one ring", () => {
  it("divides what is left by the budget, at 15 minutes each", () => {
    const one = estimate({ rings: [ring("a")], nodes: nodes("a", 5) }).get("a");

    expect(one).toMatchObject({
      remaining: 5,
      atOnce: 2,
      minutesPerTarget: 15,
      ifApproved: false,
      missesDeadline: false,
    });
    expect([one?.startsAt, one?.endsAt]).toEqual([NOW, NOW + 45 * MINUTE]);
    expect(one?.soakedAt).toBe(NOW + 45 * MINUTE + HOUR);
  });

  it("is tightened by the cluster's limit and by zones", () => {
    const zoned = nodes("a", 4).map((one) => ({ ...one, zone: "z" }));

    expect(
      estimate({
        rings: [ring("a")],
        nodes: nodes("a", 4),
        ledger: { mode: "Enforce", limits: { nodes: 1, nodesPerZone: 9 } },
      }).get("a")?.endsAt,
    ).toBe(NOW + HOUR);
    expect(
      estimate({ rings: [ring("a", { budget: { nodes: 4, nodesPerZone: 1, maxFailures: 0 } })], nodes: zoned }).get("a")
        ?.endsAt,
    ).toBe(NOW + HOUR);
  });

  it("uses the median of past operations of the baseline's levels", () => {
    const past = (minutes: number): NodePatchStateStatus => ({
      history: [
        {
          claimId: "c",
          level: level.name,
          ring: "a",
          result: "Succeeded",
          startedTime: new Date(NOW - HOUR).toISOString(),
          finishedTime: new Date(NOW - HOUR + minutes * MINUTE).toISOString(),
        },
      ],
    });
    const stored = new Map([5, 7, 40].map((minutes, index) => [`uid-a-${index}`, past(minutes)] as const));

    expect(estimate({ rings: [ring("a")], nodes: nodes("a", 3), stored }).get("a")).toMatchObject({
      minutesPerTarget: 7,
      endsAt: NOW + 14 * MINUTE,
    });
  });

  it("has nothing left when every target runs its level", () => {
    const done = nodes("a", 2).map((one) => ({ ...one, kubeletVersion: "v1.34.2" }));

    const one = estimate({ rings: [ring("a")], nodes: done }).get("a");

    expect(one).toMatchObject({ remaining: 0, missesDeadline: false });
    expect(one).not.toHaveProperty("never");
    expect(one).not.toHaveProperty("endsAt");
    expect(one?.soakedAt).toBe(NOW + HOUR);
  });

  it("counts the targets that wait for a person, and never ends where the ring cannot complete without them", () => {
    const cordoned = [...nodes("a", 3), node("a-9", "a", { unschedulable: true })];

    const strict = estimate({ rings: [ring("a")], nodes: cordoned }).get("a");
    const lenient = estimate({ rings: [ring("a", { completion: { minPercent: 75 } })], nodes: cordoned }).get("a");

    expect(strict).toMatchObject({
      remaining: 3,
      stuck: [{ reason: "CordonedByOther", targets: 1 }],
      never: { reason: "CordonedByOther" },
    });
    expect(lenient).toMatchObject({ atOnce: 1, endsAt: NOW + 45 * MINUTE });
    expect(lenient).not.toHaveProperty("never");
  });

  it("never ends where a drain never succeeds, unless nothing is drained", () => {
    const rebooting = levelOf({ ...spec, disruption: "Reboot" });
    const labels = { app: "db" };
    const pod = {
      namespace: "shop",
      name: "db-0",
      uid: "uid-db-0",
      nodeName: "a-0",
      labels,
      phase: "Running",
      deleting: false,
      ready: true,
      controller: { kind: "StatefulSet", name: "db", uid: "uid-db" },
      mirror: false,
      emptyDir: false,
      priority: 0,
      job: false,
    };
    const pdb = { namespace: "shop", name: "db", selector: { matchLabels: labels }, disruptionsAllowed: 0 };
    const of = (entry: LevelInForce): Estimate | undefined =>
      estimate({
        rings: [ring("a", { levels: [{ baseline: "kubelet", level: entry.name }] })],
        nodes: nodes("a", 2),
        level: entry,
        input: {
          inventory: {
            nodes: nodes("a", 2),
            workloads: [],
            pods: [pod],
            pdbs: [{ ...pdb, currentHealthy: 1, desiredHealthy: 1, expectedPods: 1 }],
            apiServerVersion: undefined,
          },
        },
      }).get("a");

    expect(of(rebooting)).toMatchObject({ never: { reason: "PDBNeverAllows" } });
    expect(of(level)).not.toHaveProperty("never");
  });

  it("never ends when what is down uses up the whole budget", () => {
    const down = [...nodes("a", 3), node("a-8", "a", { ready: false }), node("a-9", "a", { ready: false })];

    expect(estimate({ rings: [ring("a", { completion: { minPercent: 50 } })], nodes: down }).get("a")).toMatchObject({
      atOnce: 0,
      never: { reason: "RingBudgetExhausted" },
    });
  });

  it.each([
    ["is suspended", { suspend: true }, {}, "RingSuspended"],
    [
      "names a level that does not exist",
      { levels: [{ baseline: "kubelet", level: "kubelet-20260101-000000000000" }] },
      {},
      "LevelMissing",
    ],
    ["refers to a calendar that does not exist", { calendarRefs: [{ name: "gone" }] }, {}, "ReferenceMissing"],
    [
      "covers fewer targets than there are",
      { levels: [{ baseline: "kubelet", level: level.name, maxTargets: 1 }] },
      {},
      "ScopeGrew",
    ],
    ["may not start because the ledger says Stop", {}, { mode: "Stop" }, "Stopped"],
  ] as const)("never ends while the ring %s", (_, more, ledger, reason) => {
    const rings = [ring("a", more as Partial<RolloutRingSpec>)];
    const spec: DisruptionLedgerSpec = { mode: "Enforce", limits: { nodes: 50, nodesPerZone: 50 }, ...ledger };

    expect(estimate({ rings, nodes: nodes("a", 3), ledger: spec }).get("a")?.never?.reason).toBe(reason);
  });
});

describe("windows", () => {
  const refs = { calendarRefs: [{ name: "nights" }] };

  it("starts in the next window and goes on in the one after where one is too short", () => {
    // 22:00 to 23:30 takes starts: six batches of two at 15 minutes; the other two wait for the next night.
    const one = estimate({ rings: [ring("a", refs)], nodes: nodes("a", 14), calendars: [nightly()] }).get("a");

    expect(one?.startsAt).toBe(NOW + 2 * HOUR);
    expect(one?.endsAt).toBe(NOW + 26 * HOUR + 15 * MINUTE);
  });

  it("waits for the thaw", () => {
    const freezes = [{ startTime: "2026-11-16T00:00", endTime: "2026-11-20T00:00", reason: "fair" }];

    const one = estimate({ rings: [ring("a", refs)], nodes: nodes("a", 1), calendars: [nightly({ freezes })] }).get(
      "a",
    );

    expect(one?.startsAt).toBe(Date.parse("2026-11-20T22:00:00Z"));
  });

  it("passes windows and freezes that an expedite skips, until its time", () => {
    const freezes = [
      { startTime: "2026-11-16T00:00", endTime: "2026-11-20T00:00", reason: "fair", override: "Expedite" as const },
    ];
    const expedite = (until: string) => ({
      ...refs,
      levels: [
        {
          baseline: "kubelet",
          level: level.name,
          expedite: { reason: "CVE", until, skip: ["Windows" as const, "Freezes" as const] },
        },
      ],
    });
    const calendars = [nightly({ freezes })];

    expect(
      estimate({ rings: [ring("a", expedite("2026-11-17T00:00:00Z"))], nodes: nodes("a", 1), calendars }).get("a")
        ?.startsAt,
    ).toBe(NOW);
    // After 20:15 it holds no more: the second batch waits for the thaw.
    const late = estimate({
      rings: [ring("a", expedite("2026-11-16T20:10:00Z"))],
      nodes: nodes("a", 4),
      calendars,
    }).get("a");
    expect(late?.endsAt).toBe(Date.parse("2026-11-20T22:15:00Z"));
  });

  it("gives up after 366 days instead of walking for ever", () => {
    const leap = { name: "nights", spec: { timeZone: "UTC", windows: [{ schedule: "0 0 29 2 *", duration: "1h" }] } };
    const never = { name: "nights", spec: { timeZone: "UTC", windows: [{ schedule: "0 0 31 2 *", duration: "1h" }] } };

    expect(
      estimate({ rings: [ring("a", refs)], nodes: nodes("a", 1), calendars: [leap] }).get("a")?.never?.reason,
    ).toBe("OutsideWindow");
    expect(estimate({ rings: [ring("a", refs)], nodes: nodes("a", 1), calendars: [never] }).get("a")).toHaveProperty(
      "never",
    );
  });

  it("misses a deadline that budget and windows cannot meet, and meets one that they can", () => {
    const slow = (deadline: string) =>
      estimate({ rings: [ring("a", { ...refs, deadline })], nodes: nodes("a", 40), calendars: [nightly()] }).get("a");

    // Twenty batches, six a night: the fourth night.
    expect(slow("3d")).toMatchObject({ missesDeadline: true, deadline: NOW + 72 * HOUR });
    expect(slow("4d")).toMatchObject({ missesDeadline: false });
  });

  it("stops waiting for windows once the deadline is over, where the ring says so", () => {
    const forced = ring("a", { ...refs, deadline: "1h", onDeadline: "IgnoreWindows" });

    const one = estimate({ rings: [forced], nodes: nodes("a", 2), calendars: [nightly()] }).get("a");

    expect(one).toMatchObject({ startsAt: NOW + HOUR, endsAt: NOW + HOUR + 15 * MINUTE, missesDeadline: true });
  });
});

describe("rings after one another", () => {
  const two = [ring("a"), ring("b", { after: ["a"] })];
  const fleet = [...nodes("a", 2), ...nodes("b", 4)];

  it("starts a ring when the one before it has soaked", () => {
    const { startsAt, endsAt } = estimate({ rings: two, nodes: fleet }).get("b") ?? {};

    expect(startsAt).toBe(NOW + 15 * MINUTE + HOUR);
    expect(endsAt).toBe(NOW + 15 * MINUTE + HOUR + 30 * MINUTE);
  });

  it("counts what was soaked already", () => {
    const status = { levels: [{ baseline: "kubelet", level: level.name, digest, soakedSeconds: 3000 }] };
    const done = nodes("a", 2).map((one) => ({ ...one, kubeletVersion: "v1.34.2" }));

    expect(
      estimate({
        rings: [ring("a", {}, { status }), ring("b", { after: ["a"] })],
        nodes: [...done, ...nodes("b", 1)],
      }).get("b")?.startsAt,
    ).toBe(NOW + 10 * MINUTE);
  });

  it("waits for the level's age where a ring defers", () => {
    const rings = [ring("a", { deferral: "31d" })];

    expect(estimate({ rings, nodes: nodes("a", 1) }).get("a")?.startsAt).toBe(NOW + 24 * HOUR);
  });

  it("says what follows an approval that is not given yet", () => {
    const rings = [
      ring("a"),
      ring("b", { after: ["a"], levels: [{ baseline: "kubelet" }] }),
      ring("c", { after: ["b"] }),
    ];
    const found = estimate({ rings, nodes: [...fleet, ...nodes("c", 1)] });

    expect(found.get("b")).toMatchObject({ ifApproved: true, remaining: 4, level: level.name });
    expect(found.get("b")?.endsAt).toBeDefined();
    expect(found.get("c")?.ifApproved).toBe(true);
  });

  it("never starts behind a ring that does not complete, that is empty, or that does not exist", () => {
    const stuck = [...nodes("a", 1), node("a-9", "a", { unschedulable: true }), ...nodes("b", 1)];
    const reason = (rings: readonly RingInForce[], all: readonly NodeAsset[]) =>
      estimate({ rings, nodes: all }).get("b")?.never?.reason;

    expect(reason(two, stuck)).toBe("PredecessorNotSoaked");
    expect(reason(two, nodes("b", 1))).toBe("RingEmpty");
    expect(
      reason([ring("a", { completion: { onEmpty: "Pass" } }), ring("b", { after: ["a"] })], nodes("b", 1)),
    ).toBeUndefined();
    expect(reason([ring("b", { after: ["gone"] })], nodes("b", 1))).toBe("ReferenceMissing");
  });

  it("gives the same estimates whatever the order of rings and nodes", () => {
    const forth = [...estimate({ rings: two, nodes: fleet }).entries()];
    const back = [...estimate({ rings: two.toReversed(), nodes: fleet.toReversed() }).entries()];

    expect(back).toEqual(forth);
  });
});

describe("what is in flight", () => {
  it("holds its budget until its usual time is over", () => {
    const [first] = nodes("a", 4);
    const claim = {
      uid: first?.uid ?? "",
      id: "c1",
      kind: "Node",
      name: first?.name ?? "",
      cluster: "c",
      ring: "a",
      baseline: "kubelet",
      level: level.name,
      digest,
      since: new Date(NOW - 5 * MINUTE).toISOString(),
    };
    const ledger = {
      spec: { mode: "Enforce", limits: { nodes: 50, nodesPerZone: 50 } },
      claims: [claim],
      rebuilding: false,
    } as const;

    const one = estimate({
      rings: [ring("a", { budget: { nodes: 1, maxFailures: 0 } })],
      nodes: nodes("a", 2),
      input: { ledger },
    }).get("a");

    expect(one).toMatchObject({ remaining: 2, startsAt: NOW - 5 * MINUTE, endsAt: NOW + 25 * MINUTE });
  });
});
