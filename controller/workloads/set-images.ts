// The one write on a workload: its image fields, each with its old value as a test, together with the claim's mark, bound to the
// UID that was read (B9, K1). Nothing else of the template is touched.
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import type { Resource } from "../kube/resources.ts";
import type { ImageChange } from "../core/operations/workload-steps.ts";

/** Claim that holds the workload. */
export const CLAIM_MARK = "ringward.dev/claim";

interface Template {
  readonly template?: {
    readonly spec?: Readonly<Record<"containers" | "initContainers", readonly { readonly name: string }[] | undefined>>;
  };
}

/** Sets images and the mark. Throws ApiError when the workload is not as it was read. */
export async function setImages(
  client: Client,
  resource: Resource,
  object: KubeObject,
  images: readonly ImageChange[],
  claimId: string,
): Promise<void> {
  const spec = (object.spec as Template | undefined)?.template?.spec;
  const operations: JsonPatchOperation[] = [{ op: "test", path: "/metadata/uid", value: object.metadata.uid }];
  for (const { container, init, from, to } of images) {
    const list = init ? "initContainers" : "containers";
    const index = spec?.[list]?.findIndex((other) => other.name === container) ?? -1;
    if (index < 0) continue;
    const base = `/spec/template/spec/${list}/${index}`;
    operations.push(
      { op: "test", path: `${base}/name`, value: container },
      { op: "test", path: `${base}/image`, value: from },
      { op: "replace", path: `${base}/image`, value: to },
    );
  }
  if (object.metadata.annotations === undefined)
    operations.push({ op: "add", path: "/metadata/annotations", value: {} });
  operations.push({ op: "add", path: `/metadata/annotations/${CLAIM_MARK.replaceAll("/", "~1")}`, value: claimId });
  await client.patch(resource, object.metadata, { type: "json", body: operations });
}

/** Takes the mark off. */
export async function unmarkWorkload(client: Client, resource: Resource, object: KubeObject): Promise<void> {
  await client.patch(resource, object.metadata, {
    type: "json",
    body: [
      { op: "test", path: "/metadata/uid", value: object.metadata.uid },
      { op: "remove", path: `/metadata/annotations/${CLAIM_MARK.replaceAll("/", "~1")}` },
    ],
  });
}
