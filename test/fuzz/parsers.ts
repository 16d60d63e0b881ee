// The table of all parsers of text from outside: one row each (see parser.ts), by room. The test beside it fails for an exported function that
// reads such text and stands in no row.
import type { Parser } from "./parser.ts";
import { CLI_PARSERS } from "./rows/cli.ts";
import { CORE_POLICY_PARSERS } from "./rows/core-policy.ts";
import { CORE_PROMOTION_PARSERS } from "./rows/core-promotion.ts";
import { CORE_VERSION_PARSERS } from "./rows/core-versions.ts";
import { FORGE_PARSERS } from "./rows/forge.ts";
import { GIT_PARSERS } from "./rows/git.ts";
import { INVENTORY_PARSERS } from "./rows/inventory.ts";
import { KUBE_PARSERS } from "./rows/kube.ts";
import { MIGRATE_PARSERS } from "./rows/migrate.ts";
import { NEIGHBOUR_PARSERS } from "./rows/neighbours.ts";
import { POLICY_PARSERS } from "./rows/policy.ts";

export const PARSERS: readonly Parser[] = [
  ...CORE_POLICY_PARSERS,
  ...CORE_VERSION_PARSERS,
  ...CORE_PROMOTION_PARSERS,
  ...MIGRATE_PARSERS,
  ...POLICY_PARSERS,
  ...INVENTORY_PARSERS,
  ...KUBE_PARSERS,
  ...NEIGHBOUR_PARSERS,
  ...FORGE_PARSERS,
  ...GIT_PARSERS,
  ...CLI_PARSERS,
];
