// People say stop just when an update is about to begin, and another leader lets it run while we take it back: of the two one wins.
import { JOBS } from "../../../controller/kube/resources.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import { RESUMED } from "../../../controller/nodes/recipe-job.ts";
import { TIMING } from "../../sweep/pace.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, isAt, mode, ring, rings, until } from "./parts.ts";

function updateJob(stage: Stage): KubeObject | undefined {
  const jobs = [...(stage.cluster.server.store.snapshot().tables.get("jobs.batch")?.objects.values() ?? [])];
  return jobs.find((job) => textAt(job, "metadata", "labels", STEP_LABEL) === "update") as KubeObject | undefined;
}

/** While an update runs its job stays, and its node keeps our mark. */
function letsItRun(history: readonly StoredVersion[]): readonly string[] {
  let running = false;
  return history.flatMap(({ resource, type, object, previous, user }) => {
    if (resource === "jobs.batch" && object.metadata.labels?.[STEP_LABEL] === "update") {
      if (type === "DELETED" && running && user.startsWith("ringward/"))
        return [`running jobs/${object.metadata.name}: it was deleted while it ran`];
      running = at(object.spec, "suspend") !== true && at(object.status, "completionTime") === undefined;
    }
    const [before, now] = [previous, object].map((node) => node?.metadata.annotations?.["ringward.dev/claim"]);
    return resource === "nodes" && running && before !== undefined && now === undefined
      ? [`running nodes/${object.metadata.name}: it was given back while its update ran`]
      : [];
  });
}

export const RAN_AWAY: Scene = {
  isRough: true,
  promises: [letsItRun],
  interrupts: [
    {
      name: "another leader lets the update run",
      before: (stage, { method, path }) =>
        method === "DELETE" && path.endsWith(`/jobs/${updateJob(stage)?.metadata.name ?? ""}`),
      act: async (stage) => {
        const { name = "", namespace } = updateJob(stage)?.metadata ?? {};
        const annotations = { [RESUMED]: new Date(stage.clock.now()).toISOString() };
        await stage.admin.patch(
          JOBS,
          { namespace, name },
          { type: "merge", body: { metadata: { annotations }, spec: { suspend: false } } },
        );
      },
    },
  ],
  scenario: until(6, {
    timing: { ...TIMING, program: { ...TIMING.program, update: 60_000 } },
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy: async () => ({ ...(await FLATCAR()), ...rings({ one: ring("one") }) }),
    deeds: [
      deed(
        "people say stop before the update was let run",
        (stage) => isAt(stage, "n-1", "Updating") && at(updateJob(stage)?.spec, "suspend") === true,
        (stage) => mode(stage, "Stop"),
      ),
    ],
  }),
};
