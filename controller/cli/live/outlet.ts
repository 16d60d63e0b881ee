// Where the pictures of `--watch` go: a terminal that is drawn again in place, or a line (with -o json a document on a line) for each change.
// What is said of the connection is not data: it stands above the picture, or on standard error.
import { oneLine, type Format, showLength, showTime, type Surroundings } from "../output.ts";
import type { Situation } from "../situation.ts";
import { cutLine, finishLines, type Style, styleOf } from "../views/drawing.ts";
import type { Lane } from "../views/lanes.ts";
import { describeLanes, tellNews } from "../views/news.ts";
import type { Link } from "./live-cluster.ts";
import { openScreen } from "./screen.ts";
import { describeEnd, type End, endData, type Wait, type Waiting } from "./wait.ts";

/** What is followed: how it is drawn, told and written. */
export interface Followed {
  readonly command: string;
  readonly draw: (situation: Situation, lanes: readonly Lane[], style: Style) => readonly string[];
  readonly data: (situation: Situation, lanes: readonly Lane[]) => object;
  /** Only these lanes are told of. Throws UserError where what was asked for is not there. */
  readonly choose: (situation: Situation, lanes: readonly Lane[]) => readonly Lane[];
  /** Whether the exit code is 0. */
  readonly isDone: (lanes: readonly Lane[], situation: Situation) => boolean;
  /** Where it ends by itself. */
  readonly wait?: Wait | undefined;
}

/** Where pictures go. */
export interface Outlet {
  show(situation: Situation, lanes: readonly Lane[], chosen: readonly Lane[]): void;
  /** At every turn: what is to be said of the link. */
  tick(link: Link): void;
  /** What was waited for has come to its end; said when all else is. */
  conclude(end: End): void;
  /** Gives the terminal back. */
  end(): void;
}

/** The outlet for this terminal or pipe. */
export function createOutlet(
  followed: Followed,
  format: Format,
  surroundings: Surroundings,
  waiting: Waiting | undefined,
): Outlet {
  const { terminal, env, size } = surroundings;
  const live = format !== "json" && terminal && env["TERM"] !== "dumb" && size !== undefined;
  return live ? drawing(followed, surroundings, size, waiting) : telling(followed, format, surroundings, waiting);
}

/** On a terminal. The last picture stays when it is over. */
function drawing(
  followed: Followed,
  surroundings: Surroundings,
  size: NonNullable<Surroundings["size"]>,
  waiting: Waiting | undefined,
): Outlet {
  const { clock, stdout } = surroundings;
  const screen = openScreen(stdout, size);
  screen.draw(["reading the cluster; Ctrl-C ends"]);
  let picture: Picture | undefined;
  let link: Link = { kind: "Up" };
  let ended: End | undefined;
  const frame = (style: Style): readonly string[] =>
    picture === undefined ? [] : followed.draw(picture.situation, picture.lanes, style);
  return {
    show(situation, lanes, chosen) {
      picture = { situation, lanes, chosen };
    },
    tick(now) {
      link = now;
      const style = styleOf(surroundings);
      screen.draw([...finishLines([linkLine(link, clock.now(), style, waiting)], style), "", ...frame(style)]);
    },
    conclude(end) {
      ended = end;
    },
    end() {
      screen.end();
      const style = styleOf(surroundings);
      if (picture !== undefined) {
        const last = link.kind === "Up" ? [] : [linkLine(link, clock.now(), style, waiting), ""];
        stdout.write(`${[...finishLines(last, style), ...frame(style)].join("\n")}\n`);
      }
      if (ended === undefined) return;
      if (picture !== undefined) stdout.write("\n");
      tellEnd(ended, followed, surroundings, waiting, picture);
    },
  };
}

interface Picture {
  readonly situation: Situation;
  readonly lanes: readonly Lane[];
  readonly chosen: readonly Lane[];
}

/** Success is the answer; why there is none is talk, as kubectl has it. */
function tellEnd(
  end: End,
  { wait }: Followed,
  surroundings: Surroundings,
  waiting: Waiting | undefined,
  picture: Picture | undefined,
): void {
  if (wait === undefined) return;
  const lines = describeEnd(end, wait, waiting?.elapsed() ?? 0, picture?.chosen ?? []);
  const style = { ...styleOf(surroundings), width: undefined };
  const out = end.kind === "Done" ? surroundings.stdout : surroundings.stderr;
  out.write(`${finishLines(lines, style).join("\n")}\n`);
}

function linkLine(link: Link, now: number, { paint, width }: Style, waiting: Waiting | undefined): string {
  const text = sayLink(link, now, waiting);
  const line = link.kind === "Up" ? paint("dim", text) : paint("yellow", `■ ${text}`);
  return width === undefined ? line : cutLine(line, width);
}

function sayLink(link: Link, now: number, waiting?: Waiting): string {
  switch (link.kind) {
    case "Up":
      return `${sayWhat(waiting)}; Ctrl-C ends`;
    case "CatchingUp":
      return `the API server answers again; reading what changed since ${showTime(Math.floor(link.since / 1000) * 1000)}`;
    case "Down":
      return `this picture is ${showLength(Math.max(0, now - link.since))} old: the API server does not answer (${oneLine(link.message)})`;
  }
}

function sayWhat(waiting: Waiting | undefined): string {
  if (waiting === undefined) return "watching";
  const left = waiting.left();
  return left === undefined ? "waiting until done" : `waiting until done, for ${showLength(left)} more`;
}

/** In a log: a line or a document for each change; the link on standard error. */
function telling(followed: Followed, format: Format, surroundings: Surroundings, waiting: Waiting | undefined): Outlet {
  const { stdout, stderr, clock } = surroundings;
  let before: ReadonlyMap<string, string> = new Map();
  let link: Link["kind"] = "Up";
  let picture: Picture | undefined;
  let ended: End | undefined;
  const document = ({ situation, lanes }: Picture, more: object = {}): string =>
    `${JSON.stringify({ ...followed.data(situation, lanes), ...more })}\n`;
  return {
    show(situation, lanes, chosen) {
      picture = { situation, lanes, chosen };
      const news = tellNews(situation, chosen, before);
      before = describeLanes(chosen);
      if (news.length === 0) return;
      stdout.write(format === "json" ? document(picture) : news.map((line) => `${line}\n`).join(""));
    },
    tick(now) {
      if (now.kind === link) return;
      link = now.kind;
      const text = now.kind === "Up" ? "the API server answers again, and all is read anew" : sayLink(now, clock.now());
      stderr.write(`${showTime(clock.now())}  ${text}\n`);
    },
    conclude(end) {
      ended = end;
    },
    end() {
      if (ended === undefined) return;
      const wait = { wait: endData(ended, waiting?.elapsed() ?? 0) };
      if (format === "json")
        stdout.write(picture === undefined ? `${JSON.stringify(wait)}\n` : document(picture, wait));
      if (format !== "json" || ended.kind !== "Done") tellEnd(ended, followed, surroundings, waiting, picture);
    },
  };
}
