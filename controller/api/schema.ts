// The few schema building blocks that Kubernetes' structural schemas allow, on top of TypeBox. One source for
// TypeScript types, the ajv validators of files, and the CRDs. Everything is bounded, because the API server estimates
// the cost of CEL rules from the bounds.
import { Type, type Static, type TSchema } from "typebox";

export { Type, type Static, type TSchema };

/** A CEL rule as `x-kubernetes-validations` has it. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

/** Options that carry Kubernetes' extensions beside JSON schema's. */
export function rules(...list: readonly CelRule[]): {
  "x-kubernetes-validations": readonly CelRule[];
} {
  return { "x-kubernetes-validations": list };
}

/** One of a fixed set of CamelCase words (Kubernetes API conventions: constants). */
export function StringEnum<const T extends readonly string[]>(values: T, description: string, options: object = {}) {
  return Type.Unsafe<T[number]>({ type: "string", enum: [...values], description, ...options });
}

/** String to string map of at most `maxProperties` entries. */
export function StringMap(description: string, maxProperties = 64, options: object = {}) {
  return Type.Unsafe<Record<string, string>>({
    type: "object",
    description,
    maxProperties,
    additionalProperties: { type: "string", maxLength: 256 },
    ...options,
  });
}

/** A number, or a percentage such as `10%` (k8s intstr). Percentages over 100 are refused. */
export function IntOrPercent(description: string, options: object = {}) {
  return Type.Unsafe<number | string>({
    description,
    "x-kubernetes-int-or-string": true,
    anyOf: [{ type: "integer" }, { type: "string" }],
    pattern: "^(100|[1-9]?[0-9])%$",
    minimum: 0,
    ...options,
  });
}

/** `45s`, `90m`, `36h` or `7d`: one whole number and one unit. */
export function Duration(description: string, options: object = {}) {
  return Type.String({
    description: `${description} A duration: \`45s\`, \`90m\`, \`36h\` or \`7d\`.`,
    pattern: "^[1-9][0-9]{0,5}[smhd]$|^0s$",
    maxLength: 8,
    ...options,
  });
}

/** RFC 3339, for example `2026-11-21T17:50:00Z`. */
export function Timestamp(description: string) {
  return Type.String({ description, format: "date-time", maxLength: 40 });
}

/** A metadata.name of another object (RFC 1123 subdomain). */
export function ObjectName(description: string) {
  return Type.String({
    description,
    minLength: 1,
    maxLength: 253,
    pattern: "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
  });
}

/** Free text of at most `maxLength` characters. */
export function Text(description: string, maxLength = 256) {
  return Type.String({ description, maxLength });
}

/** A list that server-side apply merges by the named keys. */
export function MapList<T extends TSchema>(
  item: T,
  keys: readonly string[],
  description: string,
  maxItems: number,
  options: object = {},
) {
  return Type.Array(item, {
    description,
    maxItems,
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": [...keys],
    ...options,
  });
}

/** A list that is replaced as a whole. */
export function AtomicList<T extends TSchema>(item: T, description: string, maxItems: number, options: object = {}) {
  return Type.Array(item, {
    description,
    maxItems,
    "x-kubernetes-list-type": "atomic",
    ...options,
  });
}

/** metav1.LabelSelector: every given term must hold; an empty selector is refused, because "everything" should be said on purpose. */
export function LabelSelector(description: string) {
  return Type.Object(
    {
      matchLabels: Type.Optional(
        StringMap("Labels that must be present with exactly these values.", 16, { minProperties: 1 }),
      ),
      matchExpressions: Type.Optional(
        AtomicList(
          Type.Object(
            {
              key: Type.String({ minLength: 1, maxLength: 317, description: "Label key." }),
              operator: StringEnum(["In", "NotIn", "Exists", "DoesNotExist"] as const, "How `values` are compared."),
              values: Type.Optional(AtomicList(Type.String({ maxLength: 63 }), "Values for In and NotIn.", 32)),
            },
            rules({
              rule: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
              message: "In and NotIn need values, Exists and DoesNotExist take none",
            }),
          ),
          "Set-based requirements.",
          16,
          { minItems: 1 },
        ),
      ),
    },
    { description, minProperties: 1 },
  );
}
export type LabelSelector = Static<ReturnType<typeof LabelSelector>>;

/** kstatus-exact conditions (API conventions, "Typical status properties"). */
export const Conditions = MapList(
  Type.Object({
    type: Type.String({ maxLength: 64, description: "Ready, Reconciling or Stalled." }),
    status: StringEnum(["True", "False", "Unknown"] as const, "Whether it holds."),
    reason: Type.String({ maxLength: 64, description: "One of docs/reasons.md." }),
    message: Type.String({ maxLength: 1024, description: "For people." }),
    lastTransitionTime: Timestamp("When `status` last changed."),
    observedGeneration: Type.Optional(
      Type.Integer({ minimum: 0, description: "Generation that this condition speaks of." }),
    ),
  }),
  ["type"],
  "Ready, Reconciling and Stalled, as kstatus reads them.",
  8,
);
export type Condition = Static<typeof Conditions>[number];

/** As `metadata.generation` counts (API conventions, "Typical status properties"). */
export const ObservedGeneration = Type.Integer({ minimum: 0, description: "Generation that this status speaks of." });

/** Why something is not moving, in one line, and since when. */
export const BlockedBy = AtomicList(
  Type.Object({
    reason: Type.String({ maxLength: 64, description: "One of docs/reasons.md." }),
    message: Type.String({
      maxLength: 512,
      description: "For people: which window, budget, pod or proposal.",
    }),
    since: Type.Optional(Timestamp("When it was first seen.")),
  }),
  "What keeps it from moving, most decisive first.",
  16,
);

/** A column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date" | "boolean";
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** Everything that makes a CRD beside the schemas. */
export interface KindDefinition {
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly scope: "Cluster" | "Namespaced";
  /** `Policy`: may stand in a policy repository. `Cluster`: only with kubectl or the chart. `Observed`: written by Ringward. `Level`: written by Ringward into Git. */
  readonly authoredIn: "Policy" | "Cluster" | "Level" | "Observed";
  readonly description: string;
  readonly spec?: TSchema;
  readonly status?: TSchema;
  /** CEL rules on the whole object. */
  readonly validations?: readonly CelRule[];
  readonly columns: readonly PrinterColumn[];
}

export const GROUP = "ringward.dev";
export const VERSION = "v1alpha1";
export const API_VERSION = `${GROUP}/${VERSION}`;

/** The part of metadata that files and objects share. */
export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
}

/** An object of one of Ringward's kinds. */
export interface Resource<Kind extends string, Spec, Status = never> {
  apiVersion: typeof API_VERSION;
  kind: Kind;
  metadata: Metadata;
  spec: Spec;
  status?: Status;
}
