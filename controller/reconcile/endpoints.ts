// What the controller serves over HTTP: `/metrics` at one address, `/healthz` and `/readyz` at another, `/webhook` at a third; nowhere unless
// it is told where, and no webhook without its secret.
import type { Clock } from "../clock.ts";
import { type BindAddress } from "../serve/bind-address.ts";
import { answerChecks, type Check } from "../serve/health.ts";
import { startPages } from "../serve/pages.ts";
import type { Listening } from "../serve/listening.ts";
import type { Prometheus } from "../serve/prometheus.ts";
import { startPulse } from "../serve/pulse.ts";
import { startWebhook } from "../serve/webhook.ts";

export interface WebhookSettings {
  readonly address: BindAddress;
  readonly secretFile: string;
}

export interface EndpointOptions {
  readonly metrics: BindAddress | undefined;
  readonly probes: BindAddress | undefined;
  readonly webhook: (WebhookSettings & { readonly poke: () => void }) | undefined;
  readonly prometheus: Prometheus;
  readonly liveness: readonly Check[];
  readonly readiness: readonly Check[];
  readonly clock: Clock;
  readonly log: (level: "info" | "error", message: string, details?: object) => void;
}

export interface Endpoints {
  close(): Promise<void>;
}

export const METRICS_FLAG = "--metrics-bind-address";
export const PROBES_FLAG = "--health-probe-bind-address";
export const WEBHOOK_FLAG = "--webhook-bind-address";

/** Listens wherever the options say. Throws `UserError` RW1302 or RW1304. */
export async function startEndpoints(options: EndpointOptions): Promise<Endpoints> {
  const { clock, log, prometheus } = options;
  const pulse = startPulse(clock);
  const servers: Listening[] = [];
  const close = async (): Promise<void> => {
    pulse.stop();
    await Promise.all(servers.map((server) => server.close()));
  };
  const onError = (error: unknown): void =>
    log("error", `endpoint: ${error instanceof Error ? error.message : String(error)}`);
  try {
    if (options.metrics !== undefined) {
      const metrics = async () => ({
        status: 200,
        contentType: prometheus.contentType,
        body: await prometheus.scrape(),
      });
      const pages = { "/metrics": metrics };
      servers.push(await startPages({ flag: METRICS_FLAG, address: options.metrics, pages, clock, onError }));
      log("info", "serving metrics", { url: `${servers.at(-1)?.url}/metrics` });
    }
    if (options.probes !== undefined) {
      const pages = {
        "/healthz": () => answerChecks("healthz", [pulse.check, ...options.liveness]),
        "/readyz": () => answerChecks("readyz", options.readiness),
      };
      servers.push(await startPages({ flag: PROBES_FLAG, address: options.probes, pages, clock, onError }));
      log("info", "serving health probes", { url: servers.at(-1)?.url });
    }
    if (options.webhook !== undefined) {
      const { meter } = prometheus;
      servers.push(await startWebhook({ ...options.webhook, flag: WEBHOOK_FLAG, meter, clock, onError }));
      log("info", "serving webhooks", { url: servers.at(-1)?.url });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
