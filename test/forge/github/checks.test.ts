// Verdicts as check runs: said once, whole, in the App's name; as statuses where the App may not.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Annotation, Report } from "../../../controller/forge/port.ts";
import type { Forge } from "../../../controller/forge/index.ts";
import type { CommitSha } from "../../../controller/git/port.ts";
import { type GitHubPlace, startGitHub } from "./support.ts";

function annotations(count: number): readonly Annotation[] {
  return Array.from({ length: count }, (_, index) => ({
    path: "policies/rings/prod.yaml",
    line: index + 1,
    column: 3,
    severity: "failure" as const,
    title: "after",
    message: `ring "canry" does not exist (${index})`,
  }));
}

describe("check runs", () => {
  let place: GitHubPlace;
  let forge: Forge;
  let commit: CommitSha;
  beforeEach(async () => {
    place = await startGitHub();
    forge = place.appForge();
    commit = (await place.sandbox.branches()).get("main")!;
  });
  afterEach(async () => {
    await place.close();
  });

  const report = (change: Partial<Report> = {}): Report => ({
    name: "ringward/validate",
    commit,
    state: "failure",
    title: "2 errors",
    summary: "| file | line |\n|---|---|",
    annotations: annotations(2),
    ...change,
  });
  const writes = (): number => place.seen.filter(({ path, write }) => write && path.includes("/check-runs")).length;

  it("say the verdict with its summary and lines, once", async () => {
    await forge.report(report());
    await place.appForge().report(report());

    expect(await place.sandbox.checks(commit)).toMatchObject([
      {
        name: "ringward/validate",
        author: "ringward-app[bot]",
        status: "completed",
        conclusion: "failure",
        title: "2 errors",
        summary: "| file | line |\n|---|---|",
        annotations: [
          {
            path: "policies/rings/prod.yaml",
            start_line: 1,
            end_line: 1,
            start_column: 3,
            annotation_level: "failure",
          },
          { start_line: 2, title: "after", message: 'ring "canry" does not exist (1)' },
        ],
      },
    ]);
    expect(writes()).toBe(1);
    expect(await place.sandbox.statuses(commit)).toEqual([]);
  });

  it("change in place while they have no lines, and are followed by a new one where GitHub would add to the old", async () => {
    await forge.report(report({ state: "pending", title: "Planning", annotations: [] }));
    await forge.report(report({ state: "success", title: "Fine", annotations: [] }));
    await forge.report(report({ state: "failure", title: "Not fine", annotations: [] }));
    expect((await place.sandbox.checks(commit)).map(({ conclusion, title }) => [conclusion, title])).toEqual([
      ["failure", "Not fine"],
    ]);

    await forge.report(report());
    await forge.report(report({ state: "success", title: "Fine", annotations: [] }));
    await forge.report(report({ state: "pending", title: "Planning", annotations: [] }));

    expect((await place.sandbox.checks(commit)).map((run) => [run.status, run.title, run.annotations.length])).toEqual([
      ["in_progress", "Planning", 0],
      ["completed", "Fine", 0],
      ["completed", "2 errors", 2],
    ]);
  });

  it("send lines fifty at a time, and are not over before the last", async () => {
    const states: (string | undefined)[] = [];
    place.sandbox.onRequest(({ path, write }) => {
      if (write && path.includes("/check-runs"))
        void place.sandbox.checks(commit).then(([run]) => states.push(run?.status));
    });

    await forge.report(report({ annotations: annotations(120) }));
    await forge.report(report({ annotations: annotations(120) }));

    const [run, ...others] = await place.sandbox.checks(commit);
    expect(others).toEqual([]);
    expect(run?.annotations.map((one) => one.start_line)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    expect(run).toMatchObject({ status: "completed", conclusion: "failure" });
    expect(writes()).toBe(3);
    expect(states).toEqual(["in_progress", "in_progress", "completed"]);
  });

  it.each([1, 2, 3])("go on after a lost reply of request %i, and have each line once", async (nth) => {
    let count = 0;
    place.sandbox.setFault((request) =>
      request.write && request.path.includes("/check-runs") && ++count === nth ? "loseReply" : "none",
    );
    const long = report({ annotations: annotations(120) });

    await expect(forge.report(long)).rejects.toThrow(/did not report ringward\/validate/);
    await forge.report(long);

    const [run, ...others] = await place.sandbox.checks(commit);
    expect(others).toEqual([]);
    expect(run?.annotations).toHaveLength(120);
    expect(run?.status).toBe("completed");
  });

  it("are cut to what GitHub takes, and say how much is missing", async () => {
    const long = report({
      title: "t".repeat(200),
      summary: "🦄".repeat(40_000),
      annotations: [
        ...annotations(519),
        { ...annotations(1)[0]!, title: "t".repeat(300), message: "m".repeat(70_000) },
      ].reverse(),
    });

    await forge.report(long);
    await forge.report(long);

    const [run] = await place.sandbox.checks(commit);
    expect(run?.title).toHaveLength(140);
    expect(run?.summary?.length).toBeLessThanOrEqual(65_535);
    expect(run?.summary?.isWellFormed()).toBe(true);
    expect(run?.summary).toMatch(/20 more are not shown on their lines\.$/);
    expect(run?.annotations).toHaveLength(500);
    expect(run?.annotations[0]?.title).toHaveLength(255);
    expect(writes()).toBe(10);
  });

  it("become statuses where the App may not write checks", async () => {
    place.sandbox.setFault((request) =>
      request.path.includes("/check-runs")
        ? { status: 403, message: "Resource not accessible by integration" }
        : "none",
    );

    await forge.report(report());
    await forge.report(report());

    expect(await place.sandbox.statuses(commit)).toMatchObject([
      { name: "ringward/validate", state: "failure", title: "2 errors", author: "ringward-app[bot]" },
    ]);
    expect(place.seen.filter(({ path }) => path.includes("/check-runs"))).toHaveLength(1);
  });

  it("keep names and commits apart", async () => {
    const other = await place.sandbox.commit({
      branch: "ringward/x",
      files: new Map([["a", "1"]]),
      message: "a",
      author: "alice",
    });

    await forge.report(report());
    await forge.report(report({ name: "ringward/plan" }));
    await forge.report(report({ commit: other }));

    expect((await place.sandbox.checks(commit)).map(({ name }) => name).sort()).toEqual([
      "ringward/plan",
      "ringward/validate",
    ]);
    expect(await place.sandbox.checks(other)).toHaveLength(1);
  });
});
