// `ringward sandbox`: an embedded cluster, forge and clock, until it is stopped. kubectl, git and the controller may be pointed at it.
import { systemClock, systemRandom } from "../clock.ts";
import { UserError } from "../errors.ts";
import { type Sandbox, startSandbox } from "../sandbox/start.ts";
import { writeKubeconfigFile } from "../sandbox/workspace.ts";
import { parseFlags, wrongUse } from "./output.ts";

export const USAGE = `Usage: ringward sandbox [--port PORT] [--nodes N] [--kubeconfig FILE] [--policy DIR] [--rate N]

Starts an embedded Kubernetes API server with a simulated fleet, and, with --policy, a forge that serves the folder as a
Git repository. Runs until it is stopped.

  --port PORT          port of the API server (default: a free one)
  --nodes N            nodes of a generated fleet; left out: the quickstart's 60 nodes and 40 workloads
  --kubeconfig FILE    where to write the kubeconfig (default: in the sandbox's folder)
  --policy DIR         policy folder to put into a Git repository
  --rate N             policy time runs N times as fast as real time (default: 1)
`;

export async function command(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseFlags("sandbox", args, {
    port: { type: "string", default: "0" },
    nodes: { type: "string" },
    kubeconfig: { type: "string" },
    policy: { type: "string" },
    rate: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (positionals.length > 0) throw wrongUse("sandbox", `${positionals.join(" ")} is not understood`);
  const sandbox = await startSandbox({
    transport: systemClock,
    random: systemRandom,
    port: wholeNumber("--port", values.port, 0, 65_535),
    ...(values.nodes === undefined ? {} : { nodes: wholeNumber("--nodes", values.nodes, 1, 5_000) }),
    ...(values.policy === undefined ? {} : { policy: values.policy }),
    rate: wholeNumber("--rate", values.rate, 1, 1_000),
    onError: (source, error) =>
      process.stderr.write(`sandbox: ${source}: ${error instanceof Error ? error.message : String(error)}\n`),
  });
  const kubeconfig = await writeKubeconfig(sandbox, values.kubeconfig);
  process.stdout.write(`export KUBECONFIG=${kubeconfig}\n`);
  process.stderr.write(`API server  ${sandbox.apiUrl}\nclock       ${sandbox.clockUrl}\n`);
  if (sandbox.forge !== undefined)
    process.stderr.write(`forge       ${sandbox.forge.url}\ngit         ${sandbox.forge.gitUrl}\n`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
  });
  await sandbox.stop();
  return 0;
}

/** Where it cannot be written nothing is left running. */
async function writeKubeconfig(sandbox: Sandbox, path: string | undefined): Promise<string> {
  try {
    return writeKubeconfigFile(sandbox, path);
  } catch (error) {
    await sandbox.stop();
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw new UserError(
      "RW0311",
      `--kubeconfig ${path ?? ""} cannot be written: ${code}`,
      "name a file that can be written, or leave it out",
    );
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most))
    throw wrongUse("sandbox", `${flag} ${text}: give a whole number from ${least} to ${most}`);
  return value;
}
