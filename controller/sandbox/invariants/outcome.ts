// How an operation may end: given back only when the node itself says that it is there (B12), and budget given back only for what is
// closed or gone (B14).
import type { NodeOperation } from "../../api/patch-state.ts";
import type { Invariant } from "./invariant.ts";
import { coversKernel, findBelow } from "./node-report.ts";
import { textAt } from "./readings.ts";

/** Steps after which the node was changed. */
const CHANGED = new Set(["Updating", "Updated", "Rebooting", "Rebooted", "Verified", "Uncordoned"]);

const checkVerified: NonNullable<Invariant["check"]> = ({ acts, nodeBefore }, world, report) => {
  for (const act of acts) {
    if (act.kind !== "Unmark" && act.kind !== "Uncordon") continue;
    const operation = world.operations.get(act.uid) as NodeOperation | undefined;
    if (operation === undefined || operation.claimId !== act.claimId || !CHANGED.has(operation.step)) continue;
    if (operation.release !== undefined || operation.backOut !== undefined) continue;
    // A person uncordoned a failed node and asked for another attempt, which begins with a mark of its own.
    if (operation.retryTime !== undefined && nodeBefore?.unschedulable === false) continue;
    const node = world.nodes.get(act.target);
    const level = world.levels.get(operation.level)?.spec;
    if (node === undefined || level === undefined) continue;
    report.met();
    if (!node.ready) report.violated(`nodes/${node.name}`, "given back although it is not Ready");
    const kernelCounts =
      operation.noReboot !== true &&
      operation.rebootPending !== true &&
      level.node?.rebootPolicy !== "Never" &&
      coversKernel(node.info, level);
    const below = findBelow(node.info, level, kernelCounts, operation.rollback === true);
    if (below !== undefined)
      report.violated(
        `nodes/${node.name}`,
        `given back after the update although it reports ${below}, which is not ${operation.level}`,
      );
  }
};

const checkFreed: NonNullable<Invariant["check"]> = ({ ledger, version, byController }, world, report) => {
  if (
    version.resource.endsWith("patchstates.ringward.dev") &&
    world.operations.get(textAt(version.object.status, "targetUID") ?? "")?.failure !== undefined
  )
    report.met();
  // Who deletes the ledger, or puts an old one back, frees nothing: the marks bring it back.
  if (!byController) return;
  for (const claim of ledger?.freed ?? []) {
    const there = claim.kind === "Node" ? world.nodeNames.has(claim.uid) : world.workloads.has(claim.uid);
    if (!there || world.closed.has(claim.id)) continue;
    const operation = world.operations.get(claim.uid);
    const failed = operation?.claimId === claim.id && operation.failure !== undefined;
    report.violated(
      `${claim.kind}/${claim.name}`,
      `claim ${claim.id} was freed while its target ${failed ? "had failed" : "was in change"}`,
    );
  }
};

export const outcome: readonly Invariant[] = [
  {
    id: "B12",
    says: "after an update a node is given back only at its level, Ready, or by a person",
    check: checkVerified,
  },
  {
    id: "B14",
    says: "a claim is freed only for a target that is closed or gone; failed ones keep theirs",
    check: checkFreed,
  },
];
