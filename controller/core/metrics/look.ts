// What metrics are made from: the plan of a pass, what it was made from, and what the shell knows beside it.
import type { Instant } from "../../clock.ts";
import { type CompiledCalendars, compileCalendars } from "../rollout/calendars.ts";
import type { Plan } from "../rollout/plan.ts";
import type { PlanInput } from "../rollout/plan-input.ts";
import type { PolicyInForce } from "../model.ts";

/** The policy repository, as it was last read. */
export interface RepositoryFacts {
  readonly fetchedAt: Instant | undefined;
  /** How often it is to be fetched; undefined: it is suspended. */
  readonly intervalMs: number | undefined;
  readonly commitAt: Instant | undefined;
  readonly documents: number | undefined;
  /** Errors in documents. */
  readonly problems: number | undefined;
}

/** One of our pull requests, as a forge tells it. */
export interface PullFacts {
  readonly number: number;
  readonly branch: string;
  readonly state: "open" | "merged" | "closed";
  readonly openedAt: Instant;
  readonly closedAt: Instant | undefined;
}

/** An approval that people are asked for. Names are those of the branch (core/promotion/known.ts). */
export interface OpenApproval {
  /** 0: there is no forge, and the branch waits to be merged. */
  readonly number: number;
  readonly branch: string;
  readonly ring: string;
  readonly baseline: string;
  /** First 12 hex digits of the level's digest. */
  readonly digest: string;
  /** Targets that it is to cover; undefined: it asks for the level. */
  readonly scope: number | undefined;
  readonly url: string | undefined;
  /** Commit at which it is; undefined: there is no forge, or it was not asked yet. */
  readonly head: string | undefined;
  readonly openedAt: Instant | undefined;
}

export interface FleetLook {
  readonly input: PlanInput;
  readonly plan: Plan;
  /** Undefined: there is none. */
  readonly repository: RepositoryFacts | undefined;
  /** Undefined: there is no forge, or it has not answered. */
  readonly pulls: readonly PullFacts[] | undefined;
  /** Left out: nobody was asked yet, or the forge has not answered. */
  readonly approvals?: readonly OpenApproval[] | undefined;
}

/** The calendars of a policy, compiled once for as long as they are the very same. */
export interface KnownCalendars {
  readonly of: PolicyInForce["calendars"];
  readonly compiled: CompiledCalendars;
}

export function keepCalendars(before: KnownCalendars | undefined, policy: PolicyInForce): KnownCalendars {
  return before?.of === policy.calendars ? before : { of: policy.calendars, compiled: compileCalendars(policy) };
}
