// The drain of a claimed node: the last look before its cordon, the evictions in their order, what they wait for, and when that is long
// enough. The update starts only from a live list that says drained (B5), and when the volumes of the pods that left are detached.
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import type { Block } from "../model.ts";
import { describeRefusals, foreseeEviction, indexBudgets } from "./budgets.ts";
import {
  describeAttached,
  describeLeaving,
  describeStanding,
  describeStuck,
  type DrainView,
  isDrained,
  viewDrain,
} from "./drain.ts";
import { mustGo } from "./forecast.ts";
import { retreat } from "./node-retreat.ts";
import { hasStep, type NodeAct, record, type RecipeStepName, type Scene, SETTLE_MS, updateStep } from "./node-view.ts";

function look({ pods, drain: policy, volumes }: Scene): DrainView {
  return viewDrain(pods, policy, volumes);
}

/** Refusals that may pass by themselves: the node waits for them, not cordoned, for as long as a drain may take. */
const PASSING: ReadonlySet<string> = new Set(["PDBBlocked", "ServerBusy"]);

/** Steps that run on the cordoned node: a cluster that takes none of their jobs is heard before its pods have moved. */
function stepsAhead(scene: Scene): readonly RecipeStepName[] {
  const steps: readonly RecipeStepName[] = [updateStep(scene.operation), "inventory", "reboot"];
  return steps.filter((step) => hasStep(scene, step));
}

/**
 * Why the node is not cordoned yet: a drain or an update that cannot succeed gives the claim back, an eviction that is refused now is
 * waited for. Undefined: every eviction and every job would be granted, as far as each by itself goes.
 */
export function lookAhead(scene: Scene): NodeAct | undefined {
  const view = look(scene);
  const standing = describeStanding(view);
  if (standing !== undefined) return retreat(scene, standing);
  const [pods, steps] = [mustGo(view), stepsAhead(scene)];
  if (pods.length === 0 && steps.length === 0) return undefined;
  if (scene.trial === undefined) return { kind: "Rehearse", pods, steps };
  if (scene.trial.kind === "Granted") return undefined;
  const { block } = scene.trial;
  if (!PASSING.has(block.reason)) return retreat(scene, block);
  const since = Date.parse(scene.operation.stepTime);
  return giveUpOn(scene, block, since, "it was not cordoned: ") ?? { kind: "Wait", block: dated(scene, block, since) };
}

/** One act of the drain. */
export function drain(scene: Scene): NodeAct {
  const { now, operation } = scene;
  const since = Date.parse(operation.stepTime);
  const view = look(scene);
  if (!isDrained(view)) return emptyNode(scene, view, since);
  if (now - since < SETTLE_MS)
    return {
      kind: "Wait",
      block: { reason: "Draining", message: "waiting for late bindings after the cordon", since },
      // An empty node is quiet: without this it stayed cordoned until the next idle look.
      until: since + SETTLE_MS,
    };
  return awaitVolumes(scene, view, since) ?? record(scene, "Drained");
}

/** Pods that were bound late send us back to draining; undefined: the node is empty and its volumes are gone. */
export function leaveDrained(scene: Scene): NodeAct | undefined {
  const view = look(scene);
  const since = Date.parse(scene.operation.stepTime);
  return isDrained(view) ? awaitVolumes(scene, view, since) : emptyNode(scene, view, since);
}

function emptyNode(scene: Scene, view: DrainView, since: Instant): NodeAct {
  const block = dated(scene, describeDrain(scene, view), since);
  const end = giveUpOn(scene, block, since, "");
  if (end !== undefined) return end;
  // What the cluster itself runs on goes when all others are gone.
  const others = view.evict.length + view.ending.length + view.standing.length + view.completing.length;
  const wave = others > 0 ? view.evict : view.later;
  return wave.length === 0 ? { kind: "Wait", block } : { kind: "Evict", pods: wave, wait: block };
}

/** The most decisive first. */
function describeDrain({ now, pdbs }: Scene, view: DrainView): Block {
  const budgets = indexBudgets(pdbs);
  return (
    describeStanding(view) ??
    describeRefusals(view.evict.flatMap((pod) => foreseeEviction(pod, budgets) ?? [])) ??
    describeStuck(view, now) ??
    describeLeaving(view)
  );
}

function awaitVolumes(scene: Scene, view: DrainView, since: Instant): NodeAct | undefined {
  if (scene.drain.volumes === "Ignore") return undefined;
  const attached = describeAttached(view, scene.attachments ?? [], scene.volumes ?? []);
  if (attached === undefined) return undefined;
  return giveUpOn(scene, attached, since, "") ?? { kind: "Wait", block: dated(scene, attached, since) };
}

/** The drain took longer than it may, and the ring says that it is then undone. */
function giveUpOn(scene: Scene, block: Block, since: Instant, how: string): NodeAct | undefined {
  const { timeout = "15m", onTimeout = "BackOut" } = scene.drain;
  const limit = parseDuration(timeout) ?? 15 * 60_000;
  if (onTimeout !== "BackOut" || scene.now - since < limit) return undefined;
  return retreat(scene, {
    reason: "DrainTimedOut",
    message: `the drain did not end in ${timeout}: ${how}${block.message}`,
  });
}

/** The same reason as before keeps its time. */
function dated({ state }: Scene, block: Block, since: Instant): Block {
  const before = state?.blockedBy?.find((other) => other.reason === block.reason)?.since;
  return { ...block, since: before === undefined ? since : Date.parse(before) };
}
