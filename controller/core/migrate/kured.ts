// kured as policy: a baseline for each operating system that asks for nothing but the reboot that the system asks for, a recipe that only
// reboots, one calendar, and a ring for workers (and one for control-plane nodes, where kured runs there). Pure.
import type { RecipeSteps } from "../../api/update-recipe.ts";
import type { Migrated, Migration, MovedProduct, Ruling } from "./fate.ts";
import { addAlertGate, DEFAULTS, type Draft, judgeFlag } from "./kured-flags.ts";
import type { KuredSettings } from "./kured-settings.ts";
import { openWindow } from "./time-window.ts";

export interface KuredInput {
  readonly settings: KuredSettings;
  readonly products: readonly MovedProduct[];
  /** Steps of a recipe that reboots a system; undefined: there is none. */
  readonly rebootSteps: (productId: string) => Pick<RecipeSteps, "inventory" | "reboot"> | undefined;
  /** Nodes that kured marked as under way. */
  readonly underWay: readonly string[];
}

/** kured's settings as policy, with what becomes of each flag. */
export function migrateKured({ settings, products, rebootSteps, underWay }: KuredInput): Migration {
  const draft: Draft = {
    // kured drains with force and deletes emptyDir volumes, and by default waits for ever.
    drain: { barePods: "Evict", emptyDir: "Evict", onTimeout: "Hold" },
    gates: [],
    concurrency: 1,
    alerts: {},
    window: { ...DEFAULTS },
    next: [],
  };
  const rulings: Ruling[] = [];
  for (const [flag, values] of settings.flags) rulings.push(...judgeFlag(flag, values, draft));
  for (const [flag, source] of settings.elsewhere)
    rulings.push({
      setting: `--${flag}`,
      value: source,
      fate: flag === "node-id" ? "NotNeeded" : "Unknown",
      text: flag === "node-id" ? "kured's own" : "its value stands elsewhere and was not read",
    });
  for (const variable of settings.overruled)
    rulings.push({ setting: variable, value: "", fate: "NotNeeded", text: "the command line overrules it" });
  for (const word of settings.strange)
    rulings.push({
      setting: word,
      value: "",
      fate: "Unknown",
      text: word.startsWith("envFrom ") ? "its values stand elsewhere and were not read" : "not a flag",
    });
  const opened = openWindow({ ...draft.window, days: draft.window.days.split(",") });
  if (opened.kind === "Wrong")
    rulings.push({
      setting: "window",
      value: JSON.stringify(draft.window),
      fate: "Lost",
      text: `${opened.message}: write the calendar by hand`,
    });
  addAlertGate(draft);
  rulings.push(...placeRulings(settings));
  return {
    objects: [
      ...(opened.kind === "Windows" ? [calendarOf(opened.spec)] : []),
      ...products.flatMap((product) => productObjects(product, rebootSteps, rulings)),
      ...ringsOf(settings, draft, products, opened.kind === "Windows"),
    ],
    rulings,
    before: [
      ...settings.lockedBy.map((node) => `node ${node} holds kured's lock: let kured finish it`),
      ...underWay
        .filter((node) => !settings.lockedBy.includes(node))
        .map((node) => `node ${node} is marked as being rebooted by kured: let kured finish it`),
    ],
    next: [
      ...draft.next,
      `set spec.limits.nodes of the DisruptionLedger to ${draft.concurrency}: kured counts over all nodes`,
      `delete the DaemonSet ${settings.namespace}/${settings.name} before ringward enforce: one of both may reboot`,
    ],
  };
}

function placeRulings({ nodeSelector, hasAffinity, controlPlane }: KuredSettings): readonly Ruling[] {
  const rulings: Ruling[] = Object.entries(nodeSelector).map(([key, value]) => ({
    setting: "spec.template.spec.nodeSelector",
    value: `${key}=${value}`,
    fate: key === "kubernetes.io/os" ? "NotNeeded" : "Mapped",
    text: key === "kubernetes.io/os" ? "baselines name their operating systems" : "selectors of the rings",
  }));
  if (hasAffinity)
    rulings.push({
      setting: "spec.template.spec.affinity",
      value: "",
      fate: "Lost",
      text: "put it into the rings' selectors",
    });
  if (!controlPlane)
    rulings.push({
      setting: "spec.template.spec.tolerations",
      value: "",
      fate: "Mapped",
      text: "no ring for control-plane nodes",
    });
  return rulings;
}

function calendarOf(spec: Extract<Migrated, { kind: "MaintenanceCalendar" }>["spec"]): Migrated {
  return {
    kind: "MaintenanceCalendar",
    name: "kured",
    comment: "kured's window: when nodes may begin to be drained and rebooted.",
    spec,
  };
}

const nameOf = ({ id, versionId }: MovedProduct): string =>
  `reboot-${id}${versionId === undefined ? "" : `-${versionId.replaceAll(/[^a-z0-9]/g, "")}`}`;

function productObjects(
  product: MovedProduct,
  rebootSteps: KuredInput["rebootSteps"],
  rulings: Ruling[],
): readonly Migrated[] {
  const steps = rebootSteps(product.id);
  const name = nameOf(product);
  if (steps === undefined) {
    rulings.push({
      setting: "nodes",
      value: product.id,
      fate: "Lost",
      text: "there is no recipe that reboots it: write one (docs/recipes.md)",
    });
    return [];
  }
  const always = product.id === "debian" || product.id === "ubuntu" ? "base-files" : "filesystem";
  return [
    {
      kind: "PatchBaseline",
      name,
      comment: `Nodes of ${product.id} that ask for a reboot. The floor is below every version: something else installs, as with kured.`,
      spec: {
        target: "Node",
        node: {
          product,
          minimum: { packages: [{ name: always, version: "0" }] },
          recipeRef: { name },
          rebootPolicy: "IfRequired",
        },
      },
    },
    {
      kind: "UpdateRecipe",
      name,
      comment:
        "Looks whether the system asks for a reboot, and reboots. Put the image that it runs in here, by digest.",
      spec: { match: { product: { id: product.id } }, strategy: "RebootOnly", steps },
    },
  ];
}

function ringsOf(
  settings: KuredSettings,
  draft: Draft,
  products: readonly MovedProduct[],
  windows: boolean,
): readonly Migrated[] {
  const extra = Object.entries(settings.nodeSelector)
    .filter(([key]) => key !== "kubernetes.io/os")
    .map(([key, value]) => ({ key, operator: "In" as const, values: [value] }));
  const ring = (name: string, operator: "Exists" | "DoesNotExist", comment: string): Migrated => ({
    kind: "RolloutRing",
    name,
    comment,
    spec: {
      members: {
        nodes: {
          selector: { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator }, ...extra] },
        },
      },
      budget: { nodes: draft.concurrency, maxFailures: 0 },
      ...(draft.gates.length === 0 ? {} : { gates: draft.gates }),
      ...(windows ? { calendarRefs: [{ name: "kured" }] } : {}),
      drain: draft.drain,
      promotion: "PullRequest",
      levels: products
        .map(nameOf)
        .toSorted()
        .map((baseline) => ({ baseline })),
    },
  });
  return [
    ring("workers", "DoesNotExist", "All nodes but the control plane's. Rings of your own may divide them later."),
    ...(settings.controlPlane
      ? [ring("control-plane", "Exists", "Control-plane nodes: one at a time, by the ledger's limit.")]
      : []),
  ];
}
