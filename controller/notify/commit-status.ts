// Says on commits how far rings are with what they approved, through the forge that the PolicyRepository names, beside the passes. What is to
// stand there is worked out anew from each plan; only what this process has not said is said, and the forge's adapter leaves alone what is there
// already. So nothing of it is stored.
import type { Clock, Random } from "../clock.ts";
import {
  type CommitVerdict,
  findLevelVerdicts,
  findPullVerdicts,
  joinVerdicts,
  type Notification,
} from "../core/notify/index.ts";
import type { FleetLook } from "../core/metrics/index.ts";
import type { RingInForce } from "../core/model.ts";
import type { Forge } from "../forge/port.ts";
import type { CommitSha } from "../git/port.ts";
import type { Meter } from "../metrics.ts";
import { pauseAfter } from "./line.ts";
import { NOTIFICATIONS, WAITING } from "./metrics.ts";
import type { CommitStatusSettings } from "./settings.ts";

/** The policy repository, as it was read in a pass. */
export interface CommitPlace {
  /** Undefined: the PolicyRepository names none. */
  readonly forge: Pick<Forge, "report"> | undefined;
  /** The commit of the tracked branch from which on it asks for the level in that ring without a break; undefined: not found. */
  readonly commitOf: (ring: RingInForce, baseline: string, level: string) => Promise<string | undefined>;
}

export interface CommitStatusPorts {
  readonly transport: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly leads: () => boolean;
  readonly onError: (error: unknown, where: string) => void;
}

export interface CommitStatusDesk {
  /** Returns at once. */
  look(look: FleetLook, found: readonly Notification[], place: CommitPlace): void;
  /** Says nothing more of what was looked at so far. */
  forget(): void;
}

/** After a failure nothing is said for so long at most: another commit may well be reached. */
const LONGEST_REST_MS = 60_000;

/** The desk of one destination. */
export function createCommitStatus(to: CommitStatusSettings, ports: CommitStatusPorts): CommitStatusDesk {
  const { transport, random, meter, leads, onError } = ports;
  const where = `notification ${to.name}`;
  const counter = meter.counter(NOTIFICATIONS);
  const gauge = meter.gauge(WAITING);
  let said: ReadonlyMap<string, string> = new Map();
  /** How often in a row each verdict failed. */
  let troubles: ReadonlyMap<string, number> = new Map();
  /** Failures in a row, of whatever. */
  let failures = 0;
  let notBefore = 0;
  let busy = false;
  /** The newest look that came meanwhile. */
  let next: Parameters<CommitStatusDesk["look"]> | undefined;
  /** Whoever began under another one says no more. */
  let reign = 0;
  gauge.set({ destination: to.name }, 0);

  async function say(look: FleetLook, found: readonly Notification[], place: CommitPlace): Promise<void> {
    const own = reign;
    const goes = (): boolean => own === reign && leads();
    const verdicts = await collect(look, found, place, to);
    if (!goes()) return;
    const wanted = new Map(verdicts.map((one) => [keyOf(one), one]));
    // What is not wanted any more is forgotten: should it be wanted again it is said again.
    said = new Map([...said].filter(([key]) => wanted.has(key)));
    troubles = new Map([...troubles].filter(([key]) => wanted.has(key)));
    const due = [...wanted].filter(([key, one]) => said.get(key) !== wordsOf(one));
    let left = due.length;
    gauge.set({ destination: to.name }, left);
    // What is refused for one commit keeps no other one waiting.
    const failed = (key: string): number => troubles.get(key) ?? 0;
    for (const [key, verdict] of due.sort(([a], [b]) => failed(a) - failed(b))) {
      if (!goes()) return;
      try {
        await report(place, verdict);
      } catch (error) {
        if (goes()) fail(key, verdict, error);
        return;
      }
      if (own !== reign) return;
      failures = 0;
      said = new Map(said).set(key, wordsOf(verdict));
      troubles = new Map([...troubles].filter(([other]) => other !== key));
      counter.add({ destination: to.name, event: verdict.event, result: "sent" });
      gauge.set({ destination: to.name }, (left -= 1));
    }
  }

  function fail(key: string, { event, ring, commit }: CommitVerdict, error: unknown): void {
    const times = (troubles.get(key) ?? 0) + 1;
    troubles = new Map(troubles).set(key, times);
    counter.add({ destination: to.name, event, result: "retried" });
    const pause = rest();
    // The first time, the second, the fourth, the eighth …: it may be so for days.
    if ((times & (times - 1)) !== 0) return;
    const why = error instanceof Error ? error.message : String(error);
    const what = `${event} of ring ${ring} on commit ${commit.slice(0, 12)}`;
    onError(new Error(`${what}: ${why}; it is tried again in ${Math.ceil(pause / 1000)} s`, { cause: error }), where);
  }

  function rest(): number {
    failures += 1;
    const pause = Math.min(LONGEST_REST_MS, pauseAfter(failures, random));
    notBefore = transport.monotonic() + pause;
    return pause;
  }

  async function work(...first: Parameters<CommitStatusDesk["look"]>): Promise<void> {
    busy = true;
    next = first;
    while (next !== undefined && transport.monotonic() >= notBefore) {
      const one = next;
      next = undefined;
      try {
        await say(...one);
      } catch (error) {
        // Git could not be asked.
        rest();
        onError(error, where);
      }
    }
    busy = false;
  }

  return {
    look(...one) {
      if (busy) next = one;
      else void work(...one);
    },
    forget() {
      reign += 1;
      [said, troubles, failures, notBefore, next] = [new Map(), new Map(), 0, 0, undefined];
      gauge.set({ destination: to.name }, 0);
    },
  };
}

async function collect(
  look: FleetLook,
  found: readonly Notification[],
  { commitOf }: CommitPlace,
  to: CommitStatusSettings,
): Promise<readonly CommitVerdict[]> {
  const known = [];
  for (const verdict of findLevelVerdicts(look, found, to)) {
    const commit = await commitOf(verdict.of, verdict.baseline, verdict.level);
    if (commit !== undefined) known.push({ ...verdict, commit });
  }
  return [...joinVerdicts(look, known), ...findPullVerdicts(look, found, to)];
}

async function report({ forge }: CommitPlace, { name, commit, state, title }: CommitVerdict): Promise<void> {
  if (forge === undefined) throw new Error("the PolicyRepository names no forge (spec.forge)");
  await forge.report({ name, commit: commit as CommitSha, state, title });
}

function keyOf({ name, commit }: CommitVerdict): string {
  return `${name} ${commit}`;
}

function wordsOf({ state, title }: CommitVerdict): string {
  return `${state} ${title}`;
}
