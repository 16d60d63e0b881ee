// `ringward plan` on the small example: the contract of its JSON, the same bytes whatever the order of any list, and its exit codes.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { command as plan } from "../../controller/cli/plan.ts";
import { seededRandom } from "../../controller/clock.ts";
import { UserError } from "../../controller/errors.ts";
import { DUMP, makeFolder, POLICY, ROOT, run } from "./plan-support.ts";

interface Asset {
  readonly kind: string;
  readonly namespace: string | null;
  readonly name: string;
  readonly ring: string | null;
  readonly baseline: string;
  readonly level: string | null;
  readonly state: string;
  readonly phase: string;
  readonly components: readonly { readonly name: string; readonly state: string; readonly reason?: string }[];
  readonly blockedBy: readonly { readonly reason: string; readonly message: string; readonly since: string }[];
}

interface PlanData {
  readonly at: string;
  readonly assets: readonly Asset[];
  readonly decisions: readonly {
    readonly action: string;
    readonly target: { readonly kind: string; readonly namespace: string | null; readonly name: string };
    readonly reason: string;
  }[];
  readonly summary: {
    readonly assets: number;
    readonly byState: Record<string, number>;
    readonly byRing: Record<string, number>;
    readonly compliant: number;
  };
  readonly estimates: readonly { readonly ring: string; readonly baseline: string; readonly endsAt: string | null }[];
  readonly warnings: readonly string[];
}

const SMALL = ["--policy", POLICY, "--cluster", DUMP];

async function planJson(args: readonly string[]): Promise<PlanData> {
  return JSON.parse((await run(plan, [...args, "-o", "json"])).out) as PlanData;
}

function find(data: PlanData, name: string): Asset {
  const asset = data.assets.find((one) => one.name === name);
  if (asset === undefined) throw new Error(`no row for ${name}`);
  return asset;
}

describe("plan", () => {
  it("prints the small example's plan as it is written down", async () => {
    const { code, out, err } = await run(plan, [...SMALL, "-o", "json"]);

    await expect(out).toMatchFileSnapshot("plan-small.golden.json");
    expect(code).toBe(1);
    expect(err).toMatch(/^(warning: .+\n)+$/);
  });

  it("keeps the contract's fields", async () => {
    const data = await planJson(SMALL);

    expect(Object.keys(data).slice(0, 4)).toEqual(["at", "assets", "decisions", "summary"]);
    for (const asset of data.assets) {
      expect(Object.keys(asset)).toEqual([
        "kind",
        "namespace",
        "name",
        "ring",
        "baseline",
        "level",
        "state",
        "phase",
        "components",
        "blockedBy",
      ]);
      for (const block of asset.blockedBy) expect(Object.keys(block)).toEqual(["reason", "message", "since"]);
    }
    for (const decision of data.decisions)
      expect(Object.keys(decision)).toEqual(["action", "target", "ring", "level", "reason", "message"]);
    const { assets, byState, byRing } = data.summary;
    const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);
    expect([assets, sum(byState), sum(byRing)]).toEqual([15, 15, 15]);
  });

  it("takes the dump's newest heartbeat for now", async () => {
    expect((await planJson(SMALL)).at).toBe("2026-11-17T22:30:00Z");
  });

  it("says the same as YAML", async () => {
    const { out } = await run(plan, [...SMALL, "-o", "yaml"]);

    expect(load(out)).toEqual(await planJson(SMALL));
  });

  it("prints text without colour where there is no terminal, and with NO_COLOR", async () => {
    const plain = await run(plan, SMALL);
    const quiet = await run(plan, SMALL, { terminal: true, env: { NO_COLOR: "1" } });
    const colourful = await run(plan, SMALL, { terminal: true });

    await expect(plain.out.replaceAll(ROOT, "")).toMatchFileSnapshot("plan-small.golden.txt");
    expect(quiet.out).toBe(plain.out);
    expect(colourful.out).toContain("\u001b[");
    expect(stripVTControlCharacters(colourful.out)).toBe(plain.out);
  });
});

/** Every list is shuffled whose order means nothing to Kubernetes; a recipe's command and a ring's history keep theirs. */
function shuffleAll(value: unknown, random: () => number, key = ""): unknown {
  if (Array.isArray(value)) {
    const list = value.map((item) => shuffleAll(item, random));
    return KEPT.has(key) ? list : shuffle(list, random);
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = shuffle(Object.entries(value), random);
  // The levels of a ring's status stand in the order of their approvals; those of a spec are a map.
  const keep = (name: string): string =>
    name === "levels" && "phase" in (((value as { levels?: object[] }).levels ?? [])[0] ?? {}) ? "history" : name;
  return Object.fromEntries(entries.map(([name, item]) => [name, shuffleAll(item, random, keep(name))]));
}

const KEPT = new Set(["command", "history"]);

function shuffle<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

describe("same input, same bytes (R6)", () => {
  it("gives the same bytes whatever the order of any list, of files, and of documents", async () => {
    const expected = (await run(plan, [...SMALL, "-o", "json"])).out;
    const items = readdirSync(DUMP)
      .filter((name) => name.endsWith(".json"))
      .flatMap((name) => (JSON.parse(readFileSync(join(DUMP, name), "utf8")) as { items: unknown[] }).items);
    const documents = readdirSync(POLICY, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".yaml"))
      .map((name) => ({ name, value: load(readFileSync(join(POLICY, name), "utf8")) }));

    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 4 }), async (seed, parts) => {
        const source = seededRandom(seed);
        const random = (): number => source.next();
        const dump = makeFolder();
        const policy = makeFolder(POLICY);
        const shuffled = shuffle(
          items.map((item) => shuffleAll(item, random)),
          random,
        );
        for (let part = 0; part < parts; part++) {
          const own = shuffled.filter((_, index) => index % parts === part);
          writeFileSync(
            join(dump, `part-${part}.json`),
            JSON.stringify({ apiVersion: "v1", kind: "List", items: own }),
          );
        }
        for (const { name, value } of documents)
          writeFileSync(join(policy, name), JSON.stringify(shuffleAll(value, random)));

        const { out } = await run(plan, ["--policy", policy, "--cluster", dump, "-o", "json"]);

        rmSync(dump, { recursive: true });
        rmSync(policy, { recursive: true });
        expect(out.replaceAll(policy, POLICY)).toBe(expected);
      }),
      { numRuns: 12, seed: 7 },
    );
  });
});

describe("what a dump does not hold", () => {
  it("means no claims, soak 0 and Unknown packages, in mode Enforce", async () => {
    const dump = makeFolder(DUMP);
    rmSync(join(dump, "ringward.json"));

    const data = await planJson(["--policy", POLICY, "--cluster", dump]);

    const worker = find(data, "worker-4");
    expect(worker.state).toBe("Missing");
    expect(worker.components.find(({ name }) => name === "package:openssl")).toMatchObject({
      state: "Unknown",
      reason: "InventoryMissing",
    });
    expect(worker.blockedBy.map(({ reason }) => reason)).toContain("PredecessorNotSoaked");
    expect(data.decisions.filter(({ action }) => action === "claim").map(({ target }) => target.name)).toContain(
      "logs",
    );
    expect(data.decisions.some(({ action }) => action === "continue")).toBe(false);
    expect(data.warnings).toContainEqual(expect.stringContaining("as if its mode were Enforce"));
  });

  it("plans only what it would do in mode Observe", async () => {
    const dump = makeFolder(DUMP);
    const file = join(dump, "ringward.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"mode": "Enforce"', '"mode": "Observe"'));

    const data = await planJson(["--policy", POLICY, "--cluster", dump]);

    const claim = data.decisions.find(({ action }) => action === "claim");
    expect(claim).toMatchObject({ reason: "Observing", target: { name: "logs" } });
    expect(data.warnings).toContainEqual(expect.stringContaining("Observe"));
  });

  it("resolves a baseline that no ring names a level of, and shows it as waiting for approval", async () => {
    const data = await planJson(SMALL);

    const edge = find(data, "edge-1");
    expect(edge).toMatchObject({ state: "Available", phase: "NotOffered", ring: "prod" });
    expect(edge.level).toMatch(/^flatcar-20261117-[0-9a-f]{12}$/);
    expect(edge.blockedBy.map(({ reason }) => reason)).toEqual(["WaitingForApproval"]);
  });

  it("tells of objects that cannot be read", async () => {
    const dump = makeFolder(DUMP);
    writeFileSync(join(dump, "more.json"), '{"kind":"Node","apiVersion":"v1","metadata":{"name":"half"}}');

    const data = await planJson(["--policy", POLICY, "--cluster", dump]);

    expect(data.warnings).toContainEqual(expect.stringMatching(/Node half: metadata.uid is missing/));
  });
});

describe("--at", () => {
  it("freezes what has not begun its update, in the freeze and not before", async () => {
    const before = await planJson([...SMALL, "--at", "2026-11-19T22:30:00Z"]);
    const during = await planJson([...SMALL, "--at", "2026-11-25T22:30:00Z"]);
    const after = await planJson([...SMALL, "--at", "2026-12-01T22:30:00Z"]);

    const steering = (data: PlanData) => data.decisions.find(({ target }) => target.name === "worker-3");
    const reasons = (data: PlanData) => find(data, "worker-4").blockedBy.map(({ reason }) => reason);
    expect(steering(before)).toMatchObject({ action: "continue" });
    expect(steering(during)).toMatchObject({ action: "backOut", reason: "Frozen" });
    expect(steering(after)).toMatchObject({ action: "continue" });
    expect(reasons(before)).not.toContain("Frozen");
    expect(reasons(during)).toContain("Frozen");
    expect(reasons(after)).not.toContain("Frozen");
  });

  it("ends an exception by the clock", async () => {
    const data = await planJson([...SMALL, "--at", "2027-01-04T22:30:00Z"]);

    expect(find(data, "worker-6").state).toBe("Missing");
  });

  it("keeps the age of what the dump heard, so that another day does not silence the nodes", async () => {
    const data = await planJson([...SMALL, "--at", "2027-01-04T22:30:00Z"]);

    expect(find(data, "worker-1").state).toBe("Installed");
  });

  it("refuses what is no time", async () => {
    await expect(run(plan, [...SMALL, "--at", "tomorrow"])).rejects.toThrow(/--at tomorrow: not a time/);
  });
});

describe("exit codes", () => {
  it("is 0 when every asset is compliant", async () => {
    const dump = makeFolder();
    const items = (
      JSON.parse(readFileSync(join(DUMP, "nodes.json"), "utf8")) as { items: { metadata: { name: string } }[] }
    ).items;
    const flatcar = items.filter(({ metadata }) => metadata.name.startsWith("edge"));
    writeFileSync(join(dump, "nodes.json"), JSON.stringify({ kind: "List", apiVersion: "v1", items: flatcar }));

    expect((await run(plan, ["--policy", POLICY, "--cluster", dump])).code).toBe(0);
  });

  it("is 2 with errors in the policy, and prints them as validate does", async () => {
    const policy = makeFolder(POLICY);
    const file = join(policy, "rings/prod.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("after: [canary]", "after: [canry]"));

    const text = await run(plan, ["--policy", policy, "--cluster", DUMP]);
    const json = await run(plan, ["--policy", policy, "--cluster", DUMP, "-o", "json"]);

    expect(text.code).toBe(2);
    expect(text.out).toMatch(/rings\/prod\.yaml:7:\d+: spec\.after\[0\]: .*canry.*canary/);
    expect(JSON.parse(json.out)).toMatchObject({
      ok: false,
      errors: [{ file: expect.stringMatching(/rings\/prod\.yaml$/), line: 7 }],
    });
  });

  it.each([
    [["--polcy", POLICY, "--cluster", DUMP], /polcy/],
    [["--policy", POLICY], /which cluster/],
    [["--cluster", DUMP], /which policy/],
    [[...SMALL, "--kubeconfig", "x"], /two clusters/],
    [[...SMALL, "-o", "xml"], /no such format/],
    [[...SMALL, "extra"], /no argument "extra"/],
    [["--policy", "/nowhere", "--cluster", DUMP], /nowhere/],
    [["--policy", POLICY, "--cluster", "/nowhere"], /nowhere/],
  ])("is 2 for %j", async (args, message) => {
    const failed = run(plan, args);

    await expect(failed).rejects.toThrow(message);
    await expect(failed).rejects.toBeInstanceOf(UserError);
  });

  it("comes out of the process, without a stack", () => {
    const { status, stderr } = spawnSync(process.execPath, ["controller/main.ts", "plan", "--nonsense"], {
      cwd: ROOT,
      encoding: "utf8",
    });

    expect(status).toBe(2);
    expect(stderr).toMatch(/^ringward plan: .*--nonsense.*\n$/);
  });

  it("prints help", async () => {
    const { code, out } = await run(plan, ["--help"]);

    expect(code).toBe(0);
    expect(out).toContain("Exit codes");
  });
});
