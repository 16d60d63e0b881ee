// Promotion carried out over a repository and a forge: what stands in Git and on the forge after each pass.
import { describe, expect, it } from "vitest";
import type { Forge } from "../../controller/forge/port.ts";
import { readMarker } from "../../controller/core/promotion/index.ts";
import type { GitOperation } from "../../controller/git/memory.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import { LATE_MS } from "../../controller/reconcile/promotion/late.ts";
import {
  baselineFile,
  type Bench,
  createBench,
  FILES,
  ringFile,
  soak,
  soakedBench,
  START,
  update,
} from "./promotion-bench.ts";

const HOUR = 3_600_000;
const levelLine = /level: (ubuntu-20260105-[0-9a-f]{12})/;

const levelIn = (text: string | undefined): string => levelLine.exec(text ?? "")?.[1] ?? "";
const pulls = (bench: Bench) => bench.forge.people.pulls();
const reasons = (bench: Bench): readonly string[] => bench.events.map((event) => `${event.ring} ${event.reason}`);

describe("an Automatic ring", () => {
  it("gets its entry and the level file in one commit on the tracked branch, and nothing else changes", async () => {
    const bench = createBench();
    const before = bench.remote.people.head("main") as CommitSha;

    await bench.pass();

    const head = bench.remote.people.commit(bench.remote.people.head("main") as CommitSha);
    const level = levelIn(bench.main("policy/rings/canary.yaml"));
    expect(head.parents).toEqual([before]);
    expect(bench.main("policy/rings/canary.yaml")).toBe(
      ringFile("canary", "  promotion: Automatic\n").replace(
        "    - baseline: ubuntu\n",
        `    - baseline: ubuntu\n      level: ${level}\n      maxTargets: 3\n`,
      ),
    );
    expect(bench.main(`policy/levels/${level}.yaml`)).toContain("kind: PatchLevel");
    expect(
      [...head.tree.keys()]
        .filter((path) => head.tree.get(path)?.blob !== bench.remote.people.commit(before).tree.get(path)?.blob)
        .sort(),
    ).toEqual([`policy/levels/${level}.yaml`, "policy/rings/canary.yaml"]);
    expect(head.message).toContain(`Ringward-Level: ${level}\n`);
    expect(reasons(bench)).toEqual(["canary Promoted"]);
  });

  it("gets the entries of all baselines of a decision together", async () => {
    const bench = createBench({
      ...FILES,
      "policy/baselines/debian.yaml": baselineFile("v1.34.2", "debian")
        .replace("id: ubuntu", "id: debian")
        .replace('versionId: "22.04"', 'versionId: "12"')
        .replace("recipeRef: {name: ubuntu}", "recipeRef: {name: debian}"),
      "policy/recipes/debian.yaml": (FILES["policy/recipes/ubuntu.yaml"] ?? "")
        .replaceAll("ubuntu", "debian")
        .replace("22.04", "12"),
      "policy/rings/canary.yaml": ringFile("canary", "  promotion: Automatic\n").replace(
        "    - baseline: ubuntu\n",
        "    - baseline: debian\n    - baseline: ubuntu\n",
      ),
    });

    await bench.pass();

    const text = bench.main("policy/rings/canary.yaml") ?? "";
    expect(text.match(/level: /g)?.length).toBe(2);
    expect(bench.events).toHaveLength(1);
  });

  it("is committed for only while the parent commit says Automatic", async () => {
    const bench = createBench({ ...FILES, "policy/rings/canary.yaml": ringFile("canary") });

    await bench.settle();

    expect(bench.main("policy/rings/canary.yaml")).toBe(ringFile("canary"));
    expect(pulls(bench)).toMatchObject([
      { number: 1, state: "open", head: expect.stringContaining("ringward/canary/ubuntu/") },
    ]);
  });

  it("comes to rest: the second pass writes nothing", async () => {
    const bench = createBench();
    await bench.pass();
    const head = bench.remote.people.head("main");

    expect((await bench.pass()).written).toBe(false);
    expect(bench.remote.people.head("main")).toBe(head);
  });

  it("loses a race to a person and looks again", async () => {
    const bench = createBench();
    const stop = bench.remote.onOperation((operation) => {
      if (operation.name !== "push") return;
      stop();
      bench.remote.people.commitFiles("main", { "notes.md": "hello\n" }, { time: START });
    });

    expect((await bench.pass()).written).toBe(true);
    expect(levelIn(bench.main("policy/rings/canary.yaml"))).toBe("");

    await bench.settle();
    expect(levelIn(bench.main("policy/rings/canary.yaml"))).not.toBe("");
    expect(bench.main("notes.md")).toBe("hello\n");
  });
});

describe("a ring with PullRequest", () => {
  it("gets one proposal when the ring before has soaked, its diff being the entry alone", async () => {
    const bench = await soakedBench();

    const [pull, ...others] = pulls(bench);
    const level = levelIn(bench.main("policy/rings/canary.yaml"));
    expect(others).toEqual([]);
    expect(pull).toMatchObject({
      state: "open",
      base: "main",
      title: `early: ubuntu to ${level} (restart)`,
      labels: ["ringward"],
    });
    expect(bench.remote.people.text(pull?.head ?? "", "policy/rings/early.yaml")).toBe(
      ringFile("early", "  after: [canary]\n").replace(
        "  levels: []\n",
        `  levels:\n    - baseline: ubuntu\n      level: ${level}\n      maxTargets: 4\n`,
      ),
    );
    expect(bench.main("policy/rings/early.yaml")).toBe(ringFile("early", "  after: [canary]\n"));
    expect(reasons(bench)).toEqual(["canary Promoted", "early ProposalOpened"]);
  });

  it("shows the evidence of the ring before", async () => {
    const bench = await soakedBench();

    const body = pulls(bench)[0]?.body ?? "";

    expect(body).toContain("🟢 `canary` soaked it for 1h: 2 of 2 done, 0 failed");
    expect(body).toContain("| `kubelet` | `v1.34.1` (3) | `v1.34.2` |");
    expect(readMarker(body)).toMatchObject({ cluster: "prod-eu", ring: "early", baseline: "ubuntu", maxTargets: 4 });
  });

  it("is silent once converged, also as time goes on", async () => {
    const bench = await soakedBench();
    const operations: string[] = [];
    bench.remote.onOperation((operation) => operation.write && operations.push(operation.name));
    bench.forge.onOperation((operation) => operation.write && operations.push(operation.name));

    for (let hour = 0; hour < 5; hour++) {
      bench.clock.advance(HOUR);
      await bench.pass({ hours: 1 });
    }

    expect(operations).toEqual([]);
  });

  it("rests after the merge, and deletes the merged branch", async () => {
    const bench = await soakedBench();
    bench.forge.people.merge(1, "alice");

    const { promotions } = await bench.settle();

    expect(promotions.proposals).toEqual([]);
    expect(pulls(bench)).toHaveLength(1);
    expect(bench.branches()).toEqual([]);
  });

  it("is not opened again after a person closed it, and its branch stays", async () => {
    const bench = await soakedBench();
    bench.forge.people.close(1, "alice");

    const { promotions } = await bench.settle();

    expect(pulls(bench)).toMatchObject([{ number: 1, state: "closed" }]);
    expect(promotions.decisions).toContainEqual(expect.objectContaining({ ring: "early", reason: "ProposalRejected" }));
    expect(bench.branches()).toHaveLength(1);
  });

  it("closes when its level is withdrawn, and comes again when a person asks for the level again", async () => {
    const bench = await soakedBench();
    const promoted = bench.main("policy/rings/canary.yaml") ?? "";
    const back = promoted.replace("  promotion: Automatic\n", "").replace(/      level: .*\n/, "");
    bench.remote.people.commitFiles("main", { "policy/rings/canary.yaml": back }, { time: START + 3 * HOUR });

    const { promotions } = await bench.settle();

    expect(promotions.decisions).toContainEqual(expect.objectContaining({ ring: "canary", reason: "LevelWithdrawn" }));
    expect(pulls(bench)).toMatchObject([
      { state: "closed", comments: [{ body: "Ringward closes this: the level was withdrawn in ring canary." }] },
    ]);
    expect(bench.branches()).toEqual([]);

    bench.remote.people.commitFiles("main", { "policy/rings/canary.yaml": promoted }, { time: START + 4 * HOUR });
    await bench.settle();

    expect(pulls(bench).map(({ number, state }) => [number, state])).toEqual([
      [1, "closed"],
      [2, "open"],
    ]);
  });

  it("is not told to be closed when it was merged and only the list is old", async () => {
    const bench = await soakedBench();
    const client = bench.forge.open({ login: "ringward" });
    const old = await client.list("ringward/");
    bench.forge.people.merge(1, "alice");
    await bench.pass({ forge: { ...client, list: () => Promise.resolve(old) } });

    const [pull] = pulls(bench);
    expect(pull).toMatchObject({ state: "merged", comments: [] });
    expect(readMarker(pull?.body ?? "")?.closed).toBeUndefined();
    expect(reasons(bench)).not.toContain("early ProposalClosed");
  });

  it("keeps its page once it is merged, also where the list still calls it open", async () => {
    const bench = await soakedBench();
    const client = bench.forge.open({ login: "ringward" });
    const old = (await client.list("ringward/")).map((pull) => ({ ...pull, body: "" }));
    const [before] = pulls(bench);
    bench.forge.people.merge(1, "alice");
    // The branch as it was read last: the merge is not fetched yet.
    const { git } = bench;
    const head = before?.baseSha as CommitSha;
    const late = { ...git, fetch: async () => ({ ...(await git.fetch()), head }) };
    await bench.pass({ git: late, forge: { ...client, list: () => Promise.resolve(old) } });

    expect(pulls(bench)[0]).toMatchObject({ state: "merged", title: before?.title, body: before?.body });
  });

  it("is not closed on the word of policy that another leader has moved on from", async () => {
    const bench = await soakedBench();
    bench.remote.people.commitFiles(
      "main",
      { "policy/rings/early.yaml": null, "policy/rings/late.yaml": ringFile("late", "  after: [canary]\n") },
      { time: bench.clock.now() },
    );
    const client = bench.forge.open({ login: "ringward" });
    const list: Forge["list"] = (prefix) => {
      bench.remote.people.commitFiles("main", { "notes.md": "moved\n" }, { time: bench.clock.now() });
      return client.list(prefix);
    };
    const passed = await bench.pass({ forge: { ...client, list } });
    expect(pulls(bench)[0]).toMatchObject({ number: 1, state: "open" });
    expect(passed.written).toBe(true);

    await bench.settle();
    expect(pulls(bench)[0]).toMatchObject({ number: 1, state: "closed" });
  });

  it("gives way to a newer level: one is closed, the next opened", async () => {
    const bench = await soakedBench();
    const people = bench.remote.people;
    people.commitFiles(
      "main",
      {
        "policy/baselines/ubuntu.yaml": baselineFile("v1.34.3"),
        "policy/rings/canary.yaml": (bench.main("policy/rings/canary.yaml") ?? "").replace(
          "  soak: 1h",
          "  onSupersede: Restart\n  soak: 1h",
        ),
      },
      { time: START + 24 * HOUR },
    );
    bench.clock.advance(24 * HOUR);
    await bench.settle();
    expect(bench.main("policy/rings/canary.yaml")).toContain("level: ubuntu-20260106-");
    expect(pulls(bench).map(({ state }) => state)).toEqual(["open"]);

    update(bench, "canary", "v1.34.3");
    await soak(bench);
    await bench.settle();

    expect(pulls(bench).map(({ number, state, head }) => [number, state, bench.branches().includes(head)])).toEqual([
      [1, "closed", false],
      [2, "open", true],
    ]);
  });

  it("is rebuilt when the ring's file changed on the tracked branch, and only then", async () => {
    const bench = await soakedBench();
    const branch = pulls(bench)[0]?.head ?? "";
    const tip = bench.remote.people.head(branch);

    bench.remote.people.commitFiles("main", { "policy/other.yaml": "# nothing\n" }, { time: START + 3 * HOUR });
    await bench.settle();
    expect(bench.remote.people.head(branch)).toBe(tip);

    const changed = (bench.main("policy/rings/early.yaml") ?? "").replace("handbook", "manual");
    bench.remote.people.commitFiles("main", { "policy/rings/early.yaml": changed }, { time: START + 4 * HOUR });
    await bench.settle();

    expect(bench.remote.people.commit(bench.remote.people.head(branch) as CommitSha).parents).toEqual([
      bench.remote.people.head("main"),
    ]);
    expect(bench.remote.people.text(branch, "policy/rings/early.yaml")).toContain("see the manual");
    bench.forge.people.merge(1, "alice");
    expect(bench.main("policy/rings/early.yaml")).toContain("maxTargets: 4");
  });

  it("stands on the new history after a rewrite, so that a merge does not bring the old one back", async () => {
    const bench = await soakedBench();
    const branch = pulls(bench)[0]?.head ?? "";
    const files = Object.fromEntries(
      [
        "policy/baselines/ubuntu.yaml",
        "policy/recipes/ubuntu.yaml",
        "policy/rings/canary.yaml",
        "policy/rings/early.yaml",
        `policy/levels/${levelIn(bench.main("policy/rings/canary.yaml"))}.yaml`,
      ].map((path) => [path, bench.main(path) ?? ""]),
    );
    bench.remote.people.commitFiles("anew", files, { time: START, message: "Anew" });
    bench.remote.people.forcePush("main", bench.remote.people.head("anew") as CommitSha);
    bench.remote.people.deleteBranch("anew");

    await bench.settle();

    expect(bench.remote.people.commit(bench.remote.people.head(branch) as CommitSha).parents).toEqual([
      bench.remote.people.head("main"),
    ]);
  });

  it("leaves a branch alone that a person pushed to, and says so when it is behind", async () => {
    const bench = await soakedBench();
    const branch = pulls(bench)[0]?.head ?? "";
    bench.remote.people.commitFiles(branch, { "notes.md": "hold on\n" }, { time: START + 3 * HOUR });
    const tip = bench.remote.people.head(branch);
    const changed = (bench.main("policy/rings/early.yaml") ?? "").replace("handbook", "manual");

    await bench.settle();
    expect(reasons(bench)).not.toContain("early WaitingForApproval");
    bench.remote.people.commitFiles("main", { "policy/rings/early.yaml": changed }, { time: START + 4 * HOUR });
    await bench.settle();

    expect(bench.remote.people.head(branch)).toBe(tip);
    expect(reasons(bench)).toContain("early WaitingForApproval");
  });

  it("does not take a person's amended commit for its own", async () => {
    const bench = await soakedBench();
    const branch = pulls(bench)[0]?.head ?? "";
    const ours = bench.remote.people.commit(bench.remote.people.head(branch) as CommitSha);
    const text = (bench.remote.people.text(branch, "policy/rings/early.yaml") ?? "").replace(
      "maxTargets: 4",
      "maxTargets: 400",
    );
    bench.remote.people.forcePush(branch, ours.parents[0] as CommitSha);
    const amended = bench.remote.people.commitFiles(
      branch,
      { "policy/rings/early.yaml": text },
      { time: START, message: ours.message },
    );

    await bench.settle();

    expect(bench.remote.people.head(branch)).toBe(amended);
  });

  it("rewrites the body when the facts change, and leaves a person's title until then", async () => {
    const bench = await soakedBench();
    bench.fleet.set(
      "early",
      Array.from({ length: 9 }, () => "v1.34.1"),
    );

    await bench.settle();

    expect(pulls(bench)[0]?.body).toContain("at most 10 targets");
    expect(bench.remote.people.text(pulls(bench)[0]?.head ?? "", "policy/rings/early.yaml")).toContain(
      "maxTargets: 10",
    );
    expect(pulls(bench)).toHaveLength(1);
  });

  it("raises the number of targets by a proposal of its own", async () => {
    const bench = await soakedBench();
    bench.forge.people.merge(1, "alice");
    await bench.settle();
    bench.fleet.set(
      "early",
      Array.from({ length: 9 }, () => "v1.34.1"),
    );

    await bench.settle();

    expect(pulls(bench)[1]).toMatchObject({
      state: "open",
      title: "early: cover 10 targets of ubuntu (was 4)",
      head: expect.stringMatching(/-scope-10$/),
    });
    bench.forge.people.merge(2, "alice");
    await bench.settle();
    expect(bench.main("policy/rings/early.yaml")).toContain("maxTargets: 10");
    expect(bench.branches()).toEqual([]);
  });

  it("takes the expedite of the level before out of an entry that gets another level", async () => {
    const bench = await soakedBench();
    const text = (bench.main("policy/rings/early.yaml") ?? "").replace(
      "  levels: []\n",
      '  levels:\n    - baseline: ubuntu\n      expedite: {reason: urgent, until: "2026-01-06T00:00:00Z", skip: [Freezes]}\n',
    );
    bench.remote.people.commitFiles("main", { "policy/rings/early.yaml": text }, { time: START + 3 * HOUR });

    await bench.settle();

    expect(bench.remote.people.text(pulls(bench)[0]?.head ?? "", "policy/rings/early.yaml")).not.toContain("expedite");
  });
});

describe("trouble", () => {
  it("opens nothing while the forge does not answer, and says so", async () => {
    const bench = await soakedBench({ ...FILES, "policy/rings/other.yaml": ringFile("other") });
    bench.fleet.set("other", ["v1.34.1"]);
    bench.forge.setFault((operation) =>
      operation.name === "create" || operation.name === "find" ? "failBefore" : "none",
    );

    await bench.pass();

    expect(bench.events.at(-1)).toMatchObject({ ring: "other", reason: "ForgeUnavailable" });
    bench.forge.setFault(() => "none");
    await bench.settle();
    expect(pulls(bench)).toHaveLength(2);
  });

  it("does not open a refused one again because the list was old", async () => {
    const bench = await soakedBench();
    const client = bench.forge.open({ login: "ringward" });
    bench.forge.people.close(1, "alice");
    // A list from before the pull request was opened.
    const asked = { count: 0 };
    const stale: Forge = {
      ...client,
      list: (prefix) => (asked.count++ === 0 ? Promise.resolve([]) : client.list(prefix)),
    };

    await bench.pass({ forge: stale });

    expect(pulls(bench)).toHaveLength(1);
  });

  it("makes no second pull request and no second commit, whatever write's reply is lost", async () => {
    const undisturbed = await soakedBench();
    const wanted = { text: undisturbed.main("policy/rings/canary.yaml"), branches: undisturbed.branches() };
    for (const fault of ["failBefore", "loseReply"] as const) {
      for (let hit = 1; hit <= 12; hit++) {
        const bench = createBench();
        let writes = 0;
        const decide = (operation: { readonly write: boolean }): "none" | typeof fault =>
          operation.write && ++writes === hit ? fault : "none";
        bench.remote.setFault(decide);
        bench.forge.setFault(decide);
        const tryPass = async (hours: number): Promise<void> =>
          void (await bench.pass({ hours }).catch(() => undefined));
        await tryPass(0);
        await tryPass(0);
        update(bench, "canary", "v1.34.2");
        await tryPass(0);
        bench.clock.advance(2 * HOUR);
        await tryPass(2);
        await tryPass(0);
        await tryPass(0);
        await bench.settle();
        // A branch whose maker did not hear of it may be somebody else's: it is waited until every list shows what became of it.
        bench.clock.advance(LATE_MS);
        await bench.settle();

        expect(
          pulls(bench).filter(({ state }) => state === "open"),
          `${fault} of write ${hit}`,
        ).toHaveLength(1);
        expect(pulls(bench)).toHaveLength(1);
        expect(bench.branches()).toEqual(wanted.branches);
        expect(bench.main("policy/rings/canary.yaml")).toBe(wanted.text);
        if (writes < hit) break;
      }
    }
  });

  it("closes with its mark whatever write's reply is lost, so that its own closing is no rejection", async () => {
    for (const fault of ["failBefore", "loseReply"] as const) {
      for (let hit = 1; hit <= 5; hit++) {
        const bench = await soakedBench();
        const promoted = bench.main("policy/rings/canary.yaml") ?? "";
        const back = promoted.replace("  promotion: Automatic\n", "").replace(/      level: .*\n/, "");
        bench.remote.people.commitFiles("main", { "policy/rings/canary.yaml": back }, { time: START + 3 * HOUR });
        let writes = 0;
        const decide = (operation: { readonly write: boolean }): "none" | typeof fault =>
          operation.write && ++writes === hit ? fault : "none";
        bench.remote.setFault(decide);
        bench.forge.setFault(decide);
        await bench.pass().catch(() => undefined);
        await bench.settle();
        bench.remote.setFault(() => "none");
        bench.forge.setFault(() => "none");
        expect(bench.branches(), `${fault} of write ${hit}`).toEqual([]);
        bench.remote.people.commitFiles("main", { "policy/rings/canary.yaml": promoted }, { time: START + 4 * HOUR });
        await bench.settle();

        expect(
          pulls(bench).map(({ state }) => state),
          `${fault} of write ${hit}`,
        ).toEqual(["closed", "open"]);
        expect(pulls(bench)[0]?.comments).toHaveLength(1);
      }
    }
  });

  it("two controllers in step make one commit and one pull request", async () => {
    const bench = createBench();
    const other = bench.remote.open({
      branch: "main",
      author: { name: "Ringward", email: "ringward@example.test" },
      name: "second",
    });
    const second = bench.forge.open({ login: "ringward", name: "second" });
    const both = (hours = 0): Promise<unknown> =>
      Promise.all([bench.pass({ hours }), bench.pass({ git: other, forge: second })]);
    await both();
    await both();
    update(bench, "canary", "v1.34.2");
    await soak(bench);
    for (let count = 0; count < 4; count++) await both();

    expect(pulls(bench)).toHaveLength(1);
    const pushes: GitOperation[] = [];
    bench.remote.onOperation((operation) => operation.write && pushes.push(operation));
    await both();
    expect(pushes).toEqual([]);
  });

  it("refuses to promote a level whose file was edited, and touches nothing", async () => {
    const bench = createBench();
    await bench.pass();
    const level = levelIn(bench.main("policy/rings/canary.yaml"));
    bench.remote.people.commitFiles(
      "main",
      { "policy/rings/canary.yaml": ringFile("canary", "  promotion: Automatic\n") },
      { time: START },
    );
    bench.remote.people.commitFiles("main", { [`policy/levels/${level}.yaml`]: "# empty\n" }, { time: START });
    bench.statuses.clear();
    const head = bench.remote.people.head("main");

    await bench.pass();

    expect(bench.remote.people.head("main")).toBe(head);
    expect(bench.events.at(-1)).toMatchObject({ ring: "canary", reason: "PolicyInvalid" });
  });

  it("tells where a file cannot be edited in place, and goes on with the others", async () => {
    const odd = ringFile("early", "  after: [canary]\n").replace("  levels: []\n", "  ? levels\n  : []\n");
    const bench = await soakedBench({
      ...FILES,
      "policy/rings/early.yaml": odd,
      "policy/rings/second.yaml": ringFile("second", "  after: [canary]\n"),
    });
    bench.fleet.set("second", ["v1.34.1"]);

    await bench.settle();

    expect(pulls(bench).map(({ title }) => title.split(":")[0])).toEqual(["second"]);
    expect(bench.events).toContainEqual(
      expect.objectContaining({
        ring: "early",
        reason: "PolicyInvalid",
        message: expect.stringContaining("spec.levels"),
      }),
    );
  });
});
