// What is kept of an inventory report: what is named, a digest of the rest, and nothing that a node could do harm with.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InventoryReport } from "../../controller/inventory/report.ts";
import { storeInventory } from "../../controller/inventory/store-inventory.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");

const report: InventoryReport = {
  osRelease: { id: "ubuntu", versionId: "22.04" },
  kernel: { running: "5.15.0-91-generic", installed: ["5.15.0-125-generic", "5.15.0-91-generic"] },
  packages: {
    scheme: "dpkg",
    installed: [
      { name: "openssl", version: "3.0.2-0ubuntu1.15" },
      { name: "libc6", version: "2.35-0ubuntu3.9" },
      { name: "libc6", version: "2.35-0ubuntu3.8" },
      { name: "bash", version: "5.1-6" },
    ],
  },
  offered: [
    { name: "openssl", version: "3.0.2-0ubuntu1.18" },
    { name: "openssl", version: "3.0.2-0ubuntu1.19" },
    { name: "bash", version: "5.1-6ubuntu1" },
  ],
  reboot: { required: true, causes: ["linux-base"] },
};
const named = { packages: ["openssl", "curl", "libc6"], followsOffered: false, now: NOW };

describe("storeInventory", () => {
  it("keeps what is named, with the version that still needs the patch, and what is not there as empty", () => {
    expect(storeInventory(report, named)).toEqual({
      time: "2026-11-21T12:00:00.000Z",
      digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      osId: "ubuntu",
      osVersionId: "22.04",
      scheme: "dpkg",
      installedKernels: ["5.15.0-125-generic", "5.15.0-91-generic"],
      rebootRequired: true,
      packages: [
        { name: "curl", version: "" },
        { name: "libc6", version: "2.35-0ubuntu3.8" },
        { name: "openssl", version: "3.0.2-0ubuntu1.15" },
      ],
      offered: [{ name: "openssl", version: "3.0.2-0ubuntu1.19" }],
    });
  });

  it("keeps everything on offer, and what is installed of it, for a baseline that follows it", () => {
    const stored = storeInventory(report, { packages: [], followsOffered: true, now: NOW });
    expect(stored.offered?.map((one) => one.name)).toEqual(["bash", "openssl"]);
    expect(stored.packages).toEqual([
      { name: "bash", version: "5.1-6" },
      { name: "openssl", version: "3.0.2-0ubuntu1.15" },
    ]);
  });

  it("takes the newest of kernels that rpm keeps side by side", () => {
    const installed = ["5.14.0-362.8.1.el9_3", "5.14.0-427.13.1.el9_4"].map((version) => ({
      name: "kernel-core",
      version,
    }));
    const rocky: InventoryReport = { ...report, packages: { scheme: "rpm", installed } };
    expect(storeInventory(rocky, { ...named, packages: ["kernel-core"] }).packages).toEqual([
      { name: "kernel-core", version: "5.14.0-427.13.1.el9_4" },
    ]);
  });

  it("does not depend on the order of the report, and tells change from no change", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...report.packages.installed], { minLength: 4 }), (installed) => {
        const turned: InventoryReport = {
          ...report,
          packages: { scheme: "dpkg", installed },
          offered: [...report.offered].reverse(),
          kernel: { ...report.kernel, installed: [...report.kernel.installed].reverse() },
        };
        expect(storeInventory(turned, named)).toEqual(storeInventory(report, named));
      }),
    );
    const changed = {
      ...report,
      packages: { scheme: "dpkg" as const, installed: report.packages.installed.slice(0, 3) },
    };
    expect(storeInventory(changed, named).digest).not.toBe(storeInventory(report, named).digest);
  });

  it("bounds what a node writes", () => {
    const hostile: InventoryReport = {
      ...report,
      osRelease: { id: `\u001b[2J${"x".repeat(500)}`, versionId: "" },
      kernel: { running: "", installed: Array.from({ length: 500 }, (_, index) => `5.15.0-${index}-generic`) },
      offered: Array.from({ length: 5000 }, (_, index) => ({ name: `p${index}`, version: "1" })),
    };
    const stored = storeInventory(hostile, { ...named, followsOffered: true });
    expect(stored.osId).toHaveLength(64);
    expect(stored.osId).not.toContain("\u001b");
    expect(stored.installedKernels).toHaveLength(32);
    expect(stored.installedKernels).toContain("5.15.0-499-generic");
    expect(stored.packages.length).toBeLessThanOrEqual(1024);
    expect(stored.offered?.length).toBeLessThanOrEqual(1024);
  });
});
