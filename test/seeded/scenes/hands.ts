// People, and other tools, who get in the way of single nodes, each at a moment of its own.
import { NODES, PODS } from "../../../controller/kube/resources.ts";
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Deed } from "../../sweep/stage.ts";
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
  swapped: "  budget: { maxFailures: 5 }\n",
  retried: "  cordonedNodes: Update\n",
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

const DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt";
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
    "swapped",
    deed(
      "a machine is replaced under its cordon by a new one of its name",
      (stage) => isAt(stage, "n-swapped", "Cordoned"),
      async (stage) => {
        const uid = textAt(look(stage, "nodes", "n-swapped"), "metadata", "uid") ?? "";
        await stage.admin.delete(NODES, { name: "n-swapped" }, { uid });
        stage.cluster.machines.join({
          name: "n-swapped",
          labels: { [RING]: "swapped", "topology.kubernetes.io/zone": "zone-n-swapped" },
          image: oldImage("flatcar"),
        });
      },
    ),
  ],
  [
    "retried",
    deed(
      "a node that was cordoned before fails, and a person repairs it, gives it back, and asks again",
      (stage) => at(operationOf(stage, "n-retried"), "failure") !== undefined,
      async (stage) => {
        stage.cluster.machines.repair("n-retried");
        await edit(stage, "n-retried", { unschedulable: false });
        await say(stage, "n-retried", "retryTime");
      },
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

/** What a person wrote into a do-not-remove mark stays. */
function keepsMine(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object, previous }) =>
    resource === "nodes" &&
    previous?.metadata.annotations?.[DO_NOT_DISRUPT] === "mine" &&
    object.metadata.annotations?.[DO_NOT_DISRUPT] !== "mine"
      ? [`mine nodes/${object.metadata.name}: what a person wrote into ${DO_NOT_DISRUPT} is gone`]
      : [],
  );
}

/** The nodes and rings of a part, and the deeds that are about them. */
function sceneOf(minutes: number, isMine: (ring: string) => boolean): Scene {
  const isThere = (node: string): boolean => NODE_LINES.some((line) => line.name === node && isMine(line.ring));
  return {
    isRough: true,
    promises: [keepsHolds(HOLD), keepsCriticalLast, keepsMine],
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
        for (const name of ["n-released", "n-fails", "n-retried"])
          if (isThere(name)) stage.cluster.machines.failUpdate(name);
        for (const name of ["n-prior", "n-retried"])
          if (isThere(name)) await edit(stage, name, { unschedulable: true });
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

const isFailing = (name: string): boolean =>
  ["vanish", "reborn", "swapped", "retried", "released", "fails", "keep"].includes(name);

/** Cordons, holds of other tools, and pods that come late. */
export const HANDS = sceneOf(8, (name) => !isFailing(name));
/** Nodes that fail, that go away, and that others keep. */
export const FAILING = sceneOf(4, isFailing);
