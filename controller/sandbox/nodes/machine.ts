// A simulated host: what stands on its disk, what runs, and whether it is up. Plain data, changed only by making a new one,
// so that a crash sweep can keep and put back any moment. What a machine becomes follows only from the programs that
// ran on it (programs.ts) and from boots; it knows nothing of pods, rings or baselines.
import { createHash } from "node:crypto";
import type { Instant } from "../../clock.ts";

export type OsFamily = "debian" | "rhel" | "flatcar" | "minimal";

/** What a machine starts from: an image of some age. JSON, part of a fleet's description. */
export interface MachineImage {
  readonly family: OsFamily;
  readonly osRelease: { readonly id: string; readonly versionId: string; readonly prettyName: string };
  /** `uname -r` of the kernel in the image. */
  readonly kernel: string;
  /** Without `v`: `1.31.0`. */
  readonly kubelet: string;
  /** As nodeInfo names it: `containerd://1.7.20`. */
  readonly containerRuntime: string;
  readonly packages: Readonly<Record<string, string>>;
}

export interface Machine {
  readonly name: string;
  readonly family: OsFamily;
  readonly osRelease: MachineImage["osRelease"];
  readonly kernel: {
    readonly running: string;
    readonly installed: readonly string[];
    /** What the boot loader starts next. */
    readonly next: string;
  };
  readonly kubelet: string;
  readonly containerRuntime: string;
  readonly packages: Readonly<Record<string, string>>;
  /** Packages as they were before the last update, for `rollback`. */
  readonly previous: Partial<Pick<Machine, "packages" | "kubelet" | "containerRuntime">> & { readonly kernel?: string };
  /** Image-based systems: the image on the other partition, and whether the next boot takes it. */
  readonly otherImage?: {
    readonly osRelease: MachineImage["osRelease"];
    readonly kernel: string;
    readonly containerRuntime: string;
    readonly active: boolean;
  };
  /** What was downloaded by `stage`. */
  readonly staged: readonly string[];
  /** What asks for a reboot; empty if nothing does. */
  readonly rebootCauses: readonly string[];
  readonly bootCount: number;
  readonly power: Power;
}

export type Power =
  | { readonly state: "up" }
  /** Still answering, about to go down. */
  | { readonly state: "stopping"; readonly until: Instant }
  | { readonly state: "down"; readonly until: Instant }
  /** The kubelet runs, the node is not Ready yet. */
  | { readonly state: "booting"; readonly until: Instant }
  | { readonly state: "gone" };

/** A machine that has just been made from an image and is on its first boot. */
export function createMachine(name: string, image: MachineImage): Machine {
  return {
    name,
    family: image.family,
    osRelease: image.osRelease,
    kernel: { running: image.kernel, installed: [image.kernel], next: image.kernel },
    kubelet: image.kubelet,
    containerRuntime: image.containerRuntime,
    packages: image.packages,
    previous: {},
    staged: [],
    rebootCauses: [],
    bootCount: 1,
    power: { state: "up" },
  };
}

/** What a boot changes: the chosen kernel runs, an activated image takes over and the old one becomes the other one. */
export function booted(machine: Machine): Machine {
  const fresh = { ...machine, bootCount: machine.bootCount + 1, rebootCauses: [], staged: [] };
  const other = machine.otherImage;
  if (other === undefined || !other.active)
    return { ...fresh, kernel: { ...machine.kernel, running: machine.kernel.next } };
  return {
    ...fresh,
    osRelease: other.osRelease,
    kernel: { running: other.kernel, installed: [other.kernel], next: other.kernel },
    containerRuntime: other.containerRuntime,
    otherImage: {
      osRelease: machine.osRelease,
      kernel: machine.kernel.running,
      containerRuntime: machine.containerRuntime,
      active: false,
    },
  };
}

/** A UUID that follows from its parts alone, in the form that /proc/sys/kernel/random/boot_id has. */
export function derivedUuid(...parts: readonly (string | number)[]): string {
  const hex = createHash("sha256").update(parts.join("\0")).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

export function bootIdOf(machine: Machine): string {
  return derivedUuid("boot", machine.name, machine.bootCount);
}
