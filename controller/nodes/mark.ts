// The cordon and its mark: one JSON patch with tests on uid and resourceVersion that also writes the claim and the prior
// schedulability, and one that takes all of it back (B4, B6, B7, B9, K8). Only these fields of a Node are ever written.
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { NODES } from "../kube/resources.ts";

/** Claim that holds the node. */
export const CLAIM_MARK = "ringward.dev/claim";
/** Whether the node was unschedulable before Ringward's cordon. */
export const PRIOR_MARK = "ringward.dev/prior-unschedulable";

/** Marks the node, and cordons it where asked. Throws ApiError when the node is not as it was read. */
export async function markNode(
  client: Client,
  node: KubeObject,
  request: { readonly claimId: string; readonly cordon: boolean; readonly priorUnschedulable: boolean },
): Promise<void> {
  const operations: JsonPatchOperation[] = [...preconditions(node)];
  const annotations = node.metadata.annotations;
  if (annotations === undefined) operations.push({ op: "add", path: "/metadata/annotations", value: {} });
  operations.push({ op: "add", path: `/metadata/annotations/${escape(CLAIM_MARK)}`, value: request.claimId });
  // Recorded once, in the first mark: a repeated step must not take our own cordon for somebody else's.
  if (annotations?.[PRIOR_MARK] === undefined || annotations[CLAIM_MARK] !== request.claimId)
    operations.push({
      op: "add",
      path: `/metadata/annotations/${escape(PRIOR_MARK)}`,
      value: String(request.priorUnschedulable),
    });
  if (request.cordon) operations.push({ op: "add", path: "/spec/unschedulable", value: true });
  await client.patch(NODES, node.metadata, { type: "json", body: operations });
}

/** Takes the mark off and, where we had cordoned, restores the prior schedulability exactly. */
export async function unmarkNode(client: Client, node: KubeObject, uncordon: boolean): Promise<void> {
  const operations: JsonPatchOperation[] = [...preconditions(node)];
  const annotations = node.metadata.annotations ?? {};
  for (const mark of [CLAIM_MARK, PRIOR_MARK])
    if (annotations[mark] !== undefined)
      operations.push({ op: "remove", path: `/metadata/annotations/${escape(mark)}` });
  const prior = annotations[PRIOR_MARK] === "true";
  const unschedulable = (node.spec as { readonly unschedulable?: boolean } | undefined)?.unschedulable === true;
  if (uncordon && unschedulable && !prior) operations.push({ op: "remove", path: "/spec/unschedulable" });
  await client.patch(NODES, node.metadata, { type: "json", body: operations });
}

function preconditions(node: KubeObject): readonly JsonPatchOperation[] {
  return [
    { op: "test", path: "/metadata/uid", value: node.metadata.uid },
    { op: "test", path: "/metadata/resourceVersion", value: node.metadata.resourceVersion },
  ];
}

/** JSON pointer escaping (RFC 6901). */
function escape(segment: string): string {
  return segment.replaceAll("~", "~0").replaceAll("/", "~1");
}
