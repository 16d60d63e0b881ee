// The table of all parsers of text from outside: one row each (see parser.ts), by room. The test beside it fails for an exported function that
// reads such text and stands in no row.
import type { Parser } from "./parser.ts";
import { CLUSTER_PARSERS } from "./rows/cluster.ts";
import { CORE_PARSERS } from "./rows/core.ts";
import { MIGRATE_PARSERS } from "./rows/migrate.ts";
import { OUTSIDE_PARSERS } from "./rows/outside.ts";
import { POLICY_PARSERS } from "./rows/policy.ts";

export const PARSERS: readonly Parser[] = [
  ...CORE_PARSERS,
  ...MIGRATE_PARSERS,
  ...POLICY_PARSERS,
  ...CLUSTER_PARSERS,
  ...OUTSIDE_PARSERS,
];
