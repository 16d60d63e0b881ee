// Makes the answers of two servers comparable: what a server draws (uids, versions, generated names) is marked with its kind, so
// that pairing.ts can ask whether the two servers' values correspond; times of now become `<time>`, tokens `<continue>`. Nothing
// else is touched: a time or a text that the script sent must come back as it was.

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gu;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/gu;
/** A version inside a sentence. */
const VERSION = /(?<=\(|: )\d+(?=\)|,|$)/gu;
const DAY_MS = 86_400_000;

/** Numbers that a server puts into a sentence. */
const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/(?<=resource version: \d+, current: )\d+/gu, "<rv>"],
  [/(?<=too old resource version: )\d+ \(\d+\)/gu, "<rv> (<rv>)"],
  [/(?<=\\"resourceVersion\\":\\"|"resourceVersion":")\d+/gu, "<rv>"],
];
/** An age in a table, of what the script made a moment ago. */
const AGE = /^\d{1,3}s$|^[1-9]m(\d+s)?$/u;

/** `⟦uid 1234…⟧`: a drawn value and what it is. */
export const MARK = /⟦(uid|rv|name) ([^⟧]*)⟧/gu;

function mark(kind: "uid" | "rv" | "name", value: string): string {
  return `⟦${kind} ${value}⟧`;
}

/** Marks one server's answers; it learns versions and generated names from answer to answer. */
export function createNormaliser(now: () => number): (value: unknown) => unknown {
  const versions = new Set<string>();
  const generated = new Set<string>();

  const isNow = (text: string): boolean => Math.abs(Date.parse(text) - now()) < DAY_MS;

  function plainText(text: string): string {
    let result = text.replaceAll(TIME, (time) => (isNow(time) ? "<time>" : time));
    for (const [pattern, name] of SENTENCES) result = result.replaceAll(pattern, name);
    result = result.replaceAll(VERSION, (version) => (versions.has(version) ? mark("rv", version) : version));
    for (const name of generated) result = result.replaceAll(name, mark("name", name));
    return result.replaceAll(UUID, (uid) => mark("uid", uid));
  }

  function member(key: string, value: unknown, ofCollection: boolean): unknown {
    if (key === "resourceVersion" && typeof value === "string" && value !== "" && value !== "0") {
      if (ofCollection) return "<rv>";
      versions.add(value);
      return mark("rv", value);
    }
    if (key === "continue" && typeof value === "string" && value !== "") return "<continue>";
    if (key === "managedFields" && Array.isArray(value)) return inOrder(value.map(visit));
    if (key === "causes" && Array.isArray(value)) return causesInOrder(value.map(visit));
    if (key === "message" && typeof value === "string") return plainText(value).replace(SEVERAL, "$1 <the causes>");
    if (key === "resources" && Array.isArray(value))
      return value.map(visit).toSorted((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
    if (key === "cells" && Array.isArray(value)) return value.map((cell) => (isAge(cell) ? "<age>" : visit(cell)));
    if (key === "columnDefinitions" && Array.isArray(value))
      return value.map((column) => visit({ ...(column as object), description: "" }));
    return visit(value);
  }

  function visit(value: unknown): unknown {
    if (typeof value === "string") return plainText(value);
    if (Array.isArray(value)) return value.map(visit);
    if (!isRecord(value)) return value;
    learnName(value);
    return Object.fromEntries(
      Object.entries(value).map(([key, below]) => [plainText(key), belowOf(value, key, below)]),
    );
  }

  /** A list's own version, and a bookmark's, say how far the server has come: other writers move that on. */
  function belowOf(value: Record<string, unknown>, key: string, below: unknown): unknown {
    const holdsMany = Array.isArray(value["items"]) || Array.isArray(value["rows"]);
    if (key === "metadata" && holdsMany) return metadataOf(below);
    if (key === "object" && value["type"] === "BOOKMARK" && isRecord(below))
      return { ...(visit({ ...below, metadata: {} }) as object), metadata: metadataOf(below["metadata"]) };
    return member(key, below, false);
  }

  function metadataOf(metadata: unknown): unknown {
    if (!isRecord(metadata)) return metadata;
    return Object.fromEntries(Object.entries(metadata).map(([key, below]) => [key, member(key, below, true)]));
  }

  function learnName({ generateName, name }: Record<string, unknown>): void {
    if (typeof generateName !== "string" || typeof name !== "string") return;
    if (name.startsWith(generateName) && name !== generateName) generated.add(name);
  }

  return visit;
}

/** Several faults come in the order of Go's maps: they are compared as the causes, in an order of ours. */
const SEVERAL = /^(.* is invalid:) \[[\s\S]*\]$/u;

/** Generic and own checks of a kind may find the same fault: said twice, it counts once. */
function causesInOrder(causes: readonly unknown[]): readonly unknown[] {
  const byText = new Map(causes.map((cause) => [textOf(cause), cause]));
  return [...byText].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, cause]) => cause);
}

function textOf(value: unknown): string {
  return JSON.stringify(value).replaceAll(MARK, "⟦$1⟧");
}

function isAge(cell: unknown): boolean {
  return typeof cell === "string" && AGE.test(cell);
}

/** Field managers are ordered by second; which second a request fell into is chance. */
function inOrder(entries: readonly unknown[]): readonly unknown[] {
  const keyOf = (entry: unknown): string => {
    const { operation, manager, apiVersion, subresource } = entry as Record<string, unknown>;
    return JSON.stringify([operation, manager, apiVersion, subresource ?? ""]);
  };
  return entries.every(isRecord) ? entries.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)) : entries;
}

/** True for a JSON object. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
