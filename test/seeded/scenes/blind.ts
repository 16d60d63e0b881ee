// Machines of which little is known: looks at them fail or print what is no report, a kubelet falls silent, a reboot is asked for and does not come,
// a node does not come back, packages wait for a reboot that nobody gives them. Unknown must never count as well.
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, evictableFrom, listAt, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import {
  commit,
  deed,
  edit,
  FLATCAR,
  fleet,
  isPast,
  look,
  operationOf,
  pod,
  recipes,
  ring,
  rings,
  say,
  until,
} from "./parts.ts";

/** What every machine has already: it is looked at, and not changed. */
const libraries = (
  name: string,
  label: string,
  minimum: string,
  more = "",
): string => `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: ${name} }
spec:
  target: Node
  node:
    product: { id: rocky, versionId: "9" }
    nodeSelector: { matchLabels: { has: ${label} } }
    source: { snapshot: 20241118T000000Z }
    minimum: { packages: [${minimum}] }
    recipeRef: { name: dnf }
${more}`;

const GLIBC = "{ name: glibc, version: 2.34-100.el9_4.2 }";
const CURL = "{ name: curl, version: 7.76.1-29.el9_4.1 }";
const EXPAT = "{ name: expat, version: 2.5.0-2.el9_4.1 }";

/** A new minor of the kubelet, and nothing that asks for a reboot. */
const MINOR = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: minor }
spec:
  target: Node
  node:
    product: { id: ubuntu }
    source: { snapshot: 20241212T000000Z }
    minimum: { kubelet: 1.31.4 }
    recipeRef: { name: apt }
    rebootPolicy: Never
`;

const LOOK = `    inventory:
      image: registry.example.com/ringward/recipe-flatcar:1.0@sha256:77ef203d7813268bbc656bf7dbf499729e1e7c6779a264d1f8fc5436aeab9f4d
      command: [/recipe/flatcar, inventory]
      host: ReadOnly
      timeout: 10m
`;

/** Rings of one node each, with their baseline. */
const RINGS: Readonly<Record<string, readonly [baseline: string, spec: string]>> = {
  aged: ["aged", ""],
  unasked: ["unasked", ""],
  waits: ["waits", "  budget: { nodes: 0 }\n"],
  broken: ["flatcar", ""],
  garbled: ["flatcar", ""],
  deaf: ["flatcar", ""],
  dead: ["flatcar", ""],
  "back-late": ["always", ""],
  silent: ["flatcar", ""],
  twice: ["flatcar", "  cordonedNodes: Update\n"],
  minor: ["minor", ""],
};
const DRAIN = "  drain: { timeout: 10m, barePods: Evict }\n";
const ROCKY: readonly string[] = ["aged", "unasked", "waits", "back-late"];

const failed = (stage: Stage, node: string): boolean => at(operationOf(stage, node), "failure") !== undefined;
const wasLookedAt = (stage: Stage, node: string): boolean =>
  at(look(stage, "nodepatchstates.ringward.dev", node), "status", "inventory") !== undefined;
const isVerified = (stage: Stage, node: string): boolean =>
  listAt(look(stage, "nodepatchstates.ringward.dev", node), "status", "history").length > 0 &&
  operationOf(stage, node) === undefined;

/** The kubelet's minor changes on a node that no pod is left on. */
function changesMinorEmpty(history: readonly StoredVersion[]): readonly string[] {
  const pods = new Set<string>();
  const lines: string[] = [];
  for (const { resource, object, type, key, previous } of history) {
    if (resource === "pods" && (evictableFrom(object) === "n-minor" || pods.has(key))) {
      if (type === "DELETED") pods.delete(key);
      else pods.add(key);
    }
    if (resource !== "jobs.batch" || object.metadata.labels?.[STEP_LABEL] !== "update") continue;
    if (textAt(object.spec, "template", "spec", "nodeName") !== "n-minor" || at(object.spec, "suspend") === true)
      continue;
    if (previous !== undefined && at(previous.spec, "suspend") === true && pods.size > 0)
      lines.push("minor nodes/n-minor: the kubelet's minor was changed under a pod");
  }
  return lines;
}

export const BLIND: Scene = {
  isRough: true,
  promises: [changesMinorEmpty],
  mostPasses: 600,
  scenario: until(20, {
    fleet: () =>
      fleet(
        Object.keys(RINGS).map((name) => ({
          name: `n-${name}`,
          ring: name,
          zone: `zone-${name}`,
          os: ROCKY.includes(name) ? ("rocky" as const) : name === "minor" ? ("ubuntu" as const) : ("flatcar" as const),
          labels: { has: name },
        })),
        [],
        [pod("p-minor", "n-minor")],
      ),
    policy: async () => {
      const flatcar = await FLATCAR();
      return {
        ...flatcar,
        ...(await recipes("dnf", "apt")),
        "recipes/flatcar.yaml": (flatcar["recipes/flatcar.yaml"] ?? "").replace("  steps:\n", `  steps:\n${LOOK}`),
        "baselines/aged.yaml": libraries("aged", "aged", GLIBC, "    inventory: { interval: 10m, staleAfter: 15m }\n"),
        "baselines/unasked.yaml": libraries("unasked", "unasked", GLIBC),
        "baselines/waits.yaml": libraries("waits", "waits", GLIBC),
        // All that is wanted is there before the reboot: only that the node is down speaks against it then.
        "baselines/always.yaml": libraries("always", "back-late", CURL, "    rebootPolicy: Always\n"),
        "baselines/minor.yaml": MINOR,
        ...rings(
          Object.fromEntries(
            Object.entries(RINGS).map(([name, [baseline, spec]]) => [name, ring(name, `${DRAIN}${spec}`, [baseline])]),
          ),
        ),
      };
    },
    async prepare(stage) {
      const { machines } = stage.cluster;
      const waits = machines.get("n-waits");
      if (waits !== undefined) machines.put({ ...waits, rebootCauses: ["glibc"] });
      const minor = machines.get("n-minor");
      if (minor !== undefined) machines.put({ ...minor, kubelet: "1.30.9" });
      machines.blind("n-broken", "Fails");
      machines.blind("n-garbled", "Garbled");
      machines.deafToReboot("n-deaf");
      for (const node of ["n-dead", "n-back-late"]) machines.neverReadyAfterReboot(node);
      machines.failUpdate("n-twice");
      await edit(stage, "n-twice", { unschedulable: true });
    },
    repository: { interval: "1s" },
    deeds: [
      ...["n-aged", "n-unasked"].map((node) =>
        deed(
          `the package database of ${node} breaks after the first look`,
          (stage) => wasLookedAt(stage, node),
          (stage) => stage.cluster.machines.blind(node, "Fails"),
        ),
      ),
      deed(
        "people want a package that nobody could look for",
        (stage) => isPast(stage, "07:03:00"),
        (stage) => commit(stage, { "baselines/unasked.yaml": libraries("unasked", "unasked", `${GLIBC}, ${EXPAT}`) }),
      ),
      deed(
        "a kubelet falls silent after its update",
        (stage) => isVerified(stage, "n-silent"),
        (stage) => stage.cluster.machines.silence("n-silent"),
      ),
      deed(
        "a failed node is mended, uncordoned, and tried again",
        (stage) => failed(stage, "n-twice"),
        async (stage) => {
          stage.cluster.machines.repair("n-twice");
          await edit(stage, "n-twice", { unschedulable: false });
          await say(stage, "n-twice", "retryTime");
        },
      ),
      deed(
        "and a person cordons it before we do",
        (stage) => at(operationOf(stage, "n-twice"), "attempt") === 2,
        (stage) => edit(stage, "n-twice", { unschedulable: true }),
      ),
    ],
  }),
};
