// What read commands take from the objects of a cluster: the repository in force is the oldest, wherever its name stands in a list.
import { expect, it } from "vitest";
import { ownObjects, ringsBehind } from "../../controller/cli/live-policy.ts";
import type { KubeObject } from "../../controller/kube/port.ts";

it("asks the repository that is in force what the controller has come to, and not one that comes before it by its name", () => {
  const objects = new Map<string, readonly KubeObject[]>([
    [
      "PolicyRepository",
      [
        { metadata: { name: "a-second", creationTimestamp: "2026-11-18T00:00:00Z" }, status: {} },
        { metadata: { name: "policy", creationTimestamp: "2026-11-17T00:00:00Z" }, status: { observedCommit: "c1" } },
      ],
    ],
    [
      "RolloutRing",
      [
        { metadata: { name: "there" }, status: { observedCommit: "c1" } },
        { metadata: { name: "behind" }, status: { observedCommit: "c0" } },
        { metadata: { name: "by hand" }, status: {} },
      ],
    ],
  ]);

  expect(ownObjects(objects).repositories[0]?.metadata.name).toBe("policy");
  expect([...ringsBehind({ objects })]).toEqual(["behind"]);
});
