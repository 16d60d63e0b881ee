// `ringward rehearse`: what merging one policy folder over another would do to a cluster: who joins and leaves, what would be approved, and
// a run of the real planner on policy time until nothing moves any more. It reads and touches nothing. Same input, same bytes (R6).
import { parseDuration } from "../core/duration.ts";
import {
  type Rehearsal,
  rehearse,
  rehearsalData,
  renderRehearsal,
  type ValidationLine,
} from "../core/rehearsal/index.ts";
import { escapeCode, escapeMarkdown } from "../forge/text.ts";
import { counted } from "../policy/finding.ts";
import { compareWithBase, filesOf } from "../policy/rehearsed.ts";
import { readFolderPolicy } from "./folder-policy.ts";
import { ownObjects, repositoryOf } from "./live-policy.ts";
import { asksForHelp, ownSurroundings, parseFlags, type Surroundings, writeData, wrongUse } from "./output.ts";
import { readLedger } from "./situation.ts";
import { readCluster } from "./sources.ts";

export const USAGE = `Usage: ringward rehearse --base DIR --head DIR (--cluster DUMPDIR | --kubeconfig FILE) [--at TIME] [--horizon TIME] [-o markdown|json]

Says what merging the policy in --head over the one in --base would do: what validate says of it, which objects change, who
joins and leaves each ring, which levels would be approved or asked for, when each ring would begin, be done and have soaked,
where it would stand still and why, and what the drains would meet. The planner is the controller's own; it runs on the
cluster as it is, taking every update to succeed in its usual time and every proposal to be merged at once. Nothing is
touched.

  --base DIR         the policy as it is, for example the tracked branch
  --head DIR         the policy as it would be, for example the pull request
  --cluster DUMPDIR  the cluster from what "kubectl get … -A -o json" printed into this folder
  --kubeconfig FILE  the cluster itself
  --context NAME     context of the kubeconfig
  --at TIME          as of this time (RFC 3339); default: the dump's newest time, or now
  --horizon TIME     how far it looks ahead, for example 30d; default: 90d
  -o FORMAT          markdown (default; at most 60,000 characters) or json

Exit codes: 0 fine, 1 the policy in --head has errors, 2 wrong use.
`;

/** Runs the command. */
export async function command(
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  if (asksForHelp(args)) {
    surroundings.stdout.write(USAGE);
    return 0;
  }
  const request = readRequest(args);
  const { rehearsal, findings, notes } = await rehearseFolders(request, surroundings);
  const input = { rehearsal, findings, notes, escape: { text: escapeMarkdown, code: escapeCode } };
  surroundings.stdout.write(
    request.format === "json" ? writeData(rehearsalData(rehearsal, findings, notes), "json") : renderRehearsal(input),
  );
  const errors = findings.filter(({ severity }) => severity === "error").length;
  if (errors > 0) surroundings.stderr.write(`the policy in ${request.head} has ${counted(errors, "error")}\n`);
  return errors > 0 ? 1 : 0;
}

interface Request {
  readonly base: string;
  readonly head: string;
  readonly cluster: string | undefined;
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly at: string | undefined;
  readonly horizon: number;
  readonly format: "markdown" | "json";
}

const LONGEST_HORIZON = "366d";

function readRequest(args: readonly string[]): Request {
  const text = { type: "string" } as const;
  const { values, positionals } = parseFlags("rehearse", args, {
    base: text,
    head: text,
    cluster: text,
    kubeconfig: text,
    context: text,
    at: text,
    horizon: text,
    output: { type: "string", short: "o" },
  });
  if (positionals.length > 0)
    throw wrongUse("rehearse", `there is no argument "${positionals[0]}"; name folders with --base and --head`);
  const { base, head, cluster, kubeconfig, context, at, horizon = "90d", output = "markdown" } = values;
  if (base === undefined || head === undefined)
    throw wrongUse("rehearse", "which policies? give --base DIR and --head DIR");
  if (cluster === undefined && kubeconfig === undefined)
    throw wrongUse("rehearse", "which cluster? give --cluster DUMPDIR or --kubeconfig FILE");
  const length = parseDuration(horizon);
  if (length === undefined || length <= 0 || length > (parseDuration(LONGEST_HORIZON) ?? 0))
    throw wrongUse("rehearse", `--horizon ${horizon}: not a time from 1s to ${LONGEST_HORIZON}; write for example 30d`);
  if (output !== "markdown" && output !== "json")
    throw wrongUse("rehearse", `-o ${output}: there is no such format; one of markdown, json`);
  return { base, head, cluster, kubeconfig, context, at, horizon: length, format: output };
}

interface Rehearsed {
  readonly rehearsal: Rehearsal;
  readonly findings: readonly ValidationLine[];
  readonly notes: readonly string[];
}

async function rehearseFolders(request: Request, surroundings: Surroundings): Promise<Rehearsed> {
  const { view, now } = await readCluster("rehearse", request, surroundings);
  const objects = ownObjects(view.objects);
  const clusterName = repositoryOf(objects)?.clusterName ?? "cluster";
  const { inventory, stored } = view;
  const { ledger, assumed } = readLedger(view, clusterName);
  const common = { at: now, objects, clusterName, inventory, stored };
  const base = readFolderPolicy({ ...common, folder: request.base });
  // Of a file that the change breaks, what it said before holds: as the controller does it.
  const previous = base.loaded.objects;
  const head = readFolderPolicy({ ...common, folder: request.head, previous });
  const rehearsal = rehearse({
    base: { files: filesOf(base.loaded, []), inForce: base.policy },
    head: { files: filesOf(head.loaded, previous), inForce: head.policy },
    cluster: { now, inventory, stored, ledger },
    horizon: request.horizon,
  });
  const mode = ledger.spec.mode ?? "Observe";
  const modes = mode === "Enforce" ? [] : [`the ledger's mode is ${mode}: until it is Enforce nothing of this happens`];
  return {
    rehearsal,
    findings: compareWithBase(head.findings, base.findings),
    notes: [...assumed, ...modes, ...view.problems],
  };
}
