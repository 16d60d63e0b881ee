// A request to look at the policy repository now, as people, scripts and controllers that do not lead make it: one annotation on the repository
// in force, each new value of which is a request. It says when to look, never what is there, and changes nothing else.
import { type PolicyRepository, REQUESTED_AT } from "../api/policy-repository.ts";
import type { Instant, Random } from "../clock.ts";
import type { Client } from "../kube/client.ts";
import type { KubeObject } from "../kube/port.ts";
import { POLICY_REPOSITORIES } from "../kube/resources.ts";

/** A PolicyRepository as the API server answers it. */
export type StoredRepository = PolicyRepository & KubeObject;

/** Of several repositories the oldest is in force. */
export function byAge(a: KubeObject, b: KubeObject): number {
  const key = ({ metadata }: KubeObject): string => `${metadata.creationTimestamp ?? ""}/${metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

/** The repository in force; undefined: there is none. */
export async function findRepository(client: Client): Promise<StoredRepository | undefined> {
  const { items } = await client.list<StoredRepository>(POLICY_REPOSITORIES);
  return items.toSorted(byAge)[0];
}

/** A value that nobody else asks with: RFC 3339, with more digits of a second than any clock has. */
export function newRequest(now: Instant, random: Random): string {
  const digits = String(Math.floor(random.next() * 1e9)).padStart(9, "0");
  return new Date(now).toISOString().replace("Z", `${digits}Z`);
}

/** Asks with this value, in one write that tests which object it hits. Answers the object as it was left by that. Throws what the client throws. */
export function requestLook(client: Client, { metadata }: KubeObject, value: string): Promise<StoredRepository> {
  const body = { metadata: { uid: metadata.uid, annotations: { [REQUESTED_AT]: value } } };
  return client.patch<StoredRepository>(POLICY_REPOSITORIES, { name: metadata.name }, { type: "merge", body });
}
