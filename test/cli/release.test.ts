// What a person expects of `release`: Ringward lets go, and does not come back for that level before `retry`. With the real controller
// and the real commands over HTTP.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type ActName, runAct } from "../../controller/cli/act.ts";
import { command as why } from "../../controller/cli/why.ts";
import { seededRandom, systemClock } from "../../controller/clock.ts";
import {
  createRig,
  isConverged,
  machine,
  NEW_KERNEL,
  reasonsOf,
  type Rig,
  ringFile,
  type Status,
  WEB,
} from "../reconcile/rig.ts";
import { makeFolder, type Ran, run } from "./plan-support.ts";

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Ways to run commands against a rig's API server. */
async function serve(rig: Rig): Promise<{
  readonly act: (name: ActName, ...args: readonly string[]) => Promise<Ran>;
  readonly tell: (...args: readonly string[]) => Promise<Ran>;
}> {
  const { url, close } = await rig.cluster.server.listen({ host: "127.0.0.1" });
  closing.push(close);
  const kubeconfig = join(makeFolder(), "kubeconfig");
  writeFileSync(kubeconfig, rig.cluster.server.kubeconfig(url));
  const random = seededRandom(3);
  const now = (): Partial<Parameters<typeof run>[2]> => {
    const clock = { ...systemClock, now: () => rig.clock.now() };
    return { clock, random };
  };
  return {
    act: (name, ...args) =>
      run((words, surroundings) => runAct(name, words, surroundings), [...args, "--kubeconfig", kubeconfig], now()),
    tell: (...args) => run(why, [...args, "--kubeconfig", kubeconfig], now()),
  };
}

const claims = async (rig: Rig): Promise<readonly Status[]> => (await rig.ledger())["claims"] ?? [];

describe("a target that a person released", () => {
  it("is left alone for that level until retry, says why, and holds up no other", async () => {
    const rig = await createRig({ machines: [machine("n1"), machine("n2")], workloads: [] });
    rig.cluster.machines.failUpdate("n1");
    await rig.until("n1 fails", async () => (await rig.state("n1"))["operation"]?.failure !== undefined, 200);
    const { act, tell } = await serve(rig);

    const { out } = await act("release", "node/n1", "--reason", "the vendor looks at it");
    expect(out).toContain("it is left alone until ringward retry");
    await expect(act("retry", "node/n1", "--reason", "too soon")).rejects.toThrow(/is being released/);
    await rig.until("n2 is patched", () => Promise.resolve(rig.kernel("n2") === NEW_KERNEL), 200);
    await rig.run(20);

    expect(await claims(rig)).toEqual([]);
    expect(rig.kernel("n1")).not.toBe(NEW_KERNEL);
    const state = await rig.state("n1");
    expect((state["history"] as Status[]).map(({ result }) => result as string)).toEqual(["Released"]);
    expect(state["attempted"]).toMatchObject([{ result: "Released", reason: "ReleasedByPerson" }]);
    expect(reasonsOf(state)).toContain("ReleasedByPerson");
    expect((await rig.ring())["phase"]).not.toBe("Done");
    const story = await tell("node/n1");
    expect(story.out).toContain("ReleasedByPerson");
    expect(story.out).toContain("the vendor looks at it");
    expect(story.out).toContain("ringward retry");

    rig.cluster.machines.repair("n1");
    expect((await act("retry", "node/n1", "--reason", "it is mended")).out).toContain("Released under ubuntu-2204");
    await rig.until("it is patched after all", () => isConverged(rig), 200);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(await rig.violations()).toEqual([]);
  });

  it("is left alone although a new process has never seen it (nothing is remembered but what is stored)", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [] });
    await rig.until("it is claimed", async () => (await rig.state("n1"))["operation"]?.step === "Cordoned");
    const { act } = await serve(rig);
    await act("release", "node/n1", "--reason", "not tonight");
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);

    const second = rig.born("second");
    for (let pass = 0; pass < 10; pass += 1) {
      await second.pass();
      await rig.turn();
    }

    expect(await claims(rig)).toEqual([]);
    expect(await rig.jobs("update")).toEqual([]);
  });

  it("is taken up again for another level", async () => {
    // The ring may go on without it.
    const ring = ringFile("canary").replace("onEmpty: Pass", "onEmpty: Pass, minPercent: 50");
    const rig = await createRig({
      machines: [machine("n1", "none")],
      workloads: [WEB, { ...WEB, name: "zeb" }],
      files: { "rings/canary.yaml": ring },
    });
    await rig.until("it is claimed", async () => (await rig.workloadState("web"))["operation"]?.step === "Claimed");
    const { act } = await serve(rig);
    await act("release", "deploy/web", "-n", "shop", "--reason", "not this version");
    await rig.until("it is given back", async () => (await claims(rig)).length === 0);
    const before = await rig.image("web");
    await rig.until("the ring is done without it", () => isConverged(rig), 200);
    expect(await rig.image("web")).toBe(before);
    expect(reasonsOf(await rig.workloadState("web"))).toContain("ReleasedByPerson");

    rig.commit({
      "baselines/shared-images.yaml": `apiVersion: ringward.dev/v1alpha1
kind: PatchBaseline
metadata: { name: shared-images }
spec:
  target: Image
  image:
    images:
      - { repository: registry.example.com/shop/nginx, tag: 1.27.4 }
`,
    });
    await rig.until("it gets the next one", async () => (await rig.image("web"))?.includes("1.27.4") === true, 200);
  });
});
