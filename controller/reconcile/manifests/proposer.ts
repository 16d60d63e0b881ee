// Asks for image changes where somebody else's manifests stand, at the end of a pass and off its critical path. A branch and a pull request
// (or, without a forge, the branch alone) for each place; nothing is merged here, and nothing read here approves anything (A1). What fails is
// told once, and holds back neither the pass nor another place.
import type { ManifestRejection } from "../../api/rollout-ring.ts";
import {
  findManifestPlaces,
  findNamedPlaces,
  type KnownManifestProposal,
  MANIFEST_PREFIX,
  planManifests,
  recordManifestRefusals,
} from "../../core/manifests/index.ts";
import type { PullRequest } from "../../forge/port.ts";
import { type BesideOptions, createBeside } from "../beside.ts";
import type { PromotionScene } from "../promotion/promoter.ts";
import { closePlain, keepPlain } from "./plain.ts";
import { closePull, keepPull, type PullScene, sweepBranches } from "./pulls.ts";
import { createRepositories } from "./repositories.ts";
import { attempt, hasForge, nameOf, type Scene, type SceneMemory, type ScenePorts, tellOnce } from "./scene.ts";

export interface ManifestProposer {
  /** Opens, keeps and closes proposals; true when something was written. Never throws. */
  propose(scene: PromotionScene): Promise<boolean>;
  /** Refusals by ring, as of the last answers of the forges: to be written down; undefined: not asked yet. */
  refusals(): ReadonlyMap<string, readonly ManifestRejection[]> | undefined;
}

export interface ManifestProposerPorts extends ScenePorts {
  /** How long a pass waits; left out: until all have answered. */
  readonly patience?: BesideOptions;
}

interface Memory extends SceneMemory {
  refusals: ReadonlyMap<string, readonly ManifestRejection[]> | undefined;
}

export function createManifestProposer(ports: ManifestProposerPorts): ManifestProposer {
  const memory: Memory = {
    repositories: createRepositories(ports),
    told: new Map(),
    edits: new Map(),
    refusals: undefined,
  };
  const refusals = (): Memory["refusals"] => memory.refusals;
  const work = async (scene: PromotionScene): Promise<boolean> => {
    try {
      return await propose(ports, memory, scene);
    } catch (error) {
      ports.onError(error, "manifests");
      return false;
    }
  };
  if (ports.patience === undefined) return { propose: work, refusals };
  const beside = createBeside<boolean>(ports.patience);
  return {
    refusals,
    async propose(scene) {
      const heard = await beside(() => work(scene));
      return heard.kind === "Done" && heard.result;
    },
  };
}

async function propose(ports: ManifestProposerPorts, memory: Memory, pass: PromotionScene): Promise<boolean> {
  const { policy, plan, input, now } = pass;
  const { repository: view } = policy;
  if (view === undefined || view.head !== view.fetched || view.spec.suspend === true || !policy.inForce.proposer)
    return false;
  const places = findManifestPlaces(plan, policy.inForce);
  const named = new Set(
    plan.rings.flatMap((outcome) => findNamedPlaces(outcome, policy.inForce).map(({ branch }) => branch)),
  );
  if (named.size === 0 && (view.spec.manifestRepositories ?? []).length === 0) {
    memory.refusals = recordManifestRefusals(plan, policy.inForce, new Map());
    if ((await view.git.branches(MANIFEST_PREFIX)).size === 0) return false;
  }
  const wanted = new Set(places.map(({ branch }) => branch));
  const known = new Map<string | undefined, readonly KnownManifestProposal[]>();
  const scenes = new Map<string | undefined, Scene & { readonly pulls: readonly PullRequest[] }>();
  const wrote = { written: false };
  for (const opened of await memory.repositories.open(view, now)) {
    if (opened.tips.size === 0 && !places.some(({ repository }) => repository === opened.name)) continue;
    try {
      const listed = await memory.repositories.list(opened, (branch) => named.has(branch));
      known.set(opened.name, listed.known);
      scenes.set(opened.name, { ...pass, ports, memory, opened, pulls: listed.pulls, wrote });
    } catch (error) {
      ports.onError(error, `forge of ${nameOf(opened)}`);
    }
  }
  memory.refusals = recordManifestRefusals(plan, policy.inForce, known);
  const names = (view.spec.manifestRepositories ?? []).map(({ name }) => name);
  const decided = planManifests(plan, {
    policy: policy.inForce,
    repositories: new Set(names),
    known,
    settings: view.spec.proposals,
    now: input.now,
  });
  // A leader that was paused must not close what another one opened on newer policy.
  if (decided.closing.length > 0 && (await view.git.fetch()).head !== view.head) {
    ports.poke();
    return true;
  }
  for (const { place, block } of decided.waiting) tellOnce({ ports, memory }, place, block.reason, block.message);
  for (const closing of decided.closing) {
    const scene = scenes.get(closing.repository);
    if (scene !== undefined)
      await attempt(scene, closing.proposal.branch, () =>
        isPullScene(scene) ? closePull(scene, closing) : closePlain(scene, closing),
      );
  }
  for (const proposal of decided.proposals) {
    const scene = scenes.get(proposal.repository);
    if (scene === undefined) continue;
    const keep = (): Promise<void> => (isPullScene(scene) ? keepPull(scene, proposal) : keepPlain(scene, proposal));
    await attempt(scene, proposal.branch, keep, proposal);
  }
  const busy = new Set([...wanted, ...decided.closing.map(({ proposal }) => proposal.branch)]);
  for (const scene of scenes.values()) if (isPullScene(scene)) await sweepBranches(scene, busy);
  return wrote.written;
}

function isPullScene(scene: Scene & { readonly pulls: readonly PullRequest[] }): scene is PullScene {
  return hasForge(scene);
}
