// Tables of the workload kinds: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.
import { isObject, listAt, objectAt, stringAt } from "../json.ts";
import type { Json, JsonObject } from "../json.ts";
import { isDeleting } from "../object.ts";
import { age, humanDuration } from "./age.ts";
import { AGE, column } from "./column.ts";
import type { TableDefinition } from "./column.ts";
import { conditionStatus, created, number, orNone, spec, status } from "./readings.ts";

const CONTAINERS = [
  column("Containers", "Names of each container in the template.", "string", 1),
  column("Images", "Images referenced by each container in the template.", "string", 1),
];
const SELECTOR = column("Selector", "Label selector of the pods.", "string", 1);

function templateContainers(object: JsonObject): readonly [string, string] {
  const containers = listAt(objectAt(objectAt(spec(object), "template"), "spec"), "containers");
  const texts = (key: string): string => containers.map((container) => stringAt(container, key) ?? "").join(",");
  return [texts("name"), texts("image")];
}

function selectorText(selector: Json | undefined): string {
  if (!isObject(selector)) return "<none>";
  const labels = Object.entries(objectAt(selector, "matchLabels")).map(([key, value]) => `${key}=${String(value)}`);
  const expressions = listAt(selector, "matchExpressions").map((item) => {
    const values = listAt(item, "values").map(String).join(",");
    const [key, operator] = [stringAt(item, "key") ?? "", stringAt(item, "operator")];
    if (operator === "Exists") return key;
    if (operator === "DoesNotExist") return `!${key}`;
    return `${key} ${operator === "NotIn" ? "notin" : "in"} (${values})`;
  });
  return orNone([...labels.sort(), ...expressions].join(","));
}

function jobDuration(object: JsonObject, now: number): string {
  const start = stringAt(object["status"], "startTime");
  if (start === undefined) return "";
  const end = stringAt(object["status"], "completionTime");
  return humanDuration((end === undefined ? now : Date.parse(end)) - Date.parse(start));
}

function jobStatus(object: JsonObject): string {
  if (conditionStatus(object, "Complete") === "True") return "Complete";
  if (conditionStatus(object, "Failed") === "True") return "Failed";
  if (isDeleting(object)) return "Terminating";
  if (conditionStatus(object, "Suspended") === "True") return "Suspended";
  if (conditionStatus(object, "FailureTarget") === "True") return "FailureTarget";
  return conditionStatus(object, "SuccessCriteriaMet") === "True" ? "SuccessCriteriaMet" : "Running";
}

export const WORKLOAD_TABLES: Readonly<Record<string, TableDefinition>> = {
  "deployments.apps": {
    columns: [
      column("Ready", "Ready pods of wanted pods."),
      column("Up-to-date", "Pods of the wanted template."),
      column("Available", "Pods that have been ready long enough."),
      AGE,
      ...CONTAINERS,
      SELECTOR,
    ],
    cells(object, now) {
      const state = status(object);
      return [
        `${number(state, "readyReplicas")}/${number(spec(object), "replicas")}`,
        number(state, "updatedReplicas"),
        number(state, "availableReplicas"),
        created(object, now),
        ...templateContainers(object),
        selectorText(spec(object)["selector"]),
      ];
    },
  },
  "replicasets.apps": {
    columns: [
      column("Desired", "Wanted pods.", "integer"),
      column("Current", "Pods that exist.", "integer"),
      column("Ready", "Ready pods.", "integer"),
      AGE,
      ...CONTAINERS,
      SELECTOR,
    ],
    cells: (object, now) => [
      number(spec(object), "replicas"),
      number(status(object), "replicas"),
      number(status(object), "readyReplicas"),
      created(object, now),
      ...templateContainers(object),
      selectorText(spec(object)["selector"]),
    ],
  },
  "statefulsets.apps": {
    columns: [column("Ready", "Ready pods of wanted pods."), AGE, ...CONTAINERS],
    cells: (object, now) => [
      `${number(status(object), "readyReplicas")}/${number(spec(object), "replicas")}`,
      created(object, now),
      ...templateContainers(object),
    ],
  },
  "daemonsets.apps": {
    columns: [
      column("Desired", "Nodes that should run the pod.", "integer"),
      column("Current", "Nodes that run it.", "integer"),
      column("Ready", "Nodes where it is ready.", "integer"),
      column("Up-to-date", "Nodes with the wanted template.", "integer"),
      column("Available", "Nodes where it has been ready long enough.", "integer"),
      column("Node Selector", "Which nodes."),
      AGE,
      ...CONTAINERS,
      SELECTOR,
    ],
    cells(object, now) {
      const state = status(object);
      const selector = Object.entries(
        objectAt(objectAt(objectAt(spec(object), "template"), "spec"), "nodeSelector"),
      ).map(([key, value]) => `${key}=${String(value)}`);
      return [
        number(state, "desiredNumberScheduled"),
        number(state, "currentNumberScheduled"),
        number(state, "numberReady"),
        number(state, "updatedNumberScheduled"),
        number(state, "numberAvailable"),
        orNone(selector.sort().join(",")),
        created(object, now),
        ...templateContainers(object),
        selectorText(spec(object)["selector"]),
      ];
    },
  },
  "jobs.batch": {
    columns: [
      column("Status", "How it stands."),
      column("Completions", "Finished pods of wanted pods."),
      column("Duration", "How long it ran."),
      AGE,
      ...CONTAINERS,
      SELECTOR,
    ],
    cells(object, now) {
      const wanted = spec(object)["completions"];
      return [
        jobStatus(object),
        `${number(status(object), "succeeded")}/${typeof wanted === "number" ? wanted : 1}`,
        jobDuration(object, now),
        created(object, now),
        ...templateContainers(object),
        selectorText(spec(object)["selector"]),
      ];
    },
  },
  "cronjobs.batch": {
    columns: [
      column("Schedule", "When."),
      column("Timezone", "In which time zone."),
      column("Suspend", "Whether it is held.", "boolean"),
      column("Active", "Running jobs.", "integer"),
      column("Last Schedule", "When it last ran."),
      AGE,
      ...CONTAINERS,
      SELECTOR,
    ],
    cells(object, now) {
      const last = stringAt(object["status"], "lastScheduleTime");
      return [
        stringAt(spec(object), "schedule") ?? "",
        stringAt(spec(object), "timeZone") ?? "<none>",
        spec(object)["suspend"] === true ? "True" : "False",
        listAt(status(object), "active").length,
        last === undefined ? "<none>" : age(last, now),
        created(object, now),
        ...templateContainers({ spec: objectAt(objectAt(spec(object), "jobTemplate"), "spec") }),
        "<none>",
      ];
    },
  },
};
