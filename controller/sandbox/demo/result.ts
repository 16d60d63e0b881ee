// The demo's verdict: one JSON object whose names are a contract, checked on the cluster and the store's history.
import { systemClock } from "../../clock.ts";
import { openPolicyGit } from "../../git/repository.ts";
import { checkHistory, readGitHistory } from "../invariants/index.ts";
import { CONTROLLER_USER, FORGE_OWNER, FORGE_REPOSITORY } from "../start.ts";
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
  readonly pullRequests: readonly {
    readonly number: number;
    readonly ring: string;
    readonly baseline: string;
    readonly state: string;
    readonly url: string;
  }[];
  readonly violations: readonly Violation[];
  readonly fault: FaultResult | null;
  readonly elapsedSeconds: number;
}

/** Judges a run that is over. */
export async function judge(end: {
  readonly stage: Stage;
  readonly facts: Facts;
  readonly fault: FaultResult | null;
  readonly elapsedSeconds: number;
}): Promise<DemoResult> {
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
      return {
        number: pull.number,
        ring: about[1] ?? "",
        baseline: about[2] ?? "",
        state: pull.state,
        url: pullAddress(stage.forge, pull.number),
      };
    }),
    violations,
    fault,
    elapsedSeconds: Math.round(end.elapsedSeconds * 10) / 10,
  };
}

/** The process's exit code: 0 all is well, 2 people were waited for in vain, 1 something is wrong. */
export function exitCode(result: DemoResult, autoApprove: boolean): 0 | 1 | 2 {
  if (result.ok) return 0;
  const waits = !autoApprove && result.pullRequests.some((pull) => pull.state === "open");
  return waits && result.violations.length === 0 && result.fault?.ok !== false ? 2 : 1;
}

/** The page of a pull request. */
export function pullAddress({ url }: { readonly url: string }, number: number): string {
  return `${url}/${FORGE_OWNER}/${FORGE_REPOSITORY}/pull/${number}`;
}

/** How far a watching controller may lag behind the cluster, policy ms for each of the clock's rate: two seconds of real time. */
const SETTLE_REAL_MS = 2_000;

/** Every invariant, checked on what the store, the repository and the forge hold. */
async function findViolations({ sandbox, forge, requests }: Stage): Promise<readonly Violation[]> {
  const git = await openPolicyGit({
    url: forge.gitUrl,
    allowInsecure: true,
    branch: "main",
    directory: sandbox.workspace.directory,
    author: { name: "verdict", email: "verdict@example.invalid" },
    clock: systemClock,
  });
  const history = sandbox.cluster.server.store.history();
  const { violations } = checkHistory({
    history,
    controllerUsers: new Set([CONTROLLER_USER]),
    settleMs: SETTLE_REAL_MS * sandbox.clock.describe().rate,
    requests,
    git: {
      ...(await readGitHistory(git, { isController: (author) => author.startsWith("Ringward "), history })),
      former: new Set(forge.pushes().flatMap((push) => (push.branch === "main" ? (push.after ?? []) : []))),
    },
    pulls: await forge.pullRequests(),
  });
  return violations;
}
