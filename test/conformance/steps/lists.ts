// Lists: selectors and what cannot be read of them, pages, and what resourceVersion and resourceVersionMatch mean.
import { del, get, post } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "/api/v1/namespaces/lists";
const CMS = `${NS}/configmaps`;

function thing(n: number): Step {
  const labels = {
    app: n % 2 === 0 ? "even" : "odd",
    n: String(n),
    ...(n === 3 ? { "example.com/only": "three" } : {}),
  };
  return post(`make list item ${n}`, CMS, { metadata: { name: `m${n}`, labels } }, { as: `m${n}` });
}

function by(selector: string): string {
  return `${CMS}?labelSelector=${encodeURIComponent(selector)}`;
}

function fields(path: string, selector: string): string {
  return `${path}?fieldSelector=${encodeURIComponent(selector)}`;
}

export const lists: readonly Step[] = [
  post("namespace for lists", "/api/v1/namespaces", { metadata: { name: "lists" } }),
  get("an empty list", CMS),
  ...[1, 2, 3, 4, 5].map(thing),
  get("a list", CMS, { as: "all" }),
  get("a list of a namespace that is missing", "/api/v1/namespaces/nowhere/configmaps"),
  get("select equal", by("app=odd")),
  get("select equal, doubled", by("app==odd")),
  get("select unequal", by("app!=odd")),
  get("select in", by("n in (1,3,9)")),
  get("select notin", by("n notin (1,3)")),
  get("select by presence", by("example.com/only")),
  get("select by absence", by("!example.com/only")),
  get("select by several", by("app=odd,n notin (1),example.com/only")),
  get("select greater", by("n>3")),
  get("select less", by("n<2")),
  get("select the empty value", by("app=")),
  get("select with nothing in the brackets", by("n in ()")),
  get("a selector with an open bracket", by("n in (1")),
  get("a selector without a value list", by("n in 1")),
  get("a selector with a key that is none", by("a b=1")),
  get("a selector with a value that is none", by("a=no_trailing_")),
  get("a selector that ends in a comma", by("app=odd,")),
  get("a selector that begins with a comma", by(",app=odd")),
  get("a selector with a comparison that is no number", by("n>x")),
  get("a selector with an operator alone", by("=odd")),
  get("a selector of a word after a word", by("app odd")),
  get("select by name", fields(CMS, "metadata.name=m2")),
  get("select by name, unequal", fields(CMS, "metadata.name!=m2")),
  get("select by namespace over all", fields("/api/v1/configmaps", "metadata.namespace=lists,metadata.name=m2")),
  get("select by a field that is not offered", fields(CMS, "data.k=1")),
  get("a field selector without an operator", fields(CMS, "metadata.name")),
  get("select pods by a field that is not offered", fields(`${NS}/pods`, "spec.nope=1")),
  get("select nodes by a field that is not offered", fields("/api/v1/nodes", "status.phase=x")),
  get("select both ways", `${by("app=odd")}&fieldSelector=metadata.name%3Dm3`),

  get("the first page", `${CMS}?limit=2`, { as: "page1" }),
  get("the second page", `${CMS}?limit=2&continue=\${page1.metadata.continue}`, { as: "page2" }),
  get("the last page", `${CMS}?limit=2&continue=\${page2.metadata.continue}`),
  get("the rest after a page", `${CMS}?continue=\${page1.metadata.continue}`),
  post("an object made between two pages", CMS, { metadata: { name: "m35" } }, { as: "late" }),
  get("a page shows what was there at the first", `${CMS}?limit=5&continue=\${page1.metadata.continue}`),
  del("remove what came between", `${CMS}/m35`),
  get("a page of the selected", `${by("app=odd")}&limit=1`, { as: "odd1" }),
  get("the next page of the selected", `${by("app=odd")}&limit=1&continue=\${odd1.metadata.continue}`),
  get("a limit that is exactly enough", `${CMS}?limit=5`),
  get("a limit of nothing", `${CMS}?limit=0`),
  get("a limit that is no number", `${CMS}?limit=many`),
  get("a limit below nothing", `${CMS}?limit=-1`),
  get("a continue token that is none", `${CMS}?limit=2&continue=zzzz`),
  get("a continue token that is no base64", `${CMS}?limit=2&continue=!!`),
  get(
    "a continue token with a resourceVersion",
    `${CMS}?limit=2&resourceVersion=5&continue=\${page1.metadata.continue}`,
  ),
  get(
    "a continue token with a match",
    `${CMS}?limit=2&resourceVersionMatch=Exact&continue=\${page1.metadata.continue}`,
  ),

  get("a list at resourceVersion 0", `${CMS}?resourceVersion=0`),
  get("a list at resourceVersion 0 knows no limit", `${CMS}?resourceVersion=0&limit=2`),
  get(
    "a list not older than",
    `${CMS}?resourceVersion=\${m5.metadata.resourceVersion}&resourceVersionMatch=NotOlderThan`,
  ),
  get("a list at exactly", `${CMS}?resourceVersion=\${m3.metadata.resourceVersion}&resourceVersionMatch=Exact`, {
    as: "exact",
  }),
  get("a page at exactly", `${CMS}?resourceVersion=\${m3.metadata.resourceVersion}&resourceVersionMatch=Exact&limit=1`),
  get("a list at a version without a match", `${CMS}?resourceVersion=\${m3.metadata.resourceVersion}`),
  get("a page at a version without a match", `${CMS}?resourceVersion=\${m3.metadata.resourceVersion}&limit=2`),
  get("exactly zero is forbidden", `${CMS}?resourceVersion=0&resourceVersionMatch=Exact`),
  get("not older than zero", `${CMS}?resourceVersion=0&resourceVersionMatch=NotOlderThan`),
  get("a match without a version", `${CMS}?resourceVersionMatch=Exact`),
  get("a match that is unknown", `${CMS}?resourceVersion=1&resourceVersionMatch=Nearly`),
  get("a list at a version that is no number", `${CMS}?resourceVersion=new`),
  get("a list at exactly a version far in the future", `${CMS}?resourceVersion=999999999&resourceVersionMatch=Exact`),
  get("sendInitialEvents without a watch", `${CMS}?sendInitialEvents=true`),
  get("a cluster-wide list", "/api/v1/configmaps?labelSelector=app"),
  get("an empty list of a kind of the cluster", "/api/v1/nodes?labelSelector=none"),
  get("pretty does not change what is said", `${CMS}/m1?pretty=false`),
];
