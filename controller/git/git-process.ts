// One git process for the local object store: spawned without a shell, with constant options and the clean environment that
// it is given, its input written to stdin and its output read whole. Never used for the network (see create-git.ts).
// Holds: bounded output and time; a non-zero exit code is always an error that carries the code (never "empty stderr = fine").
import { spawn } from "node:child_process";

import { showText } from "../printable.ts";

/** What git tells of a transfer's progress is not why it failed. */
const PROGRESS = /^(?:remote: )?(?:[A-Z][a-z]+ (?:objects|deltas): |Total \d+ )/;

/** What git or a server printed, as one line of text that shows all that it holds. */
function said(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.trim());
  return showText(lines.filter((line) => line !== "" && !PROGRESS.test(line)).join("; ")).slice(0, 2000);
}

/** The lines of it that tell why. */
export function reasonIn({ stderr, stdout }: GitExit): string {
  const lines = `${stderr}\n${stdout}`
    .split(/[\r\n]+/)
    .filter((line) => /^\s*(?:fatal|error|remote|ssh)|!\t/i.test(line));
  return said(lines.join("\n")).slice(0, 500);
}

/** A git process that ended with a code other than 0. `message` is already free of secrets. */
export class GitExit extends Error {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  constructor(command: string, exitCode: number, stdout: string, stderr: string) {
    super(`git ${command} ended with code ${exitCode}: ${said(stderr) || said(stdout) || "no message"}`);
    this.name = "GitExit";
    this.exitCode = exitCode;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

export interface GitProcess {
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds after which the process is killed. */
  readonly timeoutMs: number;
  /** Bytes of output after which the process is killed. */
  readonly maxOutputBytes: number;
  /** Ends the process. */
  readonly signal?: AbortSignal;
  /** Takes the output as it comes, so that none is kept; false: enough was heard, and the process is stopped. */
  readonly onOutput?: (chunk: Buffer) => boolean;
}

/**
 * Runs git and answers its standard output, or nothing where `onOutput` took it. Throws GitExit, what `onOutput` throws, or Error when it
 * could not start, took too long or said too much.
 */
export function runGit(process: GitProcess): Promise<Buffer> {
  const command = process.args[0] ?? "";
  return new Promise((resolve, reject) => {
    const child = spawn("git", [...process.args], {
      cwd: process.directory,
      env: process.environment,
      stdio: ["pipe", "pipe", "pipe"],
      shell: false,
      timeout: process.timeoutMs,
      killSignal: "SIGKILL",
      ...(process.signal === undefined ? {} : { signal: process.signal }),
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let outBytes = 0;
    let errBytes = 0;
    let tooMuch = false;
    let enough = false;
    child.stdout.on("data", (chunk: Buffer) => {
      if (enough) return;
      outBytes += chunk.length;
      if (outBytes > process.maxOutputBytes) {
        tooMuch = true;
        child.kill("SIGKILL");
        return;
      }
      if (process.onOutput === undefined) {
        out.push(chunk);
        return;
      }
      try {
        enough = !process.onOutput(chunk);
      } catch (error) {
        enough = true;
        reject(error as Error);
      }
      if (enough) child.kill("SIGKILL");
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errBytes += chunk.length;
      if (errBytes <= 65_536) err.push(chunk);
    });
    // git may end before it has read all of its input; its exit code tells the story, not EPIPE.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => reject(new Error(`git ${command} could not start: ${error.message}`)));
    child.on("close", (code, signal) => {
      if (enough) return resolve(Buffer.alloc(0));
      if (tooMuch) return reject(new Error(`git ${command} answered more than ${process.maxOutputBytes} bytes`));
      if (code === null)
        return reject(
          new Error(`git ${command} was stopped by ${signal ?? "a signal"} (limit ${process.timeoutMs} ms)`),
        );
      if (code !== 0) {
        return reject(
          new GitExit(command, code, Buffer.concat(out).toString("utf8"), Buffer.concat(err).toString("utf8")),
        );
      }
      resolve(Buffer.concat(out));
    });
    child.stdin.end(process.input ?? "");
  });
}
