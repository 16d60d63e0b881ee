// Automatic promotion where the tracked branch is protected: Ringward's own pull request, merged by itself as the parent commit says, once,
// also after a crash; and never against a person (A4, A5).
import { describe, expect, it } from "vitest";
import { UserError } from "../../controller/errors.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import {
  type Born,
  type BornOptions,
  createRig,
  machine,
  NEW_IMAGE,
  type Rig,
  ringFile,
  type RigOptions,
} from "./rig.ts";

const NODES: RigOptions = { workloads: [], machines: [machine("n1")] };
const BRANCH = "ringward/_automatic/canary";

/** Pushes to the tracked branch are refused, as a protected branch does. */
function protect(pushes: { count: number }): (git: PolicyGit) => PolicyGit {
  return (git) => ({
    ...git,
    push: (commit) => {
      if (commit.branch !== "main") return git.push(commit);
      pushes.count += 1;
      return Promise.reject(
        new UserError("RW1117", "the server refuses to move this branch", "use promotion: PullRequest"),
      );
    },
  });
}

function born(rig: Rig, options: BornOptions = {}): { readonly born: Born; readonly pushes: { count: number } } {
  const pushes = { count: 0 };
  return { pushes, born: rig.born("ringward", { git: protect(pushes), ...options }) };
}

async function rounds(rig: Rig, one: Born, count: number): Promise<void> {
  for (let round = 0; round < count; round += 1) {
    await one.pass();
    await rig.turn();
  }
}

const pullsOf = (rig: Rig) => rig.forge.people.pulls().filter(({ head }) => head === BRANCH);
const entryOf = (rig: Rig): string | undefined =>
  /level: (ubuntu-2204-\S+)/.exec(rig.remote.people.text("main", "rings/canary.yaml") ?? "")?.[1];

describe("a forge that commits in our account's name", () => {
  it("is asked to, and git is not", async () => {
    const rig = await createRig(NODES);
    const pushed: string[] = [];
    const remote = rig.remote.open({ branch: "main", author: { name: "App", email: "app@rig.invalid" }, name: "app" });
    const forge = (inner: Forge): Forge => ({
      ...inner,
      push: async (commit) => {
        await remote.fetch();
        pushed.push(commit.branch);
        return remote.push(commit);
      },
    });
    const git = (inner: PolicyGit): PolicyGit => ({ ...inner, push: () => Promise.reject(new Error("git was asked")) });
    await rounds(rig, rig.born("ringward", { forge, git }), 6);

    expect(pushed).toContain("main");
    expect(entryOf(rig)).toBeDefined();
    expect(rig.errors).toEqual([]);
  });
});

describe("an Automatic ring whose file does not list a baseline", () => {
  it("gets its first level by a person's merge, and the next ones by itself (A4)", async () => {
    const file = ringFile("canary").replace("    - baseline: shared-images\n", "");
    const rig = await createRig({ machines: [machine("n1")], files: { "rings/canary.yaml": file } });
    const images = () => rig.forge.people.pulls().filter(({ head }) => head.includes("/shared-images/"));
    const level = (): string | undefined =>
      /level: (shared-images-\S+)/.exec(rig.remote.people.text("main", "rings/canary.yaml") ?? "")?.[1];
    await rig.until("people are asked", () => images().length > 0);
    await rig.run(4);

    expect(entryOf(rig)).toBeDefined();
    expect(level()).toBeUndefined();
    expect(images()[0]?.body).toContain("its file does not list baseline `shared-images`");

    rig.forge.people.merge(images()[0]?.number ?? 0, "ann");
    await rig.until("it is patched", async () => (await rig.image("web")) === NEW_IMAGE);
    const first = level();
    const baseline = rig.remote.people.text("main", "baselines/shared-images.yaml") ?? "";
    rig.commit({ "baselines/shared-images.yaml": baseline.replace("tag: 1.27.3", "tag: 1.27.4") });
    await rig.until("the next level is written", () => level() !== first);

    expect(images()).toHaveLength(1);
    expect(await rig.violations()).toEqual([]);
  });
});

describe("an Automatic ring whose file lists a baseline no more", () => {
  it("gets no entry of it, although the plan was made from a commit that listed it (A4)", async () => {
    const rig = await createRig(NODES);
    const file = ringFile("canary");
    let seen = 0;
    // A person takes the baseline out in the moment in which the entry is written.
    const git = (inner: PolicyGit): PolicyGit => ({
      ...inner,
      push: (commit) => {
        if (commit.branch === "main" && seen++ === 0)
          rig.commit({ "rings/canary.yaml": file.replace("    - baseline: ubuntu-2204\n", "") });
        return inner.push(commit);
      },
    });
    await rounds(rig, rig.born("ringward", { git }), 6);

    expect(seen).toBeGreaterThan(0);
    expect(entryOf(rig)).toBeUndefined();
    // People are asked instead.
    const asked = rig.forge.people.pulls().filter(({ head }) => head.startsWith("ringward/canary/"));
    expect(asked.map(({ state }) => state)).toContain("open");
    expect(await rig.violations()).toEqual([]);
  });
});

describe("an Automatic ring on a protected branch", () => {
  it("is promoted by one pull request that Ringward opens and merges, and leaves no branch behind", async () => {
    const rig = await createRig(NODES);
    const { born: one, pushes } = born(rig);
    await rounds(rig, one, 8);

    expect(pullsOf(rig)).toMatchObject([{ state: "merged", mergedBy: "ringward" }]);
    expect(entryOf(rig)).toBeDefined();
    expect(pushes.count).toBe(1);
    expect(rig.remote.people.branches().has(BRANCH)).toBe(false);
    const [commit] = [...rig.remote.people.branches()]
      .filter(([name]) => name === "main")
      .map(([, id]) => rig.remote.people.commit(id));
    expect(commit?.message).toContain("Ringward-Ring: canary");
    expect(rig.errors).toEqual([]);
  });

  it("waits while the forge does not let it merge, says why, and opens no second one", async () => {
    const rig = await createRig(NODES);
    rig.forge.people.setRules({ protection: "1 approving review is required" });
    const { born: one } = born(rig);
    await rounds(rig, one, 8);

    expect(pullsOf(rig)).toMatchObject([{ state: "open" }]);
    expect(
      rig.events.some(({ note }) => note?.includes("cannot be merged by Ringward: 1 approving review") === true),
    ).toBe(true);
    rig.forge.people.setRules({ protection: undefined });
    await rounds(rig, one, 4);
    expect(pullsOf(rig)).toMatchObject([{ state: "merged" }]);
    expect(entryOf(rig)).toBeDefined();
  });

  it("is not merged when a person took Automatic away in the meantime (A4)", async () => {
    const rig = await createRig(NODES);
    const forge = (inner: Forge): Forge => ({
      ...inner,
      open: async (request) => {
        const pull = await inner.open(request);
        if (request.head === BRANCH)
          rig.commit({
            "rings/canary.yaml": ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest"),
          });
        return pull;
      },
    });
    const { born: one } = born(rig, { forge });
    await rounds(rig, one, 6);

    expect(pullsOf(rig)).toMatchObject([{ state: "closed" }]);
    expect(entryOf(rig)).toBeUndefined();
    // It is asked for by an ordinary proposal now.
    expect(
      rig.forge.people.pulls().some(({ state, head }) => state === "open" && head.startsWith("ringward/canary/")),
    ).toBe(true);
    expect(rig.remote.people.branches().has(BRANCH)).toBe(false);
  });

  it("is not refused by us: while our closing fails its branch stays, because a forge closes what has none", async () => {
    const rig = await createRig(NODES);
    rig.forge.people.setRules({ protection: "frozen" });
    const { born: one } = born(rig);
    await rounds(rig, one, 5);
    rig.forge.setFault(({ name }) => (name === "update" ? "failBefore" : "none"));
    rig.commit({ "rings/canary.yaml": ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest") });
    await rounds(rig, one, 4);
    expect(pullsOf(rig)).toMatchObject([{ state: "open" }]);

    rig.forge.setFault(() => "none");
    await rounds(rig, one, 4);
    expect(pullsOf(rig)).toMatchObject([{ state: "closed", body: expect.stringContaining('"closed":"Superseded"') }]);
    expect(rig.remote.people.branches().has(BRANCH)).toBe(false);
  });

  it("is refused by a person who closes it, until there is something else to say", async () => {
    const rig = await createRig(NODES);
    rig.forge.people.setRules({ protection: "frozen" });
    const { born: one } = born(rig);
    await rounds(rig, one, 5);
    rig.forge.people.close(pullsOf(rig)[0]?.number ?? 0, "ann");
    rig.forge.people.setRules({ protection: undefined });
    await rounds(rig, one, 6);

    expect(pullsOf(rig)).toMatchObject([{ state: "closed", closedBy: "ann" }]);
    expect(entryOf(rig)).toBeUndefined();
    expect(rig.events.some(({ reason }) => reason === "ProposalRejected")).toBe(true);
  });

  it("leaves a branch alone that a person committed to", async () => {
    const rig = await createRig(NODES);
    rig.forge.people.setRules({ protection: "frozen" });
    const { born: one } = born(rig);
    await rounds(rig, one, 5);
    rig.remote.people.commitFiles(BRANCH, { "README.yaml": "a: mine\n" }, { message: "mine", time: rig.clock.now() });
    const tip = rig.remote.people.branches().get(BRANCH);
    rig.forge.people.setRules({ protection: undefined });
    await rounds(rig, one, 6);

    expect(rig.remote.people.branches().get(BRANCH)).toBe(tip);
    expect(entryOf(rig)).toBeUndefined();
  });

  it.each(
    (["create", "merge", "label"] as const).flatMap((name) => [
      { name, fault: "loseReply" as const },
      { name, fault: "failBefore" as const },
    ]),
  )("ends in the same state when $name meets $fault", async ({ name, fault }) => {
    const rig = await createRig(NODES);
    let hits = 0;
    rig.forge.setFault((operation) => {
      if (hits > 0 || operation.name !== name) return "none";
      hits += 1;
      return fault;
    });
    const { born: one } = born(rig);
    await rounds(rig, one, 10);

    expect(hits).toBe(1);
    expect(pullsOf(rig)).toMatchObject([{ state: "merged" }]);
    expect(entryOf(rig)).toBeDefined();
  });
});
