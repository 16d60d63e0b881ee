// Writes protobuf by hand, for what no API server would send. Shares nothing with the reader.

export type Bytes = readonly number[];

export function varint(value: bigint | number): Bytes {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (;;) {
    const low = Number(rest & 127n);
    rest >>= 7n;
    if (rest === 0n) return [...bytes, low];
    bytes.push(low | 128);
  }
}

export function numberField(number: number, value: bigint | number): Bytes {
  return [...varint(number * 8), ...varint(value)];
}

export function bytesField(number: number, content: Bytes | string): Bytes {
  const bytes = typeof content === "string" ? [...Buffer.from(content, "utf8")] : content;
  return [...varint(number * 8 + 2), ...varint(bytes.length), ...bytes];
}

export function fixedField(number: number, width: 4 | 8): Bytes {
  return [...varint(number * 8 + (width === 4 ? 5 : 1)), ...Array.from({ length: width }, () => 0xff)];
}

/** `k8s\0` and runtime.Unknown around an object. */
export function envelope(apiVersion: string, kind: string, raw: Bytes): Bytes {
  const type = [...bytesField(1, apiVersion), ...bytesField(2, kind)];
  return [
    0x6b,
    0x38,
    0x73,
    0,
    ...bytesField(1, type),
    ...bytesField(2, raw),
    ...bytesField(3, ""),
    ...bytesField(4, ""),
  ];
}

export function frame(content: Bytes): Bytes {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(content.length);
  return [...head, ...content];
}

/** A watch event around an envelope. */
export function watchEvent(type: string, object: Bytes): Bytes {
  return frame([...bytesField(1, type), ...bytesField(2, bytesField(1, object))]);
}

/** ObjectMeta: name, namespace, uid, resourceVersion, labels. */
export function metadata(fields: {
  readonly name?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly labels?: Readonly<Record<string, string>>;
}): Bytes {
  const { name, namespace, uid, resourceVersion, labels = {} } = fields;
  return [
    ...(name === undefined ? [] : bytesField(1, name)),
    ...(namespace === undefined ? [] : bytesField(3, namespace)),
    ...(uid === undefined ? [] : bytesField(5, uid)),
    ...(resourceVersion === undefined ? [] : bytesField(6, resourceVersion)),
    ...Object.entries(labels).flatMap(([key, value]) =>
      bytesField(11, [...bytesField(1, key), ...bytesField(2, value)]),
    ),
  ];
}
