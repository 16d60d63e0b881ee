// The evidence in a pull request: what merging it does, to whom, and what the rings before say. Pure and deterministic: the same
// facts give the same bytes. Every foreign string goes through the caller's escape functions. Nothing here decides anything; it only
// shows what the planner knows, by name, with Unknown and failed never hidden behind a percentage.
import { createHash } from "node:crypto";
import { findDeadEnds } from "./dead-ends.ts";
import { describeChanges } from "./evidence-changes.ts";
import { type Describe, type EvidenceInput, type Section, showTime } from "./evidence-form.ts";
import { describeConditions, describeFreshness } from "./evidence-gates.ts";
import { describeProof, judgeProof } from "./evidence-proof.ts";
import { describeExceptions, describeHindered, describeNames, describeTargets } from "./evidence-targets.ts";
import { describeTiming } from "./evidence-timing.ts";
import { type MarkedEntry, type ProposalMarker, writeMarker } from "./known.ts";
import { ASK_AGAIN_COMMENT, ASK_AGAIN_LABEL } from "./people.ts";
import type { DesiredProposal } from "./wishes.ts";

export interface RenderedProposal {
  readonly title: string;
  readonly body: string;
  /** Changes when something worth a new text changes; not with the time of day or a node that joins within the margin. */
  readonly evidence: string;
}

/** Longest body, in UTF-16 code units: GitHub takes 65,536, and some forges count otherwise. */
export const LONGEST_BODY = 60_000;
/** Rows that a list may have; a body that is too long goes down these steps, its least important list first. */
const STEPS = [200, 60, 20, 5, 0] as const;

interface Part {
  /** In a list of what is new. */
  readonly title: string;
  readonly describe: Describe;
  /** What is trimmed first has the lowest rank. */
  readonly rank: number;
}

const parts: readonly Part[] = [
  { title: "verdict", describe: describeVerdict, rank: 11 },
  { title: "conditions", describe: describeConditions, rank: 9 },
  { title: "what changes", describe: describeChanges, rank: 6 },
  { title: "who is touched", describe: describeTargets, rank: 5 },
  { title: "rings before", describe: describeProof, rank: 7 },
  { title: "what would not move", describe: describeHindered, rank: 4 },
  { title: "exceptions", describe: describeExceptions, rank: 3 },
  { title: "timing", describe: describeTiming, rank: 2 },
  { title: "consequences", describe: describeConsequences, rank: 10 },
  { title: "controls", describe: describeControls, rank: 8 },
  { title: "targets", describe: describeNames, rank: 1 },
];

/** Title, evidence and (written when it is read) body of a pull request with one proposal. */
export function renderProposal(given: EvidenceInput): RenderedProposal {
  const { input, sections, evidence, title } = describeProposal(given);
  const hashes = Object.fromEntries(sections.map((part) => [part.title, hashOf(part.section.facts).slice(0, 6)]));
  return {
    title,
    evidence,
    get body() {
      const footer = writeFooter(input, { evidence, hashes, endsAt: input.forecast?.()?.endsAt });
      return `${fit(sections, LONGEST_BODY - footer.length - 1)}\n${footer}`;
    },
  };
}

/** A pull request's page: of its one proposal, or of all that it shares. */
export function renderRequest(
  { grouped }: { readonly grouped: boolean },
  given: readonly EvidenceInput[],
): RenderedProposal {
  const [only] = given;
  return grouped || only === undefined ? renderGroup(given) : renderProposal(only);
}

/** The same of a shared pull request: every proposal's parts under its baseline's heading. All are of one ring. */
function renderGroup(given: readonly EvidenceInput[]): RenderedProposal {
  const described = given.map(describeProposal);
  const [first] = described;
  if (first === undefined) throw new Error("a pull request without proposals");
  const { ring } = first.input.proposal;
  const count = `${described.length} baseline${described.length === 1 ? "" : "s"}`;
  const title = `${ring.name}: ${count} (${undergoneOf(given.map(({ proposal }) => proposal))})`;
  const evidence = hashOf([title, ...described.map((one) => [one.input.proposal.baseline, one.evidence])]);
  const hashes = Object.fromEntries(described.map((one) => [one.input.proposal.baseline, one.evidence.slice(0, 6)]));
  return {
    title,
    evidence,
    get body() {
      const ends = described.flatMap(({ input }) => input.forecast?.()?.endsAt ?? []);
      const footer = writeFooter(first.input, {
        evidence,
        hashes,
        endsAt: ends.length === 0 ? undefined : Math.max(...ends),
        entries: given.map(({ proposal }) => ({
          baseline: proposal.baseline,
          digest: proposal.level.digest,
          maxTargets: proposal.maxTargets,
          ...(proposal.kind === "Scope" ? { scope: proposal.maxTargets } : {}),
        })),
      });
      const heading = (baseline: string): Section => ({ facts: [], lines: () => [`## Baseline ${baseline}`] });
      const sections = described.flatMap(({ input, sections: mine, title: name }) => [
        { rank: MOST_RANK, section: heading(input.escape.code(input.proposal.baseline)) },
        { rank: MOST_RANK, section: { facts: [], lines: () => [`**${input.escape.text(name, 400)}**`] } },
        ...mine,
      ]);
      return `${fit(sections, LONGEST_BODY - footer.length - 1)}\n${footer}`;
    },
  };
}

/** What is left out last. */
const MOST_RANK = 12;

function describeProposal(given: EvidenceInput): {
  readonly input: EvidenceInput;
  readonly title: string;
  readonly sections: readonly (Part & { readonly section: Section })[];
  readonly evidence: string;
} {
  const { forecast } = given;
  const input = forecast === undefined ? given : { ...given, forecast: once(forecast) };
  const title = titleOf(input);
  const sections = parts.map((part) => ({ ...part, section: part.describe(input) }));
  return { input, title, sections, evidence: hashOf([title, ...sections.map(({ section }) => section.facts)]) };
}

/** A forecast is as dear as a plan. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

interface Footer {
  readonly evidence: string;
  readonly hashes: Readonly<Record<string, string>>;
  readonly endsAt: number | undefined;
  /** Of a shared pull request. */
  readonly entries?: readonly MarkedEntry[];
}

function writeFooter(input: EvidenceInput, { evidence, hashes, endsAt, entries }: Footer): string {
  const { proposal, policy, plan, escape } = input;
  const versions = listVersions(input, hashes);
  const marker = writeMarker({
    cluster: policy.clusterName,
    ring: proposal.ring.name,
    ...(entries === undefined
      ? {
          baseline: proposal.baseline,
          level: proposal.level.name,
          digest: proposal.level.digest,
          maxTargets: proposal.maxTargets,
        }
      : { entries }),
    evidence,
    parts: hashes,
    ...(versions.length === 0 ? {} : { versions }),
    ...(endsAt === undefined ? {} : { forecast: new Date(endsAt).toISOString() }),
  });
  return [
    "---",
    `${entries === undefined ? `Level digest ${escape.code(`sha256:${proposal.level.digest}`)}. ` : ""}Cluster ${escape.code(policy.clusterName)}, as of ${showTime(plan.at)}${describeCommit(input)}.${describeFreshness(input)}`,
    "Nothing on this page approves anything: what the tracked branch says does.",
    ...(versions.length === 0
      ? []
      : ["", `New on this page: ${versions.map(({ at, parts: names }) => `${names.join(", ")} (${at})`).join("; ")}.`]),
    "",
    marker,
    "",
  ].join("\n");
}

/** Versions that are remembered. */
const MOST_VERSIONS = 5;

/** What is new since the version before, and what was new in those before it. The memory is in a body that anyone may edit: only our own words are taken from it. */
function listVersions(
  { before, plan }: EvidenceInput,
  hashes: Readonly<Record<string, string>>,
): NonNullable<ProposalMarker["versions"]> {
  if (typeof before?.parts !== "object" || before.parts === null) return [];
  const known = new Map(Object.entries(before.parts));
  const titles = Object.keys(hashes);
  const fresh = titles.filter((title) => known.get(title) !== hashes[title]);
  const old = (Array.isArray(before.versions) ? (before.versions as readonly unknown[]) : []).flatMap((version) => {
    const { at, parts: names } = (version ?? {}) as { readonly at?: unknown; readonly parts?: unknown };
    if (typeof at !== "string" || !/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/.test(at) || !Array.isArray(names)) return [];
    return [{ at, parts: titles.filter((title) => (names as readonly unknown[]).includes(title)) }];
  });
  const versions = fresh.length === 0 ? old : [...old, { at: showTime(plan.at), parts: fresh }];
  return versions.filter((version) => version.parts.length > 0).slice(-MOST_VERSIONS);
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** The body in at most `limit` characters: the least important list is shortened until it fits, then the next. */
export function fit(sections: readonly (Pick<Part, "rank"> & { readonly section: Section })[], limit: number): string {
  const texts = sections.map(({ section }) => textOf(section, STEPS[0]));
  const length = (): number => texts.reduce((sum, text) => sum + text.length, 0);
  const order = sections.map((one, index) => ({ ...one, index })).sort((a, b) => a.rank - b.rank);
  for (const { section, index } of order)
    for (const rows of STEPS.slice(1)) {
      if (length() <= limit) break;
      texts[index] = textOf(section, rows);
    }
  // Whole parts go before one is cut: half a list would read as a whole one.
  for (const { index } of order) {
    if (length() <= limit) break;
    texts[index] = "";
  }
  return texts.join("");
}

function textOf(section: Section, rows: number): string {
  const lines = section.lines(rows);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n\n`;
}

// ---------------------------------------------------------------------------------------------- verdict and end

function titleOf({ proposal }: EvidenceInput): string {
  const { ring, baseline, level } = proposal;
  if (proposal.kind === "Scope")
    return `${ring.name}: cover ${proposal.maxTargets} targets of ${baseline} (was ${proposal.previousMaxTargets ?? 0})`;
  return `${ring.name}: ${baseline} to ${level.name} (${undergoneOf([proposal])})`;
}

/** The worst of them. */
function undergoneOf(proposals: readonly DesiredProposal[]): string {
  const all = new Set(proposals.map(({ level }) => level.spec.disruption));
  return all.has("Reboot") ? "reboot" : all.has("Restart") ? "restart" : "no disruption";
}

function describeVerdict(input: EvidenceInput): Section {
  const { proposal, escape } = input;
  const ring = escape.code(proposal.ring.name);
  const level = escape.code(proposal.level.name, 300);
  if (proposal.kind === "Scope") {
    const line = `### 🟡 ${proposal.targets} targets of ring ${ring} are in scope; the approval covers ${proposal.previousMaxTargets ?? 0}`;
    const next = `Merging lets ring ${ring} go on with ${level} on up to ${proposal.maxTargets} targets. Until then it starts no target at this level (\`ScopeGrew\`).`;
    return { facts: [proposal.kind, proposal.level.digest, proposal.maxTargets], lines: () => [line, "", next] };
  }
  const verdict = judgeProof(input);
  const next = `Merging approves ${level} for ring ${ring}: up to ${proposal.maxTargets} targets (${proposal.targets} now). ${disruptionOf(proposal)}`;
  return {
    facts: [proposal.level.name, proposal.level.digest, proposal.maxTargets],
    lines: () => [`### ${verdict}`, "", next],
  };
}

function disruptionOf({ level }: DesiredProposal): string {
  switch (level.spec.disruption) {
    case "None":
      return "Targets are updated without a restart, as far as is known beforehand.";
    case "Restart":
      return level.spec.target === "Image"
        ? "Each workload rolls its pods over."
        : "A service on each node restarts; no node reboots, as far as is known beforehand.";
    case "Reboot":
      return "Each node is cordoned, drained and rebooted.";
  }
}

function describeCommit({ proposal }: EvidenceInput): string {
  const { authority } = proposal.ring;
  return authority.kind === "Git" ? `, policy of commit ${authority.commit.slice(0, 12)}` : "";
}

/** Where the hand brake is. */
function describeControls({ proposal, escape }: EvidenceInput): Section {
  const ring = proposal.ring.name;
  const lines = [
    "#### Say no, wait, stop, hurry",
    "",
    `- **No**: close this without merging, with a word why. To be asked again: label it ${escape.code(ASK_AGAIN_LABEL)} or comment ${escape.code(ASK_AGAIN_COMMENT)}.`,
    `- **Not now**: leave it open, or ${escape.code(`ringward suspend ${ring}`)} after the merge; ${escape.code(`ringward resume ${ring}`)} goes on.`,
    `- **Stop everything**: ${escape.code("ringward stop")}: nothing starts, and what is under way is brought to safety. No merge undoes it.`,
    ...(proposal.kind === "Scope"
      ? []
      : [
          "- **Hurry**: write `expedite` (reason, until, skip) into the entry; it skips deferral, soak, windows or freezes, never budgets, gates or PodDisruptionBudgets.",
        ]),
  ];
  return { facts: [], lines: () => lines };
}

/** Why people are asked in a ring that is Automatic. */
function describeNewcomer({ plan, proposal, escape }: EvidenceInput): readonly string[] {
  const { ring, baseline } = proposal;
  const outcome = plan.rings.find((one) => one.ring.name === ring.name);
  if (ring.spec.promotion !== "Automatic" || outcome?.entries.listed.has(baseline) === true) return [];
  return [
    `- Ring ${escape.code(ring.name)} says \`promotion: Automatic\`, and its file does not list baseline ${escape.code(baseline)}. Merging lists it: from then on Ringward writes this baseline's levels here by itself.`,
  ];
}

/** Rings after this one that would wait for ever. */
function describeDeadEnds({ plan, proposal, escape }: EvidenceInput): readonly string[] {
  return findDeadEnds(plan, proposal.ring.name, proposal.baseline, proposal.level).map(({ ring, behind }) => {
    const list = behind.map((name) => escape.code(name)).join(", ");
    return `- ⚠ Ring ${escape.code(ring)} has no target of this baseline and never completes, so ${list} would wait for ever (\`RingEmpty\`). Let it pass (\`completion: { onEmpty: Pass }\` in its file), or change its members.`;
  });
}

function describeConsequences(input: EvidenceInput): Section {
  const { proposal, escape } = input;
  const notes = [...describeNewcomer(input), ...describeDeadEnds(input)];
  const ring = escape.code(proposal.ring.name);
  const previous = proposal.previous === undefined ? "no level" : escape.code(proposal.previous.name, 300);
  const lines = [
    "#### What merging means, and how to take it back",
    "",
    `- The merge is the approval. It covers this level's digest and at most ${proposal.maxTargets} targets; budgets, windows, freezes, gates and PodDisruptionBudgets hold as ever.`,
    ...(proposal.kind === "Scope"
      ? ["- Reverting the merge puts the old number back: no further target starts at this level."]
      : [
          `- Reverting the merge withdraws it: no new target starts, what has not begun its update is backed out, and this level is not proposed again until a person asks. Ring ${ring} then names ${previous} again.`,
          proposal.level.spec.target === "Image"
            ? "- Images are exact: a revert rolls updated workloads back."
            : "- Node levels are floors: nodes that were updated stay as they are after a revert.",
        ]),
    ...notes,
  ];
  return { facts: [proposal.previous?.digest ?? null, ...notes], lines: () => lines };
}
