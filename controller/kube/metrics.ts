// Metrics of the Kubernetes layer, under the names that client-go and controller-runtime gave them, so that dashboards and alerts that people
// have already work. Each function ties one part to a meter; nothing is kept here. Labels hold no object names and no paths.
import type { Clock } from "../clock.ts";
import { defineCounter, defineGauge, defineHistogram, type Meter, type MetricDefinition } from "../metrics.ts";
import type { ReflectorMetrics } from "./reflector.ts";
import type { Reflector } from "./reflector.ts";
import type { RequestRecord } from "./transport.ts";
import type { Outcome, QueueMetrics, WorkQueue } from "./work-queue.ts";

/** client-go's buckets for requests, seconds. */
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
const WORK_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

const REQUESTS = defineCounter(
  "rest_client_requests_total",
  "Requests to the API server by status code, method and host; the code is <error> where no answer came.",
  ["code", "method", "host"],
);
const REQUEST_DURATION = defineHistogram(
  "rest_client_request_duration_seconds",
  "Time until the whole answer was read; watches are not in it.",
  REQUEST_SECONDS,
  ["verb", "host"],
);
const LIMITER_DURATION = defineHistogram(
  "rest_client_rate_limiter_duration_seconds",
  "Time that requests waited for the client's own rate limit, or because the server had said Retry-After.",
  REQUEST_SECONDS,
  ["verb", "host"],
);
const QUEUE_DEPTH = defineGauge("workqueue_depth", "Keys in line.", ["name"]);
const QUEUE_ADDS = defineCounter("workqueue_adds_total", "Keys that were put in line.", ["name"]);
const QUEUE_DURATION = defineHistogram(
  "workqueue_queue_duration_seconds",
  "How long a key was in line before its work began.",
  WORK_SECONDS,
  ["name"],
);
const WORK_DURATION = defineHistogram(
  "workqueue_work_duration_seconds",
  "How long the work on a key took.",
  WORK_SECONDS,
  ["name"],
);
const UNFINISHED = defineGauge(
  "workqueue_unfinished_work_seconds",
  "Time spent so far on work that has not ended; grows without end when a worker is stuck.",
  ["name"],
);
const LONGEST = defineGauge(
  "workqueue_longest_running_processor_seconds",
  "Time spent so far by the worker that is at it longest.",
  ["name"],
);
const RETRIES = defineCounter("workqueue_retries_total", "Work that failed and is tried again.", ["name"]);
const RECONCILES = defineCounter("controller_runtime_reconcile_total", "Passes by how they ended.", [
  "controller",
  "result",
]);
const RECONCILE_ERRORS = defineCounter("controller_runtime_reconcile_errors_total", "Passes that failed.", [
  "controller",
]);
const TERMINAL_ERRORS = defineCounter(
  "controller_runtime_terminal_reconcile_errors_total",
  "Passes that failed for something that only a person can mend.",
  ["controller"],
);
const RECONCILE_TIME = defineHistogram(
  "controller_runtime_reconcile_time_seconds",
  "How long a pass took.",
  WORK_SECONDS,
  ["controller"],
);
const ACTIVE_WORKERS = defineGauge("controller_runtime_active_workers", "Passes under way.", ["controller"]);
const LISTS = defineCounter("reflector_lists_total", "Whole lists read, by resource.", ["name"]);
const RELISTS = defineCounter(
  "reflector_relists_total",
  "Lists after the first one: the server had forgotten the version that a watch was to go on from.",
  ["name"],
);
const LIST_DURATION = defineHistogram(
  "reflector_list_duration_seconds",
  "How long reading a whole list took.",
  [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
  ["name"],
);
const WATCHES = defineCounter("reflector_watches_total", "Watches opened, by resource.", ["name"]);
const WATCH_FAILURES = defineCounter("reflector_failures_total", "Lists and watches that ended with an error.", [
  "name",
]);
const BOOKMARK_AGE = defineGauge(
  "reflector_bookmark_age_seconds",
  "Time since the last bookmark of a watch, or since it was opened; a server sends one about every minute.",
  ["name"],
);
const HEARD_AGE = defineGauge(
  "reflector_last_heard_age_seconds",
  "Time since the server was last heard of; above 120 the watch is given up.",
  ["name"],
);
const OBJECTS = defineGauge("reflector_objects", "Objects in the cache.", ["name"]);
const SYNCED = defineGauge("reflector_synced", "1 once a whole list has been read, else 0.", ["name"]);
const LEADER = defineGauge("leader_election_master_status", "1 while this process leads, else 0.", ["name"]);

/** Every metric of this room. */
export const KUBE_METRICS: readonly MetricDefinition[] = [
  REQUESTS,
  REQUEST_DURATION,
  LIMITER_DURATION,
  QUEUE_DEPTH,
  QUEUE_ADDS,
  QUEUE_DURATION,
  WORK_DURATION,
  UNFINISHED,
  LONGEST,
  RETRIES,
  RECONCILES,
  RECONCILE_ERRORS,
  TERMINAL_ERRORS,
  RECONCILE_TIME,
  ACTIVE_WORKERS,
  LISTS,
  RELISTS,
  LIST_DURATION,
  WATCHES,
  WATCH_FAILURES,
  BOOKMARK_AGE,
  HEARD_AGE,
  OBJECTS,
  SYNCED,
  LEADER,
];

/** For `TransportOptions.onRequest`. A watch counts as the GET that it is. */
export function countRequests(meter: Meter): (record: RequestRecord) => void {
  const total = meter.counter(REQUESTS);
  const duration = meter.histogram(REQUEST_DURATION);
  return ({ method, host, code, durationMs }) => {
    total.add({ code, method: method === "WATCH" ? "GET" : method, host });
    if (method !== "WATCH") duration.observe({ verb: method, host }, durationMs / 1000);
  };
}

/** For `ClientOptions.onLimited`. */
export function measureLimiter(meter: Meter, host: string): (method: string, waitedMs: number) => void {
  const duration = meter.histogram(LIMITER_DURATION);
  return (method, waitedMs) => duration.observe({ verb: method, host }, waitedMs / 1000);
}

/** controller-runtime's words for how a pass ended. */
const RESULTS = {
  done: "success",
  requeued: "requeue_after",
  waiting: "requeue_after",
  stalled: "error",
  failed: "error",
} as const satisfies Record<Outcome, string>;

/** For `WorkQueueOptions.metrics`. */
export function measureQueue(meter: Meter, name: string): QueueMetrics {
  const depth = meter.gauge(QUEUE_DEPTH);
  const adds = meter.counter(QUEUE_ADDS);
  const queued = meter.histogram(QUEUE_DURATION);
  const worked = meter.histogram(WORK_DURATION);
  const retries = meter.counter(RETRIES);
  const passes = meter.counter(RECONCILES);
  const errors = meter.counter(RECONCILE_ERRORS);
  const terminal = meter.counter(TERMINAL_ERRORS);
  const time = meter.histogram(RECONCILE_TIME);
  const [own, controller] = [{ name }, { controller: name }];
  return {
    added(inLine) {
      adds.add(own);
      depth.set(own, inLine);
    },
    started(queuedMs, inLine) {
      queued.observe(own, queuedMs / 1000);
      depth.set(own, inLine);
    },
    finished(workedMs, outcome) {
      worked.observe(own, workedMs / 1000);
      time.observe(controller, workedMs / 1000);
      passes.add({ controller: name, result: RESULTS[outcome] });
      if (RESULTS[outcome] === "error") errors.add(controller);
      if (outcome === "stalled") terminal.add(controller);
    },
    retried: () => retries.add(own),
  };
}

/** What a queue is at now, read at each scrape. */
export function watchQueue(meter: Meter, name: string, queue: WorkQueue, clock: Clock): void {
  const unfinished = meter.gauge(UNFINISHED);
  const longest = meter.gauge(LONGEST);
  const workers = meter.gauge(ACTIVE_WORKERS);
  meter.beforeScrape(() => {
    const now = clock.monotonic();
    const ages = [...queue.inFlight().values()].map((since) => (now - since) / 1000);
    unfinished.set(
      { name },
      ages.reduce((sum, age) => sum + age, 0),
    );
    longest.set({ name }, Math.max(0, ...ages));
    workers.set({ controller: name }, ages.length);
  });
}

/** For `ReflectorOptions.metrics`. `name` is the resource's plural. */
export function measureReflector(
  meter: Meter,
  name: string,
  clock: Clock,
): { readonly hooks: ReflectorMetrics; follow(reflector: Reflector, size: () => number): void } {
  const lists = meter.counter(LISTS);
  const relists = meter.counter(RELISTS);
  const duration = meter.histogram(LIST_DURATION);
  const watches = meter.counter(WATCHES);
  const failures = meter.counter(WATCH_FAILURES);
  const ages = { bookmark: meter.gauge(BOOKMARK_AGE), heard: meter.gauge(HEARD_AGE) };
  const objects = meter.gauge(OBJECTS);
  const synced = meter.gauge(SYNCED);
  let bookmark: number | undefined;
  const hooks: ReflectorMetrics = {
    listed(tookMs, again) {
      lists.add({ name });
      if (again) relists.add({ name });
      duration.observe({ name }, tookMs / 1000);
    },
    watched() {
      watches.add({ name });
      bookmark = clock.monotonic();
    },
    bookmarked: () => void (bookmark = clock.monotonic()),
    failed: () => failures.add({ name }),
  };
  return {
    hooks,
    follow(reflector, size) {
      meter.beforeScrape(() => {
        const now = clock.monotonic();
        if (bookmark !== undefined) ages.bookmark.set({ name }, (now - bookmark) / 1000);
        ages.heard.set({ name }, (now - reflector.lastHeard()) / 1000);
        objects.set({ name }, size());
        synced.set({ name }, reflector.isSynced() ? 1 : 0);
      });
    },
  };
}

/** Who leads, read at each scrape. `name` is the Lease's. */
export function watchLeadership(meter: Meter, name: string, isLeader: () => boolean): void {
  const leader = meter.gauge(LEADER);
  meter.beforeScrape(() => leader.set({ name }, isLeader() ? 1 : 0));
}
