// What a PromQL expression is made of, by the grammar that Prometheus' own editor uses. Grafana's variables are filled in first.
import { parser } from "@prometheus-io/lezer-promql";

/** One metric (or recorded series) in an expression. */
export interface Selected {
  readonly metric: string;
  /** Labels that are matched. */
  readonly labels: readonly string[];
  /** Functions around it, the outermost first. */
  readonly within: readonly string[];
}

export interface ParsedExpression {
  /** The text with a mark where the grammar does not understand it; undefined: it does. */
  readonly error: string | undefined;
  readonly selected: readonly Selected[];
  /** Labels that are grouped or matched by, anywhere. */
  readonly labels: readonly string[];
}

/** Values for Grafana's variables where the grammar wants a duration; in label matchers they are text and stay. */
const DURATIONS: Readonly<Record<string, string>> = {
  $__rate_interval: "5m",
  $__interval: "1m",
  $__range: "6h",
};

export function readExpression(expr: string): ParsedExpression {
  const text = Object.entries(DURATIONS).reduce((all, [name, value]) => all.replaceAll(name, value), expr);
  const selected: { metric: string; labels: string[]; within: readonly string[] }[] = [];
  const labels = new Set<string>();
  const functions: string[] = [];
  let error: string | undefined;
  parser.parse(text).iterate({
    enter(node) {
      const word = text.slice(node.from, node.to);
      if (node.type.isError) error ??= `${text.slice(0, node.from)}⟨here⟩${text.slice(node.from)}`;
      if (node.name === "FunctionCall") functions.push(word.slice(0, word.indexOf("(")));
      if (node.name === "VectorSelector") selected.push({ metric: "", labels: [], within: [...functions] });
      if (node.name === "LabelName") labels.add(word);
      const last = selected.at(-1);
      if (node.name === "Identifier" && last?.metric === "") last.metric = word;
      if (node.name === "UnquotedLabelMatcher") last?.labels.push(/^\w+/.exec(word)?.[0] ?? "");
    },
    leave(node) {
      if (node.name === "FunctionCall") functions.pop();
    },
  });
  return { error, selected, labels: [...labels] };
}
