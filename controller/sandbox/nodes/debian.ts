// Ubuntu and Debian hosts driven by `/recipe/apt`: apt's words and exit codes, /run/reboot-required, kernels beside each
// other. Nothing is upgraded that was not named.
import { basename } from "node:path";
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
  kernelPackage: (release) => `linux-image-${release}`,
};
/** apt-get's exit code for anything that goes wrong. */
const APT_FAILED = 100;

export const debian: Family = {
  tool: "apt",
  run(input) {
    const { step, machine } = input;
    if (step === "reboot") return reboot(machine);
    if (step === "rollback" && wantsNothing(input)) return undo(machine);
    const transaction = resolveTransaction(input, NAMES, step === "rollback");
    if ("missing" in transaction) {
      const { name, version } = transaction.missing;
      return failure(
        machine,
        NOT_AVAILABLE,
        `Reading package lists... Done\nE: Version '${version}' for '${name}' was not found`,
      );
    }
    return step === "stage" ? stage(machine, transaction) : apply(machine, transaction);
  },
  inventory: (machine, source, at) => ({
    osRelease: machine.osRelease,
    kernel: { running: machine.kernel.running, installed: machine.kernel.installed },
    packages: { scheme: "dpkg", installed: installedList(machine) },
    offered: offeredUpdates(machine, source.packages, at),
    reboot: { required: machine.rebootCauses.length > 0, causes: machine.rebootCauses },
  }),
};

function undo(machine: Machine): ProgramResult {
  const restored = restorePrevious(machine, NAMES);
  if (restored === undefined) return failure(machine, APT_FAILED, "E: nothing is known to go back to");
  return success(restored, "Reinstalled the versions from before the last update.");
}

function stage(machine: Machine, transaction: Transaction): ProgramResult {
  const names = transaction.changes.map(({ name, to }) => `${name}=${to}`);
  return success(
    { ...machine, staged: names },
    ["Reading package lists... Done", ...transaction.notes, `Fetched ${names.length} archives.`].join("\n"),
  );
}

function apply(machine: Machine, transaction: Transaction): ProgramResult {
  const after = withPrettyName(withServicePackages(install(machine, transaction, NAMES)));
  const lines = ["Reading package lists... Done", ...transaction.notes];
  for (const { name, from, to } of transaction.changes) lines.push(`Setting up ${name} (${to}) over (${from}) ...`);
  if (transaction.kernel !== undefined) lines.push(`Setting up ${NAMES.kernelPackage(transaction.kernel.release)} ...`);
  if (after.kubelet !== machine.kubelet) lines.push(`Restarted kubelet ${after.kubelet}.`);
  if (after.containerRuntime !== machine.containerRuntime) lines.push(`Restarted ${basename(after.containerRuntime)}.`);
  if (after.rebootCauses.length > 0) lines.push("*** System restart required ***");
  return success(after, lines.join("\n"));
}

/** The packages of kubelet and containerd show the version that now runs, in their repositories' numbering. */
function withServicePackages(machine: Machine): Machine {
  const packages = { ...machine.packages };
  const runtime = machine.containerRuntime.replace(/^containerd:\/\//, "");
  for (const [name, version, suffix] of [
    [NAMES.kubelet, machine.kubelet, "-1.1"],
    [NAMES.containerRuntime, runtime, "-1"],
  ] as const) {
    const installed = packages[name];
    if (installed !== undefined && NAMES.plain(installed) !== version) packages[name] = `${version}${suffix}`;
  }
  return { ...machine, packages };
}

/** Ubuntu's point release stands in base-files, and with it in os-release's PRETTY_NAME. */
function withPrettyName(machine: Machine): Machine {
  const point = /^12ubuntu4\.(\d+)$/.exec(machine.packages["base-files"] ?? "")?.[1];
  if (machine.osRelease.id !== "ubuntu" || machine.osRelease.versionId !== "22.04" || point === undefined)
    return machine;
  return { ...machine, osRelease: { ...machine.osRelease, prettyName: `Ubuntu 22.04.${Number(point) - 2} LTS` } };
}
