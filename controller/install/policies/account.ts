// Holds the controller's account to the table of permissions, whatever else somebody may bind to it: every write of it that the table does
// not name is refused, in every API group. Reads are RBAC's alone. The API server keeps its own reviews and the admission policies
// themselves out of reach of any policy.
import { accountName, type InstallSettings, type Manifest } from "../manifest.ts";
import { type Permission, PERMISSIONS, type Verb } from "../permissions.ts";
import { namespaceOf, resourceName } from "../rbac.ts";
import { admissionPolicy, list, madeBy, type Operation } from "./policy.ts";

const OPERATIONS: Readonly<Record<Verb, Operation | undefined>> = {
  get: undefined,
  list: undefined,
  watch: undefined,
  create: "CREATE",
  update: "UPDATE",
  patch: "UPDATE",
  delete: "DELETE",
};

/** `UPDATE apps/deployments `, and the namespace where the permission is held to one. */
function writesOf(permission: Permission, settings: InstallSettings): readonly string[] {
  const namespace = namespaceOf(permission.place, settings);
  return permission.verbs.flatMap((verb) => {
    const operation = OPERATIONS[verb];
    if (operation === undefined) return [];
    return [
      `${operation} ${permission.resource.group}/${resourceName(permission)}${namespace === undefined ? "" : ` ${namespace}`}`,
    ];
  });
}

export function accountPolicy(settings: InstallSettings): readonly Manifest[] {
  const writes = [...new Set(PERMISSIONS.flatMap((permission) => writesOf(permission, settings)))];
  return admissionPolicy({
    name: "ringward-account",
    targets: [
      {
        groups: ["*"],
        versions: ["*"],
        resources: ["*/*"],
        operations: ["CREATE", "UPDATE", "DELETE", "CONNECT"],
      },
    ],
    when: [madeBy(accountName(settings))],
    variables: [
      {
        name: "write",
        expression: `request.operation + " " + request.resource.group + "/" + request.resource.resource + (dyn(request).?subResource.orValue("") == "" ? "" : "/" + request.subResource)`,
      },
      { name: "place", expression: `dyn(request).?namespace.orValue("")` },
    ],
    rules: [
      {
        expression: `variables.write in ${list(writes)} || (variables.write + " " + variables.place) in ${list(writes)}`,
        message:
          "this write is not among the permissions of Ringward's controller (docs/install.md), whatever roles its account is bound to",
      },
    ],
  });
}
