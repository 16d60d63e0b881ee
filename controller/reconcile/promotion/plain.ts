// Proposals without a forge: a branch that a person merges with git, and beside the change a page with the evidence, which the merge keeps.
// Found again by the branch's name; deleting a branch refuses nothing, it is made anew (suspend the ring to say no).
import {
  type DesiredProposal,
  type KnownProposal,
  parseProposalBranch,
  type ProposalRequest,
  PROPOSAL_PREFIX,
} from "../../core/promotion/index.ts";
import type { PolicyGit } from "../../git/port.ts";
import { deleteOurs, holdsAll, isOurs } from "./branches.ts";
import { filesFor, messageFor, readTrailers } from "./files.ts";
import { type About, attempt, push, type Scene, tell } from "./scene.ts";

/** A branch has no number; where there is no forge every proposal has this one. */
export const NO_NUMBER = 0;

/** Every branch of ours, as an open proposal. */
export async function listBranches(git: PolicyGit): Promise<readonly KnownProposal[]> {
  const known: KnownProposal[] = [];
  for (const [branch, tip] of await git.branches(PROPOSAL_PREFIX)) {
    const parsed = parseProposalBranch(branch);
    if (parsed === undefined) continue;
    const [entry] = await git.log(undefined, tip, 1);
    const most = entry === undefined ? undefined : readTrailers(entry.message)?.maxTargets;
    known.push({
      number: NO_NUMBER,
      branch,
      state: "open",
      ...parsed,
      maxTargets: parsed.scope ?? most,
      withdrawn: false,
    });
  }
  return known.sort((a, b) => (a.branch < b.branch ? -1 : 1));
}

/** Where the evidence of a ring's newest proposal for a baseline stands, beside the policy. */
export function evidencePath(policyPath: string, ring: string, baseline: string): string {
  const folder = policyPath.replace(/(?<!\/)\/+$/, "");
  return `${folder === "" ? "" : `${folder}/`}evidence/${ring}/${baseline}.md`;
}

/** Makes and rebuilds the branches of wanted proposals, and deletes those of unwanted ones. */
export async function keepPlainBranches(scene: Scene): Promise<void> {
  for (const closing of scene.promotions.closing)
    await attempt(scene, closing, async () => {
      await deleteOurs(scene, closing.branch);
      tell(scene, "ProposalClosed", closing, `branch ${closing.branch}: ${closing.comment}`);
    });
  for (const request of scene.promotions.requests)
    for (const proposal of request.proposals)
      await attempt(scene, aboutOf(proposal), () => keepPlain(scene, request, proposal));
  if (!scene.promotions.tidy) return;
  const wanted = new Set(scene.promotions.proposals.map(({ branch }) => branch));
  for (const branch of scene.branches.keys()) {
    const parsed = parseProposalBranch(branch);
    if (parsed === undefined || wanted.has(branch)) continue;
    await attempt(scene, { ring: parsed.ring, level: undefined }, () => deleteOurs(scene, branch));
  }
}

function aboutOf({ ring, baseline, level }: DesiredProposal): About {
  return { ring: ring.name, baseline, level: level.name };
}

async function keepPlain(scene: Scene, request: ProposalRequest, proposal: DesiredProposal): Promise<void> {
  const { ring, baseline, branch } = proposal;
  const files = filesFor(ring, [proposal], scene);
  if (files.size === 0) return;
  const rendered = scene.render(request, undefined);
  const tip = scene.branches.get(branch);
  if (tip !== undefined) {
    const snapshot = await scene.git.read(tip, scene.policyPath);
    const holds = holdsAll(scene, [proposal], files, snapshot);
    const [entry] = await scene.git.log(undefined, tip, 1);
    const parent = await scene.git.parent(tip);
    const current = entry !== undefined && readTrailers(entry.message)?.evidence === rendered.evidence;
    if (holds && current && parent !== undefined && (await scene.git.isAncestor(parent, scene.head))) return;
    if (!(await isOurs(scene, tip, snapshot))) {
      if (!holds)
        tell(
          scene,
          "WaitingForApproval",
          aboutOf(proposal),
          `branch ${branch} has commits that are not Ringward's and no longer says what would be proposed now; it is left alone (merge it, or delete it to have it made anew)`,
        );
      return;
    }
  }
  const message = messageFor(ring, [proposal], files, scene.head, rendered.evidence);
  const all = new Map([...files, [evidencePath(scene.policyPath, ring.name, baseline), rendered.body]]);
  const pushed = await push(scene, branch, all, message, tip ?? "absent");
  scene.wrote.written = true;
  if (pushed.kind === "Pushed" && tip === undefined)
    tell(scene, "ProposalOpened", aboutOf(proposal), `branch ${branch}: ${rendered.title}; merge it to approve`);
}
