// One simulated run: controllers, cluster, people, repository and forge in one process on one clock; which of them moves next, and what becomes
// of each request, is drawn. First there is trouble, then it ends, and what was wanted must come about and stay (V1). Judged by all
// invariants over all that was stored.
import type { ApiPort } from "../../controller/kube/port.ts";
import { NODES } from "../../controller/kube/resources.ts";
import { CLAIM_MARK } from "../../controller/nodes/mark.ts";
import type { ClusterReader } from "../../controller/reconcile/cluster.ts";
import type { PassResult } from "../../controller/reconcile/pass.ts";
import { at, listAt } from "../../controller/sandbox/invariants/readings.ts";
import type { TimedRequest } from "../../controller/sandbox/invariants/requests.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { judgeHouse } from "../sweep/house.ts";
import { bringUp } from "../sweep/life.ts";
import { isIdle, isOver, type Kept, type Reference, runReference } from "../sweep/run.ts";
import type { Soul } from "../sweep/soul.ts";
import { createStage, type MemoryStage, type Ports, portsOf, type Scenario } from "../sweep/stage.ts";
import type { Chance } from "./chance.ts";
import { createTrouble, DEEDS, endTrouble, help, type Trouble } from "./deeds.ts";
import { createInFlight, Disturbance, type Fortune, type InFlight, type Waiting } from "./in-flight.ts";
import { CALM, drawMix, type Mix } from "./mix.ts";
import { SMALL } from "./small.ts";
import { MOST_LAG_MS, staleReader } from "./stale-reader.ts";

/** A stage, and moments of the undisturbed run at which a simulated one may begin. */
export interface Prepared {
  readonly stage: MemoryStage;
  readonly reference: Reference;
}

export async function prepare(scenario: Scenario = SMALL): Promise<Prepared> {
  const stage = await createStage(1, scenario);
  return { stage, reference: await runReference(stage, 1, undefined, undefined, MOST_LAG_MS) };
}

export interface Outcome {
  /** The whole run, to be replayed. */
  readonly drawn: readonly number[];
  readonly problems: readonly string[];
  /** Invariants whose precondition occurred. */
  readonly occurred: ReadonlySet<string>;
  readonly moves: number;
  readonly passes: number;
  /** What happened, in order, where somebody wants to read it. */
  readonly story: readonly string[];
}

/** A run that has not ended after so many calm passes never will. */
const MOST_PASSES = 400;
/** Between two looks of the people who help, passes. */
const HELP_EVERY = 8;
/** Passes in which nothing may be written when all is done. */
const QUIET_PASSES = 3;
/** The policy time of a move in the middle of a pass. */
const MOMENT_MS = 5_000;

export interface Player {
  readonly user: string;
  readonly soul: Soul;
  readonly flight: InFlight;
  readonly pass: () => Promise<void>;
  /** What a webhook does. */
  readonly poke: () => void;
  /** A pass is under way. */
  busy: boolean;
  last: PassResult | undefined;
  /** Passes since the world's last turn. */
  passed: boolean;
}

export interface Run {
  readonly stage: MemoryStage;
  readonly chance: Chance;
  readonly trouble: Trouble;
  readonly requests: TimedRequest[];
  readonly problems: string[];
  readonly players: Player[];
  readonly story: string[];
  readonly tell: ((line: string) => void) | undefined;
  readonly breaks: (port: ApiPort) => ApiPort;
  /** How a controller's caches are; left out: as the mix says. */
  readonly caches?: ((soul: Soul) => ClusterReader | undefined) | undefined;
  /** Decides what becomes of a request before chance does. */
  intercept?: ((place: number, request: Waiting) => Promise<Fortune | undefined>) | undefined;
  mix: Mix;
  born: number;
  moves: number;
  passes: number;
  writes: number;
}

export interface SimulateOptions {
  /** The story is kept, which costs time. */
  readonly tells?: boolean;
  /** Breaks the controllers' client on purpose. */
  readonly breaks?: ((port: ApiPort) => ApiPort) | undefined;
}

/** Runs once. */
export async function simulate(
  { stage, reference }: Prepared,
  chance: Chance,
  options: SimulateOptions = {},
): Promise<Outcome> {
  const mix = drawMix(chance);
  const start = reference.kept[chance.below(reference.kept.length)];
  if (start === undefined) throw new Error("nothing was kept");
  const run = begin(stage, start, { ...options, chance, mix });
  run.tell?.(`${JSON.stringify(mix)}, from pass ${start.pass} of the undisturbed run`);
  for (; run.moves < mix.moves; run.moves += 1) await move(run);
  return finish(run, reference, start);
}

export interface BeginOptions extends SimulateOptions, Pick<Run, "caches"> {
  readonly chance: Chance;
  readonly mix: Mix;
}

/** Controllers that remember nothing, at a kept moment of the undisturbed run. */
export function begin(stage: MemoryStage, start: Kept, options: BeginOptions): Run {
  const { chance, mix, caches } = options;
  stage.restore(start.snapshot);
  const begun = stage.clock.now();
  const story: string[] = [];
  const run: Run = {
    stage,
    chance,
    trouble: createTrouble(stage, chance),
    requests: [],
    problems: [],
    players: [],
    story,
    tell:
      options.tells === true
        ? (line) => void story.push(`${((stage.clock.now() - begun) / 1000).toFixed(0).padStart(6)}s ${line}`)
        : undefined,
    breaks: options.breaks ?? ((port) => port),
    caches,
    mix,
    born: start.lives,
    moves: 0,
    passes: 0,
    writes: 0,
  };
  for (let index = 0; index < mix.controllers; index += 1) bear(run);
  return run;
}

const OF_TIME: ReadonlySet<string> = new Set(["S2", "V2"]);

/** Trouble ends, what was wanted comes about, and all of it is judged. */
export async function finish(run: Run, reference: Reference, start: Kept): Promise<Outcome> {
  const { stage, chance, mix } = run;
  run.mix = { ...CALM, controllers: mix.controllers, moves: 0 };
  run.intercept = undefined;
  run.tell?.("trouble ends");
  await endTrouble(run.trouble);
  const over = await settle(run);

  const checker = start.checker.clone();
  checker.feed(stage.cluster.server.store.history().slice(start.versions));
  const { violations: all, occurred } = checker.finish();
  // Of clocks that jump nobody can tell whether a transition's time is right, and how long a target has stood.
  const violations = run.trouble.jumped ? all.filter(({ invariant }) => !OF_TIME.has(invariant)) : all;
  run.problems.push(
    ...violations.map(({ invariant, object, at: when, message }) => `${invariant} ${object} ${when}: ${message}`),
  );
  run.problems.push(...judgeHouse(stage, run.requests, reference.judged));
  if (!over) run.problems.push(`V1: it did not come to its end in ${MOST_PASSES} calm passes: ${describeRest(run)}`);
  else run.problems.push(...(await judgeEnd(run)));
  const { problems, moves, passes, story } = run;
  return { drawn: chance.drawn, problems, occurred, moves, passes, story };
}

// ------------------------------------------------------------------------------------------------------- players

/** A controller that remembers nothing comes to life. */
export function bear(run: Run, place = run.players.length): void {
  const { stage, chance } = run;
  const user = `ringward/${run.born}`;
  run.born += 1;
  const soul: Soul = { dead: false };
  const flight = createInFlight({
    soul,
    user,
    slowReads: () => run.mix.slowReads,
    failsRead: () => run.mix.failedRead > 0 && chance.oneIn(run.mix.failedRead),
    requests: run.requests,
  });
  const ports = portsOf(stage, user);
  const onError = (error: unknown): void => {
    if (SLIPS.some((kind) => error instanceof kind))
      run.problems.push(`V4: an error that nobody foresaw: ${String((error as Error).stack ?? error)}`);
  };
  const controller = bringUp(stage, {
    ports: outages(run, ports),
    pulse: flight.pulse,
    api: run.breaks(flight.api(ports.api)),
    reader: () => run.caches?.(soul) ?? staleReader(stage, soul, () => (run.mix.stale ? chance : undefined)),
    clock: stage.clock,
    onError,
  });
  const player: Player = {
    user,
    soul,
    flight,
    busy: false,
    last: undefined,
    passed: false,
    poke: () => controller.poke(),
    async pass() {
      player.busy = true;
      player.passed = true;
      player.last = undefined;
      run.passes += 1;
      try {
        player.last = await controller.pass();
      } catch (error) {
        onError(error);
      }
      player.busy = false;
    },
  };
  run.players[place] = player;
}

/** Faults of our own: everything else is told and survived. */
const SLIPS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** Git and the forge, while they are there. */
function outages({ trouble }: Run, ports: Ports): Ports {
  const away = (): Promise<never> => Promise.reject(new Disturbance("away"));
  const gitOf = (git: PolicyGit): PolicyGit => ({
    ...git,
    fetch: () => (trouble.gitDown ? away() : git.fetch()),
    readPull: (pull) => (trouble.gitDown ? away() : git.readPull(pull)),
    push: (commit) => (trouble.gitDown ? away() : git.push(commit)),
    deleteBranch: (branch, at) => (trouble.gitDown ? away() : git.deleteBranch(branch, at)),
  });
  return {
    ...ports,
    git: async (branch) => gitOf(await ports.git(branch)),
    forge(pulse) {
      const send = <T>(ask: () => Promise<T>): Promise<T> => (trouble.forgeDown ? away() : ask());
      return ports.forge({
        ...pulse,
        read: (ask) => pulse.read(() => send(ask)),
        write: (name, ask) => pulse.write(name, () => send(ask)),
      });
    },
  };
}

// --------------------------------------------------------------------------------------------------------- moves

/** Everything that follows by itself has happened: only what the driver holds goes on. */
function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Something moves: a request, a pass, the world, somebody. */
async function move(run: Run): Promise<void> {
  const { mix, players, chance } = run;
  const calm = players.findIndex(({ busy, passed }) => busy || !passed);
  const others = players.map((_, index) => (index === calm ? 0 : mix.overtaking));
  const choice = chance.among([10, mix.deeds, mix.time, mix.actors, ...others]);
  if (choice === 0) await (calm < 0 ? turn(run) : advance(run, calm));
  else if (choice === 1) await doDeed(run);
  else if (choice === 2) run.stage.clock.advance(MOMENT_MS);
  else if (choice === 3) await moveActors(run);
  else await advance(run, choice - 4);
}

/** A controller's next request is answered, or its next pass begins. */
export async function advance(run: Run, place: number): Promise<void> {
  const player = run.players[place];
  if (player === undefined) return;
  const [request] = player.flight.waiting;
  if (request !== undefined) {
    const fortune = (await run.intercept?.(place, request)) ?? drawFortune(run, request);
    if (request.write) run.writes += 1;
    const answer = await request.meet(fortune);
    run.tell?.(`${player.user} ${request.name}${answer === "" ? "" : `: ${answer}`}`);
  } else if (!player.busy) {
    run.tell?.(`${player.user} begins a pass`);
    void player.pass();
  }
  await breathe();
  if (player.soul.dead) bear(run, place);
}

const STATUSES = [409, 429, 500, 503, 504] as const;

function drawFortune({ mix, chance }: Run, { write, isApi }: Waiting): Fortune {
  if (write && mix.crash > 0 && chance.oneIn(mix.crash)) return chance.below(2) === 0 ? "diedBefore" : "diedAfter";
  if (write && mix.lostReply > 0 && chance.oneIn(mix.lostReply)) return "lost";
  if (mix.neverSent > 0 && chance.oneIn(mix.neverSent)) return "neverSent";
  if (isApi && mix.refused > 0 && chance.oneIn(mix.refused))
    return { status: STATUSES[chance.below(STATUSES.length)] ?? 500 };
  return "done";
}

async function moveActors({ stage, problems, tell }: Run): Promise<void> {
  tell?.("the cluster's actors take a step");
  const { errors } = await stage.cluster.runRound();
  for (const { actor, error } of errors) problems.push(`the actor ${actor} failed: ${String(error)}`);
}

async function doDeed(run: Run): Promise<void> {
  const deed = DEEDS[run.chance.below(DEEDS.length)];
  const done = await deed?.act(run.trouble);
  if (done !== undefined) run.tell?.(`somebody ${deed?.name ?? ""}: ${done}`);
}

/** The world goes on between passes: actors, people who merge, time. Answers whether there was nothing to do. */
export async function turn(run: Run): Promise<boolean> {
  const { players, stage } = run;
  const idle = players.every(({ last }) => isIdle(last, 0)) && run.writes === 0;
  run.tell?.(idle ? "the world goes on, and nothing is to be done" : "the world goes on");
  for (const player of players) player.passed = false;
  await stage.turn(idle);
  run.writes = 0;
  return idle;
}

// ----------------------------------------------------------------------------------------------------------- end

/** Without trouble, until all that is wanted has come about and nothing more is written. */
async function settle(run: Run): Promise<boolean> {
  let quiet = 0;
  let idle = false;
  for (let pass = 0; pass < MOST_PASSES && quiet < QUIET_PASSES; pass += 1) {
    if (quiet === 0 && (idle || pass % HELP_EVERY === HELP_EVERY - 1)) await help(run.trouble);
    run.writes = 0;
    await passAll(run);
    const { writes } = run;
    quiet = (await areDone(run, writes)) ? quiet + 1 : 0;
    idle = await turn(run);
    if (idle && waitsForWindow(run)) await sleepOver(run);
  }
  return quiet >= QUIET_PASSES;
}

/** Each controller makes one whole pass. */
export async function passAll(run: Run): Promise<void> {
  for (const place of run.players.keys()) await passOf(run, place);
}

export async function passOf(run: Run, place: number): Promise<void> {
  do await advance(run, place);
  while (run.players[place]?.busy === true);
}

/** Nights are long, and nothing happens in them. */
const NIGHT_TURNS = 15;

function waitsForWindow({ players }: Run): boolean {
  return players[0]?.last?.plan.rows.some(({ blockedBy: [block] }) => block?.reason === "OutsideWindow") === true;
}

/** The world goes on for a while, and no controller looks. */
async function sleepOver({ stage, tell }: Run): Promise<void> {
  tell?.("it is night");
  for (let turns = 0; turns < NIGHT_TURNS; turns += 1) await stage.turn(true);
}

export async function areDone({ players, stage, trouble }: Run, writes: number): Promise<boolean> {
  if (trouble.cordoned.size > 0) return false;
  for (const { last } of players) if (!(await isOver(stage, last, writes))) return false;
  return true;
}

/** What is still to be done, and what the controllers say it waits for. */
function describeRest({ players, stage }: Run): string {
  const { rows = [], rings = [] } = players[0]?.last?.plan ?? {};
  const waits = (blocks: readonly { readonly reason: string; readonly message: string }[]): string =>
    blocks.map(({ reason, message }) => `${reason} (${message.slice(0, 120)})`).join(", ");
  return [
    ...rings.map(({ ring, phase, blockedBy }) => `ring ${ring.name} is ${phase} ${waits(blockedBy)}`),
    ...rows.flatMap((row) =>
      row.ring === undefined || row.state === "Installed"
        ? []
        : [`${row.asset.name} is ${row.state} under ${row.baseline} ${waits(row.blockedBy)}`],
    ),
    ...stage.forge.people
      .pulls()
      .flatMap(({ state, number, title }) => (state === "open" ? [`#${number} ${title} is open`] : [])),
  ].join("; ");
}

/** Every target is as it should be, and nobody's mark stands on it. */
async function judgeEnd({ stage, players }: Run): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { metadata, spec } of (await stage.admin.list(NODES)).items) {
    if (at(spec, "unschedulable") === true) problems.push(`end: ${metadata.name} is cordoned`);
    if (metadata.annotations?.[CLAIM_MARK] !== undefined) problems.push(`end: ${metadata.name} bears a mark`);
  }
  for (const row of players[0]?.last?.plan.rows ?? [])
    if (row.ring !== undefined && row.state !== "Installed")
      problems.push(`end: ${row.asset.kind} ${row.asset.name} is ${row.state} under ${row.baseline}`);
  const ledger = stage.cluster.server.store
    .snapshot()
    .tables.get("disruptionledgers.ringward.dev")
    ?.objects.get("cluster");
  if (listAt(ledger?.["status"], "claims").length > 0) problems.push("end: claims are left");
  return problems;
}
