import { describe, expect, it } from "vitest";
import { findCircles, importsOf, judgeFile, judgeRooms } from "./rooms.ts";

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

describe("import circles", () => {
  const circlesOf = (files: Readonly<Record<string, string>>): string[] => findCircles(new Map(Object.entries(files)));

  it("are named from file to file, with the line where they begin", () => {
    const found = circlesOf({
      "controller/core/plan.ts": 'import { a } from "node:fs";\nimport { decide } from "./decide.ts";',
      "controller/core/decide.ts": 'import { look } from "./rings/look.ts";',
      "controller/core/rings/look.ts": 'import { plan } from "../plan.ts";',
    });

    expect(found).toEqual([
      "controller/core/decide.ts:1: import circle controller/core/decide.ts -> controller/core/rings/look.ts -> " +
        "controller/core/plan.ts -> controller/core/decide.ts: move what the lower file needs into a file below both",
    ]);
  });

  it.each([
    ["only as types", 'import type { B } from "./b.ts";', 'import { type A } from "./a.ts";'],
    ["by an export from elsewhere", 'export { b } from "./b.ts";', 'export * from "./a.ts";'],
    ["by an import while it runs", 'const { b } = await import("./b.ts");', 'import "./a.ts";'],
  ])("count %s", (_, a, b) => {
    expect(circlesOf({ "x/a.ts": a, "x/b.ts": b })).toEqual([expect.stringContaining("x/a.ts -> x/b.ts -> x/a.ts")]);
  });

  it("count where a file imports itself", () => {
    expect(circlesOf({ "x/a.ts": 'import { b } from "./a.ts";' })).toHaveLength(1);
  });

  it("are told apart, the shortest of those that hang together", () => {
    const found = circlesOf({
      "x/a.ts": 'import { b } from "./b.ts";\nimport { c } from "./c.ts";',
      "x/b.ts": 'import { c } from "./c.ts";',
      "x/c.ts": 'import { a } from "./a.ts";',
      "x/top.ts": 'import { a } from "./a.ts";\nimport { e } from "./e.ts";',
      "x/e.ts": 'import { f } from "./f.ts";',
      "x/f.ts": 'import { e } from "./e.ts";',
    });

    expect(found.map((line) => /circle (.*?):/.exec(line)?.[1])).toEqual([
      "x/a.ts -> x/c.ts -> x/a.ts",
      "x/e.ts -> x/f.ts -> x/e.ts",
    ]);
  });

  it("are not seen where two files import a third, and it imports what stands below", () => {
    const found = circlesOf({
      "x/a.ts": 'import { c } from "./c.ts";\nimport { b } from "./b.ts";',
      "x/b.ts": 'import { c } from "./c.ts";',
      "x/c.ts": 'import { d } from "../y/d.ts";\nimport { Type } from "typebox";',
      "y/d.ts": "",
    });

    expect(found).toEqual([]);
  });
});
