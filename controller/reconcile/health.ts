// What this process says of itself to whoever probes it. Alive: passes come and end. Ready: the caches are synced and the policy was read, or
// why it could not be is named. A cluster, a repository or a Lease that is away is no reason to kill the process: it waits, and says so.
import type { Clock } from "../clock.ts";
import type { LeaderElection } from "../kube/lease.ts";
import type { Check, CheckResult } from "../serve/health.ts";
import type { ClusterReader } from "./cluster.ts";
import type { Loop } from "./loop.ts";

export interface HealthParts {
  readonly clock: Clock;
  readonly reader: Pick<ClusterReader, "pending">;
  readonly election: Pick<LeaderElection, "isLeader" | "holder">;
  readonly loop: Pick<Loop, "record">;
  readonly stopping: () => boolean;
}

/** A leader whose last pass is older than this hangs. Far longer than any deadline of what a pass does. */
export const STUCK_MS = 10 * 60_000;

const fine = (says: string): CheckResult => ({ ok: true, says });
const bad = (says: string): CheckResult => ({ ok: false, says });

/** For `/healthz`. */
export function livenessChecks(parts: HealthParts): readonly Check[] {
  let alone: number | undefined;
  return [
    {
      name: "passes",
      run() {
        const now = parts.clock.monotonic();
        if (!parts.election.isLeader() || parts.reader.pending().length > 0 || parts.stopping()) {
          alone = undefined;
          return fine("none is due");
        }
        // Since when passes could have been made, as far as probes saw it: a new leader's last pass may be from its last term.
        alone ??= now;
        const { started, ended } = parts.loop.record();
        const since = Math.max(started ?? ended ?? alone, alone);
        const seconds = Math.round((now - since) / 1000);
        const says = started === undefined ? `the last one ended ${seconds} s ago` : `one runs for ${seconds} s`;
        return now - since > STUCK_MS ? bad(`${says}, more than ${STUCK_MS / 1000} s`) : fine(says);
      },
    },
  ];
}

/** For `/readyz`. */
export function readinessChecks(parts: HealthParts): readonly Check[] {
  return [
    { name: "running", run: () => (parts.stopping() ? bad("the controller is stopping") : fine("yes")) },
    {
      name: "caches",
      run() {
        const pending = parts.reader.pending();
        return pending.length === 0 ? fine("all are synced") : bad(`not synced yet: ${pending.join(", ")}`);
      },
    },
    { name: "policy", run: () => judgePolicy(parts) },
  ];
}

function judgePolicy({ election, loop }: HealthParts): CheckResult {
  if (!election.isLeader()) return fine(`not read here: ${election.holder() ?? "nobody"} leads`);
  const { failure, result } = loop.record();
  if (result === undefined)
    return bad(failure === undefined ? "not read yet" : `not read yet, the last pass failed: ${messageOf(failure)}`);
  const { policy } = result;
  if (policy === undefined) return fine("there is no PolicyRepository; the objects in the cluster are in force");
  return fine(policy.kind === "Ready" ? `read: ${policy.message}` : `${policy.reason}: ${policy.message}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
