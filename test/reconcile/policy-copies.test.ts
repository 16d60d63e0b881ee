// What becomes of the policy's copies in the cluster: when they are written, put back and removed, and who may write them instead.
import { describe, expect, it } from "vitest";
import {
  MAINTENANCE_CALENDARS,
  NODES,
  PATCH_EXCEPTIONS,
  PATCH_LEVELS,
  ROLLOUT_RINGS,
} from "../../controller/kube/resources.ts";
import { resolveCandidates } from "../../controller/core/rollout/candidates.ts";
import { listing } from "../../controller/reconcile/cluster.ts";
import { fromCluster } from "../../controller/reconcile/policy-view.ts";
import { takeSnapshot } from "../../controller/reconcile/snapshot.ts";
import { calmRing, createRig, reasonsOf, type Rig, ringFile, type Status } from "./rig.ts";

describe("copies of the policy in the cluster", () => {
  const CALENDAR = `apiVersion: ringward.dev/v1alpha1
kind: MaintenanceCalendar
metadata: { name: nights }
spec:
  windows: [{ schedule: "0 1 * * *", duration: 4h }]
`;
  const files = {
    "rings/zz-calendars.yaml": CALENDAR,
    "rings/a-last.yaml": calmRing("a-last").replace(
      "  soak:",
      "  after: [b-next]\n  calendarRefs: [{ name: nights }]\n  soak:",
    ),
    "rings/z-end.yaml": calmRing("z-end").replace("  soak:", "  after: [a-last]\n  soak:"),
    "rings/b-next.yaml": calmRing("b-next").replace("  soak:", "  after: [canary]\n  soak:"),
  };

  /** What is missing for who reads the copies at one moment. */
  async function findMissing(rig: Rig): Promise<readonly string[]> {
    const objects = await listing(rig.admin).read();
    const policy = fromCluster(objects, []);
    const { stored } = takeSnapshot(objects, { version: "v1.36.2", ready: true });
    return [
      ...policy.rings.flatMap(({ name, brakes }) => brakes.map(({ message }) => `${name}: ${message}`)),
      ...[...resolveCandidates(policy, stored, rig.clock.now()).problems.values()].map(({ message }) => message),
    ];
  }

  /** After each write of a copy. */
  async function watchCopies(rig: Rig): Promise<readonly string[]> {
    const missing: string[] = [];
    const looking = rig.born("looking", {
      port: (port) => ({
        ...port,
        async request(request) {
          const response = await port.request(request);
          if (
            request.method !== "GET" &&
            /\/(?:rolloutrings|patchbaselines|maintenancecalendars|updaterecipes)/.test(request.path)
          )
            missing.push(...(await findMissing(rig)));
          return response;
        },
      }),
    });
    for (let pass = 0; pass < 3; pass += 1) {
      await looking.pass();
      await rig.turn();
    }
    return missing;
  }

  it("come so that none of them names one that is not there yet, and go so, too", async () => {
    const rig = await createRig({ mode: "Observe", files });
    await rig.turn();

    expect(await watchCopies(rig)).toEqual([]);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "a-last" })).toBeDefined();
    rig.commit(Object.fromEntries(Object.keys(files).map((file) => [file, null])));
    expect(await watchCopies(rig)).toEqual([]);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "a-last" })).toBeUndefined();
    expect(await rig.admin.get(MAINTENANCE_CALENDARS, { name: "nights" })).toBeUndefined();
  });

  it("writes on each copy which commit and file its content is from, and leaves it where a commit changes nothing of it", async () => {
    const rig = await createRig({ mode: "Observe" });
    await rig.run(3);
    const marks = async (name: string) =>
      (await rig.admin.get(ROLLOUT_RINGS, { name }))?.metadata.annotations as Record<string, string> | undefined;
    const first = (await marks("canary"))?.["ringward.dev/applied-commit"];
    expect((await marks("canary"))?.["ringward.dev/source"]).toBe("rings/canary.yaml:1");

    const second = rig.commit({ "rings/late.yaml": calmRing("late") });
    await rig.run(3);

    expect((await marks("late"))?.["ringward.dev/applied-commit"]).toBe(second);
    expect((await marks("canary"))?.["ringward.dev/applied-commit"]).toBe(first);
    expect(first).not.toBe(second);
  });

  it("puts an edited copy back, but never `suspend: true` (DriftFromGit)", async () => {
    const rig = await createRig({ mode: "Observe" });
    await rig.run(2);
    await rig.admin.patch(
      ROLLOUT_RINGS,
      { name: "canary" },
      { type: "merge", body: { spec: { soak: "1s", suspend: true } } },
    );
    await rig.run(2);
    const ring = (await rig.admin.get(ROLLOUT_RINGS, { name: "canary" }))?.spec as Status;
    expect(ring["soak"]).toBe("10s");
    expect(ring["suspend"]).toBe(true);
    expect(reasonsOf(await rig.ring())).toContain("RingSuspended");
    rig.writes.length = 0;
    await rig.run(5);
    expect(rig.writes.filter(({ path }) => path.endsWith("/rolloutrings/canary"))).toEqual([]);
  });

  it("resumes from Git what Git suspended, and never what a person did", async () => {
    const suspended = ringFile("canary", "suspend: true");
    const rig = await createRig({ mode: "Observe", files: { "rings/canary.yaml": suspended } });
    const live = async () =>
      ((await rig.admin.get(ROLLOUT_RINGS, { name: "canary" }))?.spec as Status | undefined)?.["suspend"] as unknown;
    const edit = (from: string, to: string) => {
      const text = rig.remote.people.text("main", "rings/canary.yaml") ?? "";
      rig.commit({ "rings/canary.yaml": text.replace(from, to) });
    };
    await rig.run(3);
    expect(await live()).toBe(true);

    edit("suspend: true", "suspend: false");
    await rig.run(6);
    expect(await live()).toBe(false);
    expect(reasonsOf(await rig.ring())).not.toContain("RingSuspended");

    await rig.admin.patch(ROLLOUT_RINGS, { name: "canary" }, { type: "merge", body: { spec: { suspend: true } } });
    edit("soak: 10s", "soak: 20s");
    await rig.run(6);
    edit("soak: 20s", "soak: 30s");
    await rig.run(6);
    expect(await live()).toBe(true);
    expect(reasonsOf(await rig.ring())).toContain("RingSuspended");
    expect(rig.events.filter(({ reason }) => reason === "DriftFromGit")).toEqual([]);
  });

  it("removes the copy of a deleted file; an exception stays until its time, a level while a ring names it", async () => {
    const exception = `apiVersion: ringward.dev/v1alpha1
kind: PatchException
metadata:
  name: later
spec:
  targets: { kind: Node, names: [n9] }
  baseline: ubuntu-2204
  owner: team-a
  justification: because
  expirationTime: 2024-12-16T07:10:00Z
`;
    const rig = await createRig({
      mode: "Observe",
      files: { "exceptions/later.yaml": exception, "rings/late.yaml": calmRing("late") },
    });
    await rig.run(4);
    const names = async (): Promise<readonly string[]> =>
      (await rig.admin.list(PATCH_LEVELS)).items.map(({ metadata }) => metadata.name);
    expect(await rig.admin.get(PATCH_EXCEPTIONS, { name: "later" })).toBeDefined();
    const levels = await names();
    expect(levels.length).toBeGreaterThan(0);
    rig.commit({ "exceptions/later.yaml": null, "rings/late.yaml": null, [`levels/${levels[0] ?? ""}.yaml`]: null });
    await rig.run(4);
    expect(await rig.admin.get(ROLLOUT_RINGS, { name: "late" })).toBeUndefined();
    expect(await rig.admin.get(PATCH_EXCEPTIONS, { name: "later" })).toBeDefined();
    expect(await names()).toEqual(levels);
    rig.clock.advance(10 * 60_000);
    await rig.run(3);
    expect(await rig.admin.get(PATCH_EXCEPTIONS, { name: "later" })).toBeUndefined();
  });

  it("waits in mode ReadOnly until somebody applied what Git says", async () => {
    const rig = await createRig({ repository: { mode: "ReadOnly" } });
    await rig.run(6);
    expect(rig.writes.filter(({ path }) => path.endsWith("/rolloutrings"))).toEqual([]);
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect(
      (await rig.admin.list(NODES)).items.every(
        (node) => node.metadata.annotations?.["ringward.dev/claim"] === undefined,
      ),
    ).toBe(true);
  });
});
