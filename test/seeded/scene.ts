// What a hunt plays: a scenario of the sweeps' stage, with promises of its own beside the invariants.
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import type { Scenario } from "../sweep/scenario.ts";

/** Lines `id object: what is wrong` about a history. */
export type Promised = (history: readonly StoredVersion[]) => readonly string[];

export interface Scene {
  readonly scenario: Scenario;
  /** What must hold in this scene, beside every invariant. */
  readonly promises?: readonly Promised[];
  /** Policy time between two passes; left out: that of the stage. */
  readonly tickMs?: number;
  /** Times of the day, `07:20:00`, that no idle step jumps over. */
  readonly stopsAt?: readonly string[];
  /** Left out: 300. */
  readonly mostPasses?: number;
  /** Errors are part of it: people take objects away while they are written. */
  readonly isRough?: boolean;
}
