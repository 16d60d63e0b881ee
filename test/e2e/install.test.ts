// What `ringward install --export` prints, on a real API server: one apply makes it, a second changes nothing, the account may do what the
// table says and nothing else, what the controller does goes through, and every way out that we could think of is shut, also where
// somebody bound the account to cluster-admin.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command as check } from "../../controller/cli/check.ts";
import { systemClock } from "../../controller/clock.ts";
import type { NodeAsset } from "../../controller/core/model.ts";
import { installManifests, renderManifests } from "../../controller/install/export.ts";
import { ACCOUNT, DEFAULT_NAMESPACE } from "../../controller/install/manifest.ts";
import { namespaceOf, resourceName } from "../../controller/install/rbac.ts";
import { PERMISSIONS } from "../../controller/install/permissions.ts";
import { isConflict, isPatchTestFailure } from "../../controller/kube/api-errors.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import { CONTROLLER_LEASE } from "../../controller/kube/lease.ts";
import { REPORTING_CONTROLLER } from "../../controller/kube/events.ts";
import { ApiError, type KubeObject } from "../../controller/kube/port.ts";
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  EVENTS,
  JOBS,
  LEASES,
  NAMESPACES,
  NODE_PATCH_STATES,
  NODES,
  PATCH_EXCEPTIONS,
  PODS,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
  STATEFUL_SETS,
} from "../../controller/kube/resources.ts";
import { createTransport, type Transport } from "../../controller/kube/transport.ts";
import { markNode, unmarkNode } from "../../controller/nodes/mark.ts";
import { createJob, deletePreparedJob, resumeJob, viewJob } from "../../controller/nodes/recipe-job.ts";
import { readLedger } from "../../controller/reconcile/ledger.ts";
import { requestLook } from "../../controller/reconcile/look-request.ts";
import { setImages, unmarkWorkload } from "../../controller/workloads/set-images.ts";
import { type Attempt, ATTEMPTS } from "./support/break-out.ts";
import { badJobs, JOB_PATCHES } from "./support/break-out-jobs.ts";
import { type ControlPlane, startControlPlane } from "./support/control-plane.ts";
import { type Kubectl, kubectlOn } from "./support/kubectl.ts";
import { waitFor } from "./support/waiting.ts";
import { type Ran, run } from "../cli/plan-support.ts";

const SETTINGS = { namespace: DEFAULT_NAMESPACE, recipeImages: ["registry.example.com/ringward"] };
const ACCOUNT_NAME = `system:serviceaccount:${DEFAULT_NAMESPACE}:${ACCOUNT}`;
const IMAGE = `registry.example.com/ringward/recipe-apt:1.0@sha256:${"5".repeat(64)}`;
const GIT = { "ringward.dev/policy": "git" };

let plane: ControlPlane;
let kubectl: Kubectl;
let admin: Client;
let port: Transport;
/** The controller's account. */
let ours: Client;
let firstApply: string;
/** What `ringward check --pre` said before anything was installed. */
let before: Ran;

beforeAll(async () => {
  plane = await startControlPlane();
  kubectl = await kubectlOn(plane, plane.kubeconfig("admin"));
  admin = createClient(plane.transport("admin"), { fieldManager: "e2e", clock: systemClock });
  before = await runCheck(plane.kubeconfig("admin"));
  firstApply = await kubectl.run(["apply", "-f", "-"], renderManifests(installManifests(SETTINGS), "yaml"));
  port = createTransport({
    kubeconfig: await plane.serviceAccountKubeconfig(DEFAULT_NAMESPACE, ACCOUNT),
    clock: systemClock,
    userAgent: "e2e-controller",
  });
  ours = createClient(port, { fieldManager: "ringward", clock: systemClock });
  await prepareWorld();
});

afterAll(async () => {
  await port.close();
  kubectl.close();
  await plane.stop();
});

function runCheck(kubeconfig: string): Promise<Ran> {
  return run(check, ["--pre", "--kubeconfig", kubeconfig], { clock: systemClock });
}

/** What people and others have in the cluster. */
async function prepareWorld(): Promise<void> {
  await admin.create(NAMESPACES, { metadata: { name: "shop" } });
  const node = (name: string, more: object = {}, annotations: Readonly<Record<string, string>> = {}): KubeObject => ({
    metadata: { name, labels: { ring: "canary" }, annotations: { "example.com/note": "a", ...annotations } },
    spec: more,
  });
  await admin.create(NODES, node("n1"));
  await admin.create(NODES, node("n2", { unschedulable: true }));
  const claimed = { "ringward.dev/claim": "c3", "ringward.dev/prior-unschedulable": "true" };
  await admin.create(NODES, node("n3", { unschedulable: true }, claimed));
  await admin.create(NODES, node("n4", { unschedulable: true }, claimed));
  const template = {
    metadata: { labels: { app: "web" } },
    spec: {
      initContainers: [{ name: "first", image: "registry.example.com/shop/setup:1" }],
      containers: [
        { name: "main", image: "registry.example.com/shop/nginx:1.27.1" },
        { name: "side", image: "registry.example.com:5000/shop/proxy" },
      ],
    },
  };
  const metadata = { name: "web", namespace: "shop", labels: { app: "web" } };
  const spec = { selector: { matchLabels: { app: "web" } }, template };
  await admin.create(DEPLOYMENTS, { metadata, spec: { ...spec, replicas: 2 } } as KubeObject);
  await admin.create(STATEFUL_SETS, { metadata, spec: { ...spec, replicas: 1, serviceName: "web" } } as KubeObject);
  await admin.create(DAEMON_SETS, { metadata, spec } as KubeObject);
  await waitFor(
    "the default account",
    () =>
      admin.get({ ...PODS, plural: "serviceaccounts", kind: "ServiceAccount" }, { namespace: "shop", name: "default" }),
    { withinMs: 60_000 },
  );
  await admin.create(PODS, {
    metadata: { name: "lonely", namespace: "shop" },
    spec: { nodeName: "n1", containers: [{ name: "main", image: "registry.example.com/shop/nginx:1.27.1" }] },
  } as KubeObject);
  await admin.create(ROLLOUT_RINGS, {
    metadata: { name: "peoples" },
    spec: { members: { nodes: { selector: { matchLabels: { ring: "peoples" } } } } },
  } as KubeObject);
  await admin.create(POLICY_REPOSITORIES, {
    metadata: { name: "policy" },
    spec: { url: "https://git.invalid/policy.git", clusterName: "e2e" },
  } as KubeObject);
  await admin.create(EVENTS, eventOf("n1.theirs", "kubelet"));
  // Policies are in force a moment after they were made.
  await waitFor(
    "the policies",
    async () => ((await refusalOf(ATTEMPTS[1] as Attempt)) === undefined ? undefined : true),
    { withinMs: 60_000 },
  );
}

function eventOf(name: string, reportingController: string): KubeObject {
  return {
    metadata: { name, namespace: "default" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    reportingController,
    reportingInstance: "one",
    action: "Claimed",
    reason: "Claimed",
    regarding: { apiVersion: "v1", kind: "Node", name: "n1" },
    type: "Normal",
  } as KubeObject;
}

/** What the server said to an attempt that it refused; undefined: it let it through. Nothing is stored either way. */
async function refusalOf({ request }: Pick<Attempt, "request">): Promise<string | undefined> {
  const answer = await port.request({ ...request, query: isStored(request) ? { dryRun: "All" } : {} });
  if (answer.status < 300) return undefined;
  return `${answer.status} ${String((answer.body as { readonly message?: string }).message)}`;
}

/** Reads store nothing, and a connection cannot be tried. */
function isStored({ method, path }: Attempt["request"]): boolean {
  return method !== "GET" && !path.endsWith("/exec");
}

/** Attempts that were not refused as they should be. */
async function notRefused(attempts: readonly Attempt[], asAdmin: boolean): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const attempt of attempts) {
    const wanted = asAdmin ? (attempt.asAdmin ?? attempt.refusal) : attempt.refusal;
    const said = await refusalOf(attempt);
    if (said === undefined || !said.startsWith("403 ") || !wanted.test(said))
      wrong.push(`${attempt.what}: ${said ?? "was let through"}`);
  }
  return wrong;
}

function creating(job: KubeObject): Attempt["request"] {
  const body = { apiVersion: "batch/v1", kind: "Job", ...job };
  return { method: "POST", path: `/apis/batch/v1/namespaces/${job.metadata.namespace}/jobs`, body };
}

const NODE = { name: "n1", uid: "0c3a", kernelVersion: "5.15.0-124-generic" } as NodeAsset;

async function makeJob(name: string, host: "ReadOnly" | "ReadWrite", suspended: boolean, client = ours): Promise<void> {
  await createJob(client, {
    name,
    step: host === "ReadOnly" ? "inventory" : "update",
    suspended,
    recipe: { image: IMAGE, command: ["/recipe/apt", "x"], host, timeout: "30m", env: [{ name: "A", value: "b" }] },
    node: NODE,
    claimId: "c1",
    attempt: 1,
    level: undefined,
  });
}

/** The object that a client would create, without creating it. */
async function jobAsMade(): Promise<KubeObject> {
  const made: KubeObject[] = [];
  await makeJob("good", "ReadOnly", false, {
    create: (_: unknown, object: KubeObject) => {
      made.push(object);
      return Promise.resolve(object);
    },
  } as unknown as Client);
  return made[0] as KubeObject;
}

describe("the export", () => {
  it("is made by one kubectl apply, and changed by no second one", async () => {
    const manifests = installManifests(SETTINGS);
    const lines = (text: string): readonly string[] => text.trim().split("\n");

    expect(lines(firstApply).filter((line) => !line.endsWith(" created"))).toEqual([]);
    expect(lines(firstApply)).toHaveLength(manifests.length);
    for (const format of ["yaml", "json"] as const) {
      const again = await kubectl.run(["apply", "-f", "-"], renderManifests(manifests, format));
      expect(lines(again).filter((line) => !line.endsWith(" unchanged"))).toEqual([]);
    }
  });

  it("gives policies that the server has no complaint about", async () => {
    const checked = await waitFor(
      "the server's type check of every policy",
      async () => {
        const { items } = JSON.parse(await kubectl.run(["get", "validatingadmissionpolicies", "-o", "json"])) as {
          readonly items: readonly {
            readonly metadata: { readonly name: string; readonly generation: number };
            readonly status?: {
              readonly observedGeneration?: number;
              readonly typeChecking?: { readonly expressionWarnings?: readonly object[] };
            };
          }[];
        };
        return items.every(({ metadata, status }) => status?.observedGeneration === metadata.generation)
          ? items
          : undefined;
      },
      { withinMs: 60_000 },
    );

    expect(checked.length).toBeGreaterThan(10);
    expect(
      checked.flatMap(({ metadata, status }) =>
        (status?.typeChecking?.expressionWarnings ?? []).map((warning) => ({ policy: metadata.name, warning })),
      ),
    ).toEqual([]);
  });
});

/** `get leases.coordination.k8s.io (ringward-controller)`, for a namespace as kubectl tells it. */
async function toldLines(namespace: string, user: string): Promise<readonly string[]> {
  const table = await kubectl.run(["auth", "can-i", "--list", "--no-headers", "-n", namespace, "--as", user]);
  return table.split("\n").flatMap((row) => {
    const found = /^(\S+)\s+\[[^\]]*\]\s+\[([^\]]*)\]\s+\[([^\]]*)\]/.exec(row);
    if (found === null) return [];
    const [, resource = "", names = "", verbs = ""] = found;
    return verbs.split(" ").map((verb) => `${verb} ${resource}${names === "" ? "" : ` (${names})`}`);
  });
}

function tableLines(namespace: string): readonly string[] {
  return PERMISSIONS.flatMap((permission) => {
    const { place, resource, subresource, names, verbs } = permission;
    const within = namespaceOf(place, SETTINGS);
    if (within !== undefined && within !== namespace) return [];
    // kubectl puts the group behind the resource, and a subresource behind both.
    const name =
      resource.group === ""
        ? resourceName(permission)
        : [`${resource.plural}.${resource.group}`, ...(subresource === undefined ? [] : [subresource])].join("/");
    return verbs.map((verb) => `${verb} ${name}${names === undefined ? "" : ` (${names.join(" ")})`}`);
  });
}

describe("the account", () => {
  it.each(["default", "kube-system", "kube-node-lease", DEFAULT_NAMESPACE, "ringward-jobs"])(
    "may do in namespace %s what the table says, and nothing else",
    async (namespace) => {
      const everybody = new Set(await toldLines(namespace, "system:serviceaccount:default:nobody"));
      const told = (await toldLines(namespace, ACCOUNT_NAME)).filter((line) => !everybody.has(line));

      expect(told.toSorted()).toEqual(tableLines(namespace).toSorted());
    },
  );
});

/** As the controller does: whoever was faster is looked at again. */
async function again<T>(act: () => Promise<T>): Promise<T> {
  return waitFor(
    "nobody to be faster",
    async () => {
      try {
        return { done: await act() };
      } catch (error) {
        if (isConflict(error) || isPatchTestFailure(error)) return undefined;
        throw error;
      }
    },
    { withinMs: 60_000 },
  ).then(({ done }) => done);
}

describe("what the controller does", () => {
  it("makes the first ledger, in mode Observe, and writes its claims", async () => {
    const ledger = await readLedger(ours);
    await ours.updateStatus(DISRUPTION_LEDGERS, {
      ...ledger.object,
      status: { claims: [], rebuiltTime: "2026-01-01T00:00:00Z" },
    });

    expect((await admin.get(DISRUPTION_LEDGERS, { name: "cluster" }))?.spec).toEqual({ mode: "Observe" });
  });

  it("asks for a look at the policy repository, and says that it was handled", async () => {
    const [before] = (await ours.list(POLICY_REPOSITORIES)).items as [KubeObject];
    const asked = await requestLook(ours, before, "now");
    await ours.updateStatus(POLICY_REPOSITORIES, { ...asked, status: { lastHandledReconcileAt: "now" } });

    const after = await admin.get(POLICY_REPOSITORIES, { name: "policy" });
    expect(after).toMatchObject({ spec: before.spec, status: { lastHandledReconcileAt: "now" } });
    expect(after?.metadata.annotations).toEqual({ "ringward.dev/reconcile-requested-at": "now" });
  });

  it("cordons a node with its claim and uncordons it", async () => {
    const read = async (): Promise<KubeObject> => (await ours.get(NODES, { name: "n1" })) as KubeObject;
    const mark = async (cordon: boolean): Promise<void> =>
      markNode(ours, await read(), { claimId: "c1", cordon, priorUnschedulable: false });
    await again(() => mark(false));
    await again(() => mark(true));
    const cordoned = await read();
    await again(async () => unmarkNode(ours, await read(), true, undefined));

    expect(cordoned.spec).toMatchObject({ unschedulable: true });
    expect((await read()).spec).not.toMatchObject({ unschedulable: true });
    expect((await read()).metadata.annotations).not.toHaveProperty("ringward.dev/claim");
  });

  it("leaves a node cordoned that a person had cordoned", async () => {
    const read = async (): Promise<KubeObject> => (await admin.get(NODES, { name: "n4" })) as KubeObject;
    await again(async () => unmarkNode(ours, await read(), true, undefined));
    const node = await read();

    expect(node.spec).toMatchObject({ unschedulable: true });
    expect(node.metadata.annotations).toMatchObject({ "example.com/note": "a" });
    expect(node.metadata.annotations).not.toHaveProperty("ringward.dev/claim");
  });

  // The server itself counts a DaemonSet's templates in an annotation of the same write: a policy must not take that for ours.
  it.each([DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS])(
    "moves the images of a $kind under its claim, and takes the mark off",
    async (resource) => {
      const read = async (): Promise<KubeObject> =>
        (await ours.get(resource, { namespace: "shop", name: "web" })) as KubeObject;
      const digest = `sha256:${"a".repeat(64)}`;
      await setImages(
        ours,
        resource,
        await read(),
        [
          {
            container: "main",
            init: false,
            from: "registry.example.com/shop/nginx:1.27.1",
            to: "registry.example.com/shop/nginx:1.27.3",
          },
          {
            container: "side",
            init: false,
            from: "registry.example.com:5000/shop/proxy",
            to: `registry.example.com:5000/shop/proxy:2@${digest}`,
          },
          {
            container: "first",
            init: true,
            from: "registry.example.com/shop/setup:1",
            to: `registry.example.com/shop/setup@${digest}`,
          },
        ],
        "c1",
      );
      const claimed = await read();
      await again(async () => unmarkWorkload(ours, resource, await read()));

      expect(JSON.stringify(claimed.spec)).toContain("nginx:1.27.3");
      expect(claimed.metadata.annotations).toMatchObject({ "ringward.dev/claim": "c1" });
      expect((await read()).metadata.annotations ?? {}).not.toHaveProperty("ringward.dev/claim");
    },
  );

  it("runs steps of recipes: made, made suspended and resumed, deleted before they began", async () => {
    for (const host of ["ReadOnly", "ReadWrite"] as const) {
      await makeJob(`direct-${host.toLowerCase()}`, host, false);
      await makeJob(`held-${host.toLowerCase()}`, host, true);
    }
    const now = systemClock.now();
    await again(async () => {
      const view = await viewJob(ours, "held-readwrite", now);
      if (view.phase !== "Prepared") throw new Error(`the job is ${view.phase}`);
      await resumeJob(ours, "held-readwrite", view, now);
    });
    await again(async () => {
      const view = await viewJob(ours, "held-readonly", now);
      if (view.phase !== "Prepared") throw new Error(`the job is ${view.phase}`);
      await deletePreparedJob(ours, "held-readonly", view);
    });

    const pods = await waitFor(
      "a pod for each job that may run",
      async () => {
        const { items } = await admin.list(PODS, { namespace: "ringward-jobs" });
        return items.length === 3 ? items : undefined;
      },
      { withinMs: 60_000 },
      async () =>
        JSON.stringify(
          (await admin.list(JOBS, { namespace: "ringward-jobs" })).items.map(({ metadata, status }) => [
            metadata.name,
            status,
          ]),
        ),
    );
    expect(pods.map(({ spec }) => (spec as { readonly nodeName?: string }).nodeName)).toEqual(["n1", "n1", "n1"]);
    expect(JSON.stringify(pods)).not.toContain("serviceAccountToken");
  });

  it("evicts by UID, keeps its Lease, its events and its states, and puts and removes copies of what Git says", async () => {
    const pod = (await ours.list(PODS, { namespace: "shop" })).items.find(
      ({ metadata }) => metadata.name === "lonely",
    ) as KubeObject;
    await ours.evict({ namespace: "shop", name: "lonely" }, { uid: pod.metadata.uid ?? "", dryRun: true });
    const lease = await ours.create(LEASES, {
      metadata: { name: CONTROLLER_LEASE, namespace: DEFAULT_NAMESPACE },
      spec: { holderIdentity: "one" },
    } as KubeObject);
    await ours.update(LEASES, lease);
    await ours.create(EVENTS, eventOf("n1.ours", REPORTING_CONTROLLER));
    await ours.patch(
      EVENTS,
      { namespace: "default", name: "n1.ours" },
      { type: "merge", body: { series: { count: 2, lastObservedTime: "2026-01-01T00:00:00.000000Z" } } },
    );
    const state = await ours.create<KubeObject>(NODE_PATCH_STATES, { metadata: { name: "n1" } });
    await ours.updateStatus(NODE_PATCH_STATES, { ...state, status: { targetUID: "0c3a" } });
    await ours.delete(NODE_PATCH_STATES, { name: "n1" }, { uid: state.metadata.uid ?? "" });
    const spec = {
      targets: { kind: "Node", names: ["n1"] },
      owner: "a",
      justification: "b",
      expirationTime: "2026-01-01T00:00:00Z",
    };
    const copy = await ours.create(PATCH_EXCEPTIONS, {
      metadata: { name: "from-git", labels: GIT },
      spec,
    } as KubeObject);
    const changed = await ours.update(PATCH_EXCEPTIONS, { ...copy, spec: { ...spec, justification: "c" } });
    await ours.delete(PATCH_EXCEPTIONS, { name: "from-git" }, { uid: changed.metadata.uid ?? "" });

    expect(await admin.get(PATCH_EXCEPTIONS, { name: "from-git" })).toBeUndefined();
    expect(await admin.get(EVENTS, { namespace: "default", name: "n1.ours" })).toMatchObject({ series: { count: 2 } });
  });
});

describe("ringward check --pre", () => {
  const POLICY = "validatingadmissionpolicybinding";

  it("says before the installation that it may be made, and what is not there", () => {
    expect(before.code).toBe(0);
    expect(before.out).toMatch(/^ok +version +Kubernetes v1\.36\./m);
    expect(before.out).toMatch(/^ok +apis +9 APIs are served/m);
    expect(before.out).toMatch(/^ok +rights +kubernetes-admin may install Ringward$/m);
    expect(before.out).toMatch(/^3 ok, 4 warn, 0 fail, 0 unknown$/m);
  });

  it("finds everything in order after it: definitions, rights, namespaces, policies, and that they are in force", async () => {
    const { out } = await runCheck(plane.kubeconfig("admin"));

    expect(out).toMatch(/^ok +definitions +all 10 kinds are served as this version has them$/m);
    expect(out).toMatch(/^ok +permissions +ringward-controller may do all 9\d things that it needs, and nothing/m);
    expect(out).toMatch(/^ok +namespace +ringward-system is held to the Pod Security level restricted$/m);
    expect(out).toMatch(/^ok +job namespace /m);
    expect(out).toMatch(/^ok +admission policies +all 12 are there with their bindings/m);
    expect(out).toMatch(/^ok +admission in force +ringward-jobs refuses a job that is no step of a recipe$/m);
    // The repository of these tests is nowhere, and no token of it is mounted here.
    expect(out).toMatch(/^(fail|unknown) +git +PolicyRepository policy: /m);
  });

  it("says to the account itself what it may do, and skips what it may not see", async () => {
    const { code, out } = await runCheck(await plane.serviceAccountKubeconfig(DEFAULT_NAMESPACE, ACCOUNT));

    // Git: the repository of these tests is nowhere.
    expect(code).toBe(1);
    expect(out).toMatch(/^ok +permissions +ringward-controller may do all 9\d things/m);
    expect(out).toMatch(/^ok +admission in force /m);
    expect(out).toMatch(/^unknown +git +PolicyRepository policy: /m);
    for (const line of ["definitions", "namespace", "job namespace", "admission policies", "recipe images"])
      expect(out).toMatch(
        new RegExp(`^skip +${line} +the controller's account may not see it: an administrator may$`, "m"),
      );
    expect(out).toMatch(/^5 ok, 0 warn, 0 fail, 1 unknown, 5 skipped: run it as an administrator, too$/m);
  });

  it("finds a role, a binding and a policy that are not as they should be, and an account that may too much", async () => {
    const role = await kubectl.run(["get", "role", "-n", "ringward-jobs", "ringward-controller", "-o", "json"]);
    await kubectl.run(["delete", "role", "-n", "ringward-jobs", "ringward-controller"]);
    await kubectl.run(["delete", POLICY, "ringward-jobs"]);
    await kubectl.run(["delete", POLICY, "ringward-job-pods"]);
    const bind = ["--clusterrole", "view", "--serviceaccount", `${DEFAULT_NAMESPACE}:${ACCOUNT}`];
    await kubectl.run(["create", "clusterrole", "secrets", "--verb", "list", "--resource", "secrets"]);
    await kubectl.run(["create", "clusterrolebinding", "too-much", ...bind.with(1, "secrets")]);
    const { out } = await waitFor(
      "the policy to be out of force",
      async () => {
        const said = await runCheck(plane.kubeconfig("admin"));
        return /^fail +admission in force /m.test(said.out) ? said : undefined;
      },
      { withinMs: 60_000 },
    );
    await kubectl.run(["delete", "clusterrolebinding", "too-much"]);
    const { metadata, ...rest } = JSON.parse(role) as KubeObject;
    const made = { ...rest, metadata: { name: metadata.name, namespace: metadata.namespace, labels: metadata.labels } };
    await kubectl.run(["create", "-f", "-"], JSON.stringify(made));
    await kubectl.run(["apply", "-f", "-"], renderManifests(installManifests(SETTINGS), "yaml"));

    expect(out).toMatch(
      /^fail +permissions +ringward-controller may not get, list, watch, create, patch, delete jobs\.batch in ringward-jobs \(Recipe steps/m,
    );
    expect(out).toMatch(/^warn +permissions +ringward-controller may list secrets \(every Secret\)/m);
    expect(out).toMatch(/^fail +admission policies +ValidatingAdmissionPolicyBinding ringward-jobs is not there$/m);
    await waitFor(
      "the policy to be in force again",
      async () =>
        /^ok +admission in force /m.test((await runCheck(plane.kubeconfig("admin"))).out) ? true : undefined,
      { withinMs: 60_000 },
    );
  });
});

describe("ways out of the account", () => {
  it("are shut, each with the rule that shuts it", async () => {
    await makeJob("waits", "ReadWrite", true);
    await makeJob("runs", "ReadOnly", false);

    expect(ATTEMPTS.length).toBeGreaterThan(40);
    expect(await notRefused(ATTEMPTS, false)).toEqual([]);
    expect(await notRefused(JOB_PATCHES, false)).toEqual([]);
  });

  it("are shut in the job namespace: only steps of recipes, whoever asks", async () => {
    const good = await jobAsMade();
    const bad = badJobs(good);
    const asked = bad.map(({ what, job, refusal }) => ({ what, request: creating(job), refusal }));
    const people = await Promise.allSettled(bad.map(({ job }) => admin.create(JOBS, job, { dryRun: true })));

    expect(await refusalOf({ request: creating(good) })).toBeUndefined();
    expect(asked.length).toBeGreaterThan(30);
    expect(await notRefused(asked, false)).toEqual([]);
    expect(
      people.map((result, index) => [
        bad[index]?.what,
        result.status === "rejected" &&
          result.reason instanceof ApiError &&
          /'ringward-jobs'/.test(result.reason.message),
      ]),
    ).toEqual(bad.map(({ what }) => [what, true]));
  });

  it("are shut to everybody at the pods of the job namespace", async () => {
    const { items } = await admin.list(PODS, { namespace: "ringward-jobs" });
    const [pod] = items;
    const bare = (spec: object, metadata: object = {}): Promise<unknown> =>
      admin.create(PODS, { metadata: { name: "bare", namespace: "ringward-jobs", ...metadata }, spec } as KubeObject, {
        dryRun: true,
      });
    const { containers, volumes } = (pod?.spec ?? {}) as {
      readonly containers: readonly object[];
      readonly volumes: readonly object[];
    };
    const shape = {
      nodeName: "n1",
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      containers,
      volumes,
    };
    const ownerReferences = [
      {
        apiVersion: "batch/v1",
        kind: "Job",
        name: "runs",
        uid: "0c3b",
        controller: true,
      },
    ];
    const path = `/api/v1/namespaces/ringward-jobs/pods/${pod?.metadata.name}`;

    await expect(bare(shape, { ownerReferences })).resolves.toBeDefined();
    await expect(bare(shape)).rejects.toThrow(/'ringward-job-pods'.*belongs to a Job/);
    await expect(bare({ ...shape, hostNetwork: true }, { ownerReferences })).rejects.toThrow(/'ringward-job-pods'/);
    await expect(bare({ ...shape, automountServiceAccountToken: true }, { ownerReferences })).rejects.toThrow(
      /'ringward-job-pods'.*service-account token/,
    );
    await expect(
      bare({ ...shape, containers: [{ name: "step", image: "registry.example.com/evil/a:1" }] }, { ownerReferences }),
    ).rejects.toThrow(/'ringward-job-pods'/);
    const swap = (image: string): Promise<unknown> => {
      const body = [{ op: "replace" as const, path: "/spec/containers/0/image", value: image }];
      return admin.patch(PODS, { namespace: "ringward-jobs", name: pod?.metadata.name ?? "" }, { type: "json", body });
    };
    await expect(swap(`evil.example.com/ringward/a@sha256:${"6".repeat(64)}`)).rejects.toThrow(
      /'ringward-job-pods'.*not under an allowed prefix/,
    );
    await expect(swap("registry.example.com/ringward/a:1")).rejects.toThrow(/'ringward-job-pods'.*digest/);
    for (const subresource of ["exec", "attach", "portforward"])
      expect(
        (
          await plane.transport("admin").request({
            method: "POST",
            path: `${path}/${subresource}`,
            query: { command: "sh", container: "step", stdout: "true" },
          })
        ).body,
      ).toMatchObject({ message: expect.stringMatching(/'ringward-job-pods-closed'.*nobody enters/) as string });
    const debug = [{ name: "in", image: "registry.example.com/a/b:1" }];
    await expect(
      kubectl.run([
        "patch",
        "pod",
        "-n",
        "ringward-jobs",
        pod?.metadata.name ?? "",
        "--subresource",
        "ephemeralcontainers",
        "--type",
        "strategic",
        "-p",
        JSON.stringify({ spec: { ephemeralContainers: debug } }),
      ]),
    ).rejects.toThrow(/'ringward-job-pods-closed'.*nobody enters/);
  });

  it("stay shut where somebody bound the account to cluster-admin", async () => {
    await kubectl.run([
      "create",
      "clusterrolebinding",
      "too-much",
      "--clusterrole",
      "cluster-admin",
      "--serviceaccount",
      `${DEFAULT_NAMESPACE}:${ACCOUNT}`,
    ]);
    // A second ledger is refused for its name alone where there is one.
    const writes = [...ATTEMPTS, ...JOB_PATCHES].filter(({ request }) => request.method !== "GET");
    const probe = { request: { method: "GET", path: "/api/v1/namespaces/shop/secrets" } } as const;
    await waitFor("the binding", async () => ((await refusalOf(probe)) === undefined ? true : undefined), {
      withinMs: 60_000,
    });

    expect(await notRefused(writes, true)).toEqual([]);
    await kubectl.run(["delete", "clusterrolebinding", "too-much"]);
  });
});
