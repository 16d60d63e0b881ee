// What a little world consists of, and what all of its parts may do: tell, hold to an invariant, lose a target.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../../controller/api/patch-state.ts";
import type { Claim, LevelInForce, NodeAsset, PolicyInForce, WorkloadAsset } from "../../../controller/core/model.ts";
import type { JobIdentity, JobView } from "../../../controller/core/operations/node-steps.ts";
import type { PlanInput } from "../../../controller/core/rollout/plan-input.ts";
import type { Chronicle } from "./chronicle.ts";

export interface Machine {
  asset: NodeAsset;
  /** Kernel and kubelet that an update brings; the kernel runs after the next boot. */
  installedKernel: string;
  /** What goes wrong on it. */
  trouble?: "NeverReady" | "UpdateFails" | "NotAvailable" | "PodStays";
  pods: number;
}

export interface Job {
  readonly identity: JobIdentity;
  end: number;
  readonly run: () => void;
  readonly effect: () => { readonly exitCode: number };
  view: JobView;
}

/** A workload, and when its images were last changed. */
export interface Item {
  asset: WorkloadAsset;
  changedAt: number;
}

export interface WorldOptions {
  readonly start?: number;
  readonly policy: PolicyInForce;
  readonly nodes?: readonly NodeAsset[];
  readonly workloads?: readonly WorkloadAsset[];
  readonly limits?: NonNullable<PlanInput["ledger"]["spec"]["limits"]>;
  readonly candidates?: readonly LevelInForce[];
  /** Minutes that an update takes (4) and a boot (3). */
  readonly updateMinutes?: number;
  readonly apiServerVersion?: string;
}

export interface Ground {
  readonly options: WorldOptions;
  now: number;
  policy: PolicyInForce;
  claims: readonly Claim[];
  readonly machines: Map<string, Machine>;
  readonly jobs: Map<string, Job>;
  readonly workloads: Map<string, Item>;
  readonly states: {
    readonly nodes: Map<string, NodePatchStateStatus>;
    readonly workloads: Map<string, WorkloadPatchStateStatus>;
  };
  /** Tags whose rollout never progresses. */
  readonly badTags: Set<string>;
  readonly chronicle: Chronicle;
}

/** Throws where an act would break an invariant. */
export function must({ chronicle }: Ground, holds: boolean, invariant: string, what: string): void {
  if (!holds) throw new Error(`${chronicle.clock()} ${invariant}: ${what}`);
}

/** A target is gone after it was disrupted: its ring counts it as failed. */
export function loseTarget(ground: Ground, claim: Claim): void {
  ground.chronicle.note(
    claim.ring,
    claim.name,
    claim.kind === "Node" ? "VANISHED: counts as failed" : "counts as failed",
  );
  ground.policy = {
    ...ground.policy,
    rings: ground.policy.rings.map((ring) => ({
      ...ring,
      status: ring.status && {
        ...ring.status,
        levels: (ring.status.levels ?? []).map((level) =>
          ring.name === claim.ring && level.digest === claim.digest
            ? { ...level, lost: [...new Set([...(level.lost ?? []), claim.uid])] }
            : level,
        ),
      },
    })),
  };
}
