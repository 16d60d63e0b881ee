// What the chart renders, as objects, and what `ringward install --export` makes, in one form: without what Helm adds for itself.
import { loadAll } from "js-yaml";
import { expect } from "vitest";
import { installManifests } from "../../../controller/install/export.ts";
import type { InstallSettings, Manifest } from "../../../controller/install/manifest.ts";
import { CHART, type Helm } from "./helm.ts";

export const NAMESPACE = "ringward-system";
export const IMAGE = "registry.example.com/ringward/ringward";

/** Words for helm with which our kinds are in the cluster. */
export const KINDS_THERE = ["--api-versions", "ringward.dev/v1alpha1/PolicyRepository"];

/** Renders with `--set` words, and `more` as helm takes it. */
export async function render(
  helm: Helm,
  sets: readonly string[],
  more: readonly string[] = [],
  namespace = NAMESPACE,
): Promise<readonly Manifest[]> {
  const set = [`image.repository=${IMAGE}`, ...sets].flatMap((word) => ["--set", word]);
  return read(await helm.run(["template", "ringward", CHART, "--namespace", namespace, ...set, ...more]));
}

export function read(text: string): readonly Manifest[] {
  return loadAll(text).filter((one) => one !== null && one !== undefined) as unknown as readonly Manifest[];
}

/** `Role ringward-system/ringward-controller` */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.namespace === undefined ? "" : `${metadata.namespace}/`}${metadata.name}`;
}

/** Labels that Helm's conventions add, and that the chart keeps definitions. Nothing that decides anything. */
const ADDED = [
  "app.kubernetes.io/name",
  "app.kubernetes.io/instance",
  "app.kubernetes.io/version",
  "app.kubernetes.io/managed-by",
  "app.kubernetes.io/part-of",
  "helm.sh/chart",
];

export function plain(manifest: Manifest): unknown {
  const {
    labels = {},
    annotations,
    ...metadata
  } = manifest.metadata as Manifest["metadata"] & {
    readonly annotations?: Readonly<Record<string, string>>;
  };
  const own = Object.fromEntries(Object.entries(labels).filter(([name]) => !ADDED.includes(name)));
  const noted = Object.entries(annotations ?? {}).filter(([name]) => name !== "helm.sh/resource-policy");
  return {
    ...manifest,
    metadata: { ...metadata, labels: own, annotations: Object.fromEntries(noted) },
  };
}

/** By name, in one form. */
export function byName(manifests: readonly Manifest[]): ReadonlyMap<string, unknown> {
  return new Map(manifests.map((one) => [nameOf(one), plain(one)]));
}

export function exported(settings: InstallSettings): ReadonlyMap<string, unknown> {
  return byName(installManifests(settings));
}

export interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}

export interface PodSpec {
  readonly containers: readonly [Container];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

/** The one of a kind. */
export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && (name === undefined || one.metadata.name === name));
  expect(found).toHaveLength(1);
  return found[0] as Manifest;
}

/** The controller's pod. */
export function podOf(manifests: readonly Manifest[]): PodSpec {
  return (only(manifests, "Deployment") as unknown as { readonly spec: { readonly template: { spec: PodSpec } } }).spec
    .template.spec;
}
