// Two leaders on one node: the first is held in the middle of a write, the second takes the operation back, then the first goes on with what
// it knew. Leader election is for economy, not for safety (B3, B10, B11).
import { describe, expect, it } from "vitest";
import type { ApiPort, ApiRequest } from "../../controller/kube/port.ts";
import { createRig, machine, NEW_KERNEL, type Rig, stepOf } from "../reconcile/rig.ts";

/** A port whose first request of a kind waits until it is let go. */
function gate(
  port: ApiPort,
  is: (request: ApiRequest) => boolean,
): { port: ApiPort; held: Promise<void>; letGo: () => void } {
  let [hold, letGo] = [(): void => undefined, (): void => undefined];
  const held = new Promise<void>((resolve) => (hold = resolve));
  const gone = new Promise<void>((resolve) => (letGo = resolve));
  let waited = false;
  return {
    held,
    letGo: () => letGo(),
    port: {
      ...port,
      async request(request) {
        if (!waited && is(request)) {
          waited = true;
          hold();
          await gone;
        }
        return port.request(request);
      },
    },
  };
}

const isJob = (method: string, step: string) => (request: ApiRequest) =>
  request.method === method &&
  request.query?.["dryRun"] === undefined &&
  request.path.includes("/jobs") &&
  JSON.stringify([request.path, request.body]).includes(`rw-${step}-`);

interface Held {
  readonly rig: Rig;
  readonly second: ReturnType<Rig["born"]>;
  /** The first goes on, and its pass ends. */
  readonly goOn: () => Promise<void>;
}

/** A rollout on one node up to the moment in which the first controller is about to send a request. */
async function holdAt(is: (request: ApiRequest) => boolean): Promise<Held> {
  const rig = await createRig({ machines: [machine("n1")], workloads: [] });
  const gates: ReturnType<typeof gate>[] = [];
  const first = rig.born("ringward/first", {
    port: (port) => {
      const made = gate(port, is);
      gates.push(made);
      return made.port;
    },
  });
  const [made] = gates;
  if (made === undefined) throw new Error("there is no port");
  for (let pass = 0; pass < 60; pass += 1) {
    const passing = first.pass();
    const stopped = await Promise.race([made.held.then(() => true), passing.then(() => false)]);
    if (stopped) {
      const goOn = async (): Promise<void> => {
        made.letGo();
        await passing;
      };
      return { rig, second: rig.born("ringward/second"), goOn };
    }
    await rig.turn();
  }
  throw new Error(`it never came to that; the node is at ${String(await stepOf(rig, "n1"))}`);
}

async function runOn(rig: Rig, controller: ReturnType<Rig["born"]>, passes: number): Promise<void> {
  for (let pass = 0; pass < passes; pass += 1) {
    await controller.pass();
    await rig.turn();
  }
}

const claimsOf = async (rig: Rig): Promise<readonly unknown[]> => ((await rig.ledger())["claims"] ?? []) as unknown[];

describe("a leader that is held while another backs out", () => {
  it.each([
    ["makes the update job", "POST"],
    ["lets the update job run", "PATCH"],
  ])("before it %s changes nothing on the node when it goes on (B3, B11)", async (_, method) => {
    const { rig, second, goOn } = await holdAt(isJob(method, "update"));
    await rig.setMode("Stop");
    await runOn(rig, second, 12);
    expect(await claimsOf(rig)).toEqual([]);

    await goOn();
    await runOn(rig, second, 6);

    expect(rig.kernel("n1")).not.toBe(NEW_KERNEL);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    expect(await rig.jobs("update")).toEqual([]);
    expect(await rig.violations()).toEqual([]);
  });

  it("leaves no job behind that came too late", async () => {
    const { rig, second, goOn } = await holdAt(isJob("POST", "update"));
    await rig.setMode("Stop");
    await runOn(rig, second, 12);
    await goOn();
    expect(await rig.preparedJobs()).toHaveLength(1);

    rig.clock.advance(11 * 60_000);
    await runOn(rig, second, 2);
    expect(await rig.preparedJobs()).toEqual([]);
    expect(await rig.violations()).toEqual([]);
  });

  it("before it lets the update run, and is faster: the other takes its way back back", async () => {
    const { rig, second, goOn } = await holdAt(isJob("PATCH", "update"));
    await rig.setMode("Stop");
    // The way back is written down, and no more.
    while ((await rig.state("n1"))["operation"]?.backOut === undefined) await second.pass();
    await goOn();
    await rig.setMode("Enforce");
    await runOn(rig, second, 40);

    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect((await rig.state("n1"))["history"]?.at(-1)).toMatchObject({ result: "Succeeded" });
    expect(await rig.violations()).toEqual([]);
  });
});

describe("a leader that is held while another finishes", () => {
  it("before it makes the reboot job asks for no second reboot, also when the first job is long gone (B10)", async () => {
    const { rig, second, goOn } = await holdAt(isJob("POST", "reboot"));
    await runOn(rig, second, 40);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    const boots = rig.cluster.machines.get("n1")?.bootCount;
    rig.clock.advance(2 * 3_600_000);
    await runOn(rig, second, 3);
    expect(await rig.jobs("reboot")).toEqual([]);

    await goOn();
    await runOn(rig, second, 6);

    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(boots);
    expect(await rig.violations()).toEqual([]);
  });
});

/** The read of the node's state right after that of the node, once the operation was written down: what is read of the two need not belong together. */
function betweenReads(): (request: ApiRequest) => boolean {
  let [before, begun] = ["", false];
  return ({ method, path, body }) => {
    begun ||=
      method === "PUT" && path.endsWith("/nodepatchstates/n1/status") && JSON.stringify(body).includes('"step"');
    const is = begun && before === "GET /api/v1/nodes/n1" && path.endsWith("/nodepatchstates/n1");
    before = `${method} ${path}`;
    return is;
  };
}

describe("a leader that reads a node before another cordons it, and its state afterwards", () => {
  it("does not take that for a cordon that a person took off (B7)", async () => {
    const { rig, second, goOn } = await holdAt(betweenReads());
    await rig.until("the other has cordoned", async () => {
      await second.pass();
      return (await stepOf(rig, "n1")) === "Cordoned";
    });

    await goOn();

    expect((await rig.state("n1"))["operation"]).toMatchObject({ step: "Cordoned" });
    expect((await rig.state("n1"))["operation"]?.backOut).toBeUndefined();
    await runOn(rig, second, 40);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect((await rig.state("n1"))["history"]).toHaveLength(1);
    expect(await rig.violations()).toEqual([]);
  });
});
