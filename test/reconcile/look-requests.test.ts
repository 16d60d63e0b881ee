// Requests to look at the repository now, by annotation: which of them a look has answered stands in the status, with what that look found.
import { describe, expect, it } from "vitest";
import { LONGEST_REQUEST, REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { POLICY_REPOSITORIES } from "../../controller/kube/resources.ts";
import { type Born, conditionOf, createRig, type Rig, calmRing } from "./rig.ts";

/** A cluster at rest, whose repository is asked once an hour. */
async function atRest(repository: Readonly<Record<string, unknown>> = {}): Promise<Rig> {
  const rig = await createRig({
    mode: "Observe",
    repository: { interval: "1h", ...repository },
    files: { "rings/canary.yaml": calmRing("canary") },
  });
  await rig.run(8);
  return rig;
}

async function ask(rig: Rig, value: string | null): Promise<void> {
  const body = { metadata: { annotations: { [REQUESTED_AT]: value } } };
  await rig.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body });
}

async function handled(rig: Rig): Promise<unknown> {
  return (await rig.repository())["lastHandledReconcileAt"];
}

const statusWrites = (rig: Rig): number =>
  rig.writes.filter(({ path, status }) => path.endsWith("/policyrepositories/policy/status") && status === 200).length;

describe("a request to look", () => {
  it("is said to be handled in the same write as what the look found, and then nothing is written (K7)", async () => {
    const rig = await atRest();
    expect(await handled(rig)).toBeUndefined();
    const head = rig.commit({ "rings/late.yaml": calmRing("late") });
    await ask(rig, "first");
    const before = statusWrites(rig);

    await rig.first.pass();

    expect(await rig.repository()).toMatchObject({ lastHandledReconcileAt: "first", observedCommit: head });
    expect(statusWrites(rig)).toBe(before + 1);
    await rig.run(8);
    rig.writes.length = 0;
    await rig.run(5);
    expect(rig.writes).toEqual([]);
    expect(await handled(rig)).toBe("first");
  });

  it("is handled by a look that failed, too, which says so", async () => {
    const rig = await atRest();
    rig.remote.setFault(({ name }) => (name === "fetch" ? "failBefore" : "none"));
    await ask(rig, "first");

    await rig.run(2);

    expect(await handled(rig)).toBe("first");
    expect(conditionOf(await rig.repository(), "Ready")).toMatchObject({ status: "False", reason: "ReadFailed" });
  });

  it("is not handled by a look that had begun before it, but by the one after", async () => {
    const rig = await atRest();
    const { born, fetches, hang } = bringSlow(rig, "ringward");
    const endFirst = hang();
    await ask(rig, "first");
    await born.pass();
    const head = rig.commit({ "rings/late.yaml": calmRing("late") });
    await ask(rig, "second");
    await born.pass();
    expect([fetches(), await handled(rig)]).toEqual([1, undefined]);
    // The look for the second one hangs again, when the first one has ended.
    const endSecond = hang();
    endFirst();

    await until(born, () => fetches() === 2);
    expect(await handled(rig)).toBe("first");
    expect((await rig.repository())["observedCommit"]).not.toBe(head);
    endSecond();
    await until(born, async () => (await handled(rig)) === "second");

    expect((await rig.repository())["observedCommit"]).toBe(head);
  });

  it("waits while the repository is suspended, and is handled when that ends", async () => {
    const rig = await atRest();
    const suspend = (value: boolean): Promise<unknown> =>
      rig.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body: { spec: { suspend: value } } });
    await suspend(true);
    await ask(rig, "first");
    await rig.run(3);
    expect(await handled(rig)).toBeUndefined();

    await suspend(false);
    await rig.run(2);

    expect(await handled(rig)).toBe("first");
  });

  it("is answered by another look when the process died before it could say so", async () => {
    const rig = await atRest();
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.endsWith("/policyrepositories/policy/status") ? { status: 500 } : "none",
    );
    await ask(rig, "first");
    await rig.run(2);
    expect(await handled(rig)).toBeUndefined();
    rig.cluster.server.setFault(() => "none");

    await rig.born().pass();

    expect(await handled(rig)).toBe("first");
  });

  it("is said by the process that could not say it at once, also when it looked again for nobody", async () => {
    const rig = await atRest();
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.endsWith("/policyrepositories/policy/status") ? { status: 500 } : "none",
    );
    await ask(rig, "first");
    await rig.run(2);
    await ask(rig, null);
    await rig.run(2);
    rig.cluster.server.setFault(() => "none");

    await rig.run(1);

    expect(await handled(rig)).toBe("first");
  });

  it("stays handled when its annotation is taken away", async () => {
    const rig = await atRest();
    await ask(rig, "first");
    await rig.run(2);
    await ask(rig, null);

    await rig.run(2);

    expect(await handled(rig)).toBe("first");
  });

  it("that is too long for the status is looked for, and never said to be handled", async () => {
    const rig = await atRest();
    await ask(rig, "first");
    await rig.run(2);
    const head = rig.commit({ "rings/late.yaml": calmRing("late") });
    await ask(rig, "x".repeat(LONGEST_REQUEST + 1));
    await rig.run(2);
    expect(await rig.repository()).toMatchObject({ lastHandledReconcileAt: "first", observedCommit: head });

    await ask(rig, "x".repeat(LONGEST_REQUEST));
    await rig.run(2);

    expect(await handled(rig)).toBe("x".repeat(LONGEST_REQUEST));
    expect(rig.errors).toEqual([]);
  });
});

describe("two leaders", () => {
  it("say it once, and take nothing of each other back (K7)", async () => {
    const rig = await atRest();
    const other = rig.born("other");
    await other.pass();
    await ask(rig, "first");
    await rig.first.pass();
    expect(await handled(rig)).toBe("first");
    const before = statusWrites(rig);

    for (let round = 0; round < 4; round += 1) {
      await other.pass();
      await rig.first.pass();
      await rig.turn();
    }

    expect(await handled(rig)).toBe("first");
    expect(statusWrites(rig)).toBe(before);
  });

  it("say no old one again while they look for a new one", async () => {
    const rig = await atRest();
    const { born, hang } = bringSlow(rig, "other");
    await ask(rig, "first");
    await until(born, async () => (await handled(rig)) === "first");
    await ask(rig, "second");
    await rig.run(1);
    expect(await handled(rig)).toBe("second");

    const end = hang();
    await ask(rig, "third");
    await born.pass();
    await born.pass();

    expect(await handled(rig)).toBe("second");
    end();
    await until(born, async () => (await handled(rig)) === "third");
  });
});

/** A controller whose looks, once they have looked, take their time to answer while they are told to hang. */
function bringSlow(
  rig: Rig,
  user: string,
): {
  readonly born: Born;
  readonly fetches: () => number;
  /** Answers what ends it. */ readonly hang: () => () => void;
} {
  let hangs: Promise<void> | undefined;
  let fetches = 0;
  const git = (one: PolicyGit): PolicyGit => ({
    ...one,
    fetch: async () => {
      fetches += 1;
      const fetched = await one.fetch();
      await hangs;
      return fetched;
    },
  });
  const clock = { ...rig.clock, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const born = rig.born(user, { git, patience: { clock, patienceMs: 0, wake: () => undefined } });
  const hang = (): (() => void) => {
    let end: () => void = () => undefined;
    hangs = new Promise((resolve) => (end = resolve));
    return end;
  };
  return { born, fetches: () => fetches, hang };
}

async function until(born: Born, is: () => boolean | Promise<boolean>): Promise<void> {
  for (let pass = 0; pass < 20; pass += 1) {
    if (await is()) return;
    await born.pass();
  }
  throw new Error(`it never came to that: ${is.toString()}`);
}
