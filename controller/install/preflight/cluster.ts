// What the cluster itself has to be: its version, the APIs that the table of permissions speaks of, and the definitions of our own kinds in
// this version's words. Pure.
import { crdFor } from "../../api/crd.ts";
import { KINDS } from "../../api/kinds.ts";
import { GROUP, VERSION } from "../../api/schema.ts";
import { PERMISSIONS } from "../permissions.ts";
import { resourceName } from "../rbac.ts";
import {
  type Answer,
  AS_ADMINISTRATOR,
  fieldsOf,
  holds,
  INSTALL,
  type Line,
  listOf,
  notKnown,
  textOf,
  UPGRADE,
} from "./line.ts";

/** ValidatingAdmissionPolicy is v1 since then. */
const OLDEST_MINOR = 30;

export function judgeVersion(answer: Answer): Line {
  const name = "version";
  if (answer.kind !== "There") return notKnown(name, "the API server's version", answer);
  const version = textOf(fieldsOf(answer.body)["gitVersion"]);
  const match = /^v(\d+)\.(\d+)\./.exec(version);
  if (match === null) return { name, verdict: "unknown", says: `the API server says "${version}"` };
  const fits = Number(match[1]) > 1 || Number(match[2]) >= OLDEST_MINOR;
  const says = `Kubernetes ${version}`;
  return fits
    ? { name, verdict: "ok", says }
    : {
        name,
        verdict: "fail",
        says,
        todo: `upgrade to 1.${OLDEST_MINOR} or newer: older ones have no ValidatingAdmissionPolicy`,
      };
}

/** `apps/v1`, `v1`. */
const groupVersion = (group: string, version: string): string => (group === "" ? version : `${group}/${version}`);

export function discoveryPath(api: string): string {
  return api.includes("/") ? `/apis/${api}` : `/api/${api}`;
}

/** What has to be served beside our own kinds: group and version -> resources. */
export const NEEDED_APIS: ReadonlyMap<string, ReadonlySet<string>> = neededApis();

function neededApis(): ReadonlyMap<string, ReadonlySet<string>> {
  const needed = new Map<string, Set<string>>([
    ["admissionregistration.k8s.io/v1", new Set(["validatingadmissionpolicies", "validatingadmissionpolicybindings"])],
    ["apiextensions.k8s.io/v1", new Set(["customresourcedefinitions"])],
  ]);
  for (const permission of PERMISSIONS) {
    const { group, version } = permission.resource;
    if (group === GROUP) continue;
    const api = groupVersion(group, version);
    needed.set(api, (needed.get(api) ?? new Set<string>()).add(resourceName(permission)));
  }
  return needed;
}

export const OWN_API = `${GROUP}/${VERSION}`;

function served(answer: Answer): ReadonlySet<string> {
  if (answer.kind !== "There") return new Set();
  return new Set(listOf(fieldsOf(answer.body)["resources"]).map((one) => textOf(fieldsOf(one)["name"])));
}

export function judgeApis(answers: ReadonlyMap<string, Answer>): readonly Line[] {
  const name = "apis";
  const silent: Answer = { kind: "Silent", says: "it was not asked" };
  const lines = [...NEEDED_APIS].flatMap(([api, resources]): readonly Line[] => {
    const answer = answers.get(api) ?? silent;
    if (answer.kind === "Refused" || answer.kind === "Silent") return [notKnown(name, api, answer)];
    const has = served(answer);
    const missing = [...resources].filter((resource) => !has.has(resource));
    if (missing.length === 0) return [];
    const says = answer.kind === "Absent" ? `${api} is not served` : `${api} does not serve ${missing.join(", ")}`;
    return [{ name, verdict: "fail", says, todo: "a newer Kubernetes serves it" }];
  });
  return lines.length > 0
    ? lines
    : [{ name, verdict: "ok", says: `${NEEDED_APIS.size} APIs are served, with all that is asked of them` }];
}

export interface DefinitionAnswers {
  /** Of our group and version. */
  readonly discovery: Answer;
  /** Of each definition, by name. */
  readonly definitions: ReadonlyMap<string, Answer>;
  /** Whether anything of Ringward is installed. */
  readonly installed: boolean;
}

export function judgeDefinitions({ discovery, definitions, installed }: DefinitionAnswers): readonly Line[] {
  const name = "definitions";
  if (discovery.kind === "Refused" || discovery.kind === "Silent") return [notKnown(name, OWN_API, discovery)];
  const has = served(discovery);
  const missing = KINDS.filter(
    ({ plural, status }) => !has.has(plural) || (status !== undefined && !has.has(`${plural}/status`)),
  );
  if (missing.length === KINDS.length && !installed)
    return [{ name, verdict: "warn", says: "no kind of Ringward's is there yet", todo: INSTALL }];
  if (missing.length > 0)
    return [
      { name, verdict: "fail", says: `not served: ${missing.map(({ kind }) => kind).join(", ")}`, todo: UPGRADE },
    ];
  const other: string[] = [];
  const unseen: string[] = [];
  for (const kind of KINDS) {
    const answer = definitions.get(`${kind.plural}.${GROUP}`);
    if (answer?.kind !== "There") unseen.push(kind.kind);
    else if (!holds(fieldsOf(answer.body)["spec"], { versions: versionsOf(kind) })) other.push(kind.kind);
  }
  if (other.length > 0)
    return [
      { name, verdict: "fail", says: `not as this version of Ringward has them: ${other.join(", ")}`, todo: UPGRADE },
    ];
  if (unseen.length > 0)
    return [
      {
        name,
        verdict: "unknown",
        says: `all ${KINDS.length} are served; whether they are this version's may not be read`,
        todo: AS_ADMINISTRATOR,
      },
    ];
  return [{ name, verdict: "ok", says: `all ${KINDS.length} kinds are served as this version has them` }];
}

/** The schemas alone: a server may fill in other fields of a version. */
function versionsOf(kind: (typeof KINDS)[number]): unknown {
  const { versions } = (
    crdFor(kind) as { readonly spec: { readonly versions: readonly { name: string; schema: unknown }[] } }
  ).spec;
  return versions.map(({ name, schema }) => ({ name, served: true, storage: true, schema }));
}
