// What is counted from one look to the next: each event once, nothing of what was there at the first look, and nothing that only looks like one.
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { RingLevelStatus, RolloutRingSpec } from "../../../controller/api/rollout-ring.ts";
import {
  type FleetLook,
  type Observation,
  observeFleet,
  type PullFacts,
} from "../../../controller/core/metrics/index.ts";
import type { PolicyInForce } from "../../../controller/core/model.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import {
  DAY,
  entry,
  HOUR,
  inventory,
  iso,
  kernelLevel,
  ledger,
  MINUTE,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

const LEVEL = kernelLevel(110, { at: START - 2 * DAY });
const NODE = nodeAsset("n1", { labels: { ring: "broad" } });
const OFFERED: RingLevelStatus = {
  baseline: "ubuntu",
  level: LEVEL.name,
  digest: LEVEL.digest,
  offeredTime: iso(START - HOUR),
};
const MISSING: NodePatchStateStatus = {
  targetUID: NODE.uid,
  ring: "broad",
  baselines: [{ baseline: "ubuntu", ring: "broad", state: "Missing", phase: "Offered" }],
};
const VERIFIED = { baseline: "ubuntu", digest: LEVEL.digest, time: iso(START) };
const INSTALLED: NodePatchStateStatus = {
  ...MISSING,
  baselines: [{ baseline: "ubuntu", ring: "broad", state: "Installed", phase: "Done" }],
  verified: [VERIFIED],
};
const OPERATION = {
  claimId: "c1",
  ring: "broad",
  baseline: "ubuntu",
  level: LEVEL.name,
  digest: LEVEL.digest,
  startedTime: iso(START - 20 * MINUTE),
  stepTime: iso(START - 20 * MINUTE),
  attempt: 1,
  bootId: "boot-1",
  step: "Claimed" as const,
};

interface Moment {
  readonly at?: number;
  readonly state?: NodePatchStateStatus | undefined;
  readonly record?: RingLevelStatus;
  readonly spec?: Partial<RolloutRingSpec>;
  readonly policy?: Partial<PolicyInForce>;
  readonly input?: Partial<PlanInput>;
  readonly pulls?: readonly PullFacts[];
}

function lookAt({ at = 0, state, record = OFFERED, spec, policy: more, input, pulls }: Moment): FleetLook {
  const planned = planInput({
    now: START + at,
    policy: policy({
      rings: [ring("broad", { levels: [entry(LEVEL)], ...spec }, { status: { levels: [record] } })],
      levels: [LEVEL],
      ...more,
    }),
    inventory: inventory([NODE]),
    stored: { nodes: new Map(state === undefined ? [] : [[NODE.uid, state]]), workloads: new Map() },
    ...input,
  });
  return { input: planned, plan: makePlan(planned), repository: undefined, pulls };
}

/** What each look after the first counts, as `name{labels} value`, without the series that only begin. */
function counted(...moments: readonly Moment[]): readonly (readonly string[])[] {
  let seen: Parameters<typeof observeFleet>[0];
  return moments.map((moment) => {
    const found = observeFleet(seen, lookAt(moment));
    seen = found.seen;
    return found.observations.filter(({ value }) => value !== undefined).map(write);
  });
}

function write({ metric, labels, value }: Observation): string {
  const pairs = metric.labels.map((label) => `${label}=${labels[label]}`);
  return `${metric.name.replace("ringward_", "")}{${pairs.join(",")}} ${value}`;
}

const PATCHED = [
  `time_to_patch_from_level_input_seconds{ring=broad,baseline=ubuntu} ${(2 * DAY) / 1000}`,
  `time_to_patch_from_ring_offer_seconds{ring=broad,baseline=ubuntu} ${HOUR / 1000}`,
];

describe("time to patch", () => {
  it("is observed once for a target and level, from the level's input and from the ring's offer", () => {
    expect(
      counted({ state: MISSING }, { state: INSTALLED }, { state: { ...INSTALLED } }, { state: INSTALLED }),
    ).toEqual([[], PATCHED, [], []]);
  });

  it("is not observed of what a process finds at its first look, nor of a target that came with the level", () => {
    expect(counted({ state: INSTALLED }, { state: { ...INSTALLED } })).toEqual([[], []]);
    expect(counted({ state: undefined }, { state: INSTALLED })).toEqual([[], []]);
  });

  it("is not observed of a target that ran the level before anybody asked for it", () => {
    const early = { ...INSTALLED, verified: [] };

    expect(counted({ state: early }, { state: INSTALLED })).toEqual([[], []]);
  });

  it("is not observed of a target of which nobody knew anything, nor of one that goes back to the level", () => {
    const unknown = { ...MISSING, baselines: [{ ...MISSING.baselines![0]!, state: "Unknown" as const }] };
    const back = { ...unknown, operation: { ...OPERATION, rollback: true } };

    expect(counted({ state: unknown }, { state: INSTALLED })).toEqual([[], []]);
    expect(counted({ state: back }, { state: INSTALLED })).toEqual([[], []]);
  });

  it("counts from when a target came, where that was after the level", () => {
    const input = { inventory: inventory([{ ...NODE, createdAt: START - 10 * MINUTE }]) };

    expect(counted({ state: MISSING, input }, { state: INSTALLED, input })[1]).toEqual(
      PATCHED.map((line) => line.replace(/ \d+$/, " 600")),
    );
  });

  it("is not observed again when a target that lost the level is patched anew, also when that was forgotten", () => {
    const lost = { ...MISSING, verified: [VERIFIED] };
    const history = [
      {
        claimId: "c0",
        level: LEVEL.name,
        ring: "broad",
        result: "Succeeded" as const,
        startedTime: iso(START - DAY),
        finishedTime: iso(START - DAY),
      },
    ];

    expect(
      counted({ state: lost }, { state: { ...INSTALLED, verified: [{ ...VERIFIED, time: iso(START + HOUR) }] } }),
    ).toEqual([[], []]);
    expect(counted({ state: { ...MISSING, history } }, { state: { ...INSTALLED, history } })).toEqual([[], []]);
  });

  it("is observed of a target under an operation, whatever was last said of its state", () => {
    const under = { ...MISSING, baselines: [], operation: OPERATION };

    expect(counted({ state: under }, { state: INSTALLED })[1]).toEqual(PATCHED);
  });

  it("is never negative where a clock was put back", () => {
    const odd = { ...INSTALLED, verified: [{ ...VERIFIED, time: iso(START - 9 * DAY) }] };

    expect(counted({ state: MISSING }, { state: odd })[1]).toEqual(PATCHED.map((line) => line.replace(/ \d+$/, " 0")));
  });
});

describe("operations", () => {
  it("are counted with their drain, reboot, end and duration, each once", () => {
    const step = (name: string, minutes: number, rest = {}): NodePatchStateStatus =>
      ({
        ...MISSING,
        operation: { ...OPERATION, step: name, stepTime: iso(START + minutes * MINUTE), ...rest },
      }) as NodePatchStateStatus;
    const ended: NodePatchStateStatus = {
      ...MISSING,
      history: [
        {
          claimId: "c1",
          level: LEVEL.name,
          ring: "broad",
          result: "Succeeded",
          startedTime: OPERATION.startedTime,
          finishedTime: iso(START + 20 * MINUTE),
        },
      ],
    };

    expect(
      counted(
        { state: step("Claimed", -20) },
        { state: step("Cordoned", 0) },
        { state: step("Cordoned", 0, { priorUnschedulable: false }) },
        { state: step("Drained", 3) },
        { state: step("Rebooting", 10) },
        { state: step("Rebooted", 15) },
        { state: ended },
        { state: { ...ended } },
      ),
    ).toEqual([
      [],
      [],
      [],
      ["drain_duration_seconds{result=Drained} 180"],
      [],
      ["reboot_duration_seconds{} 300"],
      ["updates_total{kind=Node,ring=broad,result=Succeeded} 1", "update_duration_seconds{kind=Node,ring=broad} 2400"],
      [],
    ]);
  });

  it("that are backed out of a drain are drains that were given up", () => {
    const cordoned = { ...MISSING, operation: { ...OPERATION, step: "Cordoned" as const, stepTime: iso(START) } };
    const back = { reason: "DrainTimedOut", message: "", time: iso(START + 15 * MINUTE) };

    expect(
      counted({ state: cordoned }, { state: { ...MISSING, operation: { ...cordoned.operation, backOut: back } } })[1],
    ).toEqual(["drain_duration_seconds{result=GivenUp} 900"]);
  });

  it("that fail are counted by reason, once for each attempt", () => {
    const failed = (attempt: number, reason: string): NodePatchStateStatus => ({
      ...MISSING,
      operation: { ...OPERATION, attempt, failure: { reason, message: "", time: iso(START + attempt * MINUTE) } },
    });

    expect(
      counted(
        { state: { ...MISSING, operation: OPERATION } },
        { state: failed(1, "StepFailed") },
        { state: { ...failed(1, "StepFailed") } },
        { state: failed(2, "NodeNotBack") },
        { state: failed(3, "made up by whoever can write the object") },
      ),
    ).toEqual([
      [],
      ["failures_total{kind=Node,ring=broad,reason=StepFailed} 1"],
      [],
      ["failures_total{kind=Node,ring=broad,reason=NodeNotBack} 1"],
      ["failures_total{kind=Node,ring=broad,reason=OperationFailed} 1"],
    ]);
  });
});

describe("rings", () => {
  it("are counted when a level is complete for the first time, and not when it is so again", () => {
    const started = { ...OFFERED, startedTime: iso(START - HOUR) };
    const node = { ...NODE, kernelVersion: "5.15.0-110-generic" };
    const done = { input: { inventory: inventory([node]) } };

    const first = counted({ record: started }, { record: started, ...done });
    const again = counted(
      { record: { ...started, soakedSeconds: 60 } },
      { record: { ...started, soakedSeconds: 60 }, ...done },
    );

    expect(first[1]).toEqual([`rollout_duration_seconds{ring=broad} ${HOUR / 1000}`]);
    expect(again[1]).toEqual([]);
  });

  it("tell how long a level waited after its last predecessor had soaked it", () => {
    const before = (soakedTime: string): Partial<PolicyInForce> => ({
      rings: [
        ring(
          "canary",
          { levels: [entry(LEVEL)], completion: { onEmpty: "Pass" } },
          {
            status: { levels: [{ ...OFFERED, completedTime: iso(START - 5 * HOUR), soakedSeconds: 3600, soakedTime }] },
          },
        ),
        ring("broad", { after: ["canary"] }),
      ],
    });
    const approved = (soakedTime: string): Partial<PolicyInForce> => {
      const { rings = [] } = before(soakedTime);
      return {
        rings: rings.map((one) =>
          one.name === "broad" ? { ...one, spec: { ...one.spec, levels: [entry(LEVEL)] } } : one,
        ),
      };
    };

    expect(counted({ policy: before(iso(START - 3 * HOUR)) }, { policy: approved(iso(START - 3 * HOUR)) })[1]).toEqual([
      `promotion_latency_from_predecessors_soaked_seconds{ring=broad} ${(3 * HOUR) / 1000}`,
    ]);
  });

  it("that were not there at the last look tell nothing of the time before", () => {
    const canary = ring("canary", { levels: [entry(LEVEL)], completion: { onEmpty: "Pass" } });
    const broad = ring(
      "broad",
      { levels: [entry(LEVEL)] },
      { status: { levels: [{ ...OFFERED, completedTime: iso(START) }] } },
    );

    expect(counted({ policy: { rings: [canary] } }, { policy: { rings: [canary, broad] } })[1]).toEqual([]);
  });

  it("tell how long a pull request waited, of those that were open at the last look alone", () => {
    const pull = (number: number, state: PullFacts["state"]): PullFacts => ({
      number,
      state,
      branch: `ringward/broad/ubuntu/${LEVEL.digest.slice(0, 12)}`,
      openedAt: START - HOUR,
      closedAt: state === "open" ? undefined : START,
    });

    expect(
      counted(
        { pulls: [pull(1, "open"), pull(2, "open"), pull(3, "merged")] },
        // The forge did not answer: what was open is still known.
        {},
        { pulls: [pull(1, "merged"), pull(2, "closed"), pull(3, "merged"), pull(4, "merged")] },
        { pulls: [pull(1, "merged")] },
      ),
    ).toEqual([[], [], [`approval_wait_seconds{ring=broad} ${HOUR / 1000}`], []]);
  });
});

describe("maintenance windows", () => {
  const spec: Partial<RolloutRingSpec> = { calendarRefs: [{ name: "nights" }] };
  const calendars = [
    { name: "nights", spec: { timeZone: "UTC", windows: [{ schedule: "0 9 * * *", duration: "2h" }] } },
  ];
  /** START is 08:00: the window is open from 1 to 3 hours after it. */
  const night = (state: NodePatchStateStatus, rest: Moment = {}): readonly (readonly string[])[] => {
    const at = (hours: number, now: NodePatchStateStatus): Moment => ({
      at: hours * HOUR,
      state: now,
      ...rest,
      spec: { ...spec, ...rest.spec },
      policy: { calendars, ...rest.policy },
    });
    return counted(at(0.5, MISSING), at(1.5, MISSING), at(2.9, state), at(3.1, state), at(4, state));
  };
  const missed = [[], [], [], ["windows_ended_total{ring=broad} 1", "windows_missed_total{ring=broad} 1"], []];
  const ended = [[], [], [], ["windows_ended_total{ring=broad} 1"], []];

  it("are missed when targets waited at their end and nothing had started in them", () => {
    expect(night(MISSING)).toEqual(missed);
    // What started before the window was not in it.
    expect(night({ ...MISSING, operation: OPERATION })).toEqual(missed);
  });

  it("are not missed when something started in them, also if that is over", () => {
    const startedTime = iso(START + 2 * HOUR);
    const history = [
      {
        claimId: "c2",
        level: LEVEL.name,
        ring: "broad",
        result: "BackedOut" as const,
        startedTime,
        finishedTime: startedTime,
      },
    ];

    expect(night({ ...MISSING, operation: { ...OPERATION, startedTime } })).toEqual(ended);
    expect(night({ ...MISSING, history })[3]).toEqual(ended[3]);
  });

  it("are not missed while people forbid it: mode, suspension, freeze", () => {
    const freezes = [{ startTime: iso(START), endTime: iso(START + 3 * HOUR), reason: "sale" }];

    expect(night(MISSING, { input: { ledger: ledger([], { spec: { mode: "Observe" } }) } })).toEqual(ended);
    expect(night(MISSING, { spec: { suspend: true } })).toEqual(ended);
    expect(
      night(MISSING, { policy: { calendars: calendars.map((one) => ({ ...one, spec: { ...one.spec, freezes } })) } }),
    ).toEqual(ended);
  });

  it("are not missed when nothing waits, or the level is not offered", () => {
    expect(
      night(MISSING, { input: { inventory: inventory([{ ...NODE, kernelVersion: "5.15.0-110-generic" }]) } }).map(
        (list) => list.filter((line) => line.startsWith("windows")),
      ),
    ).toEqual(ended);
    expect(night(MISSING, { spec: { ...spec, levels: [] } })).toEqual(ended);
  });
});
