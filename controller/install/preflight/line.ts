// What `ringward check` says: one line for each thing that was looked at. What could not be known is Unknown, never ok; what cannot be seen from
// here by design, and is seen from elsewhere, is skipped and said so. And what an API server answered to one look, so that the judges beside
// this file are pure.
import type { ApiPort, ApiRequest } from "../../kube/port.ts";

export type Verdict = "ok" | "warn" | "fail" | "unknown" | "skip";

export interface Line {
  /** `permissions`, `git`: what it is about. */
  readonly name: string;
  readonly verdict: Verdict;
  /** What was seen. */
  readonly says: string;
  /** What to do about it. */
  readonly todo?: string;
}

export type Answer =
  | { readonly kind: "There"; readonly body: unknown }
  | { readonly kind: "Absent" }
  /** 401, 403: we may not know. `says` is the server's message. */
  | { readonly kind: "Refused"; readonly says: string }
  /** No answer, or one that says nothing. */
  | { readonly kind: "Silent"; readonly says: string };

export type Port = Pick<ApiPort, "request">;

/** Asks once. */
export async function ask(port: Port, request: ApiRequest): Promise<Answer> {
  try {
    const { status, body } = await port.request(request);
    if (status < 300) return { kind: "There", body };
    if (status === 404) return { kind: "Absent" };
    const says = `${status} ${messageOf(body)}`.trim();
    return status === 401 || status === 403 ? { kind: "Refused", says } : { kind: "Silent", says };
  } catch (error) {
    return { kind: "Silent", says: error instanceof Error ? error.message : String(error) };
  }
}

export function look(port: Port, path: string): Promise<Answer> {
  return ask(port, { method: "GET", path });
}

function messageOf(body: unknown): string {
  const { message } = fieldsOf(body);
  return typeof message === "string" ? message.slice(0, 300) : "";
}

/** An object's fields; none of anything else. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

export const INSTALL = "install Ringward (docs/install.md)";
export const UPGRADE = "upgrade the chart, or apply ringward install --export again (docs/install.md)";
export const AS_ADMINISTRATOR = "run it as an administrator, too";

/** What could not be looked at, and what helps: other rights, or another try. */
export function notKnown(name: string, what: string, answer: Exclude<Answer, { kind: "There" }>): Line {
  switch (answer.kind) {
    case "Absent":
      return { name, verdict: "unknown", says: `${what}: it is not there`, todo: INSTALL };
    case "Refused":
      return { name, verdict: "unknown", says: `${what}: ${answer.says}`, todo: AS_ADMINISTRATOR };
    case "Silent":
      return { name, verdict: "unknown", says: `${what}: ${answer.says}`, todo: "try again" };
  }
}

/**
 * Lines about what the controller's account is not meant to see, as that account sees them: a refusal is the least privilege that it has, and
 * no trouble. No answer at all stays unknown.
 */
export function leftToOthers(lines: readonly Line[]): readonly Line[] {
  return lines.map((line) =>
    line.todo === AS_ADMINISTRATOR
      ? { name: line.name, verdict: "skip", says: "the controller's account may not see it: an administrator may" }
      : line,
  );
}

/** Every field that is wanted is there with the same value; the server may have filled in others. Lists have to be equal in length. */
export function holds(found: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted))
    return Array.isArray(found) && found.length === wanted.length && wanted.every((one, at) => holds(found[at], one));
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  const has = fieldsOf(found);
  return Object.entries(wanted).every(([key, value]) => value === undefined || holds(has[key], value));
}
