// A long sorted list in pieces: between two plans most pieces stay the very same arrays, so whatever was made of one (its rows, its
// counts, its wishes) holds on, and an event costs a few pieces instead of the whole list.
// Must never end in another order than sorting the whole list would.
import { type Compare, placeOf } from "./sorted-list.ts";
import type { Steps } from "./steps.ts";

/** In order, none of them empty. */
export type Pieces<T> = readonly (readonly T[])[];

/** How many elements a piece of so many begins with: an event costs one piece and one look at each of the others. */
function pieceSize(elements: number): number {
  return Math.max(4, Math.ceil(2 * Math.sqrt(elements)));
}

/** Cuts a sorted list. */
export function cut<T>(sorted: readonly T[]): Pieces<T> {
  const size = pieceSize(sorted.length);
  const pieces: (readonly T[])[] = [];
  for (let at = 0; at < sorted.length; at += size) pieces.push(sorted.slice(at, at + size));
  return pieces;
}

/** The whole list. */
export function join<T>(pieces: Pieces<T>): readonly T[] {
  const [first = [], ...rest] = pieces;
  return rest.length === 0 ? first : first.concat(...rest);
}

/** How many elements there are. */
export function sizeOf(pieces: Pieces<unknown>): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/**
 * Pieces without some elements and with others; what nothing changed in is the very same. A piece that grows to twice its size is cut
 * in two. Undefined: one that should go is not there,
 * or only sorting the whole list tells which of two equals comes first.
 */
export function patchPieces<T>(
  pieces: Pieces<T>,
  gone: readonly T[],
  come: readonly T[],
  compare: Compare<T>,
): Pieces<T> | undefined {
  const size = pieceSize(sizeOf(pieces));
  const draft: T[][] = [...(pieces as readonly T[][])];
  const own = new Set<T[]>();
  const write = (at: number): T[] => {
    const piece = draft[at] as T[];
    if (own.has(piece)) return piece;
    const copy = [...piece];
    own.add(copy);
    draft[at] = copy;
    return copy;
  };
  for (const one of gone) {
    const at = pieceOf(draft, one, compare);
    const place = draft[at]?.indexOf(one) ?? -1;
    if (place < 0) return undefined;
    write(at).splice(place, 1);
    if (draft[at]?.length === 0) draft.splice(at, 1);
  }
  for (const one of come) {
    if (draft.length === 0) {
      draft.push([one]);
      own.add(draft[0] as T[]);
      continue;
    }
    const at = Math.min(pieceOf(draft, one, compare), draft.length - 1);
    const piece = write(at);
    const place = placeOf(piece, one, compare);
    if (place < piece.length && compare(piece[place] as T, one) === 0) return undefined;
    piece.splice(place, 0, one);
    if (piece.length >= 2 * size) {
      const half = piece.splice(size);
      own.add(half);
      draft.splice(at + 1, 0, half);
    }
  }
  return draft;
}

/** The first piece whose last element does not stand before `one`; behind all pieces where there is none. */
export function pieceOf<T>(pieces: Pieces<T>, one: T, compare: Compare<T>): number {
  let low = 0;
  let high = pieces.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const piece = pieces[middle] as readonly T[];
    if (compare(piece[piece.length - 1] as T, one) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What was made of each piece. */
export type MadeOfPieces<From, To> = ReadonlyMap<readonly From[], To>;

/**
 * Makes something of each piece, in order and each in a step; what was made of the very same piece before is kept, unless it does not
 * `hold` any more.
 */
export function* makeOfPieces<From, To>(
  before: MadeOfPieces<From, To> | undefined,
  pieces: Pieces<From>,
  make: (piece: readonly From[]) => To,
  holds: (made: To, piece: readonly From[]) => boolean = () => true,
): Steps<MadeOfPieces<From, To>> {
  const all = new Map<readonly From[], To>();
  for (const piece of pieces) {
    const known = before?.get(piece);
    if (known !== undefined && holds(known, piece)) {
      all.set(piece, known);
      continue;
    }
    all.set(piece, make(piece));
    yield;
  }
  return all;
}
