// The one table of everything that the controller asks of the API server, and why. Roles, bindings, the admission policy that holds the
// account to it, and docs/install.md are made from it. A test compares it with the requests of whole rollouts, in both directions: a verb
// that nobody uses fails as one that is missing does.
import { CONTROLLER_LEASE } from "../kube/lease.ts";
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  EVENTS,
  JOBS,
  LEASES,
  MAINTENANCE_CALENDARS,
  NODE_PATCH_STATES,
  NODES,
  PATCH_BASELINES,
  PATCH_EXCEPTIONS,
  PATCH_LEVELS,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  POLICY_REPOSITORIES,
  REPLICA_SETS,
  type Resource,
  ROLLOUT_RINGS,
  STATEFUL_SETS,
  UPDATE_RECIPES,
  VOLUME_ATTACHMENTS,
  WORKLOAD_PATCH_STATES,
} from "../kube/resources.ts";

export const VERBS = ["get", "list", "watch", "create", "update", "patch", "delete"] as const;
export type Verb = (typeof VERBS)[number];

/** Where a permission holds: everywhere, in the controller's namespace, in that of the jobs. */
export type Place = "Cluster" | "Own" | "Jobs";

export interface Permission {
  readonly resource: Resource;
  readonly subresource: string | undefined;
  readonly verbs: readonly Verb[];
  readonly place: Place;
  /** Only these objects; undefined: all. The API server cannot hold `create` to a name. */
  readonly names: readonly string[] | undefined;
  readonly why: string;
}

function allow(
  resource: Resource | readonly [Resource, string],
  verbs: readonly Verb[],
  why: string,
  { place = "Cluster", names }: { readonly place?: Place; readonly names?: readonly string[] } = {},
): Permission {
  const [of, subresource] = "plural" in resource ? [resource, undefined] : resource;
  return { resource: of, subresource, verbs, place, names, why };
}

export const PERMISSIONS: readonly Permission[] = [
  // What there is to patch.
  allow(NODES, ["get", "list", "watch"], "What each node runs; every step begins with a look at it."),
  allow(NODES, ["patch"], "Cordon, uncordon, and the claim's mark. Confined by a policy."),
  allow(PODS, ["list", "watch"], "What runs where: images, drains, health. Pods are never changed or deleted."),
  allow([PODS, "eviction"], ["create"], "Drains, by the eviction API alone, so that disruption budgets hold."),
  allow(POD_DISRUPTION_BUDGETS, ["list", "watch"], "Which budget holds a drain up."),
  allow(PERSISTENT_VOLUMES, ["list", "watch"], "Which pods cannot go elsewhere, because their data is on one node."),
  allow(VOLUME_ATTACHMENTS, ["list"], "Whether a drained node's volumes are detached."),
  allow(DEPLOYMENTS, ["get", "list", "watch"], "Which images a workload wants, and how its rollout stands."),
  allow(DEPLOYMENTS, ["patch"], "Container images and the claim's mark. Confined by a policy."),
  allow(STATEFUL_SETS, ["get", "list", "watch"], "Which images a workload wants, and how its rollout stands."),
  allow(STATEFUL_SETS, ["patch"], "Container images and the claim's mark. Confined by a policy."),
  allow(DAEMON_SETS, ["get", "list", "watch"], "Which images a workload wants, and how its rollout stands."),
  allow(DAEMON_SETS, ["patch"], "Container images and the claim's mark. Confined by a policy."),
  allow(REPLICA_SETS, ["list", "watch"], "Which pods are of a Deployment's current template."),
  allow(
    LEASES,
    ["list", "watch"],
    "Whether a node's kubelet is alive, and whether medik8s has the node in maintenance.",
  ),
  // Policy. Where Git rules, its copies in the cluster are Ringward's to put, put back and remove.
  allow(PATCH_BASELINES, ["list", "watch", "create", "update", "delete"], "Policy, and its copy of what Git says."),
  allow([PATCH_BASELINES, "status"], ["update"], "Candidates, first-seen times and counts."),
  allow(
    ROLLOUT_RINGS,
    ["get", "list", "watch", "create", "update", "delete"],
    "Policy, and its copy of what Git says.",
  ),
  allow([ROLLOUT_RINGS, "status"], ["update"], "Soak, failures and withdrawals."),
  allow(
    MAINTENANCE_CALENDARS,
    ["list", "watch", "create", "update", "delete"],
    "Policy, and its copy of what Git says.",
  ),
  allow(PATCH_EXCEPTIONS, ["list", "watch", "create", "update", "delete"], "Policy, and its copy of what Git says."),
  allow(UPDATE_RECIPES, ["list", "watch", "create", "update", "delete"], "Policy, and its copy of what Git says."),
  allow(PATCH_LEVELS, ["list", "watch", "create", "delete"], "Levels from Git. They never change, so no update."),
  allow(POLICY_REPOSITORIES, ["list", "watch"], "Where the policy is. Written by people."),
  allow(
    POLICY_REPOSITORIES,
    ["patch"],
    "Who does not lead hands a webhook on, by one annotation. Confined by a policy to it.",
  ),
  allow([POLICY_REPOSITORIES, "status"], ["update"], "Which commit was observed, and what is wrong with it."),
  // What is under way.
  allow(DISRUPTION_LEDGERS, ["get", "list", "watch"], "Mode, limits and claims: read before every decision."),
  allow(
    DISRUPTION_LEDGERS,
    ["create"],
    "The first one, in mode Observe; never its mode or limits. Confined by a policy.",
  ),
  allow([DISRUPTION_LEDGERS, "status"], ["update"], "Claims, by compare-and-set."),
  allow(
    NODE_PATCH_STATES,
    ["get", "list", "watch", "create", "delete"],
    "One for each node; deleted when the node is gone.",
  ),
  allow([NODE_PATCH_STATES, "status"], ["update"], "State, operation under way, history."),
  allow(WORKLOAD_PATCH_STATES, ["get", "list", "watch", "create"], "One for each workload, which owns it."),
  allow([WORKLOAD_PATCH_STATES, "status"], ["update"], "State, operation under way, history."),
  allow(EVENTS, ["create", "patch"], "Events beside what they are about. Confined by a policy to its own."),
  // Steps of recipes.
  allow(
    JOBS,
    ["get", "list", "watch", "create", "patch", "delete"],
    "Recipe steps. Confined by a policy to the shape of a step.",
    {
      place: "Jobs",
    },
  ),
  allow([PODS, "log"], ["get"], "Inventory reports.", { place: "Jobs" }),
  // One at a time.
  allow(LEASES, ["create"], "Leader election: the first Lease. Confined by a policy to its name.", { place: "Own" }),
  allow(LEASES, ["get", "update"], "Leader election.", { place: "Own", names: [CONTROLLER_LEASE] }),
];
