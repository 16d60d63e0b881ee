// Reads the protobuf bodies that kubectl's typed commands send (`create namespace`, `create configmap`, `auth can-i` ...) and has
// no JSON form for. Only those kinds; answers are always JSON, which the same clients accept. The envelope is `k8s\0` and a
// runtime.Unknown; field numbers are those of Kubernetes' published .proto files (k8s.io/api, k8s.io/apimachinery).
import type { Draft, Json, JsonObject } from "./json.ts";

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/** A body that is not one of the kinds known here, or not protobuf at all. */
export class ProtobufError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtobufError";
  }
}

// `name` of a scalar, `name:Type` of a message, `name[]` repeated, `name{}` a map of strings, `name{bytes}` a map of bytes.
const MESSAGES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  ObjectMeta: {
    1: "name",
    2: "generateName",
    3: "namespace",
    5: "uid",
    6: "resourceVersion",
    7: "generation:int",
    10: "deletionGracePeriodSeconds:int",
    11: "labels{}",
    12: "annotations{}",
    13: "ownerReferences[]:OwnerReference",
    14: "finalizers[]",
  },
  OwnerReference: {
    1: "kind",
    3: "name",
    4: "uid",
    5: "apiVersion",
    6: "controller:bool",
    7: "blockOwnerDeletion:bool",
  },
  Namespace: { 1: "metadata:ObjectMeta" },
  ConfigMap: { 1: "metadata:ObjectMeta", 2: "data{}", 3: "binaryData{bytes}", 4: "immutable:bool" },
  Secret: { 1: "metadata:ObjectMeta", 2: "data{bytes}", 3: "type", 4: "stringData{}", 5: "immutable:bool" },
  ServiceAccount: { 1: "metadata:ObjectMeta", 4: "automountServiceAccountToken:bool" },
  SelfSubjectReview: { 1: "metadata:ObjectMeta" },
  SelfSubjectAccessReview: { 1: "metadata:ObjectMeta", 2: "spec:AccessSpec" },
  AccessSpec: { 1: "resourceAttributes:ResourceAttributes", 2: "nonResourceAttributes:NonResourceAttributes" },
  ResourceAttributes: {
    1: "namespace",
    2: "verb",
    3: "group",
    4: "version",
    5: "resource",
    6: "subresource",
    7: "name",
  },
  NonResourceAttributes: { 1: "path", 2: "verb" },
  Eviction: { 1: "metadata:ObjectMeta", 2: "deleteOptions:DeleteOptions" },
  DeleteOptions: {
    1: "gracePeriodSeconds:int",
    2: "preconditions:Preconditions",
    4: "propagationPolicy",
    5: "dryRun[]",
  },
  Preconditions: { 1: "uid", 2: "resourceVersion" },
  PodDisruptionBudget: { 1: "metadata:ObjectMeta", 2: "spec:PodDisruptionBudgetSpec" },
  PodDisruptionBudgetSpec: {
    1: "minAvailable:IntOrString",
    2: "selector:LabelSelector",
    3: "maxUnavailable:IntOrString",
  },
  LabelSelector: { 1: "matchLabels{}" },
  IntOrString: { 1: "type:int", 2: "intVal:int", 3: "strVal" },
};

const MAGIC = Buffer.from("k8s\0");

/** The object in a protobuf body, as JSON; throws ProtobufError for a kind that is not known here. */
export function readProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(MAGIC))
    throw new ProtobufError("the body does not begin as Kubernetes' protobuf does");
  let apiVersion = "";
  let kind = "";
  let raw = Buffer.alloc(0);
  for (const field of fields(body.subarray(4))) {
    if (field.number === 1) {
      for (const part of fields(field.bytes)) {
        if (part.number === 1) apiVersion = part.bytes.toString();
        if (part.number === 2) kind = part.bytes.toString();
      }
    } else if (field.number === 2) raw = Buffer.from(field.bytes);
  }
  if (MESSAGES[kind] === undefined || kind === "ObjectMeta")
    throw new ProtobufError(`the sandbox reads no protobuf of kind ${JSON.stringify(kind)}; send JSON`);
  return { apiVersion, kind, ...(readMessage(kind, raw) as JsonObject) };
}

interface Field {
  readonly number: number;
  readonly value: bigint;
  readonly bytes: Buffer;
}

function* fields(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++];
      if (byte === undefined) throw new ProtobufError("the message ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new ProtobufError("a number is too long");
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    const wire = tag & 7;
    if (wire === 0) yield { number, value: varint(), bytes: Buffer.alloc(0) };
    else if (wire === 2) {
      const length = Number(varint());
      if (length < 0 || at + length > message.length) throw new ProtobufError("the message ends inside a field");
      yield { number, value: 0n, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4;
    else throw new ProtobufError(`wire type ${wire} is not used by Kubernetes`);
  }
}

function readMessage(type: string, message: Buffer): Json {
  const table = MESSAGES[type] ?? {};
  const object: Draft = {};
  for (const field of fields(message)) {
    const entry = table[field.number];
    if (entry === undefined) continue;
    const [name = "", kind] = entry.split(":");
    if (name.endsWith("{}") || name.endsWith("{bytes}")) addMapEntry(object, name, field.bytes);
    else if (name.endsWith("[]")) {
      const key = name.slice(0, -2);
      object[key] = [...((object[key] as readonly Json[] | undefined) ?? []), readValue(kind, field)];
    } else object[name] = readValue(kind, field);
  }
  if (type !== "IntOrString") return object as JsonObject;
  return object["type"] === 1 ? (object["strVal"] ?? "") : (object["intVal"] ?? 0);
}

function addMapEntry(object: Draft, name: string, bytes: Buffer): void {
  const key = name.slice(0, name.indexOf("{"));
  let [entryKey, entryValue] = ["", Buffer.alloc(0)];
  for (const part of fields(bytes)) {
    if (part.number === 1) entryKey = part.bytes.toString();
    if (part.number === 2) entryValue = Buffer.from(part.bytes);
  }
  object[key] = {
    ...(object[key] as JsonObject | undefined),
    [entryKey]: entryValue.toString(name.endsWith("{bytes}") ? "base64" : "utf8"),
  };
}

function readValue(kind: string | undefined, field: Field): Json {
  if (kind === undefined) return field.bytes.toString();
  if (kind === "int") return Number(field.value);
  if (kind === "bool") return field.value !== 0n;
  return readMessage(kind, field.bytes);
}
