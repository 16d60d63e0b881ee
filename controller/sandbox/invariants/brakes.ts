// What holds everything back: a ledger that is not Enforce (D13), one whose claims were lost (D10), and the one way of an operation, back
// until its update ran and on from then (D9).
import { MAX_CLAIMS } from "../../api/disruption-ledger.ts";
import type { Invariant } from "./invariant.ts";
import { at, CLAIM_MARK, listAt, STEP_LABEL, textAt } from "./readings.ts";
import { decidedAt, describeAct, isStart, objectOf } from "./starts.ts";
import { isSettled, type LedgerChange, type World } from "./world.ts";

const LEDGER = "disruptionledgers/cluster";
const LEDGERS = "disruptionledgers.ringward.dev";
const STATES = ["nodepatchstates.ringward.dev", "workloadpatchstates.ringward.dev"];

const checkMode: NonNullable<Invariant["check"]> = ({ ledger, acts }, world, report) => {
  const mode = world.ledger?.spec.mode ?? "Observe";
  if (mode === "Enforce") return;
  if (ledger !== undefined) report.met();
  for (const act of acts)
    if (act.claimId !== undefined && isStart(act, world) && isSettled(decidedAt(act, world), world.modeSince))
      report.violated(objectOf(act), `${describeAct(act)} while the ledger's mode is ${mode}`);
};

const checkRebuilt: NonNullable<Invariant["check"]> = ({ ledger, byController }, world, report) => {
  if (ledger === undefined) return;
  if (!byController && lostClaims(ledger)) report.met();
  if (ledger.after.claims.length > MAX_CLAIMS)
    report.violated(LEDGER, `${ledger.after.claims.length} claims, and it takes ${MAX_CLAIMS}`);
  if (ledger.fresh.length === 0) return;
  if (ledger.before?.rebuilt !== true)
    report.violated(LEDGER, "a claim was added before its claims were known to be complete");
  // A mark that was set just when the ledger was taken away may not have been seen.
  if (world.ledgerTouchedAt !== undefined && !isSettled(world, world.ledgerTouchedAt)) return;
  for (const lost of findLost(world))
    report.violated(LEDGER, `a claim was added while ${lost}, which the ledger lacks`);
};

/** Claims went away by a hand that is no controller's. */
function lostClaims({ before, after }: LedgerChange): boolean {
  const ids = new Set(after.claims.map((claim) => claim.id));
  return before?.claims.some((claim) => !ids.has(claim.id)) === true;
}

/** Claims that stand on their targets and not in the ledger. */
function findLost(world: World): readonly string[] {
  const known = (id: string | undefined, uid: string): boolean => id === undefined || world.held.get(uid)?.id === id;
  const nodes = [...world.nodes.values()].filter(({ claimId, uid }) => !known(claimId, uid));
  const workloads = [...world.workloads.values()].filter(({ claimId, uid }) => !known(claimId, uid));
  return [
    ...nodes.map(({ name, claimId }) => `node ${name} bears claim ${claimId ?? ""}`),
    ...workloads.map(({ namespace, name, claimId }) => `workload ${namespace}/${name} bears claim ${claimId ?? ""}`),
  ];
}

const checkWayBack: NonNullable<Invariant["check"]> = ({ version, byController }, _world, report) => {
  const { memo } = report;
  if (version.resource === "jobs.batch") {
    const { labels = {} } = version.object.metadata;
    const claimId = labels[CLAIM_MARK];
    if (claimId !== undefined && labels[STEP_LABEL] === "update" && hasSucceeded(version.object))
      memo.set(claimId, true);
    return;
  }
  const operation = at(version.object.status, "operation");
  // With the record a person deleted what was known of the updates; a claim that comes back begins again.
  if (version.type === "DELETED" && !byController)
    for (const one of [operation, ...listAt(version.object.status, "history")])
      memo.delete(textAt(one, "claimId") ?? "");
  // Another attempt begins again, with a way back until its own update runs.
  const before = at(version.previous?.status, "operation");
  if (Number(at(operation, "attempt")) > Number(at(before, "attempt")) && isSameClaim(operation, before))
    memo.delete(textAt(operation, "claimId") ?? "");
  if (at(operation, "backOut") !== undefined && at(before, "backOut") === undefined) report.met();
  // A person's uncordon after the update ends it as it is, without the reboot.
  if (at(version.previous?.status, "operation", "noReboot") === true) return;
  const closed = new Set(listAt(version.previous?.status, "history").map((entry) => textAt(entry, "claimId")));
  for (const entry of listAt(version.object.status, "history")) {
    const claimId = textAt(entry, "claimId") ?? "";
    if (closed.has(claimId) || textAt(entry, "result") !== "BackedOut" || memo.get(claimId) !== true) continue;
    report.violated(version.key, `claim ${claimId} was backed out after its update had run`);
  }
  const step = textAt(operation, "step");
  if (at(operation, "backOut") !== undefined && (step === "Rebooting" || step === "Patching"))
    report.violated(version.key, `on its way back, and at step ${step}`);
};

function isSameClaim(operation: unknown, before: unknown): boolean {
  return textAt(operation, "claimId") === textAt(before, "claimId");
}

function hasSucceeded(job: unknown): boolean {
  return listAt(job as { readonly status?: unknown }, "status", "conditions").some(
    (one) => textAt(one, "type") === "Complete" && textAt(one, "status") !== "False",
  );
}

export const brakes: readonly Invariant[] = [
  {
    id: "D9",
    says: "an operation goes back only until its update ran, and goes on from then",
    on: ["jobs.batch", ...STATES],
    check: checkWayBack,
  },
  {
    id: "D10",
    says: "nothing is claimed until every claim that stands on an object is back in the ledger",
    on: [LEDGERS],
    check: checkRebuilt,
  },
  { id: "D13", says: "nothing starts while the ledger's mode is Observe or Stop", check: checkMode },
];
