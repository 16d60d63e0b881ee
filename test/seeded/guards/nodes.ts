// Guards of a node's operation: claim and UID, cordon and its mark, drain, jobs, reboot, verification, the way back (B3-B7, B9-B14).
import { inFile, type Mutant } from "../mutant.ts";

const steps = inFile("controller/core/operations/node-steps.ts", {
  "node.vanished-counts": {
    find: "lost: operation !== undefined && wasDisrupted(operation) };",
    replace: "lost: false };",
    says: "a node that vanishes in the middle of its update is forgiven",
  },
  "node.start-on-own-mark": {
    find: '  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: true };\n  // Another',
    replace: "  // Another",
    says: "a node whose claim was restored from its mark is not given back",
  },
  "node.other-claim-first": {
    find: '  if (node.mark !== undefined || state?.operation !== undefined) return { kind: "Free", lost: false };',
    replace: "",
    says: "an operation begins on a node that bears another claim",
  },
  "node.restored-claim-does-nothing": {
    find: 'if (claim.digest === "" || wasReleased(state, claim)) return { kind: "Free", lost: false };',
    replace: 'if (wasReleased(state, claim)) return { kind: "Free", lost: false };',
    says: "a claim that was restored from a mark, and says nothing of its level, is begun",
    equivalent:
      "no level has an empty digest, so its level is missing and it is closed as backed out before anything is touched",
  },
  "node.released-is-over": {
    find: 'if (claim.digest === "" || wasReleased(state, claim)) return { kind: "Free", lost: false };',
    replace: 'if (claim.digest === "") return { kind: "Free", lost: false };',
    says: "what a person released a moment ago is begun on an old plan",
    equivalent:
      "whom a person released is not claimed, whatever a cache shows (ledger.confirms-requests), and what was claimed before is begun before anybody can release it",
  },
  "node.start-retreat": {
    find: "const why = view.retreat ?? findHold(node, view.now) ?? findForeignCordon(view, node);",
    replace: "const why = findHold(node, view.now) ?? findForeignCordon(view, node);",
    says: "an operation begins although its window is over, or people said stop, since it was claimed",
    equivalent:
      "before its cordon an operation asks for the way back in every act (findBackOut): nothing is touched in between",
  },
  "node.start-hold": {
    find: "const why = view.retreat ?? findHold(node, view.now) ?? findForeignCordon(view, node);",
    replace: "const why = view.retreat ?? findForeignCordon(view, node);",
    says: "an operation begins on a node that another tool took since it was claimed",
    equivalent:
      "before its cordon an operation asks for holds in every act (findBackOut): nothing is touched in between",
  },
  "node.start-foreign-cordon": {
    find: "const why = view.retreat ?? findHold(node, view.now) ?? findForeignCordon(view, node);",
    replace: "const why = view.retreat ?? findHold(node, view.now);",
    says: "a node that a person cordoned between claim and begin is updated although the ring says Skip",
  },
  "node.there-already": {
    find: "  return isThere(view.assess())\n",
    replace: "  return node.name === ''\n",
    says: "a node that is at its level already is updated once more",
    equivalent:
      "the operation asks again before it marks the node (isDoneAlready) and ends as verified: only what prepares it runs in between",
  },
  "node.no-level": {
    find: "if (operation.backOut !== undefined || !COMMITTED.has(operation.step))",
    replace: "if (operation.backOut !== undefined)",
    says: "an operation whose level is gone stays cordoned for ever",
  },
  "node.refused-job": {
    find: 'return act.kind === "CreateJob" && scene.refusedJob !== undefined ? withoutJob(scene, scene.refusedJob) : act;',
    replace: "return act;",
    says: "a node whose jobs the cluster refuses stays in change for ever",
  },
  "node.release": {
    find: "  if (operation.release !== undefined) return giveUp(scene);\n  if (operation.failure",
    replace: "  if (operation.failure",
    says: "a person cannot release a target",
  },
  "node.failure-rests": {
    find: "  if (operation.failure !== undefined) return recover(scene, operation.failure);\n",
    replace: "",
    says: "a failed step is run again and again",
  },
  "node.held-cordon": {
    find: '  if (held !== undefined) return { kind: "Wait", block: held };\n',
    replace: "",
    says: "we uncordon, or evict, in the middle of another tool's drain",
  },
  "node.back-out-stays": {
    find: "const backOut = operation.backOut ?? findBackOut(scene);",
    replace: "const backOut = findBackOut(scene);",
    says: "a way back that was begun is left when its reason passes, half-way",
  },
  "node.mark-comes-back": {
    find: "  if (lostItsMark(scene))\n",
    replace: '  if (operation.claimId === "")\n',
    says: "pods are evicted from a node whose mark somebody wiped",
  },
  "node.drained-still": {
    find: "return leaveDrained(scene) ?? (isDoneAlready(scene)",
    replace: "return (isDoneAlready(scene)",
    says: "pods that were bound after the drain go down with the update",
  },
  "node.blocked-late": {
    find: "  if (blocked !== undefined) return retreat(scene, blocked);\n",
    replace: "",
    says: "a node is cordoned although a pod that holds it back came after the claim",
  },
  "node.look-ahead": {
    find: "(operation.disrupt === true ? lookAhead(scene) : undefined) ?? {",
    replace: "undefined ?? {",
    says: "a node is cordoned before anybody asked whether its pods may go",
  },
  "node.prior-read": {
    find: "        priorUnschedulable: node.unschedulable,\n      }\n    );",
    replace: "        priorUnschedulable: false,\n      }\n    );",
    says: "the schedulability before the cordon is not recorded as it was",
  },
  "node.boot-id-before-update": {
    find: "{ ...change, bootId: scene.node.bootId });",
    replace: "{ ...change });",
    says: "a boot between claim and update counts as the update's reboot",
  },
  "node.job-failure": {
    find: '    case "Failed":\n      return jobFailed(scene, step, job);',
    replace: '    case "Failed":\n      return done();',
    says: "a failed update counts as done",
  },
  "node.not-available": {
    find: 'if (job.exitCode === EXIT_NOT_AVAILABLE && ["stage", "update", "rollback"].includes(step))',
    replace: "if (job.exitCode === -1)",
    says: "a source without the exact version counts as a failure and halts the ring",
  },
  "node.not-prepared": {
    find: 'if (job.exitCode === EXIT_NOT_YET && step === "prepare")',
    replace: "if (job.exitCode === -1)",
    says: "a node that may not be updated yet counts as failed",
  },
});

const back = inFile("controller/core/operations/node-retreat.ts", {
  "back.persons-uncordon": {
    find: "if (operation.disrupt === true && cordoned && !node.unschedulable)",
    replace: "if (operation.disrupt === true && cordoned && node.name === '')",
    says: "a drain goes on on a node that a person uncordoned",
  },
  "back.other-mark": {
    find: "if (node.mark !== undefined && node.mark.claimId !== claim.id)",
    replace: "if (node.mark !== undefined && node.name === '')",
    says: "an operation goes on on a node that bears another claim's mark",
    equivalent:
      "no operation begins on a node that bears another mark or another operation (node.other-claim-first), and nobody marks a node but the one claim whose operation stands in its state",
  },
  "back.hold-before-cordon": {
    find: "  if (hold !== undefined) return hold;\n",
    replace: "",
    says: "a node that another tool took after the claim is cordoned",
  },
  "back.foreign-cordon": {
    find: "if (!cordoned && node.unschedulable && operation.priorUnschedulable !== true)",
    replace: "if (!cordoned && node.unschedulable && operation.claimId === '')",
    says: "a node that a person cordoned after the claim is updated",
  },
  "back.committed": {
    find: 'if (operation.step === "Updating" ? hasBegun(scene) : COMMITTED.has(operation.step)) return undefined;\n  const cordoned',
    replace: "const cordoned",
    says: "an update that began is left half-way when its window ends",
  },
  "back.hold-with-cordon": {
    find: "  return findHold(node, now);\n}",
    replace: "  return undefined;\n}",
    says: "our cordon is taken off while another tool drains the node",
  },
  "back.hold-yields-to-stop": {
    find: 'if (away?.reason === "Stopped" || operation.backOut?.reason === "Stopped") return undefined;',
    replace: "",
    says: "Stop does not give a node back that another tool holds",
  },
  "back.mark-with-cordon": {
    find: 'return operation.disrupt === true && node.mark === undefined && ["Cordoned", "Drained"].includes(operation.step);',
    replace: "return false;",
    says: "a cordon without our mark goes on into the drain",
  },
  "back.written-first": {
    find: "  if (operation.backOut === undefined)\n    return {",
    replace: "  if (operation.backOut === undefined && operation.claimId === '')\n    return {",
    says: "a node is given back before the reason is written down: after a crash nobody knows why",
  },
  "back.ran-away": {
    find: "  if (ranAway(scene)) {",
    replace: "  if (ranAway(scene) && operation.claimId === '') {",
    says: "a node is given back while another leader's update runs on it",
  },
  "back.prepared-jobs-go": {
    find: '  const waiting = findPrepared(scene);\n  if (waiting !== undefined) return waiting;\n  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };\n  const notAvailable',
    replace:
      '  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };\n  const notAvailable',
    says: "a job that waits to run outlives the operation that backed out",
  },
  "back.unmark": {
    find: '  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };\n  const notAvailable',
    replace: "  const notAvailable",
    says: "a node that was backed out of stays cordoned",
  },
  "back.retry-later": {
    find: "...(delay === undefined ? {} : { retryAt: now + delay }),",
    replace: "",
    says: "what was backed out of is tried again at once, again and again",
  },
  "give-up.unmark": {
    find: '  if (node.mark?.claimId === claim.id) return { kind: "Unmark", uncordon: operation.disrupt === true };\n  return { kind: "Close", result: "Released"',
    replace: '  return { kind: "Close", result: "Released"',
    says: "a released node stays cordoned",
  },
  "recover.ready": {
    find: 'if (COMMITTED.has(operation.step) && node.ready && assess().state === "Installed")',
    replace: 'if (COMMITTED.has(operation.step) && assess().state === "Installed")',
    says: "a failed node is taken for well while it is down",
  },
  "recover.installed": {
    find: 'if (COMMITTED.has(operation.step) && node.ready && assess().state === "Installed")',
    replace: "if (COMMITTED.has(operation.step) && node.ready)",
    says: "a failed node is taken for well while it runs the old version",
  },
  "recover.booted": {
    find: 'const booted = operation.step !== "Rebooting" || node.bootId !== operation.bootId;',
    replace: "const booted = true;",
    says: "a node that never rebooted counts as back from its reboot",
  },
  "recover.waits-for-people": {
    find: "if (operation.retryTime === undefined || Date.parse(operation.retryTime) <= Date.parse(failure.time))",
    replace: "if (operation.claimId === '')",
    says: "a failed update is tried again although nobody asked",
  },
  "recover.prior-anew": {
    find: "...(cordoned ? {} : { marked: false, priorUnschedulable: node.unschedulable }),",
    replace: "...(cordoned ? {} : { marked: false }),",
    says: "another attempt restores the schedulability of the first one",
  },
});

const jobs = inFile("controller/core/operations/node-jobs.ts", {
  "job.intent-first": {
    find: 'if (job.phase === "Absent") return { kind: "CreateJob", step: name, suspended: true };\n  return record',
    replace: 'if (job.phase === "Absent") return { kind: "CreateJob", step: name, suspended: false };\n  return record',
    says: "a job runs before its intent is written down",
  },
  "job.of-the-record": {
    find: "if (job.uid !== operation.jobUID)",
    replace: "if (job.uid === '')",
    says: "another job under the same name is let run without being written down",
  },
  "job.begun": {
    find: 'return phase !== "Absent" && phase !== "Prepared";\n}\n\n/** Another leader',
    replace: "return false;\n}\n\n/** Another leader",
    says: "an update that runs is taken for one that can be undone",
  },
  "job.prepared-deleted": {
    find: 'if (seen.phase === "Prepared") return { kind: "DeleteJob", step, job: identityOf(seen) };',
    replace: "",
    says: "jobs that wait to run are never deleted",
  },
});

const drain = [
  ...inFile("controller/core/operations/node-drain.ts", {
    "drain.standing": {
      find: "  if (standing !== undefined) return retreat(scene, standing);\n",
      replace: "",
      says: "a node is cordoned although a pod that policy keeps stands on it",
    },
    "drain.refused-for-good": {
      find: "  if (!PASSING.has(block.reason)) return retreat(scene, block);\n",
      replace: "",
      says: "a drain that can never succeed holds its claim until it times out",
    },
    "drain.drained": {
      find: "  if (!isDrained(view)) return emptyNode(scene, view, since);\n",
      replace: "",
      says: "an update starts before the pods have left",
    },
    "drain.volumes": {
      find: 'return awaitVolumes(scene, view, since) ?? record(scene, "Drained");',
      replace: 'return record(scene, "Drained");',
      says: "a node counts as drained while volumes are attached to it",
      equivalent: "the step after it asks for volumes again before anything is begun (leaveDrained)",
    },
    "drain.critical-last": {
      find: "const wave = others > 0 ? view.evict : view.later;",
      replace: "const wave = [...view.evict, ...view.later];",
      says: "pods that the cluster runs on are evicted with all others",
    },
    "drain.times-out": {
      find: 'if (onTimeout !== "BackOut" || scene.now - since < limit) return undefined;',
      replace: "if (onTimeout !== '') return undefined;",
      says: "a drain that does not end keeps its node cordoned for ever",
    },
  }),
  ...inFile("controller/core/operations/drain.ts", {
    "drain.mirror-pods-stay": {
      find: 'if (pod.mirror || pod.controller?.kind === "DaemonSet") return "Leave";',
      replace: 'if (pod.mirror) return "Leave";',
      says: "DaemonSet pods are evicted, and come back, for ever",
    },
    "drain.do-not-evict": {
      find: "  if (pod.doNotEvict !== undefined) return",
      replace: "  if (pod.name === '') return",
      says: "pods that say do not evict are evicted",
    },
    "drain.bare-pods": {
      find: 'if (pod.controller === undefined && (policy.barePods ?? "Block") === "Block")',
      replace: "if (pod.name === '')",
      says: "pods that nobody brings back are evicted",
    },
    "drain.empty-dir": {
      find: 'if (pod.emptyDir && policy.emptyDir === "Block")',
      replace: "if (pod.name === '')",
      says: "data that lives with a pod is lost although the ring says Block",
    },
    "drain.all-lists": {
      find: "return [evict, later, ending, standing, completing].every((list) => list.length === 0);",
      replace: "return [evict, later].every((list) => list.length === 0);",
      says: "pods that are still ending do not hold the update back",
    },
  }),
  ...inFile("controller/core/operations/budgets.ts", {
    "drain.two-budgets": {
      find: 'if (mine.length > 1) return { pod, reason: "PDBConflict", why: conflictOf(mine) };',
      replace: "",
      says: "a pod that two budgets select is forecast as one that may go",
    },
    "drain.budget-spent": {
      find: "return budget.disruptionsAllowed > 0 ? undefined : refusalOf(pod, budget);",
      replace: "return undefined;",
      says: "a budget that allows nothing is forecast as one that allows all",
    },
  }),
  ...inFile("controller/core/operations/forecast.ts", {
    "drain.kubelet-minor": {
      find: 'return level.disruption === "Reboot" || level.node?.drain === "Always" || changesKubeletMinor(level, node);',
      replace: 'return level.disruption === "Reboot" || level.node?.drain === "Always";',
      says: "a kubelet's minor is changed under running pods",
    },
    "drain.for-reboots": {
      find: 'return level.disruption === "Reboot" || level.node?.drain === "Always" || changesKubeletMinor(level, node);',
      replace: 'return level.node?.drain === "Always" || changesKubeletMinor(level, node);',
      says: "a node reboots under its pods",
    },
  }),
];

const verify = inFile("controller/core/operations/node-verify.ts", {
  "verify.there": {
    find: 'if (isThere(assessment)) return record(scene, "Verified");',
    replace: 'if (isThere(assessment) || node.ready) return record(scene, "Verified");',
    says: "a node is given back without having what it was updated for",
  },
  "verify.ready": {
    find: "  if (!node.ready) {\n    if (now - since < DEFAULT_STEP_MS)",
    replace: "  if (!node.ready && node.name === '') {\n    if (now - since < DEFAULT_STEP_MS)",
    says: "a node that is NotReady after its update is given back",
  },
  "verify.inventory-newer": {
    find: "if (state?.inventory !== undefined && operation.looked === true) return undefined;",
    replace: "if (state?.inventory !== undefined) return undefined;",
    says: "an inventory from before the update verifies it",
  },
  "verify.inventory-failed": {
    find: '  return fail(scene, "VerificationFailed", `the inventory step failed: ${job.message}`);',
    replace: "  return undefined;",
    says: "a node that could not be looked at counts as looked at",
  },
  "reboot.persons-uncordon": {
    find: 'if (!node.unschedulable) return record(scene, "Updated", { noReboot: true });\n    return findControlPlaneHold',
    replace: "return findControlPlaneHold",
    says: "a node that a person uncordoned after its update is rebooted",
    equivalent: "reboot() asks the node again before its job is made or let run (reboot.uncordoned-late)",
  },
  "reboot.uncordoned-late": {
    find: "if (waits && operation.disrupt === true && !node.unschedulable)",
    replace: "if (waits && operation.claimId === '')",
    says: "a node that a person uncordoned just before its reboot is rebooted",
  },
  "reboot.quorum": {
    find: "  if (hold !== undefined) return hold;\n",
    replace: "",
    says: "a control-plane node reboots while etcd would lose its quorum",
  },
  "reboot.boot-id": {
    find: "  if (node.bootId !== operation.bootId) {",
    replace: '  if (scene.job("reboot").phase === "Succeeded" || node.bootId !== operation.bootId) {',
    says: "a reboot counts because its job ended well",
  },
  "reboot.asked-once": {
    find: 'const isGone = phase === "Absent" && operation.jobUID !== undefined;',
    replace: "const isGone = false;",
    says: "a reboot whose job somebody deleted is asked for again",
  },
  "reboot.gives-up": {
    find: 'if (now - since < limit)\n    return { kind: "Wait", block: { reason: "Rebooting", message: `${node.name} reboots${lost}`, since } };',
    replace:
      'if (now > 0)\n    return { kind: "Wait", block: { reason: "Rebooting", message: `${node.name} reboots${lost}`, since } };',
    says: "a node that never comes back looks in progress for ever",
  },
  "reboot.ready": {
    find: 'if (node.ready) return record(scene, "Rebooted");',
    replace: 'return record(scene, "Rebooted");',
    says: "a node counts as back before it is Ready",
    equivalent: "verify() waits for Ready before anything is given back (verify.ready)",
  },
  "reboot.drained-first": {
    find: "    disrupt: true,\n    rebootPending: true,",
    replace: "    disrupt: false,\n    rebootPending: true,",
    says: "a reboot that turns out to be needed happens under the pods",
  },
  "reboot.in-window": {
    find: '  if (scene.retreat !== undefined) return record(scene, "Updated", { noReboot: true });\n',
    replace: "",
    says: "a reboot that turns out to be needed begins with a cordon outside the window",
    equivalent:
      "the step that it goes back to asks for the way back before its cordon (findBackOut): the node is left pending all the same",
  },
});

const hands = [
  ...inFile("controller/nodes/mark.ts", {
    "mark.prior-once": {
      find: "if (annotations?.[PRIOR_MARK] === undefined || annotations[CLAIM_MARK] !== request.claimId) {",
      replace: "if (request.claimId !== '') {",
      says: "a repeated cordon records our own cordon as somebody else's",
      equivalent:
        "a node that bears the claim's mark is never marked again: every step that marks looks at the mark first (node-steps.ts)",
    },
    "mark.only-if-as-read": {
      find: '    { op: "test", path: "/metadata/uid", value: node.metadata.uid },\n    { op: "test", path: "/metadata/resourceVersion", value: node.metadata.resourceVersion },\n',
      replace: "",
      says: "a node is cordoned and uncordoned whatever became of it since it was read",
    },
    "mark.prior-restored": {
      find: "if (uncordon && unschedulable && !prior)",
      replace: "if (uncordon && unschedulable)",
      says: "a person's cordon is taken off after the update",
    },
    "mark.uncordon": {
      find: 'if (uncordon && unschedulable && !prior) operations.push({ op: "remove", path: "/spec/unschedulable" });',
      replace: "",
      says: "nodes stay cordoned after the update",
    },
    "mark.keep-away": {
      find: '    for (const key of Object.keys(prior)) operations.push(annotate(key, "true"));\n',
      replace: "",
      says: "an autoscaler takes a node away in the middle of its update",
    },
    "mark.keep-away-restored": {
      find: '    operations.push(value === null ? { op: "remove", path: pathOf(key) } : annotate(key, value));\n',
      replace: "",
      says: "nodes stay hidden from autoscalers after the update",
    },
    "mark.keep-away-of-others": {
      find: 'if (value === "true" || (value?.length ?? 0) > LONGEST_PRIOR) return [];',
      replace: 'if (value === "true") return [[key, null]];',
      says: "a person's do-not-remove mark is taken away with ours",
    },
    "mark.keep-away-changed": {
      find: '    if (annotations[key] !== "true") continue;\n',
      replace: "",
      says: "what a person wrote into a do-not-remove mark meanwhile is overwritten",
    },
  }),
  ...inFile("controller/nodes/evict.ts", {
    "evict.held": {
      find: "if (!isPaused(evictor, pod) && !(await evictor.isHeld())) break;",
      replace: "",
      says: "pods are evicted from a node that a person gave back between the look and the eviction",
    },
    "evict.pause": {
      find: "if (paused !== undefined && paused.until > now) return paused.refusal;",
      replace: "",
      says: "a refused eviction is asked for in every pass",
    },
    "evict.refused": {
      find: 'if (typeof refusal === "object" || refusal === "ServerBusy")',
      replace: 'if (refusal === "ServerBusy")',
      says: "a rehearsal that was refused counts as granted",
    },
  }),
  ...inFile("controller/nodes/recipe-job.ts", {
    "job.one-name": {
      find: 'const key = [claimId, step, operation.attempt, step === "inventory" ? operation.step : ""].join("/");',
      replace: 'const key = [claimId, step, operation.attempt, operation.step].join("/");',
      says: "the job of a step has another name before and after its intent is written down",
    },
    "job.resume-as-read": {
      find: '    { op: "test", path: "/metadata/uid", value: job.uid },\n    { op: "test", path: "/metadata/resourceVersion", value: job.resourceVersion },\n',
      replace: "",
      says: "a job is let run whatever became of it since it was read",
    },
    "job.never-retried": {
      find: "      backoffLimit: 0,",
      replace: "      backoffLimit: 6,",
      says: "the job controller runs an update again by itself",
    },
    "job.delete-as-read": {
      find: '{ uid, resourceVersion, propagationPolicy: "Background" },',
      replace: '{ uid, propagationPolicy: "Background" },',
      says: "a job that another leader let run meanwhile is deleted under its node",
    },
    "job.by-attempt": {
      find: 'const key = [claimId, step, operation.attempt, step === "inventory" ? operation.step : ""].join("/");',
      replace: 'const key = [claimId, step, step === "inventory" ? operation.step : ""].join("/");',
      says: "another attempt finds the failed job of the first one",
    },
    "job.exact-node": {
      find: "          nodeName: node.name,",
      replace: "          nodeSelector: {},",
      says: "a recipe runs on whatever node the scheduler likes",
    },
  }),
  ...inFile("controller/nodes/operate.ts", {
    "node.live-uid": {
      find: "const live = object !== undefined && object.metadata.uid === claim.uid ? object : undefined;",
      replace: "const live = object;",
      says: "a new node with the old one's name is operated on under the old claim",
    },
    "node.as-read": {
      find: "  if (isDoubtful(act, state) && !(await isAsRead(scene))) return",
      replace: "  if (isDoubtful(act, state) && live === undefined) return",
      says: "a node that was read before another leader cordoned it looks as if a person had uncordoned it",
    },
    "node.evicts-held-only": {
      find: "return node?.unschedulable === true && node.mark?.claimId === claim.id;",
      replace: "return node !== undefined;",
      says: "the last look before an eviction does not ask whether the node is still ours",
    },
    "node.verified-means-installed": {
      find: 'act.result === "Succeeded" && node !== undefined && input.assess(node, state, level).state === "Installed",',
      replace: "true,",
      says: "a node counts as verified at a level that it never ran",
    },
    "node.report-read": {
      find: "  if (!parsed.ok) {\n    const failure",
      replace: "  if (!parsed.ok && log === 'never') {\n    const failure",
      says: "a report that cannot be read is stored as if it could",
    },
  }),
];

export const NODES: readonly Mutant[] = [...steps, ...back, ...jobs, ...drain, ...verify, ...hands];
