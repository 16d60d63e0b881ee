// Creates a fleet's objects through the API, as people did with kubectl. What exists already is left as it is, so that it can
// be repeated. Nodes are not created here: their kubelets register them.
import { toApiError } from "../../kube/api-errors.ts";
import type { ApiPort, KubeObject } from "../../kube/port.ts";
import { collectionPath, findResource } from "../../kube/resources.ts";
import type { Fleet } from "./fleet.ts";

/** Namespaces that every cluster has; a server may have made them already. */
const SYSTEM_NAMESPACES = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** Answers how many objects were created. Throws `ApiError` when the server refuses one. */
export async function applyFleet(port: ApiPort, fleet: Pick<Fleet, "objects">): Promise<number> {
  let created = 0;
  const namespaces = SYSTEM_NAMESPACES.map((name): KubeObject => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
  for (const object of [...namespaces, ...fleet.objects]) if (await createObject(port, object)) created += 1;
  return created;
}

async function createObject(port: ApiPort, object: KubeObject): Promise<boolean> {
  const { apiVersion = "", kind = "", metadata } = object;
  const resource = findResource(apiVersion, kind);
  if (resource === undefined)
    throw new Error(`a fleet cannot hold ${kind} of ${apiVersion}: it is not served by the sandbox's cluster`);
  const path = collectionPath(resource, resource.namespaced ? (metadata.namespace ?? "default") : undefined);
  const response = await port.request({
    method: "POST",
    path,
    body: object,
    query: { fieldManager: managerOf(object) },
    headers: { "user-agent": "sandbox-fleet" },
  });
  if (response.status === 409) return false;
  if (response.status >= 300) throw toApiError(response);
  return true;
}

/** The field manager that the tool which owns an object uses in the field. */
function managerOf({ metadata: { annotations = {} } }: KubeObject): string {
  if (annotations["meta.helm.sh/release-name"] !== undefined) return "helm";
  return annotations["argocd.argoproj.io/tracking-id"] === undefined ? "kubectl-create" : "argocd-controller";
}
