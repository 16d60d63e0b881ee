// The scripts in workflows and actions: each is run by a test or says why not, and shellcheck has nothing against any.
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { JOBS, RUNS } from "./scripts.ts";
import { read } from "./support.ts";

/** Which test runs each script, or why none does. */
const RUN_BY: Readonly<Record<string, { readonly test: string } | { readonly why: string }>> = {
  "ci.yml: suite: What Debian brings": { why: "it installs packages into the machine; .ci/run installs the same" },
  "ci.yml: suite: The checkout is another user's": { why: "it writes the machine's git configuration" },
  "ci.yml: suite: npm ci": { why: "the tests stand on what it installed" },
  "ci.yml: suite: npm ${{ matrix.run }}": { why: "these are the suites" },
  "ci.yml: package: npm ci": { why: "the tests stand on what it installed" },
  "ci.yml: package: npm run package": { test: "test/tooling/package.test.ts" },
  "release.yml: package: version": { test: "test/github/workflows.test.ts" },
  "release.yml: package: npm ci": { why: "the tests stand on what it installed" },
  "release.yml: package: npm run package": { test: "test/tooling/package.test.ts" },
  "release.yml: package: Checksums, and the SBOM beside the package": { test: "test/github/release.test.ts" },
  "release.yml: image: Build and push": { test: "test/github/release.test.ts" },
  "release.yml: image: Sign the image, and attest the SBOM": { test: "test/github/release.test.ts" },
  "release.yml: chart: Package and push": { test: "test/github/release.test.ts" },
  "release.yml: chart: Sign the chart": { test: "test/github/release.test.ts" },
  "release.yml: publish: What was attested is what is published": { test: "test/github/release.test.ts" },
  "release.yml: publish: Publish to npm": { test: "test/github/release.test.ts" },
  "release.yml: publish: Make the release": { test: "test/github/release.test.ts" },
};

describe("scripts in .github/", () => {
  it("of workflows are each run by a test that names them, or it says why not", () => {
    const scripts = JOBS.flatMap(({ where, job }) =>
      (job.steps ?? []).flatMap(({ run, id, name }) =>
        run === undefined
          ? []
          : [`${where.replace(".github/workflows/", "")}: ${id === "version" ? id : (name ?? run)}`],
      ),
    );

    expect(scripts.toSorted()).toEqual(Object.keys(RUN_BY).toSorted());
    for (const [script, by] of Object.entries(RUN_BY)) {
      if (!("test" in by)) continue;
      const name = script.split(": ").at(-1) ?? "";
      expect(read(by.test), script).toContain(name === "npm run package" ? "makePackage(" : `"${name}"`);
    }
  });

  it.each(RUNS.map(({ where, run, step }) => [`${where}: ${step.name ?? step.id ?? run}`, run] as const))(
    "%s: shellcheck finds nothing",
    (_, run) => {
      const { status, stdout } = spawnSync("shellcheck", ["--shell=bash", "--severity=style", "-"], {
        // GitHub's bash stops at the first error.
        input: `set -eo pipefail\n${run.replaceAll(/\$\{\{.*?\}\}/g, "matrix")}`,
        encoding: "utf8",
      });
      expect(stdout).toBe("");
      expect(status).toBe(0);
    },
  );
});
