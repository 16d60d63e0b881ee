// What the planner of promotions wants, sentence by sentence of the design's "Approval".
import { describe, expect, it } from "vitest";
import { DAY, known, levelOf, play, START, wishes } from "./scene.ts";
import { broad, early, L1, L2, L3, names, reasons, settled } from "./three-rings.ts";

describe("a ring is offered the newest level that all its predecessors have soaked", () => {
  it("offers a first ring the baseline's candidate, and no other ring anything", () => {
    const scene = play({ rings: settled, candidate: L2 });

    expect(wishes(scene, names)).toEqual(["canary<-L2"]);
  });

  it("offers nothing when everybody has it", () => {
    const scene = play({ rings: settled, candidate: L1 });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.decisions).toEqual([]);
  });

  it("waits for the soak of the ring before", () => {
    const scene = play({ rings: { ...settled, canary: { entry: L2, soaked: [L1], nodes: [2, 1] } }, candidate: L2 });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.decisions).toMatchObject([
      {
        ring: "early",
        reason: "PredecessorNotSoaked",
        message: `ring canary has 1 of 2 done with ${L2.name}`,
        level: L2.name,
      },
      { ring: "broad", reason: "PredecessorNotSoaked", level: L2.name },
    ]);
  });

  it("offers the next ring what the ring before has soaked", () => {
    const scene = play({
      rings: { ...settled, canary: { entry: L2, soaked: [L1, L2], nodes: [2, 2] } },
      candidate: L2,
    });

    expect(wishes(scene, names)).toEqual(["early<-L2"]);
  });

  it("needs all direct predecessors", () => {
    const rings = {
      a: { entry: L2, soaked: [L1, L2], nodes: [2] },
      b: { entry: L2, soaked: [L1], nodes: [1] },
      c: { after: ["a", "b"], entry: L1 },
    };

    const scene = play({ rings, candidate: L2 });

    expect(wishes(scene, names)).toEqual([]);
    expect(reasons(scene)).toEqual(["c PredecessorNotSoaked"]);
  });

  it("never offers a level older than the entry", () => {
    const rings = { canary: { entry: L1, soaked: [L1, L2] }, early: { ...early, entry: L3 } };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["canary<-L3"]);
  });

  it("says so when the baseline resolves to something older", () => {
    const scene = play({ rings: { canary: { entry: L2, soaked: [L2], nodes: [2] } }, candidate: L1, levels: [L1] });

    expect(wishes(scene, names)).toEqual([]);
    expect(reasons(scene)).toEqual(["canary Superseded"]);
  });

  it("takes the candidate for the newer of two levels of one instant", () => {
    const [a, b] = [levelOf(7, { at: START }), levelOf(8, { at: START })];

    expect(wishes(play({ rings: { canary: { entry: a, soaked: [a], nodes: [7] } }, candidate: b }), { a, b })).toEqual([
      "canary<-b",
    ]);
    expect(wishes(play({ rings: { canary: { entry: b, soaked: [b], nodes: [8] } }, candidate: a }), { a, b })).toEqual([
      "canary<-a",
    ]);
  });

  it("offers nothing to a ring without targets, unless it lists the baseline", () => {
    const rings = { canary: { nodes: [1] }, spare: { nodes: [] }, listed: { nodes: [], listed: true } };

    expect(wishes(play({ rings, candidate: L1 }), names)).toEqual(["canary<-L1", "listed<-L1"]);
  });

  it("lets a level through an empty ring that says Pass, but only what came to it", () => {
    const pass = { completion: { onEmpty: "Pass" as const } };
    const rings = (soaked: readonly (typeof L1)[]) => ({
      canary: { entry: L2, soaked, nodes: [2] },
      empty: { ...early, nodes: [], ...pass },
      last: { after: ["empty"], entry: L1 },
    });

    expect(wishes(play({ rings: rings([L1]), candidate: L2 }), names)).toEqual([]);
    expect(wishes(play({ rings: rings([L1, L2]), candidate: L2 }), names)).toEqual(["last<-L2"]);
  });

  it("stops at an empty ring that says Block", () => {
    const rings = {
      canary: { entry: L2, soaked: [L1, L2], nodes: [2] },
      empty: { ...early, nodes: [] },
      last: { after: ["empty"], entry: L1 },
    };

    const scene = play({ rings, candidate: L2 });

    expect(wishes(scene, names)).toEqual([]);
    expect(reasons(scene)).toContain("last RingEmpty");
  });

  it("stops at a ring that does not exist, and at rings in a circle", () => {
    expect(reasons(play({ rings: { a: { after: ["nowhere"] } }, candidate: L1 }))).toEqual(["a ReferenceMissing"]);
    expect(wishes(play({ rings: { a: { after: ["b"] }, b: { after: ["a"] } }, candidate: L1 }), names)).toEqual([]);
  });
});

describe("a level approved in any ring keeps its track to the last ring; of newer candidates only the newest waits", () => {
  const underWay = {
    canary: { entry: L2, soaked: [L1, L2], nodes: [2, 2] },
    early: { ...early, entry: L2, soaked: [L1], nodes: [2, 1] },
    broad: { ...broad, entry: L1, soaked: [L1] },
  };

  it("keeps a newer candidate out of the first ring", () => {
    const scene = play({ rings: underWay, candidate: L3 });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.decisions).toContainEqual(
      expect.objectContaining({
        ring: "canary",
        level: L3.name,
        reason: "Progressing",
        message: `${L3.name} waits until ${L2.name} has arrived in every ring: ring early has 1 of 2 done`,
      }),
    );
  });

  it("lets the train go on while the newer one waits", () => {
    const rings = { ...underWay, early: { ...early, entry: L2, soaked: [L1, L2], nodes: [2, 2] } };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["broad<-L2"]);
  });

  it("starts the next train when the last ring is complete, without its soak", () => {
    const rings = {
      canary: { entry: L2, soaked: [L2], nodes: [2] },
      early: { ...early, entry: L2, soaked: [L2], nodes: [2] },
      broad: { ...broad, entry: L2, nodes: [2, 2] },
    };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["canary<-L3"]);
  });

  it("is not under way again because of a late joiner", () => {
    const rings = { ...settled, broad: { ...broad, entry: L1, soaked: [L1], nodes: [1, 0] } };

    expect(wishes(play({ rings, candidate: L2 }), names)).toEqual(["canary<-L2"]);
  });

  it("puts a second first ring on the train's track before anything newer", () => {
    const rings = { a: { entry: L2, soaked: [L1], nodes: [1] }, b: { entry: L1, soaked: [L1] } };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["b<-L2"]);
  });

  it("ends where people refused it", () => {
    const rings = { ...underWay, early: { ...early, entry: L1, soaked: [L1] } };
    const proposals = [known(4, "early", L2, { state: "closed" })];

    const scene = play({ rings, candidate: L3, proposals });

    expect(wishes(scene, names)).toEqual(["canary<-L3"]);
    expect(reasons(scene)).toContain("early ProposalRejected");
  });

  it("ends where it was withdrawn", () => {
    const rings = {
      canary: { entry: L1, soaked: [L1], withdrawn: [L2], nodes: [1] },
      early: { ...early, entry: L2, nodes: [1] },
    };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["canary<-L3"]);
  });
});

describe("Restart or an expedited entry overtakes", () => {
  it("offers the newest at once to a first ring that says Restart", () => {
    const rings = {
      canary: { entry: L2, soaked: [L1], nodes: [1], onSupersede: "Restart" as const },
      early: { ...early, entry: L1, soaked: [L1] },
    };

    expect(wishes(play({ rings, candidate: L3 }), names)).toEqual(["canary<-L3"]);
  });

  it("puts the level of an expedited entry on the track at once", () => {
    const rings = {
      canary: { entry: L1, soaked: [], nodes: [0] },
      early: { ...early, entry: L2, expedite: true, nodes: [1] },
    };

    expect(wishes(play({ rings, candidate: L3, levels: [L2] }), names)).toEqual(["canary<-L2"]);
  });
});

describe("withdrawal: that digest is not proposed again until a person asks", () => {
  it("neither in the ring nor behind it, and its proposals close", () => {
    const rings = {
      canary: { entry: L1, soaked: [L1], withdrawn: [L2] },
      early: { ...early, entry: L1, soaked: [L1] },
    };

    const scene = play({ rings, candidate: L2, proposals: [known(7, "early", L2)] });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.closing).toMatchObject([
      { number: 7, reason: "LevelWithdrawn", comment: "Ringward closes this: the level was withdrawn in ring canary." },
    ]);
    expect(reasons(scene)).toEqual(["canary LevelWithdrawn"]);
    expect(reasons(scene, "withdraw")).toEqual(["early LevelWithdrawn"]);
  });

  it("stays on offer in rings that do not come after", () => {
    const rings = {
      canary: { entry: L2, soaked: [L2], nodes: [2] },
      left: { ...early, entry: L1, soaked: [L1], withdrawn: [L2] },
      right: { ...early, entry: L1, soaked: [L1] },
    };

    expect(wishes(play({ rings, candidate: L2 }), names)).toEqual(["right<-L2"]);
  });

  it("lets a newer level come", () => {
    const rings = { canary: { entry: L1, soaked: [L1], withdrawn: [L2] } };

    expect(wishes(play({ rings, candidate: L3, levels: [L2] }), names)).toEqual(["canary<-L3"]);
  });
});

describe("Ringward writes to the tracked branch by itself only for a ring that says Automatic", () => {
  it("in one commit for all baselines", () => {
    const scene = play({ rings: { canary: { promotion: "Automatic", listed: true } }, candidate: L1 });

    expect(scene.promotions.automatic).toMatchObject([
      {
        ring: { name: "canary" },
        entries: [{ kind: "Level", baseline: "ubuntu", level: { name: L1.name }, maxTargets: 3, targets: 2 }],
      },
    ]);
    expect(scene.promotions.proposals).toEqual([]);
  });

  it("also while the forge does not answer; pull requests wait", () => {
    const scene = play({
      rings: { canary: { promotion: "Automatic", listed: true }, other: {} },
      candidate: L1,
      proposals: "unknown",
    });

    expect(wishes(scene, names)).toEqual(["canary<=L1"]);
    expect(reasons(scene)).toEqual(["other ForgeUnavailable"]);
    expect(scene.promotions.tidy).toBe(false);
  });
});

describe("what keeps a proposal from being written", () => {
  it.each(["HistoryRewritten", "SignatureInvalid", "RepositoryStale"] as const)(
    "the brake %s, for automatic ones too",
    (reason) => {
      const scene = play({
        rings: { canary: { promotion: "Automatic", listed: true }, other: {} },
        candidate: L1,
        brakes: [{ reason, message: "why" }],
        proposals: [known(1, "other", L2)],
      });

      expect(wishes(scene, names)).toEqual([]);
      expect(scene.promotions.closing).toEqual([]);
      expect(reasons(scene)).toEqual([`canary ${reason}`, `other ${reason}`]);
    },
  );

  it("a cluster that is not the proposer", () => {
    const scene = play({ rings: { canary: {} }, candidate: L1, proposer: false, proposals: [known(1, "canary", L2)] });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.closing).toEqual([]);
    expect(reasons(scene)).toEqual(["canary WaitingForApproval"]);
  });

  it("a ring that no repository contains: it is approved with kubectl", () => {
    const scene = play({ rings: { canary: { cluster: true, promotion: "Automatic" } }, candidate: L1 });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.decisions[0]?.message).toContain(`ringward approve canary ${L1.name}`);
  });

  it("a ring whose file cannot be read, whose open proposals stay", () => {
    const brakes = [{ reason: "PolicyInvalid" as const, message: "rings/canary.yaml:3:1" }];
    const scene = play({ rings: { canary: { brakes } }, candidate: L2, proposals: [known(1, "canary", L1)] });

    expect(wishes(scene, names)).toEqual([]);
    expect(scene.promotions.closing).toEqual([]);
    expect(reasons(scene)).toEqual(["canary PolicyInvalid"]);
  });
});

describe("more members: Blocked(ScopeGrew) and a proposal that raises the number", () => {
  const grown = { canary: { entry: L1, soaked: [L1], maxTargets: 2, nodes: [1, 1, 1] } };

  it("proposes the present number and a margin", () => {
    const scene = play({ rings: grown, candidate: L1 });

    expect(scene.promotions.proposals).toMatchObject([
      {
        kind: "Scope",
        targets: 3,
        maxTargets: 4,
        previousMaxTargets: 2,
        branch: `ringward/canary/ubuntu/${L1.digest.slice(0, 12)}-scope-4`,
      },
    ]);
    expect(reasons(scene, "propose")).toEqual(["canary ScopeGrew"]);
  });

  it("by a commit where the ring is Automatic", () => {
    const scene = play({ rings: { canary: { ...grown.canary, promotion: "Automatic" } }, candidate: L1 });

    expect(scene.promotions.automatic).toMatchObject([{ entries: [{ kind: "Scope", maxTargets: 4 }] }]);
  });

  it("keeps the number that is proposed while it fits", () => {
    const rings = { canary: { ...grown.canary, nodes: [1, 1, 1, 1] } };
    const scene = play({ rings, candidate: L1, proposals: [known(9, "canary", L1, { scope: 5 })] });

    expect(scene.promotions.proposals).toMatchObject([{ maxTargets: 5, open: 9 }]);
    expect(scene.promotions.closing).toEqual([]);
  });

  it("replaces a number that is too small by then", () => {
    const rings = { canary: { ...grown.canary, nodes: [1, 1, 1, 1, 1, 1] } };
    const scene = play({ rings, candidate: L1, proposals: [known(9, "canary", L1, { scope: 4 })] });

    expect(scene.promotions.proposals).toMatchObject([{ maxTargets: 7, open: undefined }]);
    expect(scene.promotions.closing).toMatchObject([{ number: 9, reason: "Superseded" }]);
  });

  it("does not ask again for a number that was refused, but for a larger one", () => {
    const refused = [known(9, "canary", L1, { scope: 4, state: "closed" as const })];
    const larger = { canary: { ...grown.canary, nodes: [1, 1, 1, 1, 1] } };

    expect(reasons(play({ rings: grown, candidate: L1, proposals: refused }))).toEqual(["canary ProposalRejected"]);
    expect(play({ rings: larger, candidate: L1, proposals: refused }).promotions.proposals).toMatchObject([
      { maxTargets: 6 },
    ]);
  });

  it("gives way to a newer level, which brings its own number", () => {
    const scene = play({ rings: grown, candidate: L2, proposals: [known(9, "canary", L1, { scope: 4 })] });

    expect(scene.promotions.proposals).toMatchObject([{ kind: "Level", level: { name: L2.name }, maxTargets: 4 }]);
  });
});

describe("deterministic", () => {
  it("gives the same whatever the order of any list", () => {
    const rings = {
      canary: { entry: L2, soaked: [L1, L2], nodes: [2, 2] },
      early: { ...early, entry: L1, soaked: [L1] },
      broad: { ...broad, entry: L1 },
    };
    const proposals = [
      known(1, "early", L1),
      known(2, "early", L2),
      known(3, "broad", L2, { state: "closed" as const }),
    ];
    const one = play({ rings, candidate: L2, proposals, now: START + DAY });
    const turned = Object.fromEntries(Object.entries(rings).reverse()) as typeof rings;
    const other = play({ rings: turned, candidate: L2, proposals: [...proposals].reverse(), now: START + DAY });

    expect(JSON.stringify(other.promotions)).toBe(JSON.stringify(one.promotions));
  });
});
