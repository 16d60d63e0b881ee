// Scenes of the hunt, by name: small rollouts, each about guards that the sweeps' own scenarios do not reach.
import { PEOPLE } from "../../sweep/people.ts";
import type { Scene } from "../scene.ts";
import { AFTER_UPDATE } from "./after-update.ts";
import { AHEAD, GIT_UNREAD } from "./ahead.ts";
import { APPROVALS } from "./approvals.ts";
import {
  CALENDAR_GONE,
  FORGE_UNREAD,
  GIT_DOWN,
  LEFT_JOBS,
  REPOSITORY_SUSPENDED,
  REWRITTEN_TWICE,
  LEVEL_FORGED,
  POISONED,
  REWRITTEN_EARLY,
  LEDGER_LOST,
  LEDGER_OLD,
  REWRITTEN,
  RING_GONE,
  RING_RENAMED,
  STATE_LOST,
  STOPPED,
} from "./brakes.ts";
import { REFUSED_OFTEN, TWO_REPOSITORIES } from "./asks.ts";
import { BLIND } from "./blind.ts";
import { BY_HAND_SCENE } from "./by-hand.ts";
import { CLOCK_AHEAD, UNOBSERVED } from "./clocks.ts";
import { CONTROL_PLANE } from "./control-plane.ts";
import { CROWD } from "./crowd.ts";
import { DRAINS } from "./drains.ts";
import { OWN_REFUSED, OWN_TOUCHED } from "./forges.ts";
import { FAILING, HANDS } from "./hands.ts";
import { LOCKS } from "./locks.ts";
import { LOOK_DUE } from "./look-due.ts";
import { MACHINES } from "./machines.ts";
import { LATE, SHUTDOWN, SLOW_REBOOT, STOPPED_IN_UPDATE } from "./moments.ts";
import { RAN_AWAY } from "./ran-away.ts";
import { SECOND_TRIES } from "./second-tries.ts";
import { SHARES } from "./shares.ts";
import { SOAKS } from "./soaks.ts";
import { SUPERSEDED } from "./superseded.ts";
import { UNTOUCHED } from "./untouched.ts";
import { UNWRITTEN } from "./unwritten.ts";
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
  "ring renamed": RING_RENAMED,
  "level forged": LEVEL_FORGED,
  "rewritten early": REWRITTEN_EARLY,
  "forge unread": FORGE_UNREAD,
  "own refused": OWN_REFUSED,
  "own touched": OWN_TOUCHED,
  "left jobs": LEFT_JOBS,
  "git down": GIT_DOWN,
  "repository suspended": REPOSITORY_SUSPENDED,
  "rewritten twice": REWRITTEN_TWICE,
  poisoned: POISONED,
  drains: DRAINS,
  "clock ahead": CLOCK_AHEAD,
  unobserved: UNOBSERVED,
  "people late caches": { scenario: PEOPLE, isBehind: true, isRough: true },
  "workloads late caches": { ...WORKLOADS, isBehind: true },
  "failing late caches": { ...FAILING, isBehind: true },
  superseded: SUPERSEDED,
  locks: LOCKS,
  crowd: CROWD,
  "late pod": LATE,
  "slow shutdown": SHUTDOWN,
  "slow reboot": SLOW_REBOOT,
  "stopped in update": STOPPED_IN_UPDATE,
  "control plane": CONTROL_PLANE,
  machines: MACHINES,
  "after update": AFTER_UPDATE,
  approvals: APPROVALS,
  "by hand": BY_HAND_SCENE,
  blind: BLIND,
  ahead: AHEAD,
  "git unread": GIT_UNREAD,
  "second tries": SECOND_TRIES,
  "refused often": REFUSED_OFTEN,
  "two repositories": TWO_REPOSITORIES,
  unwritten: UNWRITTEN,
  "look due": LOOK_DUE,
  "ran away": RAN_AWAY,
  soaks: SOAKS,
  shares: SHARES,
};
