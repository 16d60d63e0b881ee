// A Plan of system-upgrade-controller (upgrade.cattle.io/v1) as policy: a recipe with its containers, a baseline for each operating system
// that its nodes have, its window as a calendar, a ring. Each field of the Plan is ruled over, and one that is not known is said to be so.
// Pure; what was read of the cluster is not trusted to be of any shape.
import type { LabelSelector } from "../../api/schema.ts";
import type { RecipeStep } from "../../api/update-recipe.ts";
import type { Migrated, Migration, MovedProduct, Ruling } from "./fate.ts";
import { type Fields, fieldsOf, listOf, stringMapOf, textOf, textsOf } from "./fields.ts";
import { judgeFields, kubeletOf, type PlanDraft } from "./suc-fields.ts";
import { findDisabled, findWaiting, type Waiting, withoutDisabled } from "./suc-wait.ts";

export interface PlanInput {
  /** The Plan. */
  readonly plan: unknown;
  /** All that was read: other Plans, and nodes. */
  readonly objects: readonly unknown[];
  readonly products: readonly MovedProduct[];
}

const NO_PROGRAM = "/entrypoint-of-the-image";
const NO_DIGEST = `sha256:${"0".repeat(64)}`;

/** Whether an object is a Plan. */
export function isPlan(object: unknown): boolean {
  const { kind, apiVersion } = fieldsOf(object);
  return kind === "Plan" && textOf(apiVersion).startsWith("upgrade.cattle.io/");
}

/** A Plan as policy, with what becomes of each field. */
export function migratePlan({ plan, objects, products }: PlanInput): Migration {
  const { metadata, spec, status } = fieldsOf(plan);
  const planName = textOf(fieldsOf(metadata)["name"]);
  const name = nameOf(planName);
  const draft: PlanDraft = { drain: {}, concurrency: 1, next: [] };
  const waiting = findWaiting(fieldsOf(spec), objects.filter(isPlan));
  // Of a container that is no step only what it waits for is ruled over.
  const rulings: Ruling[] = judgeFields(fieldsOf(spec), draft).filter(
    ({ setting }) => waiting === undefined || !setting.startsWith("spec.prepare."),
  );
  if (waiting !== undefined) {
    rulings.push(waiting.ruling);
    if (waiting.gate !== undefined)
      draft.next.push(
        `with every new version of ${waiting.plan}'s baselines change gate ${waiting.gate.name} of ring ${name}, too: it names the version`,
      );
  }
  rulings.push(...markRulings(metadata));
  leaveOutDisabled(planName, objects, draft, rulings);
  const version = textOf(fieldsOf(spec)["version"]);
  const steps = {
    ...(fieldsOf(spec)["prepare"] === undefined || waiting !== undefined
      ? {}
      : { prepare: stepOf("prepare", fieldsOf(spec), version, rulings) }),
    update: stepOf("upgrade", fieldsOf(spec), version, rulings, draft.deadline),
  };
  const kubelet = kubeletOf(textOf(fieldsOf(fieldsOf(spec)["upgrade"])["image"]), version);
  if (kubelet === undefined) {
    rulings.push({
      setting: "spec.upgrade",
      value: "",
      fate: "Lost",
      text: "a Plan does not say what its nodes run afterwards, and a baseline has to: nothing starts before it does",
    });
    draft.next.push(
      `write into baselines of ${name} what its nodes must run after it: what is there holds nobody to anything, so nothing starts`,
    );
  }
  return {
    objects: [
      ...(draft.calendar === undefined ? [] : [calendarOf(name, draft.calendar)]),
      ...products.flatMap((product) => objectsOf(name, product, { kubelet, version, steps, draft })),
      ringOf(name, products, draft, waiting?.gate),
    ],
    rulings: rulings.map((ruling) => ({ ...ruling, setting: `${name}: ${ruling.setting}` })),
    before: textsOf(fieldsOf(status)["applying"]).map(
      (node) => `plan ${name} is being applied to node ${node}: let it finish`,
    ),
    next: [
      "put the digest of each image into the recipes: a tag is another image tomorrow",
      ...draft.next,
      `delete the Plan ${name} before ringward enforce: one of both may touch a node`,
    ],
  };
}

/** A label takes single nodes out of a Plan: they must not come in by the move. */
function leaveOutDisabled(name: string, objects: readonly unknown[], draft: PlanDraft, rulings: Ruling[]): void {
  const setting = `label plan.upgrade.cattle.io/${name}`;
  const disabled = findDisabled(name, objects);
  if (disabled.length > 0) {
    const value = `disabled on ${disabled.join(", ")}`;
    draft.nodeSelector = withoutDisabled(name, draft.nodeSelector);
    rulings.push({ setting, value, fate: "Mapped", text: "selectors of the baselines and of the ring leave them out" });
  }
  if (!objects.some((object) => fieldsOf(object)["kind"] === "Node"))
    rulings.push({
      setting,
      value: "",
      fate: "Unknown",
      text: "nodes were not read: those that it takes out of the Plan (value disabled) are in the ring",
    });
}

/** Of the Plan's own annotations. */
function markRulings(metadata: unknown): readonly Ruling[] {
  const text: Readonly<Record<string, string>> = {
    "upgrade.cattle.io/digest": "everything that a recipe says is in the level's digest",
    "upgrade.cattle.io/ttl-seconds-after-finished": "jobs are removed by Ringward",
  };
  return Object.entries(stringMapOf(fieldsOf(metadata)["annotations"])).flatMap(([key, value]): readonly Ruling[] => {
    if (!key.startsWith("upgrade.cattle.io/")) return [];
    const known = Object.hasOwn(text, key) ? text[key] : undefined;
    const setting = `metadata.annotations ${key}`;
    return known === undefined
      ? [{ setting, value, fate: "Unknown", text: "a Plan has no such annotation that is known here" }]
      : [{ setting, value, fate: "NotNeeded", text: known }];
  });
}

/** The Plan's name as one of policy, short enough to have a system's name behind it. */
function nameOf(text: string): string {
  const words = text
    .slice(0, 253)
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== "");
  const name = words.join("-").slice(0, 40);
  return name === "" ? "plan" : name.endsWith("-") ? name.slice(0, -1) : name;
}

function stepOf(
  which: "prepare" | "upgrade",
  spec: Fields,
  version: string,
  rulings: Ruling[],
  timeout?: string,
): RecipeStep {
  const { image, command, args, envs } = fieldsOf(spec[which]);
  const reference = textOf(image) || "image";
  const bare = reference.split("@")[0] ?? "";
  const tagged = /:[^/:]+$/.test(bare) || version === "" ? bare : `${bare}:${version.replaceAll("+", "-")}`;
  const digest = /@(sha256:[0-9a-f]{64})$/.exec(reference)?.[1];
  const words = [...textsOf(command), ...textsOf(args)];
  if (textsOf(command).length === 0)
    rulings.push({
      setting: `spec.${which}.command`,
      value: "",
      fate: "Lost",
      text: "it has none, so the image's own entrypoint ran: a recipe names its program, so write it into the recipe's command",
    });
  return {
    image: `${tagged}@${digest ?? NO_DIGEST}`,
    command: textsOf(command).length === 0 ? [NO_PROGRAM, ...words] : words,
    ...withEnv(listOf(envs), version),
    host: "ReadWrite",
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** Literal variables, and the one with the version that such images read. */
function withEnv(envs: readonly unknown[], version: string): Pick<RecipeStep, "env"> {
  const literal = envs
    .map(fieldsOf)
    .flatMap(({ name, value }) => (typeof name === "string" && typeof value === "string" ? [{ name, value }] : []));
  const all = version === "" ? literal : [...literal, { name: "SYSTEM_UPGRADE_PLAN_LATEST_VERSION", value: version }];
  const once = [...new Map(all.map((one) => [one.name, one])).values()];
  return once.length === 0 ? {} : { env: once };
}

function calendarOf(name: string, spec: NonNullable<PlanDraft["calendar"]>): Migrated {
  return { kind: "MaintenanceCalendar", name, comment: `The window of plan ${name}.`, spec };
}

const partOf = (name: string, { id, versionId }: MovedProduct): string =>
  `${name}-${id}${versionId === undefined ? "" : `-${versionId.replaceAll(/[^a-z0-9]/g, "")}`}`;

interface Parts {
  readonly kubelet: string | undefined;
  readonly version: string;
  readonly steps: { readonly prepare?: RecipeStep; readonly update: RecipeStep };
  readonly draft: PlanDraft;
}

function objectsOf(
  name: string,
  product: MovedProduct,
  { kubelet, version, steps, draft }: Parts,
): readonly Migrated[] {
  const part = partOf(name, product);
  const nodeSelector = draft.nodeSelector;
  return [
    {
      kind: "PatchBaseline",
      name: part,
      comment: `What plan ${name} brings to nodes of ${product.id}.`,
      spec: {
        target: "Node",
        node: {
          ...(nodeSelector === undefined ? {} : { nodeSelector }),
          product,
          ...(version === "" ? {} : { source: { releaseVersion: version } }),
          minimum: { kubelet: kubelet ?? "0.0.0" },
          recipeRef: { name: part },
          // The Plan's payload restarts what it changed by itself, or reboots; nothing in the Plan says which.
          rebootPolicy: "Never",
          drain: draft.drains === true ? "Always" : "IfDisruptive",
        },
      },
    },
    {
      kind: "UpdateRecipe",
      name: part,
      comment: `The containers of plan ${name}. The node's root is at /host, as there; there is no token and no Secret.`,
      spec: { match: { product: { id: product.id } }, strategy: "InPlace", steps },
    },
  ];
}

function ringOf(
  name: string,
  products: readonly MovedProduct[],
  draft: PlanDraft,
  gate: Waiting["gate"] | undefined,
): Migrated {
  const everybody: LabelSelector = {
    matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "DoesNotExist" }],
  };
  if (draft.nodeSelector === undefined)
    draft.next.push(`the Plan selects all nodes: ring ${name} holds all but the control plane's; add one for those`);
  return {
    kind: "RolloutRing",
    name,
    comment: `The nodes of plan ${name}. Rings of your own may divide them later.`,
    spec: {
      members: { nodes: { selector: draft.nodeSelector ?? everybody } },
      budget: { nodes: draft.concurrency, maxFailures: 0 },
      ...(gate === undefined ? {} : { gates: [gate] }),
      ...(draft.calendar === undefined ? {} : { calendarRefs: [{ name }] }),
      ...(Object.keys(draft.drain).length === 0 ? {} : { drain: draft.drain }),
      promotion: "PullRequest",
      levels: products
        .map((product) => partOf(name, product))
        .toSorted()
        .map((baseline) => ({ baseline })),
    },
  };
}
