// The cordon and its mark: one JSON patch with tests on uid and resourceVersion that also writes the claim, the prior schedulability and
// the autoscalers' do-not-remove marks, and one that takes all of it back (B4, B6, B7, B9, K8). Only these fields of a Node are ever
// written; what a person changed meanwhile stays as they left it.
import { KEEP_MARKS } from "../core/interop/markers.ts";
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { NODES } from "../kube/resources.ts";

/** Claim that holds the node. */
export const CLAIM_MARK = "ringward.dev/claim";
/** Whether the node was unschedulable before Ringward's cordon. */
export const PRIOR_MARK = "ringward.dev/prior-unschedulable";
/** The do-not-remove marks that Ringward set, as JSON: what each was before, null where there was none. */
export const PRIOR_MARKS = "ringward.dev/prior-marks";

/** Longest value of somebody else's that is remembered; one that is longer is left as it is. */
const LONGEST_PRIOR = 64;

type Prior = Readonly<Record<string, string | null>>;

export interface MarkRequest {
  readonly claimId: string;
  readonly cordon: boolean;
  readonly priorUnschedulable: boolean;
  /** Where this claim marked the node before, and somebody wiped the mark: what was remembered then. */
  readonly priorMarks?: string;
}

/** Marks the node, and cordons it where asked. Throws ApiError when the node is not as it was read. */
export async function markNode(client: Client, node: KubeObject, request: MarkRequest): Promise<void> {
  const operations: JsonPatchOperation[] = [...preconditions(node)];
  const annotations = node.metadata.annotations;
  if (annotations === undefined) operations.push({ op: "add", path: "/metadata/annotations", value: {} });
  operations.push(annotate(CLAIM_MARK, request.claimId));
  // Recorded once, in the first mark: a repeated step must not take our own marks for somebody else's.
  if (annotations?.[PRIOR_MARK] === undefined || annotations[CLAIM_MARK] !== request.claimId) {
    operations.push(annotate(PRIOR_MARK, String(request.priorUnschedulable)));
    const known = readPrior(request.priorMarks);
    const prior = findPrior(annotations ?? {}, known);
    operations.push(annotate(PRIOR_MARKS, JSON.stringify(prior)));
    for (const key of Object.keys(prior)) operations.push(annotate(key, "true"));
  }
  if (request.cordon) operations.push({ op: "add", path: "/spec/unschedulable", value: true });
  await client.patch(NODES, node.metadata, { type: "json", body: operations });
}

/**
 * Takes the mark off and, where we had cordoned, restores the prior schedulability exactly. `priorMarks`: as the operation remembers
 * them, where the node's own annotation is gone.
 */
export async function unmarkNode(
  client: Client,
  node: KubeObject,
  uncordon: boolean,
  priorMarks: string | undefined,
): Promise<void> {
  const operations: JsonPatchOperation[] = [...preconditions(node)];
  const annotations = node.metadata.annotations ?? {};
  for (const [key, value] of Object.entries(readPrior(annotations[PRIOR_MARKS] ?? priorMarks))) {
    // A person who changed or removed it meanwhile meant it.
    if (annotations[key] !== "true") continue;
    operations.push(value === null ? { op: "remove", path: pathOf(key) } : annotate(key, value));
  }
  for (const mark of [CLAIM_MARK, PRIOR_MARK, PRIOR_MARKS])
    if (annotations[mark] !== undefined) operations.push({ op: "remove", path: pathOf(mark) });
  const prior = annotations[PRIOR_MARK] === "true";
  const unschedulable = (node.spec as { readonly unschedulable?: boolean } | undefined)?.unschedulable === true;
  if (uncordon && unschedulable && !prior) operations.push({ op: "remove", path: "/spec/unschedulable" });
  await client.patch(NODES, node.metadata, { type: "json", body: operations });
}

/** The marks that have to be set, and what each was before. One that says "true" already is somebody else's. */
function findPrior(annotations: Readonly<Record<string, string>>, known: Prior): Prior {
  const pairs = KEEP_MARKS.flatMap((key): readonly (readonly [string, string | null])[] => {
    const value = annotations[key];
    const before = known[key];
    if (before !== undefined && (value === "true" || value === undefined)) return [[key, before]];
    if (value === "true" || (value?.length ?? 0) > LONGEST_PRIOR) return [];
    return [[key, value ?? null]];
  });
  return Object.fromEntries(pairs);
}

/** Reads what was remembered. A node writes its own annotations: only our two keys count, and only short values (V4). */
function readPrior(text: string | undefined): Prior {
  if (text === undefined || text.length > 512) return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof value !== "object" || value === null) return {};
  const read = value as Readonly<Record<string, unknown>>;
  const pairs = KEEP_MARKS.flatMap((key): readonly (readonly [string, string | null])[] => {
    const before = Object.hasOwn(read, key) ? read[key] : undefined;
    return before === null || (typeof before === "string" && before.length <= LONGEST_PRIOR) ? [[key, before]] : [];
  });
  return Object.fromEntries(pairs);
}

function annotate(key: string, value: string): JsonPatchOperation {
  return { op: "add", path: pathOf(key), value };
}

function preconditions(node: KubeObject): readonly JsonPatchOperation[] {
  return [
    { op: "test", path: "/metadata/uid", value: node.metadata.uid },
    { op: "test", path: "/metadata/resourceVersion", value: node.metadata.resourceVersion },
  ];
}

/** JSON pointer of an annotation (RFC 6901). */
function pathOf(key: string): string {
  return `/metadata/annotations/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
