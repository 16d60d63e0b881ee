// `--watch`: one picture after another. On a terminal it is redrawn in place, elsewhere each change is a line (or, with -o json, a
// document on a line). It draws at most twice a second, ends clean when it is interrupted, and goes on through an outage of the API
// server with a line that says how old the picture is.
import { type Estimate, estimateRollout } from "../../core/estimate/estimate.ts";
import type { Clock } from "../../clock.ts";
import { createPlanner } from "../../core/rollout/plan.ts";
import { UserError } from "../../errors.ts";
import { formatFinding } from "../../policy/finding.ts";
import { openCluster } from "../cluster-view.ts";
import { type Format, oneLine, showLength, showTime, type Surroundings, wrongUse } from "../output.ts";
import type { Situation, Thinkers } from "../situation.ts";
import { atClusterTime, findKubeconfig, judge, type SourceRequest } from "../sources.ts";
import { cutLine, finishLines, type Style, styleOf } from "../views/drawing.ts";
import { drawLanes, type Lane } from "../views/lanes.ts";
import { describeLanes, tellNews } from "../views/news.ts";
import { type Link, type LiveCluster, watchCluster } from "./live-cluster.ts";
import { openScreen } from "./screen.ts";

/** What is followed: how it is drawn, told and written. */
export interface Followed {
  readonly command: string;
  readonly draw: (situation: Situation, lanes: readonly Lane[], style: Style) => readonly string[];
  readonly data: (situation: Situation, lanes: readonly Lane[]) => object;
  /** Only these lanes are told of. Throws UserError where what was asked for is not there. */
  readonly choose: (situation: Situation, lanes: readonly Lane[]) => readonly Lane[];
  /** Whether the exit code is 0. */
  readonly isDone: (lanes: readonly Lane[], situation: Situation) => boolean;
}

/** At most twice a second. */
const FRAME_MS = 500;
/** A picture in which nothing changed is made anew so often, for its ages. */
const REFRESH_MS = 5000;

/** Follows until it is interrupted. The exit code says of the last picture what the command says without --watch. */
export async function follow(
  followed: Followed,
  request: SourceRequest,
  format: Format,
  surroundings: Surroundings,
): Promise<number> {
  const { command } = followed;
  if (request.cluster !== undefined) throw wrongUse(command, "--watch with --cluster: a dump does not change");
  if (request.at !== undefined) throw wrongUse(command, "--watch with --at: what is watched is the present");
  if (format === "yaml") throw wrongUse(command, "--watch -o yaml: use -o json, a document on a line for each change");
  const stop = new AbortController();
  const unlisten = surroundings.onInterrupt?.(() => stop.abort(new Error("interrupted")));
  const { clock } = surroundings;
  const kubeconfig = findKubeconfig(request.kubeconfig, surroundings);
  const cluster = openCluster({ kubeconfig, context: request.context, clock });
  const out = createOutlet(followed, format, surroundings);
  try {
    const live = await watchCluster(cluster, surroundings, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return undefined;
      throw error;
    });
    if (live === undefined) return 1;
    try {
      return await run({ followed, request, live, loopback: cluster.loopback, out, surroundings, signal: stop.signal });
    } finally {
      await live.stop();
    }
  } finally {
    // The terminal first: what is told of a failure must not vanish with the screen.
    out.end();
    unlisten?.();
    await cluster.close();
  }
}

interface Run {
  readonly followed: Followed;
  readonly request: SourceRequest;
  readonly live: LiveCluster;
  readonly loopback: boolean;
  readonly out: Outlet;
  readonly surroundings: Surroundings;
  readonly signal: AbortSignal;
}

async function run({ followed, request, live, loopback, out, surroundings, signal }: Run): Promise<number> {
  const { clock } = surroundings;
  const thinkers = createThinkers(clock);
  let code = 1;
  let made = -Infinity;
  let spent = 0;
  while (!signal.aborted) {
    // However large the cluster is, at most half of the time goes into pictures.
    const age = clock.monotonic() - made;
    if (age >= Math.max(REFRESH_MS, 10 * spent) || (live.changed() && age >= spent)) {
      const began = clock.monotonic();
      const seen = await live.view();
      const view = loopback ? atClusterTime(seen, clock.now()) : seen;
      const result = judge(request, view, view.takenAt ?? clock.now(), thinkers);
      if (result.kind === "Refused")
        throw new UserError(
          "RW0229",
          "the policy has errors; nothing was planned",
          result.findings.map(formatFinding).join("; "),
        );
      const { situation } = result;
      const lanes = drawLanes(situation);
      out.show(situation, lanes, followed.choose(situation, lanes));
      code = followed.isDone(lanes, situation) ? 0 : 1;
      made = clock.monotonic();
      spent = made - began;
    }
    out.tick(live.link());
    await clock.sleep(FRAME_MS, signal).catch(() => undefined);
  }
  return code;
}

/** A planner that remembers, and estimates that are made anew so seldom that they take a fifth of the time at most. */
function createThinkers(clock: Clock): Thinkers {
  const planner = createPlanner();
  let estimates: readonly Estimate[] = [];
  let [made, spent, at] = [-Infinity, 0, -Infinity];
  return {
    plan: (input) => planner.plan(input),
    estimate(input, plan) {
      const began = clock.monotonic();
      // Policy time may run faster than the clock, and stand still.
      if (began - made < 4 * spent && input.now - at < 60_000) return estimates;
      estimates = estimateRollout(input, plan);
      made = clock.monotonic();
      spent = made - began;
      at = input.now;
      return estimates;
    },
  };
}

/** Where pictures go. */
interface Outlet {
  show(situation: Situation, lanes: readonly Lane[], chosen: readonly Lane[]): void;
  /** At every turn: what is to be said of the link. */
  tick(link: Link): void;
  end(): void;
}

function createOutlet(followed: Followed, format: Format, surroundings: Surroundings): Outlet {
  const { terminal, env, size } = surroundings;
  const live = format !== "json" && terminal && env["TERM"] !== "dumb" && size !== undefined;
  return live ? drawing(followed, surroundings, size) : telling(followed, format, surroundings);
}

/** On a terminal. The last picture stays when it is over. */
function drawing(followed: Followed, surroundings: Surroundings, size: NonNullable<Surroundings["size"]>): Outlet {
  const { clock, stdout } = surroundings;
  const screen = openScreen(stdout, size);
  screen.draw(["reading the cluster; Ctrl-C ends"]);
  let picture: { readonly situation: Situation; readonly lanes: readonly Lane[] } | undefined;
  let link: Link = { kind: "Up" };
  const frame = (style: Style): readonly string[] =>
    picture === undefined ? [] : followed.draw(picture.situation, picture.lanes, style);
  return {
    show(situation, lanes) {
      picture = { situation, lanes };
    },
    tick(now) {
      link = now;
      const style = styleOf(surroundings);
      screen.draw([...finishLines([linkLine(link, clock.now(), style)], style), "", ...frame(style)]);
    },
    end() {
      screen.end();
      if (picture === undefined) return;
      const style = styleOf(surroundings);
      const last = link.kind === "Up" ? [] : [linkLine(link, clock.now(), style), ""];
      stdout.write(`${[...finishLines(last, style), ...frame(style)].join("\n")}\n`);
    },
  };
}

function linkLine(link: Link, now: number, { paint, width }: Style): string {
  const text = sayLink(link, now);
  const line = link.kind === "Up" ? paint("dim", text) : paint("yellow", `■ ${text}`);
  return width === undefined ? line : cutLine(line, width);
}

function sayLink(link: Link, now: number): string {
  switch (link.kind) {
    case "Up":
      return "watching; Ctrl-C ends";
    case "CatchingUp":
      return `the API server answers again; reading what changed since ${showTime(Math.floor(link.since / 1000) * 1000)}`;
    case "Down":
      return `this picture is ${showLength(Math.max(0, now - link.since))} old: the API server does not answer (${oneLine(link.message)})`;
  }
}

/** In a log: a line or a document for each change; the link on standard error. */
function telling(followed: Followed, format: Format, { stdout, stderr, clock }: Surroundings): Outlet {
  let before: ReadonlyMap<string, string> = new Map();
  let link: Link["kind"] = "Up";
  return {
    show(situation, lanes, chosen) {
      const news = tellNews(situation, chosen, before);
      before = describeLanes(chosen);
      if (news.length === 0) return;
      if (format === "json") stdout.write(`${JSON.stringify(followed.data(situation, lanes))}\n`);
      else stdout.write(news.map((line) => `${line}\n`).join(""));
    },
    tick(now) {
      if (now.kind === link) return;
      link = now.kind;
      const text = now.kind === "Up" ? "the API server answers again, and all is read anew" : sayLink(now, clock.now());
      stderr.write(`${showTime(clock.now())}  ${text}\n`);
    },
    end: () => undefined,
  };
}
