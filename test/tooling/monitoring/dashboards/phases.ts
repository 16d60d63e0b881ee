// A ring's phase as one number, for timelines: which series is 1 says it, and Grafana draws one line a ring.
import { PHASES, type Phase } from "../../../../controller/api/patch-state.ts";
import type { Color, Meaning } from "./panel.ts";

const COLORS: Readonly<Record<Phase, Color>> = {
  NotOffered: "text",
  Offered: "blue",
  InProgress: "yellow",
  Soaking: "purple",
  Done: "green",
  Blocked: "red",
};

export const PHASE_MEANINGS: readonly Meaning[] = PHASES.map((phase, value) => ({
  value,
  text: phase,
  color: COLORS[phase],
}));

/** The phase's place among all, by cluster and ring: all but one of them are 0. */
export function phaseCodes(chosen: string): string {
  const parts = PHASES.map((phase, value) => `ringward_ring_phase{${chosen}, phase="${phase}"} * ${value}`);
  return `max by (cluster, ring) (${parts.join(" or ")})`;
}
