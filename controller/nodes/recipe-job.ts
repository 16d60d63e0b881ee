// Recipe steps as Jobs: pinned to the node, without a service-account token, with a deadline, never retried by the job controller.
// The name follows from claim, step and attempt, so a repeated create finds the first one (B11), and job presence is never
// taken for truth about the node. What changes a node is made suspended and resumed by a write of its own (core/operations/node-jobs.ts).
import { createHash } from "node:crypto";
import type { NodeOperation } from "../api/patch-state.ts";
import type { PatchLevelSpec } from "../api/patch-level.ts";
import type { RecipeStep } from "../api/update-recipe.ts";
import type { Instant } from "../clock.ts";
import { parseDuration } from "../core/duration.ts";
import type { NodeAsset } from "../core/model.ts";
import type { JobIdentity, JobView, RecipeStepName } from "../core/operations/node-steps.ts";
import { parseKernel } from "../core/versions/kernel.ts";
import { isAlreadyExists, isNotFound, isRefused } from "../kube/api-errors.ts";
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { JOBS, PODS } from "../kube/resources.ts";

export const JOB_NAMESPACE = "ringward-jobs";
const CLAIM_LABEL = "ringward.dev/claim";
const STEP_LABEL = "ringward.dev/step";
const NODE_LABEL = "ringward.dev/node-uid";
/** When a job that was made suspended was let run, RFC 3339. One that is suspended again was paused by a person. */
export const RESUMED = "ringward.dev/resumed-time";
/** Finished jobs are kept this long for people who look. */
const KEEP_SECONDS = 3600;
const DEFAULT_STEP_MS = 30 * 60_000;

/** Name of the job of a step. The inventory after an update and the one after the reboot are two jobs. */
export function jobName(
  claimId: string,
  step: RecipeStepName,
  operation: Pick<NodeOperation, "attempt" | "step">,
): string {
  const key = [claimId, step, operation.attempt, step === "inventory" ? operation.step : ""].join("/");
  return `rw-${step}-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

export interface JobRequest {
  readonly name: string;
  readonly step: RecipeStepName;
  /** Made so that nothing runs until `resumeJob`. */
  readonly suspended: boolean;
  readonly recipe: RecipeStep;
  readonly node: NodeAsset;
  readonly claimId: string | undefined;
  /** Of the operation; left out for the inventory cycle. */
  readonly attempt: number | undefined;
  /** Left out for the inventory cycle, which changes nothing. */
  readonly level: { readonly name: string; readonly digest: string; readonly spec: PatchLevelSpec } | undefined;
}

/**
 * Creates the job; one that exists already is the same one. Answers what the cluster says where it does not take such a job (admission,
 * permissions, a quota), which asking again does not change. With `dryRun` it is only asked. Throws ApiError on everything else.
 */
export async function createJob(client: Client, request: JobRequest, dryRun = false): Promise<string | undefined> {
  try {
    await client.create(JOBS, jobObject(request), dryRun ? { dryRun } : {});
    return undefined;
  } catch (error) {
    if (isAlreadyExists(error)) return undefined;
    if (!isRefused(error)) throw error;
    return `the cluster refuses the job of step ${request.step}: ${error.status.message ?? error.reason}`.slice(0, 512);
  }
}

/** Lets a suspended job run. Throws ApiError when it is not as it was read, or gone. */
export async function resumeJob(client: Client, name: string, job: JobIdentity, now: Instant): Promise<void> {
  const body: readonly JsonPatchOperation[] = [
    { op: "test", path: "/metadata/uid", value: job.uid },
    { op: "test", path: "/metadata/resourceVersion", value: job.resourceVersion },
    { op: "add", path: `/metadata/annotations/${RESUMED.replace("/", "~1")}`, value: new Date(now).toISOString() },
    { op: "replace", path: "/spec/suspend", value: false },
  ];
  await client.patch(JOBS, { namespace: JOB_NAMESPACE, name }, { type: "json", body });
}

/** The claim of a job that was made and never let run; undefined for every other object. */
export function claimOfPrepared({ metadata, spec }: KubeObject): string | undefined {
  if (metadata.namespace !== JOB_NAMESPACE || !isPrepared(metadata, spec)) return undefined;
  return metadata.labels?.[CLAIM_LABEL];
}

function isPrepared({ annotations }: KubeObject["metadata"], spec: KubeObject["spec"]): boolean {
  return (spec as { readonly suspend?: boolean } | undefined)?.suspend === true && annotations?.[RESUMED] === undefined;
}

/** Deletes a job that never ran; gone already is fine. Throws ApiError when it is not as it was read: it may run by now. */
export async function deletePreparedJob(client: Client, name: string, job: JobIdentity): Promise<void> {
  try {
    const { uid, resourceVersion } = job;
    await client.delete(
      JOBS,
      { namespace: JOB_NAMESPACE, name },
      { uid, resourceVersion, propagationPolicy: "Background" },
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function jobObject(request: JobRequest): KubeObject {
  const { name, step, suspended, recipe, node, claimId } = request;
  const labels = {
    "app.kubernetes.io/managed-by": "ringward",
    [STEP_LABEL]: step,
    [NODE_LABEL]: node.uid,
    ...(claimId === undefined ? {} : { [CLAIM_LABEL]: claimId }),
  };
  const [program, ...args] = recipe.command;
  const writes = recipe.host === "ReadWrite";
  return {
    metadata: { name, namespace: JOB_NAMESPACE, labels, annotations: { "ringward.dev/node": node.name } },
    spec: {
      ...(suspended ? { suspend: true } : {}),
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: "Failed",
      activeDeadlineSeconds: Math.ceil((parseDuration(recipe.timeout ?? "30m") ?? DEFAULT_STEP_MS) / 1000),
      ttlSecondsAfterFinished: KEEP_SECONDS,
      template: {
        metadata: { labels },
        spec: {
          nodeName: node.name,
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          hostPID: writes,
          tolerations: [{ operator: "Exists" }],
          containers: [
            {
              name: "step",
              image: recipe.image,
              command: [program ?? ""],
              args,
              env: [
                ...environment(request),
                ...(recipe.env ?? []).filter((entry) => !entry.name.startsWith("RINGWARD_")),
              ],
              securityContext: writes
                ? { privileged: true }
                : { privileged: false, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
              terminationMessagePolicy: "FallbackToLogsOnError",
              // Without the second word what is mounted below the root (/var, the kubelet's folders) would stay writable (KEP-3857).
              volumeMounts: [
                writes
                  ? { name: "host", mountPath: "/host", readOnly: false }
                  : { name: "host", mountPath: "/host", readOnly: true, recursiveReadOnly: "IfPossible" },
              ],
            },
          ],
          volumes: [{ name: "host", hostPath: { path: "/" } }],
        },
      },
    },
  };
}

/** What a recipe is told: exact versions for this node, and where they can be had. */
function environment({ step, node, claimId, attempt, level }: JobRequest): readonly { name: string; value: string }[] {
  const target = level?.spec.node;
  const versionOf = (name: string): string | undefined =>
    target?.components.find((component) => component.name === name)?.version;
  const source = target?.source;
  const values: Readonly<Record<string, string | undefined>> = {
    RINGWARD_STEP: step,
    RINGWARD_NODE_NAME: node.name,
    RINGWARD_CLAIM: claimId,
    RINGWARD_ATTEMPT: attempt?.toString(),
    RINGWARD_LEVEL: level?.name,
    RINGWARD_LEVEL_DIGEST: level?.digest,
    RINGWARD_KERNEL: kernelFor(node, target?.components ?? []),
    RINGWARD_KUBELET: versionOf("kubelet"),
    RINGWARD_CONTAINER_RUNTIME: versionOf("containerRuntime"),
    RINGWARD_OS_IMAGE: versionOf("osImage"),
    RINGWARD_PACKAGES: target?.components
      .filter((component) => component.name.startsWith("package:"))
      .map((component) => `${component.name.slice("package:".length)}=${component.version}`)
      .join(" "),
    RINGWARD_SOURCE_SNAPSHOT: source?.snapshot,
    RINGWARD_SOURCE_MIRROR: source?.mirror,
    RINGWARD_SOURCE_RELEASE_VERSION: source?.releaseVersion,
    RINGWARD_SOURCE_OS_IMAGE_DIGEST: source?.osImageDigest,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [{ name, value }],
  );
}

/** The kernel of the level that has this node's series and flavour. */
function kernelFor(node: NodeAsset, components: NonNullable<PatchLevelSpec["node"]>["components"]): string | undefined {
  const running = parseKernel(node.kernelVersion);
  if (running === undefined) return undefined;
  return components.find((component) => {
    if (!component.name.startsWith("kernel/")) return false;
    const wanted = parseKernel(component.version);
    return wanted?.series === running.series && wanted.flavour === running.flavour;
  })?.version;
}

interface JobStatus {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
    readonly lastTransitionTime?: string;
  }[];
}

interface PodStatus {
  readonly containerStatuses?: readonly {
    readonly state?: {
      readonly terminated?: { readonly exitCode?: number; readonly message?: string; readonly reason?: string };
    };
  }[];
}

/** How a job stands. A failed one is asked for its pod's exit code. */
export async function viewJob(client: Client, name: string, now: Instant): Promise<JobView> {
  const job = await client.get(JOBS, { namespace: JOB_NAMESPACE, name });
  if (job === undefined) return { phase: "Absent" };
  const { uid = "", resourceVersion = "", annotations } = job.metadata;
  const identity: JobIdentity = { uid, resourceVersion };
  const status = (job.status ?? {}) as JobStatus;
  const condition = (type: string) =>
    status.conditions?.find((other) => other.type === type && other.status === "True");
  const done = condition("Complete");
  if (done !== undefined)
    return { ...identity, phase: "Succeeded", at: timeOf(status.completionTime ?? done.lastTransitionTime, now) };
  // Past its deadline a job is Failed only when its pod has ended, which the kubelet of a dead node never says.
  const over = condition("FailureTarget");
  const failed = condition("Failed") ?? (over?.reason === "DeadlineExceeded" ? over : undefined);
  if (failed === undefined) {
    if (isPrepared(job.metadata, job.spec)) return { ...identity, phase: "Prepared" };
    const suspended = (job.spec as { readonly suspend?: boolean } | undefined)?.suspend === true;
    const since = timeOf(status.startTime ?? annotations?.[RESUMED] ?? job.metadata.creationTimestamp, now);
    return { ...identity, phase: "Running", since, paused: suspended };
  }
  const end = await endOf(client, name);
  return {
    ...identity,
    phase: "Failed",
    at: timeOf(failed.lastTransitionTime, now),
    exitCode: end?.exitCode,
    message: (end?.message ?? failed.message ?? "").trim().slice(0, 300),
    timedOut: failed.reason === "DeadlineExceeded",
  };
}

function timeOf(text: string | undefined, fallback: Instant): Instant {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? fallback : time;
}

async function podsOf(client: Client, name: string): Promise<readonly KubeObject[]> {
  const { items } = await client.list(PODS, {
    namespace: JOB_NAMESPACE,
    labelSelector: `batch.kubernetes.io/job-name=${name}`,
  });
  return items;
}

async function endOf(client: Client, name: string): Promise<{ exitCode?: number; message?: string } | undefined> {
  for (const pod of await podsOf(client, name)) {
    const ended = ((pod.status ?? {}) as PodStatus).containerStatuses?.[0]?.state?.terminated;
    if (ended !== undefined) return ended;
  }
  return undefined;
}

/** A report is compressed and framed: more than this is not one. */
const LOG_BYTES = 2 * 1024 * 1024;

/** What a job's pod printed; undefined when the pod is gone. Untrusted. */
export async function readJobLog(client: Client, name: string): Promise<string | undefined> {
  const [pod] = await podsOf(client, name);
  if (pod === undefined) return undefined;
  return client.podLog({ namespace: JOB_NAMESPACE, name: pod.metadata.name }, { limitBytes: LOG_BYTES });
}
