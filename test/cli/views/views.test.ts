// What `status` and `rollout` draw: at 80 and 120 columns, with colour, without, and in ASCII, as it is written down. No line is wider than
// the terminal, colour says nothing that the text does not, and ASCII keeps every column.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { createPaint } from "../../../controller/cli/output.ts";
import type { Situation } from "../../../controller/cli/situation.ts";
import { readSituation } from "../../../controller/cli/sources.ts";
import { widthOf } from "../../../controller/cli/table.ts";
import type { Style } from "../../../controller/cli/views/drawing.ts";
import { drawFleet } from "../../../controller/cli/views/fleet.ts";
import { drawLanes } from "../../../controller/cli/views/lanes.ts";
import { drawRollout } from "../../../controller/cli/views/rollout.ts";
import { DUMP, POLICY, ROOT, surroundings } from "../plan-support.ts";

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

describe("docs/terminal.md", () => {
  it.each(["fleet-now-80-plain", "prod-frozen-80-plain"])("shows %s as it is drawn", (name) => {
    const page = readFileSync(join(ROOT, "docs/terminal.md"), "utf8");
    const golden = readFileSync(join(ROOT, `test/cli/views/golden/${name}.txt`), "utf8");

    expect(page).toContain(`\`\`\`\n${golden}\`\`\`\n`);
  });
});
