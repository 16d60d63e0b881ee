// What recipe containers do to simulated hosts, called as the kubelet actor calls them.
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import type { UpdateRecipe } from "../../../controller/api/update-recipe.ts";
import { parseReport } from "../../../controller/inventory/report.ts";
import type { InventoryReport } from "../../../controller/inventory/report.ts";
import { oldImage, quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { bootIdOf } from "../../../controller/sandbox/nodes/machine.ts";
import { createMachines } from "../../../controller/sandbox/nodes/machines.ts";
import type { Machines } from "../../../controller/sandbox/nodes/machines.ts";
import type { ProgramResult } from "../../../controller/sandbox/nodes/program.ts";

const NOW = Date.parse("2024-12-16T06:00:00Z");

function machines(): Machines {
  const specs = (["ubuntu", "rocky", "flatcar"] as const).map((name) => ({ name, labels: {}, image: oldImage(name) }));
  return createMachines(specs, quickstartCatalogue());
}

function run(all: Machines, name: string, tool: string, step: string, env: Record<string, string> = {}): ProgramResult {
  return all.run(name, { command: [`/recipe/${tool}`], args: [step], env }, NOW);
}

function inventory(all: Machines, name: string, tool: string): InventoryReport {
  const result = parseReport(run(all, name, tool, "inventory").log);
  if (!result.ok) throw new Error(result.message);
  return result.report;
}

function version(report: InventoryReport, name: string): string | undefined {
  return report.packages.installed.find((one) => one.name === name)?.version;
}

describe("an Ubuntu host", () => {
  it("plays a recipe of policies/recipes/, whose script is in the command, by the name that the script goes by", () => {
    const all = machines();
    const text = readFileSync(new URL("../../../policies/recipes/apt-ubuntu.yaml", import.meta.url), "utf8");
    const { steps } = (load(text) as UpdateRecipe).spec;
    const [shell = "", ...args] = steps?.update?.command ?? [];
    const env = { RINGWARD_PACKAGES: "openssl=3.0.2-0ubuntu1.18" };

    expect(all.run("ubuntu", { command: [shell], args, env }, NOW).exitCode).toBe(0);
    expect(version(inventory(all, "ubuntu", "apt"), "openssl")).toBe("3.0.2-0ubuntu1.18");
  });

  it("prints an inventory that the controller's reader understands", () => {
    const report = inventory(machines(), "ubuntu", "apt");

    expect(report.osRelease).toMatchObject({ id: "ubuntu", versionId: "22.04" });
    expect(report.kernel).toEqual({ running: "5.15.0-119-generic", installed: ["5.15.0-119-generic"] });
    expect(report.packages.scheme).toBe("dpkg");
    expect(report.packages.installed.length).toBeGreaterThan(35);
    expect(report.offered).toContainEqual({ name: "libssl3", version: "3.0.2-0ubuntu1.18" });
    expect(report.reboot.required).toBe(false);
  });

  it("installs exactly the named versions and nothing else", () => {
    const all = machines();
    const before = inventory(all, "ubuntu", "apt");

    const result = run(all, "ubuntu", "apt", "update", {
      RINGWARD_PACKAGES: "openssl=3.0.2-0ubuntu1.18 curl=7.81.0-1ubuntu1.18 not-there=1.0",
    });

    const after = inventory(all, "ubuntu", "apt");
    expect(result.exitCode).toBe(0);
    expect(version(after, "openssl")).toBe("3.0.2-0ubuntu1.18");
    expect(version(after, "curl")).toBe("7.81.0-1ubuntu1.18");
    expect(version(after, "not-there")).toBeUndefined();
    const changed = after.packages.installed.filter(({ name, version: now }) => version(before, name) !== now);
    expect(changed.map(({ name }) => name)).toEqual(["curl", "openssl"]);
  });

  it("fails with apt's words when the source does not have a version, and changes nothing", () => {
    const all = machines();
    const before = all.get("ubuntu");

    const result = run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "openssl=3.0.2-0ubuntu1.18 curl=9.9.9" });

    expect(result.exitCode).toBe(69);
    expect(result.log).toContain("E: Version '9.9.9' for 'curl' was not found");
    expect(all.get("ubuntu")).toEqual(before);
  });

  it("does not see what a snapshot did not have yet", () => {
    const all = machines();
    const env = { RINGWARD_PACKAGES: "openssl=3.0.2-0ubuntu1.18" };

    const early = run(all, "ubuntu", "apt", "stage", { ...env, RINGWARD_SOURCE_SNAPSHOT: "20240801T000000Z" });
    const late = run(all, "ubuntu", "apt", "stage", { ...env, RINGWARD_SOURCE_SNAPSHOT: "20241201T000000Z" });

    expect([early.exitCode, late.exitCode]).toEqual([69, 0]);
  });

  it("keeps a new kernel beside the running one until the next boot", () => {
    const all = machines();
    run(all, "ubuntu", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" });

    const pending = inventory(all, "ubuntu", "apt");
    const bootId = bootIdOf(all.get("ubuntu") as never);
    const after = all.boot("ubuntu");

    expect(pending.kernel).toEqual({
      running: "5.15.0-119-generic",
      installed: ["5.15.0-119-generic", "5.15.0-125-generic"],
    });
    expect(pending.reboot).toEqual({ required: true, causes: ["linux-image-5.15.0-125-generic"] });
    expect(after.kernel.running).toBe("5.15.0-125-generic");
    expect(after.rebootCauses).toEqual([]);
    expect(bootIdOf(after)).not.toBe(bootId);
  });

  it("brings the kernel that a meta package follows", () => {
    const all = machines();

    run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "linux-image-generic=5.15.0.125.124" });

    expect(all.get("ubuntu")?.kernel.next).toBe("5.15.0-125-generic");
  });

  it("changes kubelet and containerd at once, with their packages", () => {
    const all = machines();

    run(all, "ubuntu", "apt", "update", {
      RINGWARD_KUBELET: "1.31.4",
      RINGWARD_CONTAINER_RUNTIME: "containerd://1.7.24",
    });

    const report = inventory(all, "ubuntu", "apt");
    expect(all.get("ubuntu")).toMatchObject({
      kubelet: "1.31.4",
      containerRuntime: "containerd://1.7.24",
      rebootCauses: [],
    });
    expect(version(report, "kubelet")).toBe("1.31.4-1.1");
    expect(version(report, "containerd.io")).toBe("1.7.24-1");
  });

  it("does not go back in an update, and does in a rollback", () => {
    const all = machines();
    run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "curl=7.81.0-1ubuntu1.19" });
    const env = { RINGWARD_PACKAGES: "curl=7.81.0-1ubuntu1.18" };

    const kept = run(all, "ubuntu", "apt", "update", env);
    expect(kept.log).toContain("already newer");
    expect(version(inventory(all, "ubuntu", "apt"), "curl")).toBe("7.81.0-1ubuntu1.19");

    run(all, "ubuntu", "apt", "rollback", env);
    expect(version(inventory(all, "ubuntu", "apt"), "curl")).toBe("7.81.0-1ubuntu1.18");
  });

  it("undoes the last update when a rollback names nothing", () => {
    const all = machines();
    const before = inventory(all, "ubuntu", "apt");
    run(all, "ubuntu", "apt", "update", {
      RINGWARD_PACKAGES: "curl=7.81.0-1ubuntu1.19",
      RINGWARD_KERNEL: "5.15.0-125-generic",
    });

    run(all, "ubuntu", "apt", "rollback");

    expect(inventory(all, "ubuntu", "apt").packages).toEqual(before.packages);
    expect(all.get("ubuntu")?.kernel.next).toBe("5.15.0-119-generic");
  });

  it("refuses a program that was meant for another node, or for another system", () => {
    const all = machines();

    expect(run(all, "ubuntu", "apt", "update", { RINGWARD_NODE_NAME: "rocky" }).exitCode).toBe(78);
    expect(run(all, "ubuntu", "dnf", "update").exitCode).toBe(127);
    expect(run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "curl" }).exitCode).toBe(64);
  });
});

describe("a Rocky host", () => {
  it("updates by dnf to the versions of its release", () => {
    const all = machines();
    const env = {
      RINGWARD_KERNEL: "5.14.0-427.42.1.el9_4.x86_64",
      RINGWARD_PACKAGES: "openssl=1:3.0.7-28.el9_4",
      RINGWARD_SOURCE_RELEASE_VERSION: "9.4",
    };

    const result = run(all, "rocky", "dnf", "update", env);

    const report = inventory(all, "rocky", "dnf");
    expect(result.exitCode).toBe(0);
    expect(report.packages.scheme).toBe("rpm");
    expect(version(report, "openssl")).toBe("1:3.0.7-28.el9_4");
    expect(report.kernel.installed).toContain("5.14.0-427.42.1.el9_4.x86_64");
    expect(report.reboot.required).toBe(true);
  });

  it("finds nothing of a later release", () => {
    const env = { RINGWARD_PACKAGES: "openssl=1:3.0.7-28.el9_4", RINGWARD_SOURCE_RELEASE_VERSION: "9.3" };

    const result = run(machines(), "rocky", "dnf", "update", env);

    expect(result.exitCode).not.toBe(0);
    expect(result.log).toContain("Unable to find a match: openssl-1:3.0.7-28.el9_4");
  });
});

describe("a Flatcar host", () => {
  it("writes an image to the other partition and takes it at the next boot", () => {
    const all = machines();

    const result = run(all, "flatcar", "flatcar", "update", { RINGWARD_OS_IMAGE: "3975.2.2" });
    expect(result.exitCode).toBe(0);
    expect(all.get("flatcar")?.osRelease.versionId).toBe("3815.2.5");
    expect(inventory(all, "flatcar", "flatcar").reboot.required).toBe(true);

    all.boot("flatcar");
    expect(inventory(all, "flatcar", "flatcar")).toMatchObject({
      osRelease: { versionId: "3975.2.2" },
      kernel: { running: "6.6.54-flatcar" },
      reboot: { required: false },
    });
  });

  it("goes back by switching partitions", () => {
    const all = machines();
    run(all, "flatcar", "flatcar", "update", { RINGWARD_OS_IMAGE: "3975.2.2" });
    all.boot("flatcar");

    run(all, "flatcar", "flatcar", "rollback");
    all.boot("flatcar");

    expect(all.get("flatcar")).toMatchObject({
      osRelease: { versionId: "3815.2.5" },
      kernel: { running: "6.1.96-flatcar" },
    });
  });

  it("boots what it runs when an update is taken back before the boot", () => {
    const all = machines();
    run(all, "flatcar", "flatcar", "update", { RINGWARD_OS_IMAGE: "3975.2.2" });

    run(all, "flatcar", "flatcar", "rollback");
    all.boot("flatcar");

    expect(all.get("flatcar")).toMatchObject({ osRelease: { versionId: "3815.2.5" }, rebootCauses: [] });
  });

  it("refuses an unknown image and one with another digest", () => {
    const all = machines();

    expect(run(all, "flatcar", "flatcar", "update", { RINGWARD_OS_IMAGE: "9999.0.0" }).exitCode).toBe(69);
    const wrong = { RINGWARD_OS_IMAGE: "3975.2.2", RINGWARD_SOURCE_OS_IMAGE_DIGEST: `sha256:${"0".repeat(64)}` };
    expect(run(all, "flatcar", "flatcar", "update", wrong).exitCode).toBe(101);
    expect(all.get("flatcar")?.otherImage).toBeUndefined();
  });
});

describe("troubles", () => {
  it("drops an update that says it went well", () => {
    const all = machines();
    all.dropUpdate("ubuntu");

    const result = run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "curl=7.81.0-1ubuntu1.19" });

    expect(result.exitCode).toBe(0);
    expect(version(inventory(all, "ubuntu", "apt"), "curl")).toBe("7.81.0-1ubuntu1.17");
  });

  it("says a wrong exit code of an update that was made", () => {
    const all = machines();
    all.lieWith("ubuntu", 143);

    const result = run(all, "ubuntu", "apt", "update", { RINGWARD_PACKAGES: "curl=7.81.0-1ubuntu1.19" });

    expect(result.exitCode).toBe(143);
    expect(version(inventory(all, "ubuntu", "apt"), "curl")).toBe("7.81.0-1ubuntu1.19");
  });

  it("boots the kernel that ran before, until it is repaired", () => {
    const all = machines();
    all.bootOldKernel("ubuntu");
    run(all, "ubuntu", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" });

    expect(all.boot("ubuntu").kernel.running).toBe("5.15.0-119-generic");
    all.repair("ubuntu");
    expect(all.boot("ubuntu").kernel.running).toBe("5.15.0-125-generic");
  });

  it("prints no report, or one that cannot be read, where looks at the machine go wrong", () => {
    const all = machines();
    all.blind("rocky", "Fails");
    expect(run(all, "rocky", "dnf", "inventory").exitCode).toBe(1);

    all.blind("rocky", "Garbled");
    const garbled = run(all, "rocky", "dnf", "inventory");
    expect(garbled.exitCode).toBe(0);
    expect(parseReport(garbled.log)).toMatchObject({ ok: false });

    all.repair("rocky");
    expect(version(inventory(all, "rocky", "dnf"), "curl")).toBe("7.76.1-29.el9_4");
  });

  it("says that it reboots and goes on", () => {
    const all = machines();
    all.deafToReboot("flatcar");

    const result = run(all, "flatcar", "flatcar", "reboot");

    expect(result.exitCode).toBe(0);
    expect(result.reboots).toBeUndefined();
  });

  it("puts every machine and trouble back from a snapshot", () => {
    const all = machines();
    const saved = all.snapshot();
    run(all, "ubuntu", "apt", "update", { RINGWARD_KERNEL: "5.15.0-125-generic" });
    all.vanish("rocky");
    all.dropUpdate("flatcar");

    all.restore(JSON.parse(JSON.stringify(saved)));

    expect(all.get("ubuntu")?.kernel.next).toBe("5.15.0-119-generic");
    expect(all.get("rocky")?.power).toEqual({ state: "up" });
    expect(all.trouble("flatcar")).toEqual({});
  });
});
