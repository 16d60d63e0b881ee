// What a recipe is written from: what its page says, and the scripts of its steps.

type Step = "inventory" | "prepare" | "stage" | "update" | "reboot" | "rollback";

/** What one step runs. */
export interface StepScript {
  /** Files of policies/recipes/scripts/, in their order. */
  readonly parts: readonly string[];
  readonly timeout: string;
  readonly writes: boolean;
  readonly env: Readonly<Record<string, string>>;
}

export interface RecipeSource {
  readonly name: string;
  /** Under policies/recipes/: of what was run against fakes of a system's tools only, never on the system. */
  readonly folder?: "preview";
  readonly about: readonly string[];
  /** What its steps' image must bring, where that is not a mere shell. */
  readonly image?: readonly string[];
  readonly product: string;
  readonly strategy: "InPlace" | "RebootOnly";
  /** `$0` of the script: what the sandbox's machines take for the tool. */
  readonly tool: string;
  readonly steps: Readonly<Partial<Record<Step, StepScript>>>;
}
