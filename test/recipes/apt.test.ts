// The apt recipe on a Debian root: its scripts run as a kubelet would run them, against real apt and dpkg and repositories that have
// what mirrors have: newer versions, gone versions, snapshots, errors.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { storeInventory } from "../../controller/inventory/store-inventory.ts";
import { assessNode } from "../../controller/core/compliance/index.ts";
import { node as nodeAsset, NOW } from "../core/compliance/fixtures.ts";
import { levelOf, nodeBaseline } from "../core/levels/fixtures.ts";
import { buildDeb, type Deb, debRepository, installDeb } from "./support/debs.ts";
import { append, BOOT_ID, type Env, makeNode, readRecipe, type TestNode, until } from "./support/node.ts";
import { serve, type Served } from "./support/served.ts";

const OLD = "3.0.15-1~deb12u1";
const WANTED = "3.0.16-1~deb12u1";
const NEWER = "3.0.17-1~deb12u2";
const SNAPSHOT = "20251101T000000Z";
const LEVEL: Env = {
  RINGWARD_CLAIM: "canary-1",
  RINGWARD_ATTEMPT: "1",
  RINGWARD_LEVEL: "debian-20251101-0123456789ab",
  RINGWARD_LEVEL_DIGEST: "sha256:0123456789ab",
  RINGWARD_PACKAGES: `openssl=${WANTED} not-here=1.0`,
};
const FROM_SNAPSHOT: Env = { ...LEVEL, RINGWARD_SOURCE_SNAPSHOT: SNAPSHOT };

let folder: string;
let served: Served;
let node: TestNode;

/** openssl, as small as it gets. */
const openssl = (version: string, rest: Partial<Deb> = {}): Deb => ({ name: "openssl", version, ...rest });

function offer(...debs: readonly Deb[]): void {
  debRepository(join(folder, "main"), debs);
}

function keep(...debs: readonly Deb[]): void {
  debRepository(join(folder, "archive", SNAPSHOT), debs);
}

const installed = (name: string): string => node.chroot("dpkg-query", "-W", "-f=${db:Status-Status} ${Version}", name);

/** Blocks in a maintainer script until the test goes on. */
const BLOCK = "touch /run/blocked; while [ ! -e /run/go ]; do sleep 0.05; done";
const isBlocked = (): boolean => {
  try {
    node.read("run/blocked");
    return true;
  } catch {
    return false;
  }
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringward-repositories-"));
  served = await serve(folder);
  node = makeNode("base", "apt-debian", {
    SNAPSHOT_SOURCES: `deb [trusted=yes] ${served.url}/archive/@SNAPSHOT@ ./`,
    LOCK_WAIT_SECONDS: "20",
  });
  rmSync(join(node.root, "etc/apt/sources.list.d"), { recursive: true, force: true });
  node.write("etc/apt/sources.list", `deb [trusted=yes] ${served.url}/main ./\n`);
  mkdirSync(join(folder, "local"));
  installDeb(node.root, join(folder, "local"), openssl(OLD));
  installDeb(node.root, join(folder, "local"), { name: "bystander", version: "1.0-1" });
  node.chroot("touch", "-d", "2023-01-01", "/var/lib/dpkg/info/openssl.list");
  offer(openssl(WANTED), { name: "bystander", version: "1.0-2" });
});

afterEach(async () => {
  node.remove();
  await served.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a level whose versions the node's own source has", () => {
  it("is installed exactly: nothing is added, nothing else is touched", async () => {
    await node.online("apt-get", "-q", "update");
    offer(openssl(WANTED), openssl(NEWER), { name: "bystander", version: "1.0-2" });

    const staged = await node.run("stage", LEVEL);
    const before = installed("openssl");
    const asked = served.asked.length;
    const updated = await node.run("update", LEVEL);

    expect([staged.code, before], staged.log).toEqual([0, `installed ${OLD}`]);
    expect([updated.code, installed("openssl")], updated.log).toEqual([0, `installed ${WANTED}`]);
    expect(installed("bystander")).toBe("installed 1.0-1");
    expect(updated.log).toContain("not-here is not installed and is not added");
    // All was on the disk before the node was cordoned.
    expect(served.asked.slice(asked)).toEqual([]);
  });

  it("is Missing before and Installed after, by what our own reader makes of the inventory", async () => {
    await node.online("apt-get", "-q", "update");
    const before = await node.inventory();
    await node.run("update", LEVEL);
    const after = await node.inventory();

    expect(before.osRelease).toMatchObject({ id: "debian", versionId: "12" });
    expect(before.packages.scheme).toBe("dpkg");
    expect(before.offered).toEqual([
      { name: "bystander", version: "1.0-2" },
      { name: "openssl", version: WANTED },
    ]);
    expect([stateOf(before), stateOf(after)]).toEqual(["Missing", "Installed"]);
    expect(after.offered).toEqual([{ name: "bystander", version: "1.0-2" }]);
  });

  it("has nothing to do on a node that is there or above, and asks no source for it", async () => {
    await node.run("update", LEVEL);
    const asked = served.asked.length;

    const again = await node.run("update", { ...LEVEL, RINGWARD_CLAIM: "canary-2" });
    const lower = await node.run("update", {
      ...LEVEL,
      RINGWARD_CLAIM: "canary-3",
      RINGWARD_PACKAGES: `openssl=${OLD}`,
    });

    expect([again.code, again.log.includes("nothing is to be changed")], again.log).toEqual([0, true]);
    expect([lower.code, installed("openssl")], lower.log).toEqual([0, `installed ${WANTED}`]);
    expect(served.asked.length).toBe(asked);
  });

  it("goes back to an older version only as a rollback", async () => {
    offer(openssl(OLD), openssl(WANTED));
    await node.run("update", LEVEL);

    const back = await node.run("rollback", {
      ...LEVEL,
      RINGWARD_CLAIM: "canary-2",
      RINGWARD_PACKAGES: `openssl=${OLD}`,
    });

    expect([back.code, installed("openssl")], back.log).toEqual([0, `installed ${OLD}`]);
  });
});

describe("a version that is gone from the node's own source", () => {
  it("is taken from the level's snapshot, never a newer one", async () => {
    offer(openssl(NEWER));
    keep(openssl(WANTED));

    const staged = await node.run("stage", FROM_SNAPSHOT);
    served.broken = "/";
    const updated = await node.run("update", FROM_SNAPSHOT);

    expect(staged.code, staged.log).toBe(0);
    expect([updated.code, installed("openssl")], updated.log).toEqual([0, `installed ${WANTED}`]);
    // The node's own lists are as they were: no snapshot stays among its sources.
    expect(node.chroot("apt-cache", "policy")).not.toContain("archive");
  });

  it("ends with 69 where there is no snapshot, or the snapshot does not have it either, and changes nothing", async () => {
    offer(openssl(NEWER));
    keep(openssl(NEWER));

    const without = await node.run("stage", LEVEL);
    const neither = await node.run("update", FROM_SNAPSHOT);

    expect([without.code, neither.code], without.log + neither.log).toEqual([69, 69]);
    expect(without.message).toBe(`VersionNotAvailable: openssl=${WANTED} is in none of: own fresh`);
    expect(neither.message).toContain(`VersionNotAvailable: openssl=${WANTED}`);
    expect(installed("openssl")).toBe(`installed ${OLD}`);
  });

  it("that was still in the node's old lists is looked for again", async () => {
    await node.online("apt-get", "-q", "update");
    offer(openssl(NEWER));

    const staged = await node.run("stage", LEVEL);

    expect([staged.code, staged.message], staged.log).toEqual([
      69,
      `VersionNotAvailable: openssl=${WANTED} is in none of: own fresh`,
    ]);
  });
});

describe("a source that cannot be read", () => {
  it("is a failure and not a version that cannot be had: nobody knows", async () => {
    served.broken = "/main";

    const staged = await node.run("stage", LEVEL);

    expect([staged.code, staged.message.split(":")[0]], staged.log).toEqual([1, "NotFetched"]);
    expect(installed("openssl")).toBe(`installed ${OLD}`);
  });

  it("is one also where the snapshot has it all: no half view of the sources is believed", async () => {
    served.broken = "/main";
    keep(openssl(WANTED));

    const updated = await node.run("update", FROM_SNAPSHOT);

    expect([updated.code, updated.message.split(":")[0]], updated.log).toEqual([1, "NotFetched"]);
  });

  it("with packages that are not what their index says changes nothing", async () => {
    buildDeb(join(folder, "main"), openssl(WANTED, { files: { "usr/share/test/more": "tampered" } }));

    const staged = await node.run("stage", LEVEL);

    expect([staged.code, staged.message.split(":")[0]], staged.log).toEqual([1, "NotFetched"]);
  });

  it("that nobody signed is not believed, neither the node's own nor the level's", async () => {
    node.write("etc/apt/sources.list", `deb ${served.url}/main ./\n`);
    keep(openssl(WANTED));

    const own = await node.run("stage", LEVEL);
    const archive = await node.run("update", {
      ...FROM_SNAPSHOT,
      SNAPSHOT_SOURCES: `deb ${served.url}/archive/@SNAPSHOT@ ./`,
    });

    expect([own.code, own.message.split(":")[0]], own.log).toEqual([1, "NotFetched"]);
    expect([archive.code, archive.message.split(":")[0]], archive.log).toEqual([1, "NotFetched"]);
    expect(installed("openssl")).toBe(`installed ${OLD}`);
  });
});

describe("a step that is interrupted", () => {
  it("goes on without its job, and the next run finds it instead of starting it twice", async () => {
    offer(openssl(WANTED, { scripts: { postinst: BLOCK } }));

    const first = node.start("update", LEVEL);
    await until("the postinst", isBlocked);
    await first.kill();
    const during = installed("openssl");
    const second = node.start("update", LEVEL);
    node.write("run/go", "");
    const ended = await second.ended;
    const third = await node.run("update", LEVEL);

    expect(during).toBe(`half-configured ${WANTED}`);
    expect([ended.code, installed("openssl")], ended.log).toEqual([0, `installed ${WANTED}`]);
    expect(third.code).toBe(0);
    expect(node.units("ringward-step")).toBe(1);
    expect(node.read("var/lib/ringward/steps/canary-1-update-1/starts")).toBe(
      `boot=${BOOT_ID} level=${LEVEL["RINGWARD_LEVEL"]} step=update attempt=1\n`,
    );
  });

  it("is waited for by another attempt, too", async () => {
    offer(openssl(WANTED, { scripts: { postinst: BLOCK } }));

    const first = node.start("update", LEVEL);
    await until("the postinst", isBlocked);
    await first.kill();
    const second = node.start("update", { ...LEVEL, RINGWARD_ATTEMPT: "2" });
    await systemClock.sleep(1500);
    const units = node.units("ringward-step");
    node.write("run/go", "");
    const ended = await second.ended;

    expect(units).toBe(1);
    expect([ended.code, ended.log.includes("nothing is to be changed")], ended.log).toEqual([0, true]);
  });

  for (const [where, scripts] of [
    ["before it unpacks", { preinst: BLOCK }],
    ["before it configures", { postinst: BLOCK }],
  ] as const)
    it(`by a power cut ${where} is repaired and finished by the next run`, async () => {
      offer(openssl(WANTED, { scripts }), { name: "bystander", version: "1.0-2" });
      const level = { ...LEVEL, RINGWARD_PACKAGES: `bystander=1.0-2 openssl=${WANTED}` };

      const first = node.start("update", level);
      await until("the maintainer script", isBlocked);
      node.killUnit();
      await first.kill();
      const broken = await node.inventory();
      node.boot("22222222-2222-4222-8222-222222222222");
      node.write("run/go", "");
      const ended = await node.run("update", level);

      expect(stateOf(broken)).not.toBe("Installed");
      expect([ended.code, installed("openssl"), installed("bystander")], ended.log).toEqual([
        0,
        `installed ${WANTED}`,
        "installed 1.0-2",
      ]);
      expect(node.chroot("dpkg", "--audit")).toBe("");
      expect(node.read("var/lib/ringward/steps/canary-1-update-1/starts").match(/boot=\w+/g)).toEqual([
        "boot=11111111",
        "boot=22222222",
      ]);
    });

  it("that never ends is given up after three starts", async () => {
    offer(openssl(WANTED, { scripts: { preinst: BLOCK } }));
    append(node, "etc/passwd", "");

    const only = node.start("update", LEVEL);
    for (let start = 0; start < 3; start++) {
      await until("the preinst", isBlocked);
      rmSync(join(node.root, "run/blocked"));
      node.killUnit();
    }
    const ended = await only.ended;

    expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([1, "Interrupted"]);
  });
});

describe("what others do on the node", () => {
  it("holds dpkg's lock: waited for, and nobody is killed", async () => {
    buildDeb(join(node.root, "tmp"), { name: "other", version: "1", scripts: { postinst: BLOCK } });
    const other = node.chroot.bind(node);
    execFileSync("sh", ["-c", `setsid -f chroot '${node.root}' dpkg -i /tmp/other_1_all.deb >/dev/null 2>&1`]);
    await until("dpkg of somebody else", isBlocked);

    const update = node.start("update", LEVEL);
    await until(
      "the wait",
      () => logOf("canary-1-update-1").includes("lock") || outOf("canary-1-update-1").includes("lock"),
    );
    node.write("run/go", "");
    const ended = await update.ended;

    expect([ended.code, installed("openssl")], ended.log).toEqual([0, `installed ${WANTED}`]);
    expect(other("dpkg-query", "-W", "-f=${db:Status-Status}", "other")).toBe("installed");
  });

  it("holds it too long: the step fails and says so", async () => {
    buildDeb(join(node.root, "tmp"), { name: "other", version: "1", scripts: { postinst: BLOCK } });
    execFileSync("sh", ["-c", `setsid -f chroot '${node.root}' dpkg -i /tmp/other_1_all.deb >/dev/null 2>&1`]);
    await until("dpkg of somebody else", isBlocked);

    const ended = await node.run("update", { ...LEVEL, LOCK_WAIT_SECONDS: "2" });
    node.write("run/go", "");

    expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([75, "Locked"]);
  });

  it("put a package on hold: it stays, and the step says so", async () => {
    node.chroot("apt-mark", "hold", "openssl");

    const held = await node.run("stage", LEVEL);
    const allowed = await node.run("update", { ...LEVEL, CHANGE_HELD: "openssl" });

    expect([held.code, held.message], held.log).toEqual([
      1,
      "Held: openssl is on hold on this node (apt-mark showhold)",
    ]);
    expect([allowed.code, installed("openssl")], allowed.log).toEqual([0, `installed ${WANTED}`]);
    expect(node.chroot("apt-mark", "showhold")).toBe("openssl\n");
  });

  it("filled the disk: nothing is changed", async () => {
    offer(openssl(WANTED, { files: { "usr/share/test/big": "x".repeat(3 << 20) } }));

    const full = await node.run("stage", LEVEL, {
      before:
        'mount -t tmpfs -o size=1m none "$CARRIER/host/var/cache/apt/archives"; mkdir "$CARRIER/host/var/cache/apt/archives/partial"',
    });

    expect([full.code, full.message.split(":")[0]], full.log).toEqual([1, "NotFetched"]);
    expect(full.message).toMatch(/space/);
    expect(installed("openssl")).toBe(`installed ${OLD}`);
  });
});

describe("kernel, kubelet and runtime, named as nodeInfo shows them", () => {
  const kernel = (release: string): Deb => ({
    name: `linux-image-${release}`,
    version: "6.1.115-1",
    files: { [`boot/vmlinuz-${release}`]: "kernel", [`lib/modules/${release}/modules.dep`]: "" },
  });

  it("brings the kernel beside the running one, and asks for a reboot until it runs", async () => {
    installDeb(node.root, join(folder, "local"), kernel("6.1.0-27-amd64"));
    node.chroot("touch", "-d", "2023-01-01", "/var/lib/dpkg/info/linux-image-6.1.0-27-amd64.list");
    offer(kernel("6.1.0-28-amd64"));
    const level = { ...LEVEL, RINGWARD_PACKAGES: "", RINGWARD_KERNEL: "6.1.0-28-amd64" };

    const before = await node.inventory();
    const updated = await node.run("update", level);
    const between = await node.inventory();
    node.write("etc/test-uname", "6.1.0-28-amd64\n", 0o644);
    node.boot("22222222-2222-4222-8222-222222222222", Math.floor(systemClock.now() / 1000) + 60);
    const after = await node.inventory();

    expect(updated.code, updated.log).toBe(0);
    expect(before.reboot).toEqual({ required: false, causes: [] });
    expect(between.kernel).toEqual({ running: "6.1.0-27-amd64", installed: ["6.1.0-27-amd64", "6.1.0-28-amd64"] });
    expect(between.reboot).toEqual({ required: true, causes: ["kernel 6.1.0-28-amd64"] });
    expect(after.reboot.required).toBe(false);
  });

  it("brings the package of a kubelet and a containerd, and restarts them", async () => {
    for (const [name, version] of [
      ["kubelet", "1.31.3-1.1"],
      ["containerd.io", "1.7.23-1"],
    ] as const)
      installDeb(node.root, join(folder, "local"), { name, version });
    offer(
      { name: "kubelet", version: "1.31.4-1.1" },
      { name: "kubelet", version: "1.31.5-1.1" },
      { name: "containerd.io", version: "1.7.24-1" },
    );

    const updated = await node.run("update", {
      ...LEVEL,
      RINGWARD_PACKAGES: "",
      RINGWARD_KUBELET: "1.31.4",
      RINGWARD_CONTAINER_RUNTIME: "containerd://1.7.24",
    });

    expect([updated.code, installed("kubelet"), installed("containerd.io")], updated.log).toEqual([
      0,
      "installed 1.31.4-1.1",
      "installed 1.7.24-1",
    ]);
    expect(
      node
        .read("var/log/test-systemctl")
        .split("\n")
        .filter((line) => line.startsWith("try-restart")),
    ).toEqual(["try-restart containerd", "try-restart kubelet"]);
  });
});

describe("a reboot", () => {
  it("is asked of the node's systemd once for each boot", async () => {
    const first = await node.run("reboot", LEVEL);
    const again = await node.run("reboot", LEVEL);
    await until("systemctl", () => systemctl().length > 0);
    node.boot("22222222-2222-4222-8222-222222222222");
    const after = await node.run("reboot", LEVEL);

    expect([first.code, again.code, after.code], first.log + again.log + after.log).toEqual([0, 0, 0]);
    expect(systemctl()).toEqual(["reboot"]);
  });

  it("is named as needed where packages asked for one, with their names", async () => {
    node.write("run/reboot-required", "*** System restart required ***\n");
    node.write("run/reboot-required.pkgs", "libc6\nlibc6\ndbus\n");

    expect((await node.inventory()).reboot).toEqual({ required: true, causes: ["dbus", "libc6"] });
  });

  it("is not denied where it cannot be told whether one is needed", async () => {
    await expect(
      node.run("inventory", {}, { before: 'mount --bind /dev/null "$CARRIER/host/proc/stat"' }),
    ).resolves.toMatchObject({ code: 1, stdout: "", message: expect.stringContaining("RebootNeedUnknown") as string });
  });
});

describe("what a policy says", () => {
  it("is never an option of a program, and never shell", async () => {
    for (const words of ["--allow-unauthenticated=1", "openssl=$(reboot)", "openssl=1;reboot", "openssl"]) {
      const ended = await node.run("update", {
        ...LEVEL,
        RINGWARD_CLAIM: `claim-${words.length}`,
        RINGWARD_PACKAGES: words,
      });
      expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([64, "Usage"]);
    }
  });
});

/** What core makes of a report, under a level that is resolved with this very recipe. */
function stateOf(report: Awaited<ReturnType<TestNode["inventory"]>>): string {
  const inventory = storeInventory(report, { packages: ["openssl"], followsOffered: false, now: NOW });
  const baseline = nodeBaseline({
    product: { id: "debian", versionId: "12" },
    minimum: { packages: [{ name: "openssl", version: WANTED }] },
    recipeRef: { name: "apt-debian" },
  });
  const recipes = [{ name: "apt-debian", spec: readRecipe("apt-debian").spec }];
  return assessNode({
    node: nodeAsset({ osImage: "Debian GNU/Linux 12 (bookworm)" }),
    stored: { inventory },
    baseline,
    level: levelOf({ baseline, recipes }),
    approved: true,
    withdrawn: false,
    enforce: "Floor",
    exceptions: [],
    now: NOW,
  }).state;
}

function systemctl(): readonly string[] {
  try {
    return node.read("var/log/test-systemctl").trim().split("\n");
  } catch {
    return [];
  }
}

function fileOf(step: string, name: string): string {
  try {
    return node.read(`var/lib/ringward/steps/${step}/${name}`);
  } catch {
    return "";
  }
}

const logOf = (step: string): string => fileOf(step, "log");
const outOf = (step: string): string => fileOf(step, "out");
