// What people are told on pull requests that change policy, through whole passes: a verdict with its lines, one comment with a rehearsal,
// said once. Nothing in a pull request is in force, and no pass fails with one.
import { describe, expect, it } from "vitest";
import type { Forge, Report } from "../../controller/forge/port.ts";
import type { CommitSha } from "../../controller/git/port.ts";
import { REHEARSAL_MARKER, VALIDATE_CHECK } from "../../controller/reconcile/policy-pulls.ts";
import { type Born, createRig, machine, type Rig, ringFile, type RigOptions } from "./rig.ts";

const OPTIONS: RigOptions = { workloads: [], machines: [machine("n1"), machine("n2", "late")] };

interface Scene {
  readonly rig: Rig;
  readonly born: Born;
  readonly reports: Report[];
  /** Writes that the forge was asked for since the last question. */
  readonly writes: () => number;
  readonly passes: (times: number) => Promise<void>;
}

async function makeScene(options: RigOptions = OPTIONS): Promise<Scene> {
  const rig = await createRig(options);
  const reports: Report[] = [];
  const forge = (real: Forge): Forge => ({
    ...real,
    report: async (report) => {
      reports.push(report);
      await real.report(report);
    },
  });
  const born = rig.born("ringward", { pulls: true, forge });
  let count = 0;
  rig.forge.onOperation((operation) => {
    if (operation.write) count += 1;
  });
  const passes = async (times: number): Promise<void> => {
    for (let pass = 0; pass < times; pass += 1) {
      await born.pass();
      await rig.turn();
    }
  };
  await passes(12);
  return { rig, born, reports, passes, writes: () => count - (count = 0) };
}

/** A person's pull request: from a fork, so that its head is on no branch of ours. */
function offer({ rig }: Scene, files: Readonly<Record<string, string | null>>): { number: number; head: CommitSha } {
  const { people } = rig.remote;
  const head = people.commitFiles("topic", files, { message: "mine", time: rig.clock.now(), from: "main" });
  people.deleteBranch("topic");
  const request = { fork: "ana/policy", head: "topic", headSha: head, base: "main", title: "Mine", by: "ana" };
  return { number: rig.forge.people.openFromFork(request), head };
}

function push({ rig }: Scene, branch: string, files: Readonly<Record<string, string>>): CommitSha {
  return rig.remote.people.commitFiles(branch, files, { message: branch, time: rig.clock.now(), from: "main" });
}

/** One of somebody who may write to our repository. */
async function propose(
  scene: Scene,
  branch: string,
  files: Readonly<Record<string, string>>,
): Promise<{ number: number; head: CommitSha }> {
  const head = push(scene, branch, files);
  const forge = scene.rig.forge.open({ login: "bea", name: "bea" });
  const { number } = await forge.open({ head: branch, base: "main", title: branch, body: "", labels: [] });
  return { number, head };
}

const commentsOn = ({ rig }: Scene, number: number): readonly string[] =>
  rig.forge.people
    .pulls()
    .find((pull) => pull.number === number)
    ?.comments.map(({ body }) => body) ?? [];

const late = ringFile("late").replace("promotion: Automatic", "after: [canary]\n  promotion: PullRequest");

describe("a pull request that changes policy", () => {
  it("is validated and rehearsed, once, and by a new process not again", async () => {
    const scene = await makeScene();
    const { number, head } = offer(scene, { "rings/late.yaml": late });
    scene.writes();
    await scene.passes(3);

    expect(scene.reports).toMatchObject([{ name: VALIDATE_CHECK, commit: head, state: "success" }]);
    const [comment = "", ...others] = commentsOn(scene, number);
    expect(others).toEqual([]);
    expect(comment).toContain(REHEARSAL_MARKER);
    expect(comment).toContain("RolloutRing `late`: new");
    expect(comment).toContain("Joined ring `late` (1): `Node n2`");
    expect((await scene.rig.ring("late"))["phase"]).toBeUndefined();

    scene.writes();
    await scene.passes(3);
    await scene.rig.born("ringward", { pulls: true }).pass();
    expect(scene.writes()).toBe(0);
    expect(scene.rig.errors).toEqual([]);
  });

  it("from somebody who may write here is not hidden by many from forks", async () => {
    const scene = await makeScene();
    const { head } = await propose(scene, "feature", { "rings/late.yaml": late });
    for (let index = 0; index < 25; index += 1) offer(scene, { [`notes/${index}.md`]: "hello\n" });
    await scene.passes(2);

    expect(scene.reports).toMatchObject([{ name: VALIDATE_CHECK, commit: head }]);
  });

  it("has its turn although others are pushed to all the time", async () => {
    const scene = await makeScene();
    const { head } = await propose(scene, "quiet", { "rings/late.yaml": late });
    const noisy = ["one", "two", "three"];
    for (const branch of noisy) await propose(scene, branch, { "rings/late.yaml": `# ${branch}\n${late}` });
    for (let pass = 0; pass < 3; pass += 1) {
      await scene.passes(1);
      for (const branch of noisy) push(scene, branch, { "rings/late.yaml": `# ${branch} ${pass}\n${late}` });
    }

    expect(scene.reports.map(({ commit }) => commit)).toContain(head);
  });

  it("that breaks a file is red, with the error on its line, and its comment is edited when it is mended", async () => {
    const scene = await makeScene();
    const { number, head } = offer(scene, {
      "rings/canary.yaml": ringFile("canary").replace("soak: 10s", "soak: soon"),
    });
    await scene.passes(2);

    const [report] = scene.reports;
    expect(report).toMatchObject({ commit: head, state: "failure", title: "1 error, 0 warnings" });
    expect(report?.annotations).toMatchObject([{ path: "rings/canary.yaml", line: 14, severity: "failure" }]);
    const [broken = ""] = commentsOn(scene, number);
    expect(broken).toContain("`rings/canary.yaml:14:9`");
    expect(broken).toContain("`PolicyInvalid`");

    const { people } = scene.rig.remote;
    people.commitFiles(
      "main",
      { "rings/canary.yaml": ringFile("canary").replace("budget: { nodes: 1", "budget: { nodes: 2") },
      { time: scene.rig.clock.now() },
    );
    await scene.passes(6);
    const [mended = "", ...others] = commentsOn(scene, number);
    expect(others).toEqual([]);
    expect(mended).not.toBe(broken);
  });

  it("that conflicts is red and says where", async () => {
    const scene = await makeScene();
    const { number } = offer(scene, { "rings/canary.yaml": "mine\n" });
    scene.rig.remote.people.commitFiles(
      "main",
      { "rings/canary.yaml": ringFile("canary").replace("soak: 10s", "soak: 20s") },
      { time: scene.rig.clock.now() },
    );
    await scene.passes(6);

    expect(scene.reports.at(-1)).toMatchObject({ state: "failure", title: "conflicts with main" });
    expect(commentsOn(scene, number)[0]).toContain("- `rings/canary.yaml`");
  });

  it("that is about something else is left alone, and so are our own proposals", async () => {
    const people = ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest");
    const scene = await makeScene({ ...OPTIONS, files: { "rings/canary.yaml": people } });
    const { number } = offer(scene, { "README.md": "hello\n" });
    await scene.passes(3);

    expect(scene.rig.forge.people.pulls().length).toBeGreaterThan(1);
    expect(scene.reports.filter(({ name }) => name === VALIDATE_CHECK)).toEqual([]);
    expect(commentsOn(scene, number)).toEqual([]);
  });

  it("that the forge does not tell of stops no pass, and is told of later", async () => {
    const scene = await makeScene();
    scene.rig.forge.setFault(({ name }) => (name === "files" ? "failBefore" : "none"));
    const { number } = offer(scene, { "rings/late.yaml": late });
    const result = await scene.born.pass();
    await scene.passes(2);

    expect(result).toBeDefined();
    expect(scene.rig.errors.map(({ where }) => where)).toContain(`pull request #${number}`);
    expect(commentsOn(scene, number)).toEqual([]);

    scene.rig.forge.setFault(() => "none");
    scene.rig.clock.advance(11 * 60_000);
    await scene.passes(2);
    expect(commentsOn(scene, number)).toHaveLength(1);
  });
});
