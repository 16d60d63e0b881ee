// MicroOS' recipe against fakes of zypper, transactional-update, rpm, btrfs and findmnt: the running snapshot never changes.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeHost, makeHost } from "./support/placed-host.ts";

const WANT = { RINGWARD_PACKAGES: "openssl=3.2.0-2.1 absent=1-1", RINGWARD_KERNEL: "6.9.7-1-default" };
let host: FakeHost;

beforeEach(() => {
  const tools = ["zypper", "transactional-update", "rpm", "btrfs", "findmnt", "uname"];
  host = makeHost("transactional-update", {
    ...Object.fromEntries(tools.map((tool) => [tool, "transactional-update/host"])),
    "systemd-run": "transactional-update/systemd",
    systemctl: "transactional-update/systemd",
  });
  host.set("release", "6.9.5-1-default");
  host.set("snapshots/1", "openssl 3.2.0-1.1\nkernel-default 6.9.5-1.1\nkubernetes-kubelet 1.31.0-1.2");
  host.set("current", "1");
  host.set("default", "1");
  host.set("repo", "openssl 3.2.0-2.1\nopenssl 3.2.0-1.1\nkernel-default 6.9.7-1.1\nkubernetes-kubelet 1.31.4-1.1");
  host.set("/etc/os-release", 'ID="opensuse-microos"\nVERSION_ID="20241216"\nPRETTY_NAME="openSUSE MicroOS"');
});
afterEach(() => host.remove());

const changes = (): readonly string[] => host.calls().filter((call) => call.startsWith("transactional-update"));

describe("the recipe for transactional-update (preview)", () => {
  it("downloads first, installs into a new snapshot in a unit of the host, and asks for a boot", async () => {
    expect(await host.run("stage", WANT)).toMatchObject({ code: 0 });
    expect(host.calls().some((call) => call.includes("install --download-only openssl=3.2.0-2.1"))).toBe(true);
    expect(changes()).toEqual([]);
    expect((await host.inventory()).reboot.required).toBe(false);

    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect(host.get("snapshots/1")).toContain("openssl 3.2.0-1.1");
    expect(host.get("snapshots/2")).toContain("openssl 3.2.0-2.1\n");
    expect(host.get("snapshots/2")).toContain("kernel-default 6.9.7-1.1");
    expect(host.get("units")).toContain("--unit=ringward-step");
    expect((await host.inventory()).reboot).toEqual({ required: true, causes: ["snapshot /.snapshots/2/snapshot"] });

    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });
    expect(host.get("units")).toContain("--on-active=2 systemctl reboot");
    host.set("current", "2");
    expect((await host.inventory()).reboot.required).toBe(false);
  }, 60_000);

  it("does finished work once, also in another attempt before the boot", async () => {
    await host.run("update", WANT);
    expect(await host.run("update", { ...WANT, RINGWARD_ATTEMPT: "2" })).toMatchObject({ code: 0 });

    expect(changes().length).toBe(1);
  }, 60_000);

  it("ends with 69 and makes no snapshot where no source has the version", async () => {
    const ended = await host.run("update", { RINGWARD_PACKAGES: "openssl=3.2.0-9.9" });

    expect(ended).toMatchObject({ code: 69, message: "VersionNotAvailable: no source has openssl=3.2.0-9.9" });
    expect(changes()).toEqual([]);
  });

  it("does not know what cannot be had while the sources cannot be read", async () => {
    host.set("offline", "yes");
    const { code, message } = await host.run("stage", WANT);

    expect([code, message]).toEqual([1, "NotFetched: the sources cannot be read: Repository 'repo-oss' is invalid."]);
  });

  it("finds the kubelet that nodeInfo names, and keeps what is newer", async () => {
    const update = await host.run("update", { RINGWARD_KUBELET: "v1.31.4", RINGWARD_PACKAGES: "openssl=3.1.0-1.1" });

    expect(update.code).toBe(0);
    expect(host.get("snapshots/2")).toContain("kubernetes-kubelet 1.31.4-1.1");
    expect(host.get("snapshots/2")).toContain("openssl 3.2.0-1.1");
  });

  it("waits for zypp's lock", async () => {
    host.set("locked", "3");
    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
  });

  it("goes back to older packages only in a rollback", async () => {
    await host.run("update", WANT);
    host.set("current", "2");
    const older = { RINGWARD_PACKAGES: "openssl=3.2.0-1.1", RINGWARD_CLAIM: "claim-2" };
    expect(await host.run("update", older)).toMatchObject({ code: 0 });
    expect(changes().length).toBe(1);

    expect(await host.run("rollback", older)).toMatchObject({ code: 0 });
    expect(host.get("snapshots/3")).toContain("openssl 3.2.0-1.1");
  }, 60_000);

  it("never takes an exit code for success", async () => {
    host.set("forgets", "yes");
    expect((await host.run("update", WANT)).message).toMatch(/^NotInstalled: .* left no new snapshot$/);

    host.set("broken", "yes");
    expect((await host.run("update", { ...WANT, RINGWARD_ATTEMPT: "2" })).message).toMatch(/^InstallFailed: ERROR/);

    host.set("no-btrfs", "yes");
    await expect(host.inventory()).rejects.toThrow("RebootNeedUnknown");
  }, 60_000);

  it("reports what runs and what is on offer", async () => {
    const { osRelease, packages, offered } = await host.inventory();

    expect(osRelease.id).toBe("opensuse-microos");
    expect(packages.installed).toContainEqual({ name: "openssl", version: "3.2.0-1.1" });
    expect(offered).toContainEqual({ name: "openssl", version: "3.2.0-2.1" });
  });
});
