// Facts about whole passes, through the in-process API server: what is written in which mode, and what troubles do to it.
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../controller/kube/port.ts";
import { DISRUPTION_LEDGERS, NODE_PATCH_STATES, NODES, ROLLOUT_RINGS } from "../../controller/kube/resources.ts";
import {
  createRig,
  isConverged,
  machine,
  NEW_IMAGE,
  NEW_KERNEL,
  OLD_IMAGE,
  ringFile,
  type Rig,
  type Status,
  stepOf,
} from "./rig.ts";

/** Writes on what belongs to people: nodes, workloads, pods; and jobs that change a node. */
function touches(rig: Rig): readonly string[] {
  return rig.writes
    .filter(({ path, body }) => {
      if (/\/(nodes|pods|deployments|statefulsets|daemonsets)(\/|$)/.test(path)) return true;
      const labels = (body as { metadata?: { labels?: Record<string, string> } } | undefined)?.metadata?.labels;
      return path.endsWith("/jobs") && labels?.["ringward.dev/step"] !== "inventory";
    })
    .map(({ method, path }) => `${method} ${path}`);
}

function meaningful(rig: Rig): readonly string[] {
  return rig.writes.filter(({ path }) => !/events|leases/.test(path)).map(({ method, path }) => `${method} ${path}`);
}

describe("a pass", () => {
  it("touches nothing in mode Observe, and yet proposes and commits for the Automatic ring (DESIGN: Observe first)", async () => {
    const rig = await createRig({ mode: "Observe" });
    const before = rig.remote.people.head("main");
    await rig.run(15);
    expect(touches(rig)).toEqual([]);
    expect(rig.remote.people.head("main")).not.toBe(before);
    expect(rig.remote.people.text("main", "rings/canary.yaml")).toMatch(/level: ubuntu-2204-/);
    expect((await rig.ledger())["claims"] ?? []).toEqual([]);
    expect((await rig.state("n1"))["state"]).toBe("Missing");
    expect(rig.errors).toEqual([]);
  });

  it("patches nodes and workloads in mode Enforce, and then is silent (K7)", async () => {
    const rig = await createRig();
    await rig.until("everything is patched", () => isConverged(rig));
    expect(["n1", "n2", "n3"].map((name) => rig.kernel(name))).toEqual([NEW_KERNEL, NEW_KERNEL, NEW_KERNEL]);
    expect(await rig.image("web")).toBe(NEW_IMAGE);
    expect(rig.errors).toEqual([]);
    expect(await rig.violations()).toEqual([]);

    await rig.run(5);
    rig.writes.length = 0;
    await rig.run(30);
    expect(meaningful(rig)).toEqual([]);
  });

  it("brings what is in flight to safety in mode Stop and starts nothing (B14)", async () => {
    const rig = await createRig();
    await rig.until("n1 is cordoned", async () => (await stepOf(rig, "n1")) === "Cordoned");
    await rig.setMode("Stop");
    await rig.run(12);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    expect((await rig.ledger())["claims"]).toEqual([]);
    expect(await rig.jobs("update")).toEqual([]);
    rig.writes.length = 0;
    await rig.run(10);
    expect(touches(rig)).toEqual([]);
    expect(await rig.violations()).toEqual([]);

    await rig.setMode("Enforce");
    await rig.until("everything is patched after all", () => isConverged(rig), 250);
  });

  it("finishes a node whose update has begun when Stop comes (B5, B14)", async () => {
    const rig = await createRig();
    await rig.until("n1 updates", async () => (await rig.jobs("update")).length > 0);
    await rig.setMode("Stop");
    await rig.until("nothing is in flight", async () => ((await rig.ledger())["claims"] ?? []).length === 0);
    expect(rig.kernel("n1")).toBe(NEW_KERNEL);
    expect((await rig.node("n1")).spec?.unschedulable ?? false).toBe(false);
    expect(rig.kernel("n2")).not.toBe(NEW_KERNEL);
  });

  it("holds everything with two controllers that take turns for ever (L3)", async () => {
    const rig = await createRig();
    const other = rig.born("ringward-b");
    await rig.until("everything is patched", async () => {
      await other.pass();
      return isConverged(rig);
    });
    expect(await rig.violations()).toEqual([]);
    expect(rig.kernel("n3")).toBe(NEW_KERNEL);
  });

  it("holds everything with two controllers that run at the same moment (L3, K1)", async () => {
    const rig = await createRig();
    const other = rig.born("ringward-b");
    for (let pass = 0; pass < 150 && !(await isConverged(rig)); pass += 1) {
      await Promise.all([rig.first.pass(), other.pass()]);
      await rig.turn();
    }
    expect(await isConverged(rig)).toBe(true);
    // The checker takes a ring's copy for the ring, and one of the two may claim while the other still writes that copy; what the branch
    // says it checks too, and that must hold.
    const violations = (await rig.violations()).filter(({ message }) => !message.includes("which the entry of"));
    expect(violations).toEqual([]);
  });

  for (const status of [409, 429, 500, 503] as const)
    it(`survives ${status} on every third write: no wrong act, no crash, and it gets there`, async () => {
      const rig = await createRig();
      let seen = 0;
      rig.cluster.server.setFault((request) => {
        if (!request.write || !rig.users.has(request.user)) return "none";
        seen += 1;
        return seen % 3 === 0 ? { status } : "none";
      });
      await rig.until("everything is patched", () => isConverged(rig), 400);
      expect(await rig.violations()).toEqual([]);
      expect(await rig.image("web")).toBe(NEW_IMAGE);
    });

  it.each(["rolloutrings/canary", "patchlevels"])(
    "claims nothing while the cluster has no copy of what Git says: %s cannot be written (A1)",
    async (path) => {
      const rig = await createRig({ workloads: [] });
      let closed = true;
      const isCopy = (method: string, sent: string): boolean =>
        (method === "PUT" && sent.endsWith(path)) || (method === "POST" && sent.endsWith(path));
      rig.cluster.server.setFault(({ user, method, path: sent }) =>
        closed && rig.users.has(user) && isCopy(method, sent) ? { status: 500 } : "none",
      );
      const claims = async (): Promise<number> => ((await rig.ledger())["claims"] ?? []).length as number;
      await rig.until("it was promoted", () =>
        /level: ubuntu/.test(rig.remote.people.text("main", "rings/canary.yaml") ?? ""),
      );
      await rig.run(12);
      expect(await claims()).toBe(0);
      expect(rig.errors.length).toBeGreaterThan(0);
      const blocks = ((await rig.ring())["blockedBy"] ?? []) as readonly Status[];
      expect(blocks.map(({ reason, message }) => `${reason}: ${message}`)).toContainEqual(
        expect.stringMatching(
          /^WaitingForApply: (?:RolloutRing canary|PatchLevel ubuntu-2204-\S+) could not be written/,
        ),
      );

      closed = false;
      await rig.until("everything is patched", () => isConverged(rig));
    },
  );

  it("acts once although the answer to the first write of each kind is lost (K2, B11)", async () => {
    const rig = await createRig();
    const lost = new Set<string>();
    rig.cluster.server.setFault((request) => {
      if (!request.write || !rig.users.has(request.user)) return "none";
      const kind = `${request.method} ${request.path.replace(/[^/]*\d[^/]*$/, "*")}`;
      if (lost.has(kind)) return "none";
      lost.add(kind);
      return "loseReply";
    });
    await rig.until("everything is patched", () => isConverged(rig), 250);
    expect(lost.size).toBeGreaterThan(8);
    expect(await rig.violations()).toEqual([]);
    expect((await rig.jobs("update")).length).toBe(3);
    expect((await rig.jobs("reboot")).length).toBe(3);
    expect(rig.cluster.machines.get("n1")?.bootCount).toBe(2);
  });

  it("soaks only while it can see: an outage and a jump of the wall clock only lengthen it (R3)", async () => {
    const rig = await createRig({
      files: { "rings/canary.yaml": ringFile("canary").replace("soak: 10s", "soak: 10m") },
    });
    await rig.until("it soaks", async () => (await rig.ring())["phase"] === "Soaking");
    rig.cluster.server.setFault(({ write, path, user }) =>
      rig.users.has(user) && !write && path.endsWith("/nodes") ? { status: 500 } : "none",
    );
    for (let pass = 0; pass < 12; pass += 1) {
      await rig.first.pass();
      await rig.turn(60_000);
    }
    rig.cluster.server.setFault(() => "none");
    await rig.first.pass();
    expect((await rig.ring())["phase"]).toBe("Soaking");
    rig.clock.jump(14 * 60_000);
    await rig.first.pass();
    expect((await rig.ring())["phase"]).not.toBe("Done");
    const started = rig.clock.monotonic();
    await rig.until("it has soaked", () => isConverged(rig), 200);
    expect(rig.clock.monotonic() - started).toBeGreaterThan(8 * 60_000);
  });

  it("looks at every node although some can never be looked at (V4, K6)", async () => {
    const rig = await createRig({
      mode: "Observe",
      machines: ["a1", "a2", "a3", "n1", "n2"].map((name) => machine(name)),
    });
    const narrow = rig.born("ringward-narrow", { inventoryJobs: 1 });
    rig.cluster.server.setFault(({ method, path, body }) =>
      method === "POST" && path.endsWith("/jobs") && JSON.stringify(body).includes('"nodeName":"a')
        ? { status: 403 }
        : "none",
    );
    for (let pass = 0; pass < 12; pass += 1) {
      await narrow.pass();
      await rig.turn();
    }
    for (const name of ["n1", "n2"]) expect((await rig.state(name))["inventory"]).toBeDefined();
    expect((await narrow.pass())?.busy).toBe(false);
  });

  it("goes on in a ring that was approved for more levels than its status can hold (V1)", async () => {
    const rig = await createRig({ mode: "Observe" });
    await rig.until("the ring has a status", async () => ((await rig.ring())["levels"] ?? []).length > 0);
    const ring = await rig.admin.get(ROLLOUT_RINGS, { name: "canary" });
    const old = Array.from({ length: 254 }, (_, index) => ({
      baseline: `b${index % 13}`,
      level: `b${index % 13}-20230101-${index.toString(16).padStart(12, "0")}`,
      digest: index.toString(16).padStart(64, "0"),
      soakedTime: "2023-01-01T00:00:00Z",
    }));
    const { levels } = await rig.ring();
    await rig.admin.updateStatus(ROLLOUT_RINGS, {
      ...(ring as KubeObject),
      status: { ...(ring?.status as Status), levels: [...old, ...levels] },
    });
    rig.commit({
      "baselines/ubuntu-2204.yaml": (rig.remote.people.text("main", "baselines/ubuntu-2204.yaml") ?? "").replace(
        "rebootPolicy: IfRequired",
        "rebootPolicy: Always",
      ),
    });
    await rig.setMode("Enforce");
    await rig.until("everything is patched", () => isConverged(rig));
    const after = (await rig.ring())["levels"] as Status[];
    expect(after.length).toBe(256);
    expect(after.at(-1)?.["phase"]).toBe("Done");
    expect(rig.errors).toEqual([]);
    expect(rig.kernel("n3")).toBe(NEW_KERNEL);
  });

  it("is stopped by no wrong status of our own kinds: what speaks of nothing is let go, the others go on (V4)", async () => {
    const rig = await createRig({ machines: [machine("n1"), machine("n2"), machine("odd")] });
    await rig.until("states are there", async () => (await rig.state("odd"))["targetUID"] !== undefined);
    await rig.setMode("Observe");
    const time = new Date(rig.clock.now()).toISOString();
    const state = await rig.admin.get(NODE_PATCH_STATES, { name: "odd" });
    await rig.admin.updateStatus(NODE_PATCH_STATES, {
      ...(state as KubeObject),
      status: {
        ...(state?.status as Status),
        operation: {
          claimId: "constructor",
          ring: "constructor",
          bootId: "b",
          baseline: "nothing",
          level: "nothing",
          digest: "nothing",
          startedTime: time,
          stepTime: time,
          attempt: 1,
          step: "Drained",
        },
      },
    });
    const claim = {
      id: "x",
      cluster: "elsewhere",
      ring: "nowhere",
      baseline: "b",
      level: "l",
      digest: "d",
      since: time,
    };
    const ledger = await rig.admin.get(DISRUPTION_LEDGERS, { name: "cluster" });
    await rig.admin.updateStatus(DISRUPTION_LEDGERS, {
      ...(ledger as KubeObject),
      status: {
        ...(ledger?.status as Status),
        claims: [
          { ...claim, uid: "a", kind: "Node", name: "no-such-node" },
          { ...claim, uid: "b", kind: "Deployment", namespace: "shop", name: "no-such-deployment" },
          { ...claim, uid: "c", kind: "Teapot", name: "toString" },
        ],
      },
    });
    await rig.setMode("Enforce");
    await rig.until(
      "the good nodes are patched",
      () => ["n1", "n2"].every((name) => rig.kernel(name) === NEW_KERNEL),
      150,
    );
    await rig.until("nothing is left of it", () => isConverged(rig));
    expect(await rig.image("web")).toBe(NEW_IMAGE);
    expect(rig.kernel("odd")).toBe(NEW_KERNEL);
    expect((await rig.node("odd")).spec?.unschedulable ?? false).toBe(false);
  });

  it("is stopped by no bad object: hostile marks, labels and statuses harm only their owner (V4)", async () => {
    const rig = await createRig({
      machines: [machine("n1"), machine("n2"), machine("bad", "canary")],
    });
    await rig.run(3);
    await rig.admin.patch(
      NODES,
      { name: "bad" },
      {
        type: "merge",
        body: {
          metadata: {
            annotations: {
              "ringward.dev/claim": "x".repeat(5_000),
              "ringward.dev/prior-unschedulable": "\u0000${{ }}<script>",
            },
            labels: { constructor: "toString", "topology.kubernetes.io/zone": "prototype" },
          },
        },
      },
    );
    await rig.until(
      "the good nodes are patched",
      () => ["n1", "n2"].every((name) => rig.kernel(name) === NEW_KERNEL),
      150,
    );
    expect(await rig.image("web")).not.toBe(OLD_IMAGE);
  });
});

describe("when a pass asks for the next one", () => {
  it("is when late bindings are waited for no longer: an empty node tells nobody that it is drained", async () => {
    const rig = await createRig({ machines: [machine("n1")], workloads: [] });
    const asked: number[] = [];
    let cordonedAt = Number.NaN;
    for (let pass = 0; pass < 200 && asked.length === 0; pass += 1) {
      const result = await rig.first.pass();
      const { operation } = await rig.state("n1");
      if (operation?.step === "Cordoned") cordonedAt = Date.parse(operation.stepTime as string);
      if (result?.again !== undefined) asked.push(result.again);
      await rig.turn(1_000);
    }

    expect(asked).toEqual([cordonedAt + 5_000]);
    expect((await rig.node("n1")).spec?.unschedulable).toBe(true);
  });
});
