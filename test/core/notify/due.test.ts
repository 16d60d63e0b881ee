// Who still has to hear what: nothing twice, nothing of the time before, and nothing lost while no process ran.
import { describe, expect, it } from "vitest";
import type { NotifiedRecord } from "../../../controller/api/rollout-ring.ts";
import { addNotified, findDue, MOST_NOTIFIED, type Notification } from "../../../controller/core/notify/index.ts";
import { iso, START } from "../../support/fleet.ts";

const ALL = { name: "chat", events: undefined, rings: undefined };
const one = (id: string, at: number, rest: Partial<Notification> = {}): Notification => ({
  id,
  event: "Started",
  cluster: "test",
  ring: "broad",
  at: START + at,
  title: id,
  text: "",
  ...rest,
});
const record = (id: string, at: number, destination = "chat"): NotifiedRecord => ({
  id,
  destination,
  time: iso(START + at),
});
const due = (found: readonly Notification[], stored: readonly NotifiedRecord[], audience: typeof ALL | object = ALL) =>
  findDue({ ...ALL, ...audience }, { found, stored, started: START }).map(({ id }) => id);

describe("what is due", () => {
  it.each([
    [
      "nothing that is older than this process, where nothing was ever told",
      [one("old", -1), one("new", 0)],
      [],
      ["new"],
    ],
    ["nothing that was told", [one("a", 5), one("b", 6)], [record("a", 5)], ["b"]],
    ["what another destination was told", [one("a", 5)], [record("a", 5, "other")], ["a"]],
    ["what happened while no process ran", [one("before", -9), one("missed", -5)], [record("first", -7)], ["missed"]],
    ["nothing of the time before the first that was told", [one("before", -9)], [record("first", -7)], []],
  ])("is %s", (_, found, stored, expected) => {
    expect(due(found, stored)).toEqual(expected);
  });

  it("is nothing that was told and forgotten for newer entries", () => {
    const stored = Array.from({ length: MOST_NOTIFIED }, (_, index) => record(`n${index}`, 100 + index));

    expect(due([one("forgotten", 90), one("next", 500)], stored)).toEqual(["next"]);
  });

  it("is what its destination asks for", () => {
    const found = [one("a", 1), one("b", 1, { event: "Done" }), one("c", 1, { ring: "prod" })];

    expect(due(found, [], { events: ["Done"] })).toEqual(["b"]);
    expect(due(found, [], { rings: ["prod"] })).toEqual(["c"]);
  });
});

describe("what is kept", () => {
  it("is the very same where nothing is new", () => {
    const stored = [record("a", 1)];

    expect(addNotified(stored, [record("a", 1)])).toBe(stored);
  });

  it("is the newest, and never more than there is room for", () => {
    const stored = Array.from({ length: MOST_NOTIFIED }, (_, index) => record(`n${index}`, index));
    const kept = addNotified(stored, [record("late", 1_000), record("late", 1_000, "other")]);

    expect(kept).toHaveLength(MOST_NOTIFIED);
    expect(kept[0]?.id).toBe("n2");
    expect(kept.at(-1)).toEqual(record("late", 1_000, "other"));
  });
});
