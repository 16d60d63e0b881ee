// What makes a level itself: its canonical text, the digest of that, and the name made from both.
// Pure (hashing is the one thing of node: that the core uses). Holds A1 and A6: levels are compared by full digest, and a
// name that does not match its content is never used.
import { createHash } from "node:crypto";
import { PatchLevelSpec } from "../../api/patch-level.ts";
import type { Instant } from "../../clock.ts";
import type { Digest } from "../model.ts";
import { compareText } from "../text-order.ts";

/** The parts of a JSON schema that say when two values mean the same. */
interface Shape {
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
  readonly default?: unknown;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

const MAX_NAME = 253;
const SHORT = 12;
/** `-yyyymmdd-` and the short digest. */
const SUFFIX_LENGTH = 1 + 8 + 1 + SHORT;

/**
 * JSON with sorted keys and without undefined. With a schema also: lists that the schema merges by keys are sorted by them,
 * and a property that equals its default is left out, because an API server that fills in defaults must not change the digest.
 */
export function canonicalJson(value: unknown, schema: object = {}): string {
  return write(value, schema);
}

function write(value: unknown, shape: Shape): string {
  if (Array.isArray(value)) return writeList(value, shape);
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    const memberShape = propertyOf(shape, key);
    const text = write(member, memberShape);
    if (memberShape.default !== undefined && text === write(memberShape.default, {})) continue;
    members.push(`${JSON.stringify(key)}:${text}`);
  }
  return `{${members.join(",")}}`;
}

function propertyOf(shape: Shape, key: string): Shape {
  const { properties } = shape;
  return properties !== undefined && Object.hasOwn(properties, key) ? (properties[key] ?? {}) : {};
}

function writeList(list: readonly unknown[], shape: Shape): string {
  const keys = shape["x-kubernetes-list-map-keys"];
  const items = list.map((item) => write(item, shape.items ?? {}));
  if (keys === undefined) return `[${items.join(",")}]`;
  const sorted = list
    .map((item, index) => ({ key: write(keyOf(item, keys), {}), text: items[index] ?? "" }))
    .sort((a, b) => compareText(a.key, b.key) || compareText(a.text, b.text));
  return `[${sorted.map((item) => item.text).join(",")}]`;
}

function keyOf(item: unknown, keys: readonly string[]): unknown {
  if (typeof item !== "object" || item === null) return item;
  return keys.map((key) => (item as Record<string, unknown>)[key] ?? null);
}

/** sha256 of the canonical spec, hex. */
export function levelDigest(spec: PatchLevelSpec): Digest {
  return createHash("sha256").update(canonicalJson(spec, PatchLevelSpec)).digest("hex") as Digest;
}

/** `<baseline>-<yyyymmdd>-<12 hex>`; `inputTime` is the time of the newest input, never now. */
export function levelName(baseline: string, inputTime: Instant, digest: Digest): string {
  const date = new Date(inputTime).toISOString().slice(0, 10).replaceAll("-", "");
  return `${stemOf(baseline)}-${date}-${digest.slice(0, SHORT)}`;
}

/** A baseline's name, shortened so that a level's name stays a valid object name. */
function stemOf(baseline: string): string {
  return baseline.slice(0, MAX_NAME - SUFFIX_LENGTH).replace(/(?<![-.])[-.]+$/, "");
}

/**
 * Why a level's name and content disagree (LevelDigestMismatch); undefined if they agree. `claimed` is the full digest that
 * the level's annotation states, where there is one.
 */
export function checkLevel(name: string, spec: PatchLevelSpec, claimed?: string): string | undefined {
  const digest = levelDigest(spec);
  const match = /^(.+)-(\d{8})-([0-9a-f]{12})$/.exec(name);
  if (match === null)
    return `level ${name}: the name is not <baseline>-<yyyymmdd>-<12 hex digits>; let ringward write levels`;
  const [, stem, , short] = match;
  if (short !== digest.slice(0, SHORT))
    return `level ${name}: the content's digest begins with ${digest.slice(0, SHORT)}, so it was edited; revert the edit`;
  if (stem !== stemOf(spec.baseline))
    return `level ${name}: the content is of baseline ${spec.baseline}; the name must begin with it`;
  if (claimed !== undefined && claimed !== digest)
    return `level ${name}: the annotation states digest ${claimed.slice(0, 80)}, the content has ${digest}`;
  return undefined;
}
