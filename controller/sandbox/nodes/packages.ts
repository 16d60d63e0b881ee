// Updates of package-based systems, the part that apt and dnf share: which of the wanted versions the source has, which
// would change something, and the machine with them installed. Pure. Exactly the named versions of packages that are
// installed, nothing added but the packages of a wanted kernel, and all or nothing.
import { compareOffers, published } from "./catalogue.ts";
import type { KernelOffer, Offer } from "./catalogue.ts";
import type { Machine } from "./machine.ts";
import type { StepInput } from "./program.ts";

export interface Change {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly reboot: boolean;
}

/** What an update would do. */
export interface Transaction {
  readonly changes: readonly Change[];
  readonly kernel: KernelOffer | undefined;
  readonly kubelet: string | undefined;
  readonly containerRuntime: string | undefined;
  /** Lines for the log on what is left alone, and why. */
  readonly notes: readonly string[];
}

/** How a family names what the shared part cannot know. */
export interface PackageNames {
  /** `1.7.24` of a containerd package's version. */
  readonly plain: (version: string) => string;
  readonly kubelet: string;
  readonly containerRuntime: string;
  /** The kernel's packages whose versions a meta package follows: installed anew, the old one is kept. */
  readonly kernelPackage: (release: string) => string;
}

export interface Missing {
  readonly missing: { readonly name: string; readonly version: string };
}

/** Whether a step names no version: a rollback then goes back to what was there before. */
export function wantsNothing({ wants }: StepInput): boolean {
  const { kernel, kubelet, containerRuntime, packages } = wants;
  return packages.length === 0 && kernel === undefined && kubelet === undefined && containerRuntime === undefined;
}

/** The transaction, or the first thing that the source does not have. With `downgrade` older versions are taken too. */
export function resolveTransaction(input: StepInput, names: PackageNames, downgrade: boolean): Transaction | Missing {
  const { machine, wants, source } = input;
  const changes: Change[] = [];
  const notes: string[] = [];
  for (const { name, version } of wants.packages) {
    const installed = machine.packages[name];
    if (installed === undefined) {
      notes.push(`Skipping ${name}, it is not installed and only upgrades are requested.`);
      continue;
    }
    if (installed === version) {
      notes.push(`${name} is already the requested version (${version}).`);
      continue;
    }
    const foreign = name === names.kubelet || name === names.containerRuntime;
    const offers = published(source.packages[name], foreign ? input.now : input.at);
    const offer = offers.find((candidate) => candidate.version === version);
    if (offer === undefined) return { missing: { name, version } };
    if (!downgrade && compareOffers(offers, version, installed) < 0)
      notes.push(`${name} is already newer (${installed}), kept.`);
    else changes.push({ name, from: installed, to: version, reboot: offer.reboot === true });
  }
  return addPlatform(input, names, downgrade, changes, notes);
}

/** Kernel, kubelet and runtime, which recipes name by what nodeInfo shows instead of by package. */
function addPlatform(
  input: StepInput,
  names: PackageNames,
  downgrade: boolean,
  changes: Change[],
  notes: string[],
): Transaction | Missing {
  const { machine, wants, source, at, now } = input;
  const kernels = published(source.kernels, at);
  // A kernel is named by its release, or comes with a package that follows the newest one (linux-image-generic).
  const pulled = kernels.find(({ packages }) => changes.some(({ name, to }) => packages[name] === to));
  const kernel =
    kernels.find(({ release }) => release === wants.kernel) ?? (wants.kernel === undefined ? pulled : undefined);
  if (wants.kernel !== undefined && kernel === undefined && !machine.kernel.installed.includes(wants.kernel)) {
    return { missing: { name: names.kernelPackage(wants.kernel), version: wants.kernel } };
  }
  const kubelet = wants.kubelet === machine.kubelet ? undefined : wants.kubelet;
  if (kubelet !== undefined && !published(source.kubelet, now).some(({ version }) => version === kubelet)) {
    return { missing: { name: names.kubelet, version: kubelet } };
  }
  const runtime = wants.containerRuntime === machine.containerRuntime ? undefined : wants.containerRuntime;
  if (
    runtime !== undefined &&
    !published(source.containerRuntime, now).some(({ version }) => `containerd://${version}` === runtime)
  ) {
    return { missing: { name: names.containerRuntime, version: runtime.replace(/^containerd:\/\//, "") } };
  }
  const older = (offers: readonly Offer[], a: string | undefined, b: string): boolean =>
    a !== undefined && !downgrade && compareOffers(offers, a, b) < 0;
  const current = machine.containerRuntime.replace(/^containerd:\/\//, "");
  return {
    changes,
    notes,
    kernel: pickKernel(machine, kernels, kernel, downgrade),
    kubelet: older(source.kubelet, kubelet, machine.kubelet) ? undefined : kubelet,
    containerRuntime: older(source.containerRuntime, runtime?.replace(/^containerd:\/\//, ""), current)
      ? undefined
      : runtime,
  };
}

/** An older kernel than the newest installed one is only taken when going back. */
function pickKernel(
  machine: Machine,
  kernels: readonly KernelOffer[],
  wanted: KernelOffer | undefined,
  downgrade: boolean,
) {
  if (wanted === undefined || wanted.release === machine.kernel.next) return undefined;
  const place = (release: string): number => kernels.findIndex((kernel) => kernel.release === release);
  return !downgrade && place(wanted.release) < place(machine.kernel.next) ? undefined : wanted;
}

/** The machine after a transaction: packages and services at once, a kernel only with the next boot. */
export function install(machine: Machine, transaction: Transaction, names: PackageNames): Machine {
  const { kernel } = transaction;
  const packages = { ...machine.packages, ...kernel?.packages };
  for (const { name, to } of transaction.changes) packages[name] = to;
  let { kubelet, containerRuntime } = machine;
  // A service's package and its version move together, whichever was named.
  const named = (name: string): string | undefined => transaction.changes.find((change) => change.name === name)?.to;
  const kubeletPackage = named(names.kubelet);
  const runtimePackage = named(names.containerRuntime);
  if (kubeletPackage !== undefined) kubelet = names.plain(kubeletPackage);
  if (runtimePackage !== undefined) containerRuntime = `containerd://${names.plain(runtimePackage)}`;
  if (transaction.kubelet !== undefined) kubelet = transaction.kubelet;
  if (transaction.containerRuntime !== undefined) containerRuntime = transaction.containerRuntime;
  const causes = transaction.changes.filter((change) => change.reboot).map((change) => change.name);
  return {
    ...machine,
    packages,
    kubelet,
    containerRuntime,
    previous: {
      packages: machine.packages,
      kubelet: machine.kubelet,
      containerRuntime: machine.containerRuntime,
      kernel: machine.kernel.next,
    },
    kernel:
      kernel === undefined
        ? machine.kernel
        : { ...machine.kernel, installed: including(machine.kernel.installed, kernel.release), next: kernel.release },
    rebootCauses: [
      ...new Set([
        ...machine.rebootCauses,
        ...causes,
        ...(kernel === undefined ? [] : [names.kernelPackage(kernel.release)]),
      ]),
    ],
    staged: [],
  };
}

/** Back to what stood before the last update; undefined if nothing is known. */
export function restorePrevious(machine: Machine, names: PackageNames): Machine | undefined {
  const { packages, kubelet, containerRuntime, kernel } = machine.previous;
  if (packages === undefined || kubelet === undefined || containerRuntime === undefined || kernel === undefined)
    return undefined;
  const cause = kernel === machine.kernel.next ? [] : [names.kernelPackage(kernel)];
  return {
    ...machine,
    packages,
    kubelet,
    containerRuntime,
    previous: {},
    kernel: { ...machine.kernel, next: kernel },
    rebootCauses: [...new Set([...machine.rebootCauses, ...cause])],
  };
}

function including(list: readonly string[], item: string): readonly string[] {
  return list.includes(item) ? list : [...list, item];
}

/** The newest published version of each installed package, where that is newer than the installed one. */
export function offeredUpdates(machine: Machine, packages: Readonly<Record<string, readonly Offer[]>>, at: number) {
  return Object.entries(machine.packages)
    .flatMap(([name, installed]) => {
      const offers = published(packages[name], at);
      const newest = offers.at(-1);
      return newest !== undefined && compareOffers(offers, newest.version, installed) > 0
        ? [{ name, version: newest.version }]
        : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function installedList(machine: Machine) {
  return Object.entries(machine.packages)
    .map(([name, version]) => ({ name, version }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
