// Every metric of the fleet: what it counts, in which unit, with which labels. Names follow Prometheus (base units, `_total`, one quantity a
// name); where time counts from something, the name says from what. Labels are closed sets, and names of rings and baselines (labels.ts
// bounds them); never a node's, a workload's or a level's name.
import type { MetricDefinition } from "../../metrics.ts";

type Gauge = MetricDefinition<"gauge">;
type Counter = MetricDefinition<"counter">;
type Histogram = MetricDefinition<"histogram">;

const MINUTE = 60;
const HOUR = 3_600;
const DAY = 86_400;
/** From minutes to a quarter: patching is counted in days. */
const LONG = [HOUR, 6 * HOUR, DAY, 2 * DAY, 3 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 60 * DAY, 90 * DAY] as const;
/** From a minute to a fortnight: what one ring takes. */
const MIDDLE = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, 3 * DAY, 7 * DAY, 14 * DAY] as const;
/** From seconds to hours: what one target takes. */
const SHORT = [
  15,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  40 * MINUTE,
  HOUR,
  2 * HOUR,
  6 * HOUR,
] as const;

const RING = ["ring"] as const;
const PAIR = ["ring", "baseline"] as const;
const KIND_PAIR = ["kind", "ring", "baseline"] as const;
const KIND_RING = ["kind", "ring"] as const;

function gauge<const L extends readonly string[]>(name: string, help: string, labels: L) {
  return { kind: "gauge", name, help, labels } as const satisfies Gauge;
}

function counter<const L extends readonly string[]>(name: string, help: string, labels: L) {
  return { kind: "counter", name, help, labels } as const satisfies Counter;
}

function histogram<const L extends readonly string[]>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: L,
) {
  return { kind: "histogram", name, help, labels, buckets } as const satisfies Histogram;
}

// -------------------------------------------------------------------------------------------------- compliance

export const ASSETS = gauge(
  "ringward_assets",
  "Nodes and workloads of the cluster, each once: Covered (under a baseline, in a ring, its state known), Unknown (its state is), Unassigned (in no ring), Conflict (in two rings, or a node under two baselines) or NoBaseline. Patch coverage is the share that is Covered.",
  ["kind", "coverage"],
);
export const TARGETS = gauge(
  "ringward_targets",
  "Assets under a baseline, by state (docs/kinds/nodepatchstate.md); ring _none: in no ring or in two.",
  ["kind", "ring", "baseline", "state"],
);
export const TARGETS_IN_PHASE = gauge("ringward_targets_in_phase", "Assets under a baseline, by phase.", [
  "ring",
  "phase",
]);
export const TARGETS_BLOCKED = gauge(
  "ringward_targets_blocked",
  "Targets that stand still, by the first reason (docs/reasons.md); absent where none does.",
  ["ring", "reason"],
);
export const TARGETS_UNKNOWN = gauge(
  "ringward_targets_unknown",
  "Targets whose state is Unknown, by reason; inventory that is missing, stale, cut short or malformed is always listed.",
  ["reason"],
);
export const OPEN_AGE = gauge(
  "ringward_open_age_from_level_input_seconds",
  "Of the targets that do not run their level yet, or for which a newer one waits, the longest time since that level's newest input was committed (or since the target came, where that was later); absent where all do.",
  PAIR,
);
export const TIME_TO_PATCH = histogram(
  "ringward_time_to_patch_from_level_input_seconds",
  "Time from the commit of a level's newest input (or from when the target came, where that was later) until a target that was seen not to run it was verified at it; each target once for a level. Its mean is MTTP.",
  LONG,
  PAIR,
);
export const TIME_TO_PATCH_IN_RING = histogram(
  "ringward_time_to_patch_from_ring_offer_seconds",
  "The same from when the ring's targets were first allowed to start: without approvals, predecessors and deferral.",
  MIDDLE,
  PAIR,
);

// ------------------------------------------------------------------------------------------------------- rings

export const RING_PHASE = gauge("ringward_ring_phase", "1 for the ring's phase, 0 for the others.", ["ring", "phase"]);
export const RING_BLOCKED = gauge(
  "ringward_ring_blocked",
  "1 for each reason that keeps the ring from moving; absent where there is none.",
  ["ring", "reason"],
);
export const RING_MEMBERS = gauge("ringward_ring_members", "Members of the ring.", KIND_RING);
export const ROLLOUT_TARGETS = gauge(
  "ringward_rollout_targets",
  "Targets in scope of the level that the ring is approved for.",
  KIND_PAIR,
);
export const ROLLOUT_DONE = gauge("ringward_rollout_targets_done", "Of those, verified at it.", KIND_PAIR);
export const ROLLOUT_IN_FLIGHT = gauge("ringward_rollout_targets_in_flight", "Of those, in change now.", KIND_PAIR);
export const ROLLOUT_FAILED = gauge(
  "ringward_rollout_targets_failed",
  "Of those, failed; each keeps its budget until it recovers, is gone or a person decides.",
  KIND_PAIR,
);
export const ROLLOUT_DEADLINE = gauge(
  "ringward_rollout_deadline_timestamp_seconds",
  "When the ring's targets should all be done; absent where no deadline is set, or all are.",
  KIND_PAIR,
);
export const SOAKED = gauge(
  "ringward_rollout_soak_seconds",
  "Healthy time that the ring was observed at its approved level since it was complete.",
  PAIR,
);
export const SOAK_WANTED = gauge(
  "ringward_rollout_soak_required_seconds",
  "Healthy time after which the next rings may have the level.",
  PAIR,
);
export const GATES = gauge("ringward_gates", "Gates of the ring, by state.", ["ring", "state"]);
export const ROLLOUT_DURATION = histogram(
  "ringward_rollout_duration_seconds",
  "Time from a ring's first claim for a level until it was complete.",
  MIDDLE,
  RING,
);

// ------------------------------------------------------------------------------------------ budget and operations

export const CLAIMS = gauge(
  "ringward_claims",
  "Claims in the ledger, by what their operation has reached; Failed and BackingOut come before any step. Absent where there is none.",
  ["kind", "ring", "step"],
);
export const CLAIMS_LIMIT = gauge("ringward_claims_limit", "Most claims that the ledger holds.", []);
export const CLAIM_OLDEST = gauge(
  "ringward_claim_oldest_timestamp_seconds",
  "When the oldest claim of the ring was made; absent where there is none.",
  RING,
);
export const BUDGET_LIMIT = gauge(
  "ringward_budget_limit",
  "Most members of the ring that may be unavailable (nodes) or in change (workloads) at once.",
  KIND_RING,
);
export const BUDGET_USED = gauge(
  "ringward_budget_used",
  "Members of the ring that count against it: claimed, and of nodes also those that are not Ready or unschedulable, whoever did it.",
  KIND_RING,
);
export const CLUSTER_BUDGET_LIMIT = gauge(
  "ringward_cluster_budget_limit",
  "The same for the whole cluster, and for its control-plane nodes.",
  ["kind"],
);
export const CLUSTER_BUDGET_USED = gauge("ringward_cluster_budget_used", "What counts against it.", ["kind"]);
export const CORDONED = gauge("ringward_nodes_cordoned", "Nodes that Ringward has cordoned.", RING);
export const CORDONED_OLDEST = gauge(
  "ringward_node_cordoned_oldest_timestamp_seconds",
  "Of these nodes, when the oldest claim was made; absent where there is none.",
  RING,
);
export const DRAINS = gauge("ringward_drains", "Nodes that are being drained.", RING);
export const DRAINS_BLOCKED = gauge(
  "ringward_drains_blocked",
  "Nodes whose drain waits, or that are not cordoned because it would, by reason.",
  ["reason"],
);
export const DRAIN_DURATION = histogram(
  "ringward_drain_duration_seconds",
  "Time from a node's cordon until it was drained, or until the drain was given up.",
  SHORT,
  ["result"],
);
export const REBOOT_DURATION = histogram(
  "ringward_reboot_duration_seconds",
  "Time from a reboot's being asked for until the node was back and Ready.",
  SHORT,
  [],
);
export const UPDATES = counter("ringward_updates_total", "Operations that ended, by result.", [
  "kind",
  "ring",
  "result",
]);
export const UPDATE_DURATION = histogram(
  "ringward_update_duration_seconds",
  "Time that successful operations took, from their start to their end.",
  SHORT,
  KIND_RING,
);
export const FAILURES = counter("ringward_failures_total", "Operations that failed, by reason; each attempt counts.", [
  "kind",
  "ring",
  "reason",
]);

// ----------------------------------------------------------------------------------------------------- calendars

export const WINDOW_OPEN = gauge(
  "ringward_window_open",
  "1 while a maintenance window of the ring is open and no freeze holds, or none is needed, else 0.",
  RING,
);
export const FROZEN = gauge("ringward_frozen", "1 while a freeze holds the ring, else 0.", RING);
export const WINDOW_OPENS = gauge(
  "ringward_window_next_open_timestamp_seconds",
  "When work may start next in the ring; absent while it may, and where it never may again.",
  RING,
);
export const WINDOW_CLOSES = gauge(
  "ringward_window_next_close_timestamp_seconds",
  "When the ring's open window ends; absent where none is open, or none ends.",
  RING,
);
export const WINDOWS_ENDED = counter("ringward_windows_ended_total", "Maintenance windows that ended.", RING);
export const WINDOWS_MISSED = counter(
  "ringward_windows_missed_total",
  "Of those, windows at whose end targets waited although the level was offered to them, and in which no operation had started; not where a freeze, a suspended ring or the ledger's mode forbade it.",
  RING,
);

// ----------------------------------------------------------------------------------------------------- promotion

export const APPROVALS_PENDING = gauge(
  "ringward_approvals_pending",
  "Pull requests that ask for the ring's approval and are open; absent without a forge, or while it does not answer.",
  RING,
);
export const APPROVAL_OLDEST = gauge(
  "ringward_approval_oldest_timestamp_seconds",
  "When the oldest of them was opened; absent where there is none.",
  RING,
);
export const APPROVAL_WAIT = histogram(
  "ringward_approval_wait_seconds",
  "Time from a pull request's opening to its merge.",
  MIDDLE,
  RING,
);
export const PROMOTION_LATENCY = histogram(
  "ringward_promotion_latency_from_predecessors_soaked_seconds",
  "Time from when the last of a ring's predecessors had soaked a level until the level was offered to the ring's targets.",
  MIDDLE,
  RING,
);

// ---------------------------------------------------------------------------------------------- policy and brakes

export const MODE = gauge("ringward_mode", "1 for the ledger's mode, 0 for the others.", ["mode"]);
export const BRAKE = gauge(
  "ringward_brake",
  "1 for each reason that keeps the whole cluster from starting anything, else 0.",
  ["reason"],
);
export const POLICY_SYNC = gauge(
  "ringward_policy_last_sync_timestamp_seconds",
  "When the policy repository was last fetched; absent without a repository.",
  [],
);
export const POLICY_INTERVAL = gauge(
  "ringward_policy_sync_interval_seconds",
  "How often the policy repository is to be fetched; absent without a repository, and while it is suspended.",
  [],
);
export const POLICY_COMMIT = gauge(
  "ringward_policy_commit_timestamp_seconds",
  "Date of the commit whose policy is in force; absent without a repository.",
  [],
);
export const POLICY_DOCUMENTS = gauge("ringward_policy_documents", "Policy documents of that commit.", []);
export const POLICY_PROBLEMS = gauge(
  "ringward_policy_problems",
  "Errors in the repository's policy documents: what they held is not in force.",
  [],
);
export const INVENTORY_AGE = gauge(
  "ringward_inventory_age_seconds",
  "Age of the oldest inventory report among the ring's nodes; absent where no node has one.",
  RING,
);
export const EXCEPTIONS = gauge("ringward_exceptions", "Exceptions that hold, and those whose time is over.", [
  "state",
]);
export const EXCEPTION_ENDS = gauge(
  "ringward_exception_next_expiration_timestamp_seconds",
  "When the next exception ends; absent where none holds.",
  [],
);

// --------------------------------------------------------------------------------------------------------- itself

export const LAST_PLAN = gauge(
  "ringward_last_plan_timestamp_seconds",
  "When the plan was made that these metrics tell of.",
  [],
);
export const DECISIONS = gauge("ringward_decisions", "Decisions of that plan, by action.", ["action"]);
export const FOLDED = gauge(
  "ringward_folded_label_sets",
  "Pairs of a ring and a baseline that have no series of their own, because there are more than 150: they are counted under baseline _other.",
  [],
);

/** Shown by the leader alone, as of its last plan. */
export const FLEET_GAUGES: readonly Gauge[] = [
  ASSETS,
  TARGETS,
  TARGETS_IN_PHASE,
  TARGETS_BLOCKED,
  TARGETS_UNKNOWN,
  OPEN_AGE,
  RING_PHASE,
  RING_BLOCKED,
  RING_MEMBERS,
  ROLLOUT_TARGETS,
  ROLLOUT_DONE,
  ROLLOUT_IN_FLIGHT,
  ROLLOUT_FAILED,
  ROLLOUT_DEADLINE,
  SOAKED,
  SOAK_WANTED,
  GATES,
  CLAIMS,
  CLAIMS_LIMIT,
  CLAIM_OLDEST,
  BUDGET_LIMIT,
  BUDGET_USED,
  CLUSTER_BUDGET_LIMIT,
  CLUSTER_BUDGET_USED,
  CORDONED,
  CORDONED_OLDEST,
  DRAINS,
  DRAINS_BLOCKED,
  WINDOW_OPEN,
  FROZEN,
  WINDOW_OPENS,
  WINDOW_CLOSES,
  APPROVALS_PENDING,
  APPROVAL_OLDEST,
  MODE,
  BRAKE,
  POLICY_SYNC,
  POLICY_INTERVAL,
  POLICY_COMMIT,
  POLICY_DOCUMENTS,
  POLICY_PROBLEMS,
  INVENTORY_AGE,
  EXCEPTIONS,
  EXCEPTION_ENDS,
  LAST_PLAN,
  DECISIONS,
  FOLDED,
];

/** Counted by whoever saw it happen: sum them over all processes. */
export const FLEET_COUNTS: readonly (Counter | Histogram)[] = [
  TIME_TO_PATCH,
  TIME_TO_PATCH_IN_RING,
  ROLLOUT_DURATION,
  DRAIN_DURATION,
  REBOOT_DURATION,
  UPDATES,
  UPDATE_DURATION,
  FAILURES,
  WINDOWS_ENDED,
  WINDOWS_MISSED,
  APPROVAL_WAIT,
  PROMOTION_LATENCY,
];
