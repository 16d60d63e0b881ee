// Facts about where policy comes from: one repository, fast-forward only, careful when it cannot be read.
import { describe, expect, it } from "vitest";
import { REQUESTED_AT } from "../../controller/api/policy-repository.ts";
import {
  MAINTENANCE_CALENDARS,
  PATCH_BASELINES,
  POLICY_REPOSITORIES,
  ROLLOUT_RINGS,
} from "../../controller/kube/resources.ts";
import {
  calmRing,
  conditionOf,
  createRig,
  isConverged,
  machine,
  NEW_KERNEL,
  reasonsOf,
  type Rig,
  ringFile,
  stepOf,
  type Status,
} from "./rig.ts";

const readyOf = (status: Status): string | undefined => conditionOf(status, "Ready")?.reason;

function fetches(rig: Rig): () => number {
  let count = 0;
  rig.remote.onOperation((operation) => {
    if (operation.name === "fetch" && operation.handle === "ringward") count += 1;
  });
  return () => count;
}

/** The branch as it was before its last commit, with another commit on top. */
function rewrite(rig: Rig, files: Record<string, string>): string {
  const head = rig.remote.people.head("main");
  if (head === undefined) throw new Error("no branch");
  const [parent] = rig.remote.people.commit(head).parents;
  if (parent === undefined) throw new Error("nothing before it");
  rig.remote.people.forcePush("main", parent);
  return rig.commit(files, "another history");
}

describe("the policy source", () => {
  it("follows the older of two repositories and says why the other is stalled", async () => {
    const rig = await createRig({ mode: "Observe" });
    await rig.turn();
    await rig.admin.create(POLICY_REPOSITORIES, {
      metadata: { name: "a-second" },
      spec: { url: "https://git.invalid/other.git", clusterName: "rig" },
    });
    await rig.run(3);
    expect(conditionOf(await rig.repository("a-second"), "Stalled")).toMatchObject({ reason: "OneRepositoryOnly" });
    expect(readyOf(await rig.repository())).toBe("InSync");
    expect((await rig.repository("a-second"))["observedCommit"]).toBeUndefined();
  });

  it("serves the first although nothing can be written on the second (V4)", async () => {
    const rig = await createRig();
    await rig.turn();
    await rig.admin.create(POLICY_REPOSITORIES, {
      metadata: { name: "zz-second" },
      spec: { url: "https://git.invalid/other.git", clusterName: "rig" },
    });
    rig.cluster.server.setFault(({ write, path }) => (write && path.includes("zz-second") ? { status: 500 } : "none"));
    await rig.until("everything is patched", () => isConverged(rig), 150);
    expect(rig.kernel("n3")).toBe(NEW_KERNEL);
  });

  it("moves with a fast-forward", async () => {
    const rig = await createRig({ mode: "Observe" });
    await rig.run(2);
    const commit = rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.run(4);
    const { observedCommit } = await rig.repository();
    expect(rig.remote.people.commit(observedCommit).tree.has("rings/late.yaml")).toBe(true);
    expect(commit).toBeDefined();
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
  });

  it("serves the last verified policy when history is rewritten, until a person acknowledges (G1)", async () => {
    const rig = await createRig({ mode: "Observe", files: { "rings/canary.yaml": calmRing("canary") } });
    rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.run(3);
    const { observedCommit } = await rig.repository();
    const other = rewrite(rig, { "rings/evil.yaml": calmRing("evil") });
    await rig.run(4);
    const status = await rig.repository();
    expect(status).toMatchObject({ observedCommit, fetchedCommit: other });
    expect(conditionOf(status, "Stalled")).toMatchObject({ reason: "HistoryRewritten" });
    expect(conditionOf(status, "Stalled")?.message).toContain(other);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "evil" })).toBeUndefined();
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();

    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { acknowledgedCommit: other } } },
    );
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: other });
    expect(readyOf(await rig.repository())).toBe("InSync");
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "evil" })).toBeDefined();

    expect(await rig.judge("G1", "D1", "D13")).toEqual([]);
  });

  it("accepts commits on top of the acknowledged one, and no later rewind to it (G1)", async () => {
    const rig = await createRig({ mode: "Observe", files: { "rings/canary.yaml": calmRing("canary") } });
    rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.run(3);
    const other = rewrite(rig, { "rings/new.yaml": calmRing("new") });
    const next = rig.commit({ "rings/newer.yaml": calmRing("newer") });
    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { acknowledgedCommit: other } } },
    );
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: next });

    rig.remote.people.forcePush("main", other as never);
    await rig.run(4);
    expect(await rig.repository()).toMatchObject({ observedCommit: next, fetchedCommit: other });
    expect(conditionOf(await rig.repository(), "Stalled")).toMatchObject({ reason: "HistoryRewritten" });
  });

  it("starts nothing new during a rewrite and ends what is in flight (G1)", async () => {
    const rig = await createRig();
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    rewrite(rig, { "rings/evil.yaml": calmRing("evil") });
    await rig.run(30);
    expect((await rig.ledger())["claims"]).toEqual([]);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect(rig.kernel("n3")).not.toBe(NEW_KERNEL);
  });

  it("serves on while the repository is out of reach, until maxStaleness; what is in flight finishes even then (G2)", async () => {
    const rig = await createRig({ repository: { maxStaleness: "2m" } });
    await rig.until("n1 is claimed", async () => (await stepOf(rig, "n1")) !== undefined);
    rig.remote.setFault(() => "failBefore");
    await rig.run(4);
    expect(conditionOf(await rig.repository(), "Reconciling")).toMatchObject({ reason: "ReadFailed" });
    expect(reasonsOf(await rig.ring())).not.toContain("RepositoryStale");
    await rig.until("it is stale", async () => reasonsOf(await rig.ring()).includes("RepositoryStale"));
    await rig.until("nothing is in flight", async () => ((await rig.ledger())["claims"] ?? []).length === 0);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    const kernels = () => ["n1", "n2", "n3"].filter((name) => rig.kernel(name) === NEW_KERNEL).length;
    const patched = kernels();
    await rig.run(10);
    expect(kernels()).toBe(patched);
    expect(patched).toBeLessThan(3);

    rig.remote.setFault(() => "none");
    await rig.until("everything is patched", () => isConverged(rig), 150);

    expect(await rig.judge("G2", "V2")).toEqual([]);
  });

  it("asks a repository that cannot be read again once an interval, not with every pass (K6)", async () => {
    const rig = await createRig({ mode: "Observe", repository: { interval: "1m" } });
    await rig.run(3);
    const count = fetches(rig);
    rig.remote.setFault(() => "failBefore");
    await rig.run(24);
    expect(count()).toBeLessThanOrEqual(3);
    const writes = rig.writes.filter(({ path }) => path.includes("policyrepositories")).length;
    await rig.run(24);
    expect(rig.writes.filter(({ path }) => path.includes("policyrepositories")).length).toBe(writes);
    expect(conditionOf(await rig.repository(), "Reconciling")).toMatchObject({ reason: "ReadFailed" });
  });

  it("keeps what it read last when the next commit cannot be read, says so, and starts nothing (G2, S1)", async () => {
    const rig = await createRig();
    let broken = "";
    const controller = rig.born("ringward-b", {
      git: (git) => ({
        ...git,
        read: (commit, path) =>
          commit === broken ? Promise.reject(new Error("object missing")) : git.read(commit, path),
      }),
    });
    const run = async (passes: number): Promise<void> => {
      for (let pass = 0; pass < passes; pass += 1) {
        await controller.pass();
        await rig.turn();
      }
    };
    await run(1);
    const { observedCommit } = await rig.repository();
    broken = rig.commit({ "rings/canary.yaml": ringFile("canary", "deferral: 1h") });
    await run(8);

    const repository = await rig.repository();
    expect(repository["observedCommit"]).toBe(observedCommit);
    expect(conditionOf(repository, "Ready")).toMatchObject({ status: "False", reason: "ReadFailed" });
    expect(reasonsOf(await rig.ring())).toContain("RepositoryStale");
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);

    broken = "";
    await run(6);
    expect(conditionOf(await rig.repository(), "Ready")).toMatchObject({ status: "True", reason: "InSync" });
  });

  it("takes a path that is no folder for a slip, and never for a policy of nothing (G4)", async () => {
    const rig = await createRig({ repository: { path: "rings" } });
    await rig.run(2);
    expect((await rig.repository())["documents"]).toBe(1);

    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { path: "rnigs" } } },
    );
    await rig.run(3);

    const repository = await rig.repository();
    const ready = conditionOf(repository, "Ready");
    expect(ready).toMatchObject({ status: "False", reason: "ReadFailed" });
    expect(ready?.message).toMatch(/there is no folder "rnigs" at commit .*spec\.path/);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "canary" })).toBeDefined();
    expect(reasonsOf(await rig.ring())).toContain("RepositoryStale");
  });

  it("serves on until maxStaleness also in a new process, and keeps when it was read last (G2)", async () => {
    const rig = await createRig({ keepsStores: true, repository: { maxStaleness: "2m" } });
    await rig.run(5);
    const { lastFetchTime, fetchedCommit } = await rig.repository();
    rig.remote.setFault(({ name }) => (name === "fetch" ? "failBefore" : "none"));
    const fresh = rig.born("ringward");
    for (let pass = 0; pass < 4; pass += 1) {
      await fresh.pass();
      await rig.turn();
    }

    expect(await rig.repository()).toMatchObject({ lastFetchTime, fetchedCommit });
    expect(reasonsOf(await rig.ring())).not.toContain("RepositoryStale");
    expect((await rig.ledger())["claims"]).not.toEqual([]);
  });

  it("takes no edit of a copy for an approval when a new process cannot read the repository (A1)", async () => {
    const rig = await createRig({
      files: { "rings/canary.yaml": ringFile("canary", "suspend: true") },
    });
    await rig.run(5);
    rig.remote.setFault(() => "failBefore");
    const { spec } = (await rig.admin.get(ROLLOUT_RINGS, { name: "canary" })) as unknown as { spec: Status };
    const candidate = (await rig.admin.get(PATCH_BASELINES, { name: "ubuntu-2204" }))?.status as Status;
    await rig.admin.patch(
      ROLLOUT_RINGS,
      { name: "canary" },
      {
        type: "merge",
        body: {
          spec: { ...spec, suspend: false, levels: [{ baseline: "ubuntu-2204", level: candidate["candidate"].level }] },
        },
      },
    );
    const fresh = rig.born("ringward-new");
    for (let pass = 0; pass < 8; pass += 1) {
      await fresh.pass();
      await rig.turn();
    }
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect(reasonsOf(await rig.ring())).toContain("RepositoryStale");
  });

  it("reads another folder, branch or address anew as soon as the spec says so", async () => {
    const rig = await createRig({
      mode: "Observe",
      files: { "other/rings/elsewhere.yaml": ringFile("elsewhere") },
      repository: { path: "rings" },
    });
    await rig.run(3);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "elsewhere" })).toBeUndefined();
    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { path: "other" } } },
    );
    await rig.run(2);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "elsewhere" })).toBeDefined();
  });

  it("stops only the rings that use a broken file, by what it held when it was good (G5)", async () => {
    const rig = await createRig({
      machines: [machine("n1"), machine("n2", "side")],
      workloads: [],
      files: {
        "rings/side.yaml": ringFile("side"),
        "rings/canary.yaml": ringFile("canary", "calendarRefs: [{ name: nights }]"),
        "calendars/nights.yaml": `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata:
  name: nights
spec:
  timeZone: UTC
  windows:
    - { name: all, schedule: "0 0 * * *", duration: 24h }
`,
      },
    });
    await rig.setMode("Observe");
    await rig.run(4);
    rig.commit({ "calendars/nights.yaml": "kind: [broken\n  - yaml: {{" });
    await rig.run(2);
    await rig.setMode("Enforce");
    await rig.until("the other ring is done", async () => rig.kernel("n2") === NEW_KERNEL);
    expect(rig.kernel("n1")).not.toBe(NEW_KERNEL);
    expect(reasonsOf(await rig.ring())).toContain("PolicyInvalid");
    expect((await rig.repository())["problems"]).toMatchObject([{ file: "calendars/nights.yaml" }]);

    expect(await rig.judge("G4", "G5")).toEqual([]);
  });

  it("looks a broken path up once, not with every head, and holds it as before (G5)", async () => {
    const rig = await createRig({ machines: [], workloads: [], files: { "rings/side.yaml": calmRing("side") } });
    const asked: string[] = [];
    const open = rig.remote.open.bind(rig.remote);
    Object.assign(rig.remote, {
      open: (options: Parameters<typeof open>[0]) => {
        const git = open(options);
        const lastChange: typeof git.lastChange = (commit, path) => {
          asked.push(path);
          return git.lastChange(commit, path);
        };
        return { ...git, lastChange };
      },
    });
    await rig.run(1);
    rig.commit({ "rings/side.yaml": "spec: [broken\n  - yaml: {{", "chart/none-of-ours.yaml": "a: {{ .Values.b }}" });
    await rig.run(3);
    const first = asked.splice(0);
    expect(new Set(first)).toEqual(new Set(["rings/side.yaml", "chart/none-of-ours.yaml"]));

    for (const text of ["one", "two"]) {
      rig.commit({ "README.yaml": `a: ${text}` });
      await rig.run(3);
    }

    expect(asked).toEqual([]);
    expect((await rig.repository())["problems"]).toMatchObject([{ file: "rings/side.yaml" }]);
    rig.commit({ "rings/side.yaml": "spec: [broken otherwise\n  - yaml: {{" });
    await rig.run(3);
    expect(new Set(asked)).toEqual(new Set(["rings/side.yaml"]));
    expect((await rig.repository())["problems"]).toMatchObject([{ file: "rings/side.yaml" }]);
  });

  it("keeps the copy of a freeze whose file is no YAML any more (G4, G5)", async () => {
    const rig = await createRig({
      files: {
        "calendars/stop.yaml": `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata:
  name: stop
spec:
  timeZone: UTC
  scope: Cluster
  freezes:
    - { name: now, startTime: 2024-12-01T00:00, endTime: 2025-01-07T00:00, reason: a freeze }
`,
      },
    });
    await rig.run(4);
    expect(await rig.admin.get(MAINTENANCE_CALENDARS, { name: "stop" })).toBeDefined();
    rig.commit({ "calendars/stop.yaml": "<<<<<<< HEAD\n{ [" });
    rig.commit({ "calendars/stop.yaml": "<<<<<<< HEAD\n{ [ (" });
    await rig.run(12);
    expect(await rig.admin.get(MAINTENANCE_CALENDARS, { name: "stop" })).toBeDefined();
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect((await rig.repository())["problems"]).toMatchObject([{ file: "calendars/stop.yaml" }]);
  });

  it("writes a new head down before it acts on it (G1)", async () => {
    const rig = await createRig();
    await rig.run(1);
    rig.writes.length = 0;
    rig.commit({ "rings/late.yaml": calmRing("late") });
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.includes("policyrepositories") ? { status: 503 } : "none",
    );
    await rig.turn();
    await rig.run(3);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeUndefined();
    rig.cluster.server.setFault(() => "none");
    await rig.run(3);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
    const order = rig.writes.map(({ path, status }) => ({ path, status }));
    const told = order.findIndex(({ path, status }) => path.includes("policyrepositories") && status === 200);
    const acted = order.findIndex(({ path }) => path.endsWith("/rolloutrings"));
    expect(told).toBeGreaterThanOrEqual(0);
    expect(told).toBeLessThan(acted);
  });

  it("brings targets to safety although its own status cannot be written (B14)", async () => {
    const rig = await createRig();
    await rig.until("n1 is cordoned", async () => (await stepOf(rig, "n1")) === "Cordoned");
    rig.remote.setFault(() => "failBefore");
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.includes("policyrepositories") ? { status: 500 } : "none",
    );
    await rig.setMode("Stop");
    await rig.until("it is given back", async () => ((await rig.ledger())["claims"] ?? []).length === 0, 20);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
  });

  it("serves what is in flight by the old head while the new one cannot be written down, and starts nothing (B14, G1)", async () => {
    const rig = await createRig();
    await rig.until("n1 is cordoned", async () => (await stepOf(rig, "n1")) === "Cordoned");
    const held = (await rig.ledger())["claims"].length as number;
    rig.commit({ "rings/late.yaml": calmRing("late") });
    rig.cluster.server.setFault(({ path, write }) =>
      write && path.includes("policyrepositories") ? { status: 500 } : "none",
    );
    await rig.until("it is patched", async () => rig.kernel("n1") === NEW_KERNEL);
    await rig.until("it is given back", async () => ((await rig.ledger())["claims"] ?? []).length === 0, 30);
    expect(held).toBeGreaterThan(0);
    expect(rig.kernel("n2")).not.toBe(NEW_KERNEL);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeUndefined();
    rig.cluster.server.setFault(() => "none");
    await rig.until("everything is patched", () => isConverged(rig), 150);
  });

  it("fetches at once when a person asks", async () => {
    const rig = await createRig({
      mode: "Observe",
      repository: { interval: "1h" },
      files: { "rings/canary.yaml": calmRing("canary") },
    });
    // Its own proposals make it look again, too.
    await rig.run(8);
    const count = fetches(rig);
    await rig.run(3);
    expect(count()).toBe(0);
    rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { metadata: { annotations: { [REQUESTED_AT]: "now" } } } },
    );
    await rig.run(2);
    expect(count()).toBeGreaterThan(0);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
  });
});

describe("a suspended repository", () => {
  const suspend = async (rig: Rig, value: boolean): Promise<void> => {
    await rig.admin.patch(
      POLICY_REPOSITORIES,
      { name: "policy" },
      { type: "merge", body: { spec: { suspend: value } } },
    );
  };

  it("is not fetched, applied or written to; what is in force goes on until maxStaleness, and is taken up again after", async () => {
    const rig = await createRig({ mode: "Observe", repository: { maxStaleness: "2m" } });
    await rig.run(3);
    await suspend(rig, true);
    await rig.run(1);
    const count = fetches(rig);
    const [before, head] = [count(), rig.remote.people.head("main")];
    rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.run(6);

    expect(count()).toBe(before);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeUndefined();
    expect((await rig.repository())["observedCommit"]).toBe(head);
    expect(readyOf(await rig.repository())).toBe("RepositorySuspended");
    expect(reasonsOf(await rig.ring())).not.toContain("RepositoryStale");
    await rig.until("it is stale", async () => reasonsOf(await rig.ring()).includes("RepositoryStale"));

    await suspend(rig, false);
    await rig.run(3);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeDefined();
    expect(readyOf(await rig.repository())).toBe("InSync");
  });
});
