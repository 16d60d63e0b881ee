// How an operation may end: given back only when the node itself says that it is there (B12), and budget given back only for what is
// closed or gone (B14).
import type { LevelComponent, PatchLevelSpec } from "../../api/patch-level.ts";
import type { NodeOperation } from "../../api/patch-state.ts";
import { compareVersions, parseKernel, parseOsImage } from "../../core/versions/index.ts";
import type { Invariant } from "./invariant.ts";
import { textAt } from "./readings.ts";

/** The first component that the node's own report shows below its level; packages are not in that report. */
export function findBelow(
  info: unknown,
  level: PatchLevelSpec,
  kernelCounts: boolean,
  exact: boolean,
): string | undefined {
  const kernels = (level.node?.components ?? []).filter((component) => component.name.startsWith("kernel/"));
  const running = textAt(info, "kernelVersion") ?? "";
  if (kernelCounts && kernels.length > 0 && !kernels.some((kernel) => isMet("kernel", running, kernel.version, exact)))
    return `kernel ${running}`;
  for (const component of level.node?.components ?? []) {
    const [have, want] = reported(info, component);
    if (have !== undefined && want !== undefined && !isMet(component.scheme, have, want, exact))
      return `${component.name} ${have}`;
  }
  return undefined;
}

function isMet(scheme: LevelComponent["scheme"], have: string, want: string, exact: boolean): boolean {
  const order = compareVersions(scheme, have, want);
  return order === "=" || (order === ">" && !exact);
}

/** What the node reports of a component, and what is wanted, in comparable words. */
function reported(info: unknown, { name, version }: LevelComponent): readonly [string | undefined, string | undefined] {
  const bare = (text: string | undefined): string | undefined => text?.replace(/^[a-z-]+:\/\//, "");
  switch (name) {
    case "kubelet":
      return [textAt(info, "kubeletVersion"), version];
    case "containerRuntime":
      return [bare(textAt(info, "containerRuntimeVersion")), bare(version)];
    case "osImage":
      return [parseOsImage(textAt(info, "osImage") ?? "")?.version, parseOsImage(version)?.version];
    default:
      return [undefined, undefined];
  }
}

/** Whether a kernel line of the level is the node's own: other lines cannot be compared with it. */
export function coversKernel(info: unknown, level: PatchLevelSpec): boolean {
  const running = parseKernel(textAt(info, "kernelVersion") ?? "");
  return (
    running !== undefined &&
    (level.node?.components ?? []).some(
      ({ name, version }) => name.startsWith("kernel/") && parseKernel(version)?.series === running.series,
    )
  );
}

/** Steps after which the node was changed. */
const CHANGED = new Set(["Updating", "Updated", "Rebooting", "Rebooted", "Verified", "Uncordoned"]);

const checkVerified: NonNullable<Invariant["check"]> = ({ acts }, world, report) => {
  for (const act of acts) {
    if (act.kind !== "Unmark" && act.kind !== "Uncordon") continue;
    const operation = world.operations.get(act.uid) as NodeOperation | undefined;
    if (operation === undefined || operation.claimId !== act.claimId || !CHANGED.has(operation.step)) continue;
    if (operation.release !== undefined || operation.backOut !== undefined) continue;
    const node = world.nodes.get(act.target);
    const level = world.levels.get(operation.level)?.spec;
    if (node === undefined || level === undefined) continue;
    report.met();
    if (!node.ready) report.violated(`nodes/${node.name}`, "given back although it is not Ready");
    const kernelCounts =
      operation.noReboot !== true &&
      operation.rebootPending !== true &&
      level.node?.rebootPolicy !== "Never" &&
      coversKernel(node.info, level);
    const below = findBelow(node.info, level, kernelCounts, operation.rollback === true);
    if (below !== undefined)
      report.violated(
        `nodes/${node.name}`,
        `given back after the update although it reports ${below}, which is not ${operation.level}`,
      );
  }
};

const checkFreed: NonNullable<Invariant["check"]> = ({ ledger, version }, world, report) => {
  if (
    version.resource.endsWith("patchstates.ringward.dev") &&
    world.operations.get(textAt(version.object.status, "targetUID") ?? "")?.failure !== undefined
  )
    report.met();
  for (const claim of ledger?.freed ?? []) {
    const there = claim.kind === "Node" ? world.nodeNames.has(claim.uid) : world.workloads.has(claim.uid);
    if (!there || world.closed.has(claim.id)) continue;
    const operation = world.operations.get(claim.uid);
    const failed = operation?.claimId === claim.id && operation.failure !== undefined;
    report.violated(
      `${claim.kind}/${claim.name}`,
      `claim ${claim.id} was freed while its target ${failed ? "had failed" : "was in change"}`,
    );
  }
};

export const outcome: readonly Invariant[] = [
  {
    id: "B12",
    says: "after an update a node is given back only at its level, Ready, or by a person",
    check: checkVerified,
  },
  {
    id: "B14",
    says: "a claim is freed only for a target that is closed or gone; failed ones keep theirs",
    check: checkFreed,
  },
];
