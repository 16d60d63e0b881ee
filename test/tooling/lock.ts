// `npm run lock`: makes package-lock.json anew so that `npm ci` accepts it on every platform and from every registry.
// npm drops the lock entries of optional packages for other platforms when it cannot see them here, and `npm ci` then
// fails with EUSAGE ("Missing: … from lock file"). A stub with the platform's os and cpu is enough: npm skips it here.
// The lock must never hold a registry's address: `resolved` is left out, and integrity hashes say what is accepted.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { isMain } from "./is-main.ts";

/** The part of a lock entry that is read and written here. */
export interface LockEntry {
  version?: string;
  resolved?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  [key: string]: unknown;
}

export interface Lockfile {
  packages: Record<string, LockEntry>;
  [key: string]: unknown;
}

const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

/** Where an entry that `parent` depends on may stand: nested or above it, nearest first (Node's own lookup). */
function lookupPlaces(parent: string, name: string): string[] {
  const places: string[] = [];
  let at = parent;
  for (;;) {
    places.push(at === "" ? `node_modules/${name}` : `${at}/node_modules/${name}`);
    if (at === "") return places;
    const cut = at.lastIndexOf("/node_modules/");
    at = cut === -1 ? "" : at.slice(0, cut);
  }
}

/** Platform that a binding's name speaks of, for example `@oxlint/binding-linux-x64-musl`. Undefined: the name does not say. */
function platformOf(name: string): Pick<LockEntry, "os" | "cpu" | "libc"> | undefined {
  const words = name.split(/[/-]/);
  const system = words.find((word) => SYSTEMS.includes(word));
  const processor = words.find((word) => PROCESSORS.includes(word));
  if (processor === undefined) return undefined;
  if (processor === "wasm32") return { cpu: ["wasm32"] };
  if (system === undefined) return undefined;
  const libc = words.some((word) => word.startsWith("musl")) ? ["musl"] : words.includes("gnu") ? ["glibc"] : undefined;
  return { os: [system], cpu: [processor], ...(libc === undefined ? {} : { libc }) };
}

/** Adds the stubs that are missing and drops every address. Changes `lock`; returns the names of the stubs added. */
export function completeLock(lock: Lockfile): string[] {
  const added: string[] = [];
  for (const [place, entry] of Object.entries(lock.packages)) {
    delete entry.resolved;
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const [nearest, found] =
        lookupPlaces(place, name)
          .map((candidate) => [candidate, lock.packages[candidate]] as const)
          .find(([, candidate]) => candidate !== undefined) ?? [];
      // A range may be met by any entry above; a binding is always asked for by its exact version.
      if (found !== undefined && (found.version === version || !/^\d/.test(version))) continue;
      const platform = platformOf(name);
      if (platform === undefined) {
        throw new Error(
          `${place} wants ${name}@${version}, which the lock lacks and whose name tells no platform: add it by hand`,
        );
      }
      lock.packages[nearest === undefined ? `node_modules/${name}` : `${place}/node_modules/${name}`] = {
        version,
        ...(entry.dev === true ? { dev: true } : {}),
        optional: true,
        ...platform,
      };
      added.push(`${name}@${version}`);
    }
  }
  lock.packages = Object.fromEntries(
    Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  ) as Record<string, LockEntry>;
  return added;
}

if (isMain(import.meta.url)) {
  const file = new URL("../../package-lock.json", import.meta.url);
  execFileSync("npm", ["install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd: new URL("../..", import.meta.url),
    stdio: "inherit",
  });
  const lock = JSON.parse(readFileSync(file, "utf8")) as Lockfile;
  const added = completeLock(lock);
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
  process.stdout.write(
    `package-lock.json: ${Object.keys(lock.packages).length} entries, ${added.length} stubs added\n`,
  );
}
