// Moments that the sweeps' fast actors do not have: a pod that is bound seconds after the cordon, and a host that takes its time to go down.
import type { KubeObject } from "../../../controller/kube/port.ts";
import { PODS } from "../../../controller/kube/resources.ts";
import type { StoredVersion } from "../../../controller/sandbox/apiserver/index.ts";
import { at, STEP_LABEL, textAt } from "../../../controller/sandbox/invariants/readings.ts";
import { TIMING } from "../../sweep/pace.ts";
import type { Stage } from "../../sweep/stage.ts";
import type { Scene } from "../scene.ts";
import { deed, FLATCAR, fleet, isAt, isPast, mode, operationOf, pod, ring, rings, until } from "./parts.ts";

const policy = async (): Promise<Readonly<Record<string, string>>> => ({
  ...(await FLATCAR()),
  ...rings({ one: ring("one", "  drain: { timeout: 10m, barePods: Evict }\n") }),
});

function secondsAtStep(stage: Stage): number {
  return (stage.clock.now() - Date.parse(textAt(operationOf(stage, "n-1"), "stepTime") ?? "")) / 1000;
}

/** The scheduler had not seen the cordon yet, and binds one more pod. */
export const LATE: Scene = {
  tickMs: 1_000,
  scenario: until(3, {
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy,
    deeds: [
      deed(
        "a pod is bound a few seconds after the cordon",
        (stage) => isAt(stage, "n-1", "Updating") || (isAt(stage, "n-1", "Cordoned") && secondsAtStep(stage) >= 3),
        async (stage) => void (await stage.admin.create(PODS, pod("p-late", "n-1"))),
      ),
    ],
  }),
};

/** The pod of the reboot, while it runs. */
function rebootPod(stage: Stage): KubeObject | undefined {
  const pods = [...(stage.cluster.server.store.snapshot().tables.get("pods")?.objects.values() ?? [])];
  return pods.find(
    (object) =>
      textAt(object, "metadata", "labels", STEP_LABEL) === "reboot" && textAt(object, "status", "phase") === "Running",
  ) as KubeObject | undefined;
}

/** What goes as it should is never called a failure. */
function neverFails(history: readonly StoredVersion[]): readonly string[] {
  return history.flatMap(({ resource, object }) =>
    resource === "nodepatchstates.ringward.dev" && at(object.status, "operation", "failure") !== undefined
      ? [`failure nodes/${object.metadata.name}: a reboot that went well was called a failure`]
      : [],
  );
}

/** The reboot kills the pod of its own job, which the job then says of itself (143), while the host still goes down. */
export const SHUTDOWN: Scene = {
  promises: [neverFails],
  scenario: until(6, {
    timing: { ...TIMING, program: { ...TIMING.program, reboot: 60_000 }, shutdown: 20_000, reboot: 20_000 },
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy,
    deeds: [
      deed(
        "the host goes down, and its pods first",
        (stage) => rebootPod(stage) !== undefined,
        async (stage) => {
          const machine = stage.cluster.machines.get("n-1");
          if (machine !== undefined)
            stage.cluster.machines.put({ ...machine, power: { state: "stopping", until: stage.clock.now() + 20_000 } });
          const { name, namespace, uid = "" } = rebootPod(stage)?.metadata ?? { name: "" };
          await stage.admin.delete(PODS, { namespace, name }, { uid });
        },
      ),
    ],
  }),
};

/** The job of the reboot ends well, and the host takes its time to go down after that. */
export const SLOW_REBOOT: Scene = {
  promises: [neverFails],
  scenario: until(6, {
    timing: { ...TIMING, shutdown: 40_000, reboot: 20_000 },
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy,
  }),
};

/** People say stop while an update runs: it is finished. */
export const STOPPED_IN_UPDATE: Scene = {
  isRough: true,
  scenario: until(8, {
    timing: { ...TIMING, program: { ...TIMING.program, update: 40_000 } },
    fleet: () => fleet([{ name: "n-1", ring: "one" }]),
    policy,
    deeds: [
      deed(
        "people say stop while the update runs",
        (stage) => isAt(stage, "n-1", "Updating") && secondsAtStep(stage) >= 15,
        (stage) => mode(stage, "Stop"),
      ),
      deed(
        "and go on",
        (stage) => isPast(stage, "07:06:00"),
        (stage) => mode(stage, "Enforce"),
      ),
    ],
  }),
};
