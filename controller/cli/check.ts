// `ringward check --pre`: whether a cluster is as Ringward needs it, before the installation, after it, and after an upgrade. It asks and
// changes nothing.
import { JOB_NAMESPACE } from "../nodes/recipe-job.ts";
import { DEFAULT_NAMESPACE } from "../install/manifest.ts";
import { type Line, preflight, type Verdict } from "../install/preflight/index.ts";
import type { Clock } from "../clock.ts";
import type { ApiPort } from "../kube/port.ts";
import { inClusterKubeconfig } from "../kube/kubeconfig.ts";
import { checkRepository } from "./check-repository.ts";
import { openCluster } from "./cluster-view.ts";
import {
  asksForHelp,
  type Colour,
  createPaint,
  oneLine,
  ownSurroundings,
  parseFlags,
  type Surroundings,
  writeData,
  wrongUse,
} from "./output.ts";
import { findKubeconfig } from "./sources.ts";

/** What --help prints. */
export const USAGE = `Usage: ringward check --pre [--kubeconfig FILE] [--context NAME] [--namespace NS] [-o text|json|yaml]

Looks whether a cluster is as Ringward needs it: its version and APIs, the definitions, what the controller's account may do (before
the installation: whether you may install), the namespaces and their Pod Security levels, the admission policies and whether they
are in force, the images that recipes may run, the policy repository and its forge. It changes nothing; one job in ${JOB_NAMESPACE} is
tried as a dry run. Run it as an administrator, and in the controller's pod for what only mounted files can tell.

  --pre              look (there is nothing else to check yet)
  --kubeconfig FILE  default: $KUBECONFIG, else the pod's service account, else the running demo
  --context NAME     context of the kubeconfig
  --namespace NS     of the controller (default: ${DEFAULT_NAMESPACE})
  --allow-insecure   take a policy repository on this machine or over plain http (for trials; never for production)
  -o FORMAT          text (default), json or yaml

Each line is ok, warn, fail, unknown, or skip: what the controller's account is not meant to see, and what only the pod's files tell; the
last line says where it is seen. Exit codes: 0 nothing failed and nothing is unknown, 1 something failed or is unknown, 2 wrong use.
`;

const TRIES = 5;
const COLOURS: Readonly<Record<Verdict, Colour>> = {
  ok: "green",
  warn: "yellow",
  fail: "red",
  unknown: "yellow",
  skip: "dim",
};

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const { values, positionals } = parseFlags("check", args, {
    pre: { type: "boolean", default: false },
    kubeconfig: { type: "string" },
    context: { type: "string" },
    namespace: { type: "string", default: DEFAULT_NAMESPACE },
    "allow-insecure": { type: "boolean", default: false },
    output: { type: "string", short: "o", default: "text" },
  });
  if (positionals.length > 0) throw wrongUse("check", `${positionals.join(" ")} is not understood`);
  if (!values.pre) throw wrongUse("check", "say --pre");
  const { output, namespace, context } = values;
  if (output !== "text" && output !== "json" && output !== "yaml")
    throw wrongUse("check", `-o ${output}: it is text, json or yaml`);
  const { client, close } = openCluster({
    kubeconfig: kubeconfigOf(values.kubeconfig, surroundings),
    context,
    clock: surroundings.clock,
  });
  try {
    const { lines, repository, ourselves } = await preflight(patient(client.port, surroundings.clock), { namespace });
    const options = {
      namespace,
      allowInsecure: values["allow-insecure"],
      inPod: ourselves,
      clock: surroundings.clock,
    };
    const all = [...lines, ...(await checkRepository(repository, options))];
    surroundings.stdout.write(
      output === "text" ? drawLines(all, ourselves, surroundings) : writeData(dataOf(all), output),
    );
    return isFine(all) ? 0 : 1;
  } finally {
    await close();
  }
}

/** In a pod its own cluster comes before a demo. */
function kubeconfigOf(flag: string | undefined, surroundings: Surroundings): string {
  const named = flag ?? surroundings.env["KUBECONFIG"];
  const inside = named === undefined || named === "" ? inClusterKubeconfig(surroundings.env) : undefined;
  return inside ?? findKubeconfig(flag, surroundings);
}

/** A server that says "later" is asked again: so it does for the first seconds after a definition came. */
function patient(port: Pick<ApiPort, "request">, clock: Clock): Pick<ApiPort, "request"> {
  return {
    async request(request) {
      for (let tries = 1; ; tries++) {
        const answer = await port.request(request);
        if ((answer.status !== 429 && answer.status !== 503) || tries === TRIES) return answer;
        await clock.sleep(1_000);
      }
    },
  };
}

function isFine(lines: readonly Line[]): boolean {
  return lines.every(({ verdict }) => verdict !== "fail" && verdict !== "unknown");
}

function countOf(lines: readonly Line[]): Readonly<Record<Verdict, number>> {
  const count = (wanted: Verdict): number => lines.filter(({ verdict }) => verdict === wanted).length;
  return { ok: count("ok"), warn: count("warn"), fail: count("fail"), unknown: count("unknown"), skip: count("skip") };
}

function dataOf(lines: readonly Line[]): object {
  const counts = countOf(lines);
  return { ok: isFine(lines), complete: counts.unknown + counts.skip === 0, counts, checks: lines };
}

function drawLines(lines: readonly Line[], ourselves: boolean, surroundings: Surroundings): string {
  const paint = createPaint(surroundings);
  const [verdicts, names] = [7, Math.max(...lines.map(({ name }) => name.length))];
  const indent = " ".repeat(verdicts + names + 4);
  const drawn = lines.map(({ name, verdict, says, todo }, at) => {
    const next = lines[at + 1];
    const first = `${paint(COLOURS[verdict], verdict.padEnd(verdicts))}  ${name.padEnd(names)}  ${oneLine(says)}\n`;
    // What to do for several lines is said once, after the last of them.
    return todo === undefined || (next?.name === name && next.todo === todo)
      ? first
      : `${first}${indent}${paint("dim", `-> ${oneLine(todo)}`)}\n`;
  });
  const { ok, warn, fail, unknown, skip } = countOf(lines);
  const where = ourselves ? "as an administrator" : "in the controller's pod";
  const skipped = skip === 0 ? "" : `, ${skip} skipped: run it ${where}, too`;
  return `${drawn.join("")}${ok} ok, ${warn} warn, ${fail} fail, ${unknown} unknown${skipped}\n`;
}
