// What Ringward writes of a Node, found by comparing every version that it stored with the one before: its marks and the cordon.
import { describe, expect, it } from "vitest";
import { NODES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, type Rig } from "../reconcile/rig.ts";

/** Paths at which two values differ. */
function changed(before: unknown, after: unknown, path = ""): readonly string[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
  if (!isObject(before) || !isObject(after)) return [path];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    changed(before[key], after[key], `${path}/${key}`),
  );
}

const OURS = [
  "/metadata/annotations/cluster-autoscaler.kubernetes.io/scale-down-disabled",
  "/metadata/annotations/karpenter.sh/do-not-disrupt",
  "/metadata/annotations/ringward.dev/claim",
  "/metadata/annotations/ringward.dev/prior-marks",
  "/metadata/annotations/ringward.dev/prior-unschedulable",
  "/spec/unschedulable",
];
/** What the server itself keeps of every write. */
const SERVERS = ["/metadata/resourceVersion", "/metadata/managedFields"];

function written(rig: Rig): ReadonlySet<string> {
  return new Set(
    rig.cluster.server.store
      .history()
      .filter(({ resource, user, type }) => resource === "nodes" && rig.users.has(user) && type === "MODIFIED")
      .flatMap(({ previous, object }) => changed(previous, object))
      .filter((path) => !SERVERS.some((own) => path.startsWith(own))),
  );
}

describe("of a Node", () => {
  it("only our own fields are written, whatever others write at the same moment (K8)", async () => {
    const nodes = ["n1", "n2", "n3", "n4"];
    const rig = await createRig({ workloads: [], machines: nodes.map((name) => machine(name)) });
    // One fails and is given up, one is uncordoned by a person, one goes the whole way; all are written by others all the time.
    rig.cluster.machines.failUpdate("n3");
    let count = 0;
    await rig.until(
      "three are patched",
      async () => {
        count += 1;
        for (const name of nodes)
          await rig.admin.patch(
            NODES,
            { name },
            {
              type: "merge",
              body: {
                metadata: {
                  labels: { "example.com/count": String(count) },
                  annotations: { "example.com/count": String(count) },
                },
                spec: { taints: [{ key: "example.com/count", value: String(count), effect: "PreferNoSchedule" }] },
              },
            },
          );
        if (count === 60) rig.cluster.machines.repair("n3");
        return isConverged(rig);
      },
      300,
    );

    expect([...written(rig)].toSorted()).toEqual(OURS);
    for (const name of nodes) {
      const { metadata, spec } = await rig.node(name);
      expect(metadata.labels?.["example.com/count"]).toBe(String(count));
      expect((spec as { taints?: unknown }).taints).toEqual([
        { key: "example.com/count", value: String(count), effect: "PreferNoSchedule" },
      ]);
      expect(Object.keys(metadata.annotations ?? {}).filter((key) => key.startsWith("ringward.dev/"))).toEqual([]);
    }
  });
});
