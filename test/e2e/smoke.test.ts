// The control plane itself: that the four programs work together, that the sandbox's kubelets are nodes to them, and that its history
// and its audit log say what happened.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { JOBS, NAMESPACES, NODES, PODS } from "../../controller/kube/resources.ts";
import type { Node, Pod } from "../../controller/sandbox/actors/objects.ts";
import { quickstartCatalogue } from "../../controller/sandbox/fleet/images.ts";
import { quickstartMachines } from "../../controller/sandbox/fleet/quickstart.ts";
import { recipeJob } from "../sandbox/actors/cluster-driver.ts";
import { type ControlPlane, startControlPlane } from "./support/control-plane.ts";
import { type Kubelets, startKubelets } from "./support/kubelets.ts";
import { waitFor } from "./support/waiting.ts";

const LIMIT = { withinMs: 120_000 };

describe("a real control plane", () => {
  let plane: ControlPlane;
  let kubelets: Kubelets;

  beforeAll(async () => {
    plane = await startControlPlane();
    kubelets = await startKubelets(plane, { machines: quickstartMachines(3), catalogue: quickstartCatalogue() });
  });

  afterAll(async () => {
    await kubelets.stop();
    await plane.stop();
  });

  it("makes nodes of the sandbox's kubelets, and runs a recipe's job whose log the API server fetches from them", async () => {
    const client = createClient(plane.transport("admin"), { fieldManager: "e2e", clock: systemClock });
    const ready = await waitFor(
      "three Ready nodes without taints",
      async () => {
        const nodes = (await client.list(NODES)).items as readonly Node[];
        const usable = nodes.filter(
          ({ spec, status }) =>
            (spec?.taints ?? []).length === 0 &&
            status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
        );
        return usable.length === 3 ? usable : undefined;
      },
      LIMIT,
    );

    await client.create(NAMESPACES, { metadata: { name: "ops" } });
    await client.create(JOBS, recipeJob("look", "ubuntu-01", "apt", "inventory", {}));
    const pod = await waitFor(
      "the job's pod to succeed",
      async () => {
        const pods = (await client.list(PODS, { namespace: "ops" })).items as readonly Pod[];
        return pods.find(({ status }) => status?.phase === "Succeeded");
      },
      LIMIT,
    );
    const log = await client.podLog({ namespace: "ops", name: pod.metadata.name }, {});
    const job = await waitFor(
      "the job controller to see it",
      async () => {
        const found = await client.get(JOBS, { namespace: "ops", name: "look" });
        return JSON.stringify(found?.status).includes('"Complete"') ? found : undefined;
      },
      LIMIT,
    );

    expect(ready.map(({ metadata }) => metadata.name)).toEqual(["rocky-01", "ubuntu-01", "flatcar-01"].toSorted());
    expect(log.length).toBeGreaterThan(0);
    expect(job.status).toMatchObject({ succeeded: 1 });
  });
});
