// One object in protobuf → the object that JSON has for it, as far as its table goes. An object without a name is none.
import type { KubeObject } from "../port.ts";
import { apiVersionOf, type Resource } from "../resources.ts";
import { readMessage } from "./message.ts";
import type { Table } from "./table.ts";
import { type Cursor, malformed } from "./wire.ts";
import type { Words } from "./words.ts";

/** Reads the object between the cursor's ends. `nameless`: a bookmark, of which only the metadata counts. */
export function readObject(
  cursor: Cursor,
  resource: Resource,
  fields: Table,
  words: Words,
  nameless = false,
): KubeObject {
  const object: Record<string, unknown> = { apiVersion: apiVersionOf(resource), kind: resource.kind };
  readMessage(cursor, fields, words, object);
  const metadata = object["metadata"] as Partial<KubeObject["metadata"]> | undefined;
  if (!nameless && (metadata?.name ?? "") === "") throw malformed(`a ${resource.kind} has no name`);
  return (metadata === undefined ? { ...object, metadata: {} } : object) as unknown as KubeObject;
}
