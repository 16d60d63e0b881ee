// How an admission policy is written here: rules with a message each, over CEL that compares the old object with the new one. An object is
// compared by its keys, so a field that a later Kubernetes adds is held as well (B9). Every policy fails closed, and none asks anything
// but the request itself. Source: Kubernetes documentation, "Validating Admission Policy" (admissionregistration.k8s.io/v1).
import type { Resource } from "../../kube/resources.ts";
import { LABELS, type Manifest } from "../manifest.ts";

export interface Rule {
  /** CEL; true: allowed. */
  readonly expression: string;
  /** What a person reads in the refusal. */
  readonly message: string;
}

export interface Variable {
  readonly name: string;
  readonly expression: string;
}

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** What a policy looks at. */
export interface Target {
  readonly groups: readonly string[];
  readonly versions: readonly string[];
  readonly resources: readonly string[];
  readonly operations: readonly Operation[];
}

export interface PolicyInput {
  readonly name: string;
  readonly targets: readonly Target[];
  /** Only requests in this namespace. */
  readonly namespace?: string;
  /** Only requests for which all of these hold. */
  readonly when?: readonly Variable[];
  readonly variables?: readonly Variable[];
  readonly rules: readonly Rule[];
}

const API_VERSION = "admissionregistration.k8s.io/v1";

/** The policy and its binding, of the same name. */
export function admissionPolicy({
  name,
  targets,
  namespace,
  when,
  variables,
  rules,
}: PolicyInput): readonly Manifest[] {
  const metadata = { name, labels: LABELS };
  return [
    {
      apiVersion: API_VERSION,
      kind: "ValidatingAdmissionPolicy",
      metadata,
      spec: {
        failurePolicy: "Fail",
        matchConstraints: {
          matchPolicy: "Equivalent",
          namespaceSelector:
            namespace === undefined ? {} : { matchLabels: { "kubernetes.io/metadata.name": namespace } },
          objectSelector: {},
          resourceRules: targets.map(({ groups, versions, resources, operations }) => ({
            apiGroups: groups,
            apiVersions: versions,
            operations,
            resources,
            scope: "*",
          })),
        },
        ...(when === undefined ? {} : { matchConditions: when }),
        ...(variables === undefined ? {} : { variables }),
        validations: rules.map(({ expression, message }) => ({ expression, message, reason: "Forbidden" })),
      },
    },
    {
      apiVersion: API_VERSION,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata,
      spec: { policyName: name, validationActions: ["Deny"] },
    },
  ];
}

/** Some resources of one group and version, or a subresource of each. */
export function target(
  resources: readonly Resource[],
  operations: readonly Operation[],
  subresources: readonly string[] = [""],
): Target {
  return {
    groups: [...new Set(resources.map(({ group }) => group))],
    versions: [...new Set(resources.map(({ version }) => version))],
    resources: resources.flatMap(({ plural }) =>
      subresources.map((subresource) => (subresource === "" ? plural : `${plural}/${subresource}`)),
    ),
    operations,
  };
}

/** Only requests of this user. */
export function madeBy(account: string): Variable {
  return { name: "ours", expression: `request.userInfo.username == ${text(account)}` };
}

/** A CEL string. JSON's escapes are a part of CEL's. */
export function text(value: string): string {
  return JSON.stringify(value);
}

export function list(values: readonly string[]): string {
  return `[${values.map(text).join(", ")}]`;
}

/** A map that may not be there: `object.metadata.annotations` and the like. */
export function mapAt(path: string): string {
  const parts = path.split(".");
  return `${parts.map((part, index) => (index === 0 ? `dyn(${part})` : `?${part}`)).join(".")}.orValue({})`;
}

/** Both maps hold the same under every key but these. */
export function sameBut(now: string, before: string, except: readonly string[]): string {
  const [a, b] = [`dyn(${now})`, `dyn(${before})`];
  const free = except.length === 0 ? "" : `k in ${list(except)} || `;
  return `${a}.all(k, ${free}(k in ${b} && ${a}[k] == ${b}[k])) && ${b}.all(k, ${free}k in ${a})`;
}

/** A map has no other keys than these. */
export function onlyKeys(map: string, keys: readonly string[]): string {
  return `dyn(${map}).all(k, k in ${list(keys)})`;
}

/** Of metadata the API server itself moves these. */
const MOVED_BY_SERVER = ["generation", "managedFields", "resourceVersion"];

/** Metadata but for annotations is as it was: labels, owners, finalizers. */
export function sameMetadata(except: readonly string[] = ["annotations"]): string {
  return sameBut("object.metadata", "oldObject.metadata", [...except, ...MOVED_BY_SERVER]);
}

/** The annotations after and before, for `sameBut` and others. */
export const ANNOTATIONS: readonly Variable[] = [
  { name: "annotations", expression: mapAt("object.metadata.annotations") },
  { name: "before", expression: mapAt("oldObject.metadata.annotations") },
];
