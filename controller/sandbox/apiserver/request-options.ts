// What may stand in a request's query, checked before anything else is done (metav1 validation of ListOptions, CreateOptions,
// UpdateOptions, PatchOptions, DeleteOptions): a refusal names the option, not the object.
import type { Call } from "./context.ts";
import type { JsonObject } from "./json.ts";
import { Refusal, badRequest, cause, invalid } from "./status.ts";
import type { Cause } from "./status.ts";

type WriteOptions = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions";

/** Throws 422 with every fault of an options object. */
function refuse(kind: WriteOptions | "ListOptions", faults: readonly Cause[]): void {
  if (faults.length > 0) throw invalid({ group: "meta.k8s.io", kind }, "", faults);
}

function dryRunFaults(given: string): readonly Cause[] {
  return given === "" || given === "All"
    ? []
    : [
        {
          reason: "FieldValueNotSupported",
          message: `Unsupported value: ${JSON.stringify([given])}: supported values: "All"`,
          field: "dryRun",
        },
      ];
}

const VALIDATIONS = ["", "Ignore", "Strict", "Warn"];
const LONGEST_MANAGER = 128;

function managerFaults(manager: string): readonly Cause[] {
  if (manager.length > LONGEST_MANAGER)
    return [
      {
        reason: "FieldValueTooLong",
        message: `Too long: may not be more than ${LONGEST_MANAGER} bytes`,
        field: "fieldManager",
      },
    ];
  // Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the plain space.
  const at = [...manager].findIndex((character) => !/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character));
  if (at < 0) return [];
  const code = [...manager][at]?.codePointAt(0) ?? 0;
  return [
    {
      reason: "FieldValueInvalid",
      message: `Invalid value: ${goQuoted(manager)}: invalid character U+${code.toString(16).toUpperCase().padStart(4, "0")} (at position ${at})`,
      field: "fieldManager",
    },
  ];
}

/** Go's %q of a text with control characters. */
function goQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([0-9a-f]{2})/gu, "\\x$1");
}

/** Checks the query of a POST, PUT or PATCH; `applies` says that the patch is a server-side apply. */
export function checkWriteQuery(call: Call, applies: boolean): void {
  const { query, method } = call;
  const kind = method === "PATCH" ? "PatchOptions" : method === "PUT" ? "UpdateOptions" : "CreateOptions";
  const manager = query["fieldManager"] ?? "";
  const faults: Cause[] = [];
  if (kind === "PatchOptions" && !applies && query["force"] !== undefined && query["force"] !== "")
    faults.push(cause.forbidden("force", "may not be specified for non-apply patch"));
  if (applies && manager === "") faults.push(cause.required("fieldManager", "is required for apply patch"));
  faults.push(...managerFaults(manager), ...dryRunFaults(query["dryRun"] ?? ""));
  const validation = query["fieldValidation"] ?? "";
  if (!VALIDATIONS.includes(validation)) faults.push(cause.unsupported("fieldValidation", validation, VALIDATIONS));
  refuse(kind, faults);
}

/** Checks DeleteOptions as they came in the body; `call` is asked for those of the query. */
export function checkDeleteOptions(call: Call, body: JsonObject): void {
  const given = body["dryRun"];
  const dryRun = call.query["dryRun"] ?? (Array.isArray(given) ? String(given[0] ?? "") : "");
  const policy = body["propagationPolicy"] ?? call.query["propagationPolicy"];
  const orphan = body["orphanDependents"] ?? call.query["orphanDependents"];
  const faults: Cause[] = [];
  if (policy !== undefined && orphan !== undefined)
    faults.push(
      cause.invalid("propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"),
    );
  if (policy !== undefined && !["Foreground", "Background", "Orphan"].includes(String(policy)))
    faults.push(cause.unsupported("propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"]));
  faults.push(...dryRunFaults(dryRun));
  refuse("DeleteOptions", faults);
}

/** Checks the query of a list or watch: what may go together, and that numbers are numbers. */
export function checkListQuery(call: Call, watches: boolean): void {
  const { query } = call;
  for (const name of ["limit", "timeoutSeconds"]) {
    const text = query[name] ?? "";
    if (text !== "" && !/^[+-]?\d+$/u.test(text))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  refuse("ListOptions", watches ? watchFaults(query) : listFaults(query));
}

type Query = Readonly<Record<string, string>>;
const MATCH = "resourceVersionMatch";
const NEEDS_VERSION = "resourceVersionMatch is forbidden unless resourceVersion is provided";

function watchFaults(query: Query): readonly Cause[] {
  const match = query[MATCH] ?? "";
  const sends = query["sendInitialEvents"];
  if (sends === undefined)
    return match === ""
      ? []
      : [cause.forbidden(MATCH, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")];
  if (match === "NotOlderThan") return [];
  return [
    cause.forbidden(MATCH, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
    ...(match === "" ? [] : [cause.unsupported(MATCH, match, ["NotOlderThan"])]),
  ];
}

function listFaults(query: Query): readonly Cause[] {
  const match = query[MATCH] ?? "";
  const version = query["resourceVersion"] ?? "";
  const faults: Cause[] = [];
  if (match !== "") {
    if (version === "") faults.push(cause.forbidden(MATCH, NEEDS_VERSION));
    if ((query["continue"] ?? "") !== "")
      faults.push(cause.forbidden(MATCH, "resourceVersionMatch is forbidden when continue is provided"));
    if (match !== "Exact" && match !== "NotOlderThan")
      faults.push(cause.unsupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && version === "0")
      faults.push(cause.forbidden(MATCH, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (query["sendInitialEvents"] !== undefined)
    faults.push(cause.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return faults;
}

/** A resourceVersion that is no number, as `words` begins the complaint about it. */
export function versionFault(text: string, code: 400 | 500): Refusal {
  const fault = `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  return code === 400 ? badRequest(`invalid resource version: ${fault}`) : new Refusal(500, undefined, fault);
}
