// docs/security.md: every check is there once, and every test that it names exists and runs.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { titlesIn } from "./security/check.ts";
import { SECURITY_GROUPS } from "./security.ts";

const TESTS = new URL("..", import.meta.url).pathname;
const CHECKS = SECURITY_GROUPS.flatMap(({ checks }) => checks);

describe("docs/security.md", () => {
  it("has each of the 45 checks once, in order", () => {
    expect(CHECKS.map(({ id }) => id)).toEqual(Array.from({ length: 45 }, (_, index) => index + 1));
  });

  it("names a test for each, or says why there is none", () => {
    expect(CHECKS.filter(({ tests, open }) => tests.length === 0 && (open ?? "") === "").map(({ id }) => id)).toEqual(
      [],
    );
  });

  it("names tests that exist and run, by file and title, each once", () => {
    const named = CHECKS.flatMap(({ id, tests }) => tests.map(([file, title]) => ({ id, file, title })));
    const missing = named.filter(({ file, title }) => {
      const path = join(TESTS, file);
      return !existsSync(path) || !titlesIn(readFileSync(path, "utf8")).has(title);
    });

    expect(named.length).toBeGreaterThan(80);
    expect(missing).toEqual([]);
    for (const { id, tests } of CHECKS) expect([id, new Set(tests.map(String)).size]).toEqual([id, tests.length]);
  });

  it("takes a title only where a test or a group has it", () => {
    const text = [
      'it("a", () => {});',
      'it.each([1])("b %i", async (n) => {});',
      "describe(`c ${x}`, () => {});",
      'it.skip("d", () => {});',
      'it.todo("e", () => {});',
      'const f = "f"; // it is "g"',
      'expect(find("h")).toBe(1);',
    ].join("\n");

    expect([...titlesIn(text)]).toEqual(["a", "b %i", "c ${x}"]);
  });
});
