// How the demo tells its story: lanes that redraw themselves on a terminal, plain lines elsewhere. Glyph and text together, never colour
// alone; everything here is talk and goes to standard error.
import type { NodePatchStateStatus } from "../../api/patch-state.ts";
import { isCompliant } from "../../core/compliance/index.ts";
import type { RingOutcome } from "../../core/rollout/summary.ts";
import type { Facts } from "./facts.ts";

export interface Story {
  /** One line that stays, with more lines under it. */
  tell(line: string, ...more: readonly string[]): void;
  /** The present state of the rings, and which pull requests wait. */
  show(facts: Facts, waiting: readonly Waiting[]): void;
  /** Takes the lanes away: what was told stays. */
  end(): void;
}

/** An open pull request. */
export interface Waiting {
  readonly number: number;
  readonly ring: string;
}

export interface StoryOptions {
  readonly write: (text: string) => void;
  /** A terminal that can redraw. */
  readonly live: boolean;
  /** Columns now: a person may change the window's size. */
  readonly width: () => number;
  readonly paint: (colour: "green" | "yellow" | "red" | "dim", text: string) => string;
}

const GLYPHS: Readonly<Record<string, string>> = {
  Done: "●",
  PartDone: "◔",
  Soaking: "◕",
  InProgress: "◐",
  Offered: "○",
  NotOffered: "·",
  Blocked: "■",
};
const BAR = 24;
/** Under the text of a told line, right of its time. */
const INDENT = " ".repeat(9);

/** What is known of one ring, for a lane or a line. */
interface Lane {
  readonly name: string;
  readonly phase: string;
  readonly there: number;
  readonly total: number;
  readonly flight: readonly string[];
  readonly note: string;
}

/** A story on a terminal or in a log. */
export function createStory(options: StoryOptions, clock: () => string): Story {
  const { write, live, paint } = options;
  let drawn: readonly string[] = [];
  let essence = "";
  // A person's keystroke leaves the cursor anywhere in its line: to its beginning first.
  const erased = (): string => (drawn.length === 0 ? "" : `\r\u001b[${drawn.length}A\u001b[J`);
  return {
    tell(line, ...more) {
      const text = [`${paint("dim", clock())}  ${line}`, ...more.map((other) => `${INDENT}${other}`)].join("\n");
      // One write: the screen never shows the half of it.
      write(`${erased()}${text}\n${drawn.map((row) => `${row}\n`).join("")}`);
    },
    show(facts, waiting) {
      const lanes = facts.plan.rings.map((ring) => describeLane(facts, ring, waiting));
      if (!live) {
        const now = lanes
          .map((lane) => `${lane.phase} ${Math.floor((lane.there * 4) / Math.max(1, lane.total))}`)
          .join();
        if (now === essence) return;
        essence = now;
        write(`${clock()}  ${[...lanes.map(asText), summarise(facts)].join(" | ")}\n`);
        return;
      }
      const rows = [...lanes.map(asBar), `  ${summarise(facts)}`].map((row) => cut(row, options.width()));
      const painted = rows.map((row, at) => colour(row, lanes[at], paint));
      if (painted.join("\n") === drawn.join("\n")) return;
      write(`${erased()}${painted.map((row) => `${row}\n`).join("")}`);
      drawn = painted;
    },
    end() {
      write(erased());
      drawn = [];
    },
  };
}

function cut(row: string, width: number): string {
  return row.length < width ? row : `${row.slice(0, Math.max(1, width - 2))}…`;
}

function colour(row: string, lane: Lane | undefined, paint: StoryOptions["paint"]): string {
  if (lane === undefined) return row;
  const shade = lane.phase === "Blocked" ? "red" : lane.phase === "Done" ? "green" : "yellow";
  const bar = row.indexOf(lane.name) + lane.name.length;
  return lane.phase === "NotOffered" ? row : paint(shade, row.slice(0, bar)) + row.slice(bar);
}

function describeLane(facts: Facts, outcome: RingOutcome, waiting: readonly Waiting[]): Lane {
  const name = outcome.ring.name;
  const mine = facts.plan.rows.filter((row) => row.ring === name);
  const there = mine.filter((row) => row.approved && row.state !== "Exempt" && isCompliant(row.state)).length;
  const flight = facts.claims.filter((claim) => claim.ring === name).map((claim) => describeFlight(facts, claim));
  const pulls = waiting.filter((pull) => pull.ring === name).map((pull) => `#${pull.number}`);
  const exempt = mine.filter((row) => row.state === "Exempt").length;
  // What was approved is done, but not all is approved: the phase alone would read as the end.
  const phase = outcome.phase === "Done" && there + exempt < mine.length ? "PartDone" : outcome.phase;
  const notes = [
    ...(flight.length > 0
      ? []
      : [outcome.blockedBy[0]?.reason ?? describeRest(mine) ?? ""].filter((text) => text !== "")),
    ...(exempt > 0 ? [`${exempt} exempt`] : []),
    ...(pulls.length > 0 ? [`waits for the merge of ${pulls.join(" ")}`] : []),
  ];
  return { name, phase, there, total: mine.length, flight, note: notes.join("; ") };
}

/** Why the first approved target that is not there does not move: `rocky-02: Deferred`. */
function describeRest(rows: Facts["plan"]["rows"]): string | undefined {
  const row = rows.find((other) => other.approved && !isCompliant(other.state) && other.blockedBy.length > 0);
  return row === undefined ? undefined : `${row.asset.name}: ${row.blockedBy[0]?.reason}`;
}

/** A target under way and where it stands: `ubuntu-07 Rebooting`. */
function describeFlight(facts: Facts, claim: Facts["claims"][number]): string {
  const states = claim.kind === "Node" ? facts.objects.nodeStates : facts.objects.workloadStates;
  const status = states
    .map((state) => state.status as NodePatchStateStatus | undefined)
    .find((other) => other?.targetUID === claim.uid);
  const blocked = status?.blockedBy?.[0]?.reason;
  return `${claim.name} ${blocked ?? status?.operation?.step ?? "Claimed"}`;
}

function asBar({ name, phase, there, total, flight, note }: Lane): string {
  const filled = total === 0 ? 0 : Math.round((there * BAR) / total);
  const bar = `${"█".repeat(filled)}${"░".repeat(BAR - filled)}`;
  const doing = flight.length > 0 ? `${flight.length} in flight: ${flight.join(", ")}` : "";
  const right = [note, doing].filter((part) => part !== "").join("; ");
  return `${GLYPHS[phase] ?? "?"} ${name.padEnd(8)} ${bar} ${`${there}/${total}`.padStart(7)}  ${phase.padEnd(11)} ${right}`.trimEnd();
}

function asText({ name, phase, there, total, flight, note }: Lane): string {
  const right = [flight.length > 0 ? `${flight.length} in flight` : "", note].filter((part) => part !== "").join("; ");
  return `${name} ${there}/${total} ${phase}${right === "" ? "" : ` (${right})`}`;
}

function summarise({ at, nodes, workloads }: Facts): string {
  const time = `${new Date(at).toISOString().slice(0, 16).replace("T", " ")}Z`;
  return `${time}  nodes ${nodes.compliant}/${nodes.total}, workloads ${workloads.compliant}/${workloads.total} at their level`;
}
