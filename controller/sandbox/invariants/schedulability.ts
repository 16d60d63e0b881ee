// Cordons: who set them, and that they are given back as they were (B6, B7, B16).
import type { Invariant, Report } from "./invariant.ts";
import { KEEP_MARKS } from "./readings.ts";
import type { World } from "./world.ts";

const checkPrior: NonNullable<Invariant["check"]> = ({ acts, version, nodeBefore, byController }, world, report) => {
  const after = world.nodes.get(version.object.metadata.name);
  if (after === undefined || nodeBefore === undefined || version.resource !== "nodes") return;
  const name = `nodes/${after.name}`;
  const { memo } = report;
  // A person who takes the cordon off takes off what was there before, too: another attempt of the claim begins with that.
  const taken = !byController && nodeBefore.unschedulable && !after.unschedulable ? nodeBefore.claimId : undefined;
  const before = taken === undefined ? undefined : (memo.get(taken) as Known | undefined);
  if (taken !== undefined && before !== undefined) memo.set(taken, { ...before, prior: false });
  for (const { kind, claimId } of acts) {
    const key = claimId ?? "";
    if (kind === "Mark") {
      report.met();
      // Somebody may wipe a claim's mark off its node: what comes back is what was recorded first, not our own cordon.
      const known = memo.get(key) as Known | undefined;
      const prior = known?.prior ?? nodeBefore.unschedulable;
      memo.set(key, known ?? { prior, cordoned: false });
      if (after.prior !== String(prior))
        report.violated(
          name,
          `marked with prior-unschedulable ${after.prior ?? "nothing"}, and it was ${String(prior)}`,
        );
    }
    if (kind === "Cordon") {
      if (after.prior === undefined || after.claimId === undefined)
        report.violated(name, "cordoned without claim and prior schedulability in the same write");
      memo.set(key, { prior: (memo.get(key) as Known | undefined)?.prior ?? false, cordoned: true });
    }
    const known = memo.get(key) as Known | undefined;
    if (
      kind === "Unmark" &&
      known?.cordoned === true &&
      after.unschedulable !== known.prior &&
      !(known.prior && !nodeBefore.unschedulable)
    )
      report.violated(
        name,
        `given back ${after.unschedulable ? "cordoned" : "schedulable"}, and it was ${known.prior ? "cordoned" : "schedulable"} before`,
      );
    if (kind === "Uncordon" && known?.prior === true) report.violated(name, "somebody else's cordon was taken off");
    if (kind === "Uncordon" && known?.cordoned !== true)
      report.violated(name, "uncordoned although this claim had not cordoned it");
  }
  const rewritten =
    acts.length > 0 &&
    nodeBefore.prior !== undefined &&
    after.prior !== undefined &&
    after.prior !== nodeBefore.prior &&
    after.claimId === nodeBefore.claimId;
  if (rewritten)
    report.violated(
      name,
      `prior-unschedulable was rewritten from ${nodeBefore.prior ?? ""} to ${after.prior ?? ""} within a claim`,
    );
};

interface Known {
  readonly prior: boolean;
  readonly cordoned: boolean;
}

/** The autoscalers' marks stand from the mark to its end, and are then as they were, but for what others changed meanwhile. */
const checkKept: NonNullable<Invariant["check"]> = ({ acts, version, nodeBefore, byController }, world, report) => {
  const after = world.nodes.get(version.object.metadata.name);
  if (after === undefined || nodeBefore === undefined || version.resource !== "nodes") return;
  const key = (after.claimId ?? nodeBefore.claimId) || "";
  const known = report.memo.get(key) as Kept | undefined;
  if (!byController) {
    if (known === undefined || after.uid !== nodeBefore.uid) return;
    // Whoever takes the whole mark off the node leaves nothing to compare with.
    const wiped = nodeBefore.claimId !== undefined && after.claimId === undefined;
    const touched = known.touched.map((was, at) => was || wiped || after.kept[at] !== nodeBefore.kept[at]);
    report.memo.set(key, { ...known, touched });
    return;
  }
  for (const { kind } of acts) {
    if (kind === "Mark" && known === undefined) {
      report.met();
      report.memo.set(key, { prior: nodeBefore.kept, touched: nodeBefore.kept.map(() => false) } satisfies Kept);
      KEEP_MARKS.forEach((mark, at) => {
        if (after.kept[at] !== "true") report.violated(`nodes/${after.name}`, `claimed and marked without ${mark}`);
      });
    }
    if (kind !== "Unmark" || known === undefined) continue;
    KEEP_MARKS.forEach((mark, at) => {
      const wanted = known.touched[at] === true ? nodeBefore.kept[at] : known.prior[at];
      if (known.touched[at] !== true && after.kept[at] !== wanted)
        report.violated(
          `nodes/${after.name}`,
          `given back with ${mark} ${after.kept[at] ?? "absent"}, and it was ${wanted ?? "absent"} before`,
        );
    });
    report.memo.delete(key);
  }
};

interface Kept {
  readonly prior: readonly (string | undefined)[];
  /** By hands that were not ours. */
  readonly touched: readonly boolean[];
}

const checkPersons: NonNullable<Invariant["check"]> = ({ acts, version, nodeBefore, byController }, world, report) => {
  if (version.resource !== "nodes" || nodeBefore?.claimId === undefined) return;
  const after = world.nodes.get(version.object.metadata.name);
  if (!byController && nodeBefore.unschedulable && after?.unschedulable === false && after.uid === nodeBefore.uid) {
    report.met();
    report.memo.set(nodeBefore.claimId, true);
  }
  if (acts.some((act) => act.kind === "Cordon") && report.memo.get(nodeBefore.claimId) === true)
    report.violated(
      `nodes/${nodeBefore.name}`,
      `cordoned again in claim ${nodeBefore.claimId} after a person had uncordoned it`,
    );
};

function endMarks(world: World, report: Report): void {
  report.met();
  for (const node of world.nodes.values()) {
    if (node.claimId === undefined) continue;
    if (world.held.get(node.uid)?.id !== node.claimId)
      report.violated(
        `nodes/${node.name}`,
        `bears claim ${node.claimId}, which is not in the ledger${node.unschedulable ? ", and is cordoned" : ""}`,
      );
  }
}

export const schedulability: readonly Invariant[] = [
  { id: "B6", says: "prior schedulability is recorded in the cordon write and restored exactly", check: checkPrior },
  { id: "B7", says: "a person's uncordon is never undone in the same claim", check: checkPersons },
  {
    id: "B17",
    says: "autoscalers are kept away from a marked node, and their marks are then as they were",
    check: checkKept,
  },
  { id: "B16", says: "in the end no node bears a mark without a claim", end: endMarks },
];
