// The words of compliance: which states are worse than which, and which count as compliant.
// Pure. Unknown is never compliant.
import { type State, STATES } from "../../api/patch-state.ts";

const COMPLIANT: ReadonlySet<State> = new Set([
  "Exempt",
  "Available",
  "InstalledOther",
  "Installed",
  "Rejected",
  "NotApplicable",
]);

/** Whether a state counts as compliant. Exempt does, and is also counted apart by whoever counts. */
export function isCompliant(state: State): boolean {
  return COMPLIANT.has(state);
}

/** The worst of some states; NotApplicable, the best, of none. */
export function worstState(states: readonly State[]): State {
  let worst = STATES.length - 1;
  for (const state of states) worst = Math.min(worst, STATES.indexOf(state));
  return STATES[worst] ?? "NotApplicable";
}
