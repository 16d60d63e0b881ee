// Reads the pages of policies/ and examples/ as a person would: the files that their tables list, and the commands that they tell to type.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { command as validate } from "../../controller/cli/validate.ts";
import { manualClock } from "../../controller/clock.ts";
import { makeFolder, ROOT, type Ran, run } from "../cli/plan-support.ts";

/** What the first column of the page's tables names: `file.yaml`, or a link [`folder/`](folder/README.md). */
export function listedOn(page: string): readonly string[] {
  return [...readFileSync(page, "utf8").matchAll(/^\| (?:\[`([^`]+)`\]\([^)]+\)|`([^`]+)`) +\|/gm)].map(
    ([, linked, plain]) => linked ?? plain ?? "",
  );
}

/** What a folder holds, folders with a slash at their end; the page itself is not listed. */
export function heldBy(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== "README.md" && !name.endsWith(".ts"))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
}

/** The page's block of shell commands. */
export function commandsOf(page: string): string {
  const block = /^```sh\n([\s\S]*?)^```$/m.exec(readFileSync(page, "utf8"))?.[1];
  if (block === undefined) throw new Error(`${page}: no block of shell commands`);
  return block;
}

/**
 * Types the page's commands into bash, in a folder that holds policies/ and examples/. `ringward validate` only writes down its arguments there and is run in this
 * process afterwards: a process of its own takes a second.
 */
export async function typeCommands(page: string, at: string): Promise<Ran & { readonly folder: string }> {
  const folder = makeFolder();
  for (const shipped of ["policies", "examples"]) symlinkSync(join(ROOT, shipped), join(folder, shipped));
  const script = `set -euo pipefail\nringward() { printf '%s\\n' "$*" >>.ran; }\n${commandsOf(page)}`;
  execFileSync("bash", ["-c", script], { cwd: folder });
  const ran = readFileSync(join(folder, ".ran"), "utf8").trim();
  const [, policy] = /^validate (\S+)$/.exec(ran) ?? [];
  if (policy === undefined) throw new Error(`${page}: ran "ringward ${ran}", not "ringward validate FOLDER"`);
  return { folder, ...(await validateFolder(join(folder, policy), at)) };
}

/** `ringward validate FOLDER --strict`, as of a time. */
export async function validateFolder(folder: string, at: string, ...more: readonly string[]): Promise<Ran> {
  const clock = manualClock(Date.parse(at));
  return run((args, { stdout, stderr }) => validate(args, { stdout, stderr, clock }), [folder, "--strict", ...more]);
}
