// Carries promotions out: commits for Automatic rings, branches and pull requests for the others. One commit per decision; every branch
// moves only from where it was seen. Nothing is remembered: after a crash, a lost reply or another controller's write, the next pass finds
// the same state and does the rest (A5). Never reads an approval from a pull request (A1), never touches a person's commits.
import {
  type ClosingProposal,
  type ProposalRequest,
  markClosed,
  PROPOSAL_PREFIX,
  readMarker,
} from "../../core/promotion/index.ts";
import { closeUnwantedAutomatic, commitEntries } from "./automatic.ts";
import { deleteOurs, keepBranch, sweepBranches } from "./branches.ts";
import { filesFor } from "./files.ts";
import { keepPlainBranches } from "./plain.ts";
import {
  type About,
  ask,
  attempt,
  type CarriedOut,
  type CarryOut,
  type ForgeScene,
  hasForge,
  isAnswered,
  isOpen,
  mayBeOpen,
  mayClose,
  type Scene,
  tell,
} from "./scene.ts";

/**
 * Does what the promotions ask for, as far as this pass can: after a commit to the tracked branch it ends, because policy is to be read
 * again. Throws git's transport errors; the forge's are told as ForgeUnavailable, and no gate opens by them.
 */
export async function carryOutPromotions(input: CarryOut): Promise<CarriedOut> {
  if (input.snapshot.commit !== input.head)
    throw new Error(`the snapshot is of ${input.snapshot.commit}, the head is ${input.head}`);
  const branches = await input.git.branches(PROPOSAL_PREFIX);
  const scene: Scene = {
    ...input,
    branches,
    wrote: { written: false },
    heads: new Map(),
    opened: [],
    fresh: { pulls: undefined, isHead: undefined },
  };
  for (const promotion of input.promotions.automatic) {
    const result = await commitEntries(scene, promotion);
    if (result === "Pushed" || result === "Moved") return { written: true, heads: new Map(), opened: scene.opened };
  }
  if (hasForge(scene)) await keepPullRequests(scene);
  else if (input.forge === "none") await keepPlainBranches(scene);
  return { ...scene.wrote, heads: scene.heads, opened: scene.opened };
}

async function keepPullRequests(scene: ForgeScene): Promise<void> {
  const { closing, requests, tidy } = scene.promotions;
  for (const one of closing) await attempt(scene, one, () => closeProposal(scene, one));
  for (const request of requests) await attempt(scene, aboutOf(request), () => propose(scene, request));
  if (!tidy) return;
  await closeUnwantedAutomatic(scene);
  await sweepBranches(scene);
}

/** A shared one is told as its first baseline's. */
function aboutOf({ ring, proposals }: ProposalRequest): About {
  const [first] = proposals;
  return {
    ring: ring.name,
    level: first?.level.name,
    ...(first === undefined ? {} : { baseline: first.baseline }),
  };
}

/** The branch as it should be, then the pull request as it should be. */
async function propose(scene: ForgeScene, request: ProposalRequest): Promise<void> {
  const files = filesFor(request.ring, request.proposals, scene);
  if (files.size === 0 || !(await keepBranch(scene, request, files))) return;
  const open = scene.pulls.find((pull) => pull.state === "open" && pull.head === request.branch);
  const marker = open === undefined ? undefined : readMarker(open.body);
  const rendered = scene.render(request, marker);
  if (open === undefined) {
    if ((await isAnswered(scene, request.branch)) || (await mayBeOpen(scene, request.branch))) return;
    const pull = await ask(() =>
      scene.forge.open({
        head: request.branch,
        base: scene.branch,
        title: rendered.title,
        body: rendered.body,
        labels: ["ringward"],
      }),
    );
    scene.wrote.written = true;
    scene.opened.push(pull);
    tell(scene, "ProposalOpened", aboutOf(request), `pull request #${pull.number} (${pull.url}): ${rendered.title}`);
    return;
  }
  if (marker?.evidence === rendered.evidence && marker.closed === undefined) return;
  if (!(await isOpen(scene, open.number))) return;
  await ask(() => scene.forge.update(open.number, { title: rendered.title, body: rendered.body }));
  scene.wrote.written = true;
}

/** Closes a pull request and deletes its branch. The body says first that this was Ringward: a closing alone would be a rejection. */
async function closeProposal(scene: ForgeScene, closing: ClosingProposal): Promise<void> {
  const pull = scene.pulls.find((one) => one.number === closing.number);
  if (pull === undefined || pull.state !== "open" || !(await mayClose(scene, pull.number))) return;
  if (readMarker(pull.body)?.closed === undefined)
    await ask(() => scene.forge.update(pull.number, { body: markClosed(pull.body, closing.reason) }));
  await ask(() => scene.forge.close(pull.number, closing.comment));
  scene.wrote.written = true;
  tell(scene, "ProposalClosed", closing, `pull request #${pull.number}: ${closing.comment}`);
  await deleteOurs(scene, closing.branch);
}
