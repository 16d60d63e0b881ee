// `ringward why` and `ringward status` on the small example and against a live API server: what is told, grouped and left out.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command as status } from "../../controller/cli/status.ts";
import { command as why } from "../../controller/cli/why.ts";
import { UserError } from "../../controller/errors.ts";
import { DUMP, makeFolder, POLICY, ROOT, run } from "./plan-support.ts";

const SMALL = ["--policy", POLICY, "--cluster", DUMP];

interface StoryData {
  readonly kind: string;
  readonly namespace: string | null;
  readonly ring: { readonly ring: string } | null;
  readonly baselines: readonly {
    readonly state: string;
    readonly approved: boolean;
    readonly blockedBy: readonly { readonly reason: string; readonly since: string }[];
    readonly next: {
      readonly text: string;
      readonly from: string | null;
      readonly until: string | null;
      readonly advice: string | null;
    };
  }[];
  readonly operation: { readonly step: string } | null;
}

async function story(...words: readonly string[]): Promise<StoryData> {
  return JSON.parse((await run(why, [...words, ...SMALL, "-o", "json"])).out) as StoryData;
}

describe("why", () => {
  it("tells the story of a node that waits, and since when", async () => {
    const { code, out } = await run(why, ["node/worker-5", ...SMALL]);

    expect(code).toBe(1);
    await expect(out).toMatchFileSnapshot("why-worker-5.golden.txt");
  });

  it("tells of an operation under way", async () => {
    const data = await story("no/worker-3");

    expect(data.operation).toMatchObject({ step: "Cordoned" });
    expect(data.baselines[0]?.next).toMatchObject({ text: "it is being updated, at step Cordoned" });
  });

  it("keeps the time at which the same reason was first seen", async () => {
    const data = await story("node/worker-5");

    expect(data.baselines[0]?.blockedBy[0]).toMatchObject({ reason: "CordonedByOther", since: "2026-11-15T07:00:00Z" });
    expect(data.baselines[0]?.next).toMatchObject({ text: "nothing until a person acts", from: null });
  });

  it("says what to do about every reason that needs a person, as one types it", async () => {
    const { out } = await run(why, ["deployment/mirror", "-n", "shop", ...SMALL]);

    expect(out).toContain("  next     nothing until a person acts\n");
    expect(out).toContain("  to do    name the image's full repository in the baseline, or among its mirrors\n");
  });

  it("waits for nobody where a baseline that follows what is offered has no level yet", async () => {
    const policy = makeFolder(join(ROOT, "examples/quickstart"));
    const file = join(policy, "baselines/ubuntu-2204.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/ {4}minimum:\n( {6}.*\n)+/, "    follow: Offered\n"));
    const where = ["--policy", policy, "--cluster", join(ROOT, "examples/dump-quickstart")];
    const { out } = await run(why, ["node/ubuntu-02", ...where, "-o", "json"]);

    expect((JSON.parse(out) as StoryData).baselines[0]).toMatchObject({
      blockedBy: [{ reason: "LevelMissing" }],
      next: { text: expect.stringContaining("Ringward makes the level by itself") as string, advice: null },
    });
  });

  it("does not send anybody to a pull request behind a ring that never completes", async () => {
    const policy = makeFolder(join(ROOT, "examples/quickstart"));
    const file = join(policy, "rings/early.yaml");
    writeFileSync(
      file,
      readFileSync(file, "utf8").replace("ringward.example/ring: early", "ringward.example/ring: nobody"),
    );
    const where = ["--policy", policy, "--cluster", join(ROOT, "examples/dump-quickstart")];
    const { out } = await run(why, ["statefulset/orders-db", "-n", "data", ...where, "-o", "json"]);

    expect((JSON.parse(out) as StoryData).baselines[0]?.next).toMatchObject({
      text: "nothing as things stand: ring early has no target of shared-images",
      advice: expect.stringContaining("onEmpty: Pass") as string,
    });
  });

  it("says when the next window comes after the predecessor's soak", async () => {
    const data = await story("deploy/cart");

    // Canary ends at 22:45Z and soaks two hours; prod's window lets start until 00:30Z, so it is the next night's.
    expect(data.baselines[0]?.next.from).toBe("2026-11-18T21:00:00Z");
  });

  it("finds a workload by its name alone where only one has it, and by kubectl's short names", async () => {
    expect(await story("sts", "assets")).toMatchObject({ kind: "StatefulSet", namespace: "shop" });
    expect(await story("deployment/shop/cart")).toMatchObject({ namespace: "shop" });
    expect(await story("ds/logs", "-n", "platform")).toMatchObject({ kind: "DaemonSet" });
  });

  it("says that nothing happens to what is in no ring", async () => {
    const data = await story("deploy/docs");

    expect(data.ring).toBeNull();
    expect(data.baselines[0]?.next.text).toBe("nothing: it is in no ring");
  });

  it("names the exception, its owner, its reason and its end where the asset may stay behind", async () => {
    const { code, out } = await run(why, ["node/worker-6", ...SMALL]);

    expect(code).toBe(0);
    expect(out).toContain("nothing until 2026-12-31T00:00:00Z: excepted by worker-6-openssl, owner payments (the card");
    expect(out).not.toContain("runs its level");
  });

  it("is 0 for a compliant asset", async () => {
    const { code, out } = await run(why, ["node/worker-1", ...SMALL]);

    expect(code).toBe(0);
    expect(out).toContain("nothing: it runs its level");
  });

  it.each([
    [["node/worker-11"], /there is no Node worker-11 .*did you mean worker-1\?/],
    [["worker-1"], /expected KIND\/NAME/],
    [[], /expected KIND\/NAME/],
    [["disk/one"], /there is no kind "disk"/],
    [["node/worker-1", "--when"], /--when/],
  ])("refuses %j", async (words, message) => {
    const refused = run(why, [...words, ...SMALL]);

    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toBeInstanceOf(UserError);
  });

  it("explains reasons and shows the past with -o wide", async () => {
    const { out } = await run(why, ["node/worker-1", ...SMALL, "-o", "wide"]);

    expect(out).toMatch(/RESULT +LEVEL +ENDED +TOOK/);
    expect(out).toMatch(/Succeeded +ubuntu-2204-20261110-[0-9a-f]{12} +2026-11-16 09:18Z \(1d13h ago\) +18m/);
  });
});

describe("status", () => {
  it("draws rings as lanes, equal things grouped and problems spelled out", async () => {
    const { code, out, err } = await run(status, SMALL);

    expect([code, err]).toEqual([1, ""]);
    await expect(out.replaceAll(ROOT, "")).toMatchFileSnapshot("status-small.golden.txt");
  });

  it("groups equal waits of a big fleet into one line each", async () => {
    const { out } = await run(status, [
      "--policy",
      join(ROOT, "examples/quickstart"),
      "--cluster",
      join(ROOT, "examples/dump-quickstart"),
    ]);

    expect(out.split("\n").length).toBeLessThan(35);
    expect(out).toMatch(/⏸ 22 workloads: WaitingForApproval/);
  });

  it("counts the same in JSON", async () => {
    const data = JSON.parse((await run(status, [...SMALL, "-o", "json"])).out) as {
      rings: {
        name: string;
        done: number;
        inFlight: number;
        blocked: number;
        waiting: number;
        next: string[];
        assets: number;
      }[];
      ledger: object;
      unassigned: number;
    };

    expect(data.rings.map(({ name }) => name)).toEqual(["canary", "prod"]);
    for (const { done, inFlight, blocked, waiting, next, assets } of data.rings)
      expect(done + inFlight + blocked + waiting + next.length).toBe(assets);
    expect(data.ledger).toMatchObject({ mode: "Enforce", nodes: 1, workloads: 0 });
    expect(data.unassigned).toBe(1);
  });

  it("asks the running demo where nothing else is named, and says what to do without one", async () => {
    const demoFolder = makeFolder();
    await expect(run(status, [], { demoFolder })).rejects.toThrow(/there is no cluster to ask .*ringward demo/);

    writeFileSync(
      join(demoFolder, "ringward-demo.json"),
      JSON.stringify({ kubeconfig: "/nowhere/kubeconfig", pid: process.pid }),
    );

    await expect(run(status, [], { demoFolder })).rejects.toThrow(/cannot read the kubeconfig \/nowhere\/kubeconfig/);
  });

  it("takes no demo for running whose process is gone", async () => {
    const demoFolder = makeFolder();
    writeFileSync(
      join(demoFolder, "ringward-demo.json"),
      JSON.stringify({ kubeconfig: "/nowhere/kubeconfig", pid: 2 ** 22 + 1 }),
    );

    await expect(run(status, [], { demoFolder })).rejects.toThrow(/there is no cluster to ask/);
  });
});
