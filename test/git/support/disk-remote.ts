// A real bare repository in a temporary folder, with people who work on it through the git command line.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { CommitSha } from "../../../controller/git/port.ts";
import { commitMessage } from "../../../controller/git/build-commit.ts";
import type { People } from "../../../controller/git/memory.ts";
import { makeSshKey } from "./ssh-server.ts";

export type ContractPeople = Omit<People, "commit" | "branches">;

export interface DiskRemote {
  readonly folder: string;
  readonly bare: string;
  readonly people: ContractPeople;
  /** A person's private ssh key. */
  keyOf(name: string): string;
  /** An allowed-signers file that names these. */
  allowedSigners(names: readonly string[], options?: string): string;
  git(args: readonly string[], environment?: Readonly<Record<string, string>>): string;
  remove(): void;
}

export function createDiskRemote(): DiskRemote {
  const folder = mkdtempSync(join(tmpdir(), "ringward-git-"));
  let orphans = 0;
  const bare = join(folder, "remote.git");
  const work = join(folder, "work");
  const base = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
  };
  const run = (
    cwd: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    input = "",
  ): string =>
    execFileSync("git", [...args], {
      cwd,
      env: { ...base, ...environment },
      encoding: "utf8",
      input,
      stdio: ["pipe", "pipe", "pipe"],
    });
  run(folder, ["init", "-q", "--bare", "-b", "main", bare]);
  run(folder, ["init", "-q", "-b", "unborn", work]);
  run(work, ["remote", "add", "origin", bare]);
  const head = (branch: string): CommitSha | undefined => {
    const line = run(bare, ["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`]).trim();
    return line === "" ? undefined : (line as CommitSha);
  };
  const identity = (how: {
    readonly time: number;
    readonly author?: { readonly name: string; readonly email: string };
  }): Record<string, string> => {
    const { name, email } = how.author ?? { name: "A Person", email: "person@example.test" };
    const date = `@${Math.floor(how.time / 1000)} +0000`;
    return {
      GIT_AUTHOR_NAME: name,
      GIT_AUTHOR_EMAIL: email,
      GIT_AUTHOR_DATE: date,
      GIT_COMMITTER_NAME: name,
      GIT_COMMITTER_EMAIL: email,
      GIT_COMMITTER_DATE: date,
    };
  };
  /** Stands the work tree on a branch's head (or on nothing). */
  const stand = (on: CommitSha | undefined): void => {
    run(work, ["fetch", "-q", "origin"]);
    if (on === undefined) {
      run(work, ["checkout", "-q", "--orphan", `o${++orphans}`]);
      run(work, ["rm", "-rfq", "--ignore-unmatch", "."]);
    } else run(work, ["checkout", "-q", "-f", "--detach", on]);
  };
  const publish = (branch: string): CommitSha => {
    run(work, ["push", "-q", "-f", "origin", `HEAD:refs/heads/${branch}`]);
    return run(work, ["rev-parse", "HEAD"]).trim() as CommitSha;
  };
  /** Settings that sign with a person's ssh key, made when it is first used. */
  const keyOf = (name: string): string => {
    const file = join(folder, "keys", name.replaceAll("@", "-at-"));
    if (!existsSync(file)) {
      mkdirSync(dirname(file), { recursive: true });
      makeSshKey(file, name);
    }
    return file;
  };
  const signing = (name: string | undefined): string[] =>
    name === undefined
      ? []
      : ["-c", "gpg.format=ssh", "-c", `user.signingKey=${keyOf(name)}`, "-c", "commit.gpgSign=true"];
  const people: ContractPeople = {
    head,
    commitFiles(branch, files, how) {
      stand(head(branch) ?? (how.from === undefined ? undefined : head(how.from)));
      const added: string[] = [];
      for (const [path, content] of Object.entries(files)) {
        if (content === null) {
          run(work, ["rm", "-q", "--", path]);
          continue;
        }
        mkdirSync(dirname(join(work, path)), { recursive: true });
        writeFileSync(join(work, path), content);
        added.push(path);
      }
      run(
        work,
        ["add", "--pathspec-from-file=-", "--pathspec-file-nul"],
        {},
        added.map((path) => `:(literal)${path}\0`).join(""),
      );
      run(
        work,
        [...signing(how.signedBy), "commit", "-q", "-F", "-"],
        identity(how),
        commitMessage(how.message ?? `Change ${Object.keys(files).join(", ")}`),
      );
      return publish(branch);
    },
    commitSymlink(branch, path, target, how) {
      stand(head(branch));
      symlinkSync(target, join(work, path));
      run(work, ["add", "--", path]);
      run(work, ["commit", "-q", "-m", how.message ?? `Link ${path}`], identity(how));
      return publish(branch);
    },
    merge(from, into, how) {
      stand(head(into));
      const theirs = head(from) ?? from;
      run(
        work,
        [
          ...signing(how.signedBy),
          "merge",
          "-q",
          how.mode === "fastForward" ? "--ff-only" : "--no-ff",
          "-m",
          how.message ?? `Merge branch '${from}'`,
          theirs,
        ],
        identity(how),
      );
      return publish(into);
    },
    revert(branch, commit, how) {
      stand(head(branch));
      run(work, ["revert", "--no-edit", commit], identity(how));
      return publish(branch);
    },
    forcePush(branch, commit) {
      run(bare, ["update-ref", `refs/heads/${branch}`, commit]);
    },
    deleteBranch(branch) {
      run(bare, ["update-ref", "-d", `refs/heads/${branch}`]);
    },
    text(branch, path) {
      try {
        return run(bare, ["cat-file", "blob", `refs/heads/${branch}:${path}`]);
      } catch {
        return undefined;
      }
    },
  };
  return {
    folder,
    bare,
    people,
    git: (args, environment) => run(bare, args, environment),
    keyOf,
    allowedSigners(names, options = "") {
      const file = join(folder, `allowed-${names.join("-").replaceAll("@", "-at-")}`);
      const line = (name: string): string => `${name} ${options}${readFileSync(`${keyOf(name)}.pub`, "utf8")}`;
      writeFileSync(file, `# who may\n${names.map(line).join("")}`);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
