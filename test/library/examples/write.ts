// Makes the examples anew: the levels of their policies and the names of these in the rings, the cluster dump, and what `ringward plan` says of both.
//   node controller/launch.cjs test/library/examples/write.ts
// test/library/examples.test.ts holds what is in examples/ against the same functions.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import { INPUT_TIME, LEVEL_DIGEST } from "../../../controller/api/patch-level.ts";
import { createValidators } from "../../../controller/api/validator.ts";
import { command as plan } from "../../../controller/cli/plan.ts";
import { ownSurroundings } from "../../../controller/cli/output.ts";
import { resolveLevel } from "../../../controller/core/levels/index.ts";
import type { LevelInForce } from "../../../controller/core/model.ts";
import { readPolicyFolder } from "../../../controller/policy/folder.ts";
import { loadPolicy } from "../../../controller/policy/load.ts";
import { objectsOf } from "../../../controller/policy/object.ts";
import { isMain } from "../../tooling/is-main.ts";
import { EXAMPLES } from "./fleets.ts";
import type { Example } from "./rows.ts";
import { API, nodeObjects, workloadObjects } from "./objects.ts";
import { ledger, nodeState, ring } from "./own.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** When the newest input of the examples' levels was committed. */
const INPUT = "2026-11-23T06:45:00Z";

/** Files by their path in the example's folder. */
export type Files = ReadonlyMap<string, string>;

export function folderOf(name: string): string {
  return join(ROOT, "examples", name);
}

/** Levels, rings and dump of an example, from its baselines and recipes and its table. */
export function makeFiles(example: Example): Files {
  const folder = folderOf(example.name);
  const { objects } = loadPolicy({ files: readPolicyFolder(join(folder, "policy")), validators: createValidators() });
  const recipes = objectsOf(objects, "UpdateRecipe").map(({ name, spec }) => ({ name, spec }));
  const levels = new Map<string, LevelInForce>();
  for (const { name, spec } of objectsOf(objects, "PatchBaseline")) {
    const baseline = { name, spec, status: undefined, inputTime: Date.parse(INPUT) };
    const resolved = resolveLevel({ baseline, recipes, levels: [], now: Date.parse(example.now) });
    if (resolved.kind !== "Level")
      throw new Error(`examples/${example.name}: baseline ${name} does not resolve to a level`);
    levels.set(name, resolved.level);
  }
  const rings = objectsOf(objects, "RolloutRing");
  const approved = new Set(
    rings
      .flatMap(({ spec }) => spec.levels ?? [])
      .flatMap((entry) => (entry.level === undefined ? [] : [entry.baseline])),
  );
  const files = new Map<string, string>();
  for (const [baseline, level] of levels)
    if (approved.has(baseline)) files.set(`policy/levels/${level.name}.yaml`, levelText(level));
  for (const { name } of rings) {
    const path = `policy/rings/${name}.yaml`;
    files.set(path, nameLevels(readFileSync(join(folder, path), "utf8"), levels));
  }
  const specs = new Map(rings.map(({ name, spec }) => [name, spec]));
  files.set("cluster/cluster.json", dumpText(example, levels, specs));
  return files;
}

function levelText({ name, digest, spec }: LevelInForce): string {
  const metadata = { name, annotations: { [INPUT_TIME]: INPUT, [LEVEL_DIGEST]: digest } };
  const text = dump({ apiVersion: API, kind: "PatchLevel", metadata, spec }, { lineWidth: -1, noRefs: true });
  return `# Written by Ringward: a level is named after its content and never changed.\n${text}`;
}

/** Puts the levels' names where the ring's entries have one. */
function nameLevels(text: string, levels: ReadonlyMap<string, LevelInForce>): string {
  return text.replaceAll(
    /(baseline: (\S+)\n\s+level: )\S+/g,
    (_, before: string, baseline: string) => `${before}${levels.get(baseline)?.name ?? ""}`,
  );
}

/** As `kubectl get … -A -o json` prints a list of mixed kinds. */
function dumpText(
  example: Example,
  levels: ReadonlyMap<string, LevelInForce>,
  specs: ReadonlyMap<string, unknown>,
): string {
  const of = (baseline: string): LevelInForce => {
    const level = levels.get(baseline);
    if (level === undefined) throw new Error(`examples/${example.name} has no baseline ${baseline}`);
    return level;
  };
  const items = [
    ...example.nodes.flatMap((row) => nodeObjects(row, example.now)),
    ...example.workloads.flatMap(workloadObjects),
    ledger(example.limits, example.claims(of)),
    ...Object.entries(example.rings(of)).map(([name, soaked]) => ring(name, withoutLevels(specs.get(name)), soaked)),
    ...example.seen(of).map(nodeState),
  ];
  return `${JSON.stringify({ apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } }, undefined, 1)}\n`;
}

/** The policy says them; in the cluster they are what was applied last, and nothing here reads them. */
function withoutLevels(spec: unknown): object {
  const { levels: _, ...rest } = spec as { readonly levels?: unknown };
  return rest;
}

/** What `ringward plan` prints of an example, by file; the example must be written. */
export async function makePlans(example: Example): Promise<Files> {
  const moments = [{ at: example.now, file: "expected-plan.txt" }, ...(example.later ?? [])];
  const plans = new Map<string, string>();
  const { name } = example;
  for (const { at, file } of moments)
    plans.set(
      file,
      await planOf("--policy", `examples/${name}/policy`, "--cluster", `examples/${name}/cluster`, "--at", at),
    );
  return plans;
}

/** Dumps, and the policy that goes with each. */
export const DUMPS = [
  { dump: "dump-quickstart", policy: "quickstart" },
  { dump: "dump-small", policy: "policy-small" },
] as const;

/** What `ringward plan` prints of a dump, by file. */
export async function makeDumpPlans({ dump: name, policy }: (typeof DUMPS)[number]): Promise<Files> {
  const text = await planOf("--policy", `examples/${policy}`, "--cluster", `examples/${name}`);
  return new Map([["expected-plan.txt", text]]);
}

async function planOf(...args: readonly string[]): Promise<string> {
  let out = "";
  const stdout = { write: (text: string) => (out += text) };
  await plan(args, { ...ownSurroundings(), stdout, stderr: { write: () => undefined }, terminal: false, env: {} });
  return out;
}

function write(name: string, files: Files): void {
  for (const [path, text] of files) {
    const file = join(folderOf(name), path);
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, text);
  }
}

if (isMain(import.meta.url)) {
  process.chdir(ROOT);
  for (const example of EXAMPLES) {
    rmSync(join(folderOf(example.name), "policy/levels"), { recursive: true, force: true });
    write(example.name, makeFiles(example));
    write(example.name, await makePlans(example));
  }
  for (const one of DUMPS) write(one.dump, await makeDumpPlans(one));
}
