// Evidence: who is touched, what the disruption would meet, who is excepted, and which targets merging would not move. Pure.
import type { MemberChange } from "../../api/rollout-ring.ts";
import { nameAsset } from "../asset-name.ts";
import { exceptionsFor } from "../compliance/exceptions.ts";
import type { AssetRow, ExceptionInForce, PdbAsset, PodAsset } from "../model.ts";
import { isInScope } from "../rollout/progress.ts";
import type { Target } from "../rollout/targets.ts";
import { matches } from "../selectors.ts";
import { nameOf, whyOf } from "./evidence-proof.ts";
import { atMost, type EvidenceInput, NOTHING, type Section, showTime, table } from "./evidence-form.ts";

function targetsOf({ plan, proposal }: EvidenceInput): readonly Target[] {
  return plan.targets.filter(
    (target) => target.ring === proposal.ring.name && target.baseline.name === proposal.baseline && isInScope(target),
  );
}

function rowsOf({ plan, proposal }: EvidenceInput): readonly AssetRow[] {
  return plan.rows.filter((row) => row.ring === proposal.ring.name && row.baseline === proposal.baseline);
}

/** Targets by kind and zone, and what a drain of them would meet. */
export function describeTargets(input: EvidenceInput): Section {
  const targets = targetsOf(input);
  const kinds = [...new Set(targets.map((target) => target.workload?.kind ?? "Node"))].sort();
  return { facts: kinds, lines: (rows) => writeTargets(input, targets, rows) };
}

function writeTargets(input: EvidenceInput, targets: readonly Target[], rows: number): readonly string[] {
  const { escape, proposal } = input;
  const groups = Map.groupBy(targets, placeOf);
  const places = [...groups]
    .map(([place, list]) => ({ place, count: list.length }))
    .sort((a, b) => (a.place < b.place ? -1 : 1));
  const list = atMost(places, rows, "places");
  return [
    "#### Who is touched",
    "",
    ...(places.length === 0 ? [`Ring ${escape.code(proposal.ring.name)} has no target in scope now.`] : []),
    ...table(
      ["Kind", "Where", "Targets"],
      list.shown.map(({ place, count }) => [...place.split("\u0000").map((part) => escape.code(part)), String(count)]),
    ),
    ...list.rest,
    "",
    `- The entry covers at most ${proposal.maxTargets} targets: ${proposal.targets} now and a margin; more than that stops the ring (\`ScopeGrew\`).`,
    ...describeTurnover(input, targets, rows),
    ...describeDisruption(input, targets, rows),
  ];
}

/** Who came and who went since the ring's present level was offered, and how many were there then. */
function describeTurnover(input: EvidenceInput, targets: readonly Target[], rows: number): readonly string[] {
  const { proposal, plan } = input;
  const outcome = plan.rings.find((one) => one.ring.name === proposal.ring.name);
  const record = outcome?.levels.find(
    (one) => one.baseline === proposal.baseline && one.digest === proposal.previous?.digest,
  );
  if (record?.offeredTime === undefined || proposal.previous === undefined) return [];
  const since = Date.parse(record.offeredTime);
  const isNew = ({ time }: MemberChange): boolean => Date.parse(time) > since;
  const { joined: known = [], left: gone = [] } = outcome?.ring.status ?? {};
  const came = new Set(known.filter(isNew).map(({ uid }) => uid));
  const joined = targets.filter(
    ({ asset, node, workload }) =>
      came.has(asset.uid) || (node?.createdAt ?? workload?.createdAt ?? Number.NEGATIVE_INFINITY) > since,
  );
  const here = new Set(targets.map(({ asset }) => asset.uid));
  const isNode = proposal.level.spec.target === "Node";
  const left = gone.filter((one) => isNew(one) && !here.has(one.uid) && (one.kind === "Node") === isNode);
  const was = record.targets === undefined ? "" : `; ${record.targets} were in scope then, ${targets.length} are now`;
  if (joined.length === 0 && left.length === 0 && record.targets === targets.length) return [];
  return [
    `- Since ${input.escape.code(proposal.previous.name, 300)} was offered here (${showTime(since)}): ${joined.length} joined, ${left.length} left${was}.`,
    ...listed(
      "Joined, and not updated by this ring before",
      joined.map((target) => (target.node === undefined ? workloadName(target) : `Node ${target.node.name}`)),
      rows,
      input,
    ),
    ...listed("Left", left.map(nameAsset), rows, input, ""),
  ];
}

function placeOf(target: Target): string {
  if (target.node !== undefined) return `Node\u0000zone ${target.node.zone ?? "(none)"}`;
  return `${target.workload?.kind ?? ""}\u0000namespace ${target.workload?.namespace ?? ""}`;
}

function describeDisruption(input: EvidenceInput, targets: readonly Target[], rows: number): readonly string[] {
  const { level } = input.proposal;
  if (level.spec.target === "Image") {
    const pods = targets.reduce((sum, target) => sum + (target.workload?.pods.length ?? 0), 0);
    const single = targets
      .filter((target) => target.workload?.rollout.desired === 1)
      .map((target) => workloadName(target));
    return [`- Pods that are replaced: ${pods}.`, ...listed("Single replicas", single, rows, input)];
  }
  const drains = level.spec.disruption === "Reboot" || level.spec.node?.drain === "Always";
  const nodes = new Set(targets.map((target) => target.asset.name));
  const controlPlane = targets.filter((target) => target.node?.controlPlane === true).length;
  const control = controlPlane === 0 ? [] : [`- Control-plane nodes among them: ${controlPlane}, one at a time.`];
  if (!drains) return [...control, "- No node is drained, as far as is known beforehand."];
  const running = input.inventory.pods.filter(
    (pod) => pod.phase !== "Succeeded" && pod.phase !== "Failed" && !pod.deleting,
  );
  const evicted = running.filter((pod) => pod.nodeName !== undefined && nodes.has(pod.nodeName) && isEvicted(pod));
  const shut = input.inventory.pdbs.filter(
    (pdb) => pdb.disruptionsAllowed <= 0 && evicted.some((pod) => guards(pdb, pod)),
  );
  return [
    ...control,
    `- Pods that are evicted, a few nodes at a time: ${evicted.length}.`,
    ...listed(
      "PodDisruptionBudgets that allow no eviction now",
      shut.map((pdb) => `${pdb.namespace}/${pdb.name}`),
      rows,
      input,
    ),
    ...listed("Single replicas, which are gone while they move", singles(running, evicted), rows, input),
    ...listed(
      "Bare pods, which nothing brings back",
      evicted.filter((pod) => pod.controller === undefined).map((pod) => `${pod.namespace}/${pod.name}`),
      rows,
      input,
    ),
  ];
}

function workloadName({ workload }: Target): string {
  return `${workload?.kind ?? ""} ${workload?.namespace ?? ""}/${workload?.name ?? ""}`;
}

function isEvicted(pod: PodAsset): boolean {
  return !pod.mirror && pod.controller?.kind !== "DaemonSet";
}

function guards(pdb: PdbAsset, pod: PodAsset): boolean {
  return pdb.namespace === pod.namespace && pdb.selector !== undefined && matches(pdb.selector, pod.labels);
}

/** Controllers with one pod in the whole cluster, that pod being evicted. */
function singles(running: readonly PodAsset[], evicted: readonly PodAsset[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { controller } of running)
    if (controller !== undefined) counts.set(controller.uid, (counts.get(controller.uid) ?? 0) + 1);
  return evicted.flatMap(({ controller, namespace, job }) =>
    controller !== undefined && !job && counts.get(controller.uid) === 1
      ? [`${controller.kind} ${namespace}/${controller.name}`]
      : [],
  );
}

function listed(
  what: string,
  names: readonly string[],
  rows: number,
  { escape }: EvidenceInput,
  sign = "⚠ ",
): readonly string[] {
  if (names.length === 0) return [];
  const shown = [...names].sort().slice(0, Math.min(rows, 20));
  const left = names.length - shown.length;
  const text = [...shown.map((name) => escape.code(name)), ...(left > 0 ? [`${left} more`] : [])].join(", ");
  return [`- ${sign}${what} (${names.length}): ${text}.`];
}

const WAITS = new Set([
  "WaitingForApproval",
  "PredecessorNotSoaked",
  "Deferred",
  "OutsideWindow",
  "Frozen",
  "RingBudgetExhausted",
  "ZoneBudgetExhausted",
  "LimitReached",
  "Observing",
  "ScopeGrew",
  "LedgerFull",
  "LevelWithdrawn",
]);

/** Targets that stand still for a reason which merging does not change. */
export function describeHindered(input: EvidenceInput): Section {
  const { escape } = input;
  const hindered = rowsOf(input).flatMap((row) => {
    const blocks = row.blockedBy.filter((block) => !WAITS.has(block.reason));
    return blocks.length === 0 ? [] : [{ ...row, blockedBy: blocks }];
  });
  const unknown = rowsOf(input).filter(
    (row) => row.state === "Unknown" && !hindered.some((other) => other.asset.uid === row.asset.uid),
  );
  const all = [...hindered, ...unknown];
  if (all.length === 0) return NOTHING;
  return {
    facts: all.map((row) => [nameOf(row), row.blockedBy[0]?.reason ?? row.reason ?? null]),
    lines: (rows) => {
      const list = atMost(all, rows, "targets");
      const cells = list.shown.map((row) => [escape.code(nameOf(row)), row.state, whyOf(input, row)]);
      return ["#### What merging would not move", "", ...table(["Target", "State", "Why"], cells), ...list.rest];
    },
  };
}

/** Exceptions that cover a target of this ring now. */
export function describeExceptions(input: EvidenceInput): Section {
  const { policy } = input;
  const counts = countExcepted(input);
  const found = policy.exceptions.filter((one) => counts.has(one.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  if (found.length === 0) return NOTHING;
  return {
    facts: found.map(({ name, spec }) => [name, spec.owner, spec.expirationTime]),
    lines: (rows) => writeExceptions(input, found, counts, rows),
  };
}

function countExcepted({ plan, policy, proposal }: EvidenceInput): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  if (policy.exceptions.length === 0) return counts;
  for (const target of plan.targets) {
    if (target.ring !== proposal.ring.name || target.baseline.name !== proposal.baseline) continue;
    const { asset, workload } = target;
    const name = workload === undefined ? asset.name : `${workload.namespace}/${asset.name}`;
    const kind = workload === undefined ? "Node" : "Workload";
    for (const one of exceptionsFor(
      policy.exceptions,
      { kind, name, labels: asset.labels },
      proposal.baseline,
      plan.at,
    ))
      counts.set(one.name, (counts.get(one.name) ?? 0) + 1);
  }
  return counts;
}

function writeExceptions(
  { escape }: EvidenceInput,
  found: readonly ExceptionInForce[],
  counts: ReadonlyMap<string, number>,
  rows: number,
): readonly string[] {
  const list = atMost(found, rows, "exceptions");
  const cells = list.shown.map(({ name, spec }) => [
    escape.code(name),
    String(counts.get(name) ?? 0),
    escape.text(spec.owner),
    showTime(Date.parse(spec.expirationTime)),
    escape.text(spec.justification),
  ]);
  return [
    "#### Exceptions that hold here",
    "",
    ...table(["Exception", "Targets", "Owner", "Until", "Why"], cells),
    ...list.rest,
  ];
}

/** All targets by name, folded. */
export function describeNames(input: EvidenceInput): Section {
  const { escape, proposal } = input;
  return {
    facts: [],
    lines: (rows) => {
      const mine = rowsOf(input);
      if (mine.length === 0 || rows === 0) return [];
      const list = atMost(mine, rows, "targets");
      const cells = list.shown.map((row) => [escape.code(nameOf(row)), row.state, row.phase]);
      return [
        `<details><summary>All targets of ring ${escape.text(proposal.ring.name)} (${mine.length})</summary>`,
        "",
        ...table(["Target", "State now", "Phase"], cells),
        ...list.rest,
        "",
        "</details>",
      ];
    },
  };
}
