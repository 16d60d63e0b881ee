// Which blocks of code ran, from V8's precise coverage with block counts. A block is a function or a branch in it that V8 reported apart from
// its surroundings at any time; it is covered once a count above zero stood over it. Starts before the code under test is loaded: what
// was compiled earlier has no counters.
import { type Profiler, Session } from "node:inspector";

export interface Coverage {
  /** Takes what ran since the last call; answers the blocks that are covered now for the first time. */
  take(): readonly Block[];
  /** Blocks that are covered, and that are known. */
  totals(): { readonly covered: number; readonly known: number };
  /** Whether a function of a file ran: `controller/core/duration.ts parseDuration`. */
  hasRun(entry: string): boolean;
  /** Forgets what was covered. */
  reset(): void;
  close(): void;
}

/** Blocks of one function, by `start-end`. */
type Blocks = Map<string, Block>;

export interface Block {
  readonly start: number;
  readonly end: number;
  covered: boolean;
}

/** `isOurs`: which scripts count, by their address. */
export function startCoverage(root: string, isOurs: (path: string) => boolean): Coverage {
  const session = new Session();
  session.connect();
  const post = <T>(method: string, params: object = {}): T => {
    let answer: T | undefined;
    // Sessions to one's own thread answer before `post` returns.
    session.post(method, params, (error: Error | null, result: unknown) => {
      if (error !== null) throw new Error(`${method}: ${error.message}`);
      answer = result as T;
    });
    return answer as T;
  };
  post("Profiler.enable");
  post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  const functions = new Map<string, Blocks>();
  const ran = new Set<string>();
  const prefix = `file://${root}`;

  function take(): readonly Block[] {
    const { result } = post<Profiler.TakePreciseCoverageReturnType>("Profiler.takePreciseCoverage");
    const found: Block[] = [];
    for (const { url, functions: list } of result) {
      const path = url.startsWith(prefix) ? url.slice(prefix.length) : "";
      if (path === "" || !isOurs(path)) continue;
      for (const { functionName, ranges } of list) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        ran.add(`${path} ${functionName}`);
        const key = `${path} ${whole.startOffset}-${whole.endOffset}`;
        let blocks = functions.get(key);
        if (blocks === undefined) functions.set(key, (blocks = new Map()));
        found.push(...note(blocks, ranges));
      }
    }
    return found;
  }

  return {
    take,
    totals() {
      const all = [...functions.values()].flatMap((blocks) => [...blocks.values()]);
      return { covered: all.filter(({ covered }) => covered).length, known: all.length };
    },
    hasRun: (entry) => ran.has(entry),
    reset() {
      take();
      functions.clear();
    },
    close() {
      session.disconnect();
    },
  };
}

/** Notes what was reported of a function; answers what is new among the covered blocks. */
function note(blocks: Blocks, ranges: readonly Profiler.CoverageRange[]): readonly Block[] {
  const counts = new Map(ranges.map(({ startOffset, endOffset, count }) => [`${startOffset}-${endOffset}`, count]));
  for (const { startOffset: start, endOffset: end } of ranges)
    if (!blocks.has(`${start}-${end}`)) blocks.set(`${start}-${end}`, { start, end, covered: false });
  const found: Block[] = [];
  for (const [key, block] of blocks) {
    // A branch that ran as often as what is around it is not reported apart.
    if (block.covered || (counts.get(key) ?? innermost(block, ranges)) === 0) continue;
    block.covered = true;
    found.push(block);
  }
  return found;
}

/** The count of the smallest range around a block; ranges come from the outside in. */
function innermost(block: Block, ranges: readonly Profiler.CoverageRange[]): number {
  let count = 0;
  for (const range of ranges) if (range.startOffset <= block.start && block.end <= range.endOffset) ({ count } = range);
  return count;
}
