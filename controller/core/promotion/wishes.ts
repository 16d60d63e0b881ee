// What promotion is given and what it wants: the values between the planner of promotions and whoever carries them out.
import type { ProposalSettings } from "../../api/policy-repository.ts";
import type { Instant } from "../../clock.ts";
import type { Block, LevelInForce, PolicyInForce, RingInForce } from "../model.ts";
import type { Decision } from "../rollout/decision.ts";
import type { KnownProposal } from "./known.ts";
import type { Offer, Track } from "./offers.ts";

export interface PromotionInput {
  readonly policy: PolicyInForce;
  /** Newest level that each baseline resolves to. */
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  /** What the forge knows; undefined: it does not answer, so nothing is proposed. */
  readonly proposals: readonly KnownProposal[] | undefined;
  /** Limits that people set; left out: none. */
  readonly settings?: ProposalSettings | undefined;
  readonly now: Instant;
}

/** One entry line that should change. */
export interface PromotedEntry {
  /** `Scope`: the level stays, the number of targets grows. */
  readonly kind: "Level" | "Scope";
  readonly baseline: string;
  readonly level: LevelInForce;
  /** What the entry names now, and how many targets it covers. */
  readonly previous: LevelInForce | undefined;
  readonly previousMaxTargets: number | undefined;
  /** Targets of the ring under the baseline now. */
  readonly targets: number;
  readonly maxTargets: number;
}

/** One commit: every entry that an Automatic ring should get now. */
export interface AutomaticPromotion {
  readonly ring: RingInForce;
  readonly entries: readonly PromotedEntry[];
}

/** One pull request that should be open. */
export interface DesiredProposal extends PromotedEntry {
  readonly ring: RingInForce;
  readonly branch: string;
  /** Its number, where it is open already. */
  readonly open: number | undefined;
}

export interface ClosingProposal {
  readonly number: number;
  readonly branch: string;
  readonly ring: string;
  readonly level: string | undefined;
  readonly reason: Block["reason"];
  readonly comment: string;
}

/** One offer among what is known. */
export interface Scene {
  readonly track: Track;
  readonly offer: Offer;
  readonly known: readonly KnownProposal[];
  readonly input: PromotionInput;
}

/** What became of one offer. */
export interface Judged {
  readonly offer: Offer;
  readonly automatic: PromotedEntry | undefined;
  readonly proposal: DesiredProposal | undefined;
  readonly decisions: readonly Decision[];
}
