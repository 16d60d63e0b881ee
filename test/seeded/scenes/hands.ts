// People, and other tools, who get in the way of single nodes, each at a moment of its own.
import { PODS } from "../../../controller/kube/resources.ts";
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Deed } from "../../sweep/scenario.ts";
import type { Stage } from "../../sweep/stage.ts";
import { keepsCriticalLast, keepsHolds } from "../promises.ts";
import type { Scene } from "../scene.ts";
import {
  deed,
  edit,
  FLATCAR,
  fleet,
  isAt,
  isClaimed,
  isCordoned,
  isPast,
  look,
  type NodeLine,
  operationOf,
  pod,
  ring,
  RING,
  rings,
  say,
  until,
} from "./parts.ts";

export const HOLD = "tuppr.home-operations.com/upgrading";
const hold = (stage: Stage, node: string, on: boolean): Promise<void> =>
  edit(stage, node, { labels: { [HOLD]: on ? "true" : null } });

const EVICT = "  drain: { timeout: 10m, barePods: Evict }\n";
const RINGS: Readonly<Record<string, string>> = {
  moved: "",
  elsewhere: "  members: { nodes: { selector: { matchLabels: { [RING]: elsewhere } } } }\n  promotion: PullRequest\n",
  "held-drain": EVICT,
  "held-window": `${EVICT}  calendarRefs: [{ name: brief }]\n`,
  "held-early": "",
  "skip-at-once": "  cordonedNodes: Skip\n",
  "skip-late": "  cordonedNodes: Skip\n",
  vanish: "  budget: { nodes: 1 }\n",
  reborn: "  budget: { maxFailures: 5 }\n",
  wiped: EVICT,
  "uncordon-early": "",
  "uncordon-updated": "",
  "uncordon-rebooting": "",
  released: "",
  fails: "",
  keep: "  budget: { nodes: 3 }\n",
  prior: "  cordonedNodes: Update\n  budget: { nodes: 1 }\n",
  late: EVICT,
  busy: `${EVICT}  gates: [{ name: busy, type: BlockingPods, pods: { selector: { matchLabels: { app: busy } } } }]\n`,
  critical: EVICT,
  drained: "  drain: { timeout: 2m }\n",
};

const BRIEF = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: brief }
spec:
  windows: [{ schedule: "0 7 * * *", duration: 2m }]
`;

const ANNOTATIONS = [
  "ringward.dev/claim",
  "ringward.dev/prior-unschedulable",
  "ringward.dev/prior-marks",
  "cluster-autoscaler.kubernetes.io/scale-down-disabled",
  "karpenter.sh/do-not-disrupt",
];

type Told = readonly [ring: string, deed: Deed];

const DEEDS: readonly Told[] = [
  [
    "moved",
    deed(
      "a node moves to a ring that is approved for nothing",
      (stage) => isAt(stage, "n-moved", "Cordoned"),
      (stage) => edit(stage, "n-moved", { labels: { [RING]: "elsewhere" } }),
    ),
  ],
  ...["n-held-drain", "n-held-window"].map((node): Told => [
    node.slice(2),
    deed(
      `another tool takes ${node} under our cordon`,
      (stage) => isAt(stage, node, "Cordoned"),
      (stage) => hold(stage, node, true),
    ),
  ]),
  [
    "held-early",
    deed(
      "another tool takes a node just after its claim",
      (stage) => isAt(stage, "n-held-early", "Claimed"),
      (stage) => hold(stage, "n-held-early", true),
    ),
  ],
  [
    "held-early",
    deed(
      "the other tool is done",
      (stage) => isPast(stage, "07:04:00"),
      async (stage) => {
        for (const node of ["n-held-drain", "n-held-window", "n-held-early"]) await hold(stage, node, false);
      },
    ),
  ],
  [
    "skip-at-once",
    deed(
      "a person cordons a node between its claim and its first step",
      (stage) => isClaimed(stage, "n-skip-at-once"),
      (stage) => edit(stage, "n-skip-at-once", { unschedulable: true }),
    ),
  ],
  [
    "skip-late",
    deed(
      "a person cordons a node after its first step",
      (stage) => isAt(stage, "n-skip-late", "Claimed"),
      (stage) => edit(stage, "n-skip-late", { unschedulable: true }),
    ),
  ],
  [
    "vanish",
    deed(
      "a node vanishes in its update",
      (stage) => isAt(stage, "n-vanish", "Updating"),
      (stage) => stage.cluster.machines.vanish("n-vanish"),
    ),
  ],
  [
    "reborn",
    deed(
      "a node goes away under its cordon",
      (stage) => isAt(stage, "n-reborn", "Cordoned"),
      (stage) => stage.cluster.machines.vanish("n-reborn"),
    ),
  ],
  [
    "reborn",
    deed(
      "and another one comes with its name",
      (stage) => look(stage, "nodes", "n-reborn") === undefined,
      (stage) =>
        stage.cluster.machines.join({
          name: "n-reborn",
          labels: { [RING]: "reborn", "topology.kubernetes.io/zone": "zone-n-reborn" },
          image: oldImage("flatcar"),
        }),
    ),
  ],
  [
    "wiped",
    deed(
      "somebody wipes the annotations of a cordoned node",
      (stage) => isAt(stage, "n-wiped", "Cordoned"),
      (stage) => edit(stage, "n-wiped", { annotations: Object.fromEntries(ANNOTATIONS.map((key) => [key, null])) }),
    ),
  ],
  [
    "uncordon-updated",
    deed(
      "a person uncordons a node after its update",
      (stage) => isAt(stage, "n-uncordon-updated", "Updated"),
      (stage) => edit(stage, "n-uncordon-updated", { unschedulable: false }),
    ),
  ],
  [
    "uncordon-rebooting",
    deed(
      "a person uncordons a node just before its reboot",
      (stage) => isAt(stage, "n-uncordon-rebooting", "Rebooting"),
      (stage) => edit(stage, "n-uncordon-rebooting", { unschedulable: false }),
    ),
  ],
  [
    "released",
    deed(
      "a person releases a failed node",
      (stage) => at(operationOf(stage, "n-released"), "failure") !== undefined,
      (stage) => say(stage, "n-released", "release"),
    ),
  ],
  [
    "keep",
    deed(
      "a person writes into a do-not-remove mark",
      (stage) => isCordoned(stage, "n-keep-3"),
      (stage) => edit(stage, "n-keep-3", { annotations: { "karpenter.sh/do-not-disrupt": "mine" } }),
    ),
  ],
  [
    "late",
    deed(
      "a pod is bound late",
      (stage) => isAt(stage, "n-late", "Drained"),
      async (stage) => void (await stage.admin.create(PODS, pod("p-late", "n-late"))),
    ),
  ],
  [
    "busy",
    deed(
      "a pod that holds its node back comes after the claim",
      (stage) => isAt(stage, "n-busy", "Claimed"),
      async (stage) => void (await stage.admin.create(PODS, pod("busy", "n-busy"))),
    ),
  ],
  [
    "drained",
    deed(
      "a pod that nobody may evict comes under the cordon",
      (stage) => isAt(stage, "n-drained", "Cordoned"),
      async (stage) =>
        void (await stage.admin.create(
          PODS,
          pod("p-stays", "n-drained", { annotations: { "karpenter.sh/do-not-disrupt": "true" } }),
        )),
    ),
  ],
  [
    "uncordon-early",
    deed(
      "a person uncordons a node without pods just after our cordon",
      (stage) => isAt(stage, "n-uncordon-early", "Cordoned"),
      (stage) => edit(stage, "n-uncordon-early", { unschedulable: false }),
    ),
  ],
];

const NODE_LINES: readonly NodeLine[] = [
  ...Object.keys(RINGS)
    .filter((name) => !["elsewhere", "keep"].includes(name))
    .map((name) => ({ name: `n-${name}`, ring: name })),
  { name: "n-vanish-2", ring: "vanish" },
  { name: "n-keep-1", ring: "keep" },
  { name: "n-keep-2", ring: "keep" },
  { name: "n-keep-3", ring: "keep" },
];

/** The nodes and rings of a part, and the deeds that are about them. */
function sceneOf(minutes: number, isMine: (ring: string) => boolean): Scene {
  const isThere = (node: string): boolean => NODE_LINES.some((line) => line.name === node && isMine(line.ring));
  return {
    isRough: true,
    promises: [keepsHolds(HOLD), keepsCriticalLast],
    scenario: until(minutes, {
      fleet: () =>
        fleet(
          NODE_LINES.filter(({ ring: name }) => isMine(name)).map((node) => ({ ...node, zone: `zone-${node.name}` })),
          [],
          [
            pod("p-held", "n-held-drain"),
            pod("p-wiped", "n-wiped"),
            pod("p-wiped-2", "n-wiped"),
            pod("p-critical", "n-critical", {}, { priority: 2_000_000_000 }),
            pod("p-normal", "n-critical"),
          ].filter(({ spec }) => isThere(textAt(spec, "nodeName") ?? "")),
        ),
      policy: async () => ({
        ...(await FLATCAR()),
        "calendars/brief.yaml": BRIEF,
        ...rings(
          Object.fromEntries(
            Object.entries(RINGS)
              .filter(([name]) => isMine(name))
              .map(([name, spec]) => [name, ring(name, spec.replace("[RING]", RING), ["flatcar"])]),
          ),
        ),
      }),
      async prepare(stage) {
        for (const name of ["n-released", "n-fails"]) if (isThere(name)) stage.cluster.machines.failUpdate(name);
        if (isThere("n-prior")) await edit(stage, "n-prior", { unschedulable: true });
        if (!isThere("n-keep-1")) return;
        await edit(stage, "n-keep-1", { annotations: { "karpenter.sh/do-not-disrupt": "true" } });
        await edit(stage, "n-keep-2", {
          annotations: { "cluster-autoscaler.kubernetes.io/scale-down-disabled": "false" },
        });
      },
      // Nobody merges anything.
      answer: () => Promise.resolve(),
      deeds: DEEDS.filter(([name]) => isMine(name)).map(([, one]) => one),
    }),
  };
}

const isFailing = (name: string): boolean => ["vanish", "reborn", "released", "fails", "keep"].includes(name);

/** Cordons, holds of other tools, and pods that come late. */
export const HANDS = sceneOf(8, (name) => !isFailing(name));
/** Nodes that fail, that go away, and that others keep. */
export const FAILING = sceneOf(4, isFailing);
