// The check `ringward/plan` on an open proposal: green while merging it does what the page says, red when it would not, with the reason. Pure.
import type { Decision } from "../rollout/decision.ts";
import type { EvidenceInput } from "./evidence-form.ts";
import { proofsOf } from "./evidence-proof.ts";
import type { KnownProposal } from "./known.ts";
import { branchPart } from "./known.ts";

export const PLAN_CHECK = "ringward/plan";

export interface PlanVerdict {
  readonly state: "success" | "failure";
  /** One line. */
  readonly title: string;
}

/** Of a proposal that is wanted. `holds`: its branch says what would be proposed now. */
export function judgePlan(input: Pick<EvidenceInput, "proposal" | "plan">, holds: boolean): PlanVerdict {
  const { proposal, plan } = input;
  const { ring, level, targets, maxTargets } = proposal;
  if (!holds)
    return {
      state: "failure",
      title: "the branch was changed by somebody else and no longer says what would be proposed now",
    };
  const open = proofsOf({ proposal, plan }).filter((proof) => !proof.soaked && !proof.empty);
  if (proposal.kind === "Level" && open.length > 0)
    return {
      state: "failure",
      title: `PredecessorNotSoaked: ring ${open.map(({ name }) => name).join(", ")} has not soaked ${level.name}; merged now it waits`,
    };
  const what = proposal.kind === "Scope" ? "go on with" : "run";
  return {
    state: "success",
    title: `ring ${ring.name} may ${what} ${level.name}: ${targets} target${targets === 1 ? "" : "s"} now, at most ${maxTargets}`,
  };
}

/** Of an open pull request that nobody wants now and that stays: whatever stops it. */
export function judgeStopped(known: KnownProposal, decisions: readonly Decision[]): PlanVerdict | undefined {
  const decision = decisions.find(
    ({ action, ring, level }) =>
      action === "wait" &&
      ring !== undefined &&
      branchPart(ring) === known.ring &&
      level?.includes(known.digest) === true,
  );
  return decision === undefined ? undefined : { state: "failure", title: `${decision.reason}: ${decision.message}` };
}
