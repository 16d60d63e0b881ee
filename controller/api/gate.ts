// Gates of a ring: conditions for new claims and for soak. Each type has exactly the member that it names. A gate names what is asked,
// never whom: addresses and tokens are the operator's (flags of `ringward controller`), so policy content cannot make it call anywhere.
// No data, an error, a timeout, an old or an unreadable answer never opens a gate (docs/gates.md).
import { AtomicList, Duration, LabelSelector, ObjectName, rules, type Static, StringEnum, Type } from "./schema.ts";

const Pods = Type.Object(
  {
    namespaces: Type.Optional(
      AtomicList(ObjectName("Namespace."), "Only pods of these namespaces.", 32, { minItems: 1 }),
    ),
    selector: Type.Optional(LabelSelector("Only pods with these labels.")),
    within: Type.Optional(
      StringEnum(
        ["Node", "Cluster"] as const,
        "Of BlockingPods. `Node`: a pod holds back the node that it is on. `Cluster`: one anywhere shuts the gate. Left out: `Node`.",
      ),
    ),
  },
  { description: "Which pods. Finished ones never count." },
);

const PromQL = Type.Object(
  {
    query: Type.String({
      minLength: 1,
      maxLength: 1024,
      description: "Instant query whose answer is a scalar or a vector; every series has to pass.",
    }),
    operator: StringEnum(
      ["LessThan", "AtMost", "Equal", "AtLeast", "GreaterThan"] as const,
      "How each value has to compare with `threshold`.",
    ),
    threshold: Type.Number({ description: "What each value is compared with." }),
    for: Type.Optional(Duration("How long it must have been observed to hold.", { default: "0s" })),
  },
  { description: "A query to the Prometheus that the controller was given." },
);

const Alerts = Type.Object(
  {
    matchers: AtomicList(
      Type.Object({
        name: Type.String({
          minLength: 1,
          maxLength: 128,
          pattern: "^[a-zA-Z_][a-zA-Z0-9_]*$",
          description: "Label.",
        }),
        operator: Type.Optional(StringEnum(["=", "!=", "=~", "!~"] as const, "As in Alertmanager.", { default: "=" })),
        value: Type.String({ maxLength: 256, description: "Value, or regular expression." }),
      }),
      "Which alerts shut the gate: all of these must match. Silenced and inhibited ones do not count.",
      8,
      { minItems: 1 },
    ),
    ignore: Type.Optional(
      AtomicList(Type.String({ minLength: 1, maxLength: 256 }), "Names of alerts that do not count.", 64),
    ),
    watchdog: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          "Name of an alert that always fires (`Watchdog`): without it nobody knows whether alerts still come in, and the gate is shut.",
      }),
    ),
    for: Type.Optional(Duration("How long it must have been observed to hold.", { default: "0s" })),
  },
  { description: "Alerts of the Alertmanager that the controller was given; the gate is open while none fires." },
);

const Cel = Type.Object(
  {
    apiVersion: Type.String({
      minLength: 1,
      maxLength: 317,
      pattern: "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?v[0-9]+((alpha|beta)[0-9]+)?$",
      description: "`apps/v1`.",
    }),
    resource: Type.String({
      minLength: 1,
      maxLength: 63,
      pattern: "^[a-z]([-a-z0-9]*[a-z0-9])?$",
      description: "Plural, as `kubectl api-resources` lists it: `deployments`.",
    }),
    namespace: Type.Optional(ObjectName("Namespace; left out: all, or the resource has none.")),
    name: Type.Optional(ObjectName("One object: `object` in the expression.")),
    selector: Type.Optional(LabelSelector("Objects with these labels: `objects` in the expression.")),
    expression: Type.String({ minLength: 1, maxLength: 1024, description: "CEL that is true while the gate is open." }),
    for: Type.Optional(Duration("How long it must have been observed to hold.", { default: "0s" })),
  },
  {
    description: "An expression over objects of a kind that the controller may read.",
    ...rules({ rule: "has(self.name) != has(self.selector)", message: "exactly one of name and selector is required" }),
  },
);

export const Gate = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 63, description: "Shown when it is shut." }),
    type: StringEnum(
      ["NodesReady", "WorkloadsAvailable", "PodsReady", "BlockingPods", "PromQL", "Alerts", "CEL"] as const,
      "`NodesReady`: nodes of the ring that are Ready. `WorkloadsAvailable`: workloads of the cluster with all replicas available. `PodsReady`: pods on the ring's nodes that are Ready. `BlockingPods`: pods that hold back their node. `PromQL`, `Alerts`, `CEL`: what Prometheus, Alertmanager or an object says.",
    ),
    minPercent: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 100,
        description:
          "Of NodesReady, WorkloadsAvailable and PodsReady: least share that must be healthy. Left out: 100.",
      }),
    ),
    pods: Type.Optional(Pods),
    promQL: Type.Optional(PromQL),
    alerts: Type.Optional(Alerts),
    cel: Type.Optional(Cel),
  },
  {
    description: "A condition for new claims and for soak. No data never passes.",
    ...rules(
      {
        rule: "has(self.promQL) == (self.type == 'PromQL') && has(self.alerts) == (self.type == 'Alerts') && has(self.cel) == (self.type == 'CEL')",
        message: "types PromQL, Alerts and CEL need exactly the member promQL, alerts or cel",
      },
      {
        rule: "!has(self.pods) || self.type in ['PodsReady', 'BlockingPods']",
        message: "only PodsReady and BlockingPods have pods",
      },
      {
        rule: "self.type != 'BlockingPods' || (has(self.pods) && has(self.pods.selector))",
        message: "type BlockingPods needs pods.selector",
      },
      {
        rule: "!has(self.pods) || !has(self.pods.within) || self.type == 'BlockingPods'",
        message: "only BlockingPods has pods.within",
      },
      {
        rule: "!has(self.minPercent) || self.type in ['NodesReady', 'WorkloadsAvailable', 'PodsReady']",
        message: "only NodesReady, WorkloadsAvailable and PodsReady have minPercent",
      },
    ),
  },
);
export type Gate = Static<typeof Gate>;
