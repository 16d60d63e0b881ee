// Where policy comes from: the one PolicyRepository's verified snapshot, or, without one, the objects in the cluster.
// Git moves fast-forward only (G1); a repository that cannot be read keeps serving what is in flight and lets nothing new start
// after maxStaleness (G2); all files of a decision come from one commit (G3).
import { type PolicyRepository, type PolicyRepositorySpec, REQUESTED_AT } from "../api/policy-repository.ts";
import type { Validators } from "../api/validator.ts";
import type { Instant } from "../clock.ts";
import { handledRequest } from "../core/look-requests.ts";
import type { Block, PolicyInForce } from "../core/model.ts";
import type { Forge } from "../forge/port.ts";
import { UserError } from "../errors.ts";
import type { CommitSha, GitSnapshot, PolicyGit } from "../git/port.ts";
import { isConflict } from "../kube/api-errors.ts";
import type { Client } from "../kube/client.ts";
import type { EventInput } from "../kube/events.ts";
import type { KubeObject } from "../kube/port.ts";
import { loadPolicy, type LoadedPolicy } from "../policy/load.ts";
import type { PolicyObject } from "../policy/object.ts";
import { waitForCopies } from "../policy/in-force.ts";
import { applyPolicy, POLICY_KEYS } from "./apply-policy.ts";
import type { BesideOptions } from "./beside.ts";
import type { ClusterObjects } from "./cluster-kinds.ts";
import type { Health } from "./conditions.ts";
import { type LastGood, readLastGood } from "./last-good.ts";
import { byAge } from "./look-request.ts";
import {
  createFetchBeside,
  type FetchBeside,
  type FetchMemory,
  type FetchPorts,
  findStaleness,
  forgotten,
  keepFetched,
  keyOf,
  fetchInterval,
} from "./policy-fetch.ts";
import { describeOwnCommits, findUnverified, isVerified } from "./policy-signatures.ts";
import { describeRepository, repositoryStatus, writeStatus } from "./policy-status.ts";
import { fromCluster, fromGit } from "./policy-view.ts";

/** Policy as a pass uses it. */
export interface PolicyView {
  readonly inForce: PolicyInForce;
  /** Set where a repository was read in this pass. */
  readonly repository?: RepositoryView;
  /** How reading it went; set where there is a repository, read or not. */
  readonly health?: Health;
  /** When it was last fetched, by this process or, as far as is written down, by one before. */
  readonly fetchedAt?: Instant | undefined;
  /** How often it is to be fetched; left out: never, for it is suspended. */
  readonly intervalMs?: number | undefined;
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

export interface PolicySourcePorts extends FetchPorts {
  readonly client: Client;
  readonly validators: Validators;
  /** How long a pass waits for a fetch; left out: until it ends. */
  readonly patience?: BesideOptions;
  readonly record: (event: EventInput) => void;
}

export interface PolicySource {
  sync(objects: ClusterObjects, now: Instant): Promise<PolicyView>;
  /** The next sync fetches, whatever the interval says: something was pushed, or somebody asked. */
  poke(): void;
}

/** What this process remembers of the repository; all of it can be read again. */
interface Memory extends FetchMemory {
  read: ReadPolicy | undefined;
  /** The policy in force, and everything that it was made from. */
  made: { readonly from: readonly unknown[]; readonly inForce: PolicyInForce } | undefined;
  /** What the cluster's copies were found equal to, with the copies. */
  applied: readonly unknown[] | undefined;
}

/** Policy as it was read at one commit. */
export interface ReadPolicy {
  readonly commit: CommitSha;
  readonly snapshot: GitSnapshot;
  readonly loaded: LoadedPolicy;
  readonly previous: readonly PolicyObject[];
  /** Where `previous` comes from, path by path; a path that never held policy has none. */
  readonly lastGood: ReadonlyMap<string, LastGood>;
  readonly times: ReadonlyMap<string, Instant>;
}

/** A policy source over its ports. */
export function createPolicySource(ports: PolicySourcePorts): PolicySource {
  const memory: Memory = { ...forgotten(), read: undefined, made: undefined, applied: undefined };
  const fetchBeside = createFetchBeside(ports.patience);
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
  await keepFetched({
    ports,
    fetchBeside: ports.fetchBeside,
    memory,
    name: object.metadata.name,
    spec,
    requested,
    now,
  });
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
  const doubt = (of: PolicyGit, commit: CommitSha): Promise<Block | undefined> =>
    findUnverified(of, spec, commit, verified, (error) =>
      ports.onError(error, `signatures of PolicyRepository ${object.metadata.name}`),
    );
  if (git !== undefined && judged !== undefined && brake === undefined) {
    brake = await doubt(git, judged.head);
    if (brake !== undefined) head = observed;
    else if (isVerified(spec)) verified = judged.head;
  }
  let read = git === undefined || head === undefined ? undefined : await readOnce(ports, memory, git, head, spec);
  if (git !== undefined && judged === undefined && head !== undefined && !(read instanceof Error)) {
    // Nothing was fetched since this process began or the spec changed: what was in force is asked for its signature as a head is.
    brake = await doubt(git, head);
    if (brake === undefined && isVerified(spec)) verified = head;
  }
  const brakes: Block[] = brake === undefined ? [] : [brake];
  const stale = findStaleness(spec, memory, status, now);
  if (stale !== undefined) brakes.push(stale);
  let unread: Error | undefined;
  if (git !== undefined && head !== undefined && read instanceof Error) {
    // What was read last stays in force, and a head that nobody has read is not written down as seen.
    unread = read;
    brakes.push(describeUnread(head, unread));
    read = observed === undefined || observed === head ? undefined : await readOnce(ports, memory, git, observed, spec);
    head = observed;
  }
  if (read instanceof Error) read = undefined;
  const fetchedAt =
    memory.fetchedAt ?? (status?.lastFetchTime === undefined ? undefined : Date.parse(status.lastFetchTime));
  const own = describeOwnCommits(spec, memory.forge?.push !== undefined, read?.loaded.objects ?? []);
  const health = describeRepository({ spec, memory, head, own }, brake, stale, failure ?? unread);
  // The head is written down before anything acts on it: a later rewind is then seen as one, even after a crash (G1).
  try {
    const handled = handledRequest(memory, requested, status?.lastHandledReconcileAt);
    const seen = { head, fetched, fetchedAt: memory.fetchedAt, read, verified, handled };
    // Said once: from then on what stands there may be another leader's word, and newer.
    if (await writeStatus(ports, object, repositoryStatus(seen, status), health, now)) memory.handled = undefined;
  } catch (error) {
    if (git === undefined || observed === undefined || isConflict(error)) throw error;
    // Until the new head is written down the old one serves what is in flight, and nothing starts.
    ports.onError(error, `PolicyRepository ${object.metadata.name}`);
    brakes.push({
      reason: "RepositoryStale",
      message: `commit ${head?.slice(0, 12) ?? "none"} cannot be written down as seen, so it is not in force yet`,
    });
    head = observed;
    const last = await readOnce(ports, memory, git, observed, spec);
    read = last instanceof Error ? undefined : last;
  }
  const said = { health, fetchedAt, intervalMs: spec.suspend === true ? undefined : fetchInterval(spec) };
  if (git === undefined || head === undefined || read === undefined)
    return { ...said, inForce: fromCluster(objects, brakes.length === 0 ? [UNREAD] : brakes, spec) };
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
  let unapplied: ReadonlySet<string> = new Set();
  if (applies && brake === undefined && !isSame(memory.applied, [read, ...copies])) {
    const { settled, failed } = await applyPolicy(ports, read, objects, inForce, now);
    memory.applied = settled ? [read, ...copies] : undefined;
    unapplied = failed;
  }
  return {
    ...said,
    inForce: waitForCopies(inForce, unapplied),
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
  const key = keyOf(spec);
  if (memory.key === key) return;
  // What somebody asked for is asked of the new one, too.
  Object.assign(memory, { ...forgotten(), key, requested: memory.requested, poked: memory.poked });
  memory.read = undefined;
  memory.made = undefined;
  memory.applied = undefined;
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

/** A path that leads nowhere is a slip. Were it a policy of nothing, it would put every ring out of force. */
function noFolder(path: string, commit: CommitSha): UserError {
  return new UserError(
    "RW1135",
    `there is no folder "${path}" at commit ${commit.slice(0, 12)}`,
    "write the folder that holds the policy into spec.path; links and submodules are not followed",
  );
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
    if (snapshot.noFolder === true) throw noFolder(path, head);
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
