// When each of many files last changed: what `git log -1 -- <path>` says of each, from one walk of one git process instead of a process
// for each. Git names, children first, every commit with its parents and what differs from each of them; a file is followed from the
// head down the first parent that has it just as it is, and the commit none of whose parents has it so is the one that changed it last.
// Holds: of the history nothing is kept but where each file waits; a later head is asked only for what came since the last one; nothing
// is guessed: what the walk does not answer is not in the answer.
import type { Instant } from "../clock.ts";
import type { Git } from "./create-git.ts";
import type { CommitSha } from "./port.ts";

export interface LastChange {
  readonly commit: CommitSha;
  readonly time: Instant;
}

export type LastChanges = ReadonlyMap<string, LastChange>;

/** Answers for one commit after another, and remembers the last answer. */
export function createLastChanges(git: Git): (commit: CommitSha, paths: readonly string[]) => Promise<LastChanges> {
  let last: Known | undefined;
  return async (commit, paths) => {
    const answers = await readLastChanges(git, commit, paths, last);
    last = { commit, answers };
    return answers;
  };
}

/** What held at an earlier commit. */
interface Known {
  readonly commit: CommitSha;
  readonly answers: LastChanges;
}

async function readLastChanges(
  git: Git,
  commit: CommitSha,
  paths: readonly string[],
  known: Known | undefined,
): Promise<LastChanges> {
  const asked = new Set(paths);
  const answers = new Map<string, LastChange>();
  if (known !== undefined) {
    const walk = startWalk(asked, answers);
    if (commit === known.commit) walk.waiting.set(commit, [...asked]);
    else await take(git, walk, [commit, `^${known.commit}`, "--"]);
    // A file that came down to that commit is there as it was: so is what was known of it.
    for (const path of walk.waiting.get(known.commit) ?? []) {
      const answer = known.answers.get(path);
      if (answer !== undefined) answers.set(path, answer);
    }
  }
  const left = new Set([...asked].filter((path) => !answers.has(path)));
  if (left.size === 0) return answers;
  const folder = commonFolder([...left]);
  // Every parent is followed, also one that a merge took nothing from: of two files one may have come from each side.
  await take(git, startWalk(left, answers), ["--full-history", commit, "--", ...(folder === "" ? [] : [folder])]);
  return answers;
}

/** The deepest folder that holds all of them; "" is the root. */
function commonFolder([first = "", ...others]: readonly string[]): string {
  let folder = first.split("/").slice(0, -1);
  for (const path of others) {
    const parts = path.split("/").slice(0, -1);
    const until = folder.findIndex((part, index) => part !== parts[index]);
    if (until >= 0) folder = folder.slice(0, until);
  }
  return folder.join("/");
}

// ------------------------------------------------------------------------------------------------------- walking

interface Walk {
  readonly asked: ReadonlySet<string>;
  readonly answers: Map<string, LastChange>;
  /** Files whose history goes on at a commit that did not come yet. */
  readonly waiting: Map<string, string[]>;
  /** Files that are neither answered nor known to have been never there. */
  open: number;
  /** The commit that is being told of; the first one is where every file begins. */
  current: Told | undefined;
  begun: boolean;
}

interface Told {
  readonly id: string;
  readonly parents: readonly string[];
  readonly time: Instant;
  /** Of the asked files those that differ from each parent; for a commit without parents all that it has. */
  readonly changed: readonly Set<string>[];
}

function startWalk(asked: ReadonlySet<string>, answers: Map<string, LastChange>): Walk {
  return { asked, answers, waiting: new Map(), open: asked.size, current: undefined, begun: false };
}

async function take(git: Git, walk: Walk, range: readonly string[]): Promise<void> {
  const reader = readRecords(walk);
  await git.local(
    [
      "log",
      "--topo-order",
      "--parents",
      "--diff-merges=separate",
      "--pretty=raw",
      "--name-status",
      "--no-renames",
      "--no-color",
      "--no-notes",
      "--no-show-signature",
      "-z",
      ...range,
    ],
    { onOutput: (chunk) => reader.read(chunk) },
  );
  reader.end();
}

/** All is known of the current commit: what waits at it goes on from it. */
function settle(walk: Walk): void {
  const { current } = walk;
  if (current === undefined) return;
  const { id, parents, time, changed } = current;
  const files = walk.begun ? (walk.waiting.get(id) ?? []) : walk.asked;
  walk.begun = true;
  walk.current = undefined;
  walk.waiting.delete(id);
  for (const path of files) {
    const same = parents.find((_, index) => changed[index]?.has(path) === false);
    if (same !== undefined) {
      const others = walk.waiting.get(same);
      if (others === undefined) walk.waiting.set(same, [path]);
      else others.push(path);
      continue;
    }
    walk.open -= 1;
    // Where history begins without the file nothing is answered: it was never there.
    if (parents.length > 0 || changed[0]?.has(path) === true) walk.answers.set(path, { commit: id as CommitSha, time });
  }
}

// ------------------------------------------------------------------------------------------------------- reading

/**
 * Splits what git says into records that end with a zero byte: a commit's header (once for each parent that it differs from, the status
 * of the first file on its last line), then by turns a path and the status of the next one.
 */
function readRecords(walk: Walk): { read(chunk: Buffer): boolean; end(): void } {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let rest = "";
  let changed: Set<string> | undefined;
  let isPath = false;
  const accept = (record: string): void => {
    if (isPath) {
      isPath = false;
      if (walk.asked.has(record)) changed?.add(record);
    } else if (record.startsWith("commit ")) {
      changed = readHeader(walk, record);
      isPath = STATUS.test(record.slice(record.lastIndexOf("\n") + 1));
    } else if (STATUS.test(record)) isPath = true;
    else if (record !== "") throw new Error("git log answered in an unknown form");
  };
  return {
    read(chunk) {
      const records = (rest + decoder.decode(chunk, { stream: true })).split("\0");
      rest = records.pop() ?? "";
      for (const record of records) accept(record);
      return walk.open > 0;
    },
    end() {
      // What came after the last answer was cut short.
      if (walk.open === 0) return;
      if (rest !== "") accept(rest);
      settle(walk);
    },
  };
}

const STATUS = /^[ACDMRTUX]\d*$/;
const HEADER = /^commit ([0-9a-f]+)((?: [0-9a-f]+)*)(?: \(from ([0-9a-f]+)\))?\n/;
const COMMITTER = /\ncommitter [^\n]*> (-?\d+) [+-]\d+(?:\n|$)/;

/** A header names the commit, its parents and, at a merge, the parent that the paths after it differ from. Answers where these belong. */
function readHeader(walk: Walk, header: string): Set<string> | undefined {
  const [, id, list = "", from] = HEADER.exec(header) ?? [];
  if (id === undefined) throw new Error("git log answered in an unknown form");
  if (walk.current?.id !== id) {
    settle(walk);
    const seconds = COMMITTER.exec(header)?.[1];
    if (seconds === undefined) throw new Error(`git log names no committer of ${id}`);
    const parents = list === "" ? [] : list.trim().split(" ");
    const changed = Array.from({ length: Math.max(1, parents.length) }, () => new Set<string>());
    walk.current = { id, parents, time: Number(seconds) * 1000, changed };
  }
  const { parents, changed } = walk.current;
  return changed[from === undefined ? 0 : parents.indexOf(from)];
}
