import { describe, expect, it } from "vitest";
import { importsOf, judgeFile, judgeRooms } from "./rooms.ts";

describe("rooms", () => {
  it("are kept by the sources", () => {
    expect(judgeRooms(new URL("../..", import.meta.url).pathname)).toEqual([]);
  });

  it.each([
    ["core/x.ts", 'import { a } from "../kube/client.ts";', "core/ does not import kube/client.ts"],
    ["core/x.ts", 'import { readFileSync } from "node:fs";', "core/ does not import node:fs"],
    ["core/x.ts", 'import { systemClock } from "../clock.ts";', "core/ does not import clock.ts but as a type"],
    ["core/deep/x.ts", 'export * from "../../git/port.ts";', "core/ does not import git/port.ts"],
    ["nodes/x.ts", 'import { a } from "../workloads/patch.ts";', "do not import each other"],
    ["git/x.ts", 'import {\n  a,\n} from "../forge/github/index.ts";', "do not import each other"],
    ["forge/x.ts", 'const { a } = await import("../nodes/drain.ts");', "do not import each other"],
    ["kube/x.ts", 'import "../cli/run.ts";', "kube/ does not import cli/run.ts"],
    ["newroom/x.ts", "", "is no room"],
    ["kube/x.ts", "const now = new Date();", "take a Clock"],
    ["kube/x.ts", 'import { setTimeout } from "node:timers/promises";', "take a Clock"],
    ["kube/x.ts", "let cache = 1;", "module-level mutable state"],
    ["kube/x.ts", "export let cache = 1;", "module-level mutable state"],
  ])("finds in %s: %s", (path, source, complaint) => {
    expect(judgeFile(path, source)).toEqual([expect.stringContaining(complaint)]);
  });

  it.each([
    ["core/x.ts", 'import type { Instant } from "../clock.ts";'],
    ["core/x.ts", 'import { type Instant } from "../clock.ts";'],
    ["core/x.ts", 'import { createHash } from "node:crypto";\nimport { Cron } from "croner";'],
    ["forge/x.ts", 'import type { CommitSha } from "../git/port.ts";'],
    ["reconcile/x.ts", 'import { a } from "../nodes/x.ts";\nimport { b } from "../git/y.ts";'],
    ["kube/x.ts", "// new Date() is not for us\nfunction f() {\n  let x = new Date(0);\n}"],
  ])("lets %s pass: %s", (path, source) => {
    expect(judgeFile(path, source)).toEqual([]);
  });

  it("tells type-only imports apart", () => {
    const source =
      'import type { A } from "./a.ts";\nimport { type B, type C } from "./b.ts";\nimport { type D, e } from "./c.ts";\nimport f, { type G } from "./d.ts";';
    expect(importsOf(source).map(({ from, typeOnly }) => [from, typeOnly])).toEqual([
      ["./a.ts", true],
      ["./b.ts", true],
      ["./c.ts", false],
      ["./d.ts", false],
    ]);
  });
});
