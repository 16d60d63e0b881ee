// How long what is known of a node counts as fresh. One place says it: what is assessed, and until when an assessment may be remembered.
import type { PatchBaselineSpec } from "../../api/patch-baseline.ts";
import { parseDuration } from "../duration.ts";

/** nodeInfo is as fresh as the kubelet's Lease, which is renewed every 10 seconds: a kubelet counts as heard for so long, ms. */
export const HEARD_WITHIN_MS = 5 * 60_000;
const DEFAULT_STALE_AFTER_MS = 24 * 3_600_000;

/** How old an inventory may be under a baseline, ms. */
export function staleAfterMs(spec: PatchBaselineSpec): number {
  return parseDuration(spec.node?.inventory?.staleAfter ?? "24h") ?? DEFAULT_STALE_AFTER_MS;
}
