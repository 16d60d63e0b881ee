// `ringward version`: the product's version, read from package.json.
import { readFileSync } from "node:fs";
import { productFile } from "../place.ts";

export async function command(): Promise<number> {
  const text = readFileSync(productFile("package.json"), "utf8");
  const { version } = JSON.parse(text) as { version: string };
  process.stdout.write(`ringward ${version}\n`);
  return 0;
}
