// Why no trial has found a seeded bug so far, where somebody looked into it: what the trials lack. One that is found since is an error.
export const SURVIVORS: ReadonlyMap<string, string> = new Map([
  ["target.rolled-back", "the scene of workloads ends before a rollout that was rolled back could be tried again"],
  ["known.inventory-age", "no scene has a node whose inventory grows old and that cannot be looked at again"],
  ["known.heard", "no scene has a kubelet that falls silent and whose node then would have to count as unknown"],
  ["known.package-not-asked", "no scene has a package that a stored inventory was not asked for"],
  ["known.reboot-required", "no scene has a node that waits for a reboot that nobody may give it"],
  [
    "node.other-claim-first",
    "only a ledger that is older than a node's history brings such a claim, and B8 takes the person who puts it back for the culprit",
  ],
  ["workload.other-claim-first", "as node.other-claim-first"],
  [
    "node.released-is-over",
    "caches that are a quarter of a minute late do not plan what a person released in any scene",
  ],
  ["node.refused-job", "no scene has a cluster that takes a job in the rehearsal and refuses it after that"],
  [
    "node.boot-id-before-update",
    "a machine that boots by itself under a claim is one boot too many for B10, whoever reads its boot id when",
  ],
  ["recover.ready", "in the sandbox a node that is not Ready renews no Lease either, so nobody takes it for well"],
  ["reboot.boot-id", "in the sandbox a host that goes down ends the pod of its own reboot before that has ended well"],
  ["verify.inventory-failed", "the sandbox's inventory step never fails"],
  ["node.report-read", "the sandbox's inventory step never prints what cannot be read; test/fuzz holds the reader"],
  [
    "evict.pause",
    "runs do not keep what their requests were answered, so nothing counts refused ones; test/nodes/evict.test.ts does",
  ],
  ["job.delete-as-read", "another leader would have to let a job run between our look and our delete"],
  ["back.ran-away", "another leader would have to let an update run between our look and our way back"],
  ["drain.kubelet-minor", "no scene changes a kubelet's minor without a reboot"],
  [
    "states.orphans-held",
    "the claim of a vanished node is settled in the same pass; a refused write of its ring is tried on one scene only",
  ],
  [
    "promotion.brakes",
    "the promoter writes nothing while the head is not what was fetched; only a repository that is stale and can be written to is left",
  ],
  [
    "promotion.forge-down",
    "in the one scene of it no proposal is written without a list either; nobody has found out yet what stands behind",
  ],
  [
    "recover.prior-anew",
    "the next attempt's mark is written with the schedulability as it is then; only a person who cordons again in between would show it",
  ],
]);
