// `ringward controller`: runs the controller against a cluster until it is told to stop.
import { mkdirSync } from "node:fs";
import { constants, hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock, systemRandom } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { Endpoint } from "../gates/http.ts";
import { type GateSettings, judgeGateResource, readEndpointUrl } from "../gates/settings.ts";
import { inClusterKubeconfig } from "../kube/kubeconfig.ts";
import { loadDestinations } from "../notify/settings.ts";
import { METRICS_FLAG, PROBES_FLAG, type WebhookSettings, WEBHOOK_FLAG } from "../reconcile/endpoints.ts";
import { type ControllerSettings, runController, StopTimeout } from "../reconcile/run-controller.ts";
import { createPolicyClock, readClock } from "../sandbox/clock.ts";
import { readBindAddress } from "../serve/bind-address.ts";
import { parseFlags, wrongUse } from "./output.ts";

/** Far above what a pass asks, far below what a loop without end would; not tuned on a large cluster yet. */
const QPS = 100;
const BURST = 200;

export const USAGE = `Usage: ringward controller [--kubeconfig FILE] [--namespace NS] [--data DIR]

Runs the controller until it is stopped by SIGINT or SIGTERM.

  --kubeconfig FILE     default: $KUBECONFIG, else the pod's service account
  --namespace NS        namespace of the Lease (default: ringward-system)
  --data DIR            folder for the policy repository's objects (default: a folder in the temporary directory)
  --identity NAME       name in the Lease (default: host name and process id)
  --policy-clock URL    take policy time from a sandbox
  --prometheus-url URL  where gates of type PromQL ask; --prometheus-token-file FILE and
                        --prometheus-ca-file FILE for a bearer token and the server's authorities
  --alertmanager-url URL  where gates of type Alerts ask; --alertmanager-token-file FILE and
                        --alertmanager-ca-file FILE as above
  --gate-resource APIVERSION/RESOURCE  a kind that gates of type CEL may read, such as
                        ceph.rook.io/v1/cephclusters; may be given more than once
  --allow-insecure      take a policy repository on this machine or over plain http (for trials; never for production)
  --kubectl FILE        a kubectl with which proposed changes of kustomizations are rendered, before and after
                        (default: none, and the pull request says so)
  --helm FILE           a helm with which charts are rendered, before and after a proposed change of their values (as above)
  --pace MS             shortest pause between two passes (default: 250)

  --metrics-bind-address ADDR        serve /metrics there: :8080 on every interface, 127.0.0.1:8080 on one (default: 0, nowhere)
  --health-probe-bind-address ADDR   serve /healthz and /readyz there (default: 0, nowhere)
  --notifications FILE               tell Slack, webhooks or commits what happens to rings: the file lists destinations
                                     (docs/notifications.md; default: none)
  --webhook-secret-file FILE         take the forge's webhooks: the secret that both sides hold (default: none, no webhooks)
  --webhook-bind-address ADDR        serve /webhook there (default: :8082 where there is a secret)
  --kube-api-qps N                   requests to the API server a second in the long run (default: ${QPS})
  --kube-api-burst N                 and so many at once (default: ${BURST})

The first signal ends it gracefully: nothing new is begun, the write under way ends, the Lease is given back. A second one ends it at once.
`;

export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags("controller", args, {
    kubeconfig: { type: "string" },
    namespace: { type: "string", default: "ringward-system" },
    data: { type: "string" },
    identity: { type: "string" },
    "policy-clock": { type: "string" },
    "prometheus-url": { type: "string" },
    "prometheus-token-file": { type: "string" },
    "prometheus-ca-file": { type: "string" },
    "alertmanager-url": { type: "string" },
    "alertmanager-token-file": { type: "string" },
    "alertmanager-ca-file": { type: "string" },
    "gate-resource": { type: "string", multiple: true, default: [] },
    "allow-insecure": { type: "boolean", default: false },
    kubectl: { type: "string" },
    helm: { type: "string" },
    pace: { type: "string", default: "250" },
    "metrics-bind-address": { type: "string", default: "0" },
    "health-probe-bind-address": { type: "string", default: "0" },
    notifications: { type: "string" },
    "webhook-secret-file": { type: "string" },
    "webhook-bind-address": { type: "string" },
    "kube-api-qps": { type: "string", default: String(QPS) },
    "kube-api-burst": { type: "string", default: String(BURST) },
    help: { type: "boolean", short: "h", default: false },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length > 0) throw wrongUse("controller", `${positionals.join(" ")} is not understood`);
  if (!/^[0-9]{1,5}$/.test(values.pace)) throw wrongUse("controller", `--pace ${values.pace}: not a number of ms`);
  const metricsAddress = readBindAddress(METRICS_FLAG, values["metrics-bind-address"]);
  const probeAddress = readBindAddress(PROBES_FLAG, values["health-probe-bind-address"]);
  const qps = positive("--kube-api-qps", values["kube-api-qps"], 1);
  const burst = positive("--kube-api-burst", values["kube-api-burst"], 1);
  const kubeconfig = values.kubeconfig ?? process.env["KUBECONFIG"] ?? inClusterKubeconfig(process.env);
  if (kubeconfig === undefined)
    throw new UserError("RW0217", "there is no cluster to talk to", "give --kubeconfig or set KUBECONFIG");
  const gates: GateSettings = {
    prometheus: endpointOf("prometheus", values),
    alertmanager: endpointOf("alertmanager", values),
    resources: values["gate-resource"],
  };
  for (const resource of gates.resources) {
    const wrong = judgeGateResource(resource);
    if (wrong !== undefined) throw wrongUse("controller", `--gate-resource ${resource}: ${wrong}`);
  }
  const notifications = values.notifications === undefined ? undefined : loadDestinations(values.notifications);
  const data = values.data ?? join(tmpdir(), "ringward-data");
  makeDataFolder(data);
  const stop = new AbortController();
  const forget = stopOnSignals(stop);
  const log: ControllerSettings["log"] = (level, message, details) =>
    process.stderr.write(
      `${JSON.stringify({ level, time: new Date(systemClock.now()).toISOString(), message, ...details })}\n`,
    );
  try {
    await runController(
      {
        kubeconfig,
        namespace: values.namespace,
        identity: values.identity ?? `${hostname()}-${process.pid}`,
        directory: data,
        kubectl: values.kubectl,
        helm: values.helm,
        allowInsecure: values["allow-insecure"],
        idleMs: 30_000,
        paceMs: Number(values.pace),
        listEveryMs: values["policy-clock"] === undefined ? 15_000 : 500,
        gates: { ...gates, everyMs: values["policy-clock"] === undefined ? 15_000 : 500 },
        metricsAddress,
        probeAddress,
        webhook: webhookOf(values),
        notifications,
        qps,
        burst,
        clock: await policyClock(values["policy-clock"]),
        transport: systemClock,
        random: systemRandom,
        log,
      },
      stop.signal,
    );
  } catch (error) {
    if (!(error instanceof StopTimeout)) throw error;
    log("error", error.message);
    // Something still holds the process open, or it would have ended.
    process.exit(1);
  } finally {
    forget();
  }
  return 0;
}

function webhookOf(values: {
  readonly "webhook-secret-file"?: string | undefined;
  readonly "webhook-bind-address"?: string | undefined;
}): WebhookSettings | undefined {
  const secretFile = values["webhook-secret-file"];
  const address = readBindAddress(
    WEBHOOK_FLAG,
    values["webhook-bind-address"] ?? (secretFile === undefined ? "0" : ":8082"),
  );
  if (address === undefined) return undefined;
  if (secretFile === undefined)
    throw new UserError(
      "RW1303",
      `${WEBHOOK_FLAG} ${values["webhook-bind-address"]}: there is no secret`,
      "give --webhook-secret-file, too: whoever can reach the address could poke us else",
    );
  return { address, secretFile };
}

/** The first signal asks, the second one ends. */
function stopOnSignals(stop: AbortController): () => void {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stop.signal.aborted) process.exit(128 + constants.signals[signal]);
    stop.abort(new Error(signal));
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, onSignal);
  return () => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, onSignal);
  };
}

function positive(flag: string, text: string, least: number): number {
  const value = /^[0-9]{1,6}(\.[0-9]{1,3})?$/.test(text) ? Number(text) : 0;
  if (value < least) throw wrongUse("controller", `${flag} ${text}: give a number of at least ${least}`);
  return value;
}

type EndpointFlags = Readonly<
  Partial<Record<`${"prometheus" | "alertmanager"}-${"url" | "token-file" | "ca-file"}`, string>>
>;

function endpointOf(name: "prometheus" | "alertmanager", values: EndpointFlags): Endpoint | undefined {
  const text = values[`${name}-url`];
  const [tokenFile, caFile] = [values[`${name}-token-file`], values[`${name}-ca-file`]];
  if (text === undefined) {
    if (tokenFile === undefined && caFile === undefined) return undefined;
    throw wrongUse("controller", `--${name}-token-file and --${name}-ca-file need --${name}-url`);
  }
  const url = readEndpointUrl(text);
  if (typeof url === "string") throw wrongUse("controller", `--${name}-url ${url}`);
  return { url, tokenFile, caFile };
}

async function policyClock(url: string | undefined): Promise<Clock> {
  if (url === undefined) return systemClock;
  const described = await readClock(url).catch((error: unknown) => {
    throw new UserError(
      "RW0219",
      `--policy-clock ${url}: no sandbox's clock answers there: ${reasonOf(error)}`,
      "write the address that ringward sandbox or demo prints",
    );
  });
  return createPolicyClock(described, systemClock);
}

/** fetch says what failed in the cause of its error. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}

function makeDataFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code = "error" } = error as NodeJS.ErrnoException;
    const why = code === "EEXIST" || code === "ENOTDIR" ? "it is not a folder" : `it cannot be made: ${code}`;
    throw new UserError("RW0218", `--data ${path}: ${why}`, "name a folder that can be written");
  }
}
