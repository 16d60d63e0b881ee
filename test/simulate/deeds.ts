// What people, machines and networks do while controllers work, and how it is made good in the end: a run's trouble ends, and then all that was
// wanted must come about. Each deed says in a word what it did.
import { isDeepStrictEqual } from "node:util";
import { dump, load } from "js-yaml";
import { parseDocument } from "yaml";
import type { LevelEntry } from "../../controller/api/rollout-ring.ts";
import { retryTarget } from "../../controller/cli/act-target.ts";
import { UserError } from "../../controller/errors.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  DISRUPTION_LEDGERS,
  JOBS,
  NODE_PATCH_STATES,
  NODES,
  PODS,
  POLICY_REPOSITORIES,
  type Resource,
  ROLLOUT_RINGS,
  WORKLOAD_PATCH_STATES,
} from "../../controller/kube/resources.ts";
import { CLAIM_MARK } from "../../controller/nodes/mark.ts";
import { at, listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { NODE_RING_LABEL } from "../../controller/sandbox/fleet/quickstart.ts";
import { PERSON } from "../sweep/host.ts";
import type { MemoryStage } from "../sweep/stage.ts";
import type { Chance } from "./chance.ts";

/** What trouble people made that is still there. */
export interface Trouble {
  readonly stage: MemoryStage;
  readonly chance: Chance;
  /** Nodes that a person cordoned: only a person takes that back. */
  readonly cordoned: Set<string>;
  /** Text of policy files as they are wanted, without what promotions write. */
  readonly undo: (() => void | Promise<void>)[];
  gitDown: boolean;
  forgeDown: boolean;
  /** The wall clock was put back or forward: times that were written before may be in the future. */
  jumped: boolean;
  number: number;
  /** Name of the node that is hit where there is a choice; left out: chance says. */
  aim?: string | undefined;
}

export interface Deed {
  readonly name: string;
  /** Undefined: there was nothing to do it to. */
  readonly act: (trouble: Trouble) => Promise<string | undefined> | string | undefined;
}

export function createTrouble(stage: MemoryStage, chance: Chance): Trouble {
  return { stage, chance, cordoned: new Set(), undo: [], gitDown: false, forgeDown: false, jumped: false, number: 0 };
}

export function pickOf<T>({ chance, aim }: Trouble, items: readonly T[]): T | undefined {
  const hit = aim === undefined ? undefined : items.find((item) => nameOf(item) === aim);
  return hit ?? items[chance.below(items.length)];
}

function nameOf(item: unknown): string | undefined {
  return typeof item === "string" ? item : (textAt(item, "metadata", "name") ?? textAt(item, "name"));
}

/** Rings in the order in which they come, as the scenario names them. */
export function ringsOf({ stage }: Pick<Trouble, "stage">): readonly string[] {
  return stage.scenario.rings ?? ["canary", "early"];
}

function machineNames({ stage }: Trouble): readonly string[] {
  return stage.cluster.machines.specs().map(({ name }) => name);
}

export async function list({ stage }: Trouble, resource: Resource): Promise<readonly KubeObject[]> {
  return (await stage.admin.list(resource)).items;
}

async function pickNode(trouble: Trouble): Promise<KubeObject | undefined> {
  return pickOf(trouble, await list(trouble, NODES));
}

export async function setSchedulable({ stage }: Trouble, name: string, unschedulable: boolean): Promise<void> {
  const body = { spec: { unschedulable: unschedulable || null } };
  await stage.admin.patch(NODES, { name }, { type: "merge", body });
}

/** Changes a ring's file on the tracked branch, and takes exactly that back in the end. */
function editRing(trouble: Trouble, what: RegExp, by: (found: string) => string): string | undefined {
  const { remote, clock } = trouble.stage;
  const path = `rings/${pickOf(trouble, ringsOf(trouble)) ?? ""}.yaml`;
  const from = what.exec(remote.people.text("main", path) ?? "")?.[0];
  if (from === undefined) return undefined;
  const to = by(from);
  const commit = (before: string, after: string): boolean => {
    const text = remote.people.text("main", path);
    if (text?.includes(before) !== true) return false;
    remote.people.commitFiles("main", { [path]: text.replace(before, after) }, { message: "edit", time: clock.now() });
    return true;
  };
  if (!commit(from, to)) return undefined;
  trouble.undo.push(() => void commit(to, from));
  return `${path}: ${to.trim()}`;
}

export interface RingDocument {
  readonly spec: { levels: readonly LevelEntry[] };
}

/** Changes the entries of a ring's file on the tracked branch; answers what they were, undefined where nothing changed. */
export function editLevels(
  { remote, clock }: MemoryStage,
  path: string,
  edit: (entry: LevelEntry) => LevelEntry,
): readonly LevelEntry[] | undefined {
  const ring = load(remote.people.text("main", path) ?? "") as RingDocument | undefined;
  if (ring === undefined) return undefined;
  const { levels } = ring.spec;
  const edited = levels.map(edit);
  if (isDeepStrictEqual(levels, edited)) return undefined;
  ring.spec.levels = edited;
  remote.people.commitFiles("main", { [path]: dump(ring) }, { message: "edit approvals", time: clock.now() });
  return levels;
}

/** What a file said comes back, where it still is as it was before; of a ring at least what was approved. */
export function bringBack(stage: MemoryStage, path: string, lost: Uint8Array, before: Uint8Array | undefined): void {
  const { remote, clock } = stage;
  const now = remote.people.text("main", path);
  if (now === (before === undefined ? undefined : Buffer.from(before).toString("utf8")))
    remote.people.commitFiles("main", { [path]: lost }, { message: "bring back", time: clock.now() });
  else if (path.startsWith("rings/")) {
    const { levels } = (load(Buffer.from(lost).toString("utf8")) as RingDocument).spec;
    const approved = new Map(levels.map((entry) => [entry.baseline, entry]));
    editLevels(stage, path, (entry) => (entry.level === undefined ? (approved.get(entry.baseline) ?? entry) : entry));
  }
}

export async function setLedger({ stage }: Trouble, spec: object): Promise<void> {
  const there = await stage.admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
  if (there !== undefined)
    await stage.admin.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "merge", body: { spec } });
}

/** The ledger as the person who installed it wrote it. */
async function restoreLedger({ stage }: Trouble): Promise<void> {
  const ref = { name: "cluster" };
  const spec = { mode: "Enforce", limits: stage.scenario.limits };
  if ((await stage.admin.get(DISRUPTION_LEDGERS, ref)) === undefined)
    await stage.admin.create(DISRUPTION_LEDGERS, { metadata: ref, spec });
  else await stage.admin.patch(DISRUPTION_LEDGERS, ref, { type: "merge", body: { spec } });
}

const MACHINE_TROUBLES = ["failUpdate", "dropUpdate", "neverReadyAfterReboot", "unprepared"] as const;

export const DEEDS: readonly Deed[] = [
  {
    name: "cordons a node",
    async act(trouble) {
      const name = (await pickNode(trouble))?.metadata.name;
      if (name === undefined) return undefined;
      await setSchedulable(trouble, name, true);
      trouble.cordoned.add(name);
      return name;
    },
  },
  {
    name: "uncordons a node",
    async act(trouble) {
      const nodes = await list(trouble, NODES);
      const name = pickOf(
        trouble,
        nodes.filter(({ spec }) => at(spec, "unschedulable") === true),
      )?.metadata.name;
      if (name === undefined) return undefined;
      await setSchedulable(trouble, name, false);
      trouble.cordoned.delete(name);
      return name;
    },
  },
  {
    name: "moves a node to another ring",
    async act(trouble) {
      const node = await pickNode(trouble);
      if (node === undefined) return undefined;
      const { name, labels } = node.metadata;
      const rings = ringsOf(trouble);
      const ring = rings[(rings.indexOf(labels?.[NODE_RING_LABEL] ?? "") + 1) % rings.length] ?? "";
      const body = { metadata: { labels: { [NODE_RING_LABEL]: ring } } };
      await trouble.stage.admin.patch(NODES, { name }, { type: "merge", body });
      return `${name} to ${ring}`;
    },
  },
  {
    name: "deletes a Node",
    async act(trouble) {
      const node = await pickNode(trouble);
      if (node === undefined) return undefined;
      await trouble.stage.admin.delete(NODES, { name: node.metadata.name }, { uid: node.metadata.uid ?? "" });
      return node.metadata.name;
    },
  },
  {
    name: "replaces a machine by a new one of that name",
    async act(trouble) {
      const { machines } = trouble.stage.cluster;
      const spec = pickOf(trouble, machines.specs());
      if (spec === undefined) return undefined;
      const node = await trouble.stage.admin.get(NODES, { name: spec.name });
      if (node !== undefined)
        await trouble.stage.admin.delete(NODES, { name: spec.name }, { uid: node.metadata.uid ?? "" });
      machines.join(spec);
      trouble.cordoned.delete(spec.name);
      return spec.name;
    },
  },
  {
    name: "takes a machine away",
    act(trouble) {
      const { machines } = trouble.stage.cluster;
      const spec = pickOf(trouble, machines.specs());
      if (spec === undefined) return undefined;
      machines.vanish(spec.name);
      trouble.undo.push(() => machines.join(spec));
      return spec.name;
    },
  },
  {
    name: "breaks a machine",
    act(trouble) {
      const name = pickOf(trouble, machineNames(trouble));
      const how = pickOf(trouble, MACHINE_TROUBLES);
      if (name === undefined || how === undefined) return undefined;
      trouble.stage.cluster.machines[how](name);
      trouble.undo.push(() => trouble.stage.cluster.machines.repair(name));
      return `${name}: ${how}`;
    },
  },
  {
    name: "mends all machines",
    act(trouble) {
      for (const name of machineNames(trouble)) trouble.stage.cluster.machines.repair(name);
      return "";
    },
  },
  {
    name: "suspends a ring in the cluster",
    async act(trouble) {
      const name = pickOf(trouble, ringsOf(trouble)) ?? "";
      const set = async (suspend: boolean): Promise<void> => {
        if ((await trouble.stage.admin.get(ROLLOUT_RINGS, { name })) === undefined) return;
        await trouble.stage.admin.patch(ROLLOUT_RINGS, { name }, { type: "merge", body: { spec: { suspend } } });
      };
      await set(true);
      trouble.undo.push(() => set(false));
      return name;
    },
  },
  {
    name: "suspends a ring in Git",
    act: (trouble) => editRing(trouble, /spec:\n(?![^]* {2}suspend: true)/, (found) => `${found}  suspend: true\n`),
  },
  {
    name: "lets a ring take one more at once",
    act: (trouble) => editRing(trouble, /\bnodes: \d/, (found) => `nodes: ${Number(found.at(-1)) + 1}`),
  },
  { name: "takes a ring's budget", act: (trouble) => editRing(trouble, /\bnodes: \d/, () => "nodes: 0") },
  { name: "wants a longer soak", act: (trouble) => editRing(trouble, /soak: 10s/, () => "soak: 60s") },
  {
    name: "sets the mode",
    async act(trouble) {
      const mode = pickOf(trouble, ["Observe", "Stop", "Enforce"]);
      await setLedger(trouble, { mode });
      return mode;
    },
  },
  {
    name: "lowers the cluster's limits",
    async act(trouble) {
      await setLedger(trouble, { limits: { nodes: 1, workloads: 1, nodesPerZone: 1 } });
      return "1 node";
    },
  },
  {
    name: "deletes the ledger",
    async act(trouble) {
      const there = await trouble.stage.admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
      if (there === undefined) return undefined;
      await trouble.stage.admin.delete(DISRUPTION_LEDGERS, { name: "cluster" }, { uid: there.metadata.uid ?? "" });
      if (trouble.chance.below(2) === 0) await restoreLedger(trouble);
      return "";
    },
  },
  {
    name: "restores an older ledger",
    async act(trouble) {
      const { admin, cluster } = trouble.stage;
      const key = "disruptionledgers.ringward.dev/cluster";
      const old = pickOf(
        trouble,
        cluster.server.store.history().filter((version) => version.key === key),
      );
      const there = await admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
      if (old === undefined || there === undefined) return undefined;
      const { resourceVersion = "" } = there.metadata;
      const body = [{ op: "add" as const, path: "/status", value: old.object.status ?? {} }];
      await admin.patch(DISRUPTION_LEDGERS, { name: "cluster" }, { type: "json", body }, { subresource: "status" });
      return `of ${new Date(old.time).toISOString()} over ${resourceVersion}`;
    },
  },
  {
    name: "deletes a patch state",
    async act(trouble) {
      const state = pickOf(trouble, await list(trouble, NODE_PATCH_STATES));
      if (state === undefined) return undefined;
      const { name, uid = "" } = state.metadata;
      await trouble.stage.admin.delete(NODE_PATCH_STATES, { name }, { uid });
      return name;
    },
  },
  {
    name: "deletes a job",
    async act(trouble) {
      const job = pickOf(trouble, await list(trouble, JOBS));
      if (job === undefined) return undefined;
      const { name, namespace, uid = "" } = job.metadata;
      await trouble.stage.admin.delete(JOBS, { name, namespace }, { uid, propagationPolicy: "Background" });
      return name;
    },
  },
  {
    name: "binds a pod to a node",
    async act(trouble) {
      const node = (await pickNode(trouble))?.metadata.name;
      if (node === undefined) return undefined;
      trouble.number += 1;
      await trouble.stage.admin.create(PODS, {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: `late-${trouble.number}`, namespace: "shop" },
        spec: { nodeName: node, containers: [{ name: "main", image: "registry.example.com/shop/nginx:1.27.1" }] },
      } as KubeObject);
      return node;
    },
  },
  {
    name: "takes an approval back",
    act(trouble) {
      const path = `rings/${pickOf(trouble, ringsOf(trouble)) ?? ""}.yaml`;
      const taken = editLevels(trouble.stage, path, ({ baseline }) => ({ baseline }));
      if (taken === undefined) return undefined;
      const before = new Map(taken.map((entry) => [entry.baseline, entry]));
      // As it was approved, where nothing else was approved since.
      trouble.undo.push(
        () =>
          void editLevels(trouble.stage, path, (entry) =>
            entry.level === undefined ? (before.get(entry.baseline) ?? entry) : entry,
          ),
      );
      return path;
    },
  },
  {
    name: "refuses a proposal",
    act(trouble) {
      const { people } = trouble.stage.forge;
      const pull = pickOf(
        trouble,
        people.pulls().filter(({ state }) => state === "open"),
      );
      if (pull === undefined) return undefined;
      people.close(pull.number, PERSON);
      return `#${pull.number}`;
    },
  },
  {
    name: "rewrites the history",
    act(trouble) {
      const { remote } = trouble.stage;
      const head = remote.people.head("main");
      const [parent] = head === undefined ? [] : remote.people.commit(head).parents;
      if (head === undefined || parent === undefined) return undefined;
      const { tree, time } = remote.people.commit(head);
      remote.people.forcePush("main", parent);
      // The same content under another commit, or what was before.
      if (trouble.chance.below(2) === 0) {
        const files = Object.fromEntries([...tree].map(([path, file]) => [path, file.bytes]));
        remote.people.commitFiles("main", files, { message: "rewritten", time });
        return "with the same content";
      }
      const older = remote.people.commit(parent).tree;
      const lost = [...tree].filter(([path, { blob }]) => older.get(path)?.blob !== blob);
      trouble.undo.push(() => {
        for (const [path, file] of lost) bringBack(trouble.stage, path, file.bytes, older.get(path)?.bytes);
      });
      return `back by one commit, without its ${lost.map(([path]) => path).join(", ")}`;
    },
  },
  {
    name: "git is away",
    act(trouble) {
      trouble.gitDown = !trouble.gitDown;
      return trouble.gitDown ? "from now on" : "no more";
    },
  },
  {
    name: "the forge is away",
    act(trouble) {
      trouble.forgeDown = !trouble.forgeDown;
      return trouble.forgeDown ? "from now on" : "no more";
    },
  },
  {
    name: "time jumps",
    act(trouble) {
      const ms = pickOf(trouble, [3_600_000, -3_600_000, 60_000, -60_000]) ?? 0;
      trouble.stage.clock.jump(ms);
      trouble.jumped = true;
      trouble.undo.push(() => trouble.stage.clock.jump(-ms));
      return `${ms / 60_000} min`;
    },
  },
];

/** Everything is made good again, the last trouble first. */
export async function endTrouble(trouble: Trouble): Promise<void> {
  trouble.gitDown = false;
  trouble.forgeDown = false;
  for (const undo of trouble.undo.splice(0).reverse()) await undo();
  for (const name of machineNames(trouble)) trouble.stage.cluster.machines.repair(name);
  await restoreLedger(trouble);
  await help(trouble);
}

/** What people do who look after a rollout: they start kubelets whose Node is gone, put nodes into their rings, give back what they cordoned, accept a rewritten history, and ask again for what failed. */
export async function help(trouble: Trouble): Promise<void> {
  const { stage, cordoned } = trouble;
  const { machines } = stage.cluster;
  const specs = new Map(machines.specs().map((spec) => [spec.name, spec]));
  const nodes = await list(trouble, NODES);
  // A kubelet registers its Node when it starts, and never again.
  for (const name of specs.keys())
    if (machines.get(name)?.power.state === "up" && nodes.every(({ metadata }) => metadata.name !== name))
      machines.boot(name);
  for (const node of nodes) {
    const { name, annotations, labels } = node.metadata;
    const ring = specs.get(name)?.labels[NODE_RING_LABEL];
    if (ring !== undefined && ring !== labels?.[NODE_RING_LABEL])
      await stage.admin.patch(
        NODES,
        { name },
        { type: "merge", body: { metadata: { labels: { [NODE_RING_LABEL]: ring } } } },
      );
    if (!cordoned.has(name) || annotations?.[CLAIM_MARK] !== undefined) continue;
    // A Node that was deleted and came back is not cordoned any more.
    if (at(node.spec, "unschedulable") === true) await setSchedulable(trouble, name, false);
    cordoned.delete(name);
  }
  for (const repository of await list(trouble, POLICY_REPOSITORIES)) {
    const rewritten = listAt(repository.status, "conditions").some(
      (item) => textAt(item, "reason") === "HistoryRewritten" && textAt(item, "status") === "True",
    );
    if (!rewritten) continue;
    const body = { spec: { acknowledgedCommit: stage.remote.people.head("main") } };
    await stage.admin.patch(POLICY_REPOSITORIES, { name: repository.metadata.name }, { type: "merge", body });
  }
  for (const { metadata, status } of await list(trouble, NODE_PATCH_STATES))
    if (hasFailed(status)) await askAgain(stage, `node/${metadata.name}`);
  for (const { metadata, status } of await list(trouble, WORKLOAD_PATCH_STATES))
    if (hasFailed(status)) await askAgain(stage, metadata.name.replace("-", "/"), metadata.namespace);
  for (const ring of await list(trouble, ROLLOUT_RINGS)) {
    if (listAt(ring.status, "blockedBy").some((block) => textAt(block, "reason") === "RingHalted"))
      allowFailures(stage, ring.metadata.name);
    for (const refused of listAt(ring.status, "rejections")) {
      const number = at(refused, "pullRequest");
      if (typeof number === "number") stage.forge.people.comment(number, PERSON, "/ringward propose");
    }
  }
}

/** More than a ring has targets. */
const MANY_FAILURES = 9;

/** A target that vanished in change counts for ever: who wants to go on says in Git that so many may. */
function allowFailures({ remote, clock }: MemoryStage, ring: string): void {
  const path = `rings/${ring}.yaml`;
  const text = remote.people.text("main", path);
  if (text === undefined) return;
  const document = parseDocument(text);
  if (document.getIn(["spec", "budget", "maxFailures"]) === MANY_FAILURES) return;
  document.setIn(["spec", "budget", "maxFailures"], MANY_FAILURES);
  remote.people.commitFiles("main", { [path]: document.toString() }, { message: "go on", time: clock.now() });
}

function hasFailed(status: unknown): boolean {
  return at(status, "operation", "failure") !== undefined || listAt(status, "attempted").length > 0;
}

async function askAgain({ admin, clock }: MemoryStage, word: string, namespace = "default"): Promise<void> {
  try {
    await retryTarget({ client: admin, now: clock.now(), words: [word], namespace, reason: "mended" });
  } catch (error) {
    // It moved on by itself, or its target is gone.
    if (!(error instanceof UserError)) throw error;
  }
}
