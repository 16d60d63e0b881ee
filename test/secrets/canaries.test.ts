// Credentials reach whom they are for and nobody else: each of them is planted as a string that can be found again, the real controller works with
// it, fails with it and is told it back by servers, and then all that it printed, wrote, said to the cluster and to the forge, and every command
// line of the machine meanwhile, is searched. Each test shows first that the credential was really used.
import { createHmac, generateKeyPairSync, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DEPLOYMENTS, NODES, ROLLOUT_RINGS, WORKLOAD_PATCH_STATES } from "../../controller/kube/resources.ts";
import { CONTROLLER_USER } from "../../controller/sandbox/start.ts";
import { startForge, type SandboxForge } from "../../controller/sandbox/forge/index.ts";
import { makeSshKey, serveSsh } from "../git/support/ssh-server.ts";
import { createDiskRemote, type DiskRemote } from "../git/support/disk-remote.ts";
import { serveGit } from "../git/support/http-server.ts";
import { serveProxy } from "../git/support/proxy.ts";
import { selfSigned } from "../git/support/self-signed.ts";
import { type Canary, findCanaries, makeSecret, watchKey, watchSecret } from "./support/canaries.ts";
import { serveEcho, serveNotified } from "./support/echo.ts";
import { type Stage, startStage } from "./support/stage.ts";

const OWNER = "acme";
const NAME = "policy";
const BOT = "ringward[bot]";
const BROKEN = "apiVersion: ringward.dev/v1alpha1\nkind: RolloutRing\nmetadata:\n  name: canry\nspec:\n  sok: 1h\n";
/** Tokens that the forge made, and what an App asks for them with. */
const MADE = /gh[su]_[A-Za-z0-9]{8,}|eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}/;

const POLICY: Readonly<Record<string, string>> = {
  "baselines/nginx.yaml": `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata:
  name: nginx
spec:
  target: Image
  image:
    images:
      - { repository: registry.example.com/shop/nginx, tag: 1.27.2 }
`,
  "rings/canary.yaml": `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: canary
spec:
  promotion: Automatic
  members:
    workloads:
      selector: { matchLabels: { ringward.example/ring: canary } }
      mode: Patch
  budget: { workloads: 8, maxFailures: 0 }
  soak: 1m
  gates:
    - { name: errors, type: PromQL, promQL: { query: vector(0), operator: LessThan, threshold: 1 } }
    - { name: alerts, type: Alerts, alerts: { matchers: [{ name: severity, value: critical }] } }
  levels:
    - baseline: nginx
`,
};

let stage: Stage;
beforeEach(async () => {
  stage = await startStage();
}, 60_000);
afterEach(() => stage.stop());

async function forgeWith(rest: Partial<Parameters<typeof startForge>[0]>): Promise<SandboxForge> {
  const { sandbox } = stage;
  const forge = await startForge({
    directory: join(sandbox.workspace.directory, "forge"),
    clock: sandbox.clock,
    owner: OWNER,
    repository: NAME,
    tokens: {},
    ...rest,
  });
  onTestFinished(() => forge.close());
  await forge.seed(new Map(Object.entries(POLICY)), "Policy", "alice");
  return forge;
}

/** A person asks for a change that is wrong: it is judged and commented on. */
const askForNonsense = (forge: SandboxForge): Promise<number> =>
  forge.openFromFork({
    fork: "mallory/policy",
    head: "nonsense",
    files: new Map([["rings/canry.yaml", BROKEN]]),
    title: "Nonsense",
    by: "mallory",
  });

/** Until the controller pushed or committed a level of its own, and wrote its comment. */
async function untilItWorked(forge: SandboxForge, number: number): Promise<void> {
  await stage.until("a commit of the controller's on main", async () =>
    forge.pushes().some(({ branch, by }) => branch === "main" && by === BOT) ? true : undefined,
  );
  await stage.until("its comment", async () =>
    (await forge.pullRequests())
      .find((pull) => pull.number === number)
      ?.comments.some(({ author }) => author === BOT) === true
      ? true
      : undefined,
  );
}

async function expectNowhere(canaries: readonly Canary[], forges: readonly SandboxForge[] = []): Promise<void> {
  const places = await stage.places(forges);
  expect([...places.keys()]).toEqual(
    expect.arrayContaining(["command lines", "what the controller prints", "the cluster's objects"]),
  );
  expect(places.get("command lines")).toMatch(/git (?:-\S+ )*fetch /);
  expect(places.get("the cluster's objects")).toContain('"kind":"PolicyRepository"');
  // It would hold a whole object once more, as it was given.
  expect(places.get("the cluster's objects")).not.toContain("last-applied-configuration");
  const [, apiToken = ""] = /token: "?([\w-]{12,})/.exec(stage.sandbox.kubeconfigFor(CONTROLLER_USER)) ?? [];
  expect(apiToken).not.toBe("");
  expect(findCanaries([...canaries, watchSecret("the API server's token", apiToken)], places)).toEqual([]);
  expect([...places].filter(([, text]) => MADE.test(text)).map(([place]) => place)).toEqual([]);
}

it("a token for git and for the API, a key that signs, a webhook's secret, tokens for gates", async () => {
  const users = ["x-access-token", BOT];
  const token = makeSecret("the token", users);
  const hook = makeSecret("the webhook's secret");
  const [prometheus, alertmanager] = [makeSecret("Prometheus's token"), makeSecret("Alertmanager's token")];
  const keyFile = stage.secretFile("signing-key", "");
  const { sandbox } = stage;
  const key = join(sandbox.workspace.directory, "secrets/made");
  makeSshKey(key, "signer");
  writeFileSync(keyFile, readFileSync(key), { mode: 0o600 });
  const forge = await forgeWith({ tokens: { [token.text]: BOT } });
  const gates = await serveEcho(400);
  onTestFinished(() => gates.close());
  const tokenFile = stage.secretFile("token", `${token.text}\n`);
  const number = await askForNonsense(forge);

  await stage.begin(
    {
      url: forge.gitUrl,
      clusterName: "secrets",
      auth: { tokenFile },
      commits: { signingKeyFile: keyFile },
      forge: { kind: "GitHub", apiUrl: forge.apiUrl, owner: OWNER, repository: NAME, tokenFile },
    },
    [
      ...["--webhook-secret-file", stage.secretFile("hook", hook.text), "--webhook-bind-address", "127.0.0.1:0"],
      ...["--prometheus-url", gates.url, "--prometheus-token-file", stage.secretFile("prometheus", prometheus.text)],
      ...[
        "--alertmanager-url",
        gates.url,
        "--alertmanager-token-file",
        stage.secretFile("alertmanager", alertmanager.text),
      ],
    ],
  );
  await untilItWorked(forge, number);
  const body = JSON.stringify({ repository: { full_name: `${OWNER}/${NAME}` } });
  const delivered = await fetch(await stage.until("the address for webhooks", async () => stage.webhooks()), {
    method: "POST",
    headers: {
      "x-github-event": "push",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${createHmac("sha256", hook.text).update(body).digest("hex")}`,
    },
    body,
  });
  await stage.until("both gates", async () =>
    [prometheus, alertmanager].every(({ text }) => gates.authorizations.includes(`Bearer ${text}`)) ? true : undefined,
  );
  const passes = sandbox.clock.now();
  await stage.until("what the gates answered", async () =>
    sandbox.clock.now() - passes > 5 * 60_000 ? true : undefined,
  );

  expect(delivered.status).toBe(202);
  expect((await stage.places([forge])).get("commits of forge 0")).toContain("-----BEGIN SSH SIGNATURE-----");
  await expectNowhere(
    [
      token.canary,
      hook.canary,
      prometheus.canary,
      alertmanager.canary,
      watchKey("the signing key", readFileSync(key, "utf8")),
    ],
    [forge],
  );
}, 400_000);

it("a GitHub App's key, and the tokens that it gets", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const forge = await forgeWith({
    apps: [
      {
        appId: 7,
        slug: "ringward",
        installationId: 70,
        publicKey: publicKey.export({ type: "spki", format: "pem" }).toString(),
      },
    ],
  });
  const number = await askForNonsense(forge);

  await stage.begin({
    url: forge.gitUrl,
    clusterName: "secrets",
    auth: { githubApp: { appId: 7, installationId: 70, privateKeyFile: stage.secretFile("app", pem) } },
    forge: { kind: "GitHub", apiUrl: forge.apiUrl, owner: OWNER, repository: NAME },
  });
  await untilItWorked(forge, number);

  await expectNowhere([watchKey("the App's key", pem)], [forge]);
}, 400_000);

it("a key for ssh", async () => {
  const disk = policyOnDisk();
  const server = await serveSsh(disk.folder);
  onTestFinished(() => server.close());
  const pem = readFileSync(server.keyFile, "utf8");

  await stage.begin({
    url: `${server.url}${disk.bare}`,
    clusterName: "secrets",
    auth: { sshKeyFile: stage.secretFile("ssh", pem), knownHostsFile: server.knownHostsFile },
  });
  await stage.until("the policy", async () => ((await stage.ready())?.reason === "InSync" ? true : undefined));

  await expectNowhere([watchKey("the key", pem)]);
}, 400_000);

it("what people keep in objects of the cluster is not printed", async () => {
  const disk = policyOnDisk();
  const [onNode, inPod] = [makeSecret("a node's annotation"), makeSecret("a container's variable")];
  const { client } = stage;
  const annotations = { "example.com/note": onNode.text };
  await client.create(NODES, { metadata: { name: "noted", annotations }, spec: {} } as KubeObject);
  const containers = [
    {
      name: "web",
      image: "registry.example.com/shop/nginx:1.27.0",
      env: [{ name: "PASSWORD", value: inPod.text }],
    },
  ];
  const labels = { app: "hidden", "ringward.example/ring": "canary" };
  await client.create(DEPLOYMENTS, {
    metadata: { name: "hidden", namespace: "default", labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "hidden" } },
      template: { metadata: { labels }, spec: { containers } },
    },
  } as unknown as KubeObject);

  await stage.begin({ url: disk.bare, clusterName: "secrets" });
  await stage.until("a look at the workload", async () =>
    (await client.list(WORKLOAD_PATCH_STATES, { namespace: "default" })).items.some(
      ({ metadata, status }) => metadata.name.includes("hidden") && status !== undefined,
    )
      ? true
      : undefined,
  );

  const places = await stage.places();
  const ours = [...places].filter(([place]) => place !== "the cluster's objects");
  expect(places.get("the cluster's objects")).toContain(inPod.text);
  expect(
    ours.filter(([, text]) => text.includes(onNode.text) || text.includes(inPod.text)).map(([place]) => place),
  ).toEqual([]);
  expect(
    places
      .get("what the controller prints")
      ?.split("\n")
      .filter((line) => line.length > 8_192),
  ).toEqual([]);
}, 400_000);

it("a password, and a proxy's credentials", async () => {
  const disk = policyOnDisk();
  const user = "fleet";
  const password = makeSecret("the password", [user]);
  const proxyPassword = makeSecret("the proxy's password", ["proxy"]);
  const identity = selfSigned();
  const server = await serveGit(disk.folder, { username: user, token: password.text }, identity);
  onTestFinished(() => server.close());
  const proxy = await serveProxy(`proxy:${proxyPassword.text}`);
  onTestFinished(() => proxy.close());

  await stage.begin({
    url: `${server.url}/remote.git`,
    clusterName: "secrets",
    auth: {
      username: user,
      passwordFile: stage.secretFile("password", password.text),
      caFile: stage.secretFile("ca.pem", identity.cert),
    },
    proxy: { url: proxy.url, credentialsFile: stage.secretFile("proxy", `proxy:${proxyPassword.text}`) },
  });
  await stage.until("the policy", async () => ((await stage.ready())?.reason === "InSync" ? true : undefined));

  expect(proxy.asked.some((one) => one.let)).toBe(true);
  await expectNowhere([password.canary, proxyPassword.canary]);
}, 400_000);

it.each([403, 500])(
  "a token that the servers of git and of the API give back with %d",
  async (status) => {
    const token = makeSecret("the token", ["x-access-token"]);
    const echo = await serveEcho(status);
    onTestFinished(() => echo.close());
    const tokenFile = stage.secretFile("token", token.text);

    await stage.begin({
      url: `${echo.url}/acme/policy.git`,
      clusterName: "secrets",
      auth: { tokenFile },
      forge: { kind: "GitHub", apiUrl: `${echo.url}/api/v3`, owner: OWNER, repository: NAME, tokenFile },
    });
    await stage.until("its failure", async () =>
      /ReadFailed|RepositoryStale/.test((await stage.ready())?.reason ?? "") ? true : undefined,
    );

    expect(echo.authorizations.some((header) => header.startsWith("Basic "))).toBe(true);
    await expectNowhere([token.canary]);
  },
  180_000,
);

it.each([401, 422])(
  "a token that the API alone gives back with %d",
  async (status) => {
    const disk = policyOnDisk();
    const gitToken = makeSecret("git's token", ["x-access-token"]);
    const token = makeSecret("the API's token");
    const server = await serveGit(disk.folder, { username: "x-access-token", token: gitToken.text });
    onTestFinished(() => server.close());
    const echo = await serveEcho(status);
    onTestFinished(() => echo.close());

    await stage.begin({
      url: `${server.url}/remote.git`,
      clusterName: "secrets",
      auth: { tokenFile: stage.secretFile("git-token", gitToken.text) },
      forge: {
        kind: "GitHub",
        apiUrl: `${echo.url}/api/v3`,
        owner: OWNER,
        repository: NAME,
        tokenFile: stage.secretFile("token", token.text),
      },
    });
    await stage.until("the API was asked", async () => (echo.authorizations.length > 2 ? true : undefined));
    await stage.until("what it answered was told", async () =>
      /forge|HTTP|status|GitHub/i.test((await stage.places()).get("what the controller prints") ?? "")
        ? true
        : undefined,
    );

    await expectNowhere([gitToken.canary, token.canary]);
  },
  180_000,
);

it("addresses and keys of notifications, that receivers give back, and an address that is none", async () => {
  const disk = policyOnDisk();
  const [chat, pager, broken] = [
    makeSecret("Slack's address"),
    makeSecret("the webhook's"),
    makeSecret("a broken one"),
  ];
  const key = makeSecret("the key that signs");
  const receiver = await serveNotified(500);
  onTestFinished(() => receiver.close());
  const destination = (name: string, type: string, url: string): string =>
    `  - { name: ${name}, type: ${type}, urlFile: ${stage.secretFile(`${name}-url`, url)}`;
  const file = stage.secretFile(
    "notifications.yaml",
    `destinations:
${destination("chat", "Slack", `${receiver.url}/services/${chat.text}`)} }
${destination("pager", "Webhook", `${receiver.url}/?token=${pager.text}`)}, hmacKeyFile: ${stage.secretFile("key", key.text)} }
${destination("broken", "Webhook", `https//${broken.text}`)} }
${destination("away", "Webhook", `http://${broken.text}.invalid/${broken.text}`)} }
`,
  );

  await stage.begin({ url: disk.bare, clusterName: "secrets" }, ["--notifications", file]);
  await stage.until("both were asked", async () =>
    receiver.asked.some((path) => path.includes(chat.text)) && receiver.asked.some((path) => path.includes(pager.text))
      ? true
      : undefined,
  );
  await stage.until("what they answered is told", async () =>
    ["chat", "pager", "broken", "away"].every((name) =>
      new RegExp(`notification ${name}: .*tried again`).test(stage.said()),
    )
      ? true
      : undefined,
  );
  receiver.answer(200);
  await stage.until("what was told is stored", async () =>
    (await stage.client.list(ROLLOUT_RINGS)).items.some(({ status }) => JSON.stringify(status).includes('"notified"'))
      ? true
      : undefined,
  );

  expect(receiver.signed.some((header) => header.startsWith("sha256="))).toBe(true);
  await expectNowhere([chat.canary, pager.canary, broken.canary, key.canary]);
}, 400_000);

function policyOnDisk(): DiskRemote {
  const disk = createDiskRemote();
  onTestFinished(() => disk.remove());
  disk.git(["config", "http.receivepack", "true"]);
  disk.people.commitFiles("main", POLICY, { time: stage.sandbox.clock.now() });
  return disk;
}
