// PatchLevel: a lock file for patches. Its spec holds everything that decides what a target undergoes, is immutable, and
// is named after its own content; provenance is annotation, outside the digest (DESIGN, "Levels").
import {
  AtomicList,
  type KindDefinition,
  MapList,
  ObjectName,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Type,
} from "./schema.ts";
import { Product, Source } from "./patch-baseline.ts";
import { RecipeSteps } from "./update-recipe.ts";

export const LevelComponent = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 255,
      description: "`kernel/SERIES/FLAVOUR`, `kubelet`, `containerRuntime`, `osImage` or `package:NAME`.",
    }),
    scheme: StringEnum(["dpkg", "rpm", "apk", "semver", "kernel", "osimage"] as const, "Order of its versions."),
    version: Type.String({
      minLength: 1,
      maxLength: 128,
      description: "The version of this level.",
    }),
  },
  { description: "One component of a node level: a floor, unless the ring's entry says Exact." },
);
export type LevelComponent = Static<typeof LevelComponent>;

export const LevelImage = Type.Object({
  repository: Type.String({ minLength: 1, maxLength: 255, description: "Full repository." }),
  mirrors: Type.Optional(
    AtomicList(Type.String({ maxLength: 255 }), "Other full repositories that serve the same image.", 8),
  ),
  tag: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: "Tag." })),
  digest: Type.Optional(
    Type.String({
      pattern: "^sha256:[0-9a-f]{64}$",
      maxLength: 71,
      description: "Digest of the image or of its index.",
    }),
  ),
});
export type LevelImage = Static<typeof LevelImage>;

export const PatchLevelSpec = Type.Object(
  {
    baseline: ObjectName("PatchBaseline that this is a level of."),
    target: StringEnum(["Node", "Image"] as const, "What it is about."),
    disruption: StringEnum(
      ["None", "Restart", "Reboot"] as const,
      "The most that a target undergoes, as known beforehand.",
    ),
    node: Type.Optional(
      Type.Object(
        {
          product: Product,
          source: Type.Optional(Source),
          components: MapList(LevelComponent, ["name"], "Versions.", 1024, { minItems: 1 }),
          recipe: Type.Object(
            {
              name: ObjectName("Recipe that it was copied from."),
              strategy: StringEnum(["InPlace", "RebootOnly", "External"] as const, "How."),
              steps: Type.Optional(RecipeSteps),
            },
            {
              description: "The recipe's steps as they were; nothing live is read while rolling out.",
            },
          ),
          rebootPolicy: StringEnum(["IfRequired", "Always", "Never"] as const, "Whether a node may and must reboot."),
          drain: StringEnum(["IfDisruptive", "Always"] as const, "When to drain."),
        },
        { description: "What a node undergoes." },
      ),
    ),
    image: Type.Optional(
      Type.Object(
        {
          images: MapList(LevelImage, ["repository"], "Exact images.", 128, { minItems: 1 }),
        },
        { description: "Which images a workload runs." },
      ),
    ),
  },
  rules(
    { rule: "self == oldSelf", message: "a PatchLevel is immutable" },
    {
      rule: "self.target == 'Node' ? has(self.node) && !has(self.image) : has(self.image) && !has(self.node)",
      message: "exactly the member that target names is required",
    },
  ),
);

export type PatchLevelSpec = Static<typeof PatchLevelSpec>;
export type PatchLevel = Resource<"PatchLevel", PatchLevelSpec>;

/** When the newest input of this level was made (RFC 3339): the clock that `deferral` counts from. */
export const INPUT_TIME = "ringward.dev/input-time";
/** Commit that the baseline and recipe were read at. */
export const INPUT_COMMIT = "ringward.dev/input-commit";
/** Full digest, for people and as a check. */
export const LEVEL_DIGEST = "ringward.dev/digest";

export const patchLevel: KindDefinition = {
  kind: "PatchLevel",
  plural: "patchlevels",
  singular: "patchlevel",
  shortNames: ["plvl"],
  scope: "Cluster",
  authoredIn: "Level",
  description: "A PatchLevel is an exact, immutable patch level, named after its content.",
  spec: PatchLevelSpec,
  columns: [
    { name: "Baseline", type: "string", jsonPath: ".spec.baseline" },
    { name: "Disruption", type: "string", jsonPath: ".spec.disruption" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
