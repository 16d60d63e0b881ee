// Whether a controller still lives: all its ports look here before they do anything.

export interface Soul {
  dead: boolean;
}

/** Thrown into a controller whose life is over. */
export class Crash extends Error {}
