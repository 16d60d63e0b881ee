// The whole controller process over HTTP: what it sends when its Lease is not fresh any more, because it was paused in the middle of a pass, or
// the Lease cannot be renewed; and what it says when it is told to stop. The transport's clock is the machine's, moved forward by the length of
// the pause.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Clock, seededRandom, systemClock } from "../../controller/clock.ts";
import type { KubeObject } from "../../controller/kube/port.ts";
import { findResource, NODE_PATCH_STATES } from "../../controller/kube/resources.ts";
import { runController } from "../../controller/reconcile/run-controller.ts";
import { basePolicy, createRig, machine, type Rig } from "./rig.ts";

const NODES = 30;
/** Longer than a leader may go without renewing. */
const PAUSE_MS = 11_000;

/** The machine's clock, as a process sees it that stands still now and then. */
function pausable(): { readonly clock: Clock; pause(ms: number): void } {
  let offset = 0;
  return {
    clock: {
      now: () => systemClock.now() + offset,
      monotonic: () => systemClock.monotonic() + offset,
      sleep: (ms, signal) => systemClock.sleep(ms, signal),
    },
    pause: (ms) => {
      offset += ms;
    },
  };
}

interface Process {
  /** Writes that reached the server, but for the Lease's own. */
  readonly sent: string[];
  readonly log: string[];
  readonly transport: ReturnType<typeof pausable>;
  start(): void;
  /** Tells it to stop, and resolves when it has. */
  stop(): Promise<void>;
  /** Resolves as soon as it is so; looked at with every line of the log and every write. */
  until(is: () => boolean): Promise<void>;
}

async function prepare(): Promise<{ rig: Rig; controller: Process }> {
  const rig = await createRig({
    mode: "Observe",
    repository: null,
    workloads: [],
    machines: Array.from({ length: NODES }, (_, index) => machine(`n${index}`)),
  });
  for (const text of Object.values(await basePolicy()))
    for (const object of loadAll(text) as KubeObject[]) {
      const resource = findResource(object.apiVersion ?? "", object.kind ?? "");
      if (resource !== undefined) await rig.admin.create(resource, object);
    }
  const address = await rig.cluster.listen();
  const directory = mkdtempSync(join(tmpdir(), "ringward-test-"));
  const stop = new AbortController();
  const transport = pausable();
  const sent: string[] = [];
  const log: string[] = [];
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const wake of waiting) wake();
  };
  rig.cluster.server.onRequest(({ write, path, method, status }) => {
    if (write && status < 300 && !path.includes("/leases/")) sent.push(`${method} ${path}`);
    look();
  });
  let running: Promise<void> = Promise.resolve();
  onTestFinished(async () => {
    stop.abort(new Error("the test is over"));
    await running;
    await address.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const start = (): void => {
    running = runController(
      {
        kubeconfig: address.kubeconfig,
        namespace: "ringward-jobs",
        identity: "one",
        directory,
        idleMs: 1_000,
        paceMs: 10,
        gates: { prometheus: undefined, alertmanager: undefined, resources: [], everyMs: 15_000 },
        listEveryMs: 1_000,
        qps: 1_000,
        burst: 1_000,
        clock: rig.clock,
        transport: transport.clock,
        random: seededRandom(1),
        log: (_, message) => {
          log.push(message);
          look();
        },
      },
      stop.signal,
    );
  };
  const untilSo = (is: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        if (!is()) return;
        waiting.delete(wake);
        resolve();
      };
      waiting.add(wake);
      wake();
    });
  const end = async (): Promise<void> => {
    stop.abort(new Error("it is told to stop"));
    await running;
  };
  return { rig, controller: { sent, log, transport, start, stop: end, until: untilSo } };
}

async function countStates(rig: Rig): Promise<number> {
  return (await rig.admin.list(NODE_PATCH_STATES)).items.length;
}

describe("a leader without a fresh Lease", () => {
  it("sends nothing more after a pause in the middle of a pass, and goes on when it leads again (L2)", async () => {
    const { rig, controller } = await prepare();
    let paused = false;
    rig.cluster.server.setFault(({ write, path }) => {
      if (path.includes("/leases/ringward-controller") && write && paused) return { status: 503 };
      if (write && path.endsWith("/nodepatchstates") && controller.sent.length >= 10 && !paused) {
        // The process stands still here: this very request was sent before, everything after it comes later.
        paused = true;
        controller.sent.length = 0;
        controller.transport.pause(PAUSE_MS);
      }
      return "none";
    });

    controller.start();
    await controller.until(() => controller.log.includes("not leading"));

    expect(controller.sent.filter((line) => !line.endsWith("/nodepatchstates"))).toEqual([]);
    expect(controller.sent.length).toBeLessThanOrEqual(1);
    expect(await countStates(rig)).toBeLessThan(NODES);
    expect(controller.log.some((line) => line.includes("the Lease is not held any more"))).toBe(true);

    rig.cluster.server.setFault(() => "none");
    await controller.until(() => controller.sent.length > NODES);
  });
});

describe("a controller that is told to stop", () => {
  it("tells no error of a read that its end breaks", async () => {
    const { rig, controller } = await prepare();
    let hangs = false;
    rig.cluster.server.setFault(({ write, path }) => {
      if (write || !path.endsWith("/disruptionledgers/cluster") || !controller.log.includes("started")) return "none";
      hangs = true;
      return { delayMs: 3_600_000 };
    });

    controller.start();
    await controller.until(() => hangs);
    await controller.stop();

    expect(controller.log).toEqual(["leading", "started", "stopping", "not leading", "stopped"]);
  });
});
