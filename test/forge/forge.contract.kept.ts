// The contract's part about what is said on a forge: the history of a pull request, our one comment, our verdicts, our one issue.
import { describe, expect, it } from "vitest";
import type { Report } from "../../controller/forge/port.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import { type ForgeBench, hostileTexts, lost, proposal } from "./bench.ts";

const marker = "<!-- ringward:progress early/os -->";

async function propose({ forge, branch }: ForgeBench): Promise<{ readonly number: number; readonly sha: CommitSha }> {
  const sha = await branch("ringward/early", "a.yaml", "a: 1\n");
  return { number: (await forge.open(proposal("ringward/early"))).number, sha };
}

function describeHistory(bench: () => ForgeBench): void {
  it("says who merged it, when and as which commit", async () => {
    const { forge, merge } = bench();
    const { number } = await propose(bench());
    expect(await forge.history(number)).toEqual({ merged: undefined, closed: undefined, reviews: [], comments: [] });

    const commit = await merge(number, "alice");

    const { merged, closed } = await forge.history(number);
    expect(merged).toMatchObject({ by: "alice", commit });
    expect(Number.isFinite(Date.parse(merged?.time ?? ""))).toBe(true);
    expect(closed).toBeUndefined();
  });

  it("says who closed it unmerged and when", async () => {
    const { forge, closeByPerson } = bench();
    const { number } = await propose(bench());

    await closeByPerson(number, "bob");

    const { merged, closed } = await forge.history(number);
    expect(merged).toBeUndefined();
    expect(closed).toMatchObject({ by: "bob" });
    expect(Number.isFinite(Date.parse(closed?.time ?? ""))).toBe(true);
  });

  it("says that we closed it", async () => {
    const { forge } = bench();
    const { number } = await propose(bench());

    await forge.close(number, "Superseded.");

    expect((await forge.history(number)).closed).toMatchObject({ by: "ringward" });
  });

  it("shows reviews with what they were about, newest last", async () => {
    const { forge, reviewBy } = bench();
    const { number, sha } = await propose(bench());

    await reviewBy(number, "alice", "ChangesRequested", "Not on a Friday.");
    await reviewBy(number, "bob", "Commented", "Why now?");
    await reviewBy(number, "alice", "Approved", "Fine.");

    const { reviews } = await forge.history(number);
    expect(reviews.map(({ author, state, commit }) => ({ author, state, commit }))).toEqual([
      { author: "alice", state: "ChangesRequested", commit: sha },
      { author: "bob", state: "Commented", commit: sha },
      { author: "alice", state: "Approved", commit: sha },
    ]);
  });

  it("shows comments, ours and others', all pages, newest last", async () => {
    const { forge, commentBy } = bench();
    const { number } = await propose(bench());
    await forge.keepComment(number, marker, "first");
    for (let index = 0; index < 110; index++) await commentBy(number, "alice", `comment ${index}`);

    const { comments } = await forge.history(number);

    expect(comments.map(({ author, mine, body }) => `${author} ${mine} ${body}`)).toEqual([
      `ringward true ${marker}\nfirst`,
      ...Array.from({ length: 110 }, (_, index) => `alice false comment ${index}`),
    ]);
  }, 120_000);

  it("names a pull request that does not exist", async () => {
    const { forge } = bench();

    await expect(forge.history(999)).rejects.toThrow(/no pull request #999/);
  });
}

function describeComment(bench: () => ForgeBench): void {
  it("makes one, says nothing again, and edits it in place", async () => {
    const { forge, second, comments, done } = bench();
    const { number } = await propose(bench());

    await forge.keepComment(number, marker, "one");
    await second.keepComment(number, marker, "one");
    expect([done("comment"), done("editComment")]).toEqual([1, 0]);
    await second.keepComment(number, marker, "two");

    expect(await comments(number)).toEqual([`${marker}\ntwo`]);
    expect([done("comment"), done("editComment")]).toEqual([1, 1]);
  });

  it("keeps one of each marker, and lets a person's alone that holds the same", async () => {
    const { forge, commentBy, comments } = bench();
    const { number } = await propose(bench());
    await commentBy(number, "alice", `${marker}\nforged`);

    await forge.keepComment(number, marker, "ours");
    await forge.keepComment(number, "<!-- ringward:other -->", "other");
    await forge.keepComment(number, marker, "ours anew");

    expect(await comments(number)).toEqual([
      `${marker}\nforged`,
      `${marker}\nours anew`,
      "<!-- ringward:other -->\nother",
    ]);
  });

  it("finds the one whose reply was lost", async () => {
    const { forge, comments, breakNext } = bench();
    const { number } = await propose(bench());
    breakNext("comment", "loseReply");

    await forge.keepComment(number, marker, "one");

    expect(await comments(number)).toEqual([`${marker}\none`]);
  });

  it("fails when nothing was said, and says it at the next try", async () => {
    const { forge, comments, breakNext } = bench();
    const { number } = await propose(bench());
    breakNext("comment", "failBefore");

    await expect(forge.keepComment(number, marker, "one")).rejects.toThrow(lost);
    expect(await comments(number)).toEqual([]);
    await forge.keepComment(number, marker, "one");
    expect(await comments(number)).toEqual([`${marker}\none`]);
  });

  it("has edited it although the reply was lost", async () => {
    const { forge, comments, breakNext, done } = bench();
    const { number } = await propose(bench());
    await forge.keepComment(number, marker, "one");
    breakNext("editComment", "loseReply");

    await expect(forge.keepComment(number, marker, "two")).rejects.toThrow(lost);
    await forge.keepComment(number, marker, "two");

    expect(await comments(number)).toEqual([`${marker}\ntwo`]);
    expect(done("editComment")).toBe(1);
  });

  it("leaves one when two clients speak at once", async () => {
    const { forge, second, comments } = bench();
    const { number } = await propose(bench());

    await Promise.all([forge.keepComment(number, marker, "one"), second.keepComment(number, marker, "one")]);
    await forge.keepComment(number, marker, "one");

    expect(await comments(number)).toEqual([`${marker}\none`]);
  });

  it("finds its comment behind a hundred others", async () => {
    const { forge, commentBy, comments } = bench();
    const { number } = await propose(bench());
    for (let index = 0; index < 105; index++) await commentBy(number, "alice", `comment ${index}`);

    await forge.keepComment(number, marker, "one");
    await forge.keepComment(number, marker, "two");

    expect((await comments(number)).filter((body) => body.startsWith(marker))).toEqual([`${marker}\ntwo`]);
  }, 120_000);

  it("keeps its marker when the text is cut", async () => {
    const { forge, comments } = bench();
    const { number } = await propose(bench());

    await forge.keepComment(number, marker, "x".repeat(70_000));
    await forge.keepComment(number, marker, "short");

    expect(await comments(number)).toEqual([`${marker}\nshort`]);
  });

  it.each(hostileTexts)("finds hostile text %# unchanged and is silent about it", async (text) => {
    const { forge, comments, done } = bench();
    const { number } = await propose(bench());

    await forge.keepComment(number, marker, text);
    await forge.keepComment(number, marker, text);

    expect((await comments(number)).map((body) => body.trim())).toEqual([`${marker}\n${text}`.trim()]);
    expect([done("comment"), done("editComment")]).toEqual([1, 0]);
  });
}

function describeReports(bench: () => ForgeBench): void {
  const report = (commit: CommitSha, change: Partial<Report> = {}): Report => ({
    name: "ringward/plan",
    commit,
    state: "success",
    title: "The plan still holds",
    ...change,
  });

  it("says a verdict once, and anew when it changes", async () => {
    const { forge, second, verdicts, done } = bench();
    const { sha } = await propose(bench());

    await forge.report(report(sha, { state: "pending", title: "Planning" }));
    await forge.report(report(sha));
    await second.report(report(sha));

    expect(await verdicts(sha)).toEqual({ "ringward/plan": { state: "success", title: "The plan still holds" } });
    expect(done("report")).toBe(2);
    await forge.report(report(sha, { state: "failure", title: "The plan changed" }));
    await forge.report(report(sha));
    expect((await verdicts(sha))["ringward/plan"]).toMatchObject({ state: "success" });
    expect(done("report")).toBe(4);
  });

  it("keeps verdicts of two names and on two commits apart", async () => {
    const { forge, branch, verdicts } = bench();
    const { sha } = await propose(bench());
    const other = await branch("ringward/early", "a.yaml", "a: 2\n");

    await forge.report(report(sha));
    await forge.report(report(sha, { name: "ringward/validate", state: "failure", title: "2 errors" }));
    await forge.report(report(other, { state: "pending", title: "Planning" }));

    expect(await verdicts(sha)).toEqual({
      "ringward/plan": { state: "success", title: "The plan still holds" },
      "ringward/validate": { state: "failure", title: "2 errors" },
    });
    expect(await verdicts(other)).toEqual({ "ringward/plan": { state: "pending", title: "Planning" } });
  });

  it("cuts a title to one line of 140 characters, and is silent about it the next time", async () => {
    const { forge, verdicts, done } = bench();
    const { sha } = await propose(bench());
    const long = report(sha, { title: `two\nlines ${"x".repeat(200)}` });

    await forge.report(long);
    await forge.report(long);

    const { title = "" } = (await verdicts(sha))["ringward/plan"] ?? {};
    expect(title).toMatch(/^two lines x+…$/);
    expect(title).toHaveLength(140);
    expect(done("report")).toBe(1);
  });

  it("says it once although the reply was lost", async () => {
    const { forge, verdicts, breakNext, done } = bench();
    const { sha } = await propose(bench());
    breakNext("report", "loseReply");

    await expect(forge.report(report(sha))).rejects.toThrow(lost);
    await forge.report(report(sha));

    expect(Object.keys(await verdicts(sha))).toEqual(["ringward/plan"]);
    expect(done("report")).toBe(1);
  });

  it("fails for a commit that is not there", async () => {
    const { forge } = bench();

    await expect(forge.report(report("0123456789abcdef0123456789abcdef01234567" as CommitSha))).rejects.toThrow(
      /commit|not found/i,
    );
  });
}

function describeIssue(bench: () => ForgeBench): void {
  const issue = { marker: "<!-- ringward:waiting -->", title: "What waits", body: "- early", open: true };
  const kept = `${issue.marker}\n- early`;

  it("makes one, says nothing again, edits, closes and reopens the same", async () => {
    const { forge, second, issues, done } = bench();

    const made = await forge.keepIssue(issue);
    expect(made?.number).toBeGreaterThan(0);
    expect(made?.url).toMatch(/^https?:/);
    expect(await second.keepIssue(issue)).toEqual(made);
    expect([done("createIssue"), done("updateIssue")]).toEqual([1, 0]);
    expect(await issues()).toEqual([{ title: "What waits", body: kept, open: true }]);

    expect(await second.keepIssue({ ...issue, title: "Nothing waits", body: "", open: false })).toEqual(made);
    expect(await issues()).toEqual([{ title: "Nothing waits", body: issue.marker, open: false }]);

    expect(await forge.keepIssue(issue)).toEqual(made);
    expect(await issues()).toEqual([{ title: "What waits", body: kept, open: true }]);
    expect(done("createIssue")).toBe(1);
  });

  it("makes none where none is wanted", async () => {
    const { forge, issues } = bench();

    expect(await forge.keepIssue({ ...issue, open: false })).toBeUndefined();

    expect(await issues()).toEqual([]);
  });

  it("lets issues of people alone, also one with its marker", async () => {
    const { forge, issueBy, issues } = bench();
    await issueBy("alice", "Forged", `${issue.marker}\nforged`);

    await forge.keepIssue(issue);

    expect(await issues()).toEqual([
      { title: "Forged", body: `${issue.marker}\nforged`, open: true },
      { title: "What waits", body: kept, open: true },
    ]);
  });

  it("finds the one whose reply was lost", async () => {
    const { forge, issues, breakNext } = bench();
    breakNext("createIssue", "loseReply");

    const made = await forge.keepIssue(issue);

    expect(made).toBeDefined();
    expect(await forge.keepIssue(issue)).toEqual(made);
    expect(await issues()).toHaveLength(1);
  });

  it("leaves one open when two clients make it at once", async () => {
    const { forge, second, issues } = bench();

    const both = await Promise.allSettled([forge.keepIssue(issue), second.keepIssue(issue)]);
    // Gitea numbers issues by a row that two cannot take at once, and may answer 500 to one of them: that one comes again.
    expect(both.map(({ status }) => status)).toContain("fulfilled");
    for (const one of both)
      if (one.status === "rejected") expect(String(one.reason)).toContain("the forge did not keep");
    await forge.keepIssue(issue);

    expect((await issues()).filter(({ open }) => open)).toEqual([{ title: "What waits", body: kept, open: true }]);
  });

  it("is content where the repository has no issues", async () => {
    const { forge, switchIssuesOff } = bench();
    await switchIssuesOff();

    expect(await forge.keepIssue(issue)).toBeUndefined();
  });

  it("does not take a pull request of ours for its issue", async () => {
    const { forge, branch, issues } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    await forge.open(proposal("ringward/early", `${issue.marker}\nin a pull request`));

    await forge.keepIssue(issue);

    expect(await issues()).toEqual([{ title: "What waits", body: kept, open: true }]);
  });
}

/** What is said and kept on a forge. */
export function describeKept(bench: () => ForgeBench): void {
  describe("history", () => {
    describeHistory(bench);
  });
  describe("our one comment", () => {
    describeComment(bench);
  });
  describe("reports", () => {
    describeReports(bench);
  });
  describe("our one issue", () => {
    describeIssue(bench);
  });
}
