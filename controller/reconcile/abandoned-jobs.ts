// Jobs that were made too late: a controller that stood still between "there is no job" and the create makes one after the claim has
// ended. Nobody resumes it (core/operations/node-jobs.ts), and no TTL collects what never ran, so it is deleted here.
import type { Instant } from "../clock.ts";
import type { Client } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { claimOfPrepared, deletePreparedJob } from "../nodes/recipe-job.ts";

/** Whoever made it has had its next look by then. */
const OLD_ENOUGH_MS = 10 * 60_000;

export interface AbandonedJobsInput {
  readonly client: Client;
  readonly now: Instant;
  readonly jobs: readonly KubeObject[];
  /** Ids of the claims in the ledger, or on their way back into it. */
  readonly claims: ReadonlySet<string>;
  readonly onError: (error: unknown, where: string) => void;
}

/** Deletes jobs that never ran and whose claim is over. */
export async function removeAbandonedJobs({ client, now, jobs, claims, onError }: AbandonedJobsInput): Promise<void> {
  for (const job of jobs) {
    const claim = claimOfPrepared(job);
    const { name, uid, resourceVersion, creationTimestamp = "" } = job.metadata;
    if (claim === undefined || claims.has(claim) || uid === undefined || resourceVersion === undefined) continue;
    if (now - Date.parse(creationTimestamp) < OLD_ENOUGH_MS) continue;
    try {
      await deletePreparedJob(client, name, { uid, resourceVersion });
    } catch (error) {
      onError(error, `Job ${name}`);
    }
  }
}
