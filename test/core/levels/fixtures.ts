// Baselines, recipes and levels for the tests of levels.
import type { PatchBaselineSpec } from "../../../controller/api/patch-baseline.ts";
import type { UpdateRecipeSpec } from "../../../controller/api/update-recipe.ts";
import type { BaselineInForce, LevelInForce, NodeInventoryStatus } from "../../../controller/core/model.ts";
import { resolveLevel, type ResolveInput } from "../../../controller/core/levels/index.ts";

export const NOW = Date.parse("2026-11-21T12:00:00Z");
export const DAY = 86_400_000;
export const IMAGE = `registry.example.com/recipes/ubuntu@sha256:${"ab".repeat(32)}`;

export const recipe: UpdateRecipeSpec = {
  match: { product: { id: "ubuntu" } },
  strategy: "InPlace",
  steps: {
    inventory: { image: IMAGE, command: ["inventory"] },
    update: {
      image: IMAGE,
      command: ["update"],
      host: "ReadWrite",
      env: [
        { name: "B", value: "2" },
        { name: "A", value: "1" },
      ],
    },
    reboot: { image: IMAGE, command: ["reboot"], host: "ReadWrite", timeout: "15m" },
  },
};
export const RECIPES = [{ name: "ubuntu", spec: recipe }];

type NodePart = NonNullable<PatchBaselineSpec["node"]>;

export function nodeBaseline(node: Partial<NodePart> = {}, rest: Partial<BaselineInForce> = {}): BaselineInForce {
  return {
    name: "ubuntu-2204",
    inputTime: NOW - 3 * DAY,
    status: undefined,
    spec: {
      target: "Node",
      node: {
        product: { id: "ubuntu", versionId: "22.04" },
        recipeRef: { name: "ubuntu" },
        minimum: { packages: [{ name: "openssl", version: "3.0.2-0ubuntu1.19" }] },
        ...node,
      },
    },
    ...rest,
  };
}

export function imageBaseline(images: NonNullable<PatchBaselineSpec["image"]>["images"]): BaselineInForce {
  return { name: "shop", inputTime: NOW - 3 * DAY, status: undefined, spec: { target: "Image", image: { images } } };
}

/** Resolves and expects a level. */
export function levelOf(input: Partial<ResolveInput> & Pick<ResolveInput, "baseline">): LevelInForce {
  const resolved = resolveLevel({ recipes: RECIPES, levels: [], now: NOW, ...input });
  if (resolved.kind !== "Level") throw new Error(`no level: ${resolved.block.reason}: ${resolved.block.message}`);
  return resolved.level;
}

export function inventory(
  offered: Readonly<Record<string, string>>,
  rest: Partial<NodeInventoryStatus> = {},
): NodeInventoryStatus {
  return {
    time: new Date(NOW).toISOString(),
    digest: "0".repeat(64),
    osId: "ubuntu",
    osVersionId: "22.04",
    scheme: "dpkg",
    installedKernels: [],
    rebootRequired: false,
    packages: [],
    offered: Object.entries(offered).map(([name, version]) => ({ name, version })),
    ...rest,
  };
}
