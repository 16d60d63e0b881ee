import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createOwnWrites } from "../../controller/kube/own-writes.ts";

function node(resourceVersion: string, uid = "u") {
  return { metadata: { name: "n", uid, resourceVersion } };
}

describe("own writes", () => {
  it("make a cache stale until it has seen them", () => {
    const own = createOwnWrites();
    expect(own.isStale("n", { uid: "u", resourceVersion: "5" })).toBe(false);

    own.wrote(node("10"));

    expect(own.isStale("n", { uid: "u", resourceVersion: "9" })).toBe(true);
    expect(own.isStale("n", { uid: "u", resourceVersion: "10" })).toBe(false);
    expect(own.isStale("n", { uid: "u", resourceVersion: "9" })).toBe(false);
  });

  it("are not shadowed by an answer that came late", () => {
    const own = createOwnWrites();

    own.wrote(node("12"));
    own.wrote(node("11"));

    expect(own.isStale("n", { uid: "u", resourceVersion: "11" })).toBe(true);
  });

  it("make absence stale until somebody has looked and says so", () => {
    const own = createOwnWrites();
    own.wrote(node("12"));

    expect(own.isStale("n", undefined)).toBe(true);
    own.forget({ name: "n" });

    expect(own.isStale("n", undefined)).toBe(false);
  });

  it("treat versions that are no numbers as older unless they are equal", () => {
    const own = createOwnWrites();
    own.wrote(node("b"));

    expect(own.isStale("n", { uid: "u", resourceVersion: "c" })).toBe(true);
    expect(own.isStale("n", { uid: "u", resourceVersion: "b" })).toBe(false);
  });

  it("compare versions as whole numbers, beyond what a double holds", () => {
    const version = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    fc.assert(
      fc.property(version, version, (written, cached) => {
        const own = createOwnWrites();
        own.wrote(node(String(written)));

        expect(own.isStale("n", { uid: "u", resourceVersion: String(cached) })).toBe(cached < written);
      }),
    );
  });
});
