// Machines that do not do what they were told: updates that print success and do nothing, sources without the version, preparations that are not
// ready, reboots that never end, nodes that do not come back, jobs that the cluster refuses.

import { at } from "../../../controller/sandbox/invariants/readings.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, edit, FLATCAR, fleet, isPast, operationOf, pod, ring, rings, ROCKY, say, until } from "./parts.ts";

const failed = (stage: Stage, node: string): boolean => at(operationOf(stage, node), "failure") !== undefined;

const PREPARE = `    prepare:
      image: registry.example.com/ringward/recipe-flatcar:1.0@sha256:77ef203d7813268bbc656bf7dbf499729e1e7c6779a264d1f8fc5436aeab9f4d
      command: [/recipe/flatcar, prepare]
      host: ReadOnly
      timeout: 10m
`;

/** A second product of the same machines, with a source that does not have the version. */
const ELSEWHERE = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: early-source }
spec:
  target: Node
  node:
    product: { id: rocky, versionId: "9" }
    nodeSelector: { matchLabels: { source: early } }
    source: { snapshot: 20240601T000000Z }
    minimum: { packages: [{ name: openssl-libs, version: "1:3.0.7-28.el9_4" }] }
    recipeRef: { name: dnf }
`;

const RINGS = ["lies", "unprepared", "dies", "slow", "older", "mended", "rocky"];

export const MACHINES: Scene = {
  isRough: true,
  scenario: until(80, {
    fleet: () =>
      fleet(
        [
          ...RINGS.filter((name) => !["older", "rocky"].includes(name)).map((name) => ({
            name: `n-${name}`,
            ring: name,
          })),
          { name: "n-older", ring: "older", os: "rocky" as const, labels: { source: "early" } },
          { name: "n-rocky", ring: "rocky", os: "rocky" as const },
        ].map((node) => ({ ...node, zone: `zone-${node.name}` })),
        [],
        [pod("p-rocky", "n-rocky")],
      ),
    policy: async () => {
      const [flatcar, rocky] = [await FLATCAR(), await ROCKY()];
      return {
        ...flatcar,
        ...rocky,
        "recipes/flatcar.yaml": (flatcar["recipes/flatcar.yaml"] ?? "").replace("  steps:\n", `  steps:\n${PREPARE}`),
        "baselines/rocky-9.yaml": (rocky["baselines/rocky-9.yaml"] ?? "").replace(
          '    product: { id: rocky, versionId: "9" }\n',
          '    product: { id: rocky, versionId: "9" }\n    nodeSelector: { matchExpressions: [{ key: source, operator: DoesNotExist }] }\n',
        ),
        "baselines/early-source.yaml": ELSEWHERE,
        ...rings(
          Object.fromEntries(
            RINGS.map((name) => [
              name,
              ring(name, "  drain: { timeout: 10m, barePods: Evict }\n", [
                name === "older" ? "early-source" : name === "rocky" ? "rocky-9" : "flatcar",
              ]),
            ]),
          ),
        ),
      };
    },
    prepare(stage) {
      const { machines } = stage.cluster;
      machines.dropUpdate("n-lies");
      machines.failUpdate("n-mended");
      machines.unprepared("n-unprepared");
      machines.neverReadyAfterReboot("n-dies");
      machines.slowReboot("n-slow", 3 * 60_000);
      return Promise.resolve();
    },
    deeds: [
      deed(
        "what the preparation waits for is there",
        (stage) => isPast(stage, "07:20:00"),
        (stage) => stage.cluster.machines.unprepared("n-unprepared", false),
      ),
      deed(
        "a machine that did not come back is repaired",
        (stage) => failed(stage, "n-dies"),
        (stage) => stage.cluster.machines.repair("n-dies"),
      ),
      deed(
        "a failed node is repaired, uncordoned, and tried again",
        (stage) => failed(stage, "n-mended"),
        async (stage) => {
          stage.cluster.machines.repair("n-mended");
          await edit(stage, "n-mended", { unschedulable: false });
          await say(stage, "n-mended", "retryTime");
        },
      ),
      deed(
        "a lying node is repaired and tried again",
        (stage) => failed(stage, "n-lies"),
        async (stage) => {
          stage.cluster.machines.repair("n-lies");
          await say(stage, "n-lies", "retryTime");
        },
      ),
    ],
  }),
};
