import { describe, expect, it } from "vitest";

import type { GitOperation, MemoryRemote } from "../../controller/git/memory.ts";
import { createMemoryRemote } from "../../controller/git/memory.ts";
import type { CommitSha, NewCommit } from "../../controller/git/port.ts";
import { author, policyGitContract } from "./contract.ts";

policyGitContract("in memory", async () => {
  const remote = createMemoryRemote();
  return {
    people: remote.people,
    showPull: () => undefined,
    open: async (signatures = {}) => remote.open({ branch: "main", author, ...signatures }),
    close: async () => undefined,
  };
});

const time = Date.UTC(2026, 0, 1);
const ring = "rings/a.yaml";
const change = (parent: CommitSha, text: string, rest: Partial<NewCommit> = {}): NewCommit => ({
  branch: "main",
  parent,
  files: new Map([[ring, text]]),
  message: "Promote",
  time: time + 1000,
  ...rest,
});

function started(): { readonly remote: MemoryRemote; readonly root: CommitSha } {
  const remote = createMemoryRemote();
  return { remote, root: remote.people.commitFiles("main", { [ring]: "a: 1\n" }, { time }) };
}

describe("the repository in memory, for crash sweeps", () => {
  it("fails before an operation, or loses its reply after it", async () => {
    const { remote, root } = started();
    const git = remote.open({ branch: "main", author });
    await git.fetch();
    remote.setFault(({ name }) => (name === "push" ? "failBefore" : "none"));
    await expect(git.push(change(root, "a: 2\n"))).rejects.toThrow(/connection refused/);
    expect(remote.people.head("main")).toBe(root);

    remote.setFault(({ name }) => (name === "push" ? "loseReply" : "none"));
    await expect(git.push(change(root, "a: 2\n"))).rejects.toThrow(/before the reply/);
    const landed = remote.people.head("main");
    expect(landed).not.toBe(root);

    remote.setFault(() => "none");
    expect(await git.push(change(root, "a: 2\n"))).toEqual({ kind: "Pushed", commit: landed });
    expect((await git.log(undefined, landed as CommitSha, 9)).length).toBe(2);
  });

  it("tells about every operation on the remote, of every handle, in order", async () => {
    const { remote, root } = started();
    const seen: GitOperation[] = [];
    const stop = remote.onOperation((operation) => seen.push(operation));
    const a = remote.open({ branch: "main", author, name: "a" });
    const b = remote.open({ branch: "main", author, name: "b" });
    await a.fetch();
    await b.fetch();
    const pushed = await a.push(change(root, "a: 2\n", { branch: "ringward/x" }));
    const commit = pushed.kind === "Pushed" ? pushed.commit : root;
    await b.deleteBranch("ringward/x", commit);
    stop();
    await a.fetch();

    expect(seen).toEqual([
      { sequence: 1, handle: "a", name: "fetch", write: false },
      { sequence: 2, handle: "b", name: "fetch", write: false },
      { sequence: 3, handle: "a", name: "push", write: true, branch: "ringward/x", commit },
      { sequence: 4, handle: "b", name: "deleteBranch", write: true, branch: "ringward/x" },
    ]);
  });

  it("goes back to a snapshot", async () => {
    const { remote, root } = started();
    const snapshot = remote.snapshot();
    const git = remote.open({ branch: "main", author });
    await git.fetch();
    const first = await git.push(change(root, "a: 2\n"));
    remote.people.commitFiles("ringward/y", { "y.yaml": "y: 1\n" }, { time, from: "main" });

    remote.restore(snapshot);

    expect(remote.people.branches()).toEqual(new Map([["main", root]]));
    const fresh = remote.open({ branch: "main", author });
    expect((await fresh.fetch()).head).toBe(root);
    expect(await fresh.push(change(root, "a: 2\n"))).toEqual(first);
  });

  it("keeps a handle's view until it fetches", async () => {
    const { remote, root } = started();
    const git = remote.open({ branch: "main", author });
    await git.fetch();
    const next = remote.people.commitFiles("main", { [ring]: "a: 3\n" }, { time });

    await expect(git.read(next, "")).rejects.toThrow(/fetch first/);
    expect(await git.branches("")).toEqual(new Map([["main", root]]));
  });

  it("is quick: 2,000 rounds of fetch, read, push and restore in a second", async () => {
    const { remote, root } = started();
    const snapshot = remote.snapshot();
    let rounds = 0;
    for (; rounds < 2000; rounds++) {
      remote.restore(snapshot);
      const git = remote.open({ branch: "main", author });
      const { head } = await git.fetch();
      await git.read(head, "");
      await git.push(change(root, `a: ${rounds}\n`));
    }

    expect(rounds).toBe(2000);
  }, 5000);

  const levels = (...entries: string[]): string =>
    `spec:\n  levels:\n${entries.map((entry) => `  - baseline: ${entry[0] ?? ""}\n    level: ${entry}\n`).join("")}`;

  it("merges proposals for different entries of one file, and conflicts where git would", () => {
    const { remote } = started();
    const { people } = remote;
    people.commitFiles("main", { [ring]: levels("a1", "b1", "c1") }, { time });
    people.commitFiles("ringward/a", { [ring]: levels("a2", "b1", "c1") }, { time, from: "main" });
    people.commitFiles("ringward/c", { [ring]: levels("a1", "b1", "c2") }, { time, from: "main" });
    people.commitFiles("ringward/a-other", { [ring]: levels("a3", "b1", "c1") }, { time, from: "main" });
    people.commitFiles("ringward/gone", { [ring]: null }, { time, from: "main" });

    people.merge("ringward/a", "main", { time, mode: "mergeCommit" });
    people.merge("ringward/c", "main", { time, mode: "mergeCommit" });

    expect(people.text("main", ring)).toBe(levels("a2", "b1", "c2"));
    expect(() => people.merge("ringward/a-other", "main", { time, mode: "mergeCommit" })).toThrow(
      `merge conflict in ${ring}`,
    );
    expect(() => people.merge("ringward/gone", "main", { time, mode: "mergeCommit" })).toThrow(
      `merge conflict in ${ring}`,
    );
    expect(() => people.merge("ringward/gone", "main", { time, mode: "fastForward" })).toThrow(/no fast-forward/);
  });

  it("undoes one commit and keeps what came after", () => {
    const { remote } = started();
    const { people } = remote;
    people.commitFiles("main", { [ring]: levels("a1", "b1", "c1") }, { time });
    const promoted = people.commitFiles(
      "main",
      { [ring]: levels("a2", "b1", "c1"), "levels/a2.yaml": "x: 1\n" },
      { time },
    );
    people.commitFiles("main", { [ring]: levels("a2", "b1", "c2") }, { time });

    people.revert("main", promoted, { time });

    expect(people.text("main", ring)).toBe(levels("a1", "b1", "c2"));
    expect(people.text("main", "levels/a2.yaml")).toBeUndefined();
  });
});
