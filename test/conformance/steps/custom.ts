// Our own kinds on both servers: the very definitions of crds/, then validation, defaults, pruning, rules, status, ownership.
import { readFileSync, readdirSync } from "node:fs";
import { parse } from "yaml";
import { apply, del, get, jsonPatch, merge, post, put, strategic, watch } from "../step.ts";
import type { Step } from "../step.ts";

const FOLDER = new URL("../../../crds/", import.meta.url);
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const OURS = "/apis/ringward.dev/v1alpha1";
const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };
const SHA = "0".repeat(64);

function definitions(): readonly { readonly plural: string; readonly body: unknown }[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith(".yaml"))
    .toSorted()
    .map((name) => ({
      plural: name.replace(/\.yaml$/u, ""),
      body: parse(readFileSync(new URL(name, FOLDER), "utf8")) as unknown,
    }));
}

function made(kind: string, name: string, spec: unknown, more: object = {}): object {
  return {
    apiVersion: "ringward.dev/v1alpha1",
    kind,
    metadata: { name },
    ...(spec === undefined ? {} : { spec }),
    ...more,
  };
}

const CALENDARS = `${OURS}/maintenancecalendars`;
const WINDOW = { schedule: "0 22 * * 6", duration: "4h" };
const LEDGERS = `${OURS}/disruptionledgers`;
const RINGS = `${OURS}/rolloutrings`;
const MEMBERS = { nodes: { selector: { matchLabels: { ring: "canary" } } } };
const LEVELS = `${OURS}/patchlevels`;
const REPOSITORIES = `${OURS}/policyrepositories`;
const STATES = `${OURS}/nodepatchstates`;
const BASELINES = `${OURS}/patchbaselines`;
const RECIPES = `${OURS}/updaterecipes`;
const WORKLOADS = `${OURS}/namespaces/custom/workloadpatchstates`;

const IMAGE_LEVEL = {
  baseline: "web",
  target: "Image",
  disruption: "Restart",
  image: { images: [{ repository: "registry.example.com/web", digest: `sha256:${SHA}` }] },
};

const claim = (uid: string, name: string): object => ({
  uid,
  id: `c-${name}`,
  kind: "Node",
  name,
  cluster: "test",
  ring: "canary",
  baseline: "nodes",
  level: "l",
  digest: "d",
  since: "2001-01-01T00:00:00Z",
});

const condition = (status: string): object => ({
  type: "Ready",
  status,
  reason: "Ok",
  message: "",
  lastTransitionTime: "2001-01-01T00:00:00Z",
});

const calendars: readonly Step[] = [
  post("defaults of a calendar", CALENDARS, made("MaintenanceCalendar", "nights", { windows: [WINDOW] }), {
    as: "nights",
  }),
  post("a calendar without windows or freezes", CALENDARS, made("MaintenanceCalendar", "empty", {})),
  post("a calendar without a spec", CALENDARS, made("MaintenanceCalendar", "empty", undefined)),
  post(
    "a calendar with a scope that is unknown",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { scope: "Galaxy", windows: [WINDOW] }),
  ),
  post(
    "a calendar with a duration that is none",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { windows: [{ ...WINDOW, duration: "4 hours" }] }),
  ),
  post(
    "a calendar with a schedule that is too short",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { windows: [{ ...WINDOW, schedule: "* *" }] }),
  ),
  post(
    "a calendar with a window without a schedule",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { windows: [{ duration: "4h" }] }),
  ),
  post(
    "a calendar with a time zone of the wrong type",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { timeZone: 7, windows: [WINDOW] }),
  ),
  post("a calendar with a list where an object belongs", CALENDARS, made("MaintenanceCalendar", "bad", [])),
  post("a calendar with a null spec", CALENDARS, made("MaintenanceCalendar", "bad", null)),
  post(
    "a calendar with too many windows",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { windows: Array.from({ length: 33 }, () => WINDOW) }),
  ),
  post(
    "a calendar with a time zone that is too long",
    CALENDARS,
    made("MaintenanceCalendar", "bad", { timeZone: "x".repeat(65), windows: [WINDOW] }),
  ),
  post(
    "a calendar with everything wrong",
    CALENDARS,
    made("MaintenanceCalendar", "bad", {
      scope: 1,
      timeZone: "x".repeat(65),
      windows: [{}],
      freezes: [{ reason: "" }],
    }),
  ),
  post(
    "unknown fields are pruned and warned of",
    CALENDARS,
    made("MaintenanceCalendar", "pruned", { windows: [{ ...WINDOW, nope: 1 }], also: { deep: true } }, { extra: 1 }),
  ),
  post(
    "unknown fields are refused",
    `${CALENDARS}?fieldValidation=Strict`,
    made("MaintenanceCalendar", "strict", { windows: [{ ...WINDOW, nope: 1 }], also: 1 }),
  ),
  post(
    "unknown fields are ignored",
    `${CALENDARS}?fieldValidation=Ignore&dryRun=All`,
    made("MaintenanceCalendar", "ignored", { windows: [{ ...WINDOW, nope: 1 }], also: 1 }),
  ),
  post("unknown metadata is dropped", `${CALENDARS}?dryRun=All`, {
    ...made("MaintenanceCalendar", "m", { windows: [WINDOW] }),
    metadata: { name: "m", nope: 1 },
  }),
  post(
    "a field twice in a custom resource",
    `${CALENDARS}?dryRun=All`,
    '{"apiVersion":"ringward.dev/v1alpha1","kind":"MaintenanceCalendar","metadata":{"name":"m"},"spec":{"timeZone":"UTC","timeZone":"CET","windows":[{"schedule":"0 22 * * 6","duration":"4h"}]}}',
  ),
  post("a calendar of another kind", CALENDARS, made("RolloutRing", "x", { windows: [WINDOW] })),
  post("a calendar of another version", CALENDARS, {
    ...made("MaintenanceCalendar", "x", { windows: [WINDOW] }),
    apiVersion: "ringward.dev/v1",
  }),
  post("a calendar without a kind", CALENDARS, {
    apiVersion: "ringward.dev/v1alpha1",
    metadata: { name: "x" },
    spec: { windows: [WINDOW] },
  }),
  post("a calendar without an apiVersion", CALENDARS, {
    kind: "MaintenanceCalendar",
    metadata: { name: "x" },
    spec: { windows: [WINDOW] },
  }),
  post("a calendar without a name", CALENDARS, {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "MaintenanceCalendar",
    metadata: {},
    spec: { windows: [WINDOW] },
  }),
  post(
    "a calendar with a name that is none",
    CALENDARS,
    made("MaintenanceCalendar", "Not_A_Name", { windows: [WINDOW] }),
  ),
  post("a calendar with labels of the wrong type", CALENDARS, {
    ...made("MaintenanceCalendar", "x", { windows: [WINDOW] }),
    metadata: { name: "x", labels: { a: 1 } },
  }),
  post(
    "a calendar in YAML",
    CALENDARS,
    `apiVersion: ringward.dev/v1alpha1\nkind: MaintenanceCalendar\nmetadata: {name: yaml}\nspec:\n  windows: [{schedule: "0 22 * * 6", duration: 4h}]\n`,
    { contentType: "application/yaml" },
  ),
  post("a generated name", CALENDARS, {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "MaintenanceCalendar",
    metadata: { generateName: "cal-" },
    spec: { windows: [WINDOW] },
  }),
  put("PUT needs a version", `${CALENDARS}/nights`, made("MaintenanceCalendar", "nights", { windows: [WINDOW] })),
  put("PUT of what is missing", `${CALENDARS}/nope`, made("MaintenanceCalendar", "nope", { windows: [WINDOW] })),
  put("PUT with its version counts the spec", `${CALENDARS}/nights`, {
    ...made("MaintenanceCalendar", "nights", { windows: [WINDOW], timeZone: "Europe/Berlin" }),
    metadata: { name: "nights", resourceVersion: "${nights.metadata.resourceVersion}" },
  }),
  put("PUT with a version that is past", `${CALENDARS}/nights`, {
    ...made("MaintenanceCalendar", "nights", { windows: [WINDOW] }),
    metadata: { name: "nights", resourceVersion: "${nights.metadata.resourceVersion}" },
  }),
  merge("a patch that takes a default away gets it back", `${CALENDARS}/nights`, { spec: { scope: null } }),
  merge("a patch that changes nothing", `${CALENDARS}/nights`, { spec: { timeZone: "Europe/Berlin" } }),
  merge("a patch that breaks a rule", `${CALENDARS}/nights`, { spec: { windows: null } }),
  merge("a patch of the wrong type", `${CALENDARS}/nights`, { spec: { windows: "always" } }),
  merge("a patch with an unknown field", `${CALENDARS}/nights`, { spec: { nope: 1 } }),
  jsonPatch("a JSON patch of an element", `${CALENDARS}/nights`, [
    { op: "add", path: "/spec/windows/-", value: { schedule: "0 1 * * 0", duration: "2h" } },
  ]),
  jsonPatch("a JSON patch of what is missing", `${CALENDARS}/nights`, [{ op: "remove", path: "/spec/freezes/0" }]),
  strategic("a strategic patch is refused", `${CALENDARS}/nights`, { spec: { timeZone: "UTC" } }),
  merge("labels do not count as a generation", `${CALENDARS}/nights`, { metadata: { labels: { a: "1" } } }),
  merge("the status through the main resource", `${CALENDARS}/nights`, { status: { conditions: [condition("True")] } }),
  merge("the status", `${CALENDARS}/nights/status`, {
    status: { observedGeneration: 2, conditions: [condition("True")] },
  }),
  merge("the spec through the status", `${CALENDARS}/nights/status`, {
    metadata: { labels: { via: "status" } },
    spec: { timeZone: "UTC" },
    status: { observedGeneration: 3 },
  }),
  merge("a condition twice", `${CALENDARS}/nights/status`, {
    status: { conditions: [condition("True"), condition("False")] },
  }),
  merge("a condition with a time that is none", `${CALENDARS}/nights/status`, {
    status: { conditions: [{ ...condition("True"), lastTransitionTime: "then" }] },
  }),
  merge("a condition that lacks something", `${CALENDARS}/nights/status`, {
    status: { conditions: [{ type: "Ready", status: "Maybe" }] },
  }),
  merge("the status of what is missing", `${CALENDARS}/nope/status`, { status: {} }),
  put(
    "the status by PUT without a version",
    `${CALENDARS}/nights/status`,
    made("MaintenanceCalendar", "nights", { windows: [WINDOW] }, { status: { observedGeneration: 4 } }),
  ),
  get("calendars as a table", CALENDARS, TABLE),
  get("a list of calendars", `${CALENDARS}?limit=2`, { as: "calendars1" }),
  get("the next page of calendars", `${CALENDARS}?limit=2&continue=\${calendars1.metadata.continue}`),
  get("calendars by a field that is not offered", `${CALENDARS}?fieldSelector=spec.scope%3DCluster`),
  get("calendars as metadata", `${CALENDARS}?limit=1`, {
    accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
  }),
  get("a scale that is not there", `${CALENDARS}/nights/scale`),
  get("calendars in a namespace", `${OURS}/namespaces/custom/maintenancecalendars`),
];

const ledgers: readonly Step[] = [
  post("a ledger with another name", LEDGERS, made("DisruptionLedger", "other", {})),
  post("the ledger", LEDGERS, made("DisruptionLedger", "cluster", { limits: {} }), { as: "ledger" }),
  post("a ledger as a dry run", `${LEDGERS}?dryRun=All`, made("DisruptionLedger", "other", { limits: { nodes: 2 } })),
  merge("a limit that is a percent", `${LEDGERS}/cluster`, { spec: { limits: { nodes: "20%" } } }),
  merge("a limit that is a number", `${LEDGERS}/cluster`, { spec: { limits: { nodes: 5 } } }),
  merge("a limit that is neither", `${LEDGERS}/cluster`, { spec: { limits: { nodes: "many" } } }),
  merge("a ledger limit below nothing", `${LEDGERS}/cluster`, { spec: { limits: { nodes: -1 } } }),
  merge("a limit with a fraction", `${LEDGERS}/cluster`, { spec: { limits: { nodes: 1.5 } } }),
  merge("a limit that is a truth", `${LEDGERS}/cluster`, { spec: { limits: { nodes: true } } }),
  merge("two control-plane nodes", `${LEDGERS}/cluster`, { spec: { limits: { controlPlane: 2 } } }),
  get("the ledger as it is", `${LEDGERS}/cluster`, { as: "ledger2" }),
  merge("claims under the version that was read", `${LEDGERS}/cluster/status`, {
    metadata: { resourceVersion: "${ledger2.metadata.resourceVersion}" },
    status: { claims: [claim("u1", "n1"), claim("u2", "n2")], held: { nodes: 2, workloads: 0 } },
  }),
  merge("claims under a version that is past", `${LEDGERS}/cluster/status`, {
    metadata: { resourceVersion: "${ledger2.metadata.resourceVersion}" },
    status: { claims: [] },
  }),
  merge("one claim twice", `${LEDGERS}/cluster/status`, { status: { claims: [claim("u1", "n1"), claim("u1", "n1")] } }),
  merge("a claim that lacks something", `${LEDGERS}/cluster/status`, { status: { claims: [{ uid: "u1" }] } }),
  merge("501 claims", `${LEDGERS}/cluster/status`, {
    status: { claims: Array.from({ length: 501 }, (_, index) => claim(`u${index}`, `n${index}`)) },
  }),
  merge("what is held lacks something", `${LEDGERS}/cluster/status`, { status: { held: { nodes: 2 } } }),
  get("ledgers as a table", LEDGERS, TABLE),
];

const rings: readonly Step[] = [
  post(
    "defaults of a ring",
    RINGS,
    made("RolloutRing", "canary", {
      members: MEMBERS,
      budget: {},
      completion: {},
      drain: {},
      levels: [{ baseline: "nodes", level: "l1" }],
    }),
  ),
  post("a ring after itself", RINGS, made("RolloutRing", "self", { members: MEMBERS, after: ["canary", "self"] })),
  post("a ring without members", RINGS, made("RolloutRing", "bad", {})),
  post("a ring with empty members", RINGS, made("RolloutRing", "bad", { members: {} })),
  post(
    "a ring with an expression without values",
    RINGS,
    made("RolloutRing", "bad", {
      members: { nodes: { selector: { matchExpressions: [{ key: "a", operator: "In" }] } } },
    }),
  ),
  post(
    "a ring with an expression with values too many",
    RINGS,
    made("RolloutRing", "bad", {
      members: { nodes: { selector: { matchExpressions: [{ key: "a", operator: "Exists", values: ["b"] }] } } },
    }),
  ),
  post(
    "a ring with a percent of 0",
    RINGS,
    made("RolloutRing", "bad", { members: { nodes: { ...MEMBERS.nodes, percent: 0 } } }),
  ),
  post(
    "a ring with a percent of 101",
    RINGS,
    made("RolloutRing", "bad", { members: { nodes: { ...MEMBERS.nodes, percent: 101 } } }),
  ),
  post(
    "a ring with the same baseline twice",
    RINGS,
    made("RolloutRing", "bad", { members: MEMBERS, levels: [{ baseline: "a" }, { baseline: "a" }] }),
  ),
  post(
    "a ring with a predecessor that is no name",
    RINGS,
    made("RolloutRing", "bad", { members: MEMBERS, after: ["Not A Name"] }),
  ),
  post(
    "a ring with too many labels",
    RINGS,
    made("RolloutRing", "bad", {
      members: {
        nodes: {
          selector: { matchLabels: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, "1"])) },
        },
      },
    }),
  ),
  post(
    "a ring with an expedite that skips nothing",
    RINGS,
    made("RolloutRing", "bad", {
      members: MEMBERS,
      levels: [{ baseline: "a", expedite: { reason: "r", until: "2001-01-01T00:00:00Z", skip: [] } }],
    }),
  ),
  post(
    "a ring with an expedite until some time",
    RINGS,
    made("RolloutRing", "bad", {
      members: MEMBERS,
      levels: [{ baseline: "a", expedite: { reason: "r", until: "soon", skip: ["Soak"] } }],
    }),
  ),
  apply(
    "Git applies a ring",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, after: ["canary"], levels: [{ baseline: "nodes", level: "l1" }] }),
    { force: true },
  ),
  merge("a person suspends it", `${RINGS}/prod?fieldManager=kubectl-edit`, { spec: { suspend: true } }),
  apply(
    "Git applies it again and leaves the person's field",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, after: ["canary"], levels: [{ baseline: "nodes", level: "l1" }] }),
    { force: true },
  ),
  apply(
    "Git applies a new level",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", {
      members: MEMBERS,
      after: ["canary"],
      levels: [
        { baseline: "nodes", level: "l2" },
        { baseline: "web", level: "w1" },
      ],
    }),
    { force: true },
  ),
  apply("a person adds a level by apply", `${RINGS}/prod`, "person", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "RolloutRing",
    metadata: { name: "prod" },
    spec: { levels: [{ baseline: "db", level: "d1" }] },
  }),
  apply("a person's level conflicts", `${RINGS}/prod`, "person", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "RolloutRing",
    metadata: { name: "prod" },
    spec: {
      levels: [
        { baseline: "db", level: "d1" },
        { baseline: "nodes", level: "l9" },
      ],
    },
  }),
  apply(
    "Git drops a level",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, after: ["canary"], levels: [{ baseline: "nodes", level: "l2" }] }),
    { force: true },
  ),
  apply(
    "Git applies an unknown field",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, nope: 1 }),
    { force: true },
  ),
  apply(
    "Git applies an unknown field, strict",
    `${RINGS}/prod?fieldValidation=Strict`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, nope: 1 }),
    { force: true },
  ),
  apply(
    "Git applies a wrong type",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, suspend: "yes" }),
    { force: true },
  ),
  apply(
    "Git applies what is not valid",
    `${RINGS}/prod`,
    "ringward-git",
    made("RolloutRing", "prod", { members: MEMBERS, after: ["prod"] }),
    { force: true },
  ),
  apply("Git applies without a spec", `${RINGS}/fresh`, "ringward-git", made("RolloutRing", "fresh", undefined), {
    force: true,
  }),
  apply(
    "Git applies as a dry run",
    `${RINGS}/fresh?dryRun=All`,
    "ringward-git",
    made("RolloutRing", "fresh", { members: MEMBERS }),
    { force: true },
  ),
  apply("the controller applies a status", `${RINGS}/prod/status`, "ringward-status", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "RolloutRing",
    metadata: { name: "prod" },
    status: { observedGeneration: 1, phase: "Idle", conditions: [condition("True")] },
  }),
  apply("the controller applies a status with another phase", `${RINGS}/prod/status`, "ringward-status", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "RolloutRing",
    metadata: { name: "prod" },
    status: { observedGeneration: 1, conditions: [condition("False")] },
  }),
  get("rings as a table", RINGS, TABLE),
  get("the ring that all have written", `${RINGS}/prod`),
];

const levels: readonly Step[] = [
  post("a level", LEVELS, made("PatchLevel", "web-1", IMAGE_LEVEL)),
  merge("a level is immutable", `${LEVELS}/web-1`, { spec: { disruption: "None" } }),
  merge("a level's labels are not", `${LEVELS}/web-1`, {
    metadata: { labels: { a: "1" }, finalizers: ["ringward.dev/in-use"] },
  }),
  jsonPatch("a level's images are immutable", `${LEVELS}/web-1`, [{ op: "remove", path: "/spec/image/images/0" }]),
  post(
    "a level without its member",
    LEVELS,
    made("PatchLevel", "bad", { baseline: "web", target: "Image", disruption: "None" }),
  ),
  post("a level with the member of the other", LEVELS, made("PatchLevel", "bad", { ...IMAGE_LEVEL, target: "Node" })),
  post(
    "a level with a disruption that is unknown",
    LEVELS,
    made("PatchLevel", "bad", { ...IMAGE_LEVEL, disruption: "Total" }),
  ),
  apply("a level by apply", `${LEVELS}/web-2`, "ringward-git", made("PatchLevel", "web-2", IMAGE_LEVEL)),
  apply(
    "a level by apply does not change",
    `${LEVELS}/web-2`,
    "ringward-git",
    made("PatchLevel", "web-2", { ...IMAGE_LEVEL, disruption: "None" }),
  ),
  post(
    "a node level",
    LEVELS,
    made("PatchLevel", "nodes-1", {
      baseline: "nodes",
      target: "Node",
      disruption: "Reboot",
      node: {
        product: { id: "ubuntu", versionId: "22.04" },
        components: [{ name: "linux-image", scheme: "dpkg", version: "1" }],
        recipe: {
          name: "apt",
          strategy: "InPlace",
          steps: {
            update: {
              image: `registry.example.com/apt@sha256:${SHA}`,
              command: ["/update"],
              env: [{ name: "A", value: "1" }],
            },
          },
        },
        rebootPolicy: "WhenNeeded",
        drain: "WhenNeeded",
      },
    }),
  ),
  post(
    "a node level with the same component twice",
    LEVELS,
    made("PatchLevel", "bad", {
      baseline: "nodes",
      target: "Node",
      disruption: "Reboot",
      node: {
        product: { id: "ubuntu" },
        components: [
          { name: "a", scheme: "dpkg", version: "1" },
          { name: "a", scheme: "dpkg", version: "2" },
        ],
        recipe: { name: "apt", strategy: "External" },
        rebootPolicy: "WhenNeeded",
        drain: "WhenNeeded",
      },
    }),
  ),
  del("a level in use is held", `${LEVELS}/web-1`),
  jsonPatch("the hold is taken off", `${LEVELS}/web-1`, [{ op: "remove", path: "/metadata/finalizers" }]),
  get("the level is gone", `${LEVELS}/web-1`),
];

const others: readonly Step[] = [
  post("a baseline without its member", BASELINES, made("PatchBaseline", "bad", { target: "Node" })),
  post(
    "a baseline with both members",
    BASELINES,
    made("PatchBaseline", "bad", {
      target: "Node",
      node: { product: { id: "ubuntu" }, recipeRef: { name: "apt" } },
      image: { images: [] },
    }),
  ),
  post(
    "a baseline of an image without tag and digest",
    BASELINES,
    made("PatchBaseline", "bad", { target: "Image", image: { images: [{ repository: "registry.example.com/web" }] } }),
  ),
  post(
    "a baseline of an image",
    BASELINES,
    made("PatchBaseline", "web", {
      target: "Image",
      image: { images: [{ repository: "registry.example.com/web", tag: "1.2" }] },
    }),
  ),
  post(
    "a repository with a URL that is an option",
    REPOSITORIES,
    made("PolicyRepository", "policy", { url: "--upload-pack=x", clusterName: "c" }),
  ),
  post(
    "a repository with ssh but without known hosts",
    REPOSITORIES,
    made("PolicyRepository", "policy", {
      url: "ssh://git@example.com/x",
      clusterName: "c",
      auth: { sshKeyFile: "/k" },
    }),
  ),
  post(
    "a repository with two faults",
    REPOSITORIES,
    made("PolicyRepository", "policy", { url: "-x", clusterName: "c", auth: { sshKeyFile: "/k" } }),
  ),
  post(
    "a repository",
    REPOSITORIES,
    made("PolicyRepository", "policy", { url: "https://example.com/policy", clusterName: "c", auth: {} }),
  ),
  post(
    "a repository's status is not created",
    REPOSITORIES,
    made(
      "PolicyRepository",
      "second",
      { url: "https://example.com/policy", clusterName: "c" },
      { status: { conditions: [condition("True")] } },
    ),
  ),
  post(
    "a recipe in place without an update",
    RECIPES,
    made("UpdateRecipe", "bad", { match: { product: { id: "ubuntu" } }, strategy: "InPlace" }),
  ),
  post(
    "an external recipe with an update",
    RECIPES,
    made("UpdateRecipe", "bad", {
      strategy: "External",
      steps: { update: { image: `a@sha256:${SHA}`, command: ["/x"] } },
    }),
  ),
  post(
    "an exception without targets",
    `${OURS}/patchexceptions`,
    made("PatchException", "bad", { targets: { kind: "Node" } }),
  ),
  post("a node's state", STATES, made("NodePatchState", "cn1", undefined), { as: "state" }),
  merge("a node's state by status", `${STATES}/cn1/status`, {
    status: { targetUID: "u", ring: "canary", state: "Missing" },
  }),
  merge("a state that is unknown", `${STATES}/cn1/status`, { status: { state: "Confused" } }),
  put("a state by PUT under the version that is past", `${STATES}/cn1/status`, "${state}"),
  watch("a state is watched", `${STATES}?resourceVersion=\${state.metadata.resourceVersion}`, 2, [
    merge("the state moves on", `${STATES}/cn1/status`, { status: { state: "Installed" } }),
  ]),
  watch(
    "states with initial events",
    `${STATES}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    2,
  ),
  post("namespace for workloads' states", "/api/v1/namespaces", { metadata: { name: "custom" } }),
  post("a workload's state", WORKLOADS, made("WorkloadPatchState", "deployment-web", undefined)),
  get("a workload's state in another namespace", `${OURS}/namespaces/default/workloadpatchstates/deployment-web`),
  get("workloads' states everywhere", `${OURS}/workloadpatchstates`),
  del("delete states by label", `${STATES}?labelSelector=none`),
  del("delete a state under its uid", `${STATES}/cn1`, { preconditions: { uid: "${state.metadata.uid}" } }),
  del("delete a state again", `${STATES}/cn1`),
  get("what our group serves", OURS),
  get("our group", "/apis/ringward.dev"),
];

export const custom: readonly Step[] = [
  ...definitions().map(({ plural, body }) => post(`define ${plural}`, CRDS, body)),
  ...definitions().map(({ plural }) => get(`${plural} are served`, `${OURS}/${plural}`, { until: 200 })),
  ...definitions().map(({ plural }) => get(`the definition of ${plural}`, `${CRDS}/${plural}.ringward.dev`)),
  ...calendars,
  ...ledgers,
  ...rings,
  ...levels,
  ...others,
];
