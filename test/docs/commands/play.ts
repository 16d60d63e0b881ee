// Plays pages: reads their scenes from standard input, does one step after the other, and prints what came of it as JSON. A process of
// its own, because the command line speaks to the process's standard output and works in its folder.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { run } from "../../../controller/cli/run.ts";
import type { Done, Step } from "./scenes.ts";

interface Scene {
  readonly folder: string;
  readonly steps: readonly Step[];
}

async function main(): Promise<void> {
  // Each command listens for a reader that goes away; here many commands share the streams.
  process.stdout.setMaxListeners(0);
  process.stderr.setMaxListeners(0);
  const scenes = JSON.parse(await text(process.stdin)) as readonly Scene[];
  const done: Done[] = [];
  for (const { folder, steps } of scenes) {
    process.chdir(folder);
    for (const step of steps) {
      if (step.type === "Write") {
        mkdirSync(dirname(step.path), { recursive: true });
        writeFileSync(step.path, step.text);
      } else {
        const { page, line } = step;
        done.push({ page, line, text: step.text, ...(await play(step.text)) });
      }
    }
  }
  process.stdout.write(JSON.stringify(done));
}

/** What a page may do in its folder. Anything else reaches further than that, and is named with a reason instead. */
const HARMLESS = /^(cp|mkdir|rm|sed|cat|diff) [^|;&`$]*$/;

async function play(command: string): Promise<Pick<Done, "code" | "out">> {
  const words = wordsOf(command);
  if (words?.[0] === "ringward") return ringward(words.slice(1));
  if (!HARMLESS.test(command)) return { code: 126, out: "not run: name it in test/docs/commands/not-run.ts" };
  try {
    return { code: 0, out: execFileSync("sh", ["-c", `${command} 2>&1`], { encoding: "utf8" }) };
  } catch (error) {
    const { status, stdout } = error as { readonly status?: number; readonly stdout?: string };
    return { code: status ?? 127, out: stdout ?? String(error) };
  }
}

/** The words of a command that needs no shell. */
function wordsOf(command: string): readonly string[] | undefined {
  if (/[|&;<>$*`]/.test(command)) return undefined;
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare ?? "",
  );
}

/** Runs a command of ours in this process, which has loaded most of it already. */
async function ringward(args: readonly string[]): Promise<Pick<Done, "code" | "out">> {
  const own = {
    out: Object.getOwnPropertyDescriptor(process.stdout, "write"),
    err: Object.getOwnPropertyDescriptor(process.stderr, "write"),
  };
  let [out, err] = ["", ""];
  process.stdout.write = (chunk) => ((out += String(chunk)), true);
  process.stderr.write = (chunk) => ((err += String(chunk)), true);
  try {
    return { code: await run(args), out: out + err };
  } finally {
    restore(process.stdout, own.out);
    restore(process.stderr, own.err);
  }
}

/** Puts back what writes to a stream; where nothing of its own did, its class does again. */
function restore(stream: NodeJS.WriteStream, own: PropertyDescriptor | undefined): void {
  if (own === undefined) Reflect.deleteProperty(stream, "write");
  else Object.defineProperty(stream, "write", own);
}

await main();
