// What a projection of an object comes to: the value, or a named problem. One bad object never stops the others (V4).
import type { Instant } from "../clock.ts";
import { entryOf, type Fields, fieldsAt, instantOf, isFields, listOf, stringsOf, textOf } from "./fields.ts";

export interface ObjectProblem {
  /** A kind of Kubernetes, or `File`. */
  readonly kind: string;
  readonly namespace: string | undefined;
  /** As far as it can be told. */
  readonly name: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

export type Projected<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: ObjectProblem };

/** The values of those that could be projected. */
export function valuesOf<T>(list: readonly Projected<T>[]): readonly T[] {
  const values: T[] = [];
  for (const one of list) if (one.ok) values.push(one.value);
  return values;
}

/** The part of metadata that all projections read. */
export interface Identity {
  readonly name: string;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number | undefined;
  readonly createdAt: Instant;
  readonly deleting: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly controller: Owner | undefined;
}

export interface Owner {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** RFC 1123 subdomain, which the names of all kinds that we read are. */
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;

/** Reads metadata; a problem where the object cannot be told from others. */
export function identify(kind: string, namespaced: boolean, object: unknown): Projected<Identity> {
  const metadata = fieldsAt(object, "metadata");
  const name = textOf(metadata["name"]);
  const namespace = namespaced ? textOf(metadata["namespace"], 63) : "";
  const refuse = (message: string): Projected<Identity> => ({
    ok: false,
    problem: { kind, namespace: namespace === "" ? undefined : namespace, name, message },
  });
  if (!isFields(object)) return refuse("this is not an object");
  if (!NAME.test(name)) return refuse("metadata.name is missing or is not a name; the object is left out");
  if (namespaced && !NAME.test(namespace))
    return refuse("metadata.namespace is missing or is not a name; the object is left out");
  const uid = textOf(metadata["uid"], 128);
  if (uid === "") return refuse("metadata.uid is missing; write dumps with kubectl get -o json");
  const generation = metadata["generation"];
  return {
    ok: true,
    value: {
      name,
      namespace,
      uid,
      resourceVersion: textOf(metadata["resourceVersion"], 64),
      generation: typeof generation === "number" ? generation : undefined,
      createdAt: instantOf(metadata["creationTimestamp"]) ?? 0,
      deleting: typeof metadata["deletionTimestamp"] === "string",
      labels: stringsOf(metadata["labels"]),
      controller: controllerOf(metadata),
    },
  };
}

/** The owner reference that controls the object; there is at most one. */
export function controllerOf(metadata: Fields): Owner | undefined {
  const owner = listOf(metadata["ownerReferences"]).find((one) => fieldsAt(one)["controller"] === true);
  if (owner === undefined) return undefined;
  const { kind, name, uid } = fieldsAt(owner);
  return { kind: textOf(kind, 63), name: textOf(name), uid: textOf(uid, 128) };
}

/** Annotations of an object. Last-applied configurations are long; nothing that we read is. */
export function annotationsOf(object: unknown): Readonly<Record<string, string>> {
  return stringsOf(fieldsAt(object, "metadata", "annotations"), 512);
}

/** The condition of a type: its status and reason. */
export function conditionOf(
  object: unknown,
  type: string,
): { readonly status: string; readonly reason: string } | undefined {
  const found = listOf(fieldsAt(object, "status")["conditions"]).find((one) => fieldsAt(one)["type"] === type);
  if (found === undefined) return undefined;
  const { status, reason } = fieldsAt(found);
  return { status: textOf(status, 16), reason: textOf(reason, 128) };
}

/** The claim that Ringward marked an object with (written together with the change itself). */
export function claimOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const claim = entryOf(annotations, "ringward.dev/claim");
  return claim === undefined || claim === "" ? undefined : claim.slice(0, 64);
}
