// Resolves a baseline to an exact level: everything that decides what a target undergoes is copied in, so that nothing live is
// read while rolling out (DESIGN, "Levels"). Pure. An equal digest is reused whatever its date; provenance stays outside the
// digest; partial data never lowers a level; a missing reference is a block, never a smaller level.
import type { NodeTarget, PatchBaselineSpec, Product } from "../../api/patch-baseline.ts";
import type { LevelComponent, LevelImage, PatchLevelSpec } from "../../api/patch-level.ts";
import type { RecipeStep, UpdateRecipeSpec } from "../../api/update-recipe.ts";
import type { Static } from "../../api/schema.ts";
import type { Instant } from "../../clock.ts";
import type { BaselineInForce, Block, LevelInForce, PolicyInForce } from "../model.ts";
import { compareVersions } from "../versions/index.ts";
import {
  CONTAINER_RUNTIME,
  disruptionOf,
  KUBELET,
  kernelComponent,
  OS_IMAGE,
  packageComponent,
  packageSchemeOf,
} from "./components.ts";
import { canonicalJson, levelDigest, levelName } from "./digest.ts";
import type { OfferedVersions } from "./offered.ts";
import { lastTick } from "./resolve-schedule.ts";

type NodeBaseline = Static<typeof NodeTarget>;
type NodeLevel = NonNullable<PatchLevelSpec["node"]>;

export interface ResolveInput {
  readonly baseline: BaselineInForce;
  readonly recipes: PolicyInForce["recipes"];
  /** All levels that exist, of any baseline: in Git, and on the cluster. */
  readonly levels: readonly LevelInForce[];
  /** What `mergeOffered` made of status and inventories; only read with `follow: Offered`. */
  readonly offered?: OfferedVersions;
  readonly now: Instant;
}

export type Resolved =
  | { readonly kind: "Level"; readonly level: LevelInForce; readonly existing: boolean }
  | { readonly kind: "None"; readonly block: Block };

const MAX_COMPONENTS = 1024;

/** The level that a baseline asks for now, or why there is none. */
export function resolveLevel(input: ResolveInput): Resolved {
  const { baseline } = input;
  const own = input.levels.filter((level) => level.spec.baseline === baseline.name && level.mismatch === undefined);
  const tick = lastTick(baseline.spec.resolveSchedule, input.now);
  if (tick.kind === "Invalid")
    return none("PolicyInvalid", `baseline ${baseline.name}: resolveSchedule: ${tick.message}`);
  const cutoff = tick.kind === "At" ? tick.at : Infinity;
  const draft = baseline.spec.target === "Image" ? draftImages(baseline) : draftNode(input, own, cutoff);
  if (draft.kind === "None") return draft;
  const digest = levelDigest(draft.spec);
  const same = own.filter((level) => level.digest === digest).sort(byAge)[0];
  if (same !== undefined) return { kind: "Level", level: same, existing: true };
  if (draft.inputTime > cutoff) return waitForTick(baseline, own);
  const name = levelName(baseline.name, draft.inputTime, digest);
  return { kind: "Level", level: { name, digest, spec: draft.spec, inputTime: draft.inputTime }, existing: false };
}

function byAge(a: LevelInForce, b: LevelInForce): number {
  return a.inputTime - b.inputTime || (a.name < b.name ? -1 : 1);
}

/** The inputs changed since the schedule last fired: until it does again the baseline stays at what it resolved to before. */
function waitForTick(baseline: BaselineInForce, own: readonly LevelInForce[]): Resolved {
  const candidate = baseline.status?.candidate;
  const level = own.filter((other) => other.digest === candidate?.digest).sort(byAge)[0] ?? [...own].sort(byAge).at(-1);
  if (level !== undefined) return { kind: "Level", level, existing: true };
  return none(
    "ResolveScheduled",
    `baseline ${baseline.name} changed since its resolveSchedule last fired; its first level is made when it fires next`,
  );
}

type Draft =
  | { readonly kind: "Draft"; readonly spec: PatchLevelSpec; readonly inputTime: Instant }
  | { readonly kind: "None"; readonly block: Block };

function none(reason: Block["reason"], message: string): { readonly kind: "None"; readonly block: Block } {
  return { kind: "None", block: { reason, message } };
}

// ------------------------------------------------------------------------------------------------------- images

function draftImages(baseline: BaselineInForce): Draft {
  const images = (baseline.spec.image?.images ?? []).map(copyImage).sort(byRepository);
  if (images.length === 0) return none("PolicyInvalid", `baseline ${baseline.name} names no image`);
  const spec: PatchLevelSpec = { baseline: baseline.name, target: "Image", disruption: "Restart", image: { images } };
  return { kind: "Draft", spec, inputTime: baseline.inputTime };
}

function copyImage(image: NonNullable<PatchBaselineSpec["image"]>["images"][number]): LevelImage {
  const mirrors = [...new Set(image.mirrors)].sort();
  return {
    repository: image.repository,
    ...(mirrors.length > 0 ? { mirrors } : {}),
    ...(image.tag === undefined ? {} : { tag: image.tag }),
    ...(image.digest === undefined ? {} : { digest: image.digest }),
  };
}

function byRepository(a: LevelImage, b: LevelImage): number {
  return a.repository < b.repository ? -1 : 1;
}

// -------------------------------------------------------------------------------------------------------- nodes

function draftNode(input: ResolveInput, own: readonly LevelInForce[], cutoff: Instant): Draft {
  const { baseline } = input;
  const node = baseline.spec.node;
  if (node === undefined) return none("PolicyInvalid", `baseline ${baseline.name} has no member node`);
  const recipe = input.recipes.find((other) => other.name === node.recipeRef.name);
  const unfit = refuseRecipe(baseline.name, node, recipe?.spec);
  if (unfit !== undefined || recipe === undefined) return none("ReferenceMissing", unfit ?? "");
  const found = componentsOf(input, node, own, cutoff);
  if (found.kind === "None") return found;
  const { components, inputTime } = found;
  const rebootPolicy = node.rebootPolicy ?? "IfRequired";
  const level: NodeLevel = {
    product: { ...node.product },
    ...(node.source === undefined ? {} : { source: { ...node.source } }),
    components,
    recipe: { name: recipe.name, strategy: recipe.spec.strategy, ...copySteps(recipe.spec.steps) },
    rebootPolicy,
    drain: node.drain ?? "IfDisruptive",
  };
  const disruption = worstDisruption(level);
  return { kind: "Draft", spec: { baseline: baseline.name, target: "Node", disruption, node: level }, inputTime };
}

/** Why the recipe cannot be used: running another product's steps on a node is worse than standing still. */
function refuseRecipe(name: string, node: NodeBaseline, recipe: UpdateRecipeSpec | undefined): string | undefined {
  if (recipe === undefined)
    return `baseline ${name}: recipe ${node.recipeRef.name} does not exist; add it or mend recipeRef`;
  const { id, versionId } = recipe.match.product;
  const fits =
    id === node.product.id && (versionId === undefined || isWithinVersion(node.product.versionId, versionId));
  if (fits) return undefined;
  return `baseline ${name}: recipe ${node.recipeRef.name} is for ${showProduct(recipe.match.product)}, not for ${showProduct(node.product)}`;
}

function showProduct(product: Product): string {
  return product.versionId === undefined ? product.id : `${product.id} ${product.versionId}`;
}

/** Whether every version that `inner` stands for is one that `outer` stands for: "9" holds "9.4"; all hold only themselves. */
export function isWithinVersion(inner: string | undefined, outer: string): boolean {
  return inner !== undefined && (inner === outer || inner.startsWith(`${outer}.`));
}

function copySteps(steps: UpdateRecipeSpec["steps"]): Pick<NodeLevel["recipe"], "steps"> {
  if (steps === undefined) return {};
  const { inventory, prepare, stage, update, reboot, rollback } = steps;
  return {
    steps: {
      ...(inventory && { inventory: copyStep(inventory) }),
      ...(prepare && { prepare: copyStep(prepare) }),
      ...(stage && { stage: copyStep(stage) }),
      ...(update && { update: copyStep(update) }),
      ...(reboot && { reboot: copyStep(reboot) }),
      ...(rollback && { rollback: copyStep(rollback) }),
    },
  };
}

/** Defaults are written out: what a later Ringward takes as default must not change what was approved. */
function copyStep(step: RecipeStep): RecipeStep {
  const env = (step.env ?? []).map(({ name, value }) => ({ name, value })).sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    image: step.image,
    command: [...step.command],
    ...(env.length > 0 ? { env } : {}),
    host: step.host ?? "ReadOnly",
    timeout: step.timeout ?? "30m",
  };
}

type Components =
  | { readonly kind: "Found"; readonly components: LevelComponent[]; readonly inputTime: Instant }
  | { readonly kind: "None"; readonly block: Block };

function componentsOf(
  input: ResolveInput,
  node: NodeBaseline,
  own: readonly LevelInForce[],
  cutoff: Instant,
): Components {
  const { baseline } = input;
  const components = new Map<string, LevelComponent>();
  const put = (component: LevelComponent): void => void components.set(component.name, component);
  const { minimum } = node;
  for (const { series, flavour = "", version } of minimum?.kernels ?? [])
    put({ name: kernelComponent(series, flavour), scheme: "kernel", version });
  if (minimum?.kubelet !== undefined) put({ name: KUBELET, scheme: "semver", version: minimum.kubelet });
  if (minimum?.containerRuntime !== undefined)
    put({ name: CONTAINER_RUNTIME, scheme: "semver", version: minimum.containerRuntime });
  if (minimum?.osImage !== undefined) put({ name: OS_IMAGE, scheme: "osimage", version: minimum.osImage });
  const scheme = packageSchemeOf(node.product);
  const follows = node.follow === "Offered";
  if (scheme === undefined && (follows || (minimum?.packages ?? []).length > 0))
    return none(
      "NotComparable",
      `baseline ${baseline.name}: product ${node.product.id} has no package versions that can be ordered; use osImage`,
    );
  let inputTime = baseline.inputTime;
  if (scheme !== undefined) {
    for (const { name, version } of minimum?.packages ?? []) put({ name: packageComponent(name), scheme, version });
    if (follows) {
      for (const component of earlierPackages(own, node.product)) raise(components, component);
      for (const { name, version, firstSeenTime } of input.offered ?? []) {
        const seen = Date.parse(firstSeenTime);
        if (!(seen <= cutoff)) continue;
        if (raise(components, { name: packageComponent(name), scheme, version })) inputTime = Math.max(inputTime, seen);
      }
    }
  }
  if (components.size === 0)
    return none(
      "InventoryMissing",
      `baseline ${baseline.name} follows what its nodes' package source offers, and no inventory has reported an offer yet`,
    );
  if (components.size > MAX_COMPONENTS)
    return none(
      "PolicyInvalid",
      `baseline ${baseline.name} comes to ${components.size} components; a level holds ${MAX_COMPONENTS}`,
    );
  const sorted = [...components.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { kind: "Found", components: sorted, inputTime };
}

/** Packages of levels made before, so that a lost status (a restored backup) does not lower what was asked for. */
function earlierPackages(own: readonly LevelInForce[], product: Product): readonly LevelComponent[] {
  const wanted = canonicalJson(product);
  return [...own]
    .filter((level) => level.spec.node !== undefined && canonicalJson(level.spec.node.product) === wanted)
    .sort(byAge)
    .flatMap((level) => level.spec.node?.components ?? [])
    .filter((component) => component.name.startsWith("package:"));
}

/** Puts a component in place unless what is there is as new or cannot be compared; says whether it did. */
function raise(components: Map<string, LevelComponent>, component: LevelComponent): boolean {
  const before = components.get(component.name);
  if (before !== undefined) {
    if (before.scheme !== component.scheme) return false;
    if (compareVersions(before.scheme, component.version, before.version) !== ">") return false;
  }
  components.set(component.name, component);
  return true;
}

/** The most that a target undergoes, as known beforehand. */
function worstDisruption({ components, recipe, rebootPolicy }: NodeLevel): PatchLevelSpec["disruption"] {
  const all = components.map(disruptionOf);
  const restart = all.includes("Restart") ? "Restart" : "None";
  if (rebootPolicy === "Never") return recipe.strategy === "RebootOnly" ? "Restart" : restart;
  if (rebootPolicy === "Always" || recipe.strategy === "RebootOnly" || all.includes("Reboot")) return "Reboot";
  return restart;
}
