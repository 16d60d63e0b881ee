// Which nodes and workloads a baseline is about, beside which ring they are in.
// Pure. A node whose product cannot be told is no target of any baseline; a workload that matches an image only by its tail is a
// target, because it must be seen (as Unknown) rather than overlooked.
import type { Instant } from "../../clock.ts";
import type { BaselineInForce, NodeAsset, WorkloadAsset } from "../model.ts";
import type { NodePatchStateStatus } from "../../api/patch-state.ts";
import { matches } from "../selectors.ts";
import { type ImageIndex, imagesLike, indexImages } from "./image-index.ts";
import { coverageOf, parseImage, type WantedImage } from "./image-reference.ts";
import { isProduct, productOf } from "./product.ts";

/** Whether a node is under a node baseline: its product, and its labels where the baseline selects some. */
export function isNodeTarget(
  baseline: Pick<BaselineInForce, "spec">,
  node: Pick<NodeAsset, "labels" | "osImage">,
  stored?: Pick<NodePatchStateStatus, "inventory">,
  now?: Instant,
): boolean {
  const wanted = baseline.spec.node;
  if (wanted === undefined) return false;
  if (wanted.nodeSelector !== undefined && !matches(wanted.nodeSelector, node.labels)) return false;
  const product = productOf(node, stored, now);
  return product !== undefined && isProduct(product, wanted.product);
}

/** Whether a workload has a container of an image baseline. `index`: of its images, for who asks about many workloads. */
export function isWorkloadTarget(
  baseline: Pick<BaselineInForce, "spec">,
  workload: Pick<WorkloadAsset, "containers">,
  index: ImageIndex<WantedImage> = indexImages(baseline.spec.image?.images ?? []),
): boolean {
  return workload.containers.some((container) => {
    const reference = parseImage(container.image);
    return (
      reference !== undefined && imagesLike(index, reference).some((image) => coverageOf(reference, image) !== "None")
    );
  });
}
