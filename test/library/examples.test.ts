// The examples with a whole policy: written as their tables say, without findings, and with the plan that stands beside them, which shows what the
// example is about. `node controller/launch.cjs test/library/examples/write.ts` makes them anew.
import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DUMPED } from "../../controller/inventory/dump.ts";
import { ROOT } from "../cli/plan-support.ts";
import { EXAMPLES } from "./examples/fleets.ts";
import type { Example } from "./examples/rows.ts";
import { DUMPS, folderOf, makeDumpPlans, makeFiles, makePlans } from "./examples/write.ts";
import { heldBy, listedOn, validateFolder } from "./support.ts";

const NOW = "2026-11-24T22:30:00Z";
const ROWS = EXAMPLES.map((example) => [example.name, example] as const);

function read(name: string, path: string): string {
  return readFileSync(join(folderOf(name), path), "utf8");
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => statSync(join(folder, path)))
    .reduce((sum, stats) => sum + (stats.isFile() ? stats.size : 0), 0);
}

/** The line of the plan that says what an asset's state is, as words: ring, asset, baseline, mark, state, phase, why. */
function line(name: string, asset: string, plan = "expected-plan.txt"): readonly string[] {
  const found = read(name, plan)
    .split("\n")
    .find((text) => text.split(/\s+/)[1] === asset);
  return found?.split(/\s+/) ?? [];
}

describe("the page of examples", () => {
  it("asks for all that is read of a dump", () => {
    const page = readFileSync(join(ROOT, "examples/README.md"), "utf8");

    expect(page).toContain(`\nkubectl get ${DUMPED.join(",")} -A -o json > DUMPDIR/cluster.json\n`);
  });
});

describe("examples with a plan", () => {
  it("are the four", () => {
    expect(EXAMPLES.map(({ name }) => name)).toEqual([
      "single-cluster",
      "several-teams",
      "stateful-and-gpu-pools",
      "air-gapped",
    ]);
  });

  it.each(ROWS)("%s: levels, rings and dump are what its table and policy make", (name, example: Example) => {
    const made = makeFiles(example);

    for (const [path, text] of made) expect(read(name, path), path).toBe(text);
    expect(
      readdirSync(join(folderOf(name), "policy/levels"))
        .map((file) => `policy/levels/${file}`)
        .toSorted(),
    ).toEqual([...made.keys()].filter((path) => path.startsWith("policy/levels/")).toSorted());
  });

  it.each(ROWS)("%s: plan says what is written beside it", async (name, example: Example) => {
    const plans = await makePlans(example);

    for (const [file, text] of plans) expect(read(name, file), file).toBe(text);
    expect(
      heldBy(folderOf(name))
        .filter((file) => file.startsWith("expected-plan"))
        .toSorted(),
    ).toEqual([...plans.keys()].toSorted());
  });

  it.each(ROWS)("%s: validate finds nothing, with its cluster neither", async (name, example: Example) => {
    const { code, out } = await validateFolder(
      join(folderOf(name), "policy"),
      example.now,
      "--cluster",
      join(folderOf(name), "cluster"),
    );

    expect({ code, out }).toEqual({ code: 0, out: "" });
  });

  it.each(ROWS)("%s: is small, and its page lists what is there and quotes its plans", (name, example: Example) => {
    const page = read(name, "README.md");
    const quoted = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
      block.trimEnd().split("\n"),
    );
    const plans = heldBy(folderOf(name))
      .filter((file) => file.startsWith("expected-plan"))
      .flatMap((file) =>
        read(name, file)
          .split("\n")
          .map((text) => text.trim()),
      );

    expect(listedOn(join(folderOf(name), "README.md")).toSorted()).toEqual(heldBy(folderOf(name)).toSorted());
    expect(quoted.length).toBeGreaterThan(2);
    expect(quoted.filter((text) => !plans.includes(text))).toEqual([]);
    expect(example.nodes.length).toBeGreaterThanOrEqual(6);
    expect(example.nodes.length).toBeLessThanOrEqual(12);
    expect(bytesOf(folderOf(name))).toBeLessThan(150 * 1024);
  });

  it("examples/README.md lists every folder", () => {
    expect(listedOn(join(ROOT, "examples/README.md")).toSorted()).toEqual(heldBy(join(ROOT, "examples")).toSorted());
  });
});

describe("dumps", () => {
  it.each(DUMPS.map((one) => [one.dump, one] as const))(
    "%s: plan says what is written beside it",
    async (name, one) => {
      for (const [file, text] of await makeDumpPlans(one)) expect(read(name, file), file).toBe(text);
    },
  );

  it.each(DUMPS.map((one) => [one.dump] as const))("%s: its page lists what is there", (name) => {
    const page = read(name, "README.md");

    for (const file of heldBy(folderOf(name))) expect(page).toContain(`\`${file}\``);
  });
});

describe("what the examples show", () => {
  it("one cluster: the budget holds, an impossible drain is not begun, the control plane is last", () => {
    expect(line("single-cluster", "node/worker-3").slice(-3)).toEqual(["Missing", "InProgress", "-"]);
    expect(line("single-cluster", "node/worker-4").at(-1)).toBe("RingBudgetExhausted");
    expect(line("single-cluster", "node/worker-5").slice(-2)).toEqual(["Blocked", "PDBNeverAllows"]);
    for (const node of ["cp-1", "cp-2", "cp-3"])
      expect(line("single-cluster", `node/${node}`).slice(-2)).toEqual(["NotOffered", "WaitingForApproval"]);
  });

  it("several teams: the team that did not approve is not touched", () => {
    const decisions = read("several-teams", "expected-plan.txt").split("\n");
    const claims = decisions.filter((text) => text.startsWith("  claim "));

    expect(claims.length).toBe(2);
    expect(claims.filter((text) => !text.includes("payments"))).toEqual([]);
    for (const asset of ["node/search-1", "node/search-2", "node/search-3", "deployment/search/query"])
      expect(line("several-teams", asset).slice(-2)).toEqual(["NotOffered", "WaitingForApproval"]);
  });

  it("pools: GPU nodes wait for their window, and database nodes for theirs", () => {
    expect(["gpu-1", "gpu-2", "gpu-3"].map((node) => line("stateful-and-gpu-pools", `node/${node}`).at(-1))).toEqual([
      "OutsideWindow",
      "OutsideWindow",
      "OutsideWindow",
    ]);
    expect(line("stateful-and-gpu-pools", "node/stateful-2").slice(-2)).toEqual(["Offered", "-"]);
    const saturday = "expected-plan-saturday.txt";
    expect(line("stateful-and-gpu-pools", "node/gpu-1", saturday).slice(-2)).toEqual(["Offered", "-"]);
    expect(line("stateful-and-gpu-pools", "node/stateful-2", saturday).at(-1)).toBe("OutsideWindow");
  });

  it("air-gapped: a cluster that allows only the internal registry's recipes takes it", async () => {
    const allow = ["--allow-recipe-image", "registry.internal.example"];

    expect(await validateFolder(join(folderOf("air-gapped"), "policy"), NOW, ...allow)).toMatchObject({
      code: 0,
      out: "",
    });
  });

  it("air-gapped: the exact version or none, and an image by its name's tail is not known; all addresses are internal", () => {
    expect(line("air-gapped", "node/b-2").slice(-2)).toEqual(["Blocked", "VersionNotAvailable"]);
    expect(line("air-gapped", "deployment/shop/web-b").slice(4, 5)).toEqual(["Installed"]);
    expect(line("air-gapped", "deployment/lab/copy-b").slice(4)).toEqual([
      "Unknown",
      "Blocked",
      "RepositoryNotCovered",
    ]);
    const hosts = globSync(join(folderOf("air-gapped"), "policy/**/*.yaml")).flatMap((file) =>
      [
        ...readFileSync(file, "utf8").matchAll(/(?:https:\/\/|image: |repository: |mirrors: \[)([a-z0-9.-]+\.[a-z]+)/g),
      ].map(([, host = ""]) => host),
    );
    expect(hosts.length).toBeGreaterThan(5);
    expect(hosts.filter((host) => !host.endsWith(".internal.example"))).toEqual([]);
  });
});

/** Owners by the last pattern that matches, as GitHub reads CODEOWNERS: `*`, a folder, or a file, in which `*` is any part of a name. */
function ownersOf(path: string): string | undefined {
  const rules = read("several-teams", "CODEOWNERS")
    .split("\n")
    .filter((text) => text !== "" && !text.startsWith("#"))
    .map((text) => text.split(/\s+/));
  return rules.findLast(([pattern = ""]) => {
    if (pattern === "*") return true;
    const expression = pattern.replaceAll(".", "\\.").replaceAll("*", "[^/]*");
    return new RegExp(`^${expression}${pattern.endsWith("/") ? "" : "$"}`).test(`/${path}`);
  })?.[1];
}

describe("several-teams/CODEOWNERS", () => {
  const paths = globSync("policy/**/*.yaml", { cwd: folderOf("several-teams") });

  it("gives each ring to its team, and recipes and levels to the security team alone", () => {
    const owners = new Map(paths.map((path) => [path, ownersOf(path)]));

    expect(paths.length).toBeGreaterThan(10);
    for (const [path, owner] of owners) {
      if (/^policy\/(recipes|levels)\//.test(path)) expect(owner, path).toBe("@example/platform-security");
      else if (/^policy\/(rings|baselines|calendars)\/(payments|search)/.test(path))
        expect(owner, path).toBe(`@example/${/(payments|search)/.exec(path)?.[1]}`);
      else expect(owner, path).toBe("@example/platform");
    }
  });

  it("names nothing that is not there", () => {
    const patterns = [...read("several-teams", "CODEOWNERS").matchAll(/^\/(\S+)/gm)].map(([, pattern = ""]) => pattern);

    expect(patterns.length).toBeGreaterThan(5);
    for (const pattern of patterns) {
      const there = pattern.endsWith("/")
        ? existsSync(join(folderOf("several-teams"), pattern))
        : globSync(pattern, { cwd: folderOf("several-teams") }).length > 0;
      expect(there, pattern).toBe(true);
    }
  });
});
