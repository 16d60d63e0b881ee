// `npm run seeded -- [ID…]`: switches seeded bugs in one after the other and runs the machine on each until it is found; without ids, all of
// them. Writes test/seeded/results.json, from which docs/seeded-bugs.md is made. `--jobs N` processes at once, `--left`: only those that were not
// found yet, `--quick`: only the trials in which each is likely to be found, `--trials NAME,NAME`: only these. Ends with a line that counts; a
// survivor that nothing explains fails.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { inTurn, prepareHunt } from "../seeded/hunt.ts";
import { MUTANTS } from "../seeded/list.ts";
import type { Mutant } from "../seeded/mutant.ts";
import { type HuntResult, readResults, RESULTS, writeResults } from "../seeded/results.ts";
import { isMain } from "./is-main.ts";

interface Wanted {
  readonly ids: readonly string[];
  readonly jobs: number;
  readonly left: boolean;
  readonly quick: boolean;
  readonly trials: readonly string[];
}

async function huntAll({ ids, jobs, left, quick, trials }: Wanted): Promise<number> {
  const unknown = ids.filter((id) => !MUTANTS.some((mutant) => mutant.id === id));
  if (unknown.length > 0) {
    process.stdout.write(`there is no seeded bug ${unknown.join(", ")}\n`);
    return 2;
  }
  const results = new Map((existsSync(RESULTS) ? readResults() : []).map((result) => [result.id, result]));
  const wanted =
    ids.length === 0
      ? MUTANTS.filter(({ equivalent }) => equivalent === undefined)
      : ids.flatMap((id) => MUTANTS.find((mutant) => mutant.id === id) ?? []);
  const mine = wanted.filter(({ id }) => !left || results.get(id)?.found === undefined);
  const hunt = await prepareHunt({ only: trials, last: [...results.values()], jobs, quick });
  await inTurn(mine, jobs, async (mutant) => {
    const result = await hunt(mutant);
    results.set(mutant.id, result);
    process.stdout.write(`${describe(result)}\n`);
    writeResults([...results.values()], MUTANTS);
  });
  return conclude(mine, results);
}

function describe({ id, found, seconds }: HuntResult): string {
  const how =
    found === undefined ? "NOT FOUND" : `${found.by.join(" ")} in ${found.trial}: ${found.says.slice(0, 160)}`;
  return `${id.padEnd(36)} ${String(seconds).padStart(6)} s  ${how}`;
}

function conclude(mine: readonly Mutant[], results: ReadonlyMap<string, HuntResult>): number {
  const survivors = mine.filter(
    ({ id, equivalent }) => equivalent === undefined && results.get(id)?.found === undefined,
  );
  for (const { id, says } of survivors) process.stdout.write(`survives: ${id}: ${says}\n`);
  process.stdout.write(`${mine.length - survivors.length} passed, ${survivors.length} failed\n`);
  return survivors.length === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      jobs: { type: "string", default: "1" },
      left: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      trials: { type: "string", default: "" },
    },
  });
  process.exitCode = await huntAll({
    ids: positionals,
    jobs: Math.max(1, Number(values.jobs)),
    left: values.left,
    quick: values.quick,
    trials: values.trials === "" ? [] : values.trials.split(","),
  });
}
