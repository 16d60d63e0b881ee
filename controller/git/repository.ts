// The policy repository over the system's git: a bare object store, fetched by one refspec for the tracked branch and one for
// Ringward's proposals, read by blob id, written by plumbing and pushed as one compare-and-set of one branch. There is never a work
// tree. Holds: a push moves a branch only from where the caller saw it (Moved otherwise); a lost reply can be repeated; a rewritten
// tracked branch is fetched as it is, so that the caller can see it (`isAncestor` says no: G1).
import { createHash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { GitAuth, GitProxy } from "./auth.ts";
import type { GitAuthor } from "./build-commit.ts";
import { checkAuthor } from "./build-commit.ts";
import { createGit } from "./create-git.ts";
import { explainRemoteError } from "./explain-remote-error.ts";
import { checkGitVersion } from "./git-version.ts";
import { GitExit } from "./git-process.ts";
import { createLastChanges } from "./last-changes.ts";
import type { CommitSha, Fetched, GitSnapshot, PolicyGit } from "./port.ts";
import { deleteBranch, push } from "./push.ts";
import { readPull } from "./pull.ts";
import { readFolder } from "./raw-folder.ts";
import type { TrustFiles } from "./trust.ts";
import { createVerifier } from "./verify.ts";
import { rememberAnswers } from "./remembered.ts";
import { blobCache, defaultLimits, readPolicyFiles, type ReadLimits } from "./snapshot-files.ts";
import type { Store } from "./store.ts";
import { ask, knows, proposalPrefix, remoteRefs, trackingRefs } from "./store.ts";
import { defaultTransferLimits, type TransferLimits } from "./transfer.ts";
import { checkBranch, checkCommit, checkPath, checkProxyUrl, checkUrl } from "./url.ts";
import { FILTER } from "./wanted-blobs.ts";

export interface PolicyGitOptions {
  readonly url: string;
  /** The tracked branch. */
  readonly branch: string;
  /** A folder of ours for object stores; one is made in it per address. Used by one open repository at a time. */
  readonly directory: string;
  readonly auth?: GitAuth;
  readonly author: GitAuthor;
  /** Allows http, this machine's own addresses and paths on its disk (tests, sandbox). */
  readonly allowInsecure?: boolean;
  /** Who is trusted to sign; left out: nobody, and `verify` says so. */
  readonly trust?: TrustFiles;
  /** ssh key that signs our own commits. */
  readonly signingKeyFile?: string;
  readonly caFile?: string;
  readonly proxy?: GitProxy;
  readonly limits?: Partial<ReadLimits>;
  /** A network operation that is silent for so long is stopped; ms, default 60,000. */
  readonly silenceMs?: number;
  readonly transfer?: Partial<TransferLimits>;
  readonly clock: Clock;
  /** Told after each operation: its name, whether it succeeded, and how long it took (ms), for metrics. */
  readonly onOperation?: (operation: {
    readonly name: string;
    readonly ok: boolean;
    readonly durationMs: number;
  }) => void;
}

/** Opens the policy repository (no network yet). Throws UserError for a bad address, branch, author or an unsafe git. */
export async function openPolicyGit(options: PolicyGitOptions): Promise<PolicyGit> {
  const url = checkUrl(options.url, { allowInsecure: options.allowInsecure === true });
  checkBranch(options.branch);
  if (options.branch.startsWith(proposalPrefix)) {
    throw new UserError(
      "RW1102",
      `branch "${options.branch}": "${proposalPrefix}" is for Ringward's own proposals`,
      "track another branch",
    );
  }
  checkAuthor(options.author);
  const limits: ReadLimits = { ...defaultLimits, ...options.limits };
  // One store per address: objects of two repositories never mix, and a changed address starts afresh.
  const directory = join(options.directory, `${createHash("sha256").update(url.text).digest("hex").slice(0, 16)}.git`);
  const git = await createGit({
    url,
    directory,
    silenceMs: options.silenceMs ?? 60_000,
    transfer: { ...defaultTransferLimits, ...options.transfer },
    clock: options.clock,
    maxOutputBytes: limits.maxTotalBytes * 2 + 16 * 1024 * 1024,
    ...(options.auth === undefined ? {} : { auth: options.auth }),
    ...(options.signingKeyFile === undefined ? {} : { signingKeyFile: options.signingKeyFile }),
    ...(options.caFile === undefined ? {} : { caFile: options.caFile }),
    ...(options.proxy === undefined ? {} : { proxy: checkProxy(options.proxy, options.allowInsecure === true) }),
  });
  checkGitVersion((await git.local(["version"])).toString("utf8"));
  await removeLeftovers(directory);
  await git.local(["init", "--quiet", "--bare", "--template=", directory]);
  const store: Store = {
    git,
    directory,
    url: url.text,
    branch: options.branch,
    author: options.author,
    signingKeyFile: options.signingKeyFile,
    verifier: createVerifier(git, await freshFolder(`${directory}.trust`), options.trust ?? {}),
    verifies: options.trust !== undefined,
  };
  const cache = blobCache(limits.maxCachedBytes);
  const lastChanges = createLastChanges(git);
  /** Kept between fetches, which then cost one process less; undefined while nobody knows. */
  let branches: Branches | undefined;
  const moving = async <T>(move: () => Promise<T>): Promise<T> => {
    branches = undefined;
    return git.exclusive(move);
  };
  return rememberAnswers(
    timed(options, {
      fetch: () =>
        git.exclusive(async () => {
          const before = branches ?? (await trackingRefs(store));
          branches = undefined;
          branches = await fetchBranches(store);
          const fetched = compareBranches(before, branches, store.branch);
          if (fetched.changed) await repackWhenScattered(store);
          return fetched;
        }),
      isAncestor: (ancestor, descendant) => isAncestor(store, checkCommit(ancestor), checkCommit(descendant)),
      async read(commit, path): Promise<GitSnapshot> {
        const checked = checkPath(path);
        const time = await commitTime(store, checkCommit(commit));
        const files = await readPolicyFiles(store, commit, checked, limits, cache);
        const isFolder = files.length > 0 || checked === "" || (await holdsFolder(store, commit, checked));
        return { commit, time, files, ...(isFolder ? {} : { noFolder: true }) };
      },
      async readFolder(commit, path) {
        return readFolder(store, checkCommit(commit), checkPath(path));
      },
      async parent(commit) {
        const line = await ask(store, ["rev-list", "--parents", "--max-count=1", checkCommit(commit)]);
        return line.trim().split(" ")[1] as CommitSha | undefined;
      },
      lastChange: (commit, path) => lastChange(store, checkCommit(commit), checkPath(path)),
      lastChanges: (commit, paths) => lastChanges(checkCommit(commit), paths),
      verify: (commit, since) =>
        store.verifier.verify(checkCommit(commit), since === undefined ? undefined : checkCommit(since)),
      log: (from, to, limit) => log(store, from === undefined ? undefined : checkCommit(from), checkCommit(to), limit),
      async branches(prefix) {
        const all = branches ?? (await trackingRefs(store));
        return new Map([...all].filter(([branch]) => branch.startsWith(prefix)));
      },
      readPull: ({ number, head, onto, path }) =>
        readPull(
          store,
          { number, head: checkCommit(head), onto: checkCommit(onto), path: checkPath(path) },
          limits,
          cache,
        ),
      push: (commit) => moving(() => push(store, commit)),
      deleteBranch: (branch, at) => moving(() => deleteBranch(store, branch, checkCommit(at))),
    }),
  );
}

/** What a predecessor left there is nobody's. */
async function freshFolder(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true });
  return directory;
}

function checkProxy(proxy: GitProxy, allowInsecure: boolean): GitProxy {
  checkProxyUrl(proxy.url, { allowInsecure });
  return proxy;
}

/** Reports every operation to `onOperation`. */
function timed(options: PolicyGitOptions, inner: PolicyGit): PolicyGit {
  const { onOperation, clock } = options;
  if (onOperation === undefined) return inner;
  const time = async <T>(name: string, run: () => Promise<T>): Promise<T> => {
    const start = clock.monotonic();
    let ok = false;
    try {
      const result = await run();
      ok = true;
      return result;
    } finally {
      onOperation({ name, ok, durationMs: clock.monotonic() - start });
    }
  };
  return {
    fetch: () => time("fetch", () => inner.fetch()),
    isAncestor: (ancestor, descendant) => time("isAncestor", () => inner.isAncestor(ancestor, descendant)),
    read: (commit, path) => time("read", () => inner.read(commit, path)),
    readFolder: (commit, path) => time("readFolder", () => inner.readFolder(commit, path)),
    parent: (commit) => time("parent", () => inner.parent(commit)),
    lastChange: (commit, path) => time("lastChange", () => inner.lastChange(commit, path)),
    lastChanges: (commit, paths) => time("lastChanges", () => inner.lastChanges(commit, paths)),
    verify: (commit, since) => time("verify", () => inner.verify(commit, since)),
    log: (from, to, limit) => time("log", () => inner.log(from, to, limit)),
    branches: (prefix) => time("branches", () => inner.branches(prefix)),
    readPull: (pull) => time("readPull", () => inner.readPull(pull)),
    push: (commit) => time("push", () => inner.push(commit)),
    deleteBranch: (branch, at) => time("deleteBranch", () => inner.deleteBranch(branch, at)),
  };
}

/**
 * A process that was killed leaves lock files behind, on which every later fetch would fail. The store is ours alone, and whatever git
 * still runs for a dead predecessor merely fails: its locks go.
 */
async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  const stale = names.filter(
    (name) => !name.startsWith("objects/") && (name.endsWith(".lock") || name.startsWith("ringward-index-")),
  );
  await Promise.all(stale.map((name) => rm(join(directory, name), { force: true })));
}

/** Each fetch leaves a pack; of many of them every look-up becomes slow. */
const MOST_PACKS = 60;

/** Nothing is lost by it, not even what no branch names any more: the last verified head of a rewritten history is among that (G1). */
async function repackWhenScattered({ git, directory }: Store): Promise<void> {
  const names = await readdir(join(directory, "objects/pack"));
  if (names.filter((name) => name.endsWith(".pack")).length <= MOST_PACKS) return;
  await git.local(["repack", "-a", "-d", "--keep-unreachable", "--quiet"]);
}

/** Where the branches that we follow were at the last fetch, push or deletion. */
type Branches = ReadonlyMap<string, CommitSha>;

function compareBranches(before: Branches, after: Branches, tracked: string): Fetched {
  const head = after.get(tracked);
  if (head === undefined)
    throw new UserError("RW1111", `branch "${tracked}" names no commit`, "point the branch at a commit");
  const changed = after.size !== before.size || [...after].some(([name, commit]) => before.get(name) !== commit);
  return { head, changed };
}

/** Fetches what we follow; answers where it is now. */
async function fetchBranches(store: Store): Promise<Branches> {
  const { branch, url } = store;
  const tracked = `+refs/heads/${branch}:${remoteRefs}${branch}`;
  const proposals = `+refs/heads/${proposalPrefix}*:${remoteRefs}${proposalPrefix}*`;
  try {
    await store.git.remote([
      "fetch",
      // Told what goes on, a slow transfer is not taken for a dead one (silenceMs).
      "--progress",
      "--prune",
      "--no-tags",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      FILTER,
      "origin",
      tracked,
      proposals,
    ]);
  } catch (error) {
    throw explainRemoteError(error, url, branch);
  }
  return trackingRefs(store);
}

async function isAncestor(store: Store, ancestor: CommitSha, descendant: CommitSha): Promise<boolean> {
  try {
    await store.git.local(["merge-base", "--is-ancestor", ancestor, descendant]);
    return true;
  } catch (error) {
    if (error instanceof GitExit && error.exitCode === 1) return false;
    // 128 is both "no such commit" and a broken store: only the first is an answer.
    if (error instanceof GitExit && !((await knows(store, ancestor)) && (await knows(store, descendant)))) return false;
    throw error;
  }
}

async function holdsFolder(store: Store, commit: CommitSha, path: string): Promise<boolean> {
  return (await ask(store, ["ls-tree", "--full-tree", commit, "--", path])).startsWith("040000 ");
}

async function commitTime(store: Store, commit: CommitSha): Promise<number> {
  const line = await ask(store, ["log", "-1", "--no-show-signature", "--format=%ct", commit, "--"]);
  return Number(line.trim()) * 1000;
}

async function lastChange(store: Store, commit: CommitSha, path: string): ReturnType<PolicyGit["lastChange"]> {
  const output = await ask(store, [
    "log",
    "-1",
    "--no-show-signature",
    "--format=%H %ct",
    commit,
    "--",
    ...(path === "" ? [] : [path]),
  ]);
  const [id = "", seconds = ""] = output.trim().split(" ");
  return id === "" ? undefined : { commit: id as CommitSha, time: Number(seconds) * 1000 };
}

async function log(
  store: Store,
  from: CommitSha | undefined,
  to: CommitSha,
  limit: number,
): ReturnType<PolicyGit["log"]> {
  const until = from !== undefined && (await knows(store, from)) ? [`^${from}`] : [];
  const format = "--format=%H%x00%ct%x00%an <%ae>%x00%B%x00";
  const output = await ask(store, [
    "log",
    "--first-parent",
    "--no-show-signature",
    "--encoding=UTF-8",
    `--max-count=${Math.max(0, Math.trunc(limit))}`,
    format,
    to,
    ...until,
    "--",
  ]);
  const fields = output.split("\0");
  const entries: { commit: CommitSha; time: number; author: string; message: string }[] = [];
  for (let index = 0; index + 3 < fields.length; index += 4) {
    const [id = "", seconds = "", author = "", message = ""] = fields.slice(index, index + 4);
    entries.push({ commit: id.trim() as CommitSha, time: Number(seconds) * 1000, author, message: message.trimEnd() });
  }
  return entries;
}
