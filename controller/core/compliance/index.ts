// Compliance: what state an asset is in under its baseline's level. Outsiders import from here.
export { assessNode, assessWorkload } from "./assess.ts";
export type { AssessInput, AssessNodeInput, AssessWorkloadInput } from "./assess.ts";
export { parseImage } from "./image-reference.ts";
export type { Coverage, ImageReference } from "./image-reference.ts";
export { isProduct, parseProduct, productOf } from "./product.ts";
export { isCompliant, worstState } from "./states.ts";
export { isNodeTarget, isWorkloadTarget } from "./targets.ts";
