// What a request asks permission for, in the words of the table: `patch nodes`, `create pods/eviction`, `get leases of Own`. Read from the
// path and the method of logged requests, never from the code that sent them.
import { namespaceOf, resourceName } from "../../controller/install/rbac.ts";
import { type Permission, PERMISSIONS, type Place } from "../../controller/install/permissions.ts";
import type { LoggedRequest } from "../../controller/sandbox/apiserver/index.ts";
import { readResourcePath } from "../../controller/sandbox/apiserver/paths.ts";

/** Open to everybody who is authenticated: ClusterRole system:public-info-viewer. */
const FOR_EVERYBODY: readonly string[] = ["/version", "/readyz"];
const PLACES: readonly Place[] = ["Cluster", "Own", "Jobs"];

/** Every verb of the table, one line each. */
export function permittedLines(permissions: readonly Permission[] = PERMISSIONS): readonly string[] {
  return permissions
    .flatMap((permission) =>
      permission.verbs.map((verb) => line(verb, permission.resource.group, resourceName(permission), permission.place)),
    )
    .toSorted();
}

function line(verb: string, group: string, resource: string, place: Place): string {
  return `${verb} ${resource}${group === "" ? "" : `.${group}`}${place === "Cluster" ? "" : ` of ${place}`}`;
}

/** What one request needs; undefined where everybody may. */
export function askedLine(
  { method, path, query, body }: Pick<LoggedRequest, "method" | "path" | "query" | "body">,
  namespace: string,
): string | undefined {
  if (FOR_EVERYBODY.includes(path)) return undefined;
  const found = readResourcePath(path);
  if (found === undefined) throw new Error(`${method} ${path} names no resource`);
  const verb = verbOf(method, query, found.name);
  const resource = found.subresource === undefined ? found.plural : `${found.plural}/${found.subresource}`;
  const place = placeOf(verb, found.group, resource, found.namespace, namespace, found.name ?? nameIn(body));
  return line(verb, found.group, resource, place);
}

function nameIn(body: unknown): string | undefined {
  return (body as { readonly metadata?: { readonly name?: string } } | null)?.metadata?.name;
}

function verbOf(method: string, query: LoggedRequest["query"], name: string | undefined): string {
  const writes: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch" };
  if (method === "DELETE") return name === undefined ? "deletecollection" : "delete";
  if (method !== "GET") return writes[method] ?? method.toLowerCase();
  if (query["watch"] === "true" || query["allowWatchBookmarks"] !== undefined) return "watch";
  return name === undefined ? "list" : "get";
}

/** The narrowest place of the table whose namespace the request stays in, and whose names it keeps to. */
function placeOf(
  verb: string,
  group: string,
  resource: string,
  within: string | undefined,
  namespace: string,
  name: string | undefined,
): Place {
  const narrow = PERMISSIONS.find(
    (permission) =>
      permission.place !== "Cluster" &&
      permission.resource.group === group &&
      resourceName(permission) === resource &&
      permission.verbs.some((one) => one === verb) &&
      namespaceOf(permission.place, { namespace }) === within &&
      (permission.names === undefined || permission.names.includes(name ?? "")),
  );
  return PLACES.find((place) => place === narrow?.place) ?? "Cluster";
}
