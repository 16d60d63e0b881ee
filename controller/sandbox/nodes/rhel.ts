// Rocky, RHEL and their kin driven by `/recipe/dnf`: dnf's words and exit codes, needs-restarting, kernels beside each other.
// Nothing is upgraded that was not named.
import {
  install,
  installedList,
  offeredUpdates,
  resolveTransaction,
  restorePrevious,
  wantsNothing,
} from "./packages.ts";
import type { PackageNames, Transaction } from "./packages.ts";
import type { Machine } from "./machine.ts";
import { failure, reboot, success, NOT_AVAILABLE } from "./program.ts";
import type { Family, ProgramResult } from "./program.ts";

const NAMES: PackageNames = {
  plain: (version) => version.replace(/^\d+:/, "").split("-")[0] ?? version,
  kubelet: "kubelet",
  containerRuntime: "containerd.io",
  kernelPackage: (release) => `kernel-${release}`,
};
const DNF_FAILED = 1;

export const rhel: Family = {
  tool: "dnf",
  run(input) {
    const { step, machine } = input;
    if (step === "reboot") return reboot(machine);
    if (step === "rollback" && wantsNothing(input)) return undo(machine);
    const transaction = resolveTransaction(input, NAMES, step === "rollback");
    if ("missing" in transaction) {
      const { name, version } = transaction.missing;
      const wanted = name.endsWith(version) ? name : `${name}-${version}`;
      return failure(
        machine,
        NOT_AVAILABLE,
        `No match for argument: ${wanted}\nError: Unable to find a match: ${wanted}`,
      );
    }
    return step === "stage" ? stage(machine, transaction) : apply(machine, transaction);
  },
  inventory: (machine, source, at) => ({
    osRelease: machine.osRelease,
    kernel: { running: machine.kernel.running, installed: machine.kernel.installed },
    packages: { scheme: "rpm", installed: installedList(machine) },
    offered: offeredUpdates(machine, source.packages, at),
    reboot: { required: machine.rebootCauses.length > 0, causes: machine.rebootCauses },
  }),
};

function undo(machine: Machine): ProgramResult {
  const restored = restorePrevious(machine, NAMES);
  if (restored === undefined) return failure(machine, DNF_FAILED, "Error: no transaction to undo");
  return success(restored, "Undoing the last transaction\nComplete!");
}

function stage(machine: Machine, transaction: Transaction): ProgramResult {
  const names = transaction.changes.map(({ name, to }) => `${name}-${to}`);
  return success(
    { ...machine, staged: names },
    [...transaction.notes, ...names, "Complete! The downloaded packages were saved in cache."].join("\n"),
  );
}

function apply(machine: Machine, transaction: Transaction): ProgramResult {
  const after = withServicePackages(install(machine, transaction, NAMES));
  const lines = [...transaction.notes];
  for (const { name, to } of transaction.changes) lines.push(`  Upgrading        : ${name}-${to}`);
  if (transaction.kernel !== undefined)
    lines.push(`  Installing       : ${NAMES.kernelPackage(transaction.kernel.release)}`);
  if (after.kubelet !== machine.kubelet) lines.push(`Restarted kubelet ${after.kubelet}.`);
  if (after.containerRuntime !== machine.containerRuntime) lines.push(`Restarted ${after.containerRuntime}.`);
  lines.push(lines.length === 0 ? "Nothing to do." : "Complete!");
  if (after.rebootCauses.length > 0) lines.push("Reboot is required to fully utilize these updates.");
  return success(after, lines.join("\n"));
}

/** The packages of kubelet and containerd show the version that now runs, in their repositories' numbering. */
function withServicePackages(machine: Machine): Machine {
  const packages = { ...machine.packages };
  const runtime = machine.containerRuntime.replace(/^containerd:\/\//, "");
  for (const [name, version, suffix] of [
    [NAMES.kubelet, machine.kubelet, "-150500.1.1"],
    [NAMES.containerRuntime, runtime, "-3.1.el9"],
  ] as const) {
    const installed = packages[name];
    if (installed !== undefined && NAMES.plain(installed) !== version) packages[name] = `${version}${suffix}`;
  }
  return { ...machine, packages };
}
