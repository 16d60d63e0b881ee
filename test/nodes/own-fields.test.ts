// What Ringward writes of a Node, found by comparing every version that it stored with the one before: its marks and the cordon.
import { describe, expect, it } from "vitest";
import { NODES } from "../../controller/kube/resources.ts";
import { changedPaths, OUR_NODE_FIELDS } from "../../controller/sandbox/invariants/node-fields.ts";
import { createRig, isConverged, machine, type Rig } from "../reconcile/rig.ts";

function written(rig: Rig): ReadonlySet<string> {
  return new Set(
    rig.cluster.server.store
      .history()
      .filter(({ resource, user, type }) => resource === "nodes" && rig.users.has(user) && type === "MODIFIED")
      .flatMap(({ previous, object }) => changedPaths(previous, object)),
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

    expect([...written(rig)].toSorted()).toEqual(OUR_NODE_FIELDS.toSorted());
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
