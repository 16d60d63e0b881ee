// Label selectors (metav1.LabelSelector): whether labels match, and for lint whether two selectors imply or exclude each other.
// Pure. Labels come from the API and are hostile: only own keys count, and a term that is not understood matches nothing,
// so a malformed selector can never widen who is touched.
import type { LabelSelector } from "../api/schema.ts";

type Labels = Readonly<Record<string, string>>;
type Term = NonNullable<LabelSelector["matchExpressions"]>[number];

/** `unknown`: at least one of the selectors holds a term that is not understood. */
export type Certainty = "yes" | "no" | "unknown";

/** Whether labels satisfy every term of a selector. Without terms it matches everything, as in Kubernetes. */
export function matches(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels, matchExpressions } = selector;
  for (const key in matchLabels) {
    if (!Object.hasOwn(matchLabels, key)) continue;
    if (valueOf(labels, key) !== matchLabels[key]) return false;
  }
  return matchExpressions === undefined || matchExpressions.every((term) => holds(term, valueOf(labels, term.key)));
}

function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function holds({ operator, values }: Term, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values?.includes(value) === true;
    case "NotIn":
      return value === undefined || values?.includes(value) !== true;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** Whether every set of labels that matches `a` also matches `b`. */
export function implies(a: LabelSelector, b: LabelSelector): Certainty {
  const left = constraintsOf(a);
  const right = constraintsOf(b);
  if (left === undefined || right === undefined) return "unknown";
  if (![...left.values()].every(isSatisfiable)) return "yes";
  return [...right].every(([key, constraint]) => isWithin(left.get(key) ?? ANYTHING, constraint)) ? "yes" : "no";
}

/** Whether no set of labels can match both. */
export function disjoint(a: LabelSelector, b: LabelSelector): Certainty {
  const left = constraintsOf(a);
  const right = constraintsOf(b);
  if (left === undefined || right === undefined) return "unknown";
  for (const [key, constraint] of right) left.set(key, intersect(left.get(key) ?? ANYTHING, constraint));
  return [...left.values()].every(isSatisfiable) ? "no" : "yes";
}

/**
 * What one key's value may be: absent or not, and one of `values` or (negated) anything but them. All terms of selectors
 * have this form and it is closed under "and"; keys are independent, so both questions above have exact answers.
 */
interface Constraint {
  readonly absent: boolean;
  readonly negated: boolean;
  readonly values: ReadonlySet<string>;
}

const ANYTHING: Constraint = { absent: true, negated: true, values: new Set() };

function constraintsOf(selector: LabelSelector): Map<string, Constraint> | undefined {
  const found = new Map<string, Constraint>();
  const add = (key: string, constraint: Constraint): void => {
    found.set(key, intersect(found.get(key) ?? ANYTHING, constraint));
  };
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    add(key, { absent: false, negated: false, values: new Set([value]) });
  for (const term of selector.matchExpressions ?? []) {
    const constraint = constraintOf(term);
    if (constraint === undefined) return undefined;
    add(term.key, constraint);
  }
  return found;
}

function constraintOf({ operator, values }: Term): Constraint | undefined {
  switch (operator) {
    case "In":
      return { absent: false, negated: false, values: new Set(values) };
    case "NotIn":
      return { absent: true, negated: true, values: new Set(values) };
    case "Exists":
      return { absent: false, negated: true, values: new Set() };
    case "DoesNotExist":
      return { absent: true, negated: false, values: new Set() };
    default:
      return undefined;
  }
}

function intersect(a: Constraint, b: Constraint): Constraint {
  const absent = a.absent && b.absent;
  if (a.negated && b.negated) return { absent, negated: true, values: new Set([...a.values, ...b.values]) };
  const [listed, other] = a.negated ? [b, a] : [a, b];
  return { absent, negated: false, values: new Set([...listed.values].filter((value) => allows(other, value))) };
}

/** A negated set always leaves some value: label values are far too many to be listed. */
function isSatisfiable({ absent, negated, values }: Constraint): boolean {
  return absent || negated || values.size > 0;
}

function allows({ negated, values }: Constraint, value: string): boolean {
  return values.has(value) !== negated;
}

function isWithin(a: Constraint, b: Constraint): boolean {
  if (a.absent && !b.absent) return false;
  if (!a.negated) return [...a.values].every((value) => allows(b, value));
  return b.negated && [...b.values].every((value) => a.values.has(value));
}
