// The in-memory forge keeps the forge's contract, and can be put back to any earlier moment.
import { describe, expect, it } from "vitest";
import { manualClock } from "../../../controller/clock.ts";
import { createMemoryForge, type ForgeOperation, type MemoryForge } from "../../../controller/forge/memory/index.ts";
import { createMemoryRemote, type MemoryRemote } from "../../../controller/git/memory.ts";
import { type ForgeBench } from "../bench.ts";
import { describeForge } from "../forge.contract.ts";

const start = Date.UTC(2026, 0, 5, 8);

function setUp(): {
  readonly remote: MemoryRemote;
  readonly forge: MemoryForge;
  readonly operations: ForgeOperation[];
} {
  const clock = manualClock(start);
  const remote = createMemoryRemote();
  remote.people.commitFiles("main", { "README.md": "policies\n" }, { time: start });
  const forge = createMemoryForge({ git: remote.people, clock });
  const operations: ForgeOperation[] = [];
  forge.onOperation((operation) => operations.push(operation));
  return { remote, forge, operations };
}

async function startBench(): Promise<ForgeBench> {
  const { remote, forge } = setUp();
  const done = new Map<string, number>();
  let broken: { name: string; fault: "failBefore" | "loseReply" } | undefined;
  forge.setFault((operation) => {
    const fault = broken?.name === operation.name ? broken.fault : "none";
    if (fault !== "none") broken = undefined;
    if (fault !== "failBefore") done.set(operation.name, (done.get(operation.name) ?? 0) + 1);
    return fault;
  });
  return {
    many: 120,
    forge: forge.open({ login: "ringward", name: "first" }),
    second: forge.open({ login: "ringward", name: "second" }),
    branch: async (name, path, text) =>
      remote.people.commitFiles(name, { [path]: text }, { from: "main", time: start }),
    deleteBranch: async (name) => remote.people.deleteBranch(name),
    pushMerge: async (branch) => void remote.people.merge(branch, "main", { mode: "mergeCommit", time: start }),
    merge: async (number, by) => forge.people.merge(number, by),
    closeByPerson: async (number, by) => forge.people.close(number, by),
    comments: async (number) =>
      forge.people
        .pulls()
        .find((pull) => pull.number === number)
        ?.comments.map((comment) => comment.body) ?? [],
    change: async (name, files) => remote.people.commitFiles(name, files, { from: "main", time: start }),
    async main() {
      const { id, message, parents } = remote.people.commit(remote.people.head("main")!);
      return { sha: id, message, parents: parents.length };
    },
    commentBy: async (number, by, body) => forge.people.comment(number, by, body),
    reviewBy: async (number, by, state, body) => forge.people.review(number, by, state, body),
    issueBy: async (by, title, body) => void forge.people.openIssue(by, title, body),
    async forkBy(head, path, text) {
      const headSha = remote.people.commitFiles("elsewhere", { [path]: text }, { from: "main", time: start });
      remote.people.deleteBranch("elsewhere");
      return forge.people.openFromFork({
        fork: "mallory/policies",
        head,
        headSha,
        base: "main",
        title: "t",
        by: "mallory",
      });
    },
    makeDraft: async (number) => forge.people.setDraft(number, true),
    verdicts: async (commit) =>
      Object.fromEntries(forge.people.statuses(commit).map(({ name, state, title }) => [name, { state, title }])),
    issues: async () =>
      forge.people.issues().map(({ title, body, state }) => ({ title, body, open: state === "open" })),
    switchIssuesOff: async () => forge.people.setRules({ hasIssues: false }),
    allowMethods: async (methods) => forge.people.setRules({ methods }),
    methods: ["merge", "squash"],
    breakNext(name, fault) {
      broken = { name, fault };
    },
    done: (name) => done.get(name) ?? 0,
    close: async () => undefined,
  };
}

describeForge("memory", startBench);

describe("in-memory forge", () => {
  it("names each request in order, so that a fault can hit each", async () => {
    const { remote, forge, operations } = setUp();
    remote.people.commitFiles("ringward/early", { "a.yaml": "a: 1\n" }, { from: "main", time: start });
    const client = forge.open({ login: "ringward" });

    const { number } = await client.open({
      head: "ringward/early",
      base: "main",
      title: "t",
      body: "b",
      labels: ["x"],
    });
    await client.close(number, "why");

    expect(
      operations.map((operation) => `${operation.sequence} ${operation.name}${operation.write ? "!" : ""}`),
    ).toEqual(["1 find", "2 create!", "3 label!", "4 get", "5 comment!", "6 close!"]);
  });

  it("goes back to a snapshot, numbers included", async () => {
    const { remote, forge } = setUp();
    for (const head of ["ringward/a", "ringward/b"])
      remote.people.commitFiles(head, { [`${head}.yaml`]: "a: 1\n" }, { from: "main", time: start });
    const client = forge.open({ login: "ringward" });
    await client.open({ head: "ringward/a", base: "main", title: "a", body: "", labels: [] });
    const [git, pulls] = [remote.snapshot(), forge.snapshot()];
    await client.open({ head: "ringward/b", base: "main", title: "b", body: "", labels: [] });
    forge.people.merge(1, "alice");

    remote.restore(git);
    forge.restore(pulls);

    expect(await client.list("ringward/")).toMatchObject([{ number: 1, state: "open" }]);
    expect(await client.open({ head: "ringward/b", base: "main", title: "b", body: "", labels: [] })).toMatchObject({
      number: 2,
    });
  });

  it("holds a request back as whoever stands around it wants", async () => {
    const remote = createMemoryRemote();
    remote.people.commitFiles("main", { "README.md": "policies\n" }, { time: start });
    const forge = createMemoryForge({ git: remote.people, clock: manualClock(start) });
    const waiting: (() => void)[] = [];
    const client = forge.open({
      login: "ringward",
      around: async (_, send) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return send();
      },
    });

    let answered = false;
    const seen = client.list("").then(() => (answered = true));
    await Promise.resolve();
    expect([answered, waiting.length]).toEqual([false, 1]);
    waiting[0]?.();

    await seen;
    expect(answered).toBe(true);
  });

  it.each([
    ["so many reads", { reads: 3 }],
    ["so long a time", { ms: 60_000 }],
  ])("lists what is new only after %s, and shows it by its number at once", async (_, lag) => {
    const clock = manualClock(start);
    const remote = createMemoryRemote();
    remote.people.commitFiles("main", { "README.md": "policies\n" }, { time: start });
    remote.people.commitFiles("ringward/a", { "a.txt": "a\n" }, { time: start, from: "main" });
    const forge = createMemoryForge({ git: remote.people, clock });
    forge.setLag(lag);
    const client = forge.open({ login: "ringward" });
    const listed = async (): Promise<readonly string[]> => (await client.list("ringward/")).map(({ state }) => state);

    const request = { head: "ringward/a", base: "main", title: "a", body: "", labels: [] };
    const { number } = await client.open(request);
    expect(await listed()).toEqual([]);
    // It exists, and none can say which it is.
    await expect(client.open(request)).rejects.toThrow("already exists");
    clock.advance(60_000);
    expect(await listed()).toEqual(["open"]);

    forge.people.close(number, "ana");
    expect((await client.history(number)).closed?.by).toBe("ana");
    expect(await listed()).toEqual(["open"]);
    clock.advance(60_000);
    await listed();
    expect(await listed()).toEqual(["closed"]);
  });
});
