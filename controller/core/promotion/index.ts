// Promotion: which approvals are asked for, and with what evidence. Outsiders import from here.
export {
  branchPart,
  type KnownProposal,
  parseGroupBranch,
  markClosed,
  parseProposalBranch,
  PROPOSAL_PREFIX,
  proposalBranch,
  type ProposalMarker,
  readMarker,
  readProposals,
  writeMarker,
} from "./known.ts";
export { type ProgressComment, progressMarker, reportProgress } from "./progress.ts";
export { TRACKING_MARKER, TRACKING_TITLE, writeTracking } from "./tracking.ts";
export { judgePlan, judgeStopped, PLAN_CHECK, type PlanVerdict } from "./verdict.ts";
export { holdProposals } from "./hold.ts";
export { describeRejection, judgeRefusal, type Rejection } from "./stops.ts";
export { findLaterLevels, type LaterLevel } from "./later.ts";
export { planPromotions, type Promotions } from "./promotions.ts";
export type { AutomaticPromotion, ClosingProposal, DesiredProposal, PromotedEntry, PromotionInput } from "./wishes.ts";
export { ASK_AGAIN_COMMENT, ASK_AGAIN_LABEL, type ProposalHistory, type ProposalPeople, readPeople } from "./people.ts";
export type { ProposalRequest } from "./group.ts";
export { answerOf, MOST_REJECTIONS, type RingRecord } from "./record.ts";
export { type RenderedProposal, renderProposal, renderRequest } from "./evidence.ts";
export type { Escape, EvidenceInput } from "./evidence-form.ts";
export { forecastProposal } from "./forecast.ts";
