// Rings that say `promotion: Automatic`: their entries are written by one commit on the tracked branch, or, where the branch is protected,
// by a pull request of Ringward's own that it merges itself, so that history looks the same. The commit that it stands on must say so itself,
// whatever was read before (A4). A person who closes that pull request refuses what it says.
import { type AutomaticPromotion, branchPart, readMarker, writeMarker } from "../../core/promotion/index.ts";
import { UserError } from "../../errors.ts";
import { REF_PROTECTED } from "../../forge/index.ts";
import type { PullRequest } from "../../forge/port.ts";
import { BRANCH_PROTECTED } from "../../git/explain-remote-error.ts";
import type { CommitSha } from "../../git/port.ts";
import { deleteOurs, isOurs } from "./branches.ts";
import { type Files, filesFor, findRing, hashFiles, messageFor, readTrailers } from "./files.ts";
import { entryOf, ringSpecOf } from "./ring-edit.ts";
import {
  type About,
  ask,
  attempt,
  type ForgeScene,
  hasForge,
  isAnswered,
  isOpen,
  mayBeOpen,
  mayClose,
  push,
  type Scene,
  tell,
} from "./scene.ts";

/** No object's name holds an underscore, so no ring's proposals ever stand here. */
const AUTOMATIC_PREFIX = "ringward/_automatic/";
/** A branch that refused a push is tried again after this: people change protections. Transport ms. */
const PROTECTED_MS = 10 * 60_000;
/** By git and by the forge's API. */
const PROTECTED: ReadonlySet<string> = new Set([BRANCH_PROTECTED, REF_PROTECTED]);

/** `Waiting`: the pull request is open and not merged yet. */
export type AutomaticResult = "Pushed" | "Moved" | "Skipped" | "Waiting";

/** All entries of an Automatic ring and the level files that they name, in one commit. */
export async function commitEntries(scene: Scene, promotion: AutomaticPromotion): Promise<AutomaticResult> {
  const { ring, entries } = promotion;
  const [first] = entries;
  const about: About = {
    ring: ring.name,
    level: first?.level.name,
    ...(first === undefined ? {} : { baseline: first.baseline }),
  };
  const outcome: { result: AutomaticResult } = { result: "Skipped" };
  await attempt(scene, about, async () => {
    // The commit that this one stands on must say so itself, whatever was read before.
    const { document } = findRing(ring, scene);
    if (ringSpecOf(document)["promotion"] !== "Automatic") return;
    // A baseline that the ring's file does not list is nothing that Ringward adds by itself (A4).
    if (entries.some(({ baseline }) => entryOf(document, baseline) === undefined)) return;
    const files = filesFor(ring, entries, scene);
    if (files.size === 0) return;
    const message = messageFor(ring, entries, files, scene.head);
    const levels = entries.map(({ level }) => level.name).join(", ");
    const pushed = await pushEntries(scene, files, message);
    if (pushed === "Protected") outcome.result = await mergeOwn(scene, about, { ring: ring.name, files, message });
    else {
      outcome.result = pushed.kind;
      if (pushed.kind === "Pushed")
        tell(scene, "Promoted", about, `ring ${ring.name}: ${levels} in commit ${pushed.commit.slice(0, 12)}`);
    }
  });
  return outcome.result;
}

async function pushEntries(
  scene: Scene,
  files: Files,
  message: string,
): Promise<"Protected" | Awaited<ReturnType<typeof push>>> {
  const now = scene.transport.monotonic();
  if (now < scene.protection.until && hasForge(scene)) return "Protected";
  try {
    return await push(scene, scene.branch, files, message);
  } catch (error) {
    const isProtected = error instanceof UserError && PROTECTED.has(error.code);
    if (!isProtected || !hasForge(scene)) throw error;
    scene.protection.until = now + PROTECTED_MS;
    return "Protected";
  }
}

// ------------------------------------------------------------------------------------------ through a pull request

interface Change {
  readonly ring: string;
  readonly files: Files;
  readonly message: string;
}

async function mergeOwn(scene: Scene, about: About, change: Change): Promise<AutomaticResult> {
  if (!hasForge(scene)) return "Skipped";
  const branch = `${AUTOMATIC_PREFIX}${branchPart(change.ring)}`;
  const content = hashFiles(change.files);
  if (isRefused(scene, branch, content)) {
    tell(
      scene,
      "ProposalRejected",
      about,
      `a person closed the pull request of ${branch}; it is not opened again for this change`,
    );
    return "Skipped";
  }
  const tip = await keepTip(scene, about, branch, change, content);
  if (tip === undefined) return "Skipped";
  const open = await keepOpen(scene, about, branch, change, content);
  if (open === undefined) return "Waiting";
  // The last look at the base before the forge merges into it: what a person merged meanwhile may have taken Automatic away. Between this look and
  // the merge there are milliseconds that no forge's API closes; the merge then stands on a commit that no longer says so, for people to revert.
  const { head } = await scene.git.fetch();
  if (head !== scene.head) return "Moved";
  const [title = "", ...rest] = change.message.split("\n");
  const merged = await ask(() => scene.forge.merge(open.number, { head: tip, title, message: rest.join("\n").trim() }));
  switch (merged.kind) {
    case "Merged":
      scene.wrote.written = true;
      tell(
        scene,
        "Promoted",
        about,
        `ring ${change.ring}: pull request #${open.number}, merged by Ringward (promotion: Automatic)`,
      );
      return "Pushed";
    case "Moved":
      return "Moved";
    case "NotYet":
      return "Waiting";
    case "Refused":
      tell(
        scene,
        "WaitingForApproval",
        about,
        `pull request #${open.number} cannot be merged by Ringward: ${merged.message}`,
      );
      return "Waiting";
  }
}

function isRefused({ pulls }: ForgeScene, branch: string, content: string): boolean {
  const [newest] = pulls.filter((pull) => pull.head === branch).sort((a, b) => b.number - a.number);
  const marker = newest?.state === "closed" ? readMarker(newest.body) : undefined;
  return marker !== undefined && marker.closed === undefined && marker.evidence === content;
}

/** The branch's tip, made or rebuilt where it does not say this change on this head; undefined: somebody else's commits are on it, or it just moved. */
async function keepTip(
  scene: ForgeScene,
  about: About,
  branch: string,
  { files, message }: Change,
  content: string,
): Promise<CommitSha | undefined> {
  const tip = scene.branches.get(branch);
  if (tip !== undefined) {
    if (!(await isOurs(scene, tip))) {
      tell(
        scene,
        "WaitingForApproval",
        about,
        `branch ${branch} has commits that are not Ringward's; delete it to have it made anew`,
      );
      return undefined;
    }
    const [entry] = await scene.git.log(undefined, tip, 1);
    const trailers = entry === undefined ? undefined : readTrailers(entry.message);
    if (trailers?.content === content && trailers.base === scene.head) return tip;
  }
  const pushed = await push(scene, branch, files, message, tip ?? "absent");
  scene.wrote.written = true;
  return pushed.kind === "Pushed" ? pushed.commit : undefined;
}

async function keepOpen(
  scene: ForgeScene,
  about: About,
  branch: string,
  { ring, message }: Change,
  content: string,
): Promise<PullRequest | undefined> {
  const open = scene.pulls.find((pull) => pull.state === "open" && pull.head === branch);
  const [title = "", ...rest] = message.split("\n");
  const body = [
    `Ring \`${ring}\` says \`promotion: Automatic\` in commit ${scene.head.slice(0, 12)}, and branch \`${scene.branch}\` is protected: Ringward merges this itself as soon as the forge lets it. Close it to refuse the change.`,
    "",
    "```text",
    rest.join("\n").trim(),
    "```",
    "",
    writeMarker({ ring, evidence: content }),
    "",
  ].join("\n");
  if (open !== undefined) {
    if (readMarker(open.body)?.evidence === content) return open;
    if (!(await isOpen(scene, open.number))) return undefined;
    await ask(() => scene.forge.update(open.number, { title, body }));
    scene.wrote.written = true;
    return open;
  }
  if ((await isAnswered(scene, branch)) || (await mayBeOpen(scene, branch))) return undefined;
  const pull = await ask(() =>
    scene.forge.open({ head: branch, base: scene.branch, title, body, labels: ["ringward"] }),
  );
  scene.wrote.written = true;
  scene.opened.push(pull);
  tell(scene, "ProposalOpened", about, `pull request #${pull.number} (${pull.url}): ${title}`);
  return pull;
}

/** Pull requests and branches of automatic promotions that are not wanted any more. */
export async function closeUnwantedAutomatic(scene: ForgeScene): Promise<void> {
  const wanted = new Set(scene.promotions.automatic.map(({ ring }) => `${AUTOMATIC_PREFIX}${branchPart(ring.name)}`));
  const about = (branch: string): About => ({ ring: branch.slice(AUTOMATIC_PREFIX.length), level: undefined });
  // Without its branch an open one is closed by the forge, which looks like a person's refusal: ours is closed first, and says so.
  const open = new Set<string>();
  for (const pull of scene.pulls) {
    if (pull.state !== "open" || !pull.head.startsWith(AUTOMATIC_PREFIX) || wanted.has(pull.head)) continue;
    open.add(pull.head);
    await attempt(scene, about(pull.head), async () => {
      if (!(await mayClose(scene, pull.number))) return;
      const comment =
        "Ringward closes this: the ring's entries say this already, or it is not promoted automatically any more.";
      const marker = { ...readMarker(pull.body), closed: "Superseded" };
      await ask(() => scene.forge.update(pull.number, { body: `${comment}\n\n${writeMarker(marker)}\n` }));
      await ask(() => scene.forge.close(pull.number, comment));
      open.delete(pull.head);
      scene.wrote.written = true;
      tell(scene, "ProposalClosed", about(pull.head), `pull request #${pull.number}: ${comment}`);
    });
  }
  for (const branch of scene.branches.keys()) {
    if (!branch.startsWith(AUTOMATIC_PREFIX) || wanted.has(branch) || open.has(branch)) continue;
    await attempt(scene, about(branch), async () => {
      if (!(await mayBeOpen(scene, branch))) await deleteOurs(scene, branch);
    });
  }
}
