// Attempts to make other jobs than a recipe's steps with the controller's account, or to change those that stand.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { type Attempt, patch, post, RBAC } from "./break-out.ts";

const JOBS = "/apis/batch/v1/namespaces/ringward-jobs/jobs";

type Job = KubeObject & { spec: { template: { spec: { containers: object[] } } } };
// Jobs are changed as JSON is: by any path.
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = Record<string, any>;

interface JobChange {
  readonly what: string;
  readonly change: (spec: Loose, pod: Loose, step: Loose) => void;
  readonly refusal: RegExp;
}

const POD_KEYS = /the pod of a recipe step sets nothing but/;
const STEP_KEYS = /a recipe step is one container, named step, that sets nothing but/;
const READS_ONLY = /not privileged \(host: ReadOnly\)/;
const JOB_KEYS = /the job of a recipe step sets nothing but/;
const ONCE = /one pod that is never repeated/;
const TOKEN = /without a service-account token/;
const VOLUME = /one volume: the node's root/;

/** Each makes one thing wrong in a good job. `spec` is the job's, `pod` its template's, `step` its container. */
const JOB_CHANGES: readonly JobChange[] = [
  {
    what: "with a service-account token",
    change: (_, pod) => void (pod["automountServiceAccountToken"] = true),
    refusal: TOKEN,
  },
  {
    what: "that leaves the token to the account",
    change: (_, pod) => void delete pod["automountServiceAccountToken"],
    refusal: TOKEN,
  },
  {
    what: "of another service account",
    change: (_, pod) => void (pod["serviceAccountName"] = "builder"),
    refusal: POD_KEYS,
  },
  { what: "on the host's network", change: (_, pod) => void (pod["hostNetwork"] = true), refusal: POD_KEYS },
  { what: "in the host's IPC namespace", change: (_, pod) => void (pod["hostIPC"] = true), refusal: POD_KEYS },
  {
    what: "in the host's PID namespace, unprivileged",
    change: (_, pod) => void (pod["hostPID"] = true),
    refusal: READS_ONLY,
  },
  {
    what: "that is not pinned to a node",
    change: (_, pod) => void delete pod["nodeName"],
    refusal: /pinned to its node/,
  },
  { what: "that selects its nodes", change: (_, pod) => void (pod["nodeSelector"] = { a: "b" }), refusal: POD_KEYS },
  {
    what: "that is restarted",
    change: (_, pod) => void (pod["restartPolicy"] = "OnFailure"),
    refusal: /restartPolicy: Never/,
  },
  {
    what: "with an init container",
    change: (_, pod) => void (pod["initContainers"] = [{ ...pod["containers"][0], name: "first" }]),
    refusal: POD_KEYS,
  },
  {
    what: "with a second container",
    change: (_, pod) => void pod["containers"].push({ ...pod["containers"][0], name: "more" }),
    refusal: STEP_KEYS,
  },
  {
    what: "with a group of its own for files",
    change: (_, pod) => void (pod["securityContext"] = { fsGroup: 0 }),
    refusal: /no security context of its own/,
  },
  {
    what: "without a deadline",
    change: (spec) => void delete spec["activeDeadlineSeconds"],
    refusal: /has a deadline/,
  },
  {
    what: "with a deadline of a year",
    change: (spec) => void (spec["activeDeadlineSeconds"] = 31_536_000),
    refusal: /has a deadline/,
  },
  { what: "that is tried again", change: (spec) => void (spec["backoffLimit"] = 3), refusal: ONCE },
  {
    what: "of two pods",
    change: (spec) => void Object.assign(spec, { completions: 2, parallelism: 2 }),
    refusal: ONCE,
  },
  {
    what: "of nobody's controller",
    change: (spec) => void (spec["managedBy"] = "example.com/mine"),
    refusal: JOB_KEYS,
  },
  {
    what: "with a pod failure policy",
    change: (spec) =>
      void (spec["podFailurePolicy"] = {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
      }),
    refusal: JOB_KEYS,
  },
  {
    what: "of an image by tag",
    change: (_, __, step) => void (step["image"] = "registry.example.com/ringward/apt:1.0"),
    refusal: /names its registry and its digest/,
  },
  {
    what: "of an image that is not allowed",
    change: (_, __, step) => void (step["image"] = step["image"].replace("/ringward/", "/evil/")),
    refusal: /not under an allowed prefix.*registry\.example\.com\/ringward/,
  },
  {
    what: "of an image whose name begins alike",
    change: (_, __, step) => void (step["image"] = step["image"].replace("/ringward/", "/ringward-evil/")),
    refusal: /not under an allowed prefix/,
  },
  {
    what: "of an image with dots for a path",
    change: (_, __, step) => void (step["image"] = step["image"].replace("/ringward/", "/ringward/../evil/")),
    refusal: /names its registry and its digest/,
  },
  {
    what: "with a secret in its environment",
    change: (_, __, step) => void (step["env"] = [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }]),
    refusal: /environment of a recipe step is literal/,
  },
  {
    what: "with an environment from a config map",
    change: (_, __, step) => void (step["envFrom"] = [{ configMapRef: { name: "c" } }]),
    refusal: STEP_KEYS,
  },
  {
    what: "with a port",
    change: (_, __, step) => void (step["ports"] = [{ containerPort: 80, hostPort: 80 }]),
    refusal: STEP_KEYS,
  },
  {
    what: "with a hook",
    change: (_, __, step) => void (step["lifecycle"] = { preStop: { exec: { command: ["x"] } } }),
    refusal: STEP_KEYS,
  },
  {
    what: "with more capabilities",
    change: (_, __, step) => void (step["securityContext"]["capabilities"] = { add: ["SYS_ADMIN"] }),
    refusal: READS_ONLY,
  },
  {
    what: "that may gain privileges",
    change: (_, __, step) => void (step["securityContext"]["allowPrivilegeEscalation"] = true),
    refusal: READS_ONLY,
  },
  {
    what: "with a writable root of its own",
    change: (_, __, step) => void (step["securityContext"]["readOnlyRootFilesystem"] = false),
    refusal: READS_ONLY,
  },
  {
    what: "that writes to the node, unprivileged",
    // The server itself refuses recursiveReadOnly beside these.
    change: (_, __, step) => void (step["volumeMounts"][0] = { name: "host", mountPath: "/host" }),
    refusal: READS_ONLY,
  },
  {
    what: "that passes mounts on to the node",
    change: (_, __, step) =>
      void (step["volumeMounts"][0] = {
        name: "host",
        mountPath: "/host",
        readOnly: true,
        mountPropagation: "HostToContainer",
      }),
    refusal: /node's root at \/host, and no other mount/,
  },
  {
    what: "that mounts the node elsewhere",
    change: (_, __, step) => void (step["volumeMounts"][0]["mountPath"] = "/"),
    refusal: /node's root at \/host, and no other mount/,
  },
  {
    what: "with a projected token",
    change: (_, pod) =>
      void pod["volumes"].push({ name: "token", projected: { sources: [{ serviceAccountToken: { path: "t" } }] } }),
    refusal: VOLUME,
  },
  {
    what: "with a secret for a volume",
    change: (_, pod) => void (pod["volumes"] = [{ name: "host", secret: { secretName: "s" } }]),
    refusal: VOLUME,
  },
];

/** Good jobs with one thing wrong. */
export function badJobs(
  good: KubeObject,
): readonly { readonly what: string; readonly job: KubeObject; readonly refusal: RegExp }[] {
  return JOB_CHANGES.map(({ what, change, refusal }, index) => {
    const job = structuredClone(good) as Job;
    job.metadata = { ...job.metadata, name: `bad-${index}` };
    change(job.spec, job.spec.template.spec, job.spec.template.spec.containers[0] as Loose);
    return { what: `make a job ${what}`, job, refusal };
  });
}

/** Changes of a job that stands and waits for its resume. */
export const JOB_PATCHES: readonly Attempt[] = [
  {
    what: "change a job's deadline",
    request: patch(`${JOBS}/waits`, { op: "replace", path: "/spec/activeDeadlineSeconds", value: 60 }),
    refusal: /'ringward-job-changes'.*change suspend, from true to false/,
  },
  {
    what: "let a suspended job go elsewhere",
    request: patch(`${JOBS}/waits`, { op: "add", path: "/spec/template/spec/nodeSelector", value: { a: "b" } }),
    refusal: /'ringward-job-changes'|the pod of a recipe step sets nothing but/,
  },
  {
    what: "label a job anew",
    request: patch(`${JOBS}/waits`, { op: "add", path: "/metadata/labels/ringward.dev~1claim", value: "other" }),
    refusal: /'ringward-job-changes'.*metadata Ringward may change the annotation/,
  },
  {
    what: "suspend a job that runs",
    request: patch(`${JOBS}/runs`, { op: "replace", path: "/spec/suspend", value: true }),
    refusal: /'ringward-job-changes'.*change suspend, from true to false/,
  },
  {
    what: "make a job in another namespace",
    request: post("/apis/batch/v1/namespaces/shop/jobs", {
      metadata: { name: "mine" },
      spec: {
        template: {
          spec: { restartPolicy: "Never", containers: [{ name: "a", image: "registry.example.com/a/b:1" }] },
        },
      },
    }),
    refusal: RBAC,
    asAdmin: /'ringward-account'/,
  },
];
