// The action validate-policy as a pull request meets it: its shell steps, in a clone as actions/checkout makes it (the head alone, one commit deep), with the packed CLI
// that it installs itself.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePackage, pack } from "../tooling/package.ts";
import { type Action, type ActionRun, parse, ROOT, runAction, runStep } from "./support.ts";

const ACTION = parse<Action>(".github/actions/validate-policy/action.yml");
const scratch = mkdtempSync(join(tmpdir(), "ringward-action-"));
/** The tests' own Node, as the action's setup-node brings one. */
const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
let archive: string;
let installed: string;

function git(cwd: string, ...args: readonly string[]): string {
  const env = { PATH: path, HOME: scratch, GIT_CONFIG_NOSYSTEM: "1" };
  const identity = [
    "-c",
    "user.name=Ana",
    "-c",
    "user.email=ana@example.com",
    "-c",
    "init.defaultBranch=main",
    "-c",
    "protocol.file.allow=always",
  ];
  return execFileSync("git", [...identity, ...args], { cwd, encoding: "utf8", env }).trim();
}

/** A policy repository with a base and a head, and a clone of the head. */
interface Place {
  readonly clone: string;
  readonly base: string;
  readonly temp: string;
}

let count = 0;

function makePlace(
  change: (repository: string) => void,
  policy = "policy",
  begin?: (repository: string) => void,
): Place {
  const folder = join(scratch, `place-${(count += 1)}`);
  const origin = join(folder, "origin");
  mkdirSync(origin, { recursive: true });
  git(origin, "init", "--quiet");
  cpSync(join(ROOT, "examples/single-cluster/cluster"), join(origin, "cluster"), { recursive: true });
  if (begin === undefined)
    cpSync(join(ROOT, "examples/single-cluster/policy"), join(origin, policy), { recursive: true });
  else begin(origin);
  git(origin, "add", "--all");
  git(origin, "commit", "--quiet", "--message", "base");
  const base = git(origin, "rev-parse", "HEAD");
  git(origin, "checkout", "--quiet", "-b", "change");
  change(origin);
  git(origin, "add", "--all");
  git(origin, "commit", "--quiet", "--message", "head");
  const clone = join(folder, "clone");
  git(folder, "clone", "--quiet", "--depth=1", "--branch=change", `file://${origin}`, clone);
  const temp = join(folder, "temp");
  mkdirSync(temp);
  symlinkSync(installed, join(temp, "ringward"));
  return { clone, base, temp };
}

/** All steps but the install, which ran once. */
function run({ clone, base, temp }: Place, inputs: Readonly<Record<string, string>> = {}): ActionRun {
  const steps = ACTION.runs.steps.filter(({ name }) => name !== "Install Ringward");
  return runAction(
    { ...ACTION, runs: { ...ACTION.runs, steps } },
    {
      folder: clone,
      temp,
      baseSha: base,
      path,
      inputs: { policy: "policy", cluster: "cluster", package: archive, ...inputs },
    },
  );
}

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(file, "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
  writeFileSync(file, text.replace(from, to));
}

beforeAll(async () => {
  const { folder } = await makePackage(join(scratch, "package"));
  // A path from the checkout's root, as a workflow names a file: npm alone would take it for a repository on GitHub.
  mkdirSync(join(scratch, "packed"));
  archive = join("packed", basename(pack(folder, join(scratch, "packed"))));
  const temp = join(scratch, "install");
  const step = ACTION.runs.steps.find(({ name }) => name === "Install Ringward");
  if (step === undefined) throw new Error("the action has no step that installs");
  const { code, out, err } = runStep(step, { folder: scratch, temp, path }, { PACKAGE: archive });
  if (code !== 0) throw new Error(`the install ended with ${code}: ${out}${err}`);
  if (!out.includes("ringward 0.")) throw new Error(`the installed CLI does not say its version: ${out}`);
  installed = join(temp, "ringward");
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("the action validate-policy", () => {
  it("says what a change does, beside what it finds, and lets it pass", () => {
    const place = makePlace((repository) =>
      edit(join(repository, "policy/rings/workers.yaml"), "nodes: 1,", "nodes: 2,"),
    );

    const { code, summary, outputs, steps } = run(place);

    expect(steps.map(({ name, code: ended }) => `${name} ${ended}`)).toEqual([
      "Take the base 0",
      "Validate 0",
      "Rehearse 0",
      "Verdict 0",
    ]);
    expect(code).toBe(0);
    expect(summary).toContain("## Policy: what validate finds\n\n    8 objects, 0 errors, 0 warnings\n");
    expect(summary).toContain("budget.nodes");
    expect(readFileSync(outputs["report"] ?? "", "utf8")).toContain("budget.nodes");
    expect(summary).toContain(readFileSync(outputs["report"] ?? "", "utf8"));
  });

  it("fails on an error, with its place, though the base has none", () => {
    const place = makePlace((repository) =>
      edit(join(repository, "policy/rings/workers.yaml"), "after: [canary]", "after: [canry]"),
    );

    const { code, summary, steps } = run(place);

    expect(code).toBe(1);
    expect(summary).toContain(
      '    policy/rings/workers.yaml:7:11: spec.after[0]: ring "canry" does not exist (did you mean "canary"?)\n',
    );
    expect(summary).toContain("8 objects, 1 error, 0 warnings");
    expect(steps.at(-1)?.out).toBe(
      "::error::ringward validate ended with 1: see the job's summary\n::error::ringward rehearse ended with 1: see the job's summary\n",
    );
  });

  it("lets warnings pass unless it is strict", () => {
    const place = makePlace((repository) =>
      edit(join(repository, "policy/baselines/ubuntu-2404.yaml"), "source: { snapshot: 20261120T000000Z }", ""),
    );

    expect(run(place)).toMatchObject({ code: 0, summary: expect.stringContaining("0 errors, 1 warning") as string });
    expect(run(place, { strict: "true" })).toMatchObject({ code: 1 });
  });

  it("says that nothing was rehearsed where there is no dump", () => {
    const place = makePlace((repository) => appendFileSync(join(repository, "policy/rings/canary.yaml"), "# a word\n"));

    const { code, summary, outputs } = run(place, { cluster: "" });

    expect(code).toBe(0);
    expect(summary).toContain("Not rehearsed: no cluster dump was given (input cluster).");
    expect(outputs["report"]).toBe("");
  });

  it("fails on a dump that is not there: a rehearsal that did not happen is no success", () => {
    const place = makePlace((repository) => appendFileSync(join(repository, "policy/rings/canary.yaml"), "# a word\n"));

    expect(run(place, { cluster: "elsewhere" })).toMatchObject({
      code: 1,
      summary: expect.stringContaining("ringward rehearse:") as string,
    });
  });

  it("takes a policy that the change adds, in a folder with a blank", () => {
    const place = makePlace(
      (repository) =>
        cpSync(join(ROOT, "examples/single-cluster/policy"), join(repository, "our policy"), { recursive: true }),
      "our policy",
      (repository) => writeFileSync(join(repository, "README.md"), "soon\n"),
    );

    const { code, summary } = run(place, { policy: "our policy" });

    expect(code).toBe(0);
    expect(summary).toContain("8 objects, 0 errors");
    expect(existsSync(join(place.clone, "our policy/rings/canary.yaml"))).toBe(true);
  });

  it("takes what the base holds, not what is ignored or changed in the checkout, and changes nothing there", () => {
    const place = makePlace((repository) =>
      edit(join(repository, "policy/rings/workers.yaml"), "nodes: 1,", "nodes: 2,"),
    );

    run(place);

    expect(readFileSync(join(place.temp, "ringward-base/policy/rings/workers.yaml"), "utf8")).toContain("nodes: 1,");
    expect(git(place.clone, "status", "--porcelain")).toBe("");
  });

  it("nothing that a change wrote is a command to the runner, or ends the summary's block", () => {
    const place = makePlace((repository) =>
      writeFileSync(
        join(repository, "policy/rings/::error::x```.yaml"),
        'apiVersion: ringward.dev/v1alpha1\nkind: "::add-mask::x"\nmetadata: { name: x }\n',
      ),
    );

    const { code, steps, summary } = run(place);

    const out = steps.find(({ name }) => name === "Validate")?.out ?? "";
    const [first = "", ...rest] = out.trimEnd().split("\n");
    const token = /^::stop-commands::([0-9a-f]{32})$/.exec(first)?.[1];
    expect(token).toBeDefined();
    expect(rest.at(-1)).toBe(`::${token}::`);
    expect(out).toContain("::error::x");
    expect(
      summary
        .split("\n")
        .filter((line) => line.includes("::error::x"))
        .every((line) => line.startsWith("    ")),
    ).toBe(true);
    expect(code).toBe(1);
  });

  it.each(["", "main", "HEAD", "--upload-pack=touch x", "a".repeat(39)])("refuses the base %j", (base) => {
    const place = makePlace((repository) => appendFileSync(join(repository, "policy/rings/canary.yaml"), "# a word\n"));

    const { code, steps } = run({ ...place, base });

    expect(code).toBe(2);
    expect(steps.map(({ name }) => name)).toEqual(["Take the base"]);
    expect(steps[0]?.out).toContain("::error::the input base must be a full commit id");
  });
});
