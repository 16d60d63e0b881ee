// Rings that share members: an asset in two rings is Blocked(RingConflict), so rings whose selectors are equal or imply one another
// are an error, and rings that can meet are a warning. Rings with equal selectors that all have a percent divide their nodes.
// Ten thousand rings must not take fifty million comparisons: rings that want different values of one label never meet.
import type { LabelSelector } from "../../api/schema.ts";
import { disjoint, implies } from "../../core/selectors.ts";
import type { Finding } from "../finding.ts";
import type { ObjectOf } from "../object.ts";
import { type CheckContext, error, warning } from "./context.ts";

type Side = "nodes" | "workloads";

interface Member {
  readonly ring: ObjectOf<"RolloutRing">;
  readonly side: Side;
  readonly selector: LabelSelector;
  readonly percent: number | undefined;
  /** Equal texts are equal selectors: matchLabels and matchExpressions in any order. */
  readonly text: string;
  /** Labels that must have exactly one value. */
  readonly fixed: ReadonlyMap<string, string>;
}

/** Beyond this many comparisons the rest is left, and said so. */
const MAX_PAIRS = 400_000;

export function checkRingOverlap(context: CheckContext): readonly Finding[] {
  return (["nodes", "workloads"] as const).flatMap((side) => {
    const members = context.rings.flatMap((ring) => memberOf(ring, side));
    return [...comparePairs(members), ...(side === "nodes" ? checkShares(members) : [])];
  });
}

function memberOf(ring: ObjectOf<"RolloutRing">, side: Side): Member[] {
  const members = ring.spec.members[side];
  if (members === undefined) return [];
  const { selector } = members;
  const percent = side === "nodes" ? ring.spec.members.nodes?.percent : undefined;
  return [{ ring, side, selector, percent, text: textOf(selector), fixed: fixedOf(selector) }];
}

function textOf(selector: LabelSelector): string {
  const labels = Object.entries(selector.matchLabels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const terms = (selector.matchExpressions ?? [])
    .map((term) => JSON.stringify([term.key, term.operator, [...(term.values ?? [])].toSorted()]))
    .toSorted();
  return JSON.stringify([labels, terms]);
}

function fixedOf(selector: LabelSelector): ReadonlyMap<string, string> {
  const fixed = new Map(Object.entries(selector.matchLabels ?? {}));
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const [only, ...others] = values ?? [];
    if (operator === "In" && only !== undefined && others.length === 0) fixed.set(key, only);
  }
  return fixed;
}

function comparePairs(members: readonly Member[]): Finding[] {
  const findings: Finding[] = [];
  const meetings = new Map<Member, string[]>();
  let pairs = 0;
  for (const [a, b] of pairsThatMayMeet(members, new Set())) {
    if (++pairs > MAX_PAIRS) {
      const message = `too many rings may share members to compare them all; ${MAX_PAIRS} pairs were`;
      findings.push(
        warning(
          a.ring,
          ["spec", "members", a.side, "selector"],
          "RingsNotCompared",
          message,
          "give rings one label with different values",
        ),
      );
      break;
    }
    const found = judgePair(a, b);
    if (found !== "CanMeet") findings.push(...found);
    else if (meetings.has(b)) meetings.get(b)?.push(a.ring.name);
    else meetings.set(b, [a.ring.name]);
  }
  return [...findings, ...[...meetings].map(([member, others]) => meeting(member, others))];
}

/** Pairs that do not already differ in the value of a label that both fix. */
function* pairsThatMayMeet(
  members: readonly Member[],
  used: ReadonlySet<string>,
): Generator<readonly [Member, Member]> {
  const key = members.length > 8 ? commonKey(members, used) : undefined;
  if (key === undefined) {
    for (const [index, a] of members.entries()) {
      for (let other = index + 1; other < members.length; other++) {
        const b = members[other];
        if (b !== undefined) yield [a, b];
      }
    }
    return;
  }
  const without = members.filter((member) => !member.fixed.has(key));
  const withKey = members.filter((member) => member.fixed.has(key));
  const deeper = new Set([...used, key]);
  for (const group of Map.groupBy(withKey, (member) => member.fixed.get(key)).values())
    yield* pairsThatMayMeet(group, deeper);
  yield* pairsThatMayMeet(without, deeper);
  for (const a of without) for (const b of withKey) yield [a, b];
}

/** The label that most of them fix. */
function commonKey(members: readonly Member[], used: ReadonlySet<string>): string | undefined {
  const counts = new Map<string, number>();
  for (const { fixed } of members)
    for (const key of fixed.keys()) if (!used.has(key)) counts.set(key, (counts.get(key) ?? 0) + 1);
  let best: string | undefined;
  for (const [key, count] of counts) if (count > 1 && count > (counts.get(best ?? "") ?? 0)) best = key;
  return best;
}

function judgePair(a: Member, b: Member): Finding[] | "CanMeet" {
  const equal =
    a.text === b.text || (implies(a.selector, b.selector) === "yes" && implies(b.selector, a.selector) === "yes");
  // Sharing by percent is by the very same selector, so that both count the same nodes.
  if (a.text === b.text && a.percent !== undefined && b.percent !== undefined) return [];
  if (equal) {
    const message = (other: Member): string => `selects exactly the ${a.side} of ring "${other.ring.name}"`;
    const share = a.side === "nodes" ? `${HINT}, or give both the same selector and a percent` : HINT;
    return [overlap(a, "RingsEqual", message(b), share), overlap(b, "RingsEqual", message(a), share)];
  }
  for (const [inner, outer] of [[a, b] as const, [b, a] as const]) {
    if (implies(inner.selector, outer.selector) === "yes") {
      return [overlap(inner, "RingsOverlap", `all its ${a.side} are also in ring "${outer.ring.name}"`, HINT)];
    }
  }
  return disjoint(a.selector, b.selector) === "yes" ? [] : "CanMeet";
}

const HINT = "an asset in two rings is blocked: give rings selectors that exclude each other";

/** One warning for each ring, however many it can meet. */
function meeting(member: Member, others: readonly string[]): Finding {
  const shown = others
    .slice(0, 3)
    .map((name) => `"${name}"`)
    .join(", ");
  const more = others.length > 3 ? ` and ${others.length - 3} more` : "";
  const message = `can select ${member.side} that ring ${shown}${more} selects too`;
  return warning(member.ring, ["spec", "members", member.side, "selector"], "RingsCanMeet", message, HINT);
}

function overlap(member: Member, code: string, message: string, hint: string): Finding {
  return error(member.ring, ["spec", "members", member.side, "selector"], code, message, hint);
}

/** Shares of one selector should come to 100: what is left over is in no ring, what is too much is never reached. */
function checkShares(members: readonly Member[]): Finding[] {
  const shared = members.filter((member) => member.percent !== undefined);
  return [...Map.groupBy(shared, (member) => member.text).values()].flatMap((group) => {
    const sum = group.reduce((total, member) => total + (member.percent ?? 0), 0);
    const last = group.at(-1);
    if (sum === 100 || last === undefined) return [];
    const names = group.map((member) => `"${member.ring.name}"`).join(", ");
    const message = `the percentages of the rings with this selector (${names}) come to ${sum}, not to 100`;
    const hint = sum < 100 ? "the rest of the nodes is in no ring" : "the last rings get fewer nodes than they say";
    return [warning(last.ring, ["spec", "members", "nodes", "percent"], "SharesNotWhole", message, hint)];
  });
}
