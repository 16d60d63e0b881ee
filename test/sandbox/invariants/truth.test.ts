// Every check on statuses, progress, brakes and standstills is able to fail (D7-D13, K7, K8, L3, S1-S3, V1-V3).
import { describe, expect, it } from "vitest";
import type { KubeObject } from "../../../controller/kube/port.ts";
import {
  claimOn,
  CONTROLLER,
  createStory,
  DIGEST,
  LEVEL,
  operation,
  soaked,
  type Story,
} from "../../support/history.ts";

const RINGS = "rolloutrings.ringward.dev";
const REPOSITORIES = "policyrepositories.ringward.dev";
const HOUR = 3_600_000;

function base(): Story {
  return createStory()
    .ring("canary")
    .level()
    .node("n1", {}, "kubelet")
    .node("n2", {}, "kubelet")
    .ledger([], {}, "admin");
}

function ids(story: Story, more: Parameters<Story["check"]>[0] = {}): readonly string[] {
  return [...new Set(story.check(more).violations.map(({ invariant }) => invariant))].sort();
}

const claim = claimOn("n1");

/** Both nodes at the level, for long enough to be known. */
const patched = (): Story =>
  base().node("n1", { kubelet: "v1.31.4" }, "kubelet").node("n2", { kubelet: "v1.31.4" }, "kubelet").wait(1000);

const complete = (rest: object = {}): object => ({
  baseline: "base",
  level: LEVEL,
  digest: DIGEST,
  completedTime: "2024-12-16T08:00:00Z",
  targets: 2,
  done: 2,
  failed: 0,
  ...rest,
});

describe("invariants of progress", () => {
  it("D7: complete with too few done, with failures, with a claim in flight, or while a node is below", () => {
    const one = base().node("n1", { kubelet: "v1.31.4" }, "kubelet").wait(1000);

    expect(ids(patched().ring("canary", {}, [complete()]))).toEqual([]);
    expect(patched().ring("canary", {}, [complete()]).check().occurred).toContain("D7");
    expect(ids(patched().ring("canary", {}, [complete({ done: 1 })]))).toEqual(["D7"]);
    expect(ids(patched().ring("canary", {}, [complete({ failed: 1 })]))).toEqual(["D7"]);
    expect(ids(patched().ledger([claim]).wait(1000).ring("canary", {}, [complete()]))).toContain("D7");
    expect(ids(one.ring("canary", {}, [complete()]))).toEqual(["D7"]);
  });

  it("D7: as many may be below as the record says are not done, and an exception takes its node out of scope", () => {
    const one = (): Story => base().node("n1", { kubelet: "v1.31.4" }, "kubelet").wait(1000);
    const half = { completion: { minPercent: 50 } };

    expect(ids(one().ring("canary", half, [complete({ done: 1 })]))).toEqual([]);
    const excepted = one().put("patchexceptions.ringward.dev", { metadata: { name: "late" }, spec: {} });
    expect(ids(excepted.ring("canary", {}, [complete({ targets: 1, done: 1 })]))).toEqual([]);
  });

  it("D7: a node that the baseline does not select is not below it, one that it selects is, and one that it has just come to select may be unknown", () => {
    const selecting = (labels: Record<string, string>): Story =>
      base()
        .node("n1", { kubelet: "v1.31.4" }, "kubelet")
        .wait(1000)
        .put("patchbaselines.ringward.dev", {
          metadata: { name: "base" },
          spec: { target: "Node", node: { nodeSelector: { matchLabels: labels } } },
        });
    const one = complete({ targets: 1, done: 1 });

    expect(ids(selecting({ pool: "other" }).wait(1000).ring("canary", {}, [one]))).toEqual([]);
    expect(ids(selecting({ ring: "canary" }).wait(1000).ring("canary", {}, [one]))).toEqual(["D7"]);
    expect(ids(selecting({ ring: "canary" }).ring("canary", {}, [one]), { settleMs: 10 })).toEqual([]);
  });

  it("D8: soak that is longer than the time since completion, and one that counts before it is served", () => {
    const begun = (): Story => patched().ring("canary", {}, [complete()]);
    const served = { soakedSeconds: 60, soakedTime: "2024-12-16T08:01:00Z" };

    expect(
      ids(
        begun()
          .wait(60_000)
          .ring("canary", {}, [complete(served)]),
      ),
    ).toEqual([]);
    expect(
      begun()
        .wait(60_000)
        .ring("canary", {}, [complete(served)])
        .check().occurred,
    ).toContain("D8");
    expect(
      ids(
        begun()
          .wait(20_000)
          .ring("canary", {}, [complete(served)]),
      ),
    ).toEqual(["D8"]);
    expect(
      ids(
        begun()
          .wait(60_000)
          .ring("canary", {}, [complete({ ...served, soakedSeconds: 30 })]),
      ),
    ).toEqual(["D8"]);
    // What passes while it is not complete does not count.
    const paused = begun()
      .ring("canary", {}, [complete({ completedTime: undefined })])
      .wait(60_000);
    expect(ids(paused.ring("canary", {}, [complete(served)]))).toEqual(["D8"]);
  });
});

describe("invariants of brakes", () => {
  const backedOut = { history: [{ claimId: "claim-n1", result: "BackedOut" }] };
  const done = { conditions: [{ type: "Complete", status: "True" }] };
  const updating = (): Story =>
    base()
      .ledger([claim])
      .state("n1", operation("n1", "Claimed"))
      .node("n1", { cordoned: true, mark: "claim-n1" })
      .state("n1", operation("n1", "Updating"))
      .job("update", "n1", "update");

  it("D9: an operation that is closed as backed out after its update ran", () => {
    const ranOnce = (): Story =>
      updating().put("jobs.batch", {
        metadata: {
          name: "update",
          namespace: "ringward-jobs",
          labels: { "ringward.dev/step": "update", "ringward.dev/claim": "claim-n1" },
        },
        spec: {},
        status: done,
      });
    const ran = ranOnce();
    const early = base()
      .ledger([claim])
      .state("n1", operation("n1", "Claimed", { backOut: { reason: "OutsideWindow" } }));

    expect(ids(early.state("n1", undefined, backedOut).ledger([]))).toEqual([]);
    expect(early.check().occurred).toContain("D9");
    expect(ids(ran.node("n1").state("n1", undefined, backedOut))).toEqual(["B12", "D9"]);
    // A person deleted the record of the update: nobody can know of it any more.
    const forgotten = ranOnce().remove("nodepatchstates.ringward.dev", "n1", "admin");
    expect(ids(forgotten.node("n1").state("n1", undefined, backedOut))).not.toContain("D9");
    // Another attempt has a way back until its own update runs; under another claim nothing of this is forgotten.
    const again = ranOnce().state("n1", operation("n1", "Claimed", { attempt: 2 }));
    expect(ids(again.node("n1").state("n1", undefined, backedOut))).not.toContain("D9");
    const other = ranOnce().state("n1", operation("n1", "Claimed", { attempt: 2, claimId: "claim-other" }));
    expect(ids(other.node("n1").state("n1", undefined, backedOut))).toContain("D9");
  });

  it("D9: a reboot that is begun on the way back", () => {
    const back = { backOut: { reason: "OutsideWindow" } };

    expect(
      ids(
        base()
          .ledger([claim])
          .state("n1", operation("n1", "Rebooting", back)),
      ),
    ).toEqual(["D9"]);
  });

  it("D10: a claim in a ledger whose claims were never known to be complete, or while one stands on a node alone", () => {
    const fresh = (claims: readonly object[]): Story =>
      base().put(
        "disruptionledgers.ringward.dev",
        {
          metadata: { name: "cluster" },
          spec: { mode: "Enforce", limits: { nodes: 3, nodesPerZone: 3 } },
          status: { claims },
        },
        CONTROLLER,
      );
    const lost = (): Story =>
      base()
        .ledger([claim])
        .state("n1", operation("n1", "Claimed"))
        .node("n1", { cordoned: true, mark: "claim-n1" })
        .ledger([], {}, "admin")
        .wait(1000);

    expect(ids(fresh([]).ledger([claim]))).toEqual(["D10"]);
    expect(lost().check().occurred).toContain("D10");
    expect(ids(lost().ledger([claimOn("n2")]))).toContain("D10");
    expect(
      ids(
        lost()
          .ledger([claim])
          .ledger([claim, claimOn("n2")]),
      ),
    ).toEqual([]);
  });

  it("D13: a cordon and an eviction while the ledger's mode is Stop; the mark may come off", () => {
    const stopped = (): Story =>
      base()
        .ledger([claim])
        .state("n1", operation("n1", "Claimed"))
        .ledger([claim], { mode: "Stop" }, "admin")
        .wait(1000);

    expect(stopped().check().occurred).toContain("D13");
    expect(ids(stopped())).toEqual([]);
    expect(ids(stopped().node("n1", { cordoned: true, mark: "claim-n1" }))).toEqual(["D13"]);
    expect(ids(stopped().node("n1", { cordoned: true, mark: "claim-n1" }), { settleMs: HOUR })).toEqual([]);
  });
});

describe("invariants of what is ours", () => {
  const workload = (images: string, options: object = {}, user = CONTROLLER): Parameters<Story["put"]> => [
    "deployments.apps",
    {
      kind: "Deployment",
      metadata: {
        name: "web",
        namespace: "shop",
        uid: "uid-web",
        labels: { ring: "canary" },
        annotations: { "ringward.dev/claim": "claim-web", ...options },
      },
      spec: { template: { spec: { containers: [{ name: "main", image: images }] } } },
    },
    user,
  ];
  const ring = (mode: string): Story =>
    createStory()
      .ring("canary", {
        members: { workloads: { selector: { matchLabels: { ring: "canary" } }, mode: mode as "Patch" } },
      })
      .level()
      .workload("web", "nginx:1", {}, "admin")
      .ledger([], {}, "admin")
      .ledger([claimOn("web", { kind: "Deployment" })]);
  const patching = (story: Story): Story => story.state("web", operation("web", "Patching"));

  it("D11: images set in a ring that only observes, or of a workload that Argo CD applies", () => {
    const owned = { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web" };

    expect(ids(patching(ring("Patch")).put(...workload("nginx:2")))).toEqual([]);
    expect(
      patching(ring("Patch"))
        .put(...workload("nginx:2"))
        .check().occurred,
    ).toContain("D11");
    expect(ids(patching(ring("Observe")).put(...workload("nginx:2")))).toEqual(["D11"]);
    const theirs = patching(ring("Patch")).put(...workload("nginx:1", owned, "argocd"));
    expect(ids(theirs.put(...workload("nginx:2", owned)))).toEqual(["D11"]);
  });

  it("D11: images that somebody put back, written again for the same level", () => {
    const twice = (user: string): Story =>
      patching(ring("Patch"))
        .put(...workload("nginx:2"))
        .state("web", operation("web", "Patched"))
        .put(...workload("nginx:1", {}, user))
        .state("web", operation("web", "Patching"))
        .put(...workload("nginx:2"));

    expect(ids(twice("ana"))).toContain("D11");
    expect(ids(twice("ana"))).not.toContain("B3");
  });

  it("D11: images that we changed for another level are not put back by who only sees them", () => {
    const mark = (id: string): object => ({ "ringward.dev/claim": id });
    const move = (story: Story, id: string, digest: string, images: string): Story =>
      story
        .ledger([claimOn("web", { kind: "Deployment", id, digest })])
        .state("web", { ...operation("web", "Patching"), claimId: id, digest })
        .put(...workload(images, mark(id)));
    const there = (): Story => move(move(ring("Patch"), "one", DIGEST, "nginx:2"), "two", "f".repeat(64), "nginx:3");

    expect(ids(move(there().put(...workload("nginx:3", {}, "kubelet")), "three", DIGEST, "nginx:2"))).not.toContain(
      "D11",
    );
    expect(
      ids(
        move(
          there()
            .put(...workload("nginx:2", {}, "ana"))
            .put(...workload("nginx:1", {}, "ana")),
          "three",
          DIGEST,
          "nginx:2",
        ),
      ),
    ).toContain("D11");
  });

  it("D12: a claim on a node that is no member of its ring, or of two", () => {
    const both = base()
      .ring("other", { members: { nodes: { selector: { matchLabels: { ring: "canary" } } } } })
      .wait(1000);
    const moved = (): Story => base().node("n1", { ring: "wide" }, "admin").wait(1000);

    expect(ids(base().wait(1000).ledger([claim]))).toEqual([]);
    expect(base().wait(1000).ledger([claim]).check().occurred).toContain("D12");
    expect(ids(both.ledger([claim]))).toEqual(["D12"]);
    expect(ids(moved().ledger([claim]))).toEqual(["D12"]);
    expect(ids(moved().ledger([claim]), { settleMs: HOUR })).toEqual([]);
  });

  it("D12: a control-plane node in a ring that does not name its role", () => {
    const plane = (selector: object): Story =>
      base()
        .ring("canary", { members: { nodes: { selector } } })
        .node("n1", { controlPlane: true }, "kubelet")
        .wait(1000)
        .ledger([claimOn("n1", { controlPlane: true })]);
    const named = { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }] };

    expect(ids(plane({ matchLabels: { ring: "canary" } }))).toEqual(["D12"]);
    expect(ids(plane(named))).toEqual([]);
  });

  it("K8: a field of a Node that is not ours", () => {
    const held = (): Story => base().ledger([claim]).state("n1", operation("n1", "Claimed"));

    expect(ids(held().node("n1", { cordoned: true, mark: "claim-n1" }))).toEqual([]);
    expect(held().node("n1", { cordoned: true, mark: "claim-n1" }).check().occurred).toContain("K8");
    expect(ids(held().node("n1", { cordoned: true, mark: "claim-n1", ring: "wide" }))).toEqual(["K8"]);
    expect(ids(held().node("n1", { cordoned: true, mark: "claim-n1", boot: "boot-9" }))).toContain("K8");
  });
});

describe("invariants of statuses", () => {
  const condition = (type: string, status: string, time = "2024-12-16T08:00:00.000Z", rest: object = {}): object => ({
    type,
    status,
    reason: "Progressing",
    message: "",
    lastTransitionTime: time,
    ...rest,
  });
  const says = (story: Story, conditions: readonly object[], rest: object = {}, generation = 1): Story =>
    story.put(
      RINGS,
      {
        metadata: { name: "canary", generation },
        spec: {
          members: { nodes: { selector: { matchLabels: { ring: "canary" } } } },
          levels: [{ baseline: "base", level: LEVEL }],
        },
        status: { conditions, ...rest },
      },
      CONTROLLER,
    );
  const ready = [condition("Ready", "True")];

  it("S1: a generation or a commit that was not there yet, and a ring that says Ready and is not", () => {
    const commit = { observedCommit: "c9" };
    const repository = base().put(
      "policyrepositories.ringward.dev",
      { metadata: { name: "policy" }, spec: {}, status: { observedCommit: "c1" } },
      CONTROLLER,
    );

    expect(ids(says(patched(), ready, { observedGeneration: 1 }))).toEqual([]);
    expect(says(patched(), ready, { observedGeneration: 1 }).check().occurred).toContain("S1");
    expect(ids(says(patched(), ready, { observedGeneration: 2 }))).toEqual(["S1"]);
    expect(ids(says(repository, [], commit))).toEqual(["S1"]);
    expect(ids(says(base().wait(1000), ready))).toEqual(["S1"]);
    expect(ids(says(patched().ledger([claim]).wait(1000), ready))).toEqual(["S1"]);
  });

  it("S2: conditions that contradict one another, or whose time moves without a flip", () => {
    const busy = [condition("Ready", "False"), condition("Reconciling", "True")];
    const later = "2024-12-16T08:00:00.009Z";

    expect(ids(says(base(), busy))).toEqual([]);
    expect(says(base(), busy).check().occurred).toContain("S2");
    expect(ids(says(base(), [condition("Ready", "False")]))).toEqual(["S2"]);
    expect(ids(says(base(), [condition("Ready", "True"), condition("Stalled", "True")]))).toContain("S2");
    expect(ids(says(base(), [...busy, condition("Stalled", "True")]))).toEqual(["S2"]);
    expect(ids(says(base(), [...busy, condition("Ready", "False")]))).toEqual(["S2"]);
    expect(ids(says(says(base(), busy), [condition("Ready", "False", later), busy[1] ?? {}]))).toEqual(["S2"]);
    expect(ids(says(base(), [condition("Ready", "False", "2024-12-17T00:00:00Z"), busy[1] ?? {}]))).toEqual(["S2"]);
    const ahead = condition("Reconciling", "True", undefined, { observedGeneration: 3 });
    expect(ids(says(base(), [condition("Ready", "False"), ahead]))).toEqual(["S2"]);
  });

  it("S3: a status that is too large, and a message that is too long", () => {
    const busy = (message: string): readonly object[] => [
      condition("Ready", "False"),
      condition("Reconciling", "True", undefined, { message }),
    ];

    expect(ids(says(base(), busy("short")))).toEqual([]);
    expect(says(base(), busy("short")).check().occurred).toContain("S3");
    expect(ids(says(base(), busy("x".repeat(1025))))).toEqual(["S3"]);
    expect(ids(says(base(), busy(""), { note: "x".repeat(300_000) }))).toEqual(["S3"]);
    expect(ids(says(base(), busy(""), { blockedBy: Array.from({ length: 17 }, () => ({ message: "" })) }))).toEqual([
      "S3",
    ]);
  });
});

describe("invariants of standstills and ends", () => {
  const standing = (rest: object = {}): Story =>
    base()
      .ledger([claim])
      .state("n1", operation("n1", "Drained"), rest)
      .wait(2 * HOUR)
      .node("n2", { boot: "boot-7" }, "kubelet");

  it("V2: a claim that stands still and says nothing, and one whose target is gone", () => {
    const blocked = { blockedBy: [{ reason: "PDBNeverAllows", message: "" }] };
    const ghost = base()
      .ledger([claim])
      .remove("nodes", "n1")
      .wait(2 * HOUR)
      .node("n2", {}, "kubelet");

    expect(ids(standing())).toEqual(["V2"]);
    expect(ids(standing(blocked))).toEqual([]);
    expect(standing(blocked).check().occurred).toContain("V2");
    expect(ids(ghost)).toEqual(["V2"]);
    expect(ids(standing(), { settleMs: HOUR })).toEqual([]);
  });

  it("V3: others that come and go while a claim is not looked at", () => {
    const others = (count: number, rest: object = {}): Story => {
      const story = base().ledger([claim]).state("n1", operation("n1", "Drained"), rest);
      const closed: object[] = [];
      for (let turn = 0; turn < count; turn += 1) {
        const id = `claim-n2-${turn}`;
        closed.push({ claimId: id, result: "BackedOut" });
        story
          .ledger([claim, claimOn("n2", { id })])
          .state("n2", undefined, { history: closed })
          .ledger([claim]);
      }
      return story;
    };

    expect(ids(others(3))).toEqual([]);
    expect(others(3).check().occurred).toContain("V3");
    expect(ids(others(4))).toEqual(["V3"]);
    expect(ids(others(4, { blockedBy: [{ reason: "PDBNeverAllows", message: "" }] }))).toEqual([]);
  });

  it("K4: an operation that goes back a step, and a ring that forgets when it began", () => {
    const going = (...steps: readonly string[]): Story =>
      steps.reduce((story, step) => story.state("n1", operation("n1", step)), base().ledger([claim]));
    const began = (startedTime?: string): object => ({ baseline: "base", level: LEVEL, digest: DIGEST, startedTime });
    const again = operation("n1", "Claimed", { attempt: 2 });
    const reboot = operation("n1", "Cordoned", { rebootPending: true });

    expect(ids(going("Claimed", "Cordoned"))).toEqual([]);
    expect(going("Claimed", "Cordoned").check().occurred).toContain("K4");
    expect(ids(going("Cordoned", "Claimed"))).toEqual(["K4"]);
    expect(ids(going("Cordoned").state("n1", again))).toEqual([]);
    expect(ids(going("Updated").state("n1", reboot))).toEqual([]);
    const ring = (...times: readonly (string | undefined)[]): Story =>
      times.reduce<Story>((story, time) => story.ring("canary", {}, [began(time)]), base());
    expect(ids(ring("2024-12-16T08:00:00Z", "2024-12-16T08:00:00Z"))).toEqual([]);
    expect(ids(ring("2024-12-16T08:00:00Z", undefined))).toEqual(["K4"]);
  });

  it("K7: a write after all was done; Lease, events and the inventory cycle may go on", () => {
    const done = patched();
    const quietSince = Date.parse("2024-12-16T08:00:02Z");
    const inventory = done
      .wait(10_000)
      .job("look", "n1", "inventory", { claim: "", privileged: false })
      .put(
        "leases.coordination.k8s.io",
        { metadata: { name: "ringward-controller", namespace: "a" }, spec: { holderIdentity: "me" } },
        CONTROLLER,
      )
      .state("n1", undefined, { inventory: { digest: "a" } })
      .state("n1", undefined, { inventory: { digest: "b" } });

    // The first of those made the object.
    expect(ids(inventory, { ending: { quietSince } })).toEqual(["K7"]);
    expect(ids(inventory, { ending: { quietSince: quietSince + 9_500 } })).toEqual([]);
    expect(ids(inventory)).toEqual([]);
    const state = inventory.wait(1000).state("n1", undefined, { state: "Installed" });
    expect(ids(state, { ending: { quietSince: quietSince + 9_500 } })).toEqual(["K7"]);
    expect(state.check({ ending: { quietSince } }).occurred).toContain("K7");
  });

  it("V1: a claim that is held, and a node that is below its level and says nothing, in the end", () => {
    const end = { ending: { quietSince: Date.parse("2024-12-17T00:00:00Z") } };
    const blocked = base()
      .state("n1", undefined, { blockedBy: [{ reason: "CordonedByOther" }] })
      .node("n2", { kubelet: "v1.31.4" }, "kubelet")
      .wait(1000)
      .calendar("hours", {});

    expect(ids(patched().wait(1000).calendar("hours", {}), end)).toEqual([]);
    expect(patched().check(end).occurred).toContain("V1");
    expect(ids(base().wait(1000).calendar("hours", {}), end)).toEqual(["V1"]);
    expect(ids(blocked, end)).toEqual([]);
    expect(ids(patched().ledger([claim]), end)).toEqual(["V1"]);
  });

  it("L3: a write by who does not hold the Lease, or while nobody does", () => {
    const lease = (story: Story, holderIdentity: string): Story =>
      story.put(
        "leases.coordination.k8s.io",
        { metadata: { name: "ringward-controller", namespace: "a" }, spec: { holderIdentity } },
        CONTROLLER,
      );
    const identityOf = (user: string): string => `${user}-process`;

    expect(ids(lease(base(), "ringward-process").ledger([claim]), { identityOf })).toEqual([]);
    expect(lease(base(), "any").ledger([claim]).check().occurred).toContain("L3");
    expect(ids(lease(base(), "other-process").ledger([claim]), { identityOf })).toEqual(["L3"]);
    expect(ids(lease(lease(base(), "me"), "").ledger([claim]))).toEqual(["L3"]);
    expect(ids(lease(lease(base(), "me"), "").ledger([claim]), { settleMs: HOUR })).toEqual([]);
    expect(ids(base().ledger([claim]))).toEqual([]);
  });

  it("L3: a request to look at the repository is anybody's, and nothing else of it is", () => {
    const lease = { metadata: { name: "ringward-controller", namespace: "a" }, spec: { holderIdentity: "other" } };
    const identityOf = (user: string): string => `${user}-process`;
    const repository = (annotations: Readonly<Record<string, string>>, observedCommit = "c1", url = "u") => ({
      metadata: { name: "policy", annotations },
      spec: { url },
      status: { observedCommit },
    });
    const after = (...versions: readonly KubeObject[]): readonly string[] => {
      const story = base().put(REPOSITORIES, repository({ note: "theirs" }), "person");
      story.put("leases.coordination.k8s.io", lease, "other");
      for (const version of versions) story.put(REPOSITORIES, version, CONTROLLER);
      return ids(story, { identityOf });
    };
    const asked = { note: "theirs", "ringward.dev/reconcile-requested-at": "now" };

    expect(after(repository(asked))).toEqual([]);
    expect(after(repository(asked), repository({ ...asked, note: "ours" }))).toEqual(["L3"]);
    expect(after(repository(asked, "c2"))).toEqual(["L3"]);
    expect(after(repository(asked, "c1", "v"))).toEqual(["L3"]);
  });
});

it("a record that was soaked before this story began is taken at its word (D8)", () => {
  expect(ids(base().ring("canary", {}, [soaked()]))).toEqual([]);
});
