// What dnf's and zypper's recipes must both do, on a root with the real tool and rpm's real database: run for each by a file of its own.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../controller/clock.ts";
import { storeInventory } from "../../../controller/inventory/store-inventory.ts";
import { assessNode } from "../../../controller/core/compliance/index.ts";
import type { InventoryReport } from "../../../controller/inventory/report.ts";
import { node as nodeAsset, NOW } from "../../core/compliance/fixtures.ts";
import { levelOf, nodeBaseline } from "../../core/levels/fixtures.ts";
import { BOOT_ID, type Env, makeNode, readRecipe, type TestNode, until } from "./node.ts";
import { buildRpm, installRpm, type Rpm, RPM_INSTALL, rpmRepository } from "./rpms.ts";
import { serve, type Served } from "./served.ts";

/** What differs between the two. */
export interface RpmTool {
  /** The recipe's and the root's name. */
  readonly name: "dnf" | "zypper";
  readonly osRelease: { readonly id: string; readonly versionId: string; readonly prettyName: string };
  /** The folder of the node's repositories. */
  readonly repositories: string;
  /** Fetches metadata as the node's own timer does. */
  readonly refresh: readonly string[];
  /** Forbids changes of a package as an administrator would. */
  hold(node: TestNode, name: string): void;
  /** Kernel releases as `uname -r` prints them, with their package and its version. */
  readonly kernels: readonly { readonly release: string; readonly rpm: Rpm }[];
}

export interface RpmScene {
  readonly node: TestNode;
  readonly served: Served;
  readonly folder: string;
}

export const OLD = "1:3.0.7-27.el9";
export const WANTED = "1:3.0.7-28.el9";
export const NEWER = "1:3.0.7-29.el9";
export const LEVEL: Env = {
  RINGWARD_CLAIM: "canary-1",
  RINGWARD_ATTEMPT: "1",
  RINGWARD_LEVEL: "rocky-20251101-0123456789ab",
  RINGWARD_LEVEL_DIGEST: "sha256:0123456789ab",
  RINGWARD_PACKAGES: `openssl=${WANTED} not-here=1.0-1`,
};

/** openssl, as small as it gets. */
export const openssl = (version: string, rest: Partial<Rpm> = {}): Rpm => ({ name: "openssl", version, ...rest });
const bystander = (version: string): Rpm => ({ name: "bystander", version });

/** Blocks in a scriptlet until the test goes on. */
export const BLOCK = "touch /run/blocked; while [ ! -e /run/go ]; do sleep 0.05; done";

/** Fresh for each test; a function that gives what stands there now. */
export function rpmScene(tool: RpmTool): () => RpmScene {
  let scene: RpmScene | undefined;
  const now = (): RpmScene => {
    if (scene === undefined) throw new Error("no scene outside of a test");
    return scene;
  };

  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), "ringward-repositories-"));
    const served = await serve(folder);
    const node = makeNode(tool.name, tool.name, { LOCK_WAIT_SECONDS: "20" });
    scene = { folder, served, node };
    const { id, versionId, prettyName } = tool.osRelease;
    node.write("etc/os-release", `ID="${id}"\nVERSION_ID="${versionId}"\nPRETTY_NAME="${prettyName}"\n`);
    mkdirSync(join(folder, "local"));
    // What rpm's own systems have and Debian's root lacks.
    const provides = ["/bin/sh", `system-release = ${versionId}`, "system-release(releasever) = 9"];
    installRpm(node.root, join(folder, "local"), { name: "system-release", version: "9-1", provides });
    installRpm(node.root, join(folder, "local"), openssl(OLD));
    installRpm(node.root, join(folder, "local"), bystander("1.0-1"));
    node.boot(BOOT_ID, Math.floor(systemClock.now() / 1000) + 60);
    node.write(`${tool.repositories}/main.repo`, repository("main", `${served.url}/main`));
    rpmRepository(join(folder, "main"), [openssl(WANTED), bystander("1.0-2")]);
  });

  afterEach(async () => {
    const { node, served, folder } = now();
    node.remove();
    await served.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return now;
}

export function repository(id: string, url: string, gpgcheck = 0): string {
  return `[${id}-repository]\nname=${id}\nbaseurl=${url}\nenabled=1\ngpgcheck=${gpgcheck}\n`;
}

/** Every version that rpm has of it. */
export function versions(node: TestNode, name: string): string {
  return node.chroot("rpm", "-q", "--qf", "%|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} ", name).trim();
}

export function isThere(node: TestNode, path: string): boolean {
  try {
    node.read(path);
    return true;
  } catch {
    return false;
  }
}

/** What core makes of a report, under a level that is resolved with this very recipe. */
function stateOf(tool: RpmTool, report: InventoryReport): string {
  const inventory = storeInventory(report, { packages: ["openssl"], followsOffered: false, now: NOW });
  const { id, versionId, prettyName } = tool.osRelease;
  const baseline = nodeBaseline({
    product: { id, versionId },
    minimum: { packages: [{ name: "openssl", version: WANTED }] },
    recipeRef: { name: tool.name },
  });
  return assessNode({
    node: nodeAsset({ osImage: prettyName }),
    stored: { inventory },
    baseline,
    level: levelOf({ baseline, recipes: [{ name: tool.name, spec: readRecipe(tool.name).spec }] }),
    approved: true,
    withdrawn: false,
    enforce: "Floor",
    exceptions: [],
    now: NOW,
  }).state;
}

/** The scenarios that both recipes pass. */
export function describeRpmRecipe(tool: RpmTool): void {
  const scene = rpmScene(tool);
  const offer = (...rpms: readonly Rpm[]): void => rpmRepository(join(scene().folder, "main"), rpms);
  const keep = (...rpms: readonly Rpm[]): void => rpmRepository(join(scene().folder, "archive"), rpms);
  const fromArchive = (): Env => ({ ...LEVEL, RINGWARD_SOURCE_MIRROR: `${scene().served.url}/archive` });
  const unsigned = (): Env => ({
    ...fromArchive(),
    MIRROR_SOURCES: "[ringward-mirror]\nname=ringward-mirror\nbaseurl=@MIRROR@\nenabled=1\ngpgcheck=0",
  });
  const installed = (name: string): string => versions(scene().node, name);
  const isBlocked = (): boolean => isThere(scene().node, "run/blocked");

  describe("a level whose versions the node's own source has", () => {
    it("is installed exactly: nothing is added, nothing else is touched", async () => {
      const { node, served } = scene();
      await node.online(...tool.refresh);

      const staged = await node.run("stage", LEVEL);
      const before = installed("openssl");
      const asked = served.asked.length;
      const updated = await node.run("update", LEVEL);

      expect([staged.code, before], staged.log).toEqual([0, OLD]);
      expect([updated.code, installed("openssl"), installed("bystander")], updated.log).toEqual([0, WANTED, "1.0-1"]);
      expect(updated.log).toContain("not-here is not installed and is not added");
      expect(node.chroot("find", "/var/cache", "/var/lib/ringward", "-name", "*.rpm")).toBe("");
      // All was on the disk before the node was cordoned.
      expect(served.asked.slice(asked)).toEqual([]);
    });

    it("is taken although a newer one is there, which is the one on offer", async () => {
      const { node } = scene();
      offer(openssl(WANTED), openssl(NEWER), bystander("1.0-2"));
      await node.online(...tool.refresh);

      const before = await node.inventory();
      const updated = await node.run("update", LEVEL);
      const after = await node.inventory();

      expect(before.offered).toEqual([
        { name: "bystander", version: "1.0-2" },
        { name: "openssl", version: NEWER },
      ]);
      expect([updated.code, installed("openssl")], updated.log).toEqual([0, WANTED]);
      expect(after.offered).toEqual(before.offered);
    });

    it("is Missing before and Installed after, by what our own reader makes of the inventory", async () => {
      const { node } = scene();
      await node.online(...tool.refresh);
      const before = await node.inventory();
      const updated = await node.run("update", LEVEL);
      const after = await node.inventory();

      expect(before.osRelease).toEqual(tool.osRelease);
      expect(before.packages).toEqual({
        scheme: "rpm",
        installed: [
          { name: "bystander", version: "1.0-1" },
          { name: "openssl", version: OLD },
          { name: "system-release", version: "9-1" },
        ],
      });
      expect([stateOf(tool, before), stateOf(tool, after)], updated.log).toEqual(["Missing", "Installed"]);
      expect(after.offered).toEqual([{ name: "bystander", version: "1.0-2" }]);
      expect([before.reboot.required, after.reboot.required]).toEqual([false, false]);
    });

    it("has nothing to do on a node that is there or above, and asks no source for it", async () => {
      const { node, served } = scene();
      await node.run("update", LEVEL);
      const asked = served.asked.length;

      const same = await node.run("update", LEVEL);
      const again = await node.run("update", { ...LEVEL, RINGWARD_CLAIM: "canary-2" });
      const lower = await node.run("update", {
        ...LEVEL,
        RINGWARD_CLAIM: "canary-3",
        RINGWARD_PACKAGES: `openssl=${OLD}`,
      });

      expect([same.code, again.code, again.log.includes("nothing is to be changed")], again.log).toEqual([0, 0, true]);
      expect([lower.code, installed("openssl")], lower.log).toEqual([0, WANTED]);
      expect(served.asked.length).toBe(asked);
    });

    it("goes back to an older version only as a rollback", async () => {
      const { node } = scene();
      offer(openssl(OLD), openssl(WANTED));
      await node.run("update", LEVEL);

      const back = await node.run("rollback", {
        ...LEVEL,
        RINGWARD_CLAIM: "canary-2",
        RINGWARD_PACKAGES: `openssl=${OLD}`,
      });

      expect([back.code, installed("openssl")], back.log).toEqual([0, OLD]);
    });
  });

  describe("a version that is gone from the node's own source", () => {
    it("is taken from the level's mirror, never a newer one", async () => {
      const { node, served } = scene();
      offer(openssl(NEWER));
      keep(openssl(WANTED));

      const staged = await node.run("stage", unsigned());
      served.broken = "/";
      const updated = await node.run("update", unsigned());

      expect(staged.code, staged.log).toBe(0);
      expect([updated.code, installed("openssl")], updated.log).toEqual([0, WANTED]);
      expect(node.chroot("ls", `/${tool.repositories}`)).toBe("main.repo\n");
    });

    it("ends with 69 where there is no mirror, or the mirror does not have it either, and changes nothing", async () => {
      const { node } = scene();
      offer(openssl(NEWER));
      keep(openssl(NEWER));

      const without = await node.run("stage", LEVEL);
      const neither = await node.run("update", unsigned());

      expect([without.code, neither.code], without.log + neither.log).toEqual([69, 69]);
      expect(without.message).toBe(`VersionNotAvailable: openssl=${WANTED} is in none of: own fresh`);
      expect(neither.message).toContain(`VersionNotAvailable: openssl=${WANTED}`);
      expect(installed("openssl")).toBe(OLD);
    });

    it("that was still in the node's old metadata is looked for again", async () => {
      const { node } = scene();
      await node.online(...tool.refresh);
      offer(openssl(NEWER));

      const staged = await node.run("stage", LEVEL);

      expect([staged.code, staged.message], staged.log).toEqual([
        69,
        `VersionNotAvailable: openssl=${WANTED} is in none of: own fresh`,
      ]);
    });
  });

  describe("a source that cannot be read or believed", () => {
    it("is a failure and not a version that cannot be had: nobody knows", async () => {
      const { node, served } = scene();
      served.broken = "/main";
      keep(openssl(WANTED));

      const staged = await node.run("stage", LEVEL);
      const halved = await node.run("stage", { ...unsigned(), RINGWARD_CLAIM: "canary-2" });

      expect([staged.code, staged.message.split(":")[0]], staged.log).toEqual([1, "NotFetched"]);
      expect([halved.code, halved.message.split(":")[0]], halved.log).toEqual([1, "NotFetched"]);
      expect(installed("openssl")).toBe(OLD);
    });

    it("gives packages that are not what its index says: nothing is changed", async () => {
      const { node, folder } = scene();
      buildRpm(join(folder, "main"), openssl(WANTED, { files: { "usr/share/test/more": "tampered" } }));

      const staged = await node.run("stage", LEVEL);

      expect([staged.code, staged.message.split(":")[0]], staged.log).toEqual([1, "NotFetched"]);
    });

    it("gives packages that nobody signed, where the node or the recipe wants signatures: nothing is changed", async () => {
      const { node, served } = scene();
      keep(openssl(WANTED));
      node.write(`${tool.repositories}/main.repo`, repository("main", `${served.url}/main`, 1));

      const own = await node.run("update", LEVEL);
      const archive = await node.run("update", { ...fromArchive(), RINGWARD_CLAIM: "canary-2" });

      expect([own.code, archive.code], own.log + archive.log).toEqual([1, 1]);
      expect([own.message, archive.message].join("\n")).toMatch(/^NotFetched.*\nNotFetched/);
      expect(installed("openssl")).toBe(OLD);
    });
  });

  describe("a step that is interrupted", () => {
    it("goes on without its job, and the next run finds it instead of starting it twice", async () => {
      const { node } = scene();
      offer(openssl(WANTED, { scripts: { post: BLOCK } }));

      const first = node.start("update", LEVEL);
      await until("the scriptlet", isBlocked);
      await first.kill();
      const during = installed("openssl");
      const second = node.start("update", LEVEL);
      node.write("run/go", "");
      const ended = await second.ended;

      // In the middle rpm has both.
      expect(during.split(" ").toSorted()).toEqual([OLD, WANTED]);
      expect([ended.code, installed("openssl")], ended.log).toEqual([0, WANTED]);
      expect(node.units("ringward-step")).toBe(1);
      expect(node.read("var/lib/ringward/steps/canary-1-update-1/starts")).toBe(
        `boot=${BOOT_ID} level=${LEVEL["RINGWARD_LEVEL"]} step=update attempt=1\n`,
      );
    });

    for (const [where, scripts] of [
      ["before it unpacks", { pre: BLOCK }],
      ["before it is set up", { post: BLOCK }],
    ] as const)
      it(`by a power cut ${where} is repaired and finished by the next run`, async () => {
        const { node } = scene();
        offer(openssl(WANTED, { scripts }), bystander("1.0-2"));
        const level = { ...LEVEL, RINGWARD_PACKAGES: `bystander=1.0-2 openssl=${WANTED}` };
        await node.online(...tool.refresh);

        const first = node.start("update", level);
        await until("the scriptlet", isBlocked);
        node.killUnit();
        await first.kill();
        const broken = await node.inventory();
        node.boot("22222222-2222-4222-8222-222222222222", Math.floor(systemClock.now() / 1000) + 60);
        node.write("run/go", "");
        const ended = await node.run("update", level);

        expect(stateOf(tool, broken)).not.toBe("Installed");
        expect([ended.code, installed("openssl"), installed("bystander")], ended.log).toEqual([0, WANTED, "1.0-2"]);
        expect(node.read("var/lib/ringward/steps/canary-1-update-1/starts").match(/boot=\w+/g)).toEqual([
          "boot=11111111",
          "boot=22222222",
        ]);
      });

    it("between the installation and the restart of what was installed is finished, too", async () => {
      const { node, folder } = scene();
      installRpm(node.root, join(folder, "local"), { name: "kubelet", version: "1.31.3-150500.1.1" });
      offer({ name: "kubelet", version: "1.31.4-150500.1.1" });
      const level = { ...LEVEL, RINGWARD_PACKAGES: "", RINGWARD_KUBELET: "1.31.4" };
      const systemctl = node.read("usr/bin/systemctl");
      node.write("usr/bin/systemctl", `#!/bin/sh\n${BLOCK}\n`, 0o755);

      const first = node.start("update", level);
      await until("the restart", isBlocked);
      node.killUnit();
      await first.kill();
      node.boot("22222222-2222-4222-8222-222222222222");
      node.write("usr/bin/systemctl", systemctl, 0o755);
      const ended = await node.run("update", level);

      expect([ended.code, installed("kubelet")], ended.log).toEqual([0, "1.31.4-150500.1.1"]);
      expect(node.read("var/log/test-systemctl")).toContain("try-restart kubelet\n");
    });
  });

  describe("what others do on the node", () => {
    /** Somebody's rpm in the middle of a transaction. */
    const holdRpm = async (): Promise<void> => {
      const { node } = scene();
      buildRpm(join(node.root, "tmp"), { name: "other", version: "1-1", scripts: { post: BLOCK } });
      const line = `setsid -f chroot '${node.root}' rpm ${RPM_INSTALL.join(" ")} /tmp/other-1-1.noarch.rpm >/dev/null 2>&1`;
      execFileSync("sh", ["-c", line]);
      await until("rpm of somebody else", isBlocked);
    };

    it("holds rpm's lock: waited for, and nobody is killed", async () => {
      const { node } = scene();
      await holdRpm();

      const update = node.start("update", LEVEL);
      await until("the wait", () => {
        const out = join(node.root, "var/lib/ringward/steps/canary-1-update-1/out");
        return (
          isThere(node, "var/lib/ringward/steps/canary-1-update-1/out") && readFileSync(out, "utf8").includes("is held")
        );
      });
      node.write("run/go", "");
      const ended = await update.ended;

      expect([ended.code, installed("openssl"), installed("other")], ended.log).toEqual([0, WANTED, "1-1"]);
    });

    it("holds it too long: the step fails and says so", async () => {
      const { node } = scene();
      await holdRpm();

      const ended = await node.run("update", { ...LEVEL, LOCK_WAIT_SECONDS: "2" });
      node.write("run/go", "");

      expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([75, "Locked"]);
      expect(installed("openssl")).toBe(OLD);
    });

    it("runs the package manager itself: waited for, too", async () => {
      const { node } = scene();
      offer(openssl(WANTED), { name: "bystander", version: "1.0-2", scripts: { post: BLOCK } });
      await node.online(...tool.refresh);
      const other = tool.name === "dnf" ? "dnf -y upgrade bystander" : "zypper -n --no-refresh update bystander";
      // Not of the server that this test answers from: the package is fetched at once, by a process of its own.
      const upgrade = node.online("setsid", "-f", "sh", "-c", `exec ${other} >/var/log/other 2>&1 </dev/null`);
      await upgrade;
      await until("the other's scriptlet", isBlocked);

      const short = await node.run("update", { ...LEVEL, LOCK_WAIT_SECONDS: "2" });
      const update = node.start("update", { ...LEVEL, RINGWARD_CLAIM: "canary-2" });
      await systemClock.sleep(1500);
      const during = installed("openssl");
      node.write("run/go", "");
      const ended = await update.ended;

      expect([short.code, short.message.split(":")[0]], short.log).toEqual([75, "Locked"]);
      expect(during).toBe(OLD);
      expect([ended.code, installed("openssl"), installed("bystander")], ended.log).toEqual([0, WANTED, "1.0-2"]);
    });

    it("forbade a package: it stays, and the step says so", async () => {
      const { node } = scene();
      tool.hold(node, "openssl");

      const held = await node.run("stage", LEVEL);

      expect([held.code, held.message], held.log).toEqual([1, expect.stringMatching(/^Held: openssl is /)]);
      expect(installed("openssl")).toBe(OLD);
    });
  });

  describe("kernel, kubelet and runtime, named as nodeInfo shows them", () => {
    it("brings the kernel beside the running one, and asks for a reboot until it runs", async () => {
      const { node, folder } = scene();
      const [running, wanted] = tool.kernels;
      if (running === undefined || wanted === undefined) throw new Error("two kernels");
      installRpm(node.root, join(folder, "local"), running.rpm);
      node.write("etc/test-uname", `${running.release}\n`, 0o644);
      offer(wanted.rpm);
      await node.online(...tool.refresh);
      const level = { ...LEVEL, RINGWARD_PACKAGES: "", RINGWARD_KERNEL: wanted.release };

      const before = await node.inventory();
      const updated = await node.run("update", level);
      const between = await node.inventory();
      node.write("etc/test-uname", `${wanted.release}\n`, 0o644);
      const after = await node.inventory();

      expect(updated.code, updated.log).toBe(0);
      expect(before.reboot).toEqual({ required: false, causes: [] });
      expect(between.kernel).toEqual({ running: running.release, installed: [running.release, wanted.release] });
      expect(between.reboot).toEqual({ required: true, causes: [`kernel ${wanted.release}`] });
      expect(after.reboot.required).toBe(false);
    });

    it("brings the package of a kubelet and a containerd, and restarts them", async () => {
      const { node, folder } = scene();
      installRpm(node.root, join(folder, "local"), { name: "kubelet", version: "1.31.3-150500.1.1" });
      installRpm(node.root, join(folder, "local"), { name: "containerd.io", version: "1.7.23-3.1.el9" });
      offer(
        { name: "kubelet", version: "1.31.4-150500.1.1" },
        { name: "kubelet", version: "1.31.5-150500.1.1" },
        { name: "containerd.io", version: "1.7.24-3.1.el9" },
      );

      const updated = await node.run("update", {
        ...LEVEL,
        RINGWARD_PACKAGES: "",
        RINGWARD_KUBELET: "1.31.4",
        RINGWARD_CONTAINER_RUNTIME: "containerd://1.7.24",
      });

      expect([updated.code, installed("kubelet"), installed("containerd.io")], updated.log).toEqual([
        0,
        "1.31.4-150500.1.1",
        "1.7.24-3.1.el9",
      ]);
      const restarted = node.read("var/log/test-systemctl").match(/^try-restart .*$/gm);
      expect(restarted).toEqual(["try-restart containerd", "try-restart kubelet"]);
    });
  });

  describe("an inventory", () => {
    it("asks for a reboot where a core package is newer than the boot", async () => {
      const { node, folder } = scene();
      await node.online(...tool.refresh);
      installRpm(node.root, join(folder, "local"), { name: "glibc", version: "2.34-100" });
      node.boot(BOOT_ID, Math.floor(systemClock.now() / 1000) - 3600);

      expect((await node.inventory()).reboot).toEqual({ required: true, causes: ["glibc"] });
    });

    it("fails where the database, the offers or the boot time cannot be read: never an empty list, never no", async () => {
      const { node } = scene();
      const unknown = await node.run("inventory");
      await node.online(...tool.refresh);
      const noStat = await node.run("inventory", {}, { before: 'mount --bind /dev/null "$CARRIER/host/proc/stat"' });
      writeFileSync(join(node.root, "var/lib/rpm/rpmdb.sqlite"), "x".repeat(5000));
      const broken = await node.run("inventory");

      expect([unknown.code, unknown.stdout, unknown.message.split(":")[0]]).toEqual([1, "", "InventoryFailed"]);
      expect([noStat.code, noStat.stdout, noStat.message.split(":")[0]]).toEqual([1, "", "RebootNeedUnknown"]);
      expect([broken.code, broken.stdout, broken.message.split(":")[0]]).toEqual([1, "", "InventoryFailed"]);
    });
  });
}
