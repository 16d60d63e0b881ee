// UpdateRecipe: how a node of a product is updated. Merging one is root on nodes, so it holds data only:
// an image by digest, a command, literal environment, and nothing else (DESIGN, "What makes it secure").
import {
  AtomicList,
  Conditions,
  Duration,
  type KindDefinition,
  LabelSelector,
  MapList,
  ObservedGeneration,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Type,
} from "./schema.ts";
import { Product } from "./patch-baseline.ts";

export const RecipeStep = Type.Object(
  {
    image: Type.String({
      minLength: 1,
      maxLength: 512,
      pattern: "^[^@\\s]+@sha256:[0-9a-f]{64}$",
      description: "Image by digest.",
    }),
    command: AtomicList(
      Type.String({ maxLength: 16_384 }),
      "Command and arguments; one may be a whole script. As in any pod, `$(NAME)` is expanded and `$$` is one dollar sign.",
      64,
      { minItems: 1 },
    ),
    env: Type.Optional(
      MapList(
        Type.Object({
          name: Type.String({
            minLength: 1,
            maxLength: 128,
            pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
            description: "Name of the variable.",
          }),
          value: Type.String({ maxLength: 1024, description: "Literal value; nothing is expanded." }),
        }),
        ["name"],
        "Literal environment. Names that start with RINGWARD_ are Ringward's.",
        32,
      ),
    ),
    host: Type.Optional(
      StringEnum(["ReadOnly", "ReadWrite"] as const, "How the node's root is mounted at /host.", {
        default: "ReadOnly",
      }),
    ),
    timeout: Type.Optional(Duration("How long the step may run.", { default: "30m" })),
  },
  { description: "One container that is run on the node." },
);
export type RecipeStep = Static<typeof RecipeStep>;

export const RecipeSteps = Type.Object(
  {
    inventory: Type.Optional(RecipeStep),
    prepare: Type.Optional(RecipeStep),
    stage: Type.Optional(RecipeStep),
    update: Type.Optional(RecipeStep),
    reboot: Type.Optional(RecipeStep),
    rollback: Type.Optional(RecipeStep),
  },
  {
    description:
      "`inventory` reads, `prepare` makes sure that the node may be updated now, `stage` downloads while pods still run, `update` changes, `reboot` restarts the node, `rollback` goes back.",
  },
);
export type RecipeSteps = Static<typeof RecipeSteps>;

export const UpdateRecipeSpec = Type.Object(
  {
    match: Type.Object(
      {
        product: Product,
        nodeSelector: Type.Optional(LabelSelector("Only nodes with these labels.")),
      },
      { description: "Nodes that this recipe is for." },
    ),
    strategy: StringEnum(
      ["InPlace", "RebootOnly", "External"] as const,
      "`InPlace`: run the steps. `RebootOnly`: something else installs; only reboot. `External`: assess only.",
    ),
    steps: Type.Optional(RecipeSteps),
  },
  rules(
    {
      rule: "self.strategy != 'InPlace' || (has(self.steps) && has(self.steps.update))",
      message: "strategy InPlace needs steps.update",
    },
    {
      rule: "self.strategy != 'RebootOnly' || (has(self.steps) && has(self.steps.reboot))",
      message: "strategy RebootOnly needs steps.reboot",
    },
    {
      rule: "self.strategy != 'External' || !has(self.steps) || !has(self.steps.update)",
      message: "strategy External runs no update",
    },
  ),
);

export const UpdateRecipeStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
});

export type UpdateRecipeSpec = Static<typeof UpdateRecipeSpec>;
export type UpdateRecipe = Resource<"UpdateRecipe", UpdateRecipeSpec, Static<typeof UpdateRecipeStatus>>;

export const updateRecipe: KindDefinition = {
  kind: "UpdateRecipe",
  plural: "updaterecipes",
  singular: "updaterecipe",
  shortNames: ["urec"],
  scope: "Cluster",
  authoredIn: "Policy",
  description: "An UpdateRecipe says how a node of a product is updated.",
  spec: UpdateRecipeSpec,
  status: UpdateRecipeStatus,
  columns: [
    { name: "Product", type: "string", jsonPath: ".spec.match.product.id" },
    { name: "Strategy", type: "string", jsonPath: ".spec.strategy" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
