// The folder of one sandbox run in the temporary directory: kubeconfigs, tokens, the forge's repository. Readable by its owner only;
// removed when the sandbox stops.
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";

export interface Workspace {
  readonly directory: string;
  /** Writes a file that only its owner may read; answers its path. */
  write(name: string, text: string): string;
  remove(): void;
}

/** A fresh folder. */
export function createWorkspace(): Workspace {
  const directory = mkdtempSync(join(tmpdir(), "ringward-sandbox-"));
  return {
    directory,
    write(name, text) {
      const path = join(directory, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** What other commands need to know of a demo that runs now. */
export interface RunningDemo {
  readonly kubeconfig: string;
  /** Address of the forge's API. */
  readonly forge: string;
  /** Address of the forge's pages. */
  readonly url: string;
  readonly pid: number;
}

function demoFile(): string {
  return join(tmpdir(), `ringward-${userInfo().uid}`, "ringward-demo.json");
}

/** The demo whose process is alive; undefined: none is. */
export function findDemo(): RunningDemo | undefined {
  try {
    const found = JSON.parse(readFileSync(demoFile(), "utf8")) as Partial<RunningDemo>;
    const { kubeconfig, forge, url, pid } = found;
    if (typeof kubeconfig !== "string" || typeof forge !== "string" || typeof url !== "string") return undefined;
    if (typeof pid !== "number") return undefined;
    process.kill(pid, 0);
    return { kubeconfig, forge, url, pid };
  } catch {
    // No file, half a file, or the file of a demo that is gone.
    return undefined;
  }
}

/**
 * Lets other commands find this demo. The first that runs keeps the place: a second one answers undefined, and must be named to
 * commands that should reach it. Otherwise answers how to leave the place again.
 */
export function announceDemo(demo: RunningDemo): (() => void) | undefined {
  if (findDemo() !== undefined) return undefined;
  const file = demoFile();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(demo), { mode: 0o600 });
  return () => {
    if (findDemo()?.pid !== demo.pid) return;
    rmSync(file, { force: true });
    try {
      rmdirSync(dirname(file));
    } catch {
      // Something else lies there: the folder stays.
    }
  };
}

/** Writes a sandbox's kubeconfig where asked, else into its own folder; answers the path. */
export function writeKubeconfigFile(
  sandbox: { readonly kubeconfig: string; readonly workspace: Workspace },
  path?: string,
): string {
  if (path === undefined) return sandbox.workspace.write("kubeconfig", sandbox.kubeconfig);
  writeFileSync(path, sandbox.kubeconfig, { mode: 0o600 });
  return path;
}
