// What the commands of a page work on: a folder with the checkout's `examples/`, `policies/` and `charts/`, and the files of the page itself. A YAML
// block whose first line is a comment with a path (`# my-policy/rings/early.yaml`) is that file, and is written before the commands below it.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Block, blocksOf, PAGES, ROOT } from "../pages.ts";
import { type Command, commandsIn } from "./find.ts";
import { whyNotRun } from "./not-run.ts";

/** One thing to do in a page's folder. */
export type Step =
  | { readonly type: "Write"; readonly page: string; readonly path: string; readonly text: string }
  | {
      readonly type: "Run";
      readonly page: string;
      readonly line: number;
      readonly text: string;
      readonly output?: readonly string[];
    };

export interface Done {
  readonly page: string;
  readonly line: number;
  readonly text: string;
  readonly code: number;
  /** Standard output, and then standard error. */
  readonly out: string;
}

/** The file that a block is, if it is one. */
export function fileOf(block: Block): string | undefined {
  if (!["yaml", "json"].includes(block.language)) return undefined;
  return /^# ((?:[\w.-]+\/)+[\w.-]+\.(?:yaml|json))$/.exec(block.lines[0] ?? "")?.[1];
}

/** What is to be done for a page, in its order. */
export function stepsOf(page: string): readonly Step[] {
  return blocksOf(page).flatMap((block): readonly Step[] => {
    const path = fileOf(block);
    if (path !== undefined) return [{ type: "Write", page, path, text: `${block.lines.join("\n")}\n` }];
    return commandsIn(block)
      .filter(({ text }) => whyNotRun(page, text) === undefined)
      .map((command: Command) => ({ type: "Run", ...command }));
  });
}

/** Does everything that the pages say, in one process of its own, each page in a folder of its own. */
export async function playPages(pages: readonly string[] = PAGES): Promise<readonly Done[]> {
  const home = mkdtempSync(join(tmpdir(), "ringward-docs-"));
  try {
    const scenes = pages
      .map((page) => ({ page, steps: stepsOf(page) }))
      .filter(({ steps }) => steps.some(({ type }) => type === "Run"))
      .map(({ page, steps }, index) => ({ page, steps, folder: makeFolder(home, index) }));
    return await playApart(scenes, home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Runs commands of ours, one after the other, in one process: what each printed. */
export async function typeCommands(commands: readonly string[]): Promise<readonly Done[]> {
  const home = mkdtempSync(join(tmpdir(), "ringward-docs-"));
  try {
    const steps = commands.map((text, line): Step => ({ type: "Run", page: "", line, text }));
    return await playApart([{ folder: home, steps }], home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function makeFolder(home: string, index: number): string {
  const folder = join(home, String(index));
  mkdirSync(folder);
  for (const shown of ["examples", "policies", "charts"]) symlinkSync(join(ROOT, shown), join(folder, shown));
  return folder;
}

function playApart(scenes: unknown, home: string): Promise<readonly Done[]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, "controller/launch.cjs"), join(ROOT, "test/docs/commands/play.ts")],
      { env: { PATH: process.env["PATH"], HOME: home, TMPDIR: home, LANG: "C.UTF-8" }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`the player ended: ${error.message}\n${stderr}`));
        else resolve(JSON.parse(stdout) as readonly Done[]);
      },
    );
    child.stdin?.end(JSON.stringify(scenes));
  });
}
