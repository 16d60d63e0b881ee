// One walk for many files says exactly what git says of each file by itself: over random histories with merges (also of three), files
// that come from either side, deletions, reverts, changes of mode, and dates that go back.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { author } from "./contract.ts";
import { recordGit } from "./support/recording-git.ts";

const PATHS = ["a.yaml", "b.yaml", "p/a.yaml", "p/b.yaml", "p/q/a.yaml", "p/q/ä b.yaml", "r/a.yaml"] as const;
const START = 1_767_225_600;

/** What one commit does: its parents (how far back), its date, and what becomes of files. */
interface Deed {
  readonly parents: readonly number[];
  readonly minutes: number;
  /** Whose file it takes, as a place in the parents; or a text that many commits write again; or none. */
  readonly files: readonly {
    readonly path: number;
    readonly take: "delete" | "write" | "executable" | "other";
    readonly value: number;
  }[];
}

const deed: fc.Arbitrary<Deed> = fc.record({
  parents: fc.array(fc.nat(4), { minLength: 1, maxLength: 3 }),
  minutes: fc.integer({ min: -5, max: 20 }),
  files: fc.array(
    fc.record({
      path: fc.nat(PATHS.length - 1),
      take: fc.constantFrom("write", "write", "other", "other", "delete", "executable"),
      value: fc.nat(2),
    }),
    { maxLength: 3 },
  ),
});

type Tree = ReadonlyMap<string, { readonly mode: string; readonly text: string }>;

interface History {
  /** For git fast-import. */
  readonly stream: string;
  readonly trees: readonly Tree[];
}

/** Writes a history down: each commit's whole tree, so that a merge may take each file from whom it likes. */
function write(deeds: readonly Deed[]): History {
  const trees: Tree[] = [];
  const lines: string[] = [];
  deeds.forEach((one, index) => {
    const parents = [...new Set(one.parents.map((back) => index - 1 - back).filter((parent) => parent >= 0))];
    const tree = new Map(parents[0] === undefined ? [] : trees[parents[0]]);
    for (const { path, take, value } of one.files) {
      const name = PATHS[path] ?? "a.yaml";
      const theirs = trees[parents[value % Math.max(1, parents.length)] ?? -1]?.get(name);
      if (take === "delete" || (take === "other" && theirs === undefined)) tree.delete(name);
      else if (take === "other" && theirs !== undefined) tree.set(name, theirs);
      else tree.set(name, { mode: take === "executable" ? "100755" : "100644", text: `value: ${value}\n` });
    }
    trees.push(tree);
    const branch = index === deeds.length - 1 ? "refs/heads/main" : `refs/heads/ringward/${index}`;
    lines.push(
      `commit ${branch}\nmark :${index + 1}\ncommitter A. Person <a@example.test> ${START + index * 60 + one.minutes * 60} +0200`,
    );
    const message = `commit ${index}\n\nM\n`;
    lines.push(`data ${Buffer.byteLength(message)}\n${message}`);
    parents.forEach((parent, place) => lines.push(`${place === 0 ? "from" : "merge"} :${parent + 1}`));
    lines.push("deleteall");
    for (const [name, { mode, text }] of tree)
      lines.push(`M ${mode} inline ${name}\ndata ${Buffer.byteLength(text)}\n${text}`);
    lines.push("");
  });
  return { stream: lines.join("\n"), trees };
}

let folder: string;
let count = 0;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringward-changes-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A repository with that history, fetched; and its commits. */
async function publish(history: History): Promise<{ readonly git: PolicyGit; readonly commits: readonly CommitSha[] }> {
  const bare = join(folder, `remote-${(count += 1)}.git`);
  const run = (args: readonly string[], input = ""): string =>
    execFileSync("git", args, {
      encoding: "utf8",
      input,
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, GIT_CONFIG_NOSYSTEM: "1" },
    });
  run(["init", "-q", "--bare", "-b", "main", bare]);
  const marks = join(folder, `marks-${count}`);
  run(["--git-dir", bare, "fast-import", "--quiet", "--force", `--export-marks=${marks}`], history.stream);
  const ids = new Map(
    execFileSync("cat", [marks], { encoding: "utf8" })
      .trim()
      .split("\n")
      .map((line) => line.split(" ") as [string, CommitSha]),
  );
  const git = await openPolicyGit({
    url: bare,
    branch: "main",
    directory: join(folder, `store-${count}`),
    author,
    allowInsecure: true,
    clock: systemClock,
  });
  await git.fetch();
  return { git, commits: history.trees.map((_, index) => ids.get(`:${index + 1}`) as CommitSha) };
}

async function oneByOne(git: PolicyGit, commit: CommitSha, paths: readonly string[]): Promise<unknown> {
  return new Map(await Promise.all(paths.map(async (path) => [path, await git.lastChange(commit, path)] as const)));
}

describe("the last changes of many files", () => {
  it("are what git says of each, at any commit and after any other", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(deed, { minLength: 3, maxLength: 25 }),
        fc.array(fc.nat(), { minLength: 2, maxLength: 4 }),
        fc.constantFrom("", "p/"),
        async (deeds, places, under) => {
          const history = write(deeds);
          const { git, commits } = await publish(history);
          for (const place of places) {
            const index = place % commits.length;
            const commit = commits[index] as CommitSha;
            const paths = [...(history.trees[index]?.keys() ?? [])].filter((path) => path.startsWith(under));

            const together = await git.lastChanges(commit, paths);

            expect(together).toEqual(await oneByOne(git, commit, paths));
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 120_000);

  it("are found where each came from when a merge takes one file from either side", async () => {
    const file = (path: number, value: number): Deed["files"][number] => ({ path, take: "write", value });
    const deeds: readonly Deed[] = [
      { parents: [0], minutes: 0, files: [file(2, 0), file(3, 0), file(4, 0)] },
      { parents: [0], minutes: 0, files: [file(2, 1)] },
      { parents: [1], minutes: 0, files: [file(3, 1)] },
      // Takes p/b.yaml from the side, and nothing else.
      { parents: [1, 0], minutes: 0, files: [{ path: 3, take: "other", value: 1 }] },
      { parents: [0], minutes: 0, files: [file(0, 0)] },
      // A revert: as it was, and yet a change.
      { parents: [0], minutes: 0, files: [file(2, 0)] },
    ];
    const history = write(deeds);
    const { git, commits } = await publish(history);
    const paths = ["p/a.yaml", "p/b.yaml", "p/q/a.yaml"];

    for (const index of [4, 5, 3]) {
      const found = await git.lastChanges(commits[index] as CommitSha, paths);
      const places = paths.map((path) => commits.indexOf(found.get(path)?.commit as CommitSha));
      expect(places).toEqual([index === 5 ? 5 : 1, 2, 0]);
    }
  });

  it("are looked for on the first side that has the file so, also where the other side has the whole folder so", async () => {
    const file = (path: number, value: number): Deed["files"][number] => ({ path, take: "write", value });
    const deeds: readonly Deed[] = [
      { parents: [0], minutes: 0, files: [file(2, 0), file(3, 0)] },
      { parents: [0], minutes: 0, files: [file(2, 1)] },
      { parents: [0], minutes: 0, files: [file(2, 0)] },
      { parents: [0], minutes: 0, files: [file(3, 1)] },
      { parents: [3], minutes: 0, files: [file(0, 0)] },
      { parents: [0, 1], minutes: 0, files: [{ path: 3, take: "other", value: 1 }] },
    ];
    const { git, commits } = await publish(write(deeds));
    const head = commits[5] as CommitSha;

    const found = await git.lastChanges(head, ["p/a.yaml", "p/b.yaml"]);

    expect(["p/a.yaml", "p/b.yaml"].map((path) => commits.indexOf(found.get(path)?.commit as CommitSha))).toEqual([
      0, 3,
    ]);
    expect(found).toEqual(await oneByOne(git, head, ["p/a.yaml", "p/b.yaml"]));
  });

  it("cost one git process, and for the next head only what came since", async () => {
    const folderOf = mkdtempSync(join(folder, "recorded-"));
    const recording = recordGit(folderOf);
    try {
      const write2 = (value: number): Deed => ({
        parents: [0],
        minutes: 0,
        files: [{ path: 2, take: "write", value }],
      });
      const all = PATHS.map((_, path) => ({ path, take: "write" as const, value: 0 }));
      const history = write([{ parents: [0], minutes: 0, files: all }, write2(1), write2(2)]);
      const { git, commits } = await publish(history);
      const before = recording.runs().length;

      await git.lastChanges(commits[1] as CommitSha, PATHS);
      expect((await git.lastChanges(commits[2] as CommitSha, PATHS)).size).toBe(PATHS.length);

      const ranges = recording
        .runs()
        .slice(before)
        .map(({ args }) => args.filter((arg) => /^\^?[0-9a-f]{40}$/.test(arg)));
      expect(ranges).toEqual([[commits[1]], [commits[2], `^${commits[1] ?? ""}`]]);
    } finally {
      recording.stop();
    }
  });
});
