// Fleet: is it patched, how much of it is known, since when not, and until when it should be.
import { STATES } from "../../../../controller/api/patch-state.ts";
import { isCompliant } from "../../../../controller/core/compliance/index.ts";
import { CHOSEN, CLUSTER, type Dashboard, JOB } from "./dashboard.ts";
import { ask, BAD_ABOVE_ZERO, bars, GOOD_AT_ONE, now, series, stat, table, timeline } from "./panel.ts";
import { phaseCodes, PHASE_MEANINGS } from "./phases.ts";

const COMPLIANT = STATES.filter((state) => isCompliant(state) && state !== "Exempt").join("|");
const NOT_COMPLIANT = STATES.filter((state) => !isCompliant(state)).join("|");
const OPEN = `(ringward_rollout_targets{${CHOSEN}} - ringward_rollout_targets_done{${CHOSEN}})`;
const PAIR = "{{cluster}} {{ring}} / {{baseline}}";

export const FLEET: Dashboard = {
  uid: "ringward-fleet",
  title: "Fleet",
  description: "Compliance, coverage and age of what is open, over all rings.",
  variables: [CLUSTER, JOB],
  rows: [
    {
      title: "Now",
      panels: [
        stat({
          title: "Compliant",
          description:
            'Share of the targets at what their ring is approved for. What waits for an approval counts (Available), so a ring that is approved for nothing is compliant; "Targets, by state" shows how many wait. Exempt ones are left out; Unknown is never compliant.',
          unit: "percentunit",
          width: 4,
          steps: GOOD_AT_ONE,
          targets: [
            ask(
              `sum(ringward_targets{${CHOSEN}, state=~"${COMPLIANT}"}) / sum(ringward_targets{${CHOSEN}, state!="Exempt"})`,
              "compliant",
            ),
          ],
        }),
        stat({
          title: "Nodes covered",
          description:
            "Share of the nodes that are under a baseline, in a ring, and known. What is not covered is in no other number here.",
          unit: "percentunit",
          width: 4,
          steps: GOOD_AT_ONE,
          targets: [
            ask(
              `sum(ringward_assets{${CHOSEN}, kind="Node", coverage="Covered"}) / sum(ringward_assets{${CHOSEN}, kind="Node"})`,
              "covered",
            ),
          ],
        }),
        stat({
          title: "Overdue",
          description:
            "Targets that are not done although their ring's deadline has passed. Alert: RingwardDeadlineMissed.",
          unit: "short",
          width: 4,
          steps: BAD_ABOVE_ZERO,
          targets: [
            ask(
              `sum(${OPEN} and (ringward_rollout_deadline_timestamp_seconds{${CHOSEN}} < time())) or vector(0)`,
              "overdue",
            ),
          ],
        }),
        stat({
          title: "Failed",
          description: "Targets whose update failed and that wait for a person. Alert: RingwardUpdateFailed.",
          unit: "short",
          width: 4,
          steps: BAD_ABOVE_ZERO,
          targets: [ask(`sum(ringward_rollout_targets_failed{${CHOSEN}})`, "failed")],
        }),
        stat({
          title: "Oldest open level",
          description:
            "Of all targets in rings that do not run their level yet, or for which a newer one waits: the longest time since that level's newest input was committed.",
          unit: "s",
          width: 4,
          targets: [
            ask(`max(ringward_open_age_from_level_input_seconds{${CHOSEN}, ring!="_none"}) or vector(0)`, "oldest"),
          ],
        }),
        stat({
          title: "Mean time to patch, 30 days",
          description:
            "From the commit of a level's newest input until a target was verified at it, each target once for a level; mean of the last 30 days.",
          unit: "s",
          width: 4,
          targets: [
            ask(
              `sum(increase(ringward_time_to_patch_from_level_input_seconds_sum{${CHOSEN}}[30d])) / sum(increase(ringward_time_to_patch_from_level_input_seconds_count{${CHOSEN}}[30d]))`,
              "mean",
            ),
          ],
        }),
      ],
    },
    {
      title: "Burn-down",
      panels: [
        series({
          title: "Not compliant, by ring",
          description:
            "Targets that do not run what policy requires, or of which nobody knows. A mark is a change of policy.",
          unit: "short",
          width: 12,
          min: 0,
          stacked: true,
          targets: [
            ask(
              `sum by (cluster, ring) (ringward_targets{${CHOSEN}, state=~"${NOT_COMPLIANT}"})`,
              "{{cluster}} {{ring}}",
            ),
          ],
        }),
        series({
          title: "Targets, by state",
          description: "All targets by the worst state of their components.",
          unit: "short",
          width: 12,
          min: 0,
          stacked: true,
          targets: [ask(`sum by (state) (ringward_targets{${CHOSEN}}) > 0`, "{{state}}")],
        }),
        timeline({
          title: "Rings",
          description: "Phase of each ring.",
          unit: "none",
          width: 12,
          meanings: PHASE_MEANINGS,
          targets: [ask(phaseCodes(CHOSEN), "{{cluster}} {{ring}}")],
        }),
        series({
          title: "Age of what is open",
          nothing: "none",
          description:
            "Time since the newest input of the oldest level that some target still waits for, by ring and baseline. Falls to nothing when all are done.",
          unit: "s",
          width: 12,
          min: 0,
          targets: [
            ask(
              `max by (cluster, ring, baseline) (ringward_open_age_from_level_input_seconds{${CHOSEN}, ring!="_none"})`,
              PAIR,
            ),
          ],
        }),
      ],
    },
    {
      title: "By ring and baseline",
      panels: [
        table({
          title: "Rollouts",
          description:
            "Of the level that each ring is approved for: targets in scope, done and failed, and how much of the soak is served. A deadline that has passed is negative.",
          unit: "short",
          width: 16,
          height: 10,
          targets: [
            now(`sum by (cluster, ring, baseline) (ringward_rollout_targets{${CHOSEN}})`),
            now(`sum by (cluster, ring, baseline) (ringward_rollout_targets_done{${CHOSEN}})`),
            now(`sum by (cluster, ring, baseline) (ringward_rollout_targets_failed{${CHOSEN}})`),
            now(`max by (cluster, ring, baseline) (ringward_rollout_soak_seconds{${CHOSEN}})`),
            now(`min by (cluster, ring, baseline) (ringward_rollout_deadline_timestamp_seconds{${CHOSEN}}) - time()`),
          ],
          columns: [
            { title: "Targets", unit: "short" },
            { title: "Done", unit: "short" },
            { title: "Failed", unit: "short" },
            { title: "Soaked", unit: "s" },
            { title: "Until deadline", unit: "s" },
          ],
        }),
        bars({
          title: "Compliance, by ring",
          description: "Share of each ring's targets that run what policy requires, Exempt ones left out.",
          unit: "percentunit",
          width: 8,
          height: 10,
          min: 0,
          max: 1,
          steps: GOOD_AT_ONE,
          targets: [
            now(
              `sum by (cluster, ring) (ringward_targets{${CHOSEN}, ring!="_none", state=~"${COMPLIANT}"}) / sum by (cluster, ring) (ringward_targets{${CHOSEN}, ring!="_none", state!="Exempt"})`,
              "{{cluster}} {{ring}}",
            ),
          ],
        }),
        series({
          title: "Time to patch, 95 of 100",
          description:
            "Within this time after a level's newest input 95 of 100 targets were verified at it, of those that were in the last 7 days.",
          unit: "s",
          width: 12,
          min: 0,
          targets: [
            ask(
              `histogram_quantile(0.95, sum by (le, cluster, ring) (increase(ringward_time_to_patch_from_level_input_seconds_bucket{${CHOSEN}}[7d])))`,
              "{{cluster}} {{ring}}",
            ),
          ],
        }),
        series({
          title: "Time to patch in the ring, 95 of 100",
          description:
            "The same from when the ring's targets were first allowed to start: without approvals, predecessors and deferral.",
          unit: "s",
          width: 12,
          min: 0,
          targets: [
            ask(
              `histogram_quantile(0.95, sum by (le, cluster, ring) (increase(ringward_time_to_patch_from_ring_offer_seconds_bucket{${CHOSEN}}[7d])))`,
              "{{cluster}} {{ring}}",
            ),
          ],
        }),
      ],
    },
    {
      title: "What is known",
      panels: [
        series({
          title: "Nodes and workloads, by coverage",
          description: "Every asset of the cluster once: covered, unknown, in no ring, in two, or under no baseline.",
          unit: "short",
          width: 8,
          min: 0,
          stacked: true,
          targets: [ask(`sum by (kind, coverage) (ringward_assets{${CHOSEN}}) > 0`, "{{kind}} {{coverage}}")],
        }),
        series({
          title: "Unknown, by reason",
          description: "Targets whose state nobody knows. Alert: RingwardInventoryStale.",
          unit: "short",
          width: 8,
          min: 0,
          stacked: true,
          targets: [ask(`sum by (reason) (ringward_targets_unknown{${CHOSEN}})`, "{{reason}}")],
        }),
        series({
          title: "Oldest inventory",
          description: "Age of the oldest inventory report among the nodes of each ring.",
          unit: "s",
          width: 8,
          min: 0,
          targets: [ask(`max by (cluster, ring) (ringward_inventory_age_seconds{${CHOSEN}})`, "{{cluster}} {{ring}}")],
        }),
        stat({
          title: "Exceptions",
          description: "PatchExceptions that hold now, and those whose time is over.",
          unit: "short",
          width: 8,
          targets: [ask(`sum by (state) (ringward_exceptions{${CHOSEN}})`, "{{state}}")],
        }),
        stat({
          title: "Next exception ends in",
          description:
            "Time until the next PatchException ends; its targets count again from then on. Alert: RingwardExceptionExpiring.",
          unit: "s",
          width: 8,
          targets: [ask(`min(ringward_exception_next_expiration_timestamp_seconds{${CHOSEN}}) - time()`, "ends in")],
        }),
        stat({
          title: "Pairs without series of their own",
          description:
            "Pairs of a ring and a baseline that are summed up under baseline _other, because there are more than 150.",
          unit: "short",
          width: 8,
          targets: [ask(`max(ringward_folded_label_sets{${CHOSEN}})`, "folded")],
        }),
      ],
    },
  ],
};
