// What may go wrong in one run, and how often: drawn at its start. Each run has a few kinds of trouble and lacks the others, since bugs hide
// where one trouble keeps another from happening (swarm testing, Groce and others, ISSTA 2012).
import type { Chance } from "./chance.ts";

export interface Mix {
  /** Controllers that work at the same time; none knows of the others. */
  readonly controllers: number;
  /** Moves before all trouble ends. */
  readonly moves: number;
  /** Once in so many times; 0: never. */
  readonly crash: number;
  readonly lostReply: number;
  readonly neverSent: number;
  readonly refused: number;
  readonly failedRead: number;
  /** Reads wait for their turn, too, as writes always do. */
  readonly slowReads: boolean;
  /** Caches that are behind. */
  readonly stale: boolean;
  /** What people and machines do, relative to a request's 10. */
  readonly deeds: number;
  /** Time goes on in the middle of a pass, likewise. */
  readonly time: number;
  /** Actors of the cluster move in the middle of a pass, likewise. */
  readonly actors: number;
  /** Requests of another controller than the one whose turn it is, likewise. */
  readonly overtaking: number;
}

export function drawMix(chance: Chance): Mix {
  const rate = (...rates: readonly number[]): number => rates[chance.below(rates.length)] ?? 0;
  return {
    controllers: 1 + chance.among([2, 2, 1]),
    moves: rate(60, 120, 240),
    crash: rate(0, 60, 15),
    lostReply: rate(0, 40, 10),
    neverSent: rate(0, 40, 10),
    refused: rate(0, 40, 10),
    failedRead: rate(0, 0, 100),
    slowReads: chance.oneIn(4),
    stale: chance.oneIn(3),
    deeds: rate(0, 0.3, 1),
    time: rate(0, 0.5, 2),
    actors: rate(0, 1, 4),
    overtaking: rate(0, 3, 10),
  };
}

/** Nothing goes wrong any more. */
export const CALM: Omit<Mix, "controllers" | "moves"> = {
  crash: 0,
  lostReply: 0,
  neverSent: 0,
  refused: 0,
  failedRead: 0,
  slowReads: false,
  stale: false,
  deeds: 0,
  time: 0,
  actors: 0,
  overtaking: 0,
};
