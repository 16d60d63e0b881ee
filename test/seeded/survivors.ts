// Why no trial has found a seeded bug so far, where somebody looked into it: what the trials lack. One that is found since is an error.
export const SURVIVORS: ReadonlyMap<string, string> = new Map([
  [
    "node.other-claim-first",
    "only a ledger that is older than a node's history brings such a claim, and B8 takes the person who puts it back for the culprit",
  ],
  ["workload.other-claim-first", "as node.other-claim-first"],
  [
    "node.released-is-over",
    "caches that are a quarter of a minute late do not plan what a person released in any scene",
  ],
  [
    "node.boot-id-before-update",
    "a machine that boots by itself under a claim is one boot too many for B10, whoever reads its boot id when",
  ],
  ["job.delete-as-read", "another leader would have to let a job run between our look and our delete"],
  ["back.ran-away", "another leader would have to let an update run between our look and our way back"],
  [
    "states.orphans-held",
    "the claim of a vanished node is settled in the same pass; a refused write of its ring is tried on one scene only",
  ],
]);
