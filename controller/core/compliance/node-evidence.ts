// What is known of each component of a node level on one node: nodeInfo for kernel, kubelet, runtime and OS image; the stored
// inventory for packages. Pure. Old, absent or incomparable data is Unknown with its reason, never Missing and never Installed.
import type { LevelComponent, PatchLevelSpec } from "../../api/patch-level.ts";
import type { NodePatchStateStatus } from "../../api/patch-state.ts";
import { type Reason, REASONS } from "../../api/reasons.ts";
import type { Instant } from "../../clock.ts";
import { type ParsedComponent, parseComponent } from "../levels/components.ts";
import type { BaselineInForce, NodeAsset, NodeInventoryStatus } from "../model.ts";
import { compareVersions, type Kernel, type Order, parseKernel, parseOsImage } from "../versions/index.ts";
import { HEARD_WITHIN_MS, staleAfterMs } from "./freshness.ts";
import type { Evidence } from "./rules.ts";

export interface ObservedComponent {
  readonly name: string;
  readonly running: string | undefined;
  readonly desired: string;
  readonly scheme: string;
  readonly evidence: Evidence;
}

export interface NodeObservation {
  readonly node: NodeAsset;
  readonly stored: NodePatchStateStatus | undefined;
  readonly baseline: BaselineInForce;
  /** Of the level. */
  readonly digest: string;
  readonly now: Instant;
}

type NodeLevel = NonNullable<PatchLevelSpec["node"]>;
type Inventory =
  | { readonly kind: "Fresh"; readonly status: NodeInventoryStatus; readonly packages: ReadonlyMap<string, string> }
  | { readonly kind: "Unusable"; readonly status: NodeInventoryStatus | undefined; readonly reason: Reason };

const unknown = (reason: Reason): Evidence => ({ kind: "Unknown", reason });

/** Every component of the level on the node; of several kernel lines the one that the node runs, named `kernel`. */
export function observeNode(input: NodeObservation, level: NodeLevel): readonly ObservedComponent[] {
  const heard = isHeard(input.node, input.now);
  const inventory = readInventory(input);
  const waiting = findWaiting(input, level, inventory);
  const observed: ObservedComponent[] = [];
  const kernels: LevelComponent[] = [];
  const packages: ObservedComponent[] = [];
  for (const component of level.components) {
    const parsed = parseComponent(component.name);
    if (parsed?.kind === "Kernel") kernels.push(component);
    else if (parsed?.kind === "Package") packages.push(observePackage(component, parsed.name, inventory));
    else observed.push(observeNodeInfo(component, parsed, input.node, { heard, waits: waiting.image }));
  }
  if (kernels.length > 0)
    observed.push(observeKernel(kernels, input.node, { heard, waits: waiting.kernel }, inventory));
  observed.push(...packages);
  const reboot = observeReboot(packages, inventory, level);
  return reboot === undefined ? observed : [...observed, reboot];
}

/** What of a node's update its next boot brings, as far as only our own record tells. */
interface Waiting {
  /** An OS image, and with it whatever nodeInfo shows. */
  readonly image: boolean;
  readonly kernel: boolean;
}

interface Seen {
  readonly heard: boolean;
  /** What is wanted waits for a boot. */
  readonly waits: boolean;
}

/**
 * An image that waits on another partition, and a kernel where no inventory is taken, show nowhere before they run: there the record counts that
 * the update ended in this very boot and that a person kept the reboot from being made. An inventory that sees no need of one knows better.
 */
function findWaiting(
  { node, stored, baseline, digest }: NodeObservation,
  level: NodeLevel,
  inventory: Inventory,
): Waiting {
  const isOfLevel = (one: { readonly baseline: string; readonly digest: string; readonly bootId: string }): boolean =>
    one.baseline === baseline.name && one.digest === digest && one.bootId === node.bootId;
  const operation = stored?.operation;
  const isKept = operation?.noReboot === true && operation.failure === undefined && isOfLevel(operation);
  const recorded = isKept || stored?.pendingReboot?.some(isOfLevel) === true;
  if (!recorded || (inventory.kind === "Fresh" && !inventory.status.rebootRequired))
    return { image: false, kernel: false };
  const wanted = level.components.find(({ name }) => parseComponent(name)?.kind === "OsImage");
  const image = wanted !== undefined && compareImages(node.osImage, wanted.version) === "<";
  return { image, kernel: image || inventory.kind !== "Fresh" };
}

/** Without a Lease (a dump of nodes only) the Ready condition is the kubelet's last word. */
function isHeard(node: NodeAsset, now: Instant): boolean {
  return node.heardAt === undefined ? node.ready : now - node.heardAt <= HEARD_WITHIN_MS;
}

function readInventory({ stored, baseline, now }: NodeObservation): Inventory {
  const status = stored?.inventory;
  if (status === undefined) {
    const problem = stored?.inventoryProblem?.reason;
    return { kind: "Unusable", status, reason: REASONS.find((reason) => reason === problem) ?? "InventoryMissing" };
  }
  // A time that cannot be read is NaN: not fresh.
  if (!(now - Date.parse(status.time) <= staleAfterMs(baseline.spec)))
    return { kind: "Unusable", status, reason: "InventoryStale" };
  return { kind: "Fresh", status, packages: new Map(status.packages.map(({ name, version }) => [name, version])) };
}

// ----------------------------------------------------------------------------------------------------- nodeInfo

function observeNodeInfo(
  component: LevelComponent,
  parsed: ParsedComponent | undefined,
  node: NodeAsset,
  { heard, waits }: Seen,
): ObservedComponent {
  const running = runningOf(parsed, node);
  const base = { name: component.name, running, desired: component.version, scheme: component.scheme };
  if (!heard) return { ...base, evidence: unknown("InventoryStale") };
  if (running === undefined) return { ...base, evidence: unknown("NotComparable") };
  return { ...base, evidence: compared(compareNodeInfo(parsed, component, running), waits) };
}

function runningOf(parsed: ParsedComponent | undefined, node: NodeAsset): string | undefined {
  switch (parsed?.kind) {
    case "Kubelet":
      return orUndefined(node.kubeletVersion);
    case "ContainerRuntime":
      return orUndefined(node.containerRuntimeVersion);
    case "OsImage":
      return orUndefined(node.osImage);
    default:
      return undefined;
  }
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function compareNodeInfo(parsed: ParsedComponent | undefined, component: LevelComponent, running: string): Order {
  if (parsed?.kind === "ContainerRuntime") return compareRuntimes(running, component.version);
  if (parsed?.kind === "OsImage") return compareImages(running, component.version);
  return compareVersions(component.scheme, running, component.version);
}

/** `containerd://1.7.24`: another runtime cannot be compared; a floor without a name is for whatever runs. */
function compareRuntimes(running: string, wanted: string): Order {
  const left = splitRuntime(running);
  const right = splitRuntime(wanted);
  if (right.name !== undefined && left.name !== right.name) return "?";
  return compareVersions("semver", left.version, right.version);
}

function splitRuntime(text: string): { readonly name: string | undefined; readonly version: string } {
  const at = text.indexOf("://");
  const version = at < 0 ? text : text.slice(at + 3);
  // Debian rebuilds upstream's archive without some files and says so (`1.6.20~ds1`): the same version.
  return { name: at < 0 ? undefined : text.slice(0, at), version: version.replace(/[~+](?:ds|dfsg)\d*$/, "") };
}

/** A bare version (`3975.2.2`) is for whatever image the baseline's product has; a whole name must be of the same image. */
function compareImages(running: string, wanted: string): Order {
  if (parseOsImage(wanted)?.product !== "") return compareVersions("osimage", running, wanted);
  const version = parseOsImage(running)?.version;
  return version === undefined ? "?" : compareVersions("osimage", version, wanted);
}

function compared(order: Order, pending = false): Evidence {
  return order === "?" ? unknown("NotComparable") : { kind: "Compared", order, pending: pending && order === "<" };
}

// ------------------------------------------------------------------------------------------------------- kernel

function observeKernel(
  kernels: readonly LevelComponent[],
  node: NodeAsset,
  { heard, waits }: Seen,
  inventory: Inventory,
): ObservedComponent {
  const release = node.kernelVersion;
  const running = parseKernel(release);
  const covering = running === undefined ? undefined : findCovering(kernels, release, running);
  const desired =
    covering?.version ??
    kernels
      .map((kernel) => kernel.version)
      .sort()
      .join(", ");
  const base = { name: "kernel", running: orUndefined(release), desired, scheme: "kernel" };
  if (!heard) return { ...base, evidence: unknown("InventoryStale") };
  if (running === undefined) return { ...base, evidence: unknown("NotComparable") };
  if (covering === undefined) return { ...base, evidence: unknown("KernelNotCovered") };
  const order = compareVersions("kernel", release, covering.version);
  return { ...base, evidence: compared(order, waits || isInstalled(covering.version, inventory)) };
}

/** What some distributions have in the place of a flavour; people who write a floor leave it out. */
const ARCHITECTURE = /^(?:x86_64|amd64|aarch64|arm64|ppc64le|s390x|riscv64)$/;

/**
 * The level's kernel that is of the running one's series and flavour. A floor that can be ordered against the running kernel
 * is of its line by definition; one whose words fit but that has no order is NotComparable rather than not covered.
 */
function findCovering(
  kernels: readonly LevelComponent[],
  release: string,
  running: Kernel,
): LevelComponent | undefined {
  const named = kernels.filter((component) => {
    const parsed = parseComponent(component.name);
    if (parsed?.kind !== "Kernel" || parsed.series !== running.series) return false;
    return parsed.flavour === running.flavour || (parsed.flavour === "" && ARCHITECTURE.test(running.flavour));
  });
  const isComparable = (component: LevelComponent): boolean =>
    compareVersions("kernel", release, component.version) !== "?";
  return named.find(isComparable) ?? kernels.find(isComparable) ?? named[0];
}

/** Whether a kernel that is new enough could be booted. Stale inventory does not say so. */
function isInstalled(wanted: string, inventory: Inventory): boolean {
  if (inventory.kind !== "Fresh") return false;
  return inventory.status.installedKernels.some((kernel) => {
    const order = compareVersions("kernel", kernel, wanted);
    return order === "=" || order === ">";
  });
}

// ----------------------------------------------------------------------------------------------------- packages

function observePackage(component: LevelComponent, name: string, inventory: Inventory): ObservedComponent {
  const { version: desired, scheme } = component;
  const base = { name: component.name, desired, scheme };
  if (inventory.kind === "Unusable") {
    const stale = inventory.status?.packages.find((other) => other.name === name)?.version;
    return { ...base, running: orUndefined(stale ?? ""), evidence: unknown(inventory.reason) };
  }
  const running = inventory.packages.get(name);
  // What a report was not asked for says nothing about whether it is there.
  if (running === undefined) return { ...base, running, evidence: unknown("InventoryMissing") };
  if (running === "") return { ...base, running: undefined, evidence: { kind: "Absent" } };
  if (inventory.status.scheme !== scheme) return { ...base, running, evidence: unknown("NotComparable") };
  return { ...base, running, evidence: compared(compareVersions(scheme, running, desired)) };
}

/** All packages are there, but the system asks for a reboot: what was installed does not run yet. */
function observeReboot(
  packages: readonly ObservedComponent[],
  inventory: Inventory,
  level: NodeLevel,
): ObservedComponent | undefined {
  if (inventory.kind !== "Fresh" || !inventory.status.rebootRequired || level.rebootPolicy === "Never")
    return undefined;
  const there = packages.some(({ evidence }) => evidence.kind === "Compared");
  if (!there || !packages.every(({ evidence }) => isSettled(evidence))) return undefined;
  return {
    name: "reboot",
    running: "required",
    desired: "done",
    scheme: "reboot",
    evidence: { kind: "Compared", order: "<", pending: true },
  };
}

function isSettled(evidence: Evidence): boolean {
  return evidence.kind === "Absent" || (evidence.kind === "Compared" && evidence.order !== "<");
}
