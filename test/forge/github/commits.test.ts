// Commits through the Git data API mean what git's push means: the same cases as git's contract, on the forge.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Forge } from "../../../controller/forge/index.ts";
import type { CommitSha, NewCommit, PushResult } from "../../../controller/git/port.ts";
import type { ForgeRequest } from "../../../controller/sandbox/forge/index.ts";
import { type GitHubPlace, startGitHub } from "./support.ts";

const ring = "policies/rings/canary.yaml";

describe("commits through GitHub's API", () => {
  let place: GitHubPlace;
  let forge: Forge;
  let head: CommitSha;

  beforeEach(async () => {
    place = await startGitHub();
    forge = place.appForge();
    head = await place.sandbox.commit({
      branch: "main",
      files: new Map([
        [ring, "kind: RolloutRing\n"],
        ["policies/rings/early.yaml", "kind: RolloutRing\n"],
        ["policies/levels/a.yaml", "a: 1\n"],
      ]),
      message: "Policy",
      author: "alice",
    });
  });
  afterEach(async () => {
    await place.close();
  });

  const change = (text: string, rest: Partial<NewCommit> = {}): NewCommit => ({
    branch: "main",
    parent: head,
    files: new Map([[ring, text]]),
    message: "Promote canary\n\nRinged-Baseline: os\n",
    time: Date.UTC(2026, 0, 5, 9),
    ...rest,
  });

  async function push(commit: NewCommit): Promise<PushResult> {
    if (forge.push === undefined) throw new Error("this forge does not commit");
    return await forge.push(commit);
  }

  async function pushed(commit: NewCommit): Promise<CommitSha> {
    const result = await push(commit);
    if (result.kind !== "Pushed") throw new Error(`not pushed: ${result.at}`);
    return result.commit;
  }

  async function git(...args: readonly string[]): Promise<string> {
    return (await promisify(execFile)("git", ["--git-dir", place.sandbox.gitDirectory, ...args])).stdout;
  }

  const tip = async (branch: string): Promise<CommitSha | undefined> => (await place.sandbox.branches()).get(branch);
  const person = (branch: string, path: string, text: string): Promise<CommitSha> =>
    place.sandbox.commit({ branch, files: new Map([[path, text]]), message: "By hand", author: "alice" });

  /** Requests that write, by method and what they make. */
  const writes = (): readonly string[] =>
    place.seen
      .filter(({ path, write }) => write && path.includes("/git/"))
      .map(({ method, path }) => `${method} ${path.replace(/.*\/git\/(\w+).*/, "$1")}`);

  it("is offered to an App alone", () => {
    expect(place.forge().push).toBeUndefined();
    expect(forge.push).toBeDefined();
  });

  it("makes one commit in the App's name that changes only what it names, trailers and all", async () => {
    const files = new Map([
      [ring, "kind: B\r\nü: \uFEFF🦄\n"],
      ["policies/levels/b.yaml", ""],
      ["new/deep/er.yaml", "a: 1\n"],
      ["policies/levels/a.yaml", null],
      ["README.md", "policies\n"],
      ["never/there.yaml", null],
    ]);
    place.seen.length = 0;

    const made = await pushed(change("", { files }));

    expect(await tip("main")).toBe(made);
    expect(await git("log", "-1", "--format=%P %an %B", made)).toBe(
      `${head} ringward-app[bot] Promote canary\n\nRinged-Baseline: os\n\n`,
    );
    expect((await git("diff-tree", "-r", "--no-commit-id", "--name-status", head, made)).split("\n")).toEqual([
      "A\tnew/deep/er.yaml",
      "D\tpolicies/levels/a.yaml",
      "A\tpolicies/levels/b.yaml",
      `M\t${ring}`,
      "",
    ]);
    expect(await git("show", `${made}:${ring}`)).toBe("kind: B\r\nü: \uFEFF🦄\n");
    // What is unchanged or was never there is not sent.
    expect(writes()).toEqual(["POST blobs", "POST blobs", "POST blobs", "POST trees", "POST commits", "PATCH refs"]);
  });

  it("keeps the mode of a file that may be run", async () => {
    const blob = (await git("rev-parse", `main:${ring}`)).trim();
    await promisify(execFile)("sh", [
      "-c",
      `export GIT_DIR=${place.sandbox.gitDirectory} GIT_INDEX_FILE=${place.sandbox.gitDirectory}/x GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b;
       git read-tree main && git update-index --cacheinfo 100755,${blob},${ring} && git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p main -m mode)`,
    ]);
    head = (await tip("main"))!;

    await pushed(change("kind: B\n"));

    expect(await git("ls-tree", "-r", "main", ring)).toMatch(/^100755 blob/);
  });

  it("moves nothing when somebody was quicker", async () => {
    const theirs = await person("main", "policies/x.yaml", "x: 1\n");

    expect(await push(change("kind: B\n"))).toEqual({ kind: "Moved", at: theirs });
    expect(await tip("main")).toBe(theirs);
    expect(writes()).toEqual([]);
  });

  it("moves nothing when somebody is quicker between our look and our move", async () => {
    let theirs: CommitSha | undefined;
    place.sandbox.setFault((request) => {
      if (request.method === "POST" && request.path.endsWith("/git/commits"))
        void person("main", "policies/x.yaml", "x: 1\n").then((sha) => (theirs = sha));
      return "none";
    });

    const result = await push(change("kind: B\n"));

    expect(result).toEqual({ kind: "Moved", at: theirs });
    expect(await tip("main")).toBe(theirs);
  });

  it("does not bring back what a person took off the tracked branch", async () => {
    const root = (await git("rev-parse", "main~1")).trim() as CommitSha;
    await place.sandbox.forcePush("main", root);

    expect(await push(change("kind: B\n"))).toEqual({ kind: "Moved", at: root });
    await place.sandbox.commit({ branch: "spare", files: new Map([["a", "1"]]), message: "m", author: "alice" });
    await place.sandbox.deleteBranch("main");
    expect(await push(change("kind: B\n"))).toEqual({ kind: "Moved", at: "absent" });
  });

  it("makes and rebuilds proposal branches, each only from where they were seen", async () => {
    const branch = "ringward/canary/ubuntu";

    const first = await pushed(change("kind: B\n", { branch, expect: "absent" }));
    expect(await push(change("kind: C\n", { branch, expect: "absent" }))).toEqual({ kind: "Moved", at: first });
    const second = await pushed(change("kind: C\n", { branch, expect: first }));
    expect(await push(change("kind: D\n", { branch, expect: first }))).toEqual({ kind: "Moved", at: second });
    const third = await pushed(change("kind: D\n", { branch, parent: second, expect: second }));

    expect(await tip(branch)).toBe(third);
    expect((await git("log", "--format=%H", branch)).split("\n").slice(0, 3)).toEqual([third, second, head]);
  });

  it("stands a new proposal branch on its parent, whether the branch is missing or already there", async () => {
    await person("ringward/x", "y.yaml", "y: 1\n");
    await place.sandbox.forcePush("ringward/x", head);

    expect((await push(change("kind: B\n", { branch: "ringward/x" }))).kind).toBe("Pushed");
    expect((await push(change("kind: B\n", { branch: "ringward/y" }))).kind).toBe("Pushed");
  });

  it("loses no commit of a person's to a branch that two make at once", async () => {
    const branch = "ringward/new";
    let theirs: CommitSha | undefined;
    place.sandbox.setFault((request) => {
      if (request.method === "POST" && request.path.endsWith("/git/commits"))
        void person(branch, "x.yaml", "x: 1\n").then((sha) => (theirs = sha));
      return "none";
    });

    expect(await push(change("kind: B\n", { branch, expect: "absent" }))).toEqual({ kind: "Moved", at: theirs });
  });

  it("says Pushed again for what it pushed, and makes nothing twice", async () => {
    const first = await pushed(change("kind: B\n"));
    place.seen.length = 0;

    expect(await push(change("kind: B\n"))).toEqual({ kind: "Pushed", commit: first });

    expect(writes()).toEqual(["POST blobs", "POST trees"]);
    expect(await tip("main")).toBe(first);
  });

  const steps: readonly (readonly [name: string, matches: (request: ForgeRequest) => boolean])[] = [
    ["blob", ({ path }) => path.endsWith("/git/blobs")],
    ["tree", ({ method, path }) => method === "POST" && path.endsWith("/git/trees")],
    ["commit", ({ method, path }) => method === "POST" && path.endsWith("/git/commits")],
    ["ref", ({ method, path }) => method !== "GET" && path.includes("/git/refs")],
  ];
  const faults = ["failBefore", "loseReply", { status: 502, message: "Bad Gateway" }] as const;
  const cases = steps.flatMap(([name, matches]) =>
    faults.flatMap((fault) =>
      ["main", "ringward/new", "ringward/old"].map((branch) => ({ name, fault, branch, matches })),
    ),
  );

  it.each(cases)("ends with one commit on $branch although the $name request met $fault", async (one) => {
    const old = one.branch === "ringward/old" ? await person(one.branch, "x.yaml", "x: 1\n") : undefined;
    const expect_ = one.branch === "main" ? {} : { expect: old ?? ("absent" as const) };
    const wanted = change("kind: B\n", { branch: one.branch, ...expect_ });
    let left = 1;
    place.sandbox.setFault((request) => (one.matches(request) && left-- > 0 ? one.fault : "none"));

    const first = await push(wanted).catch((error: unknown) => error);
    const made = first instanceof Error ? await pushed(wanted) : (first as { commit: CommitSha }).commit;

    expect(await tip(one.branch)).toBe(made);
    expect((await git("log", "--format=%P", "-1", made)).trim()).toBe(head);
    expect(await git("show", `${made}:${ring}`)).toBe("kind: B\n");
    expect(await pushed(wanted)).toBe(made);
  });

  it("tells a refusal of the forge that is not about the branch's place", async () => {
    place.sandbox.setFault((request) =>
      request.method === "PATCH" ? { status: 422, message: "Repository rule violations found" } : "none",
    );

    await expect(push(change("kind: B\n"))).rejects.toThrow(/Repository rule violations/);
    expect(await tip("main")).toBe(head);
  });

  it("refuses branches that are not Ringward's, and forced moves of the tracked branch", async () => {
    await expect(push(change("x: 1\n", { branch: "release" }))).rejects.toThrow(/neither the tracked branch/);
    await expect(push(change("x: 1\n", { expect: head }))).rejects.toThrow(/only ever moves forward/);
    await expect(push(change("x: 1\n", { branch: "--upload-pack=x" }))).rejects.toMatchObject({ code: "RW1102" });
    expect(place.seen.filter(({ kind }) => kind === "api")).toEqual([]);
  });

  it("refuses to write through a symbolic link, over a folder, or outside the repository", async () => {
    const link = (
      await promisify(execFile)("sh", [
        "-c",
        `printf /etc/passwd | git --git-dir ${place.sandbox.gitDirectory} hash-object -w --stdin`,
      ])
    ).stdout.trim();
    await promisify(execFile)("sh", [
      "-c",
      `export GIT_DIR=${place.sandbox.gitDirectory} GIT_INDEX_FILE=${place.sandbox.gitDirectory}/x GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b;
       git read-tree main && git update-index --add --cacheinfo 120000,${link},policies/link.yaml && git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p main -m link)`,
    ]);
    head = (await tip("main"))!;
    const write = (path: string): Promise<unknown> => push(change("", { files: new Map([[path, "x: 1\n"]]) }));

    await expect(write("policies/link.yaml")).rejects.toMatchObject({ code: "RW1108" });
    await expect(write("policies/link.yaml/x.yaml")).rejects.toMatchObject({ code: "RW1108" });
    await expect(write("policies/rings")).rejects.toMatchObject({ code: "RW1108" });
    await expect(write("README.md/x.yaml")).rejects.toMatchObject({ code: "RW1108" });
    await expect(write("../x.yaml")).rejects.toMatchObject({ code: "RW1103" });
    await expect(write("policies/.git/hooks")).rejects.toMatchObject({ code: "RW1103" });
    expect(await tip("main")).toBe(head);
  });

  it("says plainly that the forge does not know the parent", async () => {
    const unknown = "0123456789abcdef0123456789abcdef01234567" as CommitSha;

    await expect(push(change("x: 1\n", { parent: unknown }))).rejects.toThrow(/does not know commit 0123456789ab/);
  });

  it("says of a protected branch that its rules take no commit, and moves nothing; a proposal's branch is free", async () => {
    place.sandbox.setRules({ protection: "Changes must be made through a pull request." });

    await expect(push(change("kind: Protected\n"))).rejects.toMatchObject({ code: "RW0720" });
    expect(await tip("main")).toBe(head);
    await expect(push(change("kind: Free\n", { branch: "ringward/canary/os/0123456789ab" }))).resolves.toMatchObject({
      kind: "Pushed",
    });
  });
});
