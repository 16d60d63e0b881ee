// What a little world tells: a line for everything that happens, as a person would say it, and each thing that is so only once.
import type { AssetRow, Claim, LevelInForce } from "../../../controller/core/model.ts";
import type { RingOutcome } from "../../../controller/core/rollout/summary.ts";
import { kernel, MINUTE } from "../../support/fleet.ts";

export interface Chronicle {
  /** `T+01:30` since the start. */
  clock(): string;
  write(ring: string, name: string, what: string): void;
  /** What happens to one target in a minute stands in one line. */
  note(ring: string, name: string, what: string): void;
  beginMinute(): void;
  writeNotes(): void;
  tellRing(outcome: RingOutcome): void;
  /** `operating`: it is under an operation, which tells of itself. */
  tellRow(row: AssetRow, operating: boolean): void;
  /** Once, until something else is said of it. */
  tellWait(claim: Claim, what: string): void;
  nameLevel(level: LevelInForce): void;
  /** A level as people call it: `kernel-2`. */
  levelOf(claim: Claim): string;
  /** All lines so far. */
  lines(): readonly string[];
}

/** Reasons that a ring's own line tells. */
const ORDINARY = new Set([
  "OutsideWindow",
  "Frozen",
  "Deferred",
  "WaitingForApproval",
  "PredecessorNotSoaked",
  "RingSuspended",
  "RingHalted",
  "RingEmpty",
  "RingBudgetExhausted",
  "ZoneBudgetExhausted",
  "LimitReached",
  "LedgerFull",
  "LedgerRebuilding",
  "GateShut",
  "ScopeGrew",
  "LevelMissing",
  "LevelWithdrawn",
  "ReferenceMissing",
  "HistoryRewritten",
  "Stopped",
  "RebootPending",
]);

export function createChronicle(start: number, now: () => number): Chronicle {
  const lines: string[] = [];
  const told = new Map<string, string>();
  let notes = new Map<string, string[]>();
  const clock = (): string => {
    const minutes = Math.round((now() - start) / MINUTE);
    return `T+${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
  };
  const write = (ring: string, name: string, what: string): void =>
    void lines.push(`${clock()}  ${ring.padEnd(7)} ${name.padEnd(9)} ${what}`.trimEnd());
  const note = (ring: string, name: string, what: string): void => {
    const key = `${ring}\u0000${name}`;
    notes.set(key, [...(notes.get(key) ?? []), what]);
  };
  return {
    clock,
    write,
    note,
    beginMinute: () => void (notes = new Map()),
    writeNotes() {
      for (const [key, some] of [...notes].sort(([a], [b]) => (a < b ? -1 : 1))) {
        const [ring = "", name = ""] = key.split("\u0000");
        write(ring, name, some.join(" → "));
      }
    },
    tellRing(outcome) {
      const parts = [...outcome.progress.values()].map(({ status }) => {
        const { done = 0, targets = 0, inFlight = 0, failed = 0 } = status;
        const counts = `${done}/${targets}${inFlight > 0 ? ` (${inFlight} in flight)` : ""}${failed > 0 ? ` ${failed} FAILED` : ""}`;
        return `${told.get(status.digest) ?? status.level} ${status.phase} ${counts}`;
      });
      const blocks = outcome.halted === undefined ? outcome.blockedBy : [outcome.halted];
      const said = `${parts.join("; ") || outcome.phase}${blocks.length === 0 ? "" : ` [${blocks.map((block) => block.reason).join(", ")}]`}`;
      if (told.get(`ring/${outcome.ring.name}`) === said) return;
      told.set(`ring/${outcome.ring.name}`, said);
      write(outcome.ring.name, "", said);
    },
    tellRow(row, operating) {
      const trouble = row.blockedBy.find((block) => !ORDINARY.has(block.reason));
      const said = trouble === undefined ? "" : `${trouble.reason}: ${trouble.message}`;
      const key = `row/${row.asset.uid}/${row.baseline}`;
      if (!operating && (told.get(key) ?? "") !== said && said !== "")
        write(row.ring ?? "-", row.asset.name, `blocked: ${said}`);
      told.set(key, said);
    },
    tellWait({ ring, name }, what) {
      if (told.get(name) !== "PDBBlocked") note(ring, name, what);
      told.set(name, "PDBBlocked");
    },
    nameLevel(level) {
      const version = level.spec.node?.components[0]?.version ?? level.spec.image?.images[0]?.tag ?? level.name;
      told.set(
        level.digest,
        version === kernel(Number(version.split("-")[1])) ? `kernel-${version.split("-")[1]}` : version,
      );
    },
    levelOf: ({ digest, level }) => told.get(digest) ?? level,
    lines: () => lines,
  };
}
