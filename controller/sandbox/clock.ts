// The sandbox's policy clock: calendars, soak, deadlines and object times follow it.
// It starts in the past and runs `rate` times as fast as the transport clock, but never passes the wall clock:
// there it slows to 1x, so nothing in the sandbox ever bears a time from the future.
// Transport time (HTTP, Lease renewal by the controller, backoff) must never be taken from here.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock, Instant } from "../clock.ts";

/** What another process on this machine needs to compute the same policy time from its own wall clock. */
export interface ClockDescription {
  /** Wall clock at the reference point, milliseconds since the epoch. */
  readonly epochWall: Instant;
  /** Policy time at the same moment. */
  readonly epochPolicy: Instant;
  /** Policy milliseconds per wall millisecond; 0 stands still. */
  readonly rate: number;
}

export interface SandboxClock extends Clock {
  /** Runs on from the present policy time at another rate; sleepers are re-timed. */
  setRate(rate: number): void;
  /** The present reference point; changes with `setRate`. */
  describe(): ClockDescription;
}

/** A clock in another process that follows a description, and later ones. */
export interface PolicyClock extends Clock {
  /** Takes over a newer description (after the sandbox changed its rate). Time never goes back. */
  follow(description: ClockDescription): void;
}

export interface SandboxClockOptions {
  readonly start: Instant;
  readonly rate: number;
  readonly transport: Clock;
}

/** Shortest real sleep: a fast policy clock must not turn a short policy wait into a busy loop. */
const SHORTEST_SLEEP = 1;

/** The sandbox's own clock. Throws `RangeError` for a rate below zero or a start after the wall clock. */
export function createSandboxClock(options: SandboxClockOptions): SandboxClock {
  const { transport } = options;
  if (options.start > transport.now()) throw new RangeError("the sandbox's clock must start in the past");
  let base = { policy: options.start, mono: transport.monotonic(), rate: checkedRate(options.rate) };
  let latest = options.start;
  const sleepers = createSleepers(transport);

  const now = (): Instant => {
    const elapsed = transport.monotonic() - base.mono;
    latest = Math.max(latest, Math.min(base.policy + elapsed * base.rate, transport.now()));
    return latest;
  };
  return {
    now: () => Math.floor(now()),
    monotonic: () => now() - options.start,
    sleep: (ms, signal) => sleepers.sleep(ms, now, () => effectiveRate(now(), base.rate, transport), signal),
    setRate(rate) {
      base = { policy: now(), mono: transport.monotonic(), rate: checkedRate(rate) };
      sleepers.retime();
    },
    describe: () => ({ epochWall: transport.now(), epochPolicy: Math.floor(now()), rate: base.rate }),
  };
}

/** Policy time in another process, from its own wall clock and what the sandbox's `describe` said. */
export function createPolicyClock(description: ClockDescription, transport: Clock): PolicyClock {
  let reference = { ...description, rate: checkedRate(description.rate) };
  let latest = -Infinity;
  const sleepers = createSleepers(transport);

  const now = (): Instant => {
    const wall = transport.now();
    latest = Math.max(latest, Math.min(reference.epochPolicy + (wall - reference.epochWall) * reference.rate, wall));
    return latest;
  };
  return {
    now: () => Math.floor(now()),
    monotonic: () => now() - description.epochPolicy,
    sleep: (ms, signal) => sleepers.sleep(ms, now, () => effectiveRate(now(), reference.rate, transport), signal),
    follow(next) {
      reference = { ...next, rate: checkedRate(next.rate) };
      sleepers.retime();
    },
  };
}

function checkedRate(rate: number): number {
  if (!Number.isFinite(rate) || rate < 0) throw new RangeError(`a clock's rate must be a number from 0, not ${rate}`);
  return rate;
}

/** Once policy time has reached the wall clock it can only run as fast as that does. */
function effectiveRate(policy: Instant, rate: number, transport: Clock): number {
  return rate > 1 && policy >= transport.now() ? 1 : rate;
}

interface Sleepers {
  sleep(ms: number, now: () => Instant, rate: () => number, signal?: AbortSignal): Promise<void>;
  retime(): void;
}

/** Sleeps in policy time by real sleeps that are cut short when the rate changes. */
function createSleepers(transport: Clock): Sleepers {
  let change = new AbortController();
  const slice = async (real: number, signal: AbortSignal | undefined): Promise<void> => {
    const changed = change.signal;
    const both = signal === undefined ? changed : AbortSignal.any([signal, changed]);
    try {
      await transport.sleep(real, both);
    } catch (error) {
      if (!changed.aborted || signal?.aborted === true) throw error;
    }
  };
  return {
    async sleep(ms, now, rate, signal) {
      const wakeAt = now() + ms;
      signal?.throwIfAborted();
      for (let left = ms; left > 0; left = wakeAt - now()) {
        const speed = rate();
        // A clock that stands still wakes nobody; an hour is as good as any time to look again.
        await slice(speed === 0 ? 3_600_000 : Math.max(SHORTEST_SLEEP, left / speed), signal);
      }
    },
    retime() {
      const previous = change;
      change = new AbortController();
      previous.abort(new Error("the clock's rate changed"));
    },
  };
}

/** Where another process on this machine reads the policy clock. */
export const CLOCK_PATH = "/sandbox/v1/clock";

export interface ClockServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Answers `GET /sandbox/v1/clock` on loopback with the clock's description; port 0 takes a free one. */
export async function serveClock(clock: SandboxClock, port = 0): Promise<ClockServer> {
  const server = createServer((request, response) => {
    const known = request.method === "GET" && request.url === CLOCK_PATH;
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(known ? clock.describe() : { message: `only GET ${CLOCK_PATH} is here` }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}${CLOCK_PATH}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Asks a sandbox for its clock. Throws when the answer is not a description. */
export async function readClock(url: string): Promise<ClockDescription> {
  const response = await fetch(url);
  const body: unknown = response.ok ? await response.json() : undefined;
  const { epochWall, epochPolicy, rate } = (body ?? {}) as Partial<ClockDescription>;
  if (typeof epochWall !== "number" || typeof epochPolicy !== "number" || typeof rate !== "number") {
    throw new Error(`${url} answered ${response.status} without a clock (is a sandbox running there?)`);
  }
  return { epochWall, epochPolicy, rate };
}
