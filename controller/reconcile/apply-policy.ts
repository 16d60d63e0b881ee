// Puts the policy of a verified snapshot into the cluster (mode Apply), so that people see with kubectl what is in force. The planner
// never reads these copies. A difference is put back (DriftFromGit), except `suspend: true`, which is never put back; what was deleted
// from Git is removed, but an exception stays until its time, and a level while a ring or a claim names it.
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { RolloutRingSpec } from "../api/rollout-ring.ts";
import { API_VERSION } from "../api/schema.ts";
import type { PatchExceptionSpec } from "../api/patch-exception.ts";
import type { Instant } from "../clock.ts";
import { canonicalJson } from "../core/levels/index.ts";
import type { PolicyInForce } from "../core/model.ts";
import { sortRings } from "../core/rollout/ring-order.ts";
import { isConflict, isNotFound } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import type { EventInput } from "../kube/events.ts";
import type { KubeObject } from "../kube/port.ts";
import type { DisruptionLedger } from "../api/disruption-ledger.ts";
import type { LoadedPolicy } from "../policy/load.ts";
import { objectsOf, type PolicyKind, type PolicyObject } from "../policy/object.ts";
import { type ClusterKey, type ClusterObjects, resourceOf } from "./cluster-kinds.ts";

/** On every object that Ringward put into the cluster from Git. */
export const POLICY_LABEL = "ringward.dev/policy";
export const FROM_GIT = "git";

/** Where the copies of each kind stand. */
export const POLICY_KEYS: Readonly<Record<PolicyKind, ClusterKey>> = {
  PatchBaseline: "baselines",
  RolloutRing: "rings",
  MaintenanceCalendar: "calendars",
  PatchException: "exceptions",
  UpdateRecipe: "recipes",
  PatchLevel: "levels",
};

export interface ApplyPorts {
  readonly client: Client;
  readonly record: (event: EventInput) => void;
  readonly onError: (error: unknown, where: string) => void;
}

export interface AppliedPolicy {
  /** Where it was read. */
  readonly commit: string;
  readonly loaded: LoadedPolicy;
  readonly previous: readonly PolicyObject[];
}

export interface Applied {
  /** All are equal, and nothing waits for its time to be deleted. */
  readonly settled: boolean;
  /** `KIND/NAME` of what could not be written. */
  readonly failed: ReadonlySet<string>;
}

/**
 * Makes the cluster's copies equal to the snapshot. Objects fail one by one. `previous`: what files that are broken now held; it is not
 * deleted, so its copies stay as they are.
 */
export async function applyPolicy(
  ports: ApplyPorts,
  { loaded, previous, commit }: AppliedPolicy,
  objects: ClusterObjects,
  inForce: PolicyInForce,
  now: Instant,
): Promise<Applied> {
  let settled = true;
  const failed = new Set<string>();
  const wanted = new Set(previous.map(({ kind, name }) => `${kind}/${name}`));
  const lives = new Map(
    Object.entries(POLICY_KEYS).flatMap(([kind, key]) =>
      objects[key].map((live) => [`${kind}/${live.metadata.name}`, live] as const),
    ),
  );
  for (const object of inOrderOfUse(loaded.objects)) {
    const name = `${object.kind}/${object.name}` as const;
    wanted.add(name);
    if (object.mismatch !== undefined) continue;
    const outcome = await attempt(ports, `${object.kind} ${object.name}`, () =>
      put(ports, object, commit, lives.get(name)),
    );
    if (outcome !== "same") settled = false;
    if (outcome === "failed") failed.add(name);
  }
  const named = namedLevels(inForce, objects);
  for (const problem of loaded.problems)
    if (problem.object !== undefined) wanted.add(`${problem.object.kind}/${problem.object.name}`);
  for (const kind of [...ORDER_OF_USE].reverse())
    for (const live of kind === "RolloutRing" ? lastRingFirst(objects.rings) : objects[POLICY_KEYS[kind]]) {
      const { labels, name, uid, resourceVersion } = live.metadata;
      if (labels?.[POLICY_LABEL] !== FROM_GIT || wanted.has(`${kind}/${name}`) || uid === undefined) continue;
      settled = false;
      if (kind === "PatchException" && Date.parse((live.spec as PatchExceptionSpec).expirationTime) > now) continue;
      if (kind === "PatchLevel" && named.has(name)) continue;
      await attempt(ports, `${kind} ${name}`, async () => {
        await ports.client.delete(resourceOf(POLICY_KEYS[kind]), { name }, { uid, resourceVersion });
        return true;
      });
    }
  return { settled, failed };
}

/** What others name comes before them; it goes after them. Who reads the copies meanwhile misses nothing that the snapshot has. */
const ORDER_OF_USE: readonly PolicyKind[] = [
  "UpdateRecipe",
  "MaintenanceCalendar",
  "PatchLevel",
  "PatchBaseline",
  "PatchException",
  "RolloutRing",
];

function inOrderOfUse(objects: readonly PolicyObject[]): readonly PolicyObject[] {
  return ORDER_OF_USE.flatMap((kind): readonly PolicyObject[] =>
    kind === "RolloutRing" ? sortRings(objectsOf(objects, kind)) : objectsOf(objects, kind),
  );
}

function lastRingFirst(rings: readonly KubeObject[]): readonly KubeObject[] {
  const ordered = rings.map((live) => ({ name: live.metadata.name, spec: live.spec as RolloutRingSpec, live }));
  return sortRings(ordered)
    .map(({ live }) => live)
    .reverse();
}

async function attempt(
  ports: ApplyPorts,
  where: string,
  run: () => Promise<boolean>,
): Promise<"same" | "changed" | "failed"> {
  try {
    return (await run()) ? "changed" : "same";
  } catch (error) {
    // Our copy of the object was old: the next pass compares again.
    if (!isConflict(error) && !isNotFound(error)) ports.onError(error, where);
    return "failed";
  }
}

/** Answers whether the object was changed. */
async function put(
  ports: ApplyPorts,
  object: PolicyObject,
  commit: string,
  live: KubeObject | undefined,
): Promise<boolean> {
  const resource = resourceOf(POLICY_KEYS[object.kind]);
  const spec = live === undefined ? object.spec : keepSuspended(object, live);
  const { labels, annotations } = object.object.metadata;
  const metadata = {
    labels: { ...labels, [POLICY_LABEL]: FROM_GIT },
    annotations: {
      ...annotations,
      [APPLIED_DIGEST]: digestOf(object.spec),
      [APPLIED_COMMIT]: commit,
      [SOURCE]: `${object.file}:${object.line}`,
    },
  };
  if (live === undefined) {
    await ports.client.create(resource, { metadata: { name: object.name, ...metadata }, spec });
    return true;
  }
  const sameSpec = isDeepStrictEqual(live.spec, spec) || canonicalJson(live.spec) === canonicalJson(spec);
  const same =
    sameSpec && Object.entries(metadata.labels).every(([key, value]) => live.metadata.labels?.[key] === value);
  // A level never changes; one of that name that differs in the cluster is not ours to overwrite.
  if (same || object.kind === "PatchLevel") return false;
  if (wasChanged(live)) ports.record(driftOf(object, live));
  await ports.client.update(resource, {
    ...live,
    metadata: {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...metadata.labels },
      annotations: { ...live.metadata.annotations, ...metadata.annotations },
    },
    spec,
  });
  return true;
}

/** The commit whose content the copy has, and where it stands there: written with the content, not with every commit that leaves it as it is. */
const APPLIED_COMMIT = "ringward.dev/applied-commit";
const SOURCE = "ringward.dev/source";

/** What Git said when Ringward last wrote: a live spec that differs was changed by somebody else, not by a newer commit. */
const APPLIED_DIGEST = "ringward.dev/applied-digest";

/** Whether somebody else changed the live object; suspending it is no drift. */
function wasChanged({ metadata, spec }: KubeObject): boolean {
  const applied = metadata.annotations?.[APPLIED_DIGEST];
  const going = { ...(spec as RolloutRingSpec), suspend: false };
  return applied !== undefined && applied !== digestOf(spec) && applied !== digestOf(going);
}

function digestOf(spec: unknown): string {
  const { suspend, ...rest } = spec as RolloutRingSpec;
  // A suspension that is not there and one that says false are the same.
  const says = suspend === true ? spec : rest;
  return createHash("sha256").update(canonicalJson(says)).digest("hex").slice(0, 16);
}

function driftOf(object: PolicyObject, live: KubeObject): EventInput {
  const { name, uid } = live.metadata;
  return {
    regarding: { apiVersion: API_VERSION, kind: object.kind, name, ...(uid === undefined ? {} : { uid }) },
    type: "Warning",
    reason: "DriftFromGit",
    action: "DriftFromGit",
    note: `the live object differs from ${object.file}:${object.line} and is put back; change it in Git`,
  };
}

/** Of Git and live, the more careful wins; what Git alone had suspended, Git may resume. */
function keepSuspended(object: PolicyObject, live: KubeObject): PolicyObject["spec"] {
  if (object.kind !== "RolloutRing" || (live.spec as RolloutRingSpec).suspend !== true) return object.spec;
  if (live.metadata.annotations?.[APPLIED_DIGEST] === digestOf(live.spec)) return object.spec;
  return { ...object.spec, suspend: true };
}

/** Levels that a ring or a claim still needs. */
function namedLevels(inForce: PolicyInForce, objects: ClusterObjects): ReadonlySet<string> {
  const names = new Set<string>();
  for (const ring of inForce.rings)
    for (const entry of ring.spec.levels ?? []) if (entry.level !== undefined) names.add(entry.level);
  for (const ledger of objects.ledgers)
    for (const claim of (ledger as unknown as DisruptionLedger).status?.claims ?? []) names.add(claim.level);
  for (const baseline of inForce.baselines)
    if (baseline.status?.candidate !== undefined) names.add(baseline.status.candidate.level);
  return names;
}
