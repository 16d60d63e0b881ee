// The place where a pass hands its plan to promotion: asks the forge what there is, lets the core decide, carries it out. Without a
// repository there is nothing to write to; without a forge only Automatic rings move. A forge that fails opens no gate (A8).
import type { Clock, Instant } from "../../clock.ts";
import {
  type Escape,
  forecastProposal,
  planPromotions,
  renderRequest,
  type RingRecord,
} from "../../core/promotion/index.ts";
import type { KnownProposal } from "../../core/promotion/known.ts";
import type { Plan } from "../../core/rollout/plan.ts";
import type { PlanInput } from "../../core/rollout/plan-input.ts";
import type { PullRequest } from "../../forge/port.ts";
import { escapeCode, escapeMarkdown } from "../../forge/text.ts";
import type { CommitSha } from "../../git/port.ts";
import type { EventInput } from "../../kube/events.ts";
import { type BesideOptions, createBeside } from "../beside.ts";
import type { PolicyView, RepositoryView } from "../policy-source.ts";
import { type Said, talk } from "./talk.ts";
import type { Histories } from "./histories.ts";
import { carryOutPromotions } from "./carry-out.ts";
import { listBranches } from "./plain.ts";
import { createJustOpened, type JustOpened } from "./late.ts";
import { type ListedProposals, listProposals } from "./listing.ts";
import type { PromotionEvent } from "./scene.ts";

export interface PromotionScene {
  /** What the plan was made from. */
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly policy: PolicyView;
  readonly now: Instant;
}

export interface Promoter {
  /** Carries promotions out; true when something was written. */
  promote(scene: PromotionScene): Promise<boolean>;
  /** What people answered, as of the last answer of the forge: to be written down; undefined: not asked yet. */
  records(): ReadonlyMap<string, RingRecord> | undefined;
  /** Our pull requests, as the forge last listed them; undefined: there is no forge, or it has not answered. For metrics. */
  listed(): readonly PullRequest[] | undefined;
  /** Our proposals, as the forge or the branches last told them; undefined: nobody was asked, or did not answer. */
  known(): readonly KnownProposal[] | undefined;
  /** Something may have happened on the forge: it is asked anew in the next pass. */
  poke(): void;
}

export interface PromoterPorts {
  /** Policy time: dates of commits. */
  readonly clock: Clock;
  /** Transport time: how often the forge is asked. */
  readonly transport: Clock;
  /** Shortest time between two listings of pull requests while nothing was written, transport ms. */
  readonly listEveryMs: number;
  /** How long a pass waits for git and the forge; left out: until they have answered. */
  readonly patience?: BesideOptions;
  /** Policy should be fetched again: something was pushed. */
  readonly poke: () => void;
  readonly record: (event: EventInput) => void;
  readonly onError: (error: unknown, where: string) => void;
}

/** What this process remembers; losing it costs one listing. */
interface Memory {
  listed: ListedProposals | undefined;
  listedAt: number;
  readonly histories: Histories;
  readonly justOpened: JustOpened;
  /** Tips with which this process made a branch. */
  readonly made: Set<CommitSha>;
  readonly said: Said;
  readonly protection: { until: number };
  records: ReadonlyMap<string, RingRecord> | undefined;
  /** What the forge said last, for who only looks. */
  pulls: readonly PullRequest[] | undefined;
  /** The same of proposals. */
  known: readonly KnownProposal[] | undefined;
}

/** A promoter over its ports. */
export function createPromoter(ports: PromoterPorts): Promoter {
  const memory: Memory = {
    listed: undefined,
    listedAt: 0,
    histories: new Map(),
    justOpened: createJustOpened(ports.transport),
    made: new Set(),
    said: new Map(),
    protection: { until: Number.NEGATIVE_INFINITY },
    records: undefined,
    pulls: undefined,
    known: undefined,
  };
  const listed = (): Memory["pulls"] => memory.pulls;
  const known = (): Memory["known"] => memory.known;
  const records = (): Memory["records"] => memory.records;
  const poke = (): void => {
    memory.listed = undefined;
  };
  if (ports.patience === undefined)
    return { records, listed, known, poke, promote: (scene) => promote(ports, memory, scene) };
  const beside = createBeside<boolean>(ports.patience);
  return {
    records,
    listed,
    known,
    poke,
    async promote(scene) {
      for (;;) {
        let mine = false;
        const heard = await beside(() => {
          mine = true;
          return promote(ports, memory, scene);
        });
        if (heard.kind === "UnderWay") return false;
        // What an earlier pass began has ended; this pass's plan is still to be carried out, unless it was made before that wrote.
        if (mine || heard.result) return heard.result;
      }
    },
  };
}

async function promote(ports: PromoterPorts, memory: Memory, scene: PromotionScene): Promise<boolean> {
  const { repository } = scene.policy;
  // While history is rewritten the branch is not where policy was read: nothing is written to it.
  if (repository === undefined || repository.head !== repository.fetched || repository.spec.suspend === true)
    return false;
  const listed = await list(ports, memory, repository, scene);
  memory.known = listed?.known;
  const forge = repository.forge ?? "none";
  const promotions = planPromotions(scene.plan, {
    policy: scene.policy.inForce,
    candidates: scene.input.candidates,
    proposals: listed?.known,
    // A branch without a pull request has no page that could say what it holds together.
    settings:
      repository.forge === undefined
        ? { ...repository.spec.proposals, grouping: "PerBaseline" }
        : repository.spec.proposals,
    now: scene.now,
  });
  if (promotions.records !== undefined) memory.records = promotions.records;
  const { written, heads, opened } = await carryOutPromotions({
    promotions,
    render: (request, before) => {
      return renderRequest(
        request,
        request.proposals.map((proposal) => ({
          proposal,
          before,
          plan: scene.plan,
          policy: scene.policy.inForce,
          inventory: scene.input.inventory,
          forecast: () => forecastProposal(scene.input, proposal),
          mode: scene.input.ledger.spec.mode ?? "Observe",
          escape: ESCAPE,
        })),
      );
    },
    git: repository.git,
    forge: listed === undefined ? undefined : forge,
    pulls: listed?.pulls ?? [],
    head: repository.head,
    snapshot: repository.snapshot,
    policyPath: repository.spec.path ?? "",
    branch: repository.spec.branch ?? "main",
    clock: ports.clock,
    transport: ports.transport,
    protection: memory.protection,
    made: memory.made,
    tell: (event) => ports.record(toEvent(event)),
  });
  for (const pull of opened) memory.justOpened.add(pull);
  if (written) {
    memory.listed = undefined;
    ports.poke();
  }
  if (repository.forge !== undefined && listed !== undefined && scene.policy.inForce.proposer)
    await talk({
      forge: repository.forge,
      promotions,
      heads,
      input: scene.input,
      plan: scene.plan,
      policy: scene.policy.inForce,
      known: listed.known,
      // A check that comes a moment after its pull request may come after its merge.
      pulls: [...listed.pulls, ...opened],
      settings: repository.spec.proposals,
      escape: ESCAPE,
      said: memory.said,
      transport: ports.transport,
      onError: ports.onError,
    });
  return written;
}

const ESCAPE: Escape = { text: escapeMarkdown, code: escapeCode };

/** What the forge knows, asked not more often than agreed; undefined when it does not answer. Without a forge: what the branches say. */
async function list(
  ports: PromoterPorts,
  memory: Memory,
  { forge, git, spec }: RepositoryView,
  { plan, input }: PromotionScene,
): Promise<ListedProposals | undefined> {
  if (forge === undefined) return { pulls: [], known: await listBranches(git) };
  const now = ports.transport.monotonic();
  if (memory.listed !== undefined && now - memory.listedAt < ports.listEveryMs) return memory.listed;
  try {
    const digests = new Set([
      ...[...input.candidates.values()].map(({ digest }) => digest.slice(0, 12)),
      ...plan.rings.flatMap(({ levels }) => levels.map(({ digest }) => digest.slice(0, 12))),
    ]);
    memory.listed = await listProposals({
      forge,
      branch: spec.branch ?? "main",
      matters: (digest) => digests.has(digest),
      histories: memory.histories,
      justOpened: memory.justOpened,
      transport: ports.transport,
    });
    memory.listedAt = now;
    memory.pulls = memory.listed.pulls;
  } catch (error) {
    memory.listed = undefined;
    memory.pulls = undefined;
    ports.onError(error, "forge");
  }
  return memory.listed;
}

function toEvent({ reason, ring, message }: PromotionEvent): EventInput {
  return {
    regarding: { apiVersion: "ringward.dev/v1alpha1", kind: "RolloutRing", name: ring },
    type: reason === "ForgeUnavailable" ? "Warning" : "Normal",
    reason,
    action: reason,
    note: message,
  };
}
