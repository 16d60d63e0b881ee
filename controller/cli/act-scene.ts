// What all acts share: what they work with, how they write, and how an event names what they wrote.
import { API_VERSION } from "../api/schema.ts";
import type { Instant } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { Client, JsonPatchOperation } from "../kube/client.ts";
import type { ObjectReference } from "../kube/events.ts";
import type { KubeObject } from "../kube/port.ts";
import type { ObjectRef, Resource } from "../kube/resources.ts";
import type { Surroundings } from "./output.ts";

/** What an act works with. */
export interface Scene {
  readonly client: Client;
  readonly now: Instant;
  /** The command's own words: a ring and a level, an asset. */
  readonly words: readonly string[];
  readonly namespace: string | undefined;
  readonly reason: string;
}

/** What an act did. */
export interface Done {
  /** One line for the person. */
  readonly text: string;
  /** Undefined where nothing had to be written, and so nothing is to be recorded. */
  readonly regarding?: ObjectReference;
  /** It could not be done, and the text says why: exit code 1. */
  readonly refused?: true;
  /** What comes when it is recorded; answers the exit code. */
  readonly after?: (surroundings: Surroundings) => Promise<number>;
}

/** Sends a JSON patch whose first test is the object's UID. */
export async function patchTested(
  client: Client,
  resource: Resource,
  object: KubeObject,
  operations: readonly JsonPatchOperation[],
  subresource?: "status",
): Promise<void> {
  const body: readonly JsonPatchOperation[] = [
    { op: "test", path: "/metadata/uid", value: object.metadata.uid },
    ...operations,
  ];
  const { name, namespace } = object.metadata;
  await client.patch(
    resource,
    { name, namespace },
    { type: "json", body },
    subresource === undefined ? {} : { subresource },
  );
}

/** What an event of an object points to. */
export function referTo(object: KubeObject, resource: Resource): ObjectReference {
  const { name, namespace, uid } = object.metadata;
  return { apiVersion: API_VERSION, kind: resource.kind, name, namespace, uid };
}

/** An object that must be there. */
export async function mustGet<T extends KubeObject>(
  client: Client,
  resource: Resource,
  ref: ObjectRef,
  hint: string,
): Promise<T> {
  const object = await client.get<T>(resource, ref);
  if (object !== undefined) return object;
  const name = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
  throw new UserError("RW0221", `there is no ${resource.kind} ${name}`, hint);
}
