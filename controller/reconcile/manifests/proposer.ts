// Asks for image changes where somebody else's manifests stand, at the end of a pass and off its critical path. A branch and a pull request
// for each place, found again after any crash by branch and base, never two; nothing is merged here, and nothing read here approves
// anything (A1). What fails is told once, and holds back neither the pass nor another place.
import type { ManifestRejection } from "../../api/rollout-ring.ts";
import type { Reason } from "../../api/reasons.ts";
import type { Clock } from "../../clock.ts";
import {
  findManifestPlaces,
  findNamedPlaces,
  type KnownManifestProposal,
  type ManifestClosing,
  type ManifestPlace,
  type ManifestProposal,
  planManifests,
  parseManifestBranch,
  recordManifestRefusals,
  type Rendering,
  renderManifestPage,
} from "../../core/manifests/index.ts";
import { type Escape, markClosed, readMarker } from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import type { PullRequest } from "../../forge/port.ts";
import { escapeCode, escapeMarkdown } from "../../forge/text.ts";
import { type EditedManifests, editManifests } from "../../git/manifests/index.ts";
import type { EventInput } from "../../kube/events.ts";
import { type BesideOptions, createBeside } from "../beside.ts";
import type { PromotionScene } from "../promotion/promoter.ts";
import { deleteManifestBranch, keepManifestBranch } from "./branch.ts";
import { createRender, type RenderSettings } from "./render.ts";
import { createRepositories, type Opened, type Repositories, type RepositoryPorts } from "./repositories.ts";

export interface ManifestProposer {
  /** Opens, keeps and closes proposals; true when something was written. Never throws. */
  propose(scene: PromotionScene): Promise<boolean>;
  /** Refusals by ring, as of the last answers of the forges: to be written down; undefined: not asked yet. */
  refusals(): ReadonlyMap<string, readonly ManifestRejection[]> | undefined;
}

export interface ManifestProposerPorts extends RepositoryPorts, RenderSettings {
  /** Policy time: dates of commits. */
  readonly clock: Clock;
  /** How long a pass waits; left out: until all have answered. */
  readonly patience?: BesideOptions;
  readonly record: (event: EventInput) => void;
}

/** What this process remembers; losing it costs work. */
interface Memory {
  readonly repositories: Repositories;
  /** What was told of each branch last. */
  readonly told: Map<string, string>;
  /** The edits of a place at a commit. */
  readonly edits: Map<string, { readonly key: string; readonly work: Edited }>;
  refusals: ReadonlyMap<string, readonly ManifestRejection[]> | undefined;
}

interface Edited {
  readonly edited: EditedManifests;
  readonly rendering: Rendering;
}

const ESCAPE: Escape = { text: escapeMarkdown, code: escapeCode };

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

/** One repository in this pass. */
interface Scene extends PromotionScene {
  readonly ports: ManifestProposerPorts;
  readonly memory: Memory;
  readonly opened: Opened;
  readonly pulls: readonly PullRequest[];
  readonly wrote: { written: boolean };
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
    if ((await view.git.branches("ringward/manifests/")).size === 0) return false;
  }
  const wanted = new Set(places.map(({ branch }) => branch));
  const known = new Map<string | undefined, readonly KnownManifestProposal[]>();
  const scenes = new Map<string | undefined, Scene>();
  const wrote = { written: false };
  for (const opened of await memory.repositories.open(view, now)) {
    if (opened.tips.size === 0 && !places.some(({ repository }) => repository === opened.name)) continue;
    try {
      const listed = await memory.repositories.list(opened, (branch) => named.has(branch));
      known.set(opened.name, listed.known);
      scenes.set(opened.name, { ...pass, ports, memory, opened, pulls: listed.pulls, wrote });
    } catch (error) {
      ports.onError(error, `forge of ${opened.name ?? "the policy repository"}`);
    }
  }
  memory.refusals = recordManifestRefusals(plan, policy.inForce, known);
  const names = (view.spec.manifestRepositories ?? []).map(({ name }) => name);
  const decided = planManifests(plan, {
    policy: policy.inForce,
    repositories: new Set([...(view.forge === undefined ? [] : [undefined]), ...names]),
    known,
    settings: view.spec.proposals,
    now: input.now,
  });
  for (const { place, block } of decided.waiting) tellOnce(ports, memory, place, block.reason, block.message);
  for (const closing of decided.closing) {
    const scene = scenes.get(closing.repository);
    if (scene !== undefined) await attempt(scene, closing.proposal.branch, () => close(scene, closing));
  }
  for (const proposal of decided.proposals) {
    const scene = scenes.get(proposal.repository);
    if (scene !== undefined) await attempt(scene, proposal.branch, () => keep(scene, proposal), proposal);
  }
  for (const scene of scenes.values())
    await sweep(scene, new Set([...wanted, ...decided.closing.map(({ proposal }) => proposal.branch)]));
  return wrote.written;
}

/** One decision's failure stops no other one. */
async function attempt(scene: Scene, branch: string, work: () => Promise<void>, place?: ManifestPlace): Promise<void> {
  const { ports, memory, opened } = scene;
  try {
    await work();
  } catch (error) {
    if (error instanceof UserError && place !== undefined)
      return tellOnce(ports, memory, place, "PolicyInvalid", error.message);
    ports.onError(error, `manifest proposal ${branch} in ${opened.name ?? "the policy repository"}`);
    memory.repositories.fail(opened);
  }
}

/** The branch as it should be, then the pull request as it should be. */
async function keep(scene: Scene, proposal: ManifestProposal): Promise<void> {
  const { opened, ports, memory, pulls, policy, plan } = scene;
  const { edited, rendering } = await editOnce(scene, proposal);
  const open = pulls.find((pull) => pull.state === "open" && pull.head === proposal.branch);
  if (edited.edits.length === 0) {
    const message = "the manifests say so already, and whoever applies them has not done so yet";
    if (open !== undefined) await closePull(scene, open, "Compliant", `Ringward closes this: ${message}.`, proposal);
    else tellOnce(ports, memory, proposal, "ManagedElsewhere", message);
    return;
  }
  if (open === undefined && (await isAnswered(scene, proposal.branch))) return memory.repositories.forget(opened);
  const kept = await keepManifestBranch(opened, proposal, edited.files, {
    scope: scopeOf(proposal),
    now: ports.clock.now(),
  });
  if (kept === "Pushed" || kept === "Moved") changed(scene);
  if (kept === "Moved") return;
  if (kept === "Theirs")
    return tellOnce(
      ports,
      memory,
      proposal,
      "ManagedElsewhere",
      `branch ${proposal.branch} has commits that are not Ringward's and no longer says what would be proposed now; it is left alone (merge it, or delete it to have it made anew)`,
    );
  const ring = plan.rings.find((outcome) => outcome.ring.name === proposal.ring)?.ring;
  if (ring === undefined) return;
  const page = renderManifestPage({
    place: proposal,
    ring,
    cluster: policy.inForce.clusterName,
    edits: edited.edits,
    rendering,
    escape: ESCAPE,
  });
  if (open === undefined) {
    const pull = await opened.forge.open({
      head: proposal.branch,
      base: opened.branch,
      title: page.title,
      body: page.body,
      labels: ["ringward"],
    });
    changed(scene);
    return tellOnce(
      ports,
      memory,
      proposal,
      "ProposalOpened",
      `pull request #${pull.number} (${pull.url}): ${page.title}`,
    );
  }
  const marker = readMarker(open.body);
  if (marker?.evidence === page.evidence && marker.closed === undefined) return;
  await opened.forge.update(open.number, { title: page.title, body: page.body });
  changed(scene);
}

/** Whether the forge knows more about a branch than the list of this pass: a refused proposal must not come again because a list was old. */
async function isAnswered({ opened, pulls }: Scene, branch: string): Promise<boolean> {
  const fresh = await opened.forge.list(branch);
  return fresh.some((pull) => {
    const seen = pulls.find((one) => one.number === pull.number);
    return pull.head === branch && pull.base === opened.branch && seen?.state !== pull.state;
  });
}

/** Files are read as far as a change needs them: bases of a kustomization may stand anywhere. */
function scopeOf({ kind, path }: ManifestPlace): string {
  if (kind === "Kustomize") return "";
  if (kind === "PlainYaml" && !/\.(?:ya?ml|json)$/i.test(path)) return path;
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** Edits and rendering of a place, as long as neither it nor its repository has changed. */
async function editOnce({ opened, memory, ports }: Scene, place: ManifestPlace): Promise<Edited> {
  const key = JSON.stringify([opened.head, place.kind, place.path, place.images, place.chart]);
  const about = `${opened.name ?? ""}/${place.branch}`;
  const before = memory.edits.get(about);
  if (before?.key === key) return before.work;
  const { files } = await opened.git.read(opened.head, scopeOf(place));
  const edited = editManifests(files, place);
  const rendering: Rendering =
    edited.edits.length === 0
      ? { kind: "NotRendered", why: "nothing changes" }
      : await createRender(ports)({
          place,
          files,
          edited,
          readFolder: (path) => opened.git.readFolder(opened.head, path),
        });
  const work = { edited, rendering };
  memory.edits.set(about, { key, work });
  return work;
}

async function close(scene: Scene, { proposal, reason, comment }: ManifestClosing): Promise<void> {
  const pull = scene.pulls.find(({ number }) => number === proposal.number);
  if (pull !== undefined) await closePull(scene, pull, reason, comment, proposal);
}

/** The body says first that this was Ringward: a closing alone would be a refusal. */
async function closePull(
  scene: Scene,
  pull: PullRequest,
  reason: Reason,
  comment: string,
  { ring }: { readonly ring: string },
): Promise<void> {
  const { forge } = scene.opened;
  if (readMarker(pull.body)?.closed === undefined)
    await forge.update(pull.number, { body: markClosed(pull.body, reason) });
  await forge.close(pull.number, comment);
  changed(scene);
  scene.ports.record(toEvent(ring, "ProposalClosed", `pull request #${pull.number}: ${comment}`));
  await deleteManifestBranch(scene.opened, pull.head);
}

/** Branches that are merged, that we closed, or that a crash left behind. A refused one stays: a person may reopen it. */
async function sweep(scene: Scene, busy: ReadonlySet<string>): Promise<void> {
  const { opened, pulls } = scene;
  for (const branch of opened.tips.keys()) {
    const mine = pulls.filter((pull) => pull.head === branch).sort((a, b) => b.number - a.number);
    const [newest] = mine;
    const refused = newest?.state === "closed" && readMarker(newest.body)?.closed === undefined;
    const waits = busy.has(branch) && newest?.state !== "merged";
    if (waits || refused || parseManifestBranch(branch) === undefined || mine.some(({ state }) => state === "open"))
      continue;
    await attempt(scene, branch, async () => {
      if (!(await isAnswered(scene, branch)) && (await deleteManifestBranch(opened, branch))) changed(scene);
    });
  }
}

function changed({ memory, opened, wrote }: Scene): void {
  wrote.written = true;
  memory.repositories.forget(opened);
}

function tellOnce(
  ports: ManifestProposerPorts,
  memory: Memory,
  { repository, branch, ring, path }: ManifestPlace,
  reason: Reason,
  message: string,
): void {
  const about = `${repository ?? ""}/${branch}`;
  const what = `${reason} ${message}`;
  if (memory.told.get(about) === what) return;
  memory.told.set(about, what);
  ports.record(toEvent(ring, reason, `manifests ${path} in ${repository ?? "the policy repository"}: ${message}`));
}

const WARNINGS: ReadonlySet<Reason> = new Set<Reason>(["PolicyInvalid", "ReferenceMissing", "ForgeUnavailable"]);

function toEvent(ring: string, reason: Reason, note: string): EventInput {
  return {
    regarding: { apiVersion: "ringward.dev/v1alpha1", kind: "RolloutRing", name: ring },
    type: WARNINGS.has(reason) ? "Warning" : "Normal",
    reason,
    action: reason,
    note,
  };
}
