// What a run left in the repository, on the forge and in the log of requests, judged (A4, A5, K1). Commits are judged once for all runs:
// a commit's id says everything about it.
import { checkCommits, checkProposals } from "../../controller/sandbox/invariants/approvals.ts";
import { checkPreconditions, type TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import type { GitHistory } from "../../controller/sandbox/invariants/index.ts";
import { CONTROLLER_EMAIL, type MemoryStage } from "./stage.ts";

/** Commit -> what is wrong with it. */
export type Judged = Map<CommitSha, readonly string[]>;

/** Lines that say what is wrong. */
export function judgeHouse(stage: MemoryStage, requests: readonly TimedRequest[], judged: Judged): readonly string[] {
  const problems: string[] = [];
  const { people } = stage.remote;
  for (let id = people.head("main"); id !== undefined; id = people.commit(id).parents[0]) {
    if (!judged.has(id)) judged.set(id, judgeCommit(stage, id));
    problems.push(...(judged.get(id) ?? []));
  }
  checkProposals(stage.forge.people.pulls(), (_, object, message) => problems.push(`A5 ${object}: ${message}`));
  const users = new Set(requests.map(({ user }) => user));
  checkPreconditions(requests, users, (_, object, message) => problems.push(`K1 ${object}: ${message}`));
  return problems;
}

function judgeCommit({ remote: { people } }: MemoryStage, id: CommitSha): readonly string[] {
  const { parents, author, time, tree } = people.commit(id);
  const texts = (files: typeof tree): ReadonlyMap<string, string> =>
    new Map([...files].map(([path, file]) => [path, file.bytes.toString("utf8")]));
  const [parent] = parents;
  const before = parent === undefined ? new Map<string, string>() : texts(people.commit(parent).tree);
  const problems: string[] = [];
  const byController = author.includes(CONTROLLER_EMAIL);
  checkCommits({ commits: [{ id, time, author, byController, before, after: texts(tree) }] }, (_, object, message) =>
    problems.push(`A4 ${object}: ${message}`),
  );
  return problems;
}

/** The tracked branch as the checks of versions ask for it: whatever the remote holds at the moment when they ask. */
export function branchOf({ remote: { people } }: Pick<MemoryStage, "remote">): GitHistory {
  const commit = (id: string): ReturnType<typeof people.commit> | undefined => {
    try {
      return people.commit(id as CommitSha);
    } catch {
      return undefined;
    }
  };
  return {
    commits: [],
    find(id) {
      const found = commit(id);
      if (found === undefined) return undefined;
      return {
        time: found.time,
        after: new Map([...found.tree].map(([path, file]) => [path, file.bytes.toString("utf8")])),
      };
    },
    parent: (id) => commit(id)?.parents[0],
    contains(id, ancestor) {
      const queue: string[] = [id];
      const seen = new Set<string>(queue);
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        if (next === ancestor) return true;
        for (const parent of commit(next)?.parents ?? [])
          if (!seen.has(parent)) {
            seen.add(parent);
            queue.push(parent);
          }
      }
      return false;
    },
  };
}
