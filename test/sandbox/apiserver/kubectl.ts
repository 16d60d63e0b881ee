// Runs the real kubectl against a sandbox server over HTTP: one temporary folder with a kubeconfig, and a way to call it.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import type { LoggedRequest, SandboxApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import { kubectlPath } from "../../tooling/kubectl.ts";

export interface Kubectl {
  readonly server: SandboxApiServer;
  /** What kubectl printed; throws with its complaint when it failed. */
  readonly run: (...args: readonly string[]) => Promise<string>;
  /** What kubectl complained about; throws when it did not fail. */
  readonly fail: (...args: readonly string[]) => Promise<string>;
  /** Feeds text on stdin. */
  readonly pipe: (input: string, ...args: readonly string[]) => Promise<string>;
  /** Starts kubectl and reads its output line by line until the caller stops. */
  readonly follow: (...args: readonly string[]) => { readonly lines: AsyncIterable<string>; readonly stop: () => void };
  readonly requests: readonly LoggedRequest[];
  readonly close: () => Promise<void>;
}

/** A fresh server, listening, and kubectl pointed at it. */
export async function startKubectl(): Promise<Kubectl> {
  const binary = await kubectlPath();
  const folder = await mkdtemp(join(tmpdir(), "ringward-kubectl-"));
  const server = createApiServer({ clock: systemClock, random: seededRandom(7) });
  const listening = await server.listen({ host: "127.0.0.1" });
  const requests: LoggedRequest[] = [];
  server.onRequest((request) => requests.push(request));
  await writeFile(join(folder, "kubeconfig"), server.kubeconfig(listening.url));
  const common = ["--kubeconfig", join(folder, "kubeconfig"), "--cache-dir", join(folder, "cache")];
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder };

  function call(
    args: readonly string[],
    input?: string,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    return new Promise((resolve) => {
      const child = execFile(
        binary,
        [...common, ...args],
        { env, timeout: 25_000, maxBuffer: 1 << 26 },
        (error, stdout, stderr) => {
          resolve({
            code: error === null ? 0 : typeof error.code === "number" ? error.code : 1,
            stdout,
            stderr: error?.killed === true ? `${stderr} (timed out)` : stderr,
          });
        },
      );
      child.stdin?.end(input ?? "");
    });
  }

  async function succeed(args: readonly string[], input?: string): Promise<string> {
    const result = await call(args, input);
    if (result.code !== 0) throw new Error(`kubectl ${args.join(" ")} failed: ${result.stderr}${result.stdout}`);
    return result.stdout + result.stderr;
  }

  return {
    server,
    requests,
    run: (...args) => succeed(args),
    pipe: (input, ...args) => succeed(args, input),
    async fail(...args) {
      const result = await call(args);
      if (result.code === 0)
        throw new Error(`kubectl ${args.join(" ")} was meant to fail but printed: ${result.stdout}`);
      return result.stderr + result.stdout;
    },
    follow(...args) {
      const child = spawn(binary, [...common, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
      return { lines: linesOf(child.stdout as AsyncIterable<Buffer>), stop: () => child.kill() };
    },
    async close() {
      await listening.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncIterable<string> {
  let rest = "";
  for await (const chunk of stream) {
    rest += chunk.toString("utf8");
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** Plays the kubelet's last act: pods that are being deleted go at once. */
export async function removeTerminatingPods(server: SandboxApiServer, signal: AbortSignal): Promise<void> {
  const kubelet = server.as("system:node:any");
  for await (const event of kubelet.watch({ path: "/api/v1/pods", signal })) {
    const pod = event.object as { metadata: { name: string; namespace: string; deletionTimestamp?: string } };
    if (event.type !== "MODIFIED" || pod.metadata.deletionTimestamp === undefined) continue;
    await kubelet.request({
      method: "DELETE",
      path: `/api/v1/namespaces/${pod.metadata.namespace}/pods/${pod.metadata.name}`,
      body: { gracePeriodSeconds: 0 },
    });
  }
}
