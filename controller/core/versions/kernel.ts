// Kernel release strings as nodes report them (`uname -r`, node.status.nodeInfo.kernelVersion).
// Pure. They are not package versions: their numbers only mean something inside one *line*, that is one distribution,
// distribution release, kernel series and flavour. Across lines there is no order (vuls and others learnt it from false
// alarms: Ubuntu 5.15.0-101-generic and 5.15.0-101-aws are built from different sources with different numbering).
// What a series is, per distribution:
//   ubuntu      5.15.0-101-generic                 series "5.15.0", flavour "generic"; the ABI number counts
//   debian      6.1.0-21-amd64                     series "6.1",    flavour "amd64";   the ABI number counts
//               6.12.43+deb13-cloud-amd64          series "6.12",   release "deb13";   the stable number counts
//   rhel & co.  5.14.0-362.8.1.el9_3.x86_64        series "5.14.0", release "el9",     flavour "x86_64" (variants "x86_64+rt")
//   fedora      6.8.9-300.fc40.x86_64              series "fc40": the release rebases its kernel
//   amazon      6.1.112-122.189.amzn2023.x86_64    series "6.1",    release "amzn2023"
//   azurelinux  5.15.173.1-1.azl3 (mariner .cm2)   series "5.15",   release "azl3"
//   suse        5.14.21-150500.55.52-default       series "5.14.21-150500", flavour "default"
//   flatcar, talos, cos (6.1.112+), photon, alpine, proxmox, and plain x.y.z (Bottlerocket, kernel.org): series "x.y"
import { compareNumbers, digitsEnd, isDigit, isLetter } from "./order.ts";
import type { Order } from "./order.ts";
import { compareRpmSegments } from "./rpm.ts";

export interface Kernel {
  readonly distro: string;
  /** The distribution's release where the string tells it (el9, amzn2023, azl3, deb13), else "". */
  readonly release: string;
  /** What people write in a baseline's `minimum.kernels[].series`. */
  readonly series: string;
  /** What people write in `minimum.kernels[].flavour`; "" where the distribution has only one. */
  readonly flavour: string;
  /** What counts inside the line, most significant first. */
  readonly numbers: readonly string[];
  /** RPM release, compared by rpm's rules after `numbers`; "" where there is none. */
  readonly rpmRelease: string;
}

/** Names the line within which kernels can be ordered: two kernels are comparable exactly if these are equal. */
export function kernelLine(kernel: Kernel): string {
  return `${kernel.distro} ${kernel.release} ${kernel.series} ${kernel.flavour}`;
}

/** Orders two kernels of one line; "?" across lines and for shapes that are not known. */
export function compareKernels(a: string, b: string): Order {
  const [one, other] = [readBase(a), readBase(b)];
  if (one === undefined || other === undefined || !mayShareLine(one, other)) return "?";
  const left = kernelOf(one);
  const right = left && kernelOf(other);
  if (left === undefined || right === undefined || !isSameLine(left, right)) return "?";
  for (let index = 0; index < Math.max(left.numbers.length, right.numbers.length); index++) {
    const difference = compareNumbers(left.numbers[index] ?? "", right.numbers[index] ?? "");
    if (difference !== 0) return difference < 0 ? "<" : ">";
  }
  const difference = compareRpmSegments(left.rpmRelease, right.rpmRelease);
  return difference < 0 ? "<" : difference > 0 ? ">" : "=";
}

/** Only Fedora moves to another x.y within one line. */
function mayShareLine(a: Base, b: Base): boolean {
  return (a.major === b.major && a.minor === b.minor) || a.rest.includes(".fc");
}

function isSameLine(a: Kernel, b: Kernel): boolean {
  return a.distro === b.distro && a.release === b.release && a.series === b.series && a.flavour === b.flavour;
}

/** Takes a kernel release string apart; undefined for a shape that no supported distribution uses. */
export function parseKernel(text: string): Kernel | undefined {
  const base = readBase(text);
  return base === undefined ? undefined : kernelOf(base);
}

function kernelOf(parts: Base): Kernel | undefined {
  const { rest } = parts;
  if (rest === "" || rest === "+") return plain(parts);
  if (rest.charCodeAt(0) === PLUS) return debianByStableNumber(parts);
  if (rest.includes(".")) return rpmDistribution(parts) ?? debianBackport(parts) ?? suse(parts);
  return namedVanilla(parts) ?? numbered(parts);
}

/** `major.minor.patch[.fourth]rest` */
interface Base {
  readonly major: string;
  readonly minor: string;
  readonly patch: string;
  readonly fourth: string | undefined;
  readonly rest: string;
}

const [PLUS, HYPHEN, DOT] = [43, 45, 46];
const MOST_DIGITS = 5;

/** Read by hand: this is asked once for every version that is compared. */
function readBase(text: string): Base | undefined {
  if (text.length > 128) return undefined;
  const majorEnd = numberEnd(text, 0);
  if (majorEnd === -1 || text.charCodeAt(majorEnd) !== DOT) return undefined;
  const minorEnd = numberEnd(text, majorEnd + 1);
  if (minorEnd === -1 || text.charCodeAt(minorEnd) !== DOT) return undefined;
  const patchEnd = numberEnd(text, minorEnd + 1);
  if (patchEnd === -1) return undefined;
  const hasFourth = text.charCodeAt(patchEnd) === DOT;
  const end = hasFourth ? numberEnd(text, patchEnd + 1) : patchEnd;
  if (end === -1 || text.charCodeAt(end) === DOT) return undefined;
  return {
    major: text.slice(0, majorEnd),
    minor: text.slice(majorEnd + 1, minorEnd),
    patch: text.slice(minorEnd + 1, patchEnd),
    fourth: hasFourth ? text.slice(patchEnd + 1, end) : undefined,
    rest: text.slice(end),
  };
}

/** The end of the number at `at`, or -1 where there is none or it is too long. */
function numberEnd(text: string, at: number): number {
  const end = digitsEnd(text, at, text.length);
  return end === at || end - at > MOST_DIGITS ? -1 : end;
}

interface Details {
  readonly release?: string;
  readonly flavour?: string;
  readonly rpmRelease?: string;
}

function kernel(distro: string, series: string, numbers: readonly string[], details: Details = {}): Kernel {
  const { release = "", flavour = "", rpmRelease = "" } = details;
  return { distro, release, series, flavour, numbers, rpmRelease };
}

/** Bottlerocket, kernel.org: nothing after x.y.z; Container-Optimized OS adds a "+". */
function plain({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  if (fourth !== undefined || (rest !== "" && rest !== "+")) return undefined;
  return kernel(rest === "+" ? "cos" : "vanilla", `${major}.${minor}`, [patch]);
}

const NAMES: ReadonlySet<string> = new Set(["-flatcar", "-talos", "-coreos", "-linuxkit"]);

/** Image-based systems that add their name to the upstream version. */
function namedVanilla({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  return NAMES.has(rest) && fourth === undefined ? kernel(rest.slice(1), `${major}.${minor}`, [patch]) : undefined;
}

// Debian's flavours are its architectures, with a prefix for the variant; no Ubuntu flavour is called so.
const DEBIAN_FLAVOURS: ReadonlySet<string> = new Set(
  (
    "amd64 arm64 arm64-16k armmp armmp-lpae 686 686-pae powerpc64le powerpc64le-64k s390x riscv64 loong64 marvell rpi " +
    "mips64el 4kc-malta 5kc-malta loongson-3 octeon"
  ).split(" "),
);
const ALPINE_FLAVOURS: ReadonlySet<string> = new Set(["lts", "virt", "edge", "stable", "rpi"]);

function isDebianFlavour(flavour: string): boolean {
  if (DEBIAN_FLAVOURS.has(flavour)) return true;
  if (flavour.startsWith("cloud-")) return DEBIAN_FLAVOURS.has(flavour.slice(6));
  return flavour.startsWith("rt-") && DEBIAN_FLAVOURS.has(flavour.slice(3));
}

/**
 * x.y.z-number-flavour: Debian's and Ubuntu's ABI numbers (z is always 0 there), Alpine's and Proxmox' builds.
 * Mainline builds for Ubuntu (6.8.0-060800-generic) are no Ubuntu kernels and have no order.
 */
function numbered({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  if (fourth !== undefined || rest.charCodeAt(0) !== HYPHEN) return undefined;
  const end = numberEnd(rest, 1);
  if (end === -1 || rest.charCodeAt(end) !== HYPHEN || !isFlavour(rest, end + 1)) return undefined;
  const [number, flavour] = [rest.slice(1, end), rest.slice(end + 1)];
  const series = `${major}.${minor}`;
  if (patch === "0" && isDebianFlavour(flavour)) return kernel("debian", series, [number], { flavour });
  if (ALPINE_FLAVOURS.has(flavour)) return kernel("alpine", series, [patch, number], { flavour });
  if (flavour === "pve") return kernel("proxmox", series, [patch, number], { flavour });
  const isUbuntu = patch === "0" && !number.startsWith("0") && isLetter(flavour.charCodeAt(0));
  return isUbuntu ? kernel("ubuntu", `${series}.0`, [number], { flavour }) : undefined;
}

/** Words of [0-9a-z] with single hyphens between them. */
function isFlavour(text: string, start: number): boolean {
  let length = 0;
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === HYPHEN) {
      if (length === 0) return false;
      length = 0;
    } else if (isDigit(code) || (code >= 97 && code <= 122)) length++;
    else return false;
  }
  return length > 0;
}

/** Debian backports: x.y.0-0.debN.ABI-flavour. */
function debianBackport({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  const match = /^-0\.(deb\d+)\.(\d{1,5})-([0-9a-z-]+)$/.exec(rest);
  if (match === null || patch !== "0" || fourth !== undefined) return undefined;
  const [, release = "", abi = "", flavour = ""] = match;
  return isDebianFlavour(flavour) ? kernel("debian", `${major}.${minor}`, [abi], { release, flavour }) : undefined;
}

/** Debian 13 and later: x.y.z+deb13-flavour, the stable release itself instead of an ABI number. */
function debianByStableNumber({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  const match = /^\+(deb\d+|bpo)(?:[.+](\d{1,5}))?-([0-9a-z-]+)$/.exec(rest);
  if (match === null || fourth !== undefined) return undefined;
  const [, release = "", rebuild = "0", flavour = ""] = match;
  if (!isDebianFlavour(flavour)) return undefined;
  return kernel("debian", `${major}.${minor}`, [patch, rebuild], { release, flavour });
}

/** SUSE: the six digits name product and service pack (150500 is 15 SP5). */
function suse({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  const match = fourth === undefined ? /^-(1\d{5})((?:\.\d{1,6})+)-([a-z][a-z0-9-]*)$/.exec(rest) : null;
  if (match === null) return undefined;
  const [, product = "", build = "", flavour = ""] = match;
  return kernel("suse", `${major}.${minor}.${patch}-${product}`, build.slice(1).split("."), {
    release: product,
    flavour,
  });
}

const RPM_DIST = /\.((?:el\d+(?:uek)?|fc\d+|amzn\d+|azl\d+|cm\d+|ph\d+))(?![0-9a-z])/;
const RPM_TAIL =
  /^((?:_\d+)?(?:\.\d+)*)((?:\.(?!x86_64|aarch64|ppc64le|s390x)[a-z]\w*)*)(?:\.(x86_64|aarch64|ppc64le|s390x))?(?:[+-]([0-9a-z]+(?:-[0-9a-z]+)*))?$/;

/** version-release.dist[.arch][+variant]: Red Hat's family, Fedora, Amazon Linux, Azure Linux, Photon. */
function rpmDistribution({ major, minor, patch, fourth, rest }: Base): Kernel | undefined {
  const match = RPM_DIST.exec(rest);
  if (match === null || !isRpmBuild(rest, match.index)) return undefined;
  const dist = match[1] ?? "";
  const tail = RPM_TAIL.exec(rest.slice(match.index + 1 + dist.length));
  if (tail === null) return undefined;
  const [, distTail = "", extra = "", arch = "", variant = ""] = tail;
  const distro = rpmDistro(dist);
  let flavour = arch;
  if (variant !== "") flavour = plus(flavour, variant);
  // Old real-time kernels carry "rt" inside the release, third parties (elrepo, centos.plus) their name after it.
  if (rest.includes(".rt")) flavour = plus(flavour, "rt");
  if (extra !== "") flavour = plus(flavour, extra.slice(1));
  const numbers = fourth === undefined ? [major, minor, patch] : [major, minor, patch, fourth];
  const rpmRelease = rest.slice(1, match.index + 1 + dist.length) + distTail;
  return kernel(distro, rpmSeries(distro, dist, major, minor, patch), numbers, { release: dist, flavour, rpmRelease });
}

function plus(flavour: string, word: string): string {
  return flavour === "" ? word : `${flavour}+${word}`;
}

/** Whether rest[0, end) is "-" and an rpm release that starts with a digit. */
function isRpmBuild(rest: string, end: number): boolean {
  if (end < 2 || rest.charCodeAt(0) !== 45 || !isDigit(rest.charCodeAt(1))) return false;
  for (let at = 2; at < end; at++) {
    const code = rest.charCodeAt(at);
    if (!isDigit(code) && !isLetter(code) && !"._~^".includes(rest.charAt(at))) return false;
  }
  return true;
}

function rpmDistro(dist: string): string {
  if (dist.endsWith("uek")) return "oracle-uek";
  if (dist.startsWith("el")) return "rhel";
  if (dist.startsWith("fc")) return "fedora";
  if (dist.startsWith("amzn")) return "amazon";
  return dist.startsWith("ph") ? "photon" : "azurelinux";
}

/** Red Hat keeps x.y.z for a whole release; Fedora rebases within one; the others follow a stable series x.y. */
function rpmSeries(distro: string, dist: string, major: string, minor: string, patch: string): string {
  if (distro === "rhel" || distro === "oracle-uek") return `${major}.${minor}.${patch}`;
  return distro === "fedora" ? dist : `${major}.${minor}`;
}
