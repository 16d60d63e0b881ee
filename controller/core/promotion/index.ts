// Promotion: which approvals are asked for, and with what evidence. Outsiders import from here.
export {
  type KnownProposal,
  markClosed,
  parseProposalBranch,
  PROPOSAL_PREFIX,
  proposalBranch,
  readMarker,
  readProposal,
} from "./known.ts";
export {
  type AutomaticPromotion,
  type ClosingProposal,
  type DesiredProposal,
  planPromotions,
  type PromotedEntry,
  type PromotionInput,
  type Promotions,
} from "./promotions.ts";
export { type RenderedProposal, renderProposal } from "./evidence.ts";
export type { Escape, EvidenceInput } from "./evidence-form.ts";
export { forecastProposal } from "./forecast.ts";
