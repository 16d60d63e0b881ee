// For every alert: series under which it fires, with the labels and the text that people get, and series under which it does not. Series
// are in promtool's notation, a value a minute from time 0.

export interface AlertCase {
  readonly alert: string;
  /** Time between two values and two evaluations, at most `5m`; left out: a minute. */
  readonly every?: string;
  /** Series -> values. */
  readonly fires: Readonly<Record<string, string>>;
  /** When, as `30m`. */
  readonly at: string;
  /** The first minute at which the condition holds, and not a look before; it fires when it has held for as long as the alert says. */
  readonly holds: number;
  /** Beside the severity. */
  readonly labels: Readonly<Record<string, string>>;
  readonly says: string;
  /** More that it has to fire under, at the same time; its severity comes by itself. */
  readonly also?: readonly {
    readonly fires: Readonly<Record<string, string>>;
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly says: string }[];
  }[];
  /** Each of these keeps it silent at the same time. */
  readonly silent: readonly Readonly<Record<string, string>>[];
}

const US = '{job="ringward", instance="a:8080"}';
const BUILD = { [`ringward_build_info${US}`]: "1x1000" };
const LEADER = (values: string, instance = "a:8080"): Readonly<Record<string, string>> => ({
  [`leader_election_master_status{job="ringward", instance="${instance}", name="ringward-controller"}`]: values,
});
const leaderOf = (cluster: string): string =>
  `leader_election_master_status{cluster="${cluster}", job="ringward", instance="a:8080", name="ringward-controller"}`;
const builds = (...clusters: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    clusters.map((one) => [`ringward_build_info{cluster="${one}", job="ringward", instance="a:8080"}`, "1x1000"]),
  );
const STARTED = 'process_start_time_seconds{job="ringward", instance="a:8080"}';
const NOTIFIED = (result: string): string =>
  `ringward_notifications_total{job="ringward", instance="a:8080", destination="chat", event="RingHalted", result="${result}"}`;
const WAITING = 'ringward_notifications_waiting{job="ringward", instance="a:8080", destination="chat"}';
const LEFT = "notifications to chat wait, or were given up.";
const ERRORS = 'controller_runtime_reconcile_errors_total{job="ringward", instance="a:8080", controller="cluster"}';
const PASSES =
  'controller_runtime_reconcile_total{job="ringward", instance="a:8080", controller="cluster", result="success"}';
const OPEN = 'kind="Node", ring="broad", baseline="ubuntu"';

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: "RingwardControllerAbsent",
    fires: LEADER("1x5 0x30"),
    at: "20m",
    holds: 6,
    labels: {},
    says: "No process that Prometheus scrapes has led for 10 minutes.",
    also: [
      // One of two clusters has fallen silent altogether.
      {
        fires: {
          ...builds("east"),
          'ringward_build_info{cluster="west", job="ringward", instance="a:8080"}': "1x3 stale",
          [leaderOf("east")]: "1x40",
          [leaderOf("west")]: "1x3 stale",
        },
        alerts: [{ labels: { cluster: "west" }, says: "No process that Prometheus scrapes has led for 10 minutes." }],
      },
      // Another program of the same job holds a Lease of its own.
      {
        fires: {
          ...LEADER("0x40"),
          'leader_election_master_status{job="ringward", instance="c:8080", name="other"}': "1x40",
        },
        alerts: [{ labels: {}, says: "No process that Prometheus scrapes has led for 10 minutes." }],
      },
      // Nothing was ever scraped.
      {
        fires: { up: "0x40" },
        alerts: [{ labels: {}, says: "No process that Prometheus scrapes has led for 10 minutes." }],
      },
    ],
    silent: [
      { [leaderOf("east")]: "1x40", [leaderOf("west")]: "1x12 0x3 1x40", ...builds("east", "west") },
      // Another program's Lease.
      { ...LEADER("1x40"), 'leader_election_master_status{job="other", instance="c:8080", name="other"}': "0x40" },
      { ...LEADER("0x40"), ...LEADER("1x40", "b:8080") },
      LEADER("1x11 0x5 1x30"),
    ],
  },
  {
    alert: "RingwardControllerRestarting",
    fires: { ...BUILD, [STARTED]: "0x10 700x5 1100x5 1500x60" },
    at: "40m",
    holds: 23,
    labels: { job: "ringward" },
    says: "Its containers were restarted 3 times within an hour.",
    silent: [
      { ...BUILD, [STARTED]: "0x10 700x5 1100x60" },
      // Another program's.
      { [STARTED]: "0x10 700x5 1100x5 1500x60" },
      // An upgrade: new pods, each with a start of its own.
      {
        'ringward_build_info{job="ringward", instance="b:8080"}': "1x100",
        'ringward_build_info{job="ringward", instance="c:8080"}': "1x100",
        'process_start_time_seconds{job="ringward", instance="b:8080"}': "_x20 1200x60",
        'process_start_time_seconds{job="ringward", instance="c:8080"}': "_x22 1320x60",
      },
    ],
  },
  {
    alert: "RingwardReconcileFailing",
    fires: { ...BUILD, [ERRORS]: "0+1x60", [PASSES]: "7x60" },
    at: "40m",
    holds: 1,
    labels: { job: "ringward" },
    says: "15 passes failed in 15 minutes and none succeeded.",
    silent: [
      { ...BUILD, [ERRORS]: "0+1x60", [PASSES]: "0+1x60" },
      { ...BUILD, [ERRORS]: "3x60", [PASSES]: "7x60" },
      // It failed and lost the lead; the next one succeeds.
      {
        ...BUILD,
        'ringward_build_info{job="ringward", instance="b:8080"}': "1x1000",
        [ERRORS]: "0+1x60",
        [PASSES]: "7x60",
        [PASSES.replace("a:8080", "b:8080")]: "0+1x60",
      },
      // Another controller's queue of that name.
      { [ERRORS]: "0+1x60", [PASSES]: "7x60" },
    ],
  },
  {
    alert: "RingwardReconcileStuck",
    fires: {
      ...BUILD,
      [`workqueue_longest_running_processor_seconds{job="ringward", instance="a:8080", name="cluster"}`]: "0+60x30",
    },
    at: "15m",
    holds: 11,
    labels: { job: "ringward", instance: "a:8080" },
    says: "The pass under way on a:8080 has taken 15m 0s.",
    silent: [
      {
        ...BUILD,
        [`workqueue_longest_running_processor_seconds{job="ringward", instance="a:8080", name="cluster"}`]: "3x30",
      },
      { [`workqueue_longest_running_processor_seconds{job="other", instance="a:8080", name="cluster"}`]: "0+60x30" },
    ],
  },
  {
    alert: "RingwardPlanStale",
    fires: { [`ringward_last_plan_timestamp_seconds${US}`]: "60x60" },
    at: "31m",
    holds: 17,
    labels: { job: "ringward" },
    says: "The last plan is 30m 0s old.",
    silent: [{ [`ringward_last_plan_timestamp_seconds${US}`]: "0+60x60" }, LEADER("0x60")],
  },
  {
    alert: "RingwardCacheNotSynced",
    fires: {
      ...BUILD,
      'reflector_synced{job="ringward", instance="a:8080", name="pods"}': "0x30",
      'reflector_synced{job="ringward", instance="a:8080", name="nodes"}': "1x30",
    },
    at: "20m",
    holds: 0,
    labels: { job: "ringward", instance: "a:8080", name: "pods" },
    says: "a:8080 has not read pods for 10 minutes.",
    silent: [{ ...BUILD, 'reflector_synced{job="ringward", instance="a:8080", name="pods"}': "0x8 1x30" }],
  },
  {
    alert: "RingwardForgeFailing",
    fires: { 'ringward_errors_total{job="ringward", instance="a:8080", source="forge"}': "0+1x90" },
    at: "60m",
    holds: 6,
    labels: { job: "ringward" },
    says: "30 requests to the forge failed in 30 minutes.",
    also: [
      // Two processes that led in turn, and each met a few.
      {
        fires: {
          'ringward_errors_total{job="ringward", instance="a:8080", source="forge"}': "0x35 1 2 3 4x60",
          'ringward_errors_total{job="ringward", instance="b:8080", source="forge"}': "0x35 1 2 3 4x60",
        },
        alerts: [{ labels: { job: "ringward" }, says: "8 requests to the forge failed in 30 minutes." }],
      },
    ],
    silent: [
      { 'ringward_errors_total{job="ringward", instance="a:8080", source="forge"}': "0x20 3x90" },
      { 'ringward_errors_total{job="ringward", instance="a:8080", source="Node"}': "0+1x90" },
    ],
  },
  {
    alert: "RingwardNotificationsFailing",
    fires: { [NOTIFIED("refused")]: "_x80 1x60" },
    at: "100m",
    holds: 80,
    labels: { job: "ringward", destination: "chat" },
    says: `1 ${LEFT}`,
    also: [
      {
        fires: { [WAITING]: "2x120" },
        alerts: [{ labels: { job: "ringward", destination: "chat" }, says: `2 ${LEFT}` }],
      },
      {
        fires: { [NOTIFIED("dropped")]: "5x69 9x60" },
        alerts: [{ labels: { job: "ringward", destination: "chat" }, says: `4 ${LEFT}` }],
      },
      {
        fires: { [NOTIFIED("refused")]: "5x69 9x60" },
        alerts: [{ labels: { job: "ringward", destination: "chat" }, says: `4 ${LEFT}` }],
      },
    ],
    silent: [
      // It was refused more than an hour ago.
      { [NOTIFIED("refused")]: "3x29 4x100", [NOTIFIED("dropped")]: "3x120" },
      { [NOTIFIED("sent")]: "0+1x120", [NOTIFIED("retried")]: "_x80 1x60", [NOTIFIED("outdated")]: "_x80 1x60" },
      { [WAITING]: "0x70 3x5 0x2 3x60" },
    ],
  },
  {
    alert: "RingwardPolicySyncFailing",
    fires: { ringward_policy_last_sync_timestamp_seconds: "0x90", ringward_policy_sync_interval_seconds: "60x90" },
    at: "60m",
    holds: 31,
    labels: {},
    says: "It was last fetched 1h 0m 0s ago.",
    also: [
      {
        fires: { 'ringward_policy_sync_interval_seconds{cluster="west"}': "60x90" },
        alerts: [{ labels: { cluster: "west" }, says: "It was never fetched." }],
      },
      {
        fires: {
          'ringward_policy_last_sync_timestamp_seconds{cluster="east"}': "0x90",
          'ringward_policy_sync_interval_seconds{cluster="east"}': "1200x90",
          'ringward_policy_last_sync_timestamp_seconds{cluster="west"}': "0+60x90",
          'ringward_policy_sync_interval_seconds{cluster="west"}': "60x90",
        },
        alerts: [{ labels: { cluster: "east" }, says: "It was last fetched 1h 0m 0s ago." }],
      },
    ],
    silent: [
      { ringward_policy_last_sync_timestamp_seconds: "0+60x90", ringward_policy_sync_interval_seconds: "60x90" },
      // Fetched every hour, as the repository says.
      { ringward_policy_last_sync_timestamp_seconds: "0x90", ringward_policy_sync_interval_seconds: "3600x90" },
      // Suspended.
      { ringward_policy_last_sync_timestamp_seconds: "0x90" },
      // Not fetched yet in its first minutes.
      { ringward_policy_sync_interval_seconds: "_x52 60x60" },
      { 'ringward_mode{mode="Enforce"}': "1x90" },
    ],
  },
  {
    alert: "RingwardHistoryRewritten",
    fires: { 'ringward_brake{reason="HistoryRewritten"}': "0 1x20" },
    at: "5m",
    holds: 1,
    labels: {},
    says: "The branch did not move fast-forward. Nothing is claimed until a person acknowledges its head.",
    silent: [{ 'ringward_brake{reason="HistoryRewritten"}': "0x20", 'ringward_brake{reason="Stopped"}': "1x20" }],
  },
  {
    alert: "RingwardSignatureInvalid",
    fires: { 'ringward_brake{reason="SignatureInvalid"}': "0 1x20" },
    at: "5m",
    holds: 1,
    labels: {},
    says: "What was verified last stays in force, and nothing starts.",
    silent: [{ 'ringward_brake{reason="SignatureInvalid"}': "0x20" }],
  },
  {
    alert: "RingwardPolicyInvalid",
    fires: { ringward_policy_problems: "0x2 3x40" },
    at: "30m",
    holds: 3,
    labels: {},
    says: "3 errors stand in the policy that is in force.",
    silent: [{ ringward_policy_problems: "0x40" }, { ringward_policy_problems: "0x20 3x5 0x40" }],
  },
  {
    alert: "RingwardStopped",
    fires: { 'ringward_mode{mode="Stop"}': "0x5 1x100" },
    at: "70m",
    holds: 6,
    labels: {},
    says: "The ledger's mode is Stop: nothing starts, and what was in flight was brought to safety.",
    silent: [
      { 'ringward_mode{mode="Stop"}': "0x20 1x100" },
      { 'ringward_mode{mode="Stop"}': "0x100", 'ringward_mode{mode="Observe"}': "1x100" },
    ],
  },
  {
    alert: "RingwardLedgerRebuilding",
    fires: { 'ringward_brake{reason="LedgerRebuilding"}': "1x40" },
    at: "20m",
    holds: 0,
    labels: {},
    says: "Claims that stand on nodes or workloads are missing in the ledger; nothing is claimed until they are back.",
    silent: [{ 'ringward_brake{reason="LedgerRebuilding"}': "1x5 0x40" }],
  },
  {
    alert: "RingwardLedgerNearlyFull",
    fires: {
      ringward_claims_limit: "500x40",
      'ringward_claims{kind="Node", ring="broad", step="Failed"}': "300x40",
      'ringward_claims{kind="Workload", ring="broad", step="Patched"}': "160x40",
    },
    at: "20m",
    holds: 0,
    labels: {},
    says: "460 claims are held.",
    silent: [
      { ringward_claims_limit: "500x40", 'ringward_claims{kind="Node", ring="broad", step="Failed"}': "440x40" },
      { ringward_claims_limit: "500x40" },
    ],
  },
  {
    alert: "RingwardApprovalWaiting",
    every: "5m",
    fires: { 'ringward_approval_oldest_timestamp_seconds{ring="broad"}': "0x320" },
    at: "1500m",
    holds: 1445,
    labels: { ring: "broad" },
    says: "The oldest one of ring broad has been open for 1d 1h 0m 0s.",
    silent: [
      { 'ringward_approval_oldest_timestamp_seconds{ring="broad"}': "7200x320" },
      { 'ringward_approvals_pending{ring="broad"}': "0x320" },
    ],
  },
  {
    alert: "RingwardExceptionExpiring",
    fires: { ringward_exception_next_expiration_timestamp_seconds: "432000x200" },
    at: "120m",
    holds: 0,
    labels: {},
    says: "The next one ends in 4d 22h 0m 0s.",
    silent: [{ ringward_exception_next_expiration_timestamp_seconds: "864000x200" }],
  },
  {
    alert: "RingwardUpdateFailed",
    fires: { [`ringward_rollout_targets_failed{${OPEN}}`]: "0x3 2x10" },
    at: "8m",
    holds: 4,
    labels: { kind: "Node", ring: "broad", baseline: "ubuntu" },
    says: "2 targets of ring broad failed under ubuntu.",
    silent: [{ [`ringward_rollout_targets_failed{${OPEN}}`]: "0x20" }],
  },
  {
    alert: "RingwardRingHalted",
    fires: { 'ringward_ring_blocked{ring="broad", reason="RingHalted"}': "1x10" },
    at: "5m",
    holds: 0,
    labels: { ring: "broad" },
    says: "More targets of ring broad failed than its maxFailures allows.",
    silent: [{ 'ringward_ring_blocked{ring="broad", reason="OutsideWindow"}': "1x10" }],
  },
  {
    alert: "RingwardRingBlocked",
    fires: {
      'ringward_ring_blocked{ring="broad", reason="GateUnknown"}': "1x60",
      'ringward_ring_blocked{ring="broad", reason="Frozen"}': "1x60",
    },
    at: "40m",
    holds: 0,
    labels: { ring: "broad", reason: "GateUnknown" },
    says: "Ring broad has been blocked for half an hour: GateUnknown.",
    silent: [
      {
        'ringward_ring_blocked{ring="broad", reason="Frozen"}': "1x60",
        'ringward_ring_blocked{ring="broad", reason="OutsideWindow"}': "1x60",
      },
      { 'ringward_ring_blocked{ring="broad", reason="GateUnknown"}': "1x20" },
    ],
  },
  {
    alert: "RingwardRingStalled",
    every: "5m",
    fires: {
      [`ringward_rollout_targets_in_flight{${OPEN}}`]: "3x60",
      'ringward_updates_total{kind="Node", ring="broad", result="Succeeded"}': "5x60",
    },
    at: "200m",
    holds: 100,
    labels: { ring: "broad" },
    says: "3 targets of ring broad are in flight.",
    also: [
      // In the ring nothing has ended ever.
      {
        fires: { [`ringward_rollout_targets_in_flight{${OPEN}}`]: "3x60" },
        alerts: [{ labels: { ring: "broad" }, says: "3 targets of ring broad are in flight." }],
      },
      // Scrapes failed for ten minutes, and then there was another leader.
      {
        fires: {
          'ringward_rollout_targets_in_flight{instance="a:8080", kind="Node", ring="broad", baseline="ubuntu"}':
            "3x24 stale",
          'ringward_rollout_targets_in_flight{instance="b:8080", kind="Node", ring="broad", baseline="ubuntu"}':
            "_x26 3x40",
        },
        alerts: [{ labels: { ring: "broad" }, says: "3 targets of ring broad are in flight." }],
      },
    ],
    silent: [
      // It has only just begun, after hours of rest.
      {
        [`ringward_rollout_targets_in_flight{${OPEN}}`]: "0x20 3x60",
        'ringward_updates_total{kind="Node", ring="broad", result="Succeeded"}': "5x60",
      },
      // The ring is new: of the time before nothing is known.
      { [`ringward_rollout_targets_in_flight{${OPEN}}`]: "_x22 3x60" },
      {
        [`ringward_rollout_targets_in_flight{${OPEN}}`]: "3x60",
        'ringward_updates_total{kind="Node", ring="broad", result="Succeeded"}': "5x30 6x30",
      },
      {
        [`ringward_rollout_targets_in_flight{${OPEN}}`]: "0x60",
        'ringward_updates_total{kind="Node", ring="broad", result="Succeeded"}': "5x60",
      },
    ],
  },
  {
    alert: "RingwardDrainBlocked",
    fires: {
      'ringward_drains_blocked{reason="PDBBlocked"}': "2x60",
      'ringward_drains_blocked{reason="ServerBusy"}': "1x60",
    },
    at: "40m",
    holds: 0,
    labels: { reason: "PDBBlocked" },
    says: "2 nodes wait: PDBBlocked.",
    silent: [
      {
        'ringward_drains_blocked{reason="PDBBlocked"}': "0x60",
        'ringward_drains_blocked{reason="WaitingForCompletion"}': "1x60",
      },
      { 'ringward_drains_blocked{reason="PDBBlocked"}': "2x25 0x60" },
    ],
  },
  {
    alert: "RingwardNodeLeftCordoned",
    fires: { 'ringward_node_cordoned_oldest_timestamp_seconds{ring="broad"}': "600x300" },
    at: "190m",
    holds: 131,
    labels: { ring: "broad" },
    says: "The oldest claim of a cordoned node in ring broad is 3h 0m 0s old.",
    silent: [
      { 'ringward_node_cordoned_oldest_timestamp_seconds{ring="broad"}': "6000x300" },
      { 'ringward_nodes_cordoned{ring="broad"}': "0x300" },
    ],
  },
  {
    alert: "RingwardWindowMissed",
    fires: { 'ringward_windows_missed_total{ring="broad"}': "0x10 1x30" },
    at: "20m",
    holds: 11,
    labels: { ring: "broad" },
    says: "Targets of ring broad waited, and no operation started while the window was open.",
    silent: [
      {
        'ringward_windows_missed_total{ring="broad"}': "1x40",
        'ringward_windows_ended_total{ring="broad"}': "1x10 2x30",
      },
    ],
  },
  {
    alert: "RingwardDeadlineAtRisk",
    // 20 left, two at a time, of which 95 in 100 take up to 20 minutes: three hours and 10 minutes, and two are left.
    fires: {
      [`ringward_rollout_targets{${OPEN}}`]: "40x300",
      [`ringward_rollout_targets_done{${OPEN}}`]: "20x300",
      'ringward_budget_limit{kind="Node", ring="broad"}': "2x300",
      'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="600"}': "0x100 0x200",
      'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="1200"}': "0x100 100x200",
      'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="+Inf"}': "0x100 100x200",
      [`ringward_rollout_deadline_timestamp_seconds{${OPEN}}`]: "16200x300",
    },
    at: "150m",
    holds: 101,
    labels: { kind: "Node", ring: "broad" },
    says: "Ring broad needs about 3h 15m 0s more, and its deadline is sooner.",
    silent: [
      {
        [`ringward_rollout_targets{${OPEN}}`]: "40x300",
        [`ringward_rollout_targets_done{${OPEN}}`]: "39x300",
        'ringward_budget_limit{kind="Node", ring="broad"}': "2x300",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="600"}': "0x100 0x200",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="1200"}': "0x100 100x200",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="+Inf"}': "0x100 100x200",
        [`ringward_rollout_deadline_timestamp_seconds{${OPEN}}`]: "16200x300",
      },
      // It is missed already: that is another alert.
      {
        [`ringward_rollout_targets{${OPEN}}`]: "40x300",
        [`ringward_rollout_targets_done{${OPEN}}`]: "20x300",
        'ringward_budget_limit{kind="Node", ring="broad"}': "2x300",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="600"}': "0x100 0x200",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="1200"}': "0x100 100x200",
        'ringward_update_duration_seconds_bucket{kind="Node", ring="broad", le="+Inf"}': "0x100 100x200",
        [`ringward_rollout_deadline_timestamp_seconds{${OPEN}}`]: "600x300",
      },
    ],
  },
  {
    alert: "RingwardDeadlineMissed",
    fires: { [`ringward_rollout_deadline_timestamp_seconds{${OPEN}}`]: "600x60" },
    at: "40m",
    holds: 11,
    labels: { kind: "Node", ring: "broad", baseline: "ubuntu" },
    says: "Targets of ring broad under ubuntu have been overdue for 30m 0s.",
    silent: [{ [`ringward_rollout_deadline_timestamp_seconds{${OPEN}}`]: "6000x60" }],
  },
  {
    alert: "RingwardInventoryStale",
    fires: {
      'ringward_targets_unknown{reason="InventoryStale"}': "4x100",
      'ringward_targets_unknown{reason="InventoryMissing"}': "0x100",
    },
    at: "90m",
    holds: 0,
    labels: { reason: "InventoryStale" },
    says: "4 targets are Unknown: InventoryStale.",
    silent: [
      {
        'ringward_targets_unknown{reason="InventoryStale"}': "0x100",
        'ringward_targets_unknown{reason="KernelNotCovered"}': "4x100",
      },
      { 'ringward_targets_unknown{reason="InventoryMissing"}': "0x50 2x20 0x100" },
    ],
  },
  {
    alert: "RingwardCoverageLow",
    every: "5m",
    fires: {
      'ringward_assets{kind="Node", coverage="Covered"}': "90x320",
      'ringward_assets{kind="Node", coverage="Unknown"}': "10x320",
    },
    at: "1500m",
    holds: 0,
    labels: { kind: "Node" },
    says: "90% of the nodes are under a baseline, in a ring, and known.",
    also: [
      // Half an hour without anybody to tell of it.
      {
        fires: {
          'ringward_assets{kind="Node", coverage="Covered"}': "90x150 _x6 90x200",
          'ringward_assets{kind="Node", coverage="Unknown"}': "10x150 _x6 10x200",
        },
        alerts: [{ labels: { kind: "Node" }, says: "90% of the nodes are under a baseline, in a ring, and known." }],
      },
    ],
    silent: [
      {
        'ringward_assets{kind="Node", coverage="Covered"}': "99x320",
        'ringward_assets{kind="Node", coverage="Unknown"}': "1x320",
      },
      // Workloads that no baseline is about are no gap in the nodes.
      {
        'ringward_assets{kind="Workload", coverage="Covered"}': "1x320",
        'ringward_assets{kind="Workload", coverage="NoBaseline"}': "99x320",
      },
    ],
  },
];
