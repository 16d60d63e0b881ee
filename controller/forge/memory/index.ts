// A forge in memory over an in-memory repository, for tests and crash sweeps: the same promises as the GitHub adapter (one contract
// suite runs on both), made of the same requests in the same order, so that a fault can hit each of them. Holds A5 as the adapter
// does: look, open, look again. Must never know more than a forge could see: branches and who asked.
import type { Clock } from "../../clock.ts";
import type { CommitSha } from "../../git/port.ts";
import type { Forge, PullRequest } from "../port.ts";
import { boundBody, boundTitle } from "../text.ts";
import { type PullRecord, settle } from "./records.ts";

/** What the forge needs of the repository beside it; `people` of the in-memory remote fits. */
export interface ForgeGit {
  branches(): ReadonlyMap<string, CommitSha>;
  commit(id: CommitSha): { readonly parents: readonly CommitSha[] };
  /** Throws when the branches conflict. */
  merge(
    from: string,
    into: string,
    how: {
      readonly mode: "mergeCommit";
      readonly time: number;
      readonly message: string;
      readonly author: { readonly name: string; readonly email: string };
    },
  ): CommitSha;
}

/** One request to the forge. */
export interface ForgeOperation {
  /** 1, 2, 3 … over the life of the forge. */
  readonly sequence: number;
  readonly handle: string;
  readonly name: "list" | "find" | "get" | "create" | "label" | "update" | "comment" | "close";
  readonly write: boolean;
  readonly number?: number;
  readonly head?: string;
}

/** `failBefore`: nothing happens and the caller gets an error. `loseReply`: it happens and the caller gets an error. */
export type MemoryForgeFault = "none" | "failBefore" | "loseReply";

export interface MemoryForgeSnapshot {
  readonly pulls: readonly PullRecord[];
  readonly nextNumber: number;
  readonly nextComment: number;
}

export interface MemoryForge {
  /** A client of its own; `login` is the author of what it opens. */
  open(options: { readonly login: string; readonly name?: string }): Forge;
  /** Decides the fault of each operation from now on. */
  setFault(fault: (operation: ForgeOperation) => MemoryForgeFault): void;
  /** Told about each operation before it runs. Answers how to stop listening. */
  onOperation(listener: (operation: ForgeOperation) => void): () => void;
  /** Lets the pull requests follow their branches now (every request does it too); a scheduler calls it after each move of a branch. */
  observe(): void;
  snapshot(): MemoryForgeSnapshot;
  /** The repository must be put back first. */
  restore(snapshot: MemoryForgeSnapshot): void;
  readonly people: MemoryForgePeople;
}

/** What people do on the forge. */
export interface MemoryForgePeople {
  pulls(): readonly PullRecord[];
  /** Presses Merge. Throws when it is not open or conflicts. */
  merge(number: number, by: string): CommitSha;
  /** Closes it unmerged. */
  close(number: number, by: string): void;
  /** Opens it again; throws when the head branch is gone or was rewritten. */
  reopen(number: number, by: string): void;
}

export interface MemoryForgeOptions {
  readonly git: ForgeGit;
  /** Policy time. */
  readonly clock: Clock;
  /** Awaited before each operation: a scheduler holds and releases requests here. */
  readonly gate?: (operation: Omit<ForgeOperation, "sequence">) => Promise<void>;
}

/** The forge's own refusals (422 and the like), as opposed to lost requests. */
class ForgeRefusal extends Error {}

interface Store {
  readonly options: MemoryForgeOptions;
  records: Map<number, PullRecord>;
  nextNumber: number;
  nextComment: number;
  sequence: number;
  fault: (operation: ForgeOperation) => MemoryForgeFault;
  readonly listeners: Set<(operation: ForgeOperation) => void>;
}

function now(store: Store): string {
  return new Date(Math.floor(store.options.clock.now() / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

function isAncestor(git: ForgeGit, ancestor: CommitSha, descendant: CommitSha): boolean {
  const seen = new Set<CommitSha>();
  const left = [descendant];
  for (let id = left.pop(); id !== undefined; id = left.pop()) {
    if (id === ancestor) return true;
    if (seen.has(id)) continue;
    seen.add(id);
    left.push(...git.commit(id).parents);
  }
  return false;
}

function observe(store: Store): void {
  const { git } = store.options;
  const branches = git.branches();
  for (const record of store.records.values()) {
    const head = branches.get(record.head);
    const base = branches.get(record.base);
    if (record.state !== "open" || (head === record.headSha && base === record.baseSha)) continue;
    const headInBase = base !== undefined && isAncestor(git, head ?? record.headSha, base);
    store.records.set(record.number, settle(record, { head, base, headInBase, time: now(store), by: undefined }));
  }
}

function recordOf(store: Store, number: number): PullRecord {
  const record = store.records.get(number);
  if (record === undefined) throw new ForgeRefusal(`there is no pull request #${number}`);
  return record;
}

function save(store: Store, record: PullRecord): PullRecord {
  store.records.set(record.number, { ...record, updatedTime: now(store) });
  return record;
}

function view(record: PullRecord): PullRequest {
  const { number, state, head, headSha, base, title, body, labels, author, createdTime, closedTime } = record;
  return {
    number,
    url: `https://forge.invalid/pull/${number}`,
    state,
    head,
    headSha,
    base,
    title,
    body,
    labels,
    author,
    createdTime,
    ...(closedTime === undefined ? {} : { closedTime }),
  };
}

function create(store: Store, login: string, request: Parameters<Forge["open"]>[0]): PullRecord {
  const { git } = store.options;
  const headSha = git.branches().get(request.head);
  const baseSha = git.branches().get(request.base);
  if (headSha === undefined) throw new ForgeRefusal(`there is no branch ${JSON.stringify(request.head)}`);
  if (baseSha === undefined) throw new ForgeRefusal(`there is no branch ${JSON.stringify(request.base)}`);
  if (findOpen(store, request.head, request.base) !== undefined)
    throw new ForgeRefusal(`a pull request already exists for ${request.head}`);
  if (isAncestor(git, headSha, baseSha))
    throw new ForgeRefusal(`no commits between ${request.base} and ${request.head}`);
  if (request.title.trim() === "") throw new ForgeRefusal("a pull request needs a title");
  const time = now(store);
  return save(store, {
    number: store.nextNumber++,
    head: request.head,
    base: request.base,
    author: login,
    createdTime: time,
    title: boundTitle(request.title),
    body: boundBody(request.body),
    labels: [],
    draft: false,
    headSha,
    baseSha,
    state: "open",
    updatedTime: time,
    closedTime: undefined,
    mergeCommit: undefined,
    mergedBy: undefined,
    comments: [],
  });
}

function findOpen(store: Store, head: string, base: string): PullRecord | undefined {
  return [...store.records.values()].find(
    (record) => record.state === "open" && record.head === head && record.base === base,
  );
}

function closeRecord(store: Store, number: number): void {
  const record = recordOf(store, number);
  if (record.state === "open") save(store, { ...record, state: "closed", closedTime: now(store) });
}

type Operate = <T>(operation: Omit<ForgeOperation, "sequence" | "handle">, work: () => T) => Promise<T>;

function createOperate(store: Store, handle: string): Operate {
  return async (asked, work) => {
    await store.options.gate?.({ handle, ...asked });
    const operation: ForgeOperation = { sequence: ++store.sequence, handle, ...asked };
    for (const listener of store.listeners) listener(operation);
    const fault = store.fault(operation);
    if (fault === "failBefore") throw new Error(`forge ${operation.name} failed: connection refused`);
    observe(store);
    const result = work();
    if (fault === "loseReply") throw new Error(`forge ${operation.name} failed: connection reset before the reply`);
    return result;
  };
}

function openClient(store: Store, login: string, operate: Operate): Forge {
  const find = (head: string, base: string): Promise<PullRecord | undefined> =>
    operate({ name: "find", write: false, head }, () => findOpen(store, head, base));

  async function createOrFind(request: Parameters<Forge["open"]>[0]): Promise<PullRecord> {
    try {
      return await operate({ name: "create", write: true, head: request.head }, () => create(store, login, request));
    } catch (error) {
      const found = await find(request.head, request.base);
      if (found === undefined) throw error;
      return found;
    }
  }

  return {
    list: (headPrefix) =>
      operate({ name: "list", write: false }, () =>
        [...store.records.values()]
          .filter((record) => record.head.startsWith(headPrefix))
          .sort((one, other) => other.number - one.number)
          .map(view),
      ),

    async open(request) {
      const record = (await find(request.head, request.base)) ?? (await createOrFind(request));
      const missing = request.labels.filter((label) => !record.labels.includes(label));
      if (missing.length === 0) return view(record);
      try {
        return await operate({ name: "label", write: true, number: record.number }, () => {
          const current = recordOf(store, record.number);
          return view(save(store, { ...current, labels: [...new Set([...current.labels, ...missing])] }));
        });
      } catch {
        // As on GitHub: labels are a second request, and its failure must not lose the pull request.
        return view(record);
      }
    },

    async update(number, change) {
      if (change.title === undefined && change.body === undefined) return;
      await operate({ name: "update", write: true, number }, () => {
        const record = recordOf(store, number);
        save(store, {
          ...record,
          title: change.title === undefined ? record.title : boundTitle(change.title),
          body: change.body === undefined ? record.body : boundBody(change.body),
        });
      });
    },

    async close(number, comment) {
      const body = boundBody(comment);
      const record = await operate({ name: "get", write: false, number }, () => recordOf(store, number));
      if (record.state !== "open") return;
      if (body.trim() !== "" && !record.comments.some((made) => made.body === body)) {
        await operate({ name: "comment", write: true, number }, () => {
          const current = recordOf(store, number);
          save(store, {
            ...current,
            comments: [...current.comments, { id: store.nextComment++, author: login, body, createdTime: now(store) }],
          });
        });
      }
      await operate({ name: "close", write: true, number }, () => closeRecord(store, number));
    },
  };
}

function peopleOf(store: Store): MemoryForgePeople {
  const { git, clock } = store.options;
  return {
    pulls() {
      observe(store);
      return [...store.records.values()];
    },
    merge(number, by) {
      observe(store);
      const record = recordOf(store, number);
      if (record.state !== "open") throw new Error(`pull request #${number} is ${record.state}: it cannot be merged`);
      const before = git.branches().get(record.base) ?? record.baseSha;
      const author = { name: by, email: `${by}@users.noreply.sandbox.invalid` };
      const mergeCommit = git.merge(record.head, record.base, {
        mode: "mergeCommit",
        time: clock.now(),
        message: `Merge pull request #${number} from ${record.head}\n\n${record.title}\n`,
        author,
      });
      save(store, { ...record, baseSha: before, state: "merged", mergeCommit, mergedBy: by, closedTime: now(store) });
      observe(store);
      return mergeCommit;
    },
    close(number) {
      observe(store);
      closeRecord(store, number);
    },
    reopen(number) {
      observe(store);
      const record = recordOf(store, number);
      const head = git.branches().get(record.head);
      const baseSha = git.branches().get(record.base);
      if (
        record.state !== "closed" ||
        head === undefined ||
        baseSha === undefined ||
        !isAncestor(git, record.headSha, head)
      )
        throw new Error(`pull request #${number} cannot be opened again`);
      if (findOpen(store, record.head, record.base) !== undefined)
        throw new Error(`another pull request is open for ${record.head}`);
      save(store, { ...record, state: "open", headSha: head, baseSha, closedTime: undefined });
    },
  };
}

/** A fresh forge without pull requests, over that repository. */
export function createMemoryForge(options: MemoryForgeOptions): MemoryForge {
  const store: Store = {
    options,
    records: new Map(),
    nextNumber: 1,
    nextComment: 1,
    sequence: 0,
    fault: () => "none",
    listeners: new Set(),
  };
  return {
    open: ({ login, name }) => openClient(store, login, createOperate(store, name ?? login)),
    setFault(fault) {
      store.fault = fault;
    },
    onOperation(listener) {
      store.listeners.add(listener);
      return () => void store.listeners.delete(listener);
    },
    observe: () => observe(store),
    snapshot: () =>
      structuredClone({
        pulls: [...store.records.values()],
        nextNumber: store.nextNumber,
        nextComment: store.nextComment,
      }),
    restore(snapshot) {
      const copy = structuredClone(snapshot);
      store.records = new Map(copy.pulls.map((record) => [record.number, record]));
      store.nextNumber = copy.nextNumber;
      store.nextComment = copy.nextComment;
    },
    people: peopleOf(store),
  };
}
