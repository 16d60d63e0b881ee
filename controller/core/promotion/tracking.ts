// The tracking issue: one page that lists every proposal that is open, waits or was refused, and why. Pure and deterministic; without a time
// of day, so that it changes only when something does.
import type { Plan } from "../rollout/plan.ts";
import { atMost, type Escape, table } from "./evidence-form.ts";
import type { KnownProposal } from "./known.ts";
import type { Promotions } from "./promotions.ts";

/** The issue is found again by this line. */
export const TRACKING_MARKER = "<!-- ringward-tracking -->";
export const TRACKING_TITLE = "Ringward: proposals and what waits";

/** Rows of each list. */
const MOST_ROWS = 100;

export interface TrackingInput {
  readonly plan: Plan;
  readonly promotions: Promotions;
  readonly known: readonly KnownProposal[];
  readonly clusterName: string;
  readonly escape: Escape;
}

/** The body. */
export function writeTracking({ plan, promotions, known, clusterName, escape }: TrackingInput): string {
  const open = known.filter(
    ({ state, number }) => state === "open" && !promotions.closing.some((closing) => closing.number === number),
  );
  const held = new Set(promotions.held.map(({ proposal }) => `${proposal.ring.name}/${proposal.level.name}`));
  const waiting = promotions.decisions.filter(
    ({ action, ring, level, reason }) =>
      action === "wait" && reason !== "ProposalRejected" && !held.has(`${ring ?? ""}/${level ?? ""}`),
  );
  const rejections = plan.rings.flatMap(({ ring }) =>
    (promotions.records?.get(ring.name)?.rejections ?? []).map((rejection) => ({ ring: ring.name, ...rejection })),
  );
  const section = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => {
    if (rows.length === 0) return [];
    const list = atMost(rows, MOST_ROWS, "lines");
    return [`#### ${title} (${rows.length})`, "", ...table(head, list.shown), ...list.rest, ""];
  };
  const code = (text: string | undefined): string => (text === undefined || text === "" ? "–" : escape.code(text, 300));
  const body = [
    ...section(
      "Open: a merge approves",
      ["Pull request", "Ring", "Baseline"],
      open.map(({ number, ring, baseline }) => [`#${number}`, code(ring), code(baseline)]),
    ),
    ...section(
      "To be opened",
      ["Ring", "Level", "Waits for"],
      promotions.held.map(({ proposal, block }) => [
        code(proposal.ring.name),
        code(proposal.level.name),
        `\`${block.reason}\`: ${escape.text(block.message, 300)}`,
      ]),
    ),
    ...section(
      "Not offered yet",
      ["Ring", "Level", "Waits for"],
      waiting.map(({ ring, level, reason, message }) => [
        code(ring),
        code(level),
        `\`${reason}\`: ${escape.text(message, 300)}`,
      ]),
    ),
    ...section(
      "Refused",
      ["Pull request", "Ring", "Level", "By", "Why"],
      rejections.map(({ pullRequest, ring, level, by, why }) => [
        `#${pullRequest}`,
        code(ring),
        code(level),
        by === undefined ? "–" : escape.text(by),
        why === undefined ? "–" : escape.text(why, 200),
      ]),
    ),
  ];
  return [
    TRACKING_MARKER,
    `Kept by Ringward for cluster ${escape.code(clusterName)}. Nothing here approves anything.`,
    "",
    ...(body.length === 0 ? ["Nothing is proposed, and nothing waits."] : body),
    "",
  ].join("\n");
}
