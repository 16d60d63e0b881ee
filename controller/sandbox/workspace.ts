// The folder of one sandbox run in the temporary directory: kubeconfigs, tokens, the forge's repository. Readable by its owner only;
// removed when the sandbox stops.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

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

/** Where other commands find a demo that runs now. */
export function demoFile(): string {
  const folder = join(tmpdir(), `ringward-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return join(folder, "ringward-demo.json");
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
