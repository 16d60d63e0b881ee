// A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager and kube-scheduler, each a process of its
// own, with static tokens for people and components, an audit log of every request, and JSON in etcd so that its history can be read.
// It knows nothing of Ringward. Everything lies in one temporary folder, which is gone after `stop`.
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";
import { toApiError } from "../../../controller/kube/api-errors.ts";
import { createTransport, type Transport } from "../../../controller/kube/transport.ts";
import { RUN_FOLDER } from "../../tooling/e2e.ts";
import { AUDIT_POLICY } from "./audit-policy.ts";
import { startComponent } from "./components.ts";
import { compact } from "./etcd.ts";
import type { Program } from "./processes.ts";
import { freePorts } from "./processes.ts";
import { waitFor } from "./waiting.ts";

/** Users with a static token. The first three are administrators. */
export const USERS = {
  admin: { user: "kubernetes-admin", groups: ["system:masters"] },
  person: { user: "ana@example.com", groups: ["system:masters"] },
  /** The kubelets of all nodes in one process. */
  kubelets: { user: "system:nodes", groups: ["system:masters"] },
  "controller-manager": { user: "system:kube-controller-manager", groups: [] },
  scheduler: { user: "system:kube-scheduler", groups: [] },
} as const;
export type UserName = keyof typeof USERS;

export interface ControlPlane {
  /** Address of the API server. */
  readonly url: string;
  readonly etcdUrl: string;
  /** Temporary folder of this control plane. */
  readonly directory: string;
  /** One JSON object a line, audit.k8s.io/v1. */
  readonly auditLog: string;
  /** Text of a kubeconfig; `server` instead of the API server's own address, for proxies. */
  kubeconfig(user: UserName, server?: string): string;
  /** The same for a service account, with a token of the TokenRequest API. */
  serviceAccountKubeconfig(namespace: string, name: string, server?: string): Promise<string>;
  /** A client; closed by `stop`. */
  transport(user: UserName): Transport;
  readonly apiServer: Restartable;
  /** Makes etcd forget all but the present. */
  compact(): Promise<void>;
  stop(): Promise<void>;
}

export interface Restartable {
  /** SIGKILL, and the same again on the same port; resolves when it is ready. */
  crash(): Promise<void>;
}

/** Where the programs lie. Set by `npm run test:e2e`. */
function assets(): string {
  const folder = process.env["KUBEBUILDER_ASSETS"];
  if (folder === undefined)
    throw new Error("run these tests with `npm run test:e2e`: it finds or builds a control plane");
  return folder;
}

/** What is started, to be stopped in reverse order. */
type Closers = (() => Promise<unknown> | void)[];

/** Starts everything and waits until it is ready. Nothing is left of it when that fails. */
export async function startControlPlane(): Promise<ControlPlane> {
  const closers: Closers = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await assemble(closers, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(closers: Closers, stop: () => Promise<void>): Promise<ControlPlane> {
  const directory = mkdtempSync(join(process.env[RUN_FOLDER] ?? tmpdir(), "controlplane-"));
  closers.push(() => rmSync(directory, { recursive: true, force: true }));
  const files = prepareFiles(directory);
  const [etcdPort = 0, peerPort = 0, apiPort = 0, managerPort = 0, schedulerPort = 0] = await freePorts(5);
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const url = `https://127.0.0.1:${apiPort}`;
  const start = async (name: string, args: readonly string[], ready: string): Promise<Program> => {
    const program = await startComponent({ folder: assets(), name, args, directory, ready });
    closers.push(() => program.stop());
    return program;
  };
  await start("etcd", etcdArguments(directory, etcdUrl, `http://127.0.0.1:${peerPort}`), `${etcdUrl}/health`);
  const apiArguments = apiServerArguments(etcdUrl, apiPort, files);
  let api = await start("kube-apiserver", apiArguments, `${url}/readyz`);
  const kubeconfigOf = (token: string, server = url): string => writeKubeconfig(server, files.ca(), token);
  const kubeconfig = (user: UserName, server?: string): string => kubeconfigOf(tokenOf(user), server);
  const transport = (user: UserName): Transport => {
    const made = createTransport({ kubeconfig: kubeconfig(user), clock: systemClock, userAgent: `e2e-${user}` });
    closers.push(() => made.close());
    return made;
  };
  const admin = transport("admin");
  for (const [name, port, more] of [
    ["kube-controller-manager", managerPort, controllerManagerArguments(files)],
    ["kube-scheduler", schedulerPort, []],
  ] as const) {
    const file = join(directory, `${name}.kubeconfig`);
    writeFileSync(file, kubeconfig(name === "kube-scheduler" ? "scheduler" : "controller-manager"), { mode: 0o600 });
    await start(name, [...clientArguments(directory, name, port, file), ...more], `https://127.0.0.1:${port}/healthz`);
  }
  return {
    url,
    etcdUrl,
    directory,
    auditLog: files.auditLog,
    kubeconfig,
    async serviceAccountKubeconfig(namespace, name, server) {
      return kubeconfigOf(await requestToken(admin, namespace, name), server);
    },
    transport,
    apiServer: {
      async crash() {
        api.signal("SIGKILL");
        await api.ended;
        api = await start("kube-apiserver", apiArguments, `${url}/readyz`);
      },
    },
    compact: () => compact(etcdUrl),
    stop,
  };
}

function tokenOf(user: UserName): string {
  return `e2e-${user}-token`;
}

interface Files {
  readonly tokens: string;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly auditPolicy: string;
  readonly auditLog: string;
  readonly certificates: string;
  /** The certificate that the API server made for itself, with its issuer. */
  readonly ca: () => string;
}

function prepareFiles(directory: string): Files {
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
  const rows = (Object.keys(USERS) as UserName[]).map((name) => {
    const { user, groups } = USERS[name];
    return `${tokenOf(name)},${user},${user},"${groups.join(",")}"`;
  });
  const certificates = join(directory, "certificates");
  mkdirSync(certificates);
  return {
    tokens: write("tokens.csv", `${rows.join("\n")}\n`),
    privateKey: write("service-accounts.key", keys.privateKey),
    publicKey: write("service-accounts.pub", keys.publicKey),
    auditPolicy: write("audit-policy.json", JSON.stringify(AUDIT_POLICY)),
    auditLog: join(directory, "audit.log"),
    certificates,
    ca: () => readFileSync(join(certificates, "apiserver.crt"), "utf8"),
  };
}

function etcdArguments(directory: string, url: string, peer: string): readonly string[] {
  return [
    `--data-dir=${join(directory, "etcd")}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // A test's data need not survive the machine.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

function apiServerArguments(etcdUrl: string, port: number, files: Files): readonly string[] {
  return [
    `--etcd-servers=${etcdUrl}`,
    // Only tests compact, when they mean to.
    "--etcd-compaction-interval=0",
    // So that the history in etcd can be read without Kubernetes' protobuf types.
    "--storage-media-type=application/json",
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    `--cert-dir=${files.certificates}`,
    `--token-auth-file=${files.tokens}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${files.publicKey}`,
    `--service-account-signing-key-file=${files.privateKey}`,
    // Kubelets are reached at the address that their Node names: the tests' kubelets answer on loopback.
    "--kubelet-preferred-address-types=InternalIP",
    "--allow-privileged=true",
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
    // One that waits for the log cannot be ahead of it: after a crash the log has what was answered.
    "--audit-log-mode=blocking",
  ];
}

function clientArguments(directory: string, name: string, port: number, kubeconfig: string): readonly string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    "--bind-address=127.0.0.1",
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, name)}`,
    "--leader-elect=false",
    "--kube-api-qps=200",
    "--kube-api-burst=400",
  ];
}

function controllerManagerArguments(files: Files): readonly string[] {
  return [
    // Each controller under its own account, as in a real cluster: the audit log then says which of them it was.
    "--use-service-account-credentials=true",
    `--service-account-private-key-file=${files.privateKey}`,
    `--root-ca-file=${join(files.certificates, "apiserver.crt")}`,
    "--node-monitor-period=1s",
  ];
}

function writeKubeconfig(server: string, ca: string, token: string): string {
  const name = "e2e";
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": Buffer.from(ca).toString("base64") } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    "current-context": name,
  });
}

/** A token for a service account that exists, or is about to: the controller manager makes the `default` ones. */
async function requestToken(port: Transport, namespace: string, name: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 7_200 } };
  const answer = await waitFor(
    `service account ${namespace}/${name}`,
    async () => {
      const response = await port.request({ method: "POST", path, body });
      return response.status === 404 ? undefined : response;
    },
    { withinMs: 60_000 },
  );
  if (answer.status >= 300) throw toApiError(answer);
  return (answer.body as { readonly status: { readonly token: string } }).status.token;
}
