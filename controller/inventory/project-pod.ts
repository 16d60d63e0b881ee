// A Pod object as the core sees it: what a drain must know of it, and which images it runs. Must never throw (V4).
import type { ContainerImage, PodAsset, PodImages } from "../core/model.ts";
import type { Instant } from "../clock.ts";
import { entryOf, fieldsAt, instantOf, listOf, textOf } from "./fields.ts";
import { annotationsOf, claimOf, conditionOf, identify, type Projected } from "./projected.ts";
import { type Share, shareNothing } from "./sharing.ts";

/** Everything that is kept of a pod. */
export interface PodRecord {
  readonly asset: PodAsset;
  readonly resourceVersion: string;
  readonly createdAt: Instant;
  readonly containers: readonly ContainerImage[];
  readonly running: PodImages["running"];
  /** What its workload keeps of it. */
  readonly images: PodImages;
  readonly claimId: string | undefined;
}

/** Projects a pod; `share` finds what it has in common with others. */
export function projectPod(object: unknown, share: Share = shareNothing): Projected<PodRecord> {
  const identity = identify("Pod", true, object);
  if (!identity.ok) return identity;
  const { name, namespace, uid, deleting, resourceVersion, createdAt } = identity.value;
  const labels = share(identity.value.labels);
  const controller = identity.value.controller === undefined ? undefined : share(identity.value.controller);
  const spec = fieldsAt(object, "spec");
  const status = fieldsAt(object, "status");
  const annotations = annotationsOf(object);
  const nodeName = textOf(spec["nodeName"]);
  const containers = share(containersOf(spec));
  const priority = spec["priority"];
  const ready = conditionOf(object, "Ready")?.status === "True";
  const running = share(runningOf(status, containers, controller !== undefined));
  return {
    ok: true,
    value: {
      asset: {
        namespace,
        name,
        uid,
        nodeName: nodeName === "" ? undefined : nodeName,
        labels,
        phase: textOf(status["phase"], 32),
        deleting,
        ready,
        controller,
        mirror: Object.hasOwn(annotations, "kubernetes.io/config.mirror"),
        emptyDir: listOf(spec["volumes"]).some((volume) => Object.hasOwn(fieldsAt(volume), "emptyDir")),
        priority: typeof priority === "number" && Number.isFinite(priority) ? priority : 0,
        job: controller?.kind === "Job",
        ...drainFields(object, annotations, name),
      },
      resourceVersion,
      createdAt,
      containers,
      running,
      images: { name, ready, running },
      claimId: claimOf(annotations),
    },
  };
}

type DrainFields = Pick<PodAsset, "endsAt" | "finalizers" | "doNotEvict" | "hostPath" | "volumeClaims">;

/** What matters to a drain and few pods have. */
function drainFields(object: unknown, annotations: Readonly<Record<string, string>>, name: string): DrainFields {
  const metadata = fieldsAt(object, "metadata");
  const volumes = listOf(fieldsAt(object, "spec")["volumes"]).map((volume) => fieldsAt(volume));
  const endsAt = instantOf(metadata["deletionTimestamp"]);
  const finalizers = listOf(metadata["finalizers"])
    .flatMap((one) => textOf(one, 128) || [])
    .slice(0, 8);
  const asks = KEEP.find(([key, value]) => entryOf(annotations, key) === value);
  // The claim of an ephemeral volume is named after pod and volume.
  const claims = volumes.flatMap((volume) => {
    if (Object.hasOwn(volume, "ephemeral")) return [`${name}-${textOf(volume["name"], 63)}`];
    return textOf(fieldsAt(volume, "persistentVolumeClaim")["claimName"]) || [];
  });
  return {
    ...(endsAt === undefined ? {} : { endsAt }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
    ...(asks === undefined ? {} : { doNotEvict: `${asks[0]}: "${asks[1]}"` }),
    ...(volumes.some((volume) => Object.hasOwn(volume, "hostPath")) ? { hostPath: true } : {}),
    ...(claims.length === 0 ? {} : { volumeClaims: claims }),
  };
}

/** With these a pod's owner asks that it is not evicted (Karpenter; Cluster Autoscaler's FAQ). */
const KEEP: readonly (readonly [string, string])[] = [
  ["karpenter.sh/do-not-disrupt", "true"],
  ["cluster-autoscaler.kubernetes.io/safe-to-evict", "false"],
];

/** Init containers first, as the template lists them. A container without a name or image is left out. */
export function containersOf(spec: Readonly<Record<string, unknown>>): readonly ContainerImage[] {
  const read = (list: unknown, init: boolean): ContainerImage[] =>
    listOf(list).flatMap((one) => {
      const { name, image } = fieldsAt(one);
      const container = { name: textOf(name, 63), init, image: textOf(image, 512) };
      return container.name === "" || container.image === "" ? [] : [container];
    });
  return [...read(spec["initContainers"], true), ...read(spec["containers"], false)];
}

/**
 * What runs. Runtimes know an image by its content and report any of the tags that point to it, so for pods whose containers
 * cannot change (those of a controller) the pod's own words stand for the tag; the digest is always the runtime's.
 */
function runningOf(
  status: Readonly<Record<string, unknown>>,
  containers: readonly ContainerImage[],
  controlled: boolean,
): PodImages["running"] {
  const statuses = [...listOf(status["initContainerStatuses"]), ...listOf(status["containerStatuses"])];
  return statuses.flatMap((one) => {
    const { name, image, imageID } = fieldsAt(one);
    const container = textOf(name, 63);
    const imageId = textOf(imageID, 512);
    if (container === "" || imageId === "") return [];
    const own = controlled ? containers.find((other) => other.name === container)?.image : undefined;
    return [{ container, image: own ?? textOf(image, 512), imageId }];
  });
}
