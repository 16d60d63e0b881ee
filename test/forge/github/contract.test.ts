// The GitHub adapter over the sandbox's forge keeps the forge's contract: real HTTP, real octokit, real git.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualClock, systemClock } from "../../../controller/clock.ts";
import { createForge } from "../../../controller/forge/index.ts";
import type { Forge } from "../../../controller/forge/port.ts";
import { type ForgeRequest, startForge } from "../../../controller/sandbox/forge/index.ts";
import { describeForge, type ForgeBench, type WriteName } from "../forge.contract.ts";

function writeName(request: ForgeRequest): WriteName | undefined {
  if (request.kind !== "api" || !request.write) return undefined;
  if (request.method === "POST" && request.path.endsWith("/pulls")) return "create";
  if (request.path.endsWith("/labels")) return "label";
  if (request.path.endsWith("/comments")) return "comment";
  return request.method === "PATCH" ? "update" : undefined;
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
  await sandbox.seed(new Map([["README.md", "policies\n"]]), "Start", "alice");
  const done = new Map<string, number>();
  let broken: { name: WriteName; fault: "failBefore" | "loseReply" } | undefined;
  sandbox.setFault((request) => {
    const name = writeName(request);
    // Closing is a PATCH as updating is: the two are never broken in one test.
    const hit =
      broken !== undefined &&
      name !== undefined &&
      (broken.name === name || (broken.name === "close" && name === "update"));
    const fault = hit && broken !== undefined ? broken.fault : "none";
    if (hit) broken = undefined;
    if (name !== undefined && fault !== "failBefore") done.set(name, (done.get(name) ?? 0) + 1);
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
    breakNext(name, fault) {
      broken = { name, fault };
    },
    done: (name) => done.get(name) ?? 0,
    async close() {
      await sandbox.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

describeForge("GitHub adapter over the sandbox's forge", startBench);
