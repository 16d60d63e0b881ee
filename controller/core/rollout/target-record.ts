// What is known of a target, and what the last plan worked out about it: what it wishes, and the row that it got.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import type { Instant } from "../../clock.ts";
import type { AssetRow, Block, Claim, PodAsset } from "../model.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { Decision } from "./decision.ts";
import type { Target } from "./targets.ts";

/** What is stored about an asset. */
export type TargetState = NodePatchStateStatus | WorkloadPatchStateStatus;

/** A target that has work to do: what stands in its own way, and what it would claim. */
export interface Wish {
  readonly blocks: readonly Block[];
  /** Where it stands in the order of claims. */
  readonly order: string;
  readonly request: ClaimRequest;
  /** See limits.ts. */
  readonly lane: string;
}

/** A wish and what it holds for. */
export interface KnownWish {
  /** What the wishes of a group depend on; undefined: time changes it. */
  readonly epoch: object | undefined;
  readonly since: Instant;
  /** Pods of its node. */
  readonly pods: readonly PodAsset[] | undefined;
  readonly wish: Wish;
}

/** A target, and what the last plan worked out about it. */
export interface TargetRecord {
  readonly target: Target;
  /** What is stored about its asset. */
  readonly state: TargetState | undefined;
  /** `ring/baseline`. */
  readonly key: string;
  wish: KnownWish | undefined;
  said: Said | undefined;
}

/** What a row is made of, beside its target. */
export interface Saying {
  /** What the rows of a group have in common. */
  readonly common: object;
  /** What stands in the target's own way. */
  readonly own: readonly Block[];
  readonly claim: Claim | undefined;
  /** Claimed, or admitted just now. */
  readonly taken: boolean;
  /** Why its wish is refused, where it has one. */
  readonly refused: Block | undefined;
}

/** The row of a target, and what it was made of. */
export interface Said extends Saying {
  /** Set where the row says that something stands still since now. */
  readonly at: Instant | undefined;
  readonly row: AssetRow;
  readonly wait: Decision | undefined;
}
