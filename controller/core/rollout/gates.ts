// A ring's gates at one instant. Three-valued, and what is not known never passes: `GateShut` was measured and is bad, `GateUnknown` was
// not measured. Targets that Ringward itself holds down (claimed, not failed) do not shut a gate: their claim already counts.
// How long a gate held is a sum of observed time, as soak is: restarts and clock jumps only lengthen it; one look that finds it shut
// begins it anew.
import type { Gate } from "../../api/gate.ts";
import type { GateStatus } from "../../api/rollout-ring.ts";
import type { Instant } from "../../clock.ts";
import { parseDuration } from "../duration.ts";
import { askOf, gateDigest, holdOf, keyOfAsk } from "../gates/asks.ts";
import { judgeReading, shut, unknown } from "../gates/judge.ts";
import type { GateReadings } from "../gates/readings.ts";
import type { Block, PodAsset } from "../model.ts";
import { compareText } from "../text-order.ts";
import type { Share } from "./census.ts";

/** What is well of the ring's nodes, of all workloads and of pods, without what is under a claim that has not failed. */
export interface GateFacts {
  readonly nodes: Share;
  readonly workloads: Share;
  readonly podsOf: (gate: Gate) => Share;
  readonly blockingOf: (gate: Gate) => readonly PodAsset[];
}

export interface GateInput {
  readonly ring: string;
  readonly now: Instant;
  /** Undefined: nobody asks here (a dump, the command line), and what the controller wrote down counts. */
  readonly readings: GateReadings | undefined;
  readonly stored: readonly GateStatus[];
  /** Exact time that gates held, ms, by `holdKey`; undefined: the first look of a process, which starts from what is stored. */
  readonly heldMs: ReadonlyMap<string, number> | undefined;
  readonly observedMs: number;
}

export interface GateOutcome {
  readonly gate: Gate;
  /** Why it is shut. */
  readonly block: Block | undefined;
  /** How long it held, ms, at most as long as it has to; undefined: it does not, or need not for any time. */
  readonly heldMs: number | undefined;
  /** What is to be stored; undefined: the caches know again after a restart. */
  readonly status: GateStatus | undefined;
}

/** All gates of a ring, in the order of their names. */
export function lookAtGates(gates: readonly Gate[], facts: GateFacts, input: GateInput): readonly GateOutcome[] {
  return [...gates].sort((a, b) => compareText(a.name, b.name)).map((gate) => lookAtGate(gate, facts, input));
}

function lookAtGate(gate: Gate, facts: GateFacts, input: GateInput): GateOutcome {
  const ask = askOf(gate);
  if (ask === undefined) return { gate, block: judgeFacts(gate, facts), heldMs: undefined, status: undefined };
  if (input.readings === undefined) return recallGate(gate, input);
  const block = judgeReading(gate, input.readings.get(keyOfAsk(ask)), input.now);
  const wanted = parseDuration(holdOf(gate) ?? "0s") ?? Number.POSITIVE_INFINITY;
  if (block !== undefined) return { gate, block, heldMs: undefined, status: statusOf(gate, "Shut", undefined, block) };
  const before = heldBefore(gate, input);
  // Time counts only between two looks that both found it holding.
  const heldMs = before === undefined ? 0 : Math.min(wanted, before + input.observedMs);
  if (heldMs >= wanted) return { gate, block: undefined, heldMs, status: statusOf(gate, "Open", heldMs, undefined) };
  const holding = shut(
    gate,
    `holds, and has to for ${holdOf(gate)}: ${Math.floor(heldMs / 1000)} s of it were observed`,
  );
  return { gate, block: holding, heldMs, status: statusOf(gate, "Holding", heldMs, holding) };
}

/** By what a gate's held time is remembered: an edited gate is another one. */
export function holdKey(ring: string, gate: Gate): string {
  return `${ring}/${gate.name}/${gateDigest(gate)}`;
}

function heldBefore(gate: Gate, { ring, heldMs, stored }: GateInput): number | undefined {
  if (heldMs !== undefined) return heldMs.get(holdKey(ring, gate));
  const known = stored.find(({ name, digest }) => name === gate.name && digest === gateDigest(gate));
  return known === undefined || known.state === "Shut" ? undefined : (known.heldSeconds ?? 0) * 1000;
}

/** Where nobody asks, the controller's last word counts. */
function recallGate(gate: Gate, { stored }: GateInput): GateOutcome {
  const known = stored.find(({ name, digest }) => name === gate.name && digest === gateDigest(gate));
  const block =
    known === undefined
      ? unknown(gate, "nobody has asked yet")
      : known.state === "Open"
        ? undefined
        : { reason: known.reason ?? ("GateUnknown" as const), message: known.message ?? `gate ${gate.name} is shut` };
  return { gate, block, heldMs: undefined, status: known };
}

function statusOf(
  gate: Gate,
  state: GateStatus["state"],
  heldMs: number | undefined,
  block: Block | undefined,
): GateStatus {
  return {
    name: gate.name,
    digest: gateDigest(gate),
    state,
    ...(heldMs === undefined ? {} : { heldSeconds: Math.floor(heldMs / 1000) }),
    ...(block === undefined
      ? {}
      : {
          reason: block.reason === "GateShut" ? ("GateShut" as const) : ("GateUnknown" as const),
          message: block.message.slice(0, 512),
        }),
  };
}

function judgeFacts(gate: Gate, facts: GateFacts): Block | undefined {
  switch (gate.type) {
    case "NodesReady":
      return judgeShare(gate, facts.nodes);
    case "WorkloadsAvailable":
      return judgeShare(gate, facts.workloads);
    case "PodsReady":
      return judgeShare(gate, facts.podsOf(gate));
    case "BlockingPods":
      return gate.pods?.within === "Cluster" ? judgeBlocking(gate, facts.blockingOf(gate)) : undefined;
    case "PromQL":
    case "Alerts":
    case "CEL":
      return unknown(gate, "it does not say what to ask");
    default:
      return gate.type satisfies never;
  }
}

function judgeShare(gate: Gate, { total, well }: Share): Block | undefined {
  const wanted = gate.minPercent ?? 100;
  if (total === 0) return unknown(gate, "NoData: there is nothing to count");
  const healthy = (well * 100) / total;
  return healthy >= wanted ? undefined : shut(gate, `${Math.floor(healthy)}%, ${wanted}% is needed`);
}

function judgeBlocking(gate: Gate, pods: readonly PodAsset[]): Block | undefined {
  const names = pods.map(nameOf).sort(compareText);
  return names.length === 0 ? undefined : shut(gate, `pod ${andMore(names)}`);
}

/** Nodes that a pod holds back, by name, with the gate that says so. */
export function findBlockedNodes(gates: readonly Gate[], facts: GateFacts): ReadonlyMap<string, Block> {
  const found = new Map<string, Block>();
  for (const gate of [...gates].sort((a, b) => compareText(a.name, b.name))) {
    if (gate.type !== "BlockingPods" || gate.pods?.within === "Cluster") continue;
    const byNode = Map.groupBy(facts.blockingOf(gate), ({ nodeName }) => nodeName ?? "");
    for (const [node, pods] of byNode)
      if (node !== "" && !found.has(node)) found.set(node, blockedBy(gate, pods.map(nameOf).sort(compareText)));
  }
  return found;
}

/** The block of a node on which such pods are. */
export function blockedBy({ name }: Gate, pods: readonly string[]): Block {
  return { reason: "BlockingPod", message: `gate ${name}: pod ${andMore(pods)} holds the node back` };
}

function nameOf({ namespace, name }: PodAsset): string {
  return `${namespace}/${name}`;
}

function andMore([first, ...others]: readonly string[]): string {
  return others.length === 0 ? (first ?? "") : `${first} and ${others.length} more`;
}
