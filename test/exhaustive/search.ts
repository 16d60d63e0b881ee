// Depth first through all worlds of a scope: every move of every world, each world once. Each new version is judged by the invariants of
// histories as it comes; a world in which nothing can happen any more must be the end that was wanted.
import { systemClock } from "../../controller/clock.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { CLAIM_MARK } from "../../controller/nodes/mark.ts";
import { at, listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { type Game, MOST_WAITS, type Move, type Moved } from "./moves.ts";
import type { World } from "./world.ts";

export interface Found {
  readonly problem: string;
  /** What happened, from the start. */
  readonly story: readonly string[];
  /** The moves, to be replayed. */
  readonly path: readonly number[];
}

export interface Result {
  readonly states: number;
  /** Moves that led somewhere. */
  readonly transitions: number;
  readonly depth: number;
  /** Worlds in which all was done. */
  readonly ends: number;
  readonly seconds: number;
  readonly found: Found | undefined;
  /** It ran out of what it was allowed before it was through. */
  readonly capped: boolean;
}

export interface SearchOptions {
  readonly mostStates?: number;
  readonly mostSeconds?: number;
  readonly tell?: (line: string) => void;
}

interface Frame {
  readonly world: World;
  readonly moves: readonly Move[];
  next: number;
  /** Something that was not optional could happen. */
  moved: boolean;
  /** How this world was reached. */
  readonly say: () => string;
  readonly move: number;
}

/** A run of a scope that is longer than this goes round in a circle. */
const MOST_MOVES = 1_000;
const TELL_EVERY = 50_000;

export async function search(
  game: Game,
  { mostStates = Infinity, mostSeconds = Infinity, tell }: SearchOptions = {},
): Promise<Result> {
  const begun = systemClock.monotonic();
  const seconds = (): number => (systemClock.monotonic() - begun) / 1000;
  const seen = new Set<string>([game.worlds.keyOf(game.start)]);
  const stack: Frame[] = [frameOf(game, game.start, () => "", -1)];
  let [transitions, depth, ends] = [0, 0, 0];
  const result = (found: Found | undefined, capped: boolean): Result => ({
    states: seen.size,
    transitions,
    depth,
    ends,
    seconds: seconds(),
    found,
    capped,
  });
  const arrive = (moved: Moved, move: number): Found | undefined => {
    transitions += 1;
    const [problem] = moved.problems;
    if (problem !== undefined) return tellFound(stack, problem, moved.say, move);
    const key = game.worlds.keyOf(moved.world);
    if (seen.has(key)) return undefined;
    seen.add(key);
    stack.push(frameOf(game, moved.world, moved.say, move));
    depth = Math.max(depth, stack.length - 1);
    if (depth > MOST_MOVES)
      return tellFound(stack.slice(0, -1), `V1 after ${MOST_MOVES} moves there is no end`, moved.say, move);
    if (seen.size % TELL_EVERY === 0)
      tell?.(
        `  ${seen.size} states, ${transitions} transitions, depth ${stack.length - 1} of ${depth}, ${game.passes.made()} passes, ${game.worlds.counts()}, ${seconds().toFixed(0)} s`,
      );
    return undefined;
  };
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    if (seen.size >= mostStates || seconds() >= mostSeconds) return result(undefined, true);
    const index = frame.next;
    frame.next += 1;
    const move = frame.moves[index];
    if (move !== undefined) {
      const moved = await move.run(frame.world);
      if (moved === undefined) continue;
      if (!move.optional && moved.still !== true) frame.moved = true;
      const found = arrive(moved, index);
      if (found !== undefined) return result(found, false);
      if (move.urgent === true) frame.next = frame.moves.length + 1;
      continue;
    }
    if (index > frame.moves.length || frame.moved) {
      stack.pop();
      continue;
    }
    // Nothing can happen.
    const rest = describeRest(frame.world);
    if (rest.length === 0) {
      ends += 1;
      if (frame.world.idle > 0) continue;
    } else if (frame.world.idle >= MOST_WAITS) {
      return result(tellFound(stack, `V1 nothing happens any more, and ${rest.join("; ")}`, undefined, -1), false);
    }
    const found = arrive(await game.wait(frame.world), index);
    if (found !== undefined) return result(found, false);
  }
  return result(undefined, false);
}

function frameOf(game: Game, world: World, say: () => string, move: number): Frame {
  return { world, moves: game.moves(world), next: 0, moved: false, say, move };
}

function tellFound(stack: readonly Frame[], problem: string, say: (() => string) | undefined, move: number): Found {
  const frames = stack.slice(1);
  const start = stack[0]?.world.now ?? 0;
  const line = (now: number, text: string): string => timed(start, now, text);
  return {
    problem,
    story: [
      ...frames.map((frame) => line(frame.world.now, frame.say())),
      ...(say === undefined ? [] : [line(stack.at(-1)?.world.now ?? 0, say())]),
    ],
    path: [...frames.map((frame) => frame.move), ...(move < 0 ? [] : [move])],
  };
}

/** Goes one path again, and tells it; fails where it leads nowhere. */
export async function replay(game: Game, path: readonly number[]): Promise<readonly string[]> {
  const story: string[] = [];
  let world = game.start;
  for (const index of path) {
    const moves = game.moves(world);
    const moved = await (index === moves.length ? game.wait(world) : moves[index]?.run(world));
    if (moved === undefined) throw new RangeError(`nothing comes of move ${index} after ${story.length} moves`);
    ({ world } = moved);
    story.push(timed(game.start.now, world.now, moved.say()), ...moved.problems);
  }
  return story;
}

export function describeResult({ states, transitions, depth, ends, seconds }: Result): string {
  return `${states} states, ${transitions} transitions, depth ${depth}, ${ends} ends, ${seconds.toFixed(1)} s`;
}

function timed(start: number, now: number, text: string): string {
  return `${((now - start) / 1000).toFixed(0).padStart(6)}s ${text}`;
}

/** What is not as it should be in the end. */
function describeRest({ store }: World): readonly string[] {
  const objects = (table: string) =>
    [...(store.value.tables.get(table)?.objects.values() ?? [])] as unknown as readonly Readonly<
      Record<string, unknown>
    >[];
  const rest: string[] = [];
  for (const node of objects(NODES.plural)) {
    const name = textAt(node["metadata"], "name") ?? "";
    if (at(node["spec"], "unschedulable") === true) rest.push(`${name} is cordoned`);
    if (textAt(at(node["metadata"], "annotations"), CLAIM_MARK) !== undefined) rest.push(`${name} bears a mark`);
  }
  for (const ring of objects("rolloutrings.ringward.dev"))
    if (textAt(ring["status"], "phase") !== "Done")
      rest.push(`ring ${textAt(ring["metadata"], "name") ?? ""} is ${textAt(ring["status"], "phase") ?? ""}`);
  for (const ledger of objects("disruptionledgers.ringward.dev"))
    if (listAt(ledger["status"], "claims").length > 0) rest.push("claims are left");
  return rest;
}
