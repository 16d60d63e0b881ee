// A person's git beside a Gitea: a bare clone in which commits are made by plumbing and pushed as that person.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { systemClock } from "../../../controller/clock.ts";
import type { CommitSha } from "../../../controller/git/port.ts";

export interface Checkout {
  git(args: readonly string[], input?: string): Promise<string>;
  /** Takes all branches of the repository. */
  fetch(): Promise<void>;
  /** A commit on top of `parent` with those files changed (null deletes); not pushed. */
  commit(
    parent: string | undefined,
    files: Readonly<Record<string, string | null>>,
    message: string,
  ): Promise<CommitSha>;
  /** Force-pushes, or moves the branch forward only. */
  push(commit: string, branch: string, how?: "force" | "forward"): Promise<void>;
  remove(): Promise<void>;
}

/** What git does not read it need not take (EPIPE): its exit code says whether that was wrong. */
function feed(stdin: Writable | null, input = ""): void {
  stdin?.on("error", () => undefined).end(input);
}

/** `now`: the time that commits bear. */
export async function openCheckout(
  remote: string,
  as: string,
  now = (): number => systemClock.now(),
): Promise<Checkout> {
  const folder = await mkdtemp(join(tmpdir(), "ringward-checkout-"));
  const who = { NAME: as, EMAIL: `${as}@example.invalid` };
  const identity = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) =>
      Object.entries(who).map(([name, value]) => [`GIT_${role}_${name}`, value]),
    ),
  );
  const env = {
    ...process.env,
    ...identity,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
  };
  async function git(args: readonly string[], input?: string): Promise<string> {
    const date = new Date(now()).toISOString();
    const dates = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    const running = promisify(execFile)("git", ["--git-dir", folder, ...args], {
      env: { ...env, ...dates },
      maxBuffer: 64 * 1024 * 1024,
    });
    feed(running.child.stdin, input);
    return (await running).stdout;
  }
  await git(["init", "-q", "--bare", "-b", "main", folder]);
  let count = 0;
  return {
    git,
    fetch: async () => void (await git(["fetch", "-q", "--prune", remote, "+refs/heads/*:refs/remotes/origin/*"])),
    async commit(parent, files, message) {
      const index = join(folder, `index-${count++}`);
      const staged = (args: readonly string[], input?: string): Promise<string> => {
        const running = promisify(execFile)("git", ["--git-dir", folder, ...args], {
          env: { ...env, GIT_INDEX_FILE: index },
        });
        feed(running.child.stdin, input);
        return running.then(({ stdout }) => stdout);
      };
      if (parent !== undefined) await staged(["read-tree", parent]);
      const lines: string[] = [];
      for (const [path, text] of Object.entries(files)) {
        const mode =
          text === null
            ? "0 0000000000000000000000000000000000000000"
            : `100644 ${(await git(["hash-object", "-w", "--stdin"], text)).trim()}`;
        lines.push(`${mode}\t${path}\0`);
      }
      await staged(["update-index", "-z", "--index-info"], lines.join(""));
      const tree = (await staged(["write-tree"])).trim();
      const parents = parent === undefined ? [] : ["-p", parent];
      return (await git(["commit-tree", tree, ...parents], message)).trim() as CommitSha;
    },
    push: async (commit, branch, how = "force") =>
      void (await git([
        "push",
        "-q",
        ...(how === "force" ? ["--force"] : []),
        remote,
        `${commit}:refs/heads/${branch}`,
      ])),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
