// What runs beside our own code is named here with its reason, so that nothing comes in unseen: a new dependency fails until somebody says why.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), "utf8")) as unknown;
const PACKAGE = read("package.json") as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const LOCK = read("package-lock.json") as {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly integrity?: string;
        readonly dev?: boolean;
        readonly optional?: boolean;
        readonly hasInstallScript?: boolean;
      }
    >
  >;
};

/** Dependencies at run time, each with what it is for. */
const WHY: Readonly<Record<string, string>> = {
  "@kubernetes/client-node": "kubeconfig, exec plugins, types",
  "@marcbachmann/cel-js": "expressions of gates, and the sandbox's rules of CRDs",
  ajv: "schemas of policy",
  "ajv-formats": "times in schemas",
  "js-yaml": "reads policy",
  octokit: "GitHub's API",
  "prom-client": "metrics",
  "simple-git": "git's network processes",
  typebox: "one source of types and schemas",
  undici: "HTTP",
  yaml: "edits of policy that keep comments",
};

/** Packages at run time, theirs included: a limit, to be raised by somebody who has looked at what came in. */
const MOST_PACKAGES = 151;

describe("dependencies", () => {
  it("at run time are those that are named with a reason, and no others", () => {
    expect(Object.keys(PACKAGE.dependencies).toSorted()).toEqual(Object.keys(WHY).toSorted());
  });

  it("are pinned exactly", () => {
    const all = Object.entries({ ...PACKAGE.dependencies, ...PACKAGE.devDependencies });

    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  it("are locked by their content, and bring no more packages than were looked at", () => {
    const packages = Object.entries(LOCK.packages).filter(([path]) => path !== "");
    const runtime = packages.filter(([, { dev }]) => dev !== true);

    expect(runtime.length).toBeGreaterThan(50);
    expect(runtime.length).toBeLessThanOrEqual(MOST_PACKAGES);
    // Of bindings for other machines npm locks a name and a version alone; they are never installed here.
    expect(
      packages.filter(([, one]) => one.integrity === undefined && one.optional !== true).map(([path]) => path),
    ).toEqual([]);
    expect(runtime.filter(([, { integrity }]) => integrity === undefined).map(([path]) => path)).toEqual([]);
    for (const [path, { integrity = "sha512-" }] of packages)
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
  });

  it("run no script when they are installed, but for the one that brings Node", () => {
    const scripts = Object.entries(LOCK.packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);

    // esbuild's own script looks whether its binary is there, and is not let run.
    expect(scripts.map(([path]) => path)).toEqual(["node_modules/esbuild", "node_modules/node"]);
    expect(PACKAGE.allowScripts).toEqual({ esbuild: false, node: true });
  });
});
