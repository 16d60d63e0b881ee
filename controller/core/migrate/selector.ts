// Label selectors as Kubernetes' list options write them (`app=web,tier in (a,b),!legacy`), as a LabelSelector (labels.Parse of apimachinery).
// Pure.
import type { LabelSelector } from "../../api/schema.ts";

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];

const KEY = String.raw`[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?`;
const SET = new RegExp(`^(${KEY}) +(in|notin) *\\(([^()]*)\\)$`);
const EQUAL = new RegExp(`^(${KEY}) *(=|==|!=) *([-A-Za-z0-9_.]*)$`);
const ALONE = new RegExp(`^(! *)?(${KEY})$`);

/** The selector; undefined for what is none, and for one that selects everything. */
export function parseSelector(text: string): LabelSelector | undefined {
  if (text.length > 2048) return undefined;
  const labels: Record<string, string> = {};
  const expressions: Expression[] = [];
  for (const part of splitTerms(text)) {
    const term = parseTerm(part.trim());
    if (term === undefined) return undefined;
    if (term.operator === "In" && term.values?.length === 1 && labels[term.key] === undefined)
      labels[term.key] = term.values[0] ?? "";
    else expressions.push(term);
  }
  const [some, more] = [Object.keys(labels).length > 0, expressions.length > 0];
  if (!some && !more) return undefined;
  return { ...(some ? { matchLabels: labels } : {}), ...(more ? { matchExpressions: expressions } : {}) };
}

/** At commas that are not within parentheses. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let [start, depth] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth += 1;
    else if (text[at] === ")") depth -= 1;
    else if (text[at] === "," && depth === 0) {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...terms, text.slice(start)];
}

function parseTerm(text: string): Expression | undefined {
  const equal = EQUAL.exec(text);
  if (equal !== null)
    return { key: equal[1] ?? "", operator: equal[2] === "!=" ? "NotIn" : "In", values: [equal[3] ?? ""] };
  const set = SET.exec(text);
  if (set !== null) {
    const values = (set[3] ?? "").split(",").map((one) => one.trim());
    return { key: set[1] ?? "", operator: set[2] === "in" ? "In" : "NotIn", values };
  }
  const alone = ALONE.exec(text);
  return alone === null
    ? undefined
    : { key: alone[2] ?? "", operator: alone[1] === undefined ? "Exists" : "DoesNotExist" };
}
