// The version orders: one file per scheme, all answering `<`, `=`, `>` or `?`.
// Pure. What cannot be ordered is "?", and callers must turn that into Unknown, never into Missing or Installed.
import { compareApk, isApkVersion } from "./apk.ts";
import { compareContainerTags, parseContainerTag } from "./container-tag.ts";
import { compareDpkg, isDpkgVersion } from "./dpkg.ts";
import { compareKernels, parseKernel } from "./kernel.ts";
import type { Order } from "./order.ts";
import { compareOsImages, parseOsImage } from "./os-image.ts";
import { compareRpm, isRpmVersion } from "./rpm.ts";
import { compareSemver, isSemver } from "./semver.ts";

export type { Order } from "./order.ts";
export { kernelLine, parseKernel } from "./kernel.ts";
export type { Kernel } from "./kernel.ts";
export { parseOsImage } from "./os-image.ts";
export type { OsImage } from "./os-image.ts";

export type VersionScheme = "dpkg" | "rpm" | "apk" | "semver" | "kernel" | "osimage" | "tag";

interface Scheme {
  readonly compare: (a: string, b: string) => Order;
  /** Whether a person may write it in a policy; stricter than `compare`, which also meets what is installed. */
  readonly isVersion: (text: string) => boolean;
}

const schemes: Readonly<Record<VersionScheme, Scheme>> = {
  dpkg: { compare: compareDpkg, isVersion: isDpkgVersion },
  rpm: { compare: compareRpm, isVersion: isRpmVersion },
  apk: { compare: compareApk, isVersion: isApkVersion },
  semver: { compare: compareSemver, isVersion: isSemver },
  kernel: { compare: compareKernels, isVersion: (text) => parseKernel(text) !== undefined },
  osimage: { compare: compareOsImages, isVersion: (text) => parseOsImage(text) !== undefined },
  tag: { compare: compareContainerTags, isVersion: (text) => parseContainerTag(text) !== undefined },
};

/** Orders `a` against `b`: "<" means that `a` is older. "?" means not comparable, or malformed. */
export function compareVersions(scheme: VersionScheme, a: string, b: string): Order {
  return schemes[scheme].compare(a, b);
}

/** The comparison function of a scheme, for loops that compare much. */
export function versionOrder(scheme: VersionScheme): (a: string, b: string) => Order {
  return schemes[scheme].compare;
}

/** Whether `text` is a version that a policy may require under this scheme ("latest" is not, though dpkg would order it). */
export function isVersion(scheme: VersionScheme, text: string): boolean {
  return schemes[scheme].isVersion(text);
}
