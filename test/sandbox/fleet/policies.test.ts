// The quickstart's policies ask for what the quickstart's fleet can have: every baseline's minimum can be installed from its
// source at the fleet's start, and its selectors mean machines and workloads that are there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import {
  QUICKSTART_IMAGES,
  QUICKSTART_START,
  quickstartMachines,
} from "../../../controller/sandbox/fleet/quickstart.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { createMachines } from "../../../controller/sandbox/nodes/machines.ts";

interface NodeBaseline {
  readonly product: { readonly id: string };
  readonly source: {
    readonly snapshot?: string;
    readonly mirror?: string;
    readonly releaseVersion?: string;
    readonly osImageDigest?: string;
  };
  readonly minimum: {
    readonly kernels?: readonly { readonly version: string }[];
    readonly kubelet?: string;
    readonly containerRuntime?: string;
    readonly osImage?: string;
    readonly packages?: readonly { readonly name: string; readonly version: string }[];
  };
}

function read(path: string): {
  readonly spec: {
    readonly node?: NodeBaseline;
    readonly image?: { readonly images: readonly { repository: string; tag: string }[] };
  };
} {
  return load(readFileSync(join(import.meta.dirname, "../../../examples/quickstart", path), "utf8")) as ReturnType<
    typeof read
  >;
}

const TOOLS: Readonly<Record<string, string>> = { ubuntu: "apt", rocky: "dnf", flatcar: "flatcar" };

describe("the quickstart's policies", () => {
  it.each(["ubuntu-2204", "rocky-9", "flatcar"])("baseline %s can be installed on its machines", (name) => {
    const node = read(`baselines/${name}.yaml`).spec.node;
    if (node === undefined) throw new Error(`${name} is not a node baseline`);
    const { source, minimum, product } = node;
    const machines = createMachines(quickstartMachines(), quickstartCatalogue());
    const host = `${product.id}-01`;
    const env = {
      RINGWARD_KERNEL: minimum.kernels?.[0]?.version ?? "",
      RINGWARD_KUBELET: minimum.kubelet ?? "",
      RINGWARD_CONTAINER_RUNTIME: minimum.containerRuntime ?? "",
      RINGWARD_OS_IMAGE: minimum.osImage ?? "",
      RINGWARD_PACKAGES: (minimum.packages ?? []).map((one) => `${one.name}=${one.version}`).join(" "),
      RINGWARD_SOURCE_SNAPSHOT: source.snapshot ?? "",
      RINGWARD_SOURCE_MIRROR: source.mirror ?? "",
      RINGWARD_SOURCE_RELEASE_VERSION: source.releaseVersion ?? "",
      RINGWARD_SOURCE_OS_IMAGE_DIGEST: source.osImageDigest ?? "",
    };

    const result = machines.run(
      host,
      { command: [`/recipe/${TOOLS[product.id] ?? ""}`, "update"], args: [], env },
      QUICKSTART_START,
    );
    expect(result).toMatchObject({ exitCode: 0 });
    const after = machines.boot(host);

    if (minimum.kernels !== undefined) expect(after.kernel.running).toBe(minimum.kernels[0]?.version);
    if (minimum.kubelet !== undefined) expect(after.kubelet).toBe(minimum.kubelet);
    if (minimum.containerRuntime !== undefined) expect(after.containerRuntime).toBe(minimum.containerRuntime);
    if (minimum.osImage !== undefined) expect(after.osRelease.versionId).toBe(minimum.osImage);
    for (const one of minimum.packages ?? []) expect(after.packages[one.name]).toBe(one.version);
  });

  it("names the images that the fleet's workloads run, at their current tags", () => {
    const images = read("baselines/shared-images.yaml").spec.image?.images ?? [];

    const wanted = images.map(({ repository, tag }) => `${repository}:${tag}`).sort((a, b) => a.localeCompare(b));

    const current = Object.values(QUICKSTART_IMAGES).map(({ repository, current: tag }) => `${repository}:${tag}`);
    expect(wanted).toEqual(current.sort((a, b) => a.localeCompare(b)));
  });
});
