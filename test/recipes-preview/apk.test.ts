// The apk recipe (preview) against fakes of apk, rc-service and reboot. It was never run on Alpine.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BOOT_ID, type Env, type FakeHost, makeHost } from "./support/host.ts";

const LEVEL: Env = {
  RINGWARD_CLAIM: "canary-1",
  RINGWARD_ATTEMPT: "1",
  RINGWARD_PACKAGES: "openssl=3.3.2-r1 not-here=1.0-r0",
};
const KERNEL = "6.6.54-0-lts";

let host: FakeHost;

beforeEach(() => {
  host = makeHost(
    "apk",
    {
      "etc/os-release": 'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n',
      "etc/apk/world": "alpine-base\nopenssl\nkubelet\n",
      "sys/fs/cgroup/cgroup.procs": "",
      "state/uname": `${KERNEL}\n`,
      [`lib/modules/${KERNEL}/modules.dep`]: "",
      "boot/vmlinuz-lts": "",
      "state/apk": "openssl 3.3.2-r0\nlibssl3 3.3.2-r0\nkubelet 1.31.0-r0\nlinux-lts 6.6.54-r0\n",
      "state/repo": "openssl 3.3.2-r1\nopenssl 3.3.2-r4\nlibssl3 3.3.2-r4\nkubelet 1.31.4-r2\nlinux-lts 6.6.58-r0\n",
      "state/index": "openssl 3.3.2-r0\n",
    },
    { LOCK_WAIT_SECONDS: "1" },
  );
});

afterEach(() => host.remove());

const adds = (): readonly string[] =>
  host.lines("state/asked").filter((line) => line.startsWith("add ") && !line.includes("--simulate"));

describe("a level's packages", () => {
  it("are installed exactly, outside the job's cgroup, and the world is as it was", async () => {
    const updated = await host.run("update", LEVEL);

    expect([updated.code, host.lines("state/apk").slice(0, 2)], updated.log).toEqual([
      0,
      ["openssl 3.3.2-r1", "libssl3 3.3.2-r0"],
    ]);
    expect(host.lines("etc/apk/world")).toEqual(["alpine-base", "openssl", "kubelet"]);
    expect(host.lines("sys/fs/cgroup/cgroup.procs")).toEqual(["0"]);
  });

  it("are floors for update and exact for rollback", async () => {
    host.write("state/apk", "openssl 3.3.2-r4\n");
    const updated = await host.run("update", LEVEL);
    const kept = host.lines("state/apk");
    const back = await host.run("rollback", LEVEL);

    expect([updated.code, kept]).toEqual([0, ["openssl 3.3.2-r4"]]);
    expect([back.code, host.lines("state/apk")], back.log).toEqual([0, ["openssl 3.3.2-r1"]]);
  });

  it("bring kernel and kubelet; the running kernel is gone from the disk, which asks for a boot", async () => {
    const ended = await host.run("update", { ...LEVEL, RINGWARD_KERNEL: "6.6.58-0-lts", RINGWARD_KUBELET: "1.31.4" });
    const report = await host.inventory();

    expect([ended.code, host.lines("state/services")], ended.log).toEqual([0, ["--ifstarted kubelet restart"]]);
    expect(report.kernel).toEqual({ running: KERNEL, installed: ["6.6.58-0-lts"] });
    expect(report.reboot).toEqual({ required: true, causes: ["kernel 6.6.58-0-lts"] });
  });

  it("go on where an interruption left the world of apk's own", async () => {
    host.write("etc/apk/world", "alpine-base\nkubelet\nopenssl=3.3.2-r0\n");
    host.write("var/lib/ringward/world", "alpine-base\nopenssl\nkubelet\n");
    const ended = await host.run("update", LEVEL);

    expect([ended.code, host.lines("etc/apk/world")], ended.log).toEqual([0, ["alpine-base", "openssl", "kubelet"]]);
  });
});

describe("nothing is changed", () => {
  const reasonOf = async (env: Env): Promise<unknown> => {
    const { code, message } = await host.run("update", { ...LEVEL, ...env });
    return [code, message.split(":")[0]];
  };

  it("when the repository does not have the version (69), or nobody knows because it cannot be read (1)", async () => {
    expect(await reasonOf({ RINGWARD_PACKAGES: "openssl=9.9-r0" })).toEqual([69, "VersionNotAvailable"]);
    host.write("state/offline", "");
    expect(await reasonOf({ RINGWARD_ATTEMPT: "2" })).toEqual([1, "NotFetched"]);
    expect(adds()).toEqual([]);
  });

  it("when a package would be removed", async () => {
    host.write("state/purges", "bystander");
    expect(await reasonOf({})).toEqual([1, "WouldRemove"]);
    expect(adds()).toEqual([]);
  });

  it("while another process holds the database, or where the job's cgroup cannot be left", async () => {
    host.write("state/locked", "held\n".repeat(200));
    expect(await reasonOf({})).toEqual([75, "Locked"]);
    host.delete("sys/fs/cgroup/cgroup.procs");
    host.delete("sys/fs/cgroup");
    expect(await reasonOf({ RINGWARD_ATTEMPT: "2" })).toEqual([1, "UnitNotStarted"]);
    expect(host.lines("state/apk")[0]).toBe("openssl 3.3.2-r0");
  });

  it("and apk says so by no error: that is a failure", async () => {
    host.write("state/silent", "");
    expect(await reasonOf({})).toEqual([1, "NotInstalled"]);
  });
});

it("the inventory tells packages and offers, and what was written since the boot", async () => {
  host.write("state/index", host.read("state/repo"));
  const quiet = await host.inventory();
  host.write("lib/ld-musl-x86_64.so.1", "");
  const { causes } = (await host.inventory()).reboot;

  expect(quiet.packages).toMatchObject({ scheme: "apk" });
  expect(quiet.packages.installed).toContainEqual({ name: "libssl3", version: "3.3.2-r0" });
  expect(quiet.offered).toContainEqual({ name: "linux-lts", version: "6.6.58-r0" });
  expect(quiet.reboot).toEqual({ required: false, causes: [] });
  expect(causes.map((cause) => cause.replace(/^.*(?=\/lib\/ld-musl)/, ""))).toEqual(["/lib/ld-musl-x86_64.so.1"]);
});

it("reboots once in an attempt", async () => {
  const asked = await host.run("reboot", LEVEL);
  host.boot(BOOT_ID.replaceAll("1", "2"));
  const again = await host.run("reboot", LEVEL);

  expect([asked.code, again.code, host.lines("state/later")]).toEqual([0, 0, ["reboot"]]);
});
