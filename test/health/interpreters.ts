// Runs the health checks as Argo CD and Flux do: Lua by Lua's own interpreter (compiled to WebAssembly), with the object as `obj`; CEL in
// Flux's order (pkg/runtime/cel, StatusEvaluator: observedGeneration, inProgress, failed, current, else in progress).
import { Environment } from "@marcbachmann/cel-js";
import { LuaFactory } from "wasmoon";

export interface LuaHealth {
  readonly status: string;
  readonly message: string;
}

export interface LuaRunner {
  run(object: object): LuaHealth;
  close(): void;
}

/** One script, ready to be run over many objects. Only what Lua 5.1 has, too: Argo CD's interpreter is one of that. */
export async function createLua(script: string): Promise<LuaRunner> {
  for (const [newer, what] of [
    [/\bgoto\b|::/, "goto"],
    [/\/\//, "integer division"],
    [/[&|~](?!=)/, "operators on bits"],
    [/<(const|close)>/, "attributes"],
  ] as const)
    if (newer.test(script.replaceAll(/--.*|"[^"]*"/g, ""))) throw new Error(`Lua 5.1 has no ${what}`);
  const lua = await new LuaFactory().createEngine();
  lua.doStringSync(`function health(obj)\n${script}\nend\nfunction said(h) return h.status .. "\\n" .. h.message end`);
  return {
    run(object) {
      // Objects go in as Lua writes tables, and a text comes out: nothing is shared between both heaps.
      const [status = "", ...message] = String(lua.doStringSync(`return said(health(${literal(object)}))`)).split("\n");
      return { status, message: message.join("\n") };
    },
    close: () => lua.global.close(),
  };
}

/** A value of JSON as Lua writes it. */
function literal(value: unknown): string {
  if (typeof value === "string")
    return `"${[...new TextEncoder().encode(value)].map((byte) => `\\${String(byte).padStart(3, "0")}`).join("")}"`;
  if (typeof value !== "object" || value === null) return value === null || value === undefined ? "nil" : String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(",")}}`;
  return `{${Object.entries(value)
    .map(([key, one]) => `[${literal(key)}]=${literal(one)}`)
    .join(",")}}`;
}

export interface FluxCheck {
  readonly apiVersion: string;
  readonly kind: string;
  readonly current: string;
  readonly inProgress?: string;
  readonly failed?: string;
}

/** What Flux makes of an object. An expression that fails makes it wait, until its timeout. */
export function judgeAsFlux(
  check: FluxCheck,
  object: Readonly<Record<string, unknown>>,
): "InProgress" | "Failed" | "Current" {
  const { metadata, status } = object as {
    readonly metadata?: { readonly generation?: number };
    readonly status?: { readonly observedGeneration?: number };
  };
  const [seen, now] = [status?.observedGeneration, metadata?.generation];
  if (seen !== undefined && now !== undefined && seen !== now) return "InProgress";
  const environment = new Environment({ unlistedVariablesAreDyn: true });
  const holds = (expression: string | undefined): boolean =>
    expression !== undefined && environment.evaluate(expression, object) === true;
  try {
    if (holds(check.inProgress)) return "InProgress";
    if (holds(check.failed)) return "Failed";
    return holds(check.current) ? "Current" : "InProgress";
  } catch {
    return "InProgress";
  }
}
