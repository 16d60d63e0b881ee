// The bank of field bugs (reliability research, A3): what broke in tools of this kind, put into our own protocol where it can exist there.
import type { Mutant } from "./mutant.ts";

type Row = Omit<Mutant, "kind">;

const ROWS: readonly Row[] = [
  {
    id: "field-1.lock-ttl",
    fieldBug: 1,
    file: "controller/reconcile/ledger.ts",
    find: "const kept = [...ledger.claims.filter((claim) => !change.free.has(claim.uid)), ...change.restore];",
    replace:
      "const kept = [...ledger.claims.filter((claim) => !change.free.has(claim.uid) && change.now - Date.parse(claim.since) < 60_000), ...change.restore];",
    says: "claims end by time, so that slow nodes pile up (kured: 30 nodes near the lock's TTL)",
  },
  {
    id: "field-2.failed-nodes-pile-up",
    fieldBug: 2,
    file: "controller/core/operations/node-steps.ts",
    find: 'if (state?.history?.some((entry) => entry.claimId === claim.id) === true) return { kind: "Free", lost: false };',
    replace:
      'if (state?.history?.some((entry) => entry.claimId === claim.id) === true || state?.operation?.failure !== undefined) return { kind: "Free", lost: false };',
    says: "a failed node gives its budget back, so that failures pile up one by one (kube-hetzner)",
  },
  {
    id: "field-3.restart-forgets-budget",
    fieldBug: 3,
    file: "controller/core/rollout/limits.ts",
    find: "  for (const claim of held) take(claim, usage);\n",
    replace: "",
    says: "claims that stand do not count: after a restart more nodes go down (container-linux-update-operator)",
  },
  {
    id: "field-4.overshoot",
    fieldBug: 4,
    file: "controller/core/rollout/limits.ts",
    find: "        take(request, usage);\n",
    replace: "",
    says: "several nodes that become eligible together overshoot the budget (system-upgrade-controller)",
  },
  {
    id: "field-5.two-plans",
    fieldBug: 5,
    file: "controller/core/rollout/limits.ts",
    find: "if (shut.has(lane) || claimed.has(request.uid)) continue;",
    replace: "if (shut.has(lane)) continue;",
    says: "two plans work on one target at once (system-upgrade-controller, elemental-operator)",
  },
  {
    id: "field-6.unavailable",
    fieldBug: 6,
    file: "controller/core/rollout/census.ts",
    find: "return !node.ready || node.unschedulable;",
    replace: "return false;",
    says: "what is down for another reason does not count as unavailable (machine-config-operator)",
  },
  {
    id: "field-7.two-resources",
    fieldBug: 7,
    file: "controller/core/rollout/limits.ts",
    find: "if (over(usage.cluster, request.uid, clusterLimit))",
    replace: "if (clusterLimit < 0)",
    says: "two budgets of one node each together take both nodes of a pair (NodeWright, aicr)",
  },
  {
    id: "field-8.percent-base",
    fieldBug: 8,
    file: "controller/core/rollout/plan.ts",
    find: "ringNodes: (ring) => members.nodes.get(ring)?.length ?? 0,",
    replace: "ringNodes: () => inventory.nodes.length,",
    says: "a percentage is taken of nodes that do not belong to the base (Karpenter)",
  },
  {
    id: "field-9.persons-cordon",
    fieldBug: 9,
    file: "controller/nodes/mark.ts",
    find: 'const prior = annotations[PRIOR_MARK] === "true";',
    replace: "const prior = false;",
    says: "a node that was cordoned on purpose is uncordoned (machine-config-operator)",
  },
  {
    id: "field-10.two-owners",
    fieldBug: 10,
    file: "controller/core/operations/node-retreat.ts",
    find: "if (operation.disrupt !== true || node.mark?.claimId !== claim.id || !node.unschedulable) return undefined;",
    replace: "if (operation.disrupt !== undefined) return undefined;",
    says: "the first of two owners to be done uncordons for both (NodeWright)",
  },
  {
    id: "field-11.stays-cordoned",
    fieldBug: 11,
    file: "controller/core/operations/node-verify.ts",
    find: 'if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };\n  return record(scene, "Uncordoned");',
    replace: 'return record(scene, "Uncordoned");',
    says: "a node stays cordoned after its update (kured, kube-hetzner)",
  },
  {
    id: "field-12.uncordoned-mid-drain",
    fieldBug: 12,
    file: "controller/core/operations/node-retreat.ts",
    find: 'return { reason: "UncordonedByPerson", message: `a person uncordoned ${node.name}` };',
    replace: "return undefined;",
    says: "a person uncordons in mid-drain and the tool goes on (draino)",
  },
  {
    id: "field-13.failed-drain-uncordons",
    fieldBug: 13,
    file: "controller/nodes/mark.ts",
    find: "operations.push(annotate(PRIOR_MARK, String(request.priorUnschedulable)));",
    replace: 'operations.push(annotate(PRIOR_MARK, "false"));',
    says: "after a failed drain a node is uncordoned whatever it was before (kured)",
  },
  {
    id: "field-14.cordon-in-memory",
    fieldBug: 14,
    file: "controller/nodes/mark.ts",
    find: 'if (request.cordon) operations.push({ op: "add", path: "/spec/unschedulable", value: true });',
    replace:
      'if (request.cordon && request.claimId === \'\') operations.push({ op: "add", path: "/spec/unschedulable", value: true });',
    says: "the cordon is known in memory only when pods are evicted (NodeWright)",
  },
  {
    id: "field-15.release-in-memory",
    fieldBug: 15,
    file: "controller/core/operations/node-steps.ts",
    find: 'if (state?.history?.some((entry) => entry.claimId === claim.id) === true) return { kind: "Free", lost: false };',
    replace: "",
    says: "that a claim may be released is known in memory only: a restart strands it (a fork of kured)",
  },
  {
    id: "field-16.correction-not-stored",
    fieldBug: 16,
    file: "controller/reconcile/ledger.ts",
    find: "    rebuiltTime: ledger.rebuilt ? ((ledger.object.status as DisruptionLedgerStatus).rebuiltTime ?? since) : since,\n",
    replace: "",
    says: "a correction of the books is computed and never stored: frozen for ever (NodeWright)",
  },
  {
    id: "field-17.starved",
    fieldBug: 17,
    file: "controller/reconcile/claims.ts",
    find: "const queue = [...input.plan.steering];",
    replace: "const queue = input.plan.steering.slice(0, 1);",
    says: "one that is in progress starves those that were selected already (NodeWright)",
  },
  {
    id: "field-18.reboot-kills-its-job",
    fieldBug: 18,
    file: "controller/core/operations/node-verify.ts",
    find: 'if (job?.phase === "NotStarted") return job.act;',
    replace:
      'if (job?.phase === "NotStarted") return job.act;\n  if (job?.phase === "Failed") return fail(scene, "StepFailed", "the reboot job failed");',
    says: "a reboot that kills its own job (143) is read as a failure (NodeWright)",
  },
  {
    id: "field-19.reboot-replayed",
    fieldBug: 19,
    file: "controller/core/operations/node-verify.ts",
    find: "  if (node.bootId !== operation.bootId) {",
    replace: "  if (node.bootId === '') {",
    says: "an old event asks for a reboot that has happened, or one that failed looks in progress for ever (NVSentinel)",
  },
  {
    id: "field-20.evicted-by-name",
    fieldBug: 20,
    file: "controller/nodes/evict.ts",
    find: "{ uid: pod.uid, ...(dryRun ? { dryRun } : {}) });",
    replace: "{ ...(dryRun ? { dryRun } : {}) } as never);",
    says: "an eviction by name meets a pod that moved to another node (kured)",
  },
  {
    id: "field-21.late-binding",
    fieldBug: 21,
    file: "controller/core/operations/node-drain.ts",
    find: "if (now - since < SETTLE_MS)",
    replace: "if (now - since < 0)",
    says: "pods that the scheduler binds just after the cordon are not waited for (Karpenter)",
  },
  {
    id: "field-23.ghost",
    fieldBug: 23,
    file: "controller/core/operations/node-steps.ts",
    find: "if (node === undefined) return {",
    replace:
      'if (node === undefined && operation !== undefined) return { kind: "Wait", block: { reason: "NodeNotReady", message: "" } };\n  if (node === undefined) return {',
    says: "budget is held by a node that does not exist any more (kured, kamino)",
  },
];

export const FIELD_BUGS: readonly Mutant[] = ROWS.map((row) => ({ ...row, kind: "field" }));

/** Field bugs that our protocol has no place for, and why. */
export const NOT_OURS: ReadonlyMap<number, string> = new Map([
  [
    22,
    "kubernetes #31487: all replicas land on the next victim. Evictions respect PodDisruptionBudgets, which count replacements only when they are ready; a workload without one is promised nothing, and no scheduler is ours",
  ],
  [
    24,
    "kured #822: a TTL that is not honoured in one state. Claims have no TTL: they end with their operation or by a person's word",
  ],
  [
    25,
    "kubernetes-client/javascript #364, #958, #1496, #301: an informer goes silent. It is not used: the reflector is our own, below the ports that runs are made over; test/kube/reflector.test.ts and transport-watch.test.ts hold it (K5)",
  ],
  [
    26,
    "kubernetes-client/javascript #1933: tens of watch requests a second after a lost connection. As 25: test/kube/reflector.test.ts holds the backoff (K6)",
  ],
]);
