// DESIGN's section "Levels", sentence by sentence.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PatchLevelSpec } from "../../../controller/api/patch-level.ts";
import { compareVersions } from "../../../controller/core/versions/index.ts";
import { diffLevels, mergeOffered, packageSchemeOf, resolveLevel } from "../../../controller/core/levels/index.ts";
import { DAY, imageBaseline, inventory, levelOf, nodeBaseline, NOW, recipe, RECIPES } from "./fixtures.ts";

const at = (time: string): number => Date.parse(time);

function blockOf(input: Parameters<typeof resolveLevel>[0]): string {
  const resolved = resolveLevel(input);
  return resolved.kind === "None" ? resolved.block.reason : `level ${resolved.level.name}`;
}

const base = { recipes: RECIPES, levels: [], now: NOW };

describe("a node level", () => {
  it("holds everything that decides what a target undergoes", () => {
    const baseline = nodeBaseline({
      source: { snapshot: "20261115T000000Z" },
      rebootPolicy: "Always",
      drain: "Always",
      minimum: {
        kernels: [
          { series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" },
          { series: "6.1", flavour: "", version: "6.1.0-26-amd64" },
        ],
        kubelet: "v1.33.6",
        containerRuntime: "containerd://1.7.24",
        osImage: "22.04.5",
        packages: [{ name: "openssl", version: "3.0.2-0ubuntu1.19" }],
      },
    });
    const { spec } = levelOf({ baseline });
    expect(spec).toMatchObject({
      baseline: "ubuntu-2204",
      target: "Node",
      disruption: "Reboot",
      node: {
        product: { id: "ubuntu", versionId: "22.04" },
        source: { snapshot: "20261115T000000Z" },
        rebootPolicy: "Always",
        drain: "Always",
        recipe: { name: "ubuntu", strategy: "InPlace" },
      },
    });
    expect(spec.node?.components).toEqual([
      { name: "containerRuntime", scheme: "semver", version: "containerd://1.7.24" },
      { name: "kernel/5.15.0/generic", scheme: "kernel", version: "5.15.0-125-generic" },
      { name: "kernel/6.1/", scheme: "kernel", version: "6.1.0-26-amd64" },
      { name: "kubelet", scheme: "semver", version: "v1.33.6" },
      { name: "osImage", scheme: "osimage", version: "22.04.5" },
      { name: "package:openssl", scheme: "dpkg", version: "3.0.2-0ubuntu1.19" },
    ]);
    expect(spec.node?.recipe.steps?.update).toEqual({
      ...recipe.steps?.update,
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
      timeout: "30m",
    });
  });

  it("is another level when the recipe is edited, and names the newest input's day", () => {
    const before = levelOf({ baseline: nodeBaseline() });
    const edited = structuredClone(recipe);
    if (edited.steps?.update) edited.steps.update.command = ["update", "--all"];
    const after = levelOf({ baseline: nodeBaseline(), recipes: [{ name: "ubuntu", spec: edited }] });
    expect(after.digest).not.toBe(before.digest);
    expect(before.name).toMatch(/^ubuntu-2204-20261118-/);
    expect(before.inputTime).toBe(NOW - 3 * DAY);
  });

  it("carries the recipe's prepare step, which makes another level of it", () => {
    const edited = structuredClone(recipe);
    edited.steps = { ...edited.steps, prepare: { image: recipe.steps?.update?.image ?? "", command: ["prepare"] } };
    const after = levelOf({ baseline: nodeBaseline(), recipes: [{ name: "ubuntu", spec: edited }] });

    expect(after.spec.node?.recipe.steps?.prepare).toMatchObject({ command: ["prepare"], host: "ReadOnly" });
    expect(after.digest).not.toBe(levelOf({ baseline: nodeBaseline() }).digest);
  });

  it("keeps provenance outside the digest and reuses an equal digest whatever its date", () => {
    const old = levelOf({ baseline: nodeBaseline({}, { inputTime: NOW - 30 * DAY }) });
    const resolved = resolveLevel({ ...base, baseline: nodeBaseline(), levels: [old] });
    expect(resolved).toEqual({ kind: "Level", level: old, existing: true });
    const younger = { ...old, name: "ubuntu-2204-20261110-aaaaaaaaaaaa", inputTime: old.inputTime + DAY };
    for (const levels of [
      [old, younger],
      [younger, old],
    ])
      expect(resolveLevel({ ...base, baseline: nodeBaseline(), levels })).toMatchObject({ level: { name: old.name } });
  });

  it("never reuses a level whose name does not match its content", () => {
    const forged = {
      ...levelOf({ baseline: nodeBaseline() }),
      name: "ubuntu-2204-20200101-000000000000",
      mismatch: "forged",
    };
    expect(resolveLevel({ ...base, baseline: nodeBaseline(), levels: [forged] })).toMatchObject({ existing: false });
  });

  it("is none without its recipe, with another product's recipe, and without any package order", () => {
    expect(blockOf({ ...base, baseline: nodeBaseline(), recipes: [] })).toBe("ReferenceMissing");
    const flatcar = { ...recipe, match: { product: { id: "flatcar" } } };
    expect(blockOf({ ...base, baseline: nodeBaseline(), recipes: [{ name: "ubuntu", spec: flatcar }] })).toBe(
      "ReferenceMissing",
    );
    const jammy = { ...recipe, match: { product: { id: "ubuntu", versionId: "22.04" } } };
    const any = nodeBaseline({ product: { id: "ubuntu" } });
    expect(blockOf({ ...base, baseline: nodeBaseline(), recipes: [{ name: "ubuntu", spec: jammy }] })).toMatch(
      /^level/,
    );
    expect(blockOf({ ...base, baseline: any, recipes: [{ name: "ubuntu", spec: jammy }] })).toBe("ReferenceMissing");
    const image = nodeBaseline({ product: { id: "flatcar" } });
    expect(blockOf({ ...base, baseline: image, recipes: [{ name: "ubuntu", spec: flatcar }] })).toBe("NotComparable");
  });

  type Node = NonNullable<PatchLevelSpec["node"]>;
  it.each<
    [string, PatchLevelSpec["disruption"], Partial<Parameters<typeof nodeBaseline>[0]>, Node["recipe"]["strategy"]]
  >([
    ["packages only", "None", {}, "InPlace"],
    ["reboot always", "Reboot", { rebootPolicy: "Always" }, "InPlace"],
    [
      "a kernel",
      "Reboot",
      { minimum: { kernels: [{ series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" }] } },
      "InPlace",
    ],
    ["an OS image", "Reboot", { minimum: { osImage: "22.04.5" } }, "InPlace"],
    [
      "a kernel package",
      "Reboot",
      { minimum: { packages: [{ name: "linux-image-generic", version: "5.15.0.125.124" }] } },
      "InPlace",
    ],
    ["a kubelet", "Restart", { minimum: { kubelet: "v1.33.6" } }, "InPlace"],
    ["a runtime", "Restart", { minimum: { containerRuntime: "containerd://1.7.24" } }, "InPlace"],
    [
      "a kernel, but never a reboot",
      "None",
      {
        rebootPolicy: "Never",
        minimum: { kernels: [{ series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" }] },
      },
      "InPlace",
    ],
    [
      "kernel and kubelet, but never a reboot",
      "Restart",
      { rebootPolicy: "Never", minimum: { kubelet: "v1.33.6", osImage: "22.04.5" } },
      "InPlace",
    ],
    ["only reboots", "Reboot", {}, "RebootOnly"],
    ["only reboots, but never a reboot", "Restart", { rebootPolicy: "Never" }, "RebootOnly"],
  ])("%s: disruption %s", (_what, disruption, node, strategy) => {
    const level = levelOf({
      baseline: nodeBaseline(node),
      recipes: [{ name: "ubuntu", spec: { ...recipe, strategy } }],
    });
    expect(level.spec.disruption).toBe(disruption);
  });
});

describe("an image level", () => {
  it("restarts, is exact, and does not depend on the order of images and mirrors", () => {
    const web = {
      repository: "registry.example.com/shop/web",
      mirrors: ["b.example.com/web", "a.example.com/web"],
      tag: "1.2.3",
    };
    const api = { repository: "registry.example.com/shop/api", digest: `sha256:${"0".repeat(64)}` };
    const level = levelOf({ baseline: imageBaseline([web, api]) });
    expect(level.spec).toMatchObject({ target: "Image", disruption: "Restart" });
    const swapped = { ...web, mirrors: [...web.mirrors].reverse() };
    expect(levelOf({ baseline: imageBaseline([api, swapped]) }).digest).toBe(level.digest);
  });
});

describe("follow: Offered", () => {
  const offered = [
    { name: "curl", version: "7.81.0-1ubuntu1.20", firstSeenTime: "2026-11-20T10:00:00Z" },
    { name: "openssl", version: "3.0.2-0ubuntu1.18", firstSeenTime: "2026-11-19T10:00:00Z" },
  ];
  const following = nodeBaseline({ follow: "Offered" });
  const versions = (spec: PatchLevelSpec): Record<string, string> =>
    Object.fromEntries((spec.node?.components ?? []).map(({ name, version }) => [name, version]));

  it("takes versions from what is offered, with minimum as the floor, and dates the level by what it took", () => {
    const level = levelOf({ baseline: following, offered });
    expect(versions(level.spec)).toEqual({
      "package:curl": "7.81.0-1ubuntu1.20",
      "package:openssl": "3.0.2-0ubuntu1.19",
    });
    expect(level.inputTime).toBe(at("2026-11-20T10:00:00Z"));
    expect(level.name).toMatch(/-20261120-/);
  });

  it("needs no minimum, but an offer", () => {
    const { minimum: _, ...node } = following.spec.node ?? { product: { id: "ubuntu" }, recipeRef: { name: "ubuntu" } };
    const bare = { ...following, spec: { target: "Node" as const, node } };
    expect(blockOf({ ...base, baseline: bare, offered: [] })).toBe("InventoryMissing");
    expect(blockOf({ ...base, baseline: bare, offered })).toMatch(/^level/);
  });

  it("is not lowered when the status is lost: levels made before still count", () => {
    const before = levelOf({ baseline: following, offered });
    const resolved = resolveLevel({ ...base, baseline: following, levels: [before], offered: [] });
    expect(resolved).toEqual({ kind: "Level", level: before, existing: true });
    const otherProduct = nodeBaseline({ follow: "Offered", product: { id: "ubuntu", versionId: "24.04" } });
    expect(versions(levelOf({ baseline: otherProduct, levels: [before], offered: [] }).spec)).not.toHaveProperty(
      "package:curl",
    );
  });

  it("keeps the earlier of versions that cannot be compared, and ignores other systems and words that are no versions", () => {
    const status = { offered: [{ name: "curl", version: "7.81.0-1", firstSeenTime: "2026-11-01T00:00:00Z" }] };
    const merge = (...list: ReturnType<typeof inventory>[]) => mergeOffered(status, list, NOW, "dpkg").offered;
    expect(merge(inventory({ curl: "7.81.0-2" }, { scheme: "rpm" }))).toEqual(status.offered);
    expect(merge(inventory({ curl: "\u001b[31m$(reboot)" }))).toEqual(status.offered);
    expect(merge(inventory({ curl: "7.81.0-0" }))).toEqual(status.offered);
    expect(merge(inventory({ curl: "7.81.0-2" }))).toEqual([
      { name: "curl", version: "7.81.0-2", firstSeenTime: "2026-11-21T12:00:00Z" },
    ]);
  });

  it("takes no name from a node that would be more than one word to a recipe, nor one that was taken before", () => {
    const names = [
      "openssl=3.0.2-9 linux-firmware",
      "--allow-downgrades",
      "a b",
      "a\nb",
      "$(reboot)",
      "a;b",
      "",
      "a/b",
      "\u043epenssl",
    ];
    const bad = Object.fromEntries(names.map((name) => [name, "9-9"]));
    const firstSeenTime = "2026-11-01T00:00:00Z";
    const known = { offered: names.map((name) => ({ name, version: "1-1", firstSeenTime })) };

    const merged = mergeOffered(
      known,
      [inventory({ ...bad, "libstdc++6": "9-9", "g++": "9-9", "libc6:amd64": "9-9" })],
      NOW,
      "dpkg",
    );

    expect(merged.offered.map(({ name }) => name)).toEqual(["g++", "libc6:amd64", "libstdc++6"]);
    expect(merged.leftOut).toEqual([]);
  });

  it("says which packages found no place, and never drops one that is known", () => {
    const known = Array.from({ length: 1023 }, (_, index) => ({
      name: `k${index}`,
      version: "1-1",
      firstSeenTime: "2026-11-01T00:00:00Z",
    }));
    const merged = mergeOffered({ offered: known }, [inventory({ a: "1-1", b: "1-1", k0: "2-1" })], NOW, "dpkg");
    expect(merged.offered).toHaveLength(1024);
    expect(merged.leftOut).toEqual(["b"]);
    expect(merged.offered.find((entry) => entry.name === "k0")?.version).toBe("2-1");
  });

  const anyVersion = fc.tuple(fc.nat({ max: 3 }), fc.nat({ max: 3 })).map(([a, b]) => `1.${a}-${b}`);
  const anyInventory = fc.dictionary(fc.constantFrom("a", "b", "c"), anyVersion).map((offers) => inventory(offers));

  it("is never lowered by partial data, whatever inventories come in whatever order", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(anyInventory, { maxLength: 4 }), { maxLength: 5 }),
        fc.boolean(),
        (passes, keepsStatus) => {
          let status: Parameters<typeof mergeOffered>[0];
          const levels: ReturnType<typeof levelOf>[] = [];
          let before: Record<string, string> = {};
          passes.forEach((inventories, pass) => {
            const now = NOW + pass * DAY;
            const merged = mergeOffered(keepsStatus ? status : undefined, inventories, now, "dpkg");
            const turned = mergeOffered(keepsStatus ? status : undefined, [...inventories].reverse(), now, "dpkg");
            expect(turned).toEqual(merged);
            status = { offered: merged.offered };
            const level = levelOf({ baseline: following, levels, offered: merged.offered, now });
            levels.push(level);
            const after = versions(level.spec);
            for (const [name, version] of Object.entries(before))
              expect(compareVersions("dpkg", after[name] ?? "0", version)).toMatch(/[=>]/);
            before = after;
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("resolveSchedule", () => {
  // Mondays at 06:00 in Berlin; 2026-11-16 was a Monday, and 2026-11-21 is a Saturday.
  const weekly = (
    inputTime: number,
    status?: { candidate: { level: string; digest: string; resolvedTime: string } },
  ) => {
    const baseline = nodeBaseline({}, { inputTime, status });
    return {
      ...baseline,
      spec: { ...baseline.spec, resolveSchedule: { schedule: "0 6 * * 1", timeZone: "Europe/Berlin" } },
    };
  };

  it("makes no level of inputs that are newer than its last time", () => {
    expect(blockOf({ ...base, baseline: weekly(at("2026-11-16T05:00:01Z")) })).toBe("ResolveScheduled");
    expect(blockOf({ ...base, baseline: weekly(at("2026-11-16T05:00:00Z")) })).toMatch(/^level/);
    const later = { ...base, baseline: weekly(at("2026-11-16T05:00:01Z")), now: at("2026-11-23T05:00:00Z") };
    expect(blockOf(later)).toMatch(/^level/);
  });

  it("stays at what it resolved to before, until then", () => {
    const old = levelOf({
      baseline: nodeBaseline({ minimum: { kubelet: "v1.33.5" } }, { inputTime: at("2026-11-02T00:00:00Z") }),
    });
    const candidate = { level: old.name, digest: old.digest, resolvedTime: "2026-11-02T06:00:00Z" };
    const input = { ...base, levels: [old], baseline: weekly(at("2026-11-20T00:00:00Z"), { candidate }) };
    expect(resolveLevel(input)).toEqual({ kind: "Level", level: old, existing: true });
  });

  it("leaves offers out that came after its last time, not those before", () => {
    const baseline = weekly(at("2026-11-02T00:00:00Z"));
    const spec = {
      ...baseline.spec,
      node: {
        ...(baseline.spec.node ?? { product: { id: "ubuntu" }, recipeRef: { name: "ubuntu" } }),
        follow: "Offered" as const,
      },
    };
    const level = levelOf({
      baseline: { ...baseline, spec },
      offered: [
        { name: "curl", version: "2-1", firstSeenTime: "2026-11-20T00:00:00Z" },
        { name: "zlib1g", version: "2-1", firstSeenTime: "2026-11-10T00:00:00Z" },
      ],
    });
    expect(level.spec.node?.components.map((component) => component.name)).toEqual([
      "package:openssl",
      "package:zlib1g",
    ]);
    expect(level.inputTime).toBe(at("2026-11-10T00:00:00Z"));
  });

  it("refuses what is no schedule or no zone", () => {
    const odd = nodeBaseline();
    const withSchedule = (schedule: string, timeZone: string) =>
      blockOf({ ...base, baseline: { ...odd, spec: { ...odd.spec, resolveSchedule: { schedule, timeZone } } } });
    expect(withSchedule("6 oclock sharp x", "UTC")).toBe("PolicyInvalid");
    expect(withSchedule("0 6 * * 1", "Mars/Base")).toBe("PolicyInvalid");
  });
});

describe("diffLevels", () => {
  it("says what rose, fell, came and went, and which settings changed", () => {
    const a = levelOf({
      baseline: nodeBaseline({
        minimum: {
          kubelet: "v1.33.6",
          packages: [
            { name: "a", version: "2-1" },
            { name: "b", version: "1-1" },
          ],
        },
      }),
    });
    const b = levelOf({
      baseline: nodeBaseline({
        drain: "Always",
        minimum: {
          kubelet: "v1.33.7",
          packages: [
            { name: "a", version: "1-1" },
            { name: "c", version: "1-1" },
          ],
        },
      }),
    });
    expect(diffLevels(a.spec, b.spec)).toEqual([
      { name: "kubelet", kind: "Component", from: "v1.33.6", to: "v1.33.7", change: "Raised" },
      { name: "package:a", kind: "Component", from: "2-1", to: "1-1", change: "Lowered" },
      { name: "package:b", kind: "Component", from: "1-1", to: undefined, change: "Removed" },
      { name: "package:c", kind: "Component", from: undefined, to: "1-1", change: "Added" },
      { name: "drain", kind: "Setting", from: "IfDisruptive", to: "Always", change: "Changed" },
    ]);
    expect(diffLevels(b.spec, b.spec)).toEqual([]);
  });

  it("compares image tags by their order and digests as other images", () => {
    const tagged = (tag: string) => levelOf({ baseline: imageBaseline([{ repository: "r.example.com/a", tag }]) }).spec;
    const digest = levelOf({
      baseline: imageBaseline([{ repository: "r.example.com/a", digest: `sha256:${"1".repeat(64)}` }]),
    }).spec;
    expect(diffLevels(tagged("1.9.0"), tagged("1.10.0"))).toMatchObject([
      { name: "image:r.example.com/a", change: "Raised" },
    ]);
    expect(diffLevels(tagged("1.9.0"), digest)).toMatchObject([{ change: "Changed" }]);
    expect(diffLevels(undefined, digest).every((change) => change.change === "Added")).toBe(true);
  });
});

describe("packageSchemeOf", () => {
  it.each([
    ["ubuntu", "dpkg"],
    ["debian", "dpkg"],
    ["rocky", "rpm"],
    ["rhel", "rpm"],
    ["fedora", "rpm"],
    ["amzn", "rpm"],
    ["sles", "rpm"],
    ["opensuse-leap", "rpm"],
    ["alpine", "apk"],
    ["flatcar", undefined],
    ["bottlerocket", undefined],
    ["talos", undefined],
  ])("%s: %s", (id, scheme) => {
    expect(packageSchemeOf({ id })).toBe(scheme);
  });
});
