// Policy text to documents. One file may hold any number of YAML or JSON documents in any layout; each is parsed on its own, so that a
// broken one hides no other (G5). js-yaml's event stream is read once and checked as it is built: no aliases, anchors, tags, merge keys,
// duplicate keys, ambiguous scalars, or depth that only an attack needs. Positions are worked out only when somebody asks.
// Pure: no I/O; the same text gives the same answer. Content is data: nothing in it is ever rendered or followed.
import { COLLECTION_STYLE, EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { Event, MappingEvent, ScalarEvent, SequenceEvent } from "js-yaml";

import { readPlainScalar, refusePlainKey } from "./scalars.ts";

export type Pointer = readonly (string | number)[];

/** 1-based, in characters (UTF-16 code units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SourceProblem extends Position {
  readonly file: string;
  /** Where in the document: `spec.levels[0].level`; "" when the document as a whole is meant. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export interface SourceDocument {
  /** The file. */
  readonly path: string;
  /** 0-based place among the file's documents; empty ones are not counted, broken ones are. */
  readonly index: number;
  /** Line of the first content, 1-based. */
  readonly line: number;
  /** Plain objects, arrays, strings, finite numbers, booleans and null. No object has a `__proto__` key. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Where the document stands in the file's text, `---` and comments included; offsets in UTF-16 code units. */
  readonly range: { readonly start: number; readonly end: number };
  /**
   * Where a value stands: scalars and flow collections at themselves, block collections at their key. With `"key"` always the key.
   * A pointer that leads nowhere answers its nearest ancestor.
   */
  positionOf(pointer: Pointer, at?: "key" | "value"): Position;
}

export interface DocumentLimits {
  readonly maxDocuments: number;
  readonly maxDepth: number;
  /** Problems reported per file; the rest is counted in the last one. */
  readonly maxProblems: number;
}

export const defaultDocumentLimits: DocumentLimits = { maxDocuments: 2000, maxDepth: 40, maxProblems: 50 };

export interface ReadDocuments {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly SourceProblem[];
}

/** Writes a pointer as people write it: `spec.levels[0].baseline`, `metadata.labels["a.b/c"]`. */
export function writePointer(pointer: Pointer): string {
  let text = "";
  for (const part of pointer) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_$][A-Za-z0-9_$-]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

interface Place {
  readonly offset: number;
  readonly pointer: Pointer;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** Reads all documents of one file. Never throws for what the text holds. */
export function readDocuments(path: string, text: string, limits: Partial<DocumentLimits> = {}): ReadDocuments {
  const { maxDocuments, maxDepth, maxProblems } = { ...defaultDocumentLimits, ...limits };
  const lines = lineIndex(text);
  const documents: SourceDocument[] = [];
  const places: Place[] = [];
  let index = 0;
  let skipNext = false;
  for (const chunk of chunksOf(text)) {
    const source = chunk.start === 0 && chunk.end === text.length ? text : text.slice(chunk.start, chunk.end);
    const directive = /^(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*(%[^\r\n]*)/.exec(
      source.charCodeAt(0) === 0xfeff ? source.slice(1) : source,
    );
    if (directive !== null) {
      places.push(
        place(
          chunk.start + source.indexOf(directive[1] ?? ""),
          [],
          "YamlDirective",
          "YAML directives (%…) are not allowed",
          "remove the line",
        ),
      );
      skipNext = true;
      continue;
    }
    if (skipNext) {
      skipNext = false;
      index++;
      continue;
    }
    const read = readChunk(source, chunk.start, maxDepth);
    if (read.kind === "Empty") continue;
    if (index >= maxDocuments) {
      places.push(
        place(
          chunk.start,
          [],
          "TooManyDocuments",
          `the file holds more than ${maxDocuments} documents`,
          "split the file",
        ),
      );
      break;
    }
    places.push(...read.problems);
    if (read.kind === "Document") documents.push(sourceDocument(path, index, read, chunk, source, lines, maxDepth));
    index++;
  }
  const problems = places.map((found): SourceProblem => {
    const { offset, pointer, ...rest } = found;
    return { file: path, ...lines.at(offset), path: writePointer(pointer), ...rest };
  });
  return { documents, problems: problems.length <= maxProblems ? problems : shortened(problems, maxProblems) };
}

function place(offset: number, pointer: Pointer, code: string, message: string, hint: string): Place {
  return { offset, pointer, code, message, hint };
}

function shortened(problems: readonly SourceProblem[], max: number): SourceProblem[] {
  const last = problems[max - 1];
  if (last === undefined) return [];
  return [
    ...problems.slice(0, max - 1),
    {
      ...last,
      path: "",
      code: "TooManyProblems",
      message: `${problems.length - max + 1} more problems in this file`,
      hint: "mend those above first",
    },
  ];
}

export interface Chunk {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts the text where documents begin and end. `---` and `...` at the start of a line are never content (YAML 1.2.2 rule 206,
 * c-forbidden), whatever is broken before them, so each piece can be parsed alone.
 */
export function chunksOf(text: string): Chunk[] {
  if (!text.includes("---") && !text.includes("...")) return [{ start: 0, end: text.length }];
  const chunks: Chunk[] = [];
  let start = 0;
  for (const match of text.matchAll(/(^|[\r\n])(\uFEFF?)(---|\.\.\.)(?=[ \t\r\n]|$)/g)) {
    const marker = match.index + (match[1] ?? "").length;
    if (marker > start) chunks.push({ start, end: marker });
    // What follows `...` is a new document (or nothing); `---` belongs to the document that it opens.
    start = match[3] === "..." ? marker + (match[2] ?? "").length + 3 : marker;
  }
  chunks.push({ start, end: text.length });
  return chunks;
}

interface LineIndex {
  at(offset: number): Position;
}

/** Up to here lines are counted: most files hold one document, and most questions are about where it begins. */
const NEAR = 512;

/** Line and column of an offset. The table of line starts is made at the first question about a place that is not near. */
function lineIndex(text: string): LineIndex {
  let starts: number[] | undefined;
  return {
    at(offset) {
      if (offset <= NEAR) return countLines(text, offset);
      if (starts === undefined) {
        starts = [0];
        for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
      }
      let low = 0;
      let high = starts.length - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if ((starts[middle] ?? 0) <= offset) low = middle;
        else high = middle - 1;
      }
      return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
    },
  };
}

function countLines(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let index = 0; index < offset; index += 1) {
    const code = text.charCodeAt(index);
    if (code !== 10 && code !== 13) continue;
    const end = code === 13 && text.charCodeAt(index + 1) === 10 ? index + 2 : index + 1;
    if (end > offset) break;
    line += 1;
    start = end;
    index = end - 1;
  }
  return { line, column: offset - start + 1 };
}

type ReadChunk =
  | { readonly kind: "Empty" }
  | { readonly kind: "Broken"; readonly problems: readonly Place[] }
  | {
      readonly kind: "Document";
      readonly value: Record<string, unknown>;
      readonly offset: number;
      readonly problems: readonly Place[];
    };

function readChunk(source: string, base: number, maxDepth: number): ReadChunk {
  let events: Event[];
  try {
    events = parseEvents(source, { maxDepth: maxDepth + 1 });
  } catch (error) {
    return { kind: "Broken", problems: [syntaxProblem(error, source, base, maxDepth)] };
  }
  const content = events[1];
  if (content === undefined || isEmptyScalar(content)) return { kind: "Empty" };
  const offset = base + offsetOf(content);
  if (content.type !== EVENT_ID.MAPPING) {
    const what = "a document must be an object with apiVersion, kind, metadata and spec";
    return { kind: "Broken", problems: [place(offset, [], "DocumentNotAnObject", what, "write key: value lines")] };
  }
  const build = buildValue(source, events, base);
  if (build.problems.length > 0) return { kind: "Broken", problems: build.problems };
  const value = build.value as Record<string, unknown>;
  const kind = value["kind"];
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(value["items"])) {
    const hint = "put each item into a document of its own, with --- between them";
    return {
      kind: "Broken",
      problems: [place(offset, ["kind"], "ListNotAllowed", `kind ${kind}: lists of objects are not allowed`, hint)],
    };
  }
  return { kind: "Document", value, offset, problems: [] };
}

function isEmptyScalar(event: Event): boolean {
  return event.type === EVENT_ID.SCALAR && event.valueStart < 0 && event.anchorStart < 0 && event.tagStart < 0;
}

/** Where an event's content (or, lacking that, its properties) starts. */
function offsetOf(event: Event): number {
  switch (event.type) {
    case EVENT_ID.SCALAR: {
      if (event.valueStart < 0) return Math.max(event.tagStart, event.anchorStart - 1, 0);
      const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
      return quoted ? event.valueStart - 1 : event.valueStart;
    }
    case EVENT_ID.SEQUENCE:
    case EVENT_ID.MAPPING:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    default:
      return 0;
  }
}

function syntaxProblem(error: unknown, source: string, base: number, maxDepth: number): Place {
  if (!(error instanceof YAMLException)) throw error;
  const at = Math.min(error.mark?.position ?? 0, source.length);
  const lineStart = Math.max(source.lastIndexOf("\n", at - 1), source.lastIndexOf("\r", at - 1)) + 1;
  if (error.reason.startsWith("nesting exceeded")) {
    return place(base + at, [], "YamlTooDeep", `nested deeper than ${maxDepth} levels`, "write it flatter");
  }
  // Tabs are fine inside [] and {}; an error there is about something else.
  const byTab =
    /^ *\t/.test(source.slice(lineStart, lineStart + 200)) && /end of the stream|bad indentation/.test(error.reason);
  if (byTab || /tab characters/.test(error.reason)) {
    return place(base + lineStart, [], "YamlTab", "a tab is used for indentation", "indent with spaces");
  }
  const hint = /bad indentation|mapping entry|document separator/.test(error.reason)
    ? 'check the indentation, and quote values that hold ": "'
    : "check quotes, brackets and indentation near here";
  return place(base + at, [], "YamlSyntax", error.reason, hint);
}

interface Frame {
  /** Exactly one of the two. */
  readonly map: Record<string, unknown> | undefined;
  readonly list: unknown[] | undefined;
  /** The key whose value comes next; undefined when a key comes next. */
  key: string | undefined;
}

/** Builds the value from events and collects everything that is refused, in the order of the text. */
function buildValue(
  source: string,
  events: readonly Event[],
  base: number,
): { readonly value: unknown; readonly problems: readonly Place[] } {
  const frames: Frame[] = [];
  const problems: Place[] = [];
  let root: unknown;
  const pointer = (): Pointer =>
    frames.flatMap((frame): (string | number)[] =>
      frame.list !== undefined ? [frame.list.length] : frame.key !== undefined ? [frame.key] : [],
    );
  const report: Report = (offset, code, message, hint) =>
    problems.push(place(base + offset, pointer(), code, message, hint));
  const put = (value: unknown): void => {
    const frame = frames.at(-1);
    if (frame === undefined) root = value;
    else if (frame.list !== undefined) frame.list.push(value);
    else if (frame.map !== undefined && frame.key !== undefined) {
      frame.map[frame.key] = value;
      frame.key = undefined;
    }
  };
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT) continue;
    if (event.type === EVENT_ID.POP) {
      // A collection is put into its parent when it is complete, so that the frames always hold the way to where we are.
      const done = frames.pop();
      if (done !== undefined) put(done.map ?? done.list);
      continue;
    }
    const parent = frames.at(-1);
    const isKey = parent?.map !== undefined && parent.key === undefined;
    if (event.type === EVENT_ID.ALIAS) {
      report(
        offsetOf(event),
        "YamlAlias",
        `aliases (*${source.slice(event.anchorStart, event.anchorEnd)}) are not allowed`,
        "repeat the value",
      );
      if (isKey) break;
      put(null);
      continue;
    }
    refuseProperties(source, event, report);
    if (event.type === EVENT_ID.SCALAR) {
      if (isKey) parent.key = readKey(source, event, parent.map, report);
      else put(readValue(source, event, report));
    } else if (isKey) {
      report(offsetOf(event), "YamlKey", "a key is a list or an object, not a string", "write a plain key");
      break;
    } else
      frames.push(
        event.type === EVENT_ID.MAPPING
          ? { map: {}, list: undefined, key: undefined }
          : { map: undefined, list: [], key: undefined },
      );
  }
  return { value: root, problems };
}

type Report = (offset: number, code: string, message: string, hint: string) => void;

function refuseProperties(source: string, event: ScalarEvent | SequenceEvent | MappingEvent, report: Report): void {
  if (event.anchorStart >= 0)
    report(
      event.anchorStart - 1,
      "YamlAnchor",
      `anchors (&${source.slice(event.anchorStart, event.anchorEnd)}) are not allowed`,
      "remove it",
    );
  if (event.tagStart >= 0)
    report(
      event.tagStart,
      "YamlTag",
      `tags (${source.slice(event.tagStart, event.tagEnd)}) are not allowed`,
      "remove it; quotes make a value a string",
    );
}

function scalarText(source: string, event: ScalarEvent): string {
  if (event.valueStart < 0) return "";
  return event.fast ? source.slice(event.valueStart, event.valueEnd) : getScalarValue(source, event);
}

/** An escape can write half of a character, which no API server would give back as it was. */
function isWhole(text: string, event: ScalarEvent, report: Report): boolean {
  if (text.isWellFormed()) return true;
  report(offsetOf(event), "YamlEscape", "the text holds half of a character", "write the whole character");
  return false;
}

function readValue(source: string, event: ScalarEvent, report: Report): unknown {
  const text = scalarText(source, event);
  if (!isWhole(text, event, report)) return null;
  if (event.style !== SCALAR_STYLE.PLAIN) return text;
  const read = readPlainScalar(text);
  if (read.kind === "Value") return read.value;
  report(offsetOf(event), read.code, read.message, quoteHint(text));
  return null;
}

function readKey(source: string, event: ScalarEvent, map: Record<string, unknown>, report: Report): string {
  const text = scalarText(source, event);
  isWhole(text, event, report);
  if (event.style === SCALAR_STYLE.PLAIN) {
    const refused = refusePlainKey(text);
    if (refused !== undefined)
      report(
        offsetOf(event),
        refused.code,
        refused.message,
        refused.code === "YamlMergeKey" ? "write the keys out" : quoteHint(text),
      );
  }
  if (text === "__proto__") {
    report(offsetOf(event), "YamlKey", "the key __proto__ is not allowed", "choose another name");
    return "(__proto__)";
  }
  if (Object.hasOwn(map, text))
    report(offsetOf(event), "YamlDuplicateKey", `key ${JSON.stringify(text)} is there twice`, "remove one of them");
  return text;
}

function quoteHint(text: string): string {
  return `quote it: ${JSON.stringify(text)}`;
}

/** A node of the tree of places; made only when a position is asked for. */
interface PlaceNode {
  readonly key: number;
  readonly value: number;
  readonly children: Map<string | number, PlaceNode>;
}

function sourceDocument(
  path: string,
  index: number,
  read: ReadChunk & { readonly kind: "Document" },
  chunk: Chunk,
  source: string,
  lines: LineIndex,
  maxDepth: number,
): SourceDocument {
  let tree: PlaceNode | undefined;
  return {
    path,
    index,
    get line() {
      return lines.at(read.offset).line;
    },
    value: read.value,
    range: chunk,
    positionOf(pointer, at = "value") {
      tree ??= placesOf(source, chunk.start, parseEvents(source, { maxDepth: maxDepth + 1 }));
      let node = tree;
      for (const part of pointer) {
        const child = node.children.get(part);
        if (child === undefined) break;
        node = child;
      }
      return lines.at(at === "key" ? node.key : node.value);
    },
  };
}

/** The places of all nodes, from the same events that the value was built from. */
function placesOf(source: string, base: number, events: readonly Event[]): PlaceNode {
  const stack: {
    readonly node: PlaceNode;
    readonly isList: boolean;
    key: { readonly text: string; readonly offset: number } | undefined;
  }[] = [];
  let root: PlaceNode = { key: base, value: base, children: new Map() };
  for (const event of events) {
    if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.ALIAS) continue;
    if (event.type === EVENT_ID.POP) {
      stack.pop();
      continue;
    }
    const parent = stack.at(-1);
    const isScalar = event.type === EVENT_ID.SCALAR;
    const offset = base + offsetOf(event);
    if (parent !== undefined && !parent.isList && parent.key === undefined && isScalar) {
      parent.key = { text: scalarText(source, event), offset };
      continue;
    }
    const key = parent?.key?.offset;
    // An absent value has no place of its own, and a block collection starts on a later line than the key that people look for.
    const isBlock = !isScalar && event.style === COLLECTION_STYLE.BLOCK;
    const isAbsent = isScalar && event.valueStart < 0;
    const node: PlaceNode = {
      key: key ?? offset,
      value: key !== undefined && (isBlock || isAbsent) ? key : isAbsent ? (parent?.node.value ?? base) : offset,
      children: new Map(),
    };
    if (parent === undefined) root = node;
    else if (parent.isList) parent.node.children.set(parent.node.children.size, node);
    else if (parent.key !== undefined) {
      parent.node.children.set(parent.key.text, node);
      parent.key = undefined;
    }
    if (!isScalar) stack.push({ node, isList: event.type === EVENT_ID.SEQUENCE, key: undefined });
  }
  return root;
}
