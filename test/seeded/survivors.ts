// Why no trial has found a seeded bug so far, where somebody looked into it: what the trials lack. One that is found since is an error.
export const SURVIVORS: ReadonlyMap<string, string> = new Map([
  [
    "node.other-claim-first",
    "only a ledger that is older than a node's history brings such a claim, and B8 takes the person who puts it back for the culprit",
  ],
  ["workload.other-claim-first", "as node.other-claim-first"],
  [
    "node.boot-id-before-update",
    "a machine that boots by itself under a claim is one boot too many for B10, whoever reads its boot id when",
  ],
]);
