// Evidence: what the rings before did with this very level, and, by name, what is not done there. Pure.
import type { RingLevelStatus } from "../../api/rollout-ring.ts";
import { exceptionsFor } from "../compliance/exceptions.ts";
import { formatDuration, parseDuration } from "../duration.ts";
import { nameAsset } from "../asset-name.ts";
import type { AssetRow } from "../model.ts";
import type { RingOutcome } from "../rollout/summary.ts";
import { atMost, type EvidenceInput, NOTHING, type Section, showTime, table } from "./evidence-form.ts";

/** One ring before, at the proposed level. */
export interface Proof {
  readonly name: string;
  readonly outcome: RingOutcome | undefined;
  readonly record: RingLevelStatus | undefined;
  readonly soaked: boolean;
  /** No target of the baseline at all. */
  readonly empty: boolean;
  /** Empty, and completion.onEmpty says that levels pass through it. */
  readonly passes: boolean;
  readonly notDone: readonly AssetRow[];
}

/** The rings before, at the proposed level. */
export function proofsOf({ proposal, plan }: Pick<EvidenceInput, "proposal" | "plan">): readonly Proof[] {
  return [...(proposal.ring.spec.after ?? [])].sort().map((name) => {
    const outcome = plan.rings.find((one) => one.ring.name === name);
    const record = outcome?.levels.find(
      (one) => one.baseline === proposal.baseline && one.digest === proposal.level.digest,
    );
    const mine = plan.rows.filter((row) => row.ring === name && row.baseline === proposal.baseline);
    const current = outcome?.progress.get(proposal.baseline)?.status.digest === proposal.level.digest;
    return {
      name,
      outcome,
      record,
      soaked: record?.soakedTime !== undefined && record.withdrawnTime === undefined,
      empty: mine.length === 0,
      passes: mine.length === 0 && outcome?.ring.spec.completion?.onEmpty === "Pass",
      notDone: current ? mine.filter((row) => !isDone(row)) : [],
    };
  });
}

/** What stands in the way of "done": everything but a target that runs its level or has none of its components. */
export function isDone(row: AssetRow): boolean {
  if (row.phase === "InProgress") return false;
  return (
    (row.state === "Installed" || row.state === "InstalledOther" || row.state === "NotApplicable") && !row.offTarget
  );
}

/** The verdict in one line. */
export function judgeProof(input: EvidenceInput): string {
  const { proposal, escape } = input;
  const proofs = proofsOf(input);
  if (proofs.length === 0) return `🔵 First ring: no ring has run ${escape.code(proposal.level.name, 300)} before`;
  const open = proofs.filter((proof) => !proof.soaked && !proof.passes);
  if (open.length > 0) {
    const reason = open.every((proof) => proof.empty) ? "RingEmpty" : "PredecessorNotSoaked";
    return `🔴 ${open.map((proof) => escape.code(proof.name)).join(", ")} ${open.length === 1 ? "has" : "have"} not soaked this level: merged now, it waits (\`${reason}\`)`;
  }
  const words = proofs.map((proof) => `${escape.code(proof.name)} ${wordsOf(proof)}`).join("; ");
  const clean = proofs.every((proof) => (proof.record?.failed ?? 0) === 0 && proof.notDone.length === 0);
  return `${clean ? "🟢" : "🟡"} ${words}`;
}

function wordsOf({ record, notDone, passes }: Proof): string {
  if (record === undefined)
    return passes ? "has no target of this baseline and lets it pass" : "is not approved for it";
  const { done = 0, targets = 0, failed = 0, soakedSeconds = 0 } = record;
  // Exempt is counted apart: nobody claims that it was done, and nobody waits for it.
  const exempt = notDone.filter((row) => row.state === "Exempt").length;
  const rest = [
    ...(notDone.length > exempt ? [`, ${notDone.length - exempt} not done`] : []),
    ...(exempt > 0 ? [`, ${exempt} exempt`] : []),
  ].join("");
  return `soaked it for ${formatDuration(soakedSeconds * 1000)}: ${done} of ${targets} done, ${failed} failed${rest}`;
}

/** A table of the rings before, and their targets that are not done. */
export function describeProof(input: EvidenceInput): Section {
  const { proposal, escape } = input;
  const proofs = proposal.kind === "Scope" ? [] : proofsOf(input);
  if (proofs.length === 0) return NOTHING;
  return {
    facts: proofs.map(factsOf),
    lines: (rows) => [
      "#### Evidence from the rings before",
      "",
      ...table(
        ["Ring", "Targets", "Done", "Failed", "Took", "Soak served", "Complete since", "Soaked at"],
        proofs.map((proof) => [escape.code(proof.name), ...cellsOf(proof)]),
      ),
      ...proofs.flatMap((proof) => describeNotDone(input, proof, rows)),
    ],
  };
}

function cellsOf({ record, outcome, empty, passes }: Proof): readonly string[] {
  if (record === undefined) {
    const why = passes ? "passes (onEmpty: Pass)" : empty ? "**never** (`RingEmpty`)" : "**not approved**";
    return [empty ? "none" : "?", "–", "–", "–", "–", "–", why];
  }
  const wanted = parseDuration(outcome?.ring.spec.soak ?? "24h") ?? 0;
  const time = (text: string | undefined): string => (text === undefined ? "–" : showTime(Date.parse(text)));
  return [
    String(record.targets ?? 0),
    String(record.done ?? 0),
    String(record.failed ?? 0),
    tookOf(record),
    `${formatDuration((record.soakedSeconds ?? 0) * 1000)} of ${formatDuration(wanted)}`,
    time(record.completedTime),
    record.withdrawnTime === undefined ? time(record.soakedTime) : `withdrawn ${time(record.withdrawnTime)}`,
  ];
}

/** From its first claim to its completion, and what that is for each target. */
function tookOf({ startedTime, completedTime, done = 0 }: RingLevelStatus): string {
  if (startedTime === undefined || completedTime === undefined) return "–";
  const ms = Math.max(0, Date.parse(completedTime) - Date.parse(startedTime));
  const minutes = (span: number): string => formatDuration(Math.round(span / 60_000) * 60_000);
  return done < 2 ? minutes(ms) : `${minutes(ms)} (${minutes(ms / done)} a target)`;
}

function describeNotDone(input: EvidenceInput, proof: Proof, rows: number): readonly string[] {
  const { escape } = input;
  if (proof.notDone.length === 0) return [];
  const list = atMost(proof.notDone, rows, "targets");
  return [
    "",
    `Not done in ${escape.code(proof.name)}:`,
    "",
    ...table(
      ["Target", "State", "Why"],
      list.shown.map((row) => [escape.code(nameOf(row)), row.state, whyOf(input, row)]),
    ),
    ...list.rest,
  ];
}

/** `Node worker-1`, `Deployment shop/web`. */
export function nameOf({ asset }: AssetRow): string {
  return nameAsset(asset);
}

/** Why a target is not done, in the words of its owner's status. */
export function whyOf(
  { policy, plan, escape }: Pick<EvidenceInput, "policy" | "plan" | "escape">,
  row: AssetRow,
): string {
  if (row.state === "Exempt") {
    const labels = labelsOf(plan, row);
    const name = row.asset.namespace === undefined ? row.asset.name : `${row.asset.namespace}/${row.asset.name}`;
    const kind = row.asset.kind === "Node" ? "Node" : "Workload";
    const [exception] = exceptionsFor(policy.exceptions, { kind, name, labels }, row.baseline, plan.at);
    if (exception === undefined) return "exempt";
    return `exempt until ${showTime(Date.parse(exception.spec.expirationTime))} by ${escape.code(exception.name)}, owner ${escape.text(exception.spec.owner)}`;
  }
  const [block] = row.blockedBy;
  if (block !== undefined) {
    const since = block.since === undefined ? "" : ` since ${showTime(block.since)}`;
    return `\`${block.reason}\`${since}: ${escape.text(block.message, 240)}`;
  }
  if (row.reason !== undefined) return `\`${row.reason}\``;
  return row.phase === "InProgress" ? "in change now" : row.phase;
}

function labelsOf(plan: EvidenceInput["plan"], row: AssetRow): Readonly<Record<string, string>> {
  return plan.targets.find((target) => target.asset.uid === row.asset.uid)?.asset.labels ?? {};
}

/** What a rewrite is worth: whether it soaked, what failed, and what needs a person; not who just joined. */
function factsOf(proof: Proof): unknown {
  const lasting = proof.notDone.filter(
    (row) => row.state === "Exempt" || row.state === "Failed" || row.phase === "Blocked",
  );
  return [
    proof.name,
    proof.soaked,
    proof.record?.soakedTime ?? null,
    proof.record?.failed ?? 0,
    lasting.map((row) => [nameOf(row), row.state]),
  ];
}
