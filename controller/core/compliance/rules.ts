// The state table: from what was observed of one component and how its level stands to the component's state.
// Pure. The list of rules is the documentation (research: patch-semantics.md §9, in DESIGN's words); the first that answers counts.
// One departure: an exception comes before a pending reboot, so that it also keeps an excepted node from being rebooted.
import type { State } from "../../api/patch-state.ts";
import type { Reason } from "../../api/reasons.ts";

/** One component as it was observed. */
export type Evidence =
  | { readonly kind: "Unknown"; readonly reason: Reason }
  /** Not there, and never added by us. */
  | { readonly kind: "Absent" }
  | {
      readonly kind: "Compared";
      /** What runs against what is wanted. */
      readonly order: "<" | "=" | ">";
      /** What is wanted is installed, but does not run yet. Only with `<`. */
      readonly pending: boolean;
    };

/** How the level stands for the asset. */
export interface Standing {
  readonly approved: boolean;
  readonly withdrawn: boolean;
  /** What is above goes back where it can. */
  readonly exact: boolean;
  /** Why the last attempt at this level failed. */
  readonly failure: Reason | undefined;
  /** It was verified at this level before. */
  readonly verifiedBefore: boolean;
}

export interface Verdict {
  readonly state: State;
  readonly reason?: Reason;
  readonly offTarget?: boolean;
}

interface Case extends Standing {
  readonly evidence: Evidence;
  /** A valid exception covers the component. */
  readonly excepted: boolean;
}

type Rule = (it: Case) => Verdict | undefined;

const isAtOrAbove = ({ evidence }: Case): boolean => evidence.kind === "Compared" && evidence.order !== "<";
const isAbove = ({ evidence }: Case): boolean => evidence.kind === "Compared" && evidence.order === ">";
const isRequired = ({ approved, withdrawn }: Case): boolean => approved && !withdrawn;

const cannotTell: Rule = ({ evidence }) =>
  evidence.kind === "Unknown" ? { state: "Unknown", reason: evidence.reason } : undefined;

const notApplicable: Rule = ({ evidence }) => (evidence.kind === "Absent" ? { state: "NotApplicable" } : undefined);

const drifted: Rule = (it) =>
  isAbove(it) && isRequired(it) && it.exact
    ? { state: "InstalledOther", reason: "Drifted", offTarget: !it.excepted }
    : undefined;

const runsRejected: Rule = (it) =>
  isAtOrAbove(it) && !isAbove(it) && it.withdrawn && it.exact ? { state: "InstalledRejected" } : undefined;

const installedUnasked: Rule = (it) => (isAtOrAbove(it) && !isRequired(it) ? { state: "InstalledOther" } : undefined);

const installed: Rule = (it) => (isAtOrAbove(it) ? { state: "Installed" } : undefined);

const exempt: Rule = (it) => (it.excepted ? { state: "Exempt" } : undefined);

const pendingReboot: Rule = ({ evidence }) =>
  evidence.kind === "Compared" && evidence.pending
    ? { state: "InstalledPendingReboot", reason: "RebootPending" }
    : undefined;

const rejected: Rule = (it) => (it.withdrawn ? { state: "Rejected" } : undefined);

const available: Rule = (it) => (it.approved ? undefined : { state: "Available" });

const failed: Rule = (it) => (it.failure === undefined ? undefined : { state: "Failed", reason: it.failure });

const regressed: Rule = (it) => (it.verifiedBefore ? { state: "Missing", reason: "Regressed" } : undefined);

const RULES: readonly Rule[] = [
  cannotTell,
  notApplicable,
  // At the level or above it.
  drifted,
  runsRejected,
  installedUnasked,
  installed,
  // Below it.
  exempt,
  pendingReboot,
  rejected,
  available,
  failed,
  regressed,
];

/** The state of one component. */
export function judge(evidence: Evidence, standing: Standing, excepted: boolean): Verdict {
  const it: Case = { ...standing, evidence, excepted };
  for (const rule of RULES) {
    const verdict = rule(it);
    if (verdict !== undefined) return verdict;
  }
  return { state: "Missing" };
}
