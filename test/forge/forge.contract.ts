// What every forge promises (controller/forge/port.ts), as one suite: run on the GitHub adapter over the sandbox's forge and on the
// in-memory forge. A bench gives each the same small vocabulary: branches, people and faults.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PullRequest } from "../../controller/forge/port.ts";
import { type ForgeBench, hostileTexts, labels, lost, proposal } from "./bench.ts";
import { describeKept } from "./forge.contract.kept.ts";
import { describeMerging } from "./forge.contract.merging.ts";

function describeOpening(bench: () => ForgeBench): void {
  it("opens a pull request with labels, author, times and the head's commit", async () => {
    const { forge, branch } = bench();
    const sha = await branch("ringward/early", "a.yaml", "a: 1\n");

    const opened = await forge.open(proposal("ringward/early"));

    expect(opened).toMatchObject({
      state: "open",
      head: "ringward/early",
      headSha: sha,
      base: "main",
      title: "Promote ringward/early",
      body: "Evidence.",
      labels,
      author: "ringward",
    });
    expect(opened.number).toBeGreaterThan(0);
    expect(Number.isFinite(Date.parse(opened.createdTime))).toBe(true);
    expect(opened.closedTime).toBeUndefined();
    expect(Date.parse(opened.updatedTime)).toBeGreaterThanOrEqual(Date.parse(opened.createdTime));
    expect(await forge.list("ringward/")).toEqual([opened]);
  });

  it("answers the open one when asked to open again (A5)", async () => {
    const { forge, second, branch, done } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");

    const first = await forge.open(proposal("ringward/early"));
    const again = await second.open(proposal("ringward/early", "Other evidence."));

    expect(again).toEqual(first);
    expect(done("create")).toBe(1);
  });

  it("opens one when two clients ask at once (A5)", async () => {
    const { forge, second, branch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");

    const [one, other] = await Promise.all([
      forge.open(proposal("ringward/early")),
      second.open(proposal("ringward/early")),
    ]);

    expect(one.number).toBe(other.number);
    expect(await forge.list("ringward/")).toHaveLength(1);
  });

  it("finds the one that a lost reply opened (A5)", async () => {
    const { forge, branch, breakNext } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    breakNext("create", "loseReply");

    const opened = await forge.open(proposal("ringward/early"));

    expect(opened).toMatchObject({ state: "open", labels });
    expect(await forge.list("ringward/")).toHaveLength(1);
  });

  it("fails when nothing was opened, and opens at the next try", async () => {
    const { forge, branch, breakNext } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    breakNext("create", "failBefore");

    await expect(forge.open(proposal("ringward/early"))).rejects.toThrow(lost);
    expect(await forge.list("ringward/")).toEqual([]);
    await expect(forge.open(proposal("ringward/early"))).resolves.toMatchObject({ state: "open" });
  });

  it.each(["failBefore", "loseReply"] as const)(
    "keeps the pull request when its labels %s, and adds them at the next try",
    async (fault) => {
      const { forge, branch, breakNext } = bench();
      await branch("ringward/early", "a.yaml", "a: 1\n");
      breakNext("label", fault);

      const opened = await forge.open(proposal("ringward/early"));
      const again = await forge.open(proposal("ringward/early"));

      expect(opened.state).toBe("open");
      expect(again).toMatchObject({ number: opened.number, labels });
    },
  );

  it("refuses a head without commits, and one that is not there", async () => {
    const { forge, branch, pushMerge } = bench();
    await branch("ringward/done", "a.yaml", "a: 1\n");
    await pushMerge("ringward/done");

    await expect(forge.open(proposal("ringward/done"))).rejects.toThrow(/no commits between/i);
    await expect(forge.open(proposal("ringward/nowhere"))).rejects.toThrow(/nowhere/);
    expect(await forge.list("ringward/")).toEqual([]);
  });
}

function describeChanging(bench: () => ForgeBench): void {
  it("changes title and body, each alone, twice with the same result", async () => {
    const { forge, branch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const { number } = await forge.open(proposal("ringward/early"));

    await forge.update(number, { title: "New title" });
    await forge.update(number, { body: "New body" });
    await forge.update(number, { body: "New body" });
    await forge.update(number, {});

    expect((await forge.list("ringward/"))[0]).toMatchObject({ title: "New title", body: "New body", labels });
  });

  it("reports an update whose reply was lost, and has done it", async () => {
    const { forge, branch, breakNext } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const { number } = await forge.open(proposal("ringward/early"));
    breakNext("update", "loseReply");

    await expect(forge.update(number, { body: "New body" })).rejects.toThrow(lost);

    expect((await forge.list("ringward/"))[0]?.body).toBe("New body");
  });

  it("closes with one comment, and closing again changes nothing", async () => {
    const { forge, branch, comments } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const { number } = await forge.open(proposal("ringward/early"));

    await forge.close(number, "Superseded by a newer level.");
    await forge.close(number, "Superseded by a newer level.");

    const closed = (await forge.list("ringward/"))[0];
    expect(closed?.state).toBe("closed");
    expect(Number.isFinite(Date.parse(closed?.closedTime ?? ""))).toBe(true);
    expect(await comments(number)).toEqual(["Superseded by a newer level."]);
  });

  it.each(["comment", "close"] as const)(
    "closes with one comment although the reply of its %s was lost",
    async (name) => {
      const { forge, branch, comments, breakNext } = bench();
      await branch("ringward/early", "a.yaml", "a: 1\n");
      const { number } = await forge.open(proposal("ringward/early"));
      breakNext(name, "loseReply");

      await expect(forge.close(number, "Withdrawn.")).rejects.toThrow(lost);
      await forge.close(number, "Withdrawn.");

      expect((await forge.list("ringward/"))[0]?.state).toBe("closed");
      expect(await comments(number)).toEqual(["Withdrawn."]);
    },
  );

  it("names a pull request that does not exist", async () => {
    const { forge } = bench();

    await expect(forge.close(999, "why")).rejects.toThrow(/no pull request #999/);
    await expect(forge.update(999, { title: "t" })).rejects.toThrow(/no pull request #999/);
  });

  it("opens a new one after a person closed the first, which stays closed", async () => {
    const { forge, branch, closeByPerson } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const first = await forge.open(proposal("ringward/early"));
    await closeByPerson(first.number, "alice");

    const next = await forge.open(proposal("ringward/early"));

    expect(next.number).toBeGreaterThan(first.number);
    expect((await forge.list("ringward/")).map((pull) => pull.state)).toEqual(["open", "closed"]);
  });
}

function describeEnds(bench: () => ForgeBench): void {
  const stateOf = async (pull: PullRequest): Promise<PullRequest | undefined> =>
    (await bench().forge.list("ringward/")).find((other) => other.number === pull.number);

  it("shows a merge by a person, and keeps the head it merged", async () => {
    const { forge, branch, merge } = bench();
    const sha = await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));

    await merge(opened.number, "alice");

    expect(await stateOf(opened)).toMatchObject({ state: "merged", headSha: sha });
    expect((await stateOf(opened))?.closedTime).toBeDefined();
  });

  it("shows a merge that was pushed past the forge, also when the branch is gone after", async () => {
    const { forge, branch, pushMerge, deleteBranch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));

    await pushMerge("ringward/early");
    await deleteBranch("ringward/early");

    expect(await stateOf(opened)).toMatchObject({ state: "merged" });
  });

  it("shows a closing by a person as closed, never as merged", async () => {
    const { forge, branch, closeByPerson } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));

    await closeByPerson(opened.number, "bob");
    await forge.close(opened.number, "too late");

    expect(await stateOf(opened)).toMatchObject({ state: "closed" });
    expect(await bench().comments(opened.number)).toEqual([]);
  });

  it("shows one whose branch was deleted as closed", async () => {
    const { forge, branch, deleteBranch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));

    await deleteBranch("ringward/early");

    expect(await stateOf(opened)).toMatchObject({ state: "closed" });
  });

  it("does not close what is merged", async () => {
    const { forge, branch, merge } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));
    await merge(opened.number, "alice");

    await forge.close(opened.number, "late");

    expect(await stateOf(opened)).toMatchObject({ state: "merged" });
  });

  it("follows the head while it is open", async () => {
    const { forge, branch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    const opened = await forge.open(proposal("ringward/early"));

    const next = await branch("ringward/early", "a.yaml", "a: 2\n");

    expect(await stateOf(opened)).toMatchObject({ state: "open", headSha: next });
  });

  it("refuses to merge what conflicts", async () => {
    const { forge, branch, merge, pushMerge } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");
    await branch("ringward/other", "a.yaml", "a: 2\n");
    const opened = await forge.open(proposal("ringward/early"));
    await pushMerge("ringward/other");

    await expect(merge(opened.number, "alice")).rejects.toThrow(/conflict|not mergeable/i);

    expect(await stateOf(opened)).toMatchObject({ state: "open" });
  });
}

function describeReading(bench: () => ForgeBench): void {
  it("lists more pull requests than a page holds, of any state, newest first, by prefix", async () => {
    const { forge, branch, many } = bench();
    await branch("person/feature", "x.yaml", "x: 1\n");
    await forge.open({ ...proposal("person/feature"), labels: [] });
    for (let index = 0; index < many; index++) {
      const head = `ringward/p${index}`;
      await branch(head, `p${index}.yaml`, "a: 1\n");
      const { number } = await forge.open({ ...proposal(head), labels: [] });
      if (index % 25 === 0) await forge.close(number, "Withdrawn.");
    }

    const found = await forge.list("ringward/");
    const again = await forge.list("ringward/");

    expect(found).toHaveLength(many);
    expect(found.map((pull) => pull.head)).toEqual(
      Array.from({ length: many }, (_, index) => `ringward/p${many - 1 - index}`),
    );
    expect(found.filter((pull) => pull.state === "closed")).toHaveLength(Math.ceil(many / 25));
    expect(again).toEqual(found);
    expect((await forge.list("person/")).map((pull) => pull.head)).toEqual(["person/feature"]);
    expect(await forge.list("nothing/")).toEqual([]);
  }, 900_000);

  it.each(hostileTexts)("carries hostile text %# through a body unchanged", async (text) => {
    const { forge, branch, comments } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");

    const opened = await forge.open(proposal("ringward/early", text));
    await forge.close(opened.number, text);

    expect(opened.body).toBe(text);
    expect((await forge.list("ringward/"))[0]?.body).toBe(text);
    expect(await comments(opened.number)).toEqual([text]);
  });

  it("cuts a body and a title that a forge would not take, and says so", async () => {
    const { forge, branch } = bench();
    await branch("ringward/early", "a.yaml", "a: 1\n");

    const opened = await forge.open({ ...proposal("ringward/early", "🦄".repeat(40_000)), title: "t".repeat(300) });

    expect(opened.body.length).toBeLessThanOrEqual(65_536);
    expect(opened.body.isWellFormed()).toBe(true);
    expect(opened.body).toMatch(/The rest was cut/);
    expect(opened.title).toMatch(/^t{200,255}…$/);
  });
}

function describeOpen(bench: () => ForgeBench): void {
  it("lists what is open into a base, whoever made it, forks and drafts too, newest first", async () => {
    const { forge, branch, forkBy, makeDraft, closeByPerson } = bench();
    for (const head of ["ringward/early", "person/feature", "ringward/closed"])
      await branch(head, `${head.replace("/", "-")}.yaml`, "a: 1\n");
    const early = await forge.open(proposal("ringward/early"));
    const feature = await forge.open({ ...proposal("person/feature"), labels: [] });
    const closed = await forge.open(proposal("ringward/closed"));
    await closeByPerson(closed.number, "alice");
    const foreign = await forkBy("ringward/early", "b.yaml", "b: 1\n");
    await makeDraft(feature.number);

    const open = await forge.listOpen("main");

    expect(open.map(({ number, author, fork, draft, head }) => ({ number, author, fork, draft, head }))).toEqual([
      { number: foreign, author: "mallory", fork: true, draft: false, head: "ringward/early" },
      { number: feature.number, author: "ringward", fork: false, draft: true, head: "person/feature" },
      { number: early.number, author: "ringward", fork: false, draft: false, head: "ringward/early" },
    ]);
    expect(await forge.listOpen("elsewhere")).toEqual([]);
    // A head of that name in a fork is nobody's proposal.
    expect((await forge.list("ringward/")).map((pull) => pull.number)).toEqual([closed.number, early.number]);
    expect((await forge.open(proposal("ringward/early"))).number).toBe(early.number);
  });

  it("names the files that a pull request adds, changes, removes and moves, and no others", async () => {
    const { forge, change } = bench();
    const long = Array.from({ length: 40 }, (_, line) => `line: ${line}\n`).join("");
    await change("main", {
      "old/place.yaml": long,
      "gone.yaml": "a: 1\n",
      "kept.yaml": "a: 1\n",
      "edited.yaml": "a: 1\n",
    });
    await change("ringward/early", {
      "old/place.yaml": null,
      "new/place.yaml": long,
      "gone.yaml": null,
      "edited.yaml": "a: 2\n",
      "added ü.yaml": "a: 1\n",
    });
    const { number } = await forge.open(proposal("ringward/early"));
    await change("main", { "later.yaml": "a: 1\n" });

    expect(await forge.files(number)).toEqual({
      paths: ["added ü.yaml", "edited.yaml", "gone.yaml", "new/place.yaml", "old/place.yaml"],
      complete: true,
    });
  });
}

/** Runs the suite on one implementation. */
export function describeForge(name: string, start: () => Promise<ForgeBench>): void {
  describe(`${name} as a forge`, () => {
    let current: ForgeBench | undefined;
    beforeEach(async () => {
      current = await start();
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });
    const bench = (): ForgeBench => {
      if (current === undefined) throw new Error("the bench is not up");
      return current;
    };
    describe("opening", () => {
      describeOpening(bench);
    });
    describe("changing", () => {
      describeChanging(bench);
    });
    describe("ends", () => {
      describeEnds(bench);
    });
    describe("reading", () => {
      describeReading(bench);
    });
    describe("what is open", () => {
      describeOpen(bench);
    });
    describeKept(bench);
    describe("merging", () => {
      describeMerging(bench);
    });
  });
}
