// etcd and kube-apiserver alone, on loopback, over a folder of etcd's data: no controllers, no scheduler, no kubelets, so that nothing
// happens but what the bench does. Everything else that they write lies in a temporary folder, which is gone after `stop`.
import { generateKeyPairSync } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { systemClock } from "../../../controller/clock.ts";
import { createTransport, type Transport } from "../../../controller/kube/transport.ts";
import { startComponent } from "../../e2e/support/components.ts";
import { freePorts, type Program } from "../../e2e/support/processes.ts";

export interface Server {
  readonly etcdUrl: string;
  /** Path of a kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly admin: Transport;
  readonly directory: string;
  readonly pids: { readonly etcd: number; readonly apiServer: number };
  stopApiServer(): Promise<void>;
  stop(): Promise<void>;
}

const TOKEN = "bench-token";

/** Starts both over `data`; with `copy` over a copy of it, so that the folder stays as it is. */
export async function startServer(assets: string, data: string, copy: boolean): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), "ringward-bench-"));
  const closers: (() => Promise<unknown> | void)[] = [() => rmSync(directory, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    const folder = copy ? join(directory, "etcd") : data;
    if (copy) cpSync(data, folder, { recursive: true });
    const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const url = `https://127.0.0.1:${apiPort}`;
    const start = async (name: string, args: readonly string[], ready: string): Promise<Program> => {
      const program = await startComponent({ folder: assets, name, args, directory, ready });
      closers.push(() => program.stop());
      return program;
    };
    const peer = `http://127.0.0.1:${peerPort}`;
    const etcd = await start("etcd", etcdArguments(folder, etcdUrl, peer), `${etcdUrl}/health`);
    const api = await start("kube-apiserver", apiServerArguments(directory, etcdUrl, apiPort), `${url}/readyz`);
    const kubeconfig = join(directory, "kubeconfig");
    const ca = readFileSync(join(directory, "certificates", "apiserver.crt"), "utf8");
    writeFileSync(kubeconfig, kubeconfigText(url, ca), { mode: 0o600 });
    const admin = createTransport({ kubeconfig, clock: systemClock, userAgent: "bench", timeoutMs: 120_000 });
    closers.push(() => admin.close());
    return {
      etcdUrl,
      kubeconfig,
      admin,
      directory,
      pids: { etcd: etcd.pid, apiServer: api.pid },
      stopApiServer: () => api.stop(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Drops etcd's history and the room that it took, so that the folder is as small as it can be. */
export async function compactStore(etcdUrl: string): Promise<void> {
  const call = async (path: string, body: object): Promise<unknown> => {
    const answer = await request(`${etcdUrl}${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      headersTimeout: 300_000,
      bodyTimeout: 300_000,
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`etcd answered ${answer.statusCode} to ${path}: ${text}`);
    return JSON.parse(text);
  };
  const range = (await call("/v3/kv/range", { key: Buffer.from("/").toString("base64") })) as {
    readonly header: { readonly revision: string };
  };
  await call("/v3/kv/compaction", { revision: range.header.revision, physical: true });
  await call("/v3/maintenance/defragment", {});
}

function etcdArguments(folder: string, url: string, peer: string): readonly string[] {
  return [
    `--data-dir=${folder}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // Ports differ from run to run: the one member finds itself by its data.
    "--force-new-cluster",
    "--unsafe-no-fsync",
    "--quota-backend-bytes=8589934592",
    "--snapshot-count=10000",
    "--log-level=warn",
  ];
}

function apiServerArguments(directory: string, etcdUrl: string, port: number): readonly string[] {
  const write = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const keys = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const privateKey = write("service-accounts.key", keys.privateKey);
  return [
    `--etcd-servers=${etcdUrl}`,
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, "certificates")}`,
    `--token-auth-file=${write("tokens.csv", `${TOKEN},kubernetes-admin,kubernetes-admin,"system:masters"\n`)}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${write("service-accounts.pub", keys.publicKey)}`,
    `--service-account-signing-key-file=${privateKey}`,
    "--disable-admission-plugins=ServiceAccount",
  ];
}

function kubeconfigText(server: string, ca: string): string {
  const name = "bench";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name, user: { token: TOKEN } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}
