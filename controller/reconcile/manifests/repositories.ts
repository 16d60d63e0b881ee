// The repositories in which manifests are changed: the policy repository as policy was read from it, and those that the PolicyRepository
// lists, each with its own store and credentials, fetched at the same interval. One that fails holds back no other one.
import type { ManifestRepository, PolicyRepositorySpec } from "../../api/policy-repository.ts";
import type { Clock, Instant } from "../../clock.ts";
import { parseDuration } from "../../core/duration.ts";
import {
  type KnownManifestProposal,
  MANIFEST_PREFIX,
  parseManifestBranch,
  readManifestProposal,
} from "../../core/manifests/index.ts";
import type { Forge, PullRequest } from "../../forge/port.ts";
import type { CommitSha, PolicyGit } from "../../git/port.ts";
import type { RepositoryView } from "../policy-source.ts";
import { NO_NUMBER } from "../promotion/plain.ts";
import { type Histories, peopleOf } from "../promotion/histories.ts";
import { createJustOpened, type JustOpened } from "../promotion/late.ts";

/** One that can be written to in this pass. */
export interface Opened {
  /** Undefined: the policy repository. */
  readonly name: string | undefined;
  readonly git: PolicyGit;
  /** Undefined: there is none, and branches alone are proposals. */
  readonly forge: Forge | undefined;
  readonly branch: string;
  readonly head: CommitSha;
  /** Branches of manifest proposals. */
  readonly tips: ReadonlyMap<string, CommitSha>;
  readonly justOpened: JustOpened;
  /** Tips with which this process made a branch. */
  readonly made: Set<CommitSha>;
}

/** What this process remembers of one; losing it costs a fetch and a listing. */
interface Memory {
  key: string;
  git: PolicyGit | undefined;
  forge: Forge | undefined;
  head: CommitSha | undefined;
  fetchedAt: Instant | undefined;
  listed: readonly PullRequest[] | undefined;
  listedAt: number;
  /** It failed: nothing is asked of it before this time, transport ms. */
  retryAt: number;
  readonly histories: Histories;
  readonly justOpened: JustOpened;
  readonly made: Set<CommitSha>;
}

export interface RepositoryPorts {
  /** Opens a listed repository; the spec is the PolicyRepository's. */
  readonly open: (
    entry: ManifestRepository,
    spec: PolicyRepositorySpec,
  ) => Promise<{ readonly git: PolicyGit; readonly forge: Forge | undefined }>;
  /** Transport time. */
  readonly transport: Clock;
  readonly listEveryMs: number;
  /** Policy should be fetched again. */
  readonly poke: () => void;
  readonly onError: (error: unknown, where: string) => void;
}

export interface Repositories {
  /** Those that can be reached now. */
  open(view: RepositoryView, now: Instant): Promise<readonly Opened[]>;
  /** Every proposal of ours in one, its forge asked not more often than agreed; `matters`: of which branches people's answers are needed. */
  list(
    opened: Opened,
    matters: (branch: string) => boolean,
  ): Promise<{ readonly pulls: readonly PullRequest[]; readonly known: readonly KnownManifestProposal[] }>;
  /** Something was written there: look again. */
  forget(opened: Opened): void;
  /** Something failed there: look again, after a while. */
  fail(opened: Opened): void;
}

export function createRepositories(ports: RepositoryPorts): Repositories {
  const memories = new Map<string | undefined, Memory>();
  const memoryOf = (name: string | undefined, key: string): Memory => {
    const before = memories.get(name);
    if (before?.key === key) return before;
    const fresh: Memory = {
      key,
      git: undefined,
      forge: undefined,
      head: undefined,
      fetchedAt: undefined,
      listed: undefined,
      listedAt: 0,
      retryAt: 0,
      histories: new Map(),
      justOpened: createJustOpened(ports.transport),
      made: new Set(),
    };
    memories.set(name, fresh);
    return fresh;
  };
  const rests = (name: string | undefined): boolean =>
    ports.transport.monotonic() < (memories.get(name)?.retryAt ?? Number.NEGATIVE_INFINITY);
  const forget = ({ name }: Opened): void => {
    const memory = memories.get(name);
    if (memory === undefined) return;
    memory.listed = undefined;
    memory.fetchedAt = undefined;
  };
  return {
    async open(view, now) {
      const opened: Opened[] = [];
      const add = async (
        { justOpened, made }: Memory,
        one: Omit<Opened, "tips" | "justOpened" | "made">,
      ): Promise<void> => {
        opened.push({ ...one, justOpened, made, tips: await one.git.branches(MANIFEST_PREFIX) });
      };
      const { spec, git, forge, head } = view;
      const own = memoryOf(undefined, JSON.stringify([spec.url, spec.branch]));
      if (!rests(undefined)) await add(own, { name: undefined, git, forge, branch: spec.branch ?? "main", head });
      for (const entry of spec.manifestRepositories ?? []) {
        const memory = memoryOf(entry.name, JSON.stringify([entry, spec.clusterName]));
        if (rests(entry.name)) continue;
        try {
          await refresh(ports, memory, entry, spec, now);
          if (memory.git !== undefined && memory.head !== undefined)
            await add(memory, {
              name: entry.name,
              git: memory.git,
              forge: memory.forge,
              branch: entry.branch ?? "main",
              head: memory.head,
            });
        } catch (error) {
          ports.onError(error, `manifest repository ${entry.name}`);
        }
      }
      return opened;
    },
    async list({ name, forge, branch, tips }, matters) {
      if (forge === undefined) return { pulls: [], known: knownBranches({ tips }) };
      const memory = memories.get(name);
      if (memory === undefined) throw new Error(`manifest repository ${name ?? "policy"} was not opened`);
      const now = ports.transport.monotonic();
      if (memory.listed === undefined || now - memory.listedAt >= ports.listEveryMs) {
        memory.listed = memory.justOpened
          .complete(await forge.list(MANIFEST_PREFIX))
          .filter((pull) => pull.base === branch);
        memory.listedAt = now;
      }
      const known: KnownManifestProposal[] = [];
      for (const pull of memory.listed) {
        const proposal = readManifestProposal(pull);
        if (proposal === undefined) continue;
        const asks = !proposal.withdrawn && matters(proposal.branch);
        const people = asks ? await peopleOf(forge, pull, memory.histories, ports.transport) : undefined;
        known.push(people === undefined ? proposal : { ...proposal, people });
      }
      return { pulls: memory.listed, known };
    },
    forget(opened) {
      forget(opened);
      if (opened.name === undefined) ports.poke();
    },
    fail(opened) {
      forget(opened);
      const memory = memories.get(opened.name);
      if (memory !== undefined) memory.retryAt = ports.transport.monotonic() + ports.listEveryMs;
    },
  };
}

/** Without a forge: every branch of ours, as an open proposal. */
function knownBranches({ tips }: Pick<Opened, "tips">): readonly KnownManifestProposal[] {
  return [...tips.keys()].sort().flatMap((branch) => {
    const parsed = parseManifestBranch(branch);
    if (parsed === undefined) return [];
    return [{ number: NO_NUMBER, branch, state: "open" as const, ...parsed, withdrawn: false }];
  });
}

async function refresh(
  ports: RepositoryPorts,
  memory: Memory,
  entry: ManifestRepository,
  spec: PolicyRepositorySpec,
  now: Instant,
): Promise<void> {
  if (memory.git === undefined) {
    const { git, forge } = await ports.open(entry, spec);
    memory.git = git;
    memory.forge = forge;
  }
  const interval = parseDuration(spec.interval ?? "1m") ?? 60_000;
  const since = memory.fetchedAt === undefined ? undefined : now - memory.fetchedAt;
  // One of a time to come was made before the clock was put back.
  if (since !== undefined && since >= 0 && since < interval) return;
  // One that fails is not asked again before its time either, and what is old is not written upon.
  memory.fetchedAt = now;
  memory.head = undefined;
  memory.head = (await memory.git.fetch()).head;
}
