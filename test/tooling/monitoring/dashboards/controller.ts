// Controller: whether somebody leads and gets on, what it asks of the API server, git and the forge, and how its process is.
import { CLUSTER, type Dashboard, type DashboardRow, INSTANCE, JOB } from "./dashboard.ts";
import { ask, BAD_ABOVE_ZERO, now, series, stat, table } from "./panel.ts";

/** Series of the processes that are chosen. */
const CHOSEN = `job=~"$job", cluster=~"$cluster", instance=~"$instance"`;

const NOW: DashboardRow = {
  title: "Now",
  panels: [
    stat({
      title: "Leading",
      description: "Processes that lead; one should. Alert: RingwardControllerAbsent.",
      unit: "short",
      width: 4,
      steps: [
        { color: "red", value: null },
        { color: "green", value: 1 },
        { color: "orange", value: 2 },
      ],
      targets: [ask(`sum(leader_election_master_status{${CHOSEN}, name="ringward-controller"})`, "leading")],
    }),
    stat({
      title: "Age of the plan",
      description:
        "Time since the leader made its last plan: everything about the fleet is as of then. Of several clusters the one that is worst off. Alert: RingwardPlanStale.",
      unit: "s",
      width: 4,
      targets: [ask(`max(time() - max by (cluster) (ringward_last_plan_timestamp_seconds{${CHOSEN}}))`, "age")],
    }),
    stat({
      title: "Last fetch of policy",
      description:
        "Time since the policy repository was last read, and how often it is to be. Of several clusters the one that is worst off. Alert: RingwardPolicySyncFailing.",
      unit: "s",
      width: 4,
      targets: [
        ask(`max(time() - max by (cluster) (ringward_policy_last_sync_timestamp_seconds{${CHOSEN}}))`, "ago"),
        ask(`max(ringward_policy_sync_interval_seconds{${CHOSEN}})`, "interval"),
      ],
    }),
    stat({
      title: "Policy documents, and errors in them",
      description: "Of the commit that is in force. Alert: RingwardPolicyInvalid.",
      unit: "short",
      width: 4,
      targets: [
        ask(`max(ringward_policy_documents{${CHOSEN}})`, "documents"),
        ask(`max(ringward_policy_problems{${CHOSEN}})`, "errors"),
      ],
    }),
    stat({
      title: "Caches that are not synced",
      description: "Kinds of objects that some process has not read yet. Alert: RingwardCacheNotSynced.",
      unit: "short",
      width: 4,
      steps: BAD_ABOVE_ZERO,
      targets: [ask(`count(reflector_synced{${CHOSEN}} < 1) or vector(0)`, "not synced")],
    }),
    table({
      title: "Processes",
      description: "Versions that run, and who leads.",
      unit: "short",
      width: 4,
      height: 4,
      targets: [
        now(`max by (cluster, instance, version) (ringward_build_info{${CHOSEN}})`),
        now(`max by (cluster, instance) (leader_election_master_status{${CHOSEN}, name="ringward-controller"})`),
      ],
      columns: [
        { title: "Runs", unit: "short" },
        { title: "Leads", unit: "short" },
      ],
    }),
  ],
};

const PASSES: DashboardRow = {
  title: "Passes",
  panels: [
    series({
      title: "Passes, by result",
      description: "Per second. Alert: RingwardReconcileFailing.",
      unit: "ops",
      width: 8,
      min: 0,
      targets: [
        ask(`sum by (result) (rate(controller_runtime_reconcile_total{${CHOSEN}}[$__rate_interval]))`, "{{result}}"),
      ],
    }),
    series({
      title: "How long a pass takes",
      description: "Half of the passes, and 99 of 100. Alert for one that does not end: RingwardReconcileStuck.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [0.5, 0.99].map((quantile) =>
        ask(
          `histogram_quantile(${quantile}, sum by (le) (rate(controller_runtime_reconcile_time_seconds_bucket{${CHOSEN}}[$__rate_interval])))`,
          `${quantile * 100} of 100`,
        ),
      ),
    }),
    series({
      title: "Decisions of the last plan",
      description: "By action.",
      unit: "short",
      width: 8,
      min: 0,
      stacked: true,
      targets: [ask(`max by (action) (ringward_decisions{${CHOSEN}})`, "{{action}}")],
    }),
    series({
      title: "Errors that were survived",
      description: "Per second, by what they were about. Alert for the forge: RingwardForgeFailing.",
      unit: "ops",
      width: 8,
      min: 0,
      targets: [ask(`sum by (source) (rate(ringward_errors_total{${CHOSEN}}[$__rate_interval]))`, "{{source}}")],
    }),
    series({
      title: "Queue",
      nothing: "none",
      description: "Keys in line, and retries per second.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(`sum by (name) (workqueue_depth{${CHOSEN}})`, "{{name}} in line"),
        ask(`sum by (name) (rate(workqueue_retries_total{${CHOSEN}}[$__rate_interval]))`, "{{name}} retries"),
      ],
    }),
    series({
      title: "Webhooks",
      description: "Looks at git and the forge that webhooks caused, per second; nothing where none are taken.",
      unit: "ops",
      width: 8,
      min: 0,
      targets: [ask(`sum(rate(ringward_webhook_pokes_total{${CHOSEN}}[$__rate_interval])) or vector(0)`, "pokes")],
    }),
  ],
};

const SERVER: DashboardRow = {
  title: "API server",
  panels: [
    series({
      title: "Requests, by code",
      description: "Per second; <error> is an answer that did not come.",
      unit: "reqps",
      width: 8,
      min: 0,
      targets: [ask(`sum by (code) (rate(rest_client_requests_total{${CHOSEN}}[$__rate_interval]))`, "{{code}}")],
    }),
    series({
      title: "How long a request takes, 99 of 100",
      description: "By verb; watches are not in it.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [
        ask(
          `histogram_quantile(0.99, sum by (le, verb) (rate(rest_client_request_duration_seconds_bucket{${CHOSEN}}[$__rate_interval])))`,
          "{{verb}}",
        ),
      ],
    }),
    series({
      title: "Waiting for the own rate limit",
      nothing: "none",
      description: "Seconds that requests waited, per second.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [
        ask(
          `sum by (verb) (rate(rest_client_rate_limiter_duration_seconds_sum{${CHOSEN}}[$__rate_interval]))`,
          "{{verb}}",
        ),
      ],
    }),
    series({
      title: "Objects in caches",
      description: "By kind.",
      unit: "short",
      width: 12,
      min: 0,
      targets: [ask(`max by (name) (reflector_objects{${CHOSEN}})`, "{{name}}")],
    }),
    series({
      title: "Lists and watches that failed",
      nothing: "none",
      description: "Per second, by kind.",
      unit: "ops",
      width: 12,
      min: 0,
      targets: [ask(`sum by (name) (rate(reflector_failures_total{${CHOSEN}}[$__rate_interval]))`, "{{name}}")],
    }),
  ],
};

const PROCESS: DashboardRow = {
  title: "Process",
  panels: [
    series({
      title: "Memory",
      description: "Resident, and used of Node's heap.",
      unit: "bytes",
      width: 8,
      min: 0,
      targets: [
        ask(
          `max by (cluster, instance) (process_resident_memory_bytes{${CHOSEN}})`,
          "{{cluster}} {{instance}} resident",
        ),
        ask(`max by (cluster, instance) (nodejs_heap_size_used_bytes{${CHOSEN}})`, "{{cluster}} {{instance}} heap"),
      ],
    }),
    series({
      title: "CPU",
      description: "Cores.",
      unit: "short",
      width: 8,
      min: 0,
      targets: [
        ask(
          `sum by (cluster, instance) (rate(process_cpu_seconds_total{${CHOSEN}}[$__rate_interval]))`,
          "{{cluster}} {{instance}}",
        ),
      ],
    }),
    series({
      title: "Event loop, 99 of 100",
      description: "How long the event loop was held up.",
      unit: "s",
      width: 8,
      min: 0,
      targets: [
        ask(`max by (cluster, instance) (nodejs_eventloop_lag_p99_seconds{${CHOSEN}})`, "{{cluster}} {{instance}}"),
      ],
    }),
  ],
};

export const CONTROLLER: Dashboard = {
  uid: "ringward-controller",
  title: "Controller",
  description: "Leadership, passes, the API server, and the processes themselves.",
  variables: [CLUSTER, JOB, INSTANCE],
  rows: [NOW, PASSES, SERVER, PROCESS],
};
