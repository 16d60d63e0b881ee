// Whether the controller's account may do what the table says, and no more than is known to harm; before the installation, whether we may
// install. One access review for each verb of each row. Pure but for the requests that it makes.
import { accountName, ACCOUNT, type InstallSettings } from "../manifest.ts";
import { PERMISSIONS, type Permission, type Verb } from "../permissions.ts";
import { namespaceOf } from "../rbac.ts";
import { type Answer, ask, fieldsOf, type Line, notKnown, type Port, textOf, UPGRADE } from "./line.ts";

type Namespace = Pick<InstallSettings, "namespace">;

/** What is asked: may it do this? */
export interface Access {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** What for. */
  readonly why: string;
}

/** One for each verb of each row of the table. */
export function neededAccess(settings: Namespace): readonly Access[] {
  return PERMISSIONS.flatMap((row) =>
    (row.names ?? [undefined]).flatMap((name) => row.verbs.map((verb) => accessOf(row, verb, name, settings))),
  );
}

function accessOf(row: Permission, verb: Verb, name: string | undefined, settings: Namespace): Access {
  const { resource, subresource, why } = row;
  const namespace = namespaceOf(row.place, settings);
  return {
    verb,
    group: resource.group,
    resource: resource.plural,
    why,
    ...(subresource === undefined ? {} : { subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
}

/** What the account must not be able to do: somebody bound it to more than its roles. */
export const TOO_MUCH: readonly Access[] = [
  { verb: "*", group: "*", resource: "*", why: "everything" },
  { verb: "list", group: "", resource: "secrets", why: "every Secret" },
  { verb: "delete", group: "", resource: "pods", why: "pods are evicted, never deleted" },
];

/** What whoever installs has to be allowed. */
export const INSTALLING: readonly Access[] = [
  ["apiextensions.k8s.io", "customresourcedefinitions"],
  ["admissionregistration.k8s.io", "validatingadmissionpolicies"],
  ["admissionregistration.k8s.io", "validatingadmissionpolicybindings"],
  ["rbac.authorization.k8s.io", "clusterroles"],
  ["rbac.authorization.k8s.io", "clusterrolebindings"],
  ["", "namespaces"],
].map(([group = "", resource = ""]) => ({ verb: "create", group, resource, why: "the installation makes them" }));

/** Who we are, as the API server knows us; undefined: it does not say. */
export async function whoAmI(port: Port): Promise<string | undefined> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  const answer = await ask(port, { method: "POST", path: "/apis/authentication.k8s.io/v1/selfsubjectreviews", body });
  if (answer.kind !== "There") return undefined;
  const name = fieldsOf(fieldsOf(fieldsOf(answer.body)["status"])["userInfo"])["username"];
  return textOf(name) === "" ? undefined : textOf(name);
}

/** One review. `account`: about that account and not about ourselves. */
export function review(
  port: Port,
  { verb, group, resource, subresource, namespace, name }: Access,
  account: Namespace | undefined,
): Promise<Answer> {
  const kind = account === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
  const resourceAttributes = { verb, group, resource, subresource, namespace, name };
  const subject =
    account === undefined
      ? {}
      : {
          user: accountName(account),
          groups: ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`, "system:authenticated"],
        };
  return ask(port, {
    method: "POST",
    path: `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`,
    body: { apiVersion: "authorization.k8s.io/v1", kind, spec: { ...subject, resourceAttributes } },
  });
}

/** Undefined: it was not said. */
function isAllowed(answer: Answer): boolean | undefined {
  if (answer.kind !== "There") return undefined;
  const { allowed } = fieldsOf(fieldsOf(answer.body)["status"]);
  return typeof allowed === "boolean" ? allowed : undefined;
}

function tell({ group, resource, subresource, namespace, name }: Access, verbs: readonly string[]): string {
  const what = `${resource}${group === "" ? "" : `.${group}`}${subresource === undefined ? "" : `/${subresource}`}`;
  const where = namespace === undefined ? "" : ` in ${namespace}`;
  return `${verbs.join(", ")} ${what}${name === undefined ? "" : ` ${name}`}${where}`;
}

export type Reviewed = readonly (readonly [Access, Answer])[];

/** The account's rights. */
export function judgePermissions(needed: Reviewed, tooMuch: Reviewed): readonly Line[] {
  const name = "permissions";
  const refused = needed.flatMap(([access, answer]) => (isAllowed(answer) === false ? [access] : []));
  const unsaid = needed.flatMap(([, answer]) => (isAllowed(answer) === undefined ? [answer] : []));
  const lines: Line[] =
    refused.length === needed.length
      ? [
          {
            name,
            verdict: "fail",
            says: `${ACCOUNT} may do none of the ${needed.length} things that it needs`,
            todo: UPGRADE,
          },
        ]
      : byWhy(refused).map(([first, verbs]) => ({
          name,
          verdict: "fail",
          says: `${ACCOUNT} may not ${tell(first, verbs)} (${first.why})`,
          todo: UPGRADE,
        }));
  if (unsaid[0] !== undefined)
    lines.push(
      unsaid[0].kind === "There"
        ? { name, verdict: "unknown", says: `${unsaid.length} access reviews say nothing` }
        : notKnown(name, `${unsaid.length} of ${needed.length} access reviews`, unsaid[0]),
    );
  for (const [access, answer] of tooMuch)
    if (isAllowed(answer) === true)
      lines.push({
        name,
        verdict: "warn",
        says: `${ACCOUNT} may ${tell(access, [access.verb])} (${access.why}), which it does not need`,
        todo: "find who bound it: kubectl get clusterrolebindings,rolebindings --all-namespaces --output wide",
      });
  if (lines.length > 0) return lines;
  return [
    {
      name,
      verdict: "ok",
      says: `${ACCOUNT} may do all ${needed.length} things that it needs, and nothing that would harm`,
    },
  ];
}

/** Verbs of one row of the table together. */
function byWhy(accesses: readonly Access[]): readonly (readonly [Access, readonly string[]])[] {
  const rows = new Map<string, readonly [Access, readonly string[]]>();
  for (const access of accesses) {
    const { verb, ...rest } = access;
    const key = JSON.stringify(rest);
    const [first, verbs] = rows.get(key) ?? [access, []];
    rows.set(key, [first, [...verbs, verb]]);
  }
  return [...rows.values()];
}

/** Our own rights, before anything is there. */
export function judgeInstaller(reviewed: Reviewed, user: string | undefined): readonly Line[] {
  const name = "rights";
  const who = user ?? "you";
  const lines = reviewed.flatMap(([access, answer]): readonly Line[] => {
    const allowed = isAllowed(answer);
    if (allowed === true) return [];
    if (allowed === undefined && answer.kind !== "There")
      return [notKnown(name, `whether ${who} may ${tell(access, [access.verb])}`, answer)];
    return [
      {
        name,
        verdict: "fail",
        says: `${who} may not ${tell(access, [access.verb])}`,
        todo: "install as an administrator of the cluster",
      },
    ];
  });
  return lines.length > 0 ? lines : [{ name, verdict: "ok", says: `${who} may install Ringward` }];
}
