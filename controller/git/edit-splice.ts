// One edit of one value as a splice of characters: everything outside the splice stays byte for byte, so comments, odd indentation and
// the order of keys survive and a pull request shows the change alone. Knows nothing of kinds. Refuses (UserError RW1120) what it cannot
// edit without rewriting what a person wrote; edit.ts proves each result.
import { isMap, isScalar, isSeq, parseDocument } from "yaml";
import type { Node, Pair, YAMLMap, YAMLSeq } from "yaml";

import { UserError } from "../errors.ts";
import type { Pointer } from "../policy/documents.ts";
import { writePointer } from "../policy/documents.ts";
import type { EditScalar, EditValue, Quoting } from "./edit-render.ts";
import { renderFlow, renderItem, renderPair, renderScalar } from "./edit-render.ts";

/** Characters [start, end) become `text`. */
export interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface Edit {
  readonly path: Pointer;
  /** undefined removes the value with its key or dash. */
  readonly value: EditValue | undefined;
}

interface Source {
  readonly text: string;
  readonly eol: string;
}

export function refuseEdit(path: Pointer, why: string): never {
  throw new UserError(
    "RW1120",
    `${writePointer(path) || "document"}: ${why}`,
    "change the file by hand, or write this part in plain block style",
  );
}

/** The splice that makes one edit in the text of one document. */
export function spliceFor(text: string, edit: Edit): Splice {
  // Not `uniqueKeys`: each key is then compared with all before it, which takes minutes over a large map.
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, strict: true });
  const problem = document.errors[0];
  if (problem !== undefined)
    refuseEdit(edit.path, `the document is not valid: ${problem.message.split("\n")[0] ?? ""}`);
  const root = document.contents as Node | null;
  if (!isMap(root)) return refuseEdit(edit.path, "the document is not an object");
  refuseDoubles(root, edit.path);
  const source: Source = { text, eol: /\r\n/.test(text) ? "\r\n" : "\n" };
  return spliceIn(source, root, edit, 0, undefined);
}

/** Which of two equal keys is meant nobody can say, and readers differ. */
function refuseDoubles(root: Node, path: Pointer): void {
  const waiting: unknown[] = [root];
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (isSeq(node)) for (const item of node.items) waiting.push(item);
    if (!isMap(node)) continue;
    const keys = new Set<unknown>();
    for (const { key, value } of node.items) {
      const name: unknown = isScalar(key) ? key.value : key;
      if (keys.has(name)) refuseEdit(path, `the document is not valid: the key ${String(name)} is there twice`);
      keys.add(name);
      waiting.push(key, value);
    }
  }
}

type Holder = Pair<Node, Node | null> | undefined;

/** Walks to where the path's last existing part is, then adds, replaces or removes. */
function spliceIn(source: Source, node: Node, edit: Edit, depth: number, holder: Holder): Splice {
  const part = edit.path[depth];
  const last = depth === edit.path.length - 1;
  if (part === undefined) return refuseEdit(edit.path, "the path is empty");
  if (isMap(node)) {
    if (typeof part !== "string")
      return refuseEdit(edit.path, `${writePointer(edit.path.slice(0, depth))} is an object, not a list`);
    const map = node as YAMLMap<Node, Node | null>;
    const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === part);
    if (pair === undefined) {
      if (edit.value === undefined) return refuseEdit(edit.path, "there is nothing to remove");
      return addPair(source, map, part, grown(edit, depth + 1), edit.path, holder);
    }
    if (last)
      return edit.value === undefined
        ? removePair(source, map, pair, edit.path)
        : replaceValue(source, pair, edit.value, edit.path);
    const value = pair.value;
    if (value === null || isEmpty(value)) {
      if (edit.value === undefined) return refuseEdit(edit.path, "there is nothing to remove");
      return replaceValue(source, pair, grown(edit, depth + 1), edit.path);
    }
    return spliceIn(source, value, edit, depth + 1, pair);
  }
  if (isSeq(node)) {
    const list = node as YAMLSeq<Node>;
    if (typeof part !== "number" || part > list.items.length)
      return refuseEdit(edit.path, `${writePointer(edit.path.slice(0, depth))} is a list of ${list.items.length}`);
    const item = list.items[part];
    if (item === undefined) {
      if (edit.value === undefined) return refuseEdit(edit.path, "there is nothing to remove");
      return addItem(source, list, grown(edit, depth + 1), edit.path);
    }
    if (last)
      return edit.value === undefined
        ? removeItem(source, list, part, holder, edit.path)
        : replaceItem(item, edit.value, edit.path);
    return spliceIn(source, item, edit, depth + 1, undefined);
  }
  return refuseEdit(edit.path, `${writePointer(edit.path.slice(0, depth))} is a plain value`);
}

/** The value with the missing containers around it: path [.., "levels", 0] on nothing gives [value]. */
function grown(edit: Edit, from: number): EditValue {
  let value = edit.value as EditValue;
  for (const part of edit.path.slice(from).reverse()) {
    if (typeof part === "string") value = { [part]: value };
    else if (part === 0) value = [value];
    else refuseEdit(edit.path, "the list is not there yet");
  }
  return value;
}

/** An absent value, [] or {}: something that can grow. */
function isEmpty(node: Node): boolean {
  if (isScalar(node)) return node.range !== null && node.range !== undefined && node.range[0] === node.range[1];
  return (isMap(node) || isSeq(node)) && node.items.length === 0;
}

function rangeOf(node: Node): readonly [number, number] {
  if (node.range === null || node.range === undefined) throw new Error("a parsed YAML node has no range");
  return [node.range[0], node.range[1]];
}

function isFlow(node: YAMLMap | YAMLSeq): boolean {
  return node.flow === true;
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf("\n", at - 1) + 1;
}

/** The offset just after the line that holds `at`. */
function lineEnd(text: string, at: number): number {
  const newline = text.indexOf("\n", at);
  return newline < 0 ? text.length : newline + 1;
}

function columnOf(text: string, at: number): number {
  const start = lineStart(text, at);
  return at - start - (text.charCodeAt(start) === 0xfeff ? 1 : 0);
}

/** The offset just after the `:` of a pair. */
function afterColon(source: Source, pair: Pair<Node, Node | null>, path: Pointer): number {
  const match = /^[ \t]*:/.exec(source.text.slice(rangeOf(pair.key)[1], rangeOf(pair.key)[1] + 100));
  return match === null
    ? refuseEdit(path, "the key is written in a form that is not edited (?)")
    : rangeOf(pair.key)[1] + match[0].length;
}

/** Where the text of a value ends: after its last character, or (block scalars) at the start of the next line. */
function contentEnd(source: Source, node: Node | null, otherwise: () => number, path: Pointer): number {
  if (node === null || (isScalar(node) && isEmpty(node))) return otherwise();
  if ((isMap(node) || isSeq(node)) && !isFlow(node)) {
    const last = node.items.at(-1);
    if (isMap(node)) return pairEnd(source, last as Pair<Node, Node | null>, path);
    return itemEnd(source, node as YAMLSeq<Node>, node.items.length - 1, path);
  }
  return rangeOf(node)[1];
}

function itemEnd(source: Source, list: YAMLSeq<Node>, index: number, path: Pointer): number {
  return contentEnd(source, list.items[index] ?? null, () => dashOf(source, list, index, path) + 1, path);
}

/** The offset of an entry's dash in a block list: a comment between dash and value may hold dashes of its own, so it is looked for in the list's column. */
function dashOf(source: Source, list: YAMLSeq<Node>, index: number, path: Pointer): number {
  const first = rangeOf(list)[0];
  if (index === 0)
    return source.text.charAt(first) === "-" ? first : refuseEdit(path, "the list has no dash where one should be");
  const column = columnOf(source.text, first);
  for (
    let line = nextLine(source, itemEnd(source, list, index - 1, path));
    line < source.text.length;
    line = lineEnd(source.text, line)
  ) {
    if (source.text.charAt(line + column) === "-" && source.text.slice(line, line + column).trim() === "")
      return line + column;
  }
  return refuseEdit(path, "the list has no dash where one should be");
}

function pairEnd(source: Source, pair: Pair<Node, Node | null>, path: Pointer): number {
  return contentEnd(source, pair.value, () => afterColon(source, pair, path), path);
}

/** The offset of the line after the one in which content ends. */
function nextLine(source: Source, end: number): number {
  return end > 0 && source.text.charAt(end - 1) === "\n" ? end : lineEnd(source.text, end);
}

/** Whole lines put in at the start of a line (or after a last line that has no line end). */
function insertLines(source: Source, at: number, lines: readonly string[]): Splice {
  const open = at > 0 && source.text.charAt(at - 1) !== "\n";
  const block = lines.join(source.eol);
  return { start: at, end: at, text: open ? `${source.eol}${block}` : `${block}${source.eol}` };
}

function addPair(
  source: Source,
  map: YAMLMap<Node, Node | null>,
  key: string,
  value: EditValue,
  path: Pointer,
  holder: Holder,
): Splice {
  const last = map.items.at(-1);
  if (isFlow(map)) {
    const json =
      map.items.some((item) => isScalar(item.key) && item.key.type === "QUOTE_DOUBLE") ||
      (last === undefined && source.text.trimStart().startsWith("{"));
    if (last === undefined && holder !== undefined && !json)
      return replaceValue(source, holder, { [key]: value }, path);
    const text = `${renderScalar(key, json ? "Double" : "Plain")}: ${renderFlow(value, { json })}`;
    if (last === undefined) return { start: rangeOf(map)[0] + 1, end: rangeOf(map)[0] + 1, text };
    return {
      ...at(pairEnd(source, last, path)),
      text: `,${flowGap(source, rangeOf(map)[0], rangeOf(last.key)[0])}${text}`,
    };
  }
  const first = map.items[0];
  if (first === undefined || last === undefined) return refuseEdit(path, "the object is empty");
  return insertLines(
    source,
    nextLine(source, pairEnd(source, last, path)),
    renderPair(key, value, columnOf(source.text, rangeOf(first.key)[0])),
  );
}

function at(offset: number): { readonly start: number; readonly end: number } {
  return { start: offset, end: offset };
}

/** What separates members of a flow collection: a blank, or the line end and indentation when each stands on a line of its own. */
function flowGap(source: Source, open: number, member: number): string {
  const start = lineStart(source.text, member);
  const indent = source.text.slice(start, member);
  return start > open && /^[ \t]*$/.test(indent) ? `${source.eol}${indent}` : " ";
}

function addItem(source: Source, list: YAMLSeq<Node>, value: EditValue, path: Pointer): Splice {
  const last = list.items.at(-1);
  if (last === undefined) return refuseEdit(path, "the list is empty");
  if (isFlow(list)) {
    const json = /^[[{,\s]*"/.test(source.text.slice(rangeOf(list)[0], rangeOf(list)[1]));
    return {
      ...at(rangeOf(last)[1]),
      text: `,${flowGap(source, rangeOf(list)[0], rangeOf(last)[0])}${renderFlow(value, { json })}`,
    };
  }
  const dash = rangeOf(list)[0];
  const end = itemEnd(source, list, list.items.length - 1, path);
  const gap = /^ +(?=[^\s#])/.exec(source.text.slice(dash + 1, dash + 41))?.[0] ?? " ";
  return insertLines(source, nextLine(source, end), renderItem(value, columnOf(source.text, dash), gap));
}

function quotingOf(node: Node): Quoting {
  if (!isScalar(node)) return "Plain";
  return node.type === "QUOTE_SINGLE" ? "Single" : node.type === "QUOTE_DOUBLE" ? "Double" : "Plain";
}

function isScalarValue(value: EditValue): value is EditScalar {
  return value === null || typeof value !== "object";
}

function isPlainScalarNode(node: Node): boolean {
  return isScalar(node) && node.type !== "BLOCK_LITERAL" && node.type !== "BLOCK_FOLDED" && !isEmpty(node);
}

function replaceItem(item: Node, value: EditValue, path: Pointer): Splice {
  if (!isScalarValue(value) || !isPlainScalarNode(item))
    return refuseEdit(path, "only a plain value in a list is replaced: remove the entry and add another");
  const [start, end] = rangeOf(item);
  return { start, end, text: renderScalar(value, quotingOf(item)) };
}

function replaceValue(source: Source, pair: Pair<Node, Node | null>, value: EditValue, path: Pointer): Splice {
  const node = pair.value;
  const colon = afterColon(source, pair, path);
  if (node !== null && !isEmpty(node)) {
    if (!isScalarValue(value) || !isPlainScalarNode(node))
      return refuseEdit(path, "only a plain value is replaced: remove it and add another");
    const [start, end] = rangeOf(node);
    return { start, end, text: renderScalar(value, quotingOf(node)) };
  }
  // Nothing, [] or {}: a scalar goes behind the colon, lines go under the key (a comment on the key's line stays there).
  const end = node === null || isScalar(node) ? colon : rangeOf(node)[1];
  if (isScalarValue(value)) return { start: colon, end, text: ` ${renderScalar(value, "Plain")}` };
  if (Object.keys(value).length === 0) return { start: colon, end, text: Array.isArray(value) ? " []" : " {}" };
  const keyAt = rangeOf(pair.key)[0];
  const inFlow =
    /^[ \t]*[,}\]]/.test(source.text.slice(end)) ||
    source.text
      .slice(lineStart(source.text, keyAt), keyAt)
      .replace(/^\uFEFF/, "")
      .replace(/^(?: *- )+/, "")
      .trim() !== "";
  const json = isScalar(pair.key) && pair.key.type === "QUOTE_DOUBLE";
  if (inFlow || json) return { start: colon, end, text: ` ${renderFlow(value, { json })}` };
  const [, ...lines] = renderPair("x", value, columnOf(source.text, keyAt));
  const restStart = nextLine(source, end);
  const rest = source.text.slice(end, restStart);
  const open = !rest.endsWith("\n");
  const block = lines.join(source.eol);
  return {
    start: colon,
    end: restStart,
    text: `${rest.replace(/\r?\n$/, "")}${source.eol}${block}${open ? "" : source.eol}`,
  };
}

function removePair(
  source: Source,
  map: YAMLMap<Node, Node | null>,
  pair: Pair<Node, Node | null>,
  path: Pointer,
): Splice {
  const index = map.items.indexOf(pair);
  const next = map.items[index + 1];
  const before = map.items[index - 1];
  if (next === undefined && before === undefined)
    return refuseEdit(path, "it is the only key of its object: remove the object");
  const keyAt = rangeOf(pair.key)[0];
  if (isFlow(map)) {
    if (next !== undefined) return { start: keyAt, end: rangeOf(next.key)[0], text: "" };
    return {
      start: pairEnd(source, before as Pair<Node, Node | null>, path),
      end: pairEnd(source, pair, path),
      text: "",
    };
  }
  const end = nextLine(source, pairEnd(source, pair, path));
  const start = lineStart(source.text, keyAt);
  if (source.text.slice(start, keyAt).trim() === "") return { start, end, text: "" };
  // The first key of a list's entry shares its line with the dash: what follows moves up to the dash.
  if (next === undefined || lineStart(source.text, rangeOf(next.key)[0]) !== end)
    return refuseEdit(path, "a comment stands between this key and the next");
  return { start: keyAt, end: rangeOf(next.key)[0], text: "" };
}

function removeItem(source: Source, list: YAMLSeq<Node>, index: number, holder: Holder, path: Pointer): Splice {
  const item = list.items[index] as Node;
  const next = list.items[index + 1];
  const before = list.items[index - 1];
  if (isFlow(list)) {
    const [start, end] = rangeOf(item);
    if (next !== undefined) return { start, end: rangeOf(next)[0], text: "" };
    return { start: before === undefined ? start : rangeOf(before)[1], end, text: "" };
  }
  const dash = dashOf(source, list, index, path);
  const start = lineStart(source.text, dash);
  const end = nextLine(source, itemEnd(source, list, index, path));
  if (source.text.slice(start, dash).trim() !== "")
    return refuseEdit(path, "the entry shares its line with the list's start");
  if (list.items.length > 1) return { start, end, text: "" };
  // The last entry leaves an empty list, not a key without a value.
  if (holder === undefined) return refuseEdit(path, "it is the only entry of a list in a list");
  const colon = afterColon(source, holder, path);
  return { start: colon, end, text: ` []${source.text.slice(colon, start)}` };
}
