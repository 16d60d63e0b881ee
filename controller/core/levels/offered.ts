// Versions on offer (`follow: Offered`): what nodes report their own package source to have, and when that was first seen.
// Pure. Partial data never lowers a level: a version is only ever replaced by a newer one of the same package, and a
// version that cannot be compared with the one that is known changes nothing.
import type { PatchBaselineStatus } from "../../api/patch-baseline.ts";
import type { Instant } from "../../clock.ts";
import type { NodeInventoryStatus } from "../model.ts";
import { isVersion, versionOrder } from "../versions/index.ts";
import { PACKAGE_NAME, type PackageScheme } from "./components.ts";

export type OfferedVersions = NonNullable<PatchBaselineStatus["offered"]>;

/** As many as `PatchBaseline.status.offered` holds. */
export const MAX_OFFERED = 1024;

export interface MergedOffers {
  /** Sorted by name: what to store in `PatchBaseline.status.offered`. */
  readonly offered: OfferedVersions;
  /** Packages that found no place any more, sorted: tell people, never drop them silently. */
  readonly leftOut: readonly string[];
}

/**
 * Adds what inventories report to what is known. Inventories whose package order is not `scheme` are of another system and do
 * not count. `now` becomes the first-seen time of what is new, in whole seconds.
 */
export function mergeOffered(
  status: PatchBaselineStatus | undefined,
  inventories: readonly NodeInventoryStatus[],
  now: Instant,
  scheme: PackageScheme,
): MergedOffers {
  const known = new Map(
    (status?.offered ?? []).filter(({ name }) => PACKAGE_NAME.test(name)).map((entry) => [entry.name, entry]),
  );
  const compare = versionOrder(scheme);
  const firstSeenTime = new Date(Math.floor(now / 1000) * 1000).toISOString().replace(".000Z", "Z");
  const added: string[] = [];
  for (const [name, versions] of reported(inventories, scheme)) {
    const before = known.get(name);
    let best = before?.version;
    for (const version of versions) if (best === undefined || compare(version, best) === ">") best = version;
    if (best === undefined || best === before?.version) continue;
    known.set(name, { name, version: best, firstSeenTime });
    if (before === undefined) added.push(name);
  }
  const leftOut = added.sort().slice(Math.max(0, added.length - Math.max(0, known.size - MAX_OFFERED)));
  for (const name of leftOut) known.delete(name);
  const offered = [...known.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  return { offered, leftOut };
}

/** Distinct versions of each package, in a fixed order, so that incomparable ones do not make the order of nodes matter. */
function reported(
  inventories: readonly NodeInventoryStatus[],
  scheme: PackageScheme,
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, Set<string>>();
  for (const inventory of inventories) {
    if (inventory.scheme !== scheme) continue;
    for (const { name, version } of inventory.offered ?? []) {
      // Node-written text is untrusted: a word that is no version must not become what everybody must run, and a name that is more than
      // a word would be another package to the recipe, which is told NAME=VERSION with blanks between.
      if (!PACKAGE_NAME.test(name) || !isVersion(scheme, version)) continue;
      const versions = found.get(name) ?? new Set();
      versions.add(version);
      found.set(name, versions);
    }
  }
  return new Map([...found].map(([name, versions]) => [name, [...versions].sort()]));
}
