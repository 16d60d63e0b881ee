import { describe, expect, it } from "vitest";
import { findBlocks, isFinished } from "../../../controller/sandbox/demo/facts.ts";
import { createNews } from "../../../controller/sandbox/demo/news.ts";
import { isHeldByBudget } from "../../../controller/sandbox/demo/person.ts";
import { factsOf, finishedFacts } from "./scene.ts";

const rings = [{ name: "canary", phase: "InProgress" }];
const held = factsOf({
  rings,
  rows: [{ name: "ubuntu-01", ring: "canary" }],
  claims: [{ name: "ubuntu-01", ring: "canary" }],
  states: {
    "ubuntu-01": {
      blockedBy: [
        { reason: "PDBBlocked", message: "pod payments/ledger-1: budget ledger", since: "2024-12-16T06:59:00Z" },
      ],
    },
  },
});

describe("news", () => {
  it("tells a ring's beginning and completion once each", () => {
    const news = createNews();
    const rows = [{ name: "ubuntu-01", ring: "canary" }];
    expect(news(factsOf({ rings, rows }))).toEqual([]);
    const begun = factsOf({ rings, rows, claims: [{ name: "ubuntu-01", ring: "canary" }] });
    expect(news(begun)).toEqual(["ring canary begins: at most 2 nodes at a time"]);
    expect(news(begun)).toEqual([]);
    const [line] = news(finishedFacts());
    expect(line).toBe("ring canary is complete: 1 of 1 at their level; it soaks now");
    expect(news(finishedFacts())).toEqual([]);
  });

  it("does not call a ring complete while a target is exempt or not approved", () => {
    const news = createNews();
    const claims = [{ name: "ubuntu-01", ring: "canary" }];
    for (const row of [
      { name: "ubuntu-01", ring: "canary", state: "Exempt" as const },
      { name: "ubuntu-01", ring: "canary", state: "Installed" as const, approved: false },
    ])
      expect(news(factsOf({ rings, rows: [row], claims })).filter((line) => line.includes("complete"))).toEqual([]);
  });

  it("tells who waits for a budget, and the end of an exception", () => {
    const news = createNews();
    expect(news(held)).toContain("ubuntu-01 waits: PDBBlocked: pod payments/ledger-1: budget ledger");
    const exempt = createNews();
    exempt(factsOf({ rings, rows: [{ name: "ubuntu-17", ring: "canary", state: "Exempt" }] }));
    expect(exempt(factsOf({ rings, rows: [{ name: "ubuntu-17", ring: "canary" }] }))).toEqual([
      "the exception of ubuntu-17 has ended: it is updated too",
    ]);
  });
});

describe("facts", () => {
  it("finds blocks by reason, with since", () => {
    expect(findBlocks(held.objects, "PDBBlocked")).toEqual([
      { name: "ubuntu-01", message: "pod payments/ledger-1: budget ledger", since: "2024-12-16T06:59:00Z" },
    ]);
    expect(findBlocks(held.objects, "NodeNotReady")).toEqual([]);
    expect(isHeldByBudget(held)).toBe(true);
    expect(isHeldByBudget(finishedFacts())).toBe(false);
  });

  it("is finished only when all is there and nothing is under way", () => {
    expect(isFinished(finishedFacts())).toBe(true);
    expect(isFinished(held)).toBe(false);
    expect(isFinished(factsOf({}))).toBe(false);
    const { plan, objects, ...rest } = finishedFacts();
    const claims = held.claims;
    expect(isFinished({ ...rest, plan, objects, claims })).toBe(false);
  });
});
