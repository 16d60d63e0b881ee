// Without a forge the branch is the proposal: found again by its name, with the evidence on a page beside the change, merged with git.
import { describe, expect, it } from "vitest";
import { type Born, createRig, isConverged, machine, type Rig, ringFile, type RigOptions } from "./rig.ts";

const PEOPLE = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
const NODES: RigOptions = { workloads: [], machines: [machine("n1")], files: { "rings/canary.yaml": PEOPLE } };
const PAGE = "evidence/canary/ubuntu-2204.md";

async function rounds(rig: Rig, one: Born, count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await one.pass();
    await rig.turn();
  }
}

const branchesOf = (rig: Rig): readonly string[] =>
  [...rig.remote.people.branches().keys()].filter((name) => name.startsWith("ringward/canary/ubuntu"));

function branchOf(rig: Rig): string {
  const [branch, ...others] = branchesOf(rig);
  if (branch === undefined || others.length > 0) throw new Error(`branches: ${branchesOf(rig).join(", ")}`);
  return branch;
}

describe("a repository without a forge", () => {
  it("gets a branch with the change and a page that says what merging does, and the merge approves", async () => {
    const rig = await createRig(NODES);
    const one = rig.born("ringward", { forge: () => undefined });
    await rounds(rig, one, 8);
    const branch = branchOf(rig);

    expect(branch).toMatch(/^ringward\/canary\/ubuntu-2204\/[0-9a-f]{12}$/);
    expect(rig.remote.people.text(branch, PAGE)).toContain("#### What has to hold before a target starts");
    expect(rig.remote.people.text("main", PAGE)).toBeUndefined();
    expect(rig.forge.people.pulls()).toEqual([]);

    rig.remote.people.merge(branch, "main", {
      mode: "mergeCommit",
      time: rig.clock.now(),
      message: "approved",
      author: { name: "Ann", email: "ann@example.com" },
    });
    for (let round = 0; round < 100 && !(await isConverged(rig)); round += 1) await rounds(rig, one, 1);
    await rounds(rig, one, 3);

    expect(await isConverged(rig)).toBe(true);
    expect(branchesOf(rig)).toEqual([]);
    expect(rig.remote.people.text("main", PAGE)).toContain("approves");
    expect(rig.errors).toEqual([]);
  });

  it("is silent while nothing changes, also for a new process, and makes a deleted branch anew", async () => {
    const rig = await createRig(NODES);
    const one = rig.born("ringward", { forge: () => undefined });
    await rounds(rig, one, 8);
    const branch = branchOf(rig);
    const tip = rig.remote.people.branches().get(branch);
    await rounds(rig, one, 5);
    await rounds(rig, rig.born("ringward", { forge: () => undefined }), 3);
    expect(rig.remote.people.branches().get(branch)).toBe(tip);

    rig.remote.people.deleteBranch(branch);
    await rounds(rig, one, 4);
    expect(branchOf(rig)).toBe(branch);
  });

  it("leaves a branch alone that a person committed to", async () => {
    const rig = await createRig(NODES);
    const one = rig.born("ringward", { forge: () => undefined });
    await rounds(rig, one, 8);
    const branch = branchOf(rig);
    rig.remote.people.commitFiles(
      branch,
      { "rings/canary.yaml": `${PEOPLE}# mine\n` },
      { message: "mine", time: rig.clock.now() },
    );
    const tip = rig.remote.people.branches().get(branch);
    await rounds(rig, one, 6);

    expect(rig.remote.people.branches().get(branch)).toBe(tip);
    expect(rig.events.some(({ note }) => note?.includes("commits that are not Ringward's") === true)).toBe(true);
  });
});
