// What is fetched: commits and trees of the whole history, and of the files only those that are read, in one request.
import { execFileSync } from "node:child_process";
import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { createDiskRemote, type DiskRemote } from "./support/disk-remote.ts";

const TIME = Date.UTC(2026, 0, 5);
const POLICIES = 60;

describe("a server that knows filters", () => {
  let remote: DiskRemote;
  let git: PolicyGit;
  let first: CommitSha;

  const folder = (): string => join(remote.folder, "stores");
  const store = (): string => join(folder(), readdirSync(folder())[0] ?? "");
  const requests = (): number =>
    readdirSync(join(store(), "objects/pack")).filter((name) => name.endsWith(".promisor")).length;
  const blobs = (): number =>
    execFileSync("git", ["--git-dir", store(), "cat-file", "--batch-all-objects", "--batch-check"], {
      encoding: "utf8",
    })
      .split("\n")
      .filter((line) => line.includes(" blob ")).length;

  beforeEach(async () => {
    remote = createDiskRemote();
    remote.git(["config", "uploadpack.allowFilter", "true"]);
    const files = Object.fromEntries([
      ...Array.from({ length: POLICIES }, (_, index) => [`policies/${index}.yaml`, `n: ${index}\n`]),
      ...Array.from({ length: 200 }, (_, index) => [`pictures/${index}.txt`, `picture ${index}\n`]),
    ]) as Record<string, string>;
    first = remote.people.commitFiles("main", files, { message: "policy", time: TIME });
    git = await openPolicyGit({
      url: remote.bare,
      branch: "main",
      directory: folder(),
      author: { name: "Ringward", email: "ringward@example.test" },
      allowInsecure: true,
      clock: systemClock,
    });
    await git.fetch();
  });
  afterEach(() => remote.remove());

  it("sends no file before it is read, and then only what is policy, in one request", async () => {
    expect([blobs(), requests()]).toEqual([0, 1]);

    const { files } = await git.read(first, "policies");

    expect(files).toHaveLength(POLICIES);
    expect(files.find(({ path }) => path === "policies/7.yaml")?.text).toBe("n: 7\n");
    expect([blobs(), requests()]).toEqual([POLICIES, 2]);
  });

  it("is asked for what is new alone, and for nothing that is known", async () => {
    await git.read(first, "policies");
    const second = remote.people.commitFiles(
      "main",
      { "policies/1.yaml": "n: one\n", "policies/2.yaml": "n: two\n", "pictures/1.txt": "another\n" },
      { message: "two", time: TIME + 1000 },
    );
    await git.fetch();
    const { files } = await git.read(second, "policies");
    await git.read(first, "policies");
    await git.read(second, "");

    expect(files.find(({ path }) => path === "policies/2.yaml")?.text).toBe("n: two\n");
    expect([blobs(), requests()]).toEqual([POLICIES + 2, 4]);
  });

  it("gets commits that stand on trees whose files were never fetched", async () => {
    const pushed = await git.push({
      branch: "main",
      parent: first,
      files: new Map([["policies/3.yaml", "n: three\n"]]),
      message: "three",
      time: TIME + 2000,
    });

    expect(pushed.kind).toBe("Pushed");
    expect(remote.git(["show", "main:policies/3.yaml"])).toBe("n: three\n");
    expect(remote.git(["ls-tree", "-r", "--name-only", "main"]).trim().split("\n")).toHaveLength(POLICIES + 200);
    remote.git(["fsck", "--strict"]);
  });

  it("tells ages and ancestors without a single file", async () => {
    const second = remote.people.commitFiles(
      "main",
      { "policies/1.yaml": "n: one\n" },
      { message: "x", time: TIME + 1000 },
    );
    await git.fetch();

    const ages = await git.lastChanges(second, ["policies/1.yaml", "policies/2.yaml"]);

    expect(ages.get("policies/1.yaml")?.time).toBe(TIME + 1000);
    expect(ages.get("policies/2.yaml")?.time).toBe(TIME);
    expect(await git.isAncestor(first, second)).toBe(true);
    expect(blobs()).toBe(0);
  });

  it("says what cannot be had when it is gone by then, and reads nothing by halves", async () => {
    renameSync(remote.bare, `${remote.bare}.away`);

    await expect(git.read(first, "policies")).rejects.toMatchObject({ code: "RW1115" });

    renameSync(`${remote.bare}.away`, remote.bare);
    expect((await git.read(first, "policies")).files).toHaveLength(POLICIES);
  });

  it("puts packs together before there are many, and loses nothing", async () => {
    const { files } = await git.read(first, "policies");
    const pack = join(store(), "objects/pack/pack");
    for (const { blob } of files)
      execFileSync("git", ["--git-dir", store(), "pack-objects", "-q", pack], {
        input: `${blob}\n`,
        stdio: ["pipe", "ignore", "pipe"],
      });
    const head = remote.people.commitFiles(
      "main",
      { "policies/1.yaml": "n: one\n" },
      { message: "x", time: TIME + 1000 },
    );
    await git.fetch();

    expect(readdirSync(join(store(), "objects/pack")).filter((name) => name.endsWith(".pack")).length).toBeLessThan(5);
    expect((await git.read(head, "policies")).files).toHaveLength(POLICIES);
    expect(await git.isAncestor(first, head)).toBe(true);
  });
});

describe("a server that knows none", () => {
  it("sends everything, and all is read as ever", async () => {
    const remote = createDiskRemote();
    const head = remote.people.commitFiles(
      "main",
      { "a.yaml": "a: 1\n", "b.txt": "b\n" },
      { message: "x", time: TIME },
    );
    const git = await openPolicyGit({
      url: remote.bare,
      branch: "main",
      directory: join(remote.folder, "stores"),
      author: { name: "Ringward", email: "ringward@example.test" },
      allowInsecure: true,
      clock: systemClock,
    });

    await git.fetch();

    expect((await git.read(head, "")).files.map(({ text }) => text)).toEqual(["a: 1\n"]);
    remote.remove();
  });
});
