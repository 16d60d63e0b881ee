// Targets that must stay as they are, each for a reason of its own: whoever loses one of these reasons touches its target.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { QUICKSTART_IMAGES } from "../../../controller/sandbox/fleet/quickstart.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, listAt, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Scene } from "../scene.ts";
import {
  budget,
  deed,
  edit,
  FLATCAR,
  fleet,
  IMAGES,
  look,
  operationOf,
  pod,
  recipes,
  ring,
  RING,
  rings,
  suspend,
  until,
} from "./parts.ts";

const { nginx, redis } = QUICKSTART_IMAGES;

/** A workload whose pods no node takes. */
const NOWHERE: KubeObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "nowhere", namespace: "shop" },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: "nowhere" } },
    template: {
      metadata: { labels: { app: "nowhere" } },
      spec: { nodeSelector: { nobody: "yes" }, containers: [{ name: "main", image: "registry.example.com/x:1" }] },
    },
  },
};

const EXCEPTION = (name: string, node: string, ends: string, more = ""): string => `apiVersion: ringward.dev/v1alpha1
kind: PatchException
metadata: { name: ${name} }
spec:
  targets: { kind: Node, names: [${node}] }
${more}  owner: shop
  justification: until its driver is there
  expirationTime: ${ends}
`;

const SECOND_BASELINE = `apiVersion: ringward.dev/v1alpha1
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

const SECOND_IMAGES = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: more-images }
spec:
  target: Image
  image: { images: [{ repository: ${redis.repository}, tag: ${redis.current} }] }
`;

const ODD_KERNEL = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: odd-kernel }
spec:
  target: Node
  node:
    product: { id: rocky }
    source: { snapshot: 20241118T000000Z }
    minimum: { kernels: [{ series: 6.1.0, flavour: x86_64, version: 6.1.0-1.el9.x86_64 }] }
    recipeRef: { name: dnf }
`;

const SKEW = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: skew }
spec:
  target: Node
  node:
    product: { id: ubuntu }
    nodeSelector: { matchExpressions: [{ key: above, operator: DoesNotExist }] }
    source: { snapshot: 20241212T000000Z }
    minimum: { kubelet: 1.39.0 }
    recipeRef: { name: apt }
`;

/** Below what runs, with a recipe that knows no way back. */
const OLDER = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: older }
spec:
  target: Node
  node:
    product: { id: ubuntu }
    nodeSelector: { matchLabels: { above: "yes" } }
    source: { snapshot: 20241212T000000Z }
    minimum: { kubelet: 1.31.0 }
    recipeRef: { name: forward }
`;

/** A recipe of another name without its way back. */
function forward(text: string): string {
  return text.replace("name: apt\n", "name: forward\n").replace(/ {4}rollback:\n(?: {6}.*\n)+/, "");
}

/** Pods of it change only when somebody deletes them. */
const ON_DELETE: KubeObject = {
  apiVersion: "apps/v1",
  kind: "StatefulSet",
  metadata: { name: "by-hand", namespace: "shop", labels: { [RING]: "plain" } },
  spec: {
    replicas: 1,
    serviceName: "by-hand",
    updateStrategy: { type: "OnDelete" },
    selector: { matchLabels: { app: "by-hand" } },
    template: {
      metadata: { labels: { app: "by-hand" } },
      spec: { containers: [{ name: "main", image: `${nginx.repository}:${nginx.old}` }] },
    },
  },
};

/** Rings by name: lines of their spec, and the baselines that they list. */
const RINGS: Readonly<Record<string, readonly [spec: string, baselines?: readonly string[]]>> = {
  plain: ["", ["flatcar", "images"]],
  // Nothing opens these.
  "cycle-a": ["  after: [cycle-b]\n"],
  "cycle-b": ["  after: [cycle-a]\n"],
  orphan: ["  after: [nobody]\n"],
  "no-calendar": ["  calendarRefs: [{ name: nothing }]\n"],
  empty: ["  completion: { onEmpty: Block }\n"],
  "after-empty": ["  after: [empty]\n"],
  // A ring of nobody that passes stands for those before it.
  hollow: ["  after: [halted]\n"],
  "after-hollow": ["  after: [hollow]\n"],
  halted: ["  budget: { nodes: 2, maxFailures: 0 }\n"],
  "after-halted": ["  after: [halted]\n"],
  deferred: ["  deferral: 365d\n"],
  suspended: ["  suspend: true\n"],
  "suspended-live": ["  calendarRefs: [{ name: later }]\n"],
  "no-data": ["  gates: [{ name: pods, type: PodsReady, pods: { selector: { matchLabels: { app: nobody } } } }]\n"],
  ill: ["  gates: [{ name: all, type: WorkloadsAvailable, minPercent: 100 }]\n"],
  observes: [
    `  members: { workloads: { selector: { matchLabels: { ${RING}: observes } }, mode: Observe } }\n`,
    ["images"],
  ],
  asks: ["  promotion: PullRequest\n"],
  "after-asks": ["  after: [asks]\n"],
  zero: ['  budget: { nodes: "0%" }\n'],
  // What is down by itself has used these budgets up.
  "one-down": ["  budget: { nodes: 1 }\n"],
  share: ['  budget: { nodes: "50%" }\n'],
  zoned: ["  budget: { nodes: 3, nodesPerZone: 1 }\n"],
  // Each for a reason of the node's own.
  skips: ["  cordonedNodes: Skip\n"],
  held: [""],
  karpenter: [""],
  bare: [""],
  "do-not": ["  drain: { timeout: 10m, barePods: Evict }\n"],
  "two-budgets": ["  drain: { timeout: 10m, barePods: Evict }\n"],
  "no-budget-left": ["  drain: { timeout: 10m, barePods: Evict }\n"],
  "empty-dir": ["  drain: { timeout: 10m, barePods: Evict, emptyDir: Block }\n"],
  blocking: [
    "  drain: { timeout: 10m, barePods: Evict }\n  gates: [{ name: busy, type: BlockingPods, pods: { selector: { matchLabels: { app: busy } } } }]\n",
  ],
  twice: ["", ["flatcar", "twice"]],
  both: [`  members: { nodes: { selector: { matchLabels: { both: "yes" } } } }\n`],
  kernel: ["", ["odd-kernel"]],
  skew: ["", ["skew"]],
  control: [""],
  excepted: [""],
  partly: [""],
  // Its budget is used up now, by a pod on a node that is down.
  spent: ["  drain: { timeout: 10m, barePods: Evict }\n"],
  above: ["", ["older\n      enforce: Exact"]],
};

const LATER = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: later }
spec:
  windows: [{ schedule: "2 7 * * *", duration: 10h }]
`;

const NODE_NAMES = Object.keys(RINGS).filter(
  (name) => !["empty", "hollow", "observes", "kernel", "skew", "above"].includes(name),
);

/** Nodes that cannot be drained, or are not ours to touch: they hold no budget either. */
const NEVER_CLAIMED: readonly string[] = [
  "n-bare",
  "n-do-not",
  "n-two-budgets",
  "n-no-budget-left",
  "n-spent",
  "n-empty-dir",
  "n-blocking",
  "n-skips",
  "n-held",
  "n-karpenter",
  "n-above",
  "n-excepted",
];

function keepsUnclaimed(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object }) =>
    resource !== "disruptionledgers.ringward.dev"
      ? []
      : listAt(object, "status", "claims").flatMap((claim) =>
          NEVER_CLAIMED.includes(textAt(claim, "name") ?? "")
            ? [`unclaimed nodes/${textAt(claim, "name") ?? ""}: it holds budget, and nothing can be done to it`]
            : [],
        ),
  );
}

export const UNTOUCHED: Scene = {
  isRough: true,
  promises: [keepsUnclaimed],
  scenario: until(5, {
    fleet: () =>
      fleet(
        [
          ...NODE_NAMES.map((name) => ({ name: `n-${name}`, ring: name })),
          { name: "n-halted-2", ring: "nowhere" },
          { name: "n-expired", ring: "excepted" },
          { name: "n-one-down-2", ring: "one-down" },
          { name: "n-share-2", ring: "share" },
          { name: "n-share-3", ring: "share" },
          { name: "n-zoned-2", ring: "zoned" },
          { name: "n-kernel", ring: "kernel", os: "rocky" as const },
          { name: "n-skew", ring: "skew", os: "ubuntu" as const },
          { name: "n-above", ring: "above", os: "ubuntu" as const },
        ].map((node) => ({
          ...node,
          zone: `zone-${node.name.replace(/-2$/, "")}`,
          labels: {
            ...(node.name === "n-twice" ? { twice: "yes" } : {}),
            ...(node.name === "n-both" ? { both: "yes", [RING]: "plain" } : {}),
            ...(node.name === "n-above" ? { above: "yes" } : {}),
            ...(node.name === "n-karpenter" ? { "karpenter.sh/nodepool": "default" } : {}),
            ...(node.name === "n-held" ? { "tuppr.home-operations.com/upgrading": "true" } : {}),
            ...(node.name === "n-control" ? { "node-role.kubernetes.io/control-plane": "" } : {}),
          },
        })),
        [
          { name: "web", ring: "plain", replicas: 2 },
          { name: "observed", ring: "observes" },
          {
            name: "argo",
            ring: "plain",
            annotations: { "argocd.argoproj.io/tracking-id": "argo:apps/Deployment:shop/argo" },
          },
          { name: "pair", ring: "plain", sidecar: `${redis.repository}:${redis.old}` },
        ],
        [
          pod("bare", "n-bare"),
          pod("precious", "n-do-not", { annotations: { "karpenter.sh/do-not-disrupt": "true" } }),
          pod("pulled", "n-two-budgets"),
          budget("pulled-1", "pulled", { minAvailable: 0 }),
          budget("pulled-2", "pulled", { minAvailable: 0 }),
          pod("last", "n-no-budget-left"),
          budget("last", "last", { minAvailable: 1 }),
          pod("duo-1", "n-spent", { labels: { app: "duo" } }),
          pod("duo-2", "n-one-down", { labels: { app: "duo" } }),
          budget("duo", "duo", { minAvailable: 1 }),
          pod("busy", "n-blocking"),
          pod("scratch", "n-empty-dir", {}, { volumes: [{ name: "scratch", emptyDir: {} }] }),
          NOWHERE,
          ON_DELETE,
        ],
      ),
    policy: async () => ({
      ...(await FLATCAR()),
      ...(await recipes("apt", "dnf")),
      "recipes/forward.yaml": forward((await recipes("apt"))["recipes/apt.yaml"] ?? ""),
      "baselines/older.yaml": OLDER,
      "baselines/images.yaml": IMAGES,
      "baselines/more-images.yaml": SECOND_IMAGES,
      "baselines/twice.yaml": SECOND_BASELINE,
      "baselines/odd-kernel.yaml": ODD_KERNEL,
      "baselines/skew.yaml": SKEW,
      "calendars/later.yaml": LATER,
      "exceptions/one.yaml": EXCEPTION("one", "n-excepted", "2025-06-01T00:00:00Z"),
      "exceptions/past.yaml": EXCEPTION("past", "n-expired", "2024-06-01T00:00:00Z"),
      "exceptions/partly.yaml": EXCEPTION("partly", "n-partly", "2025-06-01T00:00:00Z", "  components: [kubelet]\n"),
      ...rings(
        Object.fromEntries(
          Object.entries(RINGS).map(([name, [spec, baselines]]) => [
            name,
            ring(name, spec, name === "plain" ? ["flatcar", "images", "more-images"] : baselines),
          ]),
        ),
      ),
    }),
    async prepare(stage) {
      stage.cluster.machines.failUpdate("n-halted");
      for (const name of ["n-skips", "n-share", "n-zoned"]) await edit(stage, name, { unschedulable: true });
      const above = stage.cluster.machines.get("n-above");
      if (above !== undefined) stage.cluster.machines.put({ ...above, kubelet: "1.31.4" });
      const dead = stage.cluster.machines.get("n-one-down");
      stage.cluster.machines.neverReadyAfterReboot("n-one-down");
      if (dead !== undefined)
        stage.cluster.machines.put({ ...dead, power: { state: "stopping", until: stage.clock.now() } });
    },
    deeds: [
      deed(
        "a second node joins a ring in which one failed",
        (stage) => at(operationOf(stage, "n-halted"), "failure") !== undefined,
        (stage) => edit(stage, "n-halted-2", { labels: { [RING]: "halted" } }),
      ),
      deed(
        "a ring is suspended with kubectl before its window",
        (stage) => look(stage, "rolloutrings.ringward.dev", "suspended-live") !== undefined,
        (stage) => suspend(stage, "suspended-live"),
      ),
    ],
    // Nobody merges anything.
    answer: () => Promise.resolve(),
  }),
};
