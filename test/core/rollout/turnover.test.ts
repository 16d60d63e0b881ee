// Who joined and who left a ring: once each, also across a crash, and not for what merely nobody is asked about.
import { describe, expect, it } from "vitest";
import type { RolloutRingStatus } from "../../../controller/api/rollout-ring.ts";
import type { AssetRow } from "../../../controller/core/model.ts";
import { findTurnover, recordTurnover, type StoredMember } from "../../../controller/core/rollout/turnover.ts";

const AT = Date.UTC(2026, 0, 5, 8);
const OFFERED: RolloutRingStatus = {
  levels: [{ baseline: "b", level: "l", digest: "d", offeredTime: "2026-01-01T00:00:00Z" }],
};

const stored = (name: string, ring: string | undefined): StoredMember => ({ kind: "Node", name, uid: name, ring });
const row = (name: string, ring: string | undefined): AssetRow =>
  ({ asset: { kind: "Node", namespace: undefined, name, uid: name }, ring, baseline: "b" }) as unknown as AssetRow;

/** Names that a ring's status has after one look. */
function look(
  ring: string,
  before: RolloutRingStatus,
  states: readonly StoredMember[],
  rows: readonly AssetRow[],
  there: readonly string[] = rows.map(({ asset }) => asset.uid),
) {
  const status = recordTurnover(
    ring,
    before,
    findTurnover(states, rows, (uid) => there.includes(uid)),
    AT,
  );
  return { status, joined: status.joined?.map(({ name }) => name), left: status.left?.map(({ name }) => name) };
}

describe("a ring's members", () => {
  it("are told when they come, go, or go over to another ring", () => {
    const states = [stored("stays", "a"), stored("moves", "a"), stored("dies", "a"), stored("loses", "a")];
    const rows = [row("stays", "a"), row("moves", "b"), row("comes", "a"), row("loses", undefined)];

    expect(look("a", OFFERED, states, rows)).toMatchObject({ joined: ["comes"], left: ["moves", "dies", "loses"] });
    expect(look("b", OFFERED, states, rows)).toMatchObject({ joined: ["moves"], left: undefined });
    expect(look("a", OFFERED, states, rows).status.left?.[0]).toEqual({
      kind: "Node",
      name: "moves",
      uid: "moves",
      time: "2026-01-05T08:00:00.000Z",
    });
  });

  it("are told once, also where what is stored of them could not be written yet, and anew when they turn round", () => {
    const states = [stored("x", "a")];
    const first = look("a", OFFERED, states, [row("y", "a")], []).status;
    expect(look("a", { ...OFFERED, ...first }, states, [row("y", "a")], []).status).toEqual(first);

    const back = look("a", { ...OFFERED, ...first }, [stored("y", "a")], [row("x", "a")], ["y"]);
    expect(back).toMatchObject({ joined: ["y", "x"], left: undefined });
    expect(
      look("a", { ...OFFERED, ...back.status }, [stored("x", "a"), stored("y", "a")], [row("x", "a")], []),
    ).toMatchObject({
      joined: ["x"],
      left: ["y"],
    });
  });

  it("say nothing before a level was offered, nor when no baseline is about them any more", () => {
    expect(look("a", { levels: [] }, [], [row("x", "a")]).status).toEqual({});
    expect(look("a", OFFERED, [stored("x", "a")], [], ["x"]).status).toEqual({});
  });

  it("are bounded, the oldest forgotten first", () => {
    const rows = Array.from({ length: 80 }, (_, index) => row(`n${index}`, "a"));
    const { joined = [] } = look("a", OFFERED, [], rows);

    expect(joined).toHaveLength(64);
    expect(joined.at(-1)).toBe("n79");
  });
});
