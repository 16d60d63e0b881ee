// What of a ring wants budget, in the order of claims, in pieces: after an event only the pieces that it touched are put in order again,
// and pieces whose lanes are all shut are passed over without a look at what is in them.
import { cut, join, makeOfPieces, type MadeOfPieces, patchPieces, type Pieces } from "../incremental/pieces.ts";
import { MOST_CHANGES } from "../incremental/sorted-list.ts";
import type { Steps } from "../incremental/steps.ts";
import type { QueuePiece } from "./limits.ts";
import { compareWishes } from "./wishes.ts";
import type { Wish } from "./target-record.ts";

export interface Queue {
  /** As they came. */
  readonly ready: Pieces<Wish>;
  readonly sorted: Pieces<Wish>;
  readonly made: MadeOfPieces<Wish, QueuePiece>;
  readonly wanted: readonly QueuePiece[];
}

/** Puts wishes in order, starting from the last queue. */
export function* queueAgain(before: Queue | undefined, ready: Pieces<Wish>): Steps<Queue> {
  const sorted =
    (before === undefined ? undefined : sortAgain(before, ready)) ?? cut(join(ready).toSorted(compareWishes));
  const made = yield* makeOfPieces(before?.made, sorted, (requests) => ({
    requests,
    lanes: [...new Set(requests.map(({ lane }) => lane))],
  }));
  return { ready, sorted, made, wanted: [...made.values()] };
}

function sortAgain(before: Queue, ready: Pieces<Wish>): Pieces<Wish> | undefined {
  const [had, has] = [new Set(before.ready), new Set(ready)];
  const left = new Set(before.ready.flatMap((piece) => (has.has(piece) ? [] : piece)));
  const right = new Set(ready.flatMap((piece) => (had.has(piece) ? [] : piece)));
  const gone = [...left].filter((wish) => !right.has(wish));
  const come = [...right].filter((wish) => !left.has(wish));
  return gone.length + come.length > MOST_CHANGES ? undefined : patchPieces(before.sorted, gone, come, compareWishes);
}
