// Who speaks: bearer tokens to user names, and the kubeconfig that a person or a controller is handed. The sandbox allows
// everything to everybody it knows; it only wants to know who wrote.
import { Refusal } from "./status.ts";

export const ADMIN = "sandbox-admin";

/** The user of a request: the token's, or whom an admin impersonates. Throws 401 for an unknown token, 400 for half an impersonation. */
export function authenticate(
  tokens: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>>,
): string | undefined {
  const given = headers["authorization"];
  if (given === undefined) return undefined;
  const token = /^Bearer (.+)$/iu.exec(given)?.[1]?.trim() ?? "";
  const user = Object.hasOwn(tokens, token) ? tokens[token] : undefined;
  if (user === undefined) throw new Refusal(401, "Unauthorized", "Unauthorized");
  const other = headers["impersonate-user"];
  if (other === undefined && isImpersonating(headers))
    throw new Refusal(400, "BadRequest", "requested a group, uid or extra without impersonating a user name");
  return other ?? user;
}

function isImpersonating(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some((name) => name.startsWith("impersonate-"));
}

const VERBS: Readonly<Record<string, string>> = {
  GET: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** 403 of a request without a token. */
export function anonymous(
  method: string,
  resource: { readonly group: string; readonly plural: string } | undefined,
  path: string,
  name: string | undefined,
  namespace: string | undefined,
  watches: boolean,
  headers: Readonly<Record<string, string>>,
): Refusal {
  const base = VERBS[method] ?? method.toLowerCase();
  if (resource === undefined)
    return new Refusal(
      403,
      "Forbidden",
      `forbidden: User "system:anonymous" cannot ${base} path ${JSON.stringify(path)}`,
      {},
    );
  const wanted =
    method === "GET" && name === undefined
      ? watches
        ? "watch"
        : "list"
      : method === "DELETE" && name === undefined
        ? "deletecollection"
        : base;
  // Whoever wants to be somebody else needs leave for that first (constrained impersonation).
  const verb = isImpersonating(headers) ? `impersonate-on:user-info:${wanted}` : wanted;
  const full = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
  const scope = namespace === undefined ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  return new Refusal(
    403,
    "Forbidden",
    `${full}${name === undefined ? "" : ` ${JSON.stringify(name)}`} is forbidden: User "system:anonymous" cannot ${verb} resource ${JSON.stringify(resource.plural)} in API group ${JSON.stringify(resource.group)} ${scope}`,
    {
      ...(name === undefined ? {} : { name }),
      ...(resource.group === "" ? {} : { group: resource.group }),
      kind: resource.plural,
    },
  );
}

/**
 * A kubeconfig with one cluster, one user and one context named `sandbox`. The token stands in the server's address too,
 * because kubectl keeps the user's to itself where there is no TLS.
 */
export function writeKubeconfig(url: string, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: sandbox
clusters:
  - name: sandbox
    cluster:
      server: ${JSON.stringify(`${url}/token/${token}`)}
users:
  - name: sandbox
    user:
      token: ${JSON.stringify(token)}
contexts:
  - name: sandbox
    context:
      cluster: sandbox
      user: sandbox
      namespace: default
`;
}
