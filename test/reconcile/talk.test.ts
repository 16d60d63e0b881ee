// What is said around a proposal, through whole passes: the check, the refusal with its reason, who approved, the progress, the tracking
// issue. Said once, found again by a new process, and never more than talk.
import { describe, expect, it } from "vitest";
import { progressMarker, TRACKING_MARKER } from "../../controller/core/promotion/index.ts";
import type { Forge } from "../../controller/forge/port.ts";
import { UserError } from "../../controller/errors.ts";
import { createRig, isConverged, machine, reasonsOf, type Rig, ringFile, type RigOptions, type Status } from "./rig.ts";

const PEOPLE = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
const NODES: RigOptions = { workloads: [], machines: [machine("n1")], files: { "rings/canary.yaml": PEOPLE } };

function openPull(rig: Rig): NonNullable<ReturnType<typeof rig.forge.people.pulls>[number]> {
  const pull = rig.forge.people.pulls().find(({ state, head }) => state === "open" && head.includes("ubuntu"));
  if (pull === undefined) throw new Error("no open pull request");
  return pull;
}

const isOpen = (rig: Rig): boolean =>
  rig.forge.people.pulls().some(({ state, head }) => state === "open" && head.includes("ubuntu"));

/** The ring's records of Ubuntu's levels. */
const levelsOf = (ring: Status): readonly Status[] =>
  ((ring["levels"] ?? []) as readonly Status[]).filter(({ baseline }) => baseline === "ubuntu-2204");

function forgeWrites(rig: Rig): () => number {
  let count = 0;
  rig.forge.onOperation((operation) => {
    if (operation.write) count += 1;
  });
  return () => count;
}

describe("a proposal that is open", () => {
  it("has a green check on the commit that it shows, and none is said twice", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => isOpen(rig));
    await rig.run(8);
    const pull = openPull(rig);

    expect(rig.forge.people.statuses(pull.headSha)).toMatchObject([{ name: "ringward/plan", state: "success" }]);
    const writes = forgeWrites(rig);
    await rig.run(6);
    await rig.born("ringward").pass();
    expect(writes()).toBe(0);
  });

  it("has its check in the very pass that opens it", async () => {
    const rig = await createRig(NODES);
    for (let round = 0; round < 20 && !isOpen(rig); round += 1) {
      await rig.first.pass();
      if (!isOpen(rig)) await rig.turn();
    }

    expect(rig.forge.people.statuses(openPull(rig).headSha)).toHaveLength(1);
  });

  it("has a red one when somebody else changed its branch so that it says something else", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => isOpen(rig));
    const { head } = openPull(rig);
    rig.remote.people.commitFiles(
      head,
      { "rings/canary.yaml": `${PEOPLE}# mine\n` },
      { message: "mine", time: rig.clock.now() },
    );
    await rig.run(6);

    const { headSha } = openPull(rig);
    expect(rig.forge.people.statuses(headSha)).toMatchObject([{ name: "ringward/plan", state: "failure" }]);
  });
});

describe("a refusal", () => {
  it("stands in the ring's status with who and why, survives a new process, and ends when a person asks again", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => isOpen(rig));
    const { number } = openPull(rig);
    rig.forge.people.comment(number, "ann", "not before the sale ends");
    rig.forge.people.close(number, "ann");
    await rig.until("it is written down", async () => ((await rig.ring())["rejections"] ?? []).length > 0);

    expect((await rig.ring())["rejections"]).toMatchObject([
      { baseline: "ubuntu-2204", pullRequest: number, by: "ann", why: "not before the sale ends" },
    ]);
    const next = rig.born("ringward");
    for (let round = 0; round < 4; round += 1) {
      await next.pass();
      await rig.turn();
    }
    expect(isOpen(rig)).toBe(false);
    expect((await rig.ring())["rejections"]).toHaveLength(1);

    rig.forge.people.comment(number, "bob", "The sale is over.\n/ringward propose");
    await rig.until("it is open again", () => isOpen(rig), 60);
    expect(openPull(rig).number).toBeGreaterThan(number);
    await rig.until("it is forgotten", async () => (await rig.ring())["rejections"] === undefined);
  });

  it("is heard also when its comment came in the same second as another one that was read before", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => isOpen(rig));
    const { number } = openPull(rig);
    rig.forge.people.close(number, "ann");
    await rig.first.pass();
    await rig.turn(10_000);
    await rig.first.pass();
    const before = rig.forge.people.pulls().find((pull) => pull.number === number)?.updatedTime;
    const forge = (one: Forge): Forge => ({
      ...one,
      // The forge's time does not move, as within one second.
      list: async (prefix) => (await one.list(prefix)).map((pull) => ({ ...pull, updatedTime: before ?? "" })),
    });
    const next = rig.born("ringward", { forge });
    await next.pass();
    rig.forge.people.comment(number, "ann", "/ringward propose");
    for (let round = 0; round < 30 && !isOpen(rig); round += 1) {
      await next.pass();
      await rig.turn();
    }

    expect(isOpen(rig)).toBe(true);
  });
});

describe("a merge", () => {
  it("is written down with who did it and whose reviews it had, and its comment ends with the result", async () => {
    const rig = await createRig(NODES);
    await rig.until("it is open", () => isOpen(rig));
    const { number } = openPull(rig);
    rig.forge.people.review(number, "bob", "Approved");
    rig.forge.people.merge(number, "ann");
    await rig.until("n1 is patched", () => isConverged(rig), 150);
    await rig.run(12);

    const [level] = levelsOf(await rig.ring());
    expect(level?.["approval"]).toMatchObject({ pullRequest: number, mergedBy: "ann", approvedBy: ["bob"] });
    expect(level?.["approval"]).not.toHaveProperty("byRingward");
    expect(rig.events.filter(({ reason }) => reason === "Approved").map(({ note }) => note)).toEqual([
      expect.stringContaining(`pull request #${number} was merged by ann, with review of bob`),
    ]);
    const comments = rig.forge.people.pulls().find((pull) => pull.number === number)?.comments ?? [];
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body.startsWith(`${progressMarker("ubuntu-2204")}\n### ✅ Done: 1 of 1`)).toBe(true);

    const writes = forgeWrites(rig);
    const next = rig.born("ringward");
    for (let round = 0; round < 4; round += 1) {
      await next.pass();
      await rig.turn();
    }
    expect(writes()).toBe(0);
    expect(rig.errors).toEqual([]);
  });
});

describe("the tracking issue", () => {
  it("is one, lists what is open, and follows", async () => {
    const rig = await createRig({ ...NODES, repository: { proposals: { trackingIssue: true } } });
    await rig.until("it is open", () => isOpen(rig));
    await rig.run(3);
    const { number } = openPull(rig);
    const issues = () => rig.forge.people.issues().filter(({ body }) => body.includes(TRACKING_MARKER));

    expect(issues()).toHaveLength(1);
    expect(issues()[0]?.body).toContain(`| #${number} | \`canary\` |`);

    rig.forge.people.close(number, "ann");
    await rig.until("it says so", () => issues()[0]?.body.includes("#### Refused (1)") === true);
    expect(issues()).toHaveLength(1);
  });
});

describe("a limit", () => {
  it("holds proposals back with a name, and lets the next one come when one is merged", async () => {
    const rig = await createRig({
      machines: [machine("n1")],
      files: { "rings/canary.yaml": PEOPLE },
      repository: { proposals: { maxOpen: 1 } },
    });
    const open = () => rig.forge.people.pulls().filter(({ state }) => state === "open");
    await rig.until("one is open", () => open().length === 1);
    await rig.run(6);

    expect(open()).toHaveLength(1);
    const [first] = open();
    rig.forge.people.merge(first?.number ?? 0, "ann");
    await rig.until("the other is open", () => open().some(({ number }) => number !== first?.number));
    expect(rig.remote.people.branches().size).toBeLessThanOrEqual(3);
  });
});

describe("a forge that takes no talk", () => {
  it("holds back no proposal, and is not asked with every pass", async () => {
    const rig = await createRig(NODES);
    let asked = 0;
    const forge = (one: Forge): Forge => ({
      ...one,
      report: () => {
        asked += 1;
        return Promise.reject(new UserError("RW0712", "our token may not set statuses", "give it the right"));
      },
    });
    const born = rig.born("ringward", { forge });
    const rounds = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        await born.pass();
        await rig.turn();
      }
    };
    await rounds(10);
    const before = asked;
    await rounds(10);

    expect(isOpen(rig)).toBe(true);
    expect(before).toBeGreaterThan(0);
    expect(asked).toBe(before);
    for (const { where } of rig.errors) expect(where).toMatch(/^forge: check of #\d+$/);
    expect(reasonsOf(await rig.ring())).not.toContain("ForgeUnavailable");
  });
});
