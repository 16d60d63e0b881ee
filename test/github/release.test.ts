// The scripts of release.yml. Those that talk to a registry run with programs in the place of docker, helm, buildah, cosign and gh that write down what they were
// asked and answer as the real ones do (helm 3 was seen to say "Pushed:" and "Digest:" on standard error); npm is the real one, told to publish nothing.
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, runStep, type Step, type StepRun, type Workflow } from "./support.ts";

const WORKFLOW = parse<Workflow>(".github/workflows/release.yml");
const DIGEST = `sha256:${"ab".repeat(32)}`;
/** The tests' own Node first, as setup-node brings one. */
const PATH = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringward-release-"));
  mkdirSync(join(folder, "bin"));
  mkdirSync(join(folder, "dist/package/controller"), { recursive: true });
  writeFileSync(join(folder, "dist/package/controller/launch.cjs"), "");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(name: string, script: string): void {
  const file = join(folder, "bin", name);
  writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>"$ASKED"\n${script}\n`);
  chmodSync(file, 0o755);
}

function stepOf(job: string, name: string): Step {
  const step = WORKFLOW.jobs[job]?.steps?.find((one) => one.name === name);
  if (step === undefined) throw new Error(`${job} has no step ${name}`);
  return step;
}

interface Ran extends StepRun {
  readonly outputs: Readonly<Record<string, string>>;
  readonly asked: readonly string[];
}

function run(step: Step, env: Readonly<Record<string, string>>): Ran {
  const asked = join(folder, "asked");
  writeFileSync(asked, "");
  const shell = { folder, temp: join(folder, "temp"), path: `${join(folder, "bin")}:${PATH}` };
  const secrets = { REGISTRY_USER: "ana", REGISTRY_TOKEN: "t0p-secret", VERSION: "1.2.3", ASKED: asked };
  const ran = runStep(step, shell, { ...secrets, ...env });
  return { ...ran, asked: readFileSync(asked, "utf8").trim().split("\n") };
}

describe("the chart of a release", () => {
  const step = stepOf("chart", "Package and push");
  const login = 'test "$(cat)" = t0p-secret';

  beforeEach(() => program("docker", login));

  it("is pushed under the owner's name in small letters, and signed by the digest that helm says", () => {
    program(
      "helm",
      `case $1 in registry) ${login} ;; push) printf 'Pushed: x:1.2.3\\nDigest: ${DIGEST}\\n' >&2 ;; esac`,
    );

    const { code, outputs, asked } = run(step, { OWNER: "Acme" });

    expect(code).toBe(0);
    expect(outputs).toEqual({ name: "ghcr.io/acme/charts/ringward", digest: DIGEST });
    expect(asked).toContain("helm push chart/ringward-1.2.3.tgz oci://ghcr.io/acme/charts");
    expect(asked.join("\n")).not.toContain("t0p-secret");
  });

  it("is not signed when helm says no digest, and not when it fails", () => {
    program("helm", `[ "$1" != registry ] || ${login}`);
    const silent = run(step, { OWNER: "acme" });
    program("helm", `case $1 in registry) ${login} ;; push) printf 'Digest: ${DIGEST}\\n' >&2; exit 1 ;; esac`);
    const failed = run(step, { OWNER: "acme" });

    expect(silent).toMatchObject({
      code: 1,
      outputs: {},
      out: expect.stringContaining("::error::helm said no digest") as string,
    });
    expect(failed).toMatchObject({ code: 1, outputs: {} });
  });
});

describe("the image of a release", () => {
  const step = stepOf("image", "Build and push");

  it("is built without a time, pushed, and named by the digest of what was pushed", () => {
    program("docker", 'test "$(cat)" = t0p-secret');
    program("buildah", `[ "$1" != push ] || printf '${DIGEST}' >digest`);

    const { code, outputs, asked } = run(step, { REPOSITORY: "ghcr.io/Acme/Ringward" });

    expect(code).toBe(0);
    expect(outputs).toEqual({ name: "ghcr.io/acme/ringward", digest: DIGEST });
    expect(asked).toContain("buildah build --timestamp 0 --tag ghcr.io/acme/ringward:1.2.3 .");
    expect(asked.at(-1)).toContain("docker://ghcr.io/acme/ringward:1.2.3");
    expect(asked.join("\n")).not.toContain("t0p-secret");
  });

  it("has no digest when the push fails", () => {
    program("docker", "cat >/dev/null");
    program("buildah", '[ "$1" != push ]');

    expect(run(step, { REPOSITORY: "ghcr.io/acme/ringward" })).toMatchObject({ code: 1, outputs: {} });
  });
});

describe("what is signed", () => {
  const subject = `ghcr.io/acme/ringward@${DIGEST}`;

  it.each([
    ["image", "Sign the image, and attest the SBOM", "IMAGE"],
    ["chart", "Sign the chart", "CHART"],
  ])("the %s is named by digest, and an SBOM that cosign does not take ends the job", (job, name, variable) => {
    const step = stepOf(job, name);
    program("cosign", "true");
    const { code, asked } = run(step, { [variable]: subject });
    program("cosign", "exit 1");

    expect(code).toBe(0);
    expect(asked[0]).toBe(`cosign sign --yes ${subject}`);
    expect(asked.slice(1)).toEqual(
      job === "image" ? [`cosign attest --yes --type cyclonedx --predicate dist/ringward.cdx.json ${subject}`] : [],
    );
    expect(run(step, { [variable]: subject }).code).toBe(1);
    expect(step.env?.[variable]).toMatch(
      /^\$\{\{ steps\.\w+\.outputs\.name \}\}@\$\{\{ steps\.\w+\.outputs\.digest \}\}$/,
    );
  });
});

describe("what is published", () => {
  const archive = "ringward-1.2.3.tgz";
  const sums = stepOf("package", "Checksums, and the SBOM beside the package");
  const verify = stepOf("publish", "What was attested is what is published");

  beforeEach(() => {
    const made = join(folder, "dist/package");
    writeFileSync(join(made, "package.json"), JSON.stringify({ name: "ringward-rehearsed", version: "1.2.3" }));
    mkdirSync(join(made, "dist"));
    writeFileSync(join(made, "dist/sbom.cdx.json"), "{}");
    const { status } = spawnSync("npm", ["pack", "./package"], {
      cwd: join(folder, "dist"),
      env: { PATH, HOME: folder },
    });
    if (status !== 0) throw new Error(`npm pack ended with ${String(status)}`);
    // npm calls the archive after the package.
    spawnSync("mv", ["ringward-rehearsed-1.2.3.tgz", archive], { cwd: join(folder, "dist") });
  });

  it("has the checksums that were attested, and is not published without", () => {
    expect(run(sums, {}).code).toBe(0);
    expect(run(verify, {}).code).toBe(0);

    appendFileSync(join(folder, "dist", archive), "more");

    expect(run(verify, {}).code).not.toBe(0);
  });

  it("is the archive that was checked: npm takes the path for a file", () => {
    const npm = spawnSync("sh", ["-c", "command -v npm"], { env: { PATH }, encoding: "utf8" }).stdout.trim();
    // Nobody listens on port 9: what would ask the registry fails at once.
    program("npm", `exec "${npm}" "$@" --dry-run --registry=http://127.0.0.1:9/ --fetch-retries=0`);

    const { code, err, asked } = run(stepOf("publish", "Publish to npm"), {});

    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining("(dry-run)") as string });
    expect(asked).toEqual([`npm publish ./dist/${archive} --access public --provenance`]);
  });

  it("stands on a release of the tag that is there already, with files that exist", () => {
    run(sums, {});
    program("gh", "true");

    const { code, asked } = run(stepOf("publish", "Make the release"), {});

    expect(code).toBe(0);
    const words = (asked[0] ?? "").split(" ");
    expect(words.slice(0, 4)).toEqual(["gh", "release", "create", "v1.2.3"]);
    expect(words).toContain("--verify-tag");
    const attached = words.slice(4).filter((word) => !word.startsWith("--"));
    expect(attached).toEqual([`dist/${archive}`, "dist/ringward.cdx.json", "dist/SHA256SUMS"]);
    expect(attached.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
  });
});
