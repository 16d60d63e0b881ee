// The chart on a real control plane, typed as docs/install.md says, with the real helm and kubectl. The controller's pod is then a real process: its
// command, arguments, user, read-only root and bound token are those of the pod. It patches two nodes, its own among them: it is evicted in
// mid-rollout, and the one that takes its place goes on. Then upgrade, policy repository, uninstall, and taking over an export.
import { execFile } from "node:child_process";
import { createHmac, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { NodePatchState } from "../../controller/api/patch-state.ts";
import { REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import { systemClock } from "../../controller/clock.ts";
import { DEFAULT_NAMESPACE } from "../../controller/install/manifest.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  DEPLOYMENTS,
  DISRUPTION_LEDGERS,
  LEASES,
  NODE_PATCH_STATES,
  NODES,
  PODS,
  POLICY_REPOSITORIES,
} from "../../controller/kube/resources.ts";
import type { StoredRepository } from "../../controller/reconcile/look-request.ts";
import { quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { OS_LABEL, quickstartMachines } from "../../controller/sandbox/fleet/quickstart.ts";
import { kubectlPath } from "../tooling/kubectl.ts";
import { CHART_COMMANDS } from "../tooling/pages/install-commands.ts";
import { type ControlPlane, startControlPlane } from "./support/control-plane.ts";
import { LAUNCHER, MAIN } from "./support/controller.ts";
import { execIn, type HostPods, runHostPods, type RunningPod } from "./support/host-pods.ts";
import { type Kubelets, startKubelets } from "./support/kubelets.ts";
import { rolloutPolicy } from "./support/policy.ts";
import { waitFor } from "./support/waiting.ts";

const CHECKOUT = new URL("../..", import.meta.url).pathname;
const LIMIT = { withinMs: 120_000 };
const NEW_KERNEL = "5.15.0-125-generic";
const RING = `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata:
  name: all
spec:
  members:
    nodes:
      selector: { matchLabels: { ${OS_LABEL}: ubuntu } }
  budget: { nodes: 1, maxFailures: 0 }
  soak: 2s
  drain: { timeout: 2m, onTimeout: BackOut }
`;

let plane: ControlPlane;
let kubelets: Kubelets;
let admin: Client;
let hostPods: HostPods;
let kubeconfig: string;

/** Types a command line as a person does, in the checkout; answers what it printed to stdout. */
async function type(line: string, input?: string): Promise<string> {
  const tools = dirname(await kubectlPath());
  const env = {
    PATH: `${tools}:${dirname(process.execPath)}:${process.env["PATH"]}`,
    HOME: plane.directory,
    KUBECONFIG: kubeconfig,
    FORGE_TOKEN: "a-token-of-the-forge",
  };
  return new Promise((resolve, reject) => {
    const child = execFile(
      "sh",
      ["-euc", line],
      { cwd: CHECKOUT, env, timeout: 180_000, maxBuffer: 1 << 26 },
      (error, out, err) => (error === null ? resolve(out) : reject(new Error(`${line}\n${err}${out}`))),
    );
    child.stdin?.end(input ?? "");
  });
}

async function typeAll(lines: readonly string[]): Promise<string> {
  let printed = "";
  for (const line of lines) printed += await type(line);
  return printed;
}

/** A command of `ringward` as the administrator. */
function ringward(...args: readonly string[]): Promise<string> {
  return type([process.execPath, LAUNCHER, MAIN, ...args].map((word) => `'${word}'`).join(" "));
}

beforeAll(async () => {
  plane = await startControlPlane();
  kubeconfig = join(plane.directory, "admin.kubeconfig");
  writeFileSync(kubeconfig, plane.kubeconfig("admin"), { mode: 0o600 });
  admin = createClient(plane.transport("admin"), { fieldManager: "e2e", clock: systemClock });
  const machines = quickstartMachines(30)
    .filter(({ labels }) => labels[OS_LABEL] === "ubuntu")
    .slice(0, 2);
  kubelets = await startKubelets(plane, { machines, catalogue: quickstartCatalogue() });
  hostPods = runHostPods({ plane, client: admin, namespace: DEFAULT_NAMESPACE });
  await waitFor(
    "two usable nodes",
    async () => {
      const nodes = (await admin.list(NODES)).items;
      const usable = nodes.filter((node) => {
        const { taints = [] } = node.spec as { readonly taints?: readonly object[] };
        return taints.length === 0 && JSON.stringify(node.status).includes('"KubeletReady"');
      });
      return usable.length === 2 ? true : undefined;
    },
    LIMIT,
  );
});

afterAll(async () => {
  await hostPods.stop();
  await kubelets.stop();
  await plane.stop();
});

/** What a pod answers; `nobody answers` where it does not. */
async function answerOf({ ports }: RunningPod, port: "probes" | "metrics", path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${ports[port]}${path}`).catch(() => undefined);
  return answer === undefined ? "nobody answers" : `${answer.status} ${await answer.text()}`;
}

/** Pods whose process says that it leads. */
async function leading(): Promise<readonly RunningPod[]> {
  const pods = hostPods.running();
  const answers = await Promise.all(pods.map((pod) => answerOf(pod, "metrics", "/metrics")));
  return pods.filter((_, at) => /^leader_election_master_status\{.*\} 1$/m.test(answers[at] ?? ""));
}

/** The one pod that leads, once there is one; two at a time are an error. */
function leader(): Promise<RunningPod> {
  return waitFor(
    "a pod that leads",
    async () => {
      const found = await leading();
      expect(found.length).toBeLessThan(2);
      return found[0];
    },
    LIMIT,
    () => Promise.resolve(seen()),
  );
}

const nameOf = ({ pod }: RunningPod): string => pod.metadata.name;

interface Claims {
  readonly status?: { readonly claims?: readonly { readonly id: string }[] };
}
async function claims(): Promise<readonly string[]> {
  const { status } = (await admin.get(DISRUPTION_LEDGERS, { name: "cluster" })) as unknown as Claims;
  return (status?.claims ?? []).map(({ id }) => id);
}

const seen = (): string => `${hostPods.errors.join("\n")}\n${hostPods.output()}`;

async function nodesAt(kernel: string): Promise<readonly string[]> {
  const nodes = (await admin.list(NODES)).items as readonly (KubeObject & {
    readonly status: { readonly nodeInfo: { readonly kernelVersion: string } };
  })[];
  return nodes.filter(({ status }) => status.nodeInfo.kernelVersion === kernel).map(({ metadata }) => metadata.name);
}

describe("the chart", () => {
  it("is installed as the page says, in a namespace that is held to the level restricted", async () => {
    expect(await typeAll(CHART_COMMANDS.check)).toContain("0 fail, 0 unknown");
    await typeAll(CHART_COMMANDS.prepare);
    const printed = await typeAll(CHART_COMMANDS.install);

    expect(printed).toContain("STATUS: deployed");
    expect(printed).toContain("in mode Observe");
  });

  it("runs two controllers whose /readyz turns green, as user 65532 on a read-only root, in mode Observe, of which one leads", async () => {
    const pods = await waitFor(
      "/readyz of two pods",
      async () => {
        const running = hostPods.running();
        const answers = await Promise.all(running.map((pod) => answerOf(pod, "probes", "/readyz")));
        return running.length === 2 && answers.every((answer) => /^200 .*readyz check passed/s.test(answer))
          ? running
          : undefined;
      },
      LIMIT,
      () => Promise.resolve(seen()),
    );
    const first = await leader();
    const ledger = await admin.get(DISRUPTION_LEDGERS, { name: "cluster" });

    for (const pod of pods) {
      const ofProcess = (file: string): string => readFileSync(`/proc/${pod.pid}/${file}`, "utf8");
      expect(await answerOf(pod, "probes", "/healthz")).toMatch(/^200 /);
      expect(ofProcess("status")).toMatch(/^Uid:\s65532\s65532\s65532\s65532$/m);
      expect(ofProcess("status")).toMatch(/^CapEff:\s0+$/m);
      expect(ofProcess("mountinfo")).toMatch(/ \/ \/ ro,/);
    }
    expect(await leading()).toHaveLength(1);
    expect(ledger?.spec).toEqual({ mode: "Observe" });
    expect(
      JSON.stringify(await admin.get(LEASES, { namespace: DEFAULT_NAMESPACE, name: "ringward-controller" })),
    ).toContain(`"holderIdentity":"${nameOf(first)}-`);
    expect(await typeAll(CHART_COMMANDS.look)).toMatch(
      /successfully rolled out[^]*disruptionledger.ringward.dev\/cluster/,
    );
  });

  it("is found in order by the same check as before: nothing failed, all is known", async () => {
    const said = await typeAll(CHART_COMMANDS.check);

    expect(said).toMatch(/^ok +admission policies /m);
    expect(said).toMatch(/^\d+ ok, 1 warn, 0 fail, 0 unknown$/m);
  });

  it("patches every node, also those that it runs on: when the leader is killed in mid-operation the other one goes on, evicted ones are replaced", async () => {
    const policy = rolloutPolicy({ soak: "2s", drainTimeout: "2m" });
    const documents = [policy.get("baselines/ubuntu-2204.yaml"), policy.get("recipes/apt.yaml"), RING];
    await type("kubectl apply -f -", documents.join("---\n"));
    const plan = JSON.parse(
      await type(`${process.execPath} ${LAUNCHER} ${MAIN} plan --kubeconfig ${kubeconfig} -o json || test $? = 1`),
    ) as {
      readonly assets: readonly { readonly level: string }[];
    };
    const old = await nodesAt(NEW_KERNEL);
    await ringward("approve", "all", plan.assets[0]?.level ?? "");
    await typeAll(CHART_COMMANDS.enforce);
    const [first] = await waitFor(
      "a claim",
      async () => {
        const held = await claims();
        return held.length > 0 ? held : undefined;
      },
      LIMIT,
      () => Promise.resolve(seen()),
    );
    const gone = await leader();
    hostPods.crash(nameOf(gone));
    const killed = systemClock.monotonic();
    const next = await leader();
    const seconds = (systemClock.monotonic() - killed) / 1000;
    const held = await claims();
    hostPods.mend();
    process.stdout.write(`pod ${nameOf(next)} led ${seconds.toFixed(1)} s after ${nameOf(gone)} was killed\n`);

    expect(nameOf(next)).not.toBe(nameOf(gone));
    // What the dead one had claimed is the next one's to finish: nothing was lost with it, and nothing claimed twice.
    expect(held).toContain(first);
    expect(held).toHaveLength(1);
    await waitFor(
      "both nodes at their level, and no claim",
      async () => {
        const states = (await admin.list(NODE_PATCH_STATES)).items as unknown as readonly NodePatchState[];
        const done = states.filter(({ status }) => status?.phase === "Done" || status?.phase === "Soaking");
        return done.length === 2 && (await claims()).length === 0 ? true : undefined;
      },
      LIMIT,
      async () => `${await ringward("status").catch(String)}\n${seen()}`,
    );

    expect(old).toEqual([]);
    expect(await nodesAt(NEW_KERNEL)).toHaveLength(2);
    expect(hostPods.started()).toBeGreaterThan(3);
    const nodes = (await admin.list(NODES)).items.map(({ spec }) => spec as { readonly unschedulable?: boolean });
    expect(nodes.filter(({ unschedulable }) => unschedulable === true)).toEqual([]);
    expect(hostPods.errors).toEqual([]);
  });

  it("takes the policy repository and its Secret with an upgrade, and keeps the mode that people have set", async () => {
    await typeAll(CHART_COMMANDS.repository);
    const { spec } = (await admin.get(DEPLOYMENTS, {
      namespace: DEFAULT_NAMESPACE,
      name: "ringward-controller",
    })) as unknown as {
      readonly spec: {
        readonly template: { readonly spec: { readonly volumes: readonly { readonly name: string }[] } };
      };
    };
    expect(spec.template.spec.volumes.map(({ name }) => name)).toContain("secret-forge");
    // The address is nobody's; that it is asked at all says that the token could be read.
    let said = "";
    const repository = await waitFor(
      "the new pod to read its token and ask for the repository",
      async () => {
        const found = await admin.get(POLICY_REPOSITORIES, { name: "policy" });
        said = JSON.stringify(found?.status ?? {});
        return said.includes("git.example.com") ? found : undefined;
      },
      LIMIT,
      () => `${said}\n${seen()}`,
    );
    const checked = await execIn(await leader(), ["ringward", "check", "--pre"]);
    const outside = await ringward("check", "--pre");
    const ledger = await admin.get(DISRUPTION_LEDGERS, { name: "cluster" });

    // As the page says: in the pod the files are there, and it is git that is asked; what the account may not see is skipped there.
    expect(checked).toMatch(/^ok +permissions /m);
    expect(checked).toMatch(/^ok +admission in force /m);
    expect(checked).toMatch(/^(unknown|fail) +git +PolicyRepository policy: .*git\.example\.com/m);
    expect(checked).toMatch(/ 5 skipped: run it as an administrator, too$/m);
    expect(outside).toMatch(/^skip +git +PolicyRepository policy: .*token/m);
    expect(outside).toMatch(/ 0 fail, 0 unknown, 1 skipped: run it in the controller's pod, too$/m);
    expect(repository?.spec).toMatchObject({ clusterName: "production", branch: "main" });
    expect(ledger?.spec).toMatchObject({ mode: "Enforce" });
    const upgraded = await typeAll(CHART_COMMANDS.upgrade);
    expect(upgraded).toContain("REVISION: 3");
    expect(upgraded).toContain("The mode that people have set stays as it is");
    const pods = (await admin.list(PODS, { namespace: DEFAULT_NAMESPACE })).items;
    expect(JSON.stringify(pods)).toContain('"mountPath":"/run/secrets/ringward/forge"');
  });

  it("takes webhooks at either pod: the one that does not lead hands them over to the one that does", async () => {
    const secret = "a long random string";
    await type(
      `kubectl --namespace ${DEFAULT_NAMESPACE} create secret generic ringward-webhook --from-literal=secret='${secret}'`,
    );
    await type(
      `helm upgrade ringward charts/ringward --namespace ${DEFAULT_NAMESPACE} --reuse-values --set webhook.secret.name=ringward-webhook`,
    );
    await type(`kubectl --namespace ${DEFAULT_NAMESPACE} rollout status deployment/ringward-controller`);
    const repository = async (): Promise<StoredRepository> =>
      (await admin.get<StoredRepository>(POLICY_REPOSITORIES, { name: "policy" }))!;
    const before = await repository();
    const signature = `sha256=${createHmac("sha256", secret).update("{}").digest("hex")}`;
    const headers = { "x-github-event": "push", "x-github-delivery": randomUUID(), "x-hub-signature-256": signature };

    const follower = await waitFor(
      "two pods that take webhooks, one of which leads",
      async () => {
        const [first, ...others] = await leading();
        const pods = hostPods.running().filter(({ ports }) => ports["webhook"] !== undefined);
        if (first === undefined || others.length > 0 || pods.length !== 2) return undefined;
        return pods.find((pod) => nameOf(pod) !== nameOf(first));
      },
      LIMIT,
      () => Promise.resolve(seen()),
    );
    const url = `http://127.0.0.1:${follower.ports["webhook"]}/webhook`;
    const answer = await fetch(url, { method: "POST", headers, body: "{}" });
    const after = await waitFor(
      "the leader to say that it has looked",
      async () => {
        const now = await repository();
        return now.status?.lastHandledReconcileAt === undefined ? undefined : now;
      },
      LIMIT,
      () => Promise.resolve(seen()),
    );

    expect(answer.status).toBe(202);
    expect(before.status?.lastHandledReconcileAt).toBeUndefined();
    expect(after.metadata.annotations?.[REQUESTED_AT]).toBe(after.status?.lastHandledReconcileAt);
    expect(after.spec).toEqual(before.spec);
    // Its address is nobody's: a look that failed was one, too.
    expect(after.status?.conditions?.find(({ type: which }) => which === "Ready")).toMatchObject({ status: "False" });
  });

  it("leaves definitions, policy and states when it is uninstalled, and nothing else; all goes if that is wanted", async () => {
    const printed = await typeAll(CHART_COMMANDS.uninstall);
    const left = async (kinds: string): Promise<readonly string[]> =>
      (await type(`kubectl get ${kinds} --all-namespaces --output name`))
        .split("\n")
        .filter((name) => /ringward/.test(name));

    expect(printed).toContain("These resources were kept due to the resource policy");
    expect(await left("crds")).toHaveLength(10);
    expect(await left("policyrepositories,nodepatchstates")).toHaveLength(3);
    // Steps that run in the one, and people's Secrets in the other, are not Helm's to take away.
    expect(await left("namespaces")).toEqual(["namespace/ringward-jobs", "namespace/ringward-system"]);
    expect(
      await left(
        "validatingadmissionpolicies,validatingadmissionpolicybindings,clusterroles,clusterrolebindings,roles,rolebindings,serviceaccounts,deployments,services,priorityclasses",
      ),
    ).toEqual([]);
    await typeAll(CHART_COMMANDS.purge);
    expect(await left("crds,namespaces")).toEqual([]);
  });

  it("takes over what an export installed before", async () => {
    await type(
      `${process.execPath} ${LAUNCHER} ${MAIN} install --export --allow-recipe-image registry.example.com/ringward | kubectl apply -f -`,
    );
    const file = join(plane.directory, "controller.kubeconfig");
    const byHand = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.replaceAll("controller.kubeconfig", file));
    await typeAll(byHand(CHART_COMMANDS.account));
    const whoami = await type(`kubectl --kubeconfig ${file} auth whoami`);
    // It is a program that goes on: ten seconds are enough to take the Lease.
    const said = await typeAll(
      byHand(CHART_COMMANDS.controller).map((line) => `timeout -s TERM 10 ${line} 2>&1 || true`),
    );
    const printed = await typeAll(CHART_COMMANDS.takeOver);

    expect(whoami).toContain("system:serviceaccount:ringward-system:ringward-controller");
    expect(said).toContain('"message":"leading"');
    expect(printed).toContain("STATUS: deployed");
  });

  it("renders with everything switched on what the API server takes to the last field", async () => {
    const line = [
      `helm template ringward charts/ringward --namespace ${DEFAULT_NAMESPACE} --values charts/ringward/ci/full-values.yaml`,
      // Of the Prometheus operator's kinds there are none here.
      "--set metrics.serviceMonitor.enabled=false,metrics.dashboards.enabled=true",
      "--api-versions ringward.dev/v1alpha1/PolicyRepository",
    ].join(" ");
    const printed = await type(`${line} | kubectl apply --dry-run=server --validate=strict -f -`);
    const lines = printed.trim().split("\n");

    expect(lines.length).toBeGreaterThan(50);
    expect(lines.filter((one) => !one.endsWith(" (server dry run)"))).toEqual([]);
  });
});
