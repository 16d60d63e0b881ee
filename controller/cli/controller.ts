// `ringward controller`: runs the controller against a cluster until it is told to stop.
import { mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock, systemRandom } from "../clock.ts";
import { UserError } from "../errors.ts";
import type { Endpoint } from "../gates/http.ts";
import { type GateSettings, judgeGateResource, readEndpointUrl } from "../gates/settings.ts";
import { inClusterKubeconfig } from "../kube/kubeconfig.ts";
import { runController } from "../reconcile/run-controller.ts";
import { createPolicyClock, readClock } from "../sandbox/clock.ts";
import { parseFlags, wrongUse } from "./output.ts";

const HELP = `Usage: ringward controller [--kubeconfig FILE] [--namespace NS] [--data DIR]

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
  --pace MS             shortest pause between two passes (default: 250)
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
    pace: { type: "string", default: "250" },
    help: { type: "boolean", short: "h", default: false },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  if (positionals.length > 0) throw wrongUse("controller", `${positionals.join(" ")} is not understood`);
  if (!/^[0-9]{1,5}$/.test(values.pace)) throw wrongUse("controller", `--pace ${values.pace}: not a number of ms`);
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
  const data = values.data ?? join(tmpdir(), "ringward-data");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error(signal)));
  await runController(
    {
      kubeconfig,
      namespace: values.namespace,
      identity: values.identity ?? `${hostname()}-${process.pid}`,
      directory: data,
      idleMs: 30_000,
      paceMs: Number(values.pace),
      listEveryMs: values["policy-clock"] === undefined ? 15_000 : 500,
      gates: { ...gates, everyMs: values["policy-clock"] === undefined ? 15_000 : 500 },
      clock: await policyClock(values["policy-clock"]),
      transport: systemClock,
      random: systemRandom,
      log: (level, message, details) =>
        process.stderr.write(
          `${JSON.stringify({ level, time: new Date(systemClock.now()).toISOString(), message, ...details })}\n`,
        ),
    },
    stop.signal,
  );
  return 0;
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
  return url === undefined ? systemClock : createPolicyClock(await readClock(url), systemClock);
}
