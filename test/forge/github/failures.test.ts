// Every way in which GitHub fails that we have read of, each as a switch of the fake, and what we do about it. Limits, outages of reads and
// refusals of a token stand in limits.test.ts, lost replies in the contract, an App's in app.test.ts.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Forge, PullRequest } from "../../../controller/forge/index.ts";
import type { MergeRequest } from "../../../controller/forge/port.ts";
import type { ForgeFault, ForgeRequest, ForgeRequestEvent } from "../../../controller/sandbox/forge/index.ts";
import { type GitHubPlace, startGitHub, token } from "./support.ts";

describe("failures of GitHub", () => {
  let place: GitHubPlace;
  let forge: Forge;
  beforeEach(async () => {
    place = await startGitHub();
    forge = place.forge();
    await place.sandbox.commit({
      branch: "ringward/early",
      files: new Map([["a", "1\n"]]),
      message: "a",
      author: "ringward",
    });
  });
  afterEach(async () => {
    await place.close();
  });

  const proposal = { head: "ringward/early", base: "main", title: "t", body: "b", labels: [] };
  const asked = (pull: PullRequest): MergeRequest => ({ head: pull.headSha, title: "Promote", message: "" });

  /** The next `times` requests that match meet that fault. */
  function meet(matches: (request: ForgeRequest) => boolean, fault: ForgeFault, times = Infinity): void {
    let left = times;
    place.sandbox.setFault((request) => (matches(request) && left-- > 0 ? fault : "none"));
  }
  const isMerge = ({ method, path }: ForgeRequest): boolean => method === "PUT" && path.endsWith("/merge");
  const count = (matches: (request: ForgeRequestEvent) => boolean): number => place.seen.filter(matches).length;
  const pulls = async (): Promise<number> => (await place.sandbox.pullRequests()).length;

  describe("limits", () => {
    it("secondary, without Retry-After: nothing is asked for a minute", async () => {
      meet(() => true, { status: 403, message: "You have exceeded a secondary rate limit." });

      await expect(forge.list("")).rejects.toMatchObject({ name: "WaitError", retryAfterMs: 60_000 });
      const seen = place.seen.length;
      place.clock.pass(59_000);
      await expect(forge.list("")).rejects.toMatchObject({ name: "WaitError" });
      expect(place.seen).toHaveLength(seen);

      place.sandbox.setFault(undefined);
      place.clock.pass(1_000);
      await expect(forge.list("")).resolves.toEqual([]);
    });

    it("met while merging: nothing was merged, and we say when to come back", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 429, message: "secondary rate limit", headers: { "retry-after": "120" } });

      await expect(forge.merge(pull.number, asked(pull))).rejects.toMatchObject({
        name: "WaitError",
        retryAfterMs: 120_000,
      });
      expect(count(isMerge)).toBe(1);
    });

    it("met between two pages of a list: no half list is taken for a whole one", async () => {
      const { number } = await forge.open(proposal);
      for (let index = 0; index < 101; index++) await place.sandbox.comment(number, "alice", `comment ${index}`);
      meet(({ path }) => path.includes("page=2"), {
        status: 403,
        message: "API rate limit exceeded",
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999", "retry-after": "600" },
      });

      await expect(forge.history(number)).rejects.toMatchObject({ name: "WaitError" });
      place.sandbox.setFault(undefined);
      place.clock.pass(600_000);
      expect((await forge.history(number)).comments).toHaveLength(101);

      // Both pages are remembered: asked again, they cost nothing of the limit.
      place.calls.length = 0;
      expect((await forge.history(number)).comments).toHaveLength(101);
      const pages = place.calls.filter(({ route }) => route.endsWith("/comments"));
      expect(pages.map(({ status }) => status)).toEqual([304, 304]);
    });
  });

  describe("answers after the deed", () => {
    it("502 after opening: the open one is found", async () => {
      meet(({ method, path }) => method === "POST" && path.endsWith("/pulls"), {
        status: 502,
        message: "Bad Gateway",
        done: true,
      });

      await expect(forge.open(proposal)).resolves.toMatchObject({ state: "open", head: "ringward/early" });
      expect(await pulls()).toBe(1);
    });

    it("500 after merging: the merge is found", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 500, message: "Server Error", done: true });

      expect(await forge.merge(pull.number, asked(pull))).toEqual({
        kind: "Merged",
        commit: (await place.sandbox.branches()).get("main"),
      });
      expect(count(isMerge)).toBe(1);
    });

    it("504 after a comment: it is found, and not made twice", async () => {
      const { number } = await forge.open(proposal);
      meet(({ method, path }) => method === "POST" && path.endsWith("/comments"), {
        status: 504,
        message: "Gateway Timeout",
        done: true,
      });

      await forge.keepComment(number, "<!-- ringward:x -->", "hello");

      expect((await place.sandbox.pullRequests())[0]?.comments).toHaveLength(1);
    });
  });

  describe("what the forge has not noticed yet", () => {
    it("a list without the newest pull request: open answers that one, and opens none beside it", async () => {
      const first = await forge.open(proposal);
      place.sandbox.setLag({ lists: 1 });

      expect((await forge.open(proposal)).number).toBe(first.number);
      expect(await pulls()).toBe(1);
    });

    it("lists that lag after GitHub said that one exists: looked at three times", async () => {
      const first = await forge.open(proposal);
      place.sandbox.setLag({ lists: 3 });

      expect((await forge.open(proposal)).number).toBe(first.number);
      expect(place.clock.slept).toEqual([500, 1000]);

      place.sandbox.setLag({ lists: 9 });
      await expect(forge.open(proposal)).rejects.toThrow(/already exists/);
      expect(await pulls()).toBe(1);
    });

    it("mergeable null for two looks: asked again, then merged", async () => {
      const pull = await forge.open(proposal);
      place.sandbox.setLag({ mergeable: 2 });

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "Merged" });
      expect(place.clock.slept).toEqual([1000, 2000]);
    });

    it("mergeable null for good: NotYet, and no attempt is made", async () => {
      const pull = await forge.open(proposal);
      place.sandbox.setLag({ mergeable: 9 });

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "NotYet" });
      expect(count(isMerge)).toBe(0);
    });
  });

  describe("405 and 409 when merging", () => {
    it.each(["Base branch was modified. Review and try the merge again.", "Merge already in progress"])(
      "%s: NotYet",
      async (message) => {
        const pull = await forge.open(proposal);
        meet(isMerge, { status: 405, message });

        expect(await forge.merge(pull.number, asked(pull))).toMatchObject({
          kind: "NotYet",
          message: expect.stringContaining(message) as string,
        });
        place.sandbox.setFault(undefined);
        expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "Merged" });
      },
    );

    it.each([
      "At least 1 approving review is required by reviewers with write access.",
      'Required status check "build" is expected.',
      "You're not authorized to push to this branch.",
      "Changes must be made through the merge queue",
      "Commits must have verified signatures.",
    ])("%s: Refused, with GitHub's words, and not asked by another method", async (message) => {
      const pull = await forge.open(proposal);
      place.sandbox.setRules({ protection: message });

      expect(await forge.merge(pull.number, asked(pull))).toEqual({
        kind: "Refused",
        message: expect.stringContaining(message) as string,
      });
      expect(count(isMerge)).toBe(1);
      expect((await place.sandbox.pullRequests())[0]?.state).toBe("open");
    });

    it("not mergeable while GitHub computes anew: NotYet", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 405, message: "Pull Request is not mergeable" });
      place.sandbox.onRequest((request) => {
        if (isMerge(request)) place.sandbox.setLag({ mergeable: 1 });
      });

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "NotYet" });
    });

    it("a method that a rule forbids although the repository allows it: the next one is used", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 405, message: "This branch must have a linear history" }, 1);

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "Merged" });
      expect(count(isMerge)).toBe(2);
    });

    it("409 because the head moved between our look and our merge: Moved", async () => {
      const pull = await forge.open(proposal);
      place.sandbox.setFault((request) => {
        if (request.method === "GET" && request.path.endsWith("/repos/acme/policies"))
          void place.sandbox.commit({
            branch: "ringward/early",
            files: new Map([["b", "1\n"]]),
            message: "b",
            author: "alice",
          });
        return "none";
      });

      expect(await forge.merge(pull.number, asked(pull))).toEqual({ kind: "Moved" });
      expect((await place.sandbox.pullRequests())[0]?.state).toBe("open");
    });

    it("409 although the head is where we said: NotYet", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 409, message: "Head branch was modified. Review and try the merge again." });

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "NotYet" });
    });

    it("422: Refused", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 422, message: "Validation Failed" });

      expect(await forge.merge(pull.number, asked(pull))).toMatchObject({ kind: "Refused" });
    });

    it("403: a person must give us the right", async () => {
      const pull = await forge.open(proposal);
      meet(isMerge, { status: 403, message: "Resource not accessible by personal access token" });

      await expect(forge.merge(pull.number, asked(pull))).rejects.toMatchObject({ code: "RW0712" });
    });
  });

  describe("who we are and where", () => {
    it("404 for what our token may not see: a person is told, and nothing is taken for missing", async () => {
      meet(() => true, { status: 404, message: "Not Found" });

      for (const call of [
        () => forge.list(""),
        () => forge.listOpen("main"),
        () => forge.files(1),
        () => forge.history(1),
        () => forge.merge(1, { head: "a".repeat(40) as PullRequest["headSha"], title: "t", message: "" }),
        () => forge.keepIssue({ marker: "<!-- x -->", title: "t", body: "b", open: true }),
      ])
        await expect(call()).rejects.toMatchObject({ name: "UserError", code: "RW0713" });
    });

    it.each([301, 302, 307, 308])(
      "%i of a renamed repository: not followed, neither reading nor writing",
      async (status) => {
        const location = `${place.sandbox.apiUrl}/repositories/1/pulls`;
        meet(({ path }) => path.includes("/pulls"), { status, message: "Moved", headers: { location } });

        await expect(forge.list("")).rejects.toMatchObject({ code: "RW0714" });
        await expect(forge.open(proposal)).rejects.toMatchObject({ code: "RW0714" });

        expect(count(({ path }) => path.includes("/repositories/"))).toBe(0);
        expect(await pulls()).toBe(0);
      },
    );

    it("a redirect to another host gets no token", async () => {
      const elsewhere = await startGitHub();
      try {
        meet(() => true, {
          status: 301,
          headers: { location: `${elsewhere.sandbox.apiUrl}/repos/acme/policies/pulls` },
        });

        await expect(forge.list("")).rejects.toMatchObject({ code: "RW0714" });
        expect(elsewhere.seen).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    });

    it("a next page on another host gets no token", async () => {
      const elsewhere = await startGitHub();
      try {
        meet(() => true, {
          addHeaders: { link: `<${elsewhere.sandbox.apiUrl}/repos/acme/policies/pulls?page=2>; rel="next"` },
        });

        await expect(forge.list("")).rejects.toThrow(/another host/);
        expect(elsewhere.seen).toEqual([]);
      } finally {
        await elsewhere.close();
      }
    });

    it("a token that was renewed in its file while the old one ended: used at once", async () => {
      const tokens = ["ghp_old00000000000000000", token];
      const fresh = place.forge({ tokens });

      await expect(fresh.open(proposal)).resolves.toMatchObject({ state: "open" });
      expect(count(({ status }) => status === 401)).toBe(1);
    });
  });

  it("a body that is too long is cut before it is sent, wherever it goes", async () => {
    const long = "x".repeat(70_000);
    const pull = await forge.open({ ...proposal, body: long });

    await forge.update(pull.number, { body: `${long}y` });
    await forge.keepComment(pull.number, "<!-- ringward:x -->", long);
    await forge.keepIssue({ marker: "<!-- ringward:y -->", title: "t".repeat(300), body: long, open: true });
    await forge.close(pull.number, long);

    expect(count(({ status }) => status === 422)).toBe(0);
    expect((await place.sandbox.pullRequests())[0]).toMatchObject({ state: "closed" });
  });
});
