// The whole installation as one stream. Definitions come first, then namespaces, roles and policies; nothing in it is of a kind that the
// same stream defines, so one `kubectl apply` makes all of it, and a second changes nothing. So the ledger is not in it: the controller
// makes the first one, in mode Observe (reconcile/ledger.ts), and applying an update never moves a mode that people have set.
import { stringify } from "yaml";
import { crdFor } from "../api/crd.ts";
import { KINDS } from "../api/kinds.ts";
import type { InstallSettings, Manifest } from "./manifest.ts";
import { namespaceManifests } from "./namespaces.ts";
import { admissionManifests } from "./policies/index.ts";
import { rbacManifests } from "./rbac.ts";

/** Every object, in the order in which it is applied. */
export function installManifests(settings: InstallSettings): readonly Manifest[] {
  return [
    ...KINDS.map((kind) => crdFor(kind) as unknown as Manifest),
    ...namespaceManifests(settings),
    ...admissionManifests(settings),
    // Last: the account can do nothing before what confines it stands.
    ...rbacManifests(settings),
  ];
}

/** As YAML documents, or as one JSON list; both go to `kubectl apply -f -`. */
export function renderManifests(manifests: readonly Manifest[], format: "yaml" | "json"): string {
  if (format === "json")
    return `${JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }, undefined, 2)}\n`;
  return manifests.map((one) => stringify(one, { aliasDuplicateObjects: false, lineWidth: 0 })).join("---\n");
}
