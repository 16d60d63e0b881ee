// Collects Kubernetes objects of mixed kinds, in any order, into one inventory. Objects are projected as they come and not kept,
// so memory follows the number of objects and not their size. The order of the objects never changes the result (R6); a bad one
// becomes a problem and the others go on (V4).
import type { Instant } from "../clock.ts";
import { controlPlanePods } from "./control-plane.ts";
import type { Inventory, NodeAsset, PdbAsset, VolumeAsset } from "../core/model.ts";
import { canonicalJson } from "../core/levels/index.ts";
import { type Fields, fieldsAt, instantOf, isFields, listOf, textOf } from "./fields.ts";
import {
  groupHolds,
  type HoldElsewhere,
  holdsOfDaemonSet,
  holdsOfJob,
  holdsOfLease,
  MEDIK8S_LEASES,
  withHolds,
} from "./foreign.ts";
import { joinWorkloads } from "./join-workloads.ts";
import { projectNode, readHeardAt } from "./project-node.ts";
import { projectPdb } from "./project-pdb.ts";
import { projectVolume } from "./project-volume.ts";
import { type PodRecord, projectPod } from "./project-pod.ts";
import { type ControllerKind, projectWorkload, type WorkloadHead } from "./project-workload.ts";
import type { ObjectProblem, Projected } from "./projected.ts";

/** An object of one of Ringward's own kinds, as it was read and not validated. */
export interface OwnObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface Collected {
  readonly inventory: Inventory;
  /** Ringward's own objects by kind, sorted by namespace and name. */
  readonly objects: ReadonlyMap<string, readonly OwnObject[]>;
  readonly problems: readonly ObjectProblem[];
  /** The newest time that anything in the cluster wrote down; undefined: nothing did. */
  readonly takenAt: Instant | undefined;
}

export interface Collector {
  /** Takes one object, or a list of objects. `listKind` (`NodeList`) says what items without a kind are. */
  add(object: unknown, listKind?: string): void;
  problem(problem: ObjectProblem): void;
  finish(): Collected;
}

const CONTROLLERS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"]);
const GROUP = "ringward.dev/";
const NODE_LEASES = "kube-node-lease";

/** Kinds that are read, with the group that they must be of; kinds of other groups by the same name are somebody else's. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["Node", ""],
  ["Pod", ""],
  ["PersistentVolume", ""],
  ["Lease", "coordination.k8s.io"],
  ["PodDisruptionBudget", "policy"],
  ["Deployment", "apps"],
  ["StatefulSet", "apps"],
  ["DaemonSet", "apps"],
  ["ReplicaSet", "apps"],
  ["Job", "batch"],
]);

/** The kinds that are read beside Ringward's own. */
export const READ_KINDS: readonly string[] = [...GROUPS.keys()];

/** The part of a Node that its projection needs the Lease beside; kept until all is read. */
interface LeaseRecord {
  readonly metadata: { readonly ownerReferences: readonly { readonly uid: unknown }[] };
  readonly spec: { readonly renewTime: unknown };
}

/** An empty collector. */
export function createCollector(): Collector {
  const nodes = createShelf<NodeAsset>("Node");
  const pods = createShelf<PodRecord>("Pod");
  const pdbs = createShelf<PdbAsset>("PodDisruptionBudget");
  const volumes = createShelf<VolumeAsset>("PersistentVolume");
  const heads = createShelf<WorkloadHead>("workload");
  const leases = createShelf<LeaseRecord>("Lease");
  const own = createShelf<OwnObject>("object");
  const holds = createShelf<readonly HoldElsewhere[]>("object");
  const shelves = [nodes, pods, pdbs, volumes, heads, leases, own];
  const problems: ObjectProblem[] = [];
  let takenAt: Instant | undefined;
  let apiServerVersion: string | undefined;

  function keep<T>(shelf: Shelf<T>, object: unknown, kind: string, projected: Projected<T>): void {
    if (projected.ok) shelf.put(kind, object, projected.value);
    else problems.push(projected.problem);
  }

  function addOne(object: Fields, kind: string): void {
    takenAt = latest(takenAt, object, kind);
    const elsewhere = holdsOf(object, kind);
    if (elsewhere.length > 0) holds.put(kind, object, elsewhere);
    if (CONTROLLERS.has(kind)) return keep(heads, object, kind, projectWorkload(kind as ControllerKind, object));
    if (kind === "Node") return keep(nodes, object, kind, projectNode(object));
    if (kind === "Pod") return keep(pods, object, kind, projectPod(object));
    if (kind === "PodDisruptionBudget") return keep(pdbs, object, kind, projectPdb(object));
    if (kind === "PersistentVolume") return keep(volumes, object, kind, projectVolume(object));
    if (kind === "Lease" && fieldsAt(object, "metadata")["namespace"] === NODE_LEASES)
      leases.put(kind, object, readLease(object));
  }

  function addOwn(object: Fields, kind: string): void {
    const { name } = fieldsAt(object, "metadata");
    if (typeof name === "string" && name !== "") return own.put(kind, object, object as unknown as OwnObject);
    problems.push({
      kind,
      namespace: undefined,
      name: "",
      message: "metadata.name is missing; the object is left out",
    });
  }

  function add(object: unknown, listKind?: string): void {
    if (Array.isArray(object)) return object.forEach((one: unknown) => add(one));
    if (!isFields(object)) return;
    const itemKind = listKind?.endsWith("List") === true ? listKind.slice(0, -4) : "";
    const kind = textOf(object["kind"], 63) || itemKind;
    const apiVersion = textOf(object["apiVersion"], 128);
    const gitVersion = fieldsAt(object, "serverVersion")["gitVersion"];
    if (kind.endsWith("List")) return listOf(object["items"]).forEach((one) => add(one, kind));
    // What `kubectl version -o json` prints.
    if (kind === "" && typeof gitVersion === "string") apiServerVersion = textOf(gitVersion, 64);
    else if (kind === "")
      problems.push({
        kind: "object",
        namespace: undefined,
        name: textOf(fieldsAt(object, "metadata")["name"]),
        message: "kind is missing; write dumps with kubectl get -o json",
      });
    else if (apiVersion.startsWith(GROUP)) addOwn(object, kind);
    else if (apiVersion === "" ? itemKind !== "" : GROUPS.get(kind) === groupOf(apiVersion)) addOne(object, kind);
  }

  function finish(): Collected {
    const byNode = new Map(leases.list().map((lease) => [lease.name, lease.value]));
    const elsewhere = groupHolds(holds.list().flatMap(({ value }) => value));
    const inventory: Inventory = {
      nodes: nodes.list().map(({ value, name }) => withHolds(withLease(value, byNode.get(name)), elsewhere.get(name))),
      workloads: joinWorkloads(heads.list().map(valueOf), pods.list().map(valueOf)).workloads,
      pods: pods.list().map(({ value }) => value.asset),
      pdbs: pdbs.list().map(valueOf),
      volumes: volumes.list().map(valueOf),
      apiServerVersion,
      controlPlane: { pods: controlPlanePods(pods.list().map(valueOf)), ready: undefined },
    };
    const objects = Map.groupBy(own.list().map(valueOf), (object) => object.kind);
    const all = [...problems, ...shelves.flatMap((shelf) => shelf.problems())];
    return { inventory, objects, problems: sortProblems(all), takenAt };
  }

  return { add, problem: (problem) => void problems.push(problem), finish };
}

/** What other tools say of nodes in objects of their own. */
function holdsOf(object: Fields, kind: string): readonly HoldElsewhere[] {
  if (kind === "DaemonSet") return holdsOfDaemonSet(object);
  if (kind === "Job") return holdsOfJob(object);
  const { namespace } = fieldsAt(object, "metadata");
  return kind === "Lease" && namespace === MEDIK8S_LEASES ? holdsOfLease(object) : [];
}

function valueOf<T>({ value }: { readonly value: T }): T {
  return value;
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

function readLease(object: Fields): LeaseRecord {
  const owners = listOf(fieldsAt(object, "metadata")["ownerReferences"]);
  return {
    metadata: { ownerReferences: owners.map((owner) => ({ uid: fieldsAt(owner)["uid"] })) },
    spec: { renewTime: fieldsAt(object, "spec")["renewTime"] },
  };
}

function withLease(node: NodeAsset, lease: LeaseRecord | undefined): NodeAsset {
  return lease === undefined ? node : { ...node, heardAt: readHeardAt(lease, node.uid) };
}

/** When the dump was taken is as late as the last thing that the cluster wrote before. */
function latest(before: Instant | undefined, object: Fields, kind: string): Instant | undefined {
  const times = [fieldsAt(object, "metadata")["creationTimestamp"]];
  if (kind === "Lease") times.push(fieldsAt(object, "spec")["renewTime"]);
  if (kind === "Node")
    for (const condition of listOf(fieldsAt(object, "status")["conditions"]))
      times.push(fieldsAt(condition)["lastHeartbeatTime"]);
  return times
    .map(instantOf)
    .reduce((newest, time) => (time === undefined || (newest ?? -Infinity) >= time ? newest : time), before);
}

function sortProblems(problems: readonly ObjectProblem[]): readonly ObjectProblem[] {
  const key = (one: ObjectProblem): string => [one.kind, one.namespace ?? "", one.name, one.message].join("\u0000");
  const byKey = new Map(problems.map((problem) => [key(problem), problem]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, problem]) => problem);
}

// -------------------------------------------------------------------------------------------------------- shelf

interface Shelved<T> {
  readonly name: string;
  readonly value: T;
}

interface Shelf<T> {
  put(kind: string, object: unknown, value: T): void;
  /** Sorted by namespace, name and kind. */
  list(): readonly Shelved<T>[];
  problems(): readonly ObjectProblem[];
}

interface Slot<T> extends Shelved<T> {
  readonly kind: string;
  readonly namespace: string;
  readonly version: string;
  /** The same object was there again with other content. */
  readonly doubled: boolean;
}

/** Keeps one value for each object. Of two the one with the newer resourceVersion counts, whichever came first. */
function createShelf<T>(what: string): Shelf<T> {
  const slots = new Map<string, Slot<T>>();
  const sorted = (): readonly Slot<T>[] => [...slots].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, slot]) => slot);
  return {
    put(kind, object, value) {
      const metadata = fieldsAt(object, "metadata");
      const name = textOf(metadata["name"]);
      const namespace = textOf(metadata["namespace"], 63);
      const version = textOf(metadata["resourceVersion"], 64);
      // NUL sorts before all that a name may hold, so that a name comes before its own extensions.
      const key = `${namespace}\u0000${name}\u0000${kind}`;
      const before = slots.get(key);
      const slot = { name, value, kind, namespace, version, doubled: false };
      slots.set(key, before === undefined ? slot : choose(before, slot));
    },
    list: sorted,
    problems: () =>
      sorted()
        .filter((slot) => slot.doubled)
        .map((slot) => ({
          kind: slot.kind === "" ? what : slot.kind,
          namespace: slot.namespace === "" ? undefined : slot.namespace,
          name: slot.name,
          message: "appears more than once with different content; the newest is used. Keep one dump in the folder",
        })),
  };
}

function choose<T>(a: Slot<T>, b: Slot<T>): Slot<T> {
  const [left, right] = [canonicalJson(a.value), canonicalJson(b.value)];
  if (left === right) return { ...a, doubled: a.doubled || b.doubled };
  const longer = a.version.length - b.version.length;
  const newer = longer !== 0 ? longer > 0 : a.version !== b.version ? a.version > b.version : left > right;
  return { ...(newer ? a : b), doubled: true };
}
