// What an approval is good for, through whole passes: the digest and the number of targets that it names, for as long as it stands on the
// tracked branch, whether the forge answers or not.
import { describe, expect, it } from "vitest";
import {
  createRig,
  FAST,
  isConverged,
  machine,
  NEW_KERNEL,
  reasonsOf,
  type Rig,
  ringFile,
  type RigOptions,
  type Status,
  stepOf,
} from "./rig.ts";

const BY_PEOPLE = (text: string): string => text.replace("promotion: Automatic", "promotion: PullRequest");
const RING = "rings/canary.yaml";
const ONLY_NODES: RigOptions = { workloads: [] };

function textOf(rig: Rig, path = RING): string {
  return rig.remote.people.text("main", path) ?? "";
}

/** The level that a ring's entry names in the repository. */
function levelOf(rig: Rig, path = RING): string | undefined {
  return /level: (ubuntu-2204-\S+)/.exec(textOf(rig, path))?.[1];
}

async function claimed(rig: Rig): Promise<readonly string[]> {
  const { claims = [] } = await rig.ledger();
  return (claims as Status[]).map((claim) => claim["name"] as string);
}

/** Every node that was ever claimed. */
function everClaimed(rig: Rig): ReadonlySet<string> {
  return new Set(
    rig.cluster.server.store
      .history()
      .filter(({ resource }) => resource === "disruptionledgers.ringward.dev")
      .flatMap(({ object }) => ((object.status as Status | undefined)?.["claims"] ?? []) as Status[])
      .map((claim) => claim["name"] as string),
  );
}

/** A ring that was promoted by itself, and is from then on approved by people. */
async function approvedOnce(rig: Rig, change: (text: string) => string = (text) => text): Promise<string> {
  await rig.until("the ring has its entry", () => levelOf(rig) !== undefined);
  rig.commit({ [RING]: change(BY_PEOPLE(textOf(rig))) });
  return levelOf(rig) ?? "";
}

describe("an approval", () => {
  it("covers no more targets than it names: the next one waits for another approval (A2)", async () => {
    const rig = await createRig({ ...ONLY_NODES, machines: [machine("n1")] });
    await approvedOnce(rig, (text) => text.replace(/maxTargets: \d+/, "maxTargets: 1"));
    await rig.until("n1 is patched", () => isConverged(rig));
    rig.cluster.machines.join(machine("n2"));
    await rig.until("n2 is known", async () => (await rig.state("n2"))["state"] === "Missing");
    await rig.run(15);

    expect(textOf(rig)).toContain("maxTargets: 1");
    expect(reasonsOf(await rig.state("n2"))).toContain("ScopeGrew");
    expect([...everClaimed(rig)]).toEqual(["n1"]);
    expect(rig.kernel("n2")).not.toBe(NEW_KERNEL);

    const pull = rig.forge.people.pulls().find(({ state }) => state === "open");
    rig.forge.people.merge(pull?.number ?? 0, "alice");
    await rig.until("n2 is patched too", () => rig.kernel("n2") === NEW_KERNEL);
  });

  it("is void for a level whose file says something else than was approved (A2)", async () => {
    const rig = await createRig(ONLY_NODES);
    await rig.setMode("Observe");
    const level = await approvedOnce(rig);
    const path = `levels/${level}.yaml`;
    rig.commit({ [path]: textOf(rig, path).replaceAll(NEW_KERNEL, "5.15.0-119-generic") });
    await rig.setMode("Enforce");
    await rig.run(15);

    expect(textOf(rig, path)).toContain("5.15.0-119-generic");
    expect(reasonsOf(await rig.ring())).toContain("LevelDigestMismatch");
    expect([...everClaimed(rig)]).toEqual([]);
  });

  it("does not cover what its recipe became after: nodes undergo the steps that were approved (A2)", async () => {
    const rig = await createRig(ONLY_NODES);
    await approvedOnce(rig);
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    const recipe = textOf(rig, "recipes/apt.yaml");
    const changed = recipe.replaceAll(
      /^( *)command: /gm,
      "$1env: [{ name: SLEIGHT_OF_HAND, value: yes! }]\n$1command: ",
    );
    expect(changed).not.toBe(recipe);
    rig.commit({ "recipes/apt.yaml": changed });
    await rig.until("all are patched", () => ["n1", "n2", "n3"].every((name) => rig.kernel(name) === NEW_KERNEL));

    const jobs = (await rig.jobs()).filter(({ metadata }) => metadata.labels?.["ringward.dev/claim"] !== undefined);
    expect(jobs.length).toBeGreaterThan(6);
    expect(jobs.filter((job) => JSON.stringify(job).includes("SLEIGHT_OF_HAND"))).toEqual([]);
    expect(await rig.violations()).toEqual([]);
  });
});

/** An approval that is taken back: the entry is there no more. */
function takeBack(rig: Rig, path = RING): void {
  const text = textOf(rig, path).replaceAll(/\n *(level|maxTargets): .*/g, "");
  rig.commit({ [path]: text }, "taken back");
  expect(levelOf(rig, path)).toBeUndefined();
}

describe("an approval that is taken back", () => {
  it("before its ring starts is void, also when the rings before have soaked (A3)", async () => {
    const rig = await createRig({
      ...ONLY_NODES,
      machines: [machine("n1"), machine("w1", "wide")],
      files: { "rings/wide.yaml": BY_PEOPLE(ringFile("wide", "after: [canary]")) },
    });
    await rig.until("canary has its entry", () => levelOf(rig) !== undefined);
    const entry = /- baseline: ubuntu-2204\n( +level: .*\n)( +maxTargets: .*\n)?/.exec(textOf(rig))?.[0] ?? "";
    const wide = textOf(rig, "rings/wide.yaml").replace("- baseline: ubuntu-2204\n", entry);
    rig.commit({ "rings/wide.yaml": wide }, "too early");
    await rig.run(3);
    expect(reasonsOf(await rig.state("w1"))).toContain("PredecessorNotSoaked");

    takeBack(rig, "rings/wide.yaml");
    await rig.until("canary has soaked", async () => (await rig.ring())["phase"] === "Done");
    await rig.run(20);

    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect([...everClaimed(rig)]).toEqual(["n1"]);
    expect(rig.kernel("w1")).not.toBe(NEW_KERNEL);
  });

  for (const [step, kept] of [
    ["Cordoned", false],
    ["Updating", true],
  ] as const)
    it(`while a node is ${step} claims nothing more, and the node ${kept ? "finishes" : "goes back"} (A3)`, async () => {
      // The update runs for some passes, so that it is under way when the approval goes.
      const timing = { ...FAST, program: { ...FAST.program, update: 30_000 } };
      const rig = await createRig({ ...ONLY_NODES, timing });
      await approvedOnce(rig);
      await rig.until(`n1 is ${step}`, async () => {
        if (step === "Updating" && (await rig.jobs("update")).length === 0) return false;
        return (await stepOf(rig, "n1")) === step;
      });
      takeBack(rig);
      await rig.until("nothing is in flight", async () => (await claimed(rig)).length === 0);
      await rig.run(20);

      expect([...everClaimed(rig)]).toEqual(["n1"]);
      expect(rig.kernel("n1") === NEW_KERNEL).toBe(kept);
      expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
      expect((await rig.node("n1")).metadata.annotations?.["ringward.dev/claim"]).toBeUndefined();
      expect(await rig.judge("A3", "D4")).toEqual([]);
    });
});

describe("while the forge is down", () => {
  it("no gate opens by default and nothing passes one, however long it lasts (A8)", async () => {
    const rig = await createRig({
      ...ONLY_NODES,
      machines: [machine("n1"), machine("w1", "wide")],
      files: { "rings/wide.yaml": BY_PEOPLE(ringFile("wide", "after: [canary]")) },
    });
    rig.forge.setFault(() => "failBefore");
    await rig.until("canary has soaked", async () => (await rig.ring())["phase"] === "Done");
    for (let minutes = 0; minutes < 24 * 60; minutes += 20) {
      await rig.first.pass();
      await rig.turn(20 * 60_000);
    }

    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(levelOf(rig, "rings/wide.yaml")).toBeUndefined();
    expect([...everClaimed(rig)]).toEqual(["n1"]);
    expect(rig.forge.people.pulls()).toEqual([]);

    rig.forge.setFault(() => "none");
    const proposal = (): number | undefined =>
      rig.forge.people.pulls().find(({ title }) => title.includes("ubuntu-2204"))?.number;
    await rig.until("it is proposed", () => proposal() !== undefined);
    await rig.run(5);
    expect(rig.kernel("w1")).not.toBe(NEW_KERNEL);
    rig.forge.people.merge(proposal() ?? 0, "alice");
    await rig.until("it is patched after the merge", () => rig.kernel("w1") === NEW_KERNEL);
  });
});
