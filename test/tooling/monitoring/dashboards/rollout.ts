// Rollout: what moves, what does not and why, what holds budget, when work may start, and how long people and machines take.
import { CHOSEN, CHOSEN_RINGS, CLUSTER, type Dashboard, type DashboardRow, JOB, RING } from "./dashboard.ts";
import { ask, BAD_ABOVE_ZERO, type Meaning, now, series, stat, table, timeline } from "./panel.ts";
import { phaseCodes, PHASE_MEANINGS } from "./phases.ts";

const MODES: readonly Meaning[] = [
  { value: 0, text: "Observe", color: "blue" },
  { value: 1, text: "Enforce", color: "green" },
  { value: 2, text: "Stop", color: "red" },
];
const WINDOW: readonly Meaning[] = [
  { value: 0, text: "shut", color: "text" },
  { value: 1, text: "open", color: "green" },
  { value: 2, text: "frozen", color: "blue" },
];

/** Quantile of what happened in the last week: patching is too slow for shorter windows. */
const weekly = (quantile: number, histogram: string, by: string, chosen = CHOSEN_RINGS): string =>
  `histogram_quantile(${quantile}, sum by (le, ${by}) (increase(${histogram}_bucket{${chosen}}[7d])))`;

const NOW: DashboardRow = {
  title: "Now",
  panels: [
    stat({
      title: "Mode",
      description: "The ledger's mode. Only Enforce touches anything. Alert: RingwardStopped.",
      unit: "none",
      width: 4,
      meanings: MODES,
      targets: [
        ask(
          `max by (cluster) (ringward_mode{${CHOSEN}, mode="Enforce"} * 1 or ringward_mode{${CHOSEN}, mode="Stop"} * 2)`,
          "{{cluster}} mode",
        ),
      ],
    }),
    stat({
      title: "Brakes that are on",
      description:
        "Reasons that keep the whole cluster from starting anything: a rewritten history, a signature, a repository that cannot be read, a ledger that is not complete.",
      unit: "short",
      width: 4,
      steps: BAD_ABOVE_ZERO,
      targets: [ask(`sum(ringward_brake{${CHOSEN}})`, "on")],
    }),
    stat({
      title: "Open targets",
      description: "Targets in scope of approved levels that are not verified at them.",
      unit: "short",
      width: 4,
      targets: [
        ask(`sum(ringward_rollout_targets{${CHOSEN_RINGS}} - ringward_rollout_targets_done{${CHOSEN_RINGS}})`, "open"),
      ],
    }),
    stat({
      title: "In flight",
      description: "Targets in change now.",
      unit: "short",
      width: 4,
      targets: [ask(`sum(ringward_rollout_targets_in_flight{${CHOSEN_RINGS}})`, "in flight")],
    }),
    stat({
      title: "Failed",
      description: "Targets whose update failed and that wait for a person. Alert: RingwardUpdateFailed.",
      unit: "short",
      width: 4,
      steps: BAD_ABOVE_ZERO,
      targets: [ask(`sum(ringward_rollout_targets_failed{${CHOSEN_RINGS}})`, "failed")],
    }),
    stat({
      title: "Approvals that wait",
      description: "Open pull requests that ask for an approval. Alert: RingwardApprovalWaiting.",
      unit: "short",
      width: 4,
      targets: [ask(`sum(ringward_approvals_pending{${CHOSEN_RINGS}})`, "waiting")],
    }),
  ],
};

const PROGRESS: DashboardRow = {
  title: "Progress",
  panels: [
    timeline({
      title: "Rings",
      description: "Phase of each ring.",
      unit: "none",
      width: 12,
      meanings: PHASE_MEANINGS,
      targets: [ask(phaseCodes(CHOSEN_RINGS), "{{cluster}} {{ring}}")],
    }),
    series({
      title: "Done, by ring and baseline",
      description: "Share of the targets in scope that are verified at the approved level.",
      unit: "percentunit",
      width: 12,
      min: 0,
      max: 1,
      targets: [
        ask(
          `sum by (cluster, ring, baseline) (ringward_rollout_targets_done{${CHOSEN_RINGS}}) / (sum by (cluster, ring, baseline) (ringward_rollout_targets{${CHOSEN_RINGS}}) > 0)`,
          "{{cluster}} {{ring}} / {{baseline}}",
        ),
      ],
    }),
    series({
      title: "Soak",
      description: "Share of the soak that is served; the next rings may have the level at 100 %.",
      unit: "percentunit",
      width: 12,
      min: 0,
      max: 1,
      targets: [
        ask(
          `max by (cluster, ring, baseline) (ringward_rollout_soak_seconds{${CHOSEN_RINGS}}) / (max by (cluster, ring, baseline) (ringward_rollout_soak_required_seconds{${CHOSEN_RINGS}}) > 0)`,
          "{{cluster}} {{ring}} / {{baseline}}",
        ),
      ],
    }),
    series({
      title: "Targets in scope, by phase",
      description: "Where each target's rollout stands.",
      unit: "short",
      width: 12,
      min: 0,
      stacked: true,
      targets: [ask(`sum by (phase) (ringward_targets_in_phase{${CHOSEN_RINGS}})`, "{{phase}}")],
    }),
  ],
};

const STANDSTILLS: DashboardRow = {
  title: "Why it stands still",
  panels: [
    series({
      title: "Rings, by reason",
      nothing: "none",
      description: "What keeps a ring from moving. Alert: RingwardRingBlocked, for reasons that need a person.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(
          `max by (cluster, ring, reason) (ringward_ring_blocked{${CHOSEN_RINGS}})`,
          "{{cluster}} {{ring}} {{reason}}",
        ),
      ],
    }),
    series({
      title: "Targets, by reason",
      nothing: "none",
      description: "Targets that stand still, by the first reason of each.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [ask(`sum by (reason) (ringward_targets_blocked{${CHOSEN_RINGS}})`, "{{reason}}")],
    }),
    series({
      title: "Drains that wait, by reason",
      description: "Nodes whose drain waits, or that are not cordoned because it would. Alert: RingwardDrainBlocked.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [ask(`sum by (reason) (ringward_drains_blocked{${CHOSEN}})`, "{{reason}}")],
    }),
    series({
      title: "Gates",
      description: "Gates of the rings by state: open, holding and not yet for long enough, or shut.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(`sum by (cluster, ring, state) (ringward_gates{${CHOSEN_RINGS}})`, "{{cluster}} {{ring}} {{state}}"),
      ],
    }),
    timeline({
      title: "Windows and freezes",
      description: "When work may start in each ring.",
      unit: "none",
      width: 8,
      meanings: WINDOW,
      targets: [
        ask(
          `max by (cluster, ring) (ringward_window_open{${CHOSEN_RINGS}}) + max by (cluster, ring) (ringward_frozen{${CHOSEN_RINGS}} * 2)`,
          "{{cluster}} {{ring}}",
        ),
      ],
    }),
    series({
      title: "Windows that ended, and were missed",
      description:
        "Windows of the last 7 days that ended while targets waited and in which nothing had started. Alert: RingwardWindowMissed.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(
          `sum by (cluster, ring) (increase(ringward_windows_missed_total{${CHOSEN_RINGS}}[7d]))`,
          "{{cluster}} {{ring}} missed",
        ),
        ask(
          `sum by (cluster, ring) (increase(ringward_windows_ended_total{${CHOSEN_RINGS}}[7d]))`,
          "{{cluster}} {{ring}} ended",
        ),
      ],
    }),
  ],
};

const RINGS: DashboardRow = {
  title: "Rings now",
  panels: [
    table({
      title: "Members, windows and claims",
      description:
        "How many belong to each ring, when work may start next, when the open window ends, and how old the oldest claims and the oldest open approval are.",
      unit: "short",
      width: 24,
      targets: [
        now(`max by (cluster, ring) (ringward_ring_members{${CHOSEN_RINGS}, kind="Node"})`),
        now(`max by (cluster, ring) (ringward_ring_members{${CHOSEN_RINGS}, kind="Workload"})`),
        now(`min by (cluster, ring) (ringward_window_next_open_timestamp_seconds{${CHOSEN_RINGS}}) - time()`),
        now(`min by (cluster, ring) (ringward_window_next_close_timestamp_seconds{${CHOSEN_RINGS}}) - time()`),
        now(`time() - min by (cluster, ring) (ringward_claim_oldest_timestamp_seconds{${CHOSEN_RINGS}})`),
        now(`time() - min by (cluster, ring) (ringward_node_cordoned_oldest_timestamp_seconds{${CHOSEN_RINGS}})`),
        now(`time() - min by (cluster, ring) (ringward_approval_oldest_timestamp_seconds{${CHOSEN_RINGS}})`),
      ],
      columns: [
        { title: "Nodes", unit: "short" },
        { title: "Workloads", unit: "short" },
        { title: "Opens in", unit: "s" },
        { title: "Closes in", unit: "s" },
        { title: "Oldest claim", unit: "s" },
        { title: "Oldest claim of a cordoned node", unit: "s" },
        { title: "Oldest open approval", unit: "s" },
      ],
    }),
  ],
};

const BUDGET: DashboardRow = {
  title: "Budget and operations",
  panels: [
    series({
      title: "Claims, by step",
      nothing: "none",
      description: "What holds budget, by what its operation has reached.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [ask(`sum by (kind, step) (ringward_claims{${CHOSEN_RINGS}})`, "{{kind}} {{step}}")],
    }),
    series({
      title: "Ledger",
      description: "Claims of all rings, and how many the ledger holds at most. Alert: RingwardLedgerNearlyFull.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(
          `sum by (cluster) (ringward_claims{${CHOSEN}}) or max by (cluster) (ringward_claims_limit{${CHOSEN}}) * 0`,
          "{{cluster}} claims",
        ),
        ask(`max by (cluster) (ringward_claims_limit{${CHOSEN}})`, "{{cluster}} most"),
      ],
    }),
    series({
      title: "Budget of rings",
      description: "Members of each ring that are unavailable or in change, and how many may be.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(
          `max by (cluster, ring, kind) (ringward_budget_used{${CHOSEN_RINGS}})`,
          "{{cluster}} {{ring}} {{kind}} used",
        ),
        ask(
          `max by (cluster, ring, kind) (ringward_budget_limit{${CHOSEN_RINGS}})`,
          "{{cluster}} {{ring}} {{kind}} limit",
        ),
      ],
    }),
    series({
      title: "Budget of the cluster",
      description: "The same for the whole cluster, and for control-plane nodes.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(`max by (cluster, kind) (ringward_cluster_budget_used{${CHOSEN}})`, "{{cluster}} {{kind}} used"),
        ask(`max by (cluster, kind) (ringward_cluster_budget_limit{${CHOSEN}})`, "{{cluster}} {{kind}} limit"),
      ],
    }),
    series({
      title: "Cordoned and drained",
      description:
        "Nodes that Ringward has cordoned, and those of them that are being drained. Alert: RingwardNodeLeftCordoned.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(`sum by (cluster, ring) (ringward_nodes_cordoned{${CHOSEN_RINGS}})`, "{{cluster}} {{ring}} cordoned"),
        ask(`sum by (cluster, ring) (ringward_drains{${CHOSEN_RINGS}})`, "{{cluster}} {{ring}} draining"),
      ],
    }),
    series({
      title: "Evictions refused, by reason",
      description:
        "Per hour, by how the API server answered: budgets, an overloaded server, pods that had left. Also those that were only tried before a cordon. Alert: RingwardDrainBlocked.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [
        ask(
          `sum by (reason) (rate(ringward_evictions_refused_total{${CHOSEN}}[$__rate_interval])) * 3600`,
          "{{reason}}",
        ),
      ],
    }),
    series({
      title: "Operations that ended",
      description: "Per hour, by result.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(`sum by (result) (rate(ringward_updates_total{${CHOSEN_RINGS}}[$__rate_interval])) * 3600`, "{{result}}"),
      ],
    }),
    series({
      title: "Failures, by reason",
      nothing: "none",
      description: "Operations that failed in the last 7 days; each attempt counts.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [ask(`sum by (reason) (increase(ringward_failures_total{${CHOSEN_RINGS}}[7d]))`, "{{reason}}")],
    }),
  ],
};

const TIMES: DashboardRow = {
  title: "How long it takes, 95 of 100 in the last 7 days",
  panels: [
    series({
      title: "Updates",
      description: "Successful operations from their start to their end.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [
        ask(weekly(0.95, "ringward_update_duration_seconds", "cluster, kind, ring"), "{{cluster}} {{kind}} {{ring}}"),
      ],
    }),
    series({
      title: "Drains",
      description: "From a node's cordon until it was drained, or the drain was given up.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [ask(weekly(0.95, "ringward_drain_duration_seconds", "result", CHOSEN), "{{result}}")],
    }),
    series({
      title: "Reboots",
      description: "From a reboot's being asked for until the node was back and Ready.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [ask(weekly(0.95, "ringward_reboot_duration_seconds", "job", CHOSEN), "reboot")],
    }),
    series({
      title: "Approvals",
      description: "From a pull request's opening to its merge: people's time.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [ask(weekly(0.95, "ringward_approval_wait_seconds", "cluster, ring"), "{{cluster}} {{ring}}")],
    }),
    series({
      title: "Promotions",
      description:
        "From when the last of a ring's predecessors had soaked a level until it was offered to the ring's targets.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [
        ask(
          weekly(0.95, "ringward_promotion_latency_from_predecessors_soaked_seconds", "cluster, ring"),
          "{{cluster}} {{ring}}",
        ),
      ],
    }),
    series({
      title: "Rollouts of a ring",
      description: "From a ring's first claim for a level until it was complete.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [ask(weekly(0.95, "ringward_rollout_duration_seconds", "cluster, ring"), "{{cluster}} {{ring}}")],
    }),
  ],
};

export const ROLLOUT: Dashboard = {
  uid: "ringward-rollout",
  title: "Rollout",
  description: "Progress of the rings, standstills, budget, windows and times.",
  variables: [CLUSTER, JOB, RING],
  rows: [NOW, PROGRESS, STANDSTILLS, RINGS, BUDGET, TIMES],
};
