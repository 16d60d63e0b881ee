// How much the controller writes: of a whole rollout for each node, and at rest in an hour. Counted as its client sends them, in sandbox
// clusters of two sizes, so that what grows with the nodes can be told from what does not. Leases of leaders come on top: one write each 5 s.
import { beBorn, createFate } from "../sweep/life.ts";
import { isIdle, isOver } from "../sweep/run.ts";
import { fleetOf, type NodeRow } from "../sweep/scenario.ts";
import { createStage, portsOf } from "../sweep/stage.ts";
import { SMALL } from "../simulate/small.ts";
import type { Row } from "./measure.ts";

const SIZES = [8, 32] as const;
const REST_MS = 48 * 3_600_000;
const MOST_PASSES = 5_000;

interface Counts {
  readonly nodes: number;
  readonly rollout: number;
  readonly restInAnHour: number;
  readonly kinds: ReadonlyMap<string, number>;
}

/** Counts; `log` hears of progress. */
export async function benchWrites(log: (line: string) => void): Promise<readonly Row[]> {
  const counts: Counts[] = [];
  for (const nodes of SIZES) {
    log(`a rollout of ${nodes} nodes, and ${REST_MS / 3_600_000} hours of rest`);
    counts.push(await countWrites(nodes));
  }
  const [few, many] = counts as [Counts, Counts];
  const perNode = (of: (one: Counts) => number): number => (of(many) - of(few)) / (many.nodes - few.nodes);
  const told = (of: (one: Counts) => number): string =>
    counts.map((one) => `${Math.round(of(one))} of ${one.nodes} nodes`).join(", ");
  const kinds = [...many.kinds].sort((a, b) => b[1] - a[1]).map(([kind, count]) => `${kind} ${count}`);
  return [
    {
      what: "writes of a rollout, for each node more",
      unit: "writes",
      goal: undefined,
      measured: perNode(({ rollout }) => rollout),
      note: `cordon, drain, update, reboot, two looks, uncordon; in all ${told(({ rollout }) => rollout)}`,
    },
    {
      what: "writes in an hour of rest, for each node more",
      unit: "writes",
      goal: undefined,
      measured: perNode(({ restInAnHour }) => restInAnHour),
      note: `the inventory cycle; in all ${told(({ restInAnHour }) => restInAnHour)}; of ${many.nodes} nodes: ${kinds.join(", ")}`,
    },
  ];
}

async function countWrites(nodes: number): Promise<Counts> {
  const rows = Array.from({ length: nodes }, (_, at): NodeRow => {
    const ring = at < nodes / 2 ? "canary" : "early";
    return [`ubuntu-${at + 1}`, "ubuntu", ring, at % 2 === 0 ? "zone-a" : "zone-b"];
  });
  const stage = await createStage(1, {
    ...SMALL,
    fleet: () => ({ ...fleetOf(rows, []), objects: SMALL.fleet().objects }),
    // A promotion says how many targets it is for: all of them at once.
    limits: { ...SMALL.limits, nodes },
  });
  const user = "ringward/0";
  const fate = createFate(0);
  const life = beBorn(stage, user, portsOf(stage, user), fate);
  const pass = async (): Promise<boolean> => {
    const before = fate.requests.length;
    const result = await life.pass();
    const over = await isOver(stage, result, fate.requests.length - before);
    await stage.turn(isIdle(result, 0));
    return over;
  };
  for (let passes = 0; !(await pass()); passes += 1)
    if (passes > MOST_PASSES) throw new Error(`a rollout of ${nodes} nodes did not end in ${MOST_PASSES} passes`);
  const rollout = fate.requests.length;
  const until = stage.clock.now() + REST_MS;
  while (stage.clock.now() < until) await pass();
  const rest = fate.requests.slice(rollout);
  const kinds = Map.groupBy(
    rest,
    ({ method, path }) => `${method} ${/\/([a-z]+)(?:\/[^/]+)?(?:\/status)?$/.exec(path)?.[1] ?? path}`,
  );
  return {
    nodes,
    rollout,
    restInAnHour: rest.length / (REST_MS / 3_600_000),
    kinds: new Map([...kinds].map(([kind, list]) => [kind, list.length])),
  };
}
