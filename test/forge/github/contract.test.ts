// The GitHub adapter over the sandbox's forge keeps the forge's contract: real HTTP, real octokit, real git.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import { manualClock, systemClock } from "../../../controller/clock.ts";
import { createForge } from "../../../controller/forge/index.ts";
import type { Forge } from "../../../controller/forge/port.ts";
import { type ForgeRequest, startForge } from "../../../controller/sandbox/forge/index.ts";
import { type ForgeBench, type WriteName } from "../bench.ts";
import { describeForge } from "../forge.contract.ts";
import { watchWire } from "./openapi/wire.ts";

/** Closing is a PATCH as updating is: the two are never broken in one test. */
const writes: readonly (readonly [method: string, path: RegExp, names: readonly WriteName[]])[] = [
  ["POST", /\/pulls$/, ["create"]],
  ["POST", /\/labels$/, ["label"]],
  ["POST", /\/comments$/, ["comment"]],
  ["PATCH", /\/issues\/comments\/\d+$/, ["editComment"]],
  ["DELETE", /\/issues\/comments\/\d+$/, ["deleteComment"]],
  ["PATCH", /\/pulls\/\d+$/, ["update", "close"]],
  ["POST", /\/statuses\/\w+$/, ["report"]],
  ["PUT", /\/merge$/, ["merge"]],
  ["POST", /\/issues$/, ["createIssue"]],
  ["PATCH", /\/issues\/\d+$/, ["updateIssue"]],
];

function namesOf({ kind, method, path }: ForgeRequest): readonly WriteName[] {
  if (kind !== "api") return [];
  return writes.find(([wanted, pattern]) => wanted === method && pattern.test(path))?.[2] ?? [];
}

async function startBench(): Promise<ForgeBench> {
  const directory = await mkdtemp(join(tmpdir(), "ringward-forge-"));
  const clock = manualClock(Date.UTC(2026, 0, 5, 8));
  const sandbox = await startForge({
    directory,
    clock,
    owner: "acme",
    repository: "policies",
    tokens: { "bot-token": "ringward" },
  });
  const wire = watchWire(sandbox.apiUrl);
  await sandbox.seed(new Map([["README.md", "policies\n"]]), "Start", "alice");
  const done = new Map<string, number>();
  let broken: { name: WriteName; fault: "failBefore" | "loseReply" } | undefined;
  sandbox.setFault((request) => {
    const names = namesOf(request);
    const hit = broken !== undefined && names.includes(broken.name);
    const fault = hit && broken !== undefined ? broken.fault : "none";
    if (hit) broken = undefined;
    for (const name of names) if (fault !== "failBefore") done.set(name, (done.get(name) ?? 0) + 1);
    return fault;
  });
  const client = (): Forge =>
    createForge({
      kind: "GitHub",
      apiUrl: sandbox.apiUrl,
      owner: "acme",
      repository: "policies",
      token: async () => "bot-token",
      clock: systemClock,
    });
  return {
    many: 120,
    forge: client(),
    second: client(),
    branch: (branch, path, text) =>
      sandbox.commit({ branch, files: new Map([[path, text]]), message: `Change ${path}`, author: "ringward" }),
    deleteBranch: (branch) => sandbox.deleteBranch(branch, "alice"),
    async pushMerge(branch) {
      // As a person would: merge locally, push main; here by the forge's own plumbing, past its API.
      await sandbox.pushMerge(branch, "main", "alice");
    },
    merge: (number, by) => sandbox.merge(number, by),
    closeByPerson: (number, by) => sandbox.closePullRequest(number, by),
    comments: async (number) =>
      (await sandbox.pullRequests()).find((pull) => pull.number === number)?.comments.map((comment) => comment.body) ??
      [],
    change: (branch, files) =>
      sandbox.commit({ branch, files: new Map(Object.entries(files)), message: "Change", author: "alice" }),
    async main() {
      const sha = (await sandbox.branches()).get("main")!;
      const { stdout } = await promisify(execFile)("git", [
        "--git-dir",
        sandbox.gitDirectory,
        "log",
        "-1",
        "--format=%P%x00%B",
        sha,
      ]);
      const [parents = "", message = ""] = stdout.split("\0");
      return { sha, message, parents: parents.split(" ").length };
    },
    commentBy: (number, by, body) => sandbox.comment(number, by, body),
    reviewBy: (number, by, state, body) => sandbox.review(number, by, state, body),
    issueBy: async (by, title, body) => void (await sandbox.openIssue(by, title, body)),
    forkBy: (head, path, text) =>
      sandbox.openFromFork({
        fork: "mallory/policies",
        head,
        files: new Map([[path, text]]),
        title: "t",
        by: "mallory",
      }),
    makeDraft: (number) => sandbox.setDraft(number, true),
    verdicts: async (commit) =>
      Object.fromEntries(
        [...(await sandbox.statuses(commit))].reverse().map(({ name, state, title }) => [name, { state, title }]),
      ),
    issues: async () =>
      (await sandbox.issues()).map(({ title, body, state }) => ({ title, body, open: state === "open" })),
    switchIssuesOff: async () => sandbox.setRules({ hasIssues: false }),
    allowMethods: async (methods) => sandbox.setRules({ methods }),
    methods: ["merge", "squash", "rebase"],
    breakNext(name, fault) {
      broken = { name, fault };
    },
    done: (name) => done.get(name) ?? 0,
    async close() {
      wire.stop();
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
      expect(wire.violations()).toEqual([]);
    },
  };
}

describeForge("GitHub adapter over the sandbox's forge", startBench);
