// Objects of each kind as a real API server (1.36.3) answered them in JSON and in protobuf: a list, and watches through all that
// happened to them. Recorded by record.ts, which knows nothing of what tables say.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { KubeObject, WatchEvent } from "../../../controller/kube/port.ts";
import type { Field, Table } from "../../../controller/kube/protobuf/table.ts";
import { RESOURCES, type Resource } from "../../../controller/kube/resources.ts";

export interface Fixture {
  readonly resource: Resource;
  readonly list: { readonly metadata: { readonly resourceVersion: string }; readonly items: readonly KubeObject[] };
  readonly listBytes: Buffer;
  readonly events: readonly WatchEvent[];
  readonly watchBytes: Buffer;
}

interface Line {
  readonly kind: string;
  readonly list: Fixture["list"];
  readonly listProtobuf: string;
  readonly events: readonly WatchEvent[];
  readonly watchProtobuf: string;
}

export function readFixtures(): readonly Fixture[] {
  const text = gunzipSync(readFileSync(new URL("fixtures.jsonl.gz", import.meta.url))).toString("utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const { kind, list, listProtobuf, events, watchProtobuf } = JSON.parse(line) as Line;
      const resource = RESOURCES.find((one) => one.kind === kind);
      if (resource === undefined) throw new Error(`no resource ${kind}`);
      return {
        resource,
        list,
        listBytes: Buffer.from(listProtobuf, "base64"),
        events,
        watchBytes: Buffer.from(watchProtobuf, "base64"),
      };
    });
}

/** What a table takes of an object in JSON. */
export function pick(json: unknown, table: Table): Record<string, unknown> {
  const from = json as Record<string, unknown>;
  const picked: Record<string, unknown> = {};
  for (const field of table) {
    if (field === undefined) continue;
    if (field.kind === "inline") Object.assign(picked, pick(from, field.table));
    // Go writes some empty strings; no reader tells them from none.
    else if (!["", undefined, null].includes(from[field.name] as string)) pickField(from[field.name], field, picked);
  }
  return picked;
}

function pickField(value: unknown, field: Exclude<Field, { kind: "inline" }>, picked: Record<string, unknown>): void {
  if (field.kind === "message") picked[field.name] = pick(value, field.table);
  else if (field.kind !== "list") picked[field.name] = value;
  else {
    const { only } = field;
    const named = only === undefined ? undefined : field.table[only.field];
    const kept = (value as Record<string, unknown>[]).filter(
      (one) => named === undefined || named.kind === "inline" || one[named.name] === only?.says,
    );
    if (kept.length > 0) picked[field.name] = kept.map((one) => pick(one, field.table));
  }
}
