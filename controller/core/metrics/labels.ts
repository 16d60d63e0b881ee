// Names of rings and baselines as labels: so many and no more, whatever policy says. Which ones have series of their own is decided by policy
// alone, so that it is the same in every process; the others are summed up under `_other`. No object's name begins with an underscore.
import type { PolicyInForce } from "../model.ts";
import { compareText } from "../text-order.ts";

/** In no ring, or in two. */
export const NO_RING = "_none";
const OTHER = "_other";
const MOST_RINGS = 40;
const MOST_PAIRS = 150;

export interface PairLabels {
  readonly ring: string;
  readonly baseline: string;
}

export interface Labels {
  ring(name: string | undefined): string;
  /** Equal labels are the same object. */
  pair(ring: string | undefined, baseline: string): PairLabels;
  /** How many pairs were asked for so far that have no series of their own. */
  folded(): number;
}

/** The labels of a policy. Pairs that a ring lists come first; the others are of assets that a baseline is about and that wait for an entry. */
export function chooseLabels({ rings, baselines }: Pick<PolicyInForce, "rings" | "baselines">): Labels {
  const names = rings.map(({ name }) => name).sort(compareText);
  const kept = new Set(names.slice(0, MOST_RINGS));
  const ring = (name: string | undefined): string => (name === undefined ? NO_RING : kept.has(name) ? name : OTHER);
  const listed = rings.flatMap(({ name, spec }) =>
    (spec.levels ?? []).map((entry) => `${ring(name)}/${entry.baseline}`),
  );
  const all = [NO_RING, ...kept].flatMap((name) => baselines.map((baseline) => `${name}/${baseline.name}`));
  const own = new Set([...new Set([...listed.sort(compareText), ...all.sort(compareText)])].slice(0, MOST_PAIRS));
  const pairs = new Map<string, PairLabels>();
  /** Equal labels are the same object. */
  const shared = new Map<string, PairLabels>();
  const folded = new Set<string>();
  return {
    ring,
    pair(name, baseline) {
      const label = ring(name);
      const key = `${label}/${baseline}`;
      let known = pairs.get(key);
      if (known === undefined) {
        const isOwn = own.has(key);
        if (!isOwn) folded.add(key);
        const made = { ring: label, baseline: isOwn ? baseline : OTHER };
        known = shared.get(`${label}/${made.baseline}`) ?? made;
        shared.set(`${label}/${made.baseline}`, known);
        pairs.set(key, known);
      }
      return known;
    },
    folded: () => folded.size,
  };
}
