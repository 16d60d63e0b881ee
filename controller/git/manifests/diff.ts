// What differs between two renderings, value by value. Pure.
import { chunksOf } from "../../policy/documents.ts";
import { describeObject } from "./images-in.ts";
import { readShape, type Shape } from "./shape.ts";

export interface ShapeChange {
  /** Which of the objects. */
  readonly index: number;
  /** `Deployment shop/web`. */
  readonly object: string;
  readonly path: readonly (string | number)[];
  readonly from: string;
  readonly to: string;
}

export function readShapes(text: string): readonly Shape[] {
  return chunksOf(text).flatMap(({ start, end }) => readShape(text.slice(start, end)).shape ?? []);
}

/** Single values that differ; undefined: more than that does. */
export function diffShapes(before: readonly Shape[], after: readonly Shape[]): readonly ShapeChange[] | undefined {
  if (before.length !== after.length) return undefined;
  const changes: ShapeChange[] = [];
  const same = before.every((shape, index) => {
    const object = describeObject(shape);
    return diff(shape, after[index], [], (path, from, to) => changes.push({ index, object, path, from, to }));
  });
  return same ? changes : undefined;
}

function diff(
  a: Shape,
  b: Shape | undefined,
  path: readonly (string | number)[],
  report: (path: readonly (string | number)[], from: string, to: string) => void,
): boolean {
  if (a.kind === "Scalar" && b?.kind === "Scalar") {
    if (a.text !== b.text) report(path, a.text, b.text);
    return true;
  }
  if (a.kind === "List" && b?.kind === "List")
    return (
      a.items.length === b.items.length && a.items.every((item, at) => diff(item, b.items[at], [...path, at], report))
    );
  if (a.kind === "Map" && b?.kind === "Map")
    return (
      a.entries.length === b.entries.length &&
      a.entries.every(([key, value], at) => {
        const [other, theirs] = b.entries[at] ?? [];
        if (key.kind !== "Scalar" || other?.kind !== "Scalar" || key.text !== other.text) return false;
        return diff(value, theirs, [...path, key.text], report);
      })
    );
  return false;
}
