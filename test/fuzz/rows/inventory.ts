// What the API server says of nodes and workloads, and what their jobs report. Objects are hostile (V4): nothing here may throw.
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { createCollector } from "../../../controller/inventory/collect.ts";
import { createItemReader } from "../../../controller/inventory/json-items.ts";
import { projectNode, readHeardAt } from "../../../controller/inventory/project-node.ts";
import { projectAttachment } from "../../../controller/inventory/project-volume.ts";
import { parseReport } from "../../../controller/inventory/report.ts";
import { storeInventory } from "../../../controller/inventory/store-inventory.ts";
import { showTime } from "../../../controller/cli/output.ts";
import { lease, nodeObject, podObject } from "../../inventory/objects.ts";
import { digits, jsonOf, many, noise, oneOf, seq } from "../grammar.ts";
import { bytesOf, type Parser, valueOf } from "../parser.ts";

const INVENTORY = "controller/inventory";
const NOW = Date.parse("2026-11-21T12:00:00Z");

const OBJECTS: readonly unknown[] = [
  nodeObject("worker-1", {
    metadata: {
      labels: {
        "topology.kubernetes.io/zone": "a",
        "nvidia.com/gpu-driver-upgrade-state": "drain-required",
        "node-role.kubernetes.io/control-plane": "",
      },
      annotations: {
        "ringward.dev/claim": "c",
        "ringward.dev/prior-marks": "{}",
        "machineconfiguration.openshift.io/state": "Working",
      },
    },
    spec: { unschedulable: true, taints: [{ key: "karpenter.sh/disrupted", value: "x" }] },
  }),
  lease("worker-1", "2026-11-21T11:59:00.000000Z", "uid-worker-1"),
  podObject("web-1", {
    metadata: {
      ownerReferences: [{ kind: "ReplicaSet", name: "web", uid: "u", controller: true }],
      deletionTimestamp: "2026-11-21T11:59:00Z",
      finalizers: ["a/b"],
    },
    spec: {
      volumes: [
        { name: "v", emptyDir: {} },
        { name: "w", ephemeral: {} },
        { persistentVolumeClaim: { claimName: "c" } },
      ],
      priority: 5,
    },
  }),
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: "kured",
      namespace: "kube-system",
      uid: "u",
      annotations: {
        "weave.works/kured-node-lock": '{"nodeID":"worker-1","created":"2026-11-21T11:00:00Z","TTL":3600000000000}',
      },
    },
    spec: { template: { spec: { containers: [{ name: "k", image: "a:1" }] } } },
    status: { desiredNumberScheduled: 1, updatedNumberScheduled: 1, numberAvailable: 1 },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: "kured",
      namespace: "kube-system",
      uid: "u",
      annotations: { "weave.works/kured-node-lock": '{"locks":[{"nodeID":"a","created":"x","TTL":1},{"nodeID":"b"}]}' },
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      namespace: "shop",
      uid: "u",
      generation: 3,
      labels: { "kustomize.toolkit.fluxcd.io/name": "x" },
      managedFields: [{ manager: "m", operation: "Apply", fieldsV1: { "f:spec": {} } }],
    },
    spec: {
      replicas: 2,
      template: { spec: { containers: [{ name: "web", image: "a:1" }], initContainers: [{ name: "i", image: "b" }] } },
      strategy: { type: "Recreate" },
    },
    status: {
      observedGeneration: 3,
      replicas: 2,
      updatedReplicas: 2,
      availableReplicas: 2,
      conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }],
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db", namespace: "shop", uid: "u" },
    spec: { updateStrategy: { rollingUpdate: { partition: 1 } } },
    status: { currentRevision: "a", updateRevision: "b" },
  },
  {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", namespace: "shop", uid: "u", labels: { "upgrade.cattle.io/node": "worker-1" } },
    spec: {},
    status: { active: 1, conditions: [{ type: "Complete", status: "True" }] },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "p", namespace: "shop", uid: "u", generation: 2 },
    spec: {
      selector: { matchLabels: { a: "b" }, matchExpressions: [{ key: "k", operator: "In", values: ["v"] }] },
      unhealthyPodEvictionPolicy: "AlwaysAllow",
    },
    status: { observedGeneration: 1, disruptionsAllowed: 1 },
  },
  {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "pv", uid: "u" },
    spec: { claimRef: { namespace: "shop", name: "c" }, local: {} },
  },
  {
    apiVersion: "storage.k8s.io/v1",
    kind: "VolumeAttachment",
    metadata: { name: "a", uid: "u" },
    spec: { nodeName: "worker-1", source: { persistentVolumeName: "pv" } },
  },
  {
    ...lease("node-worker-1", "2026-11-21T11:59:00Z"),
    metadata: { name: "node-worker-1", namespace: "medik8s-leases", uid: "u" },
    spec: { holderIdentity: "h", leaseDurationSeconds: 3600, renewTime: "2026-11-21T11:59:00Z" },
  },
  {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "NodePatchState",
    metadata: { name: "worker-1" },
    status: { targetUID: "u" },
  },
  { serverVersion: { gitVersion: "v1.33.6" } },
];

/** Every object through the collector, which projects it; a List of two shows what is kept of doubles. */
const objects: Parser = {
  name: "inventory/objects",
  form: "json",
  covers: [
    `${INVENTORY}/project-node.ts projectNode`,
    `${INVENTORY}/project-node.ts readHeardAt`,
    `${INVENTORY}/project-pod.ts projectPod`,
    `${INVENTORY}/project-pdb.ts projectPdb`,
    `${INVENTORY}/project-workload.ts projectWorkload`,
    `${INVENTORY}/project-volume.ts projectVolume`,
    `${INVENTORY}/project-volume.ts projectAttachment`,
  ],
  run(text) {
    const object = valueOf(text);
    const collector = createCollector();
    // As a dump is read, which leaves out what is too deep; a list of the same shows what is made of doubles.
    const reader = createItemReader({ item: (value, kind) => collector.add(value, kind), problem: () => undefined });
    reader.write(Buffer.from(`${text}{"kind":"List","items":[${text},${text}]}`));
    reader.end();
    collector.add(OBJECTS[0]);
    const { inventory, problems, takenAt } = collector.finish();
    const shown = inventory.nodes.flatMap(({ foreign = [], heardAt }) => [
      ...foreign.flatMap(({ until }) => (until === undefined ? [] : [showTime(until)])),
      ...(heardAt === undefined ? [] : [showTime(heardAt)]),
    ]);
    return [
      inventory,
      problems,
      takenAt,
      shown,
      projectNode(object, object),
      readHeardAt(object, "u"),
      projectAttachment(object, "worker-1"),
    ];
  },
  grammar: jsonOf(fc.constantFrom(...OBJECTS)),
  seeds: OBJECTS.map((object) => JSON.stringify(object)),
  words: [
    ...[
      "Node",
      "Pod",
      "Lease",
      "DaemonSet",
      "List",
      "apps/v1",
      "v1",
      "metadata",
      "spec",
      "status",
      "name",
      "uid",
      "labels",
      "annotations",
      "conditions",
    ],
    ...[
      "Ready",
      "True",
      "items",
      "kube-node-lease",
      "medik8s-leases",
      "weave.works/kured-node-lock",
      '{"nodeID":"a","created":"2026-11-21T11:00:00Z","TTL":1e300}',
    ],
    ...["ringward.dev/claim", "controller", "ownerReferences", "2026-11-21T12:00:00Z", "a".repeat(300), "node-x"],
  ],
  mostPerCharacter: 64,
};

/** A dump's bytes in two pieces, cut where the first byte says. */
const items: Parser = {
  name: "inventory/json-items",
  form: "bytes",
  covers: [],
  run(input) {
    const bytes = bytesOf(input);
    const found: unknown[] = [];
    const problems: string[] = [];
    const reader = createItemReader(
      { item: (value, kind) => found.push([value, kind]), problem: (message) => problems.push(message) },
      2_000,
    );
    const cut = Math.min(bytes.length, bytes[0] ?? 0);
    reader.write(bytes.subarray(0, cut));
    reader.write(bytes.subarray(cut));
    reader.end();
    return [found, problems];
  },
  grammar: many(oneOf('{"kind":"NodeList","items":[', '{"a":"\\""}', ",", "]}", "[{}]", "\ufeff", noise), {
    most: 8,
  }).map((text) => Buffer.from(text).toString("latin1")),
  seeds: [
    '{"kind":"NodeList","items":[{"a":"]}\\\\\\""},{"b":[1]}],"metadata":{}}',
    '{"items":[{}]}{"items":{}}[{"x":1}]',
    `{"a":"${"x".repeat(2_100)}"}`,
  ],
  words: ["{", "}", "[", "]", '"', "\\", ":", ",", '"items"', '"kind"', "NodeList", "\u00ef\u00bb\u00bf"],
};

const report: Parser = {
  name: "inventory/report",
  form: "text",
  covers: [`${INVENTORY}/report.ts parseReport`],
  run: (log) => parseReport(log),
  grammar: many(
    oneOf(
      "ringward-inventory/v1",
      "H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==",
      seq("ringward-inventory-end sha256:", fc.stringMatching(/^[0-9a-f]{64}$/), " ", digits),
      noise,
    ),
    { most: 6, by: "\n" },
  ),
  seeds: [
    frameOf("{}"),
    `noise\n${frameOf('{"osRelease":{"id":"ubuntu","versionId":"22.04"}}')}more\nringward-inventory/v1\n`,
    "ringward-inventory/v1\nAAAA\n",
  ],
  words: ["ringward-inventory/v1\n", "ringward-inventory-end sha256:", "\r\n", "\n", "AAAA", "=", "0", "1048577"],
};

/** What a hostile node puts into a report whose frame is right, read and stored. */
const reportBody: Parser = {
  name: "inventory/report-body",
  form: "json",
  covers: [],
  run(text) {
    const result = parseReport(frameOf(text));
    return result.ok
      ? [result, storeInventory(result.report, { packages: ["openssl", "__proto__"], followsOffered: true, now: NOW })]
      : result;
  },
  grammar: jsonOf(fc.constant(reportValue())),
  seeds: [
    JSON.stringify(reportValue()),
    JSON.stringify({
      ...reportValue(),
      packages: {
        scheme: "rpm",
        installed: [
          { name: "kernel", version: "5.14.0-1" },
          { name: "kernel", version: "5.14.0-2" },
        ],
      },
    }),
  ],
  words: [
    "osRelease",
    "kernel",
    "packages",
    "offered",
    "reboot",
    "dpkg",
    "rpm",
    "apk",
    "name",
    "version",
    "openssl",
    "1.2-3",
    "prettyName",
    "causes",
  ],
  mostPerCharacter: 64,
};

function reportValue(): Readonly<Record<string, unknown>> {
  return {
    osRelease: { id: "ubuntu", versionId: "22.04", prettyName: "Ubuntu 22.04.5 LTS" },
    kernel: { running: "5.15.0-101-generic", installed: ["5.15.0-101-generic", "5.15.0-102-generic"] },
    packages: {
      scheme: "dpkg",
      installed: [
        { name: "openssl", version: "3.0.2-0ubuntu1.18" },
        { name: "openssl", version: "3.0.2" },
      ],
    },
    offered: [{ name: "openssl", version: "3.0.2-0ubuntu1.19" }],
    reboot: { required: false, causes: ["libc6"] },
  };
}

function frameOf(json: string): string {
  const bytes = gzipSync(Buffer.from(json, "utf8"), { level: 1 });
  const body = bytes.toString("base64").replace(/.{1,76}/g, "$&\n");
  return `ringward-inventory/v1\n${body}ringward-inventory-end sha256:${createHash("sha256").update(bytes).digest("hex")} ${bytes.length}\n`;
}

export const INVENTORY_PARSERS: readonly Parser[] = [objects, items, report, reportBody];
