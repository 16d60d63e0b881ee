// Reads rows of "A < B" for the order tests, and answers each of them both ways round.
import { expect } from "vitest";
import { compareVersions } from "../../../controller/core/versions/index.ts";
import type { Order, VersionScheme } from "../../../controller/core/versions/index.ts";

export const opposite: Readonly<Record<Order, Order>> = { "<": ">", ">": "<", "=": "=", "?": "?" };

/** Asserts every row of "A op B" (op may be "?"); "#" begins a comment. Returns how many there were. */
export function expectRows(scheme: VersionScheme, text: string): number {
  const wrong: string[] = [];
  let count = 0;
  for (const line of text.split("\n")) {
    const match = /^(.+?) ([<>=?]) (.+)$/.exec(line.replace(/(?:^|\s)#.*/, "").trim());
    if (match === null) continue;
    const [, a = "", order = "?", b = ""] = match;
    count++;
    const got = compareVersions(scheme, a, b);
    const back = compareVersions(scheme, b, a);
    if (got !== order || back !== opposite[order as Order])
      wrong.push(`${a} ${order} ${b}, but got ${got} (and ${back} turned round)`);
  }
  expect(wrong).toEqual([]);
  return count;
}

/** Asserts that each is a well-formed version equal to itself. */
export function expectEqualToItself(scheme: VersionScheme, versions: readonly string[]): void {
  expect(versions.filter((version) => compareVersions(scheme, version, version) !== "=")).toEqual([]);
}

/** Asserts that each is "?" even against itself, and against a good version. */
export function expectMalformed(scheme: VersionScheme, versions: readonly string[], good: string): void {
  const ordered = versions.filter(
    (version) => compareVersions(scheme, version, version) !== "?" || compareVersions(scheme, version, good) !== "?",
  );
  expect(ordered).toEqual([]);
}

/** Asserts that each version is older than all that follow it. */
export function expectAscending(scheme: VersionScheme, versions: readonly string[]): void {
  const wrong: string[] = [];
  for (const [i, a] of versions.entries()) {
    for (const b of versions.slice(i + 1)) {
      if (compareVersions(scheme, a, b) !== "<" || compareVersions(scheme, b, a) !== ">") wrong.push(`${a} < ${b}`);
    }
  }
  expect(wrong).toEqual([]);
}
