// What a policy says otherwise than another one: objects, and of those that changed the fields. Pure; the order of files says nothing.
import { canonicalJson } from "../levels/digest.ts";
import { compareText } from "../text-order.ts";

export interface FieldChange {
  /** `spec.budget.nodes`; `spec.levels[ubuntu].level`. */
  readonly path: string;
  /** Undefined: it is not there. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

export interface ObjectChange {
  readonly kind: string;
  readonly name: string;
  /** `Broken`: its document is there and cannot be used. */
  readonly change: "Added" | "Removed" | "Changed" | "Broken";
  /** Of a changed object. */
  readonly fields: readonly FieldChange[];
}

/** One object as a file says it. */
export interface PolicyThing {
  readonly kind: string;
  readonly name: string;
  readonly spec: unknown;
}

/** What the files of a policy hold. */
export interface PolicyFiles {
  readonly objects: readonly PolicyThing[];
  /** `Kind/name` of objects whose documents cannot be used. */
  readonly broken: ReadonlySet<string>;
}

/** Everything that differs, by kind and name. */
export function diffFiles(base: PolicyFiles, head: PolicyFiles): readonly ObjectChange[] {
  const [before, after] = [byKey(base), byKey(head)];
  const keys = new Set([...before.keys(), ...after.keys(), ...head.broken]);
  return [...keys].sort(compareText).flatMap((key): readonly ObjectChange[] => {
    const [kind = "", name = ""] = key.split("/");
    const [from, to] = [before.get(key), after.get(key)];
    if (to === undefined && head.broken.has(key)) {
      return base.broken.has(key) ? [] : [{ kind, name, change: "Broken", fields: [] }];
    }
    if (from === undefined || to === undefined)
      return [{ kind, name, change: from === undefined ? "Added" : "Removed", fields: [] }];
    if (canonicalJson(from.spec) === canonicalJson(to.spec)) return [];
    return [{ kind, name, change: "Changed", fields: diffValues("spec", from.spec, to.spec) }];
  });
}

function byKey({ objects }: PolicyFiles): ReadonlyMap<string, PolicyThing> {
  return new Map(objects.map((one) => [`${one.kind}/${one.name}`, one]));
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function diffValues(path: string, from: unknown, to: unknown): readonly FieldChange[] {
  if (from !== undefined && to !== undefined && canonicalJson(from) === canonicalJson(to)) return [];
  const [left, right] = [keyed(from), keyed(to)];
  if (left === undefined || right === undefined) return [{ path, from: show(from), to: show(to) }];
  const named = !isRecord(from) || !isRecord(to);
  return [...new Set([...left.keys(), ...right.keys()])]
    .sort(compareText)
    .flatMap((key) => diffValues(named ? `${path}[${key}]` : `${path}.${key}`, left.get(key), right.get(key)));
}

/** A record by its keys, a list of named things by their names; undefined: to be shown as a whole. */
function keyed(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (isRecord(value)) return new Map(Object.entries(value));
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const list: readonly unknown[] = value;
  const names = list.map((one) => (isRecord(one) ? (one["name"] ?? one["baseline"]) : undefined));
  if (!names.every((name): name is string => typeof name === "string") || new Set(names).size < names.length)
    return undefined;
  return new Map(names.map((name, index) => [name, list[index]]));
}

function show(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === "string" ? value : canonicalJson(value);
}
