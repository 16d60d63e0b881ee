// Alerts about the controller itself: whether anybody leads, and whether its passes get on.
import type { Alert } from "../alert.ts";

/** Names that other controllers have, too, of Ringward's processes alone. */
const OURS = "and on (cluster, job, instance) ringward_build_info";

export const CONTROLLER_ALERTS: readonly Alert[] = [
  {
    name: "ControllerAbsent",
    severity: "critical",
    // `absent` knows nothing of clusters: where one Prometheus sees several, the one that has fallen silent is told by what was there a day ago.
    expr: `absent(leader_election_master_status{name="ringward-controller"} == 1) or count by (cluster) (last_over_time(ringward_build_info[1d])) unless on (cluster) leader_election_master_status{name="ringward-controller"} == 1`,
    for: "10m",
    summary: "No Ringward controller leads.",
    description: "No process that Prometheus scrapes has led for 10 minutes.",
    dashboard: "ringward-controller",
    meaning:
      "No scraped process says `leader_election_master_status 1`: none runs, none is scraped, or none can hold its Lease. Where one Prometheus sees several clusters, the label `cluster` says which; a cluster that is gone for good is named for a day.",
    impact:
      "Nothing is planned, claimed or updated, and what is in flight stands still: nodes may stay cordoned. Budgets are not broken: claims stay in the ledger, and the next leader takes everything up where it is. Every other alert about the fleet is silent meanwhile, because only a leader tells of it.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system get pods
kubectl -n ringward-system get leases ringward-controller -o yaml
kubectl -n ringward-system logs deployment/ringward-controller --tail=100
\`\`\`

A Lease whose \`renewTime\` is fresh has a holder: then Prometheus does not scrape it (\`up\` of its job). Pods that are \`Pending\` or \`CrashLoopBackOff\` say why in
\`kubectl -n ringward-system describe pods\`. A log that ends with \`not leading\` names no error: look for \`lease:\` above it.`,
    mitigation:
      "Bring a pod back (image, node, quota), or let Prometheus reach port `metrics`. Where the API server refuses the Lease, the service account lacks its role: apply what `ringward install --export` prints. Nothing has to be cleaned up by hand.",
  },
  {
    name: "ControllerRestarting",
    severity: "warning",
    expr: `sum by (cluster, job) (changes(process_start_time_seconds[1h]) ${OURS}) > 2`,
    for: "1m",
    summary: "The Ringward controller restarts again and again.",
    description: "Its containers were restarted {{ $value }} times within an hour.",
    dashboard: "ringward-controller",
    meaning: "Processes end and are started again in their pods. New pods of an upgrade are not counted.",
    impact:
      "Rollouts go on with pauses: another controller takes over, and budgets hold. Alerts that wait for long may begin to wait anew each time.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system get pods
kubectl -n ringward-system describe pods
kubectl -n ringward-system logs deployment/ringward-controller --previous --tail=100
\`\`\`

\`OOMKilled\` stands under \`Last State\`; a failed liveness probe among the events.`,
    mitigation:
      "OOMKilled: raise the chart's `resources.limits.memory`; 5,000 nodes and 150,000 pods took 585 MB. Otherwise mend what the last lines of the log name.",
  },
  {
    name: "ReconcileFailing",
    severity: "critical",
    expr: `sum by (cluster, job) (increase(controller_runtime_reconcile_errors_total{controller="cluster"}[15m]) ${OURS}) > 0 unless on (cluster, job) sum by (cluster, job) (increase(controller_runtime_reconcile_total{controller="cluster", result!="error"}[15m]) ${OURS}) > 0`,
    for: "15m",
    summary: "Every pass of the Ringward controller fails.",
    description: "{{ $value | humanize }} passes failed in 15 minutes and none succeeded.",
    dashboard: "ringward-controller",
    meaning: "Passes are begun and end with an error, and none has succeeded for a quarter of an hour.",
    impact: "Nothing new starts and statuses grow old. What is in flight is not moved on either.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep '"level":"error"'
kubectl get disruptionledgers cluster -o yaml
ringward status
\`\`\`

Lines that begin with \`pass:\` say why. A code such as \`RW0217\` stands in [errors](../errors.md) with what to do. \`rest_client_requests_total{code=~"4..|5..|<error>"}\` tells
whether the API server refuses or does not answer.`,
    mitigation:
      "Mend what the message names: a missing permission (`ringward install --export`), a definition that is older than the controller (`ringward crds`), an API server that does not answer. The controller tries again by itself, at the latest every 30 seconds.",
  },
  {
    name: "ReconcileStuck",
    severity: "critical",
    expr: `max by (cluster, job, instance) (workqueue_longest_running_processor_seconds{name="cluster"} ${OURS}) > 600`,
    for: "1m",
    summary: "A pass of the Ringward controller does not end.",
    description: "The pass under way on {{ $labels.instance }} has taken {{ $value | humanizeDuration }}.",
    dashboard: "ringward-controller",
    meaning:
      "One pass has been under way for more than ten minutes. Passes take seconds, also with thousands of nodes.",
    impact:
      "Nothing is claimed, moved on or given back until it ends. `/healthz` fails as well, so the kubelet restarts the process soon.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=100
kubectl -n ringward-system describe pods
\`\`\`

See whether \`process_cpu_seconds_total\` grows (it computes) or not (it waits), and whether \`rest_client_rate_limiter_duration_seconds\` does: then the API server holds it back.`,
    mitigation: "Delete the pod: the next leader goes on from what is stored. Tell us what its log said last.",
  },
  {
    name: "PlanStale",
    severity: "warning",
    expr: `time() - max by (cluster, job) (ringward_last_plan_timestamp_seconds) > 900`,
    for: "5m",
    summary: "The Ringward leader has made no plan for a quarter of an hour.",
    description: "The last plan is {{ $value | humanizeDuration }} old.",
    dashboard: "ringward-controller",
    meaning: "A process leads, and its last plan is older than 15 minutes. A leader makes one at least every minute.",
    impact: "All that these metrics tell of the fleet is as old as that plan. Nothing new starts.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=200
kubectl -n ringward-system get leases ringward-controller
\`\`\`

Together with [RingwardReconcileFailing](RingwardReconcileFailing.md) or [RingwardReconcileStuck](RingwardReconcileStuck.md): see there. Alone: \`min(reflector_synced)\` says whether a cache is not synced; no pass begins before all are.`,
    mitigation: "As for those alerts. A cache that is never synced lacks a permission to list: the log names the kind.",
  },
  {
    name: "CacheNotSynced",
    severity: "warning",
    expr: `min by (cluster, job, instance, name) (reflector_synced ${OURS}) < 1`,
    for: "10m",
    summary: "A cache of the Ringward controller is not synced.",
    description: "{{ $labels.instance }} has not read {{ $labels.name }} for 10 minutes.",
    dashboard: "ringward-controller",
    meaning:
      "A process cannot list one kind of object. It makes no pass before it could, so as not to act on half of a cluster.",
    impact: "On the leader nothing happens at all. On another process a fail-over would find it unready.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep 'watch of'
kubectl auth can-i list nodes --as=system:serviceaccount:ringward-system:ringward-controller
\`\`\``,
    mitigation:
      "Apply the roles and definitions that this version needs: `ringward install --export`, or upgrade the chart.",
  },
  {
    name: "ForgeFailing",
    severity: "warning",
    expr: `sum by (cluster, job) (increase(ringward_errors_total{source="forge"}[30m])) > 5`,
    for: "15m",
    summary: "The forge does not answer the Ringward controller.",
    description: "{{ $value | humanize }} requests to the forge failed in 30 minutes.",
    dashboard: "ringward-controller",
    meaning: "GitHub or Gitea refuses, or does not answer, again and again.",
    impact:
      "No pull request is opened, updated or closed. Rollouts that are approved go on, because approvals are read from the tracked branch; no gate opens by this.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep 'forge:'
kubectl describe policyrepositories
\`\`\``,
    mitigation:
      "Renew the token or the App's key, wait for the rate limit, or mend the way to the forge (proxy, certificate). Files are read again by themselves.",
  },
  {
    name: "NotificationsFailing",
    severity: "warning",
    // A series that begins with its first refusal hides that one from `increase`: it counts as a whole.
    expr: `sum by (cluster, job, destination) (increase(ringward_notifications_total{result=~"refused|dropped"}[1h]) > 0 or ringward_notifications_total{result=~"refused|dropped"} unless ringward_notifications_total{result=~"refused|dropped"} offset 1h) > 0 or sum by (cluster, job, destination) (min_over_time(ringward_notifications_waiting[30m])) > 0`,
    for: "10m",
    summary: "Notifications do not reach their destination.",
    description: '{{ $value | printf "%.0f" }} notifications to {{ $labels.destination }} wait, or were given up.',
    dashboard: "ringward-controller",
    meaning:
      "The destination refused notifications in the last hour, too many of them waited so that the oldest were dropped, or for half an hour there was always one that waited.",
    impact:
      "People whom the destination is for do not hear of halted rings and approvals. Rollouts do not depend on it.",
    diagnosis: `\`\`\`sh
kubectl -n ringward-system logs deployment/ringward-controller --tail=200 | grep notification
\`\`\`

The line names the destination and what it answered. \`ringward_notifications_total\` by \`result\` tells refusals (\`refused\`) from a destination that does not answer (\`retried\`).`,
    mitigation:
      "Mend the address or the key in the Secret, or let the NetworkPolicy reach the destination's port ([notifications](../notifications.md)). What waits is sent then; what was given up is not.",
  },
];
