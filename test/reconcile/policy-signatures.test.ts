// Facts about signatures of the policy repository's commits: what is not verified starts nothing, and takes nothing out of force.
import { describe, expect, it } from "vitest";
import type { CommitSha, PolicyGit } from "../../controller/git/port.ts";
import { findUnverified } from "../../controller/reconcile/policy-signatures.ts";
import { POLICY_REPOSITORIES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import { conditionOf, createRig, isConverged, NEW_KERNEL, type Rig, calmRing, type Status } from "./rig.ts";

const ANN = "ann@example.test";
const calm = { "rings/canary.yaml": calmRing("canary") };
const verification = (mode: "None" | "Head" | "Strict") => ({
  verification: { mode, allowedSignersFile: `/signers/${ANN}` },
});
const stalled = async (rig: Rig): Promise<Status | undefined> => conditionOf(await rig.repository(), "Stalled");
const change = (rig: Rig, spec: object): Promise<unknown> =>
  rig.admin.patch(POLICY_REPOSITORIES, { name: "policy" }, { type: "merge", body: { spec } });

describe("signatures of the policy repository", () => {
  it("start nothing from a repository whose head was never verified (G6)", async () => {
    const rig = await createRig({ repository: verification("Head") });
    await rig.run(20);

    expect(await stalled(rig)).toMatchObject({ status: "True", reason: "SignatureInvalid" });
    expect(await rig.repository()).not.toHaveProperty("observedCommit");
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "canary" })).toBeUndefined();
  });

  it.each(["Head", "Strict"] as const)(
    "take a head into force that is signed by somebody who is trusted (%s)",
    async (mode) => {
      const rig = await createRig({ mode: "Observe", files: calm, repository: verification(mode) });
      const head = rig.commit({ "rings/late.yaml": calmRing("late") }, "signed", ANN);
      await rig.run(4);

      expect(await rig.repository()).toMatchObject({ observedCommit: head, fetchedCommit: head, verifiedCommit: head });
      expect(conditionOf(await rig.repository(), "Ready")).toMatchObject({ status: "True", reason: "InSync" });
      expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
      expect(await rig.judge("G6", "D1")).toEqual([]);
    },
  );

  it.each(["Head", "Strict"] as const)(
    "keep the last verified head in force under one that is not (%s)",
    async (mode) => {
      const rig = await createRig({ mode: "Observe", files: calm, repository: verification(mode) });
      const good = rig.commit({ "rings/late.yaml": calmRing("late") }, "signed", ANN);
      await rig.run(4);
      for (const signedBy of [undefined, "eve@example.test"]) {
        const bad = rig.commit(
          { "rings/evil.yaml": calmRing("evil"), "rings/late.yaml": null },
          "not signed by us",
          signedBy,
        );
        await rig.run(4);

        expect(await rig.repository()).toMatchObject({
          observedCommit: good,
          fetchedCommit: bad,
          verifiedCommit: good,
        });
        expect(await stalled(rig)).toMatchObject({ status: "True", reason: "SignatureInvalid" });
      }
      expect(await rig.admin.get(ROLLOUT_RINGS, { name: "evil" })).toBeUndefined();
      expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
    },
  );

  it("are asked of what is in force, too, where the repository does not answer when they are first wanted (G6)", async () => {
    const rig = await createRig({ keepsStores: true });
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    rig.remote.setFault(({ name }) => (name === "fetch" ? "failBefore" : "none"));
    await change(rig, verification("Head"));
    await rig.run(30);

    expect(await stalled(rig)).toMatchObject({ status: "True", reason: "SignatureInvalid" });
    expect((await rig.ledger())["claims"]).toEqual([]);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(rig.kernel("n3")).not.toBe(NEW_KERNEL);
  });

  it("let what is in flight finish and start nothing (G6)", async () => {
    const rig = await createRig({
      repository: { ...verification("Head"), commits: { signingKeyFile: `/keys/${ANN}` } },
    });
    rig.commit({ "README.md": "signed\n" }, "signed", ANN);
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    rig.commit({ "README.md": "not signed\n" });
    await rig.run(30);

    expect(await stalled(rig)).toMatchObject({ reason: "SignatureInvalid" });
    expect((await rig.ledger())["claims"]).toEqual([]);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(rig.kernel("n3")).not.toBe(NEW_KERNEL);
  });

  it("ask in Strict for every commit since the last verified one, and in Head for the head alone (G6)", async () => {
    const rig = await createRig({ mode: "Observe", files: calm, repository: verification("Strict") });
    const good = rig.commit({ "README.md": "1\n" }, "signed", ANN);
    await rig.run(4);
    const hidden = rig.commit({ "rings/evil.yaml": calmRing("evil") });
    const head = rig.commit({ "README.md": "2\n" }, "signed", ANN);
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: good, verifiedCommit: good });
    expect((await stalled(rig))?.["message"]).toContain(hidden);

    await change(rig, verification("Head"));
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: head, verifiedCommit: head });
  });

  it("ask a new leader's process for the commits since the last verified one, too", async () => {
    const rig = await createRig({ mode: "Observe", files: calm, repository: verification("Strict") });
    const good = rig.commit({ "README.md": "1\n" }, "signed", ANN);
    await rig.run(4);
    rig.commit({ "rings/evil.yaml": calmRing("evil") });
    rig.commit({ "README.md": "2\n" }, "signed", ANN);
    const next = rig.born("ringward");
    for (let pass = 0; pass < 4; pass += 1) {
      await next.pass();
      await rig.turn();
    }

    expect(await rig.repository()).toMatchObject({ observedCommit: good, verifiedCommit: good });
  });

  it("take a person's word for what led to a signed head, and never for the head", async () => {
    const rig = await createRig({ mode: "Observe", files: calm, repository: verification("Strict") });
    const good = rig.commit({ "README.md": "1\n" }, "signed", ANN);
    await rig.run(4);
    const bare = rig.commit({ "rings/late.yaml": calmRing("late") });
    await change(rig, { acknowledgedCommit: bare });
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: good });

    const head = rig.commit({ "README.md": "2\n" }, "signed", ANN);
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: head, verifiedCommit: head });
  });

  it("must be on Ringward's own commits, or nothing is promoted by itself and the status says why", async () => {
    const rig = await createRig({ repository: verification("Strict") });
    const head = rig.commit({ "README.md": "signed\n" }, "signed", ANN);
    await rig.run(30);
    expect(rig.remote.people.head("main")).toBe(head);
    expect(conditionOf(await rig.repository(), "Ready")?.message).toContain("promotion: Automatic cannot go together");

    await change(rig, { commits: { signingKeyFile: `/keys/${ANN}` } });
    await rig.until("everything is patched", () => isConverged(rig), 150);
    const { observedCommit, verifiedCommit } = await rig.repository();
    expect(observedCommit).not.toBe(head);
    expect(verifiedCommit).toBe(observedCommit);
  });
});

describe("since which commit signatures are asked for", () => {
  const [first, verified, later, head, elsewhere] = ["1", "2", "3", "4", "5"].map((digit) =>
    digit.repeat(40),
  ) as unknown as readonly [CommitSha, CommitSha, CommitSha, CommitSha, CommitSha];
  /** One line of history; one commit is on none. */
  const isAncestor = (a: CommitSha, b: CommitSha): Promise<boolean> =>
    Promise.resolve(a <= b && a !== elsewhere && b !== elsewhere);
  const ask = async (acknowledgedCommit: CommitSha | undefined, verify: PolicyGit["verify"]) => {
    const spec = {
      url: "https://git.invalid/policy.git",
      clusterName: "rig",
      ...verification("Strict"),
      ...(acknowledgedCommit === undefined ? {} : { acknowledgedCommit }),
    };
    return await findUnverified({ isAncestor, verify } as PolicyGit, spec, head, verified, () => undefined);
  };

  it.each([
    ["the verified one where nobody acknowledged any", undefined, verified],
    ["the verified one where the acknowledged one is not in the head", elsewhere, verified],
    ["the verified one where the acknowledged one is older", first, verified],
    ["the acknowledged one where it is newer", later, later],
  ] as const)("is %s", async (_, acknowledged, since) => {
    const asked: unknown[] = [];
    await ask(acknowledged, async (commit, from) => {
      asked.push([commit, from]);
      return { kind: "Verified", commit, signer: ANN };
    });

    expect(asked).toEqual([[head, since]]);
  });

  it("matters not where nobody can say who signed: that is not verified", async () => {
    expect(await ask(undefined, () => Promise.reject(new Error("no tool")))).toMatchObject({
      reason: "SignatureInvalid",
      message: expect.stringContaining("no tool") as string,
    });
  });
});
