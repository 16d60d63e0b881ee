// A whole rollout on a real control plane: 30 nodes in three rings, promoted by pull requests that a person merges. The verdict comes
// from etcd, the audit log, the repository and the forge; the controller is not asked.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkHistory } from "../../controller/sandbox/invariants/index.ts";
import { rolloutFleet, rolloutPolicy } from "./support/policy.ts";
import { playRollout } from "./support/rollout.ts";
import { CONTROLLER_USER, type Scene, startScene } from "./support/scene.ts";
import { untried } from "../support/tried.ts";
import type { Outcome } from "./support/verdict.ts";

/** What a rollout with reboots, drains, image updates and pull requests cannot do without. */
const TRIED = [
  ...["A1", "A4", "A5", "B1", "B2", "B3", "B4", "B5", "B6", "B8", "B9", "K1", "K3", "R1", "R3", "S4"],
  ...["A6", "D1", "D3", "D7", "D8", "D11", "D12", "G3", "K4", "K6", "K8", "S1", "S2", "S3"],
];

describe("a rollout of 30 nodes in three rings", () => {
  let scene: Scene;
  let outcome: Outcome;

  beforeAll(async () => {
    scene = await startScene({
      fleet: rolloutFleet(),
      policy: rolloutPolicy({ soak: "2s", drainTimeout: "2m" }),
      limits: { nodes: 14, workloads: 8, nodesPerZone: 7 },
    });
  });

  afterAll(() => scene.stop());

  it("ends with every node and workload at its approved level", async () => {
    await scene.controller.start();
    await scene.setMode("Enforce");

    const seconds = await playRollout(scene);
    outcome = await scene.verdict();

    process.stdout.write(
      `30 nodes in ${seconds} s, ${outcome.history.length} versions, ${outcome.written} of them Ringward's\n`,
    );
    expect(outcome.written).toBeGreaterThan(300);
  });

  it("breaks no invariant, and tries most of them", () => {
    expect(outcome.violations).toEqual([]);
    expect(untried("a rollout of 30 nodes", outcome.occurred, TRIED)).toEqual([]);
  });

  it("would be convicted by the same history if its claims had not stood in the ledger", () => {
    const history = outcome.history.filter(({ resource }) => resource !== "disruptionledgers.ringward.dev");

    const { violations } = checkHistory({ history, controllerUsers: new Set([CONTROLLER_USER]) });

    expect(violations.filter(({ invariant }) => invariant === "B3").length).toBeGreaterThan(30);
  });

  it("leaves no version in the history that nobody wrote", () => {
    expect(outcome.unexplained).toEqual([]);
  });

  it("asks for nothing that the API server forbids", () => {
    expect(outcome.forbidden).toEqual([]);
  });
});
