// Entries and withdrawals: what each ring is approved to run, and what became of earlier approvals.
import { describe, expect, it } from "vitest";
import type { RingLevelStatus } from "../../../controller/api/rollout-ring.ts";
import { markWithdrawals, readEntries } from "../../../controller/core/rollout/entries.ts";
import { makePlan } from "../../../controller/core/rollout/plan.ts";
import type { LevelInForce } from "../../../controller/core/model.ts";
import {
  DAY,
  entry,
  HOUR,
  inventory,
  iso,
  kernelLevel,
  nodeAsset,
  planInput,
  policy,
  ring,
  START,
} from "../../support/fleet.ts";

const [ONE, TWO, THREE] = [kernelLevel(101), kernelLevel(102), kernelLevel(103)];
const record = (level: LevelInForce, rest: Partial<RingLevelStatus> = {}): RingLevelStatus => ({
  baseline: "ubuntu",
  level: level.name,
  digest: level.digest,
  ...rest,
});
const withdrawnIn = (records: readonly RingLevelStatus[]): readonly string[] =>
  records.filter((one) => one.withdrawnTime !== undefined).map((one) => one.level);

/** A ring that names `current`, with these records, planned once; gives back its records. */
function planned(
  current: LevelInForce | string | undefined,
  records: readonly RingLevelStatus[],
): readonly RingLevelStatus[] {
  const levels =
    current === undefined
      ? []
      : [typeof current === "string" ? { baseline: "ubuntu", level: current } : entry(current)];
  const one = ring("prod", { levels }, { status: { levels: [...records] } });
  const plan = makePlan(
    planInput({
      policy: policy({ rings: [one], levels: [ONE, TWO, THREE] }),
      inventory: inventory([nodeAsset("n", { labels: { ring: "prod" } })]),
    }),
  );
  return plan.rings[0]?.levels ?? [];
}

describe("entries", () => {
  it("an entry that returns to an earlier level withdraws the later ones", () => {
    expect(withdrawnIn(planned(ONE, [record(ONE), record(TWO), record(THREE)]))).toEqual([TWO.name, THREE.name]);
  });

  it("a newer approval withdraws nothing", () => {
    expect(withdrawnIn(planned(THREE, [record(ONE), record(TWO)]))).toEqual([]);
    expect(withdrawnIn(planned(TWO, [record(ONE)]))).toEqual([]);
  });

  it("asking again for a withdrawn level clears its withdrawal, and its offer counts anew", () => {
    const again = markWithdrawals(
      [record(ONE), record(TWO, { withdrawnTime: iso(START), offeredTime: iso(START - DAY) })],
      "ubuntu",
      TWO,
      START,
    );

    expect(withdrawnIn(again)).toEqual([]);
    expect(again[1]?.offeredTime).toBeUndefined();
  });

  it("an entry that went away withdraws what it named", () => {
    expect(withdrawnIn(planned(undefined, [record(ONE)]))).toEqual([ONE.name]);
  });

  it("an entry whose level is missing takes nothing back: partial data never withdraws", () => {
    expect(withdrawnIn(planned("ubuntu-20260101-000000000000", [record(ONE), record(TWO)]))).toEqual([]);
  });

  it("a level whose name does not match its content closes the entry, and no other one of the ring", () => {
    const other = kernelLevel(101, { baseline: "flatcar" });
    const forged = { ...ONE, mismatch: "the name says another digest" };
    const one = ring("prod", { levels: [entry(forged), entry(other)] });

    const { approvals, problems } = readEntries(one, policy({ levels: [forged, other] }), START);

    expect([...approvals.keys()]).toEqual(["flatcar"]);
    expect(problems.get("ubuntu")?.reason).toBe("LevelDigestMismatch");
  });

  it("a level of another baseline is no level of this one", () => {
    const one = ring("prod", { levels: [{ baseline: "flatcar", level: ONE.name }] });

    expect(readEntries(one, policy({ levels: [ONE] }), START).problems.get("flatcar")?.reason).toBe("LevelMissing");
  });

  it("expedite holds for that entry until its time, and not at all if its time cannot be read", () => {
    const skipsAt = (until: string, now = START): readonly string[] => {
      const one = ring("prod", { levels: [entry(ONE, { expedite: { reason: "CVE", until, skip: ["Windows"] } })] });
      return [...(readEntries(one, policy({ levels: [ONE] }), now).approvals.get("ubuntu")?.skips ?? [])];
    };

    expect(skipsAt(iso(START + HOUR))).toEqual(["Windows"]);
    expect(skipsAt(iso(START + HOUR), START + HOUR)).toEqual([]);
    expect(skipsAt("soon")).toEqual([]);
  });

  it("a withdrawn level starts nowhere: not in the ring and not in its successors, directly or not", () => {
    const rings = [
      ring(
        "a",
        { levels: [entry(ONE)] },
        { status: { levels: [record(ONE, { soakedTime: iso(START) }), record(TWO, { soakedTime: iso(START) })] } },
      ),
      ring(
        "b",
        { after: ["a"], levels: [entry(TWO)] },
        { status: { levels: [record(TWO, { soakedTime: iso(START) })] } },
      ),
      ring("c", { after: ["b"], levels: [entry(TWO)] }),
    ];
    const nodes = ["a", "b", "c"].map((name) => nodeAsset(name, { labels: { ring: name } }));

    const plan = makePlan(planInput({ policy: policy({ rings, levels: [ONE, TWO] }), inventory: inventory(nodes) }));

    expect(plan.claims.map((claim) => claim.name)).toEqual(["a"]);
    for (const name of ["b", "c"])
      expect(plan.rows.find((row) => row.asset.name === name)?.blockedBy[0]?.reason).toBe("LevelWithdrawn");
  });
});
