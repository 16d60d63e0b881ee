// What a hunt plays: a scenario of the sweeps' stage, with promises of its own beside the invariants.
import type { ApiRequest } from "../../controller/kube/port.ts";
import type { StoredVersion } from "../../controller/sandbox/apiserver/index.ts";
import type { Scenario, Stage } from "../sweep/stage.ts";

/** Lines `id object: what is wrong` about a history. */
export type Promised = (history: readonly StoredVersion[]) => readonly string[];

export interface Interrupt {
  readonly name: string;
  readonly before: (stage: Stage, request: ApiRequest) => boolean;
  readonly act: (stage: Stage) => void | Promise<void>;
  /** It happens again and again; left out: once. */
  readonly always?: boolean;
}

export interface Scene {
  readonly scenario: Scenario;
  /** What must hold in this scene, beside every invariant. */
  readonly promises?: readonly Promised[];
  /** Policy time between two passes; left out: that of the stage. */
  readonly tickMs?: number;
  /** Times of the day, `07:20:00`, that no idle step jumps over. */
  readonly stopsAt?: readonly string[];
  /** What happens just before a controller's request is sent, once each; it may refuse the request by throwing. */
  readonly interrupts?: readonly Interrupt[];
  /** Caches show what was there a quarter of a minute ago. */
  readonly isBehind?: boolean;
  /** Nobody restarts the controller; left out: it loses its memory now and then. */
  readonly livesOn?: boolean;
  /** Git cannot be reached while this holds. */
  readonly isGitDown?: (stage: Stage) => boolean;
  /** The forge's lists cannot be read while this holds. */
  readonly isForgeUnread?: (stage: Stage) => boolean;
  /** The run is judged as soon as this holds; left out: when it has ended. */
  readonly endsAt?: (stage: Stage) => boolean;
  /** Left out: 300. */
  readonly mostPasses?: number;
  /** Errors are part of it: people take objects away while they are written. */
  readonly isRough?: boolean;
}
