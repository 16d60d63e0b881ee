// The API for whoever may lose the Lease at any moment: a request that could change something is sent only while the Lease is fresh. It is
// asked at each write, not once in a pass: a process that was paused in the middle of one wakes up as nobody (L2, L3).
// Must never hold back a read, and never what keeps the Lease itself.
import { type ApiPort, TransportError } from "./port.ts";

/** Answers the very moment, from the monotonic clock. */
export type Leads = () => boolean;

/** The port, but for writes that are asked for while nobody here leads: those are refused unsent. Throws `TransportError`. */
export function leaderPort(port: ApiPort, leads: Leads): ApiPort {
  return {
    request: (request) => (request.method === "GET" || leads() ? port.request(request) : Promise.reject(notLeading())),
    watch: (request) => port.watch(request),
  };
}

/** The work, but only for a leader: what is written beside the API (branches, pull requests) is guarded by it. */
export function onlyLeading<Args extends readonly unknown[], Result>(
  leads: Leads,
  work: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return (...args) => (leads() ? work(...args) : Promise.reject(notLeading()));
}

function notLeading(): TransportError {
  return new TransportError(
    "aborted",
    "notSent",
    "the Lease is not held any more; nothing was sent, and the next leader goes on",
  );
}
