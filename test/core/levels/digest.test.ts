// What makes a level itself: equal meaning gives equal digests, and a name that does not match its content is refused (A1, A6).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PatchLevelSpec } from "../../../controller/api/patch-level.ts";
import type { Digest } from "../../../controller/core/model.ts";
import { canonicalJson, checkLevel, levelDigest, levelName } from "../../../controller/core/levels/index.ts";
import { imageBaseline, levelOf, nodeBaseline, NOW } from "./fixtures.ts";

const digest = "0123456789ab".padEnd(64, "c") as Digest;

/** The same JSON with members, and lists of maps, in another order. */
function shuffled(value: unknown, order: (length: number) => number): unknown {
  if (Array.isArray(value)) {
    const items: unknown[] = value.map((item) => shuffled(item, order));
    return items.every((item) => typeof item === "object") && order(2) === 1 ? items.reverse() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => [key, shuffled(member, order)] as const);
  return Object.fromEntries(order(2) === 1 ? entries.reverse() : entries);
}

describe("canonicalJson", () => {
  it("sorts keys and leaves undefined out", () => {
    expect(canonicalJson({ b: 1, a: [3, 1, { d: undefined, c: null }] })).toBe('{"a":[3,1,{"c":null}],"b":1}');
  });

  it("sorts lists that are maps by their keys, and no others", () => {
    const components = [
      { name: "kubelet", scheme: "semver", version: "1" },
      { name: "a", scheme: "dpkg", version: "1" },
    ];
    const text = canonicalJson(
      { node: { components, recipe: { steps: { update: { command: ["b", "a"] } } } } },
      PatchLevelSpec,
    );
    expect(text.indexOf('"a","scheme"')).toBeLessThan(text.indexOf('"kubelet"'));
    expect(text).toContain('["b","a"]');
  });

  it("gives the same text whatever order a file was written in", () => {
    const spec = levelOf({
      baseline: nodeBaseline({
        minimum: {
          kubelet: "v1.33.6",
          packages: [
            { name: "b", version: "1" },
            { name: "a", version: "2" },
          ],
        },
      }),
    }).spec;
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 1 })), (stream) => {
        const other = shuffled(spec, () => stream.next().value as number);
        expect(canonicalJson(other, PatchLevelSpec)).toBe(canonicalJson(spec, PatchLevelSpec));
      }),
    );
  });

  it("does not change when the API server fills in defaults", () => {
    const { spec } = levelOf({ baseline: nodeBaseline() });
    const bare = structuredClone(spec);
    delete bare.node?.recipe.steps?.inventory?.host;
    delete bare.node?.recipe.steps?.inventory?.timeout;
    expect(bare).not.toEqual(spec);
    expect(levelDigest(bare)).toBe(levelDigest(spec));
    if (bare.node?.recipe.steps?.inventory) bare.node.recipe.steps.inventory.host = "ReadWrite";
    expect(levelDigest(bare)).not.toBe(levelDigest(spec));
  });
});

describe("levelName", () => {
  it("is the baseline, the UTC date of the newest input and twelve digits", () => {
    expect(levelName("ubuntu-2204", Date.parse("2026-11-20T23:59:59.999Z"), digest)).toBe(
      "ubuntu-2204-20261120-0123456789ab",
    );
    expect(levelName("ubuntu-2204", Date.parse("2026-11-21T00:30:00+01:00"), digest)).toBe(
      "ubuntu-2204-20261120-0123456789ab",
    );
  });

  it("stays a valid object name for the longest baselines", () => {
    for (const baseline of [
      "a".repeat(253),
      `${"a".repeat(230)}.${"b".repeat(22)}`,
      `${"a".repeat(229)}-.${"b".repeat(22)}`,
    ]) {
      const name = levelName(baseline, NOW, digest);
      expect(name.length).toBeLessThanOrEqual(253);
      expect(name).toMatch(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);
      expect(name).not.toMatch(/[.-][.]|[.]-/);
    }
  });
});

describe("checkLevel", () => {
  const level = levelOf({ baseline: nodeBaseline() });

  it("accepts what it named, with and without the annotation", () => {
    expect(checkLevel(level.name, level.spec)).toBeUndefined();
    expect(checkLevel(level.name, level.spec, level.digest)).toBeUndefined();
    const long = levelOf({ baseline: nodeBaseline({}, { name: "a".repeat(253) }) });
    expect(checkLevel(long.name, long.spec)).toBeUndefined();
  });

  it("refuses an edited level", () => {
    const edited = structuredClone(level.spec);
    const [component] = edited.node?.components ?? [];
    if (component) component.version = "3.0.2-0ubuntu1.99";
    expect(checkLevel(level.name, edited)).toMatch(/was edited/);
  });

  it("refuses a name that is none, another baseline's name, and a false annotation", () => {
    expect(checkLevel("ubuntu-2204", level.spec)).toMatch(/let ringward write levels/);
    const stranger = level.name.replace("ubuntu-2204", "ubuntu-2404");
    expect(checkLevel(stranger, level.spec)).toMatch(/baseline ubuntu-2204/);
    expect(checkLevel(level.name, level.spec, "f".repeat(64))).toMatch(/annotation/);
  });

  it("compares by full digest: two levels never share one", () => {
    const other = levelOf({ baseline: imageBaseline([{ repository: "r.example.com/a", tag: "1" }]) });
    expect(other.digest).not.toBe(level.digest);
    expect(level.digest).toMatch(/^[0-9a-f]{64}$/);
  });
});
