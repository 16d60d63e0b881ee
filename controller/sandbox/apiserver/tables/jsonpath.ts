// The JSONPath that printer columns use: members, indexes, wildcards and equality filters. What cannot be found is undefined.
import { isList, isObject } from "../json.ts";
import type { Json } from "../json.ts";

type Step =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "filter"; readonly path: readonly string[]; readonly operator: string; readonly value: string };

/** Parses a path such as `.status.conditions[?(@.type=='Ready')].status`; throws for what it does not know. */
export function parseJsonPath(text: string): (value: Json) => readonly Json[] {
  const steps = readSteps(text);
  return (value) =>
    steps.reduce<readonly Json[]>((values, step) => values.flatMap((item) => follow(step, item)), [value]);
}

const STEP =
  /\.([A-Za-z0-9_$-](?:[A-Za-z0-9_$-]|\\.)*)|\['([^']*)'\]|\["([^"]*)"\]|\[(-?\d+)\]|(\[\*\]|\.\*)|\[\?\(\s*@((?:\.[A-Za-z0-9_-]+)+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^)\s]+))\s*\)\]/uy;

function readSteps(text: string): readonly Step[] {
  const source = text.replace(/^\{(.*)\}$/u, "$1").replace(/^\$/u, "");
  const pattern = new RegExp(STEP.source, "uy");
  const steps: Step[] = [];
  while (pattern.lastIndex < source.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(source);
    if (match === null) throw new Error(`the JSONPath ${text} cannot be read at ${source.slice(at)}`);
    const [, dotted, single, double, index, wildcard, path, operator, quoted, doubleQuoted, bare] = match;
    const name = dotted?.replaceAll("\\.", ".") ?? single ?? double;
    if (name !== undefined) steps.push({ kind: "member", name });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (wildcard !== undefined) steps.push({ kind: "all" });
    else
      steps.push({
        kind: "filter",
        path: (path ?? "").split(".").slice(1),
        operator: operator ?? "==",
        value: quoted ?? doubleQuoted ?? bare ?? "",
      });
  }
  return steps;
}

function follow(step: Step, value: Json): readonly Json[] {
  switch (step.kind) {
    case "member": {
      const member = isObject(value) ? value[step.name] : undefined;
      return member === undefined ? [] : [member];
    }
    case "index": {
      const item = isList(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "all":
      return isList(value) ? value : isObject(value) ? Object.values(value).filter((item) => item !== undefined) : [];
    case "filter":
      return (isList(value) ? value : []).filter((item) => {
        let at: Json | undefined = item;
        for (const part of step.path) at = isObject(at) ? at[part] : undefined;
        return (String(at) === step.value) === (step.operator === "==") && at !== undefined;
      });
  }
}
