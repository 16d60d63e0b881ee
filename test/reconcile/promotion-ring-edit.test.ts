// Changing a ring's entries in the text that people wrote: the diff is the entries alone.
import { describe, expect, it } from "vitest";
import type { PolicyFile } from "../../controller/git/port.ts";
import { editRingEntries, findDocument } from "../../controller/reconcile/promotion/ring-edit.ts";

const ring = (name: string, levels: string): string => `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: {name: ${name}}   # ${name}
spec:
  members: {nodes: {selector: {}}}
${levels}`;

const file = (text: string, path = "rings.yaml"): PolicyFile => ({ path, blob: "b", text });

describe("a ring's entries", () => {
  it("change in their document alone, several baselines at once", () => {
    const canary = ring(
      "canary",
      "  levels:\n    # first\n    - baseline: a\n      level: a-20260101-000000000000 # why\n      enforce: Exact\n",
    );
    const early = ring("early", "  levels:\n    - {baseline: a, level: a-20260101-000000000000}\n");
    const text = `# both rings\n${canary}---\n${early}`;

    const edited = editRingEntries(file(text), "canary", [
      { baseline: "a", level: "a-20260102-111111111111", maxTargets: 5 },
      { baseline: "b", level: "b-20260102-222222222222", maxTargets: 2 },
    ]);

    expect(edited).toBe(
      `# both rings\n${ring("canary", "  levels:\n    # first\n    - baseline: a\n      level: a-20260102-111111111111 # why\n      enforce: Exact\n      maxTargets: 5\n    - baseline: b\n      level: b-20260102-222222222222\n      maxTargets: 2\n")}---\n${early}`,
    );
  });

  it("keep the expedite when only the number of targets grows", () => {
    const text = ring(
      "canary",
      '  levels:\n    - baseline: a\n      level: x\n      maxTargets: 1\n      expedite: {reason: r, until: "2026-01-02T00:00:00Z", skip: [Soak]}\n',
    );

    expect(editRingEntries(file(text), "canary", [{ baseline: "a", level: "x", maxTargets: 9 }])).toBe(
      text.replace("maxTargets: 1", "maxTargets: 9"),
    );
    expect(editRingEntries(file(text), "canary", [{ baseline: "a", level: "y", maxTargets: 9 }])).not.toContain(
      "expedite",
    );
  });

  it("refuse a file where the ring stands twice or not at all", () => {
    const text = ring("canary", "");

    expect(() => editRingEntries(file(text), "early", [{ baseline: "a", level: "x", maxTargets: 1 }])).toThrow(
      /stands 0 times/,
    );
    expect(() =>
      editRingEntries(file(`${text}---\n${text}`), "canary", [{ baseline: "a", level: "x", maxTargets: 1 }]),
    ).toThrow(/stands 2 times/);
  });

  it("are found wherever people put them, but not when two files claim the name", () => {
    const one = file(ring("canary", ""), "a.yaml");
    const other = file(`kind: Other\n---\n${ring("canary", "")}`, "b.yaml");

    expect(
      findDocument([file("x: canary RolloutRing\n", "c.yaml"), other], "RolloutRing", "canary")?.document.index,
    ).toBe(1);
    expect(findDocument([one, other], "RolloutRing", "canary")).toBeUndefined();
    expect(findDocument([one, other], "RolloutRing", "canary", "b.yaml")?.file).toBe(other);
  });
});
