// Equal things are one line, however many there are: 5,000 nodes that wait for 5,000 different pods are one line with an example.
import { describe, expect, it } from "vitest";
import type { AssetRow } from "../../../controller/core/model.ts";
import { groupRows, mergeGroups } from "../../../controller/cli/views/groups.ts";

function row(
  name: string,
  reason: "PDBBlocked" | "CordonedByOther" | "Frozen",
  message: string,
  since?: number,
): AssetRow {
  return {
    asset: { kind: "Node", namespace: undefined, name, uid: name },
    baseline: "ubuntu",
    level: undefined,
    digest: undefined,
    approved: true,
    state: "Missing",
    components: [],
    offTarget: false,
    ring: "prod",
    phase: "Blocked",
    blockedBy: [{ reason, message, ...(since === undefined ? {} : { since }) }],
  };
}

describe("groups", () => {
  it("take an asset's own name in a message for no difference, and only as a whole word", () => {
    const rows = ["n1", "n10", "n100"].map((name, at) =>
      row(name, "CordonedByOther", `node ${name} was cordoned by somebody else`, 30 - at),
    );

    const [group, ...others] = groupRows(rows);

    expect(others).toEqual([]);
    expect(group).toMatchObject({ message: "node … was cordoned by somebody else", since: 28 });
    expect(group?.rows.map(({ asset }) => asset.name)).toEqual(["n1", "n10", "n100"]);
  });

  it("tell three messages of one reason one by one, and of more an example", () => {
    const rows = (count: number): readonly AssetRow[] =>
      Array.from({ length: count }, (_, at) => row(`n${at}`, "PDBBlocked", `pod shop/web-${at} waits`, 100 + at));
    const frozen = row("x", "Frozen", "a freeze");

    expect(mergeGroups(groupRows([...rows(3), frozen])).map(({ message }) => message)).toEqual([
      "pod shop/web-0 waits",
      "pod shop/web-1 waits",
      "pod shop/web-2 waits",
      "a freeze",
    ]);
    const merged = mergeGroups(groupRows([...rows(5000), frozen]));
    expect(merged.map(({ reason, rows: list, message, since }) => [reason, list.length, message, since])).toEqual([
      ["PDBBlocked", 5000, "for example pod shop/web-0 waits", 100],
      ["Frozen", 1, "a freeze", undefined],
    ]);
  });
});
