// The rollout of the sweeps in which something happens at a step: three rings, nine nodes, four workloads, two baselines, and what is wanted of
// nodes and of images changes while the first levels are still on their way.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { at, listAt, textAt } from "../../controller/sandbox/invariants/readings.ts";
import { CALENDAR, fleetOf, type NodeRow, policyOf, ringFile, type RingName, WORKLOADS } from "./scenario.ts";
import type { Deed, Scenario } from "./stage.ts";
import type { Stage } from "./stage.ts";

const RINGS: readonly RingName[] = ["canary", "early", "broad"];
const NODES: readonly NodeRow[] = [
  ["rocky-1", "rocky", "canary", "zone-a"],
  ["rocky-2", "rocky", "canary", "zone-b"],
  ["rocky-3", "rocky", "early", "zone-a"],
  ["rocky-4", "rocky", "early", "zone-b"],
  ["rocky-5", "rocky", "early", "zone-c"],
  ["rocky-6", "rocky", "broad", "zone-a"],
  ["rocky-7", "rocky", "broad", "zone-b"],
  ["rocky-8", "rocky", "broad", "zone-b"],
  ["rocky-9", "rocky", "broad", "zone-c"],
];

const FOREIGN = /^(?:baselines\/(?!rocky|shared)|recipes\/(?!dnf))/;
const BASELINES = /\n {2}levels:[^]*$/;
const EXAMPLES = fileURLToPath(new URL("../../examples/quickstart/baselines", import.meta.url));

/** The window of the night is open when summer begins and when it ends. */
const BERLIN = CALENDAR.replace("timeZone: UTC", "timeZone: Europe/Berlin").replace(
  "  windows:\n",
  '  windows:\n    - { name: night, schedule: "0 1 * * *", duration: 3h, cutoff: 10m }\n',
);

function ring(name: RingName, options: Parameters<typeof ringFile>[1]): string {
  return ringFile(name, options).replace(
    BASELINES,
    "\n  onSupersede: Restart\n  levels:\n    - baseline: rocky-9\n    - baseline: shared-images\n",
  );
}

/** What is wanted first: a month behind what is wanted in the end. */
const EARLIER: readonly (readonly [path: string, from: string, to: string])[] = [
  ["baselines/rocky-9.yaml", "5.14.0-427.42.1.el9_4.x86_64", "5.14.0-427.40.1.el9_4.x86_64"],
  ["baselines/rocky-9.yaml", "kubelet: 1.31.2", "kubelet: 1.31.1"],
  ["baselines/shared-images.yaml", "tag: 1.27.3", "tag: 1.27.2"],
];

async function policy(): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {
    ...(await policyOf({
      "rings/canary.yaml": ring("canary", { budget: "{ nodes: 2, workloads: 1 }", promotion: "Automatic" }),
      "rings/early.yaml": ring("early", { after: "canary", budget: "{ nodes: 3, workloads: 1 }" }),
      "rings/broad.yaml": ring("broad", {
        after: "early",
        budget: "{ nodes: 4, nodesPerZone: 2, workloads: 2 }",
      }),
    })),
  };
  files["calendars/weekdays.yaml"] = BERLIN;
  const kept = Object.fromEntries(Object.entries(files).filter(([path]) => !FOREIGN.test(path)));
  for (const [path, from, to] of EARLIER) {
    const text = kept[path] ?? "";
    if (!text.includes(from)) throw new Error(`${path} does not say ${from}`);
    kept[path] = text.replace(from, to);
  }
  return kept;
}

function isClaimed(stage: Stage, ringName: string, baseline: string): boolean {
  const ledger = stage.cluster.server.store
    .snapshot()
    .tables.get("disruptionledgers.ringward.dev")
    ?.objects.get("cluster");
  return listAt(at(ledger, "status"), "claims").some(
    (claim) => textAt(claim, "ring") === ringName && textAt(claim, "baseline") === baseline,
  );
}

/** A person wants what the example wants. */
const change = (name: string): Deed => ({
  name: `what is wanted of ${name} changes`,
  isDue: (stage) => isClaimed(stage, "early", name),
  async act({ house, clock }) {
    const path = `baselines/${name}.yaml`;
    const text = await readFile(`${EXAMPLES}/${name}.yaml`, "utf8");
    house?.remote.people.commitFiles("main", { [path]: text }, { message: `raise ${name}`, time: clock.now() });
  },
});

export const CHANGING: Scenario = {
  fleet: () => fleetOf(NODES, WORKLOADS),
  policy,
  rings: RINGS,
  limits: { nodes: 4, workloads: 3, nodesPerZone: 3 },
  prepare: () => Promise.resolve(),
  deeds: [change("rocky-9"), change("shared-images")],
  last: { ring: "broad", levels: 2 },
};
