// What earlier attempts say of trying a target again at the same level: asked by the planner of its cache, and before a claim of the record itself.
import { describe, expect, it } from "vitest";
import type { NodePatchStateStatus, WorkloadPatchStateStatus } from "../../../controller/api/patch-state.ts";
import { findAttempt, mayBeClaimed } from "../../../controller/core/rollout/attempts.ts";
import { HOUR, iso, START } from "../../support/fleet.ts";

type Attempt = NonNullable<NodePatchStateStatus["attempted"]>[number];

const WANTED = { baseline: "ubuntu", digest: "sha256:wanted" };
const attempt = (result: Attempt["result"], rest: Partial<Attempt> = {}): Attempt => ({
  ...WANTED,
  result,
  reason: "StepFailed",
  message: "why",
  time: iso(START - HOUR),
  ...rest,
});
const LATER = { notBefore: iso(START + HOUR) };
const PAST = { notBefore: iso(START) };

describe("an attempt at the level that is wanted", () => {
  it.each([
    ["that was handed back is not repeated before its time", attempt("BackedOut", LATER), "BackedOff"],
    ["that was handed back is repeated when its time has come", attempt("BackedOut", PAST), undefined],
    ["that was handed back without a time is repeated", attempt("BackedOut"), undefined],
    ["whose version could not be had waits for its time", attempt("NotAvailable", LATER), "VersionNotAvailable"],
    ["whose version could not be had is repeated then", attempt("NotAvailable", PAST), undefined],
    ["whose version could not be had waits where no time is said", attempt("NotAvailable"), "VersionNotAvailable"],
    ["that was rolled back is over", attempt("RolledBack", PAST), "ProgressDeadlineExceeded"],
    ["that a person gave up is over", attempt("Released", PAST), "ReleasedByPerson"],
    ["at another level says nothing", attempt("Released", { digest: "sha256:other" }), undefined],
    ["under another baseline says nothing", attempt("Released", { baseline: "debian" }), undefined],
  ])("%s", (_, one, reason) => {
    expect(findAttempt({ attempted: [one] }, WANTED, START)?.reason).toBe(reason);
    expect(mayBeClaimed({ attempted: [one] }, WANTED, START)).toBe(reason === undefined);
  });

  it("of which nothing is written down keeps nobody back", () => {
    expect(mayBeClaimed(undefined, WANTED, START)).toBe(true);
    expect(mayBeClaimed({}, WANTED, START)).toBe(true);
  });
});

describe("a workload whose images somebody put back", () => {
  it("is not claimed for that level again, and is for another one", () => {
    const state = { contested: [{ ...WANTED, message: "", time: iso(START) }] } as unknown as WorkloadPatchStateStatus;

    expect(mayBeClaimed(state, WANTED, START)).toBe(false);
    expect(mayBeClaimed(state, { ...WANTED, digest: "sha256:other" }, START)).toBe(true);
  });
});
