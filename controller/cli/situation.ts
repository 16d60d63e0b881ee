// From what was read to what is shown: the planner's input, its plan, estimates and everything that people should be warned of. The
// same planner that the controller runs; nothing is guessed: what is absent means no claims, soak 0 and Unknown packages.
import { type DisruptionLedger, LEDGER_NAME } from "../api/disruption-ledger.ts";
import type { Instant } from "../clock.ts";
import type { Claim, LedgerView, PolicyInForce } from "../core/model.ts";
import { planPromotions } from "../core/promotion/index.ts";
import { resolveCandidates } from "../core/rollout/candidates.ts";
import { estimateRollout, type Estimate } from "../core/estimate/estimate.ts";
import { makePlan, type Plan } from "../core/rollout/plan.ts";
import type { Decision } from "../core/rollout/decision.ts";
import type { PlanInput } from "../core/rollout/plan-input.ts";
import type { Finding } from "../policy/finding.ts";
import { findLostClaims } from "../reconcile/ledger.ts";
import type { ClusterView } from "./cluster-view.ts";

/** Everything that a read command shows something of. */
export interface Situation {
  readonly input: PlanInput;
  readonly plan: Plan;
  /** The plan's, then what promotion would ask for or write. */
  readonly decisions: readonly Decision[];
  readonly estimates: readonly Estimate[];
  /** Where it comes from, for the first line of an answer. */
  readonly source: string;
  /** For people, sorted: what was assumed or could not be read. */
  readonly warnings: readonly string[];
}

/** Who plans and estimates, where somebody does it again and again and remembers. */
export interface Thinkers {
  readonly plan?: (input: PlanInput) => Plan;
  readonly estimate?: (input: PlanInput, plan: Plan) => readonly Estimate[];
}

/** Plans and estimates what was read. */
export function planFor(
  policy: PolicyInForce,
  view: ClusterView,
  now: Instant,
  source: string,
  findings: readonly Finding[],
  thinkers: Thinkers = {},
): Situation {
  const { inventory, stored } = view;
  const candidates = resolveCandidates(policy, stored, now);
  const { ledger, assumed } = readLedger(view, policy.clusterName);
  const input: PlanInput = { now, policy, inventory, stored, ledger, candidates: candidates.levels, observedMs: 0 };
  const plan = (thinkers.plan ?? makePlan)(input);
  const estimates = (thinkers.estimate ?? estimateRollout)(input, plan);
  const warnings = [
    ...view.problems,
    ...findings.map(({ file, line, message, hint }) => `${file}:${line}: ${message}${hint === "" ? "" : ` (${hint})`}`),
    ...[...candidates.problems].map(([, { reason, message }]) => `${message} [${reason}]`),
    ...assumed,
    ...describeModes(ledger),
    ...estimates.flatMap(warnOf),
  ];
  const decisions = [...plan.decisions, ...promotionsOf(input, plan)];
  return { input, plan, decisions, estimates, source, warnings: [...new Set(warnings)] };
}

/**
 * What would be proposed or written if the policy stood in a repository where nothing is proposed yet. Where the policy is a
 * cluster's copy of a repository it is not told: what is proposed already only the forge knows.
 */
function promotionsOf({ policy, candidates, now }: PlanInput, plan: Plan): readonly Decision[] {
  const copied = !policy.proposer && policy.rings.some(({ authority }) => authority.kind === "Git");
  return copied ? [] : planPromotions(plan, { policy, candidates, proposals: [], now }).decisions;
}

/** The dump's ledger; without one, as if it enforced with the default limits. */
export function readLedger(view: ClusterView, cluster: string): { ledger: LedgerView; assumed: readonly string[] } {
  const object = (view.objects.get("DisruptionLedger") ?? []).find(({ metadata }) => metadata.name === LEDGER_NAME);
  if (object === undefined)
    return {
      ledger: { spec: { mode: "Enforce" }, claims: [], rebuilding: false },
      assumed: ["there is no DisruptionLedger: planned as if its mode were Enforce, with the default limits"],
    };
  const { spec, status } = object as unknown as Pick<DisruptionLedger, "spec" | "status">;
  const claims = [...(status?.claims ?? [])].sort((a: Claim, b: Claim) => (a.uid < b.uid ? -1 : 1));
  const rebuilt = status?.rebuiltTime !== undefined;
  const live = { object, spec: spec ?? {}, claims, rebuilt };
  const lost = findLostClaims(live, view.inventory, view.stored, cluster);
  return { ledger: { spec: live.spec, claims, rebuilding: !rebuilt || lost.length > 0 }, assumed: [] };
}

function describeModes({ spec, rebuilding }: LedgerView): readonly string[] {
  const mode = spec.mode ?? "Observe";
  return [
    ...(mode === "Observe"
      ? ["the ledger's mode is Observe: nothing is touched; times are as if it were Enforce (ringward enforce)"]
      : []),
    ...(rebuilding ? ["the ledger's claims are not known to be complete: nothing is claimed until they are"] : []),
  ];
}

function warnOf(estimate: Estimate): readonly string[] {
  const { ring, baseline, remaining, atOnce, deadline, endsAt, never, missesDeadline, stuck } = estimate;
  const what = `ring ${ring}, baseline ${baseline}`;
  const waiting =
    stuck.length === 0
      ? []
      : [`${what}: ${stuck.map(({ reason, targets }) => `${targets} ${reason}`).join(", ")}; these wait for a person`];
  if (missesDeadline && deadline !== undefined && endsAt !== undefined)
    return [
      ...waiting,
      `${what}: ${remaining} targets, ${atOnce} at once, end about ${showMinute(endsAt)}, after the deadline of ${showMinute(deadline)}: budget and windows do not meet it (raise the budget, widen the windows or move the deadline)`,
    ];
  // What holds up a ring before is told there.
  if (never !== undefined && never.reason === "PredecessorNotSoaked" && !missesDeadline) return waiting;
  if (never !== undefined)
    return [
      ...waiting,
      `${what}: does not end as things stand: ${never.message} [${never.reason}]${missesDeadline ? "; its deadline is missed" : ""}`,
    ];
  return waiting;
}

function showMinute(at: Instant): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")}Z`;
}
