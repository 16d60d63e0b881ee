// Small hand-made histories: a few objects that change, by a controller or by somebody else. Every helper writes one stored version.
import type { PatchLevelSpec } from "../../controller/api/patch-level.ts";
import type { RolloutRingSpec } from "../../controller/api/rollout-ring.ts";
import { levelDigest, levelName } from "../../controller/core/levels/index.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { checkHistory, type HistoryInput, type Verdict } from "../../controller/sandbox/invariants/index.ts";

export const CONTROLLER = "ringward";
const MONDAY = Date.parse("2024-12-16T08:00:00Z");

export const LEVEL_SPEC: PatchLevelSpec = {
  baseline: "base",
  target: "Node",
  disruption: "Reboot",
  node: {
    product: { id: "flatcar" },
    components: [{ name: "kubelet", scheme: "semver", version: "1.31.4" }],
    recipe: { name: "recipe", strategy: "InPlace" },
    rebootPolicy: "IfRequired",
    drain: "IfDisruptive",
  },
};
export const DIGEST = levelDigest(LEVEL_SPEC);
export const LEVEL = levelName("base", MONDAY, DIGEST);

export interface NodeOptions {
  readonly ring?: string;
  readonly zone?: string;
  readonly ready?: boolean;
  readonly cordoned?: boolean;
  /** Claim and prior schedulability that stand on it. */
  readonly mark?: string;
  readonly prior?: boolean;
  /** Value of the autoscalers' do-not-remove marks; null: there are none. Left out: as a mark sets them. */
  readonly kept?: string | null;
  readonly boot?: string;
  readonly kubelet?: string;
  readonly uid?: string;
  readonly controlPlane?: boolean;
}

export interface ClaimOptions {
  readonly id?: string;
  readonly ring?: string;
  readonly zone?: string;
  readonly uid?: string;
  readonly digest?: string;
  readonly level?: string;
  readonly kind?: string;
  readonly controlPlane?: boolean;
}

export interface Story {
  /** Lets time pass. */
  wait(ms: number): Story;
  put(resource: string, object: KubeObject, user?: string): Story;
  remove(resource: string, name: string, user?: string): Story;
  node(name: string, options?: NodeOptions, user?: string): Story;
  pod(
    name: string,
    node: string,
    options?: { readonly deleting?: boolean; readonly owner?: string },
    user?: string,
  ): Story;
  ring(name: string, spec?: Partial<RolloutRingSpec>, levels?: readonly object[], user?: string): Story;
  calendar(name: string, spec: object): Story;
  level(): Story;
  ledger(claims: readonly object[], spec?: object, user?: string): Story;
  /** The patch state of a node: its operation, or none. */
  state(node: string, operation: object | undefined, rest?: object): Story;
  job(
    name: string,
    node: string,
    step: string,
    options?: { readonly claim?: string; readonly uid?: string; readonly privileged?: boolean },
  ): Story;
  workload(
    name: string,
    image: string,
    options?: { readonly mark?: string; readonly uid?: string },
    user?: string,
  ): Story;
  readonly history: readonly StoredVersion[];
  check(more?: Partial<HistoryInput>): Verdict;
}

/** A claim on a node. */
export function claimOn(node: string, options: ClaimOptions = {}): object {
  const {
    id = `claim-${node}`,
    ring = "canary",
    uid = `uid-${node}`,
    digest = DIGEST,
    level = LEVEL,
    kind = "Node",
  } = options;
  const since = new Date(MONDAY).toISOString();
  const { zone, controlPlane } = options;
  return {
    uid,
    id,
    kind,
    name: node,
    cluster: "test",
    ring,
    baseline: "base",
    level,
    digest,
    since,
    ...(zone === undefined ? {} : { zone }),
    ...(controlPlane === undefined ? {} : { controlPlane }),
  };
}

/** An operation under a claim. */
export function operation(node: string, step: string, rest: object = {}): object {
  return {
    claimId: `claim-${node}`,
    ring: "canary",
    baseline: "base",
    level: LEVEL,
    digest: DIGEST,
    startedTime: "2024-12-16T08:00:00Z",
    stepTime: "2024-12-16T08:00:00Z",
    attempt: 1,
    step,
    bootId: "boot-1",
    disrupt: true,
    ...rest,
  };
}

/** A record of a ring's status: so much soak, served in full or not. */
export function soaked(seconds = 60, served = true): object {
  const time = served ? { soakedTime: "2024-12-16T08:00:00Z" } : {};
  return { baseline: "base", level: LEVEL, digest: DIGEST, soakedSeconds: seconds, ...time, targets: 1 };
}

/** An empty story, a Monday morning. */
export function createStory(): Story {
  const versions: StoredVersion[] = [];
  const present = new Map<string, KubeObject>();
  let time = MONDAY;
  const write = (
    type: StoredVersion["type"],
    resource: string,
    key: string,
    object: KubeObject,
    user: string,
  ): void => {
    const previous = present.get(`${resource}/${key}`);
    time += 1;
    versions.push({
      revision: versions.length + 1,
      type,
      resource,
      key: `${resource}/${key}`,
      object,
      user,
      time,
      ...(previous === undefined ? {} : { previous }),
    });
    if (type === "DELETED") present.delete(`${resource}/${key}`);
    else present.set(`${resource}/${key}`, object);
  };
  const story: Story = {
    wait(ms) {
      time += ms;
      return story;
    },
    put(resource, object, user = "somebody") {
      const { name, namespace } = object.metadata;
      const key = namespace === undefined ? name : `${namespace}/${name}`;
      write(present.has(`${resource}/${key}`) ? "MODIFIED" : "ADDED", resource, key, object, user);
      return story;
    },
    remove(resource, key, user = "somebody") {
      const object = present.get(`${resource}/${key}`);
      if (object === undefined) throw new Error(`there is no ${resource}/${key}`);
      write("DELETED", resource, key, object, user);
      return story;
    },
    node: (name, options = {}, user = CONTROLLER) => story.put("nodes", nodeObject(name, options), user),
    pod: (name, node, { deleting, owner } = {}, user = "somebody") =>
      story.put(
        "pods",
        {
          kind: "Pod",
          metadata: {
            name,
            namespace: "shop",
            uid: `uid-${name}`,
            ...(deleting === true ? { deletionTimestamp: "2024-12-16T08:00:00Z" } : {}),
            ...(owner === undefined
              ? {}
              : {
                  ownerReferences: [
                    { apiVersion: "apps/v1", kind: owner, name: "owner", uid: "uid-owner", controller: true },
                  ],
                }),
          },
          spec: { nodeName: node },
          status: { phase: "Running" },
        },
        user,
      ),
    ring: (name, spec = {}, levels = [], user = CONTROLLER) =>
      story.put(
        "rolloutrings.ringward.dev",
        {
          kind: "RolloutRing",
          metadata: { name },
          spec: {
            members: {
              nodes: { selector: { matchLabels: { ring: name } } },
              workloads: { selector: { matchLabels: { ring: name } } },
            },
            budget: { nodes: 2 },
            soak: "1m",
            levels: [{ baseline: "base", level: LEVEL }],
            ...spec,
          },
          status: { levels },
        },
        user,
      ),
    calendar: (name, spec) =>
      story.put("maintenancecalendars.ringward.dev", { kind: "MaintenanceCalendar", metadata: { name }, spec }),
    level: () =>
      story.put("patchlevels.ringward.dev", { kind: "PatchLevel", metadata: { name: LEVEL }, spec: LEVEL_SPEC }),
    ledger: (claims, spec = {}, user = CONTROLLER) =>
      story.put(
        "disruptionledgers.ringward.dev",
        {
          kind: "DisruptionLedger",
          metadata: { name: "cluster" },
          spec: { mode: "Enforce", limits: { nodes: 3, workloads: 3, nodesPerZone: 3 }, ...spec },
          status: { claims, rebuiltTime: "2024-12-16T07:59:00Z" },
        },
        user,
      ),
    state: (node, under, rest = {}) =>
      story.put(
        "nodepatchstates.ringward.dev",
        {
          kind: "NodePatchState",
          metadata: { name: node },
          status: { targetUID: `uid-${node}`, ...(under === undefined ? {} : { operation: under }), ...rest },
        },
        CONTROLLER,
      ),
    job: (name, node, step, { claim = `claim-${node}`, uid = `uid-${node}`, privileged = true } = {}) =>
      story.put("jobs.batch", jobObject(name, node, step, claim, uid, privileged), CONTROLLER),
    workload: (name, image, { mark, uid = `uid-${name}` } = {}, user = CONTROLLER) =>
      story.put(
        "deployments.apps",
        {
          kind: "Deployment",
          metadata: {
            name,
            namespace: "shop",
            uid,
            labels: { ring: "canary" },
            ...(mark === undefined ? {} : { annotations: { "ringward.dev/claim": mark } }),
          },
          spec: { template: { spec: { containers: [{ name: "main", image }] } } },
        },
        user,
      ),
    history: versions,
    check: (more = {}) => checkHistory({ history: versions, controllerUsers: new Set([CONTROLLER]), ...more }),
  };
  return story;
}

function nodeObject(name: string, options: NodeOptions): KubeObject {
  const {
    ring = "canary",
    zone,
    ready = true,
    cordoned = false,
    mark,
    prior = false,
    kept = mark === undefined ? null : "true",
    boot = "boot-1",
    kubelet = "v1.31.0",
    uid = `uid-${name}`,
    controlPlane,
  } = options;
  return {
    kind: "Node",
    metadata: {
      name,
      uid,
      labels: {
        ring,
        ...(zone === undefined ? {} : { "topology.kubernetes.io/zone": zone }),
        ...(controlPlane === true ? { "node-role.kubernetes.io/control-plane": "" } : {}),
      },
      annotations: {
        ...(mark === undefined
          ? {}
          : { "ringward.dev/claim": mark, "ringward.dev/prior-unschedulable": String(prior) }),
        ...(kept === null
          ? {}
          : {
              "cluster-autoscaler.kubernetes.io/scale-down-disabled": kept,
              "karpenter.sh/do-not-disrupt": kept,
            }),
      },
    },
    spec: { ...(cordoned ? { unschedulable: true } : {}) },
    status: {
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      nodeInfo: {
        bootID: boot,
        kubeletVersion: kubelet,
        kernelVersion: "6.6.54-flatcar",
        osImage: "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)",
        containerRuntimeVersion: "containerd://1.7.18",
      },
    },
  };
}

function jobObject(
  name: string,
  node: string,
  step: string,
  claim: string,
  uid: string,
  privileged: boolean,
): KubeObject {
  return {
    kind: "Job",
    metadata: {
      name,
      namespace: "ringward-jobs",
      labels: {
        "ringward.dev/step": step,
        "ringward.dev/node-uid": uid,
        ...(claim === "" ? {} : { "ringward.dev/claim": claim }),
      },
    },
    spec: {
      template: {
        spec: {
          nodeName: node,
          hostPID: privileged,
          containers: [
            { name: "step", securityContext: { privileged }, volumeMounts: [{ name: "host", readOnly: !privileged }] },
          ],
        },
      },
    },
  };
}
