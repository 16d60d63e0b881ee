// policies/recipes/preview/*.yaml: recipes whose scripts ran against fakes of their tools (test/recipes-preview/) and never on the real system.
// They come out of preview when their scripts were run there; a fake answers as its manual says, and manuals leave things out.
import type { RecipeSource } from "./recipe-source.ts";

type Steps = RecipeSource["steps"];
type Step = NonNullable<Steps["update"]>;

const TRANSACTIONAL = ["enter.sh", "unit.sh", "preview/snapshots.sh", "preview/transactional.sh", "run.sh"];

function step(parts: readonly string[], timeout: string, env: Step["env"] = {}, writes = true): Step {
  return { parts, timeout, writes, env };
}

/** Steps of a system with an API: there is no inventory, because nodeInfo tells the image's version. */
function overApi(script: string, reboot: string, env: Step["env"]): Steps {
  const parts = ["preview/api.sh", `preview/${script}.sh`];
  return {
    stage: step(parts, "45m", env),
    update: step(parts, "45m", env),
    reboot: step(parts, reboot, env),
    rollback: step(parts, "45m", env),
  };
}

export const PREVIEW_RECIPES: readonly RecipeSource[] = [
  {
    name: "transactional-update",
    folder: "preview",
    about: [
      "openSUSE MicroOS nodes, by transactional-update. SLE Micro (`sle-micro`, `sl-micro`) and Leap Micro (`opensuse-leap-micro`) are the same",
      "but for the id. Packages go into a new snapshot, which the next boot takes: nothing that runs changes before. Only what the node's own",
      "sources have can be had.",
    ],
    product: "opensuse-microos",
    strategy: "InPlace",
    tool: "transactional-update",
    steps: {
      inventory: step(
        ["enter.sh", "report.sh", "preview/snapshots.sh", "preview/transactional-inventory.sh", "inventory.sh"],
        "10m",
        {},
        false,
      ),
      stage: step(TRANSACTIONAL, "30m"),
      update: step(TRANSACTIONAL, "45m"),
      reboot: step(["enter.sh", "unit.sh", "reboot.sh", "run.sh"], "15m"),
      rollback: step(TRANSACTIONAL, "45m"),
    },
  },
  {
    name: "bottlerocket",
    folder: "preview",
    image: [
      "The image only carries the script: any with sh and the usual tools will do (busybox, Alpine, Debian). Put its digest here.",
      "The host's own apiclient and API socket are used through /host. The node keeps updates.version-lock and updates.ignore-waves as",
      "the last update set them, and nothing else may update it (the update operator).",
    ],
    about: [
      "Bottlerocket nodes, by the host's update API. The image is written to the inactive partition while pods still run, and the next boot is",
      "turned to it on the drained node.",
    ],
    product: "bottlerocket",
    strategy: "InPlace",
    tool: "bottlerocket",
    steps: overApi("bottlerocket", "15m", {}),
  },
  {
    name: "talos",
    folder: "preview",
    image: [
      "The image is yours to build: sh with the usual tools, and talosctl of the version that the nodes run. Put its digest here, your control",
      "plane's addresses into TALOS_ENDPOINTS, and your schematic into INSTALLER, or extensions are lost. Names of nodes are resolved by",
      "the control plane (machine.features.hostDNS.resolveMemberNames). Each node needs a talosconfig at /var/lib/ringward/talosconfig that",
      "may upgrade: whoever reads that file rules the cluster, so think before you use this on nodes whose workloads you do not trust.",
    ],
    about: [
      "Talos nodes, by talosctl. Its upgrade writes the image and restarts the node in one call, so that stage and update fetch the installer, and the",
      "reboot step upgrades. One minor version at a time.",
    ],
    product: "talos",
    strategy: "InPlace",
    tool: "talos",
    steps: overApi("talos", "30m", {
      TALOS_ENDPOINTS: "controlplane.example.com",
      INSTALLER: "ghcr.io/siderolabs/installer",
    }),
  },
];
