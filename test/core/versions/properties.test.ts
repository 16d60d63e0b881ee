// What every order must be, on random versions: reflexive, antisymmetric, transitive, and a stable sort.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions } from "../../../controller/core/versions/index.ts";
import type { VersionScheme } from "../../../controller/core/versions/index.ts";
import { arbitraries } from "./arbitraries.ts";
import { opposite } from "./rows.ts";

const schemes = Object.keys(arbitraries) as VersionScheme[];

describe.each(schemes)("the order of %s", (scheme) => {
  const version = arbitraries[scheme];

  it("finds each well-formed version equal to itself", () => {
    fc.assert(
      fc.property(version, (a) => compareVersions(scheme, a, a) === "="),
      { numRuns: 500 },
    );
  });

  it("turns round when its arguments do, also for junk", () => {
    const any = fc.oneof(version, fc.string(), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(any, any, (a, b) => compareVersions(scheme, a, b) === opposite[compareVersions(scheme, b, a)]),
      { numRuns: 2000 },
    );
  });

  it("is transitive", () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const ab = compareVersions(scheme, a, b);
        const bc = compareVersions(scheme, b, c);
        if (ab === "?" || bc === "?" || (ab !== bc && ab !== "=" && bc !== "=")) return;
        expect(compareVersions(scheme, a, c)).toBe(ab === "=" ? bc : ab);
      }),
      { numRuns: 5000 },
    );
  });
});

/** The orders in which any two well-formed versions are comparable. */
describe.each(["dpkg", "rpm", "apk"] as const)("sorting by %s", (scheme) => {
  const version = arbitraries[scheme];
  const order = { "<": -1, "=": 0, ">": 1, "?": Number.NaN } as const;

  it("gives one result whatever the order of the input, and keeps equal versions in their order", () => {
    fc.assert(
      fc.property(fc.array(version, { maxLength: 30 }), (versions) => {
        const items = versions.map((text, index) => ({ text, index }));
        const sorted = items.toSorted((a, b) => order[compareVersions(scheme, a.text, b.text)]);
        for (const [i, item] of sorted.entries()) {
          for (const later of sorted.slice(i + 1)) {
            const between = compareVersions(scheme, item.text, later.text);
            expect(between === "<" || (between === "=" && item.index < later.index)).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("epochs", () => {
  it.each(["dpkg", "rpm"] as const)("dominate everything else in %s", (scheme) => {
    const bare = arbitraries[scheme].map((text) => text.replace(/^\d*:/, ""));
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), bare, bare, (low, more, a, b) => {
        expect(compareVersions(scheme, `${low}:${a}`, `${low + more + 1}:${b}`)).toBe("<");
      }),
    );
  });
});
