// Where the policy repository and its pull requests live in a run: in memory, or on a forge over real HTTP and real git. The same few
// questions to both, and the person who merges.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { MemoryForge } from "../../controller/forge/memory/index.ts";
import type { MemoryRemote } from "../../controller/git/memory.ts";
import type { PullFacts } from "../../controller/sandbox/invariants/index.ts";
import type { SandboxForge } from "../../controller/sandbox/forge/index.ts";

export interface Host {
  pulls(): Promise<readonly (PullFacts & { readonly title: string })[]>;
  branches(): Promise<readonly string[]>;
  /** `path blob` of every file of the tracked branch. */
  tree(): Promise<readonly string[]>;
  /** The person approves everything that is open; what conflicts waits until it was made anew. */
  mergeOpen(): Promise<void>;
}

/** Somebody who approves. */
export const PERSON = "ana";

export function memoryHost(remote: MemoryRemote, forge: MemoryForge): Host {
  return {
    pulls: () => Promise.resolve(forge.people.pulls()),
    branches: () => Promise.resolve([...remote.people.branches().keys()].sort()),
    tree() {
      const head = remote.people.head("main");
      const files = head === undefined ? [] : [...remote.people.commit(head).tree];
      return Promise.resolve(files.map(([path, file]) => `${path} ${file.blob}`).sort());
    },
    mergeOpen: () => mergeEach(forge.people.pulls(), (number) => Promise.resolve(forge.people.merge(number, PERSON))),
  };
}

export function forgeHost(forge: SandboxForge): Host {
  return {
    pulls: () => forge.pullRequests(),
    branches: async () => [...(await forge.branches()).keys()].sort(),
    async tree() {
      const { stdout } = await promisify(execFile)("git", [
        "--git-dir",
        forge.gitDirectory,
        "ls-tree",
        "-r",
        "--format=%(path) %(objectname)",
        "main",
      ]);
      return stdout.trim().split("\n").sort();
    },
    mergeOpen: async () => mergeEach(await forge.pullRequests(), (number) => forge.merge(number, PERSON)),
  };
}

async function mergeEach(pulls: readonly PullFacts[], merge: (number: number) => Promise<unknown>): Promise<void> {
  for (const pull of pulls) {
    if (pull.state !== "open") continue;
    try {
      await merge(pull.number);
    } catch (error) {
      if (!/conflict/i.test(String(error))) throw error;
    }
  }
}
