// All that `ringward check --pre` asks of an API server, in order. It reads, asks for access reviews and tries one job as a dry run; it
// changes nothing.
import { KINDS } from "../../api/kinds.ts";
import { GROUP } from "../../api/schema.ts";
import {
  collectionPath,
  PATCH_LEVELS,
  POLICY_REPOSITORIES,
  type Resource,
  UPDATE_RECIPES,
} from "../../kube/resources.ts";
import { JOB_NAMESPACE } from "../../nodes/recipe-job.ts";
import { ACCOUNT, accountName } from "../manifest.ts";
import { discoveryPath, judgeApis, judgeDefinitions, judgeVersion, NEEDED_APIS, OWN_API } from "./cluster.ts";
import {
  allowedImages,
  BAD_JOB,
  type ImageUse,
  imagesOf,
  judgeImages,
  judgeJobNamespace,
  judgeOwnNamespace,
  judgePolicies,
  judgeProbe,
  policyNames,
} from "./confinement.ts";
import { type Answer, ask, fieldsOf, leftToOthers, type Line, listOf, look, notKnown, type Port } from "./line.ts";
import {
  INSTALLING,
  judgeInstaller,
  judgePermissions,
  neededAccess,
  review,
  type Reviewed,
  TOO_MUCH,
  whoAmI,
  type Access,
} from "./permissions.ts";

export type { Line, Verdict } from "./line.ts";

export interface Preflight {
  readonly lines: readonly Line[];
  /** Whether it was the controller's own account that asked. */
  readonly ourselves: boolean;
  /** The PolicyRepository, whose git and forge are looked at elsewhere; or why it is not known. */
  readonly repository: Answer;
}

/** So many requests at once: kind to the server, and quick. */
const TOGETHER = 8;

/** In the order of the questions. */
async function askAll<Q, A>(questions: readonly Q[], answer: (question: Q) => Promise<A>): Promise<readonly A[]> {
  const answers: A[] = [];
  for (let at = 0; at < questions.length; at += TOGETHER)
    answers.push(...(await Promise.all(questions.slice(at, at + TOGETHER).map(answer))));
  return answers;
}

async function lookAt(port: Port, paths: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Answer>> {
  const names = [...paths.keys()];
  const answers = await askAll(names, (name) => look(port, paths.get(name) ?? ""));
  return new Map(names.map((name, at) => [name, answers[at] as Answer]));
}

/** Looks at everything. Never throws for what a server answers or does not. */
export async function preflight(port: Port, settings: { readonly namespace: string }): Promise<Preflight> {
  const { namespace } = settings;
  const version = await look(port, "/version");
  const apis = await lookAt(port, new Map([...NEEDED_APIS.keys()].map((api) => [api, discoveryPath(api)])));
  const discovery = await look(port, discoveryPath(OWN_API));
  const user = await whoAmI(port);
  const ourselves = user === accountName(settings);
  const account = await look(port, `/api/v1/namespaces/${namespace}/serviceaccounts/${ACCOUNT}`);
  // Definitions and policy stay when the chart goes; the account does not.
  const installed = ourselves || account.kind === "There" || (account.kind !== "Absent" && discovery.kind === "There");
  const definitions = await lookAt(
    port,
    new Map(
      discovery.kind === "There"
        ? KINDS.map(({ plural }) => {
            const name = `${plural}.${GROUP}`;
            return [name, `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`] as const;
          })
        : [],
    ),
  );
  const repository = await listed(port, POLICY_REPOSITORIES, discovery);
  const seen = (lines: readonly Line[]): readonly Line[] => (ourselves ? leftToOthers(lines) : lines);
  const confinement = await lookAtConfinement(port, settings, { installed, discovery, seen });
  return {
    ourselves,
    repository,
    lines: [
      judgeVersion(version),
      ...judgeApis(apis),
      ...seen(judgeDefinitions({ discovery, definitions, installed })),
      ...(await judgeRights(port, settings, { user, ourselves, installed })),
      ...confinement,
    ],
  };
}

async function judgeRights(
  port: Port,
  settings: { readonly namespace: string },
  {
    user,
    ourselves,
    installed,
  }: { readonly user: string | undefined; readonly ourselves: boolean; readonly installed: boolean },
): Promise<readonly Line[]> {
  const reviewed = async (accesses: readonly Access[], account: typeof settings | undefined): Promise<Reviewed> => {
    const answers = await askAll(accesses, (access) => review(port, access, account));
    return accesses.map((access, at) => [access, answers[at] as Answer]);
  };
  if (!installed) return judgeInstaller(await reviewed(INSTALLING, undefined), user);
  const account = ourselves ? undefined : settings;
  return judgePermissions(await reviewed(neededAccess(settings), account), await reviewed(TOO_MUCH, account));
}

async function lookAtConfinement(
  port: Port,
  settings: { readonly namespace: string },
  {
    installed,
    discovery,
    seen,
  }: {
    readonly installed: boolean;
    readonly discovery: Answer;
    readonly seen: (lines: readonly Line[]) => readonly Line[];
  },
): Promise<readonly Line[]> {
  const names = policyNames(settings);
  const under = (plural: string): ReadonlyMap<string, string> =>
    new Map(names.map((name) => [name, `/apis/admissionregistration.k8s.io/v1/${plural}/${name}`]));
  const policies = await lookAt(port, under("validatingadmissionpolicies"));
  const bindings = await lookAt(port, under("validatingadmissionpolicybindings"));
  const jobs = await look(port, `/api/v1/namespaces/${JOB_NAMESPACE}`);
  const own = await look(port, `/api/v1/namespaces/${settings.namespace}`);
  const lines = [
    ...seen([
      judgeOwnNamespace(settings.namespace, own, installed),
      judgeJobNamespace(jobs, installed),
      ...judgePolicies({ settings, policies, bindings, installed }),
    ]),
  ];
  if (!installed) return lines;
  const probe = await ask(port, {
    method: "POST",
    path: `/apis/batch/v1/namespaces/${JOB_NAMESPACE}/jobs`,
    query: { dryRun: "All" },
    body: BAD_JOB,
  });
  const uses: ImageUse[] = [];
  for (const resource of [UPDATE_RECIPES, PATCH_LEVELS]) {
    const answer = await listed(port, resource, discovery);
    if (answer.kind !== "There") lines.push(notKnown("recipe images", resource.plural, answer));
    else uses.push(...imagesOf(resource.kind, listOf(fieldsOf(answer.body)["items"])));
  }
  const images = judgeImages(uses, allowedImages(policies.get("ringward-jobs")));
  return [...lines, judgeProbe(probe), ...seen(images)];
}

/** All objects of a kind of ours. */
async function listed(port: Port, resource: Resource, discovery: Answer): Promise<Answer> {
  return discovery.kind === "There" ? look(port, collectionPath(resource, undefined)) : discovery;
}
