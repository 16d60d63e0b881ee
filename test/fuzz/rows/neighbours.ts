// What stands beside the controller says: the sources of gates, whoever delivers a webhook, and the file of places that are told.
import fc from "fast-check";
import { createAlertmanager } from "../../../controller/gates/alertmanager.ts";
import { createObjectSource } from "../../../controller/gates/objects.ts";
import { createPrometheus } from "../../../controller/gates/prometheus.ts";
import { judgeGateResource, readEndpointUrl } from "../../../controller/gates/settings.ts";
import { systemClock } from "../../../controller/clock.ts";
import { UserError } from "../../../controller/errors.ts";
import { readBindAddress } from "../../../controller/serve/bind-address.ts";
import { createDeliveries, isSigned } from "../../../controller/serve/delivery.ts";
import { parseRetryAfter } from "../../../controller/notify/post.ts";
import { readDestinations } from "../../../controller/notify/settings.ts";
import { digits, jsonOf, many, name, noise, oneOf, seq } from "../grammar.ts";
import { type Parser, valueOf } from "../parser.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

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

const DESTINATIONS = `destinations:
  - name: chat
    type: Slack
    urlFile: /run/secrets/chat
    events: [Failed, Done]
  - { name: pager, type: Webhook, urlFile: /run/u, hmacKeyFile: /run/k, rings: [prod] }
`;

/** The operator's file, and what a receiver says of time. */
const notifications: Parser = {
  name: "notify/settings",
  form: "text",
  covers: ["controller/notify/settings.ts readDestinations", "controller/notify/post.ts parseRetryAfter"],
  run(text) {
    const wait = parseRetryAfter(text, 1_000);
    try {
      return [wait, readDestinations("n.yaml", text)];
    } catch (error) {
      if (error instanceof UserError && error.code === "RW1402") return [wait, error.message];
      throw error;
    }
  },
  check(_text, answer) {
    const [wait, found] = answer as readonly [number, ReturnType<typeof readDestinations> | string];
    if (!(wait >= 0 && wait <= 3_600_000)) return `waits ${wait} ms`;
    if (typeof found === "string") return found.startsWith("n.yaml:") ? undefined : "a problem without a place";
    const isWhole = (one: (typeof found)[number]): boolean =>
      one.name !== "" && (one.type === "CommitStatus" || one.urlFile.startsWith("/"));
    return found.every(isWhole) ? undefined : "no destination";
  },
  grammar: oneOf(
    seq(
      "destinations:\n",
      many(
        seq(
          oneOf("  - name: ", "  - "),
          name,
          "\n",
          oneOf("    type: Slack\n", "    type: Webhook\n", "    type: CommitStatus\n", "    hmacKeyFile: /k\n", ""),
          oneOf("    urlFile: /run/x\n", "    urlFile: https://h/x\n", "    urlFile: 1\n", ""),
          oneOf("    events: [Done]\n", "    events: [Done, Done]\n", "    rings: []\n", ""),
        ),
        { most: 4 },
      ),
    ),
    seq(digits),
    noise,
  ),
  seeds: [DESTINATIONS, "120", "Sat, 21 Nov 2026 12:00:00 GMT"],
  words: [
    "destinations",
    "name",
    "type",
    "Slack",
    "Webhook",
    "CommitStatus",
    "urlFile",
    "hmacKeyFile",
    "events",
    "Done",
    "rings",
    "- ",
    ": ",
    "\n",
    "/",
  ],
  // Every wrong place is told, in a sentence.
  mostPerCharacter: 128,
};

export const NEIGHBOUR_PARSERS: readonly Parser[] = [gates, addresses, delivery, notifications];
