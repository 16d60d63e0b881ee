// The demo from curtain to curtain: sandbox up, Observe, Enforce, approvals, the end, and the verdict. It only looks, plays the person
// where asked to, and judges by the cluster and the store's history.
import { writeFileSync } from "node:fs";
import { seededRandom, systemClock } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import { type BindAddress, formatAddress } from "../../serve/bind-address.ts";
import { BLOCKING_BUDGET } from "../fleet/quickstart.ts";
import { installRingward, startSandbox } from "../start.ts";
import { announceDemo } from "../workspace.ts";
import { type Facts, isFinished, readFacts } from "./facts.ts";
import type { Fault, FaultResult } from "./fault.ts";
import { FAULT_NAMES, findFault } from "./faults/index.ts";
import { createNews } from "./news.ts";
import { createScriptedPerson, isHeldByBudget, mendCommand } from "./person.ts";
import { judge, type DemoResult, pullAddress } from "./result.ts";
import { createStage, type Stage } from "./stage.ts";
import type { Story } from "./story.ts";
import { productFile } from "../../place.ts";

export interface DemoOptions {
  readonly autoApprove: boolean;
  readonly fault: string | undefined;
  readonly seed: number;
  /** Policy time against real time. */
  readonly rate: number;
  /** Whether to give up after so long, real ms. */
  readonly givesUp: (elapsedMs: number) => boolean;
  /** Leaves cluster and forge up after the end, until the signal. */
  readonly keep: boolean;
  /** Where the controller serves its metrics. */
  readonly metrics: BindAddress | undefined;
  /** How a person calls the command line here. */
  readonly cli: string;
  /** Stops the run; nothing is judged then. */
  readonly signal: AbortSignal;
}

/** Cluster-wide limits of the demo; rings tighten them. */
const LIMITS = { nodes: 14, workloads: 12, nodesPerZone: 7 };
const LOOK_MS = 400;
const PATIENCE_MS = 10_000;

/** Runs it. Answers nothing when it was stopped before its end. Throws UserError for a fault that does not exist. */
export async function runDemo(
  options: DemoOptions,
  story: (now: () => number) => Story,
  /** Told the verdict as soon as there is one. */
  report: (result: DemoResult) => void = () => undefined,
): Promise<DemoResult | undefined> {
  const fault = options.fault === undefined ? undefined : findFault(options.fault);
  if (options.fault !== undefined && fault === undefined)
    throw new UserError("RW0303", `there is no fault ${options.fault}`, `one of ${FAULT_NAMES.join(", ")}`);
  const begun = systemClock.monotonic();
  const elapsed = (): number => (systemClock.monotonic() - begun) / 1000;
  const teller = story(elapsed);
  const errors: string[] = [];
  const policy = productFile("examples/quickstart");
  const sandbox = await startSandbox({
    transport: systemClock,
    random: seededRandom(options.seed),
    policy,
    rate: options.rate,
    onError: (source, error) => errors.push(`${source}: ${String(error)}`),
  });
  const { forge } = sandbox;
  if (forge === undefined) throw new Error("the sandbox started without a forge");
  const { seed, metrics } = options;
  const stage = createStage(sandbox, forge, systemClock, { seed, metrics, onLog: (line) => errors.push(line) });
  let leave: (() => void) | undefined;
  try {
    await installRingward(sandbox, { mode: "Observe", limits: LIMITS, clock: systemClock });
    const kubeconfig = sandbox.workspace.write("kubeconfig", sandbox.kubeconfig);
    leave = announceDemo({ kubeconfig, forge: forge.apiUrl, url: forge.url, pid: process.pid });
    const scene = { stage, fault, options, teller, kubeconfig, found: leave !== undefined };
    tellWhere(scene);
    await play(scene);
    const facts = await look(stage);
    teller.end();
    if (options.signal.aborted) return undefined;
    await stage.controller.stop();
    const result = await judge({ stage, facts, fault: faultResult(fault, facts), elapsedSeconds: elapsed() });
    report(result);
    if (options.keep) await keepUp(scene);
    return result;
  } finally {
    leave?.();
    await stage.controller.kill();
    await sandbox.stop();
    if (process.env["RINGWARD_DEMO_LOG"] !== undefined)
      writeFileSync(process.env["RINGWARD_DEMO_LOG"], `${errors.join("\n")}\n`);
  }
}

/** What a run is played with. */
interface Scene {
  readonly stage: Stage;
  readonly fault: Fault<Stage> | undefined;
  readonly options: DemoOptions;
  readonly teller: Story;
  readonly kubeconfig: string;
  /** Other commands find this demo by themselves. */
  readonly found: boolean;
}

function tellWhere({ stage, options, teller, kubeconfig, found }: Scene): void {
  const { url, gitUrl } = stage.forge;
  teller.tell(
    "an embedded cluster: 60 nodes (Ubuntu, Flatcar, Rocky) in three zones, 40 workloads; old patches everywhere",
    `look on:   export KUBECONFIG=${kubeconfig}`,
    ...(found ? [`           ${options.cli} status     ${options.cli} why node/ubuntu-05`] : []),
  );
  teller.tell("a forge with the policy repository", `pages:     ${url}`, `clone it:  git clone ${gitUrl}`);
  if (options.metrics !== undefined)
    teller.tell(
      "the controller's metrics, for a Prometheus",
      `scrape:    http://${formatAddress(options.metrics)}/metrics`,
    );
  if (!found) teller.tell("another demo runs already: `status` and `demo merge` mean that one, unless told otherwise");
}

/** The fleet as it is now, for a person who wants to look around. */
async function keepUp({ stage, options, teller }: Scene): Promise<void> {
  stage.controller.start();
  teller.tell("cluster, forge and controller stay up until Ctrl-C");
  while (!options.signal.aborted) await systemClock.sleep(LOOK_MS / 2);
}

function faultResult(fault: Fault<Stage> | undefined, facts: Facts): FaultResult | null {
  if (fault === undefined) return null;
  return { name: fault.name, promise: fault.promise, ...fault.result(facts) };
}

async function look({ sandbox, reader }: Stage): Promise<Facts> {
  return readFacts(await reader.read(), sandbox.clock.now(), "v1.36.2");
}

async function play(scene: Scene): Promise<void> {
  const { stage, fault, options, teller } = scene;
  const begun = systemClock.monotonic();
  const isOver = (): boolean => {
    // Ctrl-C in a terminal is the controller's, too: it ends on it as we do.
    if (options.signal.aborted) return true;
    // Nothing would ever move again, and the reason stands in its last words.
    if (stage.controller.died !== undefined) throw explainDeath(stage.controller.died);
    return options.givesUp(systemClock.monotonic() - begun);
  };
  stage.controller.start();
  await observe(stage, teller, isOver);
  if (isOver()) return;
  await fault?.prepare?.(stage);
  await stage.setMode("Enforce");
  teller.tell("a person sets the ledger's mode to Enforce");
  const person = options.autoApprove ? createScriptedPerson(stage, fault) : undefined;
  const advise = createAdvice(scene);
  const news = createNews();
  let finishedAt: number | undefined;
  while (!isOver()) {
    const facts = await look(stage);
    const trouble = await fault?.step(stage, facts);
    if (trouble !== undefined) teller.tell(`fault: ${trouble}`);
    for (const line of news(facts)) teller.tell(line);
    for (const line of (await person?.act(facts)) ?? []) teller.tell(line);
    const open = (await stage.forge.pullRequests()).filter((pull) => pull.state === "open");
    if (person === undefined) advise(facts, open);
    teller.show(
      facts,
      open.map((pull) => ({ number: pull.number, ring: pull.head.split("/")[1] ?? "" })),
    );
    if (!isFinished(facts) || open.length > 0) finishedAt = undefined;
    else if (fault === undefined || fault.result(facts).ok) return;
    // Compliant, but the trouble did not end as promised: it will not any more.
    else if (systemClock.monotonic() - (finishedAt ??= systemClock.monotonic()) > PATIENCE_MS) return;
    await systemClock.sleep(LOOK_MS);
  }
}

/** Tells a person what waits for them, once each: pull requests, and the budget that allows nothing. */
function createAdvice({
  stage,
  options,
  teller,
  kubeconfig,
  found,
}: Scene): (facts: Facts, open: readonly { readonly number: number; readonly title: string }[]) => void {
  const told = new Set<number>();
  let mended = false;
  const elsewhere = found ? "" : ` --forge ${stage.forge.apiUrl}`;
  return (facts, open) => {
    for (const pull of open) {
      if (told.has(pull.number)) continue;
      told.add(pull.number);
      teller.tell(
        `pull request #${pull.number} waits for you: ${pull.title}`,
        `${pullAddress(stage.forge, pull.number)}   or: ${options.cli} demo merge ${pull.number}${elsewhere}`,
      );
    }
    if (mended || !isHeldByBudget(facts)) return;
    mended = true;
    teller.tell(
      `PodDisruptionBudget ${BLOCKING_BUDGET.namespace}/${BLOCKING_BUDGET.name} wants all of its three pods, always: let it spare one`,
      mendCommand(kubeconfig),
      ...(found ? [`or, without kubectl: ${options.cli} demo mend`] : []),
    );
  };
}

/** What a person can mend, such as a port that is taken, the controller says in its last line; anything else is a defect, with its last words. */
function explainDeath(died: string): Error {
  const [, complaint] = /^ringward controller: (.+?)(?: \[RW\d{4}\])?$/.exec(died.split("\n").at(-1) ?? "") ?? [];
  return complaint === undefined
    ? new Error(died)
    : new UserError("RW0309", `the controller did not start: ${complaint}`);
}

/** First nothing is touched: what would be done is told. */
async function observe(stage: Stage, teller: Story, isOver: () => boolean): Promise<void> {
  teller.tell("the controller starts in mode Observe: it assesses, plans and proposes, and touches nothing");
  while (!isOver()) {
    const facts = await look(stage);
    const known = facts.plan.rows.filter((row) => row.state !== "Unknown").length;
    const canary = facts.plan.rings.find((outcome) => outcome.ring.name === "canary");
    if (
      known === facts.plan.rows.length &&
      known >= 100 &&
      canary !== undefined &&
      canary.entries.approvals.size === 4
    ) {
      for (const [baseline, approval] of canary.entries.approvals)
        teller.tell(`  canary got ${approval.level.name} of ${baseline} by a commit of its own`);
      const next = facts.plan.decisions.filter((decision) => decision.action === "claim");
      const names = next.map(({ target }) => `${target.kind.toLowerCase()}/${target.name}`);
      teller.tell(`  it would now update ${names.join(", ")}`);
      teller.tell("  and nothing else: rings early and broad wait for canary's soak and for a person's approval");
      return;
    }
    teller.show(facts, []);
    await systemClock.sleep(LOOK_MS / 2);
  }
}
