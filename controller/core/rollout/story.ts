// One asset's story: where it stands under each baseline, what keeps it from moving and since when, what happens next and about when.
// Pure; it only retells what the plan and the estimates say, so that `why` never says anything else than the controller does.
import { adviseOn } from "../../api/advice.ts";
import { describeReason, type Reason, REASONS } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import { exceptionsFor } from "../compliance/exceptions.ts";
import type { AssetKind, AssetRow, Block, Claim, ExceptionInForce } from "../model.ts";
import type { Estimate } from "../estimate/estimate.ts";
import { type FirstLevel, tellFirstLevel } from "./first-level.ts";
import type { Plan } from "./plan.ts";
import type { Decision } from "./decision.ts";
import type { PlanInput } from "./plan-input.ts";
import type { RingOutcome } from "./summary.ts";

export interface Story {
  readonly kind: AssetKind;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Nodes only. */
  readonly zone: string | undefined;
  readonly membership: { readonly ring: string; readonly after: readonly string[]; readonly phase: string } | undefined;
  /** One for each baseline that is about it; none: nothing is asked of it. */
  readonly chapters: readonly Chapter[];
  readonly operation: OperationStory | undefined;
  readonly history: readonly PastOperation[];
}

export interface Chapter {
  readonly row: AssetRow;
  readonly blocks: readonly (Block & { readonly care: "wait" | "person" | "info"; readonly meaning: string })[];
  readonly next: Next;
}

export interface Next {
  /** One sentence. */
  readonly text: string;
  /** About when it starts, and ends at the latest with the last of its ring. */
  readonly from?: Instant;
  readonly until?: Instant;
  /** What a person can do. */
  readonly advice?: string;
}

export interface OperationStory {
  readonly step: string;
  readonly since: Instant;
  readonly startedAt: Instant;
  readonly attempt: number;
  readonly level: string;
  readonly failure: Block | undefined;
  readonly backOut: Block | undefined;
}

export interface PastOperation {
  readonly level: string;
  readonly result: string;
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly message: string;
}

export interface StoryRequest {
  readonly kind: AssetKind;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** Tells the story of an asset; undefined where the cluster has none of that name. */
export function tellStory(
  input: PlanInput,
  plan: Plan,
  estimates: readonly Estimate[],
  request: StoryRequest,
): Story | undefined {
  const { kind, name, namespace } = request;
  const node = kind === "Node" ? input.inventory.nodes.find((other) => other.name === name) : undefined;
  const workload =
    kind === "Node"
      ? undefined
      : input.inventory.workloads.find(
          (other) => other.kind === kind && other.name === name && other.namespace === namespace,
        );
  const uid = node?.uid ?? workload?.uid;
  if (uid === undefined) return undefined;
  const membership = plan.members.of.get(uid);
  const outcome =
    membership?.kind === "Ring" ? plan.rings.find(({ ring }) => ring.name === membership.ring) : undefined;
  const stored = input.stored.nodes.get(uid) ?? input.stored.workloads.get(uid);
  return {
    kind,
    namespace: workload?.namespace,
    name,
    zone: node?.zone,
    membership:
      outcome === undefined
        ? undefined
        : { ring: outcome.ring.name, after: outcome.ring.spec.after ?? [], phase: outcome.phase },
    chapters: plan.rows
      .filter((row) => row.asset.uid === uid)
      .map((row) => writeChapter(row, input, plan, estimates, outcome)),
    operation: stored?.operation === undefined ? undefined : operationOf(stored.operation),
    history: (stored?.history ?? []).map((past) => ({
      level: past.level,
      result: past.result,
      startedAt: Date.parse(past.startedTime),
      finishedAt: Date.parse(past.finishedTime),
      message: past.message ?? "",
    })),
  };
}

type StoredOperation = NonNullable<
  | NonNullable<ReturnType<PlanInput["stored"]["nodes"]["get"]>>["operation"]
  | NonNullable<ReturnType<PlanInput["stored"]["workloads"]["get"]>>["operation"]
>;

function operationOf(operation: StoredOperation): OperationStory {
  const { step, stepTime, startedTime, attempt, level, failure } = operation;
  const backOut = "backOut" in operation ? operation.backOut : undefined;
  return {
    step,
    since: Date.parse(stepTime),
    startedAt: Date.parse(startedTime),
    attempt,
    level,
    failure: failure === undefined ? undefined : blockOf(failure),
    backOut: backOut === undefined ? undefined : blockOf(backOut),
  };
}

function blockOf({
  reason,
  message,
  time,
}: {
  readonly reason: string;
  readonly message: string;
  readonly time: string;
}): Block {
  return { reason: reasonOf(reason) ?? "StepFailed", message, since: Date.parse(time) };
}

function reasonOf(text: string): Reason | undefined {
  return REASONS.find((reason) => reason === text);
}

function writeChapter(
  row: AssetRow,
  input: PlanInput,
  plan: Plan,
  estimates: readonly Estimate[],
  outcome: RingOutcome | undefined,
): Chapter {
  const { kind, namespace, name, uid } = row.asset;
  const claim = input.ledger.claims.find((other) => other.uid === uid && other.baseline === row.baseline);
  const estimate = estimates.find((other) => other.ring === row.ring && other.baseline === row.baseline);
  const decision = plan.decisions.find(
    ({ target, level }) =>
      target.kind === kind && target.name === name && target.namespace === namespace && level === row.level,
  );
  return {
    row,
    blocks: row.blockedBy.map((block) => {
      const { care, text } = describeReason(block.reason);
      return { ...block, care, meaning: text };
    }),
    next: foretell({
      row,
      claim,
      estimate,
      decision,
      outcome,
      exception: exceptionOf(row, input),
      firstLevel: row.level === undefined ? tellFirstLevel(row.baseline, input) : undefined,
      now: plan.at,
    }),
  };
}

/** By which exception the row is Exempt; of several the one that ends last. */
function exceptionOf(row: AssetRow, { policy, inventory, now }: PlanInput): ExceptionInForce | undefined {
  if (row.state !== "Exempt") return undefined;
  const { kind, namespace, name, uid } = row.asset;
  const assets = kind === "Node" ? inventory.nodes : inventory.workloads;
  const labels = assets.find((asset) => asset.uid === uid)?.labels ?? {};
  const asset =
    kind === "Node"
      ? { kind, name, labels }
      : { kind: "Workload" as const, name: `${namespace ?? ""}/${name}`, labels };
  return exceptionsFor(policy.exceptions, asset, row.baseline, now)
    .toSorted((a, b) => Date.parse(a.spec.expirationTime) - Date.parse(b.spec.expirationTime))
    .at(-1);
}

interface Facts {
  readonly row: AssetRow;
  readonly claim: Claim | undefined;
  readonly estimate: Estimate | undefined;
  readonly decision: Decision | undefined;
  readonly outcome: RingOutcome | undefined;
  readonly exception: ExceptionInForce | undefined;
  readonly firstLevel: FirstLevel | undefined;
  readonly now: Instant;
}

/** What happens next; the first that knows counts. */
const foretellings: readonly ((facts: Facts) => Next | undefined)[] = [
  foretellClaim,
  ({ decision }) =>
    decision?.action === "claim" ? { text: `${decision.message}: it is next in its ring's order` } : undefined,
  ({ row }) =>
    row.ring === undefined && row.blockedBy[0]?.reason !== "RingConflict"
      ? { text: "nothing: it is in no ring" }
      : undefined,
  foretellLevel,
  foretellBlock,
  foretellSoak,
  ({ exception }) =>
    exception === undefined
      ? undefined
      : {
          text: `nothing until ${exception.spec.expirationTime}: excepted by ${exception.name}, owner ${exception.spec.owner} (${exception.spec.justification})`,
        },
  ({ row }) => (row.phase === "Done" ? { text: "nothing: it runs its level" } : undefined),
  foretellUnapproved,
];

function foretell(facts: Facts): Next {
  for (const tell of foretellings) {
    const next = tell(facts);
    if (next !== undefined) return next;
  }
  return { text: "nothing" };
}

function foretellClaim({ claim, decision, estimate }: Facts): Next | undefined {
  if (claim === undefined || decision === undefined) return undefined;
  const until = Date.parse(claim.since) + (estimate?.minutesPerTarget ?? 0) * 60_000;
  switch (decision.action) {
    case "continue":
      return { text: `it is being updated, ${decision.message}`, until };
    case "backOut":
      return { text: `it is backed out: ${decision.message}` };
    case "finish":
      return { text: decision.message, until };
    default:
      return {
        text: `it failed and keeps its budget: ${decision.message}`,
        advice: `mend it; then "ringward retry" tries again, "ringward release" gives it up`,
      };
  }
}

/** Nobody has to act where only the first level is not made yet; an entry that names one that does not exist is another matter. */
function foretellLevel({ row, outcome, firstLevel }: Facts): Next | undefined {
  if (row.level !== undefined || row.blockedBy[0]?.reason !== "LevelMissing") return undefined;
  return outcome?.entries.problems.has(row.baseline) === true ? undefined : firstLevel;
}

function foretellBlock({ row, estimate, outcome }: Facts): Next | undefined {
  const [block] = row.blockedBy;
  if (block === undefined) return undefined;
  const advice = adviceFor(block.reason, row, outcome);
  const toDo = advice === undefined ? {} : { advice };
  if (needsPerson(block)) return { text: "nothing until a person acts", ...toDo };
  // A ring that cannot complete may still come to this one.
  if (estimate?.never !== undefined && estimate.startsAt === undefined)
    return {
      text: `nothing as things stand: ${estimate.never.message}`,
      ...(estimate.never.reason === "RingEmpty" ? { advice: LET_PASS } : toDo),
    };
  return {
    text: estimate?.ifApproved === true ? "it is updated once the level is approved" : "it is updated with its ring",
    ...(estimate?.startsAt === undefined ? {} : { from: estimate.startsAt }),
    ...(estimate?.endsAt === undefined ? {} : { until: estimate.endsAt }),
    ...toDo,
  };
}

/** Approval and mode hold up everything alike, so what follows them can be told; other reasons hold up this one. */
function needsPerson({ reason }: Block): boolean {
  if (reason === "WaitingForApproval" || reason === "Observing") return false;
  return describeReason(reason).care === "person";
}

function foretellUnapproved({ row, estimate }: Facts): Next | undefined {
  if (row.approved) return undefined;
  const level = row.level ?? "a level";
  if (row.state === "InstalledOther" || row.state === "NotApplicable")
    return { text: `nothing: ring ${row.ring ?? ""} is not approved for ${level} yet, and nothing here is below it` };
  if (row.state !== "Unknown") return undefined;
  return {
    text: `what runs here has to be known first; ring ${row.ring ?? ""} is not approved for ${level} yet either`,
    ...(estimate?.endsAt === undefined ? {} : { until: estimate.endsAt }),
  };
}

function foretellSoak({ row, estimate, outcome }: Facts): Next | undefined {
  if (row.phase !== "Soaking") return undefined;
  return {
    text: `ring ${outcome?.ring.name ?? row.ring ?? ""} is observed before the next rings may have the level`,
    ...(estimate?.soakedAt === undefined ? {} : { until: estimate.soakedAt }),
  };
}

/** No approval helps behind a ring that never completes. */
const LET_PASS = `say "completion: { onEmpty: Pass }" in that ring's file, or change its members`;

/** What a person does about a reason, with this ring's name. Reasons that resolve by themselves have none. */
function adviceFor(reason: Reason, row: AssetRow, outcome: RingOutcome | undefined): string | undefined {
  const ring = outcome?.ring.name ?? row.ring ?? "";
  switch (reason) {
    case "WaitingForApproval":
      return outcome?.ring.authority.kind === "Git"
        ? "merge the pull request that proposes it"
        : `merge its promotion into the ring's file, or where no repository holds the ring: ringward approve ${ring} ${row.level ?? "LEVEL"}`;
    case "RingSuspended":
      return `ringward resume ${ring}, or take suspend out of its file`;
    case "RingEmpty":
      return LET_PASS;
    default:
      return adviseOn(reason)?.replaceAll("`", "");
  }
}
