// What every part of the server works on, and one request as they see it. Plain data: no module keeps state of its own.
import type { Clock, Random } from "../../clock.ts";
import type { Json } from "./json.ts";
import type { Registry } from "./registry.ts";
import type { BuiltinSchema } from "./schema/builtin.ts";
import type { Storage } from "./storage.ts";

export interface Context {
  /** Policy time: object times. */
  readonly clock: Clock;
  readonly random: Random;
  readonly schema: BuiltinSchema;
  readonly storage: Storage;
  readonly registry: Registry;
}

/** One request after authentication. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text from the wire, or a value given in process. */
  readonly body: unknown;
  readonly contentType: string;
  readonly user: string;
  /** Warning headers are collected here. */
  readonly warnings: string[];
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** Policy time as object times are written: RFC 3339, UTC, seconds. */
export function nowText(context: Context): string {
  return `${new Date(context.clock.now()).toISOString().slice(0, 19)}Z`;
}
