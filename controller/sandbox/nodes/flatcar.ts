// Flatcar hosts driven by `/recipe/flatcar`: an exact OS image is written to the other partition and taken at the next boot;
// going back is a switch of partitions. The kubelet lives outside the image and changes at once.
// The image brings kernel and containerd; asking for versions of those that the image does not have is an error.
import { published } from "./catalogue.ts";
import type { ImageOffer } from "./catalogue.ts";
import type { Machine } from "./machine.ts";
import { failure, reboot, success, NOT_AVAILABLE } from "./program.ts";
import type { Family, ProgramResult, StepInput } from "./program.ts";

export const flatcar: Family = {
  tool: "flatcar",
  run(input) {
    if (input.step === "reboot") return reboot(input.machine);
    if (input.step === "rollback" && input.wants.osImage === undefined) return switchBack(input.machine);
    return update(input);
  },
  inventory: (machine) => ({
    osRelease: machine.osRelease,
    kernel: { running: machine.kernel.running, installed: installedKernels(machine) },
    // There is no package database; the scheme only says how versions of none would be compared.
    packages: { scheme: "rpm", installed: [] },
    offered: [],
    reboot: { required: machine.rebootCauses.length > 0, causes: machine.rebootCauses },
  }),
};

/** Of the partitions that could be booted. */
function installedKernels(machine: Machine): readonly string[] {
  const other = machine.otherImage?.kernel;
  return other === undefined ? machine.kernel.installed : [...new Set([...machine.kernel.installed, other])];
}

function update({ step, machine, wants, source, at, now }: StepInput): ProgramResult {
  if (wants.packages.length > 0) return failure(machine, 64, "error: this system has no packages to update");
  const { kubelet } = wants;
  if (
    kubelet !== undefined &&
    kubelet !== machine.kubelet &&
    !published(source.kubelet, now).some(({ version }) => version === kubelet)
  ) {
    return failure(machine, NOT_AVAILABLE, `error: kubelet ${kubelet} was not found`);
  }
  const image =
    wants.osImage === undefined
      ? undefined
      : published(source.images, at).find(({ version }) => version === wants.osImage);
  if (wants.osImage !== undefined && image === undefined && wants.osImage !== machine.osRelease.versionId) {
    return failure(machine, NOT_AVAILABLE, `error: version ${wants.osImage} was not found`);
  }
  if (image !== undefined && wants.osImageDigest !== undefined && wants.osImageDigest !== image.digest) {
    return failure(
      machine,
      101,
      `error: the image of ${image.version} has digest ${image.digest}, not ${wants.osImageDigest}`,
    );
  }
  const brought = image ?? {
    version: machine.osRelease.versionId,
    kernel: machine.kernel.running,
    containerRuntime: machine.containerRuntime,
  };
  for (const [what, wanted, given] of [
    ["kernel", wants.kernel, brought.kernel],
    ["container runtime", wants.containerRuntime, brought.containerRuntime],
  ] as const) {
    if (wanted !== undefined && wanted !== given)
      return failure(machine, NOT_AVAILABLE, `error: image ${brought.version} brings ${what} ${given}, not ${wanted}`);
  }
  if (step === "stage")
    return success(
      { ...machine, staged: image === undefined ? [] : [image.version] },
      `Downloaded ${brought.version}.`,
    );
  return applied({ ...machine, kubelet: kubelet ?? machine.kubelet }, image);
}

function applied(machine: Machine, image: ImageOffer | undefined): ProgramResult {
  if (image === undefined || image.version === machine.osRelease.versionId) {
    const kept = machine.otherImage?.active === true ? cancelled(machine) : machine;
    return success(kept, `CURRENT_OP=UPDATE_STATUS_IDLE\nAlready at ${machine.osRelease.versionId}.`);
  }
  const { id } = machine.osRelease;
  const after: Machine = {
    ...machine,
    otherImage: {
      osRelease: { id, versionId: image.version, prettyName: image.prettyName },
      kernel: image.kernel,
      containerRuntime: image.containerRuntime,
      active: true,
    },
    rebootCauses: [`flatcar ${image.version}`],
    staged: [],
  };
  return success(after, `CURRENT_OP=UPDATE_STATUS_UPDATED_NEED_REBOOT\nNEW_VERSION=${image.version}`);
}

/** The running partition is taken again at the next boot. */
function cancelled(machine: Machine): Machine {
  const { otherImage, ...rest } = machine;
  return {
    ...rest,
    rebootCauses: [],
    ...(otherImage === undefined ? {} : { otherImage: { ...otherImage, active: false } }),
  };
}

function switchBack(machine: Machine): ProgramResult {
  const { otherImage } = machine;
  if (otherImage === undefined) return failure(machine, 1, "error: the other partition holds no image");
  if (otherImage.active) return success(cancelled(machine), `Staying at ${machine.osRelease.versionId}.`);
  const after = {
    ...machine,
    otherImage: { ...otherImage, active: true },
    rebootCauses: [`flatcar ${otherImage.osRelease.versionId}`],
  };
  return success(after, `Switched to ${otherImage.osRelease.versionId} for the next boot.`);
}
