// Runs visits in a process under strace: which programs it and its children executed, what they wrote, where they connected.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Seen, Visit } from "./visit.ts";

export interface Traced {
  readonly seen: readonly Seen[];
  /** argv of each, the program's own name first. */
  readonly executed: readonly (readonly string[])[];
  /** Paths that were opened for writing, made, renamed, linked, removed or given other rights. */
  readonly written: readonly string[];
  /** TCP ports; a Unix socket or a host that is not this one as it stands. */
  readonly connected: readonly string[];
  /** Where the trace lies. */
  readonly file: string;
}

const CALLS =
  "execve,execveat,open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,truncate,chmod,fchmodat,connect";

export async function traceVisits(folder: string, visits: readonly Visit[]): Promise<Traced> {
  const file = join(folder, "trace");
  const program = join(import.meta.dirname, "visit.ts");
  const output = await run(
    "strace",
    ["-f", "--seccomp-bpf", "-qq", "-y", "-s", "4096", "-o", file, "-e", `trace=${CALLS}`, process.execPath, program],
    JSON.stringify(visits),
  );
  const calls = parse(readFileSync(file, "latin1"));
  return {
    seen: JSON.parse(output) as readonly Seen[],
    executed: calls.flatMap(({ name, args }) => (name.startsWith("execve") ? [argvOf(args)] : [])),
    written: calls.flatMap(writtenBy),
    connected: calls.flatMap(({ name, args }) => (name === "connect" ? [peerOf(args)] : [])),
    file,
  };
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(program, [...args], { stdio: ["pipe", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    child.on("error", (error) =>
      fail(new Error(`${program} is needed (Debian: apt-get install ${program}): ${error.message}`)),
    );
    child.on("close", (code) =>
      code === 0 ? done(out) : fail(new Error(`${program} ended with ${code}: ${err.slice(-2000)}`)),
    );
    child.stdin.end(input);
  });
}

interface Call {
  readonly name: string;
  readonly args: string;
}

/** Calls that succeeded; one that another interrupts stands in two lines. */
function parse(text: string): readonly Call[] {
  const begun = new Map<string, string>();
  return text.split("\n").flatMap((line): Call[] => {
    const [, pid = "", rest = ""] = /^(\d+) +(.*)$/s.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (unfinished !== undefined) {
      begun.set(pid, unfinished);
      return [];
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const whole = resumed === undefined ? rest : `${begun.get(pid) ?? ""}${resumed}`;
    const [, name, args, result] = /^(\w+)\((.*)\) += (-?\d+|\?)/.exec(whole) ?? [];
    if (name === undefined || args === undefined) return [];
    // A connection that is not there yet was tried, too.
    return result?.startsWith("-") === true && name !== "connect" ? [] : [{ name, args }];
  });
}

const STRING = /"((?:[^"\\]|\\.)*)"/g;

function textOf(quoted: string): string {
  return JSON.parse(
    `"${quoted.replace(/\\([0-7]{1,3})/g, (_, octal: string) => `\\u00${Number.parseInt(octal, 8).toString(16).padStart(2, "0")}`).replace(/\\([^"\\/bfnrtu])/g, "$1")}"`,
  ) as string;
}

function argvOf(args: string): readonly string[] {
  const [program = "", ...rest] = [...args.slice(0, args.lastIndexOf("]") + 1).matchAll(STRING)].map(([, text = ""]) =>
    textOf(text),
  );
  return [program.split("/").at(-1) ?? "", ...rest.slice(1)];
}

function writtenBy({ name, args }: Call): readonly string[] {
  if (name.startsWith("exec") || name === "connect") return [];
  if (name.startsWith("open") && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC/.test(args)) return [];
  // Each path stands after the folder that it is relative to, where there is one: `AT_FDCWD</work>, "a"`.
  const paths = [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)];
  // What a symbolic link says is no path of ours.
  const ours = name.startsWith("symlink") ? paths.slice(1) : paths;
  return ours.map(([, folder = process.cwd(), path = ""]) => resolve(folder, textOf(path)));
}

function peerOf(args: string): string {
  const port = /sin_port=htons\((\d+)\), sin_addr=inet_addr\("127\.0\.0\.1"\)/.exec(args)?.[1];
  return port ?? args;
}
