// The library's baselines on nodes as they report themselves: at the floor a node is compliant, and below it in any one thing it is not. Systems are known by the
// strings that their kubelets put into nodeInfo.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import type { PatchBaseline } from "../../controller/api/patch-baseline.ts";
import { command as plan } from "../../controller/cli/plan.ts";
import { ROOT, run } from "../cli/plan-support.ts";
import { type NodeRow, nodeObjects } from "./examples/objects.ts";
import { nodeState, type Seen } from "./examples/own.ts";
import { typeCommands } from "./support.ts";

const NOW = "2026-11-29T12:00:00Z";

/** What each system writes: PRETTY_NAME with a version in its place, os-release, an older kernel, an older image. */
const SYSTEMS: Readonly<
  Record<
    string,
    { readonly osImage: string; readonly os?: Seen["os"]; readonly olderKernel?: string; readonly older?: string }
  >
> = {
  "ubuntu/ubuntu-2204": {
    osImage: "Ubuntu 22.04.5 LTS",
    os: { id: "ubuntu", versionId: "22.04", scheme: "dpkg" },
    olderKernel: "5.15.0-160-generic",
  },
  "ubuntu/ubuntu-2404": {
    osImage: "Ubuntu 24.04.3 LTS",
    os: { id: "ubuntu", versionId: "24.04", scheme: "dpkg" },
    olderKernel: "6.8.0-86-generic",
  },
  "debian/debian-12": {
    osImage: "Debian GNU/Linux 12 (bookworm)",
    os: { id: "debian", versionId: "12", scheme: "dpkg" },
    olderKernel: "6.1.0-56-amd64",
  },
  "debian/debian-13": {
    osImage: "Debian GNU/Linux 13 (trixie)",
    os: { id: "debian", versionId: "13", scheme: "dpkg" },
    olderKernel: "6.12.107+deb13-amd64",
  },
  "rocky/rocky-9": {
    osImage: "Rocky Linux 9.6 (Blue Onyx)",
    os: { id: "rocky", versionId: "9.6", scheme: "rpm" },
    olderKernel: "5.14.0-570.52.1.el9_6.x86_64",
  },
  "rhel/rhel-9": {
    osImage: "Red Hat Enterprise Linux 9.6 (Plow)",
    os: { id: "rhel", versionId: "9.6", scheme: "rpm" },
    olderKernel: "5.14.0-570.52.1.el9_6.x86_64",
  },
  "flatcar/flatcar": { osImage: "Flatcar Container Linux by Kinvolk VERSION (Oklo)", older: "4230.2.3" },
  "talos/talos": { osImage: "Talos (VERSION)", older: "v1.11.4" },
  "bottlerocket/bottlerocket": { osImage: "Bottlerocket OS VERSION (aws-k8s-1.34)", older: "1.49.0" },
};

interface Case {
  readonly name: string;
  readonly kernel: string;
  readonly osImage: string;
  readonly packages: Readonly<Record<string, string>>;
}

/** A node at the floor, and one for each thing that can be below it. */
function casesOf(key: string, { spec }: PatchBaseline): readonly Case[] {
  const { osImage, os, olderKernel = "", older } = SYSTEMS[key] as (typeof SYSTEMS)[string];
  const minimum = spec.node?.minimum;
  const packages = Object.fromEntries((minimum?.packages ?? []).map(({ name, version }) => [name, version]));
  const kernel = minimum?.kernels?.[0]?.version ?? "6.12.55";
  const floor: Case = { name: "floor", kernel, osImage: osImage.replace("VERSION", minimum?.osImage ?? ""), packages };
  if (older !== undefined)
    return [floor, { ...floor, name: "below-image", osImage: osImage.replace("VERSION", older) }];
  return [
    floor,
    { ...floor, name: "below-kernel", kernel: olderKernel },
    ...Object.keys(packages).map((name) => ({
      ...floor,
      name: `below-${name}`,
      packages: { ...packages, [name]: os?.scheme === "rpm" ? "0-1" : "0" },
    })),
  ];
}

async function statesOf(key: string): Promise<Readonly<Record<string, string>>> {
  const [folder = "", name = ""] = key.split("/");
  const made = await typeCommands(join(ROOT, "policies/baselines", folder, "README.md"), NOW);
  const baseline = load(readFileSync(join(made.folder, `policy/baselines/${name}.yaml`), "utf8")) as PatchBaseline;
  const cases = casesOf(key, baseline);
  const { os } = SYSTEMS[key] as (typeof SYSTEMS)[string];
  const items = cases.flatMap(({ name: node, kernel, osImage, packages }) => {
    const row: NodeRow = { name: node, labels: {}, zone: "zone-a", osImage, kernel, kubelet: "v1.34.2" };
    return [
      ...nodeObjects(row, NOW),
      ...(os === undefined ? [] : [nodeState({ node, os, time: NOW, kernel, packages })]),
    ];
  });
  const dump = join(made.folder, "cluster");
  mkdirSync(dump);
  writeFileSync(join(dump, "cluster.json"), JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  const { out, err } = await run(plan, [
    "--policy",
    join(made.folder, "policy"),
    "--cluster",
    dump,
    "--at",
    NOW,
    "-o",
    "json",
  ]);
  if (out === "") throw new Error(err);
  const { assets } = JSON.parse(out) as {
    readonly assets: readonly { readonly name: string; readonly state: string }[];
  };
  expect(assets.map((asset) => asset.name).toSorted()).toEqual(cases.map((one) => one.name).toSorted());
  return Object.fromEntries(assets.map((asset) => [asset.name, asset.state]));
}

describe("policies/baselines", () => {
  it("are all held against nodes, but for those that follow what is offered", () => {
    const typed = readdirSync(join(ROOT, "policies/baselines"), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".yaml") && !path.startsWith("offered/"))
      .map((path) => path.replace(/\.yaml$/, ""));
    expect(Object.keys(SYSTEMS).toSorted()).toEqual(typed.toSorted());
  });

  it.each(Object.keys(SYSTEMS))(
    "%s: at the floor a node is compliant, below it in any one thing it is not",
    async (key) => {
      const { floor, ...below } = await statesOf(key);

      // Compliant, and not by a level that a ring was approved for.
      expect(floor).toBe("InstalledOther");
      expect(Object.keys(below).length).toBeGreaterThanOrEqual(1);
      expect(new Set(Object.values(below))).toEqual(new Set(["Available"]));
    },
  );
});
