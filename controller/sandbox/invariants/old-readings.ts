// Acts on what was read before one's own last write (K4), by what they do: an operation that goes back a step, and a ring that forgets when it
// began. Requests that were made from such a reading are in requests.ts.
import { NODE_STEPS, WORKLOAD_STEPS } from "../../api/patch-state.ts";
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import type { Invariant } from "./invariant.ts";
import { at, listAt, textAt } from "./readings.ts";

const RINGS = "rolloutrings.ringward.dev";
const ORDER: Readonly<Record<string, readonly string[]>> = {
  "nodepatchstates.ringward.dev": NODE_STEPS,
  "workloadpatchstates.ringward.dev": WORKLOAD_STEPS,
};

const check: NonNullable<Invariant["check"]> = ({ version, byController }, _world, report) => {
  if (!byController || version.type !== "MODIFIED") return;
  const { object, previous, key, resource } = version;
  if (resource === RINGS) {
    const records = listAt(object.status, "levels") as readonly RingLevelStatus[];
    for (const before of listAt(previous?.status, "levels") as readonly RingLevelStatus[]) {
      const after = records.find((one) => one.baseline === before.baseline && one.digest === before.digest);
      if (before.startedTime === undefined || after === undefined) continue;
      report.met();
      if (after.startedTime !== before.startedTime)
        report.violated(key, `${before.level} began at ${before.startedTime}, and now ${after.startedTime ?? "never"}`);
    }
    return;
  }
  const [before, after] = [at(previous?.status, "operation"), at(object.status, "operation")];
  if (before === undefined || textAt(before, "claimId") !== textAt(after, "claimId")) return;
  // Another attempt begins anew, a reboot that turns out to be needed goes through cordon and drain, and one that a person forbade is not made.
  if (at(before, "attempt") !== at(after, "attempt")) return;
  if (at(after, "rebootPending") === true || at(after, "noReboot") === true) return;
  const steps = ORDER[resource] ?? [];
  const [from, to] = [textAt(before, "step") ?? "", textAt(after, "step") ?? ""];
  if (from !== to) report.met();
  if (steps.indexOf(to) < steps.indexOf(from)) report.violated(key, `went back from step ${from} to ${to}`);
};

export const oldReadings: readonly Invariant[] = [
  {
    id: "K4",
    says: "no operation goes back a step, no ring forgets its beginning, and nothing is written from an older version than one's own",
    on: [RINGS, ...Object.keys(ORDER)],
    check,
  },
];
