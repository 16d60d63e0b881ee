// What `status` and `rollout` draw: at 80 and 120 columns, with colour, without, and in ASCII, as it is written down. No line is wider than
// the terminal, colour says nothing that the text does not, and ASCII keeps every column.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { createPaint } from "../../../controller/cli/output.ts";
import type { Situation } from "../../../controller/cli/situation.ts";
import { readSituation } from "../../../controller/cli/sources.ts";
import { widthOf } from "../../../controller/cli/table.ts";
import { fleetData } from "../../../controller/cli/views/data.ts";
import type { Style } from "../../../controller/cli/views/drawing.ts";
import { drawFleet } from "../../../controller/cli/views/fleet.ts";
import { drawLanes, type Lane } from "../../../controller/cli/views/lanes.ts";
import { drawRollout } from "../../../controller/cli/views/rollout.ts";
import { sayAwaited } from "../../../controller/cli/views/words.ts";
import { DUMP, makeFolder, POLICY, ROOT, surroundings } from "../plan-support.ts";

const LOOKS: Readonly<Record<string, Omit<Style, "width">>> = {
  plain: { paint: createPaint({ env: {}, terminal: false }), ascii: false },
  colour: { paint: createPaint({ env: {}, terminal: true }), ascii: false },
  ascii: { paint: createPaint({ env: {}, terminal: false }), ascii: true },
};

const SCENES: Readonly<Record<string, { readonly at?: string }>> = {
  now: {},
  frozen: { at: "2026-11-25T22:30:00Z" },
  shut: { at: "2026-11-18T12:00:00Z" },
};

const known = new Map<string, Promise<Situation>>();

function situationOf(scene: string): Promise<Situation> {
  const before = known.get(scene) ?? readScene(scene);
  known.set(scene, before);
  return before;
}

async function readScene(scene: string): Promise<Situation> {
  const result = await readSituation("status", { policy: POLICY, cluster: DUMP, ...SCENES[scene] }, surroundings());
  if (result.kind !== "Ready") throw new Error("the small example has errors");
  const { situation } = result;
  return { ...situation, source: situation.source.replaceAll(ROOT, "") };
}

const VIEWS: Readonly<Record<string, (situation: Situation, style: Style, wide: boolean) => readonly string[]>> = {
  fleet: (situation, style, wide) => drawFleet(situation, drawLanes(situation), { style, wide }),
  canary: (situation, style, wide) => drawRing(situation, "canary", style, wide),
  prod: (situation, style, wide) => drawRing(situation, "prod", style, wide),
};

function drawRing(situation: Situation, name: string, style: Style, wide: boolean): readonly string[] {
  const lane = drawLanes(situation).find(({ ring }) => ring === name);
  if (lane === undefined) throw new Error(`no ring ${name}`);
  return drawRollout(situation, lane, { style, wide });
}

const visible = (line: string): string => line.replaceAll("\u001b", "^");

describe.each(Object.keys(VIEWS))("the picture %s", (view) => {
  const draw = VIEWS[view] ?? (() => []);

  it.each(["now", "frozen", "shut"])("is as it is written down (%s)", async (scene) => {
    const situation = await situationOf(scene);
    for (const width of [80, 120])
      for (const [look, style] of Object.entries(LOOKS)) {
        if (scene !== "now" && look !== "plain") continue;
        const lines = draw(situation, { ...style, width }, false);

        await expect(`${lines.map(visible).join("\n")}\n`).toMatchFileSnapshot(
          `golden/${view}-${scene}-${width}-${look}.txt`,
        );
      }
  });

  it.each([40, 60, 80, 100, 120, 200])(
    "is nowhere wider than %i columns, and says the same in all looks",
    async (width) => {
      const situation = await situationOf("now");
      for (const wide of [false, true]) {
        const plain = draw(situation, { ...LOOKS["plain"], width } as Style, wide);
        const colour = draw(situation, { ...LOOKS["colour"], width } as Style, wide);
        const ascii = draw(situation, { ...LOOKS["ascii"], width } as Style, wide);

        expect(Math.max(...plain.map(widthOf))).toBeLessThanOrEqual(width);
        expect(colour.map((line) => stripVTControlCharacters(line))).toEqual(plain);
        expect(colour.join("")).toContain("\u001b[");
        expect(ascii.map(widthOf)).toEqual(plain.map(widthOf));
        expect(ascii.join("")).toMatch(/^[\u0020-\u007e]+$/);
      }
    },
  );
});

describe("a newer level that waits for approval", () => {
  /** The baseline asks for more than what its rings are approved for. */
  async function moved(): Promise<Situation> {
    const folder = makeFolder(POLICY);
    const edit = (file: string, from: string, to: string): void =>
      writeFileSync(join(folder, file), readFileSync(join(folder, file), "utf8").replace(from, to));
    edit("baselines/ubuntu-2204.yaml", "kubelet: 1.34.2", "kubelet: 1.34.3");
    // The level before is still on its way to prod, and is overtaken.
    edit("rings/canary.yaml", "  soak: 2h", "  soak: 2h\n  onSupersede: Restart");
    const result = await readSituation("status", { policy: folder, cluster: DUMP }, surroundings());
    if (result.kind !== "Ready") throw new Error("the changed example has errors");
    return result.situation;
  }

  it.each([40, 80, 120])("stands in the ring's lane and in its own picture, in %i columns", async (width) => {
    const situation = await moved();
    const style = { ...LOOKS["plain"], width } as Style;
    const [canary] = drawLanes(situation);
    const level = canary?.later[0]?.level ?? "none";
    const said = (lines: readonly string[]): string => lines.join(" ").replaceAll(/[ │]+/g, " ");

    expect(level).toMatch(/^ubuntu-2204-/);
    const fleet = drawFleet(situation, drawLanes(situation), { style, wide: false });
    expect(said(fleet)).toContain(`next level waits for approval: ${level}`);
    const ring = drawRing(situation, "canary", style, false);
    expect(said(ring)).toContain(`next level: ${level} waits for approval`);
    expect(Math.max(...[...fleet, ...ring].map(widthOf))).toBeLessThanOrEqual(width);
  });

  it("stands in the lane of a ring that is done, and in the data", async () => {
    const situation = await moved();
    const lanes = drawLanes(situation).map((lane) =>
      lane.ring === "canary" ? { ...lane, done: lane.assets, phase: "Done", next: [], waiting: [], blocked: [] } : lane,
    );
    const [canary] = lanes;

    const picture = drawFleet(situation, lanes, { style: { ...LOOKS["plain"], width: 120 } as Style, wide: false });
    expect(picture.join("\n")).toContain(`  │ next level waits for approval: ${canary?.later[0]?.level ?? "none"}`);
    expect(fleetData(situation, lanes)).toMatchObject({
      rings: [
        { name: "canary", laterLevels: [{ baseline: "ubuntu-2204", reason: "WaitingForApproval" }] },
        { name: "prod", laterLevels: [{ baseline: "flatcar", reason: "WaitingForApproval" }] },
      ],
    });
  });

  it("is a count where there are many", () => {
    const later = ["a", "b", "c", "d"].map((level) => ({ level, reason: "WaitingForApproval" }));

    expect(sayAwaited({ later } as unknown as Lane, 2)).toBe("next levels wait for approval: a, b, 2 more");
    expect(sayAwaited({ later: [{ level: "a", reason: "PredecessorNotSoaked" }] } as unknown as Lane, 2)).toBe("");
  });
});

describe("docs/terminal.md", () => {
  it.each(["fleet-now-80-plain", "prod-frozen-80-plain"])("shows %s as it is drawn", (name) => {
    const page = readFileSync(join(ROOT, "docs/terminal.md"), "utf8");
    const golden = readFileSync(join(ROOT, `test/cli/views/golden/${name}.txt`), "utf8");

    expect(page).toContain(`\`\`\`\n${golden}\`\`\`\n`);
  });
});
