// The scripts of release.yml that talk to a registry, with programs in the place of docker, helm and buildah that write down what they were asked and answer
// as the real ones do (helm 3 was seen to say "Pushed:" and "Digest:" on standard error).
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse, runStep, type Step, type StepRun, type Workflow } from "./support.ts";

const WORKFLOW = parse<Workflow>(".github/workflows/release.yml");
const DIGEST = `sha256:${"ab".repeat(32)}`;
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
  const shell = { folder, temp: join(folder, "temp"), path: `${join(folder, "bin")}:/usr/bin:/bin` };
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
