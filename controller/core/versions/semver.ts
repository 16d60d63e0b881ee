// Kubernetes component versions: Semantic Versioning 2.0 plus the suffixes of managed Kubernetes.
// Pure. A provider's suffix is never a prerelease: v1.29.3-gke.100 is v1.29.3 with patches, so it is newer than v1.29.3.
// Order: triple, then prerelease (semver 2.0 §11), then the provider's own counter. Two providers on one triple, or two
// EKS hashes, have no order. Other build metadata (OpenShift's +c79e5e2, +build) does not count, as semver 2.0 §10 says.
import { compareCodes, compareDigits, compareNumbers, digitsEnd, isDigit, isLetter, orderOf } from "./order.ts";
import type { Order } from "./order.ts";

interface Version {
  readonly text: string;
  /** Ends of the three numbers; the first begins at `start`. */
  readonly start: number;
  readonly majorEnd: number;
  readonly minorEnd: number;
  readonly patchEnd: number;
  /** Without the provider's part; "" is a release. */
  readonly prerelease: string;
  /** "" when there is none. */
  readonly provider: string;
  /** The provider's counter, or its hash when the provider is "eks". */
  readonly build: string;
}

/** Orders two versions as described above; "?" for malformed ones and where no order is known. */
export function compareSemver(a: string, b: string): Order {
  const left = parse(a);
  if (left === undefined) return "?";
  const right = parse(b);
  if (right === undefined) return "?";
  const base =
    compareDigits(a, left.start, left.majorEnd, b, right.start, right.majorEnd) ||
    compareDigits(a, left.majorEnd + 1, left.minorEnd, b, right.majorEnd + 1, right.minorEnd) ||
    compareDigits(a, left.minorEnd + 1, left.patchEnd, b, right.minorEnd + 1, right.patchEnd) ||
    comparePrereleases(left.prerelease, right.prerelease);
  return base !== 0 ? orderOf(base) : compareBuilds(left, right);
}

/** Whether `text` is a version that this scheme can order. */
export function isSemver(text: string): boolean {
  return parse(text) !== undefined;
}

function compareBuilds(left: Version, right: Version): Order {
  if (left.provider === right.provider) {
    if (left.provider === "eks") return left.build === right.build ? "=" : "?";
    return orderOf(compareNumbers(left.build, right.build));
  }
  if (left.provider === "") return "<";
  return right.provider === "" ? ">" : "?";
}

/** The end of a number without superfluous zeros at `at`, or -1. */
function numberEnd(text: string, at: number): number {
  const end = digitsEnd(text, at, text.length);
  return end === at || (end - at > 1 && text.charCodeAt(at) === 48) ? -1 : end;
}

function parse(text: string): Version | undefined {
  const start = text.charCodeAt(0) === 118 ? 1 : 0;
  const majorEnd = numberEnd(text, start);
  if (majorEnd === -1 || text.charCodeAt(majorEnd) !== 46) return undefined;
  const minorEnd = numberEnd(text, majorEnd + 1);
  if (minorEnd === -1 || text.charCodeAt(minorEnd) !== 46) return undefined;
  const patchEnd = numberEnd(text, minorEnd + 1);
  if (patchEnd === -1) return undefined;
  if (patchEnd === text.length) {
    return { text, start, majorEnd, minorEnd, patchEnd, prerelease: "", provider: "", build: "" };
  }
  const plus = text.indexOf("+", patchEnd);
  const hyphen = text.charCodeAt(patchEnd) === 45;
  if (!hyphen && plus !== patchEnd) return undefined;
  const prerelease = hyphen ? text.slice(patchEnd + 1, plus === -1 ? text.length : plus) : "";
  const metadata = plus === -1 ? "" : text.slice(plus + 1);
  if ((hyphen && !areIdentifiers(prerelease)) || (plus !== -1 && !areIdentifiers(metadata))) return undefined;
  const inPrerelease = providerInPrerelease(prerelease);
  const inMetadata = providerInMetadata(metadata);
  if (inPrerelease !== undefined && inMetadata !== undefined) return undefined;
  const { provider, build } = inPrerelease ?? inMetadata ?? { provider: "", build: "" };
  const rest = inPrerelease === undefined ? prerelease : "";
  if (rest !== "" && hasZeroPaddedNumber(rest)) return undefined;
  return { text, start, majorEnd, minorEnd, patchEnd, prerelease: rest, provider, build };
}

interface ProviderBuild {
  readonly provider: string;
  readonly build: string;
}

/** GKE, Alibaba ACK and Tencent TKE count; EKS names its build by a hash; EKS Distro counts after repeating the minor. */
function providerInPrerelease(text: string): ProviderBuild | undefined {
  const counted = afterDigits(text, "gke.") ?? afterDigits(text, "aliyun.") ?? afterDigits(text, "tke.");
  if (counted !== undefined) return counted;
  if (!text.startsWith("eks-")) return undefined;
  const hash = text.slice(4);
  if (/^[0-9a-f]+$/.test(hash)) return { provider: "eks", build: hash };
  const distro = /^\d+-\d+-(\d+)$/.exec(hash);
  return distro === null ? undefined : { provider: "eks-d", build: distro[1] ?? "" };
}

function providerInMetadata(text: string): ProviderBuild | undefined {
  return (
    afterDigits(text, "k3s") ?? afterDigits(text, "rke2r") ?? afterDigits(text, "k0s.") ?? afterDigits(text, "vmware.")
  );
}

function afterDigits(text: string, provider: string): ProviderBuild | undefined {
  if (!text.startsWith(provider) || text.length === provider.length) return undefined;
  if (digitsEnd(text, provider.length, text.length) !== text.length) return undefined;
  return { provider, build: text.slice(provider.length) };
}

/** Dot-separated, non-empty, of [0-9A-Za-z-]. */
function areIdentifiers(text: string): boolean {
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (length === 0) return false;
      length = 0;
    } else if (isDigit(code) || isLetter(code) || code === 45) length++;
    else return false;
  }
  return length > 0;
}

function hasZeroPaddedNumber(prerelease: string): boolean {
  return /(?:^|\.)0\d+(?:\.|$)/.test(prerelease);
}

/** Semantic Versioning 2.0 §11: a release is newer than its prereleases; numbers before words; fewer before more. */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? 1 : -1;
  const left = a.split(".");
  const right = b.split(".");
  for (const [index, one] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const difference = compareIdentifiers(one, other);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function compareIdentifiers(a: string, b: string): number {
  const leftNumeric = digitsEnd(a, 0, a.length) === a.length;
  const rightNumeric = digitsEnd(b, 0, b.length) === b.length;
  if (leftNumeric !== rightNumeric) return leftNumeric ? -1 : 1;
  return leftNumeric ? compareNumbers(a, b) : compareCodes(a, 0, a.length, b, 0, b.length);
}
