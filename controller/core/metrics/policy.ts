// Gauges of what people decided and where it comes from: the ledger's mode, brakes, the policy repository, exceptions, open approvals.
import type { Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import { branchPart, parseGroupBranch, parseProposalBranch } from "../promotion/known.ts";
import type { Action } from "../rollout/decision.ts";
import type { PolicyInForce } from "../model.ts";
import {
  APPROVAL_OLDEST,
  APPROVALS_PENDING,
  BRAKE,
  DECISIONS,
  EXCEPTION_ENDS,
  EXCEPTIONS,
  FOLDED,
  LAST_PLAN,
  MODE,
  POLICY_COMMIT,
  POLICY_DOCUMENTS,
  POLICY_INTERVAL,
  POLICY_PROBLEMS,
  POLICY_SYNC,
} from "./definitions.ts";
import type { Labels } from "./labels.ts";
import type { FleetLook } from "./look.ts";
import { createTally, type Sample, sample } from "./sample.ts";
import { MAX_CLAIMS } from "../../api/disruption-ledger.ts";

const MODES = ["Observe", "Enforce", "Stop"] as const;
const ACTIONS: readonly Action[] = ["claim", "continue", "backOut", "finish", "halt", "propose", "withdraw", "wait"];
/** Always listed, so that a rule finds them where they are off. */
const BRAKES: readonly Reason[] = [
  "Stopped",
  "HistoryRewritten",
  "SignatureInvalid",
  "RepositoryStale",
  "RepositorySuspended",
  "LedgerRebuilding",
  "LedgerFull",
];

export function samplePolicy(look: FleetLook, labels: Labels): readonly Sample[] {
  const { input, plan } = look;
  const mode = input.ledger.spec.mode ?? "Observe";
  const on = new Set(findBrakes(look));
  const actions = createTally<"action">();
  for (const action of ACTIONS) actions.add({ action }, 0);
  for (const { action } of plan.decisions) actions.add({ action });
  return [
    ...MODES.map((one) => sample(MODE, { mode: one }, one === mode ? 1 : 0)),
    ...[...new Set([...BRAKES, ...on])].map((reason) => sample(BRAKE, { reason }, on.has(reason) ? 1 : 0)),
    ...sampleRepository(look),
    ...sampleExceptions(input.policy, plan.at),
    ...sampleApprovals(look, labels),
    sample(LAST_PLAN, {}, { at: plan.at }),
    ...actions.entries().map(([of, count]) => sample(DECISIONS, of, count)),
    sample(FOLDED, {}, labels.folded()),
  ];
}

function findBrakes({ input: { policy, ledger } }: FleetLook): readonly Reason[] {
  return [
    ...policy.brakes.map(({ reason }) => reason),
    ...(ledger.spec.mode === "Stop" ? (["Stopped"] as const) : []),
    ...(ledger.rebuilding ? (["LedgerRebuilding"] as const) : []),
    ...(ledger.claims.length >= MAX_CLAIMS ? (["LedgerFull"] as const) : []),
  ];
}

function sampleRepository({ repository }: FleetLook): readonly Sample[] {
  if (repository === undefined) return [];
  const { fetchedAt, intervalMs, commitAt, documents, problems } = repository;
  return [
    ...(intervalMs === undefined ? [] : [sample(POLICY_INTERVAL, {}, intervalMs / 1000)]),
    ...(fetchedAt === undefined ? [] : [sample(POLICY_SYNC, {}, { at: fetchedAt })]),
    ...(commitAt === undefined ? [] : [sample(POLICY_COMMIT, {}, { at: commitAt })]),
    ...(documents === undefined ? [] : [sample(POLICY_DOCUMENTS, {}, documents)]),
    ...(problems === undefined ? [] : [sample(POLICY_PROBLEMS, {}, problems)]),
  ];
}

function sampleExceptions({ exceptions }: PolicyInForce, now: Instant): readonly Sample[] {
  const ends = exceptions.map(({ spec }) => Date.parse(spec.expirationTime));
  const ahead = ends.filter((end) => end > now);
  return [
    sample(EXCEPTIONS, { state: "Active" }, ahead.length),
    sample(EXCEPTIONS, { state: "Expired" }, ends.length - ahead.length),
    ...(ahead.length === 0 ? [] : [sample(EXCEPTION_ENDS, {}, { at: Math.min(...ahead) })]),
  ];
}

/** The ring that a branch of ours is about; undefined: none that there is. */
export function ringOfBranch({ rings }: PolicyInForce): (branch: string) => string | undefined {
  const byPart = new Map(rings.map(({ name }) => [branchPart(name), name]));
  return (branch) => byPart.get(parseProposalBranch(branch)?.ring ?? parseGroupBranch(branch) ?? "");
}

function sampleApprovals({ input, pulls }: FleetLook, labels: Labels): readonly Sample[] {
  if (pulls === undefined) return [];
  const ringOf = ringOfBranch(input.policy);
  const counts = createTally<"ring">();
  for (const { name } of input.policy.rings) counts.add({ ring: labels.ring(name) }, 0);
  const oldest = new Map<string, Instant>();
  for (const { branch, state, openedAt } of pulls) {
    const name = state === "open" ? ringOf(branch) : undefined;
    if (name === undefined) continue;
    const ring = labels.ring(name);
    counts.add({ ring });
    oldest.set(ring, Math.min(oldest.get(ring) ?? openedAt, openedAt));
  }
  return [
    ...counts.entries().map(([of, count]) => sample(APPROVALS_PENDING, of, count)),
    ...[...oldest].map(([ring, at]) => sample(APPROVAL_OLDEST, { ring }, { at })),
  ];
}
