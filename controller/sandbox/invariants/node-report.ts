// What a node itself reports, against a level: the versions in nodeInfo. Packages do not show there.
import type { LevelComponent, PatchLevelSpec } from "../../api/patch-level.ts";
import { compareVersions, parseKernel, parseOsImage } from "../../core/versions/index.ts";
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
