// What the status of a PolicyRepository says: in force, being fetched, or why not; written only when something that matters changed (K7).
import type { PolicyRepositorySpec, PolicyRepositoryStatus } from "../api/policy-repository.ts";
import type { Instant } from "../clock.ts";
import type { Block } from "../core/model.ts";
import { UserError } from "../errors.ts";
import type { CommitSha } from "../git/port.ts";
import { isConflict } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { POLICY_REPOSITORIES } from "../kube/resources.ts";
import type { LoadedPolicy } from "../policy/load.ts";
import type { PolicyObject } from "../policy/object.ts";
import { showText } from "../printable.ts";
import { type Health, summarise } from "./conditions.ts";
import type { FetchMemory } from "./policy-fetch.ts";

export interface StatusPorts {
  readonly client: Client;
  readonly onError: (error: unknown, where: string) => void;
}

export function describeRepository(
  {
    spec,
    memory,
    head,
    own,
  }: {
    readonly spec: PolicyRepositorySpec;
    readonly memory: FetchMemory;
    readonly head: CommitSha | undefined;
    /** What is to be said of our own commits. */
    readonly own: string | undefined;
  },
  brake: Block | undefined,
  stale: Block | undefined,
  failure: unknown,
): Health {
  if (brake !== undefined) return { kind: "Stalled", reason: brake.reason, message: brake.message };
  if (failure !== undefined) {
    const message = failure instanceof Error ? failure.message : String(failure);
    if (failure instanceof UserError || stale !== undefined)
      return { kind: "Stalled", reason: stale?.reason ?? "ReadFailed", message };
    return { kind: "Reconciling", reason: "ReadFailed", message };
  }
  if (stale !== undefined) return { kind: "Stalled", reason: stale.reason, message: stale.message };
  const at = head?.slice(0, 12) ?? "none";
  if (spec.suspend === true)
    return {
      kind: "Stalled",
      reason: "RepositorySuspended",
      message: `nothing is fetched, applied or proposed; policy of commit ${at} stays in force until maxStaleness`,
    };
  if (memory.git === undefined)
    return { kind: "Reconciling", reason: "Progressing", message: "the repository is being fetched" };
  const more = own === undefined ? "" : `; ${own}`;
  return { kind: "Ready", reason: "InSync", message: `policy of commit ${at} is in force${more}` };
}

interface SeenNow {
  readonly head: CommitSha | undefined;
  readonly fetched: CommitSha | undefined;
  readonly fetchedAt: Instant | undefined;
  /** Policy as it was read at a commit. */
  readonly read: { readonly loaded: LoadedPolicy; readonly previous: readonly PolicyObject[] } | undefined;
  readonly verified: CommitSha | undefined;
  /** What is to be said of requests to look. */
  readonly handled: string | undefined;
}

/** Where nothing was fetched yet, `before` goes on to say what was fetched last and when: a new process has its time until maxStaleness, too (G2). */
export function repositoryStatus(
  { head, fetched, fetchedAt, read, verified, handled }: SeenNow,
  before: PolicyRepositoryStatus | undefined,
): PolicyRepositoryStatus {
  const fetchedCommit = fetched ?? before?.fetchedCommit;
  const lastFetchTime = fetchedAt === undefined ? before?.lastFetchTime : new Date(fetchedAt).toISOString();
  const loaded = read?.loaded;
  const brokenNow = new Set(read?.previous.map((object) => object.file));
  return {
    ...(head === undefined ? {} : { observedCommit: head }),
    ...(fetchedCommit === undefined ? {} : { fetchedCommit }),
    ...(verified === undefined ? {} : { verifiedCommit: verified }),
    ...(lastFetchTime === undefined ? {} : { lastFetchTime }),
    ...(handled === undefined ? {} : { lastHandledReconcileAt: handled }),
    ...(loaded === undefined
      ? {}
      : {
          documents: loaded.objects.length,
          problems: loaded.problems
            .filter(({ severity, file }) => severity === "error" || (severity === "note" && brokenNow.has(file)))
            .slice(0, 50)
            .map(({ file, line, column, path, code, message, hint }) => ({
              file: showText(file).slice(0, 512),
              line,
              column,
              path: path.slice(0, 512),
              code,
              message: showText(`${message}${hint === "" ? "" : ` (${hint})`}`).slice(0, 1024),
            })),
        }),
  };
}

/** Another cause under the same reason is news (a token that cannot be read, then a host that cannot be found); another number or time is not. */
function sense(message: string): string {
  return message.replaceAll(/[0-9]+/g, "#");
}

/** Writes the status when something that matters changed; the time of a fetch alone is not worth a write (K7). Answers whether it stands there. */
export async function writeStatus(
  ports: StatusPorts,
  object: KubeObject,
  status: PolicyRepositoryStatus,
  health: Health,
  now: Instant,
): Promise<boolean> {
  const before = object.status as PolicyRepositoryStatus | undefined;
  const conditions = summarise(before?.conditions, health, object.metadata.generation, now);
  const essence = (some: PolicyRepositoryStatus | undefined): string =>
    JSON.stringify([
      some?.observedCommit,
      some?.fetchedCommit,
      some?.verifiedCommit,
      some?.lastHandledReconcileAt,
      some?.documents,
      some?.problems?.map((problem) => [problem.file, problem.line, problem.code]),
      (some?.conditions ?? []).map(({ type, status: value, reason, message }) => [type, value, reason, sense(message)]),
      some?.observedGeneration,
    ]);
  const after: PolicyRepositoryStatus = {
    ...status,
    ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
    conditions,
  };
  if (essence(before) === essence(after)) return true;
  try {
    await ports.client.updateStatus(POLICY_REPOSITORIES, { ...object, status: after });
    return true;
  } catch (error) {
    // A pass that acts on a head which is not written down would break G1; it ends here and the next one tries again. Anything else that
    // could not be said must not keep a target in flight from its way to safety.
    if (before?.observedCommit !== after.observedCommit) throw error;
    if (!isConflict(error)) ports.onError(error, `PolicyRepository ${object.metadata.name}`);
    return false;
  }
}
