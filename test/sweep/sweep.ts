// A sweep: every write of the undisturbed run, in every mode, judged; what it found, in lines for people.
import { MODES, type Mode } from "./life.ts";
import { type Outcome, type Reference, runDisturbed, type Worlds } from "./run.ts";
import type { MemoryStage } from "./stage.ts";

export interface SweepResult {
  readonly points: number;
  /** Points whose rest was exactly that of another run. */
  readonly shared: number;
  readonly passes: number;
  /** Points at which something is wrong. */
  readonly bad: readonly Outcome[];
  readonly occurred: ReadonlySet<string>;
}

/** Sweeps the writes and modes for which `mine` holds: a sweep may be shared out among processes. */
export async function sweep(
  stage: MemoryStage,
  reference: Reference,
  mine: (write: number, mode: Mode) => boolean = () => true,
  modes: readonly Mode[] = MODES,
): Promise<SweepResult> {
  const worlds: Worlds = new Map();
  const bad: Outcome[] = [];
  const occurred = new Set<string>(reference.checker.finish().occurred);
  let [points, shared, passes] = [0, 0, 0];
  for (let write = 0; write < reference.writes.length; write += 1) {
    for (const mode of modes) {
      if (!mine(write, mode)) continue;
      const outcome = await runDisturbed(stage, reference, write, mode, worlds);
      points += 1;
      passes += outcome.passes;
      if (outcome.shared) shared += 1;
      if (outcome.problems.length > 0) bad.push(outcome);
      for (const id of outcome.occurred) occurred.add(id);
    }
    // Worlds of other passes never come again.
    if (reference.writes[write + 1]?.pass !== reference.writes[write]?.pass && worlds.size > 200) worlds.clear();
  }
  return { points, shared, passes, bad, occurred };
}

/** The first few bad points, one line for each problem. */
export function describeBad(reference: Reference, { bad }: SweepResult): readonly string[] {
  return bad.slice(0, 10).flatMap(({ at, mode, problems }) => {
    const { name, pass } = reference.writes[at] ?? { name: "?", pass: -1 };
    return problems.slice(0, 5).map((problem) => `crash ${mode} write ${at} (${name}, pass ${pass}): ${problem}`);
  });
}
