// A pod's row: readiness, the one word that says how it is, restarts (pkg/printers/internalversion printPod).
import { isObject, listAt, objectAt, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { metadataOf } from "../object.ts";
import { age } from "./age.ts";

function stateReason(container: JsonObject): string | undefined {
  const state = objectAt(container, "state");
  const waiting = stringAt(state["waiting"], "reason");
  if (waiting !== undefined && waiting !== "") return waiting;
  const ended = state["terminated"];
  if (!isObject(ended)) return undefined;
  const reason = stringAt(ended, "reason");
  if (reason !== undefined && reason !== "") return reason;
  const signal = ended["signal"];
  return typeof signal === "number" && signal !== 0 ? `Signal:${signal}` : `ExitCode:${String(ended["exitCode"])}`;
}

function initStatus(pod: JsonObject): string | undefined {
  const statuses = listAt(pod["status"], "initContainerStatuses").filter(isObject);
  const total = listAt(pod["spec"], "initContainers").length;
  for (const [index, container] of statuses.entries()) {
    const ended = objectAt(container, "state")["terminated"];
    if (isObject(ended) && ended["exitCode"] === 0) continue;
    const reason = stateReason(container);
    return reason === undefined || reason === "PodInitializing" ? `Init:${index}/${total}` : `Init:${reason}`;
  }
  return undefined;
}

function reasonOf(pod: JsonObject): string {
  const status = objectAt(pod, "status");
  let reason = stringAt(status, "reason") || stringAt(status, "phase") || "Unknown";
  const starting = initStatus(pod);
  if (starting !== undefined) reason = starting;
  else {
    const containers = listAt(status, "containerStatuses").filter(isObject);
    for (const container of containers.toReversed()) reason = stateReason(container) ?? reason;
    const running = containers.some(
      (container) => container["ready"] === true && isObject(objectAt(container, "state")["running"]),
    );
    if (reason === "Completed" && running) reason = "Running";
  }
  if (metadataOf(pod)["deletionTimestamp"] === undefined) return reason;
  if (stringAt(status, "reason") === "NodeLost") return "Unknown";
  return stringAt(status, "phase") === "Succeeded" || stringAt(status, "phase") === "Failed" ? reason : "Terminating";
}

/** The cells of a pod's row after its name. */
export function podCells(pod: JsonObject, now: number): readonly Json[] {
  const status = objectAt(pod, "status");
  const spec = objectAt(pod, "spec");
  const statuses = listAt(status, "containerStatuses").filter(isObject);
  const ready = statuses.filter((container) => container["ready"] === true).length;
  const restarts = statuses.reduce(
    (sum, container) => sum + (typeof container["restartCount"] === "number" ? container["restartCount"] : 0),
    0,
  );
  const gates = listAt(spec, "readinessGates");
  const ip = listAt(status, "podIPs")[0];
  return [
    `${ready}/${listAt(spec, "containers").length}`,
    reasonOf(pod),
    String(restarts),
    age(metadataOf(pod)["creationTimestamp"], now),
    stringAt(ip, "ip") ?? stringAt(status, "podIP") ?? "<none>",
    stringAt(spec, "nodeName") ?? "<none>",
    stringAt(status, "nominatedNodeName") ?? "<none>",
    gates.length === 0 ? "<none>" : `0/${gates.length}`,
  ];
}
