// Who may import whom (DESIGN, "Rooms"), and where time and state may live. oxlint knows neither rooms nor "only as a type", so
// this reads the import statements itself; oxfmt keeps them in a shape that a small scanner can trust. No file imports itself, by whatever
// way round and be it only for a type: so every folder can be read from the bottom up.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/** One import of a source file. */
export interface Import {
  /** As written: `../api/kinds.ts`, `node:fs`, `undici`. */
  readonly from: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

interface Room {
  /** Rooms that this one may import, itself left out. */
  readonly rooms: readonly string[];
  /** Single files of controller/ that it may import. */
  readonly files: readonly string[];
  /** Files that it may import only as types. */
  readonly types: readonly string[];
  /** Packages (and node: modules); undefined: any. */
  readonly packages?: readonly string[];
}

const COMMON = ["errors.ts", "clock.ts", "breath.ts", "place.ts", "metrics.ts", "printable.ts", "redact.ts"];
/** What rooms may see of each other's outsides: ports, which are nothing but types. */
const PORTS = ["kube/port.ts", "git/port.ts", "forge/port.ts", "core/model.ts", "clock.ts"];

/** What only reconcile/ may join, and what stands above it. */
const BESIDE_RECONCILE = [
  "api",
  "core",
  "kube",
  "inventory",
  "policy",
  "git",
  "forge",
  "nodes",
  "workloads",
  "gates",
  "notify",
  "serve",
];

export const ROOMS: Readonly<Record<string, Room>> = {
  api: { rooms: [], files: [], types: [], packages: ["typebox", "ajv", "ajv-formats", "yaml", "@marcbachmann/cel-js"] },
  core: {
    rooms: ["api"],
    files: [],
    // What a metric is; who counts is never known here.
    types: ["clock.ts", "metrics.ts"],
    packages: ["node:crypto", "croner", "semver", "@marcbachmann/cel-js"],
  },
  kube: { rooms: ["api"], files: COMMON, types: PORTS },
  inventory: { rooms: ["api", "core", "kube"], files: COMMON, types: PORTS },
  // A folder is read with the very limits and words of a commit.
  policy: { rooms: ["api", "core"], files: [...COMMON, "git/snapshot-files.ts"], types: PORTS },
  // Edits by byte range need the places of what policy/ reads; both files are pure text.
  git: { rooms: ["api", "core"], files: [...COMMON, "policy/documents.ts", "policy/scalars.ts"], types: PORTS },
  forge: { rooms: ["api", "core"], files: COMMON, types: PORTS },
  nodes: { rooms: ["api", "core", "kube", "inventory"], files: COMMON, types: PORTS },
  workloads: { rooms: ["api", "core", "kube", "inventory"], files: COMMON, types: PORTS },
  // Asks Prometheus, Alertmanager and for objects; never anything that policy names.
  gates: { rooms: ["api", "core", "kube"], files: COMMON, types: PORTS },
  // Sends to addresses of the operator's; what is told is decided in core/. Its file is read with the words of policy's files.
  notify: { rooms: ["api", "core", "kube"], files: [...COMMON, "policy/documents.ts"], types: PORTS },
  serve: { rooms: ["api", "core", "kube"], files: COMMON, types: PORTS },
  reconcile: {
    rooms: BESIDE_RECONCILE,
    files: COMMON,
    types: PORTS,
  },
  // It says what the others need; none of them may know of it.
  install: { rooms: ["api", "core", "kube", "nodes", "workloads", "reconcile"], files: COMMON, types: PORTS },
  sandbox: {
    rooms: [...BESIDE_RECONCILE, "reconcile"],
    files: COMMON,
    types: PORTS,
  },
  cli: {
    rooms: [...BESIDE_RECONCILE, "reconcile", "install", "sandbox"],
    files: COMMON,
    types: PORTS,
  },
};

/** Rooms that never import each other; the types of a port are all that they may see. */
const STRANGERS = ["nodes", "workloads", "git", "forge", "gates", "notify"];

/** All imports and re-exports of a source, dynamic ones included. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const add = (pattern: RegExp, typeOnly: (match: RegExpMatchArray) => boolean, group: number): void => {
    for (const match of source.matchAll(pattern)) {
      const line = source.slice(0, match.index).split("\n").length;
      found.push({ from: match[group] ?? "", typeOnly: typeOnly(match), line });
    }
  };
  add(/^(?:import|export)\s+(type\s+)?(?:[\w*{][^;"'`]*?)?\bfrom\s+"([^"]+)"/gm, (match) => isTypeOnly(match), 2);
  add(/^import\s+"([^"]+)"/gm, () => false, 1);
  add(/(typeof )?\bimport\(\s*"([^"]+)"\s*\)/g, (match) => match[1] !== undefined, 2);
  return found;
}

/** `import type {…}` and `import { type A, type B }` vanish at run time. */
function isTypeOnly(match: RegExpMatchArray): boolean {
  if (match[1] !== undefined) return true;
  const names = /\{([^}]*)\}/.exec(match[0])?.[1];
  if (names === undefined || /^\w+\s*,/.test(match[0].replace(/^(import|export)\s+/, ""))) return false;
  const parts = names
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return parts.length > 0 && parts.every((name) => name.startsWith("type "));
}

/** What one file of controller/ (path from there) does that its room forbids, as `controller/FILE:LINE: …`. */
export function judgeFile(path: string, source: string): string[] {
  const name = path.includes("/") ? (path.split("/")[0] ?? "") : undefined;
  const findings = [...judgeTime(path, source), ...judgeState(path, source)];
  if (name === undefined) return findings;
  const room = ROOMS[name];
  if (room === undefined)
    return [...findings, `controller/${path}:1: ${name}/ is no room: add it to test/tooling/rooms.ts`];
  for (const found of importsOf(source)) {
    const complaint = judgeImport(path, name, room, found);
    if (complaint !== undefined) findings.push(`controller/${path}:${found.line}: ${complaint}`);
  }
  return findings;
}

function judgeImport(path: string, name: string, room: Room, found: Import): string | undefined {
  if (!found.from.startsWith(".")) {
    const known = room.packages === undefined || room.packages.some((allowed) => isPackage(found.from, allowed));
    return known ? undefined : `${name}/ does not import ${found.from}`;
  }
  const target = posix.normalize(posix.join(dirname(path), found.from));
  if (target.startsWith("../"))
    return target === "../package.json" ? undefined : `imports ${target}, outside controller/`;
  const other = target.includes("/") ? (target.split("/")[0] ?? "") : target;
  if (other === name) return undefined;
  const port = found.typeOnly && room.types.includes(target);
  if (STRANGERS.includes(name) && STRANGERS.includes(other) && !port) {
    return `${name}/ and ${other}/ do not import each other: let reconcile/ join them`;
  }
  if (port || room.rooms.includes(other) || room.files.includes(target)) return undefined;
  return `${name}/ does not import ${target}${room.types.includes(target) ? " but as a type" : ""}`;
}

function isPackage(from: string, allowed: string): boolean {
  return from === allowed || from.startsWith(`${allowed}/`);
}

/** Clocks and timers live in clock.ts; oxlint finds the globals, this finds what it cannot see. */
function judgeTime(path: string, source: string): string[] {
  if (path === "clock.ts") return [];
  return linesWith(source, /new Date\(\s*\)|from "node:(timers|timers\/promises|perf_hooks)"/).map(
    (line) => `controller/${path}:${line}: take a Clock (controller/clock.ts)`,
  );
}

/** No module-level mutable state: a loop must be able to rebuild all it knows. */
function judgeState(path: string, source: string): string[] {
  return linesWith(source, /^(export )?(let|var) /).map(
    (line) => `controller/${path}:${line}: module-level mutable state: keep it in a value that somebody makes`,
  );
}

function linesWith(source: string, pattern: RegExp): number[] {
  return source.split("\n").flatMap((text, index) => {
    const code = text.replace(/^\s*(\/\/|\*|\/\*).*$/, "").replace(/\s\/\/ .*$/, "");
    return pattern.test(code) ? [index + 1] : [];
  });
}

/** From one file to another, by an import in this line. */
interface Way {
  readonly from: string;
  readonly to: string;
  readonly line: number;
}

/** Circles of imports among files (path to source), types included: the shortest first, and then those that share no file with one before. */
export function findCircles(sources: ReadonlyMap<string, string>): string[] {
  const ways = new Map(
    [...sources].map(([path, source]) => [path, waysFrom(path, source).filter(({ to }) => sources.has(to))]),
  );
  dropEnds(ways);
  const circles = [...ways.keys()].toSorted().flatMap((path) => {
    const circle = findWayBack(path, ways);
    return circle === undefined ? [] : [circle];
  });
  const named = new Set<string>();
  return circles
    .toSorted((a, b) => a.length - b.length)
    .flatMap((circle) => {
      if (circle.some(({ from }) => named.has(from))) return [];
      for (const { from } of circle) named.add(from);
      return [describeCircle(circle)];
    });
}

function describeCircle(circle: readonly Way[]): string {
  const [first] = circle;
  const round = [first?.from, ...circle.map(({ to }) => to)].join(" -> ");
  return `${first?.from}:${first?.line}: import circle ${round}: move what the lower file needs into a file below both`;
}

function waysFrom(path: string, source: string): readonly Way[] {
  return importsOf(source).flatMap(({ from, line }) =>
    from.startsWith(".") ? [{ from: path, to: posix.normalize(posix.join(dirname(path), from)), line }] : [],
  );
}

/** Takes away every file that imports none of those left: what stays is on a circle, or above one. */
function dropEnds(ways: Map<string, readonly Way[]>): void {
  for (let before = -1; before !== ways.size;) {
    before = ways.size;
    for (const [path, next] of ways) if (!next.some(({ to }) => ways.has(to))) ways.delete(path);
  }
}

/** The shortest way from a file back to it. */
function findWayBack(path: string, ways: ReadonlyMap<string, readonly Way[]>): readonly Way[] | undefined {
  const cameBy = new Map<string, Way>();
  const queue = [path];
  for (const from of queue)
    for (const way of ways.get(from) ?? []) {
      if (cameBy.has(way.to)) continue;
      cameBy.set(way.to, way);
      queue.push(way.to);
    }
  const circle: Way[] = [];
  for (let at = cameBy.get(path); at !== undefined; at = at.from === path ? undefined : cameBy.get(at.from))
    circle.unshift(at);
  return circle.length === 0 ? undefined : circle;
}

/** Every finding in controller/, and the circles of imports there and in test/. */
export function judgeRooms(root: string): string[] {
  const sources = new Map(["controller", "test"].flatMap((folder) => readSources(root, folder)));
  const rooms = [...sources].flatMap(([path, source]) =>
    path.startsWith("controller/") ? judgeFile(path.slice("controller/".length), source) : [],
  );
  return [...rooms, ...findCircles(sources)];
}

function readSources(root: string, folder: string): (readonly [string, string])[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => [`${folder}/${name.replaceAll("\\", "/")}`, readFileSync(join(root, folder, name), "utf8")]);
}
