// Puts recorders named `git` and `ssh` before the real ones on PATH: what was run, with which environment.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

export interface Recording {
  /** argv and environment of each process, in the order of their start. */
  runs(): {
    readonly program: string;
    readonly args: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
  }[];
  stop(): void;
}

/** Starts recording in this process. `ssh` does not connect: it fails as ssh does with an unknown host. */
export function recordGit(folder: string): Recording {
  const bin = join(folder, "bin");
  const logFile = join(folder, "runs.log");
  mkdirSync(bin, { recursive: true });
  const real = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
  const script = (program: string, then: string): void => {
    const recorder = `#!/bin/bash\n{ printf '%s\\0' ${program} "$@"; printf '\\1'; env -0; printf '\\2'; } >> ${logFile}.$$\nmv ${logFile}.$$ ${logFile}.$(date +%s%N).$$.done\n${then}\n`;
    writeFileSync(join(bin, program), recorder);
    chmodSync(join(bin, program), 0o755);
  };
  script("git", `exec ${real} "$@"`);
  script("ssh", "echo 'Host key verification failed.' >&2\nexit 255");
  const before = process.env["PATH"] ?? "";
  process.env["PATH"] = `${bin}${delimiter}${before}`;
  return {
    runs() {
      const files = execFileSync("ls", [folder], { encoding: "utf8" })
        .split("\n")
        .filter((name) => name.startsWith("runs.log.") && name.endsWith(".done"))
        .sort();
      return files.flatMap((name) =>
        readFileSync(join(folder, name), "utf8")
          .split("\u0002")
          .filter(Boolean)
          .map((record) => {
            const [argv = "", environment = ""] = record.split("\u0001");
            const [program = "", ...args] = argv.split("\0").slice(0, -1);
            const pairs = environment
              .split("\0")
              .filter(Boolean)
              .map((line): [string, string] => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
            return { program, args, environment: Object.fromEntries(pairs) };
          }),
      );
    },
    stop() {
      process.env["PATH"] = before;
      if (!existsSync(real)) throw new Error("git is gone");
    },
  };
}
