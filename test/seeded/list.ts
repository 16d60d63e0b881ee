// Every seeded bug.
import { FIELD_BUGS } from "./field-bugs.ts";
import { BUDGETS } from "./guards/budgets.ts";
import { GIT } from "./guards/git.ts";
import { LEDGER } from "./guards/ledger.ts";
import { NODES } from "./guards/nodes.ts";
import { PROMOTIONS } from "./guards/promotions.ts";
import { RINGS } from "./guards/rings.ts";
import { TARGETS } from "./guards/targets.ts";
import { WORKLOADS } from "./guards/workloads.ts";
import type { Mutant } from "./mutant.ts";

export const MUTANTS: readonly Mutant[] = [
  ...FIELD_BUGS,
  ...BUDGETS,
  ...RINGS,
  ...TARGETS,
  ...NODES,
  ...WORKLOADS,
  ...LEDGER,
  ...PROMOTIONS,
  ...GIT,
];
