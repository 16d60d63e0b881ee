// What people are told on pull requests that change policy: a verdict with every error on its line, and one comment, edited in place, that
// says what merging would do. A pull request is only read, as data; nothing in it changes what is in force, and no pass waits for this or
// fails with it. What was said is not said again until the head, the tracked branch or the fleet's standing is another one (K7).
import { createHash } from "node:crypto";
import type { Validators } from "../api/validator.ts";
import type { Breath } from "../breath.ts";
import type { Clock, Instant } from "../clock.ts";
import type { Escape } from "../core/promotion/index.ts";
import { PROPOSAL_PREFIX } from "../core/promotion/index.ts";
import { type Rehearsal, rehearseInSteps, renderRehearsal } from "../core/rehearsal/index.ts";
import type { Plan } from "../core/rollout/plan.ts";
import type { PlanInput } from "../core/rollout/plan-input.ts";
import type { Annotation, Forge, PullRequest } from "../forge/port.ts";
import { escapeCode, escapeMarkdown } from "../forge/text.ts";
import type { CommitSha, PolicyFile } from "../git/port.ts";
import { looksLikePolicy } from "../git/snapshot-files.ts";
import { counted, type Finding, type ObjectRef } from "../policy/finding.ts";
import { type LoadedPolicy, loadPolicy } from "../policy/load.ts";
import { compareWithBase, filesOf } from "../policy/rehearsed.ts";
import { validatePolicy } from "../policy/validate.ts";
import { type BesideOptions, createBeside } from "./beside.ts";
import type { ClusterObjects } from "./cluster-kinds.ts";
import { LATE_MS } from "./promotion/late.ts";
import type { PolicyView, RepositoryView } from "./policy-source.ts";
import { fromGit } from "./policy-view.ts";
import { inSlices } from "./slices.ts";

export const VALIDATE_CHECK = "ringward/validate";
export const REHEARSAL_MARKER = "<!-- ringward:rehearsal -->";

export interface PullsScene {
  readonly input: PlanInput;
  readonly plan: Plan;
  readonly policy: PolicyView;
  readonly objects: ClusterObjects;
}

export interface PolicyPulls {
  /** Says what is new on pull requests that change policy. Never throws. */
  look(scene: PullsScene): Promise<void>;
}

export interface PolicyPullsPorts {
  readonly validators: Validators;
  /** Transport time. */
  readonly transport: Clock;
  /** Shortest time between two listings, transport ms. */
  readonly listEveryMs: number;
  /** Left out: the caller waits until all is said. */
  readonly patience?: BesideOptions;
  readonly breath?: Breath | undefined;
  readonly onError: (error: unknown, where: string) => void;
}

/** Of many open ones the newest are looked at, those of this repository before those of forks. */
const MOST_PULLS = 20;
/** Rehearsed in one look, what was looked at longest ago first; the others come with the next. */
const MOST_REHEARSALS = 3;
const MOST_ANNOTATIONS = 200;
/** How far it looks ahead, ms of policy time. */
const HORIZON = 90 * 86_400_000;
/** What failed, and what only the fleet changed, is looked at again after this, transport ms. */
const AGAIN_MS = 10 * 60_000;

/** What this process said last of each pull request. Losing it costs a few reads. */
interface Said {
  readonly head: CommitSha;
  readonly onto: CommitSha;
  readonly at: number;
  /** Undefined: it has nothing to do with policy. */
  readonly standing: string | undefined;
  /** The comment is looked at once more: the list in which it was looked for may have been old. */
  readonly again?: { readonly at: number; readonly say: () => Promise<void> };
}

interface Memory {
  listedAt: number | undefined;
  readonly said: Map<number, Said>;
}

/** A watcher of pull requests over its ports. */
export function createPolicyPulls(ports: PolicyPullsPorts): PolicyPulls {
  const memory: Memory = { listedAt: undefined, said: new Map() };
  const beside = ports.patience === undefined ? undefined : createBeside<void>(ports.patience);
  return {
    async look(scene) {
      try {
        if (beside === undefined) await look(ports, memory, scene);
        else await beside(() => look(ports, memory, scene));
      } catch (error) {
        ports.onError(error, "pull requests");
      }
    },
  };
}

async function look(ports: PolicyPullsPorts, memory: Memory, scene: PullsScene): Promise<void> {
  const { repository, inForce } = scene.policy;
  // While history is rewritten nobody knows what a pull request is to be held against.
  if (repository === undefined || repository.forge === undefined || !inForce.proposer) return;
  if (repository.head !== repository.fetched || repository.spec.suspend === true) return;
  const now = ports.transport.monotonic();
  if (memory.listedAt !== undefined && now - memory.listedAt < ports.listEveryMs) return;
  memory.listedAt = now;
  const { forge } = repository;
  const open = await forge.listOpen(repository.spec.branch ?? "main");
  // Anybody can open pull requests from forks by the dozen, and push to them all day: those of people who may write here come first.
  const pulls = open
    .filter((pull) => pull.fork || !pull.head.startsWith(PROPOSAL_PREFIX))
    .sort((one, other) => Number(one.fork) - Number(other.fork))
    .slice(0, MOST_PULLS);
  for (const number of memory.said.keys())
    if (!pulls.some((pull) => pull.number === number)) memory.said.delete(number);
  const standing = hash(standingOf(scene.plan));
  await sayAgain(ports, memory, now);
  const toldAt = ({ number }: PullRequest): number => memory.said.get(number)?.at ?? -1;
  const due = pulls
    .filter((pull) => isDue(memory.said.get(pull.number), pull, repository.head, standing, now))
    .sort((one, other) => Number(one.fork) - Number(other.fork) || toldAt(one) - toldAt(other));
  for (const pull of due.slice(0, MOST_REHEARSALS)) {
    try {
      const told = await tell(ports, { ...scene, repository, forge, pull, standing });
      memory.said.set(pull.number, {
        ...said(pull, repository.head, now),
        standing: told === "NotPolicy" ? undefined : standing,
        ...(typeof told === "string" ? {} : { again: { at: now + LATE_MS, say: told.say } }),
      });
    } catch (error) {
      memory.said.set(pull.number, { ...said(pull, repository.head, now), standing: "failed" });
      ports.onError(error, `pull request #${pull.number}`);
    }
  }
}

/** Where another process was at it too, or a list was old, there are two: the younger goes. */
async function sayAgain({ onError }: PolicyPullsPorts, memory: Memory, now: number): Promise<void> {
  for (const [number, { again, ...last }] of memory.said) {
    if (again === undefined || now < again.at) continue;
    memory.said.set(number, last);
    try {
      await again.say();
    } catch (error) {
      memory.said.set(number, { ...last, again: { at: now + AGAIN_MS, say: again.say } });
      onError(error, `pull request #${number}`);
    }
  }
}

function said(pull: PullRequest, onto: CommitSha, at: number): Omit<Said, "standing"> {
  return { head: pull.headSha, onto, at };
}

function isDue(last: Said | undefined, pull: PullRequest, onto: CommitSha, standing: string, now: number): boolean {
  if (last?.head !== pull.headSha || last.onto !== onto) return true;
  return last.standing !== undefined && last.standing !== standing && now - last.at >= AGAIN_MS;
}

/** How far each ring is: what a rehearsal hangs on, and not what every heartbeat changes. */
function standingOf({ rings }: Plan): unknown {
  return rings.map(({ ring, members, levels, halted, blockedBy }) => [
    ring.name,
    members,
    levels.map(({ digest, phase, done, targets, failed }) => [digest, phase, done, targets, failed]),
    halted?.reason,
    blockedBy.map(({ reason }) => reason),
  ]);
}

interface Telling extends PullsScene {
  readonly repository: RepositoryView;
  readonly forge: Forge;
  readonly pull: PullRequest;
  readonly standing: string;
}

async function tell(ports: PolicyPullsPorts, telling: Telling): Promise<"NotPolicy" | "Known" | Kept> {
  const { repository, forge, pull, standing } = telling;
  const path = repository.spec.path ?? "";
  const changed = await forge.files(pull.number);
  const isPolicy = (file: string): boolean => (path === "" ? looksLikePolicy(file) : file.startsWith(`${path}/`));
  if (changed.complete && !changed.paths.some(isPolicy)) return "NotPolicy";
  const key = `<!-- ringward:rehearsed ${hash([pull.headSha, repository.head, standing])} -->`;
  // Another process, or this one before it was started anew, said it already.
  const { comments } = await forge.history(pull.number);
  if (comments.some(({ mine, body }) => mine && body.includes(key))) return "Known";
  const content = await repository.git.readPull({
    number: pull.number,
    head: pull.headSha,
    onto: repository.head,
    path,
  });
  if (content.kind === "Moved") throw new Error(`its head is ${content.at.slice(0, 12)} by now; looked at again`);
  if (content.kind === "Conflicts") {
    const list = content.paths.slice(0, 20).map((one) => `- ${escapeCode(one, 300)}`);
    await forge.report(verdictOf(pull, "failure", `conflicts with ${repository.spec.branch ?? "main"}`, "", []));
    return keep(telling, key, ["### 🔴 This conflicts with the tracked branch", "", ...list, ""].join("\n"));
  }
  const judged = judge(ports, telling, content.files);
  const rehearsal = await rehearse(ports, telling, judged, content.files);
  const findings = compareWithBase(judged.findings, judged.baseFindings);
  const notes = notesOf(telling, changed.complete);
  const body = renderRehearsal({ rehearsal, findings, notes, escape: ESCAPE });
  const errors = judged.findings.filter(({ severity }) => severity === "error");
  const warnings = judged.findings.filter(({ severity }) => severity === "warning");
  await forge.report(
    verdictOf(
      pull,
      errors.length > 0 ? "failure" : "success",
      `${counted(errors.length, "error")}, ${counted(warnings.length, "warning")}`,
      body,
      [...errors, ...warnings].map(annotationOf),
    ),
  );
  return keep(telling, key, body);
}

const ESCAPE: Escape = { text: escapeMarkdown, code: escapeCode };

/** What was said, to be said again in the same words. */
interface Kept {
  readonly say: () => Promise<void>;
}

async function keep({ forge, pull }: Telling, key: string, body: string): Promise<Kept> {
  const text = `${REHEARSAL_MARKER}\n${key}\n${body}`;
  const say = (): Promise<void> => forge.keepComment(pull.number, REHEARSAL_MARKER, text);
  await say();
  return { say };
}

function verdictOf(
  pull: PullRequest,
  state: "success" | "failure",
  title: string,
  summary: string,
  annotations: readonly Annotation[],
): Parameters<Forge["report"]>[0] {
  return {
    name: VALIDATE_CHECK,
    commit: pull.headSha,
    state,
    title,
    ...(summary === "" ? {} : { summary }),
    ...(annotations.length === 0 ? {} : { annotations: annotations.slice(0, MOST_ANNOTATIONS) }),
  };
}

function annotationOf({ severity, file, line, column, path, code, message, hint }: Finding): Annotation {
  return {
    path: file,
    line,
    column,
    severity: severity === "error" ? "failure" : "warning",
    title: code,
    message: `${path === "" ? "" : `${path}: `}${message}${hint === "" ? "" : ` (${hint})`}`,
  };
}

function notesOf({ input }: Telling, complete: boolean): readonly string[] {
  const mode = input.ledger.spec.mode ?? "Observe";
  return [
    ...(mode === "Enforce" ? [] : [`the ledger's mode is ${mode}: until it is Enforce nothing of this happens`]),
    ...(complete ? [] : ["the forge did not list all files that this changes; all of the policy was looked at"]),
  ];
}

interface JudgedPull {
  readonly loaded: LoadedPolicy;
  readonly findings: readonly Finding[];
  readonly baseFindings: readonly Finding[];
}

function judge(
  { validators }: PolicyPullsPorts,
  { repository, input }: Telling,
  files: readonly PolicyFile[],
): JudgedPull {
  const path = repository.spec.path ?? "";
  const { now, inventory, stored } = input;
  const findingsOf = ({ objects, problems }: LoadedPolicy): readonly Finding[] => {
    const broken = problems.flatMap(({ object, severity }): ObjectRef[] =>
      object === undefined || severity !== "error" ? [] : [object],
    );
    return [...problems, ...validatePolicy(objects, { now, broken, inventory, stored })].filter(
      ({ severity }) => severity !== "note",
    );
  };
  const loaded = loadPolicy({ files, validators, path });
  return { loaded, findings: findingsOf(loaded), baseFindings: findingsOf(repository.loaded) };
}

async function rehearse(
  { breath }: PolicyPullsPorts,
  { repository, policy, input, objects }: Telling,
  { loaded }: JudgedPull,
  files: readonly PolicyFile[],
): Promise<Rehearsal> {
  const previous = repository.loaded.objects;
  const head = fromGit({
    spec: repository.spec,
    head: repository.head,
    commitTime: input.now,
    loaded,
    previous,
    inputTimes: await agesOf(repository, loaded, files),
    objects,
    brakes: policy.inForce.brakes,
  });
  const { now, inventory, stored, ledger } = input;
  return inSlices(
    rehearseInSteps({
      base: { files: filesOf(repository.loaded, []), inForce: policy.inForce },
      head: { files: filesOf(loaded, previous), inForce: head },
      cluster: { now, inventory, stored, ledger },
      horizon: HORIZON,
    }),
    breath,
  );
}

/** Inputs of levels that the pull request leaves as they are are as old as they are; others are new. */
async function agesOf(
  { git, head, snapshot }: RepositoryView,
  { objects }: LoadedPolicy,
  files: readonly PolicyFile[],
): Promise<ReadonlyMap<string, Instant>> {
  const blobs = new Map(snapshot.files.map((file) => [file.path, file.blob]));
  const kept = new Set(files.flatMap(({ path, blob }) => (blobs.get(path) === blob ? [path] : [])));
  const inputs = objects.filter(({ kind }) => kind === "PatchBaseline" || kind === "UpdateRecipe");
  const paths = [...new Set(inputs.map(({ file }) => file))].filter((file) => kept.has(file));
  const changes = await git.lastChanges(head, paths);
  return new Map([...changes].map(([path, { time }]) => [path, time]));
}

function hash(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
