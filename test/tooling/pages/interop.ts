// docs/interop.md: other tools' marks that Ringward reads, and what it writes for them.
import { describeReason } from "../../../controller/api/reasons.ts";
import { FOREIGN_MARKERS, KEEP_MARKS } from "../../../controller/core/interop/markers.ts";

const REASONS = ["UnderMaintenance", "LockedByOther", "BeingRemoved"] as const;

export function interopPage(): string {
  const rows = FOREIGN_MARKERS.map(
    ({ tool, where, means, reason, source }) => `| ${tool} | ${where} | ${means} | \`${reason}\` | ${source} |`,
  );
  const reasons = REASONS.map((reason) => `- \`${reason}\`: ${describeReason(reason).text}`);
  return `<!-- Made by \`npm run generate\` from controller/core/interop/markers.ts. Do not edit. -->
# Beside other tools

Ringward is rarely alone on a node. What other tools write down about one is read, named in \`blockedBy\`, and never fought:

${reasons.join("\n")}

A node that bears such a mark is not claimed. A claimed one that is not cordoned yet is given back. One that Ringward has cordoned is
left exactly as it is until the mark is gone: nothing is evicted, no update begins, and the cordon stays on, because taking it off would
make the node schedulable in the middle of the other tool's drain. Only a person goes first: \`ringward stop\`, \`ringward release\`, or an
uncordon. Once its update has begun a node finishes, whoever else wants it. Locks and Leases count until they end by themselves.

| tool | where the mark stands | what it means | reason | source |
|---|---|---|---|---|
${rows.join("\n")}

The tools' marks were taken from their sources and documentation; the tests write them as those say, and do not run the tools. Tools
that leave no mark of their own on a node or in an object above (Bottlerocket's update operator, the maintenance operators with objects of
their own kinds, a person with \`kubectl drain\`) are seen by their cordon: \`CordonedByOther\`. The lock of kured is read where kured keeps it
by default; a DaemonSet that was told another annotation (\`--lock-annotation\`) is not recognised.

## What Ringward writes

In the very patch that marks a claimed node, and in no other: ${KEEP_MARKS.map((key) => `\`${key}: "true"\``).join(" and ")}, so that no
autoscaler takes the node away in the middle of its update. The value that was there before stands in \`ringward.dev/prior-marks\` and is put
back, on every way back too. One that was \`"true"\` already is somebody else's and stays; one that a person changes or removes meanwhile
stays as they left it.
`;
}
