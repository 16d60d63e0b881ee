// The ledger is lost while a node is in change, and a look at that node is due in the very pass that restores its claim.
import { DISRUPTION_LEDGERS } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, CLAIM_MARK, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import type { Scene } from "../scene.ts";
import { deed, fleet, isAt, look, recipes, ring, rings, until } from "./parts.ts";

/** Looked at each minute. */
const OFTEN = `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: often }
spec:
  target: Node
  node:
    product: { id: rocky, versionId: "9" }
    source: { snapshot: 20241118T000000Z }
    minimum: { packages: [{ name: glibc, version: 2.34-100.el9_4.4 }] }
    rebootPolicy: Always
    inventory: { interval: 1m }
    recipeRef: { name: dnf }
`;

/** What is looked at beside operations is no node that an operation is under way on. */
function looksElsewhere(history: readonly StoredVersion[]): readonly string[] {
  const busy = new Set<string>();
  return history.flatMap(({ resource, type, object }) => {
    const { name, labels } = object.metadata;
    if (resource === "nodepatchstates.ringward.dev") {
      if (at(object.status, "operation") === undefined) busy.delete(name);
      else busy.add(name);
    }
    if (resource !== "jobs.batch" || type !== "ADDED" || labels?.[STEP_LABEL] !== "inventory") return [];
    const node = textAt(object.spec, "template", "spec", "nodeName") ?? "";
    return labels[CLAIM_MARK] === undefined && busy.has(node)
      ? [`look nodes/${node}: the cycle looks at it while an operation is under way`]
      : [];
  });
}

export const LOOK_DUE: Scene = {
  isRough: true,
  promises: [looksElsewhere],
  mostPasses: 500,
  scenario: until(6, {
    fleet: () => fleet([{ name: "n-1", ring: "one", os: "rocky" }]),
    policy: async () => ({
      ...(await recipes("dnf")),
      "baselines/often.yaml": OFTEN,
      ...rings({ one: ring("one", "", ["often"]) }),
    }),
    prepare(stage) {
      stage.cluster.machines.slowStage("n-1", 3 * 60_000);
      return Promise.resolve();
    },
    deeds: [
      deed(
        "the ledger is lost while the node downloads, and a look would be due",
        (stage) =>
          isAt(stage, "n-1", "Staging") &&
          stage.clock.now() -
            Date.parse(
              textAt(look(stage, "nodepatchstates.ringward.dev", "n-1"), "status", "operation", "stepTime") ?? "",
            ) >
            120_000,
        async (stage) => {
          const uid = textAt(look(stage, "disruptionledgers.ringward.dev", "cluster"), "metadata", "uid") ?? "";
          await stage.admin.delete(DISRUPTION_LEDGERS, { name: "cluster" }, { uid });
        },
      ),
    ],
  }),
};
