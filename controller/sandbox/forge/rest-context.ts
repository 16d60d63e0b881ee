// One API request as its route sees it, and the few questions that every route asks of it.
import type { IncomingMessage } from "node:http";
import { Refusal } from "./refusal.ts";
import type { ForgeRepository } from "./repository.ts";
import type { ForgeAddress } from "./shapes-repository.ts";
import { type Answer, jsonAnswer, paginate } from "./wire.ts";

export interface RestContext {
  readonly at: ForgeAddress;
  readonly repository: ForgeRepository;
  readonly request: IncomingMessage;
  readonly url: URL;
  /** Empty for readers without a token. */
  readonly login: string;
  /** What the path's groups matched. */
  readonly path: readonly string[];
  readonly body: Readonly<Record<string, unknown>>;
}

export type Route = readonly [method: string, path: RegExp, answer: (context: RestContext) => Promise<Answer> | Answer];

export function text(context: RestContext, field: string): string | undefined {
  const value = context.body[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string")
    throw new Refusal(422, `Invalid request.\n\nFor 'properties/${field}', ${JSON.stringify(value)} is not a string.`);
  return value;
}

export function required(context: RestContext, field: string): string {
  const value = text(context, field);
  if (value === undefined) throw new Refusal(422, `Invalid request.\n\n"${field}" wasn't supplied.`);
  return value;
}

export function numberOf(context: RestContext): number {
  return Number(context.path[0]);
}

export function list(context: RestContext, all: readonly unknown[]): Answer {
  const { items, link } = paginate(all, context.url);
  return jsonAnswer(context.request, 200, items, link);
}
