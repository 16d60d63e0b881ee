// The actors while their own requests fail, are refused or lose their replies: nothing runs twice, nothing is left over.
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../controller/clock.ts";
import type { Fault } from "../../../controller/sandbox/apiserver/index.ts";
import { isReady } from "../../../controller/sandbox/actors/selection.ts";
import { workloadObjects } from "../../../controller/sandbox/fleet/workloads.ts";
import { createDriver, recipeJob } from "./cluster-driver.ts";

const FAULTS: readonly Fault[] = [
  "failBefore",
  "loseReply",
  { status: 409 },
  { status: 500 },
  { status: 429, retryAfterSeconds: 1 },
];

describe("actors with a bad connection", () => {
  it.each(Array.from({ length: 12 }, (_, index) => index + 1))(
    "end where undisturbed ones end (seed %i)",
    async (seed) => {
      const web = {
        kind: "Deployment",
        namespace: "shop",
        name: "web",
        image: "registry.example.com/shop/nginx:1.27.1",
        replicas: 4,
      } as const;
      const driver = await createDriver({
        nodes: 6,
        seed,
        objects: workloadObjects({ ...web, budget: { maxUnavailable: 1 } }),
      });
      const random = seededRandom(seed);
      let hurt = 0;
      driver.cluster.server.setFault((request) => {
        if (!request.user.startsWith("system:") || !request.write || random.next() > 0.2) return "none";
        hurt += 1;
        return FAULTS[Math.floor(random.next() * FAULTS.length)] ?? "none";
      });

      const env = { RINGWARD_KERNEL: "5.15.0-125-generic" };
      await driver.create(recipeJob("update", "ubuntu-01", "apt", "update", env));
      for (let count = 0; count < 60; count++) {
        await driver.cluster.runRound();
        driver.clock.advance(1_000);
      }
      await driver.create(recipeJob("reboot", "ubuntu-01", "reboot", "reboot"));
      for (let count = 0; count < 100; count++) {
        await driver.cluster.runRound();
        driver.clock.advance(1_000);
      }
      driver.cluster.server.setFault(undefined);
      await driver.settle();

      expect(hurt).toBeGreaterThan(10);
      expect(driver.list("pods").filter((pod) => pod.metadata.namespace === "shop" && isReady(pod))).toHaveLength(4);
      const machine = driver.cluster.machines.get("ubuntu-01");
      expect(machine?.kernel).toMatchObject({
        running: "5.15.0-125-generic",
        installed: ["5.15.0-119-generic", "5.15.0-125-generic"],
      });
      expect(machine?.bootCount).toBe(2);
      const jobs = driver.list("jobs").map(({ status }) => (status?.succeeded ?? 0) + (status?.failed ?? 0));
      expect(jobs).toEqual([1, 1]);
      expect(driver.list("pods").filter(({ metadata }) => (metadata.finalizers ?? []).length > 0)).toEqual([]);
      expect(driver.list("poddisruptionbudgets")[0]?.status).toMatchObject({
        disruptionsAllowed: 1,
        currentHealthy: 4,
      });
    },
  );
});
