// Approvals: what is claimed is what the tracked branch says (A1), what the controller itself writes there (A4), and how often it asks (A5).
import { load, loadAll } from "js-yaml";
import type { RolloutRingSpec } from "../../api/rollout-ring.ts";
import { levelDigest } from "../../core/levels/index.ts";
import { canonicalJson } from "../../core/levels/index.ts";
import type { Claim } from "../../core/model.ts";
import type { PatchLevelSpec } from "../../api/patch-level.ts";
import { parseProposalBranch } from "../../core/promotion/index.ts";
import type { CommitFiles, GitHistory } from "./git-history.ts";
import type { GitView, PolicyAt } from "./git-view.ts";
import type { Invariant, Report } from "./invariant.ts";
import { entryOf } from "./rings.ts";
import { isSettled, type World } from "./world.ts";

/** A pull request, as far as it counts here. */
export interface PullFacts {
  readonly number: number;
  readonly head: string;
  readonly state: "open" | "merged" | "closed";
  /** RFC 3339. */
  readonly createdTime: string;
  readonly closedTime?: string | undefined;
}

/** A1 against the cluster alone, and against Git where its history is known. */
export function approval(git: GitView | undefined): Invariant {
  return {
    id: "A1",
    says: "what is claimed is what the ring's entry on the tracked branch names, by its full digest",
    on: ["disruptionledgers.ringward.dev"],
    check: ({ ledger }, world, report) => {
      for (const claim of ledger?.fresh ?? []) {
        report.met();
        const ring = `rolloutrings/${claim.ring}`;
        // Where Git's history is known it says what is approved: a copy may be of another leader's older commit.
        if (git === undefined && entryOf(world, claim) === undefined)
          report.violated(
            ring,
            `${claim.name} was claimed at ${claim.level}, which the entry of ${claim.baseline} does not name`,
          );
        const level = world.levels.get(claim.level);
        if (level === undefined)
          report.violated(ring, `${claim.name} was claimed at ${claim.level}, which does not exist`);
        else if (level.digest !== claim.digest)
          report.violated(
            ring,
            `${claim.name} was claimed at digest ${claim.digest}, and ${claim.level} has ${level.digest}`,
          );
        if (git !== undefined) checkBranch(git, claim, world, report);
      }
    },
  };
}

function checkBranch(git: GitView, claim: Claim, world: World, report: Report): void {
  const id = world.observedCommit ?? "";
  const policy = git.policy(id);
  const ring = `rolloutrings/${claim.ring}`;
  // A head that a force-push removed was approved all the same; its files are out of reach, the copies in the cluster are not.
  if (policy === undefined && git.wasHead(id)) return;
  if (policy === undefined) {
    report.violated(
      ring,
      `${claim.name} was claimed while policy is of ${world.observedCommit ?? "no commit"}, which is not on the tracked branch`,
    );
    return;
  }
  const named = namedLevel(policy, claim);
  if (named === claim.level || isNamedBefore(git, claim, world)) return;
  report.violated(
    ring,
    `${claim.name} was claimed at ${claim.level}, and commit ${id.slice(0, 12)} says ${named ?? "none"}`,
  );
}

function namedLevel(policy: PolicyAt, claim: Claim): string | undefined {
  const spec = policy.documents.get(`RolloutRing/${claim.ring}`)?.spec as RolloutRingSpec | undefined;
  return spec?.levels?.find((one) => one.baseline === claim.baseline)?.level;
}

/** Policy moved on a moment ago, and who claimed may not have seen that. */
function isNamedBefore(git: GitView, claim: Claim, world: World): boolean {
  const { repository } = world;
  if (repository?.observedBefore === undefined || isSettled(world, repository.observedSince)) return false;
  const policy = git.policy(repository.observedBefore);
  return policy !== undefined && namedLevel(policy, claim) === claim.level;
}

interface Document {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly spec?: unknown;
}

function documentsOf(text: string): readonly Document[] {
  try {
    return (loadAll(text) as readonly unknown[]).filter(
      (one): one is Document => typeof one === "object" && one !== null,
    );
  } catch {
    return [];
  }
}

/** Every commit by the controller on the tracked branch: only entries of Automatic rings, and the level files that they name. */
export function checkCommits(git: GitHistory, report: (at: number, object: string, message: string) => void): boolean {
  let met = false;
  for (const commit of git.commits) {
    if (!commit.byController) continue;
    met = true;
    for (const [path, text] of changedFiles(commit.before, commit.after))
      for (const message of judgeFile(commit.before.get(path), text))
        report(commit.time, `commit ${commit.id.slice(0, 12)}: ${path}`, message);
  }
  return met;
}

function changedFiles(before: CommitFiles, after: CommitFiles): ReadonlyMap<string, string | undefined> {
  const changed = new Map<string, string | undefined>();
  for (const path of new Set([...before.keys(), ...after.keys()]))
    if (before.get(path) !== after.get(path)) changed.set(path, after.get(path));
  return changed;
}

function judgeFile(before: string | undefined, after: string | undefined): readonly string[] {
  if (after === undefined) return ["the controller deleted a file of the tracked branch"];
  if (before === undefined) return judgeNewFile(after);
  const [old, now] = [documentsOf(before), documentsOf(after)];
  if (old.length !== now.length) return ["the controller added or took away a document"];
  return old.flatMap((document, index) => judgeDocument(document, now[index] ?? {}));
}

function judgeNewFile(text: string): readonly string[] {
  const level = safeLoad(text);
  if (level?.kind !== "PatchLevel") return ["the controller added a file that is no level"];
  const digest = levelDigest(level.spec as PatchLevelSpec);
  return level.metadata?.name?.endsWith(`-${digest.slice(0, 12)}`) === true
    ? []
    : ["the controller added a level whose name does not match its content"];
}

function safeLoad(text: string): Document | undefined {
  try {
    return load(text) as Document;
  } catch {
    return undefined;
  }
}

function judgeDocument(before: Document, after: Document): readonly string[] {
  if (canonicalJson(before) === canonicalJson(after)) return [];
  const [old, now] = [before.spec as RolloutRingSpec | undefined, after.spec as RolloutRingSpec | undefined];
  if (before.kind !== "RolloutRing" || after.kind !== "RolloutRing")
    return [`the controller changed a ${before.kind ?? "document"}`];
  const rest = (document: Document, spec: RolloutRingSpec | undefined): string =>
    canonicalJson({ ...document, spec: { ...spec, levels: [] } });
  const problems: string[] = [];
  if (old?.promotion !== "Automatic")
    problems.push(
      `the controller wrote ring ${before.metadata?.name ?? ""}, which was not Automatic in the parent commit`,
    );
  if (rest(before, old) !== rest(after, now)) problems.push("the controller changed more than entries");
  for (const entry of now?.levels ?? []) {
    const earlier = old?.levels?.find((one) => one.baseline === entry.baseline);
    if (earlier === undefined) problems.push(`the controller added an entry for ${entry.baseline}`);
    else if (
      canonicalJson({ ...earlier, level: "", maxTargets: 0 }) !== canonicalJson({ ...entry, level: "", maxTargets: 0 })
    )
      problems.push(`the controller changed more than the level of ${entry.baseline}`);
  }
  return problems;
}

/** At no time two open pull requests for one ring and digest. Answers whether there was any. */
export function checkProposals(
  pulls: readonly PullFacts[],
  report: (at: number, object: string, message: string) => void,
): boolean {
  const open = new Map<string, { readonly number: number; readonly from: number; readonly to: number }[]>();
  for (const pull of [...pulls].sort((a, b) => a.number - b.number)) {
    const about = parseProposalBranch(pull.head);
    if (about === undefined) continue;
    const key = `${about.ring}/${about.baseline}/${about.digest}/${about.scope ?? ""}`;
    const from = Date.parse(pull.createdTime);
    const to =
      pull.state === "open" || pull.closedTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(pull.closedTime);
    const others = open.get(key) ?? [];
    const twin = others.find((other) => from < other.to && other.from < to);
    if (twin !== undefined)
      report(
        from,
        `pull request #${pull.number}`,
        `open together with #${twin.number} for ring ${about.ring} and digest ${about.digest}`,
      );
    open.set(key, [...others, { number: pull.number, from, to }]);
  }
  return open.size > 0;
}
