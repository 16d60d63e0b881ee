// What a test may do to requests: drop them before they happen, lose the answer of one that did happen, answer with an error,
// or hold them back. And the log of every request, from which crash points are taken.

/** A request as the fault hook and the log see it. */
export interface SeenRequest {
  /** Counts from 1. */
  readonly seq: number;
  readonly user: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  /** POST, PUT, PATCH or DELETE, and no dry run. */
  readonly write: boolean;
}

export interface LoggedRequest extends SeenRequest {
  /** 0 when the request was dropped before it reached the store. */
  readonly status: number;
}

export type Fault =
  | "none"
  /** The connection breaks before anything happens. */
  | "failBefore"
  /** The request is carried out and its answer is lost. */
  | "loseReply"
  /** Answered with this status and a body that fits (409, 410, 429, 500, 503 ...); nothing happens. */
  | { readonly status: number; readonly retryAfterSeconds?: number; readonly reason?: string }
  /** Carried out after this many milliseconds of transport time. */
  | { readonly delayMs: number };

export type FaultHook = (request: SeenRequest) => Fault;

/** The answer that the client never got; whether the write happened is unknown to it. */
export class ConnectionLost extends Error {
  readonly code = "ECONNRESET";
  constructor(request: Pick<SeenRequest, "method" | "path">) {
    super(`the connection broke before an answer to ${request.method} ${request.path} came`);
    this.name = "ConnectionLost";
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: "BadRequest",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** The reason that goes with a status. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? "Unknown";
}
