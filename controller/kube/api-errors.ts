// Turns refused answers into `ApiError` and tells the refusals apart that callers treat differently.
// It never guesses: what the server did not say (reason, Retry-After) stays unknown. Kubernetes API conventions,
// "Response Status Kind"; eviction causes: KEP-85. Holds K6 (Retry-After reaches the caller).
import { ApiError, TransportError } from "./port.ts";
import type { ApiResponse, KubeStatus } from "./port.ts";

/** What `reason` is when a proxy in front of the API server answered without a `metav1.Status`. */
const reasonOfCode: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Gone",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** What a body says as a Status; undefined: it is none. A member that is not of its type counts as left out: proxies answer, too. */
function readStatus(body: unknown): KubeStatus | undefined {
  const { kind, ...rest } = fieldsOf(body);
  if (kind !== "Status") return undefined;
  const { message, reason, code, details } = rest;
  const { causes, retryAfterSeconds } = fieldsOf(details);
  return {
    ...rest,
    kind,
    message: typeof message === "string" ? message : undefined,
    reason: typeof reason === "string" ? reason : undefined,
    code: typeof code === "number" ? code : undefined,
    details:
      typeof details === "object" && details !== null
        ? {
            ...details,
            causes: Array.isArray(causes) ? causes.map(fieldsOf) : undefined,
            retryAfterSeconds: typeof retryAfterSeconds === "number" ? retryAfterSeconds : undefined,
          }
        : undefined,
  } as KubeStatus;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Longer than any server means; beyond 24 days a timer of Node's fires at once. */
const LONGEST_WAIT_MS = 3_600_000;

/** Milliseconds after which the server wants to be asked again, from `Retry-After` (seconds) or `details.retryAfterSeconds`. */
function retryAfter(headers: Readonly<Record<string, string>>, status: KubeStatus): number | undefined {
  const header = headers["retry-after"];
  if (header !== undefined && /^\d{1,9}$/.test(header.trim())) return Math.min(Number(header) * 1000, LONGEST_WAIT_MS);
  const seconds = status.details?.retryAfterSeconds;
  return typeof seconds === "number" && seconds > 0 ? Math.min(seconds * 1000, LONGEST_WAIT_MS) : undefined;
}

/** The error that a non-2xx answer stands for. */
export function toApiError(response: Pick<ApiResponse, "status" | "headers" | "body">): ApiError {
  const { status: code, headers, body } = response;
  const text = typeof body === "string" && body.trim() !== "" ? `: ${body.trim().slice(0, 200)}` : "";
  const status: KubeStatus = readStatus(body) ?? {
    kind: "Status",
    code,
    reason: reasonOfCode[code] ?? "Unknown",
    message: `the API server answered ${code}${text}`,
  };
  return new ApiError(code, status, retryAfter(headers, status));
}

/** The error that an ERROR event of a watch stands for; its object is a `metav1.Status`. */
export function watchError(object: unknown): ApiError {
  const status: KubeStatus = readStatus(object) ?? { message: "the watch ended with an error that is not a Status" };
  return new ApiError(status.code ?? 500, status, retryAfter({}, status));
}

function hasCode(error: unknown, code: number): error is ApiError {
  return error instanceof ApiError && error.code === code;
}

export function isNotFound(error: unknown): error is ApiError {
  return hasCode(error, 404);
}

/** Another writer was first, or a uid or resourceVersion precondition failed. `AlreadyExists` is also 409 and is not this. */
export function isConflict(error: unknown): error is ApiError {
  return hasCode(error, 409) && error.reason !== "AlreadyExists";
}

/** Refused by admission, permissions or a quota (403), or as invalid (422): the same request is refused again until somebody changes something. */
export function isRefused(error: unknown): error is ApiError {
  return hasCode(error, 403) || hasCode(error, 422);
}

export function isAlreadyExists(error: unknown): error is ApiError {
  return hasCode(error, 409) && error.reason === "AlreadyExists";
}

/** A resourceVersion or continue token that the server no longer keeps: list again. */
export function isGone(error: unknown): error is ApiError {
  return hasCode(error, 410);
}

/** Refused for load (priority and fairness) or for a disruption budget; `isPdbRefusal` tells which. */
export function isTooManyRequests(error: unknown): error is ApiError {
  return hasCode(error, 429);
}

/** An eviction that a PodDisruptionBudget does not allow now. Carries no Retry-After when the budget is simply used up. */
export function isPdbRefusal(error: unknown): error is ApiError {
  return (
    hasCode(error, 429) && (error.status.details?.causes ?? []).some((cause) => cause.reason === "DisruptionBudget")
  );
}

/**
 * A JSON patch whose `test` did not hold. The server says so with a 422 that names neither kind nor field
 * (recorded: "json patch, failing test"), while a validation error names both.
 */
export function isPatchTestFailure(error: unknown): error is ApiError {
  if (!hasCode(error, 422)) return false;
  const details = error.status.details;
  return details?.kind === undefined && (details?.causes ?? []).length === 0;
}

/** True unless it is certain that the write did not happen: only then may the same write be sent again blindly. */
export function isOutcomeUnknown(error: unknown): boolean {
  if (error instanceof TransportError) return error.outcome === "unknown";
  // A 500 or a gateway's 504 may come after the write was stored; 503 with a Status is said before it.
  if (error instanceof ApiError) return error.code === 500 || error.code === 502 || error.code === 504;
  return true;
}
