// Real git speaks to the sandbox's forge over HTTP, and pull requests follow what it pushes.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ForgeRequestEvent } from "../../../controller/sandbox/forge/index.ts";
import { isBranchName } from "../../../controller/sandbox/forge/plumbing.ts";
import { gitAddress, type Place, propose, startPlace } from "./support.ts";

describe("sandbox forge, git", () => {
  let place: Place;
  beforeEach(async () => {
    place = await startPlace();
  });
  afterEach(async () => {
    await place.close();
  });

  async function commitInCopy(path: string, text: string): Promise<string> {
    await writeFile(join(place.directory, "copy", path), text);
    await place.git(["add", "."], "copy");
    await place.git(["commit", "-qm", `Change ${path}`], "copy");
    return await place.git(["rev-parse", "HEAD"], "copy");
  }

  it("clones for anybody, pushes only with a token", async () => {
    await place.git(["clone", "-q", place.forge.gitUrl, "copy"]);
    const commit = await commitInCopy("new.yaml", "x: 1\n");

    await expect(place.git(["push", "-q", "origin", "HEAD:main"], "copy")).rejects.toThrow(
      /could not read Username|Authentication/,
    );
    await expect(place.git(["push", "-q", gitAddress(place, "wrong"), "HEAD:main"], "copy")).rejects.toThrow(
      /Authentication failed/,
    );
    await place.git(["push", "-q", gitAddress(place, "alice-token"), "HEAD:main"], "copy");

    expect((await place.forge.branches()).get("main")).toBe(commit);
    expect(place.forge.pushes().at(-1)).toMatchObject({ branch: "main", after: commit, by: "alice", forced: false });
  });

  it("carries a large push", async () => {
    await place.git(["clone", "-q", place.forge.gitUrl, "copy"]);
    const noise = Array.from({ length: 200_000 }, (_, line) => `${line * 7919} ${(line * line) % 104729}`).join("\n");
    const commit = await commitInCopy("large.yaml", noise);

    await place.git(["push", "-q", gitAddress(place, "alice-token"), "HEAD:refs/heads/large"], "copy");

    expect((await place.forge.branches()).get("large")).toBe(commit);
  });

  it("marks a pull request merged when a person pushes the merge, and closed when its branch goes", async () => {
    const merged = await propose(place, "ringward/a", "a", "1\n");
    const closed = await propose(place, "ringward/b", "b", "1\n");
    await place.git(["clone", "-q", gitAddress(place, "alice-token"), "copy"]);
    await place.git(["merge", "-q", "--no-ff", "-m", "By hand", "origin/ringward/a"], "copy");

    await place.git(["push", "-q", "origin", "HEAD:main", ":ringward/a", ":ringward/b"], "copy");

    expect((await place.api("GET", `pulls/${merged}`)).json).toMatchObject({
      merged: true,
      merged_by: { login: "alice" },
    });
    expect((await place.api("GET", `pulls/${closed}`)).json).toMatchObject({ merged: false, state: "closed" });
  });

  it("keeps what a pull request proposed after its branch is gone", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    await place.forge.deleteBranch("ringward/a");
    await place.git(["clone", "-q", place.forge.gitUrl, "copy"]);

    await place.git(["fetch", "-q", "origin", `refs/pull/${number}/head`], "copy");

    expect(await place.git(["show", "FETCH_HEAD:a"], "copy")).toBe("1");
    expect((await place.api("GET", `pulls/${number}/files`)).json).toMatchObject([{ filename: "a" }]);
  });

  it("shows a forced push as forced, and serves the rewritten branch", async () => {
    const first = (await place.forge.branches()).get("main")!;
    await place.forge.commit({ branch: "main", files: new Map([["x", "1\n"]]), message: "x", author: "alice" });

    await place.forge.forcePush("main", first, "mallory");

    expect(place.forge.pushes().at(-1)).toMatchObject({ branch: "main", after: first, by: "mallory", forced: true });
    expect(await place.git(["ls-remote", place.forge.gitUrl, "refs/heads/main"])).toMatch(first);
  });

  it("sees what somebody pushed past it, straight to the directory, packed or not", async () => {
    const main = (await place.forge.branches()).get("main")!;
    await place.git(["--git-dir", place.forge.gitDirectory, "update-ref", "refs/heads/side/one", main]);
    await place.git(["--git-dir", place.forge.gitDirectory, "pack-refs", "--all"]);
    await place.git(["--git-dir", place.forge.gitDirectory, "update-ref", "refs/heads/side/two", main]);

    expect([...(await place.forge.branches()).keys()].sort()).toEqual(["main", "side/one", "side/two"]);
  });

  it("loses the reply of a push that it carried out, and drops one that it did not", async () => {
    await place.git(["clone", "-q", gitAddress(place, "alice-token"), "copy"]);
    const seen: ForgeRequestEvent[] = [];
    place.forge.onRequest((event) => seen.push(event));
    const before = (await place.forge.branches()).get("main");
    const commit = await commitInCopy("new.yaml", "x: 1\n");

    place.forge.setFault((request) => (request.kind === "git" && request.write ? "failBefore" : "none"));
    await expect(place.git(["push", "-q", "origin", "HEAD:main"], "copy")).rejects.toThrow(/push failed/);
    expect((await place.forge.branches()).get("main")).toBe(before);
    place.forge.setFault((request) => (request.kind === "git" && request.write ? "loseReply" : "none"));
    await expect(place.git(["push", "-q", "origin", "HEAD:main"], "copy")).rejects.toThrow(/push failed/);

    expect((await place.forge.branches()).get("main")).toBe(commit);
    expect(seen.filter((event) => event.write).map((event) => [event.kind, event.login, event.outcome])).toEqual([
      ["git", "alice", "dropped"],
      ["git", "alice", "replyLost"],
    ]);
  });

  it("goes on from its directory and a snapshot after a restart", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    await place.api("POST", `issues/${number}/comments`, { body: "hello" });
    const snapshot = JSON.parse(JSON.stringify(place.forge.snapshot())) as ReturnType<typeof place.forge.snapshot>;
    await place.forge.merge(number, "alice");

    await place.forge.restore(snapshot);

    expect((await place.api("GET", `pulls/${number}`)).json).toMatchObject({ number, state: "open", comments: 1 });
    expect(await propose(place, "ringward/b", "b", "1\n")).toBe(number + 1);
  });

  it("takes no branch name that git or a shell could misread", () => {
    for (const name of [
      "-x",
      "a..b",
      "a b",
      "a~1",
      "a:b",
      "a\\b",
      "/a",
      "a/",
      "a//b",
      ".a",
      "a/.b",
      "a.lock",
      "a.",
      "@",
      "a@{1}",
      "",
      "a\n",
      "a*",
      "a[",
      "x".repeat(300),
    ]) {
      expect([name, isBranchName(name)]).toEqual([name, false]);
    }
    for (const name of ["main", "ringward/early/ubuntu-22.04", "a@b", "ünï"]) expect(isBranchName(name)).toBe(true);
  });

  it("refuses paths that leave the repository", async () => {
    for (const path of ["../x", "/x", ".git/config", "a//b", "a/../b", ""]) {
      await expect(
        place.forge.commit({ branch: "main", files: new Map([[path, "x"]]), message: "m", author: "alice" }),
      ).rejects.toThrow(/not a path/);
    }
  });
});
