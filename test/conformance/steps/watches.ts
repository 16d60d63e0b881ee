// Watches: from a version, resumed, selected, with initial events and bookmarks, and how they are refused or end.
import { del, get, merge, post, put, watch, watchToEnd } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "/api/v1/namespaces/watches";
const CMS = `${NS}/configmaps`;
const FROM = "resourceVersion=${start.metadata.resourceVersion}";

export const watches: readonly Step[] = [
  post("namespace for watches", "/api/v1/namespaces", { metadata: { name: "watches" } }),
  post("something watched", CMS, { metadata: { name: "w", labels: { on: "1" } } }, { as: "start" }),
  watch("a watch from a version", `${CMS}?${FROM}`, 3, [
    post("add while watching", CMS, { metadata: { name: "w2", labels: { on: "1" } } }, { as: "w2" }),
    merge("modify while watching", `${CMS}/w2`, { data: { k: "v" } }, { as: "w2m" }),
    del("delete while watching", `${CMS}/w2`),
  ]),
  watch("resumed, a watch repeats what came after", `${CMS}?${FROM}`, 3),
  watch("resumed in the middle", `${CMS}?resourceVersion=\${w2m.metadata.resourceVersion}`, 1),
  watch("a watch of the selected", `${CMS}?${FROM}&labelSelector=on%3D1`, 6, [
    post("add selected", CMS, { metadata: { name: "w3", labels: { on: "1" } } }),
    merge("leave the selection", `${CMS}/w3`, { metadata: { labels: { on: "0" } } }),
    merge("change outside the selection", `${CMS}/w3`, { data: { k: "1" } }),
    merge("come back into the selection", `${CMS}/w3`, { metadata: { labels: { on: "1" } } }),
  ]),
  watch("a watch of one name", `${CMS}?${FROM}&fieldSelector=metadata.name%3Dw3`, 5, [
    del("delete the named", `${CMS}/w3`),
  ]),
  watch("a watch of an object's own path", `${CMS}/w?${FROM}`, 1, [
    merge("change it by its path", `${CMS}/w`, { data: { k: "2" } }),
  ]),
  watch("a watch without a version", CMS, 2, [merge("change after the start", `${CMS}/w`, { data: { k: "3" } })]),
  watch("a watch from version 0", `${CMS}?resourceVersion=0`, 1),
  watch("a write that changes nothing is no event", CMS, 2, [
    merge("change nothing", `${CMS}/w`, { data: { k: "3" } }),
    merge("change something", `${CMS}/w`, { data: { k: "4" } }, { as: "w4" }),
  ]),
  watch("a dry run is no event", CMS, 2, [
    merge("change as a dry run", `${CMS}/w?dryRun=All`, { data: { k: "dry" } }),
    merge("change for real", `${CMS}/w`, { data: { k: "5" } }),
  ]),
  watch(
    "a finalizer is a modification before the deletion",
    `${CMS}?resourceVersion=\${w4.metadata.resourceVersion}`,
    4,
    [
      post("add with a finalizer", CMS, { metadata: { name: "held", finalizers: ["example.com/hold"] } }),
      del("delete the held", `${CMS}/held`),
      merge("let the held go", `${CMS}/held`, { metadata: { finalizers: null } }),
    ],
  ),
  watch(
    "initial events end with a bookmark",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    3,
    [post("add after the initial events", CMS, { metadata: { name: "after" } })],
  ),
  watch(
    "initial events of the selected",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=on`,
    2,
  ),
  watch(
    "initial events from version 0",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=0`,
    3,
  ),
  watch("initial events without bookmarks", `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan`, 2),
  watch("no initial events by wish", `${CMS}?sendInitialEvents=false&resourceVersionMatch=NotOlderThan`, 1, [
    merge("change after no initial events", `${CMS}/w`, { data: { k: "6" } }),
  ]),
  watch(
    "initial events as metadata alone",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    3,
    [],
    {
      accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    },
  ),
  watch(
    "initial events as tables",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    3,
    [],
    {
      accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
    },
  ),
  watch("a watch of tables", `${CMS}?${FROM}&fieldSelector=metadata.name%3Dw`, 5, [], {
    accept: "application/json;as=Table;g=meta.k8s.io;v=v1",
  }),
  watchToEnd("sendInitialEvents without a match", `${CMS}?sendInitialEvents=true`),
  watchToEnd("a match without sendInitialEvents", `${CMS}?resourceVersionMatch=NotOlderThan&resourceVersion=1`),
  watchToEnd("initial events at exactly", `${CMS}?sendInitialEvents=true&resourceVersionMatch=Exact`),
  watchToEnd("a watch from a version that is no number", `${CMS}?resourceVersion=new`),
  watchToEnd("a watch with a selector that is none", `${CMS}?labelSelector=${encodeURIComponent("n in (1")}`),
  watchToEnd("a watch by a field that is not offered", `${CMS}?fieldSelector=data.k%3D1`),
  watchToEnd("a watch of an unknown resource", "/api/v1/namespaces/watches/nothings"),
  watchToEnd("a watch of an unknown group", "/apis/nope.example.com/v1/things"),
  watchToEnd("a watch that ends by its timeout", `${CMS}?${FROM}&timeoutSeconds=1`),
  watchToEnd(
    "a watch that ends by its timeout, with bookmarks",
    `${CMS}?${FROM}&timeoutSeconds=1&allowWatchBookmarks=true`,
  ),
  watchToEnd("a watch of what cannot be watched", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
  watch(
    "a watch over all namespaces",
    `/api/v1/configmaps?${FROM}&fieldSelector=metadata.namespace%3Dwatches%2Cmetadata.name%3Dafter`,
    1,
  ),
  get("a list that a watch follows", CMS, { as: "listed" }),
  watch("a watch from a list's version", `${CMS}?resourceVersion=\${listed.metadata.resourceVersion}`, 1, [
    put("change after the list", `${CMS}/w`, { metadata: { name: "w", labels: { on: "1" } }, data: { k: "7" } }),
  ]),
];
