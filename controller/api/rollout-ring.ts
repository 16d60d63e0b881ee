// RolloutRing: who is updated, in which order, how fast and on what proof, and last the levels that it is approved to run.
// `spec.levels` is the only thing that a promotion changes; its merge is the approval.
import {
  AtomicList,
  BlockedBy,
  Conditions,
  Duration,
  IntOrPercent,
  type KindDefinition,
  LabelSelector,
  MapList,
  ObjectName,
  ObservedGeneration,
  type Resource,
  type Static,
  StringEnum,
  Text,
  Timestamp,
  Type,
} from "./schema.ts";
import { Gate } from "./gate.ts";

export const Expedite = Type.Object(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: 256,
      description: "Why this cannot wait; shown wherever the level is.",
    }),
    until: Timestamp("When this stops to hold."),
    skip: AtomicList(
      StringEnum(["Deferral", "Soak", "Windows", "Freezes"] as const, "What need not be waited for."),
      "What is skipped. Budgets, PodDisruptionBudgets, gates, skew and verification never are.",
      4,
      { minItems: 1 },
    ),
  },
  { description: "The emergency lane, for this level on this ring only." },
);
export type Expedite = Static<typeof Expedite>;

export const LevelEntry = Type.Object(
  {
    baseline: ObjectName("PatchBaseline."),
    level: Type.Optional(ObjectName("PatchLevel that this ring is approved to run; left out: none yet.")),
    enforce: Type.Optional(
      StringEnum(
        ["Floor", "Exact"] as const,
        "`Floor`: what is above is fine. `Exact`: what is above goes back where it can. Images are always exact.",
        { default: "Floor" },
      ),
    ),
    maxTargets: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100_000,
        description: "The approval covers at most so many targets (ScopeGrew beyond).",
      }),
    ),
    expedite: Type.Optional(Expedite),
  },
  { description: "One baseline's approved level." },
);
export type LevelEntry = Static<typeof LevelEntry>;

export const DrainPolicy = Type.Object(
  {
    timeout: Type.Optional(Duration("How long a drain may take.", { default: "15m" })),
    onTimeout: Type.Optional(
      StringEnum(
        ["BackOut", "Hold"] as const,
        "`BackOut`: undo the cordon and try again later. `Hold`: keep waiting, cordoned.",
        { default: "BackOut" },
      ),
    ),
    barePods: Type.Optional(
      StringEnum(["Block", "Evict"] as const, "Pods without a controller, which nothing brings back.", {
        default: "Block",
      }),
    ),
    emptyDir: Type.Optional(
      StringEnum(["Block", "Evict"] as const, "Pods with emptyDir volumes, whose data is lost.", {
        default: "Evict",
      }),
    ),
    localVolumes: Type.Optional(
      StringEnum(
        ["Block", "Evict"] as const,
        "Pods with hostPath volumes or local PersistentVolumes. The data stays on the node; a pod that a local volume pins waits until the node is back.",
        { default: "Evict" },
      ),
    ),
    volumes: Type.Optional(
      StringEnum(
        ["Wait", "Ignore"] as const,
        "`Wait`: the update starts when the volumes of the pods that left are detached.",
        { default: "Wait" },
      ),
    ),
    pods: Type.Optional(
      AtomicList(
        Type.Object(
          {
            selector: LabelSelector("Pods that this rule is about."),
            namespaces: Type.Optional(
              AtomicList(ObjectName("Namespace."), "Only in these namespaces; left out: in all.", 64, { minItems: 1 }),
            ),
            behavior: StringEnum(
              ["Evict", "Leave", "WaitCompleted"] as const,
              "`Evict`: also where the pod asks not to be, or another field here says Block. `Leave`: it stays on the node, and dies with a reboot. `WaitCompleted`: it is left to end by itself, within the timeout.",
            ),
          },
          { description: "What is done with some pods." },
        ),
        'Rules for single pods; the first that names a pod counts. A pod that no rule names and that asks not to be evicted (`karpenter.sh/do-not-disrupt: "true"`, `cluster-autoscaler.kubernetes.io/safe-to-evict: "false"`) blocks the drain; the label `cluster.x-k8s.io/drain` with `skip` or `wait-completed` means Leave or WaitCompleted. DaemonSet, static and completed pods always stay.',
        16,
      ),
    ),
  },
  {
    description:
      "How nodes of this ring are drained: by eviction, lowest priority first; pods of system-cluster-critical and above go when all others are gone.",
  },
);
export type DrainPolicy = Static<typeof DrainPolicy>;

export const RolloutRingSpec = Type.Object({
  after: Type.Optional(
    AtomicList(ObjectName("Ring."), "Rings that must have soaked a level before this one may start it.", 16),
  ),
  members: Type.Object(
    {
      nodes: Type.Optional(
        Type.Object(
          {
            selector: LabelSelector("Nodes of this ring."),
            percent: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: 100,
                description:
                  "Share of the selected nodes, by a stable hash of the node's UID. Rings with the same selector divide it among them in ring order.",
              }),
            ),
          },
          { description: "Nodes of this ring." },
        ),
      ),
      workloads: Type.Optional(
        Type.Object(
          {
            selector: LabelSelector("Workloads of this ring."),
            mode: Type.Optional(
              StringEnum(["Observe", "Patch"] as const, "`Patch`: Ringward may set images in the live object.", {
                default: "Observe",
              }),
            ),
          },
          { description: "Workloads of this ring." },
        ),
      ),
    },
    { description: "Who belongs to this ring.", minProperties: 1 },
  ),
  budget: Type.Optional(
    Type.Object(
      {
        nodes: Type.Optional(IntOrPercent("Most nodes of this ring that may be unavailable at once.", { default: 1 })),
        workloads: Type.Optional(IntOrPercent("Most workloads of this ring in change at once.", { default: 1 })),
        nodesPerZone: Type.Optional(
          IntOrPercent("Most nodes of this ring that may be unavailable at once in one zone."),
        ),
        maxFailures: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: 100_000,
            default: 0,
            description: "More failed targets than this halt the ring.",
          }),
        ),
      },
      { description: "Tightens the cluster's limits; never widens them." },
    ),
  ),
  completion: Type.Optional(
    Type.Object(
      {
        minPercent: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 100,
            default: 100,
            description: "Least share of targets that must be verified.",
          }),
        ),
        onEmpty: Type.Optional(
          StringEnum(["Block", "Pass"] as const, "Whether a ring without targets lets a level through.", {
            default: "Block",
          }),
        ),
      },
      { description: "When the ring has completed a level." },
    ),
  ),
  soak: Type.Optional(
    Duration("How long the ring must be observed healthy, after completion, before the next ring may start.", {
      default: "24h",
    }),
  ),
  deferral: Type.Optional(Duration("Least age of a level, counted from its newest input.", { default: "0s" })),
  deadline: Type.Optional(Duration("How long after the offer targets should be done.")),
  onDeadline: Type.Optional(
    StringEnum(["Nothing", "IgnoreWindows"] as const, "What the deadline changes. It never opens a freeze.", {
      default: "Nothing",
    }),
  ),
  gracePeriod: Type.Optional(
    Duration("Least time between a target's joining (or pending reboot) and a forced start.", {
      default: "0s",
    }),
  ),
  gates: Type.Optional(MapList(Gate, ["name"], "Health that must hold.", 8)),
  calendarRefs: Type.Optional(
    AtomicList(
      Type.Object({ name: ObjectName("MaintenanceCalendar.") }),
      "Calendars whose windows and freezes hold here.",
      8,
    ),
  ),
  drain: Type.Optional(DrainPolicy),
  cordonedNodes: Type.Optional(
    StringEnum(["Skip", "Update"] as const, "Nodes that somebody else cordoned.", {
      default: "Skip",
    }),
  ),
  promotion: Type.Optional(
    StringEnum(
      ["PullRequest", "Automatic"] as const,
      "`Automatic`: Ringward itself writes the entry to the tracked branch.",
      { default: "PullRequest" },
    ),
  ),
  onSupersede: Type.Optional(
    StringEnum(["FinishThenNext", "Restart"] as const, "What a newer candidate does to a level under way.", {
      default: "FinishThenNext",
    }),
  ),
  onFailure: Type.Optional(
    StringEnum(["Halt", "RollBackTarget"] as const, "What happens to a target that failed.", {
      default: "Halt",
    }),
  ),
  suspend: Type.Optional(
    Type.Boolean({ description: "No new claims; what is in flight ends safely.", default: false }),
  ),
  levels: Type.Optional(
    MapList(
      LevelEntry,
      ["baseline"],
      "What this ring is approved to run: what a promotion changes. Keep it last in the file.",
      128,
    ),
  ),
});

export const RingApproval = Type.Object(
  {
    pullRequest: Type.Integer({ minimum: 1, description: "Number of the pull request." }),
    mergedBy: Text("Who merged it.", 100),
    byRingward: Type.Optional(
      Type.Boolean({ description: "True where Ringward merged it itself (promotion: Automatic)." }),
    ),
    approvedBy: Type.Optional(
      AtomicList(Text("Login.", 100), "Whose last review approved, as of the merge's first look.", 16),
    ),
    commit: Type.Optional(Text("Commit that the merge made.", 64)),
    mergedTime: Type.Optional(Timestamp("When.")),
  },
  {
    description:
      "Who approved this level for this ring, as the forge tells it. For the record: what the branch says decides.",
  },
);
export type RingApproval = Static<typeof RingApproval>;

export const RingLevelStatus = Type.Object({
  baseline: ObjectName("PatchBaseline."),
  level: ObjectName("PatchLevel."),
  digest: Text("Full digest.", 80),
  offeredTime: Type.Optional(Timestamp("When targets were first allowed to start, but for windows and budgets.")),
  startedTime: Type.Optional(Timestamp("First claim.")),
  completedTime: Type.Optional(Timestamp("When it last became complete; absent while it is not.")),
  soakedSeconds: Type.Optional(Type.Integer({ minimum: 0, description: "Observed healthy time since completion." })),
  soakedTime: Type.Optional(Timestamp("When the soak was served in full; the next rings may have it from then on.")),
  withdrawnTime: Type.Optional(Timestamp("When the approval was taken back.")),
  approval: Type.Optional(RingApproval),
  lost: Type.Optional(
    AtomicList(
      Text("UID.", 64),
      "UIDs of targets whose failure outlives their claim (vanished after the cordon, or rolled back): failures for ever.",
      500,
    ),
  ),
  failed: Type.Optional(Type.Integer({ minimum: 0, description: "Targets that failed, lost ones included." })),
  targets: Type.Optional(Type.Integer({ minimum: 0, description: "In scope." })),
  done: Type.Optional(Type.Integer({ minimum: 0, description: "Verified." })),
  inFlight: Type.Optional(Type.Integer({ minimum: 0, description: "In change now." })),
  phase: Type.Optional(
    StringEnum(["NotOffered", "Offered", "InProgress", "Soaking", "Done", "Blocked"] as const, "Summary."),
  ),
});
export type RingLevelStatus = Static<typeof RingLevelStatus>;

export const GATE_STATES = ["Open", "Holding", "Shut"] as const;

export const GateStatus = Type.Object({
  name: Text("Gate.", 63),
  digest: Text("Of the gate as it was observed; an edited one has held for no time.", 12),
  state: StringEnum(GATE_STATES, "`Holding`: what was asked for holds, and not yet for as long as the gate says."),
  heldSeconds: Type.Optional(
    Type.Integer({ minimum: 0, description: "How long it was observed to hold, at most as long as it has to." }),
  ),
  reason: Type.Optional(StringEnum(["GateShut", "GateUnknown"] as const, "Why it is not open.")),
  message: Type.Optional(Text("For people, as of when it was shut.", 512)),
});
export type GateStatus = Static<typeof GateStatus>;

export const RingRejection = Type.Object({
  baseline: ObjectName("PatchBaseline."),
  level: ObjectName("PatchLevel that was refused for this ring."),
  digest: Text("Full digest.", 80),
  pullRequest: Type.Integer({ minimum: 1, description: "Number of the pull request that was closed without merging." }),
  by: Type.Optional(Text("Who closed it.", 100)),
  time: Type.Optional(Timestamp("When.")),
  why: Type.Optional(Text("What was said last there, in a person's words.", 256)),
});
export type RingRejection = Static<typeof RingRejection>;

export const ManifestRejection = Type.Object({
  baseline: ObjectName("PatchBaseline."),
  level: ObjectName("PatchLevel that these manifests should have got."),
  digest: Text("Full digest.", 80),
  repository: Type.Optional(
    Text("Entry of `PolicyRepository.spec.manifestRepositories`; absent: the policy repository.", 63),
  ),
  path: Text('File or folder; "": the root.', 512),
  pullRequest: Type.Integer({
    minimum: 1,
    description: "Number of the pull request that was closed without merging, in that repository.",
  }),
  by: Type.Optional(Text("Who closed it.", 100)),
  time: Type.Optional(Timestamp("When.")),
  why: Type.Optional(Text("What was said last there, in a person's words.", 256)),
});
export type ManifestRejection = Static<typeof ManifestRejection>;

export const MemberChange = Type.Object({
  kind: Text("`Node`, `Deployment` …", 63),
  namespace: Type.Optional(Text("Of a workload.", 63)),
  name: Text("Name.", 253),
  uid: Text("UID.", 64),
  time: Timestamp("When it was noticed."),
});
export type MemberChange = Static<typeof MemberChange>;

export const NotifiedRecord = Type.Object({
  id: Text("Of the notification, as its receiver saw it.", 64),
  destination: Text("Name of the destination.", 63),
  time: Timestamp("When that happened which it tells."),
});
export type NotifiedRecord = Static<typeof NotifiedRecord>;

export const RolloutRingStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  observedCommit: Type.Optional(Text("Commit whose ring entry was read.", 64)),
  conditions: Type.Optional(Conditions),
  phase: Type.Optional(Text("Summary of all levels.", 32)),
  blockedBy: Type.Optional(BlockedBy),
  members: Type.Optional(
    Type.Object(
      {
        nodes: Type.Integer({ minimum: 0, description: "Nodes." }),
        workloads: Type.Integer({ minimum: 0, description: "Workloads." }),
      },
      { description: "How many belong to the ring." },
    ),
  ),
  joined: Type.Optional(
    AtomicList(MemberChange, "Who came since a level was first offered here; the newest, told in proposals.", 64),
  ),
  left: Type.Optional(AtomicList(MemberChange, "Who went, likewise.", 64)),
  gates: Type.Optional(
    MapList(GateStatus, ["name"], "Gates that ask Prometheus, Alertmanager or for objects, as last seen.", 8),
  ),
  compliant: Type.Optional(
    Type.Integer({
      minimum: 0,
      description:
        "Of the assets, compliant: at what this ring is approved for. What waits for an approval (Available) counts.",
    }),
  ),
  assets: Type.Optional(Type.Integer({ minimum: 0, description: "Members that a baseline is about." })),
  compliantPercent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: "Rounded down." })),
  levels: Type.Optional(
    MapList(
      RingLevelStatus,
      ["baseline", "digest"],
      "Every level that this ring has been approved for, newest approvals last.",
      256,
    ),
  ),
  rejections: Type.Optional(
    MapList(
      RingRejection,
      ["baseline", "digest"],
      "Levels that a person refused for this ring by closing their pull request. Not proposed again until the level changes or a person asks.",
      64,
    ),
  ),
  manifestRejections: Type.Optional(
    AtomicList(
      ManifestRejection,
      "Changes of manifests that a person refused by closing their pull request. Not proposed again until the level changes or a person asks.",
      64,
    ),
  ),
  notified: Type.Optional(
    MapList(
      NotifiedRecord,
      ["destination", "id"],
      "What was told of this ring elsewhere (docs/notifications.md), newest last: nothing is told twice.",
      64,
    ),
  ),
});

export type RolloutRingSpec = Static<typeof RolloutRingSpec>;
export type RolloutRingStatus = Static<typeof RolloutRingStatus>;
export type RolloutRing = Resource<"RolloutRing", RolloutRingSpec, RolloutRingStatus>;

export const rolloutRing: KindDefinition = {
  kind: "RolloutRing",
  plural: "rolloutrings",
  singular: "rolloutring",
  shortNames: ["ring"],
  scope: "Cluster",
  authoredIn: "Policy",
  description:
    "A RolloutRing says who is updated, in which order, how fast and on what proof, and which levels it is approved to run.",
  spec: RolloutRingSpec,
  status: RolloutRingStatus,
  validations: [
    {
      rule: "!has(self.spec.after) || !self.spec.after.exists(r, r == self.metadata.name)",
      message: "a ring cannot come after itself",
    },
  ],
  columns: [
    { name: "Phase", type: "string", jsonPath: ".status.phase" },
    { name: "Nodes", type: "integer", jsonPath: ".status.members.nodes" },
    { name: "Workloads", type: "integer", jsonPath: ".status.members.workloads" },
    { name: "Compliant%", type: "integer", jsonPath: ".status.compliantPercent" },
    { name: "Blocked", type: "string", jsonPath: ".status.blockedBy[0].reason" },
    { name: "Suspended", type: "boolean", jsonPath: ".spec.suspend", priority: 1 },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
