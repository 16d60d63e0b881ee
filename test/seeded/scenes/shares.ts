// Shares: zones of which half may be down, and two rings that divide nodes by percent.
import type { Scene } from "../scene.ts";
import { FLATCAR, fleet, ring, rings, until } from "./parts.ts";

const dividing = (percent: number): string =>
  `  members: { nodes: { selector: { matchLabels: { shared: "yes" } }, percent: ${percent} } }\n  budget: { nodes: 4 }\n`;

export const SHARES: Scene = {
  scenario: until(4, {
    limits: { nodes: 50, workloads: 50, nodesPerZone: "50%" },
    fleet: () =>
      fleet([
        ...["1", "2", "3", "4"].map((name) => ({ name: `n-${name}`, ring: "zoned", zone: "zone-a" })),
        ...["1", "2", "3", "4"].map((name) => ({
          name: `n-shared-${name}`,
          ring: "nobody",
          zone: "zone-b",
          labels: { shared: "yes" },
        })),
      ]),
    policy: async () => ({
      ...(await FLATCAR()),
      ...rings({
        zoned: ring("zoned", "  budget: { nodes: 4 }\n"),
        "share-a": ring("share-a", dividing(50)),
        "share-b": ring("share-b", dividing(50)),
      }),
    }),
  }),
};
