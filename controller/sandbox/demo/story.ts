// How the demo tells its story: lanes that redraw themselves on a terminal, plain lines elsewhere. Glyph and text together, never colour
// alone; everything here is talk and goes to standard error.
import type { Facts } from "./facts.ts";

export interface Story {
  /** One line that stays. */
  tell(line: string): void;
  /** The present state of the rings. */
  show(facts: Facts, pulls: number): void;
  end(): void;
}

export interface StoryOptions {
  readonly write: (text: string) => void;
  /** A terminal that can redraw. */
  readonly live: boolean;
  readonly width: number;
}

const GLYPHS: Readonly<Record<string, string>> = {
  Done: "●",
  Soaking: "◕",
  InProgress: "◐",
  Offered: "○",
  NotOffered: "·",
  Blocked: "■",
};
const BAR = 24;

/** A story on a terminal or in a log. */
export function createStory(options: StoryOptions, clock: () => string): Story {
  let drawn = 0;
  let last = "";
  const erase = (): void => {
    if (drawn > 0) options.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  return {
    tell(line) {
      erase();
      options.write(`${clock()}  ${line}\n`);
    },
    show(facts, pulls) {
      const lines = lanes(facts, pulls).map((line) => line.slice(0, options.width));
      const text = lines.join("\n");
      if (options.live) {
        erase();
        options.write(`${text}\n`);
        drawn = lines.length;
        return;
      }
      const essence = facts.plan.rings
        .map((ring) => `${ring.phase} ${Math.floor((ring.compliant * 4) / Math.max(1, ring.assets))}`)
        .join();
      if (essence === last) return;
      last = essence;
      options.write(`${lines.map((line) => `          ${line}`).join("\n")}\n`);
    },
    end: erase,
  };
}

function lanes(facts: Facts, pulls: number): readonly string[] {
  const rows = facts.plan.rings.map((outcome) => {
    const name = outcome.ring.name;
    const mine = facts.plan.rows.filter((row) => row.ring === name);
    const there = mine.filter(
      (row) => row.approved && ["Installed", "InstalledOther", "NotApplicable"].includes(row.state),
    ).length;
    const filled = mine.length === 0 ? 0 : Math.round((there * BAR) / mine.length);
    const flight = facts.claims.filter((claim) => claim.ring === name).length;
    const note = flight > 0 ? `${flight} in flight` : (outcome.blockedBy[0]?.reason ?? "");
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR - filled)}`;
    return `${GLYPHS[outcome.phase] ?? "?"} ${name.padEnd(8)} ${bar} ${`${there}/${mine.length}`.padStart(7)}  ${outcome.phase.padEnd(11)} ${note}`;
  });
  const { nodes, workloads } = facts;
  return [
    ...rows,
    `  nodes ${nodes.compliant}/${nodes.total}, workloads ${workloads.compliant}/${workloads.total} at their level${pulls > 0 ? `; ${pulls} pull requests wait` : ""}`,
  ];
}
