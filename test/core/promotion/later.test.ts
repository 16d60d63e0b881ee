// What a ring that has done all that it is approved for could have after it, and what that waits for.
import { describe, expect, it } from "vitest";
import { findLaterLevels } from "../../../controller/core/promotion/index.ts";
import { levelOf, play, type SceneOptions } from "./scene.ts";

const [L1, L2] = [levelOf(1), levelOf(2)];
const early = { after: ["canary"], entry: L1, soaked: [L1] };

function later(options: SceneOptions): readonly string[] {
  const { plan, input } = play(options);
  return findLaterLevels(plan, input).map(
    ({ ring, level, reason, message }) => `${ring} ${level === L2.name ? "L2" : level} ${reason}: ${message}`,
  );
}

describe("a newer level than the ring's own", () => {
  it("waits for approval in the first ring, and for that ring in the next ones", () => {
    expect(later({ rings: { canary: { entry: L1, soaked: [L1] }, early }, candidate: L2 })).toEqual([
      expect.stringMatching(/^canary L2 WaitingForApproval: /),
    ]);
    expect(later({ rings: { canary: { entry: L2, soaked: [L1], nodes: [2, 1] }, early }, candidate: L2 })).toEqual([
      `early L2 PredecessorNotSoaked: ring canary has 1 of 2 done with ${L2.name}`,
    ]);
    expect(later({ rings: { canary: { entry: L2, soaked: [L1, L2], nodes: [2, 2] }, early }, candidate: L2 })).toEqual([
      expect.stringMatching(/^early L2 WaitingForApproval: /),
    ]);
  });

  it("is told as in the controller of another cluster than the proposer's, and in one that reads a copy", () => {
    const rings = { canary: { entry: L1, soaked: [L1] } };

    expect(later({ rings, candidate: L2, proposer: false })).toEqual(later({ rings, candidate: L2 }));
  });

  it("says which command approves it in a ring that no repository contains, and who refused it", () => {
    const rings = { canary: { entry: L1, soaked: [L1], cluster: true } };
    const rejection = { baseline: L2.spec.baseline, level: L2.name, digest: L2.digest, pullRequest: 7, by: "ada" };

    expect(later({ rings, candidate: L2 })).toEqual([
      expect.stringContaining(`WaitingForApproval: no repository contains ring canary; approve with: ringward approve`),
    ]);
    expect(
      later({
        rings: { canary: { entry: L1, soaked: [L1] } },
        candidate: L2,
        rejections: { canary: [rejection] },
      }),
    ).toEqual([expect.stringContaining("ProposalRejected: pull request #7 was closed without merging by ada")]);
  });

  it("is none where the ring has it, where its baseline went back to an older one, and the first one where nothing is approved yet", () => {
    expect(later({ rings: { canary: { entry: L2, soaked: [L2] } }, candidate: L2 })).toEqual([]);
    expect(later({ rings: { canary: { entry: L2, soaked: [L2] } }, candidate: L1, levels: [L1] })).toEqual([]);
    const grown = { canary: { entry: L2, soaked: [L2], maxTargets: 1, nodes: [2, 2] } };
    expect(play({ rings: grown, candidate: L2 }).promotions.decisions).toMatchObject([{ reason: "ScopeGrew" }]);
    expect(later({ rings: grown, candidate: L2 })).toEqual([]);
    expect(later({ rings: { canary: { listed: true } }, candidate: L2 })).toEqual([
      expect.stringMatching(/^canary L2 WaitingForApproval: /),
    ]);
  });
});
