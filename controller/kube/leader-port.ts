// The way out for whoever may lose the Lease at any moment: what could change something is sent only while the Lease is fresh and nobody
// has closed the gate. It is asked at each write, not once in a pass: a process that was paused in the middle of one wakes up as nobody
// (L2, L3). Must never hold back a read, and never what keeps the Lease itself. What is under way when it closes is waited for, not cut.
import { type ApiPort, TransportError } from "./port.ts";

/** Answers the very moment, from the monotonic clock. */
export type Leads = () => boolean;

export interface WriteGate {
  /** Runs the write, or refuses it unsent. Throws `TransportError` (aborted, notSent). */
  pass<T>(write: () => Promise<T>): Promise<T>;
  /** Lets nothing through any more; resolves when every write under way has ended, however it ended. */
  close(): Promise<void>;
}

/** A gate that is open while somebody here leads. */
export function createWriteGate(leads: Leads): WriteGate {
  let closed = false;
  const underWay = new Set<Promise<unknown>>();
  return {
    async pass<T>(write: () => Promise<T>): Promise<T> {
      if (closed) throw refused("the controller is stopping; nothing was sent, and the next leader goes on");
      if (!leads()) throw refused("the Lease is not held any more; nothing was sent, and the next leader goes on");
      const writing = write();
      underWay.add(writing);
      try {
        return await writing;
      } finally {
        underWay.delete(writing);
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}

/** The port, with its writes behind the gate. */
export function leaderPort(port: ApiPort, gate: WriteGate): ApiPort {
  return {
    request: (request) => (request.method === "GET" ? port.request(request) : gate.pass(() => port.request(request))),
    watch: (request) => port.watch(request),
    ...(port.list === undefined ? {} : { list: (request) => port.list?.(request) ?? Promise.resolve(undefined) }),
  };
}

/** The work, behind the gate: what is written beside the API (branches, pull requests) is guarded by it. */
export function onlyLeading<Args extends readonly unknown[], Result>(
  gate: WriteGate,
  work: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return (...args) => gate.pass(() => work(...args));
}

function refused(why: string): TransportError {
  return new TransportError("aborted", "notSent", why);
}
