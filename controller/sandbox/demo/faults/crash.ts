// The controller's process is killed again and again, at seeded points counted in its own writes.
import { seededRandom } from "../../../clock.ts";
import { CONTROLLER_USER } from "../../start.ts";
import type { Fault } from "../fault.ts";
import { isFinished } from "../facts.ts";
import type { Stage } from "../stage.ts";

/** At least so many kills. */
const KILLS = 20;

export function crash(): Fault<Stage> {
  let kills = 0;
  let listening = false;
  function arm(stage: Stage): void {
    listening = true;
    const random = seededRandom(stage.seed);
    let writes = 0;
    let next = 20 + Math.floor(random.next() * 40);
    let killing = false;
    stage.sandbox.cluster.server.onRequest((request) => {
      // Heartbeats of the Lease are no work: a point is a place in the work that was done.
      if (request.user !== CONTROLLER_USER || !request.write || request.path.includes("/leases/")) return;
      writes += 1;
      if (killing || kills > KILLS || writes < next) return;
      killing = true;
      next = writes + 20 + Math.floor(random.next() * 40);
      kills += 1;
      void stage.controller.kill().then(() => {
        killing = false;
        stage.controller.start();
      });
    });
  }
  let told = 0;
  return {
    name: "crash",
    promise: `at least ${KILLS} SIGKILLs of the controller's process at seeded points; the run ends compliant`,
    async prepare(stage) {
      arm(stage);
    },
    async step() {
      if (!listening || kills < told + 5) return undefined;
      told = kills;
      return `the controller was killed ${kills} times`;
    },
    result: (facts) => ({ ok: kills >= KILLS && facts !== undefined && isFinished(facts), observed: `${kills} kills` }),
  };
}
