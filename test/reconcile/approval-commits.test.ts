// From which commit on a ring asks for a level, over a real repository of system git: merges, squashes, reverts, other edits of the file, and
// files that cannot be read in between.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createValidators } from "../../controller/api/validator.ts";
import { systemClock } from "../../controller/clock.ts";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { createApprovalCommits } from "../../controller/reconcile/approval-commits.ts";
import { author } from "../git/contract.ts";
import { ring } from "../support/fleet.ts";

const FILE = "rings/canary.yaml";

function ringText(levels: Readonly<Record<string, string | undefined>>, extra = ""): string {
  const entries = Object.entries(levels).map(
    ([baseline, level]) => `    - baseline: ${baseline}\n${level === undefined ? "" : `      level: ${level}\n`}`,
  );
  return `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: { name: canary }
spec:
  members: { nodes: { selector: { matchLabels: { ring: canary } } } }
  budget: { nodes: 1 }
${extra}  levels:
${entries.join("")}`;
}

interface Bench {
  /** Commits these files on the branch that is checked out. */
  readonly commit: (files: Readonly<Record<string, string>>) => string;
  readonly git: ((...args: readonly string[]) => string) & {
    input: (text: string, ...args: readonly string[]) => string;
  };
  readonly find: (level: string, baseline?: string) => Promise<string | undefined>;
  readonly reads: () => number;
}

async function bench(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "ringward-approval-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const work = join(folder, "work");
  mkdirSync(work);
  let at = 1_767_225_600;
  const run = (input: string, args: readonly string[]): string => {
    at += 60;
    const date = `${at} +0000`;
    const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, GIT_CONFIG_GLOBAL: "/dev/null" };
    const who = ["-c", "user.name=Alice", "-c", "user.email=alice@example.test"];
    return execFileSync("git", ["-C", work, ...who, ...args], { env, input, encoding: "utf8" }).trim();
  };
  const git = Object.assign((...args: readonly string[]): string => run("", args), {
    input: (text: string, ...args: readonly string[]): string => run(text, args),
  });
  git("init", "-q", "-b", "main");
  const commit: Bench["commit"] = (files) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(work, path)), { recursive: true });
      writeFileSync(join(work, path), text);
      git("add", path);
    }
    git("commit", "-q", "-m", "change");
    return git("rev-parse", "HEAD");
  };
  const opened = await openPolicyGit({
    url: work,
    directory: join(folder, "store"),
    branch: "main",
    author,
    clock: systemClock,
    allowInsecure: true,
  });
  let reads = 0;
  const counted: PolicyGit = {
    ...opened,
    read: (...args) => {
      reads += 1;
      return opened.read(...args);
    },
  };
  const commits = createApprovalCommits(createValidators());
  return {
    commit,
    git,
    reads: () => reads,
    async find(level, baseline = "ubuntu") {
      await opened.fetch();
      const head = git("rev-parse", "main") as CommitSha;
      return commits.find(
        { git: counted, head },
        ring("canary", {}, { origin: { file: FILE, line: 1 } }),
        baseline,
        level,
      );
    },
  };
}

describe("the commit that approved a level", () => {
  it("is the one that wrote the entry, whatever else was changed since", async () => {
    const { commit, find } = await bench();
    commit({ [FILE]: ringText({ ubuntu: undefined, flatcar: undefined }) });
    const approved = commit({ [FILE]: ringText({ ubuntu: "u1", flatcar: undefined }) });
    commit({ "README.md": "more" });
    const other = commit({ [FILE]: ringText({ ubuntu: "u1", flatcar: "f1" }) });
    commit({ [FILE]: ringText({ ubuntu: "u1", flatcar: "f1" }, "  soak: 1h\n") });

    expect(await find("u1")).toBe(approved);
    expect(await find("f1", "flatcar")).toBe(other);
    expect(await find("u1", "flatcar")).toBeUndefined();
    expect(await find("u2")).toBeUndefined();
  });

  it("is the merge, where one brought it, and not a commit of its branch", async () => {
    const { commit, git, find } = await bench();
    commit({ [FILE]: ringText({ ubuntu: undefined }) });
    git("checkout", "-q", "-b", "ringward/canary/ubuntu/u1");
    const proposed = commit({ [FILE]: ringText({ ubuntu: "u1" }) });
    git("checkout", "-q", "main");
    commit({ "README.md": "meanwhile" });
    git("merge", "-q", "--no-ff", "-m", "merge", "ringward/canary/ubuntu/u1");
    const merge = git("rev-parse", "HEAD");
    for (let after = 0; after < 5; after += 1) commit({ "README.md": `later ${after}` });

    expect(await find("u1")).toBe(merge);
    expect(merge).not.toBe(proposed);
  });

  it("is the newest one where the approval was taken back in between, and stays findable when the level is past", async () => {
    const { commit, find } = await bench();
    commit({ [FILE]: ringText({ ubuntu: "u1" }) });
    commit({ [FILE]: ringText({ ubuntu: undefined }) });
    const again = commit({ [FILE]: ringText({ ubuntu: "u1" }) });

    expect(await find("u1")).toBe(again);
    const next = commit({ [FILE]: ringText({ ubuntu: "u2" }) });
    expect(await find("u1")).toBe(again);
    expect(await find("u2")).toBe(next);
  });

  it("may be the very first, and begins anew where the file could not be read", async () => {
    const { commit, find } = await bench();
    const first = commit({ [FILE]: ringText({ ubuntu: "u1" }) });
    expect(await find("u1")).toBe(first);
    commit({ [FILE]: "spec: [" });
    const mended = commit({ [FILE]: ringText({ ubuntu: "u1" }) });

    expect(await find("u1")).toBe(mended);
  });

  it("is not known where the branch has more than 500 commits since", async () => {
    const { commit, git, find } = await bench();
    const first = commit({ [FILE]: ringText({ ubuntu: "u1" }) });
    const grow = (commits: number): void => {
      const from = git("rev-parse", "HEAD");
      const one = (number: number): string =>
        `commit refs/heads/main\ncommitter A <a@example.test> ${1_800_000_000 + number} +0000\ndata 1\nx\n`;
      const stream = Array.from({ length: commits }, (_, number) => one(number));
      git.input(stream.join("").replace("data 1\nx\n", `data 1\nx\nfrom ${from}\n`), "fast-import", "--quiet");
    };
    grow(498);
    expect(await find("u1")).toBe(first);
    // The file is the same: it would be remembered.
    commit({ "README.md": "more" });
    const again = commit({ [FILE]: ringText({ ubuntu: "u1" }, "  soak: 1h\n") });
    expect(again).not.toBe(first);
    expect(await find("u1")).toBeUndefined();
  });

  it("is looked for once while the file is the same, and no further back than fifty changes", async () => {
    const { commit, find, reads } = await bench();
    const first = commit({ [FILE]: ringText({ ubuntu: "u1" }) });
    for (let change = 1; change < 50; change += 1) {
      commit({ [FILE]: ringText({ ubuntu: "u1" }, `  soak: ${change}m\n`) });
      if (change === 48) expect(await find("u1")).toBe(first);
    }
    const before = reads();
    expect(await find("u1")).toBe(first);
    const once = reads();
    commit({ "README.md": "elsewhere" });
    expect(await find("u1")).toBe(first);
    expect(once).toBeGreaterThan(before);
    expect(reads()).toBe(once);

    commit({ [FILE]: ringText({ ubuntu: "u1" }, "  soak: 2h\n") });
    expect(await find("u1")).toBeUndefined();
  }, 60_000);
});
