// What the reader (reader.ts) prints, a JSON object a line. Times are ms since the epoch, so that another process can tell how long
// something took to come here.
export type ReaderLine = StartedLine | SyncedLine | PlanLine | BlockedLine;

/** Modules and policy are there, and reading begins. */
export interface StartedLine {
  readonly type: "started";
  readonly at: number;
}

/** Every list is in the stores. */
export interface SyncedLine {
  readonly type: "synced";
  readonly at: number;
  /** Longest block of the event loop until then. */
  readonly blockedMs: number;
}

/** A plan was made. */
export interface PlanLine {
  readonly type: "plan";
  readonly at: number;
  readonly snapshotMs: number;
  readonly planMs: number;
  readonly nodes: number;
  readonly pods: number;
  readonly workloads: number;
  /** Nodes with a stored state. */
  readonly states: number;
  readonly decisions: number;
  /** The newest PROBE_LABEL in the inventory that the plan was made from. */
  readonly probe: number;
}

/** The answer to a line on its input. */
export interface BlockedLine {
  readonly type: "blocked";
  /** Longest block of the event loop since the last such line or `synced`. */
  readonly blockedMs: number;
}

/** The label that events of the probed node carry their number in. */
export const PROBE_LABEL = "bench.ringward.dev/event";
