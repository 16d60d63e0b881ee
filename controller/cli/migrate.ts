// `ringward migrate kured|system-upgrade-controller`: what another tool is set to do, as policy. It reads a cluster or files, writes files or
// prints them, and touches nothing else. What cannot be said in policy is listed, setting by setting.
import { readFileSync } from "node:fs";
import { loadAll } from "js-yaml";
import { load } from "js-yaml";
import type { RecipeSteps, UpdateRecipeSpec } from "../api/update-recipe.ts";
import { parseProduct } from "../core/compliance/product.ts";
import type { Fate, Migrated, Migration, MovedProduct, Ruling } from "../core/migrate/fate.ts";
import { fieldsOf, listOf, textOf } from "../core/migrate/fields.ts";
import { migrateKured } from "../core/migrate/kured.ts";
import { isKured, readKured } from "../core/migrate/kured-settings.ts";
import { isPlan, migratePlan } from "../core/migrate/suc.ts";
import { UserError } from "../errors.ts";
import { isNotFound } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import { DAEMON_SETS, NODES, type Resource } from "../kube/resources.ts";
import { productFile } from "../place.ts";
import { explainFailure, openCluster } from "./cluster-view.ts";
import {
  asksForHelp,
  createPaint,
  oneLine,
  ownSurroundings,
  type Paint,
  parseFlags,
  type Surroundings,
  wrongUse,
} from "./output.ts";
import { judgeFiles } from "./start/judge.ts";
import { placeFiles } from "./start/place.ts";
import { type Files, writeDocument } from "./start/repository.ts";
import { findKubeconfig } from "./sources.ts";
import { formatTable } from "./table.ts";
import { showable } from "./views/drawing.ts";

const TOOLS = ["kured", "system-upgrade-controller"] as const;
type Tool = (typeof TOOLS)[number];

export const USAGE = `Usage: ringward migrate ${TOOLS.join("|")} [--from FILE|-] [--product ID[=VERSION]]… [--out DIR] [-o text|json]

Reads what kured's DaemonSet or the Plans of system-upgrade-controller say, and prints the policy that says the same. What
becomes of each setting is told on standard error: Mapped, Changed, NotNeeded, Lost, or Unknown.

  --from FILE        objects as kubectl get -o yaml (or json) prints them; -: standard input. With nodes among them, their
                     operating systems are known. Left out: the cluster is asked
  --kubeconfig FILE  which cluster; default: $KUBECONFIG, else the running demo
  --context NAME     context of the kubeconfig
  --product ID       operating system of the nodes, as os-release(5) calls it (ubuntu, ubuntu=22.04); may be given more
                     than once; default: what the nodes say
  --out DIR          write files into DIR, which must be empty or not exist
  -o FORMAT          text (default) or json: policy, rulings, and what is to be done before and after

Exit codes: 0 all is mapped or not needed, 1 something is changed, lost or unknown, 2 wrong use or failure.
`;

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
  input: () => string = () => readFileSync(0, "utf8"),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("migrate", args, {
    from: { type: "string" },
    kubeconfig: { type: "string" },
    context: { type: "string" },
    product: { type: "string", multiple: true },
    out: { type: "string" },
    output: { type: "string", short: "o", default: "text" },
  });
  const tool = TOOLS.find((one) => one === positionals[0]);
  if (tool === undefined || positionals.length > 1) throw wrongUse("migrate", `from what? one of ${TOOLS.join(", ")}`);
  if (values.output !== "text" && values.output !== "json")
    throw wrongUse("migrate", `-o ${values.output}: there is no such format; one of text, json`);
  const objects =
    values.from === undefined ? await askCluster(tool, values, surroundings) : readObjects(values.from, input);
  const migration = migrate(tool, objects, productsOf(values.product ?? [], objects));
  const files = filesOf(migration.objects);
  const warnings = judgeFiles(files, surroundings.clock.now());
  if (values.out !== undefined) placeFiles(values.out, files);
  write(migration, { files, warnings, out: values.out, json: values.output === "json" }, surroundings);
  return migration.rulings.every(({ fate }) => fate === "Mapped" || fate === "NotNeeded") ? 0 : 1;
}

// --------------------------------------------------------------------------------------------------------- read

const PLANS: Resource = { group: "upgrade.cattle.io", version: "v1", kind: "Plan", plural: "plans", namespaced: true };

async function askCluster(
  tool: Tool,
  flags: { readonly kubeconfig?: string | undefined; readonly context?: string | undefined },
  surroundings: Surroundings,
): Promise<readonly unknown[]> {
  const { clock } = surroundings;
  const kubeconfig = findKubeconfig(flags.kubeconfig, surroundings);
  const { client, close } = openCluster({ kubeconfig, context: flags.context, clock });
  try {
    const theirs = await listKind(client, tool === "kured" ? DAEMON_SETS : PLANS);
    return [...theirs, ...(await listKind(client, NODES))];
  } finally {
    await close();
  }
}

/** Items of a list lack their kind. A kind that is not installed has no objects. */
async function listKind(client: Client, resource: Resource): Promise<readonly unknown[]> {
  const { kind, group, version } = resource;
  try {
    const { items } = await client.list(resource);
    return items.map((item) => ({ ...item, kind, apiVersion: group === "" ? version : `${group}/${version}` }));
  } catch (error) {
    if (isNotFound(error)) return [];
    return explainFailure(() => Promise.reject(error as Error));
  }
}

function readObjects(from: string, input: () => string): readonly unknown[] {
  try {
    const text = from === "-" ? input() : readFileSync(from, "utf8");
    return (loadAll(text) as readonly unknown[]).flatMap((document) => {
      const { kind, items } = fieldsOf(document);
      return textOf(kind).endsWith("List") ? listOf(items) : [document];
    });
  } catch (error) {
    const { place, why } = failureOf(error);
    const name = from === "-" ? "standard input" : from;
    throw new UserError("RW0237", `${name}${place}: ${why}`, "give what kubectl get -o yaml prints");
  }
}

/** Of YAML that cannot be read the place (`:2:1`) and the reason, without the lines around it. */
function failureOf(error: unknown): { readonly place: string; readonly why: string } {
  const { reason, mark } = fieldsOf(error);
  const { line, column } = fieldsOf(mark);
  return typeof reason === "string" && typeof line === "number" && typeof column === "number"
    ? { place: `:${line + 1}:${column + 1}`, why: oneLine(reason) }
    : { place: "", why: oneLine(error instanceof Error ? error.message : String(error)) };
}

/** Operating systems: those that are named, else those of the nodes that are there. */
function productsOf(flags: readonly string[], objects: readonly unknown[]): readonly MovedProduct[] {
  const named = flags.map((flag) => {
    const [id = "", versionId] = flag.split("=");
    if (!/^[a-z0-9._-]{1,64}$/.test(id))
      throw wrongUse("migrate", `--product ${flag}: an ID of os-release(5), as in ubuntu=22.04`);
    return versionId === undefined ? { id } : { id, versionId };
  });
  const seen = objects.flatMap((object) => {
    const { kind, status } = fieldsOf(object);
    const image = textOf(fieldsOf(fieldsOf(status)["nodeInfo"])["osImage"]);
    const product = kind === "Node" ? parseProduct(image) : undefined;
    return product === undefined ? [] : [{ id: product.id }];
  });
  const all = named.length > 0 ? named : seen;
  const once = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  if (once.length === 0)
    throw new UserError(
      "RW0238",
      "which operating systems do the nodes run? there are no nodes to tell",
      "give --product ubuntu, or nodes with --from",
    );
  return once.sort((a, b) => (a.id < b.id ? -1 : 1));
}

// ------------------------------------------------------------------------------------------------------ migrate

function migrate(tool: Tool, objects: readonly unknown[], products: readonly MovedProduct[]): Migration {
  const found =
    tool === "kured"
      ? objects.filter(isKured).map((object) => migrateOne(object, objects, products))
      : objects.filter(isPlan).map((plan) => migratePlan({ plan, objects, products }));
  const [only] = found;
  if (only === undefined)
    throw new UserError(
      "RW0239",
      tool === "kured" ? "there is no DaemonSet that runs kured" : "there is no Plan of upgrade.cattle.io",
      "look at what was read: kubectl get daemonsets -A, kubectl get plans.upgrade.cattle.io -A",
    );
  if (tool === "kured" && found.length > 1)
    throw new UserError("RW0239", `${found.length} DaemonSets run kured`, "give one with --from");
  return {
    objects: found.flatMap((one) => one.objects),
    rulings: found.flatMap((one) => one.rulings),
    before: found.flatMap((one) => one.before),
    next: [...new Set(found.flatMap((one) => one.next))],
  };
}

function migrateOne(object: unknown, objects: readonly unknown[], products: readonly MovedProduct[]): Migration {
  const settings = readKured(object);
  if (settings === undefined)
    throw new UserError(
      "RW0239",
      "a DaemonSet has kured's lock and no container of kured",
      "give the one that runs it with --from",
    );
  const underWay = objects.flatMap((one) => {
    const { kind, metadata } = fieldsOf(one);
    const { name, annotations } = fieldsOf(metadata);
    const marked = fieldsOf(annotations)["weave.works/kured-reboot-in-progress"] !== undefined;
    return kind === "Node" && marked ? [textOf(name)] : [];
  });
  return migrateKured({ settings, products, underWay, rebootSteps });
}

/** Recipes from which the steps that look and reboot are taken. */
const REBOOTS: Readonly<Record<string, string>> = {
  debian: "reboot-only-debian",
  ubuntu: "reboot-only-debian",
  rocky: "dnf",
  rhel: "dnf",
  almalinux: "dnf",
  ol: "dnf",
  centos: "dnf",
  sles: "zypper",
  "opensuse-leap": "zypper",
};

function rebootSteps(id: string): Pick<RecipeSteps, "inventory" | "reboot"> | undefined {
  const recipe = Object.hasOwn(REBOOTS, id) ? REBOOTS[id] : undefined;
  if (recipe === undefined) return undefined;
  const path = productFile(`policies/recipes/${recipe}.yaml`);
  const { spec } = load(readFileSync(path, "utf8")) as { readonly spec: UpdateRecipeSpec };
  const { inventory, reboot } = spec.steps ?? {};
  return { ...(inventory === undefined ? {} : { inventory }), ...(reboot === undefined ? {} : { reboot }) };
}

// -------------------------------------------------------------------------------------------------------- write

const FOLDERS: Readonly<Record<Migrated["kind"], string>> = {
  MaintenanceCalendar: "calendars",
  PatchBaseline: "baselines",
  RolloutRing: "rings",
  UpdateRecipe: "recipes",
};

function filesOf(objects: readonly Migrated[]): Files {
  return new Map(
    objects.map(({ kind, name, comment, spec }) => [
      `${FOLDERS[kind]}/${name}.yaml`,
      writeDocument([comment], kind, name, spec),
    ]),
  );
}

interface Written {
  readonly files: Files;
  readonly warnings: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
}

function write(migration: Migration, { files, warnings, out, json }: Written, surroundings: Surroundings): void {
  const { stdout, stderr } = surroundings;
  const { rulings, before, next } = migration;
  if (json) {
    const policy = migration.objects.map(({ kind, name, spec }) => ({
      apiVersion: "ringward.dev/v1alpha1",
      kind,
      metadata: { name },
      spec,
    }));
    stdout.write(`${JSON.stringify({ policy, rulings, before, next, warnings }, undefined, 2)}\n`);
    return;
  }
  if (out === undefined) stdout.write([...files.values()].join("---\n"));
  else for (const path of files.keys()) stdout.write(`${out}/${path}\n`);
  // Colour where standard error is a terminal cannot be told apart from standard output's: none is used.
  stderr.write(
    showable(report({ rulings, before, next, warnings }, createPaint({ env: {}, terminal: false })), surroundings),
  );
}

const ORDER: readonly Fate[] = ["Unknown", "Lost", "Changed", "Mapped", "NotNeeded"];

function report(
  {
    rulings,
    before,
    next,
    warnings,
  }: Pick<Migration, "rulings" | "before" | "next"> & { readonly warnings: readonly string[] },
  paint: Paint,
): string {
  const rank = ({ fate }: Ruling): number => ORDER.indexOf(fate);
  const rows = [...rulings]
    .sort((a, b) => rank(a) - rank(b))
    .map(({ fate, setting, value, text }) => [fate, setting, value === "" ? "-" : oneLine(value), text]);
  const section = (title: string, lines: readonly string[]): string =>
    lines.length === 0 ? "" : `\n${paint("bold", title)}\n${lines.map((line) => `  ${oneLine(line)}\n`).join("")}`;
  return [
    rows.length === 0
      ? "nothing is set: all by default\n"
      : formatTable(["FATE", "SETTING", "VALUE", "WHAT BECOMES OF IT"], rows),
    section("Before", before),
    section("Then", next),
    section("validate would say", warnings),
  ].join("");
}
