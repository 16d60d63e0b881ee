// `ringward rehearse` on the folders in examples/: what a reviewer is told of changes that people make. The texts are golden files.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../controller/cli/rehearse.ts";
import { expectGolden } from "../support/golden.ts";
import { pilotRing } from "../support/pilot-ring.ts";
import { DUMP, makeFolder, POLICY, type Ran, ROOT, run } from "./plan-support.ts";

const QUICKSTART = join(ROOT, "examples/quickstart");
const QUICKSTART_DUMP = join(ROOT, "examples/dump-quickstart");

interface Change {
  readonly from?: string;
  readonly dump?: string;
  readonly change: (folder: string) => void;
  readonly more?: readonly string[];
}

async function rehearse({ from = QUICKSTART, dump = QUICKSTART_DUMP, change, more = [] }: Change): Promise<Ran> {
  const head = makeFolder(from);
  change(head);
  return run(command, ["--base", from, "--head", head, "--cluster", dump, ...more]);
}

function edit(folder: string, file: string, from: string, to: string): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

const golden = (name: string): URL => new URL(`rehearse/${name}.golden.md`, import.meta.url);

function addRing(folder: string): void {
  const files = pilotRing(readFileSync(join(folder, "rings/early.yaml"), "utf8"));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
}

describe("rehearse", () => {
  it("tells of a new ring: who moves there, what is asked for, and how the rings after it are later", async () => {
    const { code, out } = await rehearse({ change: addRing });

    expect(code).toBe(0);
    expectGolden(golden("new-ring"), out);
  });

  it("tells of nodes that two rings claim now, which are touched by neither", async () => {
    const change = (head: string): void =>
      edit(
        head,
        "rings/early.yaml",
        "nodes:\n      selector: { matchLabels: { node-restriction.kubernetes.io/ring: early } }",
        "nodes:\n      selector: { matchExpressions: [{ key: node-restriction.kubernetes.io/ring, operator: In, values: [early, broad] }] }",
      );
    const { code, out } = await rehearse({ change });

    expect(code).toBe(1);
    expectGolden(golden("larger-ring"), out);
  });

  it("runs into a freeze, and says until when", async () => {
    const change = (head: string): void =>
      edit(head, "calendars/weekdays.yaml", "startTime: 2024-12-20T12:00", "startTime: 2024-12-16T08:00");
    const { code, out } = await rehearse({ change });

    expect(code).toBe(0);
    expect(out).toMatch(/`Frozen`, new .*year-end freeze/);
    expectGolden(golden("freeze"), out);
  });

  it("stops what uses a broken file, by what the file held before, and answers 1", async () => {
    const { code, out, err } = await rehearse({
      change: (head) => edit(head, "rings/broad.yaml", "soak: 10m", "soak: ten minutes"),
    });

    expect(code).toBe(1);
    expect(err).toContain("has 1 error\n");
    expect(out).toContain("`PolicyInvalid`");
    expectGolden(golden("invalid-file"), out);
  });

  it("closes every ring of a calendar that is deleted", async () => {
    const { code, out } = await rehearse({ change: (head) => rmSync(join(head, "calendars/weekdays.yaml")) });

    expect(code).toBe(1);
    expectGolden(golden("deleted-calendar"), out);
  });

  it("warns of an entry that is expedited, and shows what begins outside of the windows", async () => {
    const entry = "level: ubuntu-2204-20261110-4758bc0f630b\n      maxTargets: 5";
    const expedite = `${entry}\n      expedite: { reason: exploited, until: 2026-11-20T00:00:00Z, skip: [Windows] }`;
    const { code, out } = await rehearse({
      from: POLICY,
      dump: DUMP,
      change: (head) => edit(head, "rings/prod.yaml", entry, expedite),
      more: ["--at", "2026-11-17T12:00:00Z"],
    });

    expect(code).toBe(0);
    expect(out).toContain("⚠ expedited past Windows until");
    expectGolden(golden("expedite"), out);
  });

  it("says that nothing changes where head says what base says, in another order and with other comments", async () => {
    const { code, out } = await rehearse({
      change: (head) => {
        edit(head, "rings/early.yaml", "# Second ring", "# The second ring");
        mkdirSync(join(head, "moved"));
        writeFileSync(join(head, "moved/calendar.yaml"), readFileSync(join(head, "calendars/weekdays.yaml")));
        rmSync(join(head, "calendars/weekdays.yaml"));
      },
    });

    expect(code).toBe(0);
    expect(out).toContain("Merging this changes nothing");
  });

  it("is the same every time, and touches neither folder nor dump", async () => {
    const head = makeFolder(QUICKSTART);
    addRing(head);
    const folders = [QUICKSTART, head, QUICKSTART_DUMP];
    const before = folders.map(hashFolder);
    const args = ["--base", QUICKSTART, "--head", head, "--cluster", QUICKSTART_DUMP];
    const first = await run(command, args);
    const again = await run(command, args);

    expect(again).toEqual(first);
    expect(folders.map(hashFolder)).toEqual(before);
  });

  it("says the same as data", async () => {
    const { code, out } = await rehearse({ change: addRing, more: ["-o", "json"] });
    const data = JSON.parse(out) as {
      readonly ok: boolean;
      readonly rings: readonly { readonly ring: string; readonly change: string; readonly joined: readonly string[] }[];
      readonly head: { readonly stages: readonly { readonly ring: string; readonly soakedAt: string | null }[] };
    };

    expect(code).toBe(0);
    expect(data.ok).toBe(true);
    const pilot = data.rings.find(({ ring }) => ring === "pilot");
    expect(pilot).toMatchObject({ change: "Added" });
    expect(pilot?.joined.length).toBeGreaterThan(0);
    expect(data.head.stages.some(({ ring, soakedAt }) => ring === "pilot" && soakedAt !== null)).toBe(true);
  });

  it("refuses wrong use", async () => {
    await expect(run(command, ["--base", QUICKSTART])).rejects.toThrow("which policies?");
    await expect(run(command, ["--base", QUICKSTART, "--head", QUICKSTART])).rejects.toThrow("which cluster?");
    const all = ["--base", QUICKSTART, "--head", QUICKSTART, "--cluster", QUICKSTART_DUMP];
    await expect(run(command, [...all, "--horizon", "never"])).rejects.toThrow("--horizon never");
    await expect(run(command, [...all, "-o", "yaml"])).rejects.toThrow("-o yaml");
  });
});

function hashFolder(folder: string): string {
  const hash = createHash("sha256");
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    hash.update(path).update(readFileSync(path));
  }
  return hash.digest("hex");
}
