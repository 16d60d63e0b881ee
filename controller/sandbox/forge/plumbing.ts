// Git for the sandbox's forge: plumbing commands on one bare repository on disk, no work tree, no hooks, no user configuration.
// Every date comes from the caller, so equal input gives equal commits. Never runs a shell; refs are checked before they reach argv.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Instant } from "../../clock.ts";
import type { CommitSha } from "../../git/port.ts";
import { readHeads } from "./refs.ts";

export interface GitPerson {
  readonly name: string;
  readonly email: string;
}

/** One command's end. `code` is git's exit code. */
export interface GitOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommitRequest {
  readonly branch: string;
  readonly parent: CommitSha | undefined;
  /** Path -> content, or null to delete. */
  readonly files: ReadonlyMap<string, string | null>;
  readonly message: string;
  readonly author: GitPerson;
  readonly time: Instant;
}

/** What a commit made by the forge itself (merge, squash, rebase) carries. */
export interface CommitStamp {
  readonly author: GitPerson;
  readonly committer: GitPerson;
  readonly authorTime: Instant;
  readonly time: Instant;
}

export interface CommitDetails {
  readonly sha: CommitSha;
  readonly tree: string;
  readonly parents: readonly CommitSha[];
  readonly author: GitPerson & { readonly time: Instant };
  readonly committer: GitPerson & { readonly time: Instant };
  readonly message: string;
}

export interface FileChange {
  readonly path: string;
  readonly previousPath: string | undefined;
  readonly status: "added" | "removed" | "modified" | "renamed";
  readonly additions: number;
  readonly deletions: number;
  readonly blob: string;
  readonly patch: string | undefined;
}

/** The environment of every git process: nothing of the machine's configuration, nobody asked for a password. */
export function gitEnvironment(home: string): NodeJS.ProcessEnv {
  const inherited = process.env["PATH"];
  return {
    ...(inherited === undefined ? {} : { PATH: inherited }),
    HOME: home,
    LC_ALL: "C.UTF-8",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "safe.directory",
    GIT_CONFIG_VALUE_0: "*",
  };
}

/** Runs git; resolves with the exit code, rejects only when git cannot be started. */
export function runGit(
  directory: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<GitOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", ["--git-dir", directory, ...args], {
      env: { ...gitEnvironment(directory), ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({
        code: code ?? 128,
        out: Buffer.concat(out).toString("utf8"),
        err: Buffer.concat(err).toString("utf8"),
      }),
    );
    // A command that ends early closes its input; its exit code tells what happened.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
}

/** The part of git's rules for branch names (git-check-ref-format) that keeps a name away from options, ranges and paths. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 240 &&
    !/[\p{Cc} ~^:?*[\\]/u.test(name) &&
    !/^[-/]|^@$|\.\.|@\{|\/\/|\/$|\.$|\.lock(\/|$)/.test(name) &&
    !name.split("/").some((part) => part.startsWith("."))
  );
}

export interface TreeItem {
  readonly path: string;
  readonly mode: string;
  readonly type: string;
  readonly sha: string;
}

/** All that the forge does with its repository. Methods reject with git's words when git fails unexpectedly. */
export interface Plumbing {
  readonly directory: string;
  init(): Promise<void>;
  /** Branch name -> commit. */
  heads(): Promise<Map<string, CommitSha>>;
  isAncestor(ancestor: CommitSha, descendant: CommitSha): Promise<boolean>;
  mergeBase(one: CommitSha, other: CommitSha): Promise<CommitSha | undefined>;
  /** Commits in `head` that `base` lacks, oldest first, at most `limit`. */
  commits(base: CommitSha, head: CommitSha, limit: number): Promise<readonly CommitDetails[]>;
  details(commit: CommitSha): Promise<CommitDetails | undefined>;
  /** What `head` changed since it left `base` (three dots), with the text of the changes or the counts alone. */
  changes(base: CommitSha, head: CommitSha, what: "counts" | "patches"): Promise<readonly FileChange[]>;
  /** Writes one commit and moves the branch; fails when the branch is not at `parent`. */
  commit(request: CommitRequest): Promise<CommitSha>;
  /** The tree of a three-way merge, or undefined when it conflicts. */
  mergeTree(base: CommitSha, head: CommitSha): Promise<string | undefined>;
  commitTree(tree: string, parents: readonly CommitSha[], message: string, stamp: CommitStamp): Promise<CommitSha>;
  /** Entries of one folder, or undefined: there is no such tree. */
  tree(id: string): Promise<readonly TreeItem[] | undefined>;
  /** Writes a blob and answers its id. */
  blob(bytes: Buffer): Promise<string>;
  /** A tree like `base` with those paths changed (`sha` null: removed); undefined when it names something that is not there. */
  changeTree(
    base: string,
    items: readonly { readonly path: string; readonly mode: string; readonly sha: string | null }[],
  ): Promise<string | undefined>;
  /** Moves, creates (`from` undefined) or deletes (`to` undefined) refs at once; all or none. */
  moveRefs(
    moves: readonly {
      readonly ref: string;
      readonly from?: CommitSha | undefined;
      readonly to: CommitSha | undefined;
      readonly force?: boolean;
    }[],
  ): Promise<void>;
}

const zeroSha = "0".repeat(40);

function expectSuccess(outcome: GitOutcome, doing: string): string {
  if (outcome.code !== 0)
    throw new Error(`git could not ${doing} (exit ${outcome.code}): ${outcome.err.trim().slice(0, 500)}`);
  return outcome.out;
}

function gitDate(time: Instant): string {
  return `${Math.floor(time / 1000)} +0000`;
}

/** Names and addresses in commit headers: git's own forbidden characters are dropped. */
function person(who: GitPerson): string {
  const clean = (text: string): string => text.replace(/[<>\p{Cc}]/gu, "").trim();
  return `${clean(who.name) || "unknown"} <${clean(who.email)}>`;
}

function quotePath(path: string): string {
  if (
    path === "" ||
    path.startsWith("/") ||
    path.split("/").some((part) => part === "" || part === "." || part === ".." || part.toLowerCase() === ".git")
  ) {
    throw new Error(`${JSON.stringify(path)} is not a path inside a repository`);
  }
  return `"${path.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}

function data(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([Buffer.from(`data ${bytes.length}\n`), bytes, Buffer.from("\n")]);
}

/** One commit as a fast-import stream: a single process however many files it has. */
function fastImport(request: CommitRequest): Buffer {
  const parts: Buffer[] = [];
  const line = (text: string): void => void parts.push(Buffer.from(`${text}\n`));
  line(`commit refs/heads/${request.branch}`);
  line("mark :1");
  line(`author ${person(request.author)} ${gitDate(request.time)}`);
  line(`committer ${person(request.author)} ${gitDate(request.time)}`);
  parts.push(data(request.message));
  if (request.parent !== undefined) line(`from ${request.parent}`);
  for (const [path, text] of request.files) {
    if (text === null) line(`D ${quotePath(path)}`);
    else {
      line(`M 100644 inline ${quotePath(path)}`);
      parts.push(data(text));
    }
  }
  line("");
  line("get-mark :1");
  line("done");
  return Buffer.concat(parts);
}

const commitFormat = "%H%x00%T%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B%x00%x01";

function parseCommits(out: string): CommitDetails[] {
  return out
    .split("\0\u0001")
    .map((record) => record.replace(/^\n/, "").split("\0"))
    .filter((fields) => fields.length >= 10)
    .map((fields) => {
      const [
        sha = "",
        tree = "",
        parents = "",
        authorName = "",
        authorEmail = "",
        authorTime = "",
        name = "",
        email = "",
        time = "",
        message = "",
      ] = fields;
      return {
        sha: sha as CommitSha,
        tree,
        parents: parents.split(" ").filter((parent) => parent !== "") as CommitSha[],
        author: { name: authorName, email: authorEmail, time: Number(authorTime) * 1000 },
        committer: { name, email, time: Number(time) * 1000 },
        message: message.replace(/(?<!\n)\n+$/, ""),
      };
    });
}

const statuses: Readonly<Record<string, FileChange["status"]>> = {
  A: "added",
  D: "removed",
  M: "modified",
  T: "modified",
  R: "renamed",
  C: "added",
};

/** Reads `git diff --raw --numstat -z -M`: raw records first, then numbers in the same order. */
function parseChanges(out: string): FileChange[] {
  const tokens = out.split("\0");
  const changes: FileChange[] = [];
  const counts: [number, number][] = [];
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] ?? "";
    const raw = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])\d*$/.exec(token);
    const number = /^(\d+|-)\t(\d+|-)\t([^]*)$/.exec(token);
    if (raw !== null) {
      const renamed = raw[2] === "R" || raw[2] === "C";
      const first = tokens[++at] ?? "";
      const path = renamed ? (tokens[++at] ?? "") : first;
      changes.push({
        path,
        previousPath: renamed ? first : undefined,
        status: statuses[raw[2] ?? ""] ?? "modified",
        additions: 0,
        deletions: 0,
        blob: raw[1] ?? "",
        patch: undefined,
      });
    } else if (number !== null) {
      counts.push([Number(number[1]) || 0, Number(number[2]) || 0]);
      if (number[3] === "") at += 2;
    }
  }
  return changes.map((change, index) => ({
    ...change,
    additions: counts[index]?.[0] ?? 0,
    deletions: counts[index]?.[1] ?? 0,
  }));
}

/** Splits a whole diff into hunks per file, in the order of `paths` (git prints both in the same order). */
function splitPatches(diff: string, paths: readonly string[]): Map<string, string> {
  const patches = new Map<string, string>();
  const sections = diff.split(/^diff --git .*\n/m).slice(1);
  for (const [index, section] of sections.entries()) {
    const hunk = section.search(/^@@ /m);
    const path = paths[index];
    if (hunk >= 0 && path !== undefined) patches.set(path, section.slice(hunk).replace(/\n$/, ""));
  }
  return patches;
}

/** Opens the plumbing of the bare repository at `directory`; `init` creates it when it is not there. */
export function createPlumbing(directory: string): Plumbing {
  const git = (args: readonly string[], options?: Parameters<typeof runGit>[2]): Promise<GitOutcome> =>
    runGit(directory, args, options);

  return {
    directory,

    async init() {
      expectSuccess(await git(["init", "--quiet", "--bare", "--initial-branch=main", directory]), "make a repository");
      const settings = {
        "http.receivepack": "true",
        "gc.auto": "0",
        "receive.autogc": "false",
        "receive.hideRefs": "refs/pull",
        "core.logAllRefUpdates": "false",
      };
      for (const [key, value] of Object.entries(settings)) {
        expectSuccess(await git(["config", key, value]), `set ${key}`);
      }
    },

    heads: () => readHeads(directory),

    async isAncestor(ancestor, descendant) {
      if (ancestor === descendant) return true;
      return (await git(["merge-base", "--is-ancestor", ancestor, descendant])).code === 0;
    },

    async mergeBase(one, other) {
      const outcome = await git(["merge-base", one, other]);
      return outcome.code === 0 ? (outcome.out.trim() as CommitSha) : undefined;
    },

    async commits(base, head, limit) {
      const out = expectSuccess(
        await git([
          "log",
          "-z",
          `--max-count=${limit}`,
          "--topo-order",
          "--reverse",
          `--format=${commitFormat}`,
          `${base}..${head}`,
        ]),
        "list commits",
      );
      return parseCommits(out.replaceAll("\u0001\0", "\u0001"));
    },

    async details(commit) {
      const outcome = await git(["log", "-1", `--format=${commitFormat}`, commit]);
      return outcome.code === 0 ? parseCommits(outcome.out)[0] : undefined;
    },

    async changes(base, head, what) {
      const range = `${base}...${head}`;
      const options = ["--no-color", "--no-ext-diff", "--no-textconv", "-M", "--full-index"];
      const raw = expectSuccess(await git(["diff", ...options, "--raw", "--numstat", "-z", range]), "compare commits");
      const counted = parseChanges(raw);
      if (what === "counts") return counted;
      const diff = expectSuccess(await git(["diff", ...options, range]), "compare commits");
      const patches = splitPatches(
        diff,
        counted.map((change) => change.path),
      );
      return counted.map((change) => ({ ...change, patch: patches.get(change.path) }));
    },

    async commit(request) {
      const out = expectSuccess(
        await git(["fast-import", "--quiet", "--done"], { input: fastImport(request) }),
        `commit to ${request.branch}`,
      );
      return out.trim() as CommitSha;
    },

    async mergeTree(base, head) {
      const outcome = await git(["merge-tree", "--write-tree", "--no-messages", base, head]);
      if (outcome.code === 0) return outcome.out.trim();
      if (outcome.code === 1) return undefined;
      throw new Error(`git could not merge ${head} into ${base}: ${outcome.err.trim().slice(0, 500)}`);
    },

    async commitTree(tree, parents, message, stamp) {
      const env = {
        GIT_AUTHOR_NAME: stamp.author.name,
        GIT_AUTHOR_EMAIL: stamp.author.email,
        GIT_AUTHOR_DATE: gitDate(stamp.authorTime),
        GIT_COMMITTER_NAME: stamp.committer.name,
        GIT_COMMITTER_EMAIL: stamp.committer.email,
        GIT_COMMITTER_DATE: gitDate(stamp.time),
      };
      const out = expectSuccess(
        await git(["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent])], { input: message, env }),
        "write a commit",
      );
      return out.trim() as CommitSha;
    },

    async tree(id) {
      const outcome = await git(["ls-tree", "-z", id]);
      if (outcome.code !== 0) return undefined;
      return outcome.out.split("\0").flatMap((record) => {
        const [, mode, type, sha, path] = /^(\d+) (\w+) ([0-9a-f]+)\t([^]*)$/.exec(record) ?? [];
        return mode === undefined || type === undefined || sha === undefined || path === undefined
          ? []
          : [{ path, mode, type, sha }];
      });
    },

    async blob(bytes) {
      const out = expectSuccess(await git(["hash-object", "-w", "--stdin"], { input: bytes }), "write a blob");
      return out.trim();
    },

    async changeTree(base, items) {
      const index = join(directory, `index-${randomUUID()}`);
      const env = { GIT_INDEX_FILE: index };
      try {
        if ((await git(["read-tree", base], { env })).code !== 0) return undefined;
        const existing = new Set((await git(["ls-files", "-z"], { env })).out.split("\0"));
        if (items.some(({ path, sha }) => sha === null && !existing.has(path))) return undefined;
        const lines = items.map(({ path, mode, sha }) =>
          sha === null ? `0 ${zeroSha}\t${path}` : `${mode} ${sha}\t${path}`,
        );
        const input = `${lines.join("\0")}\0`;
        if ((await git(["update-index", "-z", "--index-info"], { env, input })).code !== 0) return undefined;
        const written = await git(["write-tree"], { env });
        return written.code === 0 ? written.out.trim() : undefined;
      } finally {
        await rm(index, { force: true });
      }
    },

    async moveRefs(moves) {
      if (moves.length === 0) return;
      const lines = moves.map(({ ref, from, to, force }) => {
        if (to === undefined) return `delete ${ref}${from === undefined ? "" : ` ${from}`}`;
        return `update ${ref} ${to}${force === true ? "" : ` ${from ?? zeroSha}`}`;
      });
      expectSuccess(await git(["update-ref", "--stdin"], { input: `${lines.join("\n")}\n` }), "move refs");
    },
  };
}
