// Which proposals share a pull request: one for each ring and baseline, or (proposals.grouping: Grouped) one for each ring, on a branch that
// stays while its entries change. Pure.
import type { ProposalSettings } from "../../api/policy-repository.ts";
import type { Block, RingInForce } from "../model.ts";
import { groupBranch, type KnownProposal } from "./known.ts";
import type { ClosingProposal, DesiredProposal } from "./wishes.ts";

/** One pull request that should be open. */
export interface ProposalRequest {
  readonly ring: RingInForce;
  readonly branch: string;
  /** Its number, where it is open already. */
  readonly open: number | undefined;
  readonly grouped: boolean;
  /** At least one; each about another baseline. */
  readonly proposals: readonly DesiredProposal[];
}

export function isGrouped(settings: ProposalSettings | undefined): boolean {
  return settings?.grouping === "Grouped";
}

/** The requests that hold all of these proposals, in their order. */
export function groupProposals(
  wanted: readonly DesiredProposal[],
  settings: ProposalSettings | undefined,
  known: readonly KnownProposal[],
): readonly ProposalRequest[] {
  if (!isGrouped(settings))
    return wanted.map((proposal) => ({
      ring: proposal.ring,
      branch: proposal.branch,
      open: proposal.open,
      grouped: false,
      proposals: [proposal],
    }));
  return [...Map.groupBy(wanted, ({ ring }) => ring)].map(([ring, proposals]) => {
    const branch = groupBranch(ring.name);
    const open = known.find((one) => one.state === "open" && one.branch === branch)?.number;
    return { ring, branch, open, grouped: true, proposals: proposals.map((one) => ({ ...one, branch, open })) };
  });
}

/**
 * Which open pull requests close. A shared one closes when nothing of it is wanted any more; one that is made the other way than people
 * now want closes when the ring's proposals have a place in the new way.
 */
export function closeRequests(
  known: readonly KnownProposal[],
  requests: readonly ProposalRequest[],
  settings: ProposalSettings | undefined,
  closeUnwanted: (one: KnownProposal) => readonly ClosingProposal[],
): readonly ClosingProposal[] {
  const grouped = isGrouped(settings);
  const closing = new Map<string, readonly ClosingProposal[]>();
  for (const [branch, entries] of Map.groupBy(
    known.filter(({ state }) => state === "open"),
    (one) => one.branch,
  )) {
    const [first] = entries;
    if (first === undefined || requests.some((request) => request.branch === branch)) continue;
    const all = entries.map(closeUnwanted);
    if (all.every((one) => one.length > 0)) closing.set(branch, all[0] ?? []);
    else if ((first.group === true) !== grouped && requests.some((request) => request.grouped === grouped))
      closing.set(branch, [closeOtherWay(first, grouped)]);
  }
  return [...closing.values()].flat();
}

function closeOtherWay({ number, branch, ring }: KnownProposal, grouped: boolean): ClosingProposal {
  const block: Block = {
    reason: "Superseded",
    message: grouped
      ? `the proposals of ring ${ring} share one pull request now`
      : `the proposals of ring ${ring} come one by one now`,
  };
  return {
    number,
    branch,
    reason: block.reason,
    comment: `Ringward closes this: ${block.message}.`,
    ring,
    level: undefined,
  };
}
