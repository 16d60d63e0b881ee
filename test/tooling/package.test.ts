// What is published, as somebody gets it: packed, installed elsewhere, run.
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Component } from "./bundle.ts";
import { kubectlPath } from "./kubectl.ts";
import { makeManifest, makePackage, pack } from "./package.ts";

const scratch = mkdtempSync(join(tmpdir(), "ringward-package-"));
const home = join(scratch, "somewhere");
let components: readonly Component[];
let archives: readonly string[];

beforeAll(async () => {
  archives = await Promise.all(
    ["first", "second"].map(async (name) => {
      const made = await makePackage(join(scratch, name, "package"));
      components = made.components;
      return pack(made.folder, join(scratch, name));
    }),
  );
  mkdirSync(home);
  writeFileSync(join(home, "package.json"), "{}");
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", archives[0] ?? ""], { cwd: home });
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What a command of the installed package prints. Its own Node is the tests'. */
async function run(name: string, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}` };
  const { stdout } = await promisify(execFile)(join(home, "node_modules/.bin", name), args, { env, cwd: home });
  return stdout;
}

const digest = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");

describe("the npm package", () => {
  it("is the same to the byte when it is made again", () => {
    const [first = "", second = ""] = archives;
    expect(digest(first)).toBe(digest(second));
  });

  it("brings one bundle, no sources, and nothing to install", () => {
    const files = readdirSync(join(home, "node_modules/ringward"), { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.endsWith(".ts"))).toEqual([]);
    expect(files.filter((file) => file.endsWith(".mjs"))).toEqual(["dist/ringward.mjs"]);
    expect(readdirSync(join(home, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["ringward"]);
  });

  it("runs where it was installed, as ringward and as a plugin of kubectl", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
    expect(await run("ringward", "version")).toBe(`ringward ${version}\n`);
    expect(await run("kubectl-ringward", "version")).toBe(`ringward ${version}\n`);
    const quickstart = join(home, "node_modules/ringward/examples/quickstart");
    expect(await run("ringward", "validate", quickstart)).toContain("ubuntu-17.yaml:11:19: warning");
    expect(await run("ringward", "crds")).toContain("rolloutrings.ringward.dev");
  });

  it("names the repository that a release says, and else none", () => {
    const released = makeManifest("https://github.com/example/ringward");
    expect(released).toHaveProperty("repository.url", "git+https://github.com/example/ringward.git");
    expect(released).toMatchObject({
      homepage: "https://github.com/example/ringward#readme",
      bugs: "https://github.com/example/ringward/issues",
    });
    expect(released).not.toHaveProperty("private");
    for (const field of ["repository", "homepage", "bugs"]) expect(makeManifest(undefined)).not.toHaveProperty(field);
  });

  it("is found by kubectl, which completes its words, too", async () => {
    const kubectl = await kubectlPath();
    const paths = [join(home, "node_modules/.bin"), dirname(process.execPath), process.env["PATH"] ?? ""];
    const env = { ...process.env, PATH: paths.join(":") };
    const ask = (...args: readonly string[]): Promise<{ readonly stdout: string }> =>
      promisify(execFile)(kubectl, args, { env, cwd: home });
    expect((await ask("ringward", "version")).stdout).toMatch(/^ringward \d/);
    expect((await ask("__complete", "ringward", "st")).stdout).toBe("status\nstop\n:4\n");
  });

  it("names every package in the bundle, with its licence's text, in an SBOM without a time", () => {
    const folder = join(home, "node_modules/ringward/dist");
    const sbom = JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8")) as {
      readonly metadata: object;
      readonly serialNumber: string;
      readonly components: readonly { name: string; version: string; hashes?: readonly unknown[] }[];
    };
    const named = (list: readonly { name: string; version: string }[]): readonly string[] =>
      list.map(({ name, version }) => `${name}@${version}`).toSorted();
    expect(named(sbom.components)).toEqual(named(components));
    expect(sbom.components.filter(({ hashes }) => hashes === undefined)).toEqual([]);
    expect(sbom.metadata).not.toHaveProperty("timestamp");
    expect(sbom.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    const licences = readFileSync(join(folder, "THIRD-PARTY-LICENSES.txt"), "utf8");
    for (const { name, version, license } of components) expect(licences).toContain(`${name} ${version}: ${license}`);
  });
});
