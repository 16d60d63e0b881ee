// The end of a run that says that all is done: nobody writes any more (K7), and everything is as it was asked for (V1).
import type { Invariant, Report } from "./invariant.ts";
import { nodesBelow } from "./progress.ts";
import { memberOf } from "./membership.ts";
import type { World } from "./world.ts";

function endQuiet(world: World, report: Report, quietSince: number | undefined): void {
  if (quietSince === undefined) return;
  report.met();
  const last = world.lastLoud;
  if (last !== undefined && last.time > quietSince)
    report.violated(last.key, `written although all was done since ${new Date(quietSince).toISOString()}`);
}

function endReached(world: World, report: Report, quietSince: number | undefined): void {
  if (quietSince === undefined) return;
  report.met();
  for (const claim of world.held.values())
    if (world.operations.get(claim.uid)?.failure === undefined)
      report.violated(`${claim.kind}/${claim.name}`, `claim ${claim.id} is held in the end`);
  if (world.exceptions.size > 0) return;
  for (const [ring, { spec }] of world.rings)
    for (const { baseline, level } of spec.levels ?? [])
      for (const name of level === undefined ? [] : nodesBelow(world, spec, { baseline, level })) {
        const uid = world.nodes.get(name)?.uid ?? "";
        // What is blocked says why, in its state; what two rings claim is nobody's.
        if (world.named.get(uid) === true || (memberOf(world, uid)?.length ?? 0) > 1) continue;
        report.violated(`nodes/${name}`, `below ${level ?? ""} of ring ${ring} in the end, and nothing says why`);
      }
}

export const quiet: readonly Invariant[] = [
  {
    id: "K7",
    says: "where all is done nothing is written but the Lease and the inventory cycle",
    on: [],
    end: (world, report, { quietSince }) => endQuiet(world, report, quietSince),
  },
  {
    id: "V1",
    says: "in the end every member is at its ring's levels, or says why not, and nothing is held",
    on: [],
    end: (world, report, { quietSince }) => endReached(world, report, quietSince),
  },
];
