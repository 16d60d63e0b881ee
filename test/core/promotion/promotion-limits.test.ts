// How many pull requests may be open, and when new ones may be opened.
import { describe, expect, it } from "vitest";
import { known, play, START, wishes } from "./scene.ts";

import { L1, L2, names, reasons } from "./three-rings.ts";

describe("limits on pull requests", () => {
  const rings = { a: { listed: true }, b: { listed: true }, c: { listed: true } };
  const held = (scene: ReturnType<typeof play>): readonly string[] =>
    scene.promotions.held.map(({ proposal, block }) => `${proposal.ring.name} ${block.reason}`);

  it("opens no more than maxOpen, in ring order, and says what waits", () => {
    const scene = play({ rings, candidate: L2, settings: { maxOpen: 2 } });

    expect(wishes(scene, names)).toEqual(["a<-L2", "b<-L2"]);
    expect(held(scene)).toEqual(["c ProposalLimit"]);
    expect(reasons(scene)).toEqual(["c ProposalLimit"]);
  });

  it("counts what is open already, keeps it up to date, and never closes one for it", () => {
    const proposals = [known(1, "c", L2), known(2, "b", L2)];
    const scene = play({ rings, candidate: L2, settings: { maxOpen: 1 }, proposals });

    expect(wishes(scene, names)).toEqual(["b<-L2", "c<-L2"]);
    expect(held(scene)).toEqual(["a ProposalLimit"]);
    expect(scene.promotions.closing).toEqual([]);
  });

  it("counts one that closes now no more", () => {
    const proposals = [known(1, "a", L1)];
    const scene = play({ rings, candidate: L2, levels: [L1], settings: { maxOpen: 3 }, proposals });

    expect(scene.promotions.closing.map(({ number }) => number)).toEqual([1]);
    expect(wishes(scene, names)).toEqual(["a<-L2", "b<-L2", "c<-L2"]);
  });

  it("opens on the schedule alone; what is open is kept up to date at any time", () => {
    const schedule = { windows: [{ schedule: "0 9 * * 1", duration: "1h" }] };
    const proposals = [known(2, "b", L2)];
    const at = (now: number) => play({ rings, candidate: L2, settings: { schedule }, proposals, now });

    // START is a Monday, 08:00 UTC.
    expect(wishes(at(START), names)).toEqual(["b<-L2"]);
    expect(held(at(START))).toEqual(["a OutsideProposalSchedule", "c OutsideProposalSchedule"]);
    expect(at(START).promotions.held[0]?.block.message).toContain("2026-01-05T09:00Z");
    expect(wishes(at(START + 3_600_000), names)).toEqual(["a<-L2", "b<-L2", "c<-L2"]);
    expect(held(at(START + 2 * 3_600_000))).toHaveLength(2);
  });

  it("opens nothing on a schedule that cannot be read", () => {
    const settings = { schedule: { timeZone: "Nowhere/Land", windows: [{ schedule: "0 9 * * 1", duration: "1h" }] } };

    expect(held(play({ rings, candidate: L2, settings }))).toHaveLength(3);
  });

  it("asks people in an Automatic ring whose file does not list the baseline, and writes what it lists", () => {
    const ring = { nodes: [1], promotion: "Automatic" as const };

    expect(wishes(play({ rings: { a: ring }, candidate: L2 }), names)).toEqual(["a<-L2"]);
    expect(wishes(play({ rings: { a: { ...ring, listed: true } }, candidate: L2 }), names)).toEqual(["a<=L2"]);
    expect(wishes(play({ rings: { a: { ...ring, promotion: "PullRequest" } }, candidate: L2 }), names)).toEqual([
      "a<-L2",
    ]);
  });

  it("holds back no commit of an Automatic ring", () => {
    const scene = play({
      rings: { a: { listed: true, promotion: "Automatic" } },
      candidate: L2,
      settings: { maxOpen: 1, schedule: { windows: [{ schedule: "0 9 * * 1", duration: "1h" }] } },
    });

    expect(wishes(scene, names)).toEqual(["a<=L2"]);
  });
});
