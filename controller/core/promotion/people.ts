// What people did with a proposal: who approved, merged or refused it and why, and whether somebody asks for it again. Pure. For the
// record, and for refusals; an approval is read from the tracked branch alone, never from here (A1).

/** A pull request's history, as a forge tells it. Times are RFC 3339, lists have the newest last. */
export interface ProposalHistory {
  readonly merged: { readonly by: string; readonly time: string; readonly commit: string } | undefined;
  /** Closed unmerged. */
  readonly closed: { readonly by: string | undefined; readonly time: string } | undefined;
  readonly reviews: readonly {
    readonly author: string;
    readonly state: "Approved" | "ChangesRequested" | "Commented" | "Dismissed";
  }[];
  readonly comments: readonly {
    readonly author: string;
    readonly body: string;
    readonly time: string;
    /** Written by Ringward's own account. */
    readonly mine: boolean;
  }[];
}

export interface ProposalPeople {
  readonly merged: ProposalHistory["merged"];
  /** Ringward merged it itself. */
  readonly mergedByUs: boolean;
  readonly closed: ProposalHistory["closed"];
  /** Whose last word was an approval, in the order of their names. */
  readonly approvedBy: readonly string[];
  /** What was said last when it was refused, on one line; a person's words. */
  readonly why: string | undefined;
  /** A person wants to be asked about this level once more. */
  readonly askedAgain: boolean;
}

/** A label that asks for a refused level again. */
export const ASK_AGAIN_LABEL = "ringward/propose-again";
/** A line of a comment that does the same. */
export const ASK_AGAIN_COMMENT = "/ringward propose";
/** Longest reason that is kept, in characters. */
const LONGEST_WHY = 200;

/** What people did with one pull request. */
export function readPeople(
  history: ProposalHistory,
  pull: { readonly labels: readonly string[]; readonly author: string },
): ProposalPeople {
  const { merged, closed, reviews, comments } = history;
  const verdicts = new Map<string, string>();
  // A comment takes no approval back.
  for (const { author, state } of reviews) if (state !== "Commented") verdicts.set(author, state);
  const said = comments.filter(({ mine }) => !mine);
  const closedAt = closed === undefined ? Number.POSITIVE_INFINITY : Date.parse(closed.time);
  const asks = said.filter(({ body }) => asksAgain(body));
  const last = said.findLast(({ body }) => !asksAgain(body));
  return {
    merged,
    // What we opened was opened by our own account.
    mergedByUs: merged !== undefined && merged.by === pull.author,
    closed,
    approvedBy: [...verdicts]
      .filter(([, state]) => state === "Approved")
      .map(([author]) => author)
      .sort(),
    why: closed === undefined || last === undefined ? undefined : oneLine(last.body),
    // What was asked before it was closed was answered by closing it.
    askedAgain:
      closed !== undefined &&
      (pull.labels.includes(ASK_AGAIN_LABEL) || asks.some(({ time }) => Date.parse(time) >= closedAt)),
  };
}

function asksAgain(body: string): boolean {
  return body.split(/\r?\n/).some((line) => line.trim().toLowerCase() === ASK_AGAIN_COMMENT);
}

function oneLine(text: string): string | undefined {
  const line = Array.from(text.replace(/\s+/g, " ").trim());
  if (line.length === 0) return undefined;
  return line.length <= LONGEST_WHY ? line.join("") : `${line.slice(0, LONGEST_WHY - 1).join("")}…`;
}
