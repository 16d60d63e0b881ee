// Pairs an asset with the baselines that are about it and assesses each pair against what its ring is approved to run, or, where
// nothing is approved, against the candidate. A node under two node baselines is a conflict.
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../api/patch-state.ts";
import type { Instant } from "../../clock.ts";
import { assessNode, assessWorkload } from "../compliance/assess.ts";
import { type ImageIndex, mayName } from "../compliance/image-index.ts";
import type { WantedImage } from "../compliance/image-reference.ts";
import { isNodeTarget, isWorkloadTarget } from "../compliance/targets.ts";
import type { Assessment, BaselineInForce, Block, LevelInForce, NodeAsset, WorkloadAsset } from "../model.ts";
import type { Basis, Choice } from "./choices.ts";
import type { Membership } from "./membership.ts";
import { compareText } from "../text-order.ts";

/** One asset under one baseline, before anything is decided. */
export interface Target {
  readonly asset: NodeAsset | WorkloadAsset;
  readonly node: NodeAsset | undefined;
  readonly workload: WorkloadAsset | undefined;
  /** As policy says it, without what is stored about it: that changes whenever a target is done. */
  readonly baseline: BaselineInForce;
  readonly membership: Membership;
  readonly ring: string | undefined;
  readonly level: LevelInForce | undefined;
  readonly assessment: Assessment;
  /** BaselineConflict, for every baseline of the node. */
  readonly conflict: Block | undefined;
}

/** A target and the choice that it was made under. */
export interface ChosenTarget {
  readonly choice: Choice;
  readonly target: Target;
}

/** A node under its baselines, sorted by baseline. */
export function targetsOfNode(
  node: NodeAsset,
  stored: NodePatchStateStatus | undefined,
  membership: Membership,
  { baselines, choices, exceptions }: Basis,
  now: Instant,
): readonly ChosenTarget[] {
  const mine = baselines.filter((baseline) => isNodeTarget(baseline, node, stored));
  const conflict: Block | undefined =
    mine.length > 1
      ? { reason: "BaselineConflict", message: `node is under ${mine.map((baseline) => baseline.name).join(", ")}` }
      : undefined;
  return mine.flatMap((baseline) => {
    const choice = choices.get(baseline.name);
    if (choice === undefined) return [];
    const { level, approved, withdrawn, enforce, ring } = choice;
    const assessment = assessNode({ node, stored, baseline, level, approved, withdrawn, enforce, exceptions, now });
    const target = { asset: node, node, workload: undefined, baseline, membership, ring, level, assessment, conflict };
    return [{ choice, target }];
  });
}

/** A workload under its baselines, sorted by baseline; `images` are those of each baseline. */
export function targetsOfWorkload(
  workload: WorkloadAsset,
  stored: WorkloadPatchStateStatus | undefined,
  membership: Membership,
  { baselines, choices, exceptions }: Basis,
  images: ReadonlyMap<string, ImageIndex<WantedImage>>,
  now: Instant,
): readonly ChosenTarget[] {
  const found: ChosenTarget[] = [];
  for (const baseline of baselines) {
    const index = images.get(baseline.name);
    const choice = choices.get(baseline.name);
    if (index === undefined || choice === undefined) continue;
    if (!workload.containers.some(({ image }) => mayName(index, image))) continue;
    if (!isWorkloadTarget(baseline, workload, index)) continue;
    const { level, approved, withdrawn, ring } = choice;
    const assessment = assessWorkload({
      workload,
      stored,
      baseline,
      level,
      approved,
      withdrawn,
      exceptions,
      now,
      index: choice.images,
    });
    const parts = { asset: workload, node: undefined, workload, baseline, membership, ring, level, assessment };
    found.push({ choice, target: { ...parts, conflict: undefined } });
  }
  return found;
}

type Named = { readonly name: string; readonly uid: string; readonly namespace?: string; readonly kind?: string };

/** The order of assets: by kind, namespace, name and UID. */
export function compareAssets(a: Named, b: Named): number {
  return (
    compareText(a.kind ?? "", b.kind ?? "") ||
    compareText(a.namespace ?? "", b.namespace ?? "") ||
    compareText(a.name, b.name) ||
    compareText(a.uid, b.uid)
  );
}
