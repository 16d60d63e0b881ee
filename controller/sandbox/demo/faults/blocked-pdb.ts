// A PodDisruptionBudget that can never spare a pod: its nodes are not cordoned. Then, mended, it closes again in the moment of a cordon,
// and nobody mends it before the drain's timeout: the operation is backed out.
import type { NodePatchStateStatus } from "../../../api/patch-state.ts";
import type { KubeObject } from "../../../kube/port.ts";
import { CLAIM_MARK } from "../../../nodes/mark.ts";
import { BLOCKING_BUDGET } from "../../fleet/quickstart.ts";
import type { Fault } from "../fault.ts";
import { type Facts, findBudgetBlocks, isFinished } from "../facts.ts";
import { closeBudget, mendBudget } from "../person.ts";
import type { FaultStage } from "../stage.ts";

function isCordoned(node: KubeObject | undefined): boolean {
  return (node?.spec as { readonly unschedulable?: boolean } | undefined)?.unschedulable === true;
}

/** Names of the nodes that run a pod of the budget. */
function hostsOf({ objects }: Facts): ReadonlySet<string> {
  const mine = objects.pods.filter(
    ({ metadata }) =>
      metadata.namespace === BLOCKING_BUDGET.namespace && metadata.labels?.["app"] === BLOCKING_BUDGET.name,
  );
  return new Set(mine.flatMap(({ spec }) => (spec as { readonly nodeName?: string }).nodeName ?? []));
}

export function blockedPdb(): Fault {
  let foreseen: string | undefined;
  let tooEarly: string | undefined;
  let mended = false;
  let hosts: ReadonlySet<string> = new Set();
  let closed: string | undefined;
  let shown: string | undefined;
  let backedOut: string | undefined;
  let cordonedAfter = false;

  function watch(stage: FaultStage): void {
    stage.onCordon((node) => {
      if (closed !== undefined || foreseen === undefined || !hosts.has(node)) return;
      // Before it is mended no node of its pods may be cordoned at all.
      if (!mended) tooEarly = node;
      if (!mended) return;
      closed = node;
      void closeBudget(stage);
    });
  }

  function lookAhead(facts: Facts): string | undefined {
    const [block] = findBudgetBlocks(facts.objects).filter(
      ({ reason, message }) => reason === "PDBNeverAllows" && message.includes(`pod ${BLOCKING_BUDGET.namespace}/`),
    );
    if (block?.since === undefined) return undefined;
    const claimed = facts.claims.some(({ name }) => name === block.name);
    if (claimed || isCordoned(facts.objects.nodes.find(({ metadata }) => metadata.name === block.name)))
      tooEarly = block.name;
    foreseen = `${block.name}: ${block.message} (since ${block.since})`;
    return `foreseen, and neither claimed nor cordoned: ${foreseen}`;
  }

  function lookAtDrain(facts: Facts): string | undefined {
    // Other budgets may hold the same drain up for a moment.
    const block = findBudgetBlocks(facts.objects).find(
      ({ name, message }) => name === closed && message.includes(`pod ${BLOCKING_BUDGET.namespace}/`),
    );
    if (block?.since === undefined) return undefined;
    shown = `${block.name}: ${block.reason}: ${block.message} (since ${block.since})`;
    return `the budget closed in the moment of the cordon, and the drain waits: ${shown}`;
  }

  /**
   * How the operation ended other than by the drain's timeout; undefined: it did not. Its pods may have been gone before the budget closed, or the
   * budget may have closed so early that the node was looked at once more before its drain and was let go.
   */
  function findOtherEnd({ objects }: Facts): string | undefined {
    const status = objects.nodeStates.find(({ metadata }) => metadata.name === closed)?.status as
      | NodePatchStateStatus
      | undefined;
    if (status === undefined || status.operation !== undefined) return undefined;
    const attempted = status.attempted ?? [];
    if (attempted.some(({ reason }) => reason === "DrainTimedOut")) return undefined;
    const [attempt] = attempted;
    if (attempt !== undefined) return `${closed} was let go before its drain (${attempt.reason})`;
    return (status.verified ?? []).length > 0 ? `the pods of ${closed} were gone before the budget closed` : undefined;
  }

  async function openAgain(stage: FaultStage, why: string): Promise<string> {
    closed = shown = undefined;
    await mendBudget(stage);
    return `${why}; a person opens the budget again, for the next cordon`;
  }

  async function lookForEnd(stage: FaultStage, { objects }: Facts): Promise<string | undefined> {
    const state = objects.nodeStates.find(({ metadata }) => metadata.name === closed);
    const attempt = (state?.status as NodePatchStateStatus | undefined)?.attempted?.find(
      (other) => other.reason === "DrainTimedOut",
    );
    if (attempt === undefined) return undefined;
    backedOut = closed;
    const node = objects.nodes.find(({ metadata }) => metadata.name === closed);
    cordonedAfter = isCordoned(node) && node?.metadata.annotations?.[CLAIM_MARK] === undefined;
    await mendBudget(stage);
    return `backed out on ${backedOut}: ${attempt.message}; a person mends the budget again`;
  }

  return {
    name: "blocked-pdb",
    promise:
      "PDBNeverAllows is shown with pod and since before anything is cordoned; where the budget closes after the cordon it is named, and the operation is backed out at the drain's timeout; no node is left cordoned; mended, the run ends compliant",
    async prepare(stage) {
      watch(stage);
    },
    async step(stage, facts) {
      hosts = hostsOf(facts);
      if (foreseen === undefined) return lookAhead(facts);
      mended ||= facts.objects.pdbs.some(
        ({ metadata, status }) =>
          metadata.namespace === BLOCKING_BUDGET.namespace &&
          metadata.name === BLOCKING_BUDGET.name &&
          ((status as { readonly disruptionsAllowed?: number } | undefined)?.disruptionsAllowed ?? 0) > 0,
      );
      if (closed === undefined || backedOut !== undefined) return undefined;
      const otherEnd = findOtherEnd(facts);
      if (otherEnd !== undefined) return openAgain(stage, otherEnd);
      return shown === undefined ? lookAtDrain(facts) : lookForEnd(stage, facts);
    },
    holdsBudgetFix: () => foreseen === undefined,
    result(facts) {
      const ok =
        foreseen !== undefined &&
        tooEarly === undefined &&
        shown !== undefined &&
        backedOut !== undefined &&
        !cordonedAfter &&
        facts !== undefined &&
        isFinished(facts);
      return {
        ok,
        observed: `foreseen: ${foreseen ?? "never"}; claimed or cordoned before it was mended: ${tooEarly ?? "none"}; closed after the cordon: ${shown ?? "never"}; backed out: ${backedOut ?? "never"}; left cordoned: ${cordonedAfter}`,
      };
    },
  };
}
