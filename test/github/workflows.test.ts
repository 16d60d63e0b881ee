// .github/: what the YAML calls is there, nobody gets more than their job needs, and nothing of an event reaches a shell as text of a script.
// That GitHub itself takes these files no test here can tell.
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { COMPOSITES, JOBS, RUNS, STEPS, WORKFLOWS } from "./scripts.ts";
import { files, type Job, parse, read, ROOT, runStep, type Step, type Workflow } from "./support.ts";

/** The actions in use at the commits of these tags, with the inputs that their action.yml has there and that are used here. */
const ACTIONS: Readonly<
  Record<string, { readonly sha: string; readonly tag: string; readonly inputs: readonly string[] }>
> = {
  "actions/checkout": {
    sha: "3d3c42e5aac5ba805825da76410c181273ba90b1",
    tag: "v7.0.1",
    inputs: ["persist-credentials"],
  },
  "actions/setup-node": {
    sha: "820762786026740c76f36085b0efc47a31fe5020",
    tag: "v7.0.0",
    inputs: ["node-version", "package-manager-cache"],
  },
  "actions/setup-go": {
    sha: "b7ad1dad31e06c5925ef5d2fc7ad053ef454303e",
    tag: "v7.0.0",
    inputs: ["go-version", "cache"],
  },
  "actions/cache": { sha: "27d5ce7f107fe9357f9df03efb73ab90386fccae", tag: "v5.0.5", inputs: ["path", "key"] },
  "actions/upload-artifact": {
    sha: "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    tag: "v7.0.0",
    inputs: ["name", "path", "if-no-files-found", "retention-days"],
  },
  "actions/download-artifact": {
    sha: "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    tag: "v8.0.1",
    inputs: ["name", "path"],
  },
  "actions/attest-build-provenance": {
    sha: "a2bbfa25375fe432b6a289bc6b6cd05ecd0c4c32",
    tag: "v4.1.0",
    inputs: ["subject-name", "subject-digest", "subject-checksums", "push-to-registry"],
  },
  "sigstore/cosign-installer": { sha: "6f9f17788090df1f26f669e9d70d6ae9567deba6", tag: "v4.1.2", inputs: [] },
};

const SCRIPTS = Object.keys(parse<{ readonly scripts: Readonly<Record<string, string>> }>("package.json").scripts);

function jobOf(path: string, name: string): Job {
  const job = WORKFLOWS.find((one) => one.path === path)?.workflow.jobs[name];
  if (job === undefined) throw new Error(`${path} has no job ${name}`);
  return job;
}

const scratch = mkdtempSync(join(tmpdir(), "ringward-github-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe(".github/", () => {
  it("has what it should", () => {
    expect(WORKFLOWS.map(({ path }) => path)).toEqual([".github/workflows/ci.yml", ".github/workflows/release.yml"]);
    expect(COMPOSITES.map(({ path }) => path)).toEqual([".github/actions/validate-policy/action.yml"]);
    expect(STEPS.length).toBeGreaterThan(30);
    expect(RUNS.length).toBeGreaterThan(15);
    for (const path of ["CODEOWNERS", "SECURITY.md", "pull_request_template.md", "dependabot.yml"])
      expect(existsSync(join(ROOT, ".github", path)), path).toBe(true);
  });

  it("calls actions by the commit of a known tag, and only with inputs that they have", () => {
    const remote = STEPS.filter(({ step }) => step.uses !== undefined && !step.uses.startsWith("./"));
    for (const { where, step } of remote) {
      const [name = "", sha] = (step.uses ?? "").split("@");
      const known = ACTIONS[name];
      expect(sha, `${where}: ${name}`).toBe(known?.sha);
      expect(
        Object.keys(step.with ?? {}).filter((input) => known?.inputs.includes(input) !== true),
        `${where}: ${name}`,
      ).toEqual([]);
    }
    expect(new Set(remote.map(({ step }) => step.uses?.split("@")[0]))).toEqual(new Set(Object.keys(ACTIONS)));
    // The tag stands behind the commit, for people and for dependabot.
    for (const path of [...files(".github/workflows/*.yml"), ...files(".github/actions/*/action.yml")])
      for (const [line, name = "", sha, tag] of read(path).matchAll(/uses: ([^@\s.]+)@(\S+)(?: # (\S+))?$/gm))
        expect({ sha, tag }, `${path}: ${line}`).toEqual({ sha: ACTIONS[name]?.sha, tag: ACTIONS[name]?.tag });
  });

  it("calls workflows that are there and can be called", () => {
    const called = JOBS.flatMap(({ job }) => (job.uses === undefined ? [] : [job.uses]));
    expect(called).toEqual(["./.github/workflows/ci.yml"]);
    for (const path of called) expect(Object.keys(parse<Workflow>(path).on)).toContain("workflow_call");
  });

  it("names npm scripts and files that exist", () => {
    const scripts = RUNS.flatMap(({ run }) =>
      [...run.matchAll(/\bnpm run (?:-s )?([a-z:-]+)/g)].map(([, name = ""]) => name),
    );
    expect(scripts.length).toBeGreaterThan(1);
    expect(scripts.filter((name) => !SCRIPTS.includes(name))).toEqual([]);
    const paths = RUNS.flatMap(({ run }) =>
      [...run.matchAll(/(?<![\w/$"}:.-])(?:charts|test|controller|docs|policies)\/[\w./-]+/g)].map(([path]) => path),
    );
    expect(paths.length).toBeGreaterThan(1);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    const hashed = [...read(".github/workflows/ci.yml").matchAll(/hashFiles\(([^)]*)\)/g)].flatMap(([, list = ""]) =>
      list.split(",").map((one) => one.trim().slice(1, -1)),
    );
    expect(hashed.length).toBeGreaterThan(2);
    expect(hashed.filter((pattern) => globSync(pattern, { cwd: ROOT }).length === 0)).toEqual([]);
  });

  it("refers to jobs, steps and outputs that there are", () => {
    for (const { where, job, workflow } of JOBS) {
      const needs = typeof job.needs === "string" ? [job.needs] : (job.needs ?? []);
      expect(
        needs.filter((name) => workflow.jobs[name] === undefined),
        where,
      ).toEqual([]);
      const text = JSON.stringify(job);
      for (const [, name = "", output = ""] of text.matchAll(/needs\.([\w-]+)\.outputs\.([\w-]+)/g)) {
        expect(needs, where).toContain(name);
        expect(Object.keys(workflow.jobs[name]?.outputs ?? {}), where).toContain(output);
      }
      stepsSay(where, job.steps ?? [], text);
    }
    for (const { path, action } of COMPOSITES) {
      stepsSay(path, action.runs.steps, JSON.stringify(action));
      for (const [, input = ""] of JSON.stringify(action).matchAll(/inputs\.([\w-]+)/g))
        expect(Object.keys(action.inputs), path).toContain(input);
    }
  });
});

/** Every `steps.ID.outputs.NAME` is of a step that writes NAME to GITHUB_OUTPUT. */
function stepsSay(where: string, steps: readonly Step[], text: string): void {
  for (const [, id = "", output = ""] of text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)) {
    const script = steps.find((step) => step.id === id)?.run ?? "";
    expect(script, `${where}: steps.${id}`).toContain("GITHUB_OUTPUT");
    expect(script, `${where}: steps.${id}.outputs.${output}`).toContain(`echo "${output}=`);
  }
}

describe("least rights", () => {
  it("workflows and jobs say their permissions; writing is for the jobs that publish or attest", () => {
    for (const { path, workflow } of WORKFLOWS) expect(workflow.permissions, path).toEqual({ contents: "read" });
    const writes = JOBS.map(({ where, job }) => {
      expect(job.permissions, where).toBeDefined();
      return [
        where.replace(".github/workflows/", ""),
        Object.entries(job.permissions ?? {}).flatMap(([name, right]) => (right === "write" ? [name] : [])),
      ] as const;
    }).filter(([, rights]) => rights.length > 0);
    expect(Object.fromEntries(writes)).toEqual({
      "release.yml: package": ["id-token", "attestations"],
      "release.yml: image": ["packages", "id-token", "attestations"],
      "release.yml: chart": ["packages", "id-token", "attestations"],
      "release.yml: publish": ["contents", "id-token"],
    });
  });

  it("no workflow runs with a fork's code and this repository's rights, none has a secret", () => {
    for (const { path, workflow } of WORKFLOWS) {
      expect(
        Object.keys(workflow.on).filter((event) =>
          ["pull_request_target", "workflow_run", "issue_comment"].includes(event),
        ),
        path,
      ).toEqual([]);
      expect(read(path)).not.toMatch(/secrets\.|secrets:/);
    }
  });

  it("no checkout leaves its token in the folder", () => {
    const checkouts = STEPS.filter(({ step }) => step.uses?.startsWith("actions/checkout@") === true);
    expect(checkouts.length).toBeGreaterThan(3);
    for (const { where, step } of checkouts) expect(step.with?.["persist-credentials"], where).toBe(false);
  });

  it("scripts hold no expression but the matrix, whose values stand in the file", () => {
    for (const { where, run } of RUNS)
      expect(
        [...run.matchAll(/\$\{\{(.*?)\}\}/g)]
          .map(([, name = ""]) => name.trim())
          .filter((name) => name !== "matrix.run"),
        where,
      ).toEqual([]);
  });

  it("every script stops at its first error, in pipes too", () => {
    for (const { path, workflow } of WORKFLOWS) expect(workflow.defaults?.run.shell, path).toBe("bash");
    for (const { path, action } of COMPOSITES)
      expect(
        action.runs.steps.filter(({ run, shell }) => run !== undefined && shell !== "bash"),
        path,
      ).toEqual([]);
  });

  it("every job ends by itself", () => {
    const limits = JOBS.filter(({ job }) => job.uses === undefined).map(
      ({ job }) => job["timeout-minutes"] ?? Infinity,
    );
    expect(limits.length).toBeGreaterThan(4);
    expect(Math.max(...limits)).toBeLessThanOrEqual(75);
  });
});

describe("ci.yml", () => {
  const job = jobOf(".github/workflows/ci.yml", "suite");

  it("runs what .ci/run runs, each suite once", () => {
    const suites = [...read(".ci/run").matchAll(/^suite npm (.+)$/gm)].map(([, run = ""]) => run);

    expect(suites.length).toBeGreaterThan(5);
    expect(job.strategy?.matrix.include.map(({ run }) => run).toSorted()).toEqual(suites.toSorted());
    expect(
      suites
        .map((run) => (run.startsWith("run ") ? run.split(" ")[1] : run))
        .filter((name = "") => !SCRIPTS.includes(name)),
    ).toEqual([]);
  });

  it("installs what .ci/run installs, in the Dockerfile's base", () => {
    const programs = /^for program in (git:.+); do$/m.exec(read(".ci/run"))?.[1]?.split(" ") ?? [];
    const installs = RUNS.find(({ run }) => run.includes("debootstrap"))?.run ?? "";

    expect(programs.length).toBeGreaterThan(10);
    expect(
      programs.map((pair) => pair.split(":")[1] ?? "").filter((name) => !installs.split(/\s+/).includes(name)),
    ).toEqual([]);
    expect(job.container?.image).toBe(/^ARG BASE=(\S+)$/m.exec(read("Dockerfile"))?.[1]);
  });

  it("brings Go to the suites that build with it", () => {
    const withGo = job.strategy?.matrix.include.filter(({ go }) => go === true).map(({ suite }) => suite);
    expect(withGo).toEqual(["e2e", "gitea"]);
  });
});

describe("release.yml", () => {
  const steps = jobOf(".github/workflows/release.yml", "package").steps ?? [];
  const check = steps.find(({ id }) => id === "version");
  const { version } = parse<{ readonly version: string }>("package.json");
  const shell = { folder: ROOT, temp: scratch };

  it("takes the tag of the version that the package and the chart have", () => {
    const { code, outputs } = runStep(check ?? {}, shell, { GITHUB_REF_NAME: `v${version}` });

    expect(code).toBe(0);
    expect(outputs).toEqual({ version });
  });

  it.each(["v9.9.9", version, `v${version}.1`, ""])("refuses the tag %j", (tag) => {
    const { code, out, outputs } = runStep(check ?? {}, shell, { GITHUB_REF_NAME: tag });

    expect(code).toBe(1);
    expect(out).toContain("::error::the tag is");
    expect(outputs).toEqual({});
  });

  it("says in the package which repository it is of: npm takes no provenance without", () => {
    const made = steps.find(({ run }) => run === "npm run package");
    expect(made?.env).toEqual({ RINGWARD_REPOSITORY: "${{ github.server_url }}/${{ github.repository }}" });
  });

  it("publishes last, and nothing before CI was green", () => {
    const needs = (name: string): unknown => jobOf(".github/workflows/release.yml", name).needs;
    expect([needs("package"), needs("image"), needs("chart"), needs("publish")]).toEqual([
      "ci",
      "package",
      ["package", "image"],
      ["package", "image", "chart"],
    ]);
    expect(jobOf(".github/workflows/release.yml", "publish").environment).toBe("release");
  });
});

describe("what people fill in", () => {
  interface Field {
    readonly type: string;
    readonly id?: string;
    readonly attributes: { readonly label?: string; readonly value?: string; readonly options?: readonly unknown[] };
  }

  it.each(files(".github/ISSUE_TEMPLATE/*_*.yml"))("%s is a form", (path) => {
    const form = parse<{ readonly name: string; readonly description: string; readonly body: readonly Field[] }>(path);
    expect(Object.keys(form).filter((key) => !["name", "description", "labels", "body"].includes(key))).toEqual([]);
    expect(form.name.length * form.description.length * form.body.length).toBeGreaterThan(0);
    const ids = form.body.flatMap(({ id }) => (id === undefined ? [] : [id]));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { type, id, attributes } of form.body) {
      expect(["markdown", "input", "textarea", "dropdown", "checkboxes"]).toContain(type);
      if (type === "markdown") expect(attributes.value).toBeTruthy();
      else expect([id, attributes.label].every((text) => text !== undefined && text !== "")).toBe(true);
      if (type === "checkboxes") expect(attributes.options?.length).toBeGreaterThan(0);
    }
  });

  it("CODEOWNERS names folders and files that exist", () => {
    const patterns = [...read(".github/CODEOWNERS").matchAll(/^\/(\S+)\s+@\S+$/gm)].map(([, path = ""]) => path);
    expect(patterns.length).toBeGreaterThan(5);
    for (const path of patterns) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(statSync(join(ROOT, path)).isDirectory(), path).toBe(path.endsWith("/"));
    }
  });

  it("dependabot looks where there is something", () => {
    interface Update {
      readonly "package-ecosystem": string;
      readonly directory?: string;
      readonly directories?: readonly string[];
      readonly cooldown?: { readonly "default-days"?: number };
    }
    const { updates } = parse<{ readonly updates: readonly Update[] }>(".github/dependabot.yml");
    const manifest: Readonly<Record<string, readonly string[]>> = {
      npm: ["package.json"],
      docker: ["Dockerfile"],
      gomod: ["go.mod"],
      "github-actions": [".github/workflows/ci.yml", "action.yml"],
    };
    expect(updates.length).toBe(4);
    expect(updates.filter(({ cooldown }) => (cooldown?.["default-days"] ?? 0) < 7)).toEqual([]);
    for (const update of updates)
      for (const folder of update.directories ?? [update.directory ?? ""])
        expect(
          manifest[update["package-ecosystem"]]?.some((name) => existsSync(join(ROOT, folder, name))),
          `${update["package-ecosystem"]} in ${folder}`,
        ).toBe(true);
  });

  it("SECURITY.md and the pull request's form link to what is there", () => {
    for (const path of [".github/SECURITY.md", ".github/pull_request_template.md"])
      for (const [, link = ""] of read(path).matchAll(/\]\((?!https?:)([^)#]+)/g))
        expect(existsSync(join(ROOT, ".github", link)), `${path}: ${link}`).toBe(true);
    const named = [...read(".github/pull_request_template.md").matchAll(/npm run ([a-z]+)/g)].map(
      ([, name = ""]) => name,
    );
    expect(named.filter((name) => !SCRIPTS.includes(name))).toEqual([]);
    expect(named).toEqual(["check", "generate"]);
  });
});
