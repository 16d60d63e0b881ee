// The real helm on the chart, with nothing of the person's own: no repositories, no plugins, no cluster unless one is given.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { helmPath } from "../../tooling/kubectl.ts";

export const CHART = new URL("../../../charts/ringward", import.meta.url).pathname;

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Helm {
  /** Runs helm; a failure is an answer. */
  try(args: readonly string[]): Promise<Ran>;
  /** Runs helm and answers what it printed; throws where it failed. */
  run(args: readonly string[]): Promise<string>;
  close(): void;
}

/** `kubeconfig`: path of one; left out: helm has no cluster. */
export async function openHelm(kubeconfig?: string): Promise<Helm> {
  const binary = await helmPath();
  const home = mkdtempSync(join(tmpdir(), "ringward-helm-"));
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    HELM_CACHE_HOME: join(home, "cache"),
    HELM_CONFIG_HOME: join(home, "config"),
    HELM_DATA_HOME: join(home, "data"),
    KUBECONFIG: kubeconfig ?? join(home, "none"),
  };
  const attempt = (args: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      execFile(binary, [...args], { env, timeout: 180_000, maxBuffer: 1 << 26 }, (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === "number" ? error.code : -1, out, err });
      });
    });
  return {
    try: attempt,
    async run(args) {
      const { code, out, err } = await attempt(args);
      if (code !== 0) throw new Error(`helm ${args.join(" ")} ended with ${code}: ${err}${out}`);
      return out;
    },
    close: () => rmSync(home, { recursive: true, force: true }),
  };
}
