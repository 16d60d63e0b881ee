// Talos' recipe against a fake of talosctl: the upgrade restarts the node by itself, so it belongs to the reboot step.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FakeHost, makeHost } from "./support/placed-host.ts";

const WANT = { RINGWARD_OS_IMAGE: "v1.8.3" };
let host: FakeHost;

beforeEach(() => {
  host = makeHost("talos", { talosctl: "talos/talosctl" });
  host.set("/var/lib/ringward/talosconfig", "context: admin");
  host.set("running", "1.8.2");
  host.set("images", "1.7.9\n1.8.2\n1.8.3\n1.9.0\n1.10.0");
});
afterEach(() => host.remove());

describe("the recipe for Talos (preview)", () => {
  it("fetches before the drain, and upgrades where the node may restart", async () => {
    expect(await host.run("stage", WANT)).toMatchObject({ code: 0 });
    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect([host.get("pulled"), host.get("reboots")]).toEqual(["1.8.31.8.3", ""]);

    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });
    expect([host.get("next"), host.get("reboots")]).toEqual(["1.8.3", "upgrade"]);
    expect(host.calls()).toContain("upgrade --image ghcr.io/siderolabs/installer:v1.8.3 --wait=false");
    host.boot("boot-2");
    host.set("running", "1.8.3");

    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });
    expect(host.get("reboots")).toBe("upgrade");
  });

  it("restarts a node that needs nothing else without an upgrade", async () => {
    host.set("running", "1.8.4");
    expect(await host.run("update", WANT)).toMatchObject({ code: 0 });
    expect(await host.run("reboot", WANT)).toMatchObject({ code: 0 });

    expect([host.get("pulled"), host.get("reboots")]).toEqual(["", "reboot"]);
  });

  it("goes back in a rollback", async () => {
    host.set("running", "1.8.3");
    const older = { RINGWARD_OS_IMAGE: "1.8.2", RINGWARD_ATTEMPT: "2" };

    expect(await host.run("rollback", older)).toMatchObject({ code: 0 });
    expect(await host.run("reboot", older)).toMatchObject({ code: 0 });
    expect(host.get("next")).toBe("1.8.2");
  });

  it("ends with 69 where there is no such installer", async () => {
    expect(await host.run("stage", { RINGWARD_OS_IMAGE: "1.8.9" })).toMatchObject({
      code: 69,
      message: "VersionNotAvailable: there is no ghcr.io/siderolabs/installer:v1.8.9",
    });
  });

  it("goes one minor version at a time", async () => {
    expect(await host.run("update", { RINGWARD_OS_IMAGE: "1.10.0" })).toMatchObject({ code: 1 });
    expect(await host.run("update", { RINGWARD_OS_IMAGE: "1.9.0" })).toMatchObject({ code: 0 });
  });

  it("says what is missing", async () => {
    host.set("down", "yes");
    expect((await host.run("stage", WANT)).message).toMatch(
      /^ApiFailed: talosctl version: rpc error: code = Unavailable/,
    );
    expect(await host.run("stage", { ...WANT, TALOS_ENDPOINTS: "" })).toMatchObject({ code: 64 });
    expect(await host.run("stage", { ...WANT, TALOSCONFIG_PATH: "/nowhere" })).toMatchObject({ code: 78 });
  });
});
