// etcd and kube-apiserver alone: no controller manager, no scheduler, no kubelet, so that nobody but the script writes. What those
// would have written is written by hand on both sides.
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import type { Server } from "../../conformance/side.ts";
import { startComponent } from "../support/components.ts";
import { compact } from "../support/etcd.ts";
import { freePorts } from "../support/processes.ts";
import type { Program } from "../support/processes.ts";
import { waitFor } from "../support/waiting.ts";

export interface RealServer extends Server {
  readonly stop: () => Promise<void>;
}

const TOKEN = "conformance-administrator";

/** Starts both, or throws with what they printed. `KUBEBUILDER_ASSETS` names the folder of the programs. */
export async function startApiServer(): Promise<RealServer> {
  const folder = process.env["KUBEBUILDER_ASSETS"];
  if (folder === undefined)
    throw new Error("run this with `npm run test:e2e`: it finds or builds a control plane and sets KUBEBUILDER_ASSETS");
  const directory = mkdtempSync(join(tmpdir(), "ringward-conformance-"));
  const programs: Program[] = [];
  const stop = async (): Promise<void> => {
    for (const program of programs.splice(0).toReversed()) await program.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const url = `https://127.0.0.1:${apiPort}`;
    const etcd = etcdArguments(directory, etcdUrl, `http://127.0.0.1:${peerPort}`);
    programs.push(await startComponent({ folder, name: "etcd", args: etcd, directory, ready: `${etcdUrl}/health` }));
    const api = apiServerArguments(directory, etcdUrl, apiPort);
    const start = async (): Promise<number> =>
      programs.push(
        await startComponent({ folder, name: "kube-apiserver", args: api, directory, ready: `${url}/readyz` }),
      );
    await start();
    return {
      url,
      token: TOKEN,
      ca: readFileSync(join(directory, "certificates", "apiserver.crt"), "utf8"),
      async forget() {
        // Its watch cache would go on to know what etcd has forgotten.
        await programs.pop()?.stop();
        await compact(etcdUrl);
        await start();
        await toWatch(url);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until watches are taken: a server that is ready may still fill its watch cache, and says 429 to them meanwhile. */
async function toWatch(url: string): Promise<void> {
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  const path = `${url}/api/v1/configmaps?watch=true&resourceVersion=0&timeoutSeconds=1`;
  try {
    await waitFor(
      "a watch to be taken",
      async () => {
        const { statusCode, body } = await request(path, {
          dispatcher: agent,
          headers: { authorization: `Bearer ${TOKEN}` },
        });
        await body.dump();
        return statusCode === 200 || undefined;
      },
      { withinMs: 120_000 },
    );
  } finally {
    await agent.destroy();
  }
}

function etcdArguments(directory: string, url: string, peer: string): readonly string[] {
  return [
    `--data-dir=${join(directory, "etcd")}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

function apiServerArguments(directory: string, etcdUrl: string, port: number): readonly string[] {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text, { mode: 0o600 });
    return join(directory, name);
  };
  const key = file("service-accounts.key", privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  mkdirSync(join(directory, "certificates"));
  return [
    `--etcd-servers=${etcdUrl}`,
    "--etcd-compaction-interval=0",
    "--bind-address=127.0.0.1",
    "--advertise-address=127.0.0.1",
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    `--cert-dir=${join(directory, "certificates")}`,
    `--token-auth-file=${file("tokens.csv", `${TOKEN},sandbox-admin,,system:masters\n`)}`,
    "--authorization-mode=RBAC",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${file("service-accounts.pub", publicKey.export({ type: "spki", format: "pem" }) as string)}`,
    `--service-account-signing-key-file=${key}`,
    "--allow-privileged=true",
    // It would refuse every pod until a controller made the namespace's default account, and mount a token into it.
    "--disable-admission-plugins=ServiceAccount",
  ];
}
