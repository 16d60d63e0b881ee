// NodePatchState and WorkloadPatchState: what Ringward knows of one target and the operation under way on it.
// Steps and attempts stand here under the object's own resourceVersion, so that the ledger is written only twice per target.
import {
  AtomicList,
  BlockedBy,
  Conditions,
  type KindDefinition,
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

export const STATES = [
  "Failed",
  "InstalledRejected",
  "Missing",
  "InstalledPendingReboot",
  "Unknown",
  "Exempt",
  "Available",
  "InstalledOther",
  "Installed",
  "Rejected",
  "NotApplicable",
] as const;
/** Worst first: an asset's state is its worst component's. */
export type State = (typeof STATES)[number];

export const PHASES = ["NotOffered", "Offered", "InProgress", "Soaking", "Done", "Blocked"] as const;
export type Phase = (typeof PHASES)[number];

export const NODE_STEPS = [
  "Claimed",
  "Preparing",
  "Prepared",
  "Staging",
  "Staged",
  "Cordoned",
  "Drained",
  "Updating",
  "Updated",
  "Rebooting",
  "Rebooted",
  "Verified",
  "Uncordoned",
] as const;
/** The last state that an operation on a node reached, or (Preparing, Staging, Updating, Rebooting) the act whose intent is written. */
export type NodeStep = (typeof NODE_STEPS)[number];

export const WORKLOAD_STEPS = [
  "Claimed",
  "Patching",
  "Patched",
  "Progressed",
  "Verified",
  "RollingBack",
  "RolledBack",
] as const;
export type WorkloadStep = (typeof WORKLOAD_STEPS)[number];

const Failure = Type.Object(
  {
    reason: Text("One of docs/reasons.md.", 64),
    message: Text("For people.", 512),
    time: Timestamp("When."),
  },
  { description: "Why the operation failed; its claim is kept." },
);

const operationFields = {
  claimId: Text("The claim in the ledger.", 64),
  ring: ObjectName("RolloutRing."),
  baseline: ObjectName("PatchBaseline."),
  level: ObjectName("PatchLevel."),
  digest: Text("Full digest of the level.", 80),
  startedTime: Timestamp("When the operation was written down."),
  stepTime: Timestamp("When `step` was reached."),
  attempt: Type.Integer({
    minimum: 1,
    maximum: 1000,
    description: "Counts retries; part of job names.",
  }),
  failure: Type.Optional(Failure),
  retryTime: Type.Optional(Timestamp("When a person asked for another attempt (`ringward retry`).")),
  release: Type.Optional(
    Type.Object(
      { reason: Text("Why, in the person's words.", 256), time: Timestamp("When.") },
      { description: "A person gave the target up (`ringward release`)." },
    ),
  ),
};

export const NodeOperation = Type.Object(
  {
    ...operationFields,
    step: StringEnum(NODE_STEPS, "Where the operation stands."),
    bootId: Text("Boot id before the operation; a reboot is asked for only while it is the same.", 64),
    priorUnschedulable: Type.Optional(Type.Boolean({ description: "Whether somebody else had cordoned the node." })),
    rollback: Type.Optional(
      Type.Boolean({ description: "Goes back to an older level: the recipe's rollback step runs instead of update." }),
    ),
    priorMarks: Type.Optional(
      Text("The autoscalers' do-not-remove marks as they were before ours, as JSON; null: there was none.", 512),
    ),
    marked: Type.Optional(Type.Boolean({ description: "The claim's mark stands on the node." })),
    disrupt: Type.Optional(Type.Boolean({ description: "The node is (to be) drained in this operation." })),
    jobUID: Type.Optional(
      Text(
        "UID of the job of this step: made suspended before the step is written down, and the only one that is ever resumed.",
        64,
      ),
    ),
    noReboot: Type.Optional(
      Type.Boolean({ description: "A person uncordoned after the update: verify, do not reboot." }),
    ),
    looked: Type.Optional(
      Type.Boolean({ description: "The inventory is of a look that was taken in this step, whatever clocks say." }),
    ),
    rebootPending: Type.Optional(Type.Boolean({ description: "The update left a reboot to do." })),
    backOut: Type.Optional(
      Type.Object(
        {
          reason: Text("Why.", 64),
          message: Text("For people.", 512),
          time: Timestamp("Since when."),
        },
        { description: "Set while the operation is on its way back." },
      ),
    ),
  },
  { description: "The operation under way; absent: none." },
);
export type NodeOperation = Static<typeof NodeOperation>;

export const WorkloadOperation = Type.Object(
  {
    ...operationFields,
    step: StringEnum(WORKLOAD_STEPS, "Where the operation stands."),
    images: AtomicList(
      Type.Object({
        container: Text("Container.", 63),
        init: Type.Optional(Type.Boolean({ description: "An init container." })),
        from: Text("Before.", 512),
        to: Text("After.", 512),
      }),
      "What is changed.",
      32,
    ),
  },
  { description: "The operation under way; absent: none." },
);
export type WorkloadOperation = Static<typeof WorkloadOperation>;

const BaselineState = Type.Object({
  baseline: ObjectName("PatchBaseline."),
  ring: Type.Optional(ObjectName("RolloutRing.")),
  level: Type.Optional(ObjectName("Level that it was assessed against.")),
  state: StringEnum(STATES, "Worst component's."),
  phase: StringEnum(PHASES, "Where its rollout stands."),
  reason: Type.Optional(Text("Why, where the state does not say it.", 64)),
});

const stateFields = {
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
  targetUID: Type.Optional(Text("UID of the target that this speaks of.", 64)),
  ring: Type.Optional(Text("Ring.", 253)),
  state: Type.Optional(StringEnum(STATES, "Worst of all baselines.")),
  phase: Type.Optional(StringEnum(PHASES, "Summary.")),
  blockedBy: Type.Optional(BlockedBy),
  baselines: Type.Optional(MapList(BaselineState, ["baseline"], "State under each baseline.", 32)),
  verified: Type.Optional(
    MapList(
      Type.Object({
        baseline: ObjectName("PatchBaseline."),
        digest: Text("Level.", 80),
        time: Timestamp("When."),
      }),
      ["baseline", "digest"],
      "Levels that this target was verified at; a later loss is a regression.",
      64,
    ),
  ),
  contested: Type.Optional(
    MapList(
      Type.Object({
        baseline: ObjectName("PatchBaseline."),
        digest: Text("Level.", 80),
        time: Timestamp("When."),
      }),
      ["baseline", "digest"],
      "Levels that somebody else undid; not written twice.",
      64,
    ),
  ),
  attempted: Type.Optional(
    MapList(
      Type.Object({
        baseline: ObjectName("PatchBaseline."),
        digest: Text("Level.", 80),
        result: StringEnum(
          ["BackedOut", "NotAvailable", "RolledBack", "Released"] as const,
          "How the last attempt that is over ended, where that keeps it from starting again at once.",
        ),
        reason: Text("Why.", 64),
        message: Text("For people.", 512),
        time: Timestamp("When it ended."),
        notBefore: Type.Optional(Timestamp("No new attempt before.")),
      }),
      ["baseline"],
      "Last attempts that did not succeed.",
      32,
    ),
  ),
  history: Type.Optional(
    Type.Array(
      Type.Object({
        claimId: Text("Claim that it was done under.", 64),
        level: Text("Level.", 253),
        ring: Text("Ring.", 253),
        result: StringEnum(
          ["Succeeded", "BackedOut", "Failed", "RolledBack", "Released", "Vanished"] as const,
          "How it ended.",
        ),
        startedTime: Timestamp("Start."),
        finishedTime: Timestamp("End."),
        message: Type.Optional(Text("For people.", 512)),
      }),
      { maxItems: 10, description: "The last operations, newest last." },
    ),
  ),
};

export const NodeInventoryStatus = Type.Object(
  {
    time: Timestamp("When the node was looked at."),
    digest: Text("Digest of the whole report; tells change from no change.", 80),
    osId: Text("os-release ID.", 64),
    osVersionId: Text("os-release VERSION_ID.", 64),
    scheme: StringEnum(["dpkg", "rpm", "apk"] as const, "Order of package versions."),
    installedKernels: AtomicList(Text("Release.", 128), "Kernels that could be booted.", 32),
    rebootRequired: Type.Boolean({ description: "The system asks for a reboot." }),
    packages: MapList(
      Type.Object({
        name: Text("Package.", 128),
        version: Text("Installed version; empty: not installed.", 128),
      }),
      ["name"],
      "Only packages that a baseline names.",
      1024,
    ),
    offered: Type.Optional(
      MapList(
        Type.Object({ name: Text("Package.", 128), version: Text("Version on offer.", 128) }),
        ["name"],
        "What the node's package source offers (baselines that follow Offered, and levels' packages).",
        1024,
      ),
    ),
  },
  { description: "What an inventory job last saw, cut down to what baselines name." },
);
export type NodeInventoryStatus = Static<typeof NodeInventoryStatus>;

export const NodePatchStateStatus = Type.Object({
  ...stateFields,
  pendingReboot: Type.Optional(
    MapList(
      Type.Object({
        baseline: ObjectName("PatchBaseline."),
        digest: Text("Level.", 80),
        bootId: Text("Boot in which the update ended; another one ends the waiting, whatever it brings.", 64),
        time: Timestamp("When the operation ended."),
      }),
      ["baseline"],
      "Levels whose update ended and whose reboot a person kept from being made, where the node itself shows nothing of it before.",
      32,
    ),
  ),
  inventory: Type.Optional(NodeInventoryStatus),
  inventoryProblem: Type.Optional(
    Type.Object(
      {
        reason: Text("Why.", 64),
        message: Text("For people.", 512),
        time: Timestamp("When."),
      },
      { description: "Why there is no usable inventory." },
    ),
  ),
  operation: Type.Optional(NodeOperation),
});
export const WorkloadPatchStateStatus = Type.Object({
  ...stateFields,
  operation: Type.Optional(WorkloadOperation),
});

export const WorkloadPatchStateSpec = Type.Object({
  kind: Type.String({ maxLength: 63, description: "Deployment, StatefulSet or DaemonSet." }),
  name: Type.String({ maxLength: 253, description: "Name of the workload in this namespace." }),
});

export type NodePatchStateStatus = Static<typeof NodePatchStateStatus>;
export type NodePatchState = Resource<"NodePatchState", Record<string, never>, NodePatchStateStatus>;
export type WorkloadPatchStateStatus = Static<typeof WorkloadPatchStateStatus>;
export type WorkloadPatchState = Resource<
  "WorkloadPatchState",
  Static<typeof WorkloadPatchStateSpec>,
  WorkloadPatchStateStatus
>;

const columns = [
  { name: "Ring", type: "string", jsonPath: ".status.ring" },
  { name: "State", type: "string", jsonPath: ".status.state" },
  { name: "Phase", type: "string", jsonPath: ".status.phase" },
  { name: "Step", type: "string", jsonPath: ".status.operation.step" },
  { name: "Blocked", type: "string", jsonPath: ".status.blockedBy[0].reason" },
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
] as const;

export const nodePatchState: KindDefinition = {
  kind: "NodePatchState",
  plural: "nodepatchstates",
  singular: "nodepatchstate",
  shortNames: ["nps"],
  scope: "Cluster",
  authoredIn: "Observed",
  description:
    "A NodePatchState holds what Ringward knows of one node, by the node's name, and the operation under way on it.",
  status: NodePatchStateStatus,
  columns,
};

export const workloadPatchState: KindDefinition = {
  kind: "WorkloadPatchState",
  plural: "workloadpatchstates",
  singular: "workloadpatchstate",
  shortNames: ["wps"],
  scope: "Namespaced",
  authoredIn: "Observed",
  description:
    "A WorkloadPatchState holds what Ringward knows of one workload; it is owned by the workload and readable by its team.",
  spec: WorkloadPatchStateSpec,
  status: WorkloadPatchStateStatus,
  columns,
};
