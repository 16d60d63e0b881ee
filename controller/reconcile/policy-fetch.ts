// When the policy repository is fetched, beside the passes, and how old what is known of it may be. A fetch that fails is not repeated before its
// time; one that hangs counts as stale like one that fails (G2); one that somebody asked for while another was under way comes after it.
import type { PolicyRepositorySpec, PolicyRepositoryStatus } from "../api/policy-repository.ts";
import type { Instant, Random } from "../clock.ts";
import { parseDuration } from "../core/duration.ts";
import type { Block } from "../core/model.ts";
import type { Forge } from "../forge/port.ts";
import type { CommitSha, PolicyGit } from "../git/port.ts";
import { type BesideOptions, createBeside } from "./beside.ts";

/** What this process remembers of fetching; all of it can be learnt again. */
export interface FetchMemory {
  /** Which repository it is about. */
  key: string | undefined;
  git: PolicyGit | undefined;
  forge: Forge | undefined;
  fetched: CommitSha | undefined;
  fetchedAt: Instant | undefined;
  /** The last attempt, and what it failed with. */
  triedAt: Instant | undefined;
  failure: unknown;
  /** A fetch that no pass has heard the end of. */
  underWay: boolean;
  /** Another one is due as soon as that has ended. */
  again: boolean;
  /** What the interval is longer by this time, as a fraction of it. */
  jitter: number;
  /** The last request by annotation that a fetch was begun for. */
  requested: string | undefined;
  /** What the last fetch that ended had seen of requests when it began, until that is written down. */
  handled: string | undefined;
  poked: boolean;
}

export interface FetchPorts {
  readonly openGit: (spec: PolicyRepositorySpec) => Promise<PolicyGit>;
  readonly openForge: (spec: PolicyRepositorySpec) => Promise<Forge | undefined>;
  /** Spreads the fetches of many clusters; left out: they come exactly at the interval. */
  readonly random?: Random;
  /** Somebody asked by annotation, and a fetch begins for it; left out: nobody else has to know. */
  readonly onRequest?: () => void;
  readonly onError: (error: unknown, where: string) => void;
}

/** How a fetch ended, and of what. It never throws: whoever hears of it may ask for another repository by then. */
interface FetchEnd {
  readonly key: string | undefined;
  readonly startedAt: Instant;
  /** What the annotation said then. */
  readonly requested: string | undefined;
  readonly git: PolicyGit | undefined;
  readonly forge: Forge | undefined;
  readonly head: CommitSha | undefined;
  readonly failure: unknown;
}

export type FetchBeside = ReturnType<typeof createBeside<FetchEnd>>;

/** Without patience a pass waits until the fetch has ended. */
export function createFetchBeside(patience: BesideOptions | undefined): FetchBeside {
  if (patience !== undefined) return createBeside<FetchEnd>(patience);
  return async (start) => ({ kind: "Done", result: await start() });
}

/** Of a repository of which nothing is known yet. */
export function forgotten(): FetchMemory {
  return {
    key: undefined,
    git: undefined,
    forge: undefined,
    fetched: undefined,
    fetchedAt: undefined,
    triedAt: undefined,
    failure: undefined,
    underWay: false,
    again: false,
    jitter: 0,
    requested: undefined,
    handled: undefined,
    poked: false,
  };
}

/** Equal for specs that mean the same repository, asked the same way. */
export function keyOf(spec: PolicyRepositorySpec): string {
  const { url, branch, path, auth, proxy, verification, commits, forge } = spec;
  return JSON.stringify([url, branch, path, auth, proxy, verification, commits, forge]);
}

export interface FetchScene {
  readonly ports: FetchPorts;
  readonly fetchBeside: FetchBeside;
  readonly memory: FetchMemory;
  readonly name: string;
  readonly spec: PolicyRepositorySpec;
  /** What the annotation asks for. */
  readonly requested: string | undefined;
  readonly now: Instant;
}

/** Begins a fetch where one is due, and takes over how it ended, or how an earlier one did. */
export async function keepFetched(scene: FetchScene): Promise<void> {
  const { ports, memory, spec, requested, now } = scene;
  // Likewise what was fetched later than now would not grow stale.
  if (memory.fetchedAt !== undefined && memory.fetchedAt > now) memory.fetchedAt = now;
  if (spec.suspend !== true && isDue(memory, spec, requested, now)) {
    memory.triedAt = now;
    memory.jitter = (ports.random?.next() ?? 0) * MOST_JITTER;
    if (requested !== undefined && requested !== memory.requested) ports.onRequest?.();
    memory.requested = requested;
    memory.poked = false;
    // One that began before somebody asked may have looked before what they mean was there.
    memory.again = memory.underWay;
    memory.underWay = true;
  }
  if (memory.underWay) await hearFetch(scene);
}

/** Clusters that were started together do not fetch together for ever. */
const MOST_JITTER = 0.1;

/** How often the specification wants to be fetched, ms. */
export function fetchInterval({ interval }: PolicyRepositorySpec): number {
  return parseDuration(interval ?? "1m") ?? 60_000;
}

function isDue(memory: FetchMemory, spec: PolicyRepositorySpec, requested: string | undefined, now: Instant): boolean {
  if (memory.triedAt === undefined || memory.poked || requested !== memory.requested) return true;
  const since = now - memory.triedAt;
  // A clock that was put back would otherwise keep the next one waiting for as long as it went back.
  return since < 0 || since >= fetchInterval(spec) * (1 + memory.jitter);
}

async function hearFetch({ ports, fetchBeside, memory, name, spec, requested, now }: FetchScene): Promise<void> {
  for (;;) {
    const heard = await fetchBeside(() => fetch(ports, memory, spec, { requested, startedAt: now }));
    if (heard.kind === "UnderWay") return;
    const { key, startedAt, git, forge, head, failure } = heard.result;
    // Another repository was meant when it began: it says nothing of this one.
    if (key !== memory.key) continue;
    memory.underWay = memory.again;
    memory.again = false;
    memory.git = git;
    memory.forge = forge;
    memory.failure = failure;
    memory.handled = heard.result.requested ?? memory.handled;
    if (failure !== undefined) ports.onError(failure, `PolicyRepository ${name}`);
    if (head !== undefined) {
      memory.fetched = head;
      memory.fetchedAt = startedAt;
    }
    if (!memory.underWay) return;
  }
}

async function fetch(
  ports: FetchPorts,
  { key, git: openGit, forge: openForge }: FetchMemory,
  spec: PolicyRepositorySpec,
  began: Pick<FetchEnd, "requested" | "startedAt">,
): Promise<FetchEnd> {
  let [git, forge] = [openGit, openForge];
  try {
    git ??= await ports.openGit(spec);
    forge ??= await ports.openForge(spec);
    const { head } = await git.fetch();
    return { ...began, key, git, forge, head, failure: undefined };
  } catch (error) {
    return { ...began, key, git, forge, head: undefined, failure: error ?? new Error("unknown") };
  }
}

/** A repository that cannot be read, does not answer, or is suspended, for too long: a withdrawal in it would not be seen. */
export function findStaleness(
  spec: PolicyRepositorySpec,
  { fetchedAt, failure, underWay }: FetchMemory,
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
