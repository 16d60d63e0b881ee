// PersistentVolumes and VolumeAttachments as a drain sees them. Must never throw (V4).
import type { VolumeAsset } from "../core/model.ts";
import type { Attachment } from "../core/operations/drain.ts";
import { fieldsAt, textOf } from "./fields.ts";
import { identify, type Projected } from "./projected.ts";

/** Projects a PersistentVolume: whose it is, and whether it is a disk of one node. */
export function projectVolume(object: unknown): Projected<VolumeAsset> {
  const identity = identify("PersistentVolume", false, object);
  if (!identity.ok) return identity;
  const spec = fieldsAt(object, "spec");
  const { namespace, name } = fieldsAt(spec, "claimRef");
  const claim = `${textOf(namespace, 63)}/${textOf(name)}`;
  return {
    ok: true,
    value: {
      name: identity.value.name,
      claim: claim === "/" ? undefined : claim,
      local: Object.hasOwn(spec, "local") || Object.hasOwn(spec, "hostPath"),
    },
  };
}

/** A VolumeAttachment of a node; undefined: it is another node's. */
export function projectAttachment(object: unknown, node: string): Attachment | undefined {
  const spec = fieldsAt(object, "spec");
  if (textOf(spec["nodeName"]) !== node) return undefined;
  const volume = textOf(fieldsAt(spec, "source")["persistentVolumeName"]);
  return { name: textOf(fieldsAt(object, "metadata")["name"]), volume: volume === "" ? undefined : volume };
}
