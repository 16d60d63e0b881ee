// What must come before a target is touched (B3, B4, B5, B9), and that every destructive act leaves its intent before and its result
// after it (S4).
import type { Invariant, Report } from "./invariant.ts";
import { at, listAt, type NodeView, textAt } from "./readings.ts";
import { type Act, isSettled, type Step, type World } from "./world.ts";

/** Recipe steps that change a node. */
const CHANGING = new Set(["update", "rollback", "reboot"]);

const checkClaimed: NonNullable<Invariant["check"]> = (step, world, report) => {
  for (const act of step.acts) {
    if (act.kind === "Job" && act.claimId === undefined && act.step === "inventory") {
      if (!isReadOnly(step.version.object))
        report.violated(step.version.key, "an inventory job without a claim may change its node");
      continue;
    }
    report.met();
    const claim = act.claimId === undefined ? undefined : world.claims.get(act.claimId);
    if (claim === undefined) report.violated(nameOf(act), `${describe(act)} without any claim in the ledger`);
    else if (claim.uid !== act.uid)
      report.violated(nameOf(act), `${describe(act)} under a claim of another target (${claim.name})`);
  }
};

function isReadOnly(job: unknown): boolean {
  const containers = listAt(job, "spec", "template", "spec", "containers");
  const pod = at(job, "spec", "template", "spec");
  const quiet = at(pod, "hostPID") !== true && at(pod, "hostNetwork") !== true;
  return (
    quiet &&
    containers.length > 0 &&
    containers.every(
      (container) =>
        at(container, "securityContext", "privileged") !== true &&
        listAt(container, "volumeMounts").every((mount) => at(mount, "readOnly") === true),
    )
  );
}

function nameOf({ target, kind }: Act): string {
  return kind === "Images" || kind === "WorkloadMark" ? `workloads/${target}` : `nodes/${target}`;
}

function describe({ kind, step }: Act): string {
  return step === undefined ? kind : `${kind} ${step}`;
}

const checkEvictions: NonNullable<Invariant["check"]> = ({ acts, version }, world, report) => {
  for (const act of acts) {
    if (act.kind !== "Evict") continue;
    report.met();
    const node = world.nodes.get(act.target);
    if (node === undefined) report.violated(version.key, `evicted from ${act.target}, which does not exist`);
    else if (!node.unschedulable && !isJustGivenBack(node, world))
      report.violated(version.key, `evicted from ${act.target}, which is not cordoned`);
    else if (node.claimId === undefined)
      report.violated(version.key, `evicted from ${act.target}, which bears no claim`);
    else if (world.held.get(node.uid)?.id !== node.claimId && !isJustTaken(node.claimId, world))
      report.violated(version.key, `evicted from ${act.target}, whose claim ${node.claimId} is not in the ledger`);
  }
};

/** No request of the API evicts on condition of what the node says: a person's uncordon may come between the look at it and the eviction. */
function isJustGivenBack({ givenBackAt }: NodeView, world: World): boolean {
  return givenBackAt !== undefined && world.now - givenBackAt < world.settleMs;
}

/** Nor on condition of what the ledger says: a person may replace it in between. */
function isJustTaken(claimId: string, { claims, ledgerTouchedAt, now, settleMs }: World): boolean {
  return claims.has(claimId) && ledgerTouchedAt !== undefined && !isSettled({ now, settleMs }, ledgerTouchedAt);
}

/** Notes when a claim's node, cordoned, had nobody left to evict; the update must come after that. */
const checkDrained: NonNullable<Invariant["check"]> = ({ version, acts, nodeBefore }, world, report) => {
  const { memo } = report;
  if (version.resource === "nodes") noteDrained(world, version.object.metadata.name, memo);
  // The pod that left, or came, may be the last one.
  if (version.resource === "pods") noteDrained(world, textAt(version.object.spec, "nodeName") ?? "", memo);
  if (nodeBefore?.claimId !== undefined && acts.some((act) => act.kind === "Unmark")) memo.delete(nodeBefore.claimId);
  for (const act of acts) {
    if (act.kind !== "Job" || !CHANGING.has(act.step ?? "") || act.claimId === undefined) continue;
    const claim = world.claims.get(act.claimId);
    const level = claim === undefined ? undefined : world.levels.get(claim.level)?.spec;
    const drains =
      act.step === "reboot" || level === undefined || level.disruption === "Reboot" || level.node?.drain === "Always";
    if (!drains) continue;
    report.met();
    if (memo.get(act.claimId) !== true)
      report.violated(
        `nodes/${act.target}`,
        `job ${act.step ?? ""} of claim ${act.claimId} before the node was cordoned and empty`,
      );
  }
};

function noteDrained(world: World, name: string, memo: Map<string, unknown>): void {
  const node = world.nodes.get(name);
  if (node?.claimId === undefined || !node.unschedulable || (world.evictableCount.get(name) ?? 0) > 0) return;
  memo.set(node.claimId, true);
}

const checkBound: NonNullable<Invariant["check"]> = ({ acts, version }, world, report) => {
  for (const act of acts) {
    if (act.claimId === undefined) continue;
    report.met();
    const live =
      act.kind === "Images" || act.kind === "WorkloadMark"
        ? world.workloads.get(act.uid)?.uid
        : world.nodes.get(act.target)?.uid;
    if (live !== act.uid)
      report.violated(
        nameOf(act),
        `${describe(act)} is meant for ${act.uid || "nobody"}, and ${live ?? "nobody"} is there`,
      );
    const claim = world.claims.get(act.claimId);
    if (claim !== undefined && claim.uid !== act.uid)
      report.violated(version.key, `${describe(act)} bears the claim of ${claim.uid}`);
  }
};

/** Steps in which the intent of an act stands in the patch state. */
const INTENTS: Readonly<Record<string, ReadonlySet<string>>> = {
  Cordon: new Set(["Claimed", "Prepared", "Staged"]),
  Evict: new Set(["Cordoned", "Drained"]),
  update: new Set(["Updating"]),
  rollback: new Set(["Updating"]),
  reboot: new Set(["Rebooting"]),
  Images: new Set(["Patching", "RollingBack"]),
};

const checkIntents: NonNullable<Invariant["check"]> = (step, world, report) => {
  settleResults(step, world, report);
  for (const act of step.acts) {
    const intents = INTENTS[act.kind === "Job" ? (act.step ?? "") : act.kind];
    if (intents === undefined || act.claimId === undefined) continue;
    report.met();
    // Who deletes a record after it was read, and before the act, cannot be waited for: the intent had been written.
    const operation = world.operations.get(act.uid) ?? world.takenRecords.get(act.uid);
    if (operation?.claimId !== act.claimId)
      report.violated(nameOf(act), `${describe(act)} without a record of claim ${act.claimId} in the patch state`);
    else if (!intents.has(operation.step))
      report.violated(nameOf(act), `${describe(act)} while the record says ${operation.step}`);
    report.memo.set(act.claimId, { act, step: operation?.step, stepTime: operation?.stepTime });
  }
};

interface Pending {
  readonly act: Act;
  readonly step: string | undefined;
  readonly stepTime: string | undefined;
}

/** A record that moved on is the result. */
function settleResults({ version }: Step, world: World, report: Report): void {
  if (!version.resource.endsWith("patchstates.ringward.dev")) return;
  const uid = textAt(version.object.status, "targetUID");
  for (const [claimId, value] of report.memo) {
    const pending = value as Pending;
    if (pending.act.uid !== uid) continue;
    const operation = world.operations.get(uid);
    const moved =
      operation?.claimId !== claimId ||
      operation.step !== pending.step ||
      operation.stepTime !== pending.stepTime ||
      operation.failure !== undefined;
    if (moved || world.closed.has(claimId)) report.memo.delete(claimId);
  }
}

function endIntents(world: World, report: Report): void {
  for (const [claimId, value] of report.memo) {
    const { act } = value as Pending;
    const there = world.nodeNames.has(act.uid) || world.workloads.has(act.uid);
    if (there && world.held.get(act.uid)?.id !== claimId)
      report.violated(nameOf(act), `${describe(act)} of claim ${claimId} has no result, and the claim is gone`);
  }
}

export const disruption: readonly Invariant[] = [
  { id: "B3", says: "nothing is touched without an earlier claim for that UID in the ledger", check: checkClaimed },
  {
    id: "B4",
    says: "pods are evicted only from a node that is cordoned and marked by a held claim",
    check: checkEvictions,
  },
  { id: "B5", says: "no update or reboot job before the cordoned node was empty", check: checkDrained },
  { id: "B9", says: "acts are bound to the UID that was claimed", check: checkBound },
  {
    id: "S4",
    says: "a destructive act has its intent written before and its result after it",
    check: checkIntents,
    end: endIntents,
  },
];
