// Where policy comes from: the one PolicyRepository's verified snapshot, or, without one, the objects in the cluster.
// Git moves fast-forward only (G1); a repository that cannot be read keeps serving what is in flight and lets nothing new start
// after maxStaleness (G2); all files of a decision come from one commit (G3).
import type { PolicyRepository, PolicyRepositorySpec, PolicyRepositoryStatus } from "../api/policy-repository.ts";
import type { Validators } from "../api/validator.ts";
import type { Instant, Random } from "../clock.ts";
import { parseDuration } from "../core/duration.ts";
import type { Block, PolicyInForce } from "../core/model.ts";
import { UserError } from "../errors.ts";
import type { Forge } from "../forge/port.ts";
import type { CommitSha, GitSnapshot, PolicyGit } from "../git/port.ts";
import { isConflict } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import type { EventInput } from "../kube/events.ts";
import type { KubeObject } from "../kube/port.ts";
import { POLICY_REPOSITORIES } from "../kube/resources.ts";
import { loadPolicy, type LoadedPolicy } from "../policy/load.ts";
import type { PolicyObject } from "../policy/object.ts";
import { applyPolicy, POLICY_KEYS } from "./apply-policy.ts";
import { type BesideOptions, createBeside } from "./beside.ts";
import type { ClusterObjects } from "./cluster.ts";
import { type Health, summarise } from "./conditions.ts";
import { type LastGood, readLastGood } from "./last-good.ts";
import { describeOwnCommits, findUnverified, isVerified } from "./policy-signatures.ts";
import { fromCluster, fromGit } from "./policy-view.ts";

/** Policy as a pass uses it. */
export interface PolicyView {
  readonly inForce: PolicyInForce;
  /** Set where a repository was read in this pass. */
  readonly repository?: RepositoryView;
  /** How reading it went; set where there is a repository, read or not. */
  readonly health?: Health;
}

export interface RepositoryView {
  readonly spec: PolicyRepositorySpec;
  readonly git: PolicyGit;
  readonly forge: Forge | undefined;
  /** The verified head that policy was read at, and where the branch is; they differ only while history is rewritten. */
  readonly head: CommitSha;
  readonly fetched: CommitSha;
  readonly snapshot: GitSnapshot;
  readonly loaded: LoadedPolicy;
}

export interface PolicySourcePorts {
  readonly client: Client;
  readonly validators: Validators;
  readonly openGit: (spec: PolicyRepositorySpec) => Promise<PolicyGit>;
  readonly openForge: (spec: PolicyRepositorySpec) => Promise<Forge | undefined>;
  /** How long a pass waits for a fetch; left out: until it ends. */
  readonly patience?: BesideOptions;
  /** Spreads the fetches of many clusters; left out: they come exactly at the interval. */
  readonly random?: Random;
  readonly record: (event: EventInput) => void;
  readonly onError: (error: unknown, where: string) => void;
}

export interface PolicySource {
  sync(objects: ClusterObjects, now: Instant): Promise<PolicyView>;
  /** The next sync fetches, whatever the interval says: something was pushed, or somebody asked. */
  poke(): void;
}

/** What this process remembers of the repository; all of it can be read again. */
interface Memory {
  key: string | undefined;
  git: PolicyGit | undefined;
  forge: Forge | undefined;
  fetchedAt: Instant | undefined;
  /** The last attempt, and what it failed with: one that fails is not repeated before its time either. */
  triedAt: Instant | undefined;
  failure: unknown;
  /** A fetch that no pass has heard the end of. */
  underWay: boolean;
  /** Another one is due as soon as that has ended. */
  again: boolean;
  /** What the interval is longer by this time, as a fraction of it. */
  jitter: number;
  fetched: CommitSha | undefined;
  requested: string | undefined;
  poked: boolean;
  read: ReadPolicy | undefined;
  /** The policy in force, and everything that it was made from. */
  made: { readonly from: readonly unknown[]; readonly inForce: PolicyInForce } | undefined;
  /** What the cluster's copies were found equal to, with the copies. */
  applied: readonly unknown[] | undefined;
}

/** Policy as it was read at one commit. */
interface ReadPolicy {
  readonly commit: CommitSha;
  readonly snapshot: GitSnapshot;
  readonly loaded: LoadedPolicy;
  readonly previous: readonly PolicyObject[];
  /** Where `previous` comes from, path by path; a path that never held policy has none. */
  readonly lastGood: ReadonlyMap<string, LastGood>;
  readonly times: ReadonlyMap<string, Instant>;
}

export const REQUESTED_AT = "ringward.dev/reconcile-requested-at";

/** A policy source over its ports. */
export function createPolicySource(ports: PolicySourcePorts): PolicySource {
  const memory: Memory = {
    key: undefined,
    git: undefined,
    forge: undefined,
    fetchedAt: undefined,
    triedAt: undefined,
    failure: undefined,
    underWay: false,
    again: false,
    jitter: 0,
    fetched: undefined,
    requested: undefined,
    poked: false,
    read: undefined,
    made: undefined,
    applied: undefined,
  };
  const fetchBeside: FetchBeside =
    ports.patience === undefined
      ? async (start) => ({ kind: "Done", result: await start() })
      : createBeside<FetchEnd>(ports.patience);
  return {
    poke: () => {
      memory.poked = true;
    },
    async sync(objects, now) {
      const [chosen, ...others] = [...objects.repositories].sort(byAge);
      for (const other of others) await refuseSecond(ports, other, now);
      if (chosen === undefined) return { inForce: fromCluster(objects, []) };
      return syncRepository({ ...ports, fetchBeside }, memory, chosen, objects, now);
    },
  };
}

function byAge(a: KubeObject, b: KubeObject): number {
  const key = (object: KubeObject): string => `${object.metadata.creationTimestamp ?? ""}/${object.metadata.name}`;
  return key(a) < key(b) ? -1 : 1;
}

async function refuseSecond(ports: PolicySourcePorts, object: KubeObject, now: Instant): Promise<void> {
  const health: Health = {
    kind: "Stalled",
    reason: "OneRepositoryOnly",
    message: "a cluster has one PolicyRepository, and there is an older one; delete one of them",
  };
  await writeStatus(ports, object, {}, health, now);
}

async function syncRepository(
  ports: PolicySourcePorts & { readonly fetchBeside: FetchBeside },
  memory: Memory,
  object: KubeObject,
  objects: ClusterObjects,
  now: Instant,
): Promise<PolicyView> {
  const { spec, status } = object as unknown as PolicyRepository;
  const requested = object.metadata.annotations?.[REQUESTED_AT];
  forgetOther(memory, spec);
  if (spec.suspend !== true && isDue(memory, spec, requested, now)) {
    memory.triedAt = now;
    memory.jitter = (ports.random?.next() ?? 0) * MOST_JITTER;
    memory.requested = requested;
    memory.poked = false;
    // One that began before somebody asked may have looked before what they mean was there.
    memory.again = memory.underWay;
    memory.underWay = true;
  }
  if (memory.underWay) await hearFetch(ports, memory, object, now);
  const observed = status?.observedCommit as CommitSha | undefined;
  const { git, fetched, failure } = memory;
  const judged =
    git === undefined || fetched === undefined
      ? undefined
      : await judgeHead(git, observed, fetched, {
          commit: spec.acknowledgedCommit as CommitSha | undefined,
          isNew: object.metadata.generation !== status?.observedGeneration,
        });
  let head = judged?.head ?? observed;
  let brake = judged?.brake;
  let verified = isVerified(spec) ? (status?.verifiedCommit as CommitSha | undefined) : undefined;
  if (git !== undefined && judged !== undefined && brake === undefined) {
    brake = await findUnverified(git, spec, judged.head, verified, (error) =>
      ports.onError(error, `signatures of PolicyRepository ${object.metadata.name}`),
    );
    if (brake !== undefined) head = observed;
    else if (isVerified(spec)) verified = judged.head;
  }
  const brakes: Block[] = brake === undefined ? [] : [brake];
  const stale = findStaleness(spec, memory, status, now);
  if (stale !== undefined) brakes.push(stale);
  let read = git === undefined || head === undefined ? undefined : await readOnce(ports, memory, git, head, spec);
  let unread: Error | undefined;
  if (git !== undefined && head !== undefined && read instanceof Error) {
    // What was read last stays in force, and a head that nobody has read is not written down as seen.
    unread = read;
    brakes.push(describeUnread(head, unread));
    read = observed === undefined || observed === head ? undefined : await readOnce(ports, memory, git, observed, spec);
    head = observed;
  }
  if (read instanceof Error) read = undefined;
  const own = describeOwnCommits(spec, memory.forge?.push !== undefined, read?.loaded.objects ?? []);
  const health = describe({ spec, memory, head, own }, brake, stale, failure ?? unread);
  // The head is written down before anything acts on it: a later rewind is then seen as one, even after a crash (G1).
  try {
    await writeStatus(ports, object, repositoryStatus(head, fetched, memory.fetchedAt, read, verified), health, now);
  } catch (error) {
    if (git === undefined || observed === undefined || isConflict(error)) throw error;
    // Until the new head is written down the old one serves what is in flight, and nothing starts.
    ports.onError(error, `PolicyRepository ${object.metadata.name}`);
    brakes.push({
      reason: "RepositoryStale",
      message: `commit ${head?.slice(0, 12) ?? "none"} cannot be written down as seen, so it is not in force yet`,
    });
    head = observed;
    const last = await readOnce(ports, memory, git, head, spec);
    read = last instanceof Error ? undefined : last;
  }
  if (git === undefined || head === undefined || read === undefined)
    return { inForce: fromCluster(objects, brakes.length === 0 ? [UNREAD] : brakes, spec), health };
  const copies = Object.values(POLICY_KEYS).flatMap((key) => objects[key]);
  const inForce = makeOnce(memory, [read, JSON.stringify([head, spec, brakes]), ...copies], () =>
    fromGit({
      spec,
      head,
      commitTime: read.snapshot.time,
      loaded: read.loaded,
      previous: read.previous,
      inputTimes: read.times,
      objects,
      brakes,
    }),
  );
  const applies = (spec.mode ?? "Apply") === "Apply" && spec.suspend !== true;
  if (applies && brake === undefined && !isSame(memory.applied, [read, ...copies])) {
    const settled = await applyPolicy(ports, read, objects, inForce, now);
    memory.applied = settled ? [read, ...copies] : undefined;
  }
  return {
    inForce,
    health,
    repository: {
      spec,
      git,
      forge: memory.forge,
      head,
      fetched: fetched ?? head,
      snapshot: read.snapshot,
      loaded: read.loaded,
    },
  };
}

/** The same policy while nothing that it is made from has changed: thousands of objects are not compared in every pass. */
function makeOnce(memory: Memory, from: readonly unknown[], make: () => PolicyInForce): PolicyInForce {
  if (!isSame(memory.made?.from, from)) memory.made = { from, inForce: make() };
  return memory.made?.inForce ?? make();
}

function isSame(before: readonly unknown[] | undefined, now: readonly unknown[]): boolean {
  return before?.length === now.length && now.every((part, index) => part === before[index]);
}

/** The copies in the cluster serve what is in flight, but they approve nothing: that is for the repository alone. */
const UNREAD: Block = {
  reason: "RepositoryStale",
  message: "the policy repository could not be read since the controller started",
};

function describeUnread(head: CommitSha, error: Error): Block {
  return {
    reason: "RepositoryStale",
    message: `commit ${head.slice(0, 12)} cannot be read (${error.message.slice(0, 200)}): what was read last stays in force, and nothing starts`,
  };
}

/** Another repository, branch or folder is another policy: nothing of the old one may serve for it. */
function forgetOther(memory: Memory, spec: PolicyRepositorySpec): void {
  const key = JSON.stringify([
    spec.url,
    spec.branch,
    spec.path,
    spec.auth,
    spec.proxy,
    spec.verification,
    spec.commits,
    spec.forge,
  ]);
  if (memory.key === key) return;
  memory.key = key;
  memory.git = undefined;
  memory.forge = undefined;
  memory.fetchedAt = undefined;
  memory.triedAt = undefined;
  memory.failure = undefined;
  memory.underWay = false;
  memory.again = false;
  memory.fetched = undefined;
  memory.read = undefined;
  memory.made = undefined;
  memory.applied = undefined;
}

function isDue(memory: Memory, spec: PolicyRepositorySpec, requested: string | undefined, now: Instant): boolean {
  if (memory.triedAt === undefined || memory.poked || requested !== memory.requested) return true;
  return now - memory.triedAt >= (parseDuration(spec.interval ?? "1m") ?? 60_000) * (1 + memory.jitter);
}

/** Clusters that were started together do not fetch together for ever. */
const MOST_JITTER = 0.1;

/** How a fetch ended, and of what. It never throws: whoever hears of it may ask for another repository by then. */
interface FetchEnd {
  readonly key: string | undefined;
  readonly startedAt: Instant;
  readonly git: PolicyGit | undefined;
  readonly forge: Forge | undefined;
  readonly head: CommitSha | undefined;
  readonly failure: unknown;
}

type FetchBeside = ReturnType<typeof createBeside<FetchEnd>>;

/** Begins a fetch, or goes on with the one under way, and takes over how it ended. */
async function hearFetch(
  ports: PolicySourcePorts & { readonly fetchBeside: FetchBeside },
  memory: Memory,
  object: KubeObject,
  now: Instant,
): Promise<void> {
  const { spec } = object as unknown as PolicyRepository;
  for (;;) {
    const heard = await ports.fetchBeside(() => fetch(ports, memory, spec, now));
    if (heard.kind === "UnderWay") return;
    const { key, startedAt, git, forge, head, failure } = heard.result;
    // Another repository was meant when it began: it says nothing of this one.
    if (key !== memory.key) continue;
    memory.underWay = memory.again;
    memory.again = false;
    memory.git = git;
    memory.forge = forge;
    memory.failure = failure;
    if (failure !== undefined) ports.onError(failure, `PolicyRepository ${object.metadata.name}`);
    if (head !== undefined) {
      memory.fetched = head;
      memory.fetchedAt = startedAt;
    }
    if (!memory.underWay) return;
  }
}

async function fetch(
  ports: PolicySourcePorts,
  { key, git: openGit, forge: openForge }: Memory,
  spec: PolicyRepositorySpec,
  startedAt: Instant,
): Promise<FetchEnd> {
  let [git, forge] = [openGit, openForge];
  try {
    git ??= await ports.openGit(spec);
    forge ??= await ports.openForge(spec);
    const { head } = await git.fetch();
    return { key, startedAt, git, forge, head, failure: undefined };
  } catch (error) {
    return { key, startedAt, git, forge, head: undefined, failure: error ?? new Error("unknown") };
  }
}

interface Acknowledged {
  readonly commit: CommitSha | undefined;
  /** Set since the status was written. */
  readonly isNew: boolean;
}

/**
 * Whether a person accepted the rewritten head, or a head that it only moved on from. One that was accepted long ago and left behind is
 * no word on a rewind to it today.
 */
async function isAcknowledged(
  git: PolicyGit,
  observed: CommitSha,
  fetched: CommitSha,
  { commit, isNew }: Acknowledged,
): Promise<boolean> {
  if (commit === undefined) return false;
  if (await git.isAncestor(commit, observed)) return commit === fetched && isNew;
  return commit === fetched || (await git.isAncestor(commit, fetched));
}

/** Fast-forward, or a brake and the head that was verified last. */
async function judgeHead(
  git: PolicyGit,
  observed: CommitSha | undefined,
  fetched: CommitSha,
  acknowledged: Acknowledged,
): Promise<{ readonly head: CommitSha; readonly brake?: Block }> {
  if (
    observed === undefined ||
    observed === fetched ||
    (await git.isAncestor(observed, fetched)) ||
    (await isAcknowledged(git, observed, fetched, acknowledged))
  )
    return { head: fetched };
  return {
    head: observed,
    brake: {
      reason: "HistoryRewritten",
      message: `the tracked branch went from ${observed.slice(0, 12)} to ${fetched.slice(0, 12)}, which does not contain it; set acknowledgedCommit to ${fetched} to accept it`,
    },
  };
}

/** A repository that cannot be read, does not answer, or is suspended, for too long: a withdrawal in it would not be seen. */
function findStaleness(
  spec: PolicyRepositorySpec,
  { fetchedAt, failure, underWay }: Memory,
  status: PolicyRepositoryStatus | undefined,
  now: Instant,
): Block | undefined {
  const suspended = spec.suspend === true;
  if (failure === undefined && !underWay && !suspended) return undefined;
  const last = fetchedAt ?? (status?.lastFetchTime === undefined ? undefined : Date.parse(status.lastFetchTime));
  // The first fetch of all is under way: nothing is in force yet that could be old.
  if (last === undefined && failure === undefined && !suspended) return undefined;
  const most = parseDuration(spec.maxStaleness ?? "1h") ?? 3_600_000;
  if (last !== undefined && now - last < most) return undefined;
  const why = suspended
    ? "the policy repository is suspended and was not read"
    : "the policy repository could not be read";
  return { reason: "RepositoryStale", message: `${why} for longer than ${spec.maxStaleness ?? "1h"}` };
}

/** The policy of a commit, or why it cannot be read. */
async function readOnce(
  ports: PolicySourcePorts,
  memory: Memory,
  git: PolicyGit,
  head: CommitSha,
  spec: PolicyRepositorySpec,
): Promise<ReadPolicy | Error> {
  if (memory.read?.commit === head) return memory.read;
  try {
    const path = spec.path ?? "";
    const snapshot = await git.read(head, path);
    const loaded = loadPolicy({ files: snapshot.files, validators: ports.validators, path });
    const times = await readInputTimes(git, head, loaded, snapshot.time);
    const known =
      memory.read !== undefined && (await git.isAncestor(memory.read.commit, head)) ? memory.read.lastGood : undefined;
    const lastGood = await readLastGood(git, { snapshot, loaded }, known ?? new Map(), (files) =>
      loadPolicy({ files, validators: ports.validators, path }),
    );
    const previous = [...lastGood.values()].flatMap(({ objects }) => objects);
    memory.read = { commit: head, snapshot, loaded, previous, lastGood, times };
    return memory.read;
  } catch (error) {
    // After a rewrite the old head may be out of reach: the copies in the cluster then serve what is in flight.
    ports.onError(error, `policy at ${head.slice(0, 12)}`);
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** When the files of baselines and recipes last changed: the age of a level's inputs. */
async function readInputTimes(
  git: PolicyGit,
  head: CommitSha,
  loaded: LoadedPolicy,
  fallback: Instant,
): Promise<ReadonlyMap<string, Instant>> {
  const inputs = loaded.objects.filter(({ kind }) => kind === "PatchBaseline" || kind === "UpdateRecipe");
  const files = [...new Set(inputs.map(({ file }) => file))];
  const changes = await git.lastChanges(head, files);
  return new Map(files.map((file) => [file, changes.get(file)?.time ?? fallback]));
}

function describe(
  {
    spec,
    memory,
    head,
    own,
  }: {
    readonly spec: PolicyRepositorySpec;
    readonly memory: Memory;
    readonly head: CommitSha | undefined;
    /** What is to be said of our own commits. */
    readonly own: string | undefined;
  },
  brake: Block | undefined,
  stale: Block | undefined,
  failure: unknown,
): Health {
  if (brake !== undefined) return { kind: "Stalled", reason: brake.reason, message: brake.message };
  if (failure !== undefined) {
    const message = failure instanceof Error ? failure.message : String(failure);
    if (failure instanceof UserError || stale !== undefined)
      return { kind: "Stalled", reason: stale?.reason ?? "ReadFailed", message };
    return { kind: "Reconciling", reason: "ReadFailed", message };
  }
  if (stale !== undefined) return { kind: "Stalled", reason: stale.reason, message: stale.message };
  const at = head?.slice(0, 12) ?? "none";
  if (spec.suspend === true)
    return {
      kind: "Stalled",
      reason: "RepositorySuspended",
      message: `nothing is fetched, applied or proposed; policy of commit ${at} stays in force until maxStaleness`,
    };
  if (memory.git === undefined)
    return { kind: "Reconciling", reason: "Progressing", message: "the repository is being fetched" };
  const more = own === undefined ? "" : `; ${own}`;
  return { kind: "Ready", reason: "InSync", message: `policy of commit ${at} is in force${more}` };
}

function repositoryStatus(
  head: CommitSha | undefined,
  fetched: CommitSha | undefined,
  fetchedAt: Instant | undefined,
  read: ReadPolicy | undefined,
  verified: CommitSha | undefined,
): PolicyRepositoryStatus {
  const loaded = read?.loaded;
  const brokenNow = new Set(read?.previous.map((object) => object.file));
  return {
    ...(head === undefined ? {} : { observedCommit: head }),
    ...(fetched === undefined ? {} : { fetchedCommit: fetched }),
    ...(verified === undefined ? {} : { verifiedCommit: verified }),
    ...(fetchedAt === undefined ? {} : { lastFetchTime: new Date(fetchedAt).toISOString() }),
    ...(loaded === undefined
      ? {}
      : {
          documents: loaded.objects.length,
          problems: loaded.problems
            .filter(({ severity, file }) => severity === "error" || (severity === "note" && brokenNow.has(file)))
            .slice(0, 50)
            .map(({ file, line, column, path, code, message, hint }) => ({
              file: file.slice(0, 512),
              line,
              column,
              path: path.slice(0, 512),
              code,
              message: `${message}${hint === "" ? "" : ` (${hint})`}`.slice(0, 1024),
            })),
        }),
  };
}

/** Writes the status when something that matters changed; the time of a fetch alone is not worth a write (K7). */
async function writeStatus(
  ports: PolicySourcePorts,
  object: KubeObject,
  status: PolicyRepositoryStatus,
  health: Health,
  now: Instant,
): Promise<void> {
  const before = object.status as PolicyRepositoryStatus | undefined;
  const conditions = summarise(before?.conditions, health, object.metadata.generation, now);
  const essence = (some: PolicyRepositoryStatus | undefined): string =>
    JSON.stringify([
      some?.observedCommit,
      some?.fetchedCommit,
      some?.verifiedCommit,
      some?.documents,
      some?.problems?.map((problem) => [problem.file, problem.line, problem.code]),
      (some?.conditions ?? []).map(({ type, status: value, reason }) => [type, value, reason]),
      some?.observedGeneration,
    ]);
  const after: PolicyRepositoryStatus = {
    ...status,
    ...(object.metadata.generation === undefined ? {} : { observedGeneration: object.metadata.generation }),
    conditions,
  };
  if (essence(before) === essence(after)) return;
  try {
    await ports.client.updateStatus(POLICY_REPOSITORIES, { ...object, status: after });
  } catch (error) {
    // A pass that acts on a head which is not written down would break G1; it ends here and the next one tries again. Anything else that
    // could not be said must not keep a target in flight from its way to safety.
    if (before?.observedCommit !== after.observedCommit) throw error;
    if (!isConflict(error)) ports.onError(error, `PolicyRepository ${object.metadata.name}`);
  }
}
