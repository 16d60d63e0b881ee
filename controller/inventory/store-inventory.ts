// What is kept of an inventory report in a NodePatchState: the components that a baseline names, and a digest of the rest.
// Pure but for hashing. A report is written by a node and untrusted: text is bounded, lists are bounded and sorted.
import { createHash } from "node:crypto";
import type { Instant } from "../clock.ts";
import { canonicalJson } from "../core/levels/index.ts";
import type { NodeInventoryStatus } from "../core/model.ts";
import { type Order, versionOrder } from "../core/versions/index.ts";
import { textOf } from "./fields.ts";
import type { InventoryReport, PackageVersion } from "./report.ts";

const MAX_PACKAGES = 1024;
const MAX_KERNELS = 32;

export interface StoreOptions {
  /** Package names that baselines and levels for this node name. */
  readonly packages: Iterable<string>;
  /** A baseline for this node says `follow: Offered`: keep everything on offer, not only what is named. */
  readonly followsOffered: boolean;
  /** When the node was looked at. */
  readonly now: Instant;
}

/** The part of a report that is stored. A named package that is not installed is kept with version "". */
export function storeInventory(report: InventoryReport, options: StoreOptions): NodeInventoryStatus {
  const { scheme } = report.packages;
  const installed = byName(report.packages.installed, versionOrder(scheme), scheme);
  const offered = byName(report.offered, versionOrder(scheme), "newest");
  // Whoever follows what is on offer names every package on offer.
  const names = new Set([...options.packages, ...(options.followsOffered ? offered.keys() : [])]);
  const named = [...names]
    .filter((name) => name !== "")
    .sort()
    .slice(0, MAX_PACKAGES);
  const wanted = options.followsOffered ? [...offered.keys()].sort() : named.filter((name) => offered.has(name));
  return {
    time: new Date(options.now).toISOString(),
    digest: reportDigest(report),
    osId: textOf(report.osRelease.id, 64),
    osVersionId: textOf(report.osRelease.versionId, 64),
    scheme,
    installedKernels: newestKernels(report.kernel.installed),
    rebootRequired: report.reboot.required,
    packages: named.map((name) => ({ name, version: installed.get(name) ?? "" })),
    offered: wanted.slice(0, MAX_PACKAGES).map((name) => ({ name, version: offered.get(name) ?? "" })),
  };
}

/** sha256 of the whole report, whatever the order of its lists: tells change from no change. */
export function reportDigest(report: InventoryReport): string {
  const lines = (list: readonly PackageVersion[]): readonly string[] =>
    list.map((one) => `${one.name} ${one.version}`).sort();
  const canonical = canonicalJson({
    ...report,
    kernel: { running: report.kernel.running, installed: [...report.kernel.installed].sort() },
    packages: { scheme: report.packages.scheme, installed: lines(report.packages.installed) },
    offered: lines(report.offered),
    reboot: { required: report.reboot.required, causes: [...report.reboot.causes].sort() },
  });
  return createHash("sha256").update(canonical).digest("hex");
}

/** Packages of which rpm keeps several versions side by side: the newest is what the next boot takes. */
const SIDE_BY_SIDE = /^(?:kernel|gpg-pubkey)(?:-|$)/;

/**
 * One version for each name. Where a name is there more than once (several architectures) the oldest counts, because it is
 * what still needs the patch; of kernels, and of what is on offer, the newest.
 */
function byName(
  packages: readonly PackageVersion[],
  compare: (a: string, b: string) => Order,
  choice: "newest" | "dpkg" | "rpm" | "apk",
): ReadonlyMap<string, string> {
  const versions = new Map<string, string>();
  // Sorted first: which of two incomparable versions counts must not depend on the order of the report.
  const sorted = [...packages].sort((a, b) => (a.version < b.version ? -1 : 1));
  for (const one of sorted) {
    const name = textOf(one.name, 128);
    const version = textOf(one.version, 128);
    const before = versions.get(name);
    const newest = choice === "newest" || (choice === "rpm" && SIDE_BY_SIDE.test(name));
    if (before === undefined || compare(version, before) === (newest ? ">" : "<")) versions.set(name, version);
  }
  return versions;
}

function newestKernels(installed: readonly string[]): string[] {
  const compare = versionOrder("kernel");
  const order = (a: string, b: string): number => {
    const answer = compare(a, b);
    if (answer === "<") return -1;
    return answer === ">" ? 1 : a < b ? -1 : 1;
  };
  // By text first, so that an order with gaps ("?") gives the same list whatever the report's order was.
  const known = [...new Set(installed.map((kernel) => textOf(kernel, 128)))].filter((kernel) => kernel !== "").sort();
  return known.sort(order).slice(-MAX_KERNELS).sort();
}
