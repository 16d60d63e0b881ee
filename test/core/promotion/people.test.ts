// What people did with a proposal is read for the record and for refusals, and from nothing that Ringward said itself.
import { describe, expect, it } from "vitest";
import {
  ASK_AGAIN_COMMENT,
  ASK_AGAIN_LABEL,
  type ProposalHistory,
  readPeople,
} from "../../../controller/core/promotion/index.ts";

const CLOSED = "2026-01-05T10:00:00Z";
const none: ProposalHistory = { merged: undefined, closed: undefined, reviews: [], comments: [] };
const refused: ProposalHistory = { ...none, closed: { by: "ann", time: CLOSED } };
const pull = { labels: [], author: "ringward[bot]" };
const comment = (body: string, time: string, author = "ann") => ({
  author,
  body,
  time,
  mine: author === "ringward[bot]",
});

describe("who approved", () => {
  it("is everybody whose last verdict is an approval; a comment takes none back, a dismissal does", () => {
    const reviews = [
      { author: "zoe", state: "Approved" as const },
      { author: "ann", state: "ChangesRequested" as const },
      { author: "bob", state: "Approved" as const },
      { author: "cyn", state: "Approved" as const },
      { author: "zoe", state: "Commented" as const },
      { author: "ann", state: "Approved" as const },
      { author: "bob", state: "ChangesRequested" as const },
      { author: "cyn", state: "Dismissed" as const },
    ];

    expect(readPeople({ ...none, reviews }, pull).approvedBy).toEqual(["ann", "zoe"]);
  });

  it("says whether Ringward merged its own", () => {
    const merged = { by: "ringward[bot]", time: CLOSED, commit: "c".repeat(40) };

    expect(readPeople({ ...none, merged }, pull).mergedByUs).toBe(true);
    expect(readPeople({ ...none, merged: { ...merged, by: "ann" } }, pull).mergedByUs).toBe(false);
  });
});

describe("why it was refused", () => {
  it("is what a person said last, on one line and bounded, never Ringward's own words", () => {
    const comments = [
      comment("first", "2026-01-05T09:00:00Z"),
      comment("not before\n\nthe sale\u2028ends", "2026-01-05T09:59:00Z", "bob"),
      comment("progress: 3 of 4", "2026-01-05T10:05:00Z", "ringward[bot]"),
    ];

    expect(readPeople({ ...refused, comments }, pull).why).toBe("not before the sale ends");
    const long = readPeople({ ...refused, comments: [comment("🙂".repeat(500), CLOSED)] }, pull).why ?? "";
    expect(Array.from(long).length).toBe(200);
    expect(long.isWellFormed()).toBe(true);
    expect(readPeople(refused, pull).why).toBeUndefined();
  });
});

describe("asking again", () => {
  const asks = (comments: ProposalHistory["comments"], labels: readonly string[] = [], history = refused): boolean =>
    readPeople({ ...history, comments }, { ...pull, labels }).askedAgain;

  it("is a label, or a line of a comment that came after the refusal", () => {
    expect(asks([], [ASK_AGAIN_LABEL])).toBe(true);
    expect(asks([comment(`The sale is over.\r\n  ${ASK_AGAIN_COMMENT.toUpperCase()} \r\nthanks`, CLOSED)])).toBe(true);
  });

  it("is not what was said before, what Ringward says, another word, or anything about an open one", () => {
    expect(asks([comment(ASK_AGAIN_COMMENT, "2026-01-05T09:59:59Z")])).toBe(false);
    expect(asks([comment(ASK_AGAIN_COMMENT, "2026-01-05T11:00:00Z", "ringward[bot]")])).toBe(false);
    expect(asks([comment(`use ${ASK_AGAIN_COMMENT}!`, "2026-01-05T11:00:00Z")])).toBe(false);
    expect(asks([], ["bug"])).toBe(false);
    expect(asks([], [ASK_AGAIN_LABEL], none)).toBe(false);
  });
});
