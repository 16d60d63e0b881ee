// Builds the controller's image by buildah, without a daemon, on a base that is made here (Debian's minimum with git, and the Node that the tests run
// under) and served by a registry on loopback. The public base of the Dockerfile is not reachable from everywhere.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../../controller/clock.ts";
import { freePorts } from "../../e2e/support/processes.ts";
import { ROOT } from "../../tooling/bundle.ts";
import { makePackage } from "../../tooling/package.ts";

/** What an image says of its containers. */
export interface ImageConfig {
  readonly User: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
}

/** Each `store` is a store of its own: nothing is shared from build to build. */
export interface ImageBuilder {
  /** Makes package and image, from the checkout on. */
  build(store: string): Promise<void>;
  /** Pushes the image; answers the digest of its manifest. */
  push(store: string): Promise<string>;
  config(store: string): Promise<ImageConfig>;
  /** Runs a program in a new container of the image; answers what it printed. */
  run(store: string, ...command: readonly string[]): Promise<string>;
  /** The root of a new container of the image, as a folder. */
  mount(store: string): Promise<string>;
  close(): Promise<void>;
}

export async function startBuilder(): Promise<ImageBuilder> {
  const scratch = mkdtempSync(join(tmpdir(), "ringward-image-"));
  const closers: (() => Promise<unknown> | void)[] = [() => rmSync(scratch, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).toReversed()) await one();
  };
  const buildah = async (store: string, ...args: readonly string[]): Promise<string> => {
    const places = ["--root", join(scratch, store, "store"), "--runroot", join(scratch, store, "run")];
    const { stdout } = await promisify(execFile)("buildah", [...places, ...args], {
      cwd: scratch,
      maxBuffer: 64 << 20,
    });
    return stdout.trim();
  };
  try {
    const registry = await startRegistry(scratch, closers);
    const push = async (store: string, image: string): Promise<string> => {
      const file = join(scratch, `${store}.digest`);
      await buildah(
        store,
        "push",
        "--tls-verify=false",
        "--digestfile",
        file,
        image,
        `docker://${registry}/${store}:test`,
      );
      return readFileSync(file, "utf8");
    };
    await makeBase(buildah);
    const base = `${registry}/base@${await push("base", "base")}`;
    const from = (store: string): Promise<string> => buildah(store, "from", "--pull-never", "ringward");
    return {
      async build(store) {
        const context = join(scratch, `${store}-context`);
        mkdirSync(context);
        await makePackage(join(context, "dist/package"));
        const how = ["--tls-verify=false", "--build-arg", `BASE=${base}`, "--timestamp", "0", "--isolation", "chroot"];
        await buildah(store, "build", ...how, "-f", join(ROOT, "Dockerfile"), "-t", "ringward", context);
      },
      push: (store) => push(store, "ringward"),
      async config(store) {
        const { OCIv1 } = JSON.parse(await buildah(store, "inspect", "--type", "image", "ringward")) as {
          readonly OCIv1: { readonly config: ImageConfig };
        };
        return OCIv1.config;
      },
      run: async (store, ...command) =>
        buildah(store, "run", "--isolation", "chroot", await from(store), "--", ...command),
      async mount(store) {
        const container = await from(store);
        const folder = await buildah(store, "mount", container);
        closers.push(() => buildah(store, "umount", container));
        return folder;
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startRegistry(scratch: string, closers: (() => Promise<unknown> | void)[]): Promise<string> {
  const [port = 0] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
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

/** Debian's minimum with git, and Node, as image `base` of the store `base`. */
async function makeBase(buildah: (store: string, ...args: readonly string[]) => Promise<string>): Promise<void> {
  const root = process.env["RINGWARD_RECIPE_ROOTS"];
  if (root === undefined) throw new Error("run these tests by `npm run test:recipes`: it makes the roots");
  const container = await buildah("base", "from", "scratch");
  await buildah("base", "copy", container, join(root, "image"), "/");
  await buildah("base", "copy", "--chmod", "755", container, process.execPath, "/usr/local/bin/node");
  await buildah("base", "config", "--env", "PATH=/usr/local/bin:/usr/bin:/bin", container);
  await buildah("base", "commit", "--timestamp", "0", container, "base");
}
