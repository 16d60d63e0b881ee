// Which manifest proposals there should be, and which should close. Pure: the plan and what the forges know go in. A proposal of a ring
// comes first; its manifests follow from the approval. One that a person closed is not asked again for that level and place; nothing is
// given up for what is merely not known.
import type { ProposalSettings } from "../../api/policy-repository.ts";
import type { Instant } from "../../clock.ts";
import type { Block, PolicyInForce } from "../model.ts";
import { branchPart, describeRejection, holdProposals } from "../promotion/index.ts";
import type { Plan } from "../rollout/plan.ts";
import { hashPath, type KnownManifestProposal } from "./known.ts";
import { findManifestRefusal, type KnownProposals } from "./refusals.ts";
import { findManifestPlaces, type ManifestPlace, normalisePath } from "./places.ts";

export interface ManifestInput {
  readonly policy: PolicyInForce;
  /** Names that a baseline may mean, beside the policy repository itself. */
  readonly repositories: ReadonlySet<string>;
  /** By the manifest repository's name (undefined: the policy repository); one that is missing did not answer. */
  readonly known: KnownProposals;
  readonly settings?: ProposalSettings | undefined;
  readonly now: Instant;
}

export interface ManifestProposal extends ManifestPlace {
  /** Number of the pull request, where it is open already. */
  readonly open: number | undefined;
}

export interface ManifestClosing {
  readonly repository: string | undefined;
  readonly proposal: KnownManifestProposal;
  readonly reason: Block["reason"];
  readonly comment: string;
}

export interface ManifestPlan {
  readonly proposals: readonly ManifestProposal[];
  readonly closing: readonly ManifestClosing[];
  /** What is wanted and waits, and why. */
  readonly waiting: readonly { readonly place: ManifestPlace; readonly block: Block }[];
}

/** Decides all manifest proposals of a plan. */
export function planManifests(plan: Plan, input: ManifestInput): ManifestPlan {
  const { policy, known, settings, now } = input;
  const places = findManifestPlaces(plan, policy);
  if (!policy.proposer) return { proposals: [], closing: [], waiting: [] };
  const closing = [...known].flatMap(([repository, list]) =>
    list.flatMap((proposal) => {
      const block = proposal.state === "open" ? judgeOpen(repository, proposal, places, plan, policy) : undefined;
      return block === undefined
        ? []
        : [{ repository, proposal, reason: block.reason, comment: `Ringward closes this: ${block.message}.` }];
    }),
  );
  const waiting: { place: ManifestPlace; block: Block }[] = [];
  const wanted: ManifestProposal[] = [];
  const taken = new Map<string, string>();
  const open = (place: ManifestPlace): KnownManifestProposal | undefined =>
    known.get(place.repository)?.find(({ state, branch }) => state === "open" && branch === place.branch);
  // What is open keeps its place; of others the first one gets it.
  for (const place of [...places.filter(open), ...places.filter((one) => open(one) === undefined)]) {
    const key = JSON.stringify([place.repository, place.path, place.ring]);
    const block = findBlock(place, input, plan) ?? findRival(taken.get(key));
    if (block !== undefined) waiting.push({ place, block });
    if (block === undefined || open(place) !== undefined) taken.set(key, place.baseline);
    if (block === undefined) wanted.push({ ...place, open: open(place)?.number });
  }
  const proposals: ManifestProposal[] = [];
  for (const [repository, list] of Map.groupBy(wanted, (place) => place.repository)) {
    const others = (known.get(repository) ?? []).filter(
      (one) =>
        one.state === "open" &&
        !list.some(({ branch }) => branch === one.branch) &&
        !closing.some(({ proposal }) => proposal === one),
    );
    const held = holdProposals(list, settings, others.length, now);
    proposals.push(...held.proposals);
    waiting.push(...held.held.map(({ proposal, block }) => ({ place: proposal, block })));
  }
  return { proposals, closing, waiting };
}

/** Why a change is not proposed, or its proposal not kept up, now. */
function findBlock(place: ManifestPlace, input: ManifestInput, plan: Plan): Block | undefined {
  if (place.block !== undefined) return place.block;
  if (place.repository !== undefined && !input.repositories.has(place.repository))
    return {
      reason: "ReferenceMissing",
      message: `PolicyRepository.spec.manifestRepositories has no "${place.repository}"`,
    };
  const known = input.known.get(place.repository);
  if (known === undefined)
    return {
      reason: "ForgeUnavailable",
      message: `it is not known what was proposed before in ${place.repository ?? "the policy repository"}`,
    };
  const mine = known.filter(({ branch }) => branch === place.branch);
  if (mine.some(({ state }) => state === "open")) return undefined;
  const ring = plan.rings.find((outcome) => outcome.ring.name === place.ring)?.ring;
  const refused = findManifestRefusal(place, ring, input.known);
  if (refused !== undefined) return describeRejection(refused, `${place.level.name} there`);
  const newest = [...mine].sort((a, b) => a.number - b.number).findLast(({ withdrawn }) => !withdrawn);
  if (newest?.state !== "merged" || newest.people?.askedAgain === true) return undefined;
  return {
    reason: "ManagedElsewhere",
    message: `pull request #${newest.number} was merged, and ${ownersOf(place)} has not applied it yet`,
  };
}

function ownersOf({ workloads }: ManifestPlace): string {
  const { namespace, name } = workloads[0]?.asset ?? {};
  return `whoever applies ${namespace ?? ""}/${name ?? ""}`;
}

function findRival(baseline: string | undefined): Block | undefined {
  return baseline === undefined
    ? undefined
    : {
        reason: "ProposalLimit",
        message: `baseline ${baseline} changes the same manifests; one pull request at a time`,
      };
}

/** Why an open proposal should close; undefined: it stays. */
function judgeOpen(
  repository: string | undefined,
  proposal: KnownManifestProposal,
  places: readonly ManifestPlace[],
  plan: Plan,
  policy: PolicyInForce,
): Block | undefined {
  if (places.some((place) => place.repository === repository && place.branch === proposal.branch)) return undefined;
  // What cannot be read now says nothing.
  if (policy.brakes.length > 0) return undefined;
  const outcome = plan.rings.find(({ ring }) => branchPart(ring.name) === proposal.ring);
  if (outcome === undefined) return { reason: "ReferenceMissing", message: `ring ${proposal.ring} does not exist` };
  const baseline = policy.baselines.find(({ name }) => branchPart(name) === proposal.baseline);
  if (baseline === undefined)
    return { reason: "ReferenceMissing", message: `baseline ${proposal.baseline} does not exist` };
  if (outcome.entries.problems.has(baseline.name) || outcome.ring.brakes.length > 0) return undefined;
  const level = outcome.entries.approvals.get(baseline.name)?.level;
  if (level === undefined)
    return { reason: "LevelWithdrawn", message: `ring ${outcome.ring.name} is no longer approved for its level` };
  if (!level.digest.startsWith(proposal.digest))
    return { reason: "Superseded", message: `ring ${outcome.ring.name} is approved for ${level.name} now` };
  const listed = baseline.spec.image?.images.some(({ manifests }) =>
    manifests?.some(
      (one) => one.ring === outcome.ring.name && one.repository === repository && isPath(one.path, proposal.path),
    ),
  );
  if (listed !== true)
    return { reason: "ReferenceMissing", message: `baseline ${baseline.name} no longer names these manifests` };
  return {
    reason: "Compliant",
    message: `no workload of ring ${outcome.ring.name} that somebody else applies lacks ${level.name} any more`,
  };
}

function isPath(path: string, hash: string): boolean {
  return hashPath(normalisePath(path)) === hash;
}
