import { describe, expect, it } from "vitest";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { summariseRings } from "../../../controller/sandbox/demo/history.ts";
import { factsOf, START } from "./scene.ts";

/** A version of the ledger, minutes after the start, with so many claims of ring canary on nodes and workloads. */
function ledger(minute: number, nodes: number, workloads: number, ring = "canary"): StoredVersion {
  const claims = [
    ...Array.from({ length: nodes }, (_, at) => ({ kind: "Node", name: `n${at}`, ring })),
    ...Array.from({ length: workloads }, (_, at) => ({ kind: "Deployment", name: `w${at}`, ring })),
  ];
  return {
    key: "/ringward.dev/disruptionledgers//cluster",
    time: START + minute * 60_000,
    object: { status: { claims } },
  } as unknown as StoredVersion;
}

const facts = factsOf({
  rings: [{ name: "canary", phase: "Soaking" }],
  rows: [1, 2, 3, 4].map((at) => ({ name: `n${at}`, ring: "canary", state: "Installed" as const })),
});

describe("what the history says of a ring", () => {
  it("counts the most that was in flight at once, nodes and workloads apart", () => {
    const history = [ledger(0, 0, 0), ledger(1, 2, 0), ledger(2, 1, 3), ledger(3, 0, 0)];
    const [ring] = summariseRings(history, facts);
    expect(ring?.maxInFlight).toEqual({ nodes: 2, workloads: 3 });
    expect(ring?.budget.nodes).toBe(2);
  });

  it("begins with the first claim and ends with the last release", () => {
    const [ring] = summariseRings([ledger(0, 0, 0), ledger(1, 1, 0), ledger(5, 0, 0), ledger(9, 0, 0)], facts);
    expect(ring).toMatchObject({ startedAt: "2024-12-16T07:01:00.000Z", finishedAt: "2024-12-16T07:05:00.000Z" });
  });

  it("has no end while a claim is open, and no beginning without one", () => {
    expect(summariseRings([ledger(1, 1, 0)], facts)[0]).toMatchObject({ finishedAt: null });
    expect(summariseRings([ledger(1, 1, 0, "early")], facts)[0]).toMatchObject({
      startedAt: null,
      finishedAt: null,
      maxInFlight: { nodes: 0, workloads: 0 },
    });
  });

  it("reads no other kind's history", () => {
    const other = { ...ledger(1, 5, 0), key: "/ringward.dev/rolloutrings//canary" };
    expect(summariseRings([other], facts)[0]?.maxInFlight.nodes).toBe(0);
  });
});
