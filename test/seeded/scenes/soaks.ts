// Completion and soak: half of a ring is enough, and meanwhile a node is in change, has failed, falls back, goes down, or is claimed by a second
// baseline; a gate shuts while a level soaks.
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import {
  approve,
  deed,
  edit,
  FLATCAR,
  fleet,
  isSoaked,
  levelIn,
  look,
  recordsOf,
  ring,
  rings,
  suspend,
  until,
} from "./parts.ts";

const HALF = "  completion: { minPercent: 50 }\n";
const PAIR = `${HALF}  budget: { nodes: 2, maxFailures: 0 }\n`;

const RINGS: Readonly<Record<string, string>> = {
  // The first is done while the second, which takes its time, is in change.
  flight: PAIR,
  fails: PAIR,
  falls: `${PAIR}  soak: 4m\n`,
  // Nothing to wait for, but what fell back counts all the same.
  fell: `${PAIR}  soak: 0s\n`,
  "after-fell": "  after: [fell]\n  promotion: PullRequest\n  calendarRefs: [{ name: later }]\n",
  down: "  soak: 40s\n",
  gated: `${HALF}  budget: { nodes: 2 }\n  soak: 20s\n  cordonedNodes: Skip\n  gates: [{ name: nodes, type: NodesReady, minPercent: 100 }]\n`,
  twice: "  promotion: PullRequest\n",
};

const LATER = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: later }
spec:
  windows: [{ schedule: "5 7 * * *", duration: 10h }]
`;

const SECOND = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: twice }
spec:
  target: Node
  node:
    product: { id: flatcar }
    nodeSelector: { matchLabels: { twice: "yes" } }
    source: { osImageDigest: "sha256:5470680d173384404a115cb1bd2a1e4239143df6e15a9a0cf5f3caa06ba3afd0" }
    minimum: { osImage: 3975.2.2 }
    recipeRef: { name: flatcar }
`;

const PAIRS: readonly string[] = ["flight", "fails", "falls", "fell", "gated"];

/** A ring is complete, and soaks. */
const soaks = (stage: Stage, name: string): boolean =>
  recordsOf(stage, name).some(
    (level) => textAt(level, "phase") === "Soaking" && textAt(level, "completedTime") !== undefined,
  );

/** Its kubelet runs, and says that the node is not Ready. */
function makeIll(stage: Stage, name: string): void {
  const machine = stage.cluster.machines.get(name);
  if (machine !== undefined)
    stage.cluster.machines.put({ ...machine, power: { state: "booting", until: Date.parse("2025-01-01T00:00:00Z") } });
}

/** It runs an older kubelet than it was verified with; its ring is suspended, so that nobody mends it. */
async function fallBack(stage: Stage, ringName: string): Promise<void> {
  const machine = stage.cluster.machines.get(`n-${ringName}`);
  if (machine !== undefined) stage.cluster.machines.put({ ...machine, kubelet: "1.31.0" });
  await suspend(stage, ringName);
}

export const SOAKS: Scene = {
  isRough: true,
  scenario: until(10, {
    fleet: () =>
      fleet(
        [
          ...Object.keys(RINGS).map((name) => ({ name: `n-${name}`, ring: name })),
          ...PAIRS.map((name) => ({ name: `n-${name}-2`, ring: name })),
        ].map((node) => ({ ...node, zone: `zone-${node.name}` })),
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      "baselines/twice.yaml": SECOND,
      "calendars/later.yaml": LATER,
      ...rings(Object.fromEntries(Object.entries(RINGS).map(([name, spec]) => [name, ring(name, spec)]))),
    }),
    answer: () => Promise.resolve(),
    async prepare(stage) {
      stage.cluster.machines.failUpdate("n-fails-2");
      stage.cluster.machines.slowReboot("n-flight-2", 60_000);
      await edit(stage, "n-gated-2", { unschedulable: true });
    },
    deeds: [
      deed(
        "a node falls back while its ring soaks",
        (stage) =>
          soaks(stage, "falls") && recordsOf(stage, "falls").some((level) => Number(at(level, "soakedSeconds")) > 0),
        (stage) => fallBack(stage, "falls"),
      ),
      deed(
        "a node falls back after its ring soaked, and people approve its level by hand in other rings",
        (stage) => isSoaked(stage, "fell"),
        async (stage) => {
          for (const name of ["after-fell", "twice"])
            approve(stage, name, `      level: ${levelIn(stage, "fell") ?? ""}\n`);
          await fallBack(stage, "fell");
        },
      ),
      deed(
        "a node is not Ready any more while its ring soaks",
        (stage) => soaks(stage, "down"),
        (stage) => makeIll(stage, "n-down"),
      ),
      deed(
        "a node that was not updated is not Ready any more while its ring soaks",
        (stage) => soaks(stage, "gated"),
        (stage) => makeIll(stage, "n-gated-2"),
      ),
      deed(
        "a second baseline claims a node that is done",
        (stage) => textAt(look(stage, "nodepatchstates.ringward.dev", "n-twice"), "status", "phase") === "Done",
        (stage) => edit(stage, "n-twice", { labels: { twice: "yes" } }),
      ),
    ],
  }),
};
