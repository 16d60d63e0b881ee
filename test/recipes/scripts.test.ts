// The scripts of the recipes as texts: what shellcheck says, what shells parse, and what Kubernetes would make of them.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PREVIEW_RECIPES } from "../tooling/pages/preview-recipes.ts";
import { RECIPES, scriptText } from "../tooling/pages/recipes.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const FOLDER = join(ROOT, "policies/recipes/scripts");

const texts = new Map(
  [...RECIPES, ...PREVIEW_RECIPES].flatMap(({ steps }) =>
    Object.values(steps).map(({ parts }) => [parts.join(" + "), parts] as const),
  ),
);

describe("a recipe's script", () => {
  for (const [name, parts] of texts) {
    it(`passes shellcheck as POSIX sh: ${name}`, () => {
      const source = parts.map((part) => readFileSync(join(FOLDER, part), "utf8")).join("");
      const { stdout, status } = spawnSync("shellcheck", ["--shell=sh", "--format=gcc", "-"], {
        input: source,
        encoding: "utf8",
      });

      expect([status, stdout]).toEqual([0, ""]);
    });

    it(`is read by dash, bash and busybox: ${name}`, () => {
      const text = scriptText(ROOT, parts);

      for (const [shell = "", ...options] of [
        ["dash", "-n"],
        ["bash", "--posix", "-n"],
        ["busybox", "sh", "-n"],
      ])
        expect([shell, spawnSync(shell, options, { input: text, encoding: "utf8" }).stderr]).toEqual([shell, ""]);
      // Longer than that is refused by the kind's schema.
      expect(text.length).toBeLessThanOrEqual(16_384);
    });
  }
});
