// Strategic merge patch (sig-api-machinery/strategic-merge-patch.md): merge patch that knows which lists merge by a key, with
// the directives `$patch`, `$retainKeys`, `$setElementOrder/…` and `$deleteFromPrimitiveList/…`. Only for built-in kinds.
import { isList, isObject, jsonEqual, setMember } from "../json.ts";
import type { Draft, Json, JsonObject } from "../json.ts";
import { Refusal, badRequest } from "../status.ts";
import type { FieldNode, StructNode, TypeNode } from "../schema/node.ts";

/** The patched object; `node` says how its lists merge. */
export function applyStrategicMerge(node: StructNode, target: JsonObject, patch: JsonObject): JsonObject {
  return mergeObject(node, target, patch, false);
}

const ORDER = "$setElementOrder/";
const DELETE = "$deleteFromPrimitiveList/";

function fieldOf(node: TypeNode | undefined, key: string): FieldNode | undefined {
  return node?.type === "struct" ? node.fields().get(key) : undefined;
}

function childNode(node: TypeNode | undefined, key: string): TypeNode | undefined {
  if (node?.type === "map") return node.values();
  return fieldOf(node, key)?.node;
}

function mergeObject(
  node: TypeNode | undefined,
  target: JsonObject,
  patch: JsonObject,
  retainKeys: boolean,
): JsonObject {
  const directive = patch["$patch"];
  if (directive === "replace") return without(patch, "$patch");
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge")
    throw badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`);
  let result: Draft = { ...target };
  const retain = patch["$retainKeys"];
  if (isList(retain)) {
    if (!retainKeys) throw badRequest("$retainKeys is only allowed where the patch strategy is retainKeys");
    result = Object.fromEntries(Object.entries(result).filter(([key]) => retain.includes(key)));
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith("$") || value === undefined) continue;
    const merged = mergeMember(node, key, result[key], value, patch);
    if (merged === undefined) delete result[key];
    else setMember(result, key, merged);
  }
  for (const key of Object.keys(patch).filter((name) => name.startsWith(DELETE) || name.startsWith(ORDER))) {
    const field = key.slice(key.indexOf("/") + 1);
    if (patch[field] !== undefined) continue;
    const current = result[field];
    if (isList(current)) result[field] = arrange(node, field, current, patch, current);
  }
  return result as JsonObject;
}

function without(object: JsonObject, key: string): JsonObject {
  const rest: Draft = { ...object };
  delete rest[key];
  return rest as JsonObject;
}

function mergeMember(
  node: TypeNode | undefined,
  key: string,
  current: Json | undefined,
  value: Json,
  patch: JsonObject,
): Json | undefined {
  if (value === null) return undefined;
  if (current === undefined || isList(current) !== isList(value)) return withoutDirectives(value);
  const field = fieldOf(node, key);
  const type = childNode(node, key);
  if (isObject(value)) return mergeObject(type, isObject(current) ? current : {}, value, field?.retainKeys ?? false);
  if (!isList(value)) return value;
  const replace = value.some((item) => isObject(item) && item["$patch"] === "replace");
  if (replace) return value.filter((item) => !isObject(item) || item["$patch"] === undefined);
  if (field === undefined || !field.patchMerge) return value.map(strip);
  const before = isList(current) ? current : [];
  const merged =
    field.mergeKey === undefined ? mergeScalars(before, value) : mergeItems(type, field.mergeKey, before, value);
  return arrange(node, key, merged, patch, before);
}

/** What is taken over where there is nothing to merge with: a part that carries a directive is nothing. */
function withoutDirectives(value: Json): Json | undefined {
  if (isList(value))
    return value.flatMap((item) => {
      const kept = withoutDirectives(item);
      return kept === undefined ? [] : [kept];
    });
  if (!isObject(value)) return value;
  if (value["$patch"] !== undefined) return undefined;
  const kept: Draft = {};
  for (const [key, member] of Object.entries(value)) {
    if (key.startsWith("$") || member === undefined || member === null) continue;
    const inner = withoutDirectives(member);
    if (inner !== undefined) setMember(kept, key, inner);
  }
  return kept as JsonObject;
}

/** Directives that mean nothing where a whole item is taken over. */
function strip(item: Json): Json {
  return isObject(item) && item["$patch"] !== undefined ? without(item, "$patch") : item;
}

function mergeScalars(before: readonly Json[], patch: readonly Json[]): readonly Json[] {
  return [...patch.filter((item) => !before.some((other) => jsonEqual(item, other))), ...before];
}

/** A value as Go's %v prints what it read from JSON. */
export function goText(value: Json | undefined): string {
  if (value === null || value === undefined) return "<nil>";
  if (isList(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return String(value);
  const keys = Object.keys(value).toSorted();
  return `map[${keys.map((key) => `${key}:${goText(value[key])}`).join(" ")}]`;
}

/** New items go before those that were there, as the recording of a second condition shows. */
function mergeItems(
  type: TypeNode | undefined,
  mergeKey: string,
  before: readonly Json[],
  patch: readonly Json[],
): readonly Json[] {
  const itemType = type?.type === "list" ? type.items() : undefined;
  const keyOf = (item: Json): Json | undefined => (isObject(item) ? item[mergeKey] : undefined);
  let result = [...before];
  const added: Json[] = [];
  for (const item of patch) {
    const key = keyOf(item);
    if (!isObject(item) || key === undefined)
      throw new Refusal(500, undefined, `map: ${goText(item)} does not contain declared merge key: ${mergeKey}`);
    const position = result.findIndex((other) => jsonEqual(keyOf(other), key));
    if (item["$patch"] === "delete") result = result.filter((other) => !jsonEqual(keyOf(other), key));
    else if (position >= 0) result[position] = mergeObject(itemType, result[position] as JsonObject, item, false);
    else added.push(mergeObject(itemType, {}, item, false));
  }
  return [...added, ...result];
}

/** Applies `$deleteFromPrimitiveList` and `$setElementOrder` of a list. */
function arrange(
  node: TypeNode | undefined,
  key: string,
  list: readonly Json[],
  patch: JsonObject,
  before: readonly Json[],
): readonly Json[] {
  const field = fieldOf(node, key);
  const removed = patch[DELETE + key];
  const kept = isList(removed) ? list.filter((item) => !removed.some((other) => jsonEqual(item, other))) : list;
  const order = patch[ORDER + key];
  if (!isList(order)) return kept;
  const identity = (item: Json): Json | undefined =>
    field?.mergeKey !== undefined && isObject(item) ? item[field.mergeKey] : item;
  const rank = (item: Json): number => order.findIndex((other) => jsonEqual(identity(other), identity(item)));
  const ranked = kept.filter((item) => rank(item) >= 0).sort((a, b) => rank(a) - rank(b));
  // Items that the patch does not order keep their place relative to what stood before them.
  const result = [...ranked];
  for (const item of kept.filter((other) => rank(other) < 0)) {
    const position = before.findIndex((other) => jsonEqual(identity(other), identity(item)));
    const earlier = before.slice(0, Math.max(position, 0)).map(identity);
    let at = 0;
    result.forEach((other, place) => {
      if (earlier.some((known) => jsonEqual(known, identity(other)))) at = place + 1;
    });
    result.splice(at, 0, item);
  }
  return result;
}
