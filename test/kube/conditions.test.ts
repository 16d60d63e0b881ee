// When a condition flipped (S2): a transition is never earlier than the one before it, but for clocks that were put back.
import { describe, expect, it } from "vitest";
import { summarise } from "../../controller/kube/conditions.ts";

const at = (time: string): number => Date.parse(time);
const ready = { kind: "Ready", reason: "Compliant", message: "state Installed" } as const;
const reconciling = { kind: "Reconciling", reason: "Progressing", message: "state Missing" } as const;

describe("the time of a transition", () => {
  const first = summarise(undefined, ready, undefined, at("2026-11-17T10:00:00Z"));
  const timeOf = (now: string): string | undefined =>
    summarise(first, reconciling, undefined, at(now)).find(({ type }) => type === "Ready")?.lastTransitionTime;

  it("stays while nothing flips", () => {
    expect(summarise(first, ready, undefined, at("2026-11-17T11:00:00Z"))).toEqual(first);
  });

  it("is that of the flip", () => {
    expect(timeOf("2026-11-17T11:00:00Z")).toBe("2026-11-17T11:00:00.000Z");
  });

  it("is not earlier than the one before where a leader slept and writes what it had found", () => {
    expect(timeOf("2026-11-17T09:59:00Z")).toBe("2026-11-17T10:00:00.000Z");
  });

  it("is that of the flip where a clock was put back", () => {
    expect(timeOf("2026-11-17T09:00:00Z")).toBe("2026-11-17T09:00:00.000Z");
  });
});
