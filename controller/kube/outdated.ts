// Versions of objects that are known to be over: what an own write replaced, and what a look at the object after a conflict found replaced. A
// cache that lags behind (its watch waits after an outage, say) goes on showing them; a write from one would be refused, so none is sent (K4, K6).
// And versions that may be over, because nobody heard what became of an own write: there the object is looked at first.
// Optimistic concurrency: Kubernetes API conventions, "Concurrency Control and Consistency". Losing this memory costs requests, never safety.
import type { Clock } from "../clock.ts";
import { ApiError } from "./port.ts";

/** How long an object is remembered after the last thing that was learnt of it: longer than a silent watch lasts. */
const REMEMBERED_MS = 300_000;
/** Versions of one object: a cache lags behind by a few writes of ours. */
const MOST_VERSIONS = 16;
/** Objects in doubt; of more, the oldest are written as they are, and a conflict tells. */
const MOST_DOUBTS = 4_096;

export interface Outdated {
  /** Throws a conflict where `version` of the object is known to be over. */
  refuse(path: string, version: string): void;
  /** The object at that path is no longer at `version`. */
  note(path: string, version: string): void;
  /** Nobody knows whether the object is still at `version`. */
  doubt(path: string, version: string): void;
  /** Whether that is so. */
  isDoubted(path: string, version: string): boolean;
  /** The object was seen at `version` by a look at the server. */
  trust(path: string): void;
  /** Objects remembered. */
  readonly size: number;
}

/** `path`: of the object itself, without a subresource. Versions are compared for equality only. */
export function createOutdated(clock: Pick<Clock, "monotonic">): Outdated {
  /** In the order of the last note, so that what is to be forgotten stands first. */
  const known = new Map<string, { readonly versions: readonly string[]; readonly noted: number }>();
  /** The version that is in doubt, of each object. */
  const doubts = new Map<string, string>();

  function forget(): void {
    for (const [path, { noted }] of known) {
      if (clock.monotonic() - noted <= REMEMBERED_MS) return;
      known.delete(path);
    }
  }

  return {
    refuse(path, version) {
      forget();
      if (known.get(path)?.versions.includes(version) !== true) return;
      const message = `the object is no longer at version ${version}, which a cache still shows: the write was not sent`;
      throw new ApiError(409, { kind: "Status", code: 409, reason: "Conflict", message }, undefined);
    },
    note(path, version) {
      forget();
      const versions = (known.get(path)?.versions ?? []).filter((other) => other !== version);
      known.delete(path);
      known.set(path, { versions: [...versions, version].slice(-MOST_VERSIONS), noted: clock.monotonic() });
      if (doubts.get(path) === version) doubts.delete(path);
    },
    doubt(path, version) {
      doubts.delete(path);
      doubts.set(path, version);
      for (const first of doubts.keys()) {
        if (doubts.size <= MOST_DOUBTS) break;
        doubts.delete(first);
      }
    },
    isDoubted: (path, version) => doubts.get(path) === version,
    trust: (path) => void doubts.delete(path),
    get size() {
      return known.size;
    },
  };
}
