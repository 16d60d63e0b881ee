// What a rehearsal knows while it runs, and what it tells in the end.
import type { Reason } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import type { Assessment, Claim, LevelInForce, NodeAsset, PolicyInForce, WorkloadAsset } from "../model.ts";
import type { compileCalendars } from "../rollout/calendars.ts";
import type { Plan, Planner } from "../rollout/plan.ts";
import type { PinnedCluster } from "./scene.ts";

/** One ring's way to one level of a baseline. */
export interface Stage {
  readonly ring: string;
  readonly baseline: string;
  readonly level: string;
  readonly digest: string;
  readonly target: "Node" | "Image";
  /** `Policy`: its entry names the level; `Automatic`: written by the controller; `Proposal`: a person is taken to merge at once. */
  readonly approval: "Policy" | "Automatic" | "Proposal";
  /** When the entry names it; undefined: it does already. */
  readonly approvedAt?: Instant;
  readonly offeredAt?: Instant;
  /** The first target that is claimed in the rehearsal. */
  readonly startsAt?: Instant;
  readonly completeAt?: Instant;
  readonly soakedAt?: Instant;
  /** In scope, and done at the end. */
  readonly targets: number;
  readonly done: number;
  /** Updated in the rehearsal; with a drain; with a reboot. */
  readonly updated: number;
  readonly drained: number;
  readonly rebooted: number;
}

/** What held a ring up on its way. */
export interface Hold {
  readonly ring: string;
  readonly reason: Reason;
  readonly message: string;
  readonly from: Instant;
  readonly to: Instant;
}

/** Where it stands still at the end, and why. */
export interface Stop {
  readonly ring: string;
  readonly baseline: string | undefined;
  readonly reason: Reason;
  readonly message: string;
  /** Targets; 0: the ring as a whole. */
  readonly targets: number;
  /** The first of them by name. */
  readonly names: readonly string[];
}

export interface Run {
  /** The plan at the beginning: what is so at once. */
  readonly first: Plan;
  readonly stages: readonly Stage[];
  readonly holds: readonly Hold[];
  readonly stops: readonly Stop[];
  /** Targets of which it cannot tell whether their update brought what was wanted. */
  readonly unclear: readonly string[];
  /** Nodes that were drained, in the order in which they came. */
  readonly drained: readonly { readonly ring: string; readonly node: string }[];
  /** `ring/gate` of gates that are taken to hold. */
  readonly assumedGates: readonly string[];
  /** `Settled`: nothing moves any more. */
  readonly end: "Settled" | "Horizon" | "Limit";
  readonly endsAt: Instant;
  readonly plans: number;
}

export interface Flight {
  readonly claim: Claim;
  readonly endsAt: Instant;
  /** What it was found to run when it was claimed; undefined: it was under way before, at a level that is no longer approved. */
  readonly target: { readonly assessment: Assessment; readonly level: LevelInForce } | undefined;
}

export type WritableStage = { -readonly [Key in keyof Stage]: Stage[Key] };

export interface World {
  readonly horizon: number;
  readonly until: Instant;
  readonly most: number;
  readonly planner: Planner;
  readonly candidates: ReadonlyMap<string, LevelInForce>;
  readonly calendars: ReturnType<typeof compileCalendars>;
  readonly minutes: Map<string, number>;
  readonly stages: Map<string, WritableStage>;
  readonly holds: Map<string, Hold[]>;
  readonly merged: Set<string>;
  /** Updated once, and still not seen at the level: what the rehearsal cannot tell. */
  readonly tried: Set<string>;
  /** How far each soak is, and since when so, by ring and digest: one that time alone does not move is waited for no longer. */
  readonly soaks: Map<string, { readonly is: string; readonly since: Instant }>;
  readonly drained: { readonly ring: string; readonly node: string }[];
  readonly assumedGates: readonly string[];
  policy: PolicyInForce;
  cluster: PinnedCluster;
  nodes: Map<string, NodeAsset>;
  workloads: Map<string, WorkloadAsset>;
  flights: readonly Flight[];
  now: Instant;
  /** What was on offer was last looked at in this state. */
  offered: string | undefined;
  observedMs: number;
  last: Plan | undefined;
  first: Plan | undefined;
  end: Run["end"] | undefined;
  plans: number;
  claims: number;
}
