// What the API server, nodes, their jobs and the sources of gates send. Objects are hostile (V4): projections may not throw at all, readers of
// streams only their TransportError.
import fc from "fast-check";
import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import { createAlertmanager } from "../../../controller/gates/alertmanager.ts";
import { createObjectSource } from "../../../controller/gates/objects.ts";
import { createPrometheus } from "../../../controller/gates/prometheus.ts";
import { judgeGateResource, readEndpointUrl } from "../../../controller/gates/settings.ts";
import { systemClock } from "../../../controller/clock.ts";
import { UserError } from "../../../controller/errors.ts";
import { createCollector } from "../../../controller/inventory/collect.ts";
import { createItemReader } from "../../../controller/inventory/json-items.ts";
import { projectNode, readHeardAt } from "../../../controller/inventory/project-node.ts";
import { projectAttachment } from "../../../controller/inventory/project-volume.ts";
import { parseReport } from "../../../controller/inventory/report.ts";
import { storeInventory } from "../../../controller/inventory/store-inventory.ts";
import {
  isConflict,
  isPatchTestFailure,
  isPdbRefusal,
  isTooManyRequests,
  toApiError,
  watchError,
} from "../../../controller/kube/api-errors.ts";
import { loadClusterAccess } from "../../../controller/kube/kubeconfig.ts";
import { TransportError } from "../../../controller/kube/port.ts";
import { createWords, protobufReader } from "../../../controller/kube/protobuf/index.ts";
import { readWatchEvents } from "../../../controller/kube/watch-lines.ts";
import { statusFor } from "../../../controller/kube/patch-states.ts";
import { NODES, PODS } from "../../../controller/kube/resources.ts";
import { readBindAddress } from "../../../controller/serve/bind-address.ts";
import { createDeliveries, isSigned } from "../../../controller/serve/delivery.ts";
import { readContextUser } from "../../../controller/cli/context-user.ts";
import { showTime } from "../../../controller/cli/output.ts";
import { bytesField, envelope, metadata, numberField, watchEvent } from "../../kube/protobuf/encoder.ts";
import { lease, nodeObject, podObject } from "../../inventory/objects.ts";
import { digits, jsonOf, many, name, noise, oneOf, seq } from "../grammar.ts";
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

const transportOnly = (error: unknown): boolean => error instanceof TransportError;

/** A body in two pieces, cut where its first byte says. */
async function* bodyOf(input: string): AsyncGenerator<Uint8Array, void, undefined> {
  const bytes = bytesOf(input);
  const cut = Math.min(bytes.length, bytes[0] ?? 0);
  // A body comes later than it is asked for.
  await Promise.resolve();
  if (cut > 0) yield bytes.subarray(0, cut);
  yield bytes.subarray(cut);
}

async function collect<T>(stream: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const one of stream) all.push(one);
  return all;
}

const watchLines: Parser = {
  name: "kube/watch-lines",
  form: "bytes",
  covers: ["controller/kube/watch-lines.ts readWatchEvents"],
  async run(input) {
    const events = await collect(readWatchEvents(bodyOf(input)));
    return events.map((event) => (event.type === "ERROR" ? watchError(event.object) : event));
  },
  mayThrow: transportOnly,
  grammar: many(
    seq(
      '{"type":"',
      oneOf("ADDED", "ERROR", "BOOKMARK", "X"),
      '","object":',
      oneOf("{}", "null", '{"kind":"Status","code":410}'),
      "}\n",
    ),
    { most: 4 },
  ),
  seeds: [
    '{"type":"ADDED","object":{"metadata":{"name":"a"}}}\n',
    '{"type":"ERROR","object":{"kind":"Status","code":410,"message":"m","details":{"retryAfterSeconds":3,"causes":[{"reason":"DisruptionBudget"}]}}}\n\n',
    '{"type":"BOOKMARK"}\nnull\n[]\n',
  ],
  words: [
    '{"type":"',
    "ERROR",
    "MODIFIED",
    '"object"',
    "\n",
    "\r",
    "}",
    "{",
    '"kind":"Status"',
    '"details"',
    '"causes"',
    "[",
    "]",
    "null",
  ],
};

const apiErrors: Parser = {
  name: "kube/api-errors",
  form: "json",
  covers: [],
  run(text) {
    const value = valueOf(text);
    const { code, header, body } = (typeof value === "object" && value !== null ? value : {}) as Readonly<
      Record<string, unknown>
    >;
    const response = {
      status: typeof code === "number" ? code : 429,
      headers: typeof header === "string" ? { "retry-after": header } : {},
      body,
    };
    return [toApiError(response), watchError(body)].map((error) => [
      error.message,
      error.reason,
      error.retryAfterMs,
      [isConflict, isPatchTestFailure, isPdbRefusal, isTooManyRequests].map((is) => is(error)),
    ]);
  },
  check(_text, answer) {
    for (const [message, reason, wait] of answer as readonly (readonly unknown[])[]) {
      if (typeof message !== "string" || typeof reason !== "string") return "an error whose words are none";
      if (wait !== undefined && !(typeof wait === "number" && wait >= 0 && wait <= 2 ** 31 - 1))
        return `a wait of ${String(wait)} ms, which no timer can hold`;
    }
    return undefined;
  },
  grammar: jsonOf(
    fc.record({ code: fc.constantFrom(409, 422, 429, 500), header: fc.nat().map(String), body: fc.jsonValue() }),
  ),
  seeds: [
    '{"code":429,"header":"3","body":{"kind":"Status","code":429,"message":"m","reason":"TooManyRequests","details":{"causes":[{"reason":"DisruptionBudget"}],"retryAfterSeconds":10}}}',
    '{"code":422,"body":{"kind":"Status","code":422,"details":{}}}',
    '{"code":409,"body":"text"}',
    '{"code":410,"body":{"kind":"Status","code":410,"reason":"Expired"}}',
  ],
  words: [
    "kind",
    "Status",
    "details",
    "causes",
    "reason",
    "DisruptionBudget",
    "retryAfterSeconds",
    "message",
    "code",
    "999999999",
    "1e10",
    " 3 ",
  ],
};

const podMeta = [
  ...metadata({ name: "p", namespace: "n", uid: "u", resourceVersion: "7", labels: { a: "b" } }),
  ...bytesField(13, [...bytesField(1, "ReplicaSet"), ...bytesField(3, "web"), ...numberField(6, 1)]),
];
const podFields = [...bytesField(1, podMeta), ...bytesField(2, bytesField(10, "node-1"))];

function latin1(bytes: Iterable<number>): string {
  return Buffer.from([...bytes]).toString("latin1");
}

const protobuf: Parser = {
  name: "kube/protobuf",
  form: "bytes",
  covers: [
    "controller/kube/protobuf/message.ts readMessage",
    "controller/kube/protobuf/object.ts readObject",
    "controller/kube/protobuf/envelope.ts readMagic",
    "controller/kube/protobuf/envelope.ts readTypeMeta",
    "controller/kube/protobuf/watch-frames.ts readWatchEvent",
    "controller/kube/protobuf/watch-frames.ts readWatchFrames",
    "controller/kube/protobuf/wire.ts readInt64",
    "controller/kube/protobuf/wire.ts readInt32",
    "controller/kube/protobuf/wire.ts readBool",
    "controller/kube/protobuf/wire.ts readKey",
    "controller/kube/protobuf/wire.ts readLength",
  ],
  async run(input) {
    const body = input.slice(1);
    // The first character chooses the stream and the kind.
    const kind = (input.charCodeAt(0) & 2) === 0 ? PODS : NODES;
    const reader = protobufReader(kind, createWords());
    if (reader === undefined) throw new Error("no reader");
    return (input.charCodeAt(0) & 1) === 0
      ? collect(reader.readList(bodyOf(body)))
      : collect(reader.readWatch(bodyOf(body)));
  },
  mayThrow: transportOnly,
  grammar: seq(
    oneOf("\u0000", "\u0001", "\u0002", "\u0003"),
    fc.array(fc.tuple(fc.nat({ max: 20 }), fc.uint8Array({ maxLength: 6 })), { maxLength: 4 }).map((fields) =>
      latin1(
        envelope(
          "v1",
          "PodList",
          fields.flatMap(([number, content]) => [...bytesField(number + 1, [...content])]),
        ),
      ),
    ),
  ),
  seeds: [
    `\u0000${latin1(envelope("v1", "PodList", [...bytesField(1, bytesField(2, "9")), ...bytesField(2, podFields), ...bytesField(2, podFields)]))}`,
    `\u0001${latin1(watchEvent("ADDED", envelope("v1", "Pod", podFields)))}`,
    `\u0001${latin1(watchEvent("ERROR", envelope("v1", "Status", [...bytesField(2, "Failure"), ...bytesField(4, "Expired"), ...numberField(6, 410), ...bytesField(5, [...bytesField(4, bytesField(1, "x")), ...numberField(5, 3)])])))}`,
    `\u0002${latin1(envelope("v1", "NodeList", [...bytesField(1, bytesField(2, "9")), ...bytesField(2, [...bytesField(1, [...metadata({ name: "n", uid: "u" }), ...bytesField(8, [...numberField(1, 1_700_000_000), ...numberField(2, 5)]), ...bytesField(17, [...bytesField(1, "m"), ...bytesField(2, "Apply"), ...bytesField(7, bytesField(1, "{}"))])])])]))}`,
  ],
  words: [
    "k8s\u0000",
    "\u0000\u0000\u0000\u0004",
    "\n",
    "\u0012",
    "\u001a",
    "\u0080\u0080\u0080\u0080\u0010",
    "\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u0001",
    "Pod",
    "PodList",
    "v1",
    "__proto__",
    "\u0008",
    "ADDED",
  ],
};

const KUBECONFIG = {
  apiVersion: "v1",
  "current-context": "c",
  contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "n" } }],
  clusters: [{ name: "k", cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "AA==" } }],
  users: [{ name: "u", user: { token: "t", as: "x", "as-groups": ["g"] } }],
};

const kubeconfig: Parser = {
  name: "kube/kubeconfig",
  form: "text",
  covers: ["controller/cli/context-user.ts readContextUser"],
  async run(text) {
    // A text on one line that is not JSON is a path.
    const whole = `${text}\n`;
    const user = readContextUser(whole, undefined);
    const access = loadClusterAccess({ kubeconfig: whole, clock: systemClock });
    const { headers, tls } = await access.credentials();
    return [user, access.server.href, access.namespace, headers, tls];
  },
  mayThrow: (error) =>
    (error instanceof UserError && error.code.startsWith("RW02")) ||
    // Files that it names are read, and exec plugins run by client-node: their own errors say why not.
    (error instanceof Error && /^(?:ENOENT|ENOTDIR|EISDIR|EACCES|ENAMETOOLONG)/.test(error.message)) ||
    (error instanceof TypeError && (error as NodeJS.ErrnoException).code === "ERR_INVALID_ARG_VALUE"),
  grammar: jsonOf(fc.constant(KUBECONFIG)),
  seeds: [
    JSON.stringify(KUBECONFIG),
    "current-context: c\ncontexts:\n- {name: c, context: {cluster: k, user: u}}\n-\nclusters: [{name: k, cluster: {server: 'https://a.example.com/k8s'}}]\nusers: [{name: u, user: {username: a, password: b}}]\n",
    "contexts: []\n",
  ],
  words: [
    "contexts",
    "clusters",
    "users",
    "current-context",
    "name",
    "context",
    "cluster",
    "user",
    "server",
    "https://a",
    "http://b",
    "null",
    "[]",
    "- \n",
    ": ",
    "\n",
    "token",
    "&a ",
    "*a",
  ],
};

const gates: Parser = {
  name: "gates/answers",
  form: "json",
  covers: [],
  async run(text) {
    const body = valueOf(text);
    const source = { get: () => Promise.resolve({ kind: "Json", body } as const), close: () => Promise.resolve() };
    const port = { request: () => Promise.resolve({ status: 200, headers: {}, body }) };
    const clock = { ...systemClock, now: () => NOW };
    const ask = {
      kind: "Objects",
      apiVersion: "v1",
      resource: "nodes",
      namespace: undefined,
      name: undefined,
      selector: undefined,
    } as const;
    return [
      await createPrometheus(source, clock).query("up"),
      await createAlertmanager(source).firing([], "Watchdog"),
      await createObjectSource(port as unknown as Parameters<typeof createObjectSource>[0], []).objects(
        ask as unknown as Parameters<ReturnType<typeof createObjectSource>["objects"]>[0],
      ),
    ];
  },
  grammar: fc.constantFrom(
    '{"status":"success","data":{"resultType":"vector","result":[]}}',
    '[{"labels":{"alertname":"a"}}]',
    '{"items":[]}',
  ),
  seeds: [
    `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up"},"value":[${NOW / 1000},"1"]},{"metric":{},"value":[1,"NaN"]}]}}`,
    `{"status":"success","warnings":["partial"],"data":{"resultType":"scalar","result":[${NOW / 1000},"+Inf"]}}`,
    '[{"labels":{"alertname":"a","severity":"b"}},{"labels":{}}]',
    '{"metadata":{"continue":"x"},"items":[{}]}',
  ],
  words: [
    "status",
    "success",
    "warnings",
    "data",
    "resultType",
    "vector",
    "scalar",
    "matrix",
    "result",
    "metric",
    "value",
    "labels",
    "items",
    "1e+06",
    "-Inf",
    "NaN",
  ],
};

const addresses: Parser = {
  name: "serve/addresses",
  form: "text",
  covers: ["controller/serve/bind-address.ts readBindAddress", "controller/gates/settings.ts readEndpointUrl"],
  run(text) {
    const url = readEndpointUrl(text);
    return [typeof url === "string" ? url : url.href, judgeGateResource(text), readBindAddress("--x", text)];
  },
  mayThrow: (error) => error instanceof UserError && error.code === "RW1301",
  grammar: seq(
    oneOf("http://", "https://", "", "ftp://"),
    oneOf("127.0.0.1", "[::1]", name, ""),
    oneOf("", ":8080", ":99999"),
    oneOf("", "/a?b", "#c"),
  ),
  seeds: [
    ":8080",
    "[::1]:8080",
    "0",
    "https://prometheus.example.com/p",
    "http://u:p@h/",
    "ceph.rook.io/v1/cephclusters",
    "v1/secrets",
  ],
  words: [
    "http://",
    "https://",
    ":",
    "/",
    "@",
    "?",
    "#",
    "[",
    "]",
    "::",
    "v1",
    "alpha1",
    "beta2",
    "8080",
    "65536",
    "%",
  ],
};

const delivery: Parser = {
  name: "serve/delivery",
  form: "json",
  covers: [],
  run(text) {
    const value = valueOf(text);
    const headers = (typeof value === "object" && value !== null ? value : {}) as Parameters<typeof isSigned>[0];
    const judge = createDeliveries(2);
    return [
      isSigned(headers),
      judge(headers, Buffer.from(text), [Buffer.from("0123456789abcdef")]),
      judge(headers, Buffer.from("body"), [Buffer.from("0123456789abcdef")]),
    ];
  },
  check: (_text, answer) =>
    (answer as readonly unknown[]).includes("accepted")
      ? "a delivery is accepted whose signature nobody could make"
      : undefined,
  grammar: jsonOf(
    fc.record({ "x-hub-signature-256": fc.stringMatching(/^sha256=[0-9a-f]{64}$/), "x-github-delivery": fc.uuid() }),
  ),
  seeds: [
    `{"x-hub-signature-256":"sha256=${"0".repeat(64)}","x-github-delivery":"72d3162e-cc78-11e3-81ab-4c9367dc0958"}`,
    `{"x-gitea-signature":"${"A".repeat(64)}","x-gitea-delivery":"72d3162e"}`,
  ],
  words: ["x-hub-signature-256", "x-gitea-signature", "x-github-delivery", "x-gitea-delivery", "sha256=", "sha1="],
};

const states: Parser = {
  name: "kube/patch-states",
  form: "json",
  covers: [],
  run(text) {
    const value = valueOf(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return statusFor(value as Parameters<typeof statusFor>[0], "u");
  },
  grammar: fc.constant('{"status":{"targetUID":"u"}}'),
  seeds: ['{"metadata":{"name":"n"},"status":{"targetUID":"u","state":"Missing"}}', '{"status":{"targetUID":"v"}}'],
  words: ["status", "targetUID", "u"],
};

export const CLUSTER_PARSERS: readonly Parser[] = [
  objects,
  items,
  report,
  reportBody,
  watchLines,
  apiErrors,
  protobuf,
  kubeconfig,
  gates,
  addresses,
  delivery,
  states,
];
