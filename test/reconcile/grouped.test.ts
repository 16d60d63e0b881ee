// proposals.grouping: Grouped, through whole passes: one pull request for each ring, kept up to date in place, approved and refused as a whole.
import { describe, expect, it } from "vitest";
import { POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { createRig, isConverged, machine, type Rig, ringFile, type RigOptions, type Status } from "./rig.ts";

const PEOPLE = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
const TWO: RigOptions = {
  machines: [machine("n1")],
  files: { "rings/canary.yaml": PEOPLE },
  repository: { proposals: { grouping: "Grouped" } },
};
const BRANCH = "ringward/canary/_all";

const openOf = (rig: Rig) => rig.forge.people.pulls().filter(({ state }) => state === "open");
const levelsIn = (rig: Rig, branch: string): readonly string[] =>
  [...(rig.remote.people.text(branch, "rings/canary.yaml") ?? "").matchAll(/level: (\S+)/g)].map(
    ([, name]) => name ?? "",
  );

async function untilBoth(rig: Rig): Promise<void> {
  await rig.until("both are in one", () => openOf(rig).length === 1 && levelsIn(rig, BRANCH).length === 2);
  await rig.run(6);
}

describe("a ring's shared pull request", () => {
  it("holds all its baselines, has one check, and its merge approves them all", async () => {
    const rig = await createRig(TWO);
    await untilBoth(rig);
    const [pull, ...others] = openOf(rig);

    expect(others).toEqual([]);
    expect(pull).toMatchObject({ head: BRANCH });
    expect(pull?.title).toMatch(/^canary: 2 baselines \(/);
    expect(pull?.body).toContain("## Baseline `shared-images`");
    expect(pull?.body).toContain("## Baseline `ubuntu-2204`");
    expect(rig.forge.people.statuses(pull?.headSha as never)).toMatchObject([
      { name: "ringward/plan", state: "success" },
    ]);

    rig.forge.people.merge(pull?.number ?? 0, "ann");
    await rig.until("all is patched", () => isConverged(rig), 200);
    await rig.run(10);
    const levels = (await rig.ring())["levels"] as readonly Status[];
    expect(levels.map((level) => (level["approval"] as Status | undefined)?.["pullRequest"])).toEqual([
      pull?.number,
      pull?.number,
    ]);
    const comments = rig.forge.people.pulls().find(({ number }) => number === pull?.number)?.comments ?? [];
    expect(comments.map(({ body }) => /ringward-progress (\S+)/.exec(body)?.[1] ?? "").sort()).toEqual([
      "shared-images",
      "ubuntu-2204",
    ]);
    expect(rig.remote.people.branches().has(BRANCH)).toBe(false);
    expect(rig.errors).toEqual([]);
  });

  it("is silent while nothing changes, also for a new process", async () => {
    const rig = await createRig(TWO);
    await untilBoth(rig);
    let writes = 0;
    rig.forge.onOperation((operation) => {
      if (operation.write) writes += 1;
    });
    const tip = rig.remote.people.branches().get(BRANCH);
    await rig.run(5);
    await rig.born("ringward").pass();

    expect(writes).toBe(0);
    expect(rig.remote.people.branches().get(BRANCH)).toBe(tip);
  });

  it("refuses all that it holds when it is closed, and none of it comes again", async () => {
    const rig = await createRig(TWO);
    await untilBoth(rig);
    rig.forge.people.close(openOf(rig)[0]?.number ?? 0, "ann");
    await rig.run(10);

    expect(openOf(rig)).toEqual([]);
    expect(
      ((await rig.ring())["rejections"] as readonly Status[]).map(({ baseline }) => baseline as string).sort(),
    ).toEqual(["shared-images", "ubuntu-2204"]);
  });

  it("takes the place of single ones when people change their mind, and gives it back", async () => {
    const rig = await createRig({ ...TWO, repository: {} });
    const set = (grouping: string): Promise<unknown> =>
      rig.admin.patch(
        POLICY_REPOSITORIES,
        { name: "policy" },
        { type: "merge", body: { spec: { proposals: { grouping } } } },
      );
    await rig.until("two are open", () => openOf(rig).length === 2);

    await set("Grouped");
    await rig.until("one is open", () => openOf(rig).length === 1 && openOf(rig)[0]?.head === BRANCH);
    await rig.run(3);
    expect(levelsIn(rig, BRANCH)).toHaveLength(2);

    await set("PerBaseline");
    await rig.until(
      "two are open again",
      () => openOf(rig).length === 2 && openOf(rig).every(({ head }) => head !== BRANCH),
    );
    await rig.run(3);
    expect((await rig.ring())["rejections"]).toBeUndefined();
    expect(rig.errors).toEqual([]);
  });
});
