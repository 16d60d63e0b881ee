// The closed table of reasons: what is in it is given somewhere and met by some scenario, and nothing else is given.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { adviseOn } from "../../controller/api/advice.ts";
import { describeReason, REASONS } from "../../controller/api/reasons.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function textsUnder(folder: string, endings: readonly string[], except: (path: string) => boolean): string {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !except(path))
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
}

describe("reasons", () => {
  const code = textsUnder("controller", [".ts"], (path) => /api\/(reasons|advice)\.ts$/.test(path));
  const scenarios = textsUnder("test", [".ts", ".txt"], (path) =>
    /\/(reasons\.test|tooling\/pages\/reasons)\.ts$/.test(path),
  );

  it.each(REASONS)("%s is given by the code", (reason) => {
    expect(code).toMatch(new RegExp(`["'\`]${reason}["'\`:]`));
  });

  it.each(REASONS)("%s is met by a scenario", (reason) => {
    expect(scenarios).toMatch(new RegExp(`\\b${reason}\\b`));
  });

  it.each(REASONS)("%s has advice where it needs a person, a clause of one line, and only there", (reason) => {
    const advice = adviseOn(reason);

    expect(advice !== undefined).toBe(describeReason(reason).care === "person");
    if (advice !== undefined) expect(advice).toMatch(/^[a-z`][^\n]{9,160}[^.\n]$/);
  });

  it.each(REASONS)("%s is explained in one line and in docs/reasons.md", (reason) => {
    const page = readFileSync(join(root, "docs/reasons.md"), "utf8");

    expect(describeReason(reason).text).toMatch(/^[A-Z].*\.$/);
    expect(page).toContain(`\`${reason}\``);
  });
});
