// One client of the in-memory forge: the port, made of the same requests in the same order as the GitHub adapter's, so that a fault can
// hit each of them. Holds A5 as the adapter does: look, write, look again after an unclear answer.
import { type FoundIssue, keepOneComment, keepOneIssue } from "../keep-one.ts";
import type { Annotation, Forge, MergeRequest, MergeResult, PullComment, PullHistory, Report } from "../port.ts";
import { boundBody, boundLine, boundTitle } from "../text.ts";
import { listed, noteVersion } from "./lag.ts";
import { newPull } from "./people.ts";
import type { IssueRecord, PullRecord, StatusRecord } from "./records.ts";
import {
  addComment,
  addIssue,
  type Around,
  changedPaths,
  closePull,
  findOpen,
  type ForgeOperation,
  ForgeRefusal,
  isAncestor,
  mergePull,
  now,
  observe,
  pullOf,
  savePull,
  type Store,
  viewPull,
} from "./store.ts";

/** Runs one request with the fault that is set for it. */
export type Operate = <T>(operation: Omit<ForgeOperation, "sequence" | "handle">, work: () => T) => Promise<T>;

export function createOperate(store: Store, handle: string, around: Around = (_, send) => send()): Operate {
  return (asked, work) => around({ handle, ...asked }, async () => serve(store, { handle, ...asked }, work));
}

function serve<T>(store: Store, asked: Omit<ForgeOperation, "sequence">, work: () => T): T {
  const operation: ForgeOperation = { sequence: ++store.sequence, ...asked };
  for (const listener of store.listeners) listener(operation);
  const fault = store.fault(operation);
  if (fault === "failBefore") throw new Error(`forge ${operation.name} failed: connection refused`);
  observe(store);
  noteVersion(store);
  const result = work();
  noteVersion(store);
  if (fault === "loseReply") throw new Error(`forge ${operation.name} failed: connection reset before the reply`);
  return result;
}

interface Client {
  readonly store: Store;
  readonly login: string;
  readonly operate: Operate;
}

/** A client whose account is `login`. */
export function openClient(store: Store, login: string, operate: Operate): Forge {
  const client: Client = { store, login, operate };
  return {
    ...pullsOf(client),
    files: (number) =>
      operate({ name: "files", write: false, number }, () => ({
        paths: changedPaths(store, pullOf(store, number)),
        complete: true,
      })),
    history: (number) => operate({ name: "history", write: false, number }, () => historyOf(client, number)),
    keepComment: (number, marker, body) => keepComment(client, number, marker, body),
    report: (report) => say(client, report),
    merge: (number, request) => merge(client, number, request),
    keepIssue: (issue) => keepIssue(client, issue),
  };
}

function create({ store, login }: Client, request: Parameters<Forge["open"]>[0]): PullRecord {
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
  const { head, base } = request;
  const texts = { title: boundTitle(request.title), body: boundBody(request.body) };
  return savePull(store, { ...newPull(store, login), head, base, headSha, baseSha, ...texts });
}

function pullsOf(client: Client): Pick<Forge, "list" | "listOpen" | "open" | "update" | "close"> {
  const { store, login, operate } = client;
  const newestFirst = (keep: (record: PullRecord) => boolean): ReturnType<typeof viewPull>[] =>
    [...listed(store).pulls.values()]
      .filter(keep)
      .sort((one, other) => other.number - one.number)
      .map(viewPull);
  const find = (head: string, base: string): Promise<PullRecord | undefined> =>
    operate({ name: "find", write: false, head }, () => findOpen(listed(store), head, base));

  async function createOrFind(request: Parameters<Forge["open"]>[0]): Promise<PullRecord> {
    try {
      return await operate({ name: "create", write: true, head: request.head }, () => create(client, request));
    } catch (error) {
      const found = await find(request.head, request.base);
      if (found === undefined) throw error;
      return found;
    }
  }

  return {
    list: (headPrefix) =>
      operate({ name: "list", write: false }, () =>
        newestFirst((record) => record.fork === undefined && record.head.startsWith(headPrefix)),
      ),

    listOpen: (base) =>
      operate({ name: "listOpen", write: false }, () =>
        newestFirst((record) => record.state === "open" && record.base === base),
      ),

    async open(request) {
      const record = (await find(request.head, request.base)) ?? (await createOrFind(request));
      const missing = request.labels.filter((label) => !record.labels.includes(label));
      if (missing.length === 0) return viewPull(record);
      try {
        return await operate({ name: "label", write: true, number: record.number }, () => {
          const current = pullOf(store, record.number);
          return viewPull(savePull(store, { ...current, labels: [...new Set([...current.labels, ...missing])] }));
        });
      } catch {
        // As on GitHub: labels are a second request, and its failure must not lose the pull request.
        return viewPull(record);
      }
    },

    async update(number, change) {
      if (change.title === undefined && change.body === undefined) return;
      await operate({ name: "update", write: true, number }, () => {
        const record = pullOf(store, number);
        savePull(store, {
          ...record,
          title: change.title === undefined ? record.title : boundTitle(change.title),
          body: change.body === undefined ? record.body : boundBody(change.body),
        });
      });
    },

    async close(number, comment) {
      const body = boundBody(comment);
      const record = await operate({ name: "get", write: false, number }, () => pullOf(store, number));
      if (record.state !== "open") return;
      const said = commentsOf(client, number);
      if (body.trim() !== "" && !said.some((made) => made.body === body))
        await operate({ name: "comment", write: true, number }, () => addComment(store, number, login, body));
      await operate({ name: "close", write: true, number }, () => closePull(store, number, login));
    },
  };
}

function commentsOf({ store, login }: Client, number: number): readonly PullComment[] {
  const comments = listed(store).pulls.get(number)?.comments ?? [];
  return comments.map(({ id, author, body, createdTime }) => ({
    id,
    author,
    body,
    time: createdTime,
    mine: author === login,
  }));
}

function historyOf(client: Client, number: number): PullHistory {
  const record = pullOf(client.store, number);
  const { state, closedTime = "", mergeCommit } = record;
  return {
    merged:
      state === "merged" && mergeCommit !== undefined
        ? { by: record.mergedBy ?? "ghost", time: closedTime, commit: mergeCommit }
        : undefined,
    closed: state === "closed" ? { by: record.closedBy, time: closedTime } : undefined,
    reviews: (listed(client.store).pulls.get(number)?.reviews ?? []).map(
      ({ author, state: verdict, commit, time }) => ({
        author,
        state: verdict,
        commit,
        time,
      }),
    ),
    comments: commentsOf(client, number),
  };
}

function keepComment(client: Client, number: number, marker: string, body: string): Promise<void> {
  const { store, login, operate } = client;
  const change = (id: number, text: string | undefined): void => {
    const record = pullOf(store, number);
    const comments = record.comments.flatMap((comment) => {
      if (comment.id !== id) return [comment];
      return text === undefined ? [] : [{ ...comment, body: text, updatedTime: now(store) }];
    });
    savePull(store, { ...record, comments });
  };
  return keepOneComment(
    {
      list: () => operate({ name: "comments", write: false, number }, () => commentsOf(client, number)),
      make: (text) => operate({ name: "comment", write: true, number }, () => addComment(store, number, login, text)),
      edit: (id, text) => operate({ name: "editComment", write: true, number }, () => change(id, text)),
      remove: (id) => operate({ name: "deleteComment", write: true, number }, () => change(id, undefined)),
    },
    marker,
    body,
  );
}

async function say({ store, login, operate }: Client, report: Report): Promise<void> {
  const { name, commit, state, summary = "", annotations = [] } = report;
  const title = boundLine(report.title);
  const said = (status: StatusRecord | undefined): boolean =>
    status !== undefined &&
    status.state === state &&
    status.title === title &&
    status.summary === summary &&
    sameAnnotations(status.annotations, annotations);
  const last = await operate({ name: "statuses", write: false, report: name }, () =>
    listed(store).statuses.findLast((status) => status.commit === commit && status.name === name),
  );
  if (said(last)) return;
  await operate({ name: "report", write: true, report: name }, () => {
    store.options.git.commit(commit);
    const time = now(store);
    store.statuses.push({
      id: store.nextId++,
      commit,
      name,
      state,
      title,
      summary,
      annotations,
      author: login,
      time,
    });
  });
}

function sameAnnotations(one: readonly Annotation[], other: readonly Annotation[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

async function merge({ store, login, operate }: Client, number: number, request: MergeRequest): Promise<MergeResult> {
  const look = (): Promise<MergeResult | undefined> =>
    operate({ name: "get", write: false, number }, () => decided(pullOf(store, number), request));
  const seen = await look();
  if (seen !== undefined) return seen;
  try {
    return await operate({ name: "merge", write: true, number }, () => press(store, login, number, request));
  } catch (error) {
    // After a lost reply only the forge knows.
    const after = await look();
    if (after === undefined) throw error;
    return after;
  }
}

/** What needs no attempt: the end of it, or what forbids one. */
function decided(record: PullRecord, { head }: MergeRequest): MergeResult | undefined {
  if (record.headSha !== head) return { kind: "Moved" };
  if (record.state === "merged") return { kind: "Merged", commit: record.mergeCommit };
  if (record.state === "closed") return { kind: "Refused", message: "the pull request is closed" };
  return record.draft ? { kind: "Refused", message: "the pull request is a draft" } : undefined;
}

function press(store: Store, by: string, number: number, request: MergeRequest): MergeResult {
  const record = pullOf(store, number);
  const end = decided(record, request);
  if (end !== undefined) return end;
  const { methods, protection } = store.rules;
  if (protection !== undefined) return { kind: "Refused", message: protection };
  const method = request.method ?? methods[0];
  if (method === undefined || method === "rebase" || !methods.includes(method))
    return { kind: "Refused", message: `merging by ${method ?? "any method"} is not allowed on this repository` };
  try {
    const message = `${boundTitle(request.title)}\n\n${request.message.trim()}\n`;
    return { kind: "Merged", commit: mergePull(store, record, { by, method, message }) };
  } catch (error) {
    return { kind: "Refused", message: error instanceof Error ? error.message : String(error) };
  }
}

function viewIssue({ number, title, body, state }: IssueRecord): FoundIssue {
  return { number, url: `https://forge.invalid/issues/${number}`, title, body, open: state === "open" };
}

function keepIssue(
  { store, login, operate }: Client,
  issue: Parameters<Forge["keepIssue"]>[0],
): ReturnType<Forge["keepIssue"]> {
  return keepOneIssue(
    {
      list: () =>
        operate({ name: "issues", write: false }, () =>
          store.rules.hasIssues
            ? [...listed(store).issues.values()].filter(({ author }) => author === login).map(viewIssue)
            : undefined,
        ),
      make: (title, body) =>
        operate({ name: "createIssue", write: true }, () => viewIssue(addIssue(store, login, title, body))),
      edit: (number, { title, body, open }) =>
        operate({ name: "updateIssue", write: true, number }, () => {
          const record = store.issues.get(number);
          if (record === undefined) throw new ForgeRefusal(`there is no issue #${number}`);
          const time = now(store);
          const ends =
            open === undefined
              ? {}
              : open
                ? { state: "open" as const, closedTime: undefined, closedBy: undefined }
                : { state: "closed" as const, closedTime: time, closedBy: login };
          store.issues.set(number, {
            ...record,
            ...ends,
            title: title ?? record.title,
            body: body ?? record.body,
            updatedTime: time,
          });
        }),
    },
    issue,
  );
}
