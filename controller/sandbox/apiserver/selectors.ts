// Label and field selectors with Kubernetes' grammar (apimachinery labels/selector.go, fields/selector.go) and its words
// for what it cannot read.
import { isObject } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { keyComplaints, valueComplaints } from "./names.ts";
import type { Resource } from "./resources.ts";
import { badRequest } from "./status.ts";

export type Matcher = (object: JsonObject) => boolean;

type Operator = "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";
interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

/** A test over labels for a label selector string; throws 400 for what cannot be read. */
export function parseLabelSelector(text: string): (labels: JsonObject) => boolean {
  const requirements = readRequirements(text);
  return (labels) => requirements.every((requirement) => matchesRequirement(requirement, labels));
}

function matchesRequirement(requirement: Requirement, labels: JsonObject): boolean {
  const value = labels[requirement.key];
  const present = typeof value === "string";
  switch (requirement.operator) {
    case "exists":
      return present;
    case "!":
      return !present;
    case "=":
    case "in":
      return present && requirement.values.includes(value);
    case "!=":
    case "notin":
      return !present || !requirement.values.includes(value);
    case ">":
      return present && Number(value) > Number(requirement.values[0]);
    case "<":
      return present && Number(value) < Number(requirement.values[0]);
  }
}

function tokens(text: string): string[] {
  return text.match(/[(),]|!=|==|=|!|>|<|[^\s(),!=<>]+/gu) ?? [];
}

const LITERAL = /^[^(),!=<>]+$/u;

/** Values must be label values, and numbers where they are compared as such. */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement;
  const refuse = (at: string, value: string, why: string): Error =>
    badRequest(`unable to parse requirement: ${at}: Invalid value: ${JSON.stringify(value)}: ${why}`);
  values.forEach((value, index) => {
    if ((operator === ">" || operator === "<") && !/^-?\d+$/u.test(value))
      throw refuse(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer");
    const complaints = valueComplaints(value);
    if (complaints.length > 0) throw refuse(`values[${index}][${key}]`, value, complaints.join("; "));
  });
  return requirement;
}

function readRequirements(text: string): readonly Requirement[] {
  const input = tokens(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const found = (expected: string): string => `found '${input[at] ?? ""}', expected: ${expected}`;
  const fail = (expected: string): Error => badRequest(`unable to parse requirement: ${found(expected)}`);
  const readKey = (): string => {
    const key = input[at];
    if (key === undefined || !LITERAL.test(key)) throw fail("identifier");
    const complaints = keyComplaints(key);
    if (complaints.length > 0)
      throw badRequest(
        `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${complaints.join("; ")}`,
      );
    at++;
    return key;
  };
  while (at < input.length) {
    if (input[at] !== "!" && !LITERAL.test(input[at] ?? ""))
      throw badRequest(found("!, identifier, or 'end of string'"));
    if (input[at] === "!") {
      at++;
      requirements.push({ key: readKey(), operator: "!", values: [] });
    } else {
      const key = readKey();
      requirements.push(readComparison(key));
    }
    if (at >= input.length) break;
    if (input[at] !== ",") throw badRequest(found("',' or 'end of string'"));
    at++;
    if (input[at] !== "!" && !LITERAL.test(input[at] ?? "")) throw badRequest(found("identifier after ','"));
  }
  return requirements;

  function readComparison(key: string): Requirement {
    const operator = input[at];
    if (operator === undefined || operator === ",") return { key, operator: "exists", values: [] };
    at++;
    if (operator === "in" || operator === "notin") return checked({ key, operator, values: readValues() });
    if (operator === "=" || operator === "==" || operator === "!=" || operator === ">" || operator === "<") {
      const value = input[at];
      const single = value !== undefined && LITERAL.test(value) ? value : "";
      if (single !== "") at++;
      return checked({ key, operator: operator === "==" ? "=" : operator, values: [single] });
    }
    at--;
    throw fail("in, notin, =, ==, !=, gt, lt");
  }

  function readValues(): readonly string[] {
    if (input[at] !== "(") throw badRequest(`unable to parse requirement: found '${input[at] ?? ""}' expected: '('`);
    at++;
    const values: string[] = [];
    for (;;) {
      const value = input[at];
      if (value !== undefined && LITERAL.test(value)) {
        values.push(value);
        at++;
      }
      if (input[at] === ")") {
        at++;
        return values;
      }
      if (input[at] !== ",") throw fail("',' or ')'");
      at++;
    }
  }
}

/** A test over labels for a `metav1.LabelSelector`; an absent one matches nothing, an empty one everything. */
export function labelSelectorMatcher(selector: Json | undefined): (labels: JsonObject) => boolean {
  if (!isObject(selector)) return () => false;
  const requirements: Requirement[] = Object.entries(
    isObject(selector["matchLabels"]) ? selector["matchLabels"] : {},
  ).map(([key, value]) => ({
    key,
    operator: "=",
    values: [String(value)],
  }));
  for (const expression of Array.isArray(selector["matchExpressions"])
    ? (selector["matchExpressions"] as JsonObject[])
    : []) {
    const operators: Readonly<Record<string, Operator>> = {
      In: "in",
      NotIn: "notin",
      Exists: "exists",
      DoesNotExist: "!",
    };
    requirements.push({
      key: String(expression["key"]),
      operator: operators[String(expression["operator"])] ?? "exists",
      values: (expression["values"] as readonly string[] | undefined) ?? [],
    });
  }
  return (labels) => requirements.every((requirement) => matchesRequirement(requirement, labels));
}

/** `app=d,tier in (a,b)`: how the scale subresource writes a selector. */
export function labelSelectorText(selector: Json | undefined): string {
  if (!isObject(selector)) return "";
  const labels = isObject(selector["matchLabels"]) ? selector["matchLabels"] : {};
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");
}

/** Field labels of the built-in kinds (each kind's AddFieldLabelConversionFunc). All kinds have name and namespace. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  pods: [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.podIPs",
    "status.nominatedNodeName",
  ],
  nodes: ["spec.unschedulable"],
  namespaces: ["status.phase"],
  secrets: ["type"],
  jobs: ["status.successful"],
  replicasets: ["status.replicas"],
  replicationcontrollers: ["status.replicas"],
  services: ["spec.clusterIP", "spec.type"],
  events: [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "events.k8s.io/events": [
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
  ],
};

/** A test over objects for a field selector string; throws 400 for fields that the kind does not offer. */
export function parseFieldSelector(
  text: string,
  resource: Pick<Resource, "group" | "plural" | "custom">,
  selectable: readonly string[],
): Matcher {
  const offered = resource.group === "events.k8s.io" ? FIELDS["events.k8s.io/events"] : FIELDS[resource.plural];
  const custom = resource.custom !== undefined;
  const allowed = new Set(["metadata.name", "metadata.namespace", ...(offered ?? []), ...selectable]);
  const tests = text
    .split(/(?<!\\),/u)
    .filter((part) => part !== "")
    .map((part) => {
      const match = /^([^=!]*)(!=|==|=)(.*)$/u.exec(part);
      if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
      const [, field = "", operator, value = ""] = match;
      if (!allowed.has(field))
        throw badRequest(
          offered === undefined && !custom
            ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
            : `field label not supported: ${field}`,
        );
      return { path: field.split("."), equal: operator !== "!=", value: value.replaceAll(/\\([\\,=])/gu, "$1") };
    });
  return (object) => tests.every((test) => (fieldText(object, test.path) === test.value) === test.equal);
}

function fieldText(object: JsonObject, path: readonly string[]): string {
  if (path[0] === "source" && path.length === 1) return fieldText(object, ["source", "component"]);
  // A job's field label counts under another name.
  if (path.join(".") === "status.successful") return fieldText(object, ["status", "succeeded"]) || "0";
  let value: Json | undefined = object;
  for (const part of path) value = isObject(value) ? value[part] : undefined;
  if (value === undefined || value === null)
    return path.at(-1) === "unschedulable" || path.at(-1) === "hostNetwork" ? "false" : "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
