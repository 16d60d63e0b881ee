// Exceptions: that they are not over, and that what they name can be met.
import type { Finding } from "../finding.ts";
import { type CheckContext, error, warning } from "./context.ts";

export function checkExceptions(context: CheckContext): readonly Finding[] {
  return context.exceptions.flatMap((exception) => {
    const { expirationTime, targets, components = [] } = exception.spec;
    const findings: Finding[] = [];
    if (Date.parse(expirationTime) <= context.now) {
      findings.push(
        warning(
          exception,
          ["spec", "expirationTime"],
          "ExceptionExpired",
          `${expirationTime} is past, so it excepts nothing any more`,
          "remove it",
        ),
      );
    }
    for (const [index, name] of (targets.names ?? []).entries()) {
      const parts = name.split("/").length;
      if (targets.kind === "Workload" && parts !== 2) {
        findings.push(
          error(
            exception,
            ["spec", "targets", "names", index],
            "InvalidName",
            `"${name}" names no workload`,
            "write namespace/name",
          ),
        );
      }
      if (targets.kind === "Node" && parts !== 1) {
        findings.push(
          error(
            exception,
            ["spec", "targets", "names", index],
            "InvalidName",
            `"${name}" names no node`,
            "write the node's name alone",
          ),
        );
      }
    }
    for (const [index, component] of components.entries()) {
      if (/^(kernel|kubelet|containerRuntime|osImage|package:.+|image:.+)$/.test(component)) continue;
      const hint = "there are kernel, kubelet, containerRuntime, osImage, package:NAME and image:REPOSITORY";
      findings.push(
        error(
          exception,
          ["spec", "components", index],
          "UnknownComponent",
          `there is no component "${component}"`,
          hint,
        ),
      );
    }
    return findings;
  });
}
