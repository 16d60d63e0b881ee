// Every value of the chart charts/ringward: what it is for, what it may be and its default. values.yaml, values.schema.json and the table in
// the chart's README are made from it, so that none of them can say something else. A value that is not here is refused by the schema.
// Patterns keep to what Go's regular expressions (RE2) know, because Helm checks them.
import { policyRepository } from "../../../controller/api/policy-repository.ts";
import { type TSchema, Type } from "../../../controller/api/schema.ts";
import { IMAGE_PREFIX } from "../../../controller/core/recipe-images.ts";
import { GATE_RESOURCE } from "../../../controller/gates/settings.ts";

/** A group of values: no others in it. */
function group(properties: Record<string, TSchema>, description: string, options: object = {}): TSchema {
  return Type.Object(properties, { additionalProperties: false, description, ...options });
}

const flag = (value: boolean, description: string): TSchema => Type.Boolean({ default: value, description });
const text = (value: string, description: string, options: object = {}): TSchema =>
  Type.String({ default: value, description, ...options });
const number = (value: number, description: string, options: object = {}): TSchema =>
  Type.Integer({ default: value, description, ...options });
/** Of Kubernetes' own types, handed on as they are: the API server knows them better than a copy here. */
const handedOn = (value: object, description: string): TSchema =>
  Array.isArray(value)
    ? Type.Unsafe({ type: "array", items: { type: "object" }, default: value, description })
    : Type.Unsafe({ type: "object", default: value, description });
const strings = (description: string, items: object = {}): TSchema =>
  Type.Unsafe({ type: "array", items: { type: "string", ...items }, uniqueItems: true, default: [], description });
/** A name of a label or an annotation. */
const KEY = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const LABEL_VALUE = "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$";
/** What the chart says itself: a second one of that name would win over it, and selectors would find nothing. */
const OWN_KEYS = "^(app\\.kubernetes\\.io/.*|helm\\.sh/.*|kubectl\\.kubernetes\\.io/default-container)$";
type Words = (value: Readonly<Record<string, string>>, description: string) => TSchema;
const words =
  (forbidden: object, items: object): Words =>
  (value, description) =>
    Type.Unsafe({
      type: "object",
      patternProperties: { ...forbidden, [KEY]: { type: "string", ...items } },
      additionalProperties: false,
      default: value,
      description,
    });
const labels = words({ [OWN_KEYS]: false }, { pattern: LABEL_VALUE });
const annotations = words({ [OWN_KEYS]: false }, {});
/** Any label that a node may have. */
const selector = words({}, { pattern: LABEL_VALUE });

const PORT = { minimum: 1024, maximum: 65_535 };
const NAME = { pattern: "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$", maxLength: 253 };
const QUANTITY = { pattern: "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$" };
/** An address that a gate asks; `readEndpointUrl` of the controller says the rest. */
const URL_OR_NONE = {
  pattern: "^(https?://(\\[[0-9A-Fa-f:.]+\\]|[^][/@?#:\\s]+)(:[0-9]{1,5})?(/[^?#\\s]*)?)?$",
  maxLength: 512,
};
/** Of an image, without tag and digest: they have values of their own. */
const REPOSITORY = {
  pattern:
    "^(([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)?$",
  maxLength: 512,
};

function key(name: string, value: string, description: string): TSchema {
  return group(
    {
      name: text("", `Name of a Secret in the release's namespace. ${name}`, NAME),
      key: text(value, "Its key.", { minLength: 1, pattern: "^[-._a-zA-Z0-9]+$" }),
    },
    description,
  );
}

function source(what: string): TSchema {
  return group(
    {
      url: text("", `Address of ${what}, without user or password; empty: none, and such gates are shut.`, URL_OR_NONE),
      tokenSecret: key("Empty: no token is sent.", "token", "Bearer token."),
      caSecret: key("Empty: the authorities that the image trusts.", "ca.crt", "Authorities of the server, PEM."),
    },
    `Where gates ask ${what}.`,
  );
}

const peers = (what: string): TSchema =>
  handedOn([], `Who may reach the port of ${what}: NetworkPolicyPeers; empty: everybody in the cluster's network.`);

/** A schema without Kubernetes' extensions, closed: a field that it does not name is a mistake. */
function closed(schema: unknown): Record<string, unknown> {
  const entries = Object.entries(schema as Record<string, unknown>).filter(([name]) => !name.startsWith("x-"));
  const made: Record<string, unknown> = Object.fromEntries(entries.filter(([name]) => name !== "default"));
  const { properties, items } = made as { properties?: Record<string, unknown>; items?: unknown };
  if (properties !== undefined) {
    made["properties"] = Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, closed(one)]));
    made["additionalProperties"] = false;
  }
  if (items !== undefined) made["items"] = closed(items);
  return made;
}

function repositorySpec(): TSchema {
  const spec = closed(policyRepository.spec);
  return Type.Unsafe({
    // None at all, or a whole one.
    anyOf: [{ type: "object", maxProperties: 0 }, spec],
    default: {},
    description:
      "`PolicyRepository.spec` as it is (docs/kinds/policyrepository.md): `url`, `branch`, `path`, `clusterName`, `auth`, `forge`. Files are those of `secretMounts`. Empty: no PolicyRepository.",
  });
}

const monitoring = {
  serviceMonitor: group(
    {
      enabled: flag(false, "Makes a ServiceMonitor; its kind has to be there."),
      interval: text("30s", "How often to scrape.", { pattern: "^[0-9]+(ms|s|m)$" }),
      labels: labels({}, "More labels, by which your Prometheus selects it."),
    },
    "ServiceMonitor of the Prometheus operator.",
  ),
  prometheusRule: group(
    {
      enabled: flag(false, "Makes a PrometheusRule of files/alerts.yaml; its kind has to be there."),
      labels: labels({}, "More labels, by which your Prometheus selects it."),
      docsUrl: text(
        "",
        "Where Ringward's docs/ are served: alerts then link to their runbook there, `DOCSURL/runbooks/NAME.md`. Empty: `docs/runbooks/NAME.md`, a path in its repository.",
        URL_OR_NONE,
      ),
    },
    "Alerts and recording rules.",
  ),
  dashboards: group(
    {
      enabled: flag(false, "Makes a ConfigMap of each file in files/dashboards/."),
      labels: labels({ grafana_dashboard: "1" }, "Labels by which Grafana's sidecar finds them."),
      annotations: annotations({}, "Annotations, for example the sidecar's folder."),
    },
    "Dashboards for Grafana.",
  ),
};

/** In the order of values.yaml. */
export const VALUES = group(
  {
    image: group(
      {
        repository: text(
          "",
          "Image of the controller, without tag. There is none published yet, so it has to be given.",
          REPOSITORY,
        ),
        tag: text("", "Tag; empty: the chart's appVersion.", { pattern: "^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$" }),
        digest: text("", "Digest, and then the tag is for people alone.", { pattern: "^(sha256:[0-9a-f]{64})?$" }),
        pullPolicy: Type.Unsafe({
          enum: ["IfNotPresent", "Always", "Never"],
          default: "IfNotPresent",
          description: "When the kubelet pulls it.",
        }),
        pullSecrets: handedOn([], "Secrets for the registry, `name` each."),
      },
      "The controller's image: Node 24 or newer, git, ssh, and `ringward` in PATH.",
    ),
    replicas: number(2, "Controllers; one leads, the others take over within seconds.", { minimum: 1, maximum: 5 }),
    recipeImages: strings(
      "Recipes may run images under these prefixes on nodes, `REGISTRY` or `REGISTRY/PATH`. Merging a recipe is root on nodes. Empty: no recipe runs.",
      { pattern: IMAGE_PREFIX.source.replace(/\$$/, "/?$"), maxLength: 512 },
    ),
    gateResources: strings(
      "Kinds that gates of type CEL may read beside those that the controller reads anyway, `APIVERSION/RESOURCE`.",
      { pattern: GATE_RESOURCE.source, not: { const: "v1/secrets" } },
    ),
    policyRepository: group(
      {
        name: text("policy", "Name of the object.", { ...NAME, minLength: 1 }),
        spec: repositorySpec(),
      },
      "Where the policy is. It is rendered once its kind is in the cluster: see README, Policy repository.",
    ),
    secretMounts: Type.Unsafe({
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["name", "secret"],
        properties: {
          name: { type: "string", pattern: "^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$" },
          secret: { type: "string", pattern: NAME.pattern, minLength: 1 },
        },
      },
      default: [],
      description:
        "Secrets of the release's namespace for git and the forge: `{name, secret}`. Their keys are files in `/run/secrets/ringward/NAME/`.",
    }),
    webhook: group(
      {
        secret: key(
          "The secret that the forge signs with; empty: no webhooks are taken.",
          "secret",
          "Secret of the webhooks.",
        ),
        port: number(8082, "Port of the pod and of the Service.", PORT),
      },
      "Webhooks of the forge, at `/webhook`, whichever replica they meet.",
    ),
    notifications: group(
      {
        secret: key(
          "Its keys are files in `/run/secrets/ringward-notifications/`, and one of them lists destinations; empty: nobody is told.",
          "notifications.yaml",
          "Secret with the list of destinations, their addresses and keys.",
        ),
      },
      "Whom to tell what happens to rings (docs/notifications.md).",
    ),
    prometheus: source("Prometheus"),
    alertmanager: source("Alertmanager"),
    rendering: group(
      {
        kubectl: text("", "A kubectl in the image; empty: none.", { pattern: "^(/.*)?$" }),
        helm: text("", "A helm in the image; empty: none.", { pattern: "^(/.*)?$" }),
      },
      "With what proposed changes of manifests are rendered, before and after.",
    ),
    kubeApi: group(
      {
        qps: number(100, "Requests to the API server a second in the long run.", { minimum: 1 }),
        burst: number(200, "And so many at once.", { minimum: 1 }),
      },
      "Limits towards the API server.",
    ),
    crds: group(
      {
        install: flag(true, "Whether the definitions are part of the release, so that `helm upgrade` upgrades them."),
        keep: flag(
          true,
          "Whether they stay when the release goes. Without, uninstalling deletes every policy and state.",
        ),
      },
      "CustomResourceDefinitions.",
    ),
    namespace: group(
      {
        create: flag(
          false,
          "Makes the release's namespace with its Pod Security level: for `helm template`. With `helm install` use `--create-namespace`. Helm never deletes it: Secrets that people made are in it.",
        ),
      },
      "The controller's namespace.",
    ),
    jobNamespace: group(
      {
        create: flag(
          true,
          "Makes `ringward-jobs`, where recipes' steps run, with its Pod Security level. Helm never deletes it: a step may run.",
        ),
      },
      "The namespace of jobs. Its name is fixed.",
    ),
    metrics: group(
      {
        enabled: flag(true, "Serves `/metrics`."),
        port: number(8080, "Port of the pod and of the Service.", PORT),
        ...monitoring,
      },
      "Metrics (docs/metrics.md).",
    ),
    probes: group({ port: number(8081, "Port of `/healthz` and `/readyz`.", PORT) }, "Health."),
    networkPolicy: group(
      {
        enabled: flag(true, "Makes a NetworkPolicy: what is not said below is refused in both directions."),
        egressPorts: Type.Unsafe({
          type: "array",
          items: { type: "integer", minimum: 1, maximum: 65_535 },
          uniqueItems: true,
          default: [443, 6443, 22],
          description:
            "TCP ports that the controller may reach anywhere: API server, git, forge and notifications. Others that stand in `policyRepository.spec`, `prometheus.url` and `alertmanager.url` come by themselves. Most networks judge the port of the pod behind a Service: where it differs from the Service's, name it here.",
        }),
        dnsPorts: Type.Unsafe({
          type: "array",
          items: { type: "integer", minimum: 1, maximum: 65_535 },
          uniqueItems: true,
          minItems: 1,
          default: [53, 5353],
          description: "Ports of DNS, UDP and TCP. OpenShift's servers listen at 5353 behind port 53 of their Service.",
        }),
        extraEgress: handedOn([], "More egress rules, as NetworkPolicy has them."),
        metricsFrom: peers("metrics"),
        webhookFrom: peers("webhooks"),
      },
      "Network policy of the controller's pods.",
    ),
    podDisruptionBudget: group(
      {
        enabled: flag(true, "Makes a PodDisruptionBudget."),
        maxUnavailable: number(1, "So many may be evicted at once; never 0, which would hold up drains.", {
          minimum: 1,
        }),
      },
      "So that a drain takes one controller at a time.",
    ),
    priorityClass: group(
      {
        create: flag(true, "Makes the PriorityClass `name`; not for one that is there already, as `system-…`."),
        name: text("ringward-controller", "PriorityClass of the pods; empty: the cluster's default.", NAME),
        value: number(1_000_000, "Its value. Kubernetes never changes it: with another value take another `name`.", {
          minimum: -2_000_000_000,
          maximum: 1_000_000_000,
        }),
      },
      "So that an evicted controller finds a place on a full cluster.",
    ),
    resources: handedOn(
      { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } },
      "Requests and limits. A cluster of 5,000 nodes and 150,000 pods took 585 MB.",
    ),
    storage: group(
      {
        data: text("4Gi", "Of git's objects (emptyDir).", QUANTITY),
        temporary: text("128Mi", "Of `/tmp` (emptyDir).", QUANTITY),
      },
      "Limits of what the pod writes; its root is read-only.",
    ),
    nodeSelector: selector({ "kubernetes.io/os": "linux" }, "Nodes on which the controller may run."),
    tolerations: handedOn([], "Taints that it tolerates."),
    affinity: handedOn({}, "Affinity."),
    topologySpread: flag(true, "Spreads the pods over nodes and zones where it can."),
    podLabels: labels({}, "More labels of the pods."),
    podAnnotations: annotations({}, "Annotations of the pods."),
    // What Helm itself puts there.
    global: Type.Optional(Type.Unsafe({ type: "object", description: "Not used; Helm hands it to subcharts." })),
  },
  "Values of the chart ringward.",
);
