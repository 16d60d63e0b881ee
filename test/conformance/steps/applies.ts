// Server-side apply: creation, ownership, conflicts and force, what is dropped, status, and what is refused.
import { apply, get, merge, post, put } from "../step.ts";
import type { Step } from "../step.ts";

const NS = "/api/v1/namespaces/applies";
const CM = `${NS}/configmaps/c`;
const APPS = "/apis/apps/v1/namespaces/applies";
const DEPLOYMENT = `${APPS}/deployments/d`;

function configMap(data: Record<string, string>, metadata: object = {}): object {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", ...metadata }, data };
}

function deployment(spec: object): object {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d" }, spec };
}

const TEMPLATE = {
  metadata: { labels: { app: "d" } },
  spec: {
    containers: [
      {
        name: "c",
        image: "registry.example.com/c:1",
        env: [{ name: "A", value: "1" }],
        ports: [{ containerPort: 80 }],
      },
    ],
  },
};

export const applies: readonly Step[] = [
  post("namespace for applies", "/api/v1/namespaces", { metadata: { name: "applies" } }),
  apply("apply creates", CM, "one", configMap({ k: "v", l: "w" }, { labels: { x: "1" } }), { as: "c" }),
  apply("apply again changes nothing", CM, "one", configMap({ k: "v", l: "w" }, { labels: { x: "1" } })),
  apply(
    "apply YAML",
    CM,
    "one",
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\n  labels: {x: '1'}\ndata:\n  k: v\n  l: w\n",
  ),
  apply("another's value is a conflict", CM, "two", configMap({ k: "other" })),
  apply("several of another's values are conflicts", CM, "two", configMap({ k: "other", l: "other" })),
  apply("the same value is shared", CM, "two", configMap({ k: "v" })),
  apply("what one drops and two holds stays", CM, "one", configMap({ l: "w" }, { labels: { x: "1" } })),
  apply("force takes it over", CM, "three", configMap({ k: "forced" }, {}), { force: true }),
  apply("the one it was taken from may not have it back", CM, "two", configMap({ k: "v" })),
  apply("what nobody else holds goes when it is dropped", CM, "one", configMap({})),
  merge("an ordinary write takes over", CM, { data: { k: "written" } }),
  apply("a conflict with an ordinary writer", CM, "three", configMap({ k: "forced" })),
  apply(
    "apply with the version that is past",
    CM,
    "three",
    configMap({ k: "written" }, { resourceVersion: "${c.metadata.resourceVersion}" }),
  ),
  apply(
    "apply with another uid",
    CM,
    "three",
    configMap({ k: "written" }, { uid: "66666666-6666-4666-8666-666666666666" }),
  ),
  apply("apply with its uid", CM, "three", configMap({ k: "written" }, { uid: "${c.metadata.uid}" })),
  apply("apply with another name", CM, "three", configMap({}, { name: "other" })),
  apply("apply with another namespace", CM, "three", configMap({}, { namespace: "default" })),
  apply(
    "apply with managedFields",
    CM,
    "three",
    configMap({}, { managedFields: [{ manager: "x", operation: "Apply" }] }),
  ),
  apply("apply without a name in the body", CM, "three", {
    apiVersion: "v1",
    kind: "ConfigMap",
    data: { k: "written" },
  }),
  apply("apply without a kind", CM, "three", { apiVersion: "v1", metadata: { name: "c" } }),
  apply("apply without an apiVersion", CM, "three", { kind: "ConfigMap", metadata: { name: "c" } }),
  apply("apply another kind", CM, "three", { apiVersion: "v1", kind: "Secret", metadata: { name: "c" } }),
  apply("apply an unknown field", CM, "three", { ...configMap({}), nope: 1 }),
  apply("apply a field of the wrong type", CM, "three", { ...configMap({}), data: { k: 1 } }),
  apply("apply a list where an object belongs", CM, "three", { ...configMap({}), data: [] }),
  apply("apply what is no YAML", CM, "three", "a: [1"),
  apply("apply a list", CM, "three", []),
  apply("apply as a dry run", `${CM}?dryRun=All`, "dry", configMap({ dry: "1" })),
  apply("apply as a dry run creates nothing", `${NS}/configmaps/fresh?dryRun=All`, "dry", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "fresh" },
  }),
  get("after the dry run there is nothing", `${NS}/configmaps/fresh`),
  apply("apply in a namespace that is missing", "/api/v1/namespaces/nowhere/configmaps/c", "one", configMap({})),
  {
    name: "apply without a manager",
    method: "PATCH",
    path: CM,
    contentType: "application/apply-patch+yaml",
    body: configMap({}),
  },
  get("who owns what", CM),
  put("managedFields can be cleared", CM, { metadata: { name: "c", managedFields: [{}] }, data: { k: "cleared" } }),
  merge("managedFields left alone by a patch", CM, { data: { l: "1" } }),

  apply(
    "apply creates a deployment",
    DEPLOYMENT,
    "one",
    deployment({ replicas: 2, selector: { matchLabels: { app: "d" } }, template: TEMPLATE }),
  ),
  apply(
    "another adds an element by its key",
    DEPLOYMENT,
    "two",
    deployment({
      template: { spec: { containers: [{ name: "c", env: [{ name: "B", value: "2" }] }] } },
    }),
  ),
  apply(
    "a conflict inside an element",
    DEPLOYMENT,
    "two",
    deployment({
      template: { spec: { containers: [{ name: "c", image: "registry.example.com/c:2" }] } },
    }),
  ),
  apply(
    "an element without its key",
    DEPLOYMENT,
    "two",
    deployment({ template: { spec: { containers: [{ image: "x" }] } } }),
  ),
  apply(
    "an element twice",
    DEPLOYMENT,
    "two",
    deployment({
      template: {
        spec: {
          containers: [
            {
              name: "c",
              env: [
                { name: "B", value: "2" },
                { name: "B", value: "3" },
              ],
            },
          ],
        },
      },
    }),
  ),
  apply(
    "a port by its key and default",
    DEPLOYMENT,
    "two",
    deployment({
      template: { spec: { containers: [{ name: "c", ports: [{ containerPort: 81, name: "more" }] }] } },
    }),
  ),
  apply(
    "an atomic selector conflicts as a whole",
    DEPLOYMENT,
    "two",
    deployment({ selector: { matchLabels: { app: "e" } } }),
  ),
  merge("scale by a merge patch", `${DEPLOYMENT}/scale?fieldManager=scaler`, { spec: { replicas: 5 } }),
  apply(
    "who scaled owns the replicas",
    DEPLOYMENT,
    "one",
    deployment({ replicas: 2, selector: { matchLabels: { app: "d" } }, template: TEMPLATE }),
  ),
  apply("apply a status", `${DEPLOYMENT}/status`, "controller", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    status: { replicas: 3, conditions: [{ type: "Available", status: "True", reason: "R", message: "m" }] },
  }),
  apply("apply a spec through the status changes nothing", `${DEPLOYMENT}/status`, "controller", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: { replicas: 9 },
    status: { replicas: 3, conditions: [{ type: "Available", status: "True", reason: "R", message: "m" }] },
  }),
  apply("apply a status through the main resource changes nothing", DEPLOYMENT, "three", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", labels: { three: "1" } },
    status: { replicas: 7 },
  }),
  apply("apply a status of what is missing", `${APPS}/deployments/nope/status`, "controller", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "nope" },
    status: { replicas: 1 },
  }),
  apply("an apply that is not valid", `${APPS}/deployments/bad`, "one", {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "bad" },
    spec: { replicas: 1, selector: { matchLabels: { app: "x" } }, template: TEMPLATE },
  }),
  get("the deployment after all applies", DEPLOYMENT),
];
