// Recipes in preview as texts: each says what it is, and shells read it. shellcheck is asked where it is installed; `npm run test:recipes`
// asks it always.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PREVIEW_RECIPES } from "../tooling/pages/preview-recipes.ts";
import { scriptText } from "../tooling/pages/recipes.ts";
import { readPreview } from "./support/placed-host.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const HAS_SHELLCHECK = spawnSync("shellcheck", ["--version"]).status === 0;

describe.each(PREVIEW_RECIPES.map((recipe) => [recipe.name, recipe] as const))(
  "recipe %s in preview",
  (name, recipe) => {
    const scripts = new Map(Object.values(recipe.steps).map(({ parts }) => [parts.join(" + "), parts] as const));

    it("says in its head and in an annotation that it was not run on the real system", () => {
      const text = readFileSync(join(ROOT, `policies/recipes/preview/${name}.yaml`), "utf8");

      expect(text.split("apiVersion:")[0]).toContain("PREVIEW: run against fakes of this system's tools only");
      expect(readPreview(name).metadata.annotations?.["ringward.dev/preview"]).toContain("never on the system itself");
    });

    it("is read by sh, and is not longer than the kind allows", () => {
      for (const parts of scripts.values()) {
        const text = scriptText(ROOT, parts);
        expect(spawnSync("sh", ["-n"], { input: text, encoding: "utf8" }).stderr).toBe("");
        expect(text.length).toBeLessThanOrEqual(16_384);
      }
    });

    it.skipIf(!HAS_SHELLCHECK)("passes shellcheck as POSIX sh", () => {
      for (const parts of scripts.values()) {
        const input = parts.map((part) => readFileSync(join(ROOT, "policies/recipes/scripts", part), "utf8")).join("");
        const { status, stdout } = spawnSync("shellcheck", ["--shell=sh", "--format=gcc", "-"], {
          input,
          encoding: "utf8",
        });
        expect([status, stdout]).toEqual([0, ""]);
      }
    });
  },
);
