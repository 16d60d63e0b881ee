// What is worth a line that stays: beginnings and ends of rings, exceptions that end, targets that a budget holds up. Found by comparing
// two looks at the cluster; nothing here acts or decides.
import { isCompliant } from "../../core/compliance/index.ts";
import type { AssetRow } from "../../core/model.ts";
import { type Facts, findBudgetBlocks } from "./facts.ts";

/** Finds what is new since the last call. */
export function createNews(): (facts: Facts) => readonly string[] {
  const begun = new Set<string>();
  const complete = new Set<string>();
  const held = new Set<string>();
  let exempt: ReadonlySet<string> = new Set();
  return (facts) => {
    const lines: string[] = [];
    const rows = Map.groupBy(facts.plan.rows, (row) => row.ring ?? "");
    for (const { ring } of facts.plan.rings) {
      const mine = rows.get(ring.name) ?? [];
      if (facts.claims.some((claim) => claim.ring === ring.name) && !begun.has(ring.name)) {
        begun.add(ring.name);
        lines.push(`ring ${ring.name} begins: ${describeBudget(ring.spec.budget)}`);
      }
      if (begun.has(ring.name) && !complete.has(ring.name) && mine.length > 0 && mine.every(isThere)) {
        complete.add(ring.name);
        lines.push(`ring ${ring.name} is complete: ${mine.length} of ${mine.length} at their level; it soaks now`);
      }
    }
    for (const block of findBudgetBlocks(facts.objects)) {
      if (held.has(block.name)) continue;
      held.add(block.name);
      lines.push(`${block.name} waits: ${block.reason}: ${block.message}`);
    }
    const now = new Set(facts.plan.rows.filter((row) => row.state === "Exempt").map((row) => row.asset.name));
    for (const name of exempt) if (!now.has(name)) lines.push(`the exception of ${name} has ended: it is updated too`);
    exempt = now;
    return lines;
  };
}

function isThere(row: AssetRow): boolean {
  return row.approved && row.state !== "Exempt" && isCompliant(row.state);
}

function describeBudget(budget: { readonly nodes?: unknown; readonly workloads?: unknown } | undefined): string {
  const parts = [
    ...(budget?.nodes === undefined ? [] : [`${String(budget.nodes)} nodes`]),
    ...(budget?.workloads === undefined ? [] : [`${String(budget.workloads)} workloads`]),
  ];
  return parts.length === 0 ? "one target at a time" : `at most ${parts.join(" and ")} at a time`;
}
