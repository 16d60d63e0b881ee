// Manifest proposals without a forge: a branch that a person merges with git, and beside the change a page with the evidence, which the merge
// keeps. Deleting a branch refuses nothing, it is made anew.
import {
  hashPath,
  type ManifestClosing,
  type ManifestPlace,
  type ManifestProposal,
} from "../../core/manifests/index.ts";
import { evidencePath } from "../promotion/plain.ts";
import { deleteManifestBranch, keepManifestBranch } from "./branch.ts";
import { changed, editOnce, SAYS_SO, type Scene, scopeOf, tellOnce, tellTheirs, toEvent, writePage } from "./scene.ts";

/** Where the page stands: beside the policy, or in a folder `evidence` of another repository. */
function pagePath({ policy, opened }: Scene, { ring, baseline, path }: ManifestPlace): string {
  const folder = opened.name === undefined ? (policy.repository?.spec.path ?? "") : "";
  return evidencePath(folder, ring, `${baseline}-manifests-${hashPath(path)}`);
}

/** The branch as it should be, with its page; gone where its change is in the tracked branch. */
export async function keepPlain(scene: Scene, proposal: ManifestProposal): Promise<void> {
  const { opened, ports } = scene;
  const work = await editOnce(scene, proposal);
  if (work.edited.edits.length === 0) {
    if (await deleteManifestBranch(opened, proposal.branch)) changed(scene);
    return tellOnce(scene, proposal, "ManagedElsewhere", SAYS_SO);
  }
  const page = writePage(scene, proposal, work);
  if (page === undefined) return;
  const fresh = !opened.tips.has(proposal.branch);
  const kept = await keepManifestBranch(opened, proposal, work.edited.files, {
    scope: scopeOf(proposal),
    now: ports.clock.now(),
    page: { path: pagePath(scene, proposal), text: page.body, evidence: page.evidence },
  });
  if (kept === "Pushed" || kept === "Moved") changed(scene);
  if (kept === "Theirs") return tellTheirs(scene, proposal);
  if (kept === "Pushed" && fresh)
    tellOnce(scene, proposal, "ProposalOpened", `branch ${proposal.branch}: ${page.title}; merge it with git`);
}

export async function closePlain(scene: Scene, { proposal, comment }: ManifestClosing): Promise<void> {
  if (!(await deleteManifestBranch(scene.opened, proposal.branch))) return;
  changed(scene);
  scene.ports.record(toEvent(proposal.ring, "ProposalClosed", `branch ${proposal.branch}: ${comment}`));
}
