import { describe, expect, it } from "vitest";
import { closest } from "../../controller/api/suggest.ts";

describe("closest", () => {
  it.each([
    ["canry", ["canary", "early"], "canary"],
    ["brod", ["canary", "broad"], "broad"],
    ["lables", ["labels", "levels"], "labels"],
    ["NODESELECTOR", ["nodeSelector"], "nodeSelector"],
    ["x", ["canary"], undefined],
    ["production", ["canary", "early"], undefined],
    ["", ["a"], "a"],
  ])("%j of %j is %j", (word, known, wanted) => {
    expect(closest(word, known)).toBe(wanted);
  });
});
