// Leases as leader election writes them, and events of both APIs as the recorder and kubectl describe use them.
import { apply, del, get, merge, post, put } from "../step.ts";
import type { Step } from "../step.ts";

const LEASES = "/apis/coordination.k8s.io/v1/namespaces/coordination/leases";
const EVENTS = "/api/v1/namespaces/coordination/events";
const NEW_EVENTS = "/apis/events.k8s.io/v1/namespaces/coordination/events";
const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

const TIMES = { acquireTime: "2001-01-01T00:00:00.000000Z", renewTime: "2001-01-01T00:00:01.500000Z" };

function held(holder: string, more: object = {}): object {
  return { holderIdentity: holder, leaseDurationSeconds: 15, leaseTransitions: 0, ...TIMES, ...more };
}

const REGARDING = {
  apiVersion: "v1",
  kind: "ConfigMap",
  name: "about",
  namespace: "coordination",
  uid: "12121212-1212-4212-8212-121212121212",
};

const NEW_EVENT = {
  metadata: { name: "about.0011" },
  eventTime: "2001-01-01T00:00:00.000000Z",
  reportingController: "ringward.dev/controller",
  reportingInstance: "pod-0",
  action: "Claim",
  reason: "Claimed",
  regarding: REGARDING,
  note: "a note",
  type: "Normal",
};

export const coordination: readonly Step[] = [
  post("namespace for coordination", "/api/v1/namespaces", { metadata: { name: "coordination" } }),
  post("take a lease", LEASES, { metadata: { name: "ringward" }, spec: held("one") }, { as: "l1" }),
  post("take it a second time", LEASES, { metadata: { name: "ringward" }, spec: held("two") }),
  put(
    "renew it",
    `${LEASES}/ringward`,
    {
      metadata: { name: "ringward", resourceVersion: "${l1.metadata.resourceVersion}" },
      spec: held("one", { renewTime: "2001-01-01T00:00:03.000000Z" }),
    },
    { as: "l2" },
  ),
  put("renew it under the old version", `${LEASES}/ringward`, {
    metadata: { name: "ringward", resourceVersion: "${l1.metadata.resourceVersion}" },
    spec: held("two"),
  }),
  put("renew it with what was read", `${LEASES}/ringward`, "${l2}"),
  put("take it over", `${LEASES}/ringward`, {
    metadata: { name: "ringward", resourceVersion: "${l2.metadata.resourceVersion}" },
    spec: held("two", { leaseTransitions: 1 }),
  }),
  put("make a lease by PUT", `${LEASES}/by-put`, { metadata: { name: "by-put" }, spec: held("one") }),
  put("give it back", `${LEASES}/by-put`, {
    metadata: { name: "by-put" },
    spec: held("", { leaseDurationSeconds: 1 }),
  }),
  merge("a time without micros", `${LEASES}/by-put`, { spec: { renewTime: "2001-01-01T00:00:09Z" } }),
  merge("a time with too many digits", `${LEASES}/by-put`, { spec: { renewTime: "2001-01-01T00:00:09.123456789Z" } }),
  merge("a time in another zone", `${LEASES}/by-put`, { spec: { renewTime: "2001-01-01T02:00:09.000000+02:00" } }),
  merge("a time that is none", `${LEASES}/by-put`, { spec: { renewTime: "yesterday" } }),
  merge("a lease for no time", `${LEASES}/by-put`, { spec: { leaseDurationSeconds: 0 } }),
  merge("a lease with transitions below nothing", `${LEASES}/by-put`, { spec: { leaseTransitions: -1 } }),
  merge("a lease for half a second", `${LEASES}/by-put`, { spec: { leaseDurationSeconds: 0.5 } }),
  apply("a lease by apply", `${LEASES}/applied`, "node", {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "applied" },
    spec: held("n"),
  }),
  get("leases", LEASES),
  get("leases as a table", LEASES, TABLE),
  del("give up a lease", `${LEASES}/applied`),

  post("an event", NEW_EVENTS, NEW_EVENT, { as: "e1" }),
  get("the event by its old API", `${EVENTS}/about.0011`),
  post("an event without an event time", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "about.0012" },
    eventTime: undefined,
  }),
  post("an event without an action", NEW_EVENTS, { ...NEW_EVENT, metadata: { name: "about.0012" }, action: undefined }),
  post("an event without a controller", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "about.0012" },
    reportingController: undefined,
  }),
  post("an event without an instance", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "about.0012" },
    reportingInstance: undefined,
  }),
  post("an event without a reason", NEW_EVENTS, { ...NEW_EVENT, metadata: { name: "about.0012" }, reason: undefined }),
  post("an event of an unknown type", NEW_EVENTS, { ...NEW_EVENT, metadata: { name: "about.0012" }, type: "Loud" }),
  post("an event with a long note", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "about.0012" },
    note: "x".repeat(1025),
  }),
  post("an event in another namespace than what it is about", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "about.0012" },
    regarding: { ...REGARDING, namespace: "default" },
  }),
  post("an event about a node", "/apis/events.k8s.io/v1/namespaces/default/events", {
    ...NEW_EVENT,
    metadata: { name: "cn1.0011" },
    regarding: { apiVersion: "v1", kind: "Node", name: "cn1" },
  }),
  post("an event about a node elsewhere", NEW_EVENTS, {
    ...NEW_EVENT,
    metadata: { name: "cn1.0011" },
    regarding: { apiVersion: "v1", kind: "Node", name: "cn1" },
  }),
  merge("an event becomes a series", `${NEW_EVENTS}/about.0011`, {
    series: { count: 2, lastObservedTime: "2001-01-01T00:05:00.000000Z" },
  }),
  merge("an event's reason does not change", `${NEW_EVENTS}/about.0011`, { reason: "Other" }),
  merge("an event's note does not change", `${NEW_EVENTS}/about.0011`, { note: "other" }),
  put("an event by PUT", `${NEW_EVENTS}/about.0011`, "${e1}"),
  post("an old event", EVENTS, {
    metadata: { name: "old.1" },
    involvedObject: REGARDING,
    reason: "Started",
    message: "m",
    type: "Normal",
    count: 1,
    source: { component: "kubelet", host: "cn1" },
    firstTimestamp: "2001-01-01T00:00:00Z",
    lastTimestamp: "2001-01-01T00:00:00Z",
  }),
  post("an old event with a generated name", EVENTS, {
    metadata: { generateName: "old." },
    involvedObject: REGARDING,
    reason: "Started",
    message: "m",
    type: "Warning",
  }),
  merge("an old event counts", `${EVENTS}/old.1`, { count: 2, lastTimestamp: "2001-01-01T00:01:00Z" }),
  get("the old event by the new API", `${NEW_EVENTS}/old.1`),
  get(
    "events as kubectl describe asks",
    `${EVENTS}?fieldSelector=involvedObject.name%3Dabout,involvedObject.namespace%3Dcoordination,involvedObject.kind%3DConfigMap&limit=500`,
  ),
  get("events by uid", `${EVENTS}?fieldSelector=involvedObject.uid%3D12121212-1212-4212-8212-121212121212`),
  get("events by reason of the new API", `${NEW_EVENTS}?fieldSelector=reason%3DClaimed,regarding.name%3Dabout`),
  get("events by a field of the other API", `${NEW_EVENTS}?fieldSelector=involvedObject.name%3Dabout`),
  get("events by a field that is not offered", `${EVENTS}?fieldSelector=message%3Dm`),
  get("events as a table", EVENTS, TABLE),
  get("new events as a table", NEW_EVENTS, TABLE),
];
