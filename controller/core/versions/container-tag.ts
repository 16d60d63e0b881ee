// Container image tags that carry a version: `[v]numbers[-prerelease][-variant][-revision]`.
// Pure. A tag is only a name, so only tags of the same variant are comparable (1.25.3-alpine3.18 and 1.25.3-alpine3.19
// are different builds on different bases), and a floating tag (1.25) has no order against what it may point to (1.25.3).
// Numbers first, then prerelease (semver 2.0), then the packager's revision (-r3, -k3s1, -eksbuild.4, -1).
import { compareNumbers, orderOf } from "./order.ts";
import type { Order } from "./order.ts";
import { comparePrereleases } from "./semver.ts";

export interface ContainerTag {
  readonly numbers: readonly string[];
  /** As in semver ("rc.1"); "" is a release. */
  readonly prerelease: string;
  readonly variant: string;
  /** The word before the revision number ("r", "k3s", "" for a bare number). */
  readonly revisionName: string;
  /** undefined: no revision. */
  readonly revision: string | undefined;
}

/** Orders two tags; "?" for other variants, floating tags and what is not a version (latest, stable, a hash). */
export function compareContainerTags(a: string, b: string): Order {
  const left = parseContainerTag(a);
  const right = left && parseContainerTag(b);
  if (left === undefined || right === undefined || left.variant !== right.variant) return "?";
  const shared = Math.min(left.numbers.length, right.numbers.length);
  for (let index = 0; index < shared; index++) {
    const difference = compareNumbers(left.numbers[index] ?? "", right.numbers[index] ?? "");
    if (difference !== 0) return orderOf(difference);
  }
  if (left.numbers.length !== right.numbers.length) return "?";
  const prerelease = comparePrereleases(left.prerelease, right.prerelease);
  return prerelease !== 0 ? orderOf(prerelease) : compareRevisions(left, right);
}

function compareRevisions(left: ContainerTag, right: ContainerTag): Order {
  if (left.revision === undefined || right.revision === undefined) {
    return left.revision === right.revision ? "=" : left.revision === undefined ? "<" : ">";
  }
  return left.revisionName === right.revisionName ? orderOf(compareNumbers(left.revision, right.revision)) : "?";
}

const TAG =
  /^v?(\d+(?:\.\d+)*)(?:[-_.]?((?:alpha|beta|rc|pre|preview)\d*(?:[.-]\d+)*)(?=$|-))?((?:[-_][0-9A-Za-z.]+)*)$/;
const REVISION = /^(.*?)(?:^|[-_])(r|k3s|rke2r|gke\.|eksbuild\.|build\.?|p)?(\d+)$/;

/** Takes a tag apart; undefined if it does not begin with a version. */
export function parseContainerTag(text: string): ContainerTag | undefined {
  if (text.length > 128) return undefined;
  const match = TAG.exec(text);
  if (match === null) return undefined;
  const [, numbers = "", prerelease = "", tail = ""] = match;
  const suffix = tail.replace(/^[-_]/, "");
  const revision = REVISION.exec(suffix);
  return {
    numbers: numbers.split("."),
    // "rc1" and "rc.1" are the same; as one identifier "rc10" would sort before "rc2".
    prerelease: prerelease.replace(/([a-z])[.-]?(\d)/, "$1.$2").replaceAll("-", "."),
    variant: revision === null ? suffix : (revision[1] ?? ""),
    revisionName: revision?.[2] ?? "",
    revision: revision?.[3],
  };
}
