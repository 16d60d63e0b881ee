// What the whole controller writes in a cluster of this size where nothing happens: it is started as in production, writes down once
// what it finds, and is then counted by the API server's own metrics. Goal: nothing but its Lease.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../controller/clock.ts";
import type { ApiPort, KubeObject } from "../../../controller/kube/port.ts";
import { DEFAULT_NAMESPACE } from "../../../controller/install/manifest.ts";
import { JOB_NAMESPACE } from "../../../controller/nodes/recipe-job.ts";
import { CLAIM_MARK, PRIOR_MARK } from "../../../controller/nodes/mark.ts";
import { type SandboxForge, startForge } from "../../../controller/sandbox/forge/index.ts";
import { createController } from "../../e2e/support/controller.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import type { Row } from "../measure.ts";
import { IMAGES } from "../scene-policy.ts";
import type { Server } from "./server.ts";

/** No write for so long: everything is written down. */
const SETTLED_MS = 20_000;
const SETTLE_WITHIN_MS = 1_200_000;
const COUNTED_MS = 60_000;
const WRITES = new Set(["POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"]);

/** Starts the controller, waits until it rests, and counts. */
export async function measureRest(server: Server, log: (line: string) => void): Promise<readonly Row[]> {
  const forge = await startForge({
    directory: join(server.directory, "forge"),
    clock: systemClock,
    owner: "example",
    repository: "patch-policy",
    tokens: { "bench-person": "ana" },
  });
  const controller = createController({
    kubeconfig: readFileSync(server.kubeconfig, "utf8"),
    name: "ringward-bench",
    identity: "ringward-bench",
    namespace: DEFAULT_NAMESPACE,
    directory: server.directory,
  });
  try {
    await forge.seed(policyFiles(), "Patch policy of the bench", "ana");
    await callOff(server.admin);
    await configure(server.admin, forge);
    log("the whole controller: until it rests");
    const before = await countWrites(server.admin);
    const begun = systemClock.monotonic();
    await controller.start();
    const settledMs = (await untilSettled(server.admin, () => controller.output())) - begun;
    const settled = await countWrites(server.admin);
    await systemClock.sleep(COUNTED_MS);
    const after = await countWrites(server.admin);
    if (!controller.running) throw new Error(`the controller has ended: ${controller.output()}`);
    const made = difference(settled, before);
    made.delete("leases");
    const rest = difference(after, settled);
    const leases = rest.get("leases") ?? 0;
    if (leases === 0) throw new Error("the controller did not even renew its Lease");
    rest.delete("leases");
    const others = [...rest].map(([resource, count]) => `${count} of ${resource}`).join(", ");
    log(`at rest: ${sum(rest)} writes (${others}), ${leases} of Leases`);
    return [
      {
        what: "writes of a cluster at rest, but Leases",
        unit: "in a minute",
        goal: { most: 0 },
        measured: sum(rest),
        note: `the whole controller in mode Observe, with a policy repository and nothing under way, counted by the API server's metrics${others === "" ? "" : `: ${others}`}; Leases ${leases}; before that ${sum(made).toLocaleString("en-US")} writes in ${Math.round(settledMs / 1000)} s, the first time it saw the cluster`,
      },
    ];
  } finally {
    await controller.stop();
    await forge.close();
  }
}

/** Baselines of every image, and one ring that takes everything. No node's inventory is needed, so no job runs. */
function policyFiles(): ReadonlyMap<string, string> {
  const all = Array.from({ length: IMAGES }, (_, image) => `image-${String(image).padStart(3, "0")}`);
  const files = new Map([["rings/all.yaml", RING]]);
  for (let at = 0; at < all.length; at += MOST_IMAGES) {
    const images = all
      .slice(at, at + MOST_IMAGES)
      .map((image) => `      - { repository: registry.example.com/apps/${image}, tag: 1.2.0 }\n`);
    const name = `apps-${at}`;
    files.set(
      `baselines/${name}.yaml`,
      `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: ${name} }
spec:
  target: Image
  image:
    images:
${images.join("")}`,
    );
  }
  return files;
}

/** That a baseline may name. */
const MOST_IMAGES = 128;

const RING = `apiVersion: ringward.dev/v1alpha1
kind: RolloutRing
metadata: { name: all }
spec:
  members:
    nodes:
      selector: { matchExpressions: [{ key: node-restriction.kubernetes.io/ring, operator: Exists }] }
    workloads:
      selector: { matchExpressions: [{ key: ringward.example/ring, operator: Exists }] }
      mode: Patch
  budget: { workloads: 5% }
  soak: 10m
`;

/** The rollout that the loaded cluster is in the middle of never was: no marks, no operations. */
async function callOff(admin: ApiPort): Promise<void> {
  const states = await items(admin, "/apis/ringward.dev/v1alpha1/nodepatchstates");
  const claimed = states.filter(({ status }) => (status as { readonly operation?: unknown }).operation !== undefined);
  for (const { metadata } of claimed) {
    await write(admin, "PATCH", `/apis/ringward.dev/v1alpha1/nodepatchstates/${metadata.name}/status`, {
      status: { operation: null },
    });
    await write(admin, "PATCH", `/api/v1/nodes/${metadata.name}`, {
      metadata: { annotations: { [CLAIM_MARK]: null, [PRIOR_MARK]: null } },
      spec: { unschedulable: null },
    });
  }
}

async function configure(admin: ApiPort, forge: SandboxForge): Promise<void> {
  for (const name of [DEFAULT_NAMESPACE, JOB_NAMESPACE])
    await write(admin, "POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  await write(admin, "POST", "/apis/ringward.dev/v1alpha1/disruptionledgers", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "DisruptionLedger",
    metadata: { name: "cluster" },
    spec: { mode: "Observe" },
  });
  await write(admin, "POST", "/apis/ringward.dev/v1alpha1/policyrepositories", {
    apiVersion: "ringward.dev/v1alpha1",
    kind: "PolicyRepository",
    metadata: { name: "policy" },
    spec: { url: forge.gitUrl, branch: "main", interval: "10s", clusterName: "bench" },
  });
}

/** A server that has just been started fills its caches first. */
async function items(admin: ApiPort, path: string): Promise<readonly KubeObject[]> {
  let last = 0;
  return waitFor(
    path,
    async () => {
      const { status, body } = await admin.request({ method: "GET", path });
      last = status;
      return status === 200 ? (body as { readonly items: readonly KubeObject[] }).items : undefined;
    },
    { withinMs: 60_000, everyMs: 1_000 },
    () => `The server answers ${last}.`,
  );
}

async function write(admin: ApiPort, method: "POST" | "PATCH", path: string, body: object): Promise<void> {
  const patch = method === "PATCH" ? { contentType: "application/merge-patch+json" } : {};
  const { status, body: answer } = await admin.request({ method, path, body, ...patch });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
}

/** Writes that the API server has answered since it started, by resource. */
async function countWrites(admin: ApiPort): Promise<Map<string, number>> {
  const { status, body } = await admin.request({ method: "GET", path: "/metrics" });
  if (status !== 200 || typeof body !== "string") throw new Error(`GET /metrics: ${status}`);
  const counts = new Map<string, number>();
  for (const [, labels = "", value = ""] of body.matchAll(/^apiserver_request_total\{(.*)\} (\S+)$/gm)) {
    const { verb = "", resource = "" } = Object.fromEntries(
      [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", text = ""]) => [name, text]),
    ) as Readonly<Record<string, string>>;
    if (WRITES.has(verb)) counts.set(resource, (counts.get(resource) ?? 0) + Number(value));
  }
  return counts;
}

function difference(after: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): Map<string, number> {
  return new Map(
    [...after].flatMap(([resource, count]) => {
      const more = count - (before.get(resource) ?? 0);
      return more === 0 ? [] : [[resource, more]];
    }),
  );
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0);
}

/** When nothing but Leases had been written for a while: the beginning of that while, monotonic. */
async function untilSettled(admin: ApiPort, output: () => string): Promise<number> {
  let last = -1;
  let since = systemClock.monotonic();
  let begun = false;
  return waitFor(
    "the controller to rest",
    async () => {
      const counts = await countWrites(admin);
      begun ||= (counts.get("workloadpatchstates") ?? 0) > 0;
      counts.delete("leases");
      const now = sum(counts);
      if (now !== last || !begun) since = systemClock.monotonic();
      last = now;
      return systemClock.monotonic() - since > SETTLED_MS ? since : undefined;
    },
    { withinMs: SETTLE_WITHIN_MS, everyMs: 1_000 },
    () => `${last} writes so far. ${output()}`,
  );
}
