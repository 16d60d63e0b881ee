// Which pull requests of ours there are, and what people did with those that matter now. A branch is found again by its name alone.
import type { Clock } from "../../clock.ts";
import { type KnownProposal, PROPOSAL_PREFIX, readProposals } from "../../core/promotion/index.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";
import { type Histories, peopleOf } from "./histories.ts";
import type { JustOpened } from "./late.ts";

/** The forge's answer, as the plan and the shell want it. */
export interface ListedProposals {
  /** By number, the newest last. */
  readonly known: readonly KnownProposal[];
  readonly pulls: readonly PullRequest[];
}

export interface Listing {
  readonly forge: Forge;
  /** The tracked branch. */
  readonly branch: string;
  /** Whether a level is one that a ring runs or may get: of others nobody has to know who said what. */
  readonly matters: (digest: string) => boolean;
  readonly histories: Histories;
  readonly justOpened: JustOpened;
  readonly transport: Clock;
}

/** Every pull request of ours into the tracked branch. Throws what the forge throws: without an answer nothing is proposed. */
export async function listProposals(listing: Listing): Promise<ListedProposals> {
  const { forge, branch, matters, histories, justOpened, transport } = listing;
  const pulls = justOpened.complete(await forge.list(PROPOSAL_PREFIX)).filter((pull) => pull.base === branch);
  const known: KnownProposal[] = [];
  for (const pull of pulls) {
    const matter = readProposals(pull).some(
      ({ withdrawn, scope, digest }) => !withdrawn && scope === undefined && matters(digest),
    );
    known.push(...readProposals(pull, matter ? await peopleOf(forge, pull, histories, transport) : undefined));
  }
  return { pulls, known: known.sort((a, b) => a.number - b.number) };
}
