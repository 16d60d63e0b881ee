// Facts about closing an operation: what is remembered is bounded by the schema, so that a target can always be closed.
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus } from "../../controller/api/patch-state.ts";
import type { Claim } from "../../controller/core/model.ts";
import { type Closing, closeOperation } from "../../controller/kube/closing.ts";
import { stateRef } from "../../controller/kube/patch-states.ts";

const NOW = Date.parse("2024-12-16T07:00:00Z");
const claimOf = (baseline: string, digest = "d".repeat(64)): Claim => ({
  uid: "u",
  id: `c-${baseline}-${digest.slice(0, 4)}`,
  kind: "Node",
  name: "n1",
  cluster: "c",
  ring: "r",
  baseline,
  level: "l",
  digest,
  since: "2024-12-16T07:00:00Z",
});

describe("closing an operation", () => {
  it("stays within the schema however many baselines came and went", () => {
    let status: NodePatchStateStatus | undefined;
    for (let index = 0; index < 100; index += 1) {
      const common = { claim: claimOf(`b${index}`), now: NOW + index, reason: "x", message: "m" };
      status = closeOperation(status, { ...common, result: "Succeeded", verified: true });
      status = closeOperation(status, { ...common, result: "BackedOut", verified: false });
    }
    expect(status?.attempted?.length).toBe(32);
    expect(status?.attempted?.at(-1)?.baseline).toBe("b99");
    expect(status?.verified?.length).toBe(64);
    expect(status?.verified?.at(-1)?.baseline).toBe("b99");
    expect(status?.history?.length).toBe(10);
  });

  it("remembers the newest three levels of a baseline, and forgets an attempt that a success made void", () => {
    let status: NodePatchStateStatus | undefined;
    for (const digit of ["1", "2", "3", "4"]) {
      const claim = claimOf("b", digit.repeat(64));
      status = closeOperation(status, {
        claim,
        now: NOW,
        reason: "x",
        message: "m",
        result: "BackedOut",
        verified: false,
      });
      expect(status.attempted).toMatchObject([{ baseline: "b", digest: claim.digest }]);
      status = closeOperation(status, {
        claim,
        now: NOW,
        reason: "x",
        message: "m",
        result: "Succeeded",
        verified: true,
      });
      expect(status.attempted).toEqual([]);
    }
    expect(status?.verified?.map(({ digest }) => digest.slice(0, 1))).toEqual(["2", "3", "4"]);
  });
});

describe("a reboot that is left to do", () => {
  const close = (status: NodePatchStateStatus | undefined, rest: Partial<Closing>): NodePatchStateStatus =>
    closeOperation(status, {
      ...{ claim: claimOf("b"), now: NOW, reason: "x", message: "m", result: "BackedOut", verified: false },
      ...rest,
    });
  const left = close(undefined, { pendingReboot: "boot-1" });

  it("is remembered with its boot, through attempts that change nothing", () => {
    expect(left.pendingReboot).toMatchObject([{ baseline: "b", digest: "d".repeat(64), bootId: "boot-1" }]);
    expect(close(left, {}).pendingReboot).toEqual(left.pendingReboot);
    expect(close(left, { result: "NotAvailable" }).pendingReboot).toEqual(left.pendingReboot);
    expect(close(undefined, {})).not.toHaveProperty("pendingReboot");
  });

  it("is forgotten under its baseline with what came of another attempt", () => {
    expect(close(left, { pendingReboot: "boot-2" }).pendingReboot).toMatchObject([{ bootId: "boot-2" }]);
    for (const result of ["Succeeded", "Released"] as const) expect(close(left, { result }).pendingReboot).toEqual([]);
    expect(close(left, { claim: claimOf("c"), result: "Succeeded" }).pendingReboot).toEqual(left.pendingReboot);
  });
});

describe("the name of a state", () => {
  it("is the workload's kind and name, and differs for long names that begin alike", () => {
    const target = { kind: "Deployment", namespace: "shop", uid: "u" };
    expect(stateRef({ ...target, name: "web" })).toEqual({ namespace: "shop", name: "deployment-web" });
    const [one, two] = ["a", "b"].map((end) => stateRef({ ...target, name: `${"x".repeat(250)}${end}` }).name);
    expect(one).not.toBe(two);
    expect(one?.length).toBeLessThanOrEqual(253);
    expect(one).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  });
});
