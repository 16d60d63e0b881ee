// The components of a node level: how they are named, and which order their versions follow.
// Pure. An operating system that is not listed here has no package order: its packages are never compared by guess.
import type { LevelComponent } from "../../api/patch-level.ts";
import type { Product } from "../../api/patch-baseline.ts";

export type PackageScheme = "dpkg" | "rpm" | "apk";

/** Package orders by os-release ID. Image-based systems have none: their OS image is the component. */
const PACKAGE_SCHEMES: ReadonlyMap<string, PackageScheme> = new Map([
  ...["ubuntu", "debian", "raspbian", "linuxmint", "pop", "kali", "devuan", "gardenlinux"].map(
    (id) => [id, "dpkg"] as const,
  ),
  ...["rhel", "rocky", "almalinux", "centos", "fedora", "ol", "amzn", "sles", "sled", "sles_sap", "sle-micro"].map(
    (id) => [id, "rpm"] as const,
  ),
  ...[
    "sl-micro",
    "suse",
    "opensuse",
    "opensuse-leap",
    "opensuse-tumbleweed",
    "opensuse-microos",
    "opensuse-leap-micro",
  ].map((id) => [id, "rpm"] as const),
  ...["azurelinux", "mariner", "photon", "openeuler", "anolis", "scientific", "virtuozzo"].map(
    (id) => [id, "rpm"] as const,
  ),
  ...["alpine", "wolfi", "postmarketos"].map((id) => [id, "apk"] as const),
]);

/** The order of a product's package versions; undefined where it has no packages or is not known. */
export function packageSchemeOf(product: Product): PackageScheme | undefined {
  return PACKAGE_SCHEMES.get(product.id);
}

export const KUBELET = "kubelet";
export const CONTAINER_RUNTIME = "containerRuntime";
export const OS_IMAGE = "osImage";
const PACKAGE = "package:";
const KERNEL = "kernel/";

export type ParsedComponent =
  | { readonly kind: "Kernel"; readonly series: string; readonly flavour: string }
  | { readonly kind: "Kubelet" | "ContainerRuntime" | "OsImage" }
  | { readonly kind: "Package"; readonly name: string };

/** `kernel/SERIES/FLAVOUR`; the flavour is empty where the distribution has none. */
export function kernelComponent(series: string, flavour: string): string {
  return `${KERNEL}${series}/${flavour}`;
}

/** What dpkg, rpm and apk call packages, with an architecture behind a colon. */
export const PACKAGE_NAME = /^[A-Za-z0-9][A-Za-z0-9+._:-]{0,127}$/;

/** `package:NAME`. */
export function packageComponent(name: string): string {
  return `${PACKAGE}${name}`;
}

/** What a level's component is about; undefined for a name that no level may hold. */
export function parseComponent(name: string): ParsedComponent | undefined {
  if (name === KUBELET) return { kind: "Kubelet" };
  if (name === CONTAINER_RUNTIME) return { kind: "ContainerRuntime" };
  if (name === OS_IMAGE) return { kind: "OsImage" };
  if (name.startsWith(PACKAGE) && name.length > PACKAGE.length)
    return { kind: "Package", name: name.slice(PACKAGE.length) };
  const [kernel, series, flavour, ...rest] = name.split("/");
  if (kernel !== "kernel" || series === undefined || series === "" || rest.length > 0) return undefined;
  return { kind: "Kernel", series, flavour: flavour ?? "" };
}

/** Packages that are a kernel: a newer one always leaves a reboot to do. */
const KERNEL_PACKAGE =
  /^(linux-image(-.*)?|linux-(generic|virtual|aws|azure|gcp|gke|oracle|kvm|lowlatency|lts|virt)(-hwe-.*)?|kernel(-(core|modules|modules-core|default|default-base|rt|rt-core|uek|uek-core|lt|ml|azure))?)$/;

/** The most that updating this component can do to a node. */
export function disruptionOf(component: LevelComponent): "None" | "Restart" | "Reboot" {
  const parsed = parseComponent(component.name);
  switch (parsed?.kind) {
    case "Kernel":
    case "OsImage":
      return "Reboot";
    case "Kubelet":
    case "ContainerRuntime":
      return "Restart";
    case "Package":
      return KERNEL_PACKAGE.test(parsed.name) ? "Reboot" : "None";
    default:
      return "Reboot";
  }
}
