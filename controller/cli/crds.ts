// `ringward crds`: every CustomResourceDefinition as one YAML stream, for `kubectl apply -f -`.
import { crdYaml } from "../api/crd.ts";
import { KINDS } from "../api/kinds.ts";
import { wrongUse } from "./wrong-use.ts";

export const USAGE = `Usage: ringward crds

Prints the CustomResourceDefinitions of all kinds as YAML: ringward crds | kubectl apply --server-side -f -
`;

/** Runs the command. Exit codes: 0 printed, 2 wrong use. */
export async function command(
  args: readonly string[],
  out: { write(text: string): unknown } = process.stdout,
): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    out.write(USAGE);
    return 0;
  }
  if (args.length > 0) throw wrongUse("crds", `crds takes no arguments, and got "${args.join(" ")}"`);
  out.write(KINDS.map((kind) => crdYaml(kind)).join("---\n"));
  return 0;
}
