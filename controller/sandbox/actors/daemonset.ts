// The sandbox's DaemonSet controller: one pod on every node that its template may run on, cordoned and NotReady nodes
// included; RollingUpdate with maxUnavailable or maxSurge, or OnDelete; revisions kept as ControllerRevisions.
// An update never makes more nodes unavailable than allowed; nodes that are unavailable already come first and are free.
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { DaemonSet, Node, Pod, PodSpec, Toleration } from "./objects.ts";
import { isAvailable, isFinished, isReady, repelledBy, wantsNode } from "./selection.ts";
import { equal, ownerReference, podFrom, revisionOf, sameTemplate, scaled, templateHash } from "./template.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const HASH_LABEL = "controller-revision-hash";

/** What every daemon pod tolerates (Kubernetes documentation, DaemonSet, "Taints and tolerations"). */
const TOLERATIONS: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
  // The scheduler of a real cluster does not look at Ready itself but at this taint.
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoSchedule" },
];

export function createDaemonSetController(view: ClusterView): Actor {
  const client = view.client("daemonset-controller");
  return {
    name: "daemonset-controller",
    reactive: true,
    async step(now) {
      const before = client.writes();
      for (const set of client.list("daemonsets")) {
        if (set.metadata.deletionTimestamp === undefined) await syncDaemonSet(client, set, now);
      }
      return client.writes() - before;
    },
  };
}

async function syncDaemonSet(client: ActorClient, set: DaemonSet, now: Instant): Promise<void> {
  const hash = templateHash(set.spec.template);
  if (!(await ensureRevision(client, set))) return;
  const nodes = client.list("nodes");
  const wanted = nodes.filter((node) => mayRun(podSpec(set, node.metadata.name), node));
  await placePods(client, set, hash, wanted, nodes);
  if (set.spec.updateStrategy?.type !== "OnDelete") await updatePods(client, set, hash, wanted, now);
  await writeStatus(client, set, hash, wanted, now);
}

async function ensureRevision(client: ActorClient, set: DaemonSet): Promise<boolean> {
  const known = client.ownedBy("controllerrevisions", set.metadata.uid ?? "");
  if (known.some((revision) => sameTemplate(revision.data.spec.template, set.spec.template))) return true;
  const newest = Math.max(0, ...known.map(({ revision }) => revision));
  return (
    (await client.create("controllerrevisions", revisionOf(set, "DaemonSet", set.spec.template, newest + 1))) !==
    undefined
  );
}

/** The template's spec, pinned to one node by affinity as the DaemonSet controller does. */
function podSpec(set: DaemonSet, nodeName: string): PodSpec {
  const { spec } = set.spec.template;
  const onNode = { matchFields: [{ key: "metadata.name", operator: "In", values: [nodeName] }] } as const;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const terms = required?.nodeSelectorTerms.map((term) => ({ ...term, ...onNode })) ?? [onNode];
  return {
    ...spec,
    affinity: {
      ...spec.affinity,
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
    },
    tolerations: [...(spec.tolerations ?? []), ...TOLERATIONS],
  };
}

function mayRun(spec: PodSpec, node: Node): boolean {
  return wantsNode(spec, node) && repelledBy(spec, node, ["NoSchedule", "NoExecute"]).length === 0;
}

/** The node that a daemon pod is for, bound or not yet. */
function targetOf(pod: Pod): string | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return pod.spec.nodeName ?? terms?.[0]?.matchFields?.[0]?.values?.[0];
}

function podsByNode(client: ActorClient, set: DaemonSet): ReadonlyMap<string, readonly Pod[]> {
  const byNode = new Map<string, Pod[]>();
  for (const pod of client.ownedBy("pods", set.metadata.uid ?? "")) {
    const node = targetOf(pod) ?? "";
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  return byNode;
}

function ends(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

async function placePods(
  client: ActorClient,
  set: DaemonSet,
  hash: string,
  wanted: readonly Node[],
  nodes: readonly Node[],
): Promise<void> {
  const byNode = podsByNode(client, set);
  const names = new Set(wanted.map((node) => node.metadata.name));
  for (const [node, pods] of byNode) {
    for (const pod of pods) {
      const finished = isFinished(pod);
      if (!ends(pod) && (finished || (!names.has(node) && mustLeave(set, nodes, node))))
        await client.remove("pods", pod);
    }
  }
  // A node whose pod is still ending gets the next one only when that is gone: there is one pod a node.
  for (const name of names) if ((byNode.get(name) ?? []).length === 0) await createPod(client, set, hash, name);
}

/** A taint that only forbids scheduling does not end a pod that runs. */
function mustLeave(set: DaemonSet, nodes: readonly Node[], name: string): boolean {
  const node = nodes.find((candidate) => candidate.metadata.name === name);
  if (node === undefined) return true;
  const spec = podSpec(set, name);
  return !wantsNode(spec, node) || repelledBy(spec, node, ["NoExecute"]).length > 0;
}

async function createPod(client: ActorClient, set: DaemonSet, hash: string, nodeName: string): Promise<void> {
  const owner = ownerReference(set, "apps/v1", "DaemonSet");
  const labels = { [HASH_LABEL]: hash, "pod-template-generation": String(set.metadata.generation ?? 1) };
  const { template } = set.spec;
  await client.create(
    "pods",
    podFrom({ template, namespace: set.metadata.namespace, owner, labels, spec: podSpec(set, nodeName) }),
  );
}

async function updatePods(
  client: ActorClient,
  set: DaemonSet,
  hash: string,
  wanted: readonly Node[],
  now: Instant,
): Promise<void> {
  const rolling = set.spec.updateStrategy?.rollingUpdate;
  const surge = scaled(rolling?.maxSurge, wanted.length, "up", 0);
  const maxUnavailable = surge > 0 ? 0 : Math.max(1, scaled(rolling?.maxUnavailable, wanted.length, "up", 1));
  const byNode = podsByNode(client, set);
  const minReady = set.spec.minReadySeconds ?? 0;
  const serves = (pod: Pod): boolean => !ends(pod) && isAvailable(pod, minReady, now);
  let unavailable = 0;
  let surging = 0;
  const old: { name: string; pod: Pod; replaced: boolean }[] = [];
  for (const { metadata } of wanted) {
    const pods = byNode.get(metadata.name) ?? [];
    if (!pods.some(serves)) unavailable += 1;
    const outdated = pods.find((pod) => !ends(pod) && pod.metadata.labels?.[HASH_LABEL] !== hash);
    const fresh = pods.find((pod) => !ends(pod) && pod.metadata.labels?.[HASH_LABEL] === hash);
    if (outdated !== undefined && fresh !== undefined) surging += 1;
    if (outdated !== undefined && !serves(outdated)) await client.remove("pods", outdated);
    else if (outdated !== undefined)
      old.push({ name: metadata.name, pod: outdated, replaced: fresh !== undefined && serves(fresh) });
  }
  for (const { name, pod, replaced } of old) {
    if (surge > 0) {
      if (replaced) await client.remove("pods", pod);
      else if (surging++ < surge && (byNode.get(name) ?? []).length === 1) await createPod(client, set, hash, name);
    } else if (unavailable < maxUnavailable) {
      unavailable += 1;
      await client.remove("pods", pod);
    }
  }
}

async function writeStatus(
  client: ActorClient,
  set: DaemonSet,
  hash: string,
  wanted: readonly Node[],
  now: Instant,
): Promise<void> {
  const byNode = podsByNode(client, set);
  const names = new Set(wanted.map(({ metadata }) => metadata.name));
  const alive = (name: string): readonly Pod[] =>
    (byNode.get(name) ?? []).filter((pod) => !ends(pod) && pod.spec.nodeName !== undefined);
  const count = (test: (pods: readonly Pod[]) => boolean): number =>
    [...names].filter((name) => test(alive(name))).length;
  const minReady = set.spec.minReadySeconds ?? 0;
  const available = count((pods) => pods.some((pod) => isAvailable(pod, minReady, now)));
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    currentNumberScheduled: count((pods) => pods.length > 0),
    desiredNumberScheduled: names.size,
    numberMisscheduled: [...byNode.keys()].filter((name) => !names.has(name) && alive(name).length > 0).length,
    numberReady: count((pods) => pods.some(isReady)),
    updatedNumberScheduled: count((pods) => pods.some((pod) => pod.metadata.labels?.[HASH_LABEL] === hash)),
    numberAvailable: available,
    numberUnavailable: names.size - available,
  };
  const known = Object.fromEntries(Object.entries(set.status ?? {}).filter(([key]) => key in status));
  const differs = Object.entries(status).some(([key, value]) => (known[key] ?? 0) !== value);
  if (differs && !equal(status, set.status)) await client.replace("daemonsets", { ...set, status }, "status");
}
