// What the last hunts found, as it is kept in results.json.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutant.ts";

export const RESULTS = fileURLToPath(new URL("results.json", import.meta.url));

export interface Found {
  readonly trial: string;
  readonly by: readonly string[];
  readonly says: string;
}

export interface HuntResult {
  readonly id: string;
  /** Undefined: no trial found it. */
  readonly found?: Found;
  /** Every trial was played, and not only those in which it is likely to be found. */
  readonly isWhole?: true;
  readonly seconds: number;
}

export function readResults(): readonly HuntResult[] {
  return JSON.parse(readFileSync(RESULTS, "utf8")) as readonly HuntResult[];
}

/** Keeps results in the order of the list; what is not in it is forgotten. */
export function writeResults(results: readonly HuntResult[], mutants: readonly Mutant[]): void {
  const known = new Map(results.map((result) => [result.id, result]));
  const lines = mutants.flatMap(({ id }) => {
    const result = known.get(id);
    return result === undefined ? [] : [`  ${JSON.stringify(result)}`];
  });
  writeFileSync(RESULTS, `[\n${lines.join(",\n")}\n]\n`);
}
