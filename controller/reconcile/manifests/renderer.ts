// One run of a program that renders manifests, in a folder of ours that holds the files alone and is gone afterwards. What it reads was
// written by people who need not be trusted: the program gets no home, no configuration, no plugin and no program beside it, meets a proxy that
// is not there, and is bounded in time, memory and output. Must never: give it a file or a variable of ours.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { checkPath } from "../../git/url.ts";

export interface Run {
  readonly program: string;
  /** Given the folder in which the files lie. */
  readonly args: (folder: string) => readonly string[];
  readonly files: ReadonlyMap<string, string | Uint8Array>;
}

export type Built =
  | { readonly kind: "Built"; readonly text: string }
  | { readonly kind: "Failed"; readonly why: string };

const MOST_OUTPUT = 16 * 1024 * 1024;
const TIME_MS = 30_000;
/** Address space, KiB: what a template can make of a line is else bounded by the machine alone. */
const MOST_MEMORY_KIB = 1_500_000;
const NOWHERE = "http://127.0.0.1:9";

/** Writes the files, runs the program and answers what it prints. `directory` is a folder of ours. */
export async function runRenderer(directory: string, { program, args, files }: Run): Promise<Built> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const scratch = await mkdtemp(join(directory, "render-"));
  try {
    for (const [name, content] of files) {
      const file = join(scratch, "files", checkPath(name));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
    const limits = `ulimit -v ${MOST_MEMORY_KIB} && ulimit -t ${TIME_MS / 1000} && exec "$0" "$@"`;
    const { stdout } = await promisify(execFile)("/bin/sh", ["-c", limits, program, ...args(join(scratch, "files"))], {
      cwd: scratch,
      env: {
        HOME: scratch,
        TMPDIR: scratch,
        PATH: scratch,
        HTTP_PROXY: NOWHERE,
        HTTPS_PROXY: NOWHERE,
        HELM_NO_PLUGINS: "1",
      },
      timeout: TIME_MS,
      killSignal: "SIGKILL",
      maxBuffer: MOST_OUTPUT,
    });
    return { kind: "Built", text: stdout };
  } catch (error) {
    return { kind: "Failed", why: whyOf(error).replaceAll(scratch, "").replace(/\s+/g, " ").trim().slice(0, 300) };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function whyOf(error: unknown): string {
  const failed = error as {
    readonly stderr?: string;
    readonly message?: string;
    readonly code?: unknown;
    readonly killed?: boolean;
  };
  const { stderr = "", message = String(error) } = failed;
  if (stderr.includes("out of memory")) return "it needs more memory than a rendering gets";
  if (failed.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `it prints more than ${MOST_OUTPUT} bytes`;
  if (failed.killed === true) return `it takes longer than ${TIME_MS / 1000}s`;
  return stderr.trim() === "" ? message : stderr;
}
