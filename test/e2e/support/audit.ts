// The API server's audit log (audit.k8s.io/v1, one event a line): who asked for what, with which body, and what was answered.
import { readFileSync } from "node:fs";
import type { TimedRequest } from "../../../controller/sandbox/invariants/index.ts";

/** What is read of an audit event. */
export interface AuditEvent {
  readonly auditID: string;
  readonly stage: "ResponseStarted" | "ResponseComplete" | "Panic";
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username?: string };
  readonly impersonatedUser?: { readonly username?: string };
  readonly objectRef?: {
    readonly resource?: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly apiGroup?: string;
    readonly subresource?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly requestObject?: unknown;
  readonly responseObject?: { readonly metadata?: { readonly resourceVersion?: string; readonly name?: string } };
  readonly requestReceivedTimestamp: string;
  readonly stageTimestamp: string;
}

/** All events, in the order of the log. A last line that was cut off by a crash is left out. */
export function readAudit(path: string): readonly AuditEvent[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line) => {
    if (line === "") return [];
    try {
      return [JSON.parse(line) as AuditEvent];
    } catch {
      // Killed in the middle of a line: the next process goes on behind it.
      return [];
    }
  });
}

const METHODS: Readonly<Record<string, TimedRequest["method"]>> = {
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETE",
};

export function userOf(event: AuditEvent): string {
  return event.impersonatedUser?.username ?? event.user.username ?? "";
}

export function timeOf(event: AuditEvent): number {
  return Date.parse(event.stageTimestamp);
}

/** Requests of some users, as the sandbox's server would have logged them. A watch counts from its beginning, everything else from its end. */
export function requestsOf(events: readonly AuditEvent[], users: ReadonlySet<string>): readonly TimedRequest[] {
  return events
    .filter((event) => users.has(userOf(event)))
    .filter((event) => event.stage === (event.verb === "watch" ? "ResponseStarted" : "ResponseComplete"))
    .map((event, seq) => {
      const url = new URL(event.requestURI, "https://api.invalid");
      const method = METHODS[event.verb] ?? "GET";
      return {
        seq,
        user: userOf(event),
        method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        body: event.requestObject,
        status: event.responseStatus?.code ?? 0,
        write: method !== "GET",
        time: timeOf(event),
        revision: Number(event.responseObject?.metadata?.resourceVersion ?? 0),
      };
    });
}
