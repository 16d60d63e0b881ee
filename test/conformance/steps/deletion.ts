// Deletion: options, finalizers, propagation, preconditions, collections. No garbage collector runs beside the real server, so
// only what the API server itself does is compared.
import { del, get, merge, post } from "../step.ts";
import type { Step } from "../step.ts";

const CMS = "/api/v1/namespaces/deletion/configmaps";
const JOBS = "/apis/batch/v1/namespaces/deletion/jobs";

function thing(name: string, metadata: object = {}, more: Partial<Step> = {}): Step {
  return post(`make ${name} to delete`, CMS, { metadata: { name, ...metadata } }, more);
}

export const deletion: readonly Step[] = [
  post("namespace for deletions", "/api/v1/namespaces", { metadata: { name: "deletion" } }),
  thing("d1", {}, { as: "d1" }),
  del("delete with another uid", `${CMS}/d1`, { preconditions: { uid: "99999999-9999-4999-8999-999999999999" } }),
  del("delete with another version", `${CMS}/d1`, { preconditions: { resourceVersion: "1" } }),
  del("delete with another uid and version", `${CMS}/d1`, {
    preconditions: { uid: "99999999-9999-4999-8999-999999999999", resourceVersion: "1" },
  }),
  del("delete as a dry run by body", `${CMS}/d1`, { dryRun: ["All"] }),
  del("delete as a dry run by query", `${CMS}/d1?dryRun=All`),
  del("delete as an unknown dry run", `${CMS}/d1`, { dryRun: ["Some"] }),
  del("delete with an unknown policy", `${CMS}/d1`, { propagationPolicy: "Sideways" }),
  del("delete with two ways to orphan", `${CMS}/d1`, { propagationPolicy: "Orphan", orphanDependents: true }),
  del("delete with options of another kind", `${CMS}/d1`, { kind: "ConfigMap", apiVersion: "v1" }),
  del("delete with options that are no JSON", `${CMS}/d1`, "{nope"),
  del("delete with the kind of options named", `${CMS}/d1`, {
    kind: "DeleteOptions",
    apiVersion: "v1",
    preconditions: { uid: "${d1.metadata.uid}", resourceVersion: "${d1.metadata.resourceVersion}" },
  }),
  get("deleted, it is gone", `${CMS}/d1`),
  del("delete it again with a precondition", `${CMS}/d1`, { preconditions: { uid: "${d1.metadata.uid}" } }),
  post("make another of that name", CMS, { metadata: { name: "d1" } }),
  del("delete the new one under the old uid", `${CMS}/d1`, { preconditions: { uid: "${d1.metadata.uid}" } }),
  thing("d2", { finalizers: ["example.com/one", "example.com/two"] }),
  del("finalizers hold it", `${CMS}/d2`),
  get("it says when it was deleted", `${CMS}/d2`),
  del("deleting it again changes nothing", `${CMS}/d2`),
  del("deleting it again with another uid", `${CMS}/d2`, {
    preconditions: { uid: "99999999-9999-4999-8999-999999999999" },
  }),
  merge("no finalizer is added now", `${CMS}/d2`, {
    metadata: { finalizers: ["example.com/one", "example.com/two", "example.com/three"] },
  }),
  merge("one finalizer goes", `${CMS}/d2`, { metadata: { finalizers: ["example.com/two"] } }),
  merge("a change while it is held", `${CMS}/d2`, { data: { k: "v" } }),
  merge("the deletion is not taken back", `${CMS}/d2`, { metadata: { deletionTimestamp: null } }),
  post("its name is still taken", CMS, { metadata: { name: "d2" } }),
  merge("the last finalizer goes as a dry run", `${CMS}/d2?dryRun=All`, { metadata: { finalizers: [] } }),
  merge("the last finalizer goes", `${CMS}/d2`, { metadata: { finalizers: [] } }),
  get("then it is gone", `${CMS}/d2`),
  thing("owner", {}, { as: "owner" }),
  thing("owned", {
    ownerReferences: [
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        name: "owner",
        uid: "${owner.metadata.uid}",
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  }),
  del("delete in the foreground waits for what is owned", `${CMS}/owner`, {
    propagationPolicy: "Foreground",
    dryRun: ["All"],
  }),
  del("delete and orphan marks it first", `${CMS}/owner`, { propagationPolicy: "Orphan", dryRun: ["All"] }),
  del("delete the old way", `${CMS}/owner?orphanDependents=true&dryRun=All`),
  post(
    "a job to delete",
    JOBS,
    {
      metadata: { name: "j" },
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "a:1" }] } },
      },
    },
    { as: "j" },
  ),
  del("a job is deleted in the background", `${JOBS}/j`, {
    propagationPolicy: "Background",
    preconditions: { uid: "${j.metadata.uid}", resourceVersion: "${j.metadata.resourceVersion}" },
  }),
  get("a job deleted in the background is gone", `${JOBS}/j`),
  thing("c1", { labels: { c: "1" } }),
  thing("c2", { labels: { c: "1" }, finalizers: ["example.com/hold"] }),
  thing("c3", { labels: { c: "2" } }),
  del("delete a collection as a dry run", `${CMS}?labelSelector=c&dryRun=All`),
  del("delete the selected of a collection", `${CMS}?labelSelector=c%3D1`),
  get("what is left of the collection", `${CMS}?labelSelector=c`),
  del("delete by a field of the collection", `${CMS}?fieldSelector=metadata.name%3Dc3`),
  del("delete a collection that is empty", `${CMS}?labelSelector=c%3D9`),
  del("delete a collection of namespaces", "/api/v1/namespaces"),
  del("delete a collection over all namespaces", "/api/v1/configmaps?labelSelector=none"),
  del("delete in a namespace that is missing", "/api/v1/namespaces/nowhere/configmaps/d1"),
  del("delete a status", "/api/v1/nodes/cn1/status"),
];
