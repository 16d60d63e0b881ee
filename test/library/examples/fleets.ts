// The clusters of the examples, as tables: what runs where, what Ringward has already done there, and the moments at which a plan is asked for.
import { POOLS, SITES } from "./clusters-by-kind.ts";
import { SINGLE, TEAMS } from "./clusters-by-order.ts";
import type { Example } from "./rows.ts";

export const EXAMPLES: readonly Example[] = [SINGLE, TEAMS, POOLS, SITES];
