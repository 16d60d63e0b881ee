// What a suite that is judged by the invariants has to come to. An invariant whose precondition never occurred said nothing, and a suite that
// counts on it and never tried it is wrong, however green its runs are.
import { INVARIANTS } from "../../controller/sandbox/invariants/index.ts";

/** What one controller's rollout over nodes and workloads cannot do without, whatever disturbs it. */
export const ROLLOUT: readonly string[] = [
  ...["B1", "B2", "B3", "B4", "B5", "B6", "B8", "B9", "B10", "B11", "B12", "B16", "B17"],
  ...["R1", "R3", "R4", "A1", "A6", "K2", "K4", "K8", "S1", "S2", "S3", "S4", "V2"],
  ...["D7", "D8", "D11", "D12"],
];

/** A line for each invariant that a suite has to try and did not; none: it may say that it holds. */
export function untried(suite: string, occurred: Iterable<string>, wanted: Iterable<string>): readonly string[] {
  const tried = new Set(occurred);
  return [...new Set(wanted)].flatMap((id) => {
    const says = INVARIANTS.get(id);
    if (says === undefined) return [`${suite}: ${id} is no invariant that histories are checked for`];
    if (tried.has(id)) return [];
    return [
      `${suite}: ${id} (${says}) was never tried: its precondition did not occur, so that nothing is said of it; make a run come to it, or take it off the suite's list`,
    ];
  });
}
