// Field numbers of the kinds that are read as protobuf, from k8s.io/api v0.36.3: generated.proto of core/v1, apps/v1, batch/v1,
// policy/v1 and coordination/v1 (published at https://github.com/kubernetes/api). They hold what the projections of inventory/ and
// reconcile/cluster.ts read, and nothing else: test/kube/protobuf/tables.test.ts fails when one of them reads a field that is not here.
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  LEASES,
  NODES,
  PERSISTENT_VOLUMES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  REPLICA_SETS,
  type Resource,
  STATEFUL_SETS,
} from "../resources.ts";
import { FINALIZED_META, LABEL_SELECTOR, MANAGED_META, OBJECT_META } from "./meta-tables.ts";
import { bool, count32, count64, flag, inline, int32, list, message, microTime, table, text, word } from "./table.ts";
import type { Field, Table } from "./table.ts";

/** Every object: metadata = 1, spec = 2, status = 3. */
function object(metadata: Table, spec: Table, status?: Table): Table {
  const fields: Record<number, Field> = { 1: message("metadata", metadata), 2: message("spec", spec) };
  return table(status === undefined ? fields : { ...fields, 3: message("status", status) });
}

/** The conditions of most kinds begin alike; where the reason stands differs. */
function condition(reason: 4 | 5): Table {
  return table({ 1: word("type"), 2: word("status"), [reason]: word("reason") });
}

const NODE = object(
  OBJECT_META,
  table({ 4: flag("unschedulable"), 5: list("taints", table({ 1: word("key"), 2: word("value") })) }),
  table({
    4: list("conditions", condition(5)),
    7: message(
      "nodeInfo",
      table({
        3: text("bootID"),
        4: word("kernelVersion"),
        5: word("osImage"),
        6: word("containerRuntimeVersion"),
        7: word("kubeletVersion"),
        10: word("architecture"),
      }),
    ),
  }),
);

const CONTAINER: Table = table({ 1: word("name"), 2: word("image") });

/** VolumeSource is embedded in Volume; of most sources it matters only that they are there. */
const VOLUME: Table = table({
  1: text("name"),
  2: inline(
    table({
      1: message("hostPath", table({})),
      2: message("emptyDir", table({})),
      10: message("persistentVolumeClaim", table({ 1: text("claimName") })),
      29: message("ephemeral", table({})),
    }),
  ),
});

const CONTAINER_STATUS: Table = table({ 1: word("name"), 6: word("image"), 7: word("imageID") });

const POD = object(
  FINALIZED_META,
  table({
    1: list("volumes", VOLUME),
    2: list("containers", CONTAINER),
    10: word("nodeName"),
    20: list("initContainers", CONTAINER),
    25: int32("priority"),
  }),
  table({
    1: word("phase"),
    2: list("conditions", condition(5)),
    8: list("containerStatuses", CONTAINER_STATUS),
    10: list("initContainerStatuses", CONTAINER_STATUS),
  }),
);

/** PodTemplateSpec: spec = 2. */
const POD_TEMPLATE: Field = message(
  "template",
  table({ 2: message("spec", table({ 2: list("containers", CONTAINER), 20: list("initContainers", CONTAINER) })) }),
);

const STRATEGY_TYPE: Table = table({ 1: word("type") });

const DEPLOYMENT = object(
  MANAGED_META,
  table({ 1: int32("replicas"), 3: POD_TEMPLATE, 4: message("strategy", STRATEGY_TYPE), 7: flag("paused") }),
  table({
    1: count64("observedGeneration"),
    2: count32("replicas"),
    3: count32("updatedReplicas"),
    4: count32("availableReplicas"),
    6: list("conditions", condition(4)),
  }),
);

const STATEFUL_SET = object(
  MANAGED_META,
  table({
    1: int32("replicas"),
    3: POD_TEMPLATE,
    7: message(
      "updateStrategy",
      table({ 1: word("type"), 2: message("rollingUpdate", table({ 1: int32("partition") })) }),
    ),
  }),
  table({
    1: count64("observedGeneration"),
    3: count32("readyReplicas"),
    5: count32("updatedReplicas"),
    6: word("currentRevision"),
    7: word("updateRevision"),
    10: list("conditions", condition(4)),
    // Not omitempty: a 0 of a server that counts them is not the same as a server that does not.
    11: int32("availableReplicas"),
  }),
);

const DAEMON_SET = object(
  MANAGED_META,
  table({ 2: POD_TEMPLATE, 3: message("updateStrategy", STRATEGY_TYPE) }),
  table({
    3: int32("desiredNumberScheduled"),
    5: count64("observedGeneration"),
    6: count32("updatedNumberScheduled"),
    7: count32("numberAvailable"),
    10: list("conditions", condition(4)),
  }),
);

const REPLICA_SET = object(
  MANAGED_META,
  table({ 1: int32("replicas"), 3: POD_TEMPLATE }),
  table({ 3: count64("observedGeneration"), 5: count32("availableReplicas"), 6: list("conditions", condition(4)) }),
);

const JOB = object(
  MANAGED_META,
  table({ 6: POD_TEMPLATE, 10: bool("suspend") }),
  table({ 1: list("conditions", condition(5)), 4: count32("active"), 9: int32("ready") }),
);

const POD_DISRUPTION_BUDGET = object(
  OBJECT_META,
  table({ 2: message("selector", LABEL_SELECTOR), 4: word("unhealthyPodEvictionPolicy") }),
  table({
    1: count64("observedGeneration"),
    3: int32("disruptionsAllowed"),
    4: int32("currentHealthy"),
    5: int32("desiredHealthy"),
    6: int32("expectedPods"),
  }),
);

/** PersistentVolumeSource is embedded in PersistentVolumeSpec: whether it is a disk of one node. */
const PERSISTENT_VOLUME = object(
  OBJECT_META,
  table({
    2: inline(table({ 3: message("hostPath", table({})), 20: message("local", table({})) })),
    4: message("claimRef", table({ 2: word("namespace"), 3: text("name") })),
  }),
);

const LEASE = object(
  OBJECT_META,
  table({ 1: text("holderIdentity"), 2: int32("leaseDurationSeconds"), 4: microTime("renewTime") }),
);

const TABLES: ReadonlyMap<Resource, Table> = new Map([
  [NODES, NODE],
  [PODS, POD],
  [DEPLOYMENTS, DEPLOYMENT],
  [STATEFUL_SETS, STATEFUL_SET],
  [DAEMON_SETS, DAEMON_SET],
  [REPLICA_SETS, REPLICA_SET],
  [JOBS, JOB],
  [POD_DISRUPTION_BUDGETS, POD_DISRUPTION_BUDGET],
  [PERSISTENT_VOLUMES, PERSISTENT_VOLUME],
  [LEASES, LEASE],
]);

/** What is read of a kind; undefined: it is read as JSON. */
export function tableOf(resource: Resource): Table | undefined {
  return TABLES.get(resource);
}
