// The controller is killed at random moments of a rollout, again and again (seeded), frozen for longer than its Lease lasts, and run twice.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import { createClient } from "../../controller/kube/client.ts";
import { LEASES } from "../../controller/kube/resources.ts";
import { rolloutPolicy, smallFleet } from "./support/policy.ts";
import { playRollout } from "./support/rollout.ts";
import { type Scene, startScene } from "./support/scene.ts";
import { waitFor } from "./support/waiting.ts";

const LIMITS = { nodes: 8, workloads: 8, nodesPerZone: 4 };
const SEED = 20_261_128;
const MOST_KILLS = 50;

function begin(): Promise<Scene> {
  return startScene({
    fleet: smallFleet(),
    policy: rolloutPolicy({ soak: "2s", drainTimeout: "2m" }),
    limits: LIMITS,
  });
}

describe("a controller that is killed at random moments", () => {
  let scene: Scene;
  beforeAll(async () => void (scene = await begin()));
  afterAll(() => scene.stop());

  it("finishes the rollout in the lives that it has, and breaks no invariant", async () => {
    const random = seededRandom(SEED);
    let kills = 0;
    let lives = 0;
    let over = false;
    await scene.controller.start();
    await scene.setMode("Enforce");
    const toLead = (before: number): Promise<true> =>
      waitFor("it to lead", () => (over || scene.controller.led() > before ? true : undefined), { withinMs: 120_000 });
    const killing = (async () => {
      while (!over && kills < MOST_KILLS) {
        // One life in four ends while it still starts, reads and elects; the others in the middle of their work.
        if (random.next() > 0.25) await toLead(lives);
        await systemClock.sleep(Math.floor(random.next() * 3_000));
        lives = scene.controller.led();
        await scene.controller.kill();
        kills += 1;
        await scene.controller.start();
      }
    })();
    // What goes wrong there is told when it is waited for.
    killing.catch(() => undefined);

    const seconds = await playRollout(scene).finally(() => (over = true));
    await killing;
    const outcome = await scene.verdict();

    process.stdout.write(`killed ${kills} times in ${seconds} s (seed ${SEED})\n`);
    expect(outcome.violations).toEqual([]);
    expect(outcome.unexplained).toEqual([]);
    expect(kills).toBeGreaterThan(8);
  });
});

describe("two controllers", () => {
  let scene: Scene;
  beforeAll(async () => void (scene = await begin()));
  afterAll(() => scene.stop());

  it("keep every invariant when the leader sleeps longer than its Lease, another takes over, and it wakes; and when two lead at once", async () => {
    const second = await scene.addController("second");
    const lease = createClient(scene.plane.transport("admin"), { fieldManager: "e2e", clock: systemClock });
    const holder = async (): Promise<string> => {
      const found = await lease.get(LEASES, { namespace: "ringward-system", name: "ringward-controller" });
      return (found?.spec as { readonly holderIdentity?: string } | undefined)?.holderIdentity ?? "";
    };
    const leads = (identity: string): Promise<true> =>
      waitFor(`${identity} to lead`, async () => ((await holder()) === identity ? true : undefined), {
        withinMs: 90_000,
      });
    // Two processes that were given one name: each takes the Lease for its own, and both lead for as long as they live.
    const namesake = await scene.addController("namesake", { identity: second.identity });
    let slept = false;
    let together = false;
    await scene.controller.start();
    await leads(scene.controller.identity);
    await second.start();
    await scene.setMode("Enforce");

    const seconds = await playRollout(scene, {
      async step(facts) {
        together ||= second.leads() && namesake.leads();
        if (slept || facts.claims.length === 0) return;
        slept = true;
        scene.controller.freeze();
        await leads("second");
        scene.controller.thaw();
        await namesake.start();
      },
      over: () => together,
    });
    const outcome = await scene.verdict();

    process.stdout.write(`two leaders: ${seconds} s\n`);
    expect(outcome.violations).toEqual([]);
    expect(outcome.unexplained).toEqual([]);
  });
});
