// The same commands on a cluster that answers: a dump and an API server of the same content give the same plan, and what is in the
// cluster (policy as applied, the ledger, statuses) is what is told.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command as plan } from "../../controller/cli/plan.ts";
import { command as status } from "../../controller/cli/status.ts";
import { command as why } from "../../controller/cli/why.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { CLUSTER_KEYS, resourceOf } from "../../controller/reconcile/cluster-kinds.ts";
import { applyQuickstart, createWorld, QUICKSTART, type World } from "./live-world.ts";
import { makeFolder, run } from "./plan-support.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** What kubectl would print of everything, and of the server's version. */
async function dumpWorld(): Promise<string> {
  const folder = makeFolder();
  for (const key of CLUSTER_KEYS) {
    const { items } = await world.client.list(resourceOf(key));
    writeFileSync(join(folder, `${key}.json`), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  }
  const { body } = await world.cluster.port.request({ method: "GET", path: "/version" });
  writeFileSync(join(folder, "version.json"), JSON.stringify({ serverVersion: body }));
  return folder;
}

async function planJson(args: readonly string[]): Promise<Record<string, unknown>> {
  const { warnings: _, ...data } = JSON.parse((await run(plan, [...args, "-o", "json"])).out) as Record<
    string,
    unknown
  >;
  return data;
}

describe("a live cluster", () => {
  it("gives the same plan as its dump", async () => {
    const at = ["--policy", QUICKSTART, "--at", "2024-12-16T06:01:00Z"];

    const live = await planJson([...at, "--kubeconfig", world.kubeconfig]);
    const dumped = await planJson([...at, "--cluster", await dumpWorld()]);

    expect(live).toEqual(dumped);
    expect((live["assets"] as unknown[]).length).toBe(50);
  });

  it("takes the cluster's own clock where a sandbox on this machine has one", async () => {
    const { out } = await run(plan, ["--policy", QUICKSTART, "--kubeconfig", world.kubeconfig, "-o", "json"]);

    const { at, warnings } = JSON.parse(out) as { at: string; warnings: string[] };
    expect(at).toMatch(/^2024-12-16T06:0/);
    expect(warnings).toContainEqual(expect.stringContaining("the cluster's own clock stands at"));
  });

  it("says that there is no policy before any is applied", async () => {
    await expect(run(status, ["--kubeconfig", world.kubeconfig])).rejects.toThrow(
      /holds no policy yet \(let the controller read it, or give --policy DIR\)/,
    );
  });

  it("reads policy, ledger and suspension as they stand in the cluster, by $KUBECONFIG too", async () => {
    await applyQuickstart(world);
    await world.client.create(DISRUPTION_LEDGERS, {
      metadata: { name: "cluster" },
      spec: { mode: "Observe" },
    } as KubeObject);
    await world.client.patch(ROLLOUT_RINGS, { name: "early" }, { type: "merge", body: { spec: { suspend: true } } });

    const lanes = await run(status, ["-o", "json"], { env: { KUBECONFIG: world.kubeconfig } });
    const story = await run(why, ["deploy/web", "-n", "shop", "--kubeconfig", world.kubeconfig]);

    const data = JSON.parse(lanes.out) as {
      ledger: object;
      rings: { name: string; assets: number; estimates: { never: { reason: string } | null }[] }[];
    };
    expect(data.ledger).toMatchObject({ mode: "Observe" });
    expect(data.rings.map(({ name }) => name)).toEqual(["canary", "early", "broad"]);
    expect(data.rings[1]?.estimates.map(({ never }) => never?.reason)).toContain("RingSuspended");
    expect(story.out).toMatch(/to do +.*ringward approve early shared-images-\d{8}-[0-9a-f]{12}/);
  });
});
