// policies/recipes/*.yaml, made from the scripts beside them: a recipe holds its scripts as text, so that an image needs nothing but a
// shell and chroot, and so that whoever reviews a recipe sees what will run as root. Comments of the scripts stay in the sources.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PREVIEW_RECIPES } from "./preview-recipes.ts";
import type { RecipeSource, StepScript } from "./recipe-source.ts";

const CHANGE = ["enter.sh", "unit.sh"];
const REBOOT: StepScript = { parts: [...CHANGE, "reboot.sh", "run.sh"], timeout: "15m", writes: true, env: {} };

/** A system whose packages one manager brings: `NAME.sh` and `NAME-inventory.sh`. */
function packages(name: string, env: Readonly<Record<string, string>>): RecipeSource["steps"] {
  const shared = isRpm(name) ? ["rpm.sh", "rpm-packages.sh"] : [];
  const parts = [...CHANGE, "packages.sh", ...shared, `${name}.sh`, "run.sh"];
  return {
    inventory: inventory(name),
    stage: { parts, timeout: "30m", writes: true, env },
    update: { parts, timeout: "45m", writes: true, env },
    reboot: REBOOT,
    rollback: { parts, timeout: "45m", writes: true, env },
  };
}

const isRpm = (name: string): boolean => name === "dnf" || name === "zypper";

function inventory(name: string): StepScript {
  const shared = isRpm(name) ? ["rpm.sh", "rpm-inventory.sh"] : [];
  return {
    parts: ["enter.sh", "report.sh", ...shared, `${name}-inventory.sh`, "inventory.sh"],
    timeout: "10m",
    writes: false,
    env: {},
  };
}

const DEBIAN_SNAPSHOT = [
  "deb http://snapshot.debian.org/archive/debian/@SNAPSHOT@ @CODENAME@ main",
  "deb http://snapshot.debian.org/archive/debian/@SNAPSHOT@ @CODENAME@-updates main",
  "deb http://snapshot.debian.org/archive/debian-security/@SNAPSHOT@ @CODENAME@-security main",
].join("\n");
const UBUNTU_SNAPSHOT = ["", "-updates", "-security"]
  .map((pocket) => `deb https://snapshot.ubuntu.com/ubuntu/@SNAPSHOT@ @CODENAME@${pocket} main universe`)
  .join("\n");
const DEB_MIRROR = "deb @MIRROR@ @CODENAME@ main";

/** Of the releases before the current one. */
const ROCKY_VAULT = ["BaseOS", "AppStream"]
  .map((repository) =>
    repoSection(
      `release-${repository.toLowerCase()}`,
      `https://dl.rockylinux.org/vault/rocky/@RELEASE@/${repository}/$basearch/os/`,
    ),
  )
  .join("\n");

/** A repository of rpm packages; its signatures are checked as the node's own say, for keys are already there. */
function repoSection(name: string, url: string): string {
  return [`[ringward-${name}]`, `name=ringward-${name}`, `baseurl=${url}`, "enabled=1", "gpgcheck=1"].join("\n");
}

/** Alpine has its own of some that the shared files define, and no systemd. */
const APK = ["overrides.sh", ...CHANGE, "packages.sh", "apk.sh"];

export const RECIPES: readonly RecipeSource[] = [
  {
    name: "apt-debian",
    about: ["Debian nodes, by apt. Exact versions that the archive no longer has are taken from snapshot.debian.org."],
    product: "debian",
    strategy: "InPlace",
    tool: "apt",
    steps: packages("apt", { SNAPSHOT_SOURCES: DEBIAN_SNAPSHOT, MIRROR_SOURCES: DEB_MIRROR }),
  },
  {
    name: "apt-ubuntu",
    about: ["Ubuntu nodes, by apt. Exact versions that the archive no longer has are taken from snapshot.ubuntu.com."],
    product: "ubuntu",
    strategy: "InPlace",
    tool: "apt",
    steps: packages("apt", { SNAPSHOT_SOURCES: UBUNTU_SNAPSHOT, MIRROR_SOURCES: DEB_MIRROR }),
  },
  {
    name: "dnf",
    about: [
      "Rocky Linux nodes, by dnf 4. RHEL (`rhel`), AlmaLinux (`almalinux`) and Oracle Linux (`ol`) are the same but for the id, and for where",
      "older releases are kept. Exact versions that the mirrors no longer have are taken from the vault of `source.releaseVersion`.",
    ],
    product: "rocky",
    strategy: "InPlace",
    tool: "dnf",
    steps: packages("dnf", {
      RELEASE_SOURCES: ROCKY_VAULT,
      MIRROR_SOURCES: repoSection("mirror", "@MIRROR@"),
    }),
  },
  {
    name: "zypper",
    about: [
      "SUSE Linux Enterprise nodes, by zypper; openSUSE Leap (`opensuse-leap`) is the same but for the id. Exact versions that the sources",
      "no longer have are taken from a mirror of one's own (`source.mirror`).",
    ],
    product: "sles",
    strategy: "InPlace",
    tool: "zypper",
    steps: packages("zypper", { MIRROR_SOURCES: repoSection("mirror", "@MIRROR@") }),
  },
  {
    name: "reboot-only-debian",
    about: [
      "Debian nodes that something else updates (unattended-upgrades, an image build): Ringward looks, cordons, drains and reboots.",
    ],
    product: "debian",
    strategy: "RebootOnly",
    tool: "reboot",
    steps: { inventory: inventory("apt"), reboot: REBOOT },
  },
  {
    name: "apk",
    folder: "preview",
    about: [
      "Alpine nodes, by apk, with OpenRC and unified cgroups. apk keeps no downloads, so that there is no stage.",
    ],
    product: "alpine",
    strategy: "InPlace",
    tool: "apk",
    steps: {
      inventory: { ...inventory("apk"), parts: ["overrides.sh", ...inventory("apk").parts] },
      update: { parts: [...APK, "run.sh"], timeout: "45m", writes: true, env: {} },
      reboot: { ...REBOOT, parts: [...APK, "apk-reboot.sh", "run.sh"] },
      rollback: { parts: [...APK, "run.sh"], timeout: "45m", writes: true, env: {} },
    },
  },
  {
    name: "dnf5",
    folder: "preview",
    about: ["Fedora nodes, by dnf5."],
    product: "fedora",
    strategy: "InPlace",
    tool: "dnf5",
    steps: packages("dnf5", {}),
  },
  {
    name: "flatcar",
    folder: "preview",
    about: [
      "Flatcar nodes: one image on two partitions. nodeInfo tells the image's version, so that no inventory step is needed: a node costs no",
      "job until it is updated. The kubelet is not in the image and is not changed; locksmithd must be off (REBOOT_STRATEGY=off).",
    ],
    product: "flatcar",
    strategy: "InPlace",
    tool: "flatcar",
    steps: {
      stage: { parts: [...CHANGE, "flatcar.sh", "run.sh"], timeout: "30m", writes: true, env: {} },
      update: { parts: [...CHANGE, "flatcar.sh", "run.sh"], timeout: "45m", writes: true, env: {} },
      reboot: REBOOT,
      rollback: { parts: [...CHANGE, "flatcar.sh", "run.sh"], timeout: "45m", writes: true, env: {} },
    },
  },
];

const IMAGE =
  "registry.example.com/library/busybox@sha256:0000000000000000000000000000000000000000000000000000000000000000";
/** What a step's image must bring is said once, at the top of each recipe. */
const PREVIEW =
  "PREVIEW: run against fakes of this system's tools only, never on the system itself. Try it on nodes you can lose.";
const ANNOTATION = `
  annotations:
    ringward.dev/preview: run against fakes of this system's tools only, never on the system itself`;
const HEAD = [
  "Made by `npm run generate` from policies/recipes/scripts/: change the scripts, or copy this file under another name.",
  "",
  "The image only carries the script: any with sh and chroot will do (busybox, Alpine, Debian). Put its digest here. Merging a change of",
  "this file is root on every node it is for, so give the folder its own owners (CODEOWNERS).",
];

/** The text that runs: the parts one after the other, without comments and blank lines. Throws on what Kubernetes would expand. */
export function scriptText(root: string, parts: readonly string[]): string {
  const text = parts.map((part) => readFileSync(join(root, "policies/recipes/scripts", part), "utf8")).join("");
  const lines = text.split("\n").filter((line) => !/^\s*(?:#|$)/.test(line));
  // Variables of a container are written in capitals, functions of the scripts are not.
  const expanded = lines.find((line) => /\$\$|\$\([A-Z_][A-Z0-9_]*\)/.test(line));
  if (expanded !== undefined)
    throw new Error(`Kubernetes would expand a part of this line of ${parts.join(", ")}: ${expanded}`);
  return `${lines.join("\n")}\n`;
}

/** Path from the checkout's root -> content. */
export function recipeFiles(root: string): ReadonlyMap<string, string> {
  return new Map([...RECIPES, ...PREVIEW_RECIPES].map((recipe) => [recipePath(recipe), recipeYaml(root, recipe)]));
}

function headOf({ image }: RecipeSource): readonly string[] {
  if (image === undefined) return HEAD;
  return [...HEAD.slice(0, 2), ...image, "Merging a change of this file is root on every node it is for (CODEOWNERS)."];
}

function recipePath({ name, folder }: RecipeSource): string {
  return `policies/recipes/${folder === undefined ? "" : `${folder}/`}${name}.yaml`;
}

function recipeYaml(root: string, recipe: RecipeSource): string {
  const steps = Object.entries(recipe.steps).map(([step, script]) => stepYaml(root, recipe.tool, step, script));
  const head = [...recipe.about, "", ...(recipe.folder === "preview" ? [PREVIEW, ""] : []), ...headOf(recipe)]
    .map((line) => (line === "" ? "#" : `# ${line}`))
    .join("\n");
  return `${head}
apiVersion: ringward.dev/v1alpha1
kind: UpdateRecipe
metadata:
  name: ${recipe.name}${recipe.folder === "preview" ? ANNOTATION : ""}
spec:
  match:
    product: { id: ${recipe.product} }
  strategy: ${recipe.strategy}
  steps:
${steps.join("")}`;
}

function stepYaml(root: string, tool: string, step: string, script: StepScript): string {
  const env = Object.entries(script.env).flatMap(([name, value]) => [
    `        - name: ${name}`,
    ...(value.includes("\n")
      ? ["          value: |-", ...value.split("\n").map((line) => `            ${line}`)]
      : [`          value: ${JSON.stringify(value)}`]),
  ]);
  const text = scriptText(root, script.parts)
    .trimEnd()
    .split("\n")
    .map((line) => `          ${line}`);
  return [
    `    ${step}:`,
    `      image: ${IMAGE}`,
    "      command:",
    "        - sh",
    "        - -c",
    '        - eval "$2"',
    `        - /recipe/${tool}`,
    `        - ${step}`,
    "        - |",
    ...text,
    ...(env.length === 0 ? [] : ["      env:", ...env]),
    `      host: ${script.writes ? "ReadWrite" : "ReadOnly"}`,
    `      timeout: ${script.timeout}`,
    "",
  ].join("\n");
}
