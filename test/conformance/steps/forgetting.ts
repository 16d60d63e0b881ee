// What a server has forgotten: from `forget` on it knows the present alone (etcd was compacted and the API server started anew), so
// watches, pages and lists at an older version get 410, and what is newer goes on.
import { get, merge, post, watch, watchToEnd } from "../step.ts";
import type { Step } from "../step.ts";

const CMS = "/api/v1/namespaces/forgetting/configmaps";
const BEFORE = "${before.metadata.resourceVersion}";

export const forgetting: readonly Step[] = [
  post("namespace for the forgotten", "/api/v1/namespaces", { metadata: { name: "forgetting" } }),
  post("something of before", CMS, { metadata: { name: "a" } }, { as: "before" }),
  post("more of before", CMS, { metadata: { name: "b" } }),
  get("the first page of before", `${CMS}?limit=1`, { as: "page" }),
  merge("a change of before", `${CMS}/a`, { data: { k: "1" } }),
  post("the last of before", CMS, { metadata: { name: "c" } }),
  get("the present, after it forgot", CMS, { forget: true, as: "present" }),
  watchToEnd("a watch from what is forgotten", `${CMS}?resourceVersion=${BEFORE}`),
  watchToEnd(
    "a watch from what is forgotten, with bookmarks",
    `${CMS}?resourceVersion=${BEFORE}&allowWatchBookmarks=true&timeoutSeconds=5`,
  ),
  watchToEnd(
    "a watch of one name from what is forgotten",
    `${CMS}?resourceVersion=${BEFORE}&fieldSelector=metadata.name%3Da`,
  ),
  get("a list at what is forgotten", `${CMS}?resourceVersion=${BEFORE}&resourceVersionMatch=Exact`),
  get("a page at what is forgotten", `${CMS}?limit=1&resourceVersion=${BEFORE}&resourceVersionMatch=Exact`),
  get("a list not older than what is forgotten", `${CMS}?resourceVersion=${BEFORE}&resourceVersionMatch=NotOlderThan`),
  get("the second page of what is forgotten", `${CMS}?limit=1&continue=\${page.metadata.continue}`, { as: "expired" }),
  get("the second page of what is there now", `${CMS}?limit=1&continue=\${expired.metadata.continue}`, { as: "now" }),
  get("the third page of what is there now", `${CMS}?limit=1&continue=\${now.metadata.continue}`),
  watch(
    "initial events not older than what is forgotten",
    `${CMS}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${BEFORE}`,
    4,
  ),
  watch("a watch from the present goes on", `${CMS}?resourceVersion=\${present.metadata.resourceVersion}`, 1, [
    merge("a change after it forgot", `${CMS}/a`, { data: { k: "2" } }),
  ]),
];
