// Hosts of which only a reboot is asked (`/recipe/reboot`): for products whose updates come from elsewhere. Every other
// family has this tool too. It never changes what is installed.
import type { Machine } from "./machine.ts";
import { installedList } from "./packages.ts";
import { failure, reboot, success } from "./program.ts";
import type { Family } from "./program.ts";

export const minimal: Family = {
  tool: "reboot",
  run({ step, machine }) {
    if (step === "reboot") return reboot(machine);
    if (step === "stage") return success(machine, "Nothing to stage.");
    return failure(machine, 64, `/recipe/reboot: cannot ${step} this host`);
  },
  inventory: (machine) => ({
    osRelease: machine.osRelease,
    kernel: { running: machine.kernel.running, installed: machine.kernel.installed },
    packages: { scheme: schemeOf(machine), installed: installedList(machine) },
    offered: [],
    reboot: { required: machine.rebootCauses.length > 0, causes: machine.rebootCauses },
  }),
};

function schemeOf(machine: Machine): "dpkg" | "rpm" {
  return machine.family === "debian" ? "dpkg" : "rpm";
}
