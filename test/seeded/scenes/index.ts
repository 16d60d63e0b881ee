// Scenes of the hunt, by name: small rollouts, each about guards that the sweeps' own scenarios do not reach.
import type { Scene } from "../scene.ts";
import { APPROVALS } from "./approvals.ts";
import { CALENDAR_GONE, LEDGER_LOST, LEDGER_OLD, REWRITTEN, RING_GONE, STATE_LOST, STOPPED } from "./brakes.ts";
import { BY_HAND_SCENE } from "./by-hand.ts";
import { CONTROL_PLANE } from "./control-plane.ts";
import { FAILING, HANDS } from "./hands.ts";
import { MACHINES } from "./machines.ts";
import { LATE, SHUTDOWN } from "./moments.ts";
import { SHARES } from "./shares.ts";
import { SOAKS } from "./soaks.ts";
import { UNTOUCHED } from "./untouched.ts";
import { WINDOWS } from "./windows.ts";
import { WORKLOADS } from "./workloads.ts";

export const SCENES: Readonly<Record<string, Scene>> = {
  windows: WINDOWS,
  workloads: WORKLOADS,
  hands: HANDS,
  failing: FAILING,
  untouched: UNTOUCHED,
  stopped: STOPPED,
  rewritten: REWRITTEN,
  "calendar gone": CALENDAR_GONE,
  "ledger lost": LEDGER_LOST,
  "ledger old": LEDGER_OLD,
  "state lost": STATE_LOST,
  "ring gone": RING_GONE,
  "late pod": LATE,
  "slow shutdown": SHUTDOWN,
  "control plane": CONTROL_PLANE,
  machines: MACHINES,
  approvals: APPROVALS,
  "by hand": BY_HAND_SCENE,
  soaks: SOAKS,
  shares: SHARES,
};
