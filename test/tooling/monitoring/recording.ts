// Recording rules: what dashboards and alerts share. Names are `level:metric:operations`; a `cluster` label that a scrape adds is kept.
import { STATES } from "../../../controller/api/patch-state.ts";
import { isCompliant } from "../../../controller/core/compliance/index.ts";
import type { RecordingRule } from "./alert.ts";

/** Exempt is neither: it is counted apart. */
const COMPLIANT = STATES.filter((state) => isCompliant(state) && state !== "Exempt").join("|");

export const RECORDING_RULES: readonly RecordingRule[] = [
  {
    record: "cluster:ringward_targets_compliant:ratio",
    expr: `sum by (cluster) (ringward_targets{state=~"${COMPLIANT}"}) / (sum by (cluster) (ringward_targets{state!="Exempt"}) > 0)`,
  },
  {
    record: "ring:ringward_targets_compliant:ratio",
    expr: `sum by (cluster, ring) (ringward_targets{state=~"${COMPLIANT}"}) / (sum by (cluster, ring) (ringward_targets{state!="Exempt"}) > 0)`,
  },
  {
    record: "kind:ringward_assets_covered:ratio",
    expr: `sum by (cluster, kind) (ringward_assets{coverage="Covered"}) / (sum by (cluster, kind) (ringward_assets) > 0)`,
  },
  {
    record: "kind_ring:ringward_rollout_targets_open:sum",
    expr: `sum by (cluster, kind, ring) (ringward_rollout_targets - ringward_rollout_targets_done)`,
  },
  {
    record: "ring_baseline:ringward_rollout_targets_done:ratio",
    expr: `sum by (cluster, ring, baseline) (ringward_rollout_targets_done) / (sum by (cluster, ring, baseline) (ringward_rollout_targets) > 0)`,
  },
  {
    record: "kind_ring:ringward_update_duration_seconds:p95_7d",
    expr: `histogram_quantile(0.95, sum by (cluster, kind, ring, le) (increase(ringward_update_duration_seconds_bucket[7d])))`,
  },
  {
    record: "ring_baseline:ringward_time_to_patch_from_level_input_seconds:mean30d",
    expr: `sum by (cluster, ring, baseline) (increase(ringward_time_to_patch_from_level_input_seconds_sum[30d])) / (sum by (cluster, ring, baseline) (increase(ringward_time_to_patch_from_level_input_seconds_count[30d])) > 0)`,
  },
  {
    record: "cluster:ringward_controllers_leading:sum",
    expr: `sum by (cluster) (leader_election_master_status{name="ringward-controller"})`,
  },
];
