// The API server crashes, etcd forgets, and the network between controller and API server is bad, all in the middle of a rollout.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { rolloutPolicy, smallFleet } from "./support/policy.ts";
import { type Proxy, startProxy, type Weather } from "./support/proxy.ts";
import { playRollout } from "./support/rollout.ts";
import { type Scene, startScene } from "./support/scene.ts";

function begin(): Promise<Scene> {
  return startScene({
    fleet: smallFleet(),
    policy: rolloutPolicy({ soak: "2s", drainTimeout: "2m" }),
    limits: { nodes: 8, workloads: 8, nodesPerZone: 4 },
  });
}

describe("an API server that crashes, and an etcd that forgets", () => {
  let scene: Scene;
  beforeAll(async () => void (scene = await begin()));
  afterAll(() => scene.stop());

  it("delay a rollout, and break no invariant", async () => {
    let crashes = 0;
    let busy = 0;
    await scene.controller.start();
    await scene.setMode("Enforce");

    const seconds = await playRollout(scene, {
      async step(facts) {
        // In the middle of the work: something is in flight, and again after some more of it was seen.
        if (crashes >= 3 || facts.claims.length === 0 || (busy += 1) % 8 !== 1) return;
        crashes += 1;
        // Watches cannot go on from where they were: the controller has to list again.
        await scene.plane.compact();
        await scene.plane.apiServer.crash();
      },
      over: () => crashes >= 3,
    });
    const outcome = await scene.verdict();

    process.stdout.write(`${crashes} crashes of the API server: ${seconds} s\n`);
    expect(outcome.violations).toEqual([]);
    // What was under way when it was killed stands in no audit log.
    expect(outcome.unexplained.length).toBeLessThan(100);
  });
});

describe("a bad network", () => {
  let scene: Scene;
  let proxy: Proxy;
  beforeAll(async () => {
    scene = await begin();
    proxy = await startProxy(scene.plane.url);
  });
  afterAll(async () => {
    await proxy.close();
    await scene.stop();
  });

  it("that delays, drops and half-opens connections delays a rollout, and breaks no invariant", async () => {
    const weathers: readonly Weather[] = [
      { kind: "Slow", delayMs: 150 },
      { kind: "Broken" },
      { kind: "Silent" },
      { kind: "Slow", delayMs: 400 },
      { kind: "Silent" },
      { kind: "Broken" },
    ];
    const controller = await scene.addController("behind-the-proxy", { server: proxy.url });
    let next = 0;
    let over = false;
    await controller.start();
    await scene.setMode("Enforce");
    const changing = (async () => {
      while (!over && next < weathers.length) {
        await systemClock.sleep(6_000);
        proxy.set(weathers[next] ?? { kind: "Fair" });
        next += 1;
        await systemClock.sleep(4_000);
        proxy.set({ kind: "Fair" });
        // What was silent meanwhile is dead, and stays open: the controller has to notice by itself.
      }
    })();

    const seconds = await playRollout(scene, { over: () => next >= weathers.length }).finally(() => (over = true));
    await changing;
    const outcome = await scene.verdict();

    process.stdout.write(`bad network: ${seconds} s, ${proxy.connections} connections\n`);
    expect(outcome.violations).toEqual([]);
    expect(outcome.unexplained).toEqual([]);
  });
});
