// Cases of the alerts about the controller itself (alert-case.ts).
import type { AlertCase } from "./alert-case.ts";

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

export const CONTROLLER_CASES: readonly AlertCase[] = [
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
];
