// The policy and the fleet of the rollouts: the quickstart's, for 30 nodes in three rings and ten workloads, with soaks of seconds and
// without windows: real time has no night to wait for.
import { readdirSync, readFileSync } from "node:fs";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { quickstartMachines, quickstartWorkloads } from "../../../controller/sandbox/fleet/quickstart.ts";
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

export const NODES = 30;

/** 3 nodes in ring canary, 9 in early, 18 in broad. */
export function rolloutFleet(nodes = NODES): Fleet {
  const rows = quickstartWorkloads().filter(({ namespace, name }) => WORKLOADS.has(`${namespace}/${name}`));
  const namespaces = [...new Set(rows.map(({ namespace }) => namespace))].sort();
  return {
    machines: quickstartMachines(nodes),
    catalogue: quickstartCatalogue(),
    objects: [...namespaces.map(namespaceObject), ...rows.flatMap(workloadObjects)],
  };
}

export interface PolicyTimes {
  /** `2s` */
  readonly soak: string;
  readonly drainTimeout: string;
}

/** The files of the policy repository. */
export function rolloutPolicy({ soak, drainTimeout }: PolicyTimes): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of ["baselines", "recipes", "rings"])
    for (const name of readdirSync(new URL(`${folder}/`, QUICKSTART))) {
      const text = readFileSync(new URL(`${folder}/${name}`, QUICKSTART), "utf8");
      files.set(`${folder}/${name}`, folder === "rings" ? hurry(text, { soak, drainTimeout }) : text);
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

function hurry(ring: string, { soak, drainTimeout }: PolicyTimes): string {
  const changed = [
    [/^ {2}soak: .*$/m, `  soak: ${soak}`],
    [/drain: \{ timeout: \w+,/, `drain: { timeout: ${drainTimeout},`],
  ] as const;
  return changed.reduce((text, [pattern, by]) => {
    if (!pattern.test(text)) throw new Error(`the quickstart's ring has nothing like ${String(pattern)} any more`);
    return text.replace(pattern, by);
  }, ring);
}
