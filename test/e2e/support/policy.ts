// The policy and the fleet of the rollouts: the quickstart's, for 30 nodes in three rings and ten workloads, with soaks of seconds and
// without windows: real time has no night to wait for.
import { readdirSync, readFileSync } from "node:fs";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import {
  NODE_RING_LABEL,
  OS_LABEL,
  quickstartMachines,
  quickstartWorkloads,
} from "../../../controller/sandbox/fleet/quickstart.ts";
import type { MachineSpec } from "../../../controller/sandbox/nodes/machines.ts";
import { namespaceObject, workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";

const QUICKSTART = new URL("../../../examples/quickstart/", import.meta.url);

/** Of the quickstart's workloads: each ring has one, each image, and each kind. The budget that allows nothing is among them. */
const WORKLOADS = new Set([
  "shop/images",
  "shop/web",
  "shop/wishlist",
  "search/query-cache",
  "search/shards",
  "payments/ledger",
  "tools/wiki",
  "data/events-db",
  "platform/log-shipper",
  "media/resize",
]);

/** 30 nodes: 3 in ring canary, 9 in early, 18 in broad. */
export function rolloutFleet(): Fleet {
  return fleetOf(quickstartMachines(30));
}

/** Of those 15: each ring has at most two of each product, and at least one. */
export function smallFleet(): Fleet {
  const counts = new Map<string, number>();
  const machines = quickstartMachines(30).filter(({ labels }) => {
    const kind = `${labels[NODE_RING_LABEL]} ${labels[OS_LABEL]}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return (counts.get(kind) ?? 0) <= 2;
  });
  return fleetOf(machines);
}

function fleetOf(machines: readonly MachineSpec[]): Fleet {
  const rows = quickstartWorkloads().filter(({ namespace, name }) => WORKLOADS.has(`${namespace}/${name}`));
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))].sort();
  return {
    machines,
    catalogue: quickstartCatalogue(),
    objects: [...namespaces.map(namespaceObject), ...rows.flatMap(workloadObjects)],
  };
}

export interface PolicyTimes {
  /** `2s` */
  readonly soak: string;
  /** Of the first ring; as the others unless given. */
  readonly canarySoak?: string;
  readonly drainTimeout: string;
  /** How long a node may take to come back; the quickstart's unless given. */
  readonly rebootTimeout?: string;
}

/** The files of the policy repository. */
export function rolloutPolicy(times: PolicyTimes): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of ["baselines", "recipes", "rings"])
    for (const name of readdirSync(new URL(`${folder}/`, QUICKSTART))) {
      const text = readFileSync(new URL(`${folder}/${name}`, QUICKSTART), "utf8");
      files.set(`${folder}/${name}`, hurry(folder, text, times));
    }
  files.set("calendars/weekdays.yaml", CALENDAR);
  return files;
}

/** Always open but for a freeze long ago: where the freeze of a test is added. */
const CALENDAR = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata:
  name: weekdays
spec:
  timeZone: Europe/Berlin
  freezes:
    - name: year-end
      startTime: 2024-12-20T12:00
      endTime: 2025-01-07T00:00
      override: Expedite
      reason: year-end freeze
`;

function hurry(folder: string, file: string, times: PolicyTimes): string {
  const { drainTimeout, rebootTimeout } = times;
  const soak = file.includes("name: canary") ? (times.canarySoak ?? times.soak) : times.soak;
  if (folder === "baselines") return file;
  if (folder === "recipes")
    return rebootTimeout === undefined ? file : replaced(file, [[/timeout: 6m$/m, `timeout: ${rebootTimeout}`]]);
  return replaced(file, [
    [/^ {2}soak: .*$/m, `  soak: ${soak}`],
    [/drain: \{ timeout: \w+,/, `drain: { timeout: ${drainTimeout},`],
  ]);
}

function replaced(text: string, changes: readonly (readonly [RegExp, string])[]): string {
  return changes.reduce((before, [pattern, by]) => {
    if (!pattern.test(before)) throw new Error(`the quickstart has nothing like ${String(pattern)} any more`);
    return before.replace(pattern, by);
  }, text);
}
