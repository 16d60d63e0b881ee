// Objects for CEL gates, read with the controller's own account. Only kinds that it reads anyway and those that the operator named may be
// read: a policy must not be able to look at whatever the account happens to see, and a Secret never.
import type { LabelSelector } from "../api/schema.ts";
import type { GateAsk } from "../core/gates/asks.ts";
import type { GateAnswer } from "../core/gates/readings.ts";
import { type ApiPort, TransportError } from "../kube/port.ts";
import { none } from "./http.ts";
import type { ObjectSource } from "./port.ts";

/** Kinds that the controller gets and lists for its own work, everywhere (install/permissions.ts). */
export const GATE_RESOURCES: readonly string[] = [
  "v1/nodes",
  "apps/v1/deployments",
  "apps/v1/statefulsets",
  "apps/v1/daemonsets",
];

const MOST_OBJECTS = 500;
const DEADLINE_MS = 5_000;

/** `more`: kinds that the operator allowed, as `APIVERSION/RESOURCE`. */
export function createObjectSource(port: Pick<ApiPort, "request">, more: readonly string[]): ObjectSource {
  const allowed = new Set([...GATE_RESOURCES, ...more]);
  return {
    async objects(ask) {
      const kind = `${ask.apiVersion}/${ask.resource}`;
      if (!allowed.has(kind))
        return none("NotAllowed", `the controller may not read ${kind} for gates (--gate-resource ${kind})`);
      try {
        const { status, body } = await port.request({
          method: "GET",
          path: pathOf(ask),
          query: ask.name === undefined ? { labelSelector: selectorText(ask.selector), limit: `${MOST_OBJECTS}` } : {},
          timeoutMs: DEADLINE_MS,
        });
        return readObjects(ask, status, body);
      } catch (error) {
        if (error instanceof TransportError && error.kind === "timeout")
          return none("TimedOut", `the API server does not answer within ${DEADLINE_MS / 1000} s`);
        return none("Unreachable", error instanceof Error ? error.message : String(error));
      }
    },
  };
}

type Ask = Extract<GateAsk, { kind: "Objects" }>;

function pathOf({ apiVersion, resource, namespace, name }: Ask): string {
  const parts = [
    ...(apiVersion.includes("/") ? ["apis", ...apiVersion.split("/")] : ["api", apiVersion]),
    ...(namespace === undefined ? [] : ["namespaces", namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
  ];
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

function readObjects({ name }: Ask, status: number, body: unknown): GateAnswer {
  if (status === 404) return none("NoData", "there is no such object, or no such kind");
  const { items, metadata, message } = (typeof body === "object" && body !== null ? body : {}) as {
    readonly items?: unknown;
    readonly message?: unknown;
    readonly metadata?: { readonly continue?: unknown };
  };
  if (status !== 200)
    return none("Refused", `the API server answers ${status}: ${typeof message === "string" ? message : ""}`);
  if (name !== undefined) return { kind: "Objects", objects: [body] };
  if (!Array.isArray(items)) return none("Malformed", "the answer is no list");
  const rest = metadata?.continue;
  if (typeof rest === "string" && rest !== "") return none("TooLarge", `more than ${MOST_OBJECTS} objects match`);
  return { kind: "Objects", objects: items };
}

/** As the API takes it; a selector that says nothing selects nothing here. */
function selectorText({ matchLabels, matchExpressions }: LabelSelector = {}): string {
  const labels = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms = (matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    switch (operator) {
      case "In":
        return `${key} in (${values.join(",")})`;
      case "NotIn":
        return `${key} notin (${values.join(",")})`;
      case "Exists":
        return key;
      case "DoesNotExist":
        return `!${key}`;
      default:
        return operator satisfies never;
    }
  });
  return [...labels, ...terms].join(",");
}
