// `ringward version`: the product's version, read from package.json.
import { readFileSync } from "node:fs";
import { productFile } from "../place.ts";
import { wrongUse } from "./wrong-use.ts";

export const USAGE = `Usage: ringward version

Prints the product's version.
`;

/** Runs the command. Exit codes: 0 printed, 2 wrong use. */
export async function command(args: readonly string[] = []): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (args.length > 0) throw wrongUse("version", `version takes no arguments, and got "${args.join(" ")}"`);
  const text = readFileSync(productFile("package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  process.stdout.write(`ringward ${version}\n`);
  return 0;
}
