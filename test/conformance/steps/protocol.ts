// What a server says of requests themselves: who asks, paths, methods, media types, forms of answers, unknown fields, versions.
import { get, merge, post, put } from "../step.ts";
import type { Step } from "../step.ts";

const CMS = "/api/v1/namespaces/protocol/configmaps";
const CM = `${CMS}/x`;
const DEPLOYMENTS = "/apis/apps/v1/namespaces/protocol/deployments";

const DEPLOYMENT = {
  metadata: { name: "x" },
  spec: {
    replicas: 1,
    nope: 1,
    selector: { matchLabels: { app: "x" } },
    template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "a:1", wrong: true }] } },
  },
};

export const protocol: readonly Step[] = [
  post("namespace for the protocol", "/api/v1/namespaces", { metadata: { name: "protocol" } }),
  post("something to ask for", CMS, { metadata: { name: "x", labels: { a: "1" } }, data: { k: "v" } }),
  get("nobody asks", CMS, { auth: "none" }),
  get("nobody asks for one", CM, { auth: "none" }),
  post("nobody writes", CMS, { metadata: { name: "y" } }, { auth: "none" }),
  get("nobody watches", `${CMS}?watch=true`, { auth: "none" }),
  get("a stranger asks", CMS, { auth: "bad" }),
  post("a stranger writes", CMS, { metadata: { name: "y" } }, { auth: "bad" }),
  get("nobody asks for health", "/healthz", { auth: "none" }),
  get("nobody asks for readiness", "/readyz", { auth: "none" }),
  get("nobody asks for liveness", "/livez", { auth: "none" }),
  get("nobody asks for an unknown path", "/nothing", { auth: "none" }),
  get("an unknown path", "/nothing"),
  get("an unknown group", "/apis/nope.example.com/v1/things"),
  get("an unknown group's root", "/apis/nope.example.com"),
  get("an unknown version", "/apis/apps/v9/deployments"),
  get("an unknown resource", "/api/v1/namespaces/protocol/nothings"),
  get("an unknown subresource", `${CM}/nothing`),
  get("a status of what has none", `${CM}/status`),
  get("a scale of what has none", `${CM}/scale`),
  get("a resource of the cluster in a namespace", "/api/v1/namespaces/protocol/nodes"),
  get("one of the cluster in a namespace", "/api/v1/namespaces/protocol/nodes/cn1"),
  get("one of a namespace without it", "/api/v1/configmaps/x"),
  post("create without the namespace", "/api/v1/configmaps", { metadata: { name: "y" } }),
  put("replace a collection", CMS, {}),
  merge("patch a collection", CMS, {}),
  post("create below an object", CM, {}),
  {
    name: "a method that is unknown",
    method: "PUT",
    path: "/api/v1/namespaces/protocol/pods/x/log",
    contentType: "application/json",
    body: {},
  },
  get("read a subresource that only takes", "/api/v1/namespaces/protocol/pods/x/eviction"),
  get("read a review", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
  post("may I", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    spec: { resourceAttributes: { verb: "get", resource: "pods", namespace: "protocol" } },
  }),

  get("accept anything", CM, { accept: "*/*" }),
  get("accept any application", CM, { accept: "application/*" }),
  get("accept a text alone", CM, { accept: "text/html" }),
  get("accept one that cannot be served and one that can", CM, { accept: "text/html, application/json;q=0.5" }),
  get("accept nonsense", CM, { accept: "nonsense" }),
  get("accept JSON with a charset", CM, { accept: "application/json; charset=utf-8" }),
  get("accept YAML", CM, { accept: "application/yaml" }),
  get("accept protobuf with JSON behind it", CM, { accept: "application/vnd.kubernetes.protobuf,application/json" }),
  get("accept metadata alone", CM, { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" }),
  get("accept metadata alone, of a list", CMS, {
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  }),
  get("accept a list's form for one", CM, {
    accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
  }),
  get("accept one's form for a list", CMS, { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" }),
  get("accept a form that is unknown", CM, { accept: "application/json;as=Poem;g=meta.k8s.io;v=v1" }),
  get("accept a table of an old version", CM, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1beta1" }),
  get("accept a table, a list of config maps", CMS, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" }),
  get("a table of what is missing", `${CMS}/nope`, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" }),
  get("a table that attaches something unknown", `${CMS}?includeObject=Half`, {
    accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
  }),
  get("a page as a table", `${CMS}?limit=1`, { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" }),
  get("namespaces as a table", "/api/v1/namespaces?labelSelector=kubernetes.io/metadata.name%3Dprotocol", {
    accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
  }),
  post(
    "a table of what is created",
    `${CMS}?dryRun=All`,
    { metadata: { name: "t" } },
    { accept: "application/json;as=Table;g=meta.k8s.io;v=v1" },
  ),
  post(
    "metadata of what is created",
    `${CMS}?dryRun=All`,
    { metadata: { name: "t" } },
    { accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1" },
  ),
  post("a body that is a form", CMS, "a=b", { contentType: "application/x-www-form-urlencoded" }),
  post("a body that is a text", CMS, "a", { contentType: "text/plain" }),
  post(
    "a body of JSON with a charset",
    `${CMS}?dryRun=All`,
    { metadata: { name: "t" } },
    { contentType: "application/json; charset=utf-8" },
  ),
  post("a body without a type", `${CMS}?dryRun=All`, { metadata: { name: "t" } }, { contentType: "" }),
  post(
    "a body that is a merge patch",
    CMS,
    { metadata: { name: "t" } },
    { contentType: "application/merge-patch+json" },
  ),

  post("unknown fields are warned of", `${DEPLOYMENTS}?dryRun=All`, DEPLOYMENT),
  post("unknown fields are warned of when asked", `${DEPLOYMENTS}?dryRun=All&fieldValidation=Warn`, DEPLOYMENT),
  post("unknown fields are ignored when asked", `${DEPLOYMENTS}?dryRun=All&fieldValidation=Ignore`, DEPLOYMENT),
  post("unknown fields are refused when asked", `${DEPLOYMENTS}?dryRun=All&fieldValidation=Strict`, DEPLOYMENT),
  post("a validation that is unknown", `${DEPLOYMENTS}?dryRun=All&fieldValidation=Sometimes`, DEPLOYMENT),
  post("a field twice", `${CMS}?dryRun=All`, '{"metadata":{"name":"t"},"data":{"k":"1"},"data":{"k":"2"}}'),
  post(
    "a field twice, strict",
    `${CMS}?dryRun=All&fieldValidation=Strict`,
    '{"metadata":{"name":"t"},"data":{"k":"1"},"data":{"k":"2"}}',
  ),
  post("a field in another case", `${CMS}?dryRun=All`, { metadata: { name: "t" }, Data: { k: "v" } }),
  post("a null where an object belongs", `${CMS}?dryRun=All`, { metadata: { name: "t" }, data: null }),
  post("a null where a text belongs", `${CMS}?dryRun=All`, { metadata: { name: "t", labels: { a: null } } }),
  post("a number that is too big", `${DEPLOYMENTS}?dryRun=All`, {
    ...DEPLOYMENT,
    spec: { ...DEPLOYMENT.spec, replicas: 99999999999 },
  }),
  post("a number with a fraction", `${DEPLOYMENTS}?dryRun=All`, {
    ...DEPLOYMENT,
    spec: { ...DEPLOYMENT.spec, replicas: 1.5 },
  }),
  post("a truth as a text", `${DEPLOYMENTS}?dryRun=All`, {
    ...DEPLOYMENT,
    spec: { ...DEPLOYMENT.spec, paused: "yes" },
  }),
  post("a manager by query", `${CMS}?dryRun=All&fieldManager=somebody`, { metadata: { name: "t" } }),
  post("a manager that is not printable", `${CMS}?dryRun=All&fieldManager=a%00b`, { metadata: { name: "t" } }),
  get("the resources of a group", "/apis/coordination.k8s.io/v1"),
  get("a group", "/apis/coordination.k8s.io"),
  get("the resources of policy", "/apis/policy/v1"),
  get("the resources of batch", "/apis/batch/v1"),
  get("the resources of events", "/apis/events.k8s.io/v1"),
];
