// The demo from curtain to curtain: sandbox up, Observe, Enforce, approvals, the end, and the verdict. It only looks, plays the person
// where asked to, and judges by the cluster and the store's history.
import { rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { seededRandom, systemClock } from "../../clock.ts";
import { UserError } from "../../errors.ts";
import { installRingward, startSandbox } from "../start.ts";
import { demoFile } from "../workspace.ts";
import { type Facts, isFinished, readFacts } from "./facts.ts";
import type { Fault, FaultResult } from "./fault.ts";
import { FAULT_NAMES, findFault } from "./faults/index.ts";
import { createScriptedPerson } from "./person.ts";
import { judge, type DemoResult } from "./result.ts";
import { createStage, type Stage } from "./stage.ts";
import type { Story } from "./story.ts";

export interface DemoOptions {
  readonly autoApprove: boolean;
  readonly fault: string | undefined;
  readonly seed: number;
  /** Policy time against real time. */
  readonly rate: number;
  /** Gives up after so long, real ms. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Cluster-wide limits of the demo; rings tighten them. */
const LIMITS = { nodes: 14, workloads: 12, nodesPerZone: 7 };
const LOOK_MS = 400;
const PATIENCE_MS = 10_000;

/** Runs it. Throws UserError for a fault that does not exist. */
export async function runDemo(options: DemoOptions, story: (now: () => number) => Story): Promise<DemoResult> {
  const fault = options.fault === undefined ? undefined : findFault(options.fault);
  if (options.fault !== undefined && fault === undefined)
    throw new UserError("RW0303", `there is no fault ${options.fault}`, `one of ${FAULT_NAMES.join(", ")}`);
  const begun = systemClock.monotonic();
  const elapsed = (): number => (systemClock.monotonic() - begun) / 1000;
  const teller = story(elapsed);
  const errors: string[] = [];
  const policy = fileURLToPath(new URL("../../../examples/quickstart", import.meta.url));
  const sandbox = await startSandbox({
    transport: systemClock,
    random: seededRandom(options.seed),
    policy,
    rate: options.rate,
    onError: (source, error) => errors.push(`${source}: ${String(error)}`),
  });
  const { forge } = sandbox;
  if (forge === undefined) throw new Error("the sandbox started without a forge");
  const stage = createStage(sandbox, forge, systemClock, options.seed, (line) => errors.push(line));
  try {
    await installRingward(sandbox, { mode: "Observe", limits: LIMITS, clock: systemClock });
    const kubeconfig = sandbox.workspace.write("kubeconfig", sandbox.kubeconfig);
    writeFileSync(demoFile(), JSON.stringify({ kubeconfig, forge: forge.apiUrl, url: forge.url, pid: process.pid }), {
      mode: 0o600,
    });
    teller.tell(`an embedded cluster: 60 nodes, 40 workloads    export KUBECONFIG=${kubeconfig}`);
    teller.tell(`a forge with the policy repository             ${forge.url}`);
    await play(stage, fault, options, teller);
    const facts = await look(stage);
    teller.end();
    await stage.controller.stop();
    return await judge({ stage, facts, fault: faultResult(fault, facts), elapsedSeconds: elapsed() });
  } finally {
    rmSync(demoFile(), { force: true });
    await stage.controller.kill();
    await sandbox.stop();
    if (process.env["RINGWARD_DEMO_LOG"] !== undefined)
      writeFileSync(process.env["RINGWARD_DEMO_LOG"], `${errors.join("\n")}\n`);
  }
}

function faultResult(fault: Fault | undefined, facts: Facts): FaultResult | null {
  if (fault === undefined) return null;
  return { name: fault.name, promise: fault.promise, ...fault.result(facts) };
}

async function look({ sandbox, reader }: Stage): Promise<Facts> {
  return readFacts(await reader.read(), sandbox.clock.now(), "v1.36.2");
}

async function play(stage: Stage, fault: Fault | undefined, options: DemoOptions, teller: Story): Promise<void> {
  const end = systemClock.monotonic() + options.limitMs;
  stage.controller.start();
  await observe(stage, teller, end);
  await fault?.prepare?.(stage);
  await stage.setMode("Enforce");
  teller.tell("a person sets the ledger's mode to Enforce");
  const person = options.autoApprove ? createScriptedPerson(stage, fault) : undefined;
  const waiting = new Set<number>();
  let finishedAt: number | undefined;
  while (systemClock.monotonic() < end && !options.signal.aborted) {
    const facts = await look(stage);
    const news = await fault?.step(stage, facts);
    if (news !== undefined) teller.tell(`fault: ${news}`);
    for (const line of (await person?.act(facts)) ?? []) teller.tell(line);
    const open = (await stage.forge.pullRequests()).filter((pull) => pull.state === "open");
    if (person === undefined)
      for (const pull of open) {
        if (waiting.has(pull.number)) continue;
        waiting.add(pull.number);
        teller.tell(`#${pull.number} ${pull.title}    ${stage.forge.url}    or: ringward demo merge ${pull.number}`);
      }
    teller.show(facts, open.length);
    if (!isFinished(facts) || open.length > 0) finishedAt = undefined;
    else if (fault === undefined || fault.result(facts).ok) return;
    // Compliant, but the trouble did not end as promised: it will not any more.
    else if (systemClock.monotonic() - (finishedAt ??= systemClock.monotonic()) > PATIENCE_MS) return;
    await systemClock.sleep(LOOK_MS);
  }
}

/** First nothing is touched: what would be done is told. */
async function observe(stage: Stage, teller: Story, end: number): Promise<void> {
  teller.tell("the controller starts in mode Observe: it assesses, plans and proposes, and touches nothing");
  while (systemClock.monotonic() < end) {
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
      teller.tell(
        `  it would now update ${next.map((decision) => decision.target.name).join(", ")}, and nothing else yet`,
      );
      return;
    }
    await systemClock.sleep(LOOK_MS / 2);
  }
}
