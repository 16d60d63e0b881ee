// What every forge promises (controller/forge/port.ts), as one suite: run on the GitHub adapter over the sandbox's forge and on the
// in-memory forge. A bench gives each the same small vocabulary: branches, people and faults.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Forge, PullRequest } from "../../controller/forge/port.ts";
import type { CommitSha } from "../../controller/git/port.ts";

/** A write as both forges name it. */
export type WriteName = "create" | "label" | "update" | "comment" | "close";

export interface ForgeBench {
  readonly forge: Forge;
  /** A second client of the same forge. */
  readonly second: Forge;
  /** Makes or moves a branch from main with one file changed. */
  readonly branch: (name: string, path: string, text: string) => Promise<CommitSha>;
  readonly deleteBranch: (name: string) => Promise<void>;
  /** Merges a branch into main without the forge's button. */
  readonly pushMerge: (branch: string) => Promise<void>;
  readonly merge: (number: number, by: string) => Promise<CommitSha>;
  readonly closeByPerson: (number: number, by: string) => Promise<void>;
  readonly comments: (number: number) => Promise<readonly string[]>;
  /** The next write of that name fails so; undefined: all is well again. */
  readonly breakNext: (name: WriteName, fault: "failBefore" | "loseReply") => void;
  /** How many writes of that name were carried out. */
  readonly done: (name: WriteName) => number;
  readonly close: () => Promise<void>;
}

/** What a request says whose reply never came. */
const lost = /connection|did not|fetch failed|socket|closed/i;

const labels = ["ringward", "ring/early"];

function proposal(head: string, body = "Evidence."): Parameters<Forge["open"]>[0] {
  return { head, base: "main", title: `Promote ${head}`, body, labels };
}

/** Strings that forges, databases and renderers have stumbled over. */
export const hostileTexts: readonly string[] = [
  "<script>alert(1)</script><img src=x onerror=alert(1)>",
  "@octocat fixes #1, closes GH-2 and resolves https://github.com/o/r/issues/3",
  "a | b \\| c\n|---|\n`` ` `` ~~~ \r\n\r\n\t\u00a0end",
  "\u202Eevil\u202C 🦄 \u{1F468}\u200D\u{1F469}\u200D\u{1F467} e\u0301 \uFEFF",
  '{"json": "yes", "quote": "\\""} %00 %2e%2e/ ${{ secrets.TOKEN }} $(id)',
];

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
  it("lists 120 pull requests of any state, newest first, by prefix", async () => {
    const { forge, branch } = bench();
    await branch("person/feature", "x.yaml", "x: 1\n");
    await forge.open({ ...proposal("person/feature"), labels: [] });
    for (let index = 0; index < 120; index++) {
      const head = `ringward/p${index}`;
      await branch(head, `p${index}.yaml`, "a: 1\n");
      const { number } = await forge.open({ ...proposal(head), labels: [] });
      if (index % 40 === 0) await forge.close(number, "Withdrawn.");
    }

    const found = await forge.list("ringward/");
    const again = await forge.list("ringward/");

    expect(found).toHaveLength(120);
    expect(found.map((pull) => pull.head)).toEqual(
      Array.from({ length: 120 }, (_, index) => `ringward/p${119 - index}`),
    );
    expect(found.filter((pull) => pull.state === "closed")).toHaveLength(3);
    expect(again).toEqual(found);
    expect((await forge.list("person/")).map((pull) => pull.head)).toEqual(["person/feature"]);
    expect(await forge.list("nothing/")).toEqual([]);
  }, 60_000);

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
    expect(opened.title).toHaveLength(256);
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
  });
}
