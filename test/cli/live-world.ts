// A small cluster that answers over HTTP, with the quickstart's nodes and workloads and a clock of its own, for commands that ask one.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { manualClock, seededRandom, systemClock } from "../../controller/clock.ts";
import { type Client, createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { readPolicyFolder } from "../../controller/policy/folder.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { createValidators } from "../../controller/api/validator.ts";
import { resourceOf } from "../../controller/reconcile/cluster-kinds.ts";
import { POLICY_KEYS } from "../../controller/reconcile/apply-policy.ts";
import { createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { quickstartMachines, quickstartFleet } from "../../controller/sandbox/fleet/quickstart.ts";
import { makeFolder, ROOT } from "./plan-support.ts";

const START = Date.parse("2024-12-16T06:00:00Z");
export const QUICKSTART = join(ROOT, "examples/quickstart");

export interface World {
  readonly cluster: SandboxCluster;
  readonly client: Client;
  readonly kubeconfig: string;
  /** Takes the API server off the network, with all its connections; the answer puts it back at the same address. */
  readonly interruptServer: () => Promise<() => Promise<void>>;
  readonly close: () => Promise<void>;
}

/** Starts it. */
export async function createWorld(): Promise<World> {
  const clock = manualClock(START);
  const fleet = {
    machines: quickstartMachines(10),
    catalogue: quickstartCatalogue(),
    objects: quickstartFleet().objects,
  };
  const cluster = await createSandboxCluster({
    clock,
    transportClock: systemClock,
    random: seededRandom(1),
    fleet,
    crds: join(ROOT, "crds"),
  });
  for (let round = 0; round < 60; round++) {
    await cluster.runRound();
    clock.advance(1_000);
  }
  const client = createClient(cluster.port, { fieldManager: "test", clock: systemClock });
  let server = await cluster.server.listen({ host: "127.0.0.1" });
  const { url } = server;
  const kubeconfig = join(makeFolder(), "kubeconfig");
  writeFileSync(kubeconfig, cluster.server.kubeconfig(url));
  const interruptServer = async (): Promise<() => Promise<void>> => {
    await server.close();
    return async () => {
      server = await cluster.server.listen({ host: "127.0.0.1", port: Number(new URL(url).port) });
    };
  };
  return { cluster, client, kubeconfig, interruptServer, close: () => server.close() };
}

/** Puts the quickstart's objects into the cluster, as kubectl apply would. */
export async function applyQuickstart({ client }: Pick<World, "client">): Promise<void> {
  const { objects } = loadPolicy({ files: readPolicyFolder(QUICKSTART), validators: createValidators() });
  for (const { kind, object } of objects)
    await client.create(resourceOf(POLICY_KEYS[kind]), structuredClone(object) as unknown as KubeObject);
}
