// The body of a watch in protobuf: frames of four bytes of length (big endian) and a metav1.WatchEvent, with the object in an envelope
// of its own (kubernetes.io, "Kubernetes API Concepts"; k8s.io/apimachinery, pkg/util/framer). A stream that ends within a frame was
// cut, not closed: that is an error, never an event.
import { TransportError, type WatchEvent } from "../port.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import { openEnvelope } from "./envelope.ts";
import { STATUS } from "./meta-tables.ts";
import { readMessage } from "./message.ts";
import { readObject } from "./object.ts";
import type { Table } from "./table.ts";
import { type Cursor, cursorOf, DELIMITED, malformed, readKey, readLength, skipField } from "./wire.ts";
import type { Words } from "./words.ts";

/** etcd refuses objects far below this; a longer frame means that we do not talk to an API server. */
const LONGEST_FRAME = 64 * 1024 * 1024;
const HEAD = 4;

/** metav1.WatchEvent: type = 1, object = 2; runtime.RawExtension: raw = 1. */
const EVENT = { type: 1, object: 2 } as const;
const RAW = 1;

const TYPES: ReadonlySet<string> = new Set(["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]);

function isEventType(type: string): type is WatchEvent["type"] {
  return TYPES.has(type);
}

/** Finds the content of a field of bytes; the last one counts. */
function findBytes(cursor: Cursor, number: number): Cursor | undefined {
  let found: Cursor | undefined;
  const inside = { ...cursor };
  while (inside.at < inside.end) {
    const key = readKey(inside);
    if (key >>> 3 !== number) {
      skipField(inside, key & 7);
      continue;
    }
    if ((key & 7) !== DELIMITED) throw malformed(`field ${number} of a watch event has wire type ${key & 7}`);
    const length = readLength(inside);
    found = { ...inside, end: inside.at + length };
    inside.at += length;
  }
  return found;
}

/** One event out of one frame. Throws `TransportError` on anything else. */
export function readWatchEvent(frame: Uint8Array, resource: Resource, fields: Table, words: Words): WatchEvent {
  const whole = cursorOf(frame);
  const named = findBytes(whole, EVENT.type);
  const type = named === undefined ? "" : words.read(named.bytes, named.at, named.end);
  if (!isEventType(type)) throw malformed("the watch sent a frame that is not a watch event");
  const extension = findBytes(whole, EVENT.object);
  const raw = extension === undefined ? undefined : findBytes(extension, RAW);
  if (raw === undefined) throw malformed(`a watch event ${type} carries no object`);
  const { apiVersion, kind } = openEnvelope(raw, words);
  if (type === "ERROR") {
    if (kind !== "Status") throw malformed(`a watch event ERROR carries a ${kind}`);
    const status = { kind };
    readMessage(raw, STATUS, words, status);
    return { type, object: status };
  }
  if (kind !== resource.kind || apiVersion !== apiVersionOf(resource))
    throw malformed(`${apiVersionOf(resource)} ${resource.kind} is watched, and ${apiVersion} ${kind} came`);
  return { type, object: readObject(raw, resource, fields, words, type === "BOOKMARK") };
}

/** Yields the events of a watch as their frames arrive. */
export async function* readWatchFrames(
  body: AsyncIterable<Uint8Array>,
  read: (frame: Uint8Array) => WatchEvent,
): AsyncGenerator<WatchEvent, void, undefined> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let wanted = HEAD;
  for await (const chunk of body) {
    parts.push(chunk);
    held += chunk.length;
    if (held < wanted) continue;
    const bytes = Buffer.concat(parts, held);
    let at = 0;
    for (;;) {
      wanted = HEAD;
      if (bytes.length - at < HEAD) break;
      const length = bytes.readUInt32BE(at);
      if (length > LONGEST_FRAME) throw malformed(`the watch sent a frame of ${length} bytes`);
      wanted = HEAD + length;
      if (bytes.length - at < wanted) break;
      yield read(bytes.subarray(at + HEAD, at + wanted));
      at += wanted;
    }
    parts = at === bytes.length ? [] : [bytes.subarray(at)];
    held = bytes.length - at;
  }
  if (held > 0) throw new TransportError("connection", "unknown", "the watch was cut in the middle of an event");
}
