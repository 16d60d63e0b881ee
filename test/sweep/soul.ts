// Whether a controller still lives: all its ports look here before they do anything.

export interface Soul {
  dead: boolean;
}

/** Thrown into a controller whose life is over. */
export class Crash extends Error {}

/** How a life asks and sends: each port goes through here, so that it ends with the life. */
export interface Pulse {
  readonly read: <T>(ask: () => Promise<T>) => Promise<T>;
  /** One request that changes something. */
  readonly write: <T>(name: string, send: () => Promise<T>) => Promise<T>;
  /** A member of the port to git or to a forge was called. */
  readonly called: (port: PortName, member: string) => void;
}

export type PortName = "forge" | "git";

/** Hears what a run reaches. */
export interface Witness {
  /** `from`: the stack of the call, whose first line outside the sweep is its place in the product. */
  called(port: PortName, member: string, from: string): void;
  /** One write was about to be sent. */
  wrote(name: string): void;
}
