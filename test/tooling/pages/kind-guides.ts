// What a page of docs/kinds/ says before its tables, written by hand: what the kind is for, the smallest object that is valid, and what
// people get wrong. test/docs validates each example with the product's own validator.

export interface KindGuide {
  readonly purpose: string;
  readonly example: string;
  /** Why the example is enough, or what it means; one sentence. */
  readonly note: string;
  readonly mistakes: readonly string[];
}

const HEAD = (kind: string, name: string) =>
  `apiVersion: ringward.dev/v1alpha1\nkind: ${kind}\nmetadata: { name: ${name} }\n`;

/** By kind. Kinds that Ringward writes have none: nobody writes one. */
export const KIND_GUIDES: ReadonlyMap<string, KindGuide> = new Map([
  [
    "PatchBaseline",
    {
      purpose:
        "Write one for each operating system, and one for each group of images that move together. It changes nothing by itself: a ring has to name it and to be approved for its level.",
      example: `${HEAD("PatchBaseline", "debian-12")}spec:
  target: Node
  node:
    product: { id: debian, versionId: "12" }
    source: { snapshot: 20261120T000000Z }
    minimum:
      packages: [{ name: openssl, version: 3.0.17-1~deb12u3 }]
    recipeRef: { name: apt-debian }
`,
      note: "Versions of nodes are floors, images are exact.",
      mistakes: [
        "No `source`: the same level may then mean other bits next month; `validate` warns.",
        'A version without quotes that YAML reads as a number (`versionId: 22.10`): write `"22.10"`.',
        "`kernels` without a series or flavour that some nodes run: those are `KernelNotCovered`, not compliant.",
        "Two baselines for the same node: both are blocked with `BaselineConflict`.",
      ],
    },
  ],
  [
    "RolloutRing",
    {
      purpose:
        "Write one for each step of the rollout. Its entries in `levels` are the approvals; keep them last in the file, because a promotion changes these lines alone.",
      example: `${HEAD("RolloutRing", "canary")}spec:
  members:
    nodes: { selector: { matchLabels: { node-restriction.kubernetes.io/ring: canary } } }
  levels: [{ baseline: debian-12 }]
`,
      note: "An entry without a level is approved for nothing, and is where proposals go. One node at a time, no failure, 24 hours of soak are the defaults.",
      mistakes: [
        "Selectors that overlap: an asset in two rings is in none (`RingConflict`).",
        "`completion.onEmpty: Block`, the default, for a baseline that has no node in the ring: rings after it wait for ever.",
        "Waiting for workloads to be patched with `mode: Observe`, the default.",
        "`promotion: Automatic` in rings that should ask: it is meant for the first one.",
        "A baseline that the ring's file does not list: its first level there is a pull request in every ring, also with `promotion: Automatic`. Merging it lists the baseline.",
      ],
    },
  ],
  [
    "MaintenanceCalendar",
    {
      purpose:
        "Windows say when work may start, freezes when nothing may. A ring names calendars; of several the times that all leave open count.",
      example: `${HEAD("MaintenanceCalendar", "nights")}spec:
  timeZone: Europe/Berlin
  windows: [{ schedule: "0 22 * * 1-5", duration: 4h }]
`,
      note: "What has begun its update when the window ends finishes; what has not goes back.",
      mistakes: [
        "No `timeZone`: it is UTC.",
        "A window that is shorter than a drain and an update take: the ring starts and backs out each night.",
        "A freeze that should hold everywhere, without `scope: Cluster`: only rings that name the calendar know of it.",
      ],
    },
  ],
  [
    "PatchException",
    {
      purpose:
        "Who may stay behind, why, whose it is, and until when. Excepted assets do not hold up a ring, and are counted apart.",
      example: `${HEAD("PatchException", "worker-4")}spec:
  targets: { kind: Node, names: [worker-4] }
  owner: data-platform
  justification: the database on it moves next week
  expirationTime: 2026-12-24T00:00:00Z
`,
      note: "`baseline` and `components` make it narrower.",
      mistakes: [
        "Deleting the file to end it: it counts until its time, so that a deletion never starts work. Merge an earlier `expirationTime`.",
        "A workload's name without its namespace: it is `shop/web`.",
      ],
    },
  ],
  [
    "UpdateRecipe",
    {
      purpose:
        "How a node of a product is updated: one container for each step. What a container is told and must do is [the contract](../recipes.md); [some to copy](../../policies/README.md#recipes).",
      example: `${HEAD("UpdateRecipe", "reboot-only")}spec:
  match: { product: { id: debian } }
  strategy: RebootOnly
  steps:
    reboot:
      image: registry.example.com/busybox@sha256:0000000000000000000000000000000000000000000000000000000000000000
      command: [chroot, /host, systemctl, reboot]
      host: ReadWrite
      timeout: 10m
`,
      note: "Merging one is root on nodes, so it stands in a folder `recipes/` with owners of its own.",
      mistakes: [
        "An image that the cluster was not installed with: `JobRefused`; `validate --allow-recipe-image` finds it before.",
        "Expecting an edit to reach a rollout that is under way: steps are copied into the level, and an edit is a new level.",
        "Steps that cannot be repeated: after a crash a step may be started again.",
      ],
    },
  ],
  [
    "PolicyRepository",
    {
      purpose:
        "Where this cluster's policy comes from, and where its proposals go. One for each cluster. Whoever may write it may do what Ringward may, so it never comes from Git.",
      example: `${HEAD("PolicyRepository", "policy")}spec:
  url: https://git.example.com/platform/patch-policy.git
  clusterName: prod
  auth: { tokenFile: /run/secrets/ringward/forge/token }
`,
      note: "Without `forge` a proposal is a branch. To have it looked at now: `ringward reconcile`, or any new value of the annotation `ringward.dev/reconcile-requested-at`. `status.lastHandledReconcileAt` is the value that the last look had seen when it began, once that look has ended, well or badly; `ringward reconcile --wait` waits for it. Up to 256 characters stand there; a longer value is looked for, and never said to be handled.",
      mistakes: [
        "Credentials in the address: refused. They are files that are mounted.",
        "A second one: it is `Stalled` with `OneRepositoryOnly`.",
        "Force-pushing the branch: `HistoryRewritten`, until somebody sets `acknowledgedCommit`.",
      ],
    },
  ],
  [
    "DisruptionLedger",
    {
      purpose:
        "The brake and the cluster's limits, and in its status everything that holds budget. The controller makes it, in mode `Observe`; `ringward enforce`, `observe` and `stop` set the mode.",
      example: `${HEAD("DisruptionLedger", "cluster")}spec:
  mode: Observe
  limits: { nodes: 10%, nodesPerZone: 10%, workloads: 10% }
`,
      note: "Its name is `cluster`, and there is no other.",
      mistakes: [
        "Small fleets with percents: 10 % of 8 nodes is one.",
        "Wondering that nothing moves while limits are free: nodes that are NotReady or cordoned by anybody count, too.",
        "Editing `status.claims`: a claim is given up with `ringward release`.",
      ],
    },
  ],
]);
