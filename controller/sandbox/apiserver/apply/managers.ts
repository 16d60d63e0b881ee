// `metadata.managedFields`: who owns which fields. An ordinary write gives its writer the fields it changed; an apply claims
// exactly what its configuration sets, removes what it no longer sets and nobody else owns, and conflicts where another owns
// a different value (KEP-555; structured-merge-diff's Updater).
import { isList, isObject, jsonEqual, withMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { Refusal } from "../status.ts";
import type { StructNode } from "../schema/node.ts";
import {
  difference,
  fromFieldsV1,
  intersection,
  isEmptySet,
  members,
  pathText,
  toFieldsV1,
  union,
} from "./field-set.ts";
import type { FieldSet } from "./field-set.ts";
import { mergeTyped } from "./merge.ts";
import { compare, fieldsOf } from "./ownership.ts";
import { removeItems } from "./remove.ts";

interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  readonly time: string | undefined;
  readonly set: FieldSet;
}

/** Who writes, and as what. */
export interface Writer {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string | undefined;
  /** RFC 3339, seconds. */
  readonly time: string;
}

function readManagers(object: JsonObject): Manager[] {
  const metadata = object["metadata"];
  const entries = isObject(metadata) && isList(metadata["managedFields"]) ? metadata["managedFields"] : [];
  return entries.filter(isObject).map((entry) => ({
    manager: typeof entry["manager"] === "string" ? entry["manager"] : "",
    operation: entry["operation"] === "Apply" ? "Apply" : "Update",
    apiVersion: typeof entry["apiVersion"] === "string" ? entry["apiVersion"] : "",
    subresource: typeof entry["subresource"] === "string" ? entry["subresource"] : undefined,
    time: typeof entry["time"] === "string" ? entry["time"] : undefined,
    set: fromFieldsV1(entry["fieldsV1"]),
  }));
}

/** The object with these managers; Apply first, then by time, then by name, as the real server orders them. */
function writeManagers(object: JsonObject, managers: readonly Manager[]): JsonObject {
  const kept = managers.filter((manager) => !isEmptySet(manager.set)).sort(order);
  const metadata: Draft = { ...(object["metadata"] as JsonObject) };
  delete metadata["managedFields"];
  if (kept.length > 0) metadata["managedFields"] = kept.map(encode);
  return { ...object, metadata: metadata as JsonObject };
}

function order(a: Manager, b: Manager): number {
  if (a.operation !== b.operation) return a.operation < b.operation ? -1 : 1;
  const [x, y] = [a.time ?? "", b.time ?? ""];
  if (x !== y) return x < y ? -1 : 1;
  if (a.manager !== b.manager) return a.manager < b.manager ? -1 : 1;
  if (a.apiVersion !== b.apiVersion) return a.apiVersion < b.apiVersion ? -1 : 1;
  return (a.subresource ?? "") < (b.subresource ?? "") ? -1 : 1;
}

function encode(manager: Manager): JsonObject {
  return {
    manager: manager.manager,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: "FieldsV1",
    fieldsV1: toFieldsV1(manager.set),
    ...(manager.subresource === undefined ? {} : { subresource: manager.subresource }),
  };
}

function isWriter(manager: Manager, writer: Writer, operation: "Apply" | "Update"): boolean {
  if (
    manager.manager !== writer.manager ||
    manager.operation !== operation ||
    manager.subresource !== writer.subresource
  )
    return false;
  return operation === "Apply" || manager.apiVersion === writer.apiVersion;
}

/**
 * Ownership after an ordinary write: the writer gets what it added or changed, everybody loses what is gone or was taken.
 * `before` is the object as it was (its zero value on create); an unchanged object keeps its managers as they are.
 */
export function ownUpdate(node: StructNode, before: JsonObject, after: JsonObject, writer: Writer): JsonObject {
  const managers = managersGiven(before, after);
  // Once nobody is on record, ordinary writes leave it so until somebody applies; a new object is not recorded yet.
  if (managers.length === 0 && isStored(before)) return writeManagers(after, []);
  const change = compare(node, before, after);
  const taken = union(change.added, change.modified);
  const touched = !isEmptySet(taken);
  if (!touched && isEmptySet(change.removed)) return writeManagers(after, managers);
  const kept = managers.map((manager) => {
    const rest = difference(manager.set, change.removed);
    return { ...manager, set: isWriter(manager, writer, "Update") ? rest : difference(rest, taken) };
  });
  if (touched) {
    const index = kept.findIndex((manager) => isWriter(manager, writer, "Update"));
    const previous = kept[index];
    const entry: Manager = {
      ...writer,
      operation: "Update",
      set: previous === undefined ? taken : union(previous.set, taken),
    };
    if (index >= 0) kept[index] = entry;
    else kept.push(entry);
  }
  return writeManagers(after, kept);
}

function isStored(object: JsonObject): boolean {
  return isObject(object["metadata"]) && (object["metadata"]["uid"] ?? "") !== "";
}

/** A client may hand managedFields back, or clear them by one empty entry; anything else is ignored in favour of what is stored. */
function managersGiven(before: JsonObject, after: JsonObject): Manager[] {
  const metadata = after["metadata"];
  const given = isObject(metadata) ? metadata["managedFields"] : undefined;
  if (isList(given) && (given.length === 0 || (given.length === 1 && jsonEqual(given[0], {})))) return [];
  return readManagers(isList(given) && given.length > 0 ? after : before);
}

export interface Applied {
  readonly object: JsonObject;
  /** False when applying changed no field (ownership may still have changed). */
  readonly changed: boolean;
}

/** Server-side apply of `config` onto `live` (its zero value when it does not exist). Throws the 409 that names every conflict. */
export function applyConfiguration(
  node: StructNode,
  live: JsonObject,
  config: JsonObject,
  writer: Writer,
  force: boolean,
): Applied {
  const managers = recordedManagers(node, live, writer);
  const claimed = fieldsOf(node, config);
  const index = managers.findIndex((manager) => isWriter(manager, writer, "Apply"));
  const last = managers[index];
  const others = managers.filter((_, at) => at !== index);
  const merged = mergeTyped(node, live, config) as JsonObject;
  const owned = others.reduce((all, manager) => union(all, manager.set), claimed);
  const result = last === undefined ? merged : (removeItems(node, merged, last.set, owned) as JsonObject);
  const change = compare(node, live, result);
  const taken = union(change.added, change.modified);
  const conflicts = others
    .map((manager) => ({ manager, set: intersection(manager.set, taken) }))
    .filter((conflict) => !isEmptySet(conflict.set));
  if (conflicts.length > 0 && !force) throw applyConflict(conflicts);
  const changed = !isEmptySet(taken) || !isEmptySet(change.removed);
  const kept = others.map((manager) => ({
    ...manager,
    set: difference(difference(manager.set, change.removed), taken),
  }));
  const entry: Manager = { ...writer, operation: "Apply", time: changed ? writer.time : last?.time, set: claimed };
  return { object: writeManagers(result, [...kept, entry]), changed };
}

/** Who is on record; of an object that nobody is on record for, all is owned by a manager of that name (KEP-555). */
function recordedManagers(node: StructNode, live: JsonObject, writer: Writer): readonly Manager[] {
  const managers = readManagers(live);
  if (managers.length > 0 || !isStored(live)) return managers;
  const set = fieldsOf(node, withMember(live, "status", undefined));
  if (isEmptySet(set)) return [];
  const { apiVersion, time } = writer;
  return [{ manager: "before-first-apply", operation: "Update", apiVersion, subresource: undefined, time, set }];
}

function applyConflict(conflicts: readonly { readonly manager: Manager; readonly set: FieldSet }[]): Refusal {
  const causes = conflicts.flatMap(({ manager, set }) => {
    const using = manager.operation === "Update" ? ` using ${manager.apiVersion}` : "";
    const subresource =
      manager.subresource === undefined ? "" : ` with subresource ${JSON.stringify(manager.subresource)}`;
    const message = `conflict with ${JSON.stringify(manager.manager)}${subresource}${using}`;
    return members(set).map((path) => ({ reason: "FieldManagerConflict", message, field: pathText(path) }));
  });
  const count = causes.length === 1 ? "1 conflict" : `${causes.length} conflicts`;
  const [only] = causes;
  const message =
    causes.length === 1 && only !== undefined
      ? `Apply failed with ${count}: ${only.message}: ${only.field}`
      : `Apply failed with ${count}: ${grouped(causes)}`;
  return new Refusal(409, "Conflict", message, { causes });
}

function grouped(causes: readonly { readonly message: string; readonly field: string }[]): string {
  const byMessage = new Map<string, string[]>();
  for (const { message, field } of causes) byMessage.set(message, [...(byMessage.get(message) ?? []), field]);
  return [...byMessage]
    .map(([message, fields]) =>
      fields.length === 1
        ? `${message}: ${fields[0]}`
        : `${message.replace(/^conflict/u, "conflicts")}:\n- ${fields.join("\n- ")}`,
    )
    .join("\n");
}

/** True when two versions differ only in the times of their managedFields: such a write changes nothing. */
export function equalButForTimes(a: JsonObject, b: JsonObject): boolean {
  return jsonEqual(withoutTimes(a), withoutTimes(b));
}

function withoutTimes(object: JsonObject): JsonObject {
  const metadata = object["metadata"];
  if (!isObject(metadata) || !isList(metadata["managedFields"])) return object;
  const fields = metadata["managedFields"].map((entry): Json =>
    isObject(entry) ? { ...entry, time: undefined } : entry,
  );
  return { ...object, metadata: { ...metadata, managedFields: fields } };
}
