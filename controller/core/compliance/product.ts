// Which operating system a node runs: os-release as its inventory reported it, else what `nodeInfo.osImage` (PRETTY_NAME) tells.
// Pure. Both are written by the node and untrusted: a name that is not known is undefined, never the nearest guess.
import type { Product } from "../../api/patch-baseline.ts";
import type { Instant } from "../../clock.ts";
import type { NodeAsset, NodeInventoryStatus } from "../model.ts";
import { parseOsImage } from "../versions/index.ts";

const DAY = 86_400_000;

/**
 * The product of a node. Fresh inventory (a day, where `now` is given) is believed first, then the kubelet's word; stale
 * inventory last, because a node must not leave its baseline by falling silent.
 */
export function productOf(
  node: Pick<NodeAsset, "osImage">,
  stored?: { readonly inventory?: Pick<NodeInventoryStatus, "time" | "osId" | "osVersionId"> },
  now?: Instant,
): Product | undefined {
  const inventory = stored?.inventory;
  const fresh = inventory !== undefined && (now === undefined || now - Date.parse(inventory.time) <= DAY);
  if (fresh && inventory.osId !== "") return inventoryProduct(inventory);
  const parsed = parseProduct(node.osImage);
  if (parsed !== undefined) return parsed;
  return inventory === undefined || inventory.osId === "" ? undefined : inventoryProduct(inventory);
}

function inventoryProduct(inventory: Pick<NodeInventoryStatus, "osId" | "osVersionId">): Product {
  return product(inventory.osId, inventory.osVersionId);
}

function product(id: string, versionId: string | undefined): Product {
  return versionId === undefined || versionId === "" ? { id } : { id, versionId };
}

/** Whether a node's product is the one that policy names; `9` is every 9.x, `22.04` every 22.04.x, nothing is every version. */
export function isProduct(running: Product, wanted: Product): boolean {
  if (running.id !== wanted.id) return false;
  if (wanted.versionId === undefined) return true;
  const version = withoutV(running.versionId ?? "");
  const prefix = withoutV(wanted.versionId);
  return version === prefix || version.startsWith(`${prefix}.`);
}

/** Talos writes `v1.7.5`. */
function withoutV(version: string): string {
  return /^v\d/.test(version) ? version.slice(1) : version;
}

/** PRETTY_NAME without its version, in lower case, to os-release ID. The first that fits counts. */
const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^ubuntu( core)?$/, "ubuntu"],
  [/^debian gnu\/linux$/, "debian"],
  [/^raspbian gnu\/linux$/, "raspbian"],
  [/^flatcar container linux( by kinvolk)?$/, "flatcar"],
  [/^red hat enterprise linux coreos$/, "rhcos"],
  [/^red hat enterprise linux( server)?$/, "rhel"],
  [/^rocky linux$/, "rocky"],
  [/^almalinux$/, "almalinux"],
  [/^centos( linux| stream)?$/, "centos"],
  [/^oracle linux( server)?$/, "ol"],
  [/^fedora( linux| coreos)?$/, "fedora"],
  [/^amazon linux$/, "amzn"],
  [/^bottlerocket os$/, "bottlerocket"],
  [/^talos$/, "talos"],
  [/^suse linux enterprise (server|desktop)( for sap applications)?$/, "sles"],
  [/^suse linux enterprise micro$/, "sle-micro"],
  [/^suse linux micro$/, "sl-micro"],
  [/^opensuse leap$/, "opensuse-leap"],
  [/^opensuse leap micro$/, "opensuse-leap-micro"],
  [/^opensuse tumbleweed$/, "opensuse-tumbleweed"],
  [/^opensuse microos$/, "opensuse-microos"],
  [/^alpine linux$/, "alpine"],
  [/^wolfi$/, "wolfi"],
  [/^container-optimized os from google$/, "cos"],
  [/^(microsoft )?azure linux$/, "azurelinux"],
  [/^cbl-mariner(\/linux)?$/, "mariner"],
  [/^(vmware )?photon os(\/linux)?$/, "photon"],
  [/^garden linux$/, "gardenlinux"],
  [/^nixos$/, "nixos"],
];

/** Takes `nodeInfo.osImage` apart: "Rocky Linux 9.4 (Blue Onyx)" is rocky 9.4. Undefined for a name that is not known. */
export function parseProduct(osImage: string): Product | undefined {
  const image = parseOsImage(osImage);
  const name = image?.product ?? osImage.slice(0, 256).trim().replaceAll(/\s+/g, " ").toLowerCase();
  const id = NAMES.find(([pattern]) => pattern.test(name))?.[1];
  if (id === undefined) return undefined;
  if (id === "rhcos") return product(id, rhcosVersion(image?.version));
  return product(id, image?.version);
}

/** RHEL CoreOS 417.94.202410… has VERSION_ID 4.17: the OpenShift release is in the first number. */
function rhcosVersion(version: string | undefined): string | undefined {
  const match = /^(\d)(\d+)\./.exec(version ?? "");
  return match === null ? version : `${match[1]}.${match[2]}`;
}
