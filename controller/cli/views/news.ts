// What a watching command prints where nothing can be redrawn: one line for each change of a ring, so that a log tells the rollout. Pure.
import type { Instant } from "../../clock.ts";
import { showTime } from "../output.ts";
import type { Situation } from "../situation.ts";
import type { Lane } from "./lanes.ts";
import { sayEnd } from "./words.ts";

/** One line about each lane, by the ring's name. Equal facts give equal lines, whatever the time. */
export function describeLanes(lanes: readonly Lane[]): ReadonlyMap<string, string> {
  return new Map(lanes.map((lane) => [lane.ring, describeLane(lane)]));
}

function describeLane(lane: Lane): string {
  const { ring, done, assets, phase, inFlight, blocked, waiting } = lane;
  const failed = inFlight.filter(({ failure }) => failure !== undefined).length;
  const held = [...blocked, ...waiting].flatMap(({ blockedBy: [first] }) => first ?? []);
  const reasons = [...Map.groupBy(held, ({ reason }) => reason)]
    .sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1))
    .map(([reason, list]) => `${list.length} ${reason}`);
  const parts = [
    ...(inFlight.length - failed > 0 ? [`${inFlight.length - failed} in flight`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...lane.blockedBy.map(({ reason }) => reason),
    ...reasons,
    ...lane.estimates.flatMap(({ never }) => (never === undefined ? [] : [`never ends: ${never.reason}`])),
  ];
  return `${ring} ${done}/${assets} ${phase}${parts.length === 0 ? "" : `: ${[...new Set(parts)].join(", ")}`}`;
}

/** Lines of what changed since the lines before, with the time and the end that is expected now. */
export function tellNews(
  { plan }: Situation,
  lanes: readonly Lane[],
  before: ReadonlyMap<string, string>,
): readonly string[] {
  const now = describeLanes(lanes);
  return lanes.flatMap((lane) => {
    const line = now.get(lane.ring) ?? "";
    return line === before.get(lane.ring) ? [] : [`${showTime(plan.at)}  ${line}${endOf(lane, plan.at)}`];
  });
}

function endOf(lane: Lane, now: Instant): string {
  const told = lane.done === lane.assets || lane.estimates.some(({ never }) => never !== undefined);
  return told ? "" : `; ends about: ${sayEnd(lane, now)}`;
}
