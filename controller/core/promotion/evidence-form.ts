// The form of a proposal's evidence: what each part is given and hands back, and how lists and tables are written. Pure.
import type { DisruptionLedgerSpec } from "../../api/disruption-ledger.ts";
import type { Inventory, PolicyInForce } from "../model.ts";
import type { Estimate } from "../estimate/estimate.ts";
import type { Plan } from "../rollout/plan.ts";
import type { ProposalMarker } from "./known.ts";
import type { DesiredProposal } from "./wishes.ts";

/** How foreign text is made harmless in Markdown: as prose, and as inline code. `limit` is in characters. */
export interface Escape {
  readonly text: (text: string, limit?: number) => string;
  readonly code: (text: string, limit?: number) => string;
}

export interface EvidenceInput {
  readonly proposal: DesiredProposal;
  readonly plan: Plan;
  readonly policy: PolicyInForce;
  readonly inventory: Inventory;
  /** When it would end if it were merged now; asked only when a body is written. */
  readonly forecast?: () => Estimate | undefined;
  /** What the pull request's body remembers of its version before; untrusted, for it can be edited. */
  readonly before?: Partial<ProposalMarker> | undefined;
  /** The ledger's mode, where it is known: a reader should know that nothing will be touched. */
  readonly mode?: DisruptionLedgerSpec["mode"];
  readonly escape: Escape;
}

/** One part of the body. */
export interface Section {
  /** What a rewrite is worth. */
  readonly facts: unknown;
  /** The text, with at most so many rows in each of its lists. Written only when the body is: most passes compare facts alone. */
  readonly lines: (rows: number) => readonly string[];
}

export type Describe = (input: EvidenceInput) => Section;

/** A part that has nothing to say. */
export const NOTHING: Section = { facts: [], lines: () => [] };

/** `2026-01-05 08:00 UTC`. */
export function showTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A table's lines; nothing for no rows. Cells must be escaped already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** The first `most` items and a line that counts the rest. */
export function atMost<T>(
  items: readonly T[],
  most: number,
  what: string,
): { readonly shown: readonly T[]; readonly rest: readonly string[] } {
  const shown = items.slice(0, most);
  const left = items.length - shown.length;
  return {
    shown,
    rest:
      left === 0
        ? []
        : ["", `*and ${left} more ${what}${shown.length === 0 ? " (list left out: the text would be too long)" : ""}*`],
  };
}
