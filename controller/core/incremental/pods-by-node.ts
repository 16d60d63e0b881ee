// The pods of each node, kept from one plan to the next: between two plans only what lies between the parts that both lists begin and end
// with is looked at. A node whose pods are the very same has the very same list, so who remembers something about it can tell.
import type { PodAsset } from "../model.ts";
import type { Steps } from "./steps.ts";

export interface PodsByNode {
  readonly list: readonly PodAsset[];
  readonly of: ReadonlyMap<string, readonly PodAsset[]>;
}

/** Groups pods by node, starting from the last grouping. The order within a node is that of the pods' names and UIDs. */
export function* groupPods(before: PodsByNode | undefined, list: readonly PodAsset[]): Steps<PodsByNode> {
  if (before === undefined) return { list, of: yield* groupAll(list) };
  if (before.list === list) return before;
  const had = before.list;
  let start = 0;
  const shorter = Math.min(had.length, list.length);
  while (start < shorter && had[start] === list[start]) start++;
  let end = 0;
  while (end < shorter - start && had[had.length - 1 - end] === list[list.length - 1 - end]) end++;
  const gone = new Set(had.slice(start, had.length - end));
  const come = new Set(list.slice(start, list.length - end));
  const touched = new Map<string, PodAsset[]>();
  const touch = ({ nodeName }: PodAsset): PodAsset[] | undefined => {
    if (nodeName === undefined) return undefined;
    const known = touched.get(nodeName) ?? [...(before.of.get(nodeName) ?? [])];
    touched.set(nodeName, known);
    return known;
  };
  for (const pod of come) if (!gone.has(pod)) touch(pod)?.push(pod);
  for (const pod of gone) if (!come.has(pod)) touch(pod);
  if (touched.size === 0) return { list, of: before.of };
  const of = new Map(before.of);
  for (const [node, pods] of touched) {
    const left = pods.filter((pod) => come.has(pod) || !gone.has(pod)).sort(comparePods);
    if (left.length === 0) of.delete(node);
    else of.set(node, left);
  }
  return { list, of };
}

/** Nodes. */
const SORTED_IN_ONE_STEP = 256;

function* groupAll(list: readonly PodAsset[]): Steps<ReadonlyMap<string, readonly PodAsset[]>> {
  const of = new Map<string, PodAsset[]>();
  for (const pod of list) {
    if (pod.nodeName === undefined) continue;
    const pods = of.get(pod.nodeName);
    if (pods === undefined) of.set(pod.nodeName, [pod]);
    else pods.push(pod);
  }
  let count = 0;
  for (const pods of of.values()) {
    if (count++ % SORTED_IN_ONE_STEP === 0) yield;
    pods.sort(comparePods);
  }
  return of;
}

function comparePods(a: PodAsset, b: PodAsset): number {
  return compare(a.namespace, b.namespace) || compare(a.name, b.name) || compare(a.uid, b.uid);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
