// Field numbers of what all kinds share, from k8s.io/apimachinery v0.36.3: pkg/runtime/generated.proto and
// pkg/apis/meta/v1/generated.proto (published at https://github.com/kubernetes/apimachinery). Numbers never change meaning between
// versions: Kubernetes' API conventions forbid it.
import { bool, count32, count64, json, list, map, message, strings, table, text, time, word } from "./table.ts";
import type { Only, Table } from "./table.ts";

/** runtime.TypeMeta. */
export const TYPE_META: Table = table({ 1: word("apiVersion"), 2: word("kind") });

/** metav1.ListMeta. */
export const LIST_META: Table = table({ 2: text("resourceVersion"), 3: text("continue") });

const OWNER_REFERENCE: Table = table({
  1: word("kind"),
  3: word("name"),
  4: word("uid"),
  5: word("apiVersion"),
  6: bool("controller"),
});

/** `fieldsV1` is JSON in bytes: JSON.parse is what takes time here, so it is read only where it decides something. */
const MANAGED_FIELDS: Table = table({ 1: word("manager"), 2: word("operation"), 7: json("fieldsV1") });

/** Only applied fields name an owner (inventory/managed-by.ts). */
const APPLIED: Only = { field: 2, says: "Apply" };

const OBJECT_META_FIELDS = {
  1: text("name"),
  3: word("namespace"),
  5: text("uid"),
  6: text("resourceVersion"),
  7: count64("generation"),
  8: time("creationTimestamp"),
  9: time("deletionTimestamp"),
  11: map("labels"),
  12: map("annotations"),
  13: list("ownerReferences", OWNER_REFERENCE),
};

/** metav1.ObjectMeta without what only a few kinds need. */
export const OBJECT_META: Table = table(OBJECT_META_FIELDS);

/** metav1.ObjectMeta with what keeps an object that is deleted. */
export const FINALIZED_META: Table = table({ ...OBJECT_META_FIELDS, 14: strings("finalizers") });

/** metav1.ObjectMeta with the managers that applied. */
export const MANAGED_META: Table = table({
  ...OBJECT_META_FIELDS,
  17: list("managedFields", MANAGED_FIELDS, APPLIED),
});

const LABEL_SELECTOR_REQUIREMENT: Table = table({ 1: word("key"), 2: word("operator"), 3: strings("values") });

/** metav1.LabelSelector. */
export const LABEL_SELECTOR: Table = table({
  1: map("matchLabels"),
  2: list("matchExpressions", LABEL_SELECTOR_REQUIREMENT),
});

const STATUS_CAUSE: Table = table({ 1: word("reason"), 2: text("message"), 3: text("field") });

const STATUS_DETAILS: Table = table({
  1: text("name"),
  2: word("group"),
  3: word("kind"),
  4: list("causes", STATUS_CAUSE),
  5: count32("retryAfterSeconds"),
  6: text("uid"),
});

/** metav1.Status: what a watch says in an ERROR event. */
export const STATUS: Table = table({
  2: word("status"),
  3: text("message"),
  4: word("reason"),
  5: message("details", STATUS_DETAILS),
  6: count32("code"),
});
