// What stands once on a forge, where two clients made it at once or somebody else's text holds our marker.
import { describe, expect, it } from "vitest";
import { type FoundIssue, keepOneComment, keepOneIssue } from "../../controller/forge/keep-one.ts";
import type { PullComment } from "../../controller/forge/port.ts";

const MARKER = "<!-- ringward:test -->";
const comment = (id: number, body: string, mine = true): PullComment => ({
  id,
  author: mine ? "ringward" : "eve",
  body,
  time: "2026-01-05T08:00:00Z",
  mine,
});

/** Keeps the comment among those that are there; answers what was asked of the forge. */
async function keep(there: readonly PullComment[], body: string): Promise<readonly unknown[]> {
  const asked: unknown[] = [];
  await keepOneComment(
    {
      list: async () => there,
      make: async (text) => void asked.push(["make", text]),
      edit: async (id, text) => void asked.push(["edit", id, text]),
      remove: async (id) => void asked.push(["remove", id]),
    },
    MARKER,
    body,
  );
  return asked;
}

describe("one comment", () => {
  it("is the older of two, whatever their order; the younger goes", async () => {
    const two = [comment(7, `${MARKER}\nold`), comment(3, `${MARKER}\nold`)];

    for (const there of [two, two.toReversed()])
      expect(await keep(there, "new")).toEqual([
        ["edit", 3, `${MARKER}\nnew`],
        ["remove", 7],
      ]);
  });

  it("is never somebody else's that holds the marker", async () => {
    expect(await keep([comment(1, `${MARKER}\nnew`, false)], "new")).toEqual([["make", `${MARKER}\nnew`]]);
  });

  it("is left alone where it says the same", async () => {
    expect(await keep([comment(1, `${MARKER}\r\nnew\r\n`)], "new")).toEqual([]);
  });
});

describe("one issue", () => {
  it("is the oldest of several; the others are closed once", async () => {
    const issue = (number: number, open: boolean): FoundIssue => ({
      number,
      url: `https://forge.example.test/${number}`,
      title: "Waiting",
      body: MARKER,
      open,
    });
    const asked: unknown[] = [];
    const kept = await keepOneIssue(
      {
        list: async () => [issue(9, true), issue(8, false), issue(2, false)],
        make: () => Promise.reject(new Error("there are enough")),
        edit: async (number, change) => void asked.push([number, change]),
      },
      { marker: MARKER, title: "Waiting", body: "", open: true },
    );

    expect(kept?.number).toBe(2);
    expect(asked).toEqual([
      [2, { open: true }],
      [9, { open: false }],
    ]);
  });
});
