// The sandbox's StatefulSet controller: pods NAME-0 … NAME-n in order, RollingUpdate from the highest ordinal down to the
// partition, OnDelete, revisions kept as ControllerRevisions. One pod at a time under OrderedReady.
// As in Kubernetes, a pod that never gets Ready holds up an OrderedReady set, also when its template is put back:
// somebody has to delete that pod ("Forced rollback" in the documentation).
import type { Instant } from "../../clock.ts";
import type { Actor } from "./actor.ts";
import type { ControllerRevision, Pod, PodTemplate, StatefulSet } from "./objects.ts";
import { isAvailable, isFinished, isReady } from "./selection.ts";
import { equal, ownerReference, podFrom, revisionOf, sameTemplate } from "./template.ts";
import type { ActorClient, ClusterView } from "./view.ts";

const REVISION_LABEL = "controller-revision-hash";

export function createStatefulSetController(view: ClusterView): Actor {
  const client = view.client("statefulset-controller");
  return {
    name: "statefulset-controller",
    reactive: true,
    async step(now) {
      const before = client.writes();
      for (const set of client.list("statefulsets")) {
        if (set.metadata.deletionTimestamp === undefined) await syncStatefulSet(client, set, now);
      }
      return client.writes() - before;
    },
  };
}

/** What one pass knows of a set. */
interface Rollout {
  readonly set: StatefulSet;
  readonly replicas: number;
  readonly partition: number;
  readonly current: { readonly name: string; readonly template: PodTemplate };
  readonly update: { readonly name: string; readonly template: PodTemplate };
  pods(): ReadonlyMap<number, Pod>;
}

async function syncStatefulSet(client: ActorClient, set: StatefulSet, now: Instant): Promise<void> {
  const revisions = await ensureRevision(client, set);
  if (revisions === undefined) return;
  const { update, known } = revisions;
  const currentName = set.status?.currentRevision ?? update.metadata.name;
  const current = known.find(({ metadata }) => metadata.name === currentName) ?? update;
  const rollout: Rollout = {
    set,
    replicas: set.spec.replicas ?? 1,
    partition: set.spec.updateStrategy?.rollingUpdate?.partition ?? 0,
    current: { name: current.metadata.name, template: current.data.spec.template },
    update: { name: update.metadata.name, template: set.spec.template },
    pods: () => byOrdinal(client, set),
  };
  const settled = await fillUp(client, rollout, now);
  if (settled && (await shrink(client, rollout))) await updatePods(client, rollout, now);
  await writeStatus(client, rollout, now);
}

async function ensureRevision(client: ActorClient, set: StatefulSet) {
  const known = client.ownedBy("controllerrevisions", set.metadata.uid ?? "");
  const newest = Math.max(0, ...known.map(({ revision }) => revision));
  const same = known.find((revision) => sameTemplate(revision.data.spec.template, set.spec.template));
  const update: ControllerRevision | undefined =
    same ?? (await client.create("controllerrevisions", revisionOf(set, "StatefulSet", set.spec.template, newest + 1)));
  return update === undefined ? undefined : { update, known };
}

function byOrdinal(client: ActorClient, set: StatefulSet): ReadonlyMap<number, Pod> {
  const pods = new Map<number, Pod>();
  for (const pod of client.ownedBy("pods", set.metadata.uid ?? "")) {
    const ordinal = Number(pod.metadata.name.slice(set.metadata.name.length + 1));
    if (Number.isInteger(ordinal)) pods.set(ordinal, pod);
  }
  return pods;
}

function inOrder({ set }: Rollout): boolean {
  return set.spec.podManagementPolicy !== "Parallel";
}

function isHealthy(pod: Pod | undefined, set: StatefulSet, now: Instant): boolean {
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return false;
  return pod.status?.phase === "Running" && isAvailable(pod, set.spec.minReadySeconds ?? 0, now);
}

/** Creates what is missing; false while an ordered set has to wait for a pod. */
async function fillUp(client: ActorClient, rollout: Rollout, now: Instant): Promise<boolean> {
  let settled = true;
  for (let ordinal = 0; ordinal < rollout.replicas; ordinal++) {
    const pod = rollout.pods().get(ordinal);
    if (pod !== undefined && isFinished(pod) && pod.metadata.deletionTimestamp === undefined) {
      await client.remove("pods", pod);
    } else if (pod === undefined) {
      await createPod(client, rollout, ordinal);
    }
    const healthy = isHealthy(rollout.pods().get(ordinal), rollout.set, now);
    if (healthy) continue;
    if (inOrder(rollout)) return false;
    settled &&= pod !== undefined;
  }
  return settled;
}

async function createPod(client: ActorClient, rollout: Rollout, ordinal: number): Promise<void> {
  const { set } = rollout;
  const { name, template } = revisionFor(rollout, ordinal);
  const podName = `${set.metadata.name}-${ordinal}`;
  const labels = {
    [REVISION_LABEL]: name,
    "statefulset.kubernetes.io/pod-name": podName,
    "apps.kubernetes.io/pod-index": String(ordinal),
  };
  const owner = ownerReference(set, "apps/v1", "StatefulSet");
  await client.create("pods", podFrom({ template, namespace: set.metadata.namespace, owner, name: podName, labels }));
}

/** A pod that was evicted before its turn comes back as it was; one that the update removed comes back new. */
function revisionFor(rollout: Rollout, ordinal: number) {
  const { set, partition, current, update } = rollout;
  if (current.name === update.name || set.spec.updateStrategy?.type === "OnDelete") return update;
  const stillCurrent = partition > 0 ? partition : (set.status?.currentReplicas ?? 0);
  return ordinal < stillCurrent ? current : update;
}

/** Removes pods beyond the wanted number, highest first; true when there are none. */
async function shrink(client: ActorClient, rollout: Rollout): Promise<boolean> {
  const surplus = [...rollout.pods()].filter(([ordinal]) => ordinal >= rollout.replicas).sort(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (pod.metadata.deletionTimestamp === undefined) await client.remove("pods", pod);
    if (inOrder(rollout)) break;
  }
  return surplus.length === 0;
}

/** Replaces the highest pod of another revision, once all above it are updated and healthy. */
async function updatePods(client: ActorClient, rollout: Rollout, now: Instant): Promise<void> {
  if (rollout.set.spec.updateStrategy?.type === "OnDelete") return;
  for (let ordinal = rollout.replicas - 1; ordinal >= rollout.partition; ordinal--) {
    const pod = rollout.pods().get(ordinal);
    if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    if (pod.metadata.labels?.[REVISION_LABEL] !== rollout.update.name) {
      await client.remove("pods", pod);
      return;
    }
    if (!isHealthy(pod, rollout.set, now)) return;
  }
}

async function writeStatus(client: ActorClient, rollout: Rollout, now: Instant): Promise<void> {
  const { set, replicas, current, update } = rollout;
  const pods = [...rollout.pods().values()].filter((pod) => !isFinished(pod));
  const alive = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const at = (revision: string): number =>
    alive.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === revision).length;
  const ready = alive.filter(isReady).length;
  const done = at(update.name) === replicas && ready === replicas && rollout.partition === 0;
  const currentRevision = done || set.spec.updateStrategy?.type === "OnDelete" ? update.name : current.name;
  const status = {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: pods.length,
    readyReplicas: ready,
    availableReplicas: alive.filter((pod) => isAvailable(pod, set.spec.minReadySeconds ?? 0, now)).length,
    currentReplicas: at(currentRevision),
    updatedReplicas: at(update.name),
    currentRevision,
    updateRevision: update.name,
    collisionCount: 0,
  };
  if (!equal(withoutZero(status), withoutZero(set.status ?? {}))) {
    await client.replace("statefulsets", { ...set, status }, "status");
  }
}

/** A server may leave out counts that are 0; that is no difference. */
function withoutZero(status: object): object {
  return Object.fromEntries(Object.entries(status).filter(([, value]) => value !== 0));
}
