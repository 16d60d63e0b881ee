// What a recipe's container does on a simulated machine: from command, arguments and literal environment to an exit code, a
// log and the machine afterwards. Every OS family is one `run` function of this shape. Pure: a program that fails
// leaves the machine as it was.
import type { Instant } from "../../clock.ts";
import { encodeReport } from "../../inventory/report.ts";
import type { InventoryReport } from "../../inventory/report.ts";
import { sourceOf, viewedAt } from "./catalogue.ts";
import type { Catalogue, ProductSource } from "./catalogue.ts";
import type { Machine } from "./machine.ts";

export type Step = "inventory" | "prepare" | "stage" | "update" | "reboot" | "rollback";
const STEPS: readonly string[] = ["inventory", "prepare", "stage", "update", "reboot", "rollback"] satisfies Step[];

/** A container as the machine's kernel sees it. */
export interface Invocation {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface ProgramContext {
  readonly catalogue: Catalogue;
  readonly now: Instant;
}

export interface ProgramResult {
  readonly exitCode: number;
  readonly log: string;
  readonly machine: Machine;
  /** The host goes down when this program is done. */
  readonly reboots?: true;
}

/** What a step works on. */
export interface StepInput {
  readonly step: Step;
  readonly machine: Machine;
  readonly wants: Wants;
  readonly source: ProductSource;
  /** The moment as of which the distribution's source is seen. */
  readonly at: Instant;
  /** Kubelet and container runtime come from repositories of their own, which no snapshot of the distribution holds back. */
  readonly now: Instant;
}

/** What the environment asks for; empty strings are absent. */
export interface Wants {
  readonly kernel: string | undefined;
  readonly kubelet: string | undefined;
  readonly containerRuntime: string | undefined;
  readonly osImage: string | undefined;
  readonly osImageDigest: string | undefined;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** An OS family's side of a program. `undefined`: the family has no such tool. */
export interface Family {
  readonly tool: string;
  run(input: StepInput): ProgramResult;
  inventory(machine: Machine, source: ProductSource, at: Instant): InventoryReport;
}

/** The program and its arguments. Of `sh -c SCRIPT NAME …` it is what the script goes by: policies/recipes/ are written so. */
function wordsOf({ command, args }: Invocation): readonly string[] {
  const words = [...command, ...args];
  return words[0] === "sh" && words[1] === "-c" ? words.slice(3) : words;
}

/** The step that a recipe container is for, if it is one: `/recipe/TOOL STEP`. */
export function recipeStep(invocation: Invocation): Step | undefined {
  const [program = "", step] = wordsOf(invocation);
  return program.startsWith("/recipe/") && step !== undefined && STEPS.includes(step) ? (step as Step) : undefined;
}

export function isRecipe(invocation: Invocation): boolean {
  return (wordsOf(invocation)[0] ?? "").startsWith("/recipe/");
}

/** Runs a recipe's program with one of the tools that the machine has. */
export function runRecipe(
  invocation: Invocation,
  machine: Machine,
  families: readonly Family[],
  context: ProgramContext,
): ProgramResult {
  const program = wordsOf(invocation)[0] ?? "";
  const step = recipeStep(invocation);
  const family = families.find(({ tool }) => `/recipe/${tool}` === program);
  const { RINGWARD_NODE_NAME: nodeName = "" } = invocation.env;
  if (family === undefined)
    return failure(machine, 127, `${program}: the tool that it drives is not installed on this host`);
  if (step === undefined) return failure(machine, 64, `${program}: usage: ${program} ${STEPS.join("|")}`);
  if (nodeName !== "" && nodeName !== machine.name) {
    return failure(machine, 78, `${program}: meant for node "${nodeName}" but running on "${machine.name}"`);
  }
  const source = sourceOf(context.catalogue, machine.osRelease);
  if (step === "inventory") return success(machine, encodeReport(family.inventory(machine, source, context.now)));
  // What a real one would wait for (servers of the cluster, a backup) is not part of a machine.
  if (step === "prepare") return success(machine, "Nothing to prepare.");
  const wants = readWants(invocation.env);
  if (typeof wants === "string") return failure(machine, 64, `${program}: ${wants}`);
  const at = viewedAt(source, readSource(invocation.env), context.now);
  if (typeof at !== "number") return failure(machine, NOT_AVAILABLE, `E: ${at.problem}`);
  return family.run({ step, machine, wants, source, at, now: context.now });
}

function readSource(env: Invocation["env"]) {
  return {
    snapshot: env["RINGWARD_SOURCE_SNAPSHOT"],
    mirror: env["RINGWARD_SOURCE_MIRROR"],
    releaseVersion: env["RINGWARD_SOURCE_RELEASE_VERSION"],
  };
}

function readWants(env: Invocation["env"]): Wants | string {
  const given = (name: string): string | undefined => (env[name] === "" ? undefined : env[name]);
  const packages: { name: string; version: string }[] = [];
  for (const entry of (given("RINGWARD_PACKAGES") ?? "").split(/\s+/).filter((word) => word !== "")) {
    const [name = "", version = "", ...more] = entry.split("=");
    if (name === "" || version === "" || more.length > 0) return `RINGWARD_PACKAGES: "${entry}" is not NAME=VERSION`;
    packages.push({ name, version });
  }
  return {
    kernel: given("RINGWARD_KERNEL"),
    kubelet: given("RINGWARD_KUBELET")?.replace(/^v/, ""),
    containerRuntime: given("RINGWARD_CONTAINER_RUNTIME"),
    osImage: given("RINGWARD_OS_IMAGE"),
    osImageDigest: given("RINGWARD_SOURCE_OS_IMAGE_DIGEST"),
    packages,
  };
}

export function success(machine: Machine, log: string): ProgramResult {
  return { exitCode: 0, log: log.endsWith("\n") ? log : `${log}\n`, machine };
}

/** A recipe's word for "the source does not have that version, and nothing was changed" (sysexits.h: EX_UNAVAILABLE). */
export const NOT_AVAILABLE = 69;

/** A recipe's word for "not yet": the node may not be updated now (sysexits.h: EX_TEMPFAIL). */
export const NOT_YET = 75;

export function failure(machine: Machine, exitCode: number, log: string): ProgramResult {
  return { exitCode, log: `${log}\n`, machine };
}

export function reboot(machine: Machine): ProgramResult {
  return { exitCode: 0, log: "Rebooting.\n", machine, reboots: true };
}

export function environmentOf(
  env: readonly { readonly name: string; readonly value?: string }[] | undefined,
): Invocation["env"] {
  return Object.fromEntries((env ?? []).map(({ name, value = "" }) => [name, value]));
}
