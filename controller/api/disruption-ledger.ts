// DisruptionLedger: the one object (named `cluster`) that everything which holds budget stands in. `spec` is people's,
// `status.claims` is changed by compare-and-set before anything is touched (B1, B2, B3, B8).
import {
  Conditions,
  IntOrPercent,
  type KindDefinition,
  MapList,
  ObservedGeneration,
  type Resource,
  type Static,
  StringEnum,
  Text,
  Timestamp,
  Type,
} from "./schema.ts";

export const LEDGER_NAME = "cluster";
/** The ledger holds at most so many claims; then `LedgerFull`. */
export const MAX_CLAIMS = 500;

export const DisruptionLedgerSpec = Type.Object({
  mode: Type.Optional(
    StringEnum(
      ["Observe", "Enforce", "Stop"] as const,
      "`Observe`: assess, plan and propose, touch nothing. `Enforce`: act. `Stop`: start nothing and bring what is in flight to safety.",
      { default: "Observe" },
    ),
  ),
  limits: Type.Optional(
    Type.Object(
      {
        nodes: Type.Optional(
          IntOrPercent("Most nodes of the cluster that may be unavailable at once.", {
            default: "10%",
          }),
        ),
        workloads: Type.Optional(IntOrPercent("Most workloads in change at once.", { default: "10%" })),
        nodesPerZone: Type.Optional(
          IntOrPercent("Most nodes of one zone that may be unavailable at once.", {
            default: "25%",
          }),
        ),
        controlPlane: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: 1,
            default: 1,
            description: "Most control-plane nodes at once.",
          }),
        ),
      },
      {
        description: "Bind all rings. Percent is of the nodes at claim time, rounded down, at least 1 unless 0.",
      },
    ),
  ),
});

export const Claim = Type.Object({
  uid: Type.String({
    minLength: 1,
    maxLength: 64,
    description: "UID of the target: one claim for each.",
  }),
  id: Type.String({ minLength: 1, maxLength: 64, description: "Also stands on the target." }),
  kind: Type.String({ maxLength: 63, description: "Node, Deployment, StatefulSet or DaemonSet." }),
  namespace: Type.Optional(Type.String({ maxLength: 63, description: "Namespace of a workload." })),
  name: Type.String({ maxLength: 253, description: "Name of the target." }),
  cluster: Type.String({ maxLength: 63, description: "Name of the cluster." }),
  zone: Type.Optional(Type.String({ maxLength: 63, description: "Zone of a node, as it was at the claim." })),
  controlPlane: Type.Optional(Type.Boolean({ description: "A control-plane node." })),
  ring: Type.String({ maxLength: 253, description: "RolloutRing." }),
  baseline: Type.String({ maxLength: 253, description: "PatchBaseline." }),
  level: Type.String({ maxLength: 253, description: "PatchLevel." }),
  digest: Type.String({ maxLength: 80, description: "Full digest of the level." }),
  since: Timestamp("When it was claimed."),
});
export type Claim = Static<typeof Claim>;

export const DisruptionLedgerStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
  rebuiltTime: Type.Optional(
    Timestamp(
      "When the claims were last known to be complete. Absent in a new or restored-empty ledger: nothing is claimed until it is set.",
    ),
  ),
  claims: Type.Optional(MapList(Claim, ["uid"], "Everything that holds budget.", MAX_CLAIMS)),
  held: Type.Optional(
    Type.Object(
      {
        nodes: Type.Integer({ minimum: 0, description: "Nodes." }),
        workloads: Type.Integer({ minimum: 0, description: "Workloads." }),
      },
      { description: "Counts of claims." },
    ),
  ),
  note: Type.Optional(Text("For people.", 256)),
});

export type DisruptionLedgerSpec = Static<typeof DisruptionLedgerSpec>;
export type DisruptionLedgerStatus = Static<typeof DisruptionLedgerStatus>;
export type DisruptionLedger = Resource<"DisruptionLedger", DisruptionLedgerSpec, DisruptionLedgerStatus>;

export const disruptionLedger: KindDefinition = {
  kind: "DisruptionLedger",
  plural: "disruptionledgers",
  singular: "disruptionledger",
  shortNames: ["dledger"],
  scope: "Cluster",
  authoredIn: "Cluster",
  description:
    "The DisruptionLedger holds the cluster's limits, the brake, and every claim on its budget. There is exactly one, named cluster.",
  spec: DisruptionLedgerSpec,
  status: DisruptionLedgerStatus,
  validations: [
    {
      rule: "self.metadata.name == 'cluster'",
      message: "there is exactly one ledger, and its name is cluster",
    },
  ],
  columns: [
    { name: "Mode", type: "string", jsonPath: ".spec.mode" },
    { name: "Nodes", type: "integer", jsonPath: ".status.held.nodes" },
    { name: "Workloads", type: "integer", jsonPath: ".status.held.workloads" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
