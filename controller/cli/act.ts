// What people do by hand: approve, retry, release, suspend, resume, observe, enforce, stop, reconcile. Each is one write whose tests name
// what was looked at, so that nothing else is hit (K1), and an event that says who asked and why. It decides nothing: the controller does.
import { type DisruptionLedger, type DisruptionLedgerSpec, LEDGER_NAME } from "../api/disruption-ledger.ts";
import type { Reason } from "../api/reasons.ts";
import type { RolloutRing } from "../api/rollout-ring.ts";
import { UserError } from "../errors.ts";
import { isConflict, isPatchTestFailure } from "../kube/api-errors.ts";
import type { JsonPatchOperation } from "../kube/client.ts";
import { createEventRecorder, type ObjectReference } from "../kube/events.ts";
import type { KubeObject } from "../kube/port.ts";
import { DISRUPTION_LEDGERS, ROLLOUT_RINGS } from "../kube/resources.ts";
import { approveLevel } from "./act-approve.ts";
import { type Asking, requestReconcile } from "./act-reconcile.ts";
import { type Done, mustGet, patchTested, referTo, type Scene } from "./act-scene.ts";
import { releaseTarget, retryTarget } from "./act-target.ts";
import { explainFailure, openCluster } from "./cluster-view.ts";
import { readContextUser } from "./context-user.ts";
import { readWait, WAIT_FLAGS } from "./live/wait.ts";
import { asksForHelp, oneLine, ownSurroundings, parseFlags, type Surroundings, wrongUse } from "./output.ts";
import { findKubeconfig } from "./sources.ts";

interface Act {
  readonly usage: string;
  readonly about: string;
  /** How many words it takes, besides flags. */
  readonly words: readonly [least: number, most: number];
  readonly needsReason: boolean;
  readonly takesNamespace?: boolean;
  readonly takesWait?: boolean;
  readonly run: (scene: Scene, asking: Asking) => Promise<Done>;
}

const ACTS = {
  approve: {
    usage: "approve RING LEVEL",
    about:
      "Approves a level for a ring that no repository holds: sets the level in the ring's entry of the level's baseline.\nA ring that a repository holds is approved by merging a change of its file.",
    words: [2, 2],
    needsReason: false,
    run: (scene) => approveLevel(scene),
  },
  retry: {
    usage: "retry KIND/NAME --reason TEXT",
    about:
      "Asks for another attempt on a target that failed, that was released, or that waits after an attempt that was given up.",
    words: [1, 2],
    needsReason: true,
    takesNamespace: true,
    run: (scene) => retryTarget(scene),
  },
  release: {
    usage: "release KIND/NAME --reason TEXT",
    about:
      "Gives a target up: its operation ends where it is, a node is handed back as it was, and its budget is freed.\nIt is not touched again for that level until ringward retry.",
    words: [1, 2],
    needsReason: true,
    takesNamespace: true,
    run: (scene) => releaseTarget(scene),
  },
  suspend: {
    usage: "suspend RING",
    about: "Starts nothing new in a ring; what is in flight ends safely. No repository undoes it.",
    words: [1, 1],
    needsReason: false,
    run: (scene) => setSuspend(scene, true),
  },
  resume: {
    usage: "resume RING",
    about: "Takes a live suspend back. If the ring's file says suspend too, it stays suspended until that changes.",
    words: [1, 1],
    needsReason: false,
    run: (scene) => setSuspend(scene, false),
  },
  observe: {
    usage: "observe",
    about: "Assess, plan and propose, and touch nothing; what is in flight is brought to safety.",
    words: [0, 0],
    needsReason: false,
    run: (scene) => setMode(scene, "Observe"),
  },
  enforce: {
    usage: "enforce",
    about: "Act: start updates inside budgets, windows and gates.",
    words: [0, 0],
    needsReason: false,
    run: (scene) => setMode(scene, "Enforce"),
  },
  stop: {
    usage: "stop",
    about: "Start nothing and bring what is in flight to safety. No repository undoes it.",
    words: [0, 0],
    needsReason: false,
    run: (scene) => setMode(scene, "Stop"),
  },
  reconcile: {
    usage: "reconcile",
    about:
      "Asks the controller to look at the policy repository, and at its pull requests, now.\nWith --wait it ends when that was done, and says which commit is in force: then ringward rollout RING --wait.",
    words: [0, 0],
    needsReason: false,
    takesWait: true,
    run: (scene, asking) => requestReconcile(scene, asking),
  },
} as const satisfies Record<string, Act>;

export type ActName = keyof typeof ACTS;

/** The command of one act, as run.ts loads it. */
export function actCommand(name: ActName): {
  readonly command: (args: readonly string[]) => Promise<number>;
  readonly USAGE: string;
} {
  return { command: (args) => runAct(name, args), USAGE: helpFor(ACTS[name]) };
}

/** Runs an act. Exit codes: 0 done (or nothing to do), 1 what was waited for did not come about, 2 wrong use or refused. */
export async function runAct(
  name: ActName,
  args: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  const act: Act = ACTS[name];
  if (asksForHelp(args)) {
    surroundings.stdout.write(helpFor(act));
    return 0;
  }
  const request = readRequest(name, act, args);
  const kubeconfig = findKubeconfig(request.kubeconfig, surroundings);
  const { client, close } = openCluster({ kubeconfig, context: request.context, clock: surroundings.clock });
  try {
    const scene: Scene = { client, now: surroundings.clock.now(), ...request };
    const asking: Asking = { random: surroundings.random, wait: request.wait };
    const done = await explainFailure(() => explainConflict(() => act.run(scene, asking)));
    (done.refused === true ? surroundings.stderr : surroundings.stdout).write(`${oneLine(done.text)}\n`);
    if (done.regarding !== undefined) {
      const who = describePerson(kubeconfig, request.context, surroundings);
      await recordAct(name, done.regarding, scene, who, surroundings);
    }
    if (done.after !== undefined) return await done.after(surroundings);
    return done.refused === true ? 1 : 0;
  } finally {
    await close();
  }
}

function helpFor(act: Act): string {
  const namespace = act.takesNamespace === true ? "  -n NAMESPACE       of a workload\n" : "";
  const wait =
    act.takesWait === true
      ? `  --wait             go on until it was looked at: 0 when it is Ready then, 1 when that failed or at the timeout
  --timeout DURATION with --wait: at most so long, such as 90s, 45m or 12h (default: as long as it takes)
`
      : "";
  const waitFlags = act.takesWait === true ? " [--wait [--timeout DURATION]]" : "";
  const failed = act.takesWait === true ? "1 what was waited for did not come about, " : "";
  return `Usage: ringward ${act.usage}${waitFlags} [--kubeconfig FILE] [--context NAME]${act.needsReason ? "" : " [--reason TEXT]"}

${act.about}
It is one write, and an event that says who asked and why.

  --reason TEXT      why; stands in the event${act.needsReason ? " (required)" : ""}
${wait}${namespace}  --kubeconfig FILE  which cluster; else $KUBECONFIG, else the running demo
  --context NAME     context of the kubeconfig

Exit codes: 0 done, ${failed}2 wrong use or refused.
`;
}

interface Request {
  readonly words: readonly string[];
  readonly namespace: string | undefined;
  readonly reason: string;
  readonly wait: Asking["wait"];
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
}

function readRequest(name: ActName, act: Act, args: readonly string[]): Request {
  const { values, positionals } = parseFlags(name, args, {
    kubeconfig: { type: "string" },
    context: { type: "string" },
    reason: { type: "string" },
    ...(act.takesNamespace === true ? ({ namespace: { type: "string", short: "n" } } as const) : {}),
    ...(act.takesWait === true ? WAIT_FLAGS : {}),
  });
  const [least, most] = act.words;
  if (positionals.length < least || positionals.length > most)
    throw wrongUse(name, `expected "ringward ${act.usage}", got ${positionals.length} arguments`);
  const reason = (values.reason ?? "").trim();
  if (act.needsReason && reason === "")
    throw wrongUse(name, "--reason is missing: say why, for whoever reads it later");
  if (reason.length > 256) throw wrongUse(name, `--reason is ${reason.length} characters long; 256 are kept`);
  const namespace = (values as { readonly namespace?: string }).namespace;
  const { wait = false, timeout } = values as { readonly wait?: boolean; readonly timeout?: string };
  return {
    words: positionals,
    namespace,
    reason,
    wait: act.takesWait === true ? readWait(name, { wait, timeout }) : undefined,
    kubeconfig: values.kubeconfig,
    context: values.context,
  };
}

// -------------------------------------------------------------------------------------------------------- event

/** Who asked, as well as this side can tell: the API server's audit log knows for certain. */
function describePerson(kubeconfig: string, context: string | undefined, { user, host }: Surroundings): string {
  const account = readContextUser(kubeconfig, context);
  return `${user}@${host}${account === undefined ? "" : ` as ${account}`}`;
}

async function recordAct(
  name: ActName,
  regarding: ObjectReference,
  scene: Scene,
  who: string,
  surroundings: Surroundings,
): Promise<void> {
  const { clock, random, stderr, host } = surroundings;
  const recorder = createEventRecorder({
    client: scene.client,
    clock,
    random,
    reportingController: "ringward.dev/cli",
    reportingInstance: host,
    onError: (error) =>
      void stderr.write(`warning: done, but its event could not be written: ${(error as Error).message}\n`),
  });
  const words = scene.words.length === 0 ? "" : ` ${scene.words.join(" ")}`;
  const reason: Reason = "RequestedByPerson";
  recorder.record({
    regarding,
    type: "Normal",
    reason,
    action: `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    note: `${who}: ${name}${words}${scene.reason === "" ? "" : `: ${scene.reason}`}`,
  });
  await recorder.stop();
}

/** A test of a patch failed, or the resourceVersion was old: somebody else was faster, and nothing was written. */
async function explainConflict<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isPatchTestFailure(error) || isConflict(error))
      throw new UserError(
        "RW0220",
        "the object changed in the meantime, and nothing was written",
        "look again, then repeat the command",
      );
    throw error;
  }
}

// --------------------------------------------------------------------------------------------------------- acts

async function setSuspend({ client, words }: Scene, suspend: boolean): Promise<Done> {
  const [name = ""] = words;
  const ring = await mustGet<RolloutRing & KubeObject>(
    client,
    ROLLOUT_RINGS,
    { name },
    "kubectl get rolloutrings lists them",
  );
  if ((ring.spec.suspend === true) === suspend)
    return { text: `ring ${name} is ${suspend ? "suspended" : "not suspended"} already; nothing was written` };
  await patchTested(client, ROLLOUT_RINGS, ring, [{ op: "add", path: "/spec/suspend", value: suspend }]);
  const text = suspend
    ? `ring ${name} is suspended: nothing new starts, what is in flight ends safely`
    : `ring ${name} is no longer suspended here; if its file says suspend, that still holds`;
  return { text, regarding: referTo(ring, ROLLOUT_RINGS) };
}

async function setMode({ client }: Scene, mode: NonNullable<DisruptionLedgerSpec["mode"]>): Promise<Done> {
  const found = await client.get<DisruptionLedger & KubeObject>(DISRUPTION_LEDGERS, { name: LEDGER_NAME });
  if (found === undefined) {
    const made = await client.create(DISRUPTION_LEDGERS, {
      metadata: { name: LEDGER_NAME },
      spec: { mode },
    } as KubeObject);
    return { text: `the ledger is made, in mode ${mode}`, regarding: referTo(made, DISRUPTION_LEDGERS) };
  }
  const before = found.spec?.mode ?? "Observe";
  if (before === mode) return { text: `the ledger's mode is ${mode} already; nothing was written` };
  const operation: JsonPatchOperation =
    found.spec === undefined
      ? { op: "add", path: "/spec", value: { mode } }
      : { op: "add", path: "/spec/mode", value: mode };
  await patchTested(client, DISRUPTION_LEDGERS, found, [operation]);
  return { text: `the ledger's mode is ${mode}; it was ${before}`, regarding: referTo(found, DISRUPTION_LEDGERS) };
}
