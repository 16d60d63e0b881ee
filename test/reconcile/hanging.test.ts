// A git server or a forge that hangs: targets under way go on, nothing new starts when what is known is too old, and what is answered late
// counts (G2, V1, A8).
import { describe, expect, it } from "vitest";
import type { Clock } from "../../controller/clock.ts";
import type { Forge } from "../../controller/forge/port.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import type { BesideOptions } from "../../controller/reconcile/beside.ts";
import { POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { conditionOf, createRig, NEW_KERNEL, reasonsOf, type Rig, ringFile, stepOf } from "./rig.ts";

/** Patience that is over at once, so that a pass never waits for what does not answer in the same moment. */
function impatient(rig: Pick<Rig, "clock">): BesideOptions {
  const clock: Clock = {
    now: () => rig.clock.now(),
    monotonic: () => rig.clock.monotonic(),
    // A real turn of the event loop: what answers without waiting for anybody is heard.
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
  };
  return { clock, patienceMs: 0, wake: () => undefined };
}

/** A door that work waits behind while it is shut. */
function door(): { shut(): void; open(): void; pass<T>(work: () => Promise<T>): Promise<T>; waiting(): number } {
  let blocked: Promise<void> | undefined;
  let release: () => void = () => undefined;
  let waiting = 0;
  return {
    shut() {
      blocked = new Promise((resolve) => {
        release = resolve;
      });
    },
    open() {
      blocked = undefined;
      release();
    },
    async pass(work) {
      waiting += 1;
      await blocked;
      waiting -= 1;
      return work();
    },
    waiting: () => waiting,
  };
}

describe("a git server that hangs", () => {
  it("holds no target back that is under way; when it is stale nothing new starts; what it answers late is in force", async () => {
    const rig = await createRig({ repository: { maxStaleness: "2m" } });
    const gate = door();
    const git = (one: PolicyGit): PolicyGit => ({ ...one, fetch: () => gate.pass(() => one.fetch()) });
    const born = rig.born("ringward", { git, patience: impatient(rig) });
    const until = async (what: string, is: () => Promise<boolean>): Promise<void> => {
      for (let round = 0; round < 120; round += 1) {
        await born.pass();
        if (await is()) return;
        await rig.turn();
      }
      throw new Error(`never: ${what}`);
    };
    await until("n1 is claimed", async () => (await stepOf(rig, "n1")) !== undefined);

    gate.shut();
    await until("it is stale", async () => reasonsOf(await rig.ring()).includes("RepositoryStale"));
    await until("nothing is in flight", async () => ((await rig.ledger())["claims"] ?? []).length === 0);

    expect(gate.waiting()).toBe(1);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(["n1", "n2", "n3"].filter((name) => rig.kernel(name) === NEW_KERNEL).length).toBeLessThan(3);

    rig.commit({ "notes.yaml": "# nothing of ours\n" });
    gate.open();
    await until(
      "the late head is in force",
      async () => (await rig.repository())["observedCommit"] === rig.remote.people.branches().get("main"),
    );
    await until("everything is patched", () =>
      Promise.resolve(["n1", "n2", "n3"].every((name) => rig.kernel(name) === NEW_KERNEL)),
    );
    expect(rig.errors).toEqual([]);
  });

  it("says that it is being fetched while nothing was ever read, and starts nothing (S1)", async () => {
    const rig = await createRig();
    const gate = door();
    gate.shut();
    const git = (one: PolicyGit): PolicyGit => ({ ...one, fetch: () => gate.pass(() => one.fetch()) });
    const born = rig.born("ringward", { git, patience: impatient(rig) });

    for (let round = 0; round < 5; round += 1) {
      await born.pass();
      await rig.turn();
    }

    expect(conditionOf(await rig.repository(), "Reconciling")).toMatchObject({ status: "True", reason: "Progressing" });
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect(gate.waiting()).toBe(1);
    gate.open();
  });

  it("is asked again when somebody asked while it hung: it may have looked too early", async () => {
    const rig = await createRig({ mode: "Observe", repository: { interval: "1h" } });
    const gate = door();
    // It looks, and then takes its time to answer.
    const git = (one: PolicyGit): PolicyGit => ({
      ...one,
      fetch: async () => {
        const fetched = await one.fetch();
        return gate.pass(() => Promise.resolve(fetched));
      },
    });
    const born = rig.born("ringward", { git, patience: impatient(rig) });
    const rounds = async (count: number): Promise<void> => {
      for (let round = 0; round < count; round += 1) {
        await born.pass();
        await rig.turn();
      }
    };
    await rounds(4);
    gate.shut();
    born.policy.poke();
    await rounds(2);
    const head = rig.commit({ "notes.yaml": "# pushed while the fetch hung\n" });
    born.policy.poke();
    await rounds(2);
    gate.open();
    await rounds(6);

    expect((await rig.repository())["observedCommit"]).toBe(head);
  });

  it("of another address says nothing about the one that is asked for now", async () => {
    const rig = await createRig({ mode: "Observe" });
    const gate = door();
    gate.shut();
    const opened: string[] = [];
    const git = (one: PolicyGit): PolicyGit => {
      const first = opened.length === 0;
      opened.push("git");
      return first ? { ...one, fetch: () => gate.pass(() => Promise.reject(new Error("the old address"))) } : one;
    };
    const born = rig.born("ringward", { git, patience: impatient(rig) });
    await born.pass();
    const body = { spec: { url: "https://git.invalid/moved.git" } };
    await rig.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });

    gate.open();
    for (let round = 0; round < 4; round += 1) {
      await born.pass();
      await rig.turn();
    }

    expect((await rig.repository())["observedCommit"]).toBe(rig.remote.people.branches().get("main"));
    expect(rig.errors.map(({ error }) => String(error))).not.toContainEqual(expect.stringContaining("the old address"));
  });
});

describe("a forge that hangs", () => {
  it("holds no target back, and what it is asked late is asked once", async () => {
    const rig = await createRig({
      files: { "rings/canary.yaml": ringFile("canary").replace("promotion: Automatic", "promotion: PullRequest") },
    });
    const gate = door();
    const forge = (one: Forge): Forge => ({ ...one, list: (prefix) => gate.pass(() => one.list(prefix)) });
    const born = rig.born("ringward", { forge, patience: impatient(rig) });
    gate.shut();
    for (let round = 0; round < 6; round += 1) {
      expect(await born.pass()).toBeDefined();
      await rig.turn();
    }
    expect(gate.waiting()).toBe(1);
    expect(rig.forge.people.pulls()).toEqual([]);

    gate.open();
    for (let round = 0; round < 6; round += 1) {
      await born.pass();
      await rig.turn();
    }

    const open = rig.forge.people.pulls().filter(({ state }) => state === "open");
    expect(new Set(open.map(({ head }) => head)).size).toBe(open.length);
    expect(open.length).toBe(2);
    expect(rig.errors).toEqual([]);
  });
});
