// How many pull requests may be open and when new ones may be opened: what people set so that they are not flooded. Pure. What waits here
// has a reason and is listed; what is open already is kept up to date whatever the limit, and closing is never held back.
import type { ProposalSettings } from "../../api/policy-repository.ts";
import type { Instant } from "../../clock.ts";
import { compileCalendar, mayStartAt, nextStart } from "../calendar/index.ts";
import type { Block } from "../model.ts";
import type { DesiredProposal } from "./wishes.ts";

/** A proposal, as far as limits are about it: whether it is open already. */
type Countable = Pick<DesiredProposal, "open">;

export interface HeldProposal<P extends Countable = DesiredProposal> {
  readonly proposal: P;
  readonly block: Block;
}

export interface Held<P extends Countable = DesiredProposal> {
  /** To be opened or kept, in the order given. */
  readonly proposals: readonly P[];
  readonly held: readonly HeldProposal<P>[];
}

/** Lets through what is open already and as many new ones as the settings allow, in the order given. `others`: further open ones that stay. */
export function holdProposals<P extends Countable>(
  wanted: readonly P[],
  settings: ProposalSettings | undefined,
  others: number,
  now: Instant,
): Held<P> {
  const shut = findShut(settings, now);
  const most = settings?.maxOpen ?? Number.POSITIVE_INFINITY;
  let open = others + wanted.filter((proposal) => proposal.open !== undefined).length;
  const proposals: P[] = [];
  const held: HeldProposal<P>[] = [];
  for (const proposal of wanted) {
    const block =
      proposal.open !== undefined ? undefined : (shut ?? (open >= most ? describeLimit(open, most) : undefined));
    if (block !== undefined) {
      held.push({ proposal, block });
      continue;
    }
    if (proposal.open === undefined) open += 1;
    proposals.push(proposal);
  }
  return { proposals, held };
}

function describeLimit(open: number, most: number): Block {
  return {
    reason: "ProposalLimit",
    message: `${open} pull requests are open and PolicyRepository.spec.proposals.maxOpen is ${most}: merge or close one`,
  };
}

/** Why nothing new is opened now; a schedule that cannot be read opens nothing. */
function findShut(settings: ProposalSettings | undefined, now: Instant): Block | undefined {
  const { windows = [], timeZone = "UTC" } = settings?.schedule ?? {};
  if (windows.length === 0) return undefined;
  const compiled = compileCalendar({ timeZone, windows });
  if (!compiled.ok)
    return {
      reason: "OutsideProposalSchedule",
      message: `PolicyRepository.spec.proposals.schedule cannot be read: ${compiled.errors[0]?.message ?? "unknown"}`,
    };
  if (mayStartAt([compiled.calendar], now)) return undefined;
  const next = nextStart([compiled.calendar], now);
  const when =
    next === undefined ? "it never opens again" : `it opens at ${new Date(next).toISOString().slice(0, 16)}Z`;
  return { reason: "OutsideProposalSchedule", message: `pull requests are opened on a schedule; ${when}` };
}
