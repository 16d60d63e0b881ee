// Locks of other tools that do not stand on the node itself: kured's, in an annotation of its DaemonSet. One ends by its time, the other is taken
// just after our claim.
import { DAEMON_SETS } from "../../../controller/kube/resources.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { Stage } from "../../sweep/stage.ts";
import { keepsStill } from "../promises.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, isAt, isPast, ring, rings, until } from "./parts.ts";

const LOCK = "weave.works/kured-node-lock";

/** `minutes`: how long it holds. */
function lockText(node: string, created: number, minutes: number): string {
  return JSON.stringify({
    nodeID: node,
    metadata: {},
    created: new Date(created).toISOString(),
    TTL: minutes * 60 * 1_000_000_000,
  });
}

const kured = (name: string, lock: string): KubeObject => ({
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name, namespace: "kube-system", annotations: { [LOCK]: lock } },
  spec: {
    selector: { matchLabels: { name } },
    template: {
      metadata: { labels: { name } },
      spec: {
        nodeSelector: { nobody: "yes" },
        containers: [{ name: "kured", image: "registry.example.com/kured/kured:1.17.0" }],
      },
    },
  },
});

async function lock(stage: Stage, name: string, text: string): Promise<void> {
  await stage.admin.patch(
    DAEMON_SETS,
    { namespace: "kube-system", name },
    { type: "merge", body: { metadata: { annotations: { [LOCK]: text } } } },
  );
}

export const LOCKS: Scene = {
  isRough: true,
  promises: [keepsStill("n-late", "07:01:00", "07:03:00")],
  scenario: until(6, {
    fleet: () =>
      fleet(
        [
          { name: "n-brief", ring: "brief" },
          { name: "n-late", ring: "late", zone: "zone-b" },
        ],
        [],
        [
          { apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system" } },
          kured("kured", lockText("n-brief", Date.parse("2024-12-16T07:00:00Z"), 2)),
          kured("kured-late", ""),
        ],
      ),
    policy: async () => ({ ...(await FLATCAR()), ...rings({ brief: ring("brief"), late: ring("late") }) }),
    deeds: [
      deed(
        "kured takes a node just after our claim",
        (stage) => isAt(stage, "n-late", "Claimed"),
        (stage) => lock(stage, "kured-late", lockText("n-late", stage.clock.now(), 60)),
      ),
      deed(
        "and lets it go",
        (stage) => isPast(stage, "07:03:00"),
        (stage) => lock(stage, "kured-late", ""),
      ),
    ],
  }),
};
