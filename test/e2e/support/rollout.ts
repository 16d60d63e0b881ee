// Plays a rollout to its end: a scripted person merges what is proposed, mends the budget that allows nothing, and lets targets that
// backed off be tried again: nobody has fifteen minutes here.
import { systemClock } from "../../../controller/clock.ts";
import { type Facts, isFinished } from "../../../controller/sandbox/demo/facts.ts";
import type { Fault } from "../../../controller/sandbox/demo/fault.ts";
import { createScriptedPerson } from "../../../controller/sandbox/demo/person.ts";
import type { Scene } from "./scene.ts";
import { waitFor } from "./waiting.ts";

/** Trouble that comes while a rollout runs. */
export interface Trouble {
  /** After each look. */
  step?(facts: Facts): Promise<void>;
  /** The rollout may end only when the trouble is over. */
  over?(facts: Facts): boolean;
  /** What has come of the trouble so far, for when the wait is too long. */
  describe?(facts: Facts | undefined): string;
  /** What the person leaves alone meanwhile. */
  readonly holds?: Pick<Fault, "holdsMerges" | "holdsBudgetFix">;
  readonly withinMs?: number;
}

const LIMIT_MS = 900_000;
const LOOK_MS = 500;

/** Resolves when every target is at its approved level, nothing is in flight and the trouble is over; how long it took, in seconds. */
export async function playRollout(scene: Scene, trouble: Trouble = {}): Promise<number> {
  const begun = systemClock.monotonic();
  const person = createScriptedPerson(scene, trouble.holds);
  let facts: Facts | undefined;
  await waitFor(
    "the rollout to end",
    async () => {
      facts = await scene.look();
      await trouble.step?.(facts);
      const acts = await person.act(facts);
      if (acts.length > 0) await scene.poke();
      if (trouble.holds?.holdsBudgetFix?.(facts) !== true) await retryBackedOff(scene, facts);
      return isFinished(facts) && acts.length === 0 && trouble.over?.(facts) !== false ? true : undefined;
    },
    { withinMs: trouble.withinMs ?? LIMIT_MS, everyMs: LOOK_MS },
    () => [describe(facts), trouble.describe?.(facts) ?? "", scene.controller.output()].join("\n"),
  );
  return Math.round((systemClock.monotonic() - begun) / 1000);
}

async function retryBackedOff(scene: Scene, { nodes }: Facts): Promise<void> {
  for (const { name, reason } of nodes.blocked)
    if (reason === "BackedOff") await scene.ringward("retry", `node/${name}`, "--reason", "what held it up is mended");
}

function describe(facts: Facts | undefined): string {
  if (facts === undefined) return "nothing was seen";
  const { nodes, workloads, claims } = facts;
  const blocked = [...nodes.blocked, ...workloads.blocked].map(({ name, reason }) => `${name} ${reason}`);
  return `${nodes.compliant} of ${nodes.total} nodes, ${workloads.compliant} of ${workloads.total} workloads, ${claims.length} claims; ${blocked.join(", ")}`;
}
