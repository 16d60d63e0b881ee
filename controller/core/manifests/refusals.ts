// Refused changes of manifests: what people answered, as the forges show it or as the ring's status remembers it where they do not any
// more. Pure. A refusal holds for one level in one place: it ends when the ring is approved for another one, when policy no longer names
// the place, or when a person asks again.
import type { ManifestRejection } from "../../api/rollout-ring.ts";
import type { PolicyInForce, RingInForce } from "../model.ts";
import { answerOf, judgeRefusal, MOST_REJECTIONS, type Rejection } from "../promotion/index.ts";
import type { Plan } from "../rollout/plan.ts";
import type { KnownManifestProposal } from "./known.ts";
import { findNamedPlaces, type NamedPlace } from "./places.ts";

/** By the manifest repository's name; one that is missing did not answer. */
export type KnownProposals = ReadonlyMap<string | undefined, readonly KnownManifestProposal[]>;

/** How a change was refused in its place; undefined: it was not, as far as is known. */
export function findManifestRefusal(
  { repository, path, baseline, level, branch }: NamedPlace,
  ring: Pick<RingInForce, "status"> | undefined,
  known: KnownProposals,
): Rejection | undefined {
  const stored = ring?.status?.manifestRejections?.find(
    (one) =>
      one.repository === repository && one.path === path && one.baseline === baseline && one.digest === level.digest,
  );
  const all = known.get(repository);
  if (all === undefined) return stored;
  const mine = all.filter((one) => one.branch === branch).sort((a, b) => a.number - b.number);
  return judgeRefusal(mine, stored, all);
}

/** What is to be written down of each ring, the oldest pull requests forgotten first. */
export function recordManifestRefusals(
  plan: Plan,
  policy: PolicyInForce,
  known: KnownProposals,
): ReadonlyMap<string, readonly ManifestRejection[]> {
  return new Map(
    plan.rings.map((outcome) => [
      outcome.ring.name,
      findNamedPlaces(outcome, policy)
        .flatMap((place): readonly ManifestRejection[] => {
          const found = findManifestRefusal(place, outcome.ring, known);
          if (found === undefined) return [];
          const { repository, path, baseline, level } = place;
          return [
            {
              baseline,
              level: level.name,
              digest: level.digest,
              ...(repository === undefined ? {} : { repository }),
              path,
              ...answerOf(found),
            },
          ];
        })
        .sort((a, b) => a.pullRequest - b.pullRequest)
        .slice(-MOST_REJECTIONS),
    ]),
  );
}
