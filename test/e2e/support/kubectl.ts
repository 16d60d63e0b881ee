// The real kubectl against a control plane, as one of its users.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectlPath } from "../../tooling/kubectl.ts";
import type { ControlPlane } from "./control-plane.ts";

export interface Kubectl {
  /** What it printed on both streams; throws when it failed. */
  run(args: readonly string[], input?: string): Promise<string>;
  close(): void;
}

/** kubectl with a kubeconfig of its own. */
export async function kubectlOn(plane: Pick<ControlPlane, "directory">, kubeconfig: string): Promise<Kubectl> {
  const binary = await kubectlPath();
  const folder = mkdtempSync(join(plane.directory, "kubectl-"));
  const file = join(folder, "kubeconfig");
  writeFileSync(file, kubeconfig, { mode: 0o600 });
  const common = ["--kubeconfig", file, "--cache-dir", join(folder, "cache")];
  return {
    run: (args, input) =>
      new Promise((resolve, reject) => {
        const child = execFile(
          binary,
          [...common, ...args],
          { env: { PATH: process.env["PATH"] ?? "", HOME: folder }, timeout: 120_000, maxBuffer: 1 << 26 },
          (error, stdout, stderr) => {
            if (error === null) resolve(stdout + stderr);
            else reject(new Error(`kubectl ${args.join(" ")} failed: ${stderr}${stdout}`));
          },
        );
        child.stdin?.end(input ?? "");
      }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
