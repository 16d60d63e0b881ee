// More targets at once than the ledger holds, where no limit and no budget says less.
import type { Scene } from "../scene.ts";
import { claims, fleet, IMAGES, ring, rings, until } from "./parts.ts";

/** One more than the ledger takes (api/disruption-ledger.ts). */
const MANY = 501;

export const CROWD: Scene = {
  endsAt: (stage) => claims(stage).length > 0,
  scenario: until(1, {
    limits: { nodes: 1, workloads: 10_000, nodesPerZone: 1 },
    fleet: () =>
      fleet(
        [{ name: "n-1", ring: "nobody" }],
        // None of them has a pod: it is their number that matters.
        Array.from({ length: MANY }, (_, place) => ({ name: `w-${place}`, ring: "all", replicas: 0 })),
      ),
    policy: () =>
      Promise.resolve({
        "baselines/images.yaml": IMAGES,
        ...rings({ all: ring("all", "  budget: { workloads: 10000 }\n", ["images"]) }),
      }),
  }),
};
