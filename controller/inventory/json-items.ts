// Splits JSON text into Kubernetes objects as its bytes come in: the items of a List one by one, everything else whole. Memory
// holds one object at a time, so a dump may be larger than V8's longest string (512 MB). It only counts brackets; every
// object is then read by JSON.parse, so what is not JSON becomes a problem and never half an object.

export interface ItemSink {
  /** One object. `listKind` is the kind of the list that it stood in (`NodeList`), where that came first. */
  item(value: unknown, listKind: string | undefined): void;
  /** Something could not be read; reading goes on behind it. */
  problem(message: string): void;
}

export interface ItemReader {
  /** Takes the next bytes; the buffer may be used again afterwards. */
  write(bytes: Uint8Array): void;
  /** Says whether the text ended where it should. */
  end(): void;
}

/** An object in etcd is at most 1.5 MB; as indented JSON a few times that. */
const MAX_OBJECT = 16 * 1024 * 1024;

/** No object of Kubernetes is as deep; what is might overflow the stack of whoever walks through it. */
const MAX_DEPTH = 200;

/** Longer than any key that matters. */
const MAX_WORD = 64;

/** Depth inside the list `items` of a top-level object. */
const IN_ITEMS = 2;

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Takes bytes in pieces of any size. Several documents may follow one another. */
export function createItemReader(sink: ItemSink, maxObject = MAX_OBJECT): ItemReader {
  /** The top-level object without the contents of its `items`. */
  const outline = createCapture(maxObject);
  const item = createCapture(maxObject);
  /** The last string of the top-level object, and the key whose value comes next. */
  const word = createCapture(MAX_WORD);
  let key = "";
  /** Bytes before this chunk. */
  let offset = 0;
  let depth = 0;
  /** Of what is being collected. */
  let deepest = 0;
  let inString = false;
  let escaped = false;
  let inItems = false;
  let isList = false;
  let listKind: string | undefined;
  let complained = false;
  /** Nothing was there yet. */
  let blank = true;

  const isBetween = (): boolean => depth === 0 || (inItems && depth === IN_ITEMS);

  function complain(at: number): void {
    if (!complained) sink.problem(`byte ${at}: expected an object or a list of objects`);
    complained = true;
  }

  function deliver(text: string | undefined, what: string, at: number, take: (value: unknown) => void): void {
    const tooDeep = deepest > MAX_DEPTH;
    deepest = depth;
    if (tooDeep)
      return sink.problem(`${what} that ends at byte ${at} is nested deeper than ${MAX_DEPTH} levels and is left out`);
    if (text === undefined)
      return sink.problem(`${what} that ends at byte ${at} is over ${maxObject} bytes and is left out`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      return sink.problem(`${what} that ends at byte ${at} is not JSON: ${(error as Error).message.slice(0, 200)}`);
    }
    take(value);
  }

  function open(bytes: Uint8Array, at: number): void {
    if (depth === 0) outline.begin(at);
    else if (inItems && depth === IN_ITEMS) item.begin(at);
    depth++;
    deepest = Math.max(deepest, depth);
    if (bytes[at] !== OPEN_LIST || depth !== IN_ITEMS || inItems || key !== "items") return;
    outline.pause(bytes, at + 1);
    inItems = true;
    isList = true;
    // kubectl writes the kind behind the items and gives each item its own; the API server writes it before them.
    listKind = /"kind"\s*:\s*"([A-Za-z]{1,63})"/.exec(outline.peek().slice(0, 4096))?.[1];
  }

  function close(bytes: Uint8Array, at: number): void {
    if (depth === 0) return complain(offset + at);
    depth--;
    const end = offset + at + 1;
    if (inItems && depth === IN_ITEMS)
      deliver(item.take(bytes, at + 1), "an object", end, (value) => sink.item(value, listKind));
    else if (inItems && depth === 1) {
      inItems = false;
      outline.resume(at);
    } else if (depth === 0) {
      const whole = !isList;
      isList = false;
      listKind = undefined;
      deliver(outline.take(bytes, at + 1), "a document", end, (value) => whole && sink.item(value, undefined));
    }
  }

  function readString(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at];
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        inString = false;
        if (depth === 1) key = word.take(bytes, at) ?? "";
        return at;
      }
    }
    return bytes.length;
  }

  function readByte(bytes: Uint8Array, at: number): void {
    const byte = bytes[at] as number;
    if (isBlank(byte)) return;
    blank = false;
    if (byte === COLON) return;
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) return open(bytes, at);
    if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) return close(bytes, at);
    if (byte === COMMA) {
      if (depth === 1) key = "";
      return;
    }
    if (byte === QUOTE) {
      inString = true;
      if (depth === 1) word.begin(at + 1);
    }
    const isMark = offset + at < 3 && byte >= 0xbb;
    if (isBetween() && !isMark) complain(offset + at);
  }

  return {
    write(bytes) {
      let at = 0;
      while (at < bytes.length) {
        if (inString) at = readString(bytes, at);
        else readByte(bytes, at);
        at++;
      }
      for (const capture of [outline, item, word]) capture.endChunk(bytes);
      offset += bytes.length;
    },
    end() {
      if (blank) sink.problem("is empty");
      if (depth > 0) sink.problem(`the file ends in the middle of an object, after ${offset} bytes; it was cut short`);
    },
  };
}

/** What may stand between JSON's words (RFC 8259, 2). */
function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Collects a piece of text that may lie in several chunks; keeps nothing of what grows too large. */
function createCapture(max: number) {
  let parts: Uint8Array[] = [];
  let size = 0;
  /** Where it begins in this chunk; undefined while nothing is collected. */
  let from: number | undefined;

  function add(bytes: Uint8Array, to: number): void {
    if (from === undefined || to <= from) return;
    size += to - from;
    // Copied: the chunk's buffer is used again.
    if (size <= max) parts.push(bytes.slice(from, to));
    else parts = [];
  }

  return {
    begin(at: number): void {
      parts = [];
      size = 0;
      from = at;
    },
    /** Leaves out what follows, up to `resume`. */
    pause(bytes: Uint8Array, to: number): void {
      add(bytes, to);
      from = undefined;
    },
    resume(at: number): void {
      from = at;
    },
    /** What was collected before a pause. */
    peek: (): string => Buffer.concat(parts).toString("utf8"),
    endChunk(bytes: Uint8Array): void {
      add(bytes, bytes.length);
      if (from !== undefined) from = 0;
    },
    /** The whole text up to `to`; undefined: too large. */
    take(bytes: Uint8Array, to: number): string | undefined {
      const start = from ?? to;
      const whole = size === 0 && to - start <= max;
      if (!whole) add(bytes, to);
      const text = whole
        ? Buffer.from(bytes.buffer, bytes.byteOffset + start, to - start).toString("utf8")
        : size > max
          ? undefined
          : Buffer.concat(parts).toString("utf8");
      parts = [];
      size = 0;
      from = undefined;
      return text;
    },
  };
}
