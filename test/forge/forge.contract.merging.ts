// The contract's part about merging: what is merged is the head that was meant, once, and what is not merged says why.
import { expect, it, vi } from "vitest";
import type { MergeRequest, PullRequest } from "../../controller/forge/port.ts";
import { type ForgeBench, lost, proposal } from "./bench.ts";

function request(pull: PullRequest, change: Partial<MergeRequest> = {}): MergeRequest {
  return { head: pull.headSha, title: "Promote early to L2", message: "Baseline: os\nRing: early", ...change };
}

export function describeMerging(bench: () => ForgeBench): void {
  async function propose(path = "a.yaml"): Promise<PullRequest> {
    const { forge, branch } = bench();
    await branch("ringward/early", path, "a: 1\n");
    return await forge.open(proposal("ringward/early"));
  }

  it("merges with a merge commit of our title and text, and answers that commit", async () => {
    const { forge, main } = bench();
    const pull = await propose();

    const result = await forge.merge(pull.number, request(pull));

    const tip = await main();
    expect(result).toEqual({ kind: "Merged", commit: tip.sha });
    expect(tip.message.trim()).toBe("Promote early to L2\n\nBaseline: os\nRing: early");
    expect(tip.parents).toBe(2);
    expect((await forge.list("ringward/"))[0]?.state).toBe("merged");
    expect((await forge.history(pull.number)).merged).toMatchObject({ by: "ringward", commit: tip.sha });
  });

  it("merges nothing where the head is elsewhere", async () => {
    const { forge, branch, main } = bench();
    const pull = await propose();
    const before = await main();
    await branch("ringward/early", "a.yaml", "a: 2\n");

    expect(await forge.merge(pull.number, request(pull))).toEqual({ kind: "Moved" });

    expect(await main()).toEqual(before);
    expect((await forge.list("ringward/"))[0]?.state).toBe("open");
  });

  it("answers Merged for what is merged at that head already, and merges nothing again", async () => {
    const { forge, second, merge, done, main } = bench();
    const pull = await propose();
    await merge(pull.number, "alice");
    const tip = await main();

    expect(await forge.merge(pull.number, request(pull))).toEqual({ kind: "Merged", commit: tip.sha });
    expect(await second.merge(pull.number, request(pull))).toEqual({ kind: "Merged", commit: tip.sha });

    expect(done("merge")).toBe(0);
    expect(await main()).toEqual(tip);
  });

  it("merges once when two clients ask at once", async () => {
    const { forge, second, main } = bench();
    const pull = await propose();

    const results = await Promise.all([
      forge.merge(pull.number, request(pull)),
      second.merge(pull.number, request(pull)),
    ]);

    const tip = await main();
    expect(tip.parents).toBe(2);
    expect(results).toEqual([
      { kind: "Merged", commit: tip.sha },
      { kind: "Merged", commit: tip.sha },
    ]);
  });

  it("finds the merge whose reply was lost", async () => {
    const { forge, breakNext, main, done } = bench();
    const pull = await propose();
    breakNext("merge", "loseReply");

    const result = await forge.merge(pull.number, request(pull));

    expect(result).toEqual({ kind: "Merged", commit: (await main()).sha });
    expect(done("merge")).toBe(1);
  });

  it("fails when the request was lost, and merges at the next try", async () => {
    const { forge, breakNext } = bench();
    const pull = await propose();
    breakNext("merge", "failBefore");

    await expect(forge.merge(pull.number, request(pull))).rejects.toThrow(lost);
    expect((await forge.list("ringward/"))[0]?.state).toBe("open");
    expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind: "Merged" });
  });

  it("refuses what conflicts, a draft, and what a person closed", async () => {
    const { forge, branch, pushMerge, makeDraft, closeByPerson, main } = bench();
    const pull = await propose();
    await branch("ringward/other", "a.yaml", "a: 2\n");
    await branch("ringward/draft", "d.yaml", "d: 1\n");
    const draft = await forge.open(proposal("ringward/draft"));
    await pushMerge("ringward/other");
    await makeDraft(draft.number);
    const before = await main();

    // A forge may not have looked at the new tracked branch yet: what is unclear is NotYet, and asked again.
    await vi.waitFor(
      async () => expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind: "Refused" }),
      { timeout: 20_000, interval: 500 },
    );
    expect(await forge.merge(draft.number, request(draft))).toMatchObject({ kind: "Refused" });
    await closeByPerson(pull.number, "alice");
    expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind: "Refused" });

    expect(await main()).toEqual(before);
  });

  it("merges by the first method that the repository allows, and by the one that it is told", async () => {
    const { forge, allowMethods, main, branch } = bench();
    await allowMethods(["squash"]);
    const pull = await propose();

    expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind: "Merged" });
    expect(await main()).toMatchObject({ parents: 1, message: expect.stringContaining("Ring: early") as string });

    await allowMethods(["merge", "squash"]);
    await branch("ringward/next", "b.yaml", "b: 1\n");
    const next = await forge.open(proposal("ringward/next"));
    expect(await forge.merge(next.number, request(next, { method: "squash" }))).toMatchObject({ kind: "Merged" });
    expect(await main()).toMatchObject({ parents: 1 });
  });

  it("rebases where that is all that is allowed, if the forge can", async () => {
    const { forge, allowMethods, methods } = bench();
    await allowMethods(["rebase"]);
    const pull = await propose();
    const kind = methods.includes("rebase") ? "Merged" : "Refused";

    expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind });
    expect(await forge.merge(pull.number, request(pull))).toMatchObject({ kind });
  });

  it("refuses a method that is not allowed", async () => {
    const { forge, allowMethods } = bench();
    await allowMethods(["merge"]);
    const pull = await propose();

    expect(await forge.merge(pull.number, request(pull, { method: "squash" }))).toMatchObject({ kind: "Refused" });
    expect((await forge.list("ringward/"))[0]?.state).toBe("open");
  });

  it("names a pull request that does not exist", async () => {
    const { forge } = bench();
    const pull = await propose();

    await expect(forge.merge(999, request(pull))).rejects.toThrow(/no pull request #999/);
  });
}
