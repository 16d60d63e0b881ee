// Events: what the older API lets pass and the newer one does not (pkg/apis/core/validation/events.go). Which API wrote is seen
// from the names of the fields: `regarding` and `note` are the newer one's.
import { jsonEqual, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { keyComplaints } from "../names.ts";
import { cause } from "../status.ts";
import type { Cause } from "../status.ts";
import type { Kind } from "./kind.ts";

const NO_TIME = [undefined, null];

function isNew(object: JsonObject): boolean {
  return object["apiVersion"] === "events.k8s.io/v1";
}

function tooLong(field: string, text: string, limit: number): readonly Cause[] {
  return Buffer.byteLength(text) > limit ? [cause.invalid(field, "", `can have at most ${limit} characters`)] : [];
}

/** An event lives in the namespace of what it is about; events about cluster-scoped objects live in `default`. */
function namespaceFaults(object: JsonObject, timed: boolean): readonly Cause[] {
  const about = stringAt(object["involvedObject"] ?? object["regarding"], "namespace") ?? "";
  const own = stringAt(object["metadata"], "namespace") ?? "";
  const home = own === "default" || own === "";
  const fits = timed ? about !== "" || home || own === "kube-system" : about === "" ? home : about === own;
  return fits ? [] : [cause.invalid("involvedObject.namespace", about, "does not match event.namespace")];
}

/** An event with an event time is held to the newer API's rules, whichever way it came. */
function timedFaults(object: JsonObject): readonly Cause[] {
  const text = (key: string): string => stringAt(object, key) ?? "";
  const reporter = isNew(object) ? "reportingController" : "reportingComponent";
  const required = (field: string, value: string): readonly Cause[] => (value === "" ? [cause.required(field)] : []);
  return [
    ...required(reporter, text(reporter)),
    ...keyComplaints(text(reporter)).map((why) => cause.invalid(reporter, text(reporter), why)),
    ...required("reportingInstance", text("reportingInstance")),
    ...tooLong("reportingInstance", text("reportingInstance"), 128),
    ...required("action", text("action")),
    ...tooLong("action", text("action"), 128),
    ...required("reason", text("reason")),
    ...tooLong("reason", text("reason"), 128),
    ...tooLong("message", text(isNew(object) ? "note" : "message"), 1024),
  ];
}

function validate(object: JsonObject): readonly Cause[] {
  const timed = !NO_TIME.includes(object["eventTime"] as null);
  const faults = [...namespaceFaults(object, timed), ...(timed ? timedFaults(object) : [])];
  if (!isNew(object)) return faults;
  const type = stringAt(object, "type") ?? "";
  return [
    ...faults,
    ...(timed ? [] : [cause.required("eventTime")]),
    ...(type === "Normal" || type === "Warning" ? [] : [cause.invalid("type", "", `has invalid value: ${type}`)]),
  ];
}

/** By the newer API only a series goes on. */
const FIXED: Readonly<Record<string, string>> = {
  regarding: "involvedObject",
  reason: "reason",
  note: "message",
  type: "type",
  action: "action",
  related: "related",
  reportingController: "reportingController",
  reportingInstance: "reportingInstance",
};

function validateUpdate(object: JsonObject, old: JsonObject): readonly Cause[] {
  if (!isNew(object)) return [];
  return Object.entries(FIXED).flatMap(([field, stored]) =>
    jsonEqual(object[field], old[field]) ? [] : [cause.invalid(stored, object[field] ?? null, "field is immutable")],
  );
}

export const event: Kind = { validate, validateUpdate };
