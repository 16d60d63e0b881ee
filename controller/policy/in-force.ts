// From the files of one verified snapshot, and what lives in the cluster, to the policy that the planner reads.
// Each ring has one authority: if the snapshot contains it, Git's spec rules and the live one never does. Deleting a file never starts
// work (G4), a broken one stops those who use it and nobody else (G5), and of Git and live the more careful wins.
// Pure: every time and every status is given. Must never take a spec from a live object that Git contains.
import { INPUT_TIME, LEVEL_DIGEST } from "../api/patch-level.ts";
import type { PatchBaselineStatus } from "../api/patch-baseline.ts";
import type { RolloutRingStatus } from "../api/rollout-ring.ts";
import type { Instant } from "../clock.ts";
import { checkLevel, levelDigest } from "../core/levels/index.ts";
import type {
  BaselineInForce,
  Block,
  ExceptionInForce,
  LevelInForce,
  PolicyInForce,
  RingInForce,
} from "../core/model.ts";
import { type BrokenObjects, findBroken, keyOf } from "./broken.ts";
import type { ObjectRef } from "./finding.ts";
import { differs, liveByName, type LiveObject, type LiveOf } from "./live.ts";
import type { LoadedPolicy } from "./load.ts";
import { type ObjectOf, objectsOf, type PolicyKind, type PolicyObject, type PolicySpecs } from "./object.ts";

export interface InForceInput {
  /** What the snapshot says; empty where there is no repository. */
  readonly loaded: LoadedPolicy;
  /** What each path that is broken now held when it was last good. */
  readonly previous?: readonly PolicyObject[];
  readonly live: readonly LiveObject[];
  /** The snapshot's commit; undefined: there is no PolicyRepository, and people approve with kubectl. */
  readonly commit: string | undefined;
  /** `ReadOnly`: somebody else applies, and live must equal Git before anything starts. */
  readonly mode: "Apply" | "ReadOnly";
  readonly clusterName: string;
  readonly baselineStatuses: ReadonlyMap<string, PatchBaselineStatus>;
  readonly ringStatuses: ReadonlyMap<string, RolloutRingStatus>;
  /** When a file last changed (committer date); undefined where it is not known. */
  readonly inputTime: (file: string) => Instant | undefined;
  /** When the snapshot was committed: the age of files whose own is not known, which can only lengthen a deferral. */
  readonly commitTime: Instant;
  /** Exceptions whose files were deleted: they count until their time. */
  readonly retainedExceptions: readonly ExceptionInForce[];
  /** Reasons that stop everything: HistoryRewritten, SignatureInvalid, RepositoryStale. */
  readonly brakes: readonly Block[];
  readonly proposer: boolean;
}

export interface PolicyWithDrift extends PolicyInForce {
  /** Live objects that differ from Git (DriftFromGit): start nothing, and are put back in mode Apply. */
  readonly drift: readonly ObjectRef[];
}

/** The policy in force, every list sorted by name. */
export function toPolicyInForce(input: InForceInput): PolicyWithDrift {
  const broken = findBroken(input.loaded, input.previous ?? []);
  const objects = [...input.loaded.objects, ...broken.retained];
  const sources = sourcesOf(objects, input);
  const drift = findDrift(objects, input.live);
  return {
    clusterName: input.clusterName,
    baselines: sources.PatchBaseline.map((source) => baselineOf(source, sources.UpdateRecipe, input)),
    rings: ringsOf(sources, broken, drift, input),
    calendars: sources.MaintenanceCalendar.map(({ name, spec }) => ({ name, spec })),
    exceptions: exceptionsOf(sources.PatchException, input.retainedExceptions),
    recipes: sources.UpdateRecipe.map(({ name, spec }) => ({ name, spec })),
    levels: sources.PatchLevel.map((source) => levelOf(source, input)),
    brakes: input.brakes,
    proposer: input.proposer,
    drift,
  };
}

/** An object with where it comes from: the snapshot, or (undefined `git`) the cluster alone. */
interface SourceOf<Kind extends PolicyKind> {
  readonly name: string;
  readonly spec: PolicySpecs[Kind];
  readonly git: ObjectOf<Kind> | undefined;
  readonly live: LiveOf<Kind> | undefined;
}
type Sources = { readonly [Kind in PolicyKind]: readonly SourceOf<Kind>[] };

function sourcesOf(objects: readonly PolicyObject[], input: InForceInput): Sources {
  return {
    PatchBaseline: merge("PatchBaseline", objects, input, isNobodys),
    RolloutRing: merge("RolloutRing", objects, input, () => true),
    // A calendar that held everywhere holds until its object is gone too: deleting a freeze's file starts nothing (G4).
    MaintenanceCalendar: merge(
      "MaintenanceCalendar",
      objects,
      input,
      (live, governed) => isNobodys(live, governed) || live.spec.scope === "Cluster",
    ),
    // A deleted exception counts until its time.
    PatchException: merge("PatchException", objects, input, () => true),
    UpdateRecipe: merge("UpdateRecipe", objects, input, isNobodys),
    PatchLevel: merge("PatchLevel", objects, input, isNobodys),
  };
}

/** A live object that no file contains counts by itself, unless it is what a deleted file left behind. */
function isNobodys(live: LiveObject, governed: boolean): boolean {
  return !governed || !live.fromRepository;
}

function merge<Kind extends PolicyKind>(
  kind: Kind,
  objects: readonly PolicyObject[],
  { live, commit }: InForceInput,
  keep: (live: LiveOf<Kind>, governed: boolean) => boolean,
): readonly SourceOf<Kind>[] {
  const lives = liveByName(live, kind);
  const git = objectsOf(objects, kind);
  const names = new Set(git.map(({ name }) => name));
  const sources: SourceOf<Kind>[] = git.map((object) => ({
    name: object.name,
    spec: object.spec as PolicySpecs[Kind],
    git: object,
    live: lives.get(object.name),
  }));
  for (const [name, object] of lives) {
    if (names.has(name) || !keep(object, commit !== undefined)) continue;
    sources.push({ name, spec: object.spec as PolicySpecs[Kind], git: undefined, live: object });
  }
  return sources.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function originOf(git: PolicyObject | undefined): { origin?: { file: string; line: number } } {
  return git === undefined ? {} : { origin: { file: git.file, line: git.line } };
}

// -------------------------------------------------------------------------------------------------------- rings

function ringsOf(
  sources: Sources,
  broken: BrokenObjects,
  drift: readonly ObjectRef[],
  input: InForceInput,
): readonly RingInForce[] {
  const context: RingContext = {
    input,
    broken,
    byKey: new Map(
      Object.entries(sources).flatMap(([kind, list]) => list.map((one) => [keyOf({ kind, name: one.name }), one])),
    ),
    everywhere: sources.MaintenanceCalendar.filter(({ spec }) => spec.scope === "Cluster").map(({ name }) => ({
      kind: "MaintenanceCalendar",
      name,
    })),
    drifted: new Set(drift.map(keyOf)),
    calendars: new Map(sources.MaintenanceCalendar.map((source) => [source.name, source])),
    baselines: new Map(sources.PatchBaseline.map((source) => [source.name, source])),
    rings: new Set(sources.RolloutRing.filter((ring) => !isLeftBehind(ring, broken, input)).map(({ name }) => name)),
  };
  return sources.RolloutRing.map((ring) => ringOf(ring, context));
}

interface RingContext {
  readonly input: InForceInput;
  readonly broken: BrokenObjects;
  readonly byKey: ReadonlyMap<string, Pick<SourceOf<PolicyKind>, "git" | "live">>;
  /** Calendars of scope Cluster: every ring uses them. */
  readonly everywhere: readonly ObjectRef[];
  readonly drifted: ReadonlySet<string>;
  readonly calendars: ReadonlyMap<string, SourceOf<"MaintenanceCalendar">>;
  readonly baselines: ReadonlyMap<string, SourceOf<"PatchBaseline">>;
  /** Rings that may be come after. */
  readonly rings: ReadonlySet<string>;
}

function ringOf(ring: SourceOf<"RolloutRing">, context: RingContext): RingInForce {
  const { input, broken } = context;
  const status = input.ringStatuses.get(ring.name);
  // A ring whose document is broken is contained all the same: nobody approves it with kubectl meanwhile.
  const contained = ring.git !== undefined || broken.reasons.has(`RolloutRing/${ring.name}`);
  const governed = input.commit !== undefined && (contained || isLeftBehind(ring, broken, input));
  return {
    name: ring.name,
    spec: ring.spec,
    status,
    authority: governed ? { kind: "Git", commit: input.commit ?? "" } : { kind: "Cluster" },
    suspendedLive: ring.live?.spec.suspend === true,
    brakes: [
      ...brokenBrakes(ring, context),
      ...leftBehindBrakes(ring, context),
      ...referenceBrakes(ring, context),
      ...applyBrakes(ring, context),
    ],
    ...originOf(ring.git),
  };
}

/** The ring's file was deleted, and the live object is still there. A status that speaks of a commit tells the same. */
function isLeftBehind(ring: SourceOf<"RolloutRing">, broken: BrokenObjects, input: InForceInput): boolean {
  if (input.commit === undefined || ring.git !== undefined || ring.live === undefined) return false;
  if (broken.reasons.has(`RolloutRing/${ring.name}`)) return false;
  return ring.live.fromRepository || input.ringStatuses.get(ring.name)?.observedCommit !== undefined;
}

function leftBehindBrakes(ring: SourceOf<"RolloutRing">, { broken, input }: RingContext): Block[] {
  if (!isLeftBehind(ring, broken, input)) return [];
  const message = `ring ${ring.name} is no longer in the repository; put its file back, or delete the object`;
  return [{ reason: "ReferenceMissing", message }];
}

/** Everything that a ring uses by name, itself included. */
function usedBy(ring: SourceOf<"RolloutRing">, { baselines, everywhere }: RingContext): readonly ObjectRef[] {
  const { after = [], calendarRefs = [], levels = [] } = ring.spec;
  return [
    { kind: "RolloutRing", name: ring.name },
    ...after.map((name) => ({ kind: "RolloutRing", name })),
    ...calendarRefs.map(({ name }) => ({ kind: "MaintenanceCalendar", name })),
    ...everywhere,
    ...levels.flatMap(({ baseline, level }) => {
      const recipe = baselines.get(baseline)?.spec.node?.recipeRef.name;
      return [
        { kind: "PatchBaseline", name: baseline },
        ...(level === undefined ? [] : [{ kind: "PatchLevel", name: level }]),
        ...(recipe === undefined ? [] : [{ kind: "UpdateRecipe", name: recipe }]),
      ];
    }),
  ];
}

function brokenBrakes(ring: SourceOf<"RolloutRing">, context: RingContext): Block[] {
  const messages = usedBy(ring, context).flatMap((ref) => context.broken.reasons.get(keyOf(ref)) ?? []);
  return [...new Set(messages)].map((message) => ({ reason: "PolicyInvalid", message }));
}

/** A missing calendar or predecessor closes the ring. A missing baseline or level stops its entry alone; the planner says so. */
function referenceBrakes(ring: SourceOf<"RolloutRing">, { broken, calendars, rings }: RingContext): Block[] {
  const missing = (ref: ObjectRef, exists: boolean, message: string): Block[] =>
    exists || broken.reasons.has(keyOf(ref)) ? [] : [{ reason: "ReferenceMissing", message }];
  return [
    ...(ring.spec.after ?? []).flatMap((name) =>
      missing({ kind: "RolloutRing", name }, rings.has(name), `after: ring ${name} does not exist`),
    ),
    ...(ring.spec.calendarRefs ?? []).flatMap(({ name }) =>
      missing({ kind: "MaintenanceCalendar", name }, calendars.has(name), `calendar ${name} does not exist`),
    ),
  ];
}

/** In mode ReadOnly nothing starts before the ring and what it uses are applied as Git has them. */
function applyBrakes(ring: SourceOf<"RolloutRing">, context: RingContext): Block[] {
  const { input, byKey, drifted } = context;
  if (input.mode !== "ReadOnly" || input.commit === undefined || ring.git === undefined) return [];
  const behind = usedBy(ring, context).flatMap(({ kind, name }) => {
    const source = byKey.get(keyOf({ kind, name }));
    if (source?.git === undefined) return [];
    if (source.live === undefined) return [`${kind} ${name} is not applied yet`];
    return drifted.has(keyOf({ kind, name }))
      ? [`${kind} ${name} differs from ${(input.commit ?? "").slice(0, 12)}`]
      : [];
  });
  const [first] = behind;
  return first === undefined ? [] : [{ reason: "WaitingForApply", message: first }];
}

/**
 * In mode Apply nothing starts in a ring whose copy, or whose level's, could not be written (`KIND/NAME`): people could not see what it is
 * for, and a new process that cannot read the repository could not finish it.
 */
export function waitForCopies(inForce: PolicyInForce, unwritten: ReadonlySet<string>): PolicyInForce {
  if (unwritten.size === 0) return inForce;
  const rings = inForce.rings.map((ring) => {
    const levels = (ring.spec.levels ?? []).flatMap(({ level }) =>
      level === undefined ? [] : [`PatchLevel/${level}`],
    );
    const first = [`RolloutRing/${ring.name}`, ...levels].find((key) => unwritten.has(key));
    if (first === undefined) return ring;
    const message = `${first.replace("/", " ")} could not be written into the cluster`;
    return { ...ring, brakes: [...ring.brakes, { reason: "WaitingForApply" as const, message }] };
  });
  return { ...inForce, rings };
}

function findDrift(objects: readonly PolicyObject[], live: readonly LiveObject[]): readonly ObjectRef[] {
  const lives = new Map(live.map((object) => [keyOf(object), object]));
  return objects
    .flatMap((object): ObjectRef[] => {
      const other = lives.get(keyOf(object));
      return other !== undefined && differs(object, other) ? [{ kind: object.kind, name: object.name }] : [];
    })
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

// ------------------------------------------------------------------------------------------------------- others

function baselineOf(
  source: SourceOf<"PatchBaseline">,
  recipes: readonly SourceOf<"UpdateRecipe">[],
  input: InForceInput,
): BaselineInForce {
  const recipeName = source.spec.node?.recipeRef.name;
  const recipe = recipes.find(({ name }) => name === recipeName);
  const times = [source, ...(recipe === undefined ? [] : [recipe])].map((one) => timeOf(one, input));
  return {
    name: source.name,
    spec: source.spec,
    status: input.baselineStatuses.get(source.name),
    inputTime: Math.max(...times),
    ...originOf(source.git),
  };
}

function timeOf(
  source: {
    readonly git: { readonly file: string } | undefined;
    readonly live: { readonly time: Instant } | undefined;
  },
  input: InForceInput,
): Instant {
  if (source.git !== undefined) return input.inputTime(source.git.file) ?? input.commitTime;
  return source.live?.time ?? input.commitTime;
}

function levelOf(source: SourceOf<"PatchLevel">, input: InForceInput): LevelInForce {
  const annotations = source.git?.object.metadata.annotations ?? source.live?.annotations ?? {};
  const mismatch = source.git?.mismatch ?? checkLevel(source.name, source.spec, annotations[LEVEL_DIGEST]);
  const written = Date.parse(annotations[INPUT_TIME] ?? "");
  return {
    name: source.name,
    digest: levelDigest(source.spec),
    spec: source.spec,
    inputTime: Number.isNaN(written) ? (dayAfter(source.name) ?? timeOf(source, input)) : written,
    ...(mismatch === undefined ? {} : { mismatch }),
  };
}

const DAY = 86_400_000;

/** The end of the day that a level's name tells: never earlier than the input was, so a deferral is never shortened. */
function dayAfter(name: string): Instant | undefined {
  const [, year, month, day] = /-(\d{4})(\d{2})(\d{2})-[0-9a-f]{12}$/.exec(name) ?? [];
  const start = Date.parse(`${year}-${month}-${day}T00:00:00Z`);
  return Number.isNaN(start) ? undefined : start + DAY;
}

function exceptionsOf(
  sources: readonly SourceOf<"PatchException">[],
  retained: readonly ExceptionInForce[],
): readonly ExceptionInForce[] {
  const written = sources.map(({ name, spec }) => ({ name, spec }));
  const names = new Set(written.map(({ name }) => name));
  return [...written, ...retained.filter(({ name }) => !names.has(name))].sort((a, b) => (a.name < b.name ? -1 : 1));
}
