// Tells what happens to rings elsewhere (messages from here, commits from commit-status.ts), beside the passes: no pass waits for it, each
// destination for itself, so that one that hangs holds up nobody. What was taken is handed to the pass, which writes it into the ring's status;
// only then is it sure to be told once. A process that ends before leaves a notification to be told again, under the same id.
import type { NotifiedRecord } from "../api/rollout-ring.ts";
import type { Clock, Random } from "../clock.ts";
import type { FleetLook } from "../core/metrics/index.ts";
import { findDue, findNotifications, MOST_NOTIFIED, type Notification } from "../core/notify/index.ts";
import type { Meter } from "../metrics.ts";
import { type CommitPlace, createCommitStatus } from "./commit-status.ts";
import { createLine, type Line, pauseAfter } from "./line.ts";
import { NOTIFICATIONS, WAITING } from "./metrics.ts";
import { createPost, type Post } from "./post.ts";
import type { DestinationSettings, PostSettings } from "./settings.ts";

export interface Notifier {
  /** A pass has made its plan. `place` is undefined where no policy repository was read. Returns at once. */
  look(look: FleetLook, place?: CommitPlace): void;
  /** By ring, what was taken and is not stored yet. */
  taken(): ReadonlyMap<string, readonly NotifiedRecord[]>;
  /** This process leads no longer: another one tells from now on. */
  forget(): void;
  close(): Promise<void>;
}

export interface NotifierPorts {
  readonly destinations: readonly DestinationSettings[];
  readonly allowInsecure: boolean;
  /** Policy time. */
  readonly clock: Clock;
  readonly transport: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly leads: () => boolean;
  /** Something was taken: a pass should write it down. */
  readonly wake: () => void;
  readonly onError: (error: unknown, where: string) => void;
}

interface Desk {
  readonly to: PostSettings;
  readonly post: Post;
  readonly line: Line;
  failures: number;
  sending: boolean;
  /** Ends the wait for better times. */
  pause: AbortController | undefined;
}

/** A notifier for these destinations. */
export function createNotifier(ports: NotifierPorts): Notifier {
  const { destinations, allowInsecure, transport, meter, leads } = ports;
  const started = ports.clock.now();
  let taken: ReadonlyMap<string, readonly NotifiedRecord[]> = new Map();
  let closed = false;
  const counter = meter.counter(NOTIFICATIONS);
  const gauge = meter.gauge(WAITING);
  const desks = destinations.flatMap((to): Desk[] => {
    if (to.type === "CommitStatus") return [];
    const post = createPost(to, { clock: transport, allowInsecure });
    return [{ to, post, line: createLine(), failures: 0, sending: false, pause: undefined }];
  });
  const commits = destinations.flatMap((to) => (to.type === "CommitStatus" ? [createCommitStatus(to, ports)] : []));
  const count = ({ to }: Desk, { event }: Notification, result: string): void =>
    counter.add({ destination: to.name, event, result });
  const show = ({ to, line }: Desk): void => gauge.set({ destination: to.name }, line.length());
  for (const desk of desks) show(desk);

  function note({ to }: Desk, { id, ring, at }: Notification): void {
    const record = { id, destination: to.name, time: new Date(at).toISOString() };
    taken = new Map(taken).set(ring, [...(taken.get(ring) ?? []), record].slice(-MOST_NOTIFIED));
    ports.wake();
  }

  /** Until nobody waits, or the destination wants to be left alone. */
  async function work(desk: Desk): Promise<void> {
    if (desk.sending || desk.pause !== undefined) return;
    desk.sending = true;
    try {
      for (let next = desk.line.first(); next !== undefined && leads() && !closed; next = desk.line.first())
        if (!(await send(desk, next))) return;
    } catch (error) {
      // None is expected: what a destination does is an answer. It must not end the telling for good.
      ports.onError(error, `notification ${desk.to.name}`);
      rest(desk, 0);
    } finally {
      desk.sending = false;
      show(desk);
    }
  }

  /** False: another time. */
  async function send(desk: Desk, notification: Notification): Promise<boolean> {
    const result = await desk.post.send(notification);
    if (closed) return false;
    const { name } = desk.to;
    if (result.kind === "Retry") {
      count(desk, notification, "retried");
      const ms = rest(desk, result.afterMs);
      const later = `it is tried again in ${Math.ceil(ms / 1000)} s`;
      ports.onError(
        new Error(`${notification.event} of ring ${notification.ring}: ${result.why}; ${later}`),
        `notification ${name}`,
      );
      return false;
    }
    desk.failures = 0;
    desk.line.settle(notification);
    if (result.kind === "Sent") {
      count(desk, notification, "sent");
      note(desk, notification);
      return true;
    }
    count(desk, notification, "refused");
    ports.onError(
      new Error(`${notification.event} of ring ${notification.ring}: ${result.why}; it is not tried again`),
      `notification ${name}`,
    );
    return true;
  }

  function rest(desk: Desk, least: number): number {
    desk.failures += 1;
    const ms = Math.max(least, pauseAfter(desk.failures, ports.random));
    const pause = new AbortController();
    desk.pause = pause;
    transport.sleep(ms, pause.signal).then(
      () => {
        desk.pause = undefined;
        void work(desk);
      },
      () => undefined,
    );
    return ms;
  }

  function stopAll(): void {
    for (const desk of desks) {
      desk.pause?.abort(new Error("not leading"));
      desk.pause = undefined;
      desk.failures = 0;
      desk.line.clear();
      show(desk);
    }
  }

  return {
    look(look, place) {
      if (!leads() || closed) return;
      const all = findNotifications(look);
      if (place !== undefined) for (const desk of commits) desk.look(look, all, place);
      const found = Map.groupBy(all, ({ ring }) => ring);
      const stored = new Map(look.plan.rings.map(({ ring }) => [ring.name, ring.status?.notified ?? []]));
      taken = keepUnwritten(taken, stored);
      for (const desk of desks) {
        const due = [...found].flatMap(([ring, ofRing]) =>
          findDue(desk.to, {
            found: ofRing,
            stored: [...(stored.get(ring) ?? []), ...(taken.get(ring) ?? [])],
            started,
          }),
        );
        const { dropped, outdated } = desk.line.join(due);
        for (const one of dropped) count(desk, one, "dropped");
        for (const one of outdated) count(desk, one, "outdated");
        show(desk);
        void work(desk);
      }
    },
    taken: () => taken,
    forget() {
      taken = new Map();
      stopAll();
      for (const desk of commits) desk.forget();
    },
    async close() {
      closed = true;
      stopAll();
      for (const desk of commits) desk.forget();
      await Promise.all(desks.map(({ post }) => post.close()));
    },
  };
}

/** What was taken and is not in its ring's status; rings that are gone have none. */
function keepUnwritten(
  taken: ReadonlyMap<string, readonly NotifiedRecord[]>,
  stored: ReadonlyMap<string, readonly NotifiedRecord[]>,
): ReadonlyMap<string, readonly NotifiedRecord[]> {
  return new Map(
    [...taken].flatMap(([ring, records]) => {
      const there = stored.get(ring);
      const left = records.filter(
        ({ id, destination }) => there?.some((one) => one.id === id && one.destination === destination) === false,
      );
      return left.length === 0 ? [] : [[ring, left] as const];
    }),
  );
}
