// What a baseline without a level waits for: Ringward itself, or a person.
import { describe, expect, it } from "vitest";
import type { BaselineInForce, PolicyInForce } from "../../../controller/core/model.ts";
import { tellFirstLevel } from "../../../controller/core/rollout/first-level.ts";
import { START } from "../../support/fleet.ts";

const STEP = { image: `example.com/apt@sha256:${"0".repeat(64)}`, command: ["/apt"], host: "ReadOnly", timeout: "1m" };

function tell(node: object, steps: object = { inventory: STEP, update: STEP }, more: object = {}) {
  const product = { id: "ubuntu", versionId: "22.04" };
  const baseline = {
    name: "ubuntu",
    spec: { target: "Node", node: { product, recipeRef: { name: "apt" }, ...node }, ...more },
    status: undefined,
    inputTime: START,
  } as unknown as BaselineInForce;
  const policy = {
    baselines: [baseline],
    recipes: [{ name: "apt", spec: { match: { product: { id: "ubuntu" } }, strategy: "InPlace", steps } }],
    levels: [],
  } as unknown as PolicyInForce;
  return tellFirstLevel("ubuntu", { policy, stored: { nodes: new Map(), workloads: new Map() }, now: START + 1 });
}

describe("a baseline that has come to no level", () => {
  it("waits for Ringward's own inventory where it follows what is offered", () => {
    const told = tell({ follow: "Offered" });

    expect(told?.text).toContain("Ringward makes the level by itself");
    expect(told?.advice).toBeUndefined();
  });

  it("waits for a person where nothing can report an offer, or nothing says what is required", () => {
    expect(tell({ follow: "Offered" }, { update: STEP })?.advice).toContain("give recipe apt an inventory step");
    expect(tell({})?.advice).toContain("name versions in minimum");
    expect(tell({ follow: "Offered", recipeRef: { name: "gone" } })?.advice).toContain("recipe gone does not exist");
  });

  it("waits for its schedule where that has not fired since it was written", () => {
    const told = tell({ minimum: { kubelet: "1.31.4" } }, undefined, {
      resolveSchedule: { schedule: "0 0 1 1 *", timeZone: "UTC" },
    });

    expect(told?.text).toMatch(/^nothing yet: .*made when it fires next/);
    expect(told?.advice).toBeUndefined();
  });

  it("has come to one where versions are typed, and there is nothing to tell", () => {
    expect(tell({ minimum: { kubelet: "1.31.4" } })).toBeUndefined();
  });
});
