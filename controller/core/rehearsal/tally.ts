// What a rehearsal writes down as it goes: each ring's way to each level, and what held it up.
import type { Instant } from "../../clock.ts";
import type { Claim, LevelInForce, NodeAsset } from "../model.ts";
import { drainsNode } from "../operations/forecast.ts";
import type { Plan } from "../rollout/plan.ts";
import type { World, WritableStage } from "./world.ts";

export function stageOf(world: World, ring: string, baseline: string, level: LevelInForce): WritableStage {
  const key = JSON.stringify([ring, baseline, level.digest]);
  let stage = world.stages.get(key);
  if (stage === undefined) {
    stage = {
      ring,
      baseline,
      level: level.name,
      digest: level.digest,
      target: level.spec.target,
      approval: "Policy",
      targets: 0,
      done: 0,
      updated: 0,
      drained: 0,
      rebooted: 0,
    };
    world.stages.set(key, stage);
  }
  return stage;
}

export function record(world: World, plan: Plan): void {
  const { now } = world;
  for (const { ring, entries, progress } of plan.rings)
    for (const [baseline, { status, soaked, complete, soakedMs }] of progress) {
      const level = entries.approvals.get(baseline)?.level;
      if (level === undefined) continue;
      const stage = stageOf(world, ring.name, baseline, level);
      stage.targets = status.targets ?? 0;
      stage.done = status.done ?? 0;
      if (status.offeredTime !== undefined) stage.offeredAt ??= Date.parse(status.offeredTime);
      if ((status.inFlight ?? 0) > 0) stage.startsAt ??= now;
      if (complete && stage.offeredAt !== undefined) stage.completeAt ??= now;
      if (soaked) stage.soakedAt ??= now;
      const key = `${ring.name}/${level.digest}`;
      const is = JSON.stringify([soakedMs, complete, status.offeredTime !== undefined]);
      if (world.soaks.get(key)?.is !== is) world.soaks.set(key, { is, since: now });
    }
}

export function count(world: World, one: Claim, level: LevelInForce, node: NodeAsset | undefined): void {
  const stage = stageOf(world, one.ring, one.baseline, level);
  stage.updated += 1;
  if (node === undefined) return;
  if (drainsNode(level.spec, node)) {
    stage.drained += 1;
    world.drained.push({ ring: one.ring, node: node.name });
  }
  if (level.spec.disruption === "Reboot") stage.rebooted += 1;
}

/** What holds a ring up until the next event. */
export function note(world: World, plan: Plan, to: Instant): void {
  for (const { ring, blockedBy } of plan.rings)
    for (const { reason, message } of blockedBy) {
      const list = world.holds.get(ring.name) ?? [];
      // A freeze is told from another one; of windows and the rest the reason is enough.
      const before = list.findLastIndex(
        (one) => one.reason === reason && (reason !== "Frozen" || one.message === message),
      );
      const known = list[before];
      if (known !== undefined && (known.to === world.now || reason !== "Frozen")) list[before] = { ...known, to };
      else list.push({ ring: ring.name, reason, message, from: world.now, to });
      world.holds.set(ring.name, list);
    }
}
