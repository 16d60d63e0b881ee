// The Gitea adapter over a real Gitea keeps the forge's contract: real HTTP, real git, real merges. Between them a proxy that breaks requests.
import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { createForge } from "../../controller/forge/index.ts";
import type { Forge, MergeMethod, PullReview } from "../../controller/forge/port.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import type { ForgeBench, WriteName } from "../forge/bench.ts";
import { describeForge } from "../forge/forge.contract.ts";
import { type Checkout, openCheckout } from "./support/checkout.ts";
import { type Fault, startFaultProxy } from "./support/faults.ts";
import { ADMIN, type GiteaServer, startGitea } from "./support/server.ts";

const OWNER = "acme";
const BOT = "ringward";

/** Closing is a PATCH as updating is: the two are never broken in one test. */
const writes: readonly (readonly [method: string, path: RegExp, names: readonly WriteName[]])[] = [
  ["POST", /\/pulls$/, ["create"]],
  ["POST", /\/issues\/\d+\/labels$/, ["label"]],
  ["POST", /\/comments$/, ["comment"]],
  ["PATCH", /\/issues\/comments\/\d+$/, ["editComment"]],
  ["DELETE", /\/issues\/comments\/\d+$/, ["deleteComment"]],
  ["PATCH", /\/pulls\/\d+$/, ["update", "close"]],
  ["POST", /\/statuses\/\w+$/, ["report"]],
  ["POST", /\/merge$/, ["merge"]],
  ["POST", /\/issues$/, ["createIssue"]],
  ["PATCH", /\/issues\/\d+$/, ["updateIssue"]],
];

const namesOf = (method: string, path: string): readonly WriteName[] =>
  writes.find(([wanted, pattern]) => wanted === method && pattern.test(path))?.[2] ?? [];

let server: GiteaServer | undefined;
let benches = 0;

beforeAll(async () => {
  server = await startGitea();
  await server.call(ADMIN, "POST", "/orgs", { username: OWNER });
});
afterAll(async () => {
  await server?.stop();
});

interface ApiPull {
  readonly number: number;
  readonly merged: boolean;
  readonly title: string;
  readonly merge_commit_sha: CommitSha | null;
  readonly head: { readonly label: string; readonly repo_id: number };
  readonly base: { readonly repo_id: number };
}

/** Until `check` answers something; Gitea does much of what follows a push in the background. */
async function until<T>(what: string, check: () => Promise<T | undefined>): Promise<T> {
  for (let count = 0; count < 200; count++) {
    const found = await check();
    if (found !== undefined) return found;
    await systemClock.sleep(50);
  }
  throw new Error(`never: ${what}`);
}

interface Breaking {
  readonly judge: (method: string, path: string) => Fault;
  readonly breakNext: ForgeBench["breakNext"];
  readonly done: ForgeBench["done"];
}

function breaking(): Breaking {
  const done = new Map<string, number>();
  let broken: { readonly name: WriteName; readonly fault: Fault } | undefined;
  return {
    judge(method, path) {
      const names = namesOf(method, path);
      const fault = broken !== undefined && names.includes(broken.name) ? broken.fault : "none";
      if (fault !== "none") broken = undefined;
      for (const name of names) if (fault !== "failBefore") done.set(name, (done.get(name) ?? 0) + 1);
      return fault;
    },
    breakNext(name, fault) {
      broken = { name, fault };
    },
    done: (name) => done.get(name) ?? 0,
  };
}

/** A new repository with a first commit and people who may write. */
async function makeRepository(gitea: GiteaServer, name: string): Promise<Checkout> {
  await gitea.call(ADMIN, "POST", `/orgs/${OWNER}/repos`, { name, default_branch: "main" });
  // People should see a merge that somebody pushed as what it is.
  await gitea.call(ADMIN, "PATCH", `/repos/${OWNER}/${name}`, {
    allow_manual_merge: true,
    autodetect_manual_merge: true,
  });
  for (const login of [BOT, "alice", "bob"]) {
    await gitea.token(login);
    await gitea.call(ADMIN, "PUT", `/repos/${OWNER}/${name}/collaborators/${login}`, { permission: "write" });
  }
  const remote = new URL(`${gitea.url}/${OWNER}/${name}.git`);
  remote.username = "alice";
  remote.password = await gitea.token("alice");
  const checkout = await openCheckout(remote.href, "alice");
  await checkout.push(await checkout.commit(undefined, { "README.md": "policies\n" }, "Start"), "main");
  return checkout;
}

async function startBench(): Promise<ForgeBench> {
  if (server === undefined) throw new Error("Gitea is not up");
  const gitea = server;
  const name = `policies-${benches++}`;
  const repo = `/repos/${OWNER}/${name}`;
  const checkout = await makeRepository(gitea, name);
  const { judge, breakNext, done } = breaking();
  const proxy = await startFaultProxy(gitea.url, judge);
  const client = (): Forge =>
    createForge({
      kind: "Gitea",
      apiUrl: `${proxy.url}/api/v1`,
      owner: OWNER,
      repository: name,
      token: () => gitea.token(BOT),
      clock: systemClock,
    });
  const open = async (): Promise<readonly ApiPull[]> =>
    (await gitea.call(ADMIN, "GET", `${repo}/pulls?state=open&limit=50`)) as readonly ApiPull[];
  const ofBranch = async (branch: string): Promise<readonly ApiPull[]> =>
    (await open()).filter((pull) => pull.head.label === branch && pull.head.repo_id === pull.base.repo_id);

  /** Pushes, and waits until pull requests of that branch know. */
  async function push(commit: CommitSha, branch: string): Promise<CommitSha> {
    await checkout.push(commit, branch);
    for (const { number } of await ofBranch(branch))
      await until(`#${number} follows its branch`, async () => {
        const [ref] = (await gitea.call(ADMIN, "GET", `${repo}/git/refs/pull/${number}/head`)) as readonly {
          readonly object: { readonly sha: string };
        }[];
        return ref?.object.sha === commit ? true : undefined;
      });
    return commit;
  }

  async function merge(number: number, by: string): Promise<CommitSha> {
    for (let count = 0; ; count++) {
      try {
        await gitea.call(by, "POST", `${repo}/pulls/${number}/merge`, { Do: "merge" });
        break;
      } catch (error) {
        if (count > 20) throw new Error(`not mergeable: ${(error as Error).message}`, { cause: error });
        if (!/try again/.test((error as Error).message)) throw error;
        await systemClock.sleep(100);
      }
    }
    const { merge_commit_sha: commit } = (await gitea.call(ADMIN, "GET", `${repo}/pulls/${number}`)) as ApiPull;
    if (commit === null) throw new Error(`#${number} has no merge commit`);
    return commit;
  }

  const reviewEvents: Readonly<Record<PullReview["state"], string>> = {
    Approved: "APPROVED",
    ChangesRequested: "REQUEST_CHANGES",
    Commented: "COMMENT",
    Dismissed: "",
  };
  const at = async (branch: string): Promise<string | undefined> => {
    await checkout.fetch();
    const found = await checkout.git(["for-each-ref", "--format=%(objectname)", `refs/remotes/origin/${branch}`]);
    return found.trim() === "" ? undefined : found.trim();
  };

  return {
    many: 55,
    forge: client(),
    second: client(),
    branch: async (branch, path, text) =>
      await push(await checkout.commit(await at("main"), { [path]: text }, `Change ${path}`), branch),
    change: async (branch, files) =>
      await push(await checkout.commit((await at(branch)) ?? (await at("main")), files, "Change"), branch),
    async deleteBranch(branch) {
      await checkout.fetch();
      await gitea.call("alice", "DELETE", `${repo}/branches/${encodeURIComponent(branch)}`);
      await until(`no pull request of ${branch} is open`, async () =>
        (await ofBranch(branch)).length === 0 ? true : undefined,
      );
    },
    async pushMerge(branch) {
      // As a person would: merge locally, push main, past the forge's button.
      const [main, head] = [await at("main"), await at(branch)];
      const tree = (await checkout.git(["merge-tree", "--write-tree", main ?? "", head ?? ""])).trim();
      const parents = ["-p", main ?? "", "-p", head ?? ""];
      const commit = (await checkout.git(["commit-tree", tree, ...parents], `Merge ${branch}`)).trim();
      await checkout.push(commit, "main");
      await until(`pull requests of ${branch} are merged`, async () =>
        (await ofBranch(branch)).length === 0 ? true : undefined,
      );
    },
    merge,
    closeByPerson: async (number, by) =>
      void (await gitea.call(by, "PATCH", `${repo}/pulls/${number}`, { state: "closed" })),
    comments: async (number) =>
      (
        (await gitea.call(ADMIN, "GET", `${repo}/issues/${number}/comments`)) as readonly { readonly body: string }[]
      ).map(({ body }) => body),
    async main() {
      const sha = (await at("main")) as CommitSha;
      const [parents = "", message = ""] = (await checkout.git(["log", "-1", "--format=%P%x00%B", sha])).split("\0");
      return { sha, message, parents: parents.split(" ").length };
    },
    commentBy: async (number, by, body) =>
      void (await gitea.call(by, "POST", `${repo}/issues/${number}/comments`, { body })),
    reviewBy: async (number, by, state, body) =>
      void (await gitea.call(by, "POST", `${repo}/pulls/${number}/reviews`, { event: reviewEvents[state], body })),
    issueBy: async (by, title, body) => void (await gitea.call(by, "POST", `${repo}/issues`, { title, body })),
    async forkBy(head, path, text) {
      await gitea.token("mallory");
      await gitea.call("mallory", "POST", `${repo}/forks`, { name });
      const remote = new URL(`${gitea.url}/mallory/${name}.git`);
      remote.username = "mallory";
      remote.password = await gitea.token("mallory");
      const commit = await checkout.commit(await at("main"), { [path]: text }, "Theirs");
      await until("the fork takes pushes", () =>
        checkout.git(["push", "-q", "--force", remote.href, `${commit}:refs/heads/${head}`]).then(
          () => true,
          () => undefined,
        ),
      );
      const made = await gitea.call("mallory", "POST", `${repo}/pulls`, {
        head: `mallory:${head}`,
        base: "main",
        title: "t",
      });
      return (made as ApiPull).number;
    },
    async makeDraft(number) {
      const { title } = (await gitea.call(ADMIN, "GET", `${repo}/pulls/${number}`)) as ApiPull;
      await gitea.call("alice", "PATCH", `${repo}/pulls/${number}`, { title: `WIP: ${title}` });
    },
    async verdicts(commit) {
      const all = (await gitea.call(ADMIN, "GET", `${repo}/commits/${commit}/statuses?limit=50`)) as readonly {
        readonly id: number;
        readonly context: string;
        readonly status: string;
        readonly description: string;
      }[];
      return Object.fromEntries(
        all
          .toSorted((one, other) => one.id - other.id)
          .map(({ context, status, description }) => [context, { state: status, title: description }]),
      );
    },
    async issues() {
      const all = (await gitea.call(ADMIN, "GET", `${repo}/issues?type=issues&state=all&limit=50`)) as readonly {
        readonly number: number;
        readonly title: string;
        readonly body: string;
        readonly state: string;
      }[];
      return all
        .toSorted((one, other) => one.number - other.number)
        .map(({ title, body, state }) => ({ title, body, open: state === "open" }));
    },
    switchIssuesOff: async () => void (await gitea.call(ADMIN, "PATCH", repo, { has_issues: false })),
    async allowMethods(methods) {
      const allow = (method: MergeMethod): boolean => methods.includes(method);
      await gitea.call(ADMIN, "PATCH", repo, {
        has_pull_requests: true,
        allow_merge_commits: allow("merge"),
        allow_squash_merge: allow("squash"),
        allow_rebase: allow("rebase"),
        default_merge_style: methods[0],
      });
    },
    methods: ["merge", "squash", "rebase"],
    breakNext,
    done,
    async close() {
      await proxy.close();
      await checkout.remove();
    },
  };
}

describeForge("Gitea adapter over a real Gitea", startBench);
