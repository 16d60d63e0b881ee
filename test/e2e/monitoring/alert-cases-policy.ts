// Cases of the alerts about policy and its brakes (alert-case.ts).
import type { AlertCase } from "./alert-case.ts";

export const POLICY_CASES: readonly AlertCase[] = [
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
      // Fetched every forty minutes, as the repository says, and one fetch failed.
      { ringward_policy_last_sync_timestamp_seconds: "0x90", ringward_policy_sync_interval_seconds: "2400x90" },
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
    also: [
      {
        fires: { ringward_policy_problems: "1x40" },
        alerts: [{ labels: {}, says: "1 errors stand in the policy that is in force." }],
      },
    ],
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
];
