// Cases of the alerts about rollouts (alert-case.ts).
import type { AlertCase } from "./alert-case.ts";

const OPEN = 'kind="Node", ring="broad", baseline="ubuntu"';

/** Written down once more, not taken from the rules: one that is lost there is missed here. */
const STUCK_RINGS = [
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
const STUCK_DRAINS = [
  "PDBBlocked",
  "PDBNeverAllows",
  "PDBConflict",
  "PodBlocksDrain",
  "PodStuckTerminating",
  "DrainTimedOut",
];

export const ROLLOUT_CASES: readonly AlertCase[] = [
  {
    alert: "RingwardUpdateFailed",
    fires: { [`ringward_rollout_targets_failed{${OPEN}}`]: "0x3 2x10" },
    at: "8m",
    holds: 4,
    labels: { kind: "Node", ring: "broad", baseline: "ubuntu" },
    says: "2 targets of ring broad failed under ubuntu.",
    also: [
      {
        fires: { [`ringward_rollout_targets_failed{${OPEN}}`]: "1x10" },
        alerts: [
          {
            labels: { kind: "Node", ring: "broad", baseline: "ubuntu" },
            says: "1 targets of ring broad failed under ubuntu.",
          },
        ],
      },
    ],
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
    also: [
      {
        fires: Object.fromEntries(
          STUCK_RINGS.map((reason) => [`ringward_ring_blocked{ring="broad", reason="${reason}"}`, "1x60"]),
        ),
        alerts: STUCK_RINGS.map((reason) => ({
          labels: { ring: "broad", reason },
          says: `Ring broad has been blocked for half an hour: ${reason}.`,
        })),
      },
    ],
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
    also: [
      {
        fires: Object.fromEntries(
          STUCK_DRAINS.map((reason) => [`ringward_drains_blocked{reason="${reason}"}`, "1x60"]),
        ),
        alerts: STUCK_DRAINS.map((reason) => ({ labels: { reason }, says: `1 nodes wait: ${reason}.` })),
      },
    ],
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
    also: [
      {
        fires: { 'ringward_targets_unknown{reason="InventoryMissing"}': "1x100" },
        alerts: [{ labels: { reason: "InventoryMissing" }, says: "1 targets are Unknown: InventoryMissing." }],
      },
    ],
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
