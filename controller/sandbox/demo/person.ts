// The scripted person of `--auto-approve`: merges what is proposed and mends the budget that allows nothing, as a person would.
import { POD_DISRUPTION_BUDGETS } from "../../kube/resources.ts";
import { BLOCKING_BUDGET } from "../fleet/quickstart.ts";
import { type Facts, findBudgetBlocks } from "./facts.ts";
import type { Fault } from "./fault.ts";
import { PERSON_LOGIN, type Stage } from "./stage.ts";

/** Of its three pods one may go. */
const MENDED = { spec: { minAvailable: 2 } };

/** The same as a command, for a person at a terminal. */
export function mendCommand(kubeconfig: string): string {
  const { namespace, name } = BLOCKING_BUDGET;
  return `kubectl --kubeconfig ${kubeconfig} -n ${namespace} patch pdb ${name} --type merge -p '${JSON.stringify(MENDED)}'`;
}

export interface ScriptedPerson {
  /** What the person does now; a line for each act. */
  act(facts: Facts): Promise<readonly string[]>;
}

export function createScriptedPerson(
  stage: Pick<Stage, "forge" | "client">,
  fault: Pick<Fault, "holdsMerges" | "holdsBudgetFix"> | undefined,
): ScriptedPerson {
  let budgetMended = false;
  return {
    async act(facts) {
      const told: string[] = [];
      if (fault?.holdsMerges?.(facts) !== true) told.push(...(await mergeAll(stage)));
      const blocked = isHeldByBudget(facts);
      if (blocked && !budgetMended && fault?.holdsBudgetFix?.(facts) !== true) {
        budgetMended = true;
        await mendBudget(stage);
        told.push(
          `a person lets PodDisruptionBudget ${BLOCKING_BUDGET.namespace}/${BLOCKING_BUDGET.name} spare one pod`,
        );
      }
      return told;
    },
  };
}

/** Merges every open pull request that can be merged; one that conflicts waits until Ringward has rebuilt it. */
export async function mergeAll(stage: Pick<Stage, "forge">): Promise<readonly string[]> {
  const told: string[] = [];
  for (const pull of await stage.forge.pullRequests()) {
    if (pull.state !== "open") continue;
    try {
      await stage.forge.merge(pull.number, PERSON_LOGIN);
      told.push(`a person merges #${pull.number}: ${pull.title}`);
    } catch (error) {
      // 405 and 409 are the forge's words for "not now".
      if (!(error instanceof Error)) throw error;
    }
  }
  return told;
}

/** The budget that allows nothing holds up a target now. */
export function isHeldByBudget(facts: Facts): boolean {
  return findBudgetBlocks(facts.objects).some((block) => block.message.includes(`pod ${BLOCKING_BUDGET.namespace}/`));
}

/** Makes it want all of its pods again. */
export async function closeBudget(stage: Pick<Stage, "client">): Promise<void> {
  await stage.client.patch(POD_DISRUPTION_BUDGETS, BLOCKING_BUDGET, {
    type: "merge",
    body: { spec: { minAvailable: 3 } },
  });
}

/** What a person does about a budget that never allows anything. */
export async function mendBudget(stage: Pick<Stage, "client">): Promise<void> {
  await stage.client.patch(POD_DISRUPTION_BUDGETS, BLOCKING_BUDGET, {
    type: "merge",
    body: MENDED,
  });
}
