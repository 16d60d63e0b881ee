// Guards of single targets: conflicts, ownership, health, history, and what is known of them (V2, B7, B8, R6 and DESIGN's "Some things are
// not ours to touch").
import { inFile, type Mutant } from "../mutant.ts";

export const TARGETS: readonly Mutant[] = [
  ...inFile("controller/core/rollout/target-checks.ts", {
    "target.provider": {
      find: "  checkProvider,\n",
      replace: "",
      says: "nodes of Karpenter, Cluster API and managed pools are updated in place",
    },
    "target.rollback": {
      find: "  checkRollback,\n",
      replace: "",
      says: "a node is claimed to go back although its recipe cannot",
    },
    "target.skew": {
      find: "  checkSkew,\n",
      replace: "",
      says: "a kubelet becomes newer than the API server",
    },
    "target.blocking-pods": {
      find: "  ({ blockingPods }, node) => blockingPods?.get(node.name),\n",
      replace: "",
      says: "a node is claimed while a pod holds it back",
    },
    "target.quorum": {
      find: "  ({ controlPlane }, node) => findControlPlaneRisk(node, controlPlane),\n",
      replace: "",
      says: "a control-plane node is claimed while etcd would lose its quorum",
    },
    "target.foreign-hold": {
      find: "  ({ now }, node) => findHold(node, now),\n",
      replace: "",
      says: "a node that another tool works on is claimed",
    },
    "target.foreign-cordon": {
      find: 'node.unschedulable && node.mark === undefined && scope.ring.spec.cordonedNodes !== "Update"',
      replace: "node.unschedulable && node.name === ''",
      says: "a node that a person cordoned is claimed although the ring says Skip",
    },
    "target.drain": {
      find: "  checkDrain,\n",
      replace: "",
      says: "a node whose drain cannot succeed is claimed",
      equivalent:
        "the same is asked when the node has its turn (foreseeDrain, target.drain-now), and nothing is claimed then either: this check says it of nodes whose turn it is not",
    },
    "target.grace": {
      find: "  checkGrace,\n",
      replace: "",
      says: "a node that joined late is forced by the deadline at once",
    },
    "target.managed": {
      find: "    workload.managedBy === undefined\n",
      replace: "    workload.name !== ''\n",
      says: "a workload whose manifests somebody else applies is patched",
    },
    "target.strategy": {
      find: "    workload.rollingUpdate\n",
      replace: "    workload.name !== ''\n",
      says: "a workload that does not roll by itself is patched",
    },
    "target.ring-observes": {
      find: 'ring.spec.members.workloads?.mode === "Patch"',
      replace: 'ring.name !== ""',
      says: "workloads are patched in a ring that only observes them",
    },
    "target.contested": {
      find: "  checkContested,\n];",
      replace: "];",
      says: "an image that somebody put back is written again",
    },
    "target.conflict": {
      find: "[({ target }) => target.conflict, checkReady, checkUnknown, checkAttempted];",
      replace: "[checkReady, checkUnknown, checkAttempted];",
      says: "a node under two baselines is updated for one of them",
    },
    "target.ready": {
      find: "[({ target }) => target.conflict, checkReady, checkUnknown, checkAttempted];",
      replace: "[({ target }) => target.conflict, checkUnknown, checkAttempted];",
      says: "a node that is down is claimed",
    },
    "target.unknown": {
      find: "[({ target }) => target.conflict, checkReady, checkUnknown, checkAttempted];",
      replace: "[({ target }) => target.conflict, checkReady, checkAttempted];",
      says: "a node of which nothing certain is known is updated",
    },
    "target.attempted": {
      find: "[({ target }) => target.conflict, checkReady, checkUnknown, checkAttempted];",
      replace: "[({ target }) => target.conflict, checkReady, checkUnknown];",
      says: "what failed, was backed out or was released is tried again in the next pass",
    },
  }),
  ...inFile("controller/core/rollout/attempts.ts", {
    "target.not-available-waits": {
      find: 'return notBefore !== undefined && now >= notBefore\n        ? undefined\n        : { reason: "VersionNotAvailable"',
      replace: 'return notBefore !== undefined\n        ? undefined\n        : { reason: "VersionNotAvailable"',
      says: "a version that a source does not have is asked for in every pass",
    },
    "target.rolled-back": {
      find: '      return { reason: "ProgressDeadlineExceeded", message: `rolled back: ${last.message}` };',
      replace: "      return undefined;",
      says: "a level that was rolled back on a target is tried there again",
    },
    "target.backed-out-waits": {
      find: 'return notBefore !== undefined && now < notBefore ? { reason: "BackedOff", message: last.message } : undefined;',
      replace: "return undefined;",
      says: "a node whose drain timed out, or that a person uncordoned, is cordoned again at once",
    },
    "target.released-stays": {
      find: '    case "Released":\n      return {',
      replace: '    case "Released":\n      if (last.result !== "Released") return {',
      says: "a target that a person released is claimed again",
    },
  }),
  ...inFile("controller/core/rollout/wishes.ts", {
    "target.one-claim": {
      find: "    if (context.claimOf.has(record.target.asset.uid)) continue;\n",
      replace: "",
      says: "a target under a claim wishes another one",
      equivalent:
        "admitQueue skips UIDs that are claimed (field-5.two-plans is that guard), and no wish leaves it otherwise",
    },
  }),
  ...inFile("controller/core/rollout/foresee-drain.ts", {
    "target.drain-now": {
      find: "known.block : forecastNow({ pods, budgets, policy, volumes });",
      replace: "known.block : undefined;",
      says: "a node takes the turn of others while a budget refuses its drain",
    },
  }),
  ...inFile("controller/core/interop/markers.ts", {
    "hold.ends": {
      find: "const hold = foreign?.find(({ until }) => until === undefined || until > now);",
      replace: "const hold = foreign?.find(() => true);",
      says: "another tool's lock holds a node after its time",
    },
  }),
  ...inFile("controller/core/compliance/node-evidence.ts", {
    "known.inventory-age": {
      find: "if (!(now - Date.parse(status.time) <= staleAfterMs(baseline.spec)))",
      replace: "if (Number.isNaN(Date.parse(status.time)))",
      says: "an old inventory counts as known",
    },
    "known.heard": {
      find: "return node.heardAt === undefined ? node.ready : now - node.heardAt <= HEARD_WITHIN_MS;",
      replace: "return true;",
      says: "what a silent kubelet said last counts as known",
    },
    "known.package-not-asked": {
      find: 'if (running === undefined) return { ...base, running, evidence: unknown("InventoryMissing") };',
      replace: 'if (running === undefined) return { ...base, running, evidence: { kind: "Absent" } };',
      says: "a package that nobody looked for counts as not there",
    },
    "known.reboot-required": {
      find: "if (!there || !packages.every(({ evidence }) => isSettled(evidence))) return undefined;",
      replace: "return undefined;",
      says: "packages that wait for a reboot count as running",
    },
  }),
  ...inFile("controller/core/compliance/exceptions.ts", {
    "exception.ends": {
      find: "Date.parse(spec.expirationTime) > now &&",
      replace: "Date.parse(spec.expirationTime) > 0 &&",
      says: "an exception never ends",
    },
    "exception.names": {
      find: "(names === undefined || names.includes(asset.name)) &&",
      replace: "(names === undefined || names.length > 0) &&",
      says: "an exception covers every target",
    },
    "exception.components": {
      find: "return exceptions.some(({ spec }) => spec.components?.some((name) => isSame(name, component)) ?? true);",
      replace: "return exceptions.length > 0;",
      says: "an exception of one component covers all of them",
    },
  }),
  ...inFile("controller/core/compliance/assess.ts", {
    "known.of-another-uid": {
      find: "return stored?.targetUID === undefined || stored.targetUID === uid ? stored : undefined;",
      replace: "return stored;",
      says: "what is stored of an earlier node of that name counts for the new one",
      equivalent:
        "states are paired with targets by UID where they are read (kube/patch-states.ts, statusFor); this holds for callers that do not",
    },
  }),
  ...inFile("controller/core/compliance/workload-evidence.ts", {
    "known.pods-settled": {
      find: 'return { kind: "Compared", order: settled ? "=" : "<", pending: !settled };',
      replace: 'return { kind: "Compared", order: "=", pending: false };',
      says: "a workload counts as patched while its pods run the old image",
    },
  }),
];
