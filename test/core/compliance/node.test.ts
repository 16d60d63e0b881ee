// Every row of the state table for nodes (research: patch-semantics.md §9 in DESIGN's words; the first that fits counts).
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NodePatchStateStatus, STATES } from "../../../controller/api/patch-state.ts";
import { assessNode, isCompliant, worstState } from "../../../controller/core/compliance/index.ts";
import type { Assessment, NodeAsset } from "../../../controller/core/model.ts";
import { levelOf, nodeBaseline } from "../levels/fixtures.ts";
import { assess, exception, HOUR, inventoried, iso, MINUTE, node, NOW } from "./fixtures.ts";

const openssl = { minimum: { packages: [{ name: "openssl", version: "3.0.2-0ubuntu1.19" }] } };
const kernel = { minimum: { kernels: [{ series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" }] } };
const kubelet = { minimum: { kubelet: "v1.33.6" } };

const show = ({ state, reason, offTarget }: Assessment): string =>
  `${state}${reason ? `(${reason})` : ""}${offTarget ? "!" : ""}`;
const openSsl = (version: string) => inventoried({ openssl: version });
const OLD = openSsl("3.0.2-0ubuntu1.15");
const AT = openSsl("3.0.2-0ubuntu1.19");
const ABOVE = openSsl("3.0.2-0ubuntu1.20");

const digest = levelOf({ baseline: nodeBaseline(openssl) }).digest;
const verified = [{ baseline: "ubuntu-2204", digest, time: iso(NOW - HOUR) }];
const operation = (reason: string, of: string = digest) => ({
  claimId: "c",
  ring: "r",
  baseline: "ubuntu-2204",
  level: "l",
  digest: of,
  startedTime: iso(NOW - HOUR),
  stepTime: iso(NOW - HOUR),
  attempt: 1,
  step: "Updating" as const,
  bootId: "boot-1",
  failure: { reason, message: "it broke", time: iso(NOW) },
});

describe("unknown is never success", () => {
  it.each([
    ["no inventory", undefined, "Unknown(InventoryMissing)"],
    [
      "no inventory, with why",
      { inventoryProblem: { reason: "InventoryTruncated", message: "", time: iso(NOW) } },
      "Unknown(InventoryTruncated)",
    ],
    [
      "no inventory, with a word that is no reason",
      { inventoryProblem: { reason: "Nonsense", message: "", time: iso(NOW) } },
      "Unknown(InventoryMissing)",
    ],
    [
      "inventory of exactly a day",
      inventoried({ openssl: "3.0.2-0ubuntu1.19" }, { time: iso(NOW - 24 * HOUR) }),
      "Installed",
    ],
    [
      "inventory older than a day",
      inventoried({ openssl: "3.0.2-0ubuntu1.19" }, { time: iso(NOW - 24 * HOUR - 1) }),
      "Unknown(InventoryStale)",
    ],
    [
      "inventory without a time",
      inventoried({ openssl: "3.0.2-0ubuntu1.19" }, { time: "yesterday" }),
      "Unknown(InventoryStale)",
    ],
    ["a package that the report was not asked for", inventoried({ curl: "1" }), "Unknown(InventoryMissing)"],
    [
      "another package order",
      inventoried({ openssl: "3.0.2-0ubuntu1.19" }, { scheme: "rpm" }),
      "Unknown(NotComparable)",
    ],
    ["a version that is none", openSsl("not a version"), "Unknown(NotComparable)"],
    ["an inventory of another node of that name", { ...AT, targetUID: "uid-other" }, "Unknown(InventoryMissing)"],
    ["a package that is not installed", openSsl(""), "NotApplicable"],
  ])("%s", (_what, stored, expected) => {
    expect(show(assess(openssl, node(), stored))).toBe(expected);
  });

  it("keeps to the baseline's own staleAfter", () => {
    const strict = { ...openssl, inventory: { staleAfter: "30m" } };
    expect(show(assess(strict, node(), AT))).toBe("Unknown(InventoryStale)");
  });

  it("shows the stale version, but does not believe it", () => {
    const stored = inventoried({ openssl: "3.0.2-0ubuntu1.19" }, { time: iso(NOW - 48 * HOUR) });
    expect(assess(openssl, node(), stored).components).toMatchObject([
      { running: "3.0.2-0ubuntu1.19", state: "Unknown" },
    ]);
  });

  it.each<[string, Partial<NodeAsset>, string]>([
    ["the Lease is five minutes old", { heardAt: NOW - 5 * MINUTE }, "Installed"],
    ["the Lease is older", { heardAt: NOW - 5 * MINUTE - 1 }, "Unknown(InventoryStale)"],
    ["no Lease and Ready", { heardAt: undefined }, "Installed"],
    ["no Lease and not Ready", { heardAt: undefined, ready: false }, "Unknown(InventoryStale)"],
    ["the Lease is of a clock that is ahead", { heardAt: NOW + HOUR }, "Installed"],
    ["no kubelet version", { kubeletVersion: "" }, "Unknown(NotComparable)"],
    ["a hash for a kubelet version", { kubeletVersion: "deadbeef" }, "Unknown(NotComparable)"],
  ])("nodeInfo: %s", (_what, rest, expected) => {
    expect(show(assess(kubelet, node(rest)))).toBe(expected);
  });

  it("is what a node without a level, or with a forged one, is", () => {
    expect(show(assess(openssl, node(), AT, { level: undefined, approved: false }))).toBe("Unknown(LevelMissing)");
    expect(show(assess(openssl, node(), AT, { level: undefined, missing: "ReferenceMissing" }))).toBe(
      "Unknown(ReferenceMissing)",
    );
    const level = { ...levelOf({ baseline: nodeBaseline(openssl) }), mismatch: "forged" };
    expect(assess(openssl, node(), AT, { level })).toMatchObject({
      state: "Unknown",
      reason: "LevelDigestMismatch",
      approved: false,
    });
  });
});

describe("at the level or above", () => {
  it.each([
    ["at, Floor", AT, {}, "Installed"],
    ["above, Floor", ABOVE, {}, "Installed"],
    ["at, Exact", AT, { enforce: "Exact" as const }, "Installed"],
    ["above, Exact", ABOVE, { enforce: "Exact" as const }, "InstalledOther(Drifted)!"],
    ["at, not approved", AT, { approved: false }, "InstalledOther"],
    ["above, not approved", ABOVE, { approved: false, enforce: "Exact" as const }, "InstalledOther"],
    ["at, withdrawn, Floor", AT, { withdrawn: true }, "InstalledOther"],
    ["at, withdrawn, Exact", AT, { withdrawn: true, enforce: "Exact" as const }, "InstalledRejected"],
    ["above, withdrawn, Exact", ABOVE, { withdrawn: true, enforce: "Exact" as const }, "InstalledOther"],
    [
      "above, Exact, excepted",
      ABOVE,
      { enforce: "Exact" as const, exceptions: [exception({})] },
      "InstalledOther(Drifted)",
    ],
    ["at, after a failure", { ...AT, operation: operation("StepFailed") }, {}, "Installed"],
  ])("%s", (_what, stored, rest, expected) => {
    expect(show(assess(openssl, node(), stored, rest))).toBe(expected);
  });
});

describe("below the level", () => {
  it.each([
    ["nothing else", OLD, {}, "Missing"],
    ["excepted", OLD, { exceptions: [exception({})] }, "Exempt"],
    ["excepted until this instant", OLD, { exceptions: [exception({ expirationTime: iso(NOW) })] }, "Missing"],
    ["excepted until the next", OLD, { exceptions: [exception({ expirationTime: iso(NOW + 1) })] }, "Exempt"],
    ["excepted until a time that is none", OLD, { exceptions: [exception({ expirationTime: "never" })] }, "Missing"],
    ["withdrawn", OLD, { withdrawn: true }, "Rejected"],
    ["withdrawn and not approved", OLD, { withdrawn: true, approved: false }, "Rejected"],
    ["not approved", OLD, { approved: false }, "Available"],
    ["not approved, failed before", { ...OLD, operation: operation("StepFailed") }, { approved: false }, "Available"],
    ["failed", { ...OLD, operation: operation("StepTimedOut") }, {}, "Failed(StepTimedOut)"],
    ["failed in words that are no reason", { ...OLD, operation: operation("Whatever") }, {}, "Failed(StepFailed)"],
    ["failed at another level", { ...OLD, operation: operation("StepFailed", "f".repeat(64)) }, {}, "Missing"],
    ["failed and verified before", { ...OLD, verified, operation: operation("StepFailed") }, {}, "Failed(StepFailed)"],
    ["verified before", { ...OLD, verified }, {}, "Missing(Regressed)"],
    [
      "verified before under another baseline",
      { ...OLD, verified: [{ ...verified[0], baseline: "x" } as (typeof verified)[0]] },
      {},
      "Missing",
    ],
    ["verified before, excepted", { ...OLD, verified }, { exceptions: [exception({})] }, "Exempt"],
  ])("%s", (_what, stored, rest, expected) => {
    expect(show(assess(openssl, node(), stored, rest))).toBe(expected);
  });
});

describe("a kernel", () => {
  const running = (kernelVersion: string, installedKernels?: string[], rest: object = {}): string =>
    show(assess(kernel, node({ kernelVersion }), installedKernels && inventoried({}, { installedKernels }), rest));

  it("is compared within its series and flavour only", () => {
    expect(running("5.15.0-125-generic")).toBe("Installed");
    expect(running("5.15.0-91-generic")).toBe("Missing");
    expect(running("5.15.0-130-generic")).toBe("Installed");
    expect(running("5.15.0-91-aws")).toBe("Unknown(KernelNotCovered)");
    expect(running("6.8.0-49-generic")).toBe("Unknown(KernelNotCovered)");
    expect(running("5.15.0-custom")).toBe("Unknown(NotComparable)");
    expect(running("")).toBe("Unknown(NotComparable)");
  });

  it("is pending a reboot when a new enough one is installed but does not run", () => {
    expect(running("5.15.0-91-generic", ["5.15.0-91-generic", "5.15.0-125-generic"])).toBe(
      "InstalledPendingReboot(RebootPending)",
    );
    expect(running("5.15.0-91-generic", ["5.15.0-91-generic", "5.15.0-126-generic"])).toBe(
      "InstalledPendingReboot(RebootPending)",
    );
    expect(running("5.15.0-91-generic", ["5.15.0-91-generic", "5.15.0-124-generic"])).toBe("Missing");
    expect(running("5.15.0-91-generic", ["6.8.0-49-generic", "5.15.0-125-aws"])).toBe("Missing");
    expect(running("5.15.0-125-generic", ["5.15.0-126-generic"])).toBe("Installed");
  });

  it("is not pending by stale inventory", () => {
    const stored = inventoried({}, { installedKernels: ["5.15.0-125-generic"], time: iso(NOW - 48 * HOUR) });
    expect(show(assess(kernel, node({ kernelVersion: "5.15.0-91-generic" }), stored))).toBe("Missing");
  });

  it("is pending before it is asked for, too, but an exception also keeps the node from its reboot", () => {
    const installed = ["5.15.0-125-generic"];
    expect(running("5.15.0-91-generic", installed, { approved: false })).toBe("InstalledPendingReboot(RebootPending)");
    expect(running("5.15.0-91-generic", installed, { exceptions: [exception({ components: ["kernel"] })] })).toBe(
      "Exempt",
    );
  });

  it("is chosen of several lines by what runs", () => {
    const many = {
      minimum: {
        kernels: [
          { series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" },
          { series: "5.15.0", flavour: "aws", version: "5.15.0-1070-aws" },
          { series: "6.8.0", flavour: "generic", version: "6.8.0-49-generic" },
        ],
      },
    };
    const components = (kernelVersion: string) => assess(many, node({ kernelVersion })).components;
    expect(components("5.15.0-1069-aws")).toEqual([
      { name: "kernel", running: "5.15.0-1069-aws", desired: "5.15.0-1070-aws", scheme: "kernel", state: "Missing" },
    ]);
    expect(components("6.8.0-50-generic")).toMatchObject([{ desired: "6.8.0-49-generic", state: "Installed" }]);
    expect(components("6.5.0-1-generic")).toMatchObject([
      { desired: "5.15.0-1070-aws, 5.15.0-125-generic, 6.8.0-49-generic", reason: "KernelNotCovered" },
    ]);
  });

  it("may be written without the architecture that some distributions have for a flavour", () => {
    const rocky = {
      product: { id: "ubuntu" },
      minimum: { kernels: [{ series: "5.14.0", flavour: "", version: "5.14.0-427.13.1.el9_4.x86_64" }] },
    };
    expect(show(assess(rocky, node({ kernelVersion: "5.14.0-362.8.1.el9_3.x86_64" })))).toBe("Missing");
    expect(show(assess(rocky, node({ kernelVersion: "5.14.0-503.14.1.el9_5.x86_64" })))).toBe("Installed");
  });
});

describe("runtime and OS image", () => {
  it.each([
    ["containerd://1.7.24", "containerd://1.7.24", "Installed"],
    ["containerd://1.7.24", "containerd://1.7.9", "Missing"],
    ["containerd://1.7.24", "cri-o://1.33.0", "Unknown(NotComparable)"],
    ["1.7.24", "containerd://1.7.25", "Installed"],
    ["1.6.20", "containerd://1.6.20~ds1", "Installed"],
  ])("runtime: wanted %s, running %s", (wanted, running, expected) => {
    expect(show(assess({ minimum: { containerRuntime: wanted } }, node({ containerRuntimeVersion: running })))).toBe(
      expected,
    );
  });

  it.each([
    ["3975.2.2", "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)", "Installed"],
    ["4081.2.0", "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)", "Missing"],
    ["1.20.0", "Bottlerocket OS 1.21.1 (aws-k8s-1.30)", "Installed"],
    ["Bottlerocket OS 1.20.0 (aws-k8s-1.31)", "Bottlerocket OS 1.21.1 (aws-k8s-1.30)", "Unknown(NotComparable)"],
    ["113.1", "Container-Optimized OS from Google", "Unknown(NotComparable)"],
  ])("OS image: wanted %s, running %s", (wanted, running, expected) => {
    expect(show(assess({ minimum: { osImage: wanted } }, node({ osImage: running })))).toBe(expected);
  });
});

describe("a system that asks for a reboot", () => {
  const asking = (version: string) => inventoried({ openssl: version }, { rebootRequired: true });

  it("is pending once all packages are there", () => {
    const result = assess(openssl, node(), asking("3.0.2-0ubuntu1.19"));
    expect(show(result)).toBe("InstalledPendingReboot(RebootPending)");
    expect(result.components.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "package:openssl Installed",
      "reboot InstalledPendingReboot",
    ]);
  });

  it("is not yet, while packages are missing or unknown, or where none is installed", () => {
    for (const version of ["3.0.2-0ubuntu1.15", "not a version", ""])
      expect(assess(openssl, node(), asking(version)).components).toHaveLength(1);
    expect(assess(kernel, node(), asking("3.0.2-0ubuntu1.19")).components).toHaveLength(1);
  });

  it("is left alone where the policy is never to reboot, or an exception covers it", () => {
    expect(show(assess({ ...openssl, rebootPolicy: "Never" }, node(), asking("3.0.2-0ubuntu1.19")))).toBe("Installed");
    const exceptions = [exception({ components: ["reboot"] })];
    expect(show(assess(openssl, node(), asking("3.0.2-0ubuntu1.19"), { exceptions }))).toBe("Exempt");
  });
});

describe("an update that a person kept from being booted", () => {
  const image = { minimum: { osImage: "4081.2.0" } };
  const old = { osImage: "Flatcar Container Linux by Kinvolk 3975.2.2 (Oklo)" };
  const wanted = levelOf({ baseline: nodeBaseline(image) }).digest;
  const left = (bootId = "boot-1", of: string = wanted, baseline = "ubuntu-2204") => ({
    pendingReboot: [{ baseline, digest: of, bootId, time: iso(NOW - HOUR) }],
  });

  it("is pending in that boot, at that level, under that baseline, and by no inventory that knows better", () => {
    const state = (stored: NodePatchStateStatus, running = old): string => show(assess(image, node(running), stored));

    expect(state(left())).toBe("InstalledPendingReboot(RebootPending)");
    expect(state(left("boot-0"))).toBe("Missing");
    expect(state(left("boot-1", "other"))).toBe("Missing");
    expect(state(left("boot-1", wanted, "other"))).toBe("Missing");
    expect(state(left(), { osImage: "Flatcar Container Linux by Kinvolk 4081.2.0 (Oklo)" })).toBe("Installed");
    expect(state({ ...left(), ...inventoried({}) })).toBe("Missing");
    expect(state({ ...left(), ...inventoried({}, { rebootRequired: true }) })).toBe(
      "InstalledPendingReboot(RebootPending)",
    );
    expect(state({ ...left(), targetUID: "uid-other" })).toBe("Missing");
  });

  it("counts from the operation that ends so, and not where it failed", () => {
    const { failure, ...under } = { ...operation("StepFailed", wanted), step: "Updated" as const };

    expect(show(assess(image, node(old), { operation: { ...under, noReboot: true } }))).toBe(
      "InstalledPendingReboot(RebootPending)",
    );
    expect(show(assess(image, node(old), { operation: under }))).toBe("Missing");
    expect(show(assess(image, node(old), { operation: { ...under, noReboot: true, failure } }))).toBe(
      "Failed(StepFailed)",
    );
  });
});

describe("exceptions", () => {
  it.each([
    ["by name", { targets: { kind: "Node" as const, names: ["worker-1"] } }, "Exempt"],
    ["of another name", { targets: { kind: "Node" as const, names: ["worker-2"] } }, "Missing"],
    ["by label", { targets: { kind: "Node" as const, selector: { matchLabels: { pool: "blue" } } } }, "Exempt"],
    [
      "by name and another label",
      { targets: { kind: "Node" as const, names: ["worker-1"], selector: { matchLabels: { pool: "red" } } } },
      "Missing",
    ],
    ["by nothing", { targets: { kind: "Node" as const } }, "Missing"],
    ["for workloads", { targets: { kind: "Workload" as const, names: ["worker-1"] } }, "Missing"],
    ["under this baseline", { baseline: "ubuntu-2204" }, "Exempt"],
    ["under another baseline", { baseline: "other" }, "Missing"],
    ["of this component", { components: ["package:openssl"] }, "Exempt"],
    ["of another component", { components: ["package:curl"] }, "Missing"],
  ])("%s", (_what, spec, expected) => {
    expect(show(assess(openssl, node(), OLD, { exceptions: [exception(spec)] }))).toBe(expected);
  });
});

describe("an asset", () => {
  it("is as its worst component is", () => {
    for (const [index, state] of STATES.entries())
      for (const other of STATES.slice(index)) expect(worstState([other, state, "NotApplicable"])).toBe(state);
    expect(worstState([])).toBe("NotApplicable");
  });

  it("is compliant in six states and no others", () => {
    expect(STATES.filter(isCompliant)).toEqual([
      "Exempt",
      "Available",
      "InstalledOther",
      "Installed",
      "Rejected",
      "NotApplicable",
    ]);
  });

  const packages = ["a", "b", "c", "d"];
  const version = fc.constantFrom("", "1-1", "2-1", "3-1", "x y");

  it("gives the same bytes whatever the order of any list (R6)", () => {
    const baselineNode = {
      minimum: {
        kubelet: "v1.33.6",
        kernels: [
          { series: "5.15.0", flavour: "generic", version: "5.15.0-125-generic" },
          { series: "6.8.0", flavour: "generic", version: "6.8.0-49-generic" },
        ],
        packages: packages.map((name) => ({ name, version: "2-1" })),
      },
    };
    const baseline = nodeBaseline(baselineNode);
    const level = levelOf({ baseline });
    fc.assert(
      fc.property(
        fc.record({ a: version, b: version, c: version, d: version }),
        fc.boolean(),
        fc.boolean(),
        fc.constantFrom("Floor" as const, "Exact" as const),
        (installed, approved, withdrawn, enforce) => {
          const stored = inventoried(installed, { rebootRequired: true });
          const exceptions = [exception({ components: ["package:a"] }), exception({ components: ["package:b"] })];
          const input = { node: node(), stored, baseline, level, approved, withdrawn, enforce, exceptions, now: NOW };
          const reversed = {
            ...input,
            exceptions: [...exceptions].reverse(),
            stored: { inventory: { ...stored.inventory, packages: [...stored.inventory.packages].reverse() } },
            level: {
              ...level,
              spec: {
                ...level.spec,
                node: level.spec.node && { ...level.spec.node, components: [...level.spec.node.components].reverse() },
              } as typeof level.spec,
            },
          };
          expect(JSON.stringify(assessNode(reversed))).toBe(JSON.stringify(assessNode(input)));
        },
      ),
    );
  });
});
