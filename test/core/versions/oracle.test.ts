// The package managers themselves as judges: thousands of random pairs, compared by few processes.
// Where a package manager is not installed the test says so in its name; it is never counted as compared.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareVersions } from "../../../controller/core/versions/index.ts";
import type { Order } from "../../../controller/core/versions/index.ts";
import { arbitraries } from "./arbitraries.ts";

type Pair = readonly [string, string];

const DPKG_PAIRS = 600;
const RPM_PAIRS = 20_000;

const hasDpkg = spawnSync("dpkg", ["--version"]).status === 0;
// `rpm.vercmp` understands epochs and releases from 4.16 on.
const hasRpm = askRpm([["1-1", "1"]])?.[0] === ">";

describe.runIf(hasDpkg)("against dpkg", () => {
  it(`agrees with dpkg on ${DPKG_PAIRS} random pairs`, () => {
    const pairs = samplePairs(arbitraries.dpkg, DPKG_PAIRS);
    expect(differences("dpkg", pairs, askDpkg(pairs))).toEqual([]);
  });

  it("agrees with dpkg on what is malformed", () => {
    const malformed = ["0:", ":1", "a:1", "1.0-", "0:-0", "1 1", "2147483648:1"].map((text): Pair => [text, "1"]);
    expect(askDpkg(malformed)).toEqual(malformed.map(() => "?"));
    expect(differences("dpkg", malformed, askDpkg(malformed))).toEqual([]);
  });
});

describe.runIf(hasRpm)("against rpm", () => {
  it(`agrees with rpm on ${RPM_PAIRS} random pairs`, () => {
    const pairs = samplePairs(arbitraries.rpm, RPM_PAIRS);
    expect(differences("rpm", pairs, askRpm(pairs) ?? [])).toEqual([]);
  });
});

const missing = [...(hasDpkg ? [] : ["dpkg"]), ...(hasRpm ? [] : ["rpm >= 4.16"])];
const asked =
  missing.length === 0 ? "dpkg and rpm were both asked" : `NOT COMPARED, because not installed: ${missing.join(", ")}`;
if (missing.length > 0) process.stderr.write(`version orders: ${asked}\n`);

describe("the judges", () => {
  it(`${asked}; dpkg always is where Debian is`, () => {
    expect(hasDpkg || !existsSync("/etc/debian_version")).toBe(true);
  });
});

function samplePairs(version: fc.Arbitrary<string>, count: number): Pair[] {
  return fc.sample(fc.tuple(version, version), { numRuns: count, seed: 20_261_121 });
}

function differences(scheme: "dpkg" | "rpm", pairs: readonly Pair[], theirs: readonly Order[]): string[] {
  expect(theirs.length).toBe(pairs.length);
  return pairs.flatMap(([a, b], index) => {
    const ours = compareVersions(scheme, a, b);
    return ours === theirs[index] ? [] : [`${a} and ${b}: ${scheme} says ${theirs[index] ?? "nothing"}, we ${ours}`];
  });
}

/** dpkg answers one question a process, so one shell asks them all. */
function askDpkg(pairs: readonly Pair[]): Order[] {
  const script = `
    while IFS=$'\\t' read -r a b; do
      dpkg --compare-versions "$a" lt "$b" 2>/dev/null; code=$?
      if [ $code = 0 ]; then echo '<'
      elif [ $code != 1 ]; then echo '?'
      elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then echo '='
      else echo '>'; fi
    done`;
  const { stdout } = spawnSync("bash", ["-c", script], { input: asLines(pairs), encoding: "utf8", maxBuffer: 1 << 26 });
  return stdout.trimEnd().split("\n") as Order[];
}

/** One rpm process reads all pairs from a file; undefined if there is no usable rpm. */
function askRpm(pairs: readonly Pair[]): Order[] | undefined {
  const folder = mkdtempSync(join(tmpdir(), "ringward-rpm-"));
  try {
    const file = join(folder, "pairs");
    writeFileSync(file, asLines(pairs));
    const lua = `for line in io.lines("${file}") do local a, b = line:match("^(.-)\\t(.*)$"); local c = rpm.vercmp(a, b); print(c < 0 and "<" or c > 0 and ">" or "=") end`;
    const { status, stdout } = spawnSync("rpm", ["--eval", `%{lua: ${lua}}`], { encoding: "utf8", maxBuffer: 1 << 26 });
    // Inside a macro rpm prints no line ends.
    return status === 0 ? (stdout.replaceAll("\n", "").split("") as Order[]) : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function asLines(pairs: readonly Pair[]): string {
  return pairs.map(([a, b]) => `${a}\t${b}\n`).join("");
}
