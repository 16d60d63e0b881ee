// Our requests and the fake's answers are what GitHub describes; and the judge that says so can say no. All tests of this folder hold their
// traffic against the description; here each described operation is used once.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { operations } from "./openapi/operations.ts";
import { createJudge, type Exchange, readDescription } from "./openapi/wire.ts";
import { type GitHubPlace, startGitHub, token } from "./support.ts";

describe("GitHub's published description", () => {
  const judge = createJudge(readDescription());
  const exchange = (change: Partial<Exchange>): Exchange => ({
    method: "POST",
    path: "/repos/acme/policies/issues/7/comments",
    requestBody: '{"body":"hello"}',
    status: undefined,
    responseBody: "",
    ...change,
  });

  it("is the file that the script wrote, with its source and licence", () => {
    expect(judge.description.source).toEqual({ package: "@octokit/openapi", version: "23.0.2", license: "MIT" });
    expect(Object.keys(judge.description.operations)).toEqual(operations);
  });

  it.each([
    ["an operation that is not described", { path: "/repos/acme/policies/comments" }, /is not described/],
    ["a method that is not described", { method: "PUT" }, /is not described/],
    ["a body that is missing", { requestBody: undefined }, /the body is missing/],
    ["a field that is missing", { requestBody: "{}" }, /must have required property 'body'/],
    ["a field of another type", { requestBody: '{"body":7}' }, /body must be string/],
    ["a field that is not described", { requestBody: '{"body":"x","marker":1}' }, /field marker is not described/],
    ["a number in the path that is none", { path: "/repos/acme/policies/issues/x/comments" }, /issue_number/],
    ["a query that is not described", { path: "/repos/acme/policies/issues/7/comments?page=1" }, /query page/],
    ["an answer without its fields", { status: 201, responseBody: '{"id":1}' }, /201: must have required property/],
    ["a success that is not described", { status: 202, responseBody: "{}" }, /status 202 is not described/],
    ["a refusal that is no error document", { status: 429, responseBody: "[]" }, /429:/],
    ["an answer that is no JSON", { status: 201, responseBody: "<html>" }, /201:/],
  ])("does not let %s pass", (_, change, problem) => {
    expect(judge.judge(exchange({}))).toEqual([]);
    expect(judge.judge(exchange(change)).join("\n")).toMatch(problem);
  });

  describe("in use", () => {
    let place: GitHubPlace;
    beforeEach(async () => {
      place = await startGitHub();
    });
    afterEach(async () => {
      await place.close();
    });

    it("describes each operation that we use, and we use each that it describes", async () => {
      const { sandbox } = place;
      const main = (await sandbox.branches()).get("main")!;
      const [forge, app] = [place.forge(), place.appForge()];
      const marker = "<!-- ringward:x -->";
      const commit = { branch: "ringward/a", parent: main, files: new Map([["a", "1\n"]]), message: "a", time: 0 };
      if (app.push === undefined) throw new Error("an App commits");
      const first = await app.push({ ...commit, expect: "absent" });
      if (first.kind !== "Pushed") throw new Error("not pushed");
      await app.push({ ...commit, files: new Map([["a", "2\n"]]), expect: first.commit });
      const pull = await forge.open({ head: "ringward/a", base: "main", title: "t", body: "b", labels: ["x"] });
      await sandbox.review(pull.number, "alice", "Approved");
      await sandbox.openFromFork({
        fork: "mallory/policies",
        head: "x",
        files: new Map([["x", "1"]]),
        title: "t",
        by: "mallory",
      });
      await forge.list("ringward/");
      await forge.listOpen("main");
      await forge.files(pull.number);
      await Promise.all([
        forge.keepComment(pull.number, marker, "one"),
        place.forge().keepComment(pull.number, marker, "one"),
      ]);
      await forge.keepComment(pull.number, marker, "two");
      await forge.keepIssue({ marker, title: "t", body: "b", open: true });
      await forge.keepIssue({ marker, title: "t", body: "b", open: false });
      await forge.report({ name: "ringward/plan", commit: pull.headSha, state: "failure", title: "t" });
      const annotation = { path: "a", line: 1, severity: "warning", title: "t", message: "m" } as const;
      const annotations = Array.from({ length: 60 }, () => annotation);
      await app.report({ name: "ringward/validate", commit: pull.headSha, state: "failure", title: "t", annotations });
      await app.history(pull.number);
      await forge.close(pull.number, "why");
      await forge.history(pull.number);
      const second = await app.push({ ...commit, branch: "ringward/b", expect: "absent" });
      if (second.kind !== "Pushed") throw new Error("not pushed");
      const next = await app.open({ head: "ringward/b", base: "main", title: "t", body: "", labels: [] });
      await app.merge(next.number, { head: second.commit, title: "t", message: "m" });
      await app.history(next.number);
      await expect(forge.files(999)).rejects.toMatchObject({ code: "RW0713" });
      expect(token).not.toBe("");

      expect([...place.used()].sort()).toEqual([...operations].sort());
    });
  });
});
