// JSON, merge and strategic merge patches: what they do, what stops them, and preconditions inside them.
import { get, jsonPatch, merge, post, strategic } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "/api/v1/namespaces/patches";
const CM = `${NS}/configmaps/p`;
const POD = `${NS}/pods/pod`;

export const patches: readonly Step[] = [
  post("namespace for patches", "/api/v1/namespaces", { metadata: { name: "patches" } }),
  post(
    "something patched",
    `${NS}/configmaps`,
    { metadata: { name: "p", labels: { a: "1" } }, data: { k: "v", l: "w" } },
    { as: "p" },
  ),
  jsonPatch("json: test and replace", CM, [
    { op: "test", path: "/data/k", value: "v" },
    { op: "replace", path: "/data/k", value: "v2" },
  ]),
  jsonPatch("json: tests on uid and version, as a cordon has them", CM, [
    { op: "test", path: "/metadata/uid", value: "${p.metadata.uid}" },
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/ringward.dev~1claim", value: "c1" },
  ]),
  jsonPatch("json: a test on a version that is past", CM, [
    { op: "test", path: "/metadata/resourceVersion", value: "${p.metadata.resourceVersion}" },
    { op: "add", path: "/data/z", value: "1" },
  ]),
  jsonPatch("json: a test that fails", CM, [{ op: "test", path: "/data/k", value: "nope" }]),
  jsonPatch("json: a test of what is missing", CM, [{ op: "test", path: "/data/none", value: "x" }]),
  jsonPatch("json: a test for null of what is missing", CM, [{ op: "test", path: "/data/none", value: null }]),
  jsonPatch("json: remove what is missing", CM, [{ op: "remove", path: "/data/none" }]),
  jsonPatch("json: replace what is missing", CM, [{ op: "replace", path: "/data/none", value: "x" }]),
  jsonPatch("json: add below what is missing", CM, [{ op: "add", path: "/binaryData/none", value: "eA==" }]),
  jsonPatch("json: move", CM, [{ op: "move", from: "/data/l", path: "/data/m" }]),
  jsonPatch("json: copy", CM, [{ op: "copy", from: "/data/m", path: "/data/n" }]),
  jsonPatch("json: remove", CM, [{ op: "remove", path: "/data/n" }]),
  jsonPatch("json: an operation that is unknown", CM, [{ op: "mend", path: "/data/k" }]),
  jsonPatch("json: no list", CM, { data: { k: "x" } }),
  jsonPatch("json: an empty list", CM, []),
  jsonPatch("json: a text", CM, "nonsense"),
  jsonPatch("json: a field of the wrong type", CM, [{ op: "replace", path: "/data/k", value: 7 }]),
  jsonPatch("json: an unknown field", CM, [{ op: "add", path: "/nope", value: 7 }]),
  jsonPatch("json: an unknown field, strict", `${CM}?fieldValidation=Strict`, [{ op: "add", path: "/nope", value: 7 }]),
  jsonPatch("json: the name does not change", CM, [{ op: "replace", path: "/metadata/name", value: "q" }]),
  jsonPatch("json: the uid does not change", CM, [
    { op: "replace", path: "/metadata/uid", value: "55555555-5555-4555-8555-555555555555" },
  ]),
  jsonPatch("json: of what is missing", `${NS}/configmaps/nope`, [{ op: "add", path: "/data", value: {} }]),
  jsonPatch("json: as a dry run", `${CM}?dryRun=All`, [{ op: "add", path: "/data/dry", value: "1" }]),
  merge("merge: set and remove", CM, { data: { k: null, o: "1" } }),
  merge("merge: nothing", CM, {}),
  merge("merge: with the version that is past", CM, {
    metadata: { resourceVersion: "${p.metadata.resourceVersion}" },
    data: { o: "2" },
  }),
  merge("merge: with another uid", CM, { metadata: { uid: "55555555-5555-4555-8555-555555555555" } }),
  merge("merge: no object", CM, []),
  merge("merge: no JSON", CM, "{nope"),
  merge("merge: another kind", CM, { kind: "Secret" }),
  merge("merge: a field of the wrong type", CM, { data: { k: { deep: 1 } } }),
  merge("merge: an unknown field", CM, { nope: { a: 1 } }),
  merge("merge: an unknown field, strict", `${CM}?fieldValidation=Strict`, { nope: { a: 1 } }),
  merge("merge: labels away", CM, { metadata: { labels: null } }),
  merge("merge: a label value that is none", CM, { metadata: { labels: { a: "b c" } } }),
  merge("merge: as another manager", `${CM}?fieldManager=second`, { data: { second: "1" } }),
  merge("merge: a manager's name that is too long", `${CM}?fieldManager=${"m".repeat(129)}`, { data: { second: "2" } }),
  merge("merge: force without apply", `${CM}?force=true`, { data: { second: "2" } }),
  merge("a patch of an unknown type", CM, { data: {} }, { contentType: "application/json" }),
  merge("a patch without a type", CM, { data: {} }, { contentType: "" }),
  merge("a patch of a collection", `${NS}/configmaps`, { data: {} }),

  post("a pod for patches", `${NS}/pods`, {
    metadata: { name: "pod", finalizers: ["example.com/one"] },
    spec: {
      containers: [
        {
          name: "a",
          image: "registry.example.com/a:1",
          env: [{ name: "X", value: "1" }],
          ports: [{ containerPort: 80 }],
        },
        { name: "b", image: "registry.example.com/b:1" },
      ],
      tolerations: [{ key: "t", operator: "Exists" }],
    },
  }),
  strategic("strategic: a list merges by its key", POD, {
    spec: { containers: [{ name: "b", image: "registry.example.com/b:2" }] },
  }),
  strategic("strategic: a list of plain values merges", POD, { metadata: { finalizers: ["example.com/two"] } }),
  strategic("strategic: delete from a plain list", POD, {
    metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/one"] },
  }),
  strategic("strategic: the order of elements", POD, {
    spec: {
      "$setElementOrder/containers": [{ name: "a" }, { name: "b" }],
      containers: [{ name: "a", image: "registry.example.com/a:2" }],
    },
  }),
  strategic("strategic: replace by directive", POD, { metadata: { labels: { $patch: "replace", only: "1" } } }),
  strategic("strategic: delete an element", `${POD}/status`, {
    status: {
      conditions: [
        { type: "Ready", status: "True" },
        { type: "Gone", status: "True" },
      ],
    },
  }),
  strategic("strategic: delete an element by directive", `${POD}/status`, {
    status: { conditions: [{ $patch: "delete", type: "Gone" }] },
  }),
  strategic("strategic: an element without its key", POD, { spec: { containers: [{ image: "x" }] } }),
  strategic("strategic: a directive that is unknown", POD, { metadata: { labels: { $patch: "mend" } } }),
  strategic("strategic: a list where an object belongs", POD, { metadata: { labels: [] } }),
  strategic("strategic: no JSON", POD, "{nope"),
  strategic("strategic: an unknown field", POD, { spec: { nope: 1 } }),
  strategic("strategic: an unknown field, strict", `${POD}?fieldValidation=Strict`, { spec: { nope: 1 } }),
  strategic("strategic: null removes", POD, { metadata: { labels: null, finalizers: null } }),
  get("the pod after all patches", POD),
];
