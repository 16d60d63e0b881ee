// Writes cluster.json beside this file: what kubectl would print of the sandbox's quickstart fleet at one moment, from a fixed seed.
// Run it again after the fleet changed: node examples/dump-quickstart/generate.ts
import { writeFileSync } from "node:fs";
import { manualClock, seededRandom } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  JOBS,
  LEASES,
  NODES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  REPLICA_SETS,
  STATEFUL_SETS,
} from "../../controller/kube/resources.ts";
import { createSandboxCluster, type SandboxCluster } from "../../controller/sandbox/cluster.ts";
import { quickstartFleet } from "../../controller/sandbox/fleet/quickstart.ts";
import type { MachineSpec } from "../../controller/sandbox/nodes/machines.ts";

const START = Date.parse("2024-12-16T06:00:00Z");
const STEP_MS = 2_000;
const KINDS = [
  NODES,
  PODS,
  DEPLOYMENTS,
  STATEFUL_SETS,
  DAEMON_SETS,
  REPLICA_SETS,
  POD_DISRUPTION_BUDGETS,
  LEASES,
  JOBS,
];

/** Machines that somebody updated by hand before Ringward came, and one that runs a kernel of another flavour. */
function withHistory(machine: MachineSpec): MachineSpec {
  const { name, image } = machine;
  if (/^flatcar-0[1-4]$/.test(name))
    return {
      ...machine,
      image: {
        ...image,
        osRelease: { ...image.osRelease, versionId: "3975.2.2", prettyName: "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)" },
        kernel: "6.6.54-flatcar",
        kubelet: "1.31.4",
        containerRuntime: "containerd://1.7.18",
      },
    };
  if (/^ubuntu-0[1-3]$/.test(name)) return { ...machine, image: { ...image, kernel: "5.15.0-125-generic", kubelet: "1.31.4" } };
  if (name === "ubuntu-09") return { ...machine, image: { ...image, kernel: "5.15.0-1066-aws" } };
  return machine;
}

async function settle(cluster: SandboxCluster, advance: (ms: number) => void): Promise<void> {
  for (let round = 0, quiet = 0; quiet < 5; round += 1) {
    if (round > 2_000) throw new Error("the cluster does not settle");
    const { writes, errors } = await cluster.runRound();
    if (errors[0] !== undefined) throw new Error(`${errors[0].actor} failed`, { cause: errors[0].error });
    advance(STEP_MS);
    quiet = writes > 0 || cluster.busy() ? 0 : quiet + 1;
  }
}

/** What kubectl leaves out, and what only this process knows. */
function printed({ metadata, ...object }: KubeObject): KubeObject {
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

const fleet = quickstartFleet();
const clock = manualClock(START);
const cluster = await createSandboxCluster({
  clock,
  random: seededRandom(1),
  fleet: { ...fleet, machines: fleet.machines.map(withHistory) },
});
await settle(cluster, (ms) => clock.advance(ms));
const client = createClient(cluster.port, { fieldManager: "kubectl-cordon", clock });
await client.patch(NODES, { name: "rocky-04" }, { type: "merge", body: { spec: { unschedulable: true } } });
await settle(cluster, (ms) => clock.advance(ms));

const items: KubeObject[] = [];
for (const kind of KINDS) items.push(...(await client.list(kind)).items.map(printed));
const list = { apiVersion: "v1", items, kind: "List", metadata: { resourceVersion: "" } };
const file = new URL("cluster.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(list, undefined, 1)}\n`);
process.stderr.write(`${items.length} objects\n`);
