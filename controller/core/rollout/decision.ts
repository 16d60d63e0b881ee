// What a plan decides: what happens next to each target and ring, with its reason, and how claims under way are steered.
import type { Block, Claim } from "../model.ts";

/** What happens next to a target or a ring. */
export type Action = "claim" | "continue" | "backOut" | "finish" | "halt" | "propose" | "withdraw" | "wait";

/** What happens next, to whom, and why. */
export interface Decision {
  readonly action: Action;
  readonly target: { readonly kind: string; readonly namespace: string | undefined; readonly name: string };
  readonly ring: string | undefined;
  readonly level: string | undefined;
  readonly reason: string;
  readonly message: string;
}

/** How a claim under way is to be steered. */
export interface Steering {
  readonly claim: Claim;
  /** Why it should be undone if its update has not begun. */
  readonly retreat: Block | undefined;
}
