// A list of a kind in protobuf, read while it comes in: an object is read as soon as its last byte is there, and its bytes are
// forgotten. So memory follows what is kept of the objects, and not the gigabyte that the list is. Never says that a list is whole
// before its last byte has been read.
import { type KubeObject, type ListEnd, TransportError } from "../port.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import { expectPlain, MAGIC_LENGTH, readMagic, readTypeMeta, type TypeMeta, UNKNOWN } from "./envelope.ts";
import { type FieldHead, peekField } from "./field-head.ts";
import { LIST_META } from "./meta-tables.ts";
import { readMessage } from "./message.ts";
import { readObject } from "./object.ts";
import type { Table } from "./table.ts";
import { type Cursor, cursorOf, malformed } from "./wire.ts";
import type { Words } from "./words.ts";

export interface ListReader {
  /** Takes bytes as they came; answers with the objects that ended in them. Throws `TransportError`. */
  push(chunk: Uint8Array): readonly KubeObject[];
  /** There are no more bytes. Throws `TransportError` where there should be. */
  end(): ListEnd;
}

/** etcd refuses far smaller objects (1.5 MiB unless it is told otherwise). */
const LONGEST_ITEM = 64 * 1024 * 1024;
/** The words around the list. */
const LONGEST_WORDS = 64 * 1024;

/** Every list: metadata = 1, items = 2. */
const LIST = { metadata: 1, items: 2 } as const;

/** What is done with a field: read when it is there as a whole, stepped into, stepped over. */
type Treatment = "whole" | "into" | "over";

/** Collects bytes until as many are there as the next step needs; joins them only then. */
function createTray() {
  let parts: Uint8Array[] = [];
  let held = 0;
  return {
    held: () => held,
    add(chunk: Uint8Array) {
      parts.push(chunk);
      held += chunk.length;
    },
    take: (): Cursor => cursorOf(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts, held)),
    keep({ bytes, at, end }: Cursor) {
      parts = at === end ? [] : [bytes.subarray(at, end)];
      held = end - at;
    },
  };
}

/** Reads objects of one kind out of one list of it. */
export function createListReader(resource: Resource, fields: Table, words: Words): ListReader {
  const kind = `${resource.kind}List`;
  const apiVersion = apiVersionOf(resource);
  const tray = createTray();
  /** So many bytes must be there before there is anything to do. */
  let wanted = MAGIC_LENGTH;
  /** So many bytes are thrown away as they come. */
  let unwanted = 0;
  let begun = false;
  let type: TypeMeta | undefined;
  /** Where we are: before the list, in it with so many bytes to come, or behind it. */
  let left: number | "before" | "behind" = "before";
  let metadata: { resourceVersion?: string; continue?: string } | undefined;

  function treat({ number, delimited, length }: FieldHead): Treatment {
    const known = typeof left === "number" ? number <= LIST.items : number <= UNKNOWN.contentType;
    if (!known) return "over";
    if (!delimited) throw malformed(`field ${number} of a list is not a message`);
    if (typeof left !== "number" && number === UNKNOWN.raw) {
      if (type === undefined) throw malformed("an envelope does not say first what is in it");
      if (left === "behind") throw malformed("an envelope holds two objects");
      return "into";
    }
    if (length > (typeof left === "number" ? LONGEST_ITEM : LONGEST_WORDS))
      throw malformed(`a field of ${length} bytes`);
    return "whole";
  }

  /** Reads a field's content, which is all that lies between the cursor's ends. */
  function read(cursor: Cursor, number: number, items: KubeObject[]): void {
    if (typeof left === "number") {
      if (number === LIST.items) items.push(readObject(cursor, resource, fields, words));
      else readMessage(cursor, LIST_META, words, (metadata ??= {}));
    } else if (number === UNKNOWN.typeMeta) {
      type = readTypeMeta(cursor, words);
      if (type.kind !== kind || type.apiVersion !== apiVersion)
        throw malformed(`${apiVersion} ${kind} was asked for, and ${type.apiVersion} ${type.kind} came`);
    } else {
      const name = number === UNKNOWN.contentType ? "contentType" : "contentEncoding";
      expectPlain(name, words.read(cursor.bytes, cursor.at, cursor.end));
    }
  }

  /** The next field, if enough of it is there to begin. */
  function next(cursor: Cursor): { readonly head: FieldHead; readonly treatment: Treatment } | undefined {
    const here = cursor.end - cursor.at;
    const within = typeof left === "number" ? left : Infinity;
    const head = peekField(cursor.bytes, cursor.at, cursor.at + Math.min(here, within));
    if (head === undefined && here >= within) throw malformed("a list ends in the middle of a field");
    if (head === undefined) {
      wanted = here + 1;
      return undefined;
    }
    const size = head.head + head.length;
    if (size > within) throw malformed("a field is longer than its list");
    const treatment = treat(head);
    if (treatment !== "whole" || size <= here) return { head, treatment };
    wanted = size;
    return undefined;
  }

  /** Does one thing with what is there; false when that needs more. */
  function step(cursor: Cursor, items: KubeObject[]): boolean {
    if (!begun) {
      readMagic(cursor);
      begun = true;
      return true;
    }
    const found = next(cursor);
    if (found === undefined) return false;
    const { head, treatment } = found;
    cursor.at += head.head;
    if (treatment === "into") {
      left = head.length === 0 ? "behind" : head.length;
      return true;
    }
    const { end } = cursor;
    const content = Math.min(head.length, end - cursor.at);
    if (treatment === "whole") {
      cursor.end = cursor.at + content;
      read(cursor, head.number, items);
      cursor.at = cursor.end;
      cursor.end = end;
    } else {
      cursor.at += content;
      unwanted = head.length - content;
    }
    if (typeof left === "number") left -= head.head + head.length;
    if (left === 0) left = "behind";
    return true;
  }

  return {
    push(chunk) {
      const passed = Math.min(unwanted, chunk.length);
      unwanted -= passed;
      if (passed === chunk.length) return [];
      tray.add(passed === 0 ? chunk : chunk.subarray(passed));
      if (tray.held() < wanted) return [];
      const cursor = tray.take();
      const items: KubeObject[] = [];
      while (cursor.at < cursor.end && step(cursor, items));
      if (cursor.at === cursor.end) wanted = 1;
      tray.keep(cursor);
      return items;
    },
    end() {
      if (tray.held() > 0 || unwanted > 0 || left !== "behind")
        throw new TransportError("connection", "unknown", "the list was cut before its end");
      const resourceVersion = metadata?.resourceVersion ?? "";
      if (resourceVersion === "") throw malformed("a list has no resourceVersion");
      return { resourceVersion, continue: metadata?.continue };
    },
  };
}
