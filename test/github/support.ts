// Reads what stands in .github/ and runs a composite action's steps as a runner of GitHub Actions does: each `run` in a file of its own under
// `bash --noprofile --norc -eo pipefail`, with the step's env, and with files for outputs and the summary.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";

export const ROOT = new URL("../..", import.meta.url).pathname;

export interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly "working-directory"?: string;
}

export interface Job {
  readonly name?: string;
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly container?: { readonly image: string };
  readonly strategy?: { readonly matrix: { readonly include: readonly Readonly<Record<string, unknown>>[] } };
  readonly steps?: readonly Step[];
  readonly "timeout-minutes"?: number;
}

export interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly defaults?: { readonly run: { readonly shell: string } };
  readonly jobs: Readonly<Record<string, Job>>;
}

export interface Action {
  readonly name: string;
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

export function parse<T>(path: string): T {
  return load(read(path)) as T;
}

/** Paths from the repository's root. */
export function files(pattern: string): readonly string[] {
  return globSync(pattern, { cwd: ROOT }).toSorted();
}

export interface Shell {
  /** The checkout. */
  readonly folder: string;
  /** RUNNER_TEMP, where the runner keeps what a job leaves. */
  readonly temp: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** `github.event.pull_request.base.sha` */
  readonly baseSha: string;
  readonly path?: string;
}

export interface StepRun {
  readonly name: string;
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface ActionRun {
  readonly steps: readonly StepRun[];
  readonly code: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly summary: string;
}

type Contexts = ReadonlyMap<string, string>;

/** Only what the action uses: a name, or several with `||` between them. An unknown name is an error, not empty. */
function evaluate(text: string, contexts: Contexts): string {
  return text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, expression: string) => {
    const values = expression.split("||").map((name) => {
      const value = contexts.get(name.trim());
      if (value === undefined) throw new Error(`nothing says what ${name.trim()} is`);
      return value;
    });
    return values.find((value) => value !== "") ?? "";
  });
}

/** `name=value` lines, as a step writes them to GITHUB_OUTPUT. */
export function readOutputs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      return at < 1 ? [] : [[line.slice(0, at), line.slice(at + 1)]];
    }),
  );
}

/** Runs one step's script; answers its outputs, too. */
export function runStep(
  step: Step,
  shell: Pick<Shell, "folder" | "temp" | "path">,
  env: Readonly<Record<string, string>>,
): StepRun & { readonly outputs: Readonly<Record<string, string>> } {
  const { run = "", name = step.id ?? "" } = step;
  mkdirSync(shell.temp, { recursive: true });
  const script = join(shell.temp, "step.sh");
  const output = join(shell.temp, "step-output");
  writeFileSync(script, run);
  writeFileSync(output, "");
  const { status, stdout, stderr } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", script], {
    cwd: join(shell.folder, step["working-directory"] ?? ""),
    encoding: "utf8",
    env: {
      PATH: shell.path ?? process.env["PATH"],
      HOME: shell.temp,
      GITHUB_OUTPUT: output,
      GITHUB_STEP_SUMMARY: join(shell.temp, "summary.md"),
      RUNNER_TEMP: shell.temp,
      ...env,
    },
  });
  return { name, code: status ?? -1, out: stdout, err: stderr, outputs: readOutputs(readFileSync(output, "utf8")) };
}

/** Runs a composite action's shell steps in order, up to the first that fails. Steps that use an action are not run. */
export function runAction(action: Action, shell: Shell): ActionRun {
  const contexts = new Map<string, string>([["github.event.pull_request.base.sha", shell.baseSha]]);
  for (const [name, { default: otherwise, required }] of Object.entries(action.inputs)) {
    const value = shell.inputs[name] ?? otherwise;
    if (value === undefined && required === true) throw new Error(`the input ${name} is required`);
    contexts.set(`inputs.${name}`, value ?? "");
  }
  writeFileSync(join(shell.temp, "summary.md"), "");
  const steps: StepRun[] = [];
  for (const step of action.runs.steps) {
    if (step.run === undefined) continue;
    const env = Object.fromEntries(
      Object.entries(step.env ?? {}).map(([name, text]) => [name, evaluate(text, contexts)]),
    );
    const { outputs, ...ran } = runStep(step, shell, env);
    steps.push(ran);
    if (ran.code !== 0) break;
    for (const [name, value] of Object.entries(outputs)) contexts.set(`steps.${step.id ?? ""}.outputs.${name}`, value);
  }
  const code = steps.at(-1)?.code ?? -1;
  const outputs = Object.fromEntries(
    Object.entries(action.outputs ?? {}).map(([name, { value }]) => [
      name,
      code === 0 ? evaluate(value, contexts) : "",
    ]),
  );
  return { steps, code, outputs, summary: readFileSync(join(shell.temp, "summary.md"), "utf8") };
}
