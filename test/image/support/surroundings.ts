// What the controller's pod meets in a cluster, all on loopback: an API server behind TLS with a Flatcar node (the sandbox's, at this machine's
// time), a policy repository of which every commit must be signed, and its servers for https with an authority of its own and for ssh.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { type Client, createClient } from "../../../controller/kube/client.ts";
import { NAMESPACES } from "../../../controller/kube/resources.ts";
import { createSandboxCluster } from "../../../controller/sandbox/cluster.ts";
import { CONTROLLER_USER, PERSON_USER } from "../../../controller/sandbox/start.ts";
import { rolloutPolicy } from "../../e2e/support/policy.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { OS_LABEL, quickstartMachines } from "../../../controller/sandbox/fleet/quickstart.ts";
import { productFile } from "../../../controller/place.ts";
import { FAST_TIMING } from "../../e2e/support/kubelets.ts";
import { createDiskRemote, type DiskRemote } from "../../git/support/disk-remote.ts";
import { serveGit } from "../../git/support/http-server.ts";
import { newPgpKey, signHead, stopPgpAgents } from "../../git/support/pgp-key.ts";
import { selfSigned } from "../../git/support/self-signed.ts";
import { serveSsh } from "../../git/support/ssh-server.ts";

/** The git servers' name: the pod's hosts file has it, as a cluster's DNS would. */
export const GIT_HOST = "git.example.test";
/** Of the account that signs what the controller writes, and of a person. */
const BOT = "ringward@example.test";
const PERSON = "ben@example.test";
const TOKEN = "a-token-of-the-forge";
const API_TOKEN = "a-token-of-the-service-account";

const RING = `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: all
spec:
  members:
    nodes:
      selector: { matchLabels: { ${OS_LABEL}: flatcar } }
  budget: { nodes: 1, maxFailures: 0 }
  soak: 2s
  promotion: Automatic
  levels:
    - baseline: flatcar
`;

export interface Surroundings {
  /** A person's, as an administrator. */
  readonly client: Client;
  readonly remote: DiskRemote;
  readonly httpsUrl: string;
  readonly sshUrl: string;
  /** Files of the Secret for git and signatures. */
  readonly secret: ReadonlyMap<string, string>;
  /** Files of the ServiceAccount's volume. */
  readonly account: ReadonlyMap<string, string>;
  /** Where the kubelet says that the API server is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Changes the ring's file by a commit that a person signed. */
  editRing(change: (text: string) => string): void;
  sshLog(): string;
  close(): Promise<void>;
}

export async function startSurroundings(namespace: string): Promise<Surroundings> {
  const closers: (() => Promise<unknown> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).toReversed()) await one();
  };
  try {
    return await assemble(namespace, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

async function assemble(
  namespace: string,
  closers: (() => Promise<unknown> | void)[],
  close: () => Promise<void>,
): Promise<Surroundings> {
  const remote = createDiskRemote();
  closers.push(() => remote.remove());
  remote.git(["config", "http.receivepack", "true"]);
  const gitIdentity = selfSigned(GIT_HOST);
  const https = await serveGit(remote.folder, { username: "x-access-token", token: TOKEN }, gitIdentity);
  closers.push(() => https.close());
  const ssh = await serveSsh(remote.folder);
  closers.push(() => ssh.close());
  const keyring = seed(remote);
  closers.push(() => stopPgpAgents(remote));
  const api = await startApi(closers);
  for (const name of [namespace, "ringward-jobs"]) await api.client.create(NAMESPACES, { metadata: { name } });
  const named = (url: string): string => url.replace(/localhost|127\.0\.0\.1/, GIT_HOST);
  return {
    client: api.client,
    remote,
    httpsUrl: `${named(https.url)}/remote.git`,
    sshUrl: `${named(ssh.url)}${remote.bare}`,
    secret: new Map([
      ["token", `${TOKEN}\n`],
      ["ca.crt", gitIdentity.cert],
      ["ssh-key", readFileSync(ssh.keyFile, "utf8")],
      ["known_hosts", readFileSync(ssh.knownHostsFile, "utf8").replace("127.0.0.1", GIT_HOST)],
      ["signing-key", readFileSync(remote.keyOf(BOT), "utf8")],
      ["allowed_signers", readFileSync(remote.allowedSigners([BOT, PERSON]), "utf8")],
      ["keyring.asc", keyring],
    ]),
    account: new Map([
      ["token", API_TOKEN],
      ["ca.crt", api.certificate],
      ["namespace", namespace],
    ]),
    environment: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(api.port) },
    editRing(change) {
      const text = remote.people.text("main", "rings/all.yaml") ?? "";
      remote.people.commitFiles(
        "main",
        { "rings/all.yaml": change(text) },
        { time: systemClock.now(), signedBy: PERSON },
      );
    },
    sshLog: () => ssh.log(),
    close,
  };
}

/** The policy, as one commit with an OpenPGP signature; answers the key that it is good by. */
function seed(remote: DiskRemote): string {
  const policy = rolloutPolicy({ soak: "2s", drainTimeout: "2m" });
  const kept = ["baselines/flatcar.yaml", "recipes/flatcar.yaml"].map((path) => [path, policy.get(path) ?? ""]);
  remote.people.commitFiles(
    "main",
    { ...Object.fromEntries(kept), "rings/all.yaml": RING },
    { time: systemClock.now() },
  );
  const key = newPgpKey(remote, "ann");
  signHead(remote, key);
  return readFileSync(key.publicFile, "utf8");
}

/** The sandbox's API server speaks plain HTTP; what a pod finds in a cluster is TLS, by an authority that its volume names. */
async function startApi(
  closers: (() => Promise<unknown> | void)[],
): Promise<{ readonly client: Client; readonly port: number; readonly certificate: string }> {
  const machines = quickstartMachines(10)
    .filter(({ labels }) => labels[OS_LABEL] === "flatcar")
    .slice(0, 1);
  const cluster = await createSandboxCluster({
    clock: systemClock,
    random: seededRandom(1),
    fleet: { machines, catalogue: quickstartCatalogue(), objects: [] },
    timing: FAST_TIMING,
    tokens: { [API_TOKEN]: CONTROLLER_USER },
    crds: productFile("crds"),
  });
  const plain = await cluster.server.listen({ host: "127.0.0.1", port: 0 });
  closers.push(() => plain.close());
  await cluster.start({ transport: systemClock, onError: () => undefined });
  closers.push(() => cluster.stop());
  const identity = selfSigned("127.0.0.1");
  const { port: behind } = new URL(plain.url);
  const front = createTlsServer({ ...identity, ALPNProtocols: ["http/1.1"] }, (socket) => {
    const inner = connect(Number(behind), "127.0.0.1");
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const)
      one.on("error", () => other.destroy()).on("close", () => other.destroy());
    socket.pipe(inner).pipe(socket);
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  closers.push(() => new Promise((resolve) => front.close(resolve)));
  const address = front.address();
  const client = createClient(cluster.server.as(PERSON_USER), { fieldManager: "kubectl", clock: systemClock });
  return {
    client,
    port: address !== null && typeof address === "object" ? address.port : 0,
    certificate: identity.cert,
  };
}
