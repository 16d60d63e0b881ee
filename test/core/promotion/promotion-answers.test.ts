// What people answer to pull requests, and what follows: refusals, merges, closing, and what is written down of them.
import { describe, expect, it } from "vitest";
import type { ProposalPeople } from "../../../controller/core/promotion/index.ts";
import { BASELINE, known, play, type SceneOptions, wishes } from "./scene.ts";

import { early, L1, L2, L3, names, reasons, settled } from "./three-rings.ts";

describe("pull requests", () => {
  it("closed unmerged is a rejection: not opened again for that level", () => {
    const scene = play({
      rings: { canary: {} },
      candidate: L1,
      proposals: [known(3, "canary", L1, { state: "closed" })],
    });

    expect(wishes(scene, names)).toEqual([]);
    expect(reasons(scene)).toEqual(["canary ProposalRejected"]);
    expect(
      wishes(
        play({ rings: { canary: {} }, candidate: L2, proposals: [known(3, "canary", L1, { state: "closed" })] }),
        names,
      ),
    ).toEqual(["canary<-L2"]);
  });

  it("closed by Ringward itself is none", () => {
    const proposals = [known(3, "canary", L1, { state: "closed", withdrawn: true })];

    expect(wishes(play({ rings: { canary: {} }, candidate: L1, proposals }), names)).toEqual(["canary<-L1"]);
  });

  it("opened again by a person is no longer refused", () => {
    const proposals = [known(3, "canary", L1, { state: "closed" }), known(4, "canary", L1)];

    expect(play({ rings: { canary: {} }, candidate: L1, proposals }).promotions.proposals).toMatchObject([{ open: 4 }]);
  });

  it("merged and not in the fetched head yet: wait", () => {
    const scene = play({
      rings: { canary: {} },
      candidate: L1,
      proposals: [known(3, "canary", L1, { state: "merged" })],
    });

    expect(wishes(scene, names)).toEqual([]);
    expect(reasons(scene)).toEqual(["canary WaitingForApproval"]);
  });

  it("closes the superseded one and keeps at most one open", () => {
    const scene = play({ rings: { canary: {} }, candidate: L2, proposals: [known(3, "canary", L1)] });

    expect(scene.promotions.closing).toMatchObject([{ number: 3, reason: "Superseded" }]);
    expect(wishes(scene, names)).toEqual(["canary<-L2"]);
  });

  it("closes one whose level the entry names already", () => {
    const scene = play({ rings: settled, candidate: L1, proposals: [known(3, "canary", L1)] });

    expect(scene.promotions.closing).toMatchObject([{ number: 3, reason: "Promoted" }]);
  });

  it("keeps one open when the ring before regressed", () => {
    const rings = { canary: { entry: L2, soaked: [L1], nodes: [1] }, early: { ...early, entry: L1 } };
    const scene = play({ rings, candidate: L2, proposals: [known(5, "early", L2)] });

    expect(scene.promotions.closing).toEqual([]);
    expect(scene.promotions.proposals).toMatchObject([{ open: 5, level: { name: L2.name } }]);
  });

  it("gives nothing up because a baseline does not resolve now", () => {
    const scene = play({ rings: { canary: {} }, proposals: [known(3, "canary", L1)] });

    expect(scene.promotions.closing).toEqual([]);
  });

  it("closes those of rings and baselines that are gone", () => {
    const scene = play({
      rings: settled,
      candidate: L1,
      proposals: [known(3, "nobody", L2), known(4, "canary", L2, { baseline: "debian" })],
    });

    expect(scene.promotions.closing).toMatchObject([
      { number: 3, reason: "ReferenceMissing" },
      { number: 4, reason: "ReferenceMissing" },
    ]);
  });
});

describe("a refusal", () => {
  const people: ProposalPeople = {
    merged: undefined,
    mergedByUs: false,
    closed: { by: "ann", time: "2026-01-05T07:00:00Z" },
    approvedBy: [],
    why: "not before the sale ends",
    askedAgain: false,
  };
  const refused = known(3, "canary", L2, { state: "closed", people });
  const rejection = { baseline: BASELINE, level: L2.name, digest: L2.digest, pullRequest: 3, by: "ann" };
  const scene = (options: Partial<SceneOptions>) => play({ rings: settled, candidate: L2, ...options });

  it("is told with who, when and why, and written down for its ring alone", () => {
    const { promotions } = scene({ proposals: [refused] });

    expect(promotions.proposals).toEqual([]);
    expect(promotions.decisions[0]).toMatchObject({ reason: "ProposalRejected", action: "wait" });
    expect(promotions.decisions[0]?.message).toContain("by ann (not before the sale ends)");
    expect(promotions.records?.get("canary")?.rejections).toEqual([
      { ...rejection, time: "2026-01-05T07:00:00Z", why: "not before the sale ends" },
    ]);
    expect(promotions.records?.get("early")?.rejections).toEqual([]);
  });

  it("ends when a person asks again, and the answer to that one counts from then on", () => {
    const asked = { ...refused, people: { ...people, askedAgain: true } };

    expect(wishes(scene({ proposals: [asked] }), names)).toEqual(["canary<-L2"]);
    expect(scene({ proposals: [asked] }).promotions.records?.get("canary")?.rejections).toEqual([]);
    expect(wishes(scene({ proposals: [asked, known(5, "canary", L2, { state: "closed" })] }), names)).toEqual([]);
  });

  it("is found again in the ring's status where the forge shows it no more, and nowhere else", () => {
    expect(wishes(scene({ rejections: { canary: [rejection] } }), names)).toEqual([]);
    expect(wishes(scene({ rejections: { early: [rejection] } }), names)).toEqual(["canary<-L2"]);
    expect(wishes(scene({ rejections: { canary: [{ ...rejection, digest: L3.digest }] } }), names)).toEqual([
      "canary<-L2",
    ]);
    expect(scene({ rejections: { canary: [rejection] } }).promotions.records?.get("canary")?.rejections).toEqual([
      rejection,
    ]);
  });

  it("is forgotten when the forge tells another story of that number", () => {
    const proposals = [known(3, "canary", L2, { state: "closed", withdrawn: true })];

    expect(wishes(scene({ rejections: { canary: [rejection] }, proposals }), names)).toEqual(["canary<-L2"]);
  });

  it("is not written down any more once the ring runs something as new", () => {
    const { promotions } = scene({
      rings: { ...settled, canary: { entry: L2, soaked: [L1] } },
      proposals: [refused],
    });

    expect(promotions.records?.get("canary")?.rejections).toEqual([]);
  });

  it("stays as it is written while the forge does not answer", () => {
    expect(scene({ proposals: "unknown" }).promotions.records).toBeUndefined();
  });
});

describe("who approved a ring's level", () => {
  it("is written down with the merge of its newest proposal", () => {
    const people: ProposalPeople = {
      merged: { by: "ann", time: "2026-01-05T07:00:00Z", commit: "c".repeat(40) },
      mergedByUs: false,
      closed: undefined,
      approvedBy: ["bob", "cyn"],
      why: undefined,
      askedAgain: false,
    };
    const { promotions } = play({
      rings: { ...settled, canary: { entry: L2, soaked: [L1] } },
      candidate: L2,
      proposals: [
        known(2, "canary", L1, { state: "merged", people }),
        known(3, "canary", L2, { state: "merged", people }),
        known(4, "early", L1, { state: "merged" }),
      ],
    });

    expect(promotions.records?.get("canary")?.approvals).toEqual(
      new Map([
        [
          L2.digest,
          {
            pullRequest: 3,
            mergedBy: "ann",
            approvedBy: ["bob", "cyn"],
            commit: "c".repeat(40),
            mergedTime: "2026-01-05T07:00:00Z",
          },
        ],
      ]),
    );
    // Merged, and the forge did not say by whom: nothing is guessed.
    expect(promotions.records?.get("early")?.approvals).toEqual(new Map());
  });
});
