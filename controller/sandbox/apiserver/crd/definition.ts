// The kind CustomResourceDefinition itself: its defaults, what it refuses (schemas that are not structural, rules that do not
// compile or name unknown fields) and the status that says it is served.
import { isList, isObject, listAt, objectAt, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { change, fill } from "../kinds/kind.ts";
import type { Kind } from "../kinds/kind.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import { checkRule } from "./rule-check.ts";
import { propertiesOf, structuralFaults, valuesOf } from "./schema.ts";

function defaults(object: JsonObject): JsonObject {
  return change(object, "spec", (spec) => {
    const filled = fill(spec, { conversion: { strategy: "None" } });
    return change(filled, "names", (names) => {
      const kind = stringAt(names, "kind") ?? "";
      return fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
    });
  });
}

function validate(object: JsonObject): readonly Cause[] {
  const spec = objectAt(object, "spec");
  const plural = stringAt(spec["names"], "plural") ?? "";
  const group = stringAt(spec, "group") ?? "";
  const name = stringAt(object["metadata"], "name") ?? "";
  const faults: Cause[] = [];
  if (name !== `${plural}.${group}`)
    faults.push(cause.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'));
  const scope = stringAt(spec, "scope") ?? "";
  if (scope !== "Cluster" && scope !== "Namespaced")
    faults.push(cause.unsupported("spec.scope", scope, ["Cluster", "Namespaced"]));
  const versions = listAt(spec, "versions");
  if (versions.filter((version) => isObject(version) && version["storage"] === true).length !== 1) {
    faults.push(cause.invalid("spec.versions", versions, "must have exactly one version marked as storage version"));
  }
  versions.forEach((version, index) => {
    const schema = objectAt(objectAt(version, "schema"), "openAPIV3Schema");
    // One version's schema is reported where it stood before versions had schemas of their own.
    const path =
      versions.length === 1 ? "spec.validation.openAPIV3Schema" : `spec.versions[${index}].schema.openAPIV3Schema`;
    if (Object.keys(schema).length === 0)
      faults.push(cause.required(`spec.versions[${index}].schema.openAPIV3Schema`, "schemas are required"));
    else faults.push(...structuralFaults(schema, path), ...ruleFaults(schema, path));
  });
  return faults;
}

function ruleFaults(schema: JsonObject, path: string): readonly Cause[] {
  const faults: Cause[] = [];
  listAt(schema, "x-kubernetes-validations").forEach((rule, index) => {
    if (!isObject(rule)) return;
    const at = `${path}.x-kubernetes-validations[${index}]`;
    const fault = checkRule(stringAt(rule, "rule") ?? "", schema);
    if (fault !== undefined)
      faults.push({
        reason: "FieldValueInvalid",
        message: `Invalid value: ${shownRule(rule)}: compilation failed: ${fault}`,
        field: `${at}.rule`,
      });
    const computed = stringAt(rule, "messageExpression");
    const messageFault = computed === undefined || computed === "" ? undefined : checkRule(computed, schema);
    if (messageFault !== undefined)
      faults.push({
        reason: "FieldValueInvalid",
        message: `Invalid value: ${shownRule(rule)}: messageExpression compilation failed: ${messageFault}`,
        field: `${at}.messageExpression`,
      });
    const fieldPath = stringAt(rule, "fieldPath");
    if (fieldPath !== undefined && fieldPath !== "" && !pathExists(schema, fieldPath)) {
      faults.push(
        cause.invalid(`${at}.fieldPath`, fieldPath, `fieldPath must be a valid path: does not refer to a valid field`),
      );
    }
  });
  for (const [name, property] of Object.entries(propertiesOf(schema)))
    if (isObject(property)) faults.push(...ruleFaults(property, `${path}.properties[${name}]`));
  if (isObject(schema["items"])) faults.push(...ruleFaults(schema["items"], `${path}.items`));
  const values = valuesOf(schema);
  return values === undefined ? faults : [...faults, ...ruleFaults(values, `${path}.additionalProperties`)];
}

function pathExists(schema: JsonObject, path: string): boolean {
  let at: Json | undefined = schema;
  for (const part of path.match(/\.[^.[\]]+|\['[^']*'\]/gu) ?? []) {
    const name = part.startsWith(".") ? part.slice(1) : part.slice(2, -2);
    if (!isObject(at)) return false;
    at = propertiesOf(at)[name] ?? valuesOf(at);
  }
  return at !== undefined;
}

/** Go prints the rule as its internal struct. */
function shownRule(rule: JsonObject): string {
  const escape = (text: string): string =>
    JSON.stringify(text).replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");
  const text = (key: string): string => escape(stringAt(rule, key) ?? "");
  const reason = stringAt(rule, "reason");
  return `{"Rule":${text("rule")},"Message":${text("message")},"MessageExpression":${text("messageExpression")},"Reason":${reason === undefined ? "null" : escape(reason)},"FieldPath":${text("fieldPath")},"OptionalOldSelf":${String(rule["optionalOldSelf"] ?? null)}}`;
}

export const customResourceDefinition: Kind = {
  defaults,
  validate,
  prepareCreate: (object) => ({
    ...object,
    status: { conditions: null, acceptedNames: { plural: "", kind: "" }, storedVersions: storageVersions(object) },
  }),
  validateUpdate: (object, old) => {
    const fixed = ["group", "scope"].filter((key) => objectAt(object, "spec")[key] !== objectAt(old, "spec")[key]);
    return fixed.map((key) => cause.invalid(`spec.${key}`, objectAt(object, "spec")[key] ?? "", "field is immutable"));
  },
};

function storageVersions(object: JsonObject): readonly Json[] {
  const versions = objectAt(object, "spec")["versions"];
  return (isList(versions) ? versions : [])
    .filter((version) => isObject(version) && version["storage"] === true)
    .map((version) => (version as JsonObject)["name"] ?? "");
}

/** The status that the API server itself writes once the names are accepted. */
export function establishedStatus(crd: JsonObject, now: string): JsonObject {
  const names = objectAt(objectAt(crd, "spec"), "names");
  const condition = (type: string, reason: string, message: string): JsonObject => ({
    type,
    status: "True",
    lastTransitionTime: now,
    reason,
    message,
  });
  return {
    ...objectAt(crd, "status"),
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: names,
  };
}
