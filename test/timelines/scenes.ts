// What the timelines share: fleets in rings, and the file that a scenario's text is compared with.
import type { RolloutRingSpec } from "../../controller/api/rollout-ring.ts";
import type { LevelInForce, NodeAsset, PolicyInForce, RingInForce } from "../../controller/core/model.ts";
import { entry, nodeAsset, policy, ring } from "../support/fleet.ts";
import { expectGolden } from "../support/golden.ts";
import type { World } from "./world/world.ts";

/** Nodes `<prefix>-1` … of one ring, spread over zones a, b and c. */
export function nodesOf(ringName: string, count: number, rest: Partial<NodeAsset> = {}): readonly NodeAsset[] {
  return Array.from({ length: count }, (_, index) =>
    nodeAsset(`${ringName}-${index + 1}`, { labels: { ring: ringName }, zone: "abc"[index % 3] ?? "a", ...rest }),
  );
}

/** Rings in a row, each after the one before, all approved for the same level. */
export function ringsInARow(
  level: LevelInForce,
  rings: Readonly<Record<string, Partial<RolloutRingSpec>>>,
): readonly RingInForce[] {
  const names = Object.keys(rings);
  return names.map((name, index) =>
    ring(name, {
      ...(index === 0 ? {} : { after: [names[index - 1] as string] }),
      levels: [entry(level)],
      ...rings[name],
    }),
  );
}

export function policyOf(
  level: LevelInForce,
  rings: readonly RingInForce[],
  rest: Partial<PolicyInForce> = {},
): PolicyInForce {
  return policy({ rings, levels: [level], ...rest });
}

/** Compares a world's story with its golden file. */
export function expectStory(name: string, world: World): void {
  expectGolden(new URL(`golden/${name}.txt`, import.meta.url), world.text());
}
