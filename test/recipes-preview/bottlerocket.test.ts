// Bottlerocket's recipe against a fake of apiclient: states Idle, Available, Staged and Ready, 423 while an action holds the lock.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeHost, makeHost } from "./support/placed-host.ts";

const WANT = { RINGWARD_OS_IMAGE: "1.26.2" };
let host: FakeHost;

beforeEach(() => {
  host = makeHost("bottlerocket", { "usr/bin/apiclient": "bottlerocket/apiclient" });
  host.set("running", "1.26.1");
  host.set("available", "1.27.0\n1.26.2\n1.26.1\n1.26.0");
  host.set("time", "10");
});
afterEach(() => host.remove());

const posts = (): readonly string[] => host.calls().flatMap((call) => /POST -u \/actions\/(\S+)/.exec(call)?.[1] ?? []);

describe("the recipe for Bottlerocket (preview)", () => {
  it("writes the exact image while pods run, activates it on the drained node, and restarts once", async () => {
    expect(await host.run("stage", WANT)).toMatchObject({ code: 0 });
    expect([host.get("state"), host.get("staged"), host.get("lock")]).toEqual(["Staged", "1.26.2", "v1.26.2"]);
    expect(host.get("reboots")).toBe("");

    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect(host.get("state")).toBe("Ready");

    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });
    host.boot("boot-2");
    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });
    expect(host.get("reboots")).toBe("reboot");
    expect(new Set(posts())).toEqual(new Set(["refresh-updates", "prepare-update", "activate-update", "reboot"]));
  });

  it("does finished work once", async () => {
    await host.run("update", WANT);
    const before = posts().length;

    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect(posts().length).toBe(before);
  });

  it("ends with 69 and changes nothing where the repository has no such version", async () => {
    const { code, message } = await host.run("stage", { RINGWARD_OS_IMAGE: "1.26.9" });

    expect([code, message]).toEqual([69, "VersionNotAvailable: the update repository has no 1.26.9"]);
    expect([host.get("staged"), host.get("lock")]).toEqual(["", ""]);
  });

  it("waits while somebody else holds the lock, and not for ever", async () => {
    host.set("held", "5");
    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });

    host.set("running", "1.26.0");
    host.set("state", "Idle");
    host.set("staged", "");
    host.set("held", "50");
    expect(await host.run("update", { ...WANT, LOCK_TRIES: "3" })).toMatchObject({
      code: 75,
      message: "Locked: another update action held the API's lock for 3 tries",
    });
  });

  it("keeps what is newer, and goes back only in a rollback", async () => {
    host.set("running", "1.27.0");
    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect(posts()).toEqual([]);

    expect(await host.run("rollback", WANT)).toMatchObject({ code: 0 });
    expect([host.get("state"), host.get("staged")]).toEqual(["Ready", "1.26.2"]);
  });

  it("takes back an update that was never booted", async () => {
    await host.run("update", WANT);

    expect(await host.run("rollback", { RINGWARD_OS_IMAGE: "1.26.1" })).toMatchObject({ code: 0 });
    expect(host.get("state")).toBe("Staged");
  });

  it("leaves somebody else's update alone", async () => {
    host.set("state", "Ready");
    host.set("staged", "1.27.0");

    const { code, message } = await host.run("update", WANT);

    expect(code).toBe(1);
    expect(message).toContain("OtherUpdateReady: 1.27.0 waits for a boot");
    expect(host.get("state")).toBe("Ready");
  });

  it("says what failed, and never takes what it cannot read for success", async () => {
    host.set("fails-prepare", "yes");
    expect((await host.run("stage", WANT)).message).toBe("ActionFailed: prepare: Failed to write the image");

    host.set("state", "Strange");
    expect((await host.run("stage", WANT)).message).toMatch(/^StatusNotRead: /);

    expect(await host.run("update", { RINGWARD_OS_IMAGE: "1.0;reboot" })).toMatchObject({ code: 64 });
    expect(await host.run("update", { RINGWARD_PACKAGES: "openssl=3" })).toMatchObject({ code: 64 });
  });
});
