// Where gates ask, from what the operator set, and the sources that ask there.
import type { Clock } from "../clock.ts";
import type { ApiPort } from "../kube/port.ts";
import { createAlertmanager } from "./alertmanager.ts";
import { createJsonSource, type Endpoint } from "./http.ts";
import { createObjectSource } from "./objects.ts";
import type { GateSource } from "./port.ts";
import { createPrometheus } from "./prometheus.ts";
import { createGateSource } from "./source.ts";

export interface GateSettings {
  readonly prometheus: Endpoint | undefined;
  readonly alertmanager: Endpoint | undefined;
  /** Kinds that CEL gates may read beside those that the controller reads anyway: `APIVERSION/RESOURCE`. */
  readonly resources: readonly string[];
}

/** An address as an operator may give it; a text says what is wrong with it. A password in it would stand in the process list. */
export function readEndpointUrl(text: string): URL | string {
  if (!URL.canParse(text)) return "is no URL";
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return "is not http or https";
  if (url.username !== "" || url.password !== "") return "holds a user or password: use a token file";
  if (url.search !== "" || url.hash !== "") return "has a query or fragment: give the address of the server only";
  return url;
}

/** `APIVERSION/RESOURCE`, the group left out for the core's. */
export const GATE_RESOURCE = /^([a-z0-9][-a-z0-9.]*\/)?v[0-9]+((alpha|beta)[0-9]+)?\/[a-z][-a-z0-9]*$/;

/** What is wrong with a kind that is to be readable for gates; undefined: nothing. */
export function judgeGateResource(text: string): string | undefined {
  if (!GATE_RESOURCE.test(text)) return "is not APIVERSION/RESOURCE, such as ceph.rook.io/v1/cephclusters";
  return text === "v1/secrets" ? "would let policy read secrets" : undefined;
}

export interface OpenOptions {
  readonly settings: GateSettings;
  readonly port: Pick<ApiPort, "request">;
  readonly clock: Clock;
  readonly transport: Clock;
  readonly everyMs: number;
}

/** The sources of a controller. */
export function openGateSource({ settings, port, clock, transport, everyMs }: OpenOptions): GateSource {
  const { prometheus, alertmanager, resources } = settings;
  const open = (endpoint: Endpoint | undefined) =>
    endpoint === undefined ? undefined : createJsonSource(endpoint, { clock: transport });
  const [metrics, alerts] = [open(prometheus), open(alertmanager)];
  return createGateSource({
    queries: metrics && createPrometheus(metrics, transport),
    alerts: alerts && createAlertmanager(alerts),
    objects: createObjectSource(port, resources),
    clock,
    transport,
    everyMs,
    close: async () => void (await Promise.all([metrics?.close(), alerts?.close()])),
  });
}
