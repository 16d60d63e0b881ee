// Timelines in which time itself is the matter: freezes, windows, deadlines, and a night on which the clocks go back.
import { describe, expect, it } from "vitest";
import type { MaintenanceCalendarSpec } from "../../controller/api/maintenance-calendar.ts";
import { DAY, entry, iso, kernelLevel, MINUTE, nodeAsset, ring, START } from "../support/fleet.ts";
import { createWorld } from "./world/world.ts";
import { expectStory, nodesOf, policyOf, ringsInARow } from "./scenes.ts";

const calendar = (spec: MaintenanceCalendarSpec, name = "change") => ({ name, spec });
const refs = [{ name: "change" }];

describe("timelines of calendars", () => {
  it("a freeze mid-rollout: targets before Updated back out; after the thaw rings go on in order and in budget", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(
        level,
        ringsInARow(level, { canary: { soak: "20m" }, wide: { budget: { nodes: 2 }, calendarRefs: refs } }),
        {
          calendars: [
            calendar({
              freezes: [
                { startTime: iso(START + 37 * MINUTE), endTime: iso(START + 97 * MINUTE), reason: "quarter close" },
              ],
            }),
          ],
        },
      ),
      nodes: [...nodesOf("canary", 1), ...nodesOf("wide", 4)],
    });
    world.at(
      28,
      "the drain of wide-2 is slow: its pod may not be evicted",
      () => void (world.machine("wide-2").trouble = "PodStays"),
    );
    world.at(60, "the budget of its pod allows it again", () => delete world.machine("wide-2").trouble);
    world.runUntil(240);

    expectStory("freeze", world);
  });

  it("an expedited entry passes a freeze that lets it; the others wait", () => {
    const level = kernelLevel(110);
    const freeze = {
      startTime: iso(START - DAY),
      endTime: iso(START + 120 * MINUTE),
      reason: "year end",
      override: "Expedite" as const,
    };
    const [canary, wide] = ringsInARow(level, {
      canary: { soak: "10m", calendarRefs: refs },
      wide: { soak: "10m", calendarRefs: refs },
    });
    const expedite = {
      reason: "CVE-2026-1234 is exploited",
      until: iso(START + DAY),
      skip: ["Freezes" as const, "Soak" as const],
    };
    const world = createWorld({
      policy: policyOf(
        level,
        [canary, wide].flatMap((one) => one ?? []),
        { calendars: [calendar({ freezes: [freeze] })] },
      ),
      nodes: [...nodesOf("canary", 2), ...nodesOf("wide", 2)],
    });
    world.at(30, "a person merges expedite {Freezes, Soak} into wide's entry", () =>
      world.setRing("wide", { levels: [entry(level, { expedite })] }),
    );
    world.runUntil(180);

    expectStory("expedite", world);
  });

  it("a window over the night on which the clocks go back lasts as long as it says", () => {
    const level = kernelLevel(110);
    const start = Date.parse("2026-10-24T22:50:00Z");
    const world = createWorld({
      start,
      policy: policyOf(level, [ring("night", { levels: [entry(level)], calendarRefs: refs, soak: "0s" })], {
        calendars: [
          calendar({ timeZone: "Europe/Berlin", windows: [{ schedule: "0 1 * * *", duration: "4h", cutoff: "30m" }] }),
        ],
      }),
      nodes: nodesOf("night", 8, { createdAt: start - DAY }),
      updateMinutes: 35,
    });
    world.runUntil(28 * 60);

    expectStory("dst", world);
  });

  it("after the deadline windows are ignored, and a late node has its grace first", () => {
    const level = kernelLevel(110);
    const world = createWorld({
      policy: policyOf(
        level,
        [
          ring("prod", {
            levels: [entry(level)],
            calendarRefs: refs,
            soak: "0s",
            deadline: "3h",
            onDeadline: "IgnoreWindows",
            gracePeriod: "2h",
          }),
        ],
        { calendars: [calendar({ windows: [{ schedule: "0 20 * * *", duration: "1h" }] })] },
      ),
      nodes: nodesOf("prod", 2),
    });
    world.at(150, "a laptop-grade node comes back after two weeks, as a new node of an old image", () =>
      world.addNode(nodeAsset("prod-late", { labels: { ring: "prod" }, createdAt: world.now() })),
    );
    world.runUntil(330);

    expectStory("late-node", world);
    expect(world.machine("prod-late").asset.kernelVersion).toBe("5.15.0-110-generic");
  });
});
