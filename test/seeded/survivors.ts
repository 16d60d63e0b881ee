// Why no trial has found a seeded bug so far, where somebody looked into it: what the trials lack. One that is found since is an error.
export const SURVIVORS: ReadonlyMap<string, string> = new Map([
  [
    "node.other-claim-first",
    "only a ledger that is older than a node's history brings such a claim, and B8 takes the person who puts it back for the culprit",
  ],
  [
    "target.quorum",
    "an earlier hunt found it, when such a node was claimed and given back for ever; which change stands behind it now was not looked into",
  ],
  ["target.ready", "as target.quorum"],
  [
    "workload.put-back-old-plan",
    "found until a target's record was read again before its claim: no trial puts an image back between that look and the write",
  ],
  ["workload.other-claim-first", "as node.other-claim-first"],
  [
    "node.boot-id-before-update",
    "a machine that boots by itself under a claim is one boot too many for B10, whoever reads its boot id when",
  ],
]);
