// A forge whose lists are late: what was written a moment ago is not in them yet. Nothing is opened again, closed by accident or left double (A5).
import { describe, expect, it } from "vitest";
import { createRig, machine, type Rig, ringFile, type RigOptions } from "./rig.ts";

const PEOPLE = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
const NODES: RigOptions = { workloads: [], machines: [machine("n1")], files: { "rings/canary.yaml": PEOPLE } };
const LATE = { ms: 90_000 };

const ubuntu = (rig: Rig) => rig.forge.people.pulls().filter(({ head }) => head.includes("ubuntu"));

describe("a list that does not show yet what was written", () => {
  it("lets nothing come again that a person closed in the meantime", async () => {
    const rig = await createRig(NODES);
    rig.forge.setLag(LATE);
    await rig.until("it is open", () => ubuntu(rig).length > 0);
    rig.forge.people.close(ubuntu(rig)[0]?.number ?? 0, "ann");
    await rig.run(40);

    expect(ubuntu(rig)).toMatchObject([{ state: "closed" }]);
    expect((await rig.ring())["rejections"]).toMatchObject([{ baseline: "ubuntu-2204", by: "ann" }]);
  });

  it("lets a branch that another process made a moment ago alone, until it must show what became of it", async () => {
    const rig = await createRig(NODES);
    rig.forge.setFault(({ name }) => (name === "create" ? "failBefore" : "none"));
    const branches = (): readonly string[] =>
      [...rig.remote.people.branches().keys()].filter((name) => name.startsWith("ringward/canary/ubuntu"));
    await rig.until("the branch is there", () => branches().length > 0);
    rig.forge.setFault(() => "none");
    const next = rig.born("ringward");
    const passes = async (count: number): Promise<void> => {
      for (let pass = 0; pass < count; pass += 1) {
        await next.pass();
        await rig.turn();
      }
    };
    await passes(18);
    expect(ubuntu(rig)).toEqual([]);
    expect(branches()).toHaveLength(1);

    await passes(12);
    expect(ubuntu(rig)).toMatchObject([{ state: "open" }]);
  });

  it("leaves one comment of two that were made on the word of it", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => ubuntu(rig).length > 0);
    const number = ubuntu(rig)[0]?.number ?? 0;
    rig.forge.people.merge(number, "ann");
    rig.forge.setLag(LATE);
    const comments = (): number =>
      ubuntu(rig)[0]?.comments.filter(({ body }) => body.includes("<!-- ringward-progress")).length ?? 0;
    await rig.until("it was said twice", () => comments() > 1, 200);
    await rig.run(60);

    expect(comments()).toBe(1);
  });
});
