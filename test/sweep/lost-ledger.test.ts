// The ledger is deleted, or restored from an older version, at steps of the whole rollout (B1-B3, B8 beside the others; DESIGN: "The ledger can be lost").
import { testSteps } from "./step-test.ts";
import { LEDGERS } from "./step-troubles.ts";

testSteps({ name: "a lost or old ledger", blows: LEDGERS, each: 3 });
