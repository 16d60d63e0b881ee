// pods/eviction: deletes a pod unless its PodDisruptionBudget forbids that now. The rules and words are those of the real
// registry (pkg/registry/core/pod/storage/eviction.go); the budget's numbers are the disruption controller's, read from status.
import { ownUpdate } from "./apply/managers.ts";
import type { Call, Context } from "./context.ts";
import { readObject } from "./body.ts";
import { deleteOptions, remove } from "./delete.ts";
import { isList, isObject, listAt, objectAt, stringAt } from "./json.ts";
import type { Json, JsonObject } from "./json.ts";
import { nowText } from "./context.ts";
import { isDeleting, labelsOf, metadataOf, nameOf, uidOf } from "./object.ts";
import { checkWriteQuery } from "./request-options.ts";
import type { Resource } from "./resources.ts";
import { labelSelectorMatcher } from "./selectors.ts";
import { Refusal, badRequest, notFound, uidConflict } from "./status.ts";
import { store } from "./write.ts";

const BUDGETS = "poddisruptionbudgets.policy";

/** POST pods/NAME/eviction. Throws 429 while the budget forbids it and 500 when two budgets cover the pod. */
export function evict(
  context: Context,
  call: Call,
  pods: Resource,
  namespace: string,
  name: string,
  onRemoved: (resource: Resource, object: JsonObject) => void,
): JsonObject {
  checkWriteQuery(call, false);
  const eviction = readObject(asV1(call), {
    ...pods,
    kind: "Eviction",
    group: "policy",
    plural: "evictions",
    node: context.schema.struct("Eviction"),
  });
  const named = stringAt(eviction["metadata"], "name") ?? "";
  if (named !== "" && named !== name) throw badRequest("name in URL does not match name in Eviction object");
  const pod = context.storage.get("pods", `${namespace}/${name}`);
  if (pod === undefined) throw notFound(pods, name);
  const options = deleteOptions(call, objectAt(eviction, "deleteOptions"));
  refuseTwoMinds(call, listAt(objectAt(eviction, "deleteOptions"), "dryRun"));
  if (options.uid !== undefined && options.uid !== uidOf(pod)) throw uidConflict(pods, name, options.uid, uidOf(pod));
  if (!ignoresBudget(pod)) {
    const budgets = context.storage
      .list(BUDGETS, `${namespace}/`)
      .filter(([, budget]) => labelSelectorMatcher(objectAt(budget, "spec")["selector"])(labelsOf(pod)));
    if (budgets.length > 1)
      throw new Refusal(
        500,
        undefined,
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      );
    const [covering] = budgets;
    if (covering !== undefined) spend(context, call, covering[1], pod, options.dryRun);
  }
  const marked = options.dryRun ? pod : markTarget(context, call, pods, pod);
  remove(context, call, pods, marked, options, onRemoved);
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}

/** The older version of an eviction says the same. */
function asV1(call: Call): Call {
  const given = typeof call.body === "string" ? call.body : JSON.stringify(call.body ?? {});
  const old = /"apiVersion"\s*:\s*"policy\/v1beta1"/u;
  return old.test(given) ? { ...call, body: given.replace(old, '"apiVersion":"policy/v1"') } : call;
}

/** The query and the body may both ask for a dry run, but not for different things (propagateDryRun). */
function refuseTwoMinds({ query }: Call, inBody: readonly Json[]): void {
  const inQuery = query["dryRun"];
  if (inQuery === undefined || inQuery === "" || inBody.length === 0) return;
  if (inBody.length !== 1 || inBody[0] !== inQuery)
    throw badRequest(
      `Non-matching dry-run options in request and content: [${inQuery}] and [${inBody.map(String).join(" ")}]`,
    );
}

/** Pods that have ended, have not started or are going already do not count against a budget. */
function ignoresBudget(pod: JsonObject): boolean {
  const phase = stringAt(pod["status"], "phase");
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending" || isDeleting(pod);
}

function isReady(pod: JsonObject): boolean {
  return listAt(pod["status"], "conditions").some(
    (condition) => isObject(condition) && condition["type"] === "Ready" && condition["status"] === "True",
  );
}

function refused(message: string, retryAfterSeconds?: number): Refusal {
  const details: JsonObject = {
    causes: [{ reason: "DisruptionBudget", message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  const headers: Record<string, string> =
    retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) };
  return new Refusal(
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
    details,
    headers,
  );
}

function spend(context: Context, call: Call, budget: JsonObject, pod: JsonObject, dryRun: boolean): void {
  const status = objectAt(budget, "status");
  const number = (key: string): number => (typeof status[key] === "number" ? status[key] : 0);
  const policy = stringAt(budget["spec"], "unhealthyPodEvictionPolicy");
  // A pod that is not ready does not lower availability: AlwaysAllow lets it go, and so does a budget that is met (KEP-3017).
  if (
    !isReady(pod) &&
    (policy === "AlwaysAllow" || (number("currentHealthy") >= number("desiredHealthy") && number("desiredHealthy") > 0))
  )
    return;
  const name = nameOf(budget);
  const generation = metadataOf(budget)["generation"];
  if (typeof generation === "number" && number("observedGeneration") < generation) {
    throw refused(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  if (number("disruptionsAllowed") < 0) throw refused(`pdb disruptions allowed is negative`);
  if (number("disruptionsAllowed") === 0) throw refused(unmet(name, status));
  if (dryRun) return;
  const resource = context.registry.find("policy", "v1", "poddisruptionbudgets");
  if (resource === undefined) return;
  const disrupted: Readonly<Record<string, Json | undefined>> = {
    ...objectAt(status, "disruptedPods"),
    [nameOf(pod)]: nowText(context),
  };
  const left = number("disruptionsAllowed") - 1;
  const spent = { ...status, disruptionsAllowed: left, disruptedPods: disrupted };
  const next = { ...budget, status: left === 0 ? withCondition(spent, generation ?? 0, nowText(context)) : spent };
  // The server does this as itself.
  const writer = { manager: "kube-apiserver", apiVersion: "policy/v1", subresource: "status", time: nowText(context) };
  store(context, call, resource, ownUpdate(resource.node, budget, next, writer), false);
}

/** Says that nothing more may go, in the words of the disruption controller. */
function withCondition(status: JsonObject, generation: Json, now: string): JsonObject {
  const conditions = listAt(status, "conditions");
  const before = conditions.find((item) => isObject(item) && item["type"] === "DisruptionAllowed");
  const unchanged = isObject(before) && before["status"] === "False" && before["reason"] === "InsufficientPods";
  const condition = {
    type: "DisruptionAllowed",
    status: "False",
    observedGeneration: generation,
    lastTransitionTime: unchanged ? (before["lastTransitionTime"] ?? now) : now,
    reason: "InsufficientPods",
    message: "",
  };
  return { ...status, conditions: [...conditions.filter((item) => item !== before), condition] };
}

/** What a used-up budget says; one with too few healthy pods names the numbers. */
function unmet(name: string, status: JsonObject): string {
  const [desired, current] = [status["desiredHealthy"], status["currentHealthy"]];
  if (typeof desired === "number" && typeof current === "number" && current <= desired)
    return `The disruption budget ${name} needs ${desired} healthy pods and has ${current} currently`;
  const condition = listAt(status, "conditions").find((item) => isObject(item) && item["type"] === "DisruptionAllowed");
  if (isObject(condition) && condition["reason"] === "SyncFailed")
    return `The disruption budget ${name} does not allow evicting pods currently because it failed sync: ${String(condition["message"])}`;
  return `The disruption budget ${name} does not allow evicting pods currently`;
}

/** Says on the pod why it goes, before it goes. */
function markTarget(context: Context, call: Call, pods: Resource, pod: JsonObject): JsonObject {
  const status = objectAt(pod, "status");
  const conditions = isList(status["conditions"]) ? status["conditions"] : [];
  const target = {
    type: "DisruptionTarget",
    status: "True",
    lastProbeTime: null,
    lastTransitionTime: nowText(context),
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
  };
  const others = conditions.filter((condition) => !isObject(condition) || condition["type"] !== "DisruptionTarget");
  return store(context, call, pods, { ...pod, status: { ...status, conditions: [...others, target] } }, false);
}
