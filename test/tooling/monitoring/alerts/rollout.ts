// Alerts about rollouts: failures, standstills, drains, windows, deadlines and what is not known of the fleet.
import type { Reason } from "../../../../controller/api/reasons.ts";
import type { Alert } from "../alert.ts";

/** What keeps a ring from moving until a person acts, and has no alert of its own. */
export const RING_REASONS: readonly Reason[] = [
  "RingEmpty",
  "ScopeGrew",
  "LevelMissing",
  "LevelDigestMismatch",
  "ReferenceMissing",
  "PolicyInvalid",
  "GateUnknown",
  "RepositoryStale",
  "RepositorySuspended",
];
/** A drain that these hold up does not end by itself. */
export const DRAIN_BLOCKERS: readonly Reason[] = [
  "PDBBlocked",
  "PDBNeverAllows",
  "PDBConflict",
  "PodBlocksDrain",
  "PodStuckTerminating",
  "DrainTimedOut",
];

const LOOK = `\`\`\`sh
ringward status
kubectl describe rolloutrings RING
\`\`\``;

export const ROLLOUT_ALERTS: readonly Alert[] = [
  {
    name: "UpdateFailed",
    severity: "critical",
    expr: `sum by (cluster, kind, ring, baseline) (ringward_rollout_targets_failed) > 0`,
    for: "1m",
    summary: "Updates have failed and wait for a person.",
    description: "{{ $value }} targets of ring {{ $labels.ring }} failed under {{ $labels.baseline }}.",
    dashboard: "ringward-rollout",
    meaning:
      "Operations ended with a failure: a step of the recipe, a node that did not come back, a level that does not run although the update said so, a workload that did not progress.",
    impact:
      "Each failed target keeps its budget, and a node stays cordoned once its update had begun. More failures than `maxFailures` halt the ring; if they use up the budget, the rollout stands still.",
    diagnosis: `\`\`\`sh
ringward status
ringward why node/NAME
kubectl -n ringward-jobs get jobs
kubectl -n ringward-jobs logs job/NAME
\`\`\`

\`ringward why\` tells step, attempt and reason; [reasons](../reasons.md) says what each means, and what to do.`,
    mitigation:
      "Mend the cause, then `ringward retry node/NAME --reason TEXT`. To give the target up, hand it back and free its budget: `ringward release node/NAME --reason TEXT`. If the level is bad, revert its promotion in Git: nothing new is claimed at it.",
  },
  {
    name: "RingHalted",
    severity: "critical",
    expr: `max by (cluster, ring) (ringward_ring_blocked{reason="RingHalted"}) > 0`,
    for: "1m",
    summary: "A ring is halted by its failures.",
    description: "More targets of ring {{ $labels.ring }} failed than its maxFailures allows.",
    dashboard: "ringward-rollout",
    meaning:
      "The count of failed targets of a level, those included that vanished in mid-operation, is above `budget.maxFailures`.",
    impact: "Nothing more starts in the ring, and rings that come after it do not begin.",
    diagnosis: `${LOOK}

Compare the failed targets: one cause for all of them speaks for the level, many causes for the fleet.`,
    mitigation:
      "Bad level: revert the promotion. Bad targets: mend them and `ringward retry`, or `ringward release`. Raise `maxFailures` by a pull request only when you know why they failed.",
  },
  {
    name: "RingBlocked",
    severity: "warning",
    expr: `max by (cluster, ring, reason) (ringward_ring_blocked{reason=~"${RING_REASONS.join("|")}"}) > 0`,
    for: "30m",
    summary: "A ring stands still until a person acts.",
    description: "Ring {{ $labels.ring }} has been blocked for half an hour: {{ $labels.reason }}.",
    dashboard: "ringward-rollout",
    meaning: `The ring has work to do, and one of ${RING_REASONS.map((reason) => `[${reason}](../reasons.md#${reason.toLowerCase()})`).join(", ")} keeps it from starting.`,
    impact: "The ring, and those that come after it, stay at their level.",
    diagnosis: `${LOOK}

The message beside the reason names the object: the file, the gate, the missing reference, the number of targets.`,
    mitigation:
      "Do what [reasons](../reasons.md) says of it: restore what is missing, merge the proposal that raises the number of targets, let the gate's source answer again.",
  },
  {
    name: "RingStalled",
    severity: "warning",
    // In flight at all times of two hours that are known (a scrape may fail now and then): a ring that has only just begun has no ends either.
    expr: `sum by (cluster, ring) (ringward_rollout_targets_in_flight) and on (cluster, ring) (min_over_time(sum by (cluster, ring) (ringward_rollout_targets_in_flight)[2h:5m]) > 0) and on (cluster, ring) count_over_time(sum by (cluster, ring) (ringward_rollout_targets_in_flight)[2h:5m]) > 20 unless on (cluster, ring) sum by (cluster, ring) (increase(ringward_updates_total[2h])) > 0`,
    for: "5m",
    summary: "Targets are in change and none has ended for two hours.",
    description: "{{ $value }} targets of ring {{ $labels.ring }} are in flight.",
    dashboard: "ringward-rollout",
    meaning: "Operations are under way in the ring, and for two hours none of its operations has ended, well or badly.",
    impact: "The budget that they hold is not free for others, and nodes may be cordoned meanwhile.",
    diagnosis: `\`\`\`sh
ringward status
ringward why node/NAME
kubectl -n ringward-jobs get jobs,pods
\`\`\`

\`ringward_claims\` by \`step\` shows where they stand. \`Cordoned\` is a drain: see [RingwardDrainBlocked](RingwardDrainBlocked.md). \`Updating\` and \`Rebooting\` are the recipe's: their jobs' logs say more.`,
    mitigation:
      "Mend what the step waits for. A step has a timeout of its own, after which it fails and says so. `ringward release` gives a target up.",
  },
  {
    name: "DrainBlocked",
    severity: "warning",
    expr: `max by (cluster, reason) (ringward_drains_blocked{reason=~"${DRAIN_BLOCKERS.join("|")}"}) > 0`,
    for: "30m",
    summary: "Nodes cannot be drained.",
    description: "{{ $value }} nodes wait: {{ $labels.reason }}.",
    dashboard: "ringward-rollout",
    meaning:
      "Pods do not leave, or could not: a PodDisruptionBudget refuses, a pod may not be evicted by policy, or one does not end.",
    impact:
      "These nodes are not updated. Those that are cordoned already are handed back at the drain's timeout, where the ring says `BackOut`.",
    diagnosis: `\`\`\`sh
ringward why node/NAME
kubectl get poddisruptionbudgets -A
kubectl get pods -A --field-selector spec.nodeName=NAME
\`\`\`

\`ringward why\` names the pod and the budget.`,
    mitigation:
      "PDBBlocked: bring the workload's other replicas up, or give it more. PDBNeverAllows, PDBConflict: change the budgets. PodBlocksDrain: a rule in the ring's `drain.pods`, or ask the pod's owner. PodStuckTerminating: its finalizer, its volume or its kubelet.",
  },
  {
    name: "NodeLeftCordoned",
    severity: "warning",
    expr: `time() - min by (cluster, ring) (ringward_node_cordoned_oldest_timestamp_seconds) > 7200`,
    for: "5m",
    summary: "A node has been cordoned by Ringward for hours.",
    description:
      "The oldest claim of a cordoned node in ring {{ $labels.ring }} is {{ $value | humanizeDuration }} old.",
    dashboard: "ringward-rollout",
    meaning: "A node that Ringward cordoned has not been handed back within two hours of its claim.",
    impact: "Its capacity is missing, and its budget is held.",
    diagnosis: `\`\`\`sh
kubectl get nodepatchstates
ringward why node/NAME
\`\`\``,
    mitigation:
      "A failed one waits for you: `ringward retry` or `ringward release`. A drain that hangs: see [RingwardDrainBlocked](RingwardDrainBlocked.md). Uncordoning by hand is safe as well: before the update Ringward backs out, after it the reboot is left undone.",
  },
  {
    name: "WindowMissed",
    severity: "warning",
    expr: `sum by (cluster, ring) (increase(ringward_windows_missed_total[1h])) > 0`,
    for: "0m",
    summary: "A maintenance window ended and nothing was updated in it.",
    description: "Targets of ring {{ $labels.ring }} waited, and no operation started while the window was open.",
    dashboard: "ringward-rollout",
    meaning:
      "A window of the ring has ended, targets waited although their level was offered to them, and not one operation had started. Windows in which a freeze, a suspension or the ledger's mode forbade it do not count.",
    impact: "The rollout waits for the next window; a deadline may pass.",
    diagnosis: `${LOOK}

\`ringward_ring_blocked\` and \`ringward_targets_blocked\` over the time of the window show what stood in the way: a gate, a budget that other nodes used up, a drain that could not begin.`,
    mitigation:
      "Mend that before the next window (`ringward_window_next_open_timestamp_seconds`). If the work does not fit, widen the window or the budget by a pull request; Ringward says on it what that would change.",
  },
  {
    name: "DeadlineAtRisk",
    severity: "warning",
    expr: `kind_ring:ringward_rollout_targets_open:sum * on (cluster, kind, ring) kind_ring:ringward_update_duration_seconds:p95_7d / on (cluster, kind, ring) clamp_min(max by (cluster, kind, ring) (ringward_budget_limit), 1) > on (cluster, kind, ring) (min by (cluster, kind, ring) (ringward_rollout_deadline_timestamp_seconds) - time() > 0)`,
    for: "15m",
    summary: "A ring will miss its deadline.",
    description:
      "Ring {{ $labels.ring }} needs about {{ $value | humanizeDuration }} more, and its deadline is sooner.",
    dashboard: "ringward-rollout",
    meaning:
      "What is left of the rollout, at the pace that 95 of 100 updates kept in the last week, and with as many at once as the ring's budget allows, takes longer than the time until the ring's `deadline`. Windows are not in it: with them it takes longer still.",
    impact: "Targets will be unpatched past their deadline.",
    diagnosis: `${LOOK}

\`ringward plan --kubeconfig FILE -o wide\` forecasts each ring's end, windows included.`,
    mitigation:
      "Clear what blocks targets first. Then more at once (`budget`), longer windows, or an `expedite` in the entry for this level; each is a pull request.",
  },
  {
    name: "DeadlineMissed",
    severity: "critical",
    expr: `time() - min by (cluster, kind, ring, baseline) (ringward_rollout_deadline_timestamp_seconds) > 0`,
    for: "5m",
    summary: "A ring has missed its deadline.",
    description:
      "Targets of ring {{ $labels.ring }} under {{ $labels.baseline }} have been overdue for {{ $value | humanizeDuration }}.",
    dashboard: "ringward-fleet",
    meaning: "The ring's `deadline` for its approved level has passed, and targets in scope are not done.",
    impact:
      "They run something older than policy promises. Where the ring says `onDeadline: IgnoreWindows`, they are updated outside of windows from now on.",
    diagnosis: `${LOOK}

\`ringward why node/NAME\` says of one target why it is not done.`,
    mitigation:
      "Clear what blocks them. For a target that cannot be patched, a PatchException with an owner and an end says so in the open.",
  },
  {
    name: "InventoryStale",
    severity: "warning",
    expr: `max by (cluster, reason) (ringward_targets_unknown{reason=~"Inventory.*"}) > 0`,
    for: "1h",
    summary: "Nodes cannot be assessed because their inventory is missing or too old.",
    description: "{{ $value }} targets are Unknown: {{ $labels.reason }}.",
    dashboard: "ringward-fleet",
    meaning:
      "The inventory job of these nodes has not reported for longer than the baseline allows, or its report could not be used.",
    impact:
      "Nobody knows whether they are patched. They count as not compliant, are not updated, and keep their ring from completing.",
    diagnosis: `\`\`\`sh
kubectl get nodepatchstates
kubectl -n ringward-jobs get jobs,pods
kubectl -n ringward-jobs describe pods
\`\`\`

\`status.inventoryProblem\` of a NodePatchState says what was wrong with its report.`,
    mitigation:
      "A pod that cannot start: image, taints, the namespace's quota, an admission policy (`JobRefused`). A node that is down: bring it back or remove it.",
  },
  {
    name: "CoverageLow",
    severity: "info",
    // At its best within the hour: a change of the leader in the meantime does not begin the day anew.
    expr: `max_over_time(kind:ringward_assets_covered:ratio{kind="Node"}[1h]) < 0.95`,
    for: "1d",
    summary: "Part of the nodes is not covered by policy.",
    description: "{{ $value | humanizePercentage }} of the nodes are under a baseline, in a ring, and known.",
    dashboard: "ringward-fleet",
    meaning: "Nodes are under no baseline, in no ring, in two rings, or their state is unknown, for a day.",
    impact: "A share of compliant nodes says nothing of them.",
    diagnosis: `\`\`\`sh
ringward status -o wide
ringward plan --kubeconfig FILE -o wide
\`\`\`

\`ringward_assets\` by \`coverage\` says which of these it is.`,
    mitigation:
      "Widen selectors of baselines and rings by a pull request, or say on purpose that those nodes are not Ringward's.",
  },
];
