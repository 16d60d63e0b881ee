// The evidence in a pull request: what merging it does, to whom, and what the rings before say. Pure and deterministic: the same
// facts give the same bytes. Every foreign string goes through the caller's escape functions. Nothing here decides anything; it only
// shows what the planner knows, by name, with Unknown and failed never hidden behind a percentage.
import { createHash } from "node:crypto";
import { describeChanges } from "./evidence-changes.ts";
import { type Describe, type EvidenceInput, type Section, showTime } from "./evidence-form.ts";
import { describeProof, judgeProof } from "./evidence-proof.ts";
import { describeExceptions, describeHindered, describeNames, describeTargets } from "./evidence-targets.ts";
import { describeTiming } from "./evidence-timing.ts";
import { writeMarker } from "./known.ts";
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
  readonly describe: Describe;
  /** What is trimmed first has the lowest rank. */
  readonly rank: number;
}

const parts: readonly Part[] = [
  { describe: describeVerdict, rank: 9 },
  { describe: describeChanges, rank: 6 },
  { describe: describeTargets, rank: 5 },
  { describe: describeProof, rank: 7 },
  { describe: describeHindered, rank: 4 },
  { describe: describeExceptions, rank: 3 },
  { describe: describeTiming, rank: 2 },
  { describe: describeConsequences, rank: 8 },
  { describe: describeNames, rank: 1 },
];

/** Title, evidence and (written when it is read) body of a proposal. */
export function renderProposal(input: EvidenceInput): RenderedProposal {
  const { proposal, policy } = input;
  const title = titleOf(input);
  const sections = parts.map(({ describe, rank }) => ({ section: describe(input), rank }));
  const evidence = hashOf([title, ...sections.map(({ section }) => section.facts)]);
  const marker = writeMarker({
    cluster: policy.clusterName,
    ring: proposal.ring.name,
    baseline: proposal.baseline,
    level: proposal.level.name,
    digest: proposal.level.digest,
    maxTargets: proposal.maxTargets,
    evidence,
  });
  const footer = [
    "---",
    `Cluster ${input.escape.code(policy.clusterName)}, as of ${showTime(input.plan.at)}. Nothing on this page approves anything: what the tracked branch says does.`,
    "",
    marker,
    "",
  ].join("\n");
  return {
    title,
    evidence,
    get body() {
      return `${fit(sections, LONGEST_BODY - footer.length - 1)}\n${footer}`;
    },
  };
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** The body in at most `limit` characters: the least important list is shortened until it fits, then the next. */
function fit(sections: readonly { readonly section: Section; readonly rank: number }[], limit: number): string {
  const texts = sections.map(({ section }) => textOf(section, STEPS[0]));
  const length = (): number => texts.reduce((sum, text) => sum + text.length, 0);
  const order = sections.map((one, index) => ({ ...one, index })).sort((a, b) => a.rank - b.rank);
  for (const { section, index } of order)
    for (const rows of STEPS.slice(1)) {
      if (length() <= limit) break;
      texts[index] = textOf(section, rows);
    }
  return texts.join("").slice(0, limit);
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
  const undergone = { None: "no disruption", Restart: "restart", Reboot: "reboot" }[level.spec.disruption];
  return `${ring.name}: ${baseline} to ${level.name} (${undergone})`;
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

function describeConsequences({ proposal, escape }: EvidenceInput): Section {
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
    "- Closing this without merging refuses it: it is not opened again for this level.",
  ];
  return { facts: [proposal.previous?.digest ?? null], lines: () => lines };
}
