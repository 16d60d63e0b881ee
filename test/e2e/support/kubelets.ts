// The sandbox's kubelets as clients of a real control plane, on the real clock: they register nodes, run pods and recipes on simulated
// machines, and hand out logs over HTTPS. Scheduler and controllers are the real ones; the sandbox's stay off.
import { readFileSync } from "node:fs";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { runActors } from "../../../controller/sandbox/actors/actor.ts";
import { createKubelet } from "../../../controller/sandbox/actors/kubelet.ts";
import { serveKubelets } from "../../../controller/sandbox/actors/kubelet-endpoint.ts";
import { DEFAULT_TIMING, type SandboxTiming } from "../../../controller/sandbox/actors/timing.ts";
import { createView } from "../../../controller/sandbox/actors/view.ts";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { createMachines, type Machines } from "../../../controller/sandbox/nodes/machines.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Real time: an update with its reboot takes seconds. Heartbeats as of real kubelets. */
export const FAST_TIMING: SandboxTiming = {
  ...DEFAULT_TIMING,
  tick: 100,
  resync: 1_000,
  imagePull: 100,
  containerStart: 100,
  terminate: 100,
  crashBackoff: 1_000,
  program: { prepare: 100, inventory: 100, stage: 200, update: 500, reboot: 100, rollback: 500 },
  shutdown: 200,
  reboot: 1_000,
  bootToReady: 300,
  leaseRenew: 10_000,
  leaseDuration: 40_000,
  nodeStatusReport: 60_000,
};

export interface Kubelets {
  /** Where troubles are switched on and off. */
  readonly machines: Machines;
  /** What went wrong so far, one line each: an API server that is away, mostly. */
  readonly errors: readonly string[];
  stop(): Promise<void>;
}

const TLS = new URL("../../kube/tls/", import.meta.url);

/** Starts them; nodes appear one after the other. */
export async function startKubelets(
  plane: Pick<ControlPlane, "transport">,
  fleet: Pick<Fleet, "machines" | "catalogue">,
  timing: SandboxTiming = FAST_TIMING,
): Promise<Kubelets> {
  const machines = createMachines(fleet.machines, fleet.catalogue);
  const endpoint = await serveKubelets({
    key: readFileSync(new URL("server.key", TLS), "utf8"),
    cert: readFileSync(new URL("server.pem", TLS), "utf8"),
  });
  const errors: string[] = [];
  const onError = (source: string, error: unknown): void => void errors.push(`${source}: ${String(error)}`);
  const view = createView(plane.transport("kubelets"));
  const abort = new AbortController();
  const actors = [createKubelet(view, machines, timing, endpoint)];
  await view.follow({
    clock: systemClock,
    random: seededRandom(1),
    onError: (error) => onError("watch", error),
  });
  const { tick, resync } = timing;
  const done = runActors({ actors, view, clock: systemClock, tick, resync, signal: abort.signal, onError });
  return {
    machines,
    errors,
    async stop() {
      abort.abort(new Error("the test is over"));
      await done;
      await view.stop();
      await endpoint.close();
    },
  };
}
