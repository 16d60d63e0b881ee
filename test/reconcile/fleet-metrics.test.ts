// What `/metrics` says of whole rollouts, from the plans of the real controller over the sandbox's API server.
import { describe, expect, it } from "vitest";
import { type Clock, manualClock } from "../../controller/clock.ts";
import { type FleetMetrics, measureFleet, FLEET_METRICS } from "../../controller/reconcile/fleet-metrics.ts";
import { createPrometheus } from "../../controller/serve/prometheus.ts";
import { type Born, createRig, isConverged, type Rig, ringFile, START } from "./rig.ts";

interface Measured {
  readonly born: Born;
  readonly metrics: FleetMetrics;
  readonly lines: () => Promise<readonly string[]>;
  lead(leads: boolean): void;
  /** The sum of all series of that name whose labels hold these texts; undefined: there is none. */
  sum(name: string, ...labels: readonly string[]): Promise<number | undefined>;
}

/** A controller, measured. */
function measured(rig: Rig, user: string, transport: Clock = rig.clock): Measured {
  const prometheus = createPrometheus({ process: false });
  let leading = true;
  const { clock } = rig;
  const metrics = measureFleet({ meter: prometheus.meter, clock, transport, leads: () => leading });
  const lines = async (): Promise<readonly string[]> => (await prometheus.scrape()).split("\n");
  return {
    born: rig.born(user, { measure: (look) => metrics.look(look) }),
    metrics,
    lines,
    lead: (leads) => void (leading = leads),
    async sum(name, ...labels) {
      const found = (await lines()).filter(
        (line) =>
          (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && labels.every((label) => line.includes(label)),
      );
      return found.length === 0 ? undefined : found.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
    },
  };
}

async function runUntilConverged(rig: Rig, next: (turn: number) => Born): Promise<void> {
  for (let turn = 0; turn < 200; turn += 1) {
    if (await isConverged(rig)) return;
    await next(turn).pass();
    await rig.turn();
  }
  throw new Error("it never converged");
}

const FLEET_LINE = /^ringward_(?!build_info|errors_total)/;
const OTHERS = new Set(FLEET_METRICS.filter(({ kind }) => kind !== "gauge").map(({ name }) => name));

/** Lines of gauges that tell of the fleet. */
const gaugesIn = (lines: readonly string[]): readonly string[] =>
  lines.filter((line) => FLEET_LINE.test(line) && !OTHERS.has(line.replace(/(_bucket|_sum|_count)?[{ ].*$/, "")));

describe("a rollout, measured", () => {
  it("observes each target once for its level, and says nothing of a fleet that it does not lead", async () => {
    const rig = await createRig();
    const leader = measured(rig, "ringward");
    await runUntilConverged(rig, () => leader.born);
    for (let more = 0; more < 5; more += 1) {
      await leader.born.pass();
      await rig.turn();
    }

    // Three nodes and a workload, each patched once.
    expect(await leader.sum("ringward_time_to_patch_from_level_input_seconds_count")).toBe(4);
    expect(await leader.sum("ringward_time_to_patch_from_ring_offer_seconds_count", 'baseline="ubuntu-2204"')).toBe(3);
    expect(await leader.sum("ringward_updates_total", 'result="Succeeded"')).toBe(4);
    expect(await leader.sum("ringward_updates_total", 'result="BackedOut"')).toBe(0);
    expect(await leader.sum("ringward_drain_duration_seconds_count", "Drained")).toBe(3);
    expect(await leader.sum("ringward_reboot_duration_seconds_count")).toBe(3);
    expect(await leader.sum("ringward_rollout_duration_seconds_count")).toBe(2);
    expect(await leader.sum("ringward_targets", 'state="Installed"')).toBe(4);
    expect(await leader.sum("ringward_targets")).toBe(4);
    expect(await leader.sum("ringward_open_age_from_level_input_seconds")).toBeUndefined();
    expect(gaugesIn(await leader.lines()).length).toBeGreaterThan(50);

    leader.lead(false);
    leader.metrics.forget();
    expect(gaugesIn(await leader.lines())).toEqual([]);
    expect(await leader.sum("ringward_updates_total", 'result="Succeeded"')).toBe(4);

    // Who leads again begins anew: what others did meanwhile is theirs to count.
    leader.lead(true);
    expect(gaugesIn(await leader.lines())).toEqual([]);
    await leader.born.pass();
    expect(gaugesIn(await leader.lines()).length).toBeGreaterThan(50);
    expect(await leader.sum("ringward_updates_total", 'result="Succeeded"')).toBe(4);
    expect(rig.errors).toEqual([]);
  });

  it("is counted twice by nobody when the lead changes in the middle of it, again and again", async () => {
    const rig = await createRig();
    const [one, other] = [measured(rig, "first"), measured(rig, "second")];
    let leader = one;
    await runUntilConverged(rig, (turn) => {
      if (turn % 6 === 5) {
        leader.lead(false);
        leader.metrics.forget();
        leader = leader === one ? other : one;
        leader.lead(true);
      }
      return leader.born;
    });
    const both = async (name: string, ...labels: readonly string[]): Promise<number> =>
      ((await one.sum(name, ...labels)) ?? 0) + ((await other.sum(name, ...labels)) ?? 0);

    // What ended between two leaders is counted by nobody.
    for (const counted of [
      await both("ringward_updates_total", 'result="Succeeded"'),
      await both("ringward_time_to_patch_from_level_input_seconds_count"),
    ]) {
      expect(counted).toBeGreaterThan(0);
      expect(counted).toBeLessThanOrEqual(4);
    }
  });

  it("shows open pull requests, and how long a merged one had waited", async () => {
    const rig = await createRig({
      workloads: [],
      files: { "rings/canary.yaml": ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest") },
    });
    const leader = measured(rig, "ringward");
    const turns = async (count: number): Promise<void> => {
      for (let turn = 0; turn < count; turn += 1) {
        await leader.born.pass();
        await rig.turn();
      }
    };
    const opened = (): number | undefined => rig.forge.people.pulls().find(({ state }) => state === "open")?.number;
    for (let round = 0; opened() === undefined && round < 40; round += 1) await turns(1);
    await turns(6);

    // One for the nodes' baseline and one for the images'.
    expect(await leader.sum("ringward_approvals_pending", 'ring="canary"')).toBe(2);
    rig.clock.advance(3_600_000);
    await turns(1);
    rig.forge.people.merge(opened() ?? 0, "alice");
    await turns(6);

    expect(await leader.sum("ringward_approvals_pending", 'ring="canary"')).toBe(1);
    expect(await leader.sum("ringward_approval_wait_seconds_count")).toBe(1);
    const waited = (await leader.sum("ringward_approval_wait_seconds_sum")) ?? 0;
    expect(waited).toBeGreaterThan(3_600);
    expect(waited).toBeLessThan(3_800);
  });

  it("says instants by their distance from the wall clock, where policy time is another", async () => {
    const rig = await createRig();
    const wall = manualClock(START + 400 * 86_400_000);
    const leader = measured(rig, "ringward", wall);
    await leader.born.pass();
    const inTime = async (): Promise<number> =>
      wall.now() / 1000 - ((await leader.sum("ringward_last_plan_timestamp_seconds")) ?? 0);

    expect(await inTime()).toBe(0);
    // Nobody makes a pass, and its age grows all the same.
    rig.clock.advance(90_000);
    wall.advance(1_000);
    expect(await inTime()).toBe(90);
  });

  it("counts errors that were survived by what they were about, and knows no other words", async () => {
    const rig = await createRig();
    const one = measured(rig, "ringward");
    for (const where of [
      "PolicyRepository policy",
      "Deployment shop/web",
      "forge",
      "constructor",
      "forge: a pull request",
    ])
      one.metrics.failed(where);

    expect(await one.sum("ringward_errors_total", 'source="policy"')).toBe(1);
    expect(await one.sum("ringward_errors_total", 'source="targets"')).toBe(1);
    expect(await one.sum("ringward_errors_total", 'source="forge"')).toBe(2);
    expect(await one.sum("ringward_errors_total", 'source="other"')).toBe(1);
    expect(await one.sum("ringward_build_info", `version="`)).toBe(1);
  });
});
