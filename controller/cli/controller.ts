// `ringward controller`: runs the controller against a cluster until it is told to stop.
import { mkdirSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock, systemRandom } from "../clock.ts";
import { UserError } from "../errors.ts";
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
  --pace MS             shortest pause between two passes (default: 250)
`;

export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags("controller", args, {
    kubeconfig: { type: "string" },
    namespace: { type: "string", default: "ringward-system" },
    data: { type: "string" },
    identity: { type: "string" },
    "policy-clock": { type: "string" },
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

async function policyClock(url: string | undefined): Promise<Clock> {
  return url === undefined ? systemClock : createPolicyClock(await readClock(url), systemClock);
}
