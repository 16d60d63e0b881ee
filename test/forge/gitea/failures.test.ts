// Every way in which Gitea fails that we know of, and what we do about it. Lost replies of each write, and two clients at once, are met on a
// real Gitea (test/gitea).
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MergeRequest } from "../../../controller/forge/port.ts";
import type { CommitSha } from "../../../controller/git/port.ts";
import { type Answer, type FakeGitea, HEAD, MERGED, startFakeGitea, TOKEN } from "./support.ts";

describe("failures of Gitea", () => {
  let gitea: FakeGitea;
  beforeEach(async () => {
    gitea = await startFakeGitea();
  });
  afterEach(async () => {
    await gitea.close();
  });

  const request: MergeRequest = { head: HEAD as CommitSha, title: "Promote", message: "" };
  const count = (what: string): number => gitea.seen.filter((one) => one === what).length;
  const MERGE = "POST /pulls/1/merge";
  /** The next `times` requests of that kind are answered so. */
  function meet(what: string, said: Answer | "cut", times = Infinity): void {
    let left = times;
    gitea.fault = (method, path) => (`${method} ${path}` === what && left-- > 0 ? said : undefined);
  }

  describe("limits and outages", () => {
    it("waits in place for a short limit, and sends the write once more because nothing was done", async () => {
      meet("PATCH /pulls/1", { status: 429, body: { message: "slow down" }, headers: { "retry-after": "2" } }, 1);

      await gitea.forge.update(1, { title: "t2" });

      expect(gitea.clock.slept).toContain(2000);
      expect(count("PATCH /pulls/1")).toBe(2);
    });

    it("says when to come back from a long limit, and asks nothing before", async () => {
      meet("PATCH /pulls/1", { status: 429, headers: { "retry-after": "120" } });

      await expect(gitea.forge.update(1, { title: "t2" })).rejects.toMatchObject({
        name: "WaitError",
        retryAfterMs: 120_000,
      });
      const before = gitea.seen.length;
      await expect(gitea.forge.list("")).rejects.toMatchObject({ name: "WaitError" });
      expect(gitea.seen).toHaveLength(before);

      gitea.clock.pass(120_000);
      await expect(gitea.forge.list("ringward/")).resolves.toHaveLength(1);
    });

    it.each([
      ["a proxy's page", { status: 502, body: "<html>Bad Gateway</html>" }],
      ["no answer", "cut"],
    ] as const)("asks again after %s, and then is an outage", async (_, said) => {
      meet("GET /pulls", said, 2);
      await expect(gitea.forge.list("ringward/")).resolves.toHaveLength(1);

      meet("GET /pulls", said);
      await expect(gitea.forge.list("ringward/")).rejects.toThrow(/did not list pull requests/);
    });

    it("never sends a write again whose answer was an outage", async () => {
      meet("PATCH /pulls/1", { status: 500, body: { message: "database is locked" } });

      await expect(gitea.forge.update(1, { title: "t2" })).rejects.toThrow(/database is locked/);

      expect(count("PATCH /pulls/1")).toBe(1);
    });

    it("takes an answer that is no JSON, or none of its kind, for a failure and not for an empty list", async () => {
      meet("GET /pulls", { status: 200, body: "<html>Sign in</html>" });
      await expect(gitea.forge.list("")).rejects.toThrow(/did not list pull requests|JSON/);

      meet("GET /pulls", { status: 200, body: { message: "maintenance" } });
      await expect(gitea.forge.list("")).rejects.toThrow(/not a list of pull requests/);
    });
  });

  describe("refusals that a person must mend", () => {
    it.each([
      [401, "RW0711", /does not accept our token/],
      [403, "RW0712", /may not list pull requests/],
      [404, "RW0713", /not found, or not visible/],
      [301, "RW0714", /renamed or moved/],
    ])("HTTP %i is %s", async (status, code, message) => {
      meet("GET /pulls", { status, body: { message: "no" }, headers: { location: "http://127.0.0.1:1/elsewhere" } });

      await expect(gitea.forge.list("")).rejects.toMatchObject({
        code,
        message: expect.stringMatching(message) as string,
      });
      expect(gitea.seen).toEqual(["GET /pulls"]);
    });

    it("says nothing of the token that a server gives back", async () => {
      meet("GET /pulls", { status: 403, body: { message: `token ${TOKEN} lacks the scope write:repository` } });

      const error: unknown = await gitea.forge.list("").catch((thrown: unknown) => thrown);

      expect(String(error)).toMatch(/lacks the scope/);
      expect(JSON.stringify([String(error), error])).not.toContain(TOKEN);
    });

    it("tells a missing pull request from a missing repository", async () => {
      await expect(gitea.forge.history(7)).rejects.toThrow(/there is no pull request #7/);

      gitea.fault = () => ({ status: 404, body: { message: "The target couldn't be found." } });
      await expect(gitea.forge.history(7)).rejects.toMatchObject({ code: "RW0713" });
    });
  });

  describe("merging", () => {
    it("merges, and says which commit it made", async () => {
      await expect(gitea.forge.merge(1, request)).resolves.toEqual({ kind: "Merged", commit: MERGED });
      expect(count(MERGE)).toBe(1);
    });

    it("waits while Gitea checks whether it can be merged, and refuses where that does not end", async () => {
      gitea.pull["mergeable"] = false;

      await expect(gitea.forge.merge(1, request)).resolves.toMatchObject({
        kind: "Refused",
        message: expect.stringMatching(/conflicts with main/) as string,
      });
      expect(gitea.clock.slept).toEqual([250, 500, 1000, 2000]);
      expect(count(MERGE)).toBe(0);
    });

    it.each([
      [405, "Please try again later", "NotYet"],
      [409, "merge push out of date", "NotYet"],
      [405, "Does not have enough approvals", "Refused"],
      [405, "Not all required status checks successful", "Refused"],
      [409, "merge conflict", "Refused"],
    ])("%i %s is %s, and nothing was merged", async (status, message, kind) => {
      meet(MERGE, { status, body: { message } });

      await expect(gitea.forge.merge(1, request)).resolves.toEqual({ kind, message });
      expect(count(MERGE)).toBe(1);
    });

    it("takes another method where the repository does not allow the first", async () => {
      meet(MERGE, { status: 405, body: { message: "merge is not an allowed merge style for this repository" } }, 1);

      await expect(gitea.forge.merge(1, request)).resolves.toMatchObject({ kind: "Merged" });
      expect(count(MERGE)).toBe(2);
    });

    it("merges nothing when the head has moved, also between the look and the merge", async () => {
      gitea.fault = (method, path) => {
        if (`${method} ${path}` !== MERGE) return undefined;
        (gitea.pull["head"] as Record<string, unknown>)["sha"] = "d".repeat(40);
        return { status: 409, body: { message: "head out of date" } };
      };

      await expect(gitea.forge.merge(1, request)).resolves.toEqual({ kind: "Moved" });
      await expect(gitea.forge.merge(1, request)).resolves.toEqual({ kind: "Moved" });
      expect(count(MERGE)).toBe(1);
    });

    it("asks the pull request what a lost reply meant, before it says that it did not merge", async () => {
      meet(MERGE, "cut");
      await expect(gitea.forge.merge(1, request)).rejects.toThrow(/did not merge pull request #1/);
      expect(count(MERGE)).toBe(1);
    });

    it("says that a token may not merge into a protected branch", async () => {
      meet(MERGE, { status: 403, body: { message: "User not allowed to merge PR" } });

      await expect(gitea.forge.merge(1, request)).rejects.toMatchObject({
        code: "RW0712",
        message: expect.stringMatching(/User not allowed to merge PR/) as string,
      });
    });
  });
});
