// What a ring's targets are compared with under each baseline: what it is approved to run, or, where nothing is approved, the
// candidate.
import type { LevelImage } from "../../api/patch-level.ts";
import { type ImageIndex, indexImages } from "../compliance/image-index.ts";
import type { BaselineInForce, Digest, ExceptionInForce, LevelInForce } from "../model.ts";
import type { RingEntries } from "./entries.ts";
import { type AnswerMemory, recall } from "../incremental/memory.ts";

export interface Choice {
  /** `ring/baseline`; the ring is "" for assets in none. */
  readonly key: string;
  readonly ring: string | undefined;
  readonly level: LevelInForce | undefined;
  readonly approved: boolean;
  readonly withdrawn: boolean;
  readonly enforce: "Floor" | "Exact";
  readonly images: ImageIndex<LevelImage> | undefined;
}

/** What the targets of a ring under one kind of baselines depend on, beside themselves: the same object while it is the same. */
export interface Basis {
  readonly baselines: readonly BaselineInForce[];
  readonly exceptions: readonly ExceptionInForce[];
  /** By baseline. */
  readonly choices: ReadonlyMap<string, Choice>;
}

export interface ChoiceInput {
  readonly entries: ReadonlyMap<string, RingEntries>;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly withdrawn: ReadonlyMap<string, ReadonlySet<Digest>>;
}

/** The basis of each ring, and of no ring, for baselines of one kind (sorted by name). */
export function findBases(
  kind: "Node" | "Image",
  { baselines, exceptions }: Pick<Basis, "baselines" | "exceptions">,
  rings: readonly string[],
  input: ChoiceInput,
  memory: AnswerMemory,
): ReadonlyMap<string | undefined, Basis> {
  return new Map(
    [undefined, ...rings].map((ring) => {
      const chosen = baselines.map(({ name }) => chooseLevel(input, ring, name));
      const parts = [
        ...baselines,
        0,
        ...exceptions,
        0,
        ...chosen.flatMap(({ level, approved, withdrawn, enforce }) => [level, approved, withdrawn, enforce]),
      ];
      const basis = recall(memory, `basis/${kind}/${ring ?? ""}`, parts, (): Basis => ({
        baselines,
        exceptions,
        choices: new Map(chosen.map((choice, at): [string, Choice] => [baselines[at]?.name ?? "", withImages(choice)])),
      }));
      return [ring, basis] as const;
    }),
  );
}

function withImages(choice: Omit<Choice, "images">): Choice {
  const images = choice.level?.spec.image?.images;
  return { ...choice, images: images === undefined ? undefined : indexImages(images) };
}

/** What a ring's approval says, else the candidate. */
function chooseLevel(
  { entries, candidates, withdrawn }: ChoiceInput,
  ring: string | undefined,
  baseline: string,
): Omit<Choice, "images"> {
  const approval = ring === undefined ? undefined : entries.get(ring)?.approvals.get(baseline);
  const level = approval?.level ?? candidates.get(baseline);
  const takenBack =
    approval === undefined &&
    level !== undefined &&
    ring !== undefined &&
    withdrawn.get(ring)?.has(level.digest) === true;
  return {
    key: `${ring ?? ""}/${baseline}`,
    ring,
    level,
    approved: approval !== undefined,
    withdrawn: takenBack,
    enforce: approval?.entry.enforce ?? "Floor",
  };
}
