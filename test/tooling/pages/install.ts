// docs/install.md: what is installed and why, from the very table and policies that are exported.
import { installManifests } from "../../../controller/install/export.ts";
import { DEFAULT_NAMESPACE, type Manifest } from "../../../controller/install/manifest.ts";
import { PERMISSIONS, type Permission } from "../../../controller/install/permissions.ts";
import { namespaceOf, resourceName } from "../../../controller/install/rbac.ts";
import { JOB_NAMESPACE } from "../../../controller/nodes/recipe-job.ts";
import { CHART_COMMANDS } from "./install-commands.ts";

const EXAMPLE = "registry.example.com/ringward";
const SETTINGS = { namespace: DEFAULT_NAMESPACE, recipeImages: [EXAMPLE] };

/** What each policy is about, in the order of the export. A new one fails the build of the page until it has a line here. */
const ABOUT: Readonly<Record<string, string>> = {
  "ringward-account": "every write of the controller's account, in every API group, is one of the table above",
  "ringward-nodes": "what the controller may change of a Node",
  "ringward-workloads": "what the controller may change of a Deployment, StatefulSet or DaemonSet",
  "ringward-ledger": "what people alone say: mode, limits, and where policy comes from",
  "ringward-policy-copies": "policy objects are written and removed as copies of Git alone",
  "ringward-events": "events in the controller's own name",
  "ringward-lease": "its one Lease",
  "ringward-evictions": "evictions of exactly the pod that was looked at, with its grace period",
  "ringward-jobs": `jobs in \`${JOB_NAMESPACE}\`, whoever makes them: the shape of a recipe's step`,
  "ringward-job-changes": "what the controller may change of a job: let it run",
  "ringward-job-pods": `pods in \`${JOB_NAMESPACE}\`, whoever makes them: the same shape again`,
  "ringward-job-pods-closed": `who may enter a pod in \`${JOB_NAMESPACE}\`: nobody`,
};

interface PolicySpec {
  readonly matchConditions?: readonly { readonly name: string }[];
  readonly validations: readonly { readonly message: string }[];
}

export function installPage(): string {
  const manifests = installManifests(SETTINGS);
  return `<!-- Made by \`npm run generate\` from controller/install/. Do not edit. -->
# Installing into a cluster

Ringward needs Kubernetes 1.30 or newer (ValidatingAdmissionPolicy); the tests install it into 1.36. There are two ways, with the same definitions,
roles and policies: [the chart](#by-helm), which also runs the controller, and [an export](#by-an-export) for \`kubectl apply\`. Every command of the first
is run by a test (\`test/e2e/chart.test.ts\`) with the real helm and kubectl.

${chartSection()}
## By an export

\`ringward install --export\` prints everything that a cluster needs before the controller runs, and talks to no cluster itself.

\`\`\`
npm run -s ringward -- install --export --allow-recipe-image ${EXAMPLE} | kubectl apply -f -
\`\`\`

One apply makes all of it, and a second changes nothing. \`--allow-recipe-image\` may be repeated; without it the cluster refuses every step
of every recipe. \`--namespace\` moves the controller, \`-o json\` prints one list. The output is the same for the same arguments, so it can be
kept in Git. To allow another image later, export and apply again. To take all away, give the same to \`kubectl delete -f -\`: definitions go with it, and so does every
policy and state.

The export runs nothing. The controller is \`ringward controller\` in a pod of yours in that namespace, under the account \`ringward-controller\`
([what it needs](../charts/ringward/README.md#the-image), [its flags and probes](operations.md)), or, to try it, on your machine with a kubeconfig of that account:

${block([...CHART_COMMANDS.account, ...CHART_COMMANDS.controller])}

The token ends after an hour.

## What is installed

| | |
|---|---|
${inventoryRows(manifests).join("\n")}

By the chart come the controller's Deployment, Service, NetworkPolicy, PodDisruptionBudget and PriorityClass, too. In neither is the \`DisruptionLedger\`: the controller makes the first one, in mode \`Observe\`,
and so neither an upgrade nor applying the export again moves a mode or limits that people have set.

${permissionsSection()}
${policiesSection(manifests)}
## Recipe images

Merging a recipe is root on nodes. Its images must be under one of the prefixes, \`REGISTRY\` or \`REGISTRY/PATH\`, by whole parts of the name:
\`${EXAMPLE}\` allows \`${EXAMPLE}/recipe-apt@sha256:…\` and not \`${EXAMPLE}-evil/…\`. Images are named by digest.
\`npm run -s ringward -- validate DIR --allow-recipe-image ${EXAMPLE}\` finds recipes and levels that a cluster would refuse, before they are
merged. At run time the API server refuses the job: the node is not cordoned, and its state says \`JobRefused\` with the policy's words.

## Limits

- A policy of the API server cannot see reads. They are RBAC's alone: nodes, pods, workloads, budgets, and Ringward's own kinds; no secrets,
  no config maps.
- The API server exempts admission policies and its own reviews from admission: no policy keeps an account that may change policies from
  changing these. The controller's may not.
- Whoever may make jobs in \`${JOB_NAMESPACE}\` may run any command of an allowed image as root on any node. Give nobody that right.
- Jobs that the controller makes run with a deadline of at most seven days.
`;
}

function block(lines: readonly string[]): string {
  return `\`\`\`\n${lines.join("\n")}\n\`\`\``;
}

function chartSection(): string {
  const { check, prepare, install, look, enforce, repository, upgrade, uninstall, purge, takeOver } = CHART_COMMANDS;
  return `## Before

${block(check)}

This asks the cluster of your kubeconfig's current context whether it is as Ringward needs it and whether you may install, and changes nothing. After the installation
and after each upgrade the same command says whether the definitions, the account's rights, the namespaces and the admission policies are this version's, whether the policies are in force, whether
the images of recipes are allowed, and whether git and the forge answer. Each line is ok, warn, fail, unknown or skip, with what to do; it ends with 0 when
nothing failed and nothing is unknown, with 1 when not.

Credentials are files in the controller's pod, so where they are needed an administrator's run skips git and the forge. In the pod

\`\`\`
kubectl --namespace ${DEFAULT_NAMESPACE} exec deployment/ringward-controller -- ringward check --pre
\`\`\`

asks them, and skips what the controller's account is not meant to see: the definitions' words, the namespaces, the admission policies. The last line counts what was
skipped and says where else to run it; both together see everything.

## By Helm

From a checkout. There is no published image yet: [the chart's README](../charts/ringward/README.md) says how to make one, and has every value. The
controller fits into a namespace that is held to the Pod Security level \`restricted\`:

${block([...prepare, ...install])}

It runs in mode \`Observe\`: it looks, plans and proposes, and touches nothing.

${block(look)}

The policy repository and its credentials come in a second run, because Helm makes no object of a kind that the same run brings. Do not give \`--wait\`
with it: until the new pods have the Secret, the old ones say that they cannot read it, and Helm takes that for a failure.

${block(repository)}

Its spec has more fields: the forge with which pull requests are made, a folder, a branch ([PolicyRepository](kinds/policyrepository.md)). No policy yet:
[write a first one](how-to/first-policy.md). When the plan is what you want, a person lets it act:

${block(enforce)}

Then: [what to serve and to watch](operations.md), [alerts](runbooks/README.md), and what each [standstill](reasons.md) means.

### Upgrade

${block(upgrade)}

Definitions are part of the release, so they are upgraded with it, and new values get the chart's defaults. What is in flight is finished by the new
controller. The image's tag is the chart's version, unless values say another: build and push it first. Afterwards \`check --pre\` again.

### Uninstall

First stop: nothing new begins, and what has begun is brought to safety. When the ledger's columns NODES and WORKLOADS are 0 or empty, nothing is held
any more.

${block(uninstall)}

Definitions, policy, states, the PolicyRepository and both namespaces stay, and a later \`helm install\` takes them up again. The account, its roles and
the admission policies go, also those that confine pods in \`ringward-jobs\`: whoever may make pods there may then run anything as root on any node.
Delete that namespace, or see to it that nobody may. To delete everything:

${block(purge)}

### From an export to the chart

${block(takeOver)}

\`--take-ownership\` takes over what kubectl applied, \`--force-conflicts\` its fields (Helm 3 does not know it, and takes them over without). Give the same images.

### OpenShift

Not tried. The pod runs as user 65532, which the default constraint (\`restricted-v2\`) refuses and \`nonroot-v2\` allows: give that one to the account
\`ringward-controller\`. Steps in \`${JOB_NAMESPACE}\` may be privileged and need a constraint that allows it.

### Order

Helm makes roles and the Deployment before admission policies, so for a moment of the first installation the account is held by its roles alone, in mode
\`Observe\`; the export has policies first. In an upgrade the policies of before hold until the new ones are there.
`;
}

function inventoryRows(manifests: readonly Manifest[]): readonly string[] {
  const kinds = new Map<string, string[]>();
  for (const { kind, metadata } of manifests) {
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), `\`${name}\``]);
  }
  return [...kinds].map(([kind, names]) => `| ${kind} | ${names.join(", ")} |`);
}

function permissionsSection(): string {
  const rows = PERMISSIONS.map(
    (permission) =>
      `| \`${resourceName(permission)}\` | ${permission.resource.group || "core"} | ${permission.verbs.join(", ")} | ${placeOf(permission)} | ${permission.why} |`,
  );
  return `## Permissions

One table in the code gives the roles, this page and the policy \`ringward-account\`. A test compares it with the requests of whole rollouts: a
verb that nobody uses fails as one that is missing does. Another compares it with \`kubectl auth can-i --list\` on a real API server.

| resource | group | verbs | where | why |
|---|---|---|---|---|
${rows.join("\n")}
`;
}

function placeOf({ place, names }: Permission): string {
  const namespace = namespaceOf(place, SETTINGS);
  const where = namespace === undefined ? "everywhere" : `\`${namespace}\``;
  return names === undefined ? where : `${where}, only \`${names.join("`, `")}\``;
}

function policiesSection(manifests: readonly Manifest[]): string {
  const policies = manifests.filter(({ kind }) => kind === "ValidatingAdmissionPolicy");
  const sections = policies.map(({ metadata: { name }, spec }) => {
    const about = ABOUT[name];
    if (about === undefined) throw new Error(`test/tooling/pages/install.ts says nothing of the policy ${name}`);
    const { matchConditions = [], validations } = spec as PolicySpec;
    const whom = matchConditions.some((condition) => condition.name === "ours")
      ? "the controller's account"
      : "everybody";
    return `### ${name}

Of ${whom}: ${about}.

${validations.map(({ message }) => `- ${message}`).join("\n")}
`;
  });
  return `## Admission policies

They fail closed, and a refusal names the policy and the rule. They hold whatever else somebody binds the account to, cluster-admin
included: the tests try to break out of each of them.

${sections.join("\n")}`;
}
