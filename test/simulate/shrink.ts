// Makes a failing run simpler while it still fails in the same way: draws are made calm, in blocks that get smaller, the last ones first, since
// what comes after the failure is rarely needed. A draw stays at its place, so what comes before it stays as it was.
import { replay } from "./chance.ts";
import { type Outcome, type Prepared, simulate, type SimulateOptions } from "./run.ts";

/** What a failure is about: the invariant, or that it never ended. */
export function kindOf({ problems }: Outcome): string | undefined {
  return problems[0]?.split(" ")[0];
}

export interface Shrunk {
  readonly drawn: readonly number[];
  readonly tries: number;
}

/** `most`: how many runs it may take. */
export async function shrink(
  prepared: Prepared,
  failing: Outcome,
  { most = 300, ...options }: SimulateOptions & { readonly most?: number } = {},
): Promise<Shrunk> {
  const kind = kindOf(failing);
  let best = trim(failing.drawn);
  let tries = 0;
  const fails = async (drawn: readonly number[]): Promise<boolean> => {
    tries += 1;
    const outcome = await simulate(prepared, replay(drawn), options);
    return outcome.problems.some((problem) => problem.split(" ")[0] === kind);
  };
  for (let size = Math.ceil(best.length / 2); size >= 1 && tries < most; size = Math.floor(size / 2)) {
    for (let end = best.length; end > 0 && tries < most; end -= size) {
      const from = Math.max(0, end - size);
      if (best.slice(from, end).every((draw) => draw === 0)) continue;
      const calmer = trim(best.map((draw, index) => (index >= from && index < end ? 0 : draw)));
      if (await fails(calmer)) best = calmer;
    }
  }
  return { drawn: best, tries };
}

/** Beyond its end a list is calm anyway. */
function trim(drawn: readonly number[]): readonly number[] {
  return drawn.slice(0, drawn.findLastIndex((draw) => draw !== 0) + 1);
}
