// What the API server sends, in bytes and lines, and the file that says where it is. Readers of streams throw only their TransportError.
import fc from "fast-check";
import { systemClock } from "../../../controller/clock.ts";
import { UserError } from "../../../controller/errors.ts";
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
import { readContextUser } from "../../../controller/cli/context-user.ts";
import { bytesField, envelope, metadata, numberField, watchEvent } from "../../kube/protobuf/encoder.ts";
import { jsonOf, many, oneOf, seq } from "../grammar.ts";
import { bytesOf, type Parser, valueOf } from "../parser.ts";

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

export const KUBE_PARSERS: readonly Parser[] = [watchLines, apiErrors, protobuf, kubeconfig, states];
