// One moment of a rollout in words that outlive a version: API objects with their history, machines, Git's commits and branches, pull
// requests, the time. What actors and controllers had in memory is not in it: all of that can be found again. Values that moments share are
// kept once, a line each.
import type { CommitSha } from "../../controller/git/port.ts";
import { type MemoryCommit, memoryCommit, memoryFile } from "../../controller/git/memory-objects.ts";
import type { MemoryForgeSnapshot } from "../../controller/forge/memory/index.ts";
import type { StoreSnapshot, StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import { createSandboxCluster } from "../../controller/sandbox/cluster.ts";
import { freezeCopy, type JsonObject } from "../../controller/sandbox/apiserver/json.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { createStage, createStageClock, type MemoryStage } from "../sweep/stage.ts";
import { TIMING } from "../sweep/pace.ts";
import { UPGRADE } from "./scenario.ts";

/** One moment of a recorded rollout. */
export interface Moment {
  /** What was reached here for the first time. */
  readonly labels: readonly string[];
  readonly now: number;
  readonly random: number;
  readonly revision: number;
  /** So many versions of objects had been stored. */
  readonly versions: number;
  /** Pod -> line of its log. */
  readonly logs: Readonly<Record<string, number>>;
  readonly machines: number;
  readonly branches: Readonly<Record<string, string>>;
  readonly commits: readonly number[];
  readonly forge: number;
}

/** A version of an object, in the order in which they were stored. Without the definitions of kinds: those are today's. */
export type VersionRow = readonly [
  revision: number,
  type: StoredVersion["type"],
  resource: string,
  key: string,
  user: string,
  time: number,
  object: number,
];

/** Everything that a version left behind: its moments, and what they are made of. Numbers in both are lines of `lines`. */
export interface Recording {
  readonly moments: readonly Moment[];
  readonly history: readonly VersionRow[];
  readonly lines: readonly string[];
}

/** Lines of JSON, each there once. */
export interface Parts {
  readonly lines: string[];
  add(value: unknown): number;
}

export function createParts(): Parts {
  const [lines, known]: [string[], Map<string, number>] = [[], new Map()];
  return {
    lines,
    add(value) {
      const line = JSON.stringify(value);
      const before = known.get(line);
      if (before !== undefined) return before;
      known.set(line, lines.length);
      lines.push(line);
      return lines.length - 1;
    },
  };
}

interface CommitPart {
  readonly id: string;
  readonly parents: readonly string[];
  readonly author: string;
  readonly time: number;
  readonly message: string;
  /** Path -> mode and the line of its text. */
  readonly tree: Readonly<Record<string, readonly [mode: string, text: number]>>;
}

/** A moment of a stage. */
export function takeMoment(stage: MemoryStage, labels: readonly string[], parts: Parts): Moment {
  const { cluster, remote, forge, now, random } = stage.snapshot();
  return {
    labels,
    now,
    random,
    revision: cluster.store.revision,
    versions: recorded(stage).length,
    logs: Object.fromEntries([...cluster.store.logs].sort(byName).map(([pod, log]) => [pod, parts.add(log)])),
    machines: parts.add(cluster.machines),
    branches: Object.fromEntries([...remote.branches].sort(byName)),
    commits: commitsOf(stage, [...remote.branches.values()]).map((commit) => parts.add(commitPart(commit, parts))),
    forge: parts.add(forge),
  };
}

/** Every version of every object that a stage has stored. */
export function takeHistory(stage: MemoryStage, parts: Parts): readonly VersionRow[] {
  return recorded(stage).map(({ revision, type, resource, key, user, time, object }): VersionRow => [
    revision,
    type,
    resource,
    key,
    user,
    time,
    parts.add(object),
  ]);
}

const DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io";

function recorded(stage: MemoryStage): readonly StoredVersion[] {
  return stage.cluster.server.store.history().filter(({ resource }) => resource !== DEFINITIONS);
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** Every commit that can be reached, parents first. */
function commitsOf({ remote: { people } }: MemoryStage, heads: readonly CommitSha[]): readonly MemoryCommit[] {
  const found = new Map<CommitSha, MemoryCommit>();
  const visit = (id: CommitSha): void => {
    if (found.has(id)) return;
    const commit = people.commit(id);
    for (const parent of commit.parents) visit(parent);
    found.set(id, commit);
  };
  for (const head of heads) visit(head);
  return [...found.values()];
}

function commitPart({ id, parents, author, time, message, tree }: MemoryCommit, parts: Parts): CommitPart {
  const files = [...tree].sort(byName).map(([path, { mode, bytes }]) => {
    const entry: readonly [string, number] = [mode, parts.add(bytes.toString("utf8"))];
    return [path, entry] as const;
  });
  return { id, parents, author, time, message, tree: Object.fromEntries(files) };
}

/** A stage that stands where the moment was taken; nobody on it remembers anything. Throws Error where Git's ids do not come out again. */
export async function loadMoment(moment: Moment, { history, lines }: Recording): Promise<MemoryStage> {
  const part = <T>(line: number): T => JSON.parse(lines[line] ?? "null") as T;
  const stage = await createStage(1, UPGRADE);
  for (const line of moment.commits) stage.remote.absorb(readCommit(part<CommitPart>(line), part));
  const definitions = stage.snapshot().cluster.store.tables.get(DEFINITIONS);
  if (definitions === undefined) throw new Error("the sandbox has no kinds of ours");
  const tables = new Map([[DEFINITIONS, definitions]]);
  const versions = history.slice(0, moment.versions).map((row) => replay(row, tables, part));
  stage.restore({
    cluster: {
      store: {
        revision: moment.revision,
        compacted: moment.revision,
        tables,
        versions,
        length: versions.length,
        logs: new Map(Object.entries(moment.logs).map(([pod, line]) => [pod, part<string>(line)])),
      },
      machines: part(moment.machines),
      actors: await idleActors(),
      round: 0,
    },
    remote: { branches: new Map(Object.entries(moment.branches)) as Map<string, CommitSha> },
    forge: completeForge(part(moment.forge)),
    now: moment.now,
    monotonic: moment.now,
    random: moment.random,
    done: new Set(),
  });
  return stage;
}

/** A forge as it was recorded before it had issues, verdicts, reviews and rules: as one where nobody ever used them. */
function completeForge(
  recorded: Partial<MemoryForgeSnapshot> &
    Pick<MemoryForgeSnapshot, "pulls" | "nextNumber"> & { readonly nextComment?: number },
): MemoryForgeSnapshot {
  return {
    ...recorded,
    pulls: recorded.pulls.map((pull) => ({ ...UNUSED, ...pull })),
    issues: recorded.issues ?? [],
    statuses: recorded.statuses ?? [],
    rules: recorded.rules ?? { methods: ["merge", "squash"], protection: undefined, hasIssues: true },
    nextId: recorded.nextId ?? recorded.nextComment ?? 1,
  };
}

const UNUSED = { fork: undefined, closedBy: undefined, reviews: [] };

type Tables = Map<string, StoreSnapshot["tables"] extends ReadonlyMap<string, infer T> ? T : never>;

/** Stores one version again. */
function replay(
  [revision, type, resource, key, user, time, line]: VersionRow,
  tables: Tables,
  part: <T>(line: number) => T,
): StoredVersion {
  const object = freezeCopy(part(line)) as JsonObject;
  const table = tables.get(resource) ?? { objects: new Map<string, JsonObject>(), sorted: undefined };
  tables.set(resource, table);
  const name = key.slice(resource.length + 1);
  const previous = table.objects.get(name) as unknown as KubeObject | undefined;
  if (type === "DELETED") table.objects.delete(name);
  else table.objects.set(name, object);
  return {
    revision,
    type,
    resource,
    key,
    object: object as unknown as KubeObject,
    user,
    time,
    ...(previous === undefined ? {} : { previous }),
  };
}

/** What actors remember that have not begun. */
async function idleActors(): Promise<Readonly<Record<string, unknown>>> {
  const clock = createStageClock(0);
  const random = { next: () => 0.5 };
  const cluster = await createSandboxCluster({ clock, random, fleet: UPGRADE.fleet(), timing: TIMING });
  return cluster.snapshot().actors;
}

function readCommit(
  { id, parents, author, time, message, tree }: CommitPart,
  part: <T>(line: number) => T,
): MemoryCommit {
  const files = Object.entries(tree).map(
    ([path, [mode, text]]) => [path, memoryFile(Buffer.from(part<string>(text)), mode)] as const,
  );
  const [, name = "", email = ""] = /^(.*) <(.*)>$/.exec(author) ?? [];
  const commit = memoryCommit(new Map(files), parents as readonly CommitSha[], { name, email }, time, message);
  if (commit.id !== id) throw new Error(`the recorded commit ${id} is ${commit.id} when it is made again`);
  return commit;
}
