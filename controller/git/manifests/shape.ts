// YAML as it is written, for files that are not ours: anchors, aliases, tags and quoting are kept as they stand and nothing is resolved, so
// an alias bomb is as small as its text. Edits are proved on it: the file before and after may differ in the edited place alone. Pure.
import { getScalarValue, parseEvents, COLLECTION_STYLE, EVENT_ID, SCALAR_STYLE } from "js-yaml";
import type { Event } from "js-yaml";
import { isDeepStrictEqual } from "node:util";

import type { Pointer } from "../../policy/documents.ts";
import { readPlainScalar } from "../../policy/scalars.ts";
import type { EditValue } from "../edit-render.ts";

interface Properties {
  readonly anchor: string | undefined;
  readonly tag: string | undefined;
}

export type Shape =
  | (Properties & { readonly kind: "Scalar"; readonly text: string; readonly style: "Plain" | "Quoted" | "Block" })
  | (Properties & { readonly kind: "Map"; readonly entries: readonly (readonly [key: Shape, value: Shape])[] })
  | (Properties & { readonly kind: "List"; readonly items: readonly Shape[] })
  | { readonly kind: "Alias"; readonly anchor: string };

export interface ShapedDocument {
  /** Undefined: nothing but comments. */
  readonly shape: Shape | undefined;
  /** It holds `{{` where YAML's own syntax would stand: a template, which is YAML only once it is rendered. */
  readonly template: boolean;
}

const MOST_DEPTH = 60;

/** Reads one document. Throws js-yaml's YAMLException. */
export function readShape(source: string): ShapedDocument {
  const events = parseEvents(source, { maxDepth: MOST_DEPTH });
  const open: Open[] = [];
  let root: Shape | undefined;
  let template = false;
  const put = (shape: Shape): void => {
    const holder = open.at(-1);
    if (holder === undefined) root = shape;
    else holder.parts.push(shape);
  };
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) continue;
    if (event.type === EVENT_ID.POP) {
      const done = open.pop();
      if (done !== undefined) put(close(done));
    } else if (event.type === EVENT_ID.ALIAS)
      put({ kind: "Alias", anchor: source.slice(event.anchorStart, event.anchorEnd) });
    else if (event.type === EVENT_ID.SCALAR) {
      const scalar = readScalar(source, event);
      if (scalar.style === "Plain" && /\{\{|\}\}/.test(scalar.text)) template = true;
      put(scalar);
    } else {
      const flow = event.style !== COLLECTION_STYLE.BLOCK;
      if (flow && event.type === EVENT_ID.MAPPING && source.startsWith("{{", event.start)) template = true;
      open.push({ map: event.type === EVENT_ID.MAPPING, parts: [], ...propertiesOf(source, event) });
    }
  }
  const empty = root?.kind === "Scalar" && root.text === "" && root.style === "Plain";
  return { shape: empty ? undefined : root, template };
}

interface Open extends Properties {
  readonly map: boolean;
  readonly parts: Shape[];
}

function close({ map, parts, anchor, tag }: Open): Shape {
  if (!map) return { kind: "List", items: parts, anchor, tag };
  const entries: [Shape, Shape][] = [];
  for (let at = 0; at + 1 < parts.length; at += 2) entries.push([parts[at] as Shape, parts[at + 1] as Shape]);
  return { kind: "Map", entries, anchor, tag };
}

type Scalar = Extract<Shape, { kind: "Scalar" }>;
type ScalarEvent = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;

function readScalar(source: string, event: ScalarEvent): Scalar {
  const text =
    event.valueStart < 0
      ? ""
      : event.fast
        ? source.slice(event.valueStart, event.valueEnd)
        : getScalarValue(source, event);
  const style =
    event.style === SCALAR_STYLE.PLAIN
      ? "Plain"
      : event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED
        ? "Quoted"
        : "Block";
  return { kind: "Scalar", text, style, ...propertiesOf(source, event) };
}

function propertiesOf(
  source: string,
  event: {
    readonly anchorStart: number;
    readonly anchorEnd: number;
    readonly tagStart: number;
    readonly tagEnd: number;
  },
): Properties {
  return {
    anchor: event.anchorStart < 0 ? undefined : source.slice(event.anchorStart, event.anchorEnd),
    tag: event.tagStart < 0 ? undefined : source.slice(event.tagStart, event.tagEnd),
  };
}

/** The value of a key; undefined where the map has no such key of its own. */
export function valueAt(shape: Shape | undefined, key: string): Shape | undefined {
  if (shape?.kind !== "Map") return undefined;
  return shape.entries.find(([name]) => name.kind === "Scalar" && name.text === key)?.[1];
}

/** A scalar that is a string for every reader; undefined: something else. */
export function stringOf(shape: Shape | undefined): string | undefined {
  if (shape?.kind !== "Scalar" || shape.tag !== undefined) return undefined;
  if (shape.style !== "Plain") return shape.text;
  const read = readPlainScalar(shape.text);
  return read.kind === "Value" && read.value === shape.text ? shape.text : undefined;
}

// ------------------------------------------------------------------------------------------------------- proofs

/** Whether `after` is `before` with the one value at the path put in, replaced or (undefined) removed, and nothing else. */
export function isEdited(before: Shape, after: Shape, path: Pointer, value: EditValue | undefined): boolean {
  const [part, ...rest] = path;
  if (part === undefined || before.kind !== after.kind || !hasSameProperties(before, after)) return false;
  if (before.kind === "List" && after.kind === "List") {
    if (typeof part !== "number") return false;
    if (rest.length === 0 && value === undefined)
      return isDeepStrictEqual(before.items.toSpliced(part, 1), after.items);
    return (
      after.items.length === Math.max(before.items.length, part + 1) &&
      after.items.every((item, at) =>
        at === part ? isChild(before.items[at], item, rest, value) : isDeepStrictEqual(item, before.items[at]),
      )
    );
  }
  if (before.kind !== "Map" || after.kind !== "Map" || typeof part !== "string") return false;
  const at = before.entries.findIndex(([name]) => name.kind === "Scalar" && name.text === part);
  if (rest.length === 0 && value === undefined)
    return at >= 0 && isDeepStrictEqual(before.entries.toSpliced(at, 1), after.entries);
  const place = at < 0 ? before.entries.length : at;
  if (after.entries.length !== Math.max(before.entries.length, place + 1)) return false;
  return after.entries.every(([name, child], index) => {
    const old = before.entries[index];
    if (index !== place) return isDeepStrictEqual([name, child], old);
    const sameKey = old === undefined ? stringOf(name) === part : isDeepStrictEqual(name, old[0]);
    return sameKey && isChild(old?.[1], child, rest, value);
  });
}

function isChild(before: Shape | undefined, after: Shape, rest: Pointer, value: EditValue | undefined): boolean {
  const absent = before === undefined || (before.kind === "Scalar" && before.text === "" && before.style === "Plain");
  const hollow =
    (before?.kind === "Map" && before.entries.length === 0) || (before?.kind === "List" && before.items.length === 0);
  if (rest.length > 0 && before !== undefined && !absent && !hollow) return isEdited(before, after, rest, value);
  if (value === undefined) return false;
  return isWritten(after, grow(value, rest));
}

function grow(value: EditValue, rest: Pointer): EditValue {
  return rest.reduceRight<EditValue>((inner, part) => (typeof part === "string" ? { [part]: inner } : [inner]), value);
}

/** Whether a shape is that value, for every reader and without anchors or tags. */
function isWritten(shape: Shape, value: EditValue): boolean {
  if (shape.kind === "Alias" || shape.anchor !== undefined || shape.tag !== undefined) return false;
  if (shape.kind === "Scalar") return typeof value === "string" && stringOf(shape) === value;
  if (shape.kind === "List")
    return (
      Array.isArray(value) &&
      value.length === shape.items.length &&
      shape.items.every((item, at) => isWritten(item, value[at] as EditValue))
    );
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const pairs = Object.entries(value);
  return (
    pairs.length === shape.entries.length &&
    shape.entries.every(([name, child], at) => {
      const [key, inner] = pairs[at] ?? [];
      return stringOf(name) === key && isWritten(child, inner as EditValue);
    })
  );
}

function hasSameProperties(a: Shape, b: Shape): boolean {
  return a.anchor === b.anchor && (a.kind === "Alias" || b.kind === "Alias" || a.tag === b.tag);
}
