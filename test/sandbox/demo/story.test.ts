import { describe, expect, it } from "vitest";
import { createStory, type StoryOptions } from "../../../controller/sandbox/demo/story.ts";
import { factsOf } from "./scene.ts";

const before = factsOf({
  rings: [
    { name: "canary", phase: "InProgress" },
    { name: "early", phase: "NotOffered", blocked: "WaitingForRing" },
  ],
  rows: [
    { name: "ubuntu-01", ring: "canary", state: "Installed" },
    { name: "ubuntu-02", ring: "canary" },
    { name: "ubuntu-03", ring: "early", approved: false, state: "Available" },
  ],
  claims: [{ name: "ubuntu-02", ring: "canary" }],
  states: { "ubuntu-02": { operation: { step: "Rebooting" } } },
});
const after = factsOf({
  rings: [
    { name: "canary", phase: "Done" },
    { name: "early", phase: "NotOffered" },
  ],
  rows: [
    { name: "ubuntu-01", ring: "canary", state: "Installed" },
    { name: "ubuntu-02", ring: "canary", state: "Installed" },
    { name: "ubuntu-03", ring: "early", approved: false, state: "Available" },
  ],
});

function record(options: Partial<StoryOptions> = {}) {
  const writes: string[] = [];
  const story = createStory(
    { write: (text) => writes.push(text), live: false, width: () => 120, paint: (_, text) => text, ...options },
    () => "  1.0s",
  );
  return { story, writes };
}

/** What a terminal shows after these writes: it knows new lines, carriage returns, cursor up and erase below. */
function screenOf(writes: readonly string[]): readonly string[] {
  const rows: string[] = [""];
  let at = 0;
  let column = 0;
  // eslint-disable-next-line no-control-regex -- these are the terminal's own words
  for (const [part] of writes.join("").matchAll(/\u001b\[\d*[AJ]|[^\u001b]/g)) {
    if (part === "\n") {
      at += 1;
      column = 0;
      rows[at] ??= "";
    } else if (part === "\r") column = 0;
    else if (part.endsWith("A") && part.length > 1) at -= Number(part.slice(2, -1));
    else if (part.endsWith("J") && part.length > 1) {
      rows[at] = (rows[at] ?? "").slice(0, column);
      rows.length = at + 1;
    } else {
      rows[at] = `${(rows[at] ?? "").slice(0, column).padEnd(column)}${part}${(rows[at] ?? "").slice(column + 1)}`;
      column += 1;
    }
  }
  return rows.slice(0, -1);
}

describe("a story in a log", () => {
  it("writes one line for a change of the rings, without control codes", () => {
    const { story, writes } = record();
    story.show(before, []);
    story.show(before, []);
    story.show(after, [{ number: 3, ring: "early" }]);
    story.end();
    expect(writes.filter((text) => text !== "")).toEqual([
      "  1.0s  canary 1/2 InProgress (1 in flight) | early 0/1 NotOffered (WaitingForRing) | 2024-12-16 07:00Z  nodes 1/3, workloads 0/0 at their level\n",
      "  1.0s  canary 2/2 Done | early 0/1 NotOffered (waits for the merge of #3) | 2024-12-16 07:00Z  nodes 2/3, workloads 0/0 at their level\n",
    ]);
  });

  it("puts more lines under a told one", () => {
    const { story, writes } = record();
    story.tell("pull request #1", "here");
    expect(writes.join("")).toBe("  1.0s  pull request #1\n         here\n");
  });
});

describe("a story on a terminal", () => {
  it("redraws its lanes in place and keeps what was told above them", () => {
    const { story, writes } = record({ live: true });
    story.tell("first");
    story.show(before, []);
    story.tell("second");
    story.show(after, [{ number: 3, ring: "early" }]);
    const screen = screenOf(writes);
    expect(screen).toHaveLength(5);
    expect(screen.slice(0, 2)).toEqual(["  1.0s  first", "  1.0s  second"]);
    expect(screen[2]).toBe("● canary   ████████████████████████     2/2  Done");
    expect(screen[3]).toBe("· early    ░░░░░░░░░░░░░░░░░░░░░░░░     0/1  NotOffered  waits for the merge of #3");
    expect(screen[4]).toContain("nodes 2/3");
  });

  it("names what is in flight and its step", () => {
    const { story, writes } = record({ live: true });
    story.show(before, []);
    expect(screenOf(writes)[0]).toContain("1 in flight: ubuntu-02 Rebooting");
  });

  it("writes nothing when nothing changed, and each redraw at once", () => {
    const { story, writes } = record({ live: true });
    story.show(before, []);
    story.show(before, []);
    expect(writes).toHaveLength(1);
    story.show(after, []);
    expect(writes).toHaveLength(2);
  });

  it("never writes a line that the window would wrap", () => {
    const { story, writes } = record({ live: true, width: () => 40 });
    story.show(before, []);
    for (const row of screenOf(writes)) expect(row.length).toBeLessThan(40);
    expect(screenOf(writes)[0]).toMatch(/…$/);
  });

  it("takes its lanes away at the end, wherever a keystroke left the cursor", () => {
    const { story, writes } = record({ live: true });
    story.tell("told");
    story.show(before, []);
    writes.push("^C");
    story.end();
    expect(screenOf(writes)).toEqual(["  1.0s  told"]);
  });

  it("does not call a ring done whose other levels wait for approval", () => {
    const { story, writes } = record({ live: true });
    story.show(
      factsOf({
        rings: [{ name: "early", phase: "Done" }],
        rows: [
          { name: "ubuntu-01", ring: "early", state: "Installed" },
          { name: "flatcar-01", ring: "early", approved: false, state: "Available" },
        ],
      }),
      [{ number: 2, ring: "early" }],
    );
    expect(screenOf(writes)[0]).toContain("1/2  PartDone");
  });
});
