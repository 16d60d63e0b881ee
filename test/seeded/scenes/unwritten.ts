// Nodes that vanish in the middle of their update while the failure cannot be written into their ring; one of them comes back under its name.
import { ApiError } from "../../../controller/kube/port.ts";
import { oldImage } from "../../../controller/sandbox/fleet/images.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, isAt, isPast, look, ring, RING, rings, until } from "./parts.ts";

const isThere = (stage: Stage, node: string): boolean => look(stage, "nodes", node) !== undefined;

/** The API server takes no status of these rings that names a failure which outlives its claim, until some minutes later. */
export const UNWRITTEN: Scene = {
  isRough: true,
  interrupts: [
    {
      name: "a failure that outlives its claim cannot be written down",
      before: (stage, { method, path, body }) =>
        method !== "GET" &&
        /\/rolloutrings\/(gone|reborn)\/status$/.test(path) &&
        JSON.stringify(body).includes('"lost":[') &&
        !isPast(stage, "07:04:00"),
      act: () => {
        throw new ApiError(500, {
          kind: "Status",
          code: 500,
          reason: "InternalError",
          message: "etcdserver: request timed out",
        });
      },
      always: true,
    },
  ],
  scenario: until(7, {
    fleet: () =>
      fleet(["gone", "reborn", "other"].map((name) => ({ name: `n-${name}`, ring: name, zone: `zone-${name}` }))),
    policy: async () => ({
      ...(await FLATCAR()),
      ...rings({ gone: ring("gone"), reborn: ring("reborn"), other: ring("other") }),
    }),
    deeds: [
      ...["n-gone", "n-reborn"].map((node) =>
        deed(
          `${node} is taken away in its update`,
          (stage) => isAt(stage, node, "Updating", "Updated", "Rebooting"),
          (stage) => stage.cluster.machines.vanish(node),
        ),
      ),
      deed(
        "one comes back as another machine under the same name",
        (stage) => isPast(stage, "07:01:00") && !isThere(stage, "n-reborn"),
        (stage) =>
          stage.cluster.machines.join({
            name: "n-reborn",
            labels: { [RING]: "reborn", "topology.kubernetes.io/zone": "zone-reborn" },
            image: oldImage("flatcar"),
          }),
      ),
    ],
  }),
};
