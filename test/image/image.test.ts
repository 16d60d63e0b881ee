// The controller's image: the Dockerfile built twice by buildah, without a daemon, on a base that is made here (Debian's minimum with git, and the
// Node that the tests run under) and served by a registry on loopback. The public base of the Dockerfile is not reachable from everywhere.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { ROOT } from "../tooling/bundle.ts";
import { makePackage } from "../tooling/package.ts";

const scratch = mkdtempSync(join(tmpdir(), "ringward-image-"));
const closers: (() => Promise<void> | void)[] = [];
let registry: string;
let base: string;

/** buildah with a store of its own: nothing is shared from build to build. */
async function buildah(store: string, ...args: readonly string[]): Promise<string> {
  const places = ["--root", join(scratch, store, "store"), "--runroot", join(scratch, store, "run")];
  const { stdout } = await promisify(execFile)("buildah", [...places, ...args], { cwd: scratch, maxBuffer: 64 << 20 });
  return stdout.trim();
}

/** Pushes an image; answers the digest of its manifest. */
async function push(store: string, image: string, name: string): Promise<string> {
  const file = join(scratch, `${name}.digest`);
  const target = `docker://${registry}/${name}:test`;
  await buildah(store, "push", "--tls-verify=false", "--digestfile", file, image, target);
  return readFileSync(file, "utf8");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}

async function startRegistry(): Promise<string> {
  const address = `127.0.0.1:${await freePort()}`;
  const config = join(scratch, "registry.yml");
  const storage = `{ filesystem: { rootdirectory: ${join(scratch, "registry")} } }`;
  writeFileSync(config, `version: 0.1\nlog: { level: error }\nstorage: ${storage}\nhttp: { addr: ${address} }\n`);
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  closers.push(() => {
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill();
    return ended;
  });
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`http://${address}/v2/`).catch(() => undefined);
    if (answer?.ok === true) return address;
    await systemClock.sleep(100);
  }
  throw new Error(`docker-registry does not answer on ${address}`);
}

/** Debian's minimum with git, and Node; answers its name by digest. */
async function makeBase(): Promise<string> {
  const root = process.env["RINGWARD_RECIPE_ROOTS"];
  if (root === undefined) throw new Error("run these tests by `npm run test:recipes`: it makes the roots");
  const container = await buildah("base", "from", "scratch");
  await buildah("base", "copy", container, join(root, "image"), "/");
  await buildah("base", "copy", "--chmod", "755", container, process.execPath, "/usr/local/bin/node");
  await buildah("base", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container);
  await buildah("base", "commit", "--timestamp", "0", container, "base");
  return `${registry}/base@${await push("base", "base", "base")}`;
}

/** Makes package and image in a folder and store of their own. */
async function buildImage(name: string): Promise<void> {
  const context = join(scratch, `${name}-context`);
  mkdirSync(context);
  await makePackage(join(context, "dist/package"));
  const from = ["--tls-verify=false", "--build-arg", `BASE=${base}`, "--timestamp", "0", "--isolation", "chroot"];
  await buildah(name, "build", ...from, "-f", join(ROOT, "Dockerfile"), "-t", "ringward", context);
}

/** Runs a program in a new container of the image. */
async function runIn(store: string, ...command: readonly string[]): Promise<string> {
  const container = await buildah(store, "from", "--pull-never", "ringward");
  return buildah(store, "run", "--isolation", "chroot", container, "--", ...command);
}

describe("the container image", () => {
  beforeAll(async () => {
    registry = await startRegistry();
    base = await makeBase();
    await buildImage("first");
  });

  afterAll(async () => {
    for (const close of closers) await close();
    rmSync(scratch, { recursive: true, force: true });
  });

  it("has the same digest when it is built again, from the package on", async () => {
    await buildImage("second");
    expect(await push("second", "ringward", "second")).toBe(await push("first", "ringward", "first"));
  });

  it("runs ringward as nobody in particular, with git, gpg and ssh beside it", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await runIn("first", "ringward", "version")).toBe(`ringward ${version}`);
    expect(await runIn("first", "id", "-u")).toBe("65532");
    const tools = await runIn("first", "sh", "-c", "git --version && gpg --version && ssh -V 2>&1");
    expect(tools).toMatch(/^git version [\s\S]*^gpg [\s\S]*^OpenSSH_/m);
    await expect(runIn("first", "sh", "-c", "touch /opt/ringward/x")).rejects.toThrow(/Permission denied/);
  });

  it("starts the controller when it is told nothing else, and names its base by digest", async () => {
    const { OCIv1 } = JSON.parse(await buildah("first", "inspect", "--type", "image", "ringward")) as {
      readonly OCIv1: { readonly config: object };
    };
    expect(OCIv1.config).toMatchObject({ User: "65532:65532", Entrypoint: ["ringward"], Cmd: ["controller"] });
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    expect(dockerfile).toMatch(/^ARG BASE=docker\.io\/library\/node:24\.\d+\.\d+-[a-z]+-slim@sha256:[0-9a-f]{64}$/m);
  });
});
