// A PodDisruptionBudget allows nothing, and nobody mends it before the drain's timeout: the operation is backed out.
import type { NodePatchStateStatus } from "../../../api/patch-state.ts";
import { CLAIM_MARK } from "../../../nodes/mark.ts";
import type { Fault } from "../fault.ts";
import { findBlocks, isFinished } from "../facts.ts";

export function blockedPdb(): Fault {
  let shown: string | undefined;
  let backedOut: string | undefined;
  let cordonedAfter = false;
  return {
    name: "blocked-pdb",
    promise:
      "PDBBlocked is shown with pod and since, the operation is backed out at the drain's timeout, no node is left cordoned; mended, the run ends compliant",
    async step(_, facts) {
      const [block] = findBlocks(facts.objects, "PDBBlocked");
      if (shown === undefined && block?.since !== undefined && block.message.includes("pod payments/")) {
        shown = `${block.name}: ${block.message} (since ${block.since})`;
        return `PDBBlocked on ${shown}`;
      }
      if (shown === undefined || backedOut !== undefined) return undefined;
      for (const state of facts.objects.nodeStates) {
        const attempt = (state.status as NodePatchStateStatus | undefined)?.attempted?.find(
          (other) => other.reason === "DrainTimedOut",
        );
        if (attempt === undefined) continue;
        backedOut = state.metadata.name;
        const node = facts.objects.nodes.find((other) => other.metadata.name === backedOut);
        cordonedAfter =
          (node?.spec as { unschedulable?: boolean } | undefined)?.unschedulable === true &&
          node?.metadata.annotations?.[CLAIM_MARK] === undefined;
        return `backed out on ${backedOut}: ${attempt.message}`;
      }
      return undefined;
    },
    holdsBudgetFix: () => backedOut === undefined,
    result(facts) {
      const ok =
        shown !== undefined && backedOut !== undefined && !cordonedAfter && facts !== undefined && isFinished(facts);
      return {
        ok,
        observed: `shown: ${shown ?? "never"}; backed out: ${backedOut ?? "never"}; left cordoned: ${cordonedAfter}`,
      };
    },
  };
}
