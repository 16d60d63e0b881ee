// Where manifests should change: for workloads that somebody else applies and that do not run what their ring is approved for, the places
// that the baseline names for the ring. What would keep Ringward from patching such a workload itself keeps it from asking for the change,
// but for windows and budgets: a merge is the owner's own act, in the owner's own time.
import type { ImageManifests } from "../../api/patch-baseline.ts";
import type { LevelImage } from "../../api/patch-level.ts";
import type { Reason } from "../../api/reasons.ts";
import { isCompliant } from "../compliance/states.ts";
import type { AssetRow, BaselineInForce, Block, LevelInForce, PolicyInForce } from "../model.ts";
import type { Plan } from "../rollout/plan.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { manifestBranch } from "./known.ts";

/** An image as the manifests should name it. */
export interface PlacedImage extends LevelImage {
  readonly valuePaths?: NonNullable<ImageManifests["valuePaths"]>;
}

/** A change of manifests that a ring's approval leads to. */
export interface ManifestPlace {
  /** Name of the manifest repository; undefined: the policy repository. */
  readonly repository: string | undefined;
  /** "" is the root. */
  readonly path: string;
  readonly kind: ImageManifests["kind"];
  /** What values are rendered with. */
  readonly chart: NonNullable<ImageManifests["chart"]>;
  readonly ring: string;
  readonly baseline: string;
  readonly level: LevelInForce;
  readonly images: readonly PlacedImage[];
  /** The workloads that are to run it. */
  readonly workloads: readonly AssetRow[];
  readonly branch: string;
  /** Why it is not asked for now; undefined: it is. */
  readonly block: Block | undefined;
}

/** What does not keep a change from being proposed. */
const PASSED: ReadonlySet<Reason> = new Set<Reason>([
  "ManagedElsewhere",
  "UpdateStrategyNotSupported",
  "RingObserves",
  "Observing",
  "OutsideWindow",
  "RingBudgetExhausted",
  "ZoneBudgetExhausted",
  "LimitReached",
  "LedgerFull",
]);

/** A place that a baseline names, with the level that its ring is approved for: whether or not a workload lacks it now. */
export type NamedPlace = Pick<ManifestPlace, "repository" | "path" | "ring" | "baseline" | "level" | "branch">;

/** Every named place of a ring, each once. */
export function findNamedPlaces({ ring, entries }: RingOutcome, policy: PolicyInForce): readonly NamedPlace[] {
  return policy.baselines.filter(hasManifests).flatMap((baseline) => {
    const level = entries.approvals.get(baseline.name)?.level;
    if (level === undefined) return [];
    const named = (baseline.spec.image?.images ?? []).flatMap(({ manifests = [] }) =>
      manifests
        .filter((one) => one.ring === ring.name)
        .map(({ repository, path: written }): NamedPlace => {
          const path = normalisePath(written);
          const branch = manifestBranch(ring.name, baseline.name, level.digest, path);
          return { repository, path, ring: ring.name, baseline: baseline.name, level, branch };
        }),
    );
    return [...new Map(named.map((place) => [JSON.stringify([place.repository, place.path]), place])).values()];
  });
}

/** Every place, in the order of rings. */
export function findManifestPlaces(plan: Plan, policy: PolicyInForce): readonly ManifestPlace[] {
  const named = new Map(policy.baselines.filter(hasManifests).map((baseline) => [baseline.name, baseline]));
  if (named.size === 0) return [];
  const rows = plan.rows.filter(
    (row) =>
      row.ring !== undefined &&
      row.approved &&
      named.has(row.baseline) &&
      row.blockedBy.some(({ reason }) => reason === "ManagedElsewhere"),
  );
  const groups = Map.groupBy(rows, ({ ring = "", baseline }) => JSON.stringify([ring, baseline]));
  return plan.rings.flatMap((outcome) =>
    [...named.values()].flatMap((baseline) =>
      placesOf(outcome, baseline, groups.get(JSON.stringify([outcome.ring.name, baseline.name])) ?? []),
    ),
  );
}

function hasManifests({ spec }: BaselineInForce): boolean {
  return spec.image?.images.some(({ manifests }) => manifests !== undefined && manifests.length > 0) === true;
}

function placesOf(
  { ring, entries }: RingOutcome,
  baseline: BaselineInForce,
  rows: readonly AssetRow[],
): readonly ManifestPlace[] {
  const level = entries.approvals.get(baseline.name)?.level;
  if (level === undefined) return [];
  const mine = rows.filter(({ digest }) => digest === level.digest);
  const wishes = (level.spec.image?.images ?? []).flatMap((image) => {
    const at = baseline.spec.image?.images
      .find(({ repository }) => repository === image.repository)
      ?.manifests?.find((one) => one.ring === ring.name);
    const workloads = mine.filter((row) => lacks(row, image));
    return at === undefined || workloads.length === 0 ? [] : [{ image, at, workloads }];
  });
  const groups = Map.groupBy(wishes, ({ at }) => JSON.stringify([at.repository, normalisePath(at.path)]));
  return [...groups.values()].flatMap((group): readonly ManifestPlace[] => {
    const [first] = group;
    if (first === undefined) return [];
    const path = normalisePath(first.at.path);
    const workloads = [...new Set(group.flatMap((wish) => wish.workloads))];
    return [
      {
        repository: first.at.repository,
        path,
        kind: first.at.kind,
        chart: first.at.chart ?? {},
        ring: ring.name,
        baseline: baseline.name,
        level,
        images: group.map(({ image, at: { valuePaths } }) => ({
          ...image,
          ...(valuePaths === undefined ? {} : { valuePaths }),
        })),
        workloads,
        branch: manifestBranch(ring.name, baseline.name, level.digest, path),
        block: disagreementOf(group.map(({ at }) => at)) ?? blockOf(workloads),
      },
    ];
  });
}

/** As branches and Git know it: `.` is "". */
export function normalisePath(path: string): string {
  return path === "." ? "" : path.replace(/^\.\//, "").replace(/(?<!\/)\/+$/, "");
}

/** What places of the same files say differently of them; undefined: nothing. */
export function findDisagreement(
  places: readonly Pick<ImageManifests, "kind" | "chart">[],
): "kind" | "chart" | undefined {
  const differ = (of: (place: (typeof places)[number]) => unknown): boolean =>
    new Set(places.map((place) => JSON.stringify(of(place)))).size > 1;
  if (differ(({ kind }) => kind)) return "kind";
  return differ(({ chart = {} }) => [chart.path, chart.valueFiles ?? []]) ? "chart" : undefined;
}

function disagreementOf(places: readonly ImageManifests[]): Block | undefined {
  const what = findDisagreement(places);
  return what === undefined
    ? undefined
    : { reason: "PolicyInvalid", message: `the manifests at ${places[0]?.path ?? ""} have more than one ${what}` };
}

/** Images are exact: also what is above its level goes back. */
function lacks({ components, offTarget }: AssetRow, { repository }: LevelImage): boolean {
  return components.some(
    ({ name, state }) =>
      name === `image:${repository}` && (!isCompliant(state) || (offTarget && state === "InstalledOther")),
  );
}

/** One workload that may have it now is enough to ask. */
function blockOf(workloads: readonly AssetRow[]): Block | undefined {
  const blocks = workloads.map(({ blockedBy }) => blockedBy.find(({ reason }) => !PASSED.has(reason)));
  return blocks.includes(undefined) ? undefined : blocks[0];
}
