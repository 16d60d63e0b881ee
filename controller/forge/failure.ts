// What a failed request to a forge means for us: look again, wait, tell a person, or an outage. Octokit's errors carry the whole
// request: nothing but the status, GitHub's message and a few headers leaves this file, so no token reaches a log or a status.
import type { Instant } from "../clock.ts";
import { UserError } from "../errors.ts";
import { redact } from "../redact.ts";

export type ForgeFailure =
  /** 304: what we have is still true. */
  | { readonly kind: "NotModified" }
  /** 301, 302, 307, 308: the repository has another name now. Not followed. */
  | { readonly kind: "Renamed" }
  /** Refused for now; nothing was done. `waitMs` is what the forge asked for. */
  | { readonly kind: "Limited"; readonly waitMs: number | undefined }
  | { readonly kind: "Unauthorized" }
  | { readonly kind: "Forbidden"; readonly message: string }
  /** `gone`: 410, the thing is switched off or deleted for good. */
  | { readonly kind: "NotFound"; readonly gone: boolean }
  /** 405: not now or never; the message tells. */
  | { readonly kind: "NotAllowed"; readonly message: string }
  /** 409: something moved meanwhile. */
  | { readonly kind: "Conflict"; readonly message: string }
  /** 422: the request makes no sense as things stand. */
  | { readonly kind: "Unprocessable"; readonly message: string }
  /** No answer, or 5xx: whether a write was done is unknown. */
  | { readonly kind: "Outage"; readonly message: string }
  | { readonly kind: "Other"; readonly status: number; readonly message: string };

interface HttpFailure {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** False when the transport failed and octokit made up the status. */
  readonly answered: boolean;
}

const longestWait = 2 * 3_600_000;

function readHttpFailure(error: unknown): HttpFailure | undefined {
  if (typeof error !== "object" || error === null || !("status" in error) || typeof error.status !== "number")
    return undefined;
  const response =
    "response" in error && typeof error.response === "object" && error.response !== null ? error.response : undefined;
  const headers =
    response !== undefined && "headers" in response && typeof response.headers === "object" && response.headers !== null
      ? response.headers
      : {};
  return {
    status: error.status,
    message: describe(error),
    headers: headers as HttpFailure["headers"],
    answered: response !== undefined,
  };
}

/** Any error's words, without credentials, bounded. */
export function describe(error: unknown): string {
  const said: unknown = typeof error === "object" && error !== null && "message" in error ? error.message : error;
  // Never String() of an object that a server sent: its `toString` need not be a function.
  return redact(typeof said === "object" ? "an error without words" : String(said)).slice(0, 500);
}

/** How long a limit lasts: Retry-After in seconds, or until the reset, measured against the forge's own Date when it sent one. */
function limitWait(headers: HttpFailure["headers"], now: Instant): number | undefined {
  const after = headers["retry-after"];
  if (after !== undefined) {
    const seconds = Number(after);
    const until = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(after) - now;
    return Number.isFinite(until) ? Math.min(Math.max(until, 0), longestWait) : undefined;
  }
  const reset = Number(headers["x-ratelimit-reset"]);
  if (headers["x-ratelimit-remaining"] !== "0" || !Number.isFinite(reset)) return undefined;
  const theirs = Date.parse(headers["date"] ?? "");
  return Math.min(Math.max(reset * 1000 - (Number.isFinite(theirs) ? theirs : now), 1000), longestWait);
}

function isLimit(failure: HttpFailure): boolean {
  if (failure.status === 429) return true;
  return (
    failure.status === 403 &&
    (failure.headers["retry-after"] !== undefined ||
      failure.headers["x-ratelimit-remaining"] === "0" ||
      /rate limit|abuse/i.test(failure.message))
  );
}

/** Reads what octokit threw; `now` is the wall clock, ms. */
export function failureOf(error: unknown, now: Instant): ForgeFailure {
  const failure = readHttpFailure(error);
  if (failure === undefined || !failure.answered) return { kind: "Outage", message: describe(error) };
  if (failure.status === 304) return { kind: "NotModified" };
  if (failure.status >= 300 && failure.status < 400) return { kind: "Renamed" };
  if (isLimit(failure)) return { kind: "Limited", waitMs: limitWait(failure.headers, now) };
  if (failure.status === 401) return { kind: "Unauthorized" };
  if (failure.status === 403) return { kind: "Forbidden", message: failure.message };
  if (failure.status === 404 || failure.status === 410) return { kind: "NotFound", gone: failure.status === 410 };
  if (failure.status === 405) return { kind: "NotAllowed", message: failure.message };
  if (failure.status === 409) return { kind: "Conflict", message: failure.message };
  if (failure.status === 422) return { kind: "Unprocessable", message: failure.message };
  if (failure.status >= 500 || failure.status === 408)
    return { kind: "Outage", message: `HTTP ${failure.status}: ${failure.message}` };
  return { kind: "Other", status: failure.status, message: failure.message };
}

/** The same failure with every occurrence of `secret` gone from its message: a forge may echo what it was sent. */
export function withoutSecret(failure: ForgeFailure, secret: string | undefined): ForgeFailure {
  if (secret === undefined || secret === "" || !("message" in failure)) return failure;
  return { ...failure, message: redact(failure.message, [secret]) };
}

/** Names what we were doing, for messages: "open a pull request for ringward/early". */
export function explain(failure: ForgeFailure, place: string, doing: string): Error {
  switch (failure.kind) {
    case "Unauthorized":
      return new UserError(
        "RW0711",
        `${place}: the forge does not accept our token; we could not ${doing}`,
        "renew the token in the file that the PolicyRepository's auth names",
      );
    case "Forbidden":
      return new UserError(
        "RW0712",
        `${place}: our token may not ${doing}: ${failure.message}`,
        "give it read and write on pull requests, issues, contents and commit statuses (and checks, for an App) of this repository",
      );
    case "NotFound":
      return new UserError(
        "RW0713",
        `${place}: not found, or not visible to our token; we could not ${doing}`,
        "check the forge's address, owner and repository, and that the token reaches this repository",
      );
    case "Renamed":
      return new UserError(
        "RW0714",
        `${place}: the repository was renamed or moved; we did not ${doing}`,
        "write its new owner and name into the PolicyRepository's url and forge",
      );
    case "NotAllowed":
    case "Conflict":
    case "Unprocessable":
      return new Error(`${place}: the forge refused to ${doing}: ${failure.message}`);
    case "Outage":
      return new Error(`${place}: the forge did not ${doing}: ${failure.message}`);
    case "Other":
      return new Error(
        `${place}: the forge answered HTTP ${failure.status} when asked to ${doing}: ${failure.message}`,
      );
    case "Limited":
      return new Error(`${place}: the forge limits us; we could not ${doing}`);
    case "NotModified":
      return new Error(`${place}: the forge answered "not modified" to a question that it was not asked (${doing})`);
  }
}
