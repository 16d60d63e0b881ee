// The sandbox's cluster as the demo runs it: on the clock, by watches, in process and over real HTTP.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { manualClock, seededRandom, systemClock, systemRandom } from "../../../controller/clock.ts";
import { createTransport } from "../../../controller/kube/transport.ts";
import { runActors } from "../../../controller/sandbox/actors/actor.ts";
import { timingForRate } from "../../../controller/sandbox/actors/timing.ts";
import { createView } from "../../../controller/sandbox/actors/view.ts";
import type { ClusterView } from "../../../controller/sandbox/actors/view.ts";
import { createApiServer } from "../../../controller/sandbox/apiserver/index.ts";
import {
  CLOCK_PATH,
  createPolicyClock,
  createSandboxClock,
  readClock,
  serveClock,
} from "../../../controller/sandbox/clock.ts";
import { createActors, createSandboxCluster } from "../../../controller/sandbox/cluster.ts";
import { applyFleet } from "../../../controller/sandbox/fleet/apply.ts";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { quickstartMachines, QUICKSTART_START } from "../../../controller/sandbox/fleet/quickstart.ts";
import { namespaceObject, workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";
import { createMachines } from "../../../controller/sandbox/nodes/machines.ts";
import { recipeJob } from "./cluster-driver.ts";

const RATE = 500;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function smallFleet(): Fleet {
  const web = {
    kind: "Deployment",
    namespace: "shop",
    name: "web",
    image: "registry.example.com/shop/nginx:1.27.1",
    replicas: 4,
  } as const;
  return {
    machines: quickstartMachines(6),
    catalogue: quickstartCatalogue(),
    objects: [
      namespaceObject("shop"),
      namespaceObject("ops"),
      ...workloadObjects({ ...web, budget: { maxUnavailable: 1 } }),
    ],
  };
}

/** Resolves as soon as the view shows it. */
async function seen(view: ClusterView, test: () => boolean): Promise<void> {
  if (test()) return;
  await new Promise<void>((resolve) => {
    const stop = view.onChange(() => {
      if (!test()) return;
      stop();
      resolve();
    });
  });
}

function webIsReady(view: ClusterView): boolean {
  return view.list("deployments").some(({ status }) => status?.availableReplicas === 4);
}

function isComplete(view: ClusterView, job: string): boolean {
  const conditions = view.get("jobs", job, "ops")?.status?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Complete" && status === "True");
}

describe("the actors' loop", () => {
  it("brings a fleet up and updates a node on a fast clock", async () => {
    const clock = createSandboxClock({ start: QUICKSTART_START, rate: RATE, transport: systemClock });
    const errors: unknown[] = [];
    const cluster = await createSandboxCluster({
      clock,
      random: seededRandom(1),
      fleet: smallFleet(),
      timing: timingForRate(RATE),
      transportClock: systemClock,
    });
    await cluster.start({ transport: systemClock, onError: (_, error) => errors.push(error) });
    cleanups.push(() => cluster.stop());

    await seen(cluster.view, () => webIsReady(cluster.view));
    const body = recipeJob("update", "ubuntu-01", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" });
    await cluster.port.request({ method: "POST", path: "/apis/batch/v1/namespaces/ops/jobs", body });
    await seen(cluster.view, () => isComplete(cluster.view, "update"));
    const reboot = recipeJob("reboot", "ubuntu-01", "reboot", "reboot");
    await cluster.port.request({ method: "POST", path: "/apis/batch/v1/namespaces/ops/jobs", body: reboot });

    const updated = (): boolean =>
      cluster.view.get("nodes", "ubuntu-01")?.status?.nodeInfo?.kernelVersion === "5.15.0-125-generic";
    await seen(cluster.view, updated);
    expect(errors).toEqual([]);
  });

  it("does the same over HTTP, where the actors are clients like any other", async () => {
    const clock = createSandboxClock({ start: QUICKSTART_START, rate: RATE, transport: systemClock });
    const server = createApiServer({ clock, random: seededRandom(1), transportClock: systemClock });
    const listening = await server.listen({ host: "127.0.0.1" });
    cleanups.push(() => listening.close());
    const kubeconfig = server.kubeconfig(listening.url);
    const port = createTransport({ kubeconfig, clock: systemClock, userAgent: "sandbox-actors" });
    cleanups.push(() => port.close());
    const fleet = smallFleet();
    await applyFleet(port, fleet);
    const view = createView(port);
    const timing = timingForRate(RATE);
    const actors = createActors(view, createMachines(fleet.machines, fleet.catalogue), timing);
    const abort = new AbortController();
    const errors: unknown[] = [];
    await view.follow({ clock: systemClock, random: systemRandom, onError: (error) => errors.push(error) });
    const { tick, resync } = timing;
    const loop = runActors({
      actors,
      view,
      clock,
      tick,
      resync,
      signal: abort.signal,
      onError: (_, error) => errors.push(error),
    });
    cleanups.push(async () => {
      abort.abort();
      await loop;
      await view.stop();
    });

    await seen(view, () => webIsReady(view));
    await port.request({
      method: "POST",
      path: "/apis/batch/v1/namespaces/ops/jobs",
      body: recipeJob("inventory", "ubuntu-01", "apt", "inventory"),
    });
    await seen(view, () => isComplete(view, "inventory"));

    const pod = view.list("pods").find(({ metadata }) => metadata.labels?.["job-name"] === "inventory");
    expect(pod?.status?.containerStatuses?.[0]?.state.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
    expect(errors).toEqual([]);
  });
});

describe("a cluster's address", () => {
  it("serves the API with its kubeconfig, and the policy clock beside it", async () => {
    const clock = createSandboxClock({ start: QUICKSTART_START, rate: RATE, transport: systemClock });
    const cluster = await createSandboxCluster({
      clock,
      random: seededRandom(1),
      fleet: smallFleet(),
      transportClock: systemClock,
    });

    const address = await cluster.listen();
    cleanups.push(() => address.close());
    const port = createTransport({ kubeconfig: address.kubeconfig, clock: systemClock, userAgent: "test" });
    cleanups.push(() => port.close());

    const answer = await port.request({ method: "GET", path: "/apis/apps/v1/namespaces/shop/deployments/web" });
    expect(answer.status).toBe(200);
    expect((await readClock(address.clockUrl ?? "")).rate).toBe(RATE);
  });
});

describe("a new cluster", () => {
  it("serves every kind that the definitions' folder holds", async () => {
    const crds = join(import.meta.dirname, "../../../crds");
    const files = readdirSync(crds).filter((name) => name.endsWith(".yaml"));
    const clock = manualClock(QUICKSTART_START);

    const { port } = await createSandboxCluster({ clock, random: seededRandom(1), fleet: smallFleet(), crds });

    expect(files.length).toBeGreaterThan(5);
    for (const plural of files.map((name) => name.replace(".yaml", ""))) {
      const answer = await port.request({ method: "GET", path: `/apis/ringward.dev/v1alpha1/${plural}` });
      expect([plural, answer.status]).toEqual([plural, 200]);
    }
  });
});

describe("the clock's address", () => {
  it("tells another process the same policy time", async () => {
    const clock = createSandboxClock({ start: QUICKSTART_START, rate: RATE, transport: systemClock });
    const server = await serveClock(clock);
    cleanups.push(() => server.close());

    const other = createPolicyClock(await readClock(server.url), systemClock);

    expect(server.url).toContain(CLOCK_PATH);
    expect(Math.abs(other.now() - clock.now())).toBeLessThan(50 * RATE);
    await expect(readClock(`${server.url}/nothing`)).rejects.toThrow("without a clock");
  });
});
