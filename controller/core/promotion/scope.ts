// How many targets an approval covers. Pure.

/** The most that an entry may say (schema of RolloutRing). */
const MOST = 100_000;

/** The number that a proposal writes: the targets of now and a margin of a tenth, at least one. */
export function maxTargetsFor(targets: number): number {
  return Math.min(MOST, targets + marginOf(targets));
}

/** A number that was proposed before stays while it covers the targets and is not far above: joiners rewrite no pull request. */
export function keepMaxTargets(targets: number, known: number | undefined): number {
  if (known !== undefined && known >= targets && known <= targets + 2 * marginOf(targets)) return known;
  return maxTargetsFor(targets);
}

function marginOf(targets: number): number {
  return Math.max(1, Math.ceil(targets / 10));
}
