// One row for every asset and baseline: its state, its phase, and in one line each why it is not moving and since when (standstill.ts).
// Rows of the last plan are given again where nothing that they are made of has changed.
import type { AssetRow, Block } from "../model.ts";
import type { Instant } from "../../clock.ts";
import type { ClaimRequest } from "./claim-request.ts";
import type { Decision } from "./decision.ts";
import type { Saying, TargetRecord } from "./target-record.ts";
import { isSameList, recall, revise, reviseInSteps } from "../incremental/memory.ts";
import type { Context } from "./prepare.ts";
import { failureOf } from "./claim-failure.ts";
import { findBrakes } from "./ring-checks.ts";
import type { RingView } from "./ring-view.ts";
import type { Steps } from "../incremental/steps.ts";
import { join, makeOfPieces, type MadeOfPieces, pieceOf, type Pieces } from "../incremental/pieces.ts";
import { MOST_CHANGES } from "../incremental/sorted-list.ts";
import { compareRecords, type Group } from "./survey.ts";
import type { PieceWishes } from "./wishes.ts";
import { blocksOf, blocksOfClaim, phaseOf, sinceOf } from "./standstill.ts";

export interface Outcome {
  readonly views: ReadonlyMap<string, RingView>;
  /** Why nothing more is admitted, by lane. */
  readonly shut: ReadonlyMap<string, Block>;
  /** What would meet a single target, by UID. */
  readonly obstacles: ReadonlyMap<string, Block>;
  readonly admitted: readonly ClaimRequest[];
}

export interface Described {
  /** One for each target, in order. */
  readonly rows: readonly AssetRow[];
  /** What those that are not claimed wait for, in the order of rows. */
  readonly waits: readonly Decision[];
}

/** Describes every target. Rows of before are given again where nothing that they say can have changed. */
export function* describeTargets(context: Context, outcome: Outcome): Steps<Described> {
  const { survey } = context;
  const stale = new Set<TargetRecord>();
  const admitted = new Map<string, Set<string>>();
  for (const { uid } of outcome.admitted)
    for (const { key } of survey.byUid.get(uid)?.targets ?? [])
      admitted.set(key, (admitted.get(key) ?? new Set()).add(uid));
  const changed = findChangedObstacles(context, outcome);
  for (const [key, group] of survey.groups) {
    const met = piecesWith(changed.get(key) ?? NONE, group.records);
    yield* describeGroup(group, { key, admitted: admitted.get(key) ?? NOBODY, met, stale }, context, outcome);
  }
  const pieces = [...survey.nodes, ...survey.workloads];
  const touched = piecesWith(stale, pieces);
  return {
    rows: yield* listAgain("rows", context, pieces, touched, ({ said }) => said?.row),
    waits: yield* listAgain("waits", context, pieces, touched, ({ said }) => said?.wait),
  };
}

/** The targets, by group, that another obstacle would meet than at the last plan, or none any more. */
function findChangedObstacles(
  { memory, survey }: Context,
  { obstacles }: Outcome,
): ReadonlyMap<string, ReadonlySet<TargetRecord>> {
  const { changed } = revise(memory, "obstacles", (before: { readonly now: Outcome["obstacles"] } | undefined) => {
    const uids = new Set([...(before?.now.keys() ?? []), ...obstacles.keys()]);
    return { now: obstacles, changed: [...uids].filter((uid) => !isSame(before?.now.get(uid), obstacles.get(uid))) };
  });
  const records = changed.flatMap((uid) => survey.byUid.get(uid)?.targets ?? []);
  return new Map([...Map.groupBy(records, ({ key }) => key)].map(([key, list]) => [key, new Set(list)] as const));
}

/** The pieces that one of the records stands in. */
function piecesWith(
  records: ReadonlySet<TargetRecord>,
  pieces: Pieces<TargetRecord>,
): ReadonlySet<readonly TargetRecord[]> {
  // Of many records each piece has some.
  if (records.size > MOST_CHANGES) return new Set(pieces);
  return new Set(
    [...records].flatMap((record) => {
      const piece = pieces[pieceOf(pieces, record, compareRecords)];
      return piece === undefined ? [] : [piece];
    }),
  );
}

/** What the records hold, in order and without those that hold nothing. */
function* listAgain<T>(
  name: string,
  { memory }: Context,
  pieces: Pieces<TargetRecord>,
  touched: ReadonlySet<readonly TargetRecord[]>,
  of: (record: TargetRecord) => T | undefined,
): Steps<readonly T[]> {
  const made = yield* reviseInSteps(
    memory,
    `${name}/pieces`,
    (before: MadeOfPieces<TargetRecord, readonly T[]> | undefined) =>
      makeOfPieces(
        before,
        pieces,
        (piece) => piece.flatMap((record) => of(record) ?? []),
        (_, piece) => !touched.has(piece),
      ),
  );
  const lists = [...made.values()];
  return recall(memory, name, lists, () => join(lists));
}

const NOBODY: ReadonlySet<string> = new Set();
const NONE: ReadonlySet<TargetRecord> = new Set();

interface GroupScope {
  readonly key: string;
  /** UIDs that were admitted just now. */
  readonly admitted: ReadonlySet<string>;
  /** Pieces with a target that another obstacle would meet now. */
  readonly met: ReadonlySet<readonly TargetRecord[]>;
  /** Records with another row than before. */
  readonly stale: Set<TargetRecord>;
}

/** What is known of the rows of a piece. */
interface KnownRows {
  /** What its targets wish. */
  readonly wishes: PieceWishes | undefined;
  readonly now: Instant;
  /** Some row says that something stands still since now. */
  readonly dated: boolean;
}

interface KnownGroup {
  /** What all rows depend on, beside targets, their wishes and time. */
  readonly parts: readonly unknown[];
  readonly made: MadeOfPieces<TargetRecord, KnownRows>;
}

function* describeGroup(group: Group, scope: GroupScope, context: Context, outcome: Outcome): Steps<void> {
  const { now } = context.input;
  const { ring = "", records, baseline } = group;
  const common = commonOf(group, context, outcome);
  const view = outcome.views.get(ring);
  const wishes = view?.wishes.get(baseline);
  const shut = wishes === undefined ? [] : [...outcome.shut].filter(([lane]) => lane.startsWith(`${ring}/`));
  const parts = [
    common,
    wishes === undefined,
    ...shut.flatMap(([lane, { reason, message }]) => [lane, reason, message]),
    0,
    ...scope.admitted,
    0,
    ...(context.claimsIn.get(scope.key) ?? []),
  ];
  yield* reviseInSteps(
    context.memory,
    `described/${scope.key}`,
    function* (before: KnownGroup | undefined): Steps<KnownGroup> {
      const made = yield* makeOfPieces(
        before !== undefined && isSameList(before.parts, parts) ? before.made : undefined,
        records,
        (piece) => describePiece(piece, wishes?.made.get(piece), common, scope, context, outcome),
        (known, piece) =>
          (!known.dated || known.now === now) && !scope.met.has(piece) && known.wishes === wishes?.made.get(piece),
      );
      return { parts, made };
    },
  );
}

function describePiece(
  piece: readonly TargetRecord[],
  wishes: PieceWishes | undefined,
  common: object,
  scope: GroupScope,
  context: Context,
  outcome: Outcome,
): KnownRows {
  let dated = false;
  for (const record of piece) {
    if (describeRecord(record, common, scope, context, outcome)) scope.stale.add(record);
    dated ||= record.said?.at !== undefined;
  }
  return { wishes, now: context.input.now, dated };
}

/** Whether the record says something else now. */
function describeRecord(
  record: TargetRecord,
  common: object,
  { admitted }: GroupScope,
  context: Context,
  { views, shut, obstacles }: Outcome,
): boolean {
  const { said, wish, target } = record;
  const { uid } = target.asset;
  const { now } = context.input;
  const claim = context.claimOf.get(uid);
  const mine = claim === undefined ? wish?.wish : undefined;
  const taken = claim !== undefined || admitted.has(uid);
  const saying: Saying = {
    common,
    own: mine?.blocks ?? NOTHING,
    claim,
    taken,
    refused: taken || mine === undefined ? undefined : (obstacles.get(uid) ?? shut.get(mine.lane)),
  };
  if (
    said !== undefined &&
    said.common === common &&
    said.own === saying.own &&
    said.claim === claim &&
    said.taken === taken &&
    (said.at === undefined || said.at === now) &&
    isSame(said.refused, saying.refused)
  )
    return false;
  const row = describeTarget(record, saying, context, views);
  const undated = row.blockedBy.some((block) => sinceOf(block, record) === undefined);
  record.said = { ...saying, at: undated ? now : undefined, row, wait: taken ? undefined : waitOf(row) };
  return true;
}

const NOTHING: readonly Block[] = [];

function isSame(a: Block | undefined, b: Block | undefined): boolean {
  return a === b || (a?.reason === b?.reason && a?.message === b?.message);
}

/** What the rows of a group have in common beside their targets: the same object while it says the same. */
function commonOf({ ring = "", baseline }: Group, context: Context, { views }: Outcome): object {
  const view = views.get(ring);
  const common = JSON.stringify([
    view?.offerBlocks.get(baseline),
    view?.startBlocks.get(baseline),
    view?.progress.get(baseline)?.status.phase === "Soaking",
    context.entries.get(ring)?.problems.get(baseline),
    findBrakes(context.input.policy, context.ringOf.get(ring)),
    context.input.ledger.spec.mode,
  ]);
  return recall(context.memory, `common/${ring}/${baseline}`, [common], () => ({}));
}

function waitOf({ blockedBy: [block], asset: { kind, namespace, name }, ring, level }: AssetRow): Decision | undefined {
  if (block === undefined) return undefined;
  const { reason, message } = block;
  return { action: "wait", target: { kind, namespace, name }, ring, level, reason, message };
}

/** The row of one target. */
function describeTarget(record: TargetRecord, saying: Saying, context: Context, views: Outcome["views"]): AssetRow {
  const { target } = record;
  const { claim } = saying;
  const mine = claim !== undefined && claim.baseline === target.baseline.name;
  const blockedBy = mine
    ? blocksOfClaim(claim, record, context)
    : blocksOf(record, saying, context, views).map((block) => ({
        ...block,
        since: sinceOf(block, record) ?? context.input.now,
      }));
  const phase = !mine
    ? phaseOf(target, blockedBy, views)
    : failureOf(claim, context.input.stored) === undefined
      ? "InProgress"
      : "Blocked";
  return { ...target.assessment, ring: target.ring, phase, blockedBy };
}
