// The sandbox's forge answers as GitHub's REST API documents it.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Place, propose, startPlace } from "./support.ts";

describe("sandbox forge, REST", () => {
  let place: Place;
  beforeEach(async () => {
    place = await startPlace();
  });
  afterEach(async () => {
    await place.close();
  });

  it("describes repository, user, branch, ref and rate limit", async () => {
    const head = (await place.forge.branches()).get("main");

    expect((await place.api("GET", "/repos/acme/policies")).json).toMatchObject({
      full_name: "acme/policies",
      default_branch: "main",
      clone_url: place.forge.gitUrl,
    });
    expect((await place.api("GET", "/user")).json).toMatchObject({ login: "ringward" });
    expect((await place.api("GET", "branches/main")).json).toMatchObject({ name: "main", commit: { sha: head } });
    expect((await place.api("GET", "git/ref/heads/main")).json).toMatchObject({
      ref: "refs/heads/main",
      object: { sha: head },
    });
    expect((await place.api("GET", "/rate_limit")).json).toMatchObject({ rate: { limit: 5000 } });
  });

  it("refuses what GitHub refuses, with its statuses and words", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    const pulls = (body: unknown): Promise<{ status: number; text: string }> => place.api("POST", "pulls", body);

    expect(await place.api("GET", "/repos/acme/nowhere")).toMatchObject({
      status: 404,
      json: { message: "Not Found" },
    });
    expect(await place.api("GET", "pulls/99")).toMatchObject({ status: 404 });
    expect(await place.api("GET", "branches/nowhere")).toMatchObject({
      status: 404,
      json: { message: "Branch not found" },
    });
    expect(await place.api("GET", "/user", undefined, { authorization: "Bearer wrong" })).toMatchObject({
      status: 401,
      json: { message: "Bad credentials" },
    });
    expect(await place.api("POST", "pulls", {}, { authorization: "" })).toMatchObject({
      status: 401,
      json: { message: "Requires authentication" },
    });
    expect(await pulls({ head: "ringward/a", base: "main", title: "t" })).toMatchObject({
      status: 422,
      json: { errors: [{ message: "A pull request already exists for acme:ringward/a." }] },
    });
    await place.forge.forcePush("same", (await place.forge.branches()).get("main")!);
    expect(await pulls({ head: "same", base: "main", title: "t" })).toMatchObject({
      status: 422,
      json: { errors: [{ message: "No commits between main and same" }] },
    });
    expect(await pulls({ head: "gone", base: "main", title: "t" })).toMatchObject({
      status: 422,
      json: { errors: [{ field: "head", code: "invalid" }] },
    });
    expect(await pulls({ head: "same", base: "--upload-pack=x", title: "t" })).toMatchObject({
      status: 422,
      json: { errors: [{ field: "base" }] },
    });
    expect(await pulls({ head: "same", base: "main" })).toMatchObject({ status: 422 });
    expect(await place.api("PATCH", `pulls/${number}`, { body: "x".repeat(65_537) })).toMatchObject({ status: 422 });
    expect(await place.api("PUT", `issues/${number}/labels`, { labels: ["x".repeat(51)] })).toMatchObject({
      status: 422,
    });
  });

  it("pages with Link headers, filters and sorts", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) {
      await propose(place, `ringward/${name}`, name, "1\n");
      place.clock.advance(1000);
    }
    await place.api("PATCH", "pulls/2", { state: "closed" });

    const first = await place.api("GET", "pulls?state=all&per_page=2&page=2");

    expect(first.json).toMatchObject([{ number: 3 }, { number: 2, state: "closed" }]);
    const link = first.headers.get("link") ?? "";
    expect(link).toMatch(/<[^>]*[?&]page=3[^>]*>; rel="next".*<[^>]*[?&]page=3[^>]*>; rel="last"/);
    expect(link).toMatch(/<[^>]*[?&]page=1[^>]*>; rel="prev"/);
    const numbers = async (query: string): Promise<unknown> =>
      ((await place.api("GET", `pulls?${query}`)).json as unknown as { number: number }[]).map((pull) => pull.number);
    expect(await numbers("")).toEqual([5, 4, 3, 1]);
    expect(await numbers("state=closed")).toEqual([2]);
    expect(await numbers("head=acme:ringward/c")).toEqual([3]);
    expect(await numbers("head=ringward/c")).toEqual([5, 4, 3, 1]);
    expect(await numbers("base=other")).toEqual([]);
    expect(await numbers("state=all&sort=updated&direction=desc")).toEqual([2, 5, 4, 3, 1]);
    expect(await numbers("state=all&direction=asc")).toEqual([1, 2, 3, 4, 5]);
  });

  it("answers 304 to a known ETag until something changes", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    const etag = (await place.api("GET", "pulls")).headers.get("etag") ?? "";

    expect(await place.api("GET", "pulls", undefined, { "if-none-match": etag })).toMatchObject({
      status: 304,
      text: "",
    });
    await place.api("PATCH", `pulls/${number}`, { title: "New" });
    expect(await place.api("GET", "pulls", undefined, { "if-none-match": etag })).toMatchObject({ status: 200 });
  });

  it("shows files, commits, comments and labels", async () => {
    const number = await propose(place, "ringward/a", "rings/early.yaml", "a: 1\nb: 3\nc: 3\n");
    await place.forge.commit({
      branch: "ringward/a",
      files: new Map([
        ["rings/new.yaml", "x: 1\n"],
        ["README.md", null],
      ]),
      message: "More",
      author: "ringward",
    });

    const files = await place.api("GET", `pulls/${number}/files`);
    const commits = await place.api("GET", `pulls/${number}/commits`);
    await place.api("POST", `issues/${number}/comments`, { body: "hello" });
    await place.api("PUT", `issues/${number}/labels`, { labels: ["one"] });
    await place.api("POST", `issues/${number}/labels`, ["two"]);

    expect(files.json).toMatchObject([
      { filename: "README.md", status: "removed", deletions: 1 },
      {
        filename: "rings/early.yaml",
        status: "modified",
        additions: 1,
        deletions: 1,
        patch: "@@ -1,3 +1,3 @@\n a: 1\n-b: 2\n+b: 3\n c: 3",
      },
      { filename: "rings/new.yaml", status: "added", additions: 1, patch: "@@ -0,0 +1 @@\n+x: 1" },
    ]);
    expect(commits.json).toMatchObject([
      { commit: { message: "Change rings/early.yaml" } },
      { commit: { message: "More" }, parents: [{ sha: commits.json[0]?.["sha"] }] },
    ]);
    expect((await place.api("GET", `issues/${number}/comments`)).json).toMatchObject([
      { body: "hello", user: { login: "ringward" } },
    ]);
    expect((await place.api("GET", `issues/${number}/labels`)).json).toMatchObject([{ name: "one" }, { name: "two" }]);
    expect((await place.api("GET", `pulls/${number}`)).json).toMatchObject({
      commits: 2,
      changed_files: 3,
      additions: 2,
      deletions: 2,
      comments: 1,
      mergeable: true,
      mergeable_state: "clean",
      merged: false,
      merged_at: null,
      user: { login: "ringward" },
    });
  });

  it.each(["merge", "squash", "rebase"])("merges by %s with real commits", async (method) => {
    const number = await propose(place, "ringward/a", "rings/early.yaml", "a: 2\nb: 2\nc: 3\n");
    await place.forge.commit({
      branch: "ringward/a",
      files: new Map([["x", "1\n"]]),
      message: "Second\n\nBody",
      author: "ringward",
    });
    const base = await place.forge.commit({
      branch: "main",
      files: new Map([["rings/early.yaml", "a: 1\nb: 2\nc: 4\n"]]),
      message: "Elsewhere",
      author: "alice",
    });

    const reply = await place.api("PUT", `pulls/${number}/merge`, { merge_method: method });

    expect(reply).toMatchObject({ status: 200, json: { merged: true } });
    expect((await place.api("GET", `pulls/${number}`)).json).toMatchObject({
      state: "closed",
      merged: true,
      merge_commit_sha: reply.json["sha"],
      merged_by: { login: "ringward" },
    });
    await place.git(["clone", "-q", place.forge.gitUrl, "copy"]);
    expect(await place.git(["show", "HEAD:rings/early.yaml"], "copy")).toBe("a: 2\nb: 2\nc: 4");
    const subjects = (await place.git(["log", "--first-parent", "--format=%s", `${base}..HEAD`], "copy")).split("\n");
    expect(subjects).toEqual(
      {
        merge: [`Merge pull request #${number} from acme/ringward/a`],
        squash: [`Change rings/early.yaml (#${number})`],
        rebase: ["Second", "Change rings/early.yaml"],
      }[method],
    );
    await expect(place.git(["fsck", "--strict"], "copy")).resolves.toBeDefined();
  });

  it("guards a merge: head that moved 409, conflict and closed 405", async () => {
    const number = await propose(place, "ringward/a", "rings/early.yaml", "a: 2\n");

    expect(await place.api("PUT", `pulls/${number}/merge`, { sha: "0".repeat(40) })).toMatchObject({ status: 409 });
    await place.forge.commit({
      branch: "main",
      files: new Map([["rings/early.yaml", "a: 3\n"]]),
      message: "Elsewhere",
      author: "alice",
    });
    expect((await place.api("GET", `pulls/${number}`)).json).toMatchObject({
      mergeable: false,
      mergeable_state: "dirty",
    });
    expect(await place.api("PUT", `pulls/${number}/merge`)).toMatchObject({
      status: 405,
      json: { message: "Pull Request is not mergeable" },
    });
    await place.api("PATCH", `pulls/${number}`, { state: "closed" });
    expect(await place.api("PUT", `pulls/${number}/merge`)).toMatchObject({ status: 405 });
  });

  it("reopens a closed one, but not after its branch was rewritten", async () => {
    const number = await propose(place, "ringward/a", "a", "1\n");
    await place.api("PATCH", `pulls/${number}`, { state: "closed" });

    expect(await place.api("PATCH", `pulls/${number}`, { state: "open" })).toMatchObject({
      status: 200,
      json: { state: "open", closed_at: null },
    });
    await place.api("PATCH", `pulls/${number}`, { state: "closed" });
    await place.forge.forcePush("ringward/a", (await place.forge.branches()).get("main")!);
    expect(await place.api("PATCH", `pulls/${number}`, { state: "open" })).toMatchObject({ status: 422 });
  });

  it("dates everything by policy time and repeats its commits", async () => {
    const other = await startPlace();
    const [one, two] = await Promise.all([place, other].map((where) => propose(where, "ringward/a", "a", "1\n")));

    expect(await place.forge.branches()).toEqual(await other.forge.branches());
    expect((await place.api("GET", `pulls/${one}`)).json).toMatchObject({ created_at: "2026-01-05T08:00:00Z" });
    expect(await place.forge.merge(one!, "alice")).toBe(await other.forge.merge(two!, "alice"));
    await other.close();
  });
});
