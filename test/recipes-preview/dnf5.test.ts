// The dnf5 recipe (preview) against fakes of dnf5, rpm and systemctl. It was never run on Fedora.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Env, type FakeHost, makeHost } from "./support/host.ts";

const LEVEL: Env = {
  RINGWARD_CLAIM: "canary-1",
  RINGWARD_ATTEMPT: "1",
  RINGWARD_PACKAGES: "openssl=1:3.2.2-7.fc41 not-here=1.0-1",
};
const KERNEL = "6.11.4-301.fc41.x86_64";

let host: FakeHost;

beforeEach(() => {
  host = makeHost(
    "dnf5",
    {
      "etc/os-release": 'ID=fedora\nVERSION_ID=41\nPRETTY_NAME="Fedora Linux 41"\n',
      "state/uname": `${KERNEL}\n`,
      [`lib/modules/${KERNEL}/vmlinuz`]: "",
      "state/rpm":
        "openssl 1:3.2.2-5.fc41\nbash 5.2.32-1.fc41\nkubelet 1.31.0-150500.1.1\nkernel-core 6.11.4-301.fc41\nkernel 6.11.4-301.fc41\n",
      "state/repo":
        "openssl 1:3.2.2-5.fc41\nopenssl 1:3.2.2-7.fc41\nopenssl 1:3.2.2-9.fc41\nbash 5.2.37-1.fc41\nkubelet 1.31.4-150500.1.1\nkernel-core 6.12.5-200.fc41\nkernel 6.12.5-200.fc41\n",
    },
    { LOCK_WAIT_SECONDS: "1" },
  );
});

afterEach(() => host.remove());

const installs = (): readonly string[] =>
  host.lines("state/asked").filter((line) => /\b(install|downgrade)\b/.test(line) && !line.includes("--downloadonly"));

describe("a level's packages", () => {
  it("are downloaded by stage and installed exactly by update, from the disk", async () => {
    const staged = await host.run("stage", LEVEL);
    const before = host.lines("state/rpm")[0];
    host.write("state/offline", "");
    const updated = await host.run("update", LEVEL);

    expect([staged.code, before], staged.log).toEqual([0, "openssl 1:3.2.2-5.fc41"]);
    expect([updated.code, host.lines("state/rpm").slice(0, 2)], updated.log).toEqual([
      0,
      ["openssl 1:3.2.2-7.fc41", "bash 5.2.32-1.fc41"],
    ]);
    expect(installs()).toHaveLength(1);
  });

  it("are floors for update and exact for rollback", async () => {
    host.write("state/rpm", "openssl 1:3.2.2-9.fc41\n");
    const updated = await host.run("update", LEVEL);
    const kept = host.lines("state/rpm");
    const back = await host.run("rollback", LEVEL);

    expect([updated.code, kept]).toEqual([0, ["openssl 1:3.2.2-9.fc41"]]);
    expect([back.code, host.lines("state/rpm")], back.log).toEqual([0, ["openssl 1:3.2.2-7.fc41"]]);
  });

  it("bring kernel and kubelet: the kernel beside the running one, and the kubelet is restarted", async () => {
    const wants = { RINGWARD_KERNEL: "6.12.5-200.fc41.x86_64", RINGWARD_KUBELET: "1.31.4" };
    const ended = await host.run("update", { ...LEVEL, ...wants });

    expect(ended.code, ended.log).toBe(0);
    expect(host.lines("state/rpm")).toEqual(
      expect.arrayContaining([
        "kernel-core 6.11.4-301.fc41",
        "kernel-core 6.12.5-200.fc41",
        "kubelet 1.31.4-150500.1.1",
      ]),
    );
    expect(host.lines("state/systemctl")).toContain("try-restart kubelet");
    expect((await host.inventory()).reboot).toEqual({ required: true, causes: ["kernel 6.12.5-200.fc41.x86_64"] });
  });
});

describe("nothing is changed", () => {
  it("when the source does not have the version (69), or nobody knows because it cannot be read (1)", async () => {
    const absent = await host.run("update", { ...LEVEL, RINGWARD_PACKAGES: "openssl=1:9.9-1.fc41" });
    host.write("state/offline", "");
    host.delete("state/cache");
    const unread = await host.run("update", { ...LEVEL, RINGWARD_ATTEMPT: "2" });

    expect([absent.code, absent.message.split(":")[0]], absent.log).toEqual([69, "VersionNotAvailable"]);
    expect([unread.code, unread.message.split(":")[0]], unread.log).toEqual([1, "NotFetched"]);
    expect(installs()).toEqual([]);
  });

  it("while another transaction holds the lock: it is waited for", async () => {
    host.write("state/locked", "once\n");
    const short = await host.run("update", { ...LEVEL, LOCK_WAIT_SECONDS: "30" });
    host.write("state/rpm", "openssl 1:3.2.2-5.fc41\n");
    host.write("state/locked", "held\n".repeat(200));
    const long = await host.run("update", { ...LEVEL, RINGWARD_ATTEMPT: "2" });

    expect([short.code, long.code, long.message.split(":")[0]], long.log).toEqual([0, 75, "Locked"]);
    expect(host.lines("state/rpm")).toEqual(["openssl 1:3.2.2-5.fc41"]);
  });

  it("and dnf5 says so by no error: that is a failure", async () => {
    host.write("state/silent", "");
    const ended = await host.run("update", LEVEL);

    expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([1, "NotInstalled"]);
  });
});

describe("the inventory", () => {
  it("tells packages, offers and kernels, and needs-restarting's word on a boot", async () => {
    host.write("state/cache", host.read("state/repo"));
    const report = await host.inventory();
    host.write("state/restart", "glibc\n");

    expect(report).toMatchObject({
      osRelease: { id: "fedora", versionId: "41" },
      kernel: { running: KERNEL, installed: [KERNEL] },
      reboot: { required: false, causes: [] },
    });
    expect(report.packages.scheme).toBe("rpm");
    expect(report.packages.installed).toContainEqual({ name: "openssl", version: "1:3.2.2-5.fc41" });
    expect(report.offered).toContainEqual({ name: "bash", version: "5.2.37-1.fc41" });
    expect((await host.inventory()).reboot).toEqual({ required: true, causes: ["glibc"] });
  });

  it("fails where it cannot be told whether a boot is due, or what is on offer", async () => {
    const offers = await host.run("inventory");
    host.write("state/cache", host.read("state/repo"));
    host.write("state/needs-broken", "");
    const boot = await host.run("inventory");

    expect([offers.code, offers.message.split(":")[0]], offers.log).toEqual([1, "InventoryFailed"]);
    expect([boot.code, boot.message.split(":")[0]], boot.log).toEqual([1, "RebootNeedUnknown"]);
  });
});
