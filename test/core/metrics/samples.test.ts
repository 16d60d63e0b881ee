// Gauges of the fleet, from plans of the real planner: what they count, under which labels, and how many series there can be.
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import { finish } from "../../../controller/core/incremental/steps.ts";
import {
  FLEET_COUNTS,
  FLEET_GAUGES,
  type FleetLook,
  observeFleet,
  type Sample,
  sampleFleet,
} from "../../../controller/core/metrics/index.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import { makeObjects, makeScene } from "../../bench/scene.ts";
import {
  claimOn,
  DAY,
  entry,
  HOUR,
  inventory,
  iso,
  kernel,
  kernelLevel,
  ledger,
  nodeAsset,
  nodeBaseline,
  planInput,
  policy,
  ring,
  START,
  workloadAsset,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110);
const DONE = { kernelVersion: kernel(110) };

function lookAt(input: PlanInput, rest: Partial<FleetLook> = {}): FleetLook {
  return { input, plan: makePlan(input), repository: undefined, pulls: undefined, ...rest };
}

const keyOf = ({ metric, labels }: Sample): string =>
  `${metric.name}{${metric.labels.map((label) => `${label}="${labels[label]}"`).join(",")}}`;

/** Every sample that is not nought, as a scrape would name it; instants as hours from START. */
function said(look: FleetLook): Readonly<Record<string, number>> {
  const hours = (at: number): number => (at - START) / HOUR;
  return Object.fromEntries(
    finish(sampleFleet(look)).flatMap((one) => {
      const value = "value" in one ? one.value : hours("at" in one ? one.at : one.since);
      return value === 0 && "value" in one ? [] : [[keyOf(one), value] as const];
    }),
  );
}

const onlyOf = (all: Readonly<Record<string, number>>, ...names: readonly string[]): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(all).filter(([key]) => names.some((name) => key.startsWith(`${name}{`))));

/** Canary is done, broad is half-way, one node is in no ring, one in two, one under no baseline. */
function fleet(rest: Partial<PlanInput> = {}, ringSpec: Parameters<typeof ring>[1] = {}): PlanInput {
  const node = (name: string, label: string, more = {}): ReturnType<typeof nodeAsset> =>
    nodeAsset(name, { labels: { ring: label, os: "ubuntu" }, ...more });
  const nodes = [
    node("c1", "canary", DONE),
    node("b1", "broad", DONE),
    node("b2", "broad"),
    node("b3", "broad", { kernelVersion: "6.8.0-1-generic" }),
    node("none", "other"),
    node("two", "canary", { labels: { ring: "canary", also: "twin", os: "ubuntu" } }),
    nodeAsset("plain", { labels: { ring: "broad", os: "talos" } }),
  ];
  const records = [{ baseline: "ubuntu", level: LEVEL.name, digest: LEVEL.digest, offeredTime: iso(START - 2 * HOUR) }];
  return planInput({
    policy: policy({
      baselines: [nodeBaseline("ubuntu", { nodeSelector: { matchLabels: { os: "ubuntu" } } })],
      rings: [
        ring(
          "canary",
          { levels: [entry(LEVEL)] },
          {
            status: {
              levels: [
                { ...records[0]!, completedTime: iso(START - HOUR), soakedSeconds: 3600, soakedTime: iso(START) },
              ],
            },
          },
        ),
        ring("broad", { levels: [entry(LEVEL)], ...ringSpec }, { status: { levels: records } }),
        ring("twin", { members: { nodes: { selector: { matchLabels: { also: "twin" } } } } }),
      ],
      levels: [LEVEL],
    }),
    inventory: inventory(nodes, [workloadAsset("web")]),
    candidates: new Map([["ubuntu", LEVEL]]),
    ...rest,
  });
}

describe("samples of the fleet", () => {
  it("count every asset once by how much is known of it, and targets by state, phase and reason", () => {
    const all = said(lookAt(fleet()));

    expect(
      onlyOf(all, "ringward_assets", "ringward_targets", "ringward_targets_unknown", "ringward_targets_blocked"),
    ).toEqual({
      'ringward_assets{kind="Node",coverage="Covered"}': 3,
      'ringward_assets{kind="Node",coverage="Unknown"}': 1,
      'ringward_assets{kind="Node",coverage="Unassigned"}': 1,
      'ringward_assets{kind="Node",coverage="Conflict"}': 1,
      'ringward_assets{kind="Node",coverage="NoBaseline"}': 1,
      'ringward_assets{kind="Workload",coverage="NoBaseline"}': 1,
      'ringward_targets{kind="Node",ring="canary",baseline="ubuntu",state="Installed"}': 1,
      'ringward_targets{kind="Node",ring="broad",baseline="ubuntu",state="Installed"}': 1,
      'ringward_targets{kind="Node",ring="broad",baseline="ubuntu",state="Missing"}': 1,
      'ringward_targets{kind="Node",ring="broad",baseline="ubuntu",state="Unknown"}': 1,
      'ringward_targets{kind="Node",ring="_none",baseline="ubuntu",state="Available"}': 2,
      'ringward_targets_unknown{reason="KernelNotCovered"}': 1,
      'ringward_targets_blocked{ring="broad",reason="KernelNotCovered"}': 1,
      'ringward_targets_blocked{ring="_none",reason="RingConflict"}': 1,
      'ringward_targets_blocked{ring="_none",reason="Unassigned"}': 1,
    });
  });

  it("say how far a ring is, until when it should be, and how long its targets have been open", () => {
    const all = said(lookAt(fleet({}, { deadline: "6h", soak: "2h" })));

    expect(onlyOf(all, "ringward_rollout_targets", "ringward_rollout_targets_done")).toEqual({
      'ringward_rollout_targets{kind="Node",ring="canary",baseline="ubuntu"}': 1,
      'ringward_rollout_targets{kind="Node",ring="broad",baseline="ubuntu"}': 3,
      'ringward_rollout_targets_done{kind="Node",ring="canary",baseline="ubuntu"}': 1,
      'ringward_rollout_targets_done{kind="Node",ring="broad",baseline="ubuntu"}': 1,
    });
    expect(
      onlyOf(all, "ringward_rollout_deadline_timestamp_seconds", "ringward_open_age_from_level_input_seconds"),
    ).toEqual({
      'ringward_rollout_deadline_timestamp_seconds{kind="Node",ring="broad",baseline="ubuntu"}': 4,
      'ringward_open_age_from_level_input_seconds{ring="broad",baseline="ubuntu"}': -240,
      'ringward_open_age_from_level_input_seconds{ring="_none",baseline="ubuntu"}': -240,
    });
    expect(onlyOf(all, "ringward_rollout_soak_seconds", "ringward_rollout_soak_required_seconds")).toEqual({
      'ringward_rollout_soak_seconds{ring="canary",baseline="ubuntu"}': 3600,
      'ringward_rollout_soak_required_seconds{ring="canary",baseline="ubuntu"}': 3600,
      'ringward_rollout_soak_required_seconds{ring="broad",baseline="ubuntu"}': 7200,
    });
  });

  it("name the mode, the brakes and what blocks a ring", () => {
    const stopped = fleet({ ledger: ledger([], { spec: { mode: "Stop" }, rebuilding: true }) });
    const braked = {
      ...stopped,
      policy: { ...stopped.policy, brakes: [{ reason: "HistoryRewritten", message: "rewritten" } as const] },
    };

    const all = said(lookAt(braked));

    expect(onlyOf(all, "ringward_mode", "ringward_brake")).toEqual({
      'ringward_mode{mode="Stop"}': 1,
      'ringward_brake{reason="Stopped"}': 1,
      'ringward_brake{reason="HistoryRewritten"}': 1,
      'ringward_brake{reason="LedgerRebuilding"}': 1,
    });
    expect(onlyOf(all, "ringward_ring_blocked")).toMatchObject({
      'ringward_ring_blocked{ring="broad",reason="HistoryRewritten"}': 1,
      'ringward_ring_blocked{ring="broad",reason="Stopped"}': 1,
    });
    // A brake that is off is said to be: a rule that asks for it must find it.
    const off = finish(sampleFleet(lookAt(fleet()))).filter(({ metric }) => metric.name === "ringward_brake");
    expect(off.map((one) => ("value" in one ? one.value : undefined))).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });

  it("count claims by step, cordons, drains with what holds them up, and budget as the planner counts it", () => {
    const claims = ["b1", "b2"].map((name) => claimOn(nodeAsset(name), "broad", LEVEL, { since: iso(START - HOUR) }));
    const operation = (id: string, rest: object): NodePatchStateStatus =>
      ({
        operation: {
          claimId: id,
          ring: "broad",
          baseline: "ubuntu",
          level: LEVEL.name,
          digest: LEVEL.digest,
          startedTime: iso(START - HOUR),
          stepTime: iso(START - HOUR),
          attempt: 1,
          bootId: "boot-1",
          ...rest,
        },
        blockedBy: [{ reason: "PDBBlocked", message: "web", since: iso(START) }],
      }) as unknown as NodePatchStateStatus;
    const input = fleet(
      {
        ledger: ledger(claims),
        stored: {
          nodes: new Map([
            [
              "uid-b1",
              operation("claim-b1", {
                step: "Updating",
                failure: { reason: "StepFailed", message: "x", time: iso(START) },
              }),
            ],
            ["uid-b2", operation("claim-b2", { step: "Cordoned" })],
          ]),
          workloads: new Map(),
        },
      },
      { budget: { nodes: 3 } },
    );
    const marked = input.inventory.nodes.map((node) =>
      node.name === "b2"
        ? { ...node, unschedulable: true, mark: { claimId: "claim-b2", priorUnschedulable: false } }
        : node,
    );

    const all = said(lookAt({ ...input, inventory: { ...input.inventory, nodes: marked } }));

    expect(
      onlyOf(all, "ringward_claims", "ringward_drains", "ringward_drains_blocked", "ringward_nodes_cordoned"),
    ).toEqual({
      'ringward_claims{kind="Node",ring="broad",step="Failed"}': 1,
      'ringward_claims{kind="Node",ring="broad",step="Cordoned"}': 1,
      'ringward_drains{ring="broad"}': 1,
      'ringward_drains_blocked{reason="PDBBlocked"}': 1,
      'ringward_nodes_cordoned{ring="broad"}': 1,
    });
    expect(
      onlyOf(all, "ringward_node_cordoned_oldest_timestamp_seconds", "ringward_claim_oldest_timestamp_seconds"),
    ).toEqual({
      'ringward_node_cordoned_oldest_timestamp_seconds{ring="broad"}': -1,
      'ringward_claim_oldest_timestamp_seconds{ring="broad"}': -1,
    });
    expect(onlyOf(all, "ringward_budget_limit", "ringward_budget_used")).toMatchObject({
      'ringward_budget_limit{kind="Node",ring="broad"}': 3,
      'ringward_budget_used{kind="Node",ring="broad"}': 2,
    });
    expect(onlyOf(all, "ringward_cluster_budget_limit", "ringward_cluster_budget_used")).toMatchObject({
      'ringward_cluster_budget_limit{kind="Node"}': 7,
      'ringward_cluster_budget_used{kind="Node"}': 2,
    });
    expect(all['ringward_rollout_targets_failed{kind="Node",ring="broad",baseline="ubuntu"}']).toBe(1);
  });

  it("know windows and freezes, and keep a ring shut whose calendar is not there", () => {
    const base = fleet({}, { calendarRefs: [{ name: "nights" }] });
    const nights = {
      name: "nights",
      spec: {
        timeZone: "UTC",
        windows: [{ schedule: "0 22 * * *", duration: "4h" }],
        freezes: [{ startTime: iso(START + 15 * HOUR), endTime: iso(START + 16 * HOUR), reason: "sale" }],
      },
    };
    const at = (hours: number): Readonly<Record<string, number>> =>
      said(lookAt({ ...base, now: START + hours * HOUR, policy: { ...base.policy, calendars: [nights] } }));
    const names = [
      "window_open",
      "frozen",
      "window_next_open_timestamp_seconds",
      "window_next_close_timestamp_seconds",
    ];
    const broad = (all: Readonly<Record<string, number>>): readonly (number | undefined)[] =>
      names.map((name) => all[`ringward_${name}{ring="broad"}`]);

    // START is 08:00.
    expect(broad(at(0))).toEqual([undefined, undefined, 14, undefined]);
    expect(broad(at(14.5))).toEqual([1, undefined, undefined, 18]);
    expect(broad(at(15.5))).toEqual([undefined, 1, 16, 18]);
    expect(broad(said(lookAt(base)))).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("count what the forge and people owe: approvals, exceptions, a repository's problems", () => {
    const base = fleet();
    const exception = (days: number) => ({
      name: `e${days}`,
      spec: {
        targets: { kind: "Node" as const, names: ["x"] },
        owner: "o",
        justification: "j",
        expirationTime: iso(START + days * DAY),
      },
    });
    const input = { ...base, policy: { ...base.policy, exceptions: [exception(-1), exception(2), exception(3)] } };
    const pull = (number: number, state: "open" | "merged", hours: number) => ({
      number,
      state,
      branch: `ringward/broad/ubuntu/${LEVEL.digest.slice(0, 12)}`,
      openedAt: START + hours * HOUR,
      closedAt: state === "open" ? undefined : START,
    });

    const all = said(
      lookAt(input, {
        pulls: [
          pull(1, "merged", -9),
          pull(2, "open", -3),
          pull(3, "open", -5),
          { ...pull(4, "open", -8), branch: "ringward/gone/ubuntu/0" },
        ],
        repository: {
          fetchedAt: START - HOUR,
          intervalMs: 600_000,
          commitAt: START - DAY,
          documents: 7,
          problems: 2,
        },
      }),
    );

    expect(onlyOf(all, "ringward_approvals_pending", "ringward_approval_oldest_timestamp_seconds")).toEqual({
      'ringward_approvals_pending{ring="broad"}': 2,
      'ringward_approval_oldest_timestamp_seconds{ring="broad"}': -5,
    });
    expect(onlyOf(all, "ringward_exceptions", "ringward_exception_next_expiration_timestamp_seconds")).toEqual({
      'ringward_exceptions{state="Active"}': 2,
      'ringward_exceptions{state="Expired"}': 1,
      "ringward_exception_next_expiration_timestamp_seconds{}": 48,
    });
    expect(
      onlyOf(
        all,
        "ringward_policy_last_sync_timestamp_seconds",
        "ringward_policy_sync_interval_seconds",
        "ringward_policy_documents",
        "ringward_policy_problems",
      ),
    ).toEqual({
      "ringward_policy_last_sync_timestamp_seconds{}": -1,
      "ringward_policy_sync_interval_seconds{}": 600,
      "ringward_policy_documents{}": 7,
      "ringward_policy_problems{}": 2,
    });
    // Nobody says "nothing waits" for a forge that does not answer.
    expect(onlyOf(said(lookAt(input)), "ringward_approvals_pending")).toEqual({});
  });
});

// ------------------------------------------------------------------------------------------------------- series

/** How many lines a scrape has of these samples, and of everything that the policy's counters and histograms begin with. */
function countSeries(look: FleetLook): number {
  const lines = new Map(
    observeFleet(undefined, look).observations.map(({ metric, labels }) => [
      `${metric.name} ${Object.values(labels).join()}`,
      metric.kind === "histogram" ? (metric.buckets?.length ?? 0) + 3 : 1,
    ]),
  );
  return finish(sampleFleet(look)).length + [...lines.values()].reduce((sum, count) => sum + count, 0);
}

describe("the number of series", () => {
  it("is below 2,000 for three rings and ten baselines on 5,000 nodes, and the same on 1,000", () => {
    const counts = [1_000, 5_000].map((nodes) => {
      const { input } = makeScene(makeObjects(nodes, 3));
      expect(input.inventory.nodes).toHaveLength(nodes);
      const look = lookAt(input);
      const samples = finish(sampleFleet(look));
      const names = new Set([...input.inventory.nodes, ...input.inventory.workloads].map(({ name }) => name));
      expect(samples.filter(({ labels }) => Object.values(labels).some((value) => names.has(value)))).toEqual([]);
      return countSeries(look);
    });

    process.stdout.write(`series at 1,000 and 5,000 nodes: ${counts.join(", ")}\n`);
    expect(counts[1]).toBeLessThan(2_000);
    expect(counts[1]! - counts[0]!).toBeLessThan(20);
  }, 60_000);

  it("is below 20,000 for any policy: what is beyond 40 rings and 150 pairs is summed up, and nothing is lost", () => {
    const names = Array.from({ length: 60 }, (_, at) => `ring-${String(at).padStart(2, "0")}`);
    const baselines = Array.from({ length: 20 }, (_, at) =>
      nodeBaseline(`base-${at}`, { nodeSelector: { matchLabels: { base: String(at) } } }),
    );
    const levels = baselines.map(({ name }) => kernelLevel(110, { baseline: name }));
    const nodes = names.flatMap((label) =>
      baselines.map((_, at) => nodeAsset(`${label}-${at}`, { labels: { ring: label, base: String(at) } })),
    );
    const input = planInput({
      policy: policy({
        baselines,
        levels,
        rings: names.map((name) => ring(name, { levels: levels.map((level) => entry(level)) })),
      }),
      inventory: inventory(nodes),
    });
    const look = lookAt(input);
    const samples = finish(sampleFleet(look));
    const keys = samples.map(keyOf);
    const targets = samples.filter(({ metric }) => metric.name === "ringward_targets");
    const series = countSeries(look);

    process.stdout.write(`series of 60 rings and 20 baselines: ${series}\n`);
    expect(series).toBeLessThan(20_000);
    expect(new Set(keys).size).toBe(keys.length);
    expect(targets.reduce((sum, one) => sum + ("value" in one ? one.value : 0), 0)).toBe(1_200);
    expect(samples.find(({ metric }) => metric.name === "ringward_folded_label_sets")).toMatchObject({
      value: 21 + 40 * 20 - 150 - 1,
    });
  });

  it("has for every sample exactly the labels of its metric, and every metric once in the catalogue", () => {
    const samples = finish(sampleFleet(lookAt(fleet({}, { deadline: "6h" }))));
    const all = [...FLEET_GAUGES, ...FLEET_COUNTS];

    expect(
      samples.filter(({ metric, labels }) => Object.keys(labels).sort().join() !== [...metric.labels].sort().join()),
    ).toEqual([]);
    expect(samples.filter(({ metric }) => !FLEET_GAUGES.includes(metric))).toEqual([]);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it("has names as Prometheus wants them: a unit at the end, counters end with _total, gauges do not", () => {
    const wrong = [...FLEET_GAUGES, ...FLEET_COUNTS].filter(({ kind, name, buckets = [] }) => {
      const ends = { counter: /_total$/, histogram: /_seconds$/, gauge: /^(?!.*_(total|count|sum|bucket|info)$)/ }[
        kind
      ];
      return (
        !/^ringward_[a-z][a-z0-9_]*$/.test(name) ||
        !ends.test(name) ||
        [...buckets].sort((a, b) => a - b).join() !== buckets.join()
      );
    });

    expect(wrong).toEqual([]);
  });
});
