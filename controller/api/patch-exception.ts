// PatchException: an owned deviation that ends by the clock. Deleting its file does not end it early (DESIGN, "What makes it safe").
import {
  AtomicList,
  Conditions,
  type KindDefinition,
  LabelSelector,
  ObjectName,
  ObservedGeneration,
  type Resource,
  rules,
  type Static,
  StringEnum,
  Text,
  Timestamp,
  Type,
} from "./schema.ts";

export const PatchExceptionSpec = Type.Object({
  targets: Type.Object(
    {
      kind: StringEnum(["Node", "Workload"] as const, "Nodes or workloads."),
      selector: Type.Optional(LabelSelector("By label.")),
      names: Type.Optional(
        AtomicList(Type.String({ minLength: 1, maxLength: 317 }), "By name; a workload as `namespace/name`.", 256),
      ),
    },
    {
      description: "Who is excepted.",
      ...rules({
        rule: "has(self.selector) || has(self.names)",
        message: "selector or names is required",
      }),
    },
  ),
  baseline: Type.Optional(ObjectName("Only under this PatchBaseline; left out: any.")),
  components: Type.Optional(
    AtomicList(
      Type.String({ minLength: 1, maxLength: 255 }),
      "Components, as `plan` names them (`kernel`, `kubelet`, `package:openssl`, `image:registry.example.com/shop/web`); left out: all.",
      64,
    ),
  ),
  owner: Type.String({ minLength: 1, maxLength: 128, description: "Who answers for it." }),
  justification: Type.String({ minLength: 1, maxLength: 1024, description: "Why." }),
  expirationTime: Timestamp("When it ends. Mandatory."),
});

export const PatchExceptionStatus = Type.Object({
  observedGeneration: Type.Optional(ObservedGeneration),
  conditions: Type.Optional(Conditions),
  note: Type.Optional(Text("For people: whether it still counts.", 256)),
});

export type PatchExceptionSpec = Static<typeof PatchExceptionSpec>;
export type PatchException = Resource<"PatchException", PatchExceptionSpec, Static<typeof PatchExceptionStatus>>;

export const patchException: KindDefinition = {
  kind: "PatchException",
  plural: "patchexceptions",
  singular: "patchexception",
  shortNames: ["pexc"],
  scope: "Cluster",
  authoredIn: "Policy",
  description: "A PatchException is an owned deviation from a baseline that ends at a given time.",
  spec: PatchExceptionSpec,
  status: PatchExceptionStatus,
  columns: [
    { name: "Owner", type: "string", jsonPath: ".spec.owner" },
    { name: "Expires", type: "string", jsonPath: ".spec.expirationTime" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
  ],
};
