// Every check on nodes and budgets is able to fail: a small story that is right, and the same story told wrong (B1-B14, B16, S4, K2).
import { describe, expect, it } from "vitest";
import type { LevelComponent, PatchLevelSpec } from "../../../controller/api/patch-level.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  claimOn,
  CONTROLLER,
  createStory,
  DIGEST,
  LEVEL,
  LEVEL_SPEC,
  operation,
  type Story,
} from "../../support/history.ts";

/** A ring of two nodes, its level and an empty ledger. */
function base(): Story {
  return createStory()
    .ring("canary")
    .level()
    .node("n1", {}, "kubelet")
    .node("n2", {}, "kubelet")
    .ledger([], {}, "admin");
}

/** Up to the cordon of n1, as it should be. */
function cordoned(): Story {
  return base()
    .ledger([claimOn("n1")])
    .state("n1", operation("n1", "Claimed"))
    .node("n1", { cordoned: true, mark: "claim-n1" })
    .state("n1", operation("n1", "Cordoned", { marked: true }));
}

/** Up to an update and a reboot that n1 came back from. */
function rebooted(): Story {
  return cordoned()
    .state("n1", operation("n1", "Updating"))
    .job("update", "n1", "update")
    .state("n1", operation("n1", "Updated"))
    .state("n1", operation("n1", "Rebooting"))
    .job("reboot", "n1", "reboot")
    .node("n1", { cordoned: true, mark: "claim-n1", boot: "boot-2", kubelet: "v1.31.4" }, "kubelet")
    .state("n1", operation("n1", "Verified"));
}

function closed(story: Story): Story {
  return story
    .node("n1", { boot: "boot-2", kubelet: "v1.31.4" })
    .state("n1", undefined, { history: [{ claimId: "claim-n1", result: "Succeeded" }] })
    .ledger([]);
}

function broken(story: Story): readonly string[] {
  return [...new Set(story.check().violations.map(({ invariant }) => invariant))].sort();
}

describe("invariants of nodes and budgets", () => {
  it("find nothing in an update as it should be, and say which of them were tried", () => {
    const { violations, occurred } = closed(rebooted()).check();

    expect(violations).toEqual([]);
    for (const id of ["B1", "B3", "B5", "B6", "B9", "B10", "B11", "B12", "B16", "B17", "S4", "K2"])
      expect(occurred).toContain(id);
    expect(occurred).not.toContain("B7");
  });

  it("name invariant, object, time and what is wrong", () => {
    const [violation] = base()
      .ledger([claimOn("n1")], { mode: "Observe" })
      .check().violations;

    expect(violation).toEqual({
      invariant: "B13",
      object: "disruptionledgers/cluster",
      at: "2024-12-16T08:00:00.006Z",
      message: "a claim was added in mode Observe",
    });
  });

  it("B1: more claims than the ring's budget", () => {
    expect(
      broken(
        base()
          .ring("canary", { budget: { nodes: 1 } })
          .ledger([claimOn("n1"), claimOn("n2")]),
      ),
    ).toEqual(["B1"]);
  });

  it("B1: a claim beside a node that is down for another reason", () => {
    const story = base()
      .ring("canary", { budget: { nodes: 1 } })
      .node("n2", { ready: false }, "kubelet");

    expect(broken(story.ledger([claimOn("n1")]))).toEqual(["B1"]);
  });

  it("B1: a node that failed just now may not have been seen, and its claim alone is in budget", () => {
    const story = base()
      .ring("canary", { budget: { nodes: 1 } })
      .node("n2", { ready: false }, "kubelet")
      .ledger([claimOn("n1")]);

    expect(story.check({ settleMs: 60_000 }).violations).toEqual([]);
  });

  it("B1: more claims than the cluster's limit", () => {
    expect(broken(base().ledger([claimOn("n1"), claimOn("n2")], { limits: { nodes: 1, nodesPerZone: 3 } }))).toEqual([
      "B1",
    ]);
  });

  it("B1: more workloads than the ring's budget, which is 1 where none is given", () => {
    const story = base().workload("web", "nginx:1", {}, "admin").workload("api", "nginx:1", {}, "admin");

    expect(
      broken(story.ledger([claimOn("web", { kind: "Deployment" }), claimOn("api", { kind: "Deployment" })])),
    ).toEqual(["B1"]);
  });

  it("B2: more claims than the zone's limit, and two control-plane nodes", () => {
    const zones = base().node("n1", { zone: "a" }, "kubelet").node("n2", { zone: "a" }, "kubelet");
    const planes = base().node("n1", { controlPlane: true }, "kubelet").node("n2", { controlPlane: true }, "kubelet");

    expect(
      broken(
        zones.ledger([claimOn("n1", { zone: "a" }), claimOn("n2", { zone: "a" })], {
          limits: { nodes: 3, nodesPerZone: 1 },
        }),
      ),
    ).toEqual(["B2"]);
    expect(
      broken(planes.ledger([claimOn("n1", { controlPlane: true }), claimOn("n2", { controlPlane: true })])),
    ).toEqual(["B2", "D12"]);
  });

  it("B2: a ring's own limit for a zone", () => {
    const story = base()
      .ring("canary", { budget: { nodes: 2, nodesPerZone: 1 } })
      .node("n1", { zone: "a" }, "kubelet")
      .node("n2", { zone: "a" }, "kubelet");

    expect(broken(story.ledger([claimOn("n1", { zone: "a" }), claimOn("n2", { zone: "a" })]))).toEqual(["B2"]);
  });

  it("B3: a node that is cordoned, a pod that is evicted, a job that is started without a claim", () => {
    expect(
      broken(
        base().state("n1", operation("n1", "Claimed")).node("n1", { cordoned: true, mark: "claim-n1" }).node("n1"),
      ),
    ).toContain("B3");
    expect(broken(base().pod("p", "n1").pod("p", "n1", { deleting: true }, "ringward"))).toContain("B3");
    expect(broken(base().job("j", "n1", "stage"))).toEqual(["B3"]);
    expect(broken(base().workload("web", "nginx:1", {}, "admin").workload("web", "nginx:2"))).toEqual(["B3"]);
  });

  it("B3: an inventory job needs no claim as long as it cannot change its node", () => {
    expect(broken(base().job("j", "n1", "inventory", { claim: "", privileged: false }))).toEqual([]);
    expect(broken(base().job("j", "n1", "inventory", { claim: "" }))).toEqual(["B3"]);
  });

  it("B4: an eviction from a node that is not cordoned, or whose claim is gone", () => {
    const uncordoned = base()
      .pod("p", "n1")
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Cordoned"))
      .node("n1", { mark: "claim-n1" })
      .pod("p", "n1", { deleting: true }, "ringward");
    const freed = cordoned()
      .pod("p", "n1")
      .state("n1", operation("n1", "Cordoned"), { history: [{ claimId: "claim-n1", result: "BackedOut" }] })
      .ledger([])
      .pod("p", "n1", { deleting: true }, "ringward");

    expect(broken(uncordoned)).toContain("B4");
    expect(broken(freed)).toContain("B4");
  });

  it("B4: a ledger that somebody replaced just now may not have been seen; one that a controller wrote was", () => {
    const evictedAfter = (user: string, settleMs: number): readonly string[] =>
      cordoned()
        .wait(120_000)
        .pod("p", "n1")
        .ledger([], {}, user)
        .pod("p", "n1", { deleting: true }, "ringward")
        .check({ settleMs })
        .violations.map(({ invariant }) => invariant);

    expect(evictedAfter("admin", 60_000)).not.toContain("B4");
    expect(evictedAfter("admin", 0)).toContain("B4");
    expect(evictedAfter("ringward", 60_000)).toContain("B4");
  });

  it("B4: a node that somebody uncordoned just now may not have been seen; one that a controller uncordoned was", () => {
    const evictedAfter = (user: string) =>
      cordoned()
        .pod("p", "n1")
        .state("n1", operation("n1", "Cordoned"))
        .node("n1", { mark: "claim-n1" }, user)
        .pod("p", "n1", { deleting: true }, "ringward");
    const ids = (user: string, settleMs: number): readonly string[] =>
      evictedAfter(user)
        .check({ settleMs })
        .violations.map(({ invariant }) => invariant);

    expect(ids("admin", 60_000)).not.toContain("B4");
    expect(ids("admin", 0)).toContain("B4");
    expect(ids("ringward", 60_000)).toContain("B4");
  });

  it("B5: an update while a pod is still there; a DaemonSet's pod may stay", () => {
    const full = base()
      .pod("p", "n1")
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"))
      .node("n1", { cordoned: true, mark: "claim-n1" })
      .state("n1", operation("n1", "Updating"))
      .job("update", "n1", "update");
    const daemons = cordoned()
      .pod("d", "n1", { owner: "DaemonSet" })
      .state("n1", operation("n1", "Updating"))
      .job("update", "n1", "update");

    expect(broken(full)).toEqual(["B5"]);
    expect(broken(daemons)).toEqual([]);
  });

  it("B6: another's cordon taken off, ours left behind, the prior state not written or rewritten", () => {
    const others = base()
      .node("n1", { cordoned: true }, "admin")
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"))
      .node("n1", { cordoned: true, mark: "claim-n1", prior: true });

    expect(broken(others.node("n1", { mark: "claim-n1", prior: true }).node("n1"))).toContain("B6");
    expect(broken(cordoned().node("n1", { cordoned: true }))).toContain("B6");
    expect(
      broken(
        base()
          .ledger([claimOn("n1")])
          .state("n1", operation("n1", "Claimed"))
          .node("n1", { cordoned: true, mark: "claim-n1", prior: true }),
      ),
    ).toContain("B6");
    expect(broken(cordoned().node("n1", { cordoned: true, mark: "claim-n1", prior: true }))).toContain("B6");
  });

  it("B17: marked without the autoscalers' marks, and given back with marks that were not there, or without those that were", () => {
    const marked = (before: string | null = null): Story =>
      base()
        .node("n1", { kept: before }, "admin")
        .ledger([claimOn("n1")])
        .state("n1", operation("n1", "Claimed"))
        .node("n1", { cordoned: true, mark: "claim-n1" });

    const begun = base()
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"));
    expect(broken(begun.node("n1", { cordoned: true, mark: "claim-n1", kept: null }))).toEqual(["B17"]);
    expect(broken(marked().node("n1", { kept: "true" }))).toContain("B17");
    expect(broken(marked("false").node("n1"))).toContain("B17");
    expect(broken(marked().node("n1"))).not.toContain("B17");
    expect(broken(marked("false").node("n1", { kept: "false" }))).not.toContain("B17");
    // A person's own word in between stays.
    const person = marked().node("n1", { cordoned: true, mark: "claim-n1", kept: "false" }, "admin");
    expect(broken(person.node("n1", { kept: "false" }))).not.toContain("B17");
  });

  it("B7: a person's uncordon that is undone in the same claim", () => {
    const story = cordoned().node("n1", { mark: "claim-n1" }, "admin");

    expect(story.check().occurred).toContain("B7");
    expect(broken(story)).toEqual([]);
    expect(broken(story.node("n1", { cordoned: true, mark: "claim-n1" }))).toContain("B7");
  });

  it("B8: one target in two claims", () => {
    expect(broken(base().ledger([claimOn("n1"), claimOn("n1", { id: "other" })]))).toEqual(["B8"]);
    expect(broken(base().ledger([claimOn("n1"), claimOn("n1", { id: "other", uid: "uid-old" })]))).toEqual(["B8"]);
  });

  it("B9: an act on a node that has another UID than its claim", () => {
    const story = base()
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"))
      .node("n1", { uid: "uid-new" }, "kubelet");

    expect(broken(story.node("n1", { uid: "uid-new", cordoned: true, mark: "claim-n1" }))).toContain("B9");
    expect(broken(cordoned().job("stage", "n1", "stage", { uid: "uid-old" }))).toContain("B9");
  });

  it("B10: two reboots in one attempt, or a boot that nobody asked for", () => {
    const twice = rebooted().state("n1", operation("n1", "Rebooting")).job("reboot-again", "n1", "reboot");
    const unasked = rebooted().node(
      "n1",
      { cordoned: true, mark: "claim-n1", boot: "boot-3", kubelet: "v1.31.4" },
      "kubelet",
    );

    expect(broken(twice)).toEqual(["B10", "B11", "K4"]);
    expect(broken(unasked)).toEqual(["B10"]);
    expect(
      broken(
        rebooted()
          .state("n1", operation("n1", "Rebooting", { attempt: 2 }))
          .job("reboot-2", "n1", "reboot"),
      ),
    ).toEqual([]);
  });

  it("B11: two jobs of one step in one attempt; K2: one job made twice", () => {
    expect(broken(rebooted().job("update-again", "n1", "update"))).toContain("B11");
    // What a person deleted is made again, but for a reboot; what a controller deleted is not.
    const again = (name: string, remover: string): Story =>
      rebooted().remove("jobs.batch", `ringward-jobs/${name}`, remover).job(name, "n1", name);
    expect(broken(again("update", CONTROLLER))).toContain("K2");
    expect(broken(again("update", "admin"))).not.toContain("B11");
    expect(broken(again("update", "admin"))).not.toContain("K2");
    expect(broken(again("reboot", "admin"))).toContain("B10");
    // A look at the node that a person deleted is looked again; one that a controller deleted is not.
    const looked = (remover: string): Story =>
      rebooted()
        .job("look", "n1", "inventory")
        .remove("jobs.batch", "ringward-jobs/look", remover)
        .job("look", "n1", "inventory");
    expect(broken(looked("admin"))).toEqual(broken(rebooted()));
    expect(broken(looked(CONTROLLER))).toEqual(expect.arrayContaining(["B11", "K2"]));
  });

  it("a look of the inventory cycle may be looked again when its job was swept away", () => {
    const look = { claim: "", privileged: false };
    expect(
      broken(
        base()
          .job("j", "n1", "inventory", look)
          .remove("jobs.batch", "ringward-jobs/j")
          .job("j", "n1", "inventory", look),
      ),
    ).toEqual([]);
  });

  it("B7, B12: an image that a person kept from being booted does not show in that boot, and what needs no boot does", () => {
    const level = (components: LevelComponent[]): PatchLevelSpec => ({
      ...LEVEL_SPEC,
      ...(LEVEL_SPEC.node === undefined ? {} : { node: { ...LEVEL_SPEC.node, components } }),
    });
    const kubelet: LevelComponent = { name: "kubelet", scheme: "semver", version: "1.31.4" };
    const image: LevelComponent = { name: "osImage", scheme: "osimage", version: "4081.2.0" };
    const givenBack = (spec: PatchLevelSpec, boot: string): readonly string[] =>
      broken(
        cordoned()
          .put("patchlevels.ringward.dev", { kind: "PatchLevel", metadata: { name: LEVEL }, spec } as KubeObject)
          .state("n1", operation("n1", "Updating"))
          .job("update", "n1", "update")
          .state("n1", operation("n1", "Updated"))
          .node("n1", { mark: "claim-n1", boot }, "admin")
          .state("n1", operation("n1", "Updated", { noReboot: true }))
          .state("n1", operation("n1", "Verified", { noReboot: true, rebootPending: true }))
          .node("n1", { boot }),
      );

    expect(givenBack(level([image, kubelet]), "boot-1")).not.toContain("B12");
    expect(givenBack(level([image, kubelet]), "boot-2")).toContain("B12");
    expect(givenBack(level([kubelet]), "boot-1")).toContain("B12");
  });

  it("B12: a node that is given back below its level, or not Ready", () => {
    const old = rebooted()
      .node("n1", { cordoned: true, mark: "claim-n1", boot: "boot-2" }, "kubelet")
      .node("n1", { boot: "boot-2" });
    const away = rebooted()
      .node("n1", { cordoned: true, mark: "claim-n1", boot: "boot-2", kubelet: "v1.31.4", ready: false }, "kubelet")
      .node("n1", { boot: "boot-2", kubelet: "v1.31.4", ready: false });

    expect(broken(old)).toContain("B12");
    expect(broken(away)).toContain("B12");
    expect(
      broken(closed(rebooted().state("n1", operation("n1", "Verified", { release: { reason: "mine" } })))),
    ).toEqual([]);
  });

  it("B13: a suspension that came while the claim was on its way was seen by nobody", () => {
    const claimed = (settleMs: number): readonly string[] => [
      ...new Set(
        base()
          .ring("canary", { suspend: true }, [], "admin")
          .ledger([claimOn("n1")])
          .check({ settleMs })
          .violations.map(({ invariant }) => invariant),
      ),
    ];

    expect(claimed(0)).toContain("B13");
    expect(claimed(10)).not.toContain("B13");
  });

  it("B13: a claim in a suspended ring, or in any mode but Enforce", () => {
    expect(
      broken(
        base()
          .ring("canary", { suspend: true })
          .ledger([claimOn("n1")]),
      ),
    ).toEqual(["B13"]);
    expect(broken(base().ledger([claimOn("n1")], { mode: "Stop" }))).toEqual(["B13"]);
    expect(
      base()
        .ledger([claimOn("n1")])
        .ledger([claimOn("n1")], { limits: { nodes: 1 } }, "admin")
        .check().occurred,
    ).toContain("B13");
  });

  it("B14: a failed target, or one in change, whose claim is freed; a vanished one may be", () => {
    const failed = cordoned().state(
      "n1",
      operation("n1", "Updating", { failure: { reason: "StepFailed", message: "no", time: "2024-12-16T08:00:00Z" } }),
    );

    expect(failed.check().occurred).toContain("B14");
    expect(broken(failed.ledger([]))).toContain("B14");
    expect(broken(cordoned().remove("nodes", "n1").ledger([]))).toEqual([]);
  });

  it("B14: a claim that was freed before anything began under it ends nothing", () => {
    const claimed = base().ledger([claimOn("n1")]);
    const begun = base()
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"));

    expect(broken(claimed.ledger([]))).toEqual([]);
    expect(broken(begun.ledger([]))).toContain("B14");
  });

  it("B14: a claim of whom a person released, until that is taken back", () => {
    const released = (): Story =>
      base().state("n1", undefined, {
        attempted: [{ baseline: "base", digest: DIGEST, result: "Released" }],
      });

    expect(broken(released().ledger([claimOn("n1")]))).toEqual(["B14"]);
    expect(
      broken(
        released()
          .state("n1", undefined)
          .ledger([claimOn("n1")]),
      ),
    ).toEqual([]);
    expect(broken(released().ledger([{ ...claimOn("n1"), digest: "0".repeat(64) }]))).not.toContain("B14");
  });

  it("B16: a mark without a claim in the end", () => {
    expect(
      broken(
        cordoned()
          .state("n1", undefined, { history: [{ claimId: "claim-n1", result: "BackedOut" }] })
          .ledger([]),
      ),
    ).toEqual(["B16"]);
  });

  it("S4: an act without its intent, and one without a result", () => {
    expect(
      broken(
        base()
          .ledger([claimOn("n1")])
          .node("n1", { cordoned: true, mark: "claim-n1" }),
      ),
    ).toEqual(["S4"]);
    expect(
      broken(
        base()
          .ledger([claimOn("n1")])
          .state("n1", operation("n1", "Staging"))
          .node("n1", { cordoned: true, mark: "claim-n1" }),
      ),
    ).toEqual(["S4"]);
    const forgotten = base()
      .ledger([claimOn("n1")])
      .state("n1", operation("n1", "Claimed"))
      .node("n1", { cordoned: true, mark: "claim-n1" })
      .ledger([]);
    expect(broken(forgotten)).toContain("S4");
  });

  it("S4: a record that a person took away between its reading and the act is no missing intent, one that a controller removed is", () => {
    const updating = (remover: string): Story =>
      cordoned().state("n1", operation("n1", "Updating")).remove("nodepatchstates.ringward.dev", "n1", remover);
    const acted = (remover: string): readonly string[] => broken(updating(remover).job("update", "n1", "update"));

    expect(acted("admin")).not.toContain("S4");
    expect(acted(CONTROLLER)).toContain("S4");
    // Once a record stands again it is what counts.
    expect(broken(updating("admin").state("n1", operation("n1", "Claimed")).job("update", "n1", "update"))).toContain(
      "S4",
    );
  });

  it("a claim that stood on its node before it came back into the ledger is no new claim", () => {
    const story = cordoned()
      .ring("canary", { suspend: true })
      .ledger([])
      .ledger([claimOn("n1")]);

    expect(broken(story)).toEqual(["B14"]);
    expect({ digest: DIGEST.length, level: LEVEL.startsWith("base-20241216-") }).toEqual({ digest: 64, level: true });
  });
});
