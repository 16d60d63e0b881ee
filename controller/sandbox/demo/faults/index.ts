// The faults by name.
import type { Fault } from "../fault.ts";
import { blockedPdb } from "./blocked-pdb.ts";
import { crash } from "./crash.ts";
import { failingNode } from "./failing-node.ts";
import { freeze } from "./freeze.ts";
import { rewriteHistory } from "./rewrite-history.ts";
import type { Stage } from "../stage.ts";

const faults: Readonly<Record<string, () => Fault<Stage>>> = {
  "failing-node": failingNode,
  "blocked-pdb": blockedPdb,
  crash,
  freeze,
  "rewrite-history": rewriteHistory,
};

export const FAULT_NAMES: readonly string[] = Object.keys(faults);

/** A fresh script of that name; undefined: there is none. */
export function findFault(name: string): Fault<Stage> | undefined {
  return Object.hasOwn(faults, name) ? faults[name]?.() : undefined;
}
