// The Flatcar recipe (preview) against fakes of update_engine_client, flatcar-update and systemctl, with real curl and a server on loopback.
// It was never run on Flatcar.
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serve, type Served } from "../recipes/support/served.ts";
import { BOOT_ID, type Env, type FakeHost, makeHost } from "./support/host.ts";

const RUNS = "3975.2.0";
const WANTED = "3975.2.2";
const LEVEL: Env = {
  RINGWARD_CLAIM: "canary-1",
  RINGWARD_ATTEMPT: "1",
  RINGWARD_LEVEL: "flatcar-20241216-0123456789ab",
  RINGWARD_OS_IMAGE: WANTED,
};
const CONF = "etc/flatcar/update.conf";

let folder: string;
let served: Served;
let host: FakeHost;

const payloadOf = (version: string): string => `payload of ${version}`;
const sumOf = (text: string): string => createHash("sha256").update(text).digest("hex");

function publish(version: string, sum = sumOf(payloadOf(version))): void {
  const at = join(folder, "amd64-usr", version);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "flatcar_production_update.gz"), payloadOf(version));
  writeFileSync(join(at, "flatcar_production_update.gz.sha256"), `${sum}  flatcar_production_update.gz\n`);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringward-payloads-"));
  served = await serve(folder);
  publish(WANTED);
  host = makeHost(
    "flatcar",
    {
      "etc/os-release": `ID=flatcar\nVERSION_ID=${RUNS}\n`,
      "usr/share/flatcar/release": "FLATCAR_RELEASE_VERSION=3975.2.0\nFLATCAR_RELEASE_BOARD=amd64-usr\n",
      [CONF]: "REBOOT_STRATEGY=off\nSERVER=https://updates.example.com/\n",
    },
    { PAYLOAD_SOURCE: served.url, ENGINE_WAIT_SECONDS: "1" },
  );
});

afterEach(async () => {
  host.remove();
  await served.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("an image that a level names", () => {
  it("is downloaded by stage, written by update without asking the server again, and waits for the boot", async () => {
    const staged = await host.run("stage", LEVEL);
    const afterStage = host.lines("state/asked");
    const asked = served.asked.length;
    const updated = await host.run("update", LEVEL);

    expect([staged.code, afterStage], staged.log).toEqual([0, []]);
    expect([updated.code, served.asked.length], updated.log).toEqual([0, asked]);
    expect(host.read("state/partition")).toBe(payloadOf(WANTED));
    expect(host.read("state/op").trim()).toBe("UPDATE_STATUS_UPDATED_NEED_REBOOT");
    expect(host.lines(CONF)).toEqual(["REBOOT_STRATEGY=off", "SERVER=disabled"]);
  });

  it("is written once: another attempt finds it waiting", async () => {
    await host.run("update", LEVEL);
    const again = await host.run("update", { ...LEVEL, RINGWARD_ATTEMPT: "2" });

    expect([again.code, host.lines("state/asked").length], again.log).toEqual([0, 1]);
  });

  it("is a floor for update, and exact for rollback", async () => {
    host.write("etc/os-release", "ID=flatcar\nVERSION_ID=4081.2.0\n");
    const updated = await host.run("update", LEVEL);
    const afterUpdate = host.lines("state/asked");
    const back = await host.run("rollback", LEVEL);

    expect([updated.code, afterUpdate]).toEqual([0, []]);
    expect([back.code, host.read("state/new").trim()], back.log).toEqual([0, WANTED]);
  });

  it("takes the place of an older one that waits; a rollback to what runs only gives up what waits", async () => {
    host.write("state/op", "UPDATE_STATUS_UPDATED_NEED_REBOOT\n");
    host.write("state/new", "3975.2.1\n");
    const updated = await host.run("update", LEVEL);
    const written = host.read("state/new").trim();
    const back = await host.run("rollback", { ...LEVEL, RINGWARD_OS_IMAGE: RUNS });

    expect([updated.code, written, back.code], updated.log + back.log).toEqual([0, WANTED, 0]);
    expect(host.lines("state/asked").filter((line) => line === "reset")).toHaveLength(2);
    expect(host.lines("state/op")).toEqual([]);
  });
});

describe("nothing is written", () => {
  const untouched = (): void => {
    expect(host.lines("state/partition")).toEqual([]);
    expect(host.lines(CONF)).toEqual(["REBOOT_STRATEGY=off", "SERVER=https://updates.example.com/"]);
  };

  it.each([
    ["the server does not have it", 69, "VersionNotAvailable", { RINGWARD_OS_IMAGE: "9999.0.0" }],
    [
      "the level names another digest",
      1,
      "DigestMismatch",
      { RINGWARD_SOURCE_OS_IMAGE_DIGEST: `sha256:${"0".repeat(64)}` },
    ],
    ["the kubelet is too old", 1, "KubeletNotInImage", { RINGWARD_KUBELET: "1.31.5" }],
    ["packages are asked for", 64, "Usage", { RINGWARD_PACKAGES: "openssl=3" }],
    ["the version is none", 64, "Usage", { RINGWARD_OS_IMAGE: "stable" }],
  ])("when %s", async (_, code, reason, env) => {
    const ended = await host.run("update", { ...LEVEL, ...env });

    expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([code, reason]);
    untouched();
  });

  it("when the server fails, or gives what its checksum does not say", async () => {
    served.broken = "/amd64-usr";
    const broken = await host.run("stage", LEVEL);
    served.broken = undefined;
    publish(WANTED, "1".repeat(64));
    const wrong = await host.run("update", LEVEL);

    expect([broken.code, broken.message.split(":")[0]], broken.log).toEqual([1, "NotFetched"]);
    expect([wrong.code, wrong.message.split(":")[0]], wrong.log).toEqual([1, "NotFetched"]);
    untouched();
  });

  it("when the engine does not answer, says a state that nobody knows, or stays busy", async () => {
    host.write("state/engine-broken", "");
    const silent = await host.run("update", LEVEL);
    host.delete("state/engine-broken");
    host.write("state/op", "UPDATE_STATUS_SOMETHING\n");
    const unknown = await host.run("update", { ...LEVEL, RINGWARD_ATTEMPT: "2" });
    host.write("state/op", "UPDATE_STATUS_DOWNLOADING\n");
    const busy = await host.run("update", { ...LEVEL, RINGWARD_ATTEMPT: "3" });

    expect([silent, unknown, busy].map(({ code, message }) => [code, message.split(":")[0]])).toEqual([
      [1, "EngineUnknown"],
      [1, "EngineUnknown"],
      [75, "Locked"],
    ]);
    untouched();
  });

  it("while locksmithd would reboot by itself", async () => {
    host.write("state/active", "locksmithd\n");
    const off = await host.run("stage", LEVEL);
    host.write(CONF, "SERVER=https://updates.example.com/\n");
    const on = await host.run("update", LEVEL);

    expect([off.code, on.code, on.message.split(":")[0]]).toEqual([0, 1, "RebootsElsewhere"]);
    expect(host.lines("state/partition")).toEqual([]);
  });
});

it("waits while the engine is busy, and takes what it wrote", async () => {
  const patient = { ...LEVEL, ENGINE_WAIT_SECONDS: "30" };
  host.write("state/new", `${WANTED}\n`);
  host.write("state/ops", "UPDATE_STATUS_DOWNLOADING\nUPDATE_STATUS_UPDATED_NEED_REBOOT\n");
  const ended = await host.run("update", patient);

  expect([ended.code, host.lines("state/asked")], ended.log).toEqual([0, []]);
});

it("fails when the engine does not take the payload, and leaves no server of flatcar-update's behind", async () => {
  host.write("state/refuse", "");
  const ended = await host.run("update", LEVEL);

  expect([ended.code, ended.message.split(":")[0]], ended.log).toEqual([1, "InstallFailed"]);
  expect(host.lines(CONF)).toEqual(["REBOOT_STRATEGY=off", "SERVER=disabled"]);
});

it("reboots through a unit of the host, once in an attempt", async () => {
  const asked = await host.run("reboot", LEVEL);
  host.boot(BOOT_ID.replaceAll("1", "2"));
  const again = await host.run("reboot", LEVEL);

  expect([asked.code, again.code, host.lines("state/later")]).toEqual([0, 0, ["systemctl reboot"]]);
});
