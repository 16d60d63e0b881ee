// What carrying out manifest proposals shares: one repository in a pass, its edits with their rendered proof, and what is told once.
import type { Reason } from "../../api/reasons.ts";
import type { Clock } from "../../clock.ts";
import {
  type ManifestPlace,
  type ManifestProposal,
  type Rendering,
  type RenderedManifestPage,
  renderManifestPage,
} from "../../core/manifests/index.ts";
import type { Escape } from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import type { Forge } from "../../forge/port.ts";
import { escapeCode, escapeMarkdown } from "../../forge/text.ts";
import { type EditedManifests, editManifests } from "../../git/manifests/index.ts";
import type { EventInput } from "../../kube/events.ts";
import type { PromotionScene } from "../promotion/promoter.ts";
import { createRender, type RenderSettings } from "./render.ts";
import type { Opened, Repositories, RepositoryPorts } from "./repositories.ts";

export interface ScenePorts extends RepositoryPorts, RenderSettings {
  /** Policy time: dates of commits. */
  readonly clock: Clock;
  readonly record: (event: EventInput) => void;
}

/** What a process remembers of proposals; losing it costs work. */
export interface SceneMemory {
  readonly repositories: Repositories;
  /** What was told of each branch last. */
  readonly told: Map<string, string>;
  /** The edits of a place at a commit. */
  readonly edits: Map<string, { readonly key: string; readonly work: Edited }>;
}

export interface Edited {
  readonly edited: EditedManifests;
  readonly rendering: Rendering;
}

/** One repository in this pass. */
export interface Scene extends PromotionScene {
  readonly ports: ScenePorts;
  readonly memory: SceneMemory;
  readonly opened: Opened;
  readonly wrote: { written: boolean };
}

/** With a forge. */
export interface ForgeScene extends Scene {
  readonly opened: Opened & { readonly forge: Forge };
}

export function hasForge(scene: Scene): scene is ForgeScene {
  return scene.opened.forge !== undefined;
}

/** For people: `apps`, or the policy repository. */
export function nameOf({ name }: Pick<Opened, "name">): string {
  return name ?? "the policy repository";
}

/** One decision's failure stops no other one. */
export async function attempt(
  scene: Scene,
  branch: string,
  work: () => Promise<void>,
  place?: ManifestPlace,
): Promise<void> {
  const { ports, memory, opened } = scene;
  try {
    await work();
  } catch (error) {
    if (error instanceof UserError && place !== undefined)
      return tellOnce(scene, place, "PolicyInvalid", error.message);
    ports.onError(error, `manifest proposal ${branch} in ${nameOf(opened)}`);
    memory.repositories.fail(opened);
  }
}

export const ESCAPE: Escape = { text: escapeMarkdown, code: escapeCode };

/** What the proposal says; undefined while its ring is not there. */
export function writePage(
  { plan, policy }: Scene,
  proposal: ManifestProposal,
  { edited, rendering }: Edited,
): RenderedManifestPage | undefined {
  const ring = plan.rings.find((outcome) => outcome.ring.name === proposal.ring)?.ring;
  return ring === undefined
    ? undefined
    : renderManifestPage({
        place: proposal,
        ring,
        cluster: policy.inForce.clusterName,
        edits: edited.edits,
        rendering,
        escape: ESCAPE,
      });
}

export const SAYS_SO = "the manifests say so already, and whoever applies them has not done so yet";

/** Said of a branch that a person moved. */
export function tellTheirs(scene: Scene, proposal: ManifestProposal): void {
  tellOnce(
    scene,
    proposal,
    "ManagedElsewhere",
    `branch ${proposal.branch} has commits that are not Ringward's and no longer says what would be proposed now; it is left alone (merge it, or delete it to have it made anew)`,
  );
}

/** Files are read as far as a change needs them: bases of a kustomization may stand anywhere. */
export function scopeOf({ kind, path }: ManifestPlace): string {
  if (kind === "Kustomize") return "";
  if (kind === "PlainYaml" && !/\.(?:ya?ml|json)$/i.test(path)) return path;
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** Edits and rendering of a place, as long as neither it nor its repository has changed. */
export async function editOnce({ opened, memory, ports }: Scene, place: ManifestPlace): Promise<Edited> {
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

export function changed({ memory, opened, wrote }: Scene): void {
  wrote.written = true;
  memory.repositories.forget(opened);
}

/** An event on the ring, not again while it is the last that was said of the branch. */
export function tellOnce(
  { ports, memory }: Pick<Scene, "memory"> & { readonly ports: Pick<ScenePorts, "record"> },
  { repository, branch, ring, path }: ManifestPlace,
  reason: Reason,
  message: string,
): void {
  const about = `${repository ?? ""}/${branch}`;
  const what = `${reason} ${message}`;
  if (memory.told.get(about) === what) return;
  memory.told.set(about, what);
  ports.record(toEvent(ring, reason, `manifests ${path} in ${nameOf({ name: repository })}: ${message}`));
}

const WARNINGS: ReadonlySet<Reason> = new Set<Reason>(["PolicyInvalid", "ReferenceMissing", "ForgeUnavailable"]);

export function toEvent(ring: string, reason: Reason, note: string): EventInput {
  return {
    regarding: { apiVersion: "ringward.dev/v1alpha1", kind: "RolloutRing", name: ring },
    type: WARNINGS.has(reason) ? "Warning" : "Normal",
    reason,
    action: reason,
    note,
  };
}
