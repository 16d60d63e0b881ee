// `kubectl get` for the built-in kinds that people look at, with the columns of the real printers (pkg/printers/internalversion).
import { isObject, listAt, objectAt, stringAt } from "../json.ts";
import type { JsonObject } from "../json.ts";
import { labelsOf, nameOf } from "../object.ts";
import { age } from "./age.ts";
import { AGE, NAME, column } from "./column.ts";
import type { TableDefinition } from "./column.ts";
import { podCells } from "./pods.ts";
import { conditionStatus, created, number, orNone, spec, status } from "./readings.ts";
import { WORKLOAD_TABLES } from "./workloads.ts";

const ADDRESSES =
  "List of addresses reachable to the node. Queried from cloud provider, if available. More info: https://kubernetes.io/docs/reference/node/node-status/#addresses Note: This field is declared as mergeable, but the merge key is not sufficiently unique, which can cause data corruption when it is merged. Callers should instead use a full-replacement patch. See https://pr.k8s.io/79391 for an example. Consumers should assume that addresses can change during the lifetime of a Node. However, there are some exceptions where this may not be possible, such as Pods that inherit a Node's address in its own status or consumers of the downward API (status.hostIP).";

function nodeStatus(object: JsonObject): string {
  const ready = conditionStatus(object, "Ready");
  const words = [ready === "True" ? "Ready" : ready === undefined ? "Unknown" : "NotReady"];
  if (spec(object)["unschedulable"] === true) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeRoles(object: JsonObject): string {
  const roles = Object.entries(labelsOf(object)).flatMap(([key, value]) => {
    if (key.startsWith("node-role.kubernetes.io/"))
      return [key.slice("node-role.kubernetes.io/".length)].filter((role) => role !== "");
    return key === "kubernetes.io/role" && value !== "" ? [String(value)] : [];
  });
  return orNone([...new Set(roles)].sort().join(","));
}

function address(object: JsonObject, type: string): string {
  const found = listAt(object["status"], "addresses").find((item) => isObject(item) && item["type"] === type);
  return stringAt(found, "address") ?? "<none>";
}

function kernel(info: JsonObject): string {
  const version = stringAt(info, "kernelVersion") ?? "";
  if (version === "") return "<unknown>";
  const architecture = stringAt(info, "architecture") ?? "";
  return architecture === "" ? version : `${version} (${architecture})`;
}

function ports(object: JsonObject): string {
  return orNone(
    listAt(spec(object), "ports")
      .filter(isObject)
      .map(
        (port) =>
          `${String(port["port"])}${typeof port["nodePort"] === "number" && port["nodePort"] > 0 ? `:${port["nodePort"]}` : ""}/${String(port["protocol"] ?? "TCP")}`,
      )
      .join(","),
  );
}

function eventTimes(object: JsonObject): { readonly last: string | undefined; readonly first: string | undefined } {
  const first = stringAt(object, "firstTimestamp") ?? stringAt(object, "eventTime");
  const last = stringAt(objectAt(object, "series"), "lastObservedTime") ?? stringAt(object, "lastTimestamp");
  return { first, last: last ?? first };
}

/** `kubelet, cn1`: the component and its host, or the reporting controller and its instance. */
function eventSource(object: JsonObject): string {
  const { component, host } = objectAt(object, "source");
  const reporter = [object["reportingComponent"], object["reportingInstance"]];
  return [component ?? reporter[0], host ?? reporter[1]]
    .filter((text) => typeof text === "string" && text !== "")
    .join(", ");
}

/** Both APIs show the same table, of the event as the older one spells it. */
function asOldEvent(object: JsonObject): JsonObject {
  if (object["regarding"] === undefined) return object;
  const { regarding, note, reportingController, deprecatedSource, deprecatedFirstTimestamp } = object;
  const { deprecatedLastTimestamp, deprecatedCount, ...rest } = object;
  return {
    ...rest,
    involvedObject: regarding,
    message: note,
    reportingComponent: reportingController,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
  };
}

export const BUILTIN_TABLES: Readonly<Record<string, TableDefinition>> = {
  nodes: {
    columns: [
      column("Status", "The status of the node"),
      column("Roles", "The roles of the node"),
      AGE,
      column("Version", "Kubelet Version reported by the node."),
      column("Internal-IP", ADDRESSES, "string", 1),
      column("External-IP", ADDRESSES, "string", 1),
      column(
        "OS-Image",
        "OS Image reported by the node from /etc/os-release (e.g. Debian GNU/Linux 7 (wheezy)).",
        "string",
        1,
      ),
      column(
        "Kernel-Version",
        "Kernel Version reported by the node from 'uname -r' (e.g. 3.16.0-0.bpo.4-amd64).",
        "string",
        1,
      ),
      column(
        "Container-Runtime",
        "ContainerRuntime Version reported by the node through runtime remote API (e.g. containerd://1.4.2).",
        "string",
        1,
      ),
    ],
    cells(object, now) {
      const info = objectAt(status(object), "nodeInfo");
      const known = (key: string): string => stringAt(info, key) || "<unknown>";
      return [
        nodeStatus(object),
        nodeRoles(object),
        created(object, now),
        stringAt(info, "kubeletVersion") ?? "",
        address(object, "InternalIP"),
        address(object, "ExternalIP"),
        known("osImage"),
        kernel(info),
        known("containerRuntimeVersion"),
      ];
    },
  },
  pods: {
    columns: [
      column("Ready", "The aggregate readiness state of this pod for accepting traffic."),
      column("Status", "The aggregate status of the containers in this pod."),
      column(
        "Restarts",
        "The number of times the containers in this pod have been restarted and when the last container in this pod has restarted.",
      ),
      AGE,
      column("IP", "The pod's address.", "string", 1),
      column("Node", "The node that runs the pod.", "string", 1),
      column("Nominated Node", "The node that the pod may get by preemption.", "string", 1),
      column("Readiness Gates", "Conditions that must hold besides the containers'.", "string", 1),
    ],
    cells: podCells,
  },
  namespaces: {
    columns: [column("Status", "The status of the namespace"), AGE],
    cells: (object, now) => [stringAt(object["status"], "phase") ?? "", created(object, now)],
  },
  configmaps: {
    columns: [column("Data", "Number of entries."), AGE],
    cells: (object, now) => [
      Object.keys(objectAt(object, "data")).length + Object.keys(objectAt(object, "binaryData")).length,
      created(object, now),
    ],
  },
  secrets: {
    columns: [
      column("Type", "Used to facilitate programmatic handling of secret data."),
      column("Data", "Number of entries.", "integer"),
      AGE,
    ],
    cells: (object, now) => [
      stringAt(object, "type") ?? "",
      Object.keys(objectAt(object, "data")).length,
      created(object, now),
    ],
  },
  serviceaccounts: {
    columns: [column("Secrets", "Number of secrets.", "string"), AGE],
    cells: (object, now) => [String(listAt(object, "secrets").length), created(object, now)],
  },
  services: {
    columns: [
      column("Type", "How the service is exposed."),
      column("Cluster-IP", "Address inside the cluster."),
      column("External-IP", "Address outside."),
      column("Port(s)", "Ports."),
      AGE,
      column("Selector", "Label selector of the pods.", "string", 1),
    ],
    cells(object, now) {
      const labels = Object.entries(objectAt(spec(object), "selector")).map(
        ([key, value]) => `${key}=${String(value)}`,
      );
      return [
        stringAt(spec(object), "type") ?? "",
        stringAt(spec(object), "clusterIP") ?? "<none>",
        "<none>",
        ports(object),
        created(object, now),
        orNone(labels.sort().join(",")),
      ];
    },
  },
  events: {
    namesItself: true,
    columns: [
      column("Last Seen", "When it was last seen."),
      column("Type", "Type of this event (Normal, Warning)."),
      column("Reason", "Why."),
      column("Object", "What it is about."),
      column("Subobject", "Part of the object.", "string", 1),
      column("Source", "Who says so.", "string", 1),
      column("Message", "What happened."),
      column("First Seen", "When it was first seen.", "string", 1),
      column("Count", "How often.", "string", 1),
      { ...NAME, priority: 1 },
    ],
    cells(shown, now) {
      const object = asOldEvent(shown);
      const about = objectAt(object, "involvedObject");
      const { first, last } = eventTimes(object);
      return [
        age(last, now),
        stringAt(object, "type") ?? "",
        stringAt(object, "reason") ?? "",
        `${(stringAt(about, "kind") ?? "").toLowerCase()}/${stringAt(about, "name") ?? ""}`,
        stringAt(about, "fieldPath") ?? "",
        eventSource(object),
        (stringAt(object, "message") ?? "").trim(),
        age(first, now),
        number(objectAt(object, "series"), "count") || number(object, "count") || 1,
        nameOf(object),
      ];
    },
  },
  ...WORKLOAD_TABLES,
  "poddisruptionbudgets.policy": {
    columns: [
      column("Min Available", "Pods that must stay."),
      column("Max Unavailable", "Pods that may go."),
      column("Allowed Disruptions", "Evictions allowed now.", "integer"),
      AGE,
    ],
    cells(object, now) {
      const bound = (key: string): string => (spec(object)[key] === undefined ? "N/A" : String(spec(object)[key]));
      return [
        bound("minAvailable"),
        bound("maxUnavailable"),
        number(status(object), "disruptionsAllowed"),
        created(object, now),
      ];
    },
  },
  "leases.coordination.k8s.io": {
    columns: [column("Holder", "Who holds it."), AGE],
    cells: (object, now) => [stringAt(spec(object), "holderIdentity") ?? "", created(object, now)],
  },
  "customresourcedefinitions.apiextensions.k8s.io": {
    columns: [{ ...column("Created At", "When it was created.", "date") }],
    cells: (object) => [stringAt(object["metadata"], "creationTimestamp") ?? ""],
  },
  "priorityclasses.scheduling.k8s.io": {
    columns: [
      column("Value", "The priority.", "integer"),
      column("Global-Default", "Used where none is named.", "boolean"),
      AGE,
      column("PreemptionPolicy", "Whether it preempts."),
    ],
    cells: (object, now) => [
      number(object, "value"),
      object["globalDefault"] === true,
      created(object, now),
      stringAt(object, "preemptionPolicy") ?? "",
    ],
  },
};
