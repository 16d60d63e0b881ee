// Guards of a workload's operation: whose template it is, one write of the image, the rollout, the way back (B3, B8, B9).
import { inFile, type Mutant } from "../mutant.ts";

export const WORKLOADS: readonly Mutant[] = [
  ...inFile("controller/core/operations/workload-steps.ts", {
    "workload.closed-is-over": {
      find: "if (closed !== undefined) return {",
      replace: "if (closed?.claimId === '') return {",
      says: "a closed operation is begun again under the same claim",
    },
    "workload.vanished-counts": {
      find: 'lost: operation !== undefined && operation.step !== "Claimed" };',
      replace: "lost: false };",
      says: "a workload that vanishes in the middle of its change is forgiven",
      equivalent:
        "a workload takes its state with it, so its operation is never seen without it; countVanished (ledger.vanished-workload) counts it",
    },
    "workload.other-claim-first": {
      find: 'if (workload.mark !== undefined || state?.operation !== undefined || claim.digest === "")',
      replace: 'if (claim.digest === "")',
      says: "an operation begins on a workload that bears another claim",
    },
    "workload.put-back-old-plan": {
      find: "    if (wasPutBack(state, claim))\n",
      replace: "    if (claim.id === '')\n",
      says: "a plan of an old look writes an image again that somebody put back",
    },
    "workload.retreat": {
      find: '    if (view.retreat !== undefined) return { kind: "Close", result: "BackedOut", message: view.retreat.message };\n',
      replace: "",
      says: "an operation begins on a workload although its ring said stop since the claim",
      equivalent: "the step Claimed asks for the way back before anything is written (workload.claimed-retreat)",
    },
    "workload.claimed-retreat": {
      find: 'return retreat === undefined ? record(scene, "Patching") : finish(scene, "BackedOut", retreat.message);',
      replace: 'return record(scene, "Patching");',
      says: "a claimed workload goes on to its patch although its ring said stop",
      equivalent: "the patch itself asks again just before it is written (workload.patch-retreat)",
    },
    "workload.patch-retreat": {
      find: '      if (scene.retreat !== undefined) return finish(scene, "BackedOut", scene.retreat.message);\n',
      replace: "",
      says: "a workload is patched although its window ended after the claim",
    },
    "workload.managed-late": {
      find: "if (scene.workload.managedBy !== undefined)",
      replace: "if (scene.workload.name === '')",
      says: "a workload that a delivery tool took over after the claim is patched",
    },
    "workload.put-back": {
      find: "if (scene.operation.attempt === 1 && scene.workload.mark?.claimId === scene.claim.id)",
      replace: "if (scene.operation.attempt === 0)",
      says: "an image that somebody put back before we looked is written twice",
    },
    "workload.somebody-first": {
      find: 'return finish(scene, "BackedOut", "somebody else changed the images first");',
      replace: 'return { kind: "SetImages", images: changes(scene.operation) };',
      says: "an image that somebody changed first is fought over",
    },
    "workload.contested": {
      find: 'if (templateHas(scene) !== "to") return contest(scene);\n  const since = Date.parse(operation.stepTime);',
      replace: "const since = Date.parse(operation.stepTime);",
      says: "a rollout that somebody turned round counts as ours",
    },
    "workload.complete": {
      find: 'if (workload.rollout.complete) return record(scene, "Progressed");',
      replace: 'return record(scene, "Progressed");',
      says: "a workload is done before its rollout is",
    },
    "workload.verified": {
      find: 'if (state === "Installed" || state === "Exempt") return record(scene, "Verified");',
      replace: 'return record(scene, "Verified");',
      says: "a workload counts as verified whatever its pods run",
    },
    "workload.deadline": {
      find: "  if (workload.rollout.deadlineExceeded)\n",
      replace: "  if (workload.name === '')\n",
      says: "a rollout that does not progress is waited for an hour",
    },
    "workload.recovers": {
      find: '} else if (templateHas(scene) === "to" && workload.rollout.complete && !stillFails(scene, failure))',
      replace: '} else if (templateHas(scene) === "to")',
      says: "a failed rollout counts as recovered at once",
    },
    "workload.retry-asked": {
      find: "if (operation.retryTime === undefined || Date.parse(operation.retryTime) <= Date.parse(failure.time))",
      replace: "if (operation.claimId === '')",
      says: "a failed workload is patched again although nobody asked",
    },
    "workload.unmark": {
      find: 'if (scene.workload.mark?.claimId === scene.claim.id) return { kind: "Unmark" };\n  return { kind: "Close", result, message };',
      replace: 'return { kind: "Close", result, message };',
      says: "workloads keep our mark for ever",
    },
  }),
  ...inFile("controller/workloads/set-images.ts", {
    "workload.old-image-test": {
      find: '      { op: "test", path: `${base}/image`, value: from },\n',
      replace: "",
      says: "an image is overwritten whatever it is by now",
    },
    "workload.uid-test": {
      find: 'const operations: JsonPatchOperation[] = [{ op: "test", path: "/metadata/uid", value: object.metadata.uid }];',
      replace: "const operations: JsonPatchOperation[] = [];",
      says: "a new workload with the old one's name is patched under the old claim",
    },
    "workload.marked": {
      find: '  operations.push({ op: "add", path: `/metadata/annotations/${CLAIM_MARK.replaceAll("/", "~1")}`, value: claimId });\n',
      replace: "",
      says: "a changed workload does not bear its claim: after a lost ledger nobody knows whose change it is",
    },
  }),
  ...inFile("controller/workloads/operate.ts", {
    "workload.live-uid": {
      find: "const live = object !== undefined && object.metadata.uid === claim.uid ? object : undefined;",
      replace: "const live = object;",
      says: "a new workload with the old one's name is operated on under the old claim",
    },
  }),
];
