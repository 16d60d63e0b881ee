// OS image names as nodes report them (node.status.nodeInfo.osImage, os-release PRETTY_NAME).
// Pure. Two names are comparable only if they name the same product and variant (Bottlerocket's aws-k8s-1.29); the
// version in them is ordered by the UAPI.10 version format, which systemd uses for image names. Code names do not count.
// A name without a version ("Container-Optimized OS from Google") says nothing about patches and is "?".
import { compareCodes, compareDigits, digitsEnd, isDigit, isLetter, orderOf } from "./order.ts";
import type { Order } from "./order.ts";

export interface OsImage {
  /** The words before the version, in lower case: "flatcar container linux by kinvolk". */
  readonly product: string;
  readonly version: string;
  /** What else tells images apart, in lower case: Bottlerocket's variant, or "". */
  readonly variant: string;
}

/** Orders two OS image names; "?" for different products or variants and for names without a version. */
export function compareOsImages(a: string, b: string): Order {
  const left = parseOsImage(a);
  const right = left && parseOsImage(b);
  if (left === undefined || right === undefined) return "?";
  if (left.product !== right.product || left.variant !== right.variant) return "?";
  return orderOf(compareUapi(withTilde(left.version), withTilde(right.version)));
}

/** Takes an OS image name apart; undefined if it names no version. */
export function parseOsImage(text: string): OsImage | undefined {
  if (text.length > 256) return undefined;
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => /^\(?v?\d[0-9A-Za-z.~^+_-]*\)?$/.test(word));
  if (at === -1) return undefined;
  let version = bare(words[at] ?? "").replace(/^v/, "");
  const product = words.slice(0, at).join(" ").toLowerCase();
  let rest = words.slice(at + 1).join(" ");
  const servicePack = /^SP(\d+)/i.exec(rest)?.[1];
  if (servicePack !== undefined) {
    version = `${version}.${servicePack}`;
    rest = rest.replace(/^SP\d+\s*/i, "");
  }
  const inParentheses = /^\(([^)]*)\)$/.exec(rest)?.[1] ?? "";
  // Only words with a digit and a hyphen are a variant (aws-k8s-1.29); others are code names (jammy, Blue Onyx).
  const variant = /^[a-z]+-(?=[a-z.-]*\d)[a-z0-9.-]*$/.test(inParentheses) ? inParentheses : "";
  return { product, version, variant };
}

function bare(word: string): string {
  return word.replace(/^\(/, "").replace(/\)$/, "");
}

/** Prereleases are written with a hyphen by most, and with a tilde in UAPI.10: 1.7.0-beta.0 is before 1.7.0. */
function withTilde(version: string): string {
  return version.replace(/-(?=(?:alpha|beta|rc|pre|dev)(?![a-z]))/g, "~");
}

/** UAPI.10 version comparison (uapi-group.org/specifications/specs/version_format_specification). */
export function compareUapi(a: string, b: string): number {
  let i = 0;
  let j = 0;
  for (;;) {
    i = skipOthers(a, i);
    j = skipOthers(b, j);
    const left = i < a.length ? a[i] : "";
    const right = j < b.length ? b[j] : "";
    if (left === "~" || right === "~") {
      if (left !== right) return left === "~" ? -1 : 1;
    } else if (left === "" || right === "") {
      return left === right ? 0 : left === "" ? -1 : 1;
    } else {
      const mark = ["-", "^", "."].find((one) => left === one || right === one);
      if (mark === undefined) {
        const run = compareRun(a, i, b, j);
        if (run.difference !== 0) return run.difference;
        i = run.i;
        j = run.j;
        continue;
      }
      if (left !== right) return left === mark ? -1 : 1;
    }
    i++;
    j++;
  }
}

function compareRun(a: string, i: number, b: string, j: number): { difference: number; i: number; j: number } {
  const numeric = isDigit(a.charCodeAt(i)) || isDigit(b.charCodeAt(j));
  const iEnd = numeric ? digitsEnd(a, i, a.length) : lettersEnd(a, i);
  const jEnd = numeric ? digitsEnd(b, j, b.length) : lettersEnd(b, j);
  // A number is newer than a word.
  if (iEnd === i || jEnd === j) return { difference: iEnd - i - (jEnd - j), i: iEnd, j: jEnd };
  const compare = numeric ? compareDigits : compareCodes;
  return { difference: compare(a, i, iEnd, b, j, jEnd), i: iEnd, j: jEnd };
}

function lettersEnd(text: string, at: number): number {
  while (at < text.length && isLetter(text.charCodeAt(at))) at++;
  return at;
}

function skipOthers(text: string, at: number): number {
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (isDigit(code) || isLetter(code) || "~-^.".includes(text.charAt(at))) break;
    at++;
  }
  return at;
}
