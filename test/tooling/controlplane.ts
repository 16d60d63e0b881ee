// Finds etcd, kube-apiserver, kube-controller-manager and kube-scheduler for the end-to-end tests: in the folder that
// KUBEBUILDER_ASSETS names, else built once with Go from test/controlplane/ into a cache outside the tree. Anything missing is an
// error with what to do: the tests never silently do without. Two builds at once do not harm each other.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../controller/clock.ts";
import { isMain } from "./is-main.ts";

/** Version of Kubernetes that is built; after a change run test/tooling/controlplane-module.ts. */
export const KUBERNETES_VERSION = "v1.36.3";
export const MODULE_FOLDER = new URL("../controlplane/", import.meta.url);
export const PROGRAMS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
export type Program = (typeof PROGRAMS)[number];

const BINARY = "controlplane";
const SOURCES = ["go.mod", "go.sum", "main.go"];

export interface Assets {
  /** Holds one executable for each of PROGRAMS. */
  readonly folder: string;
  /** How they came there, for the first lines of a run. */
  readonly found: string;
}

/** Where the four are. Builds them if need be, and says so through `tell`. Throws with what to do when that cannot be. */
export async function findAssets(
  env: Readonly<Record<string, string | undefined>>,
  tell: (line: string) => void,
): Promise<Assets> {
  const given = env["KUBEBUILDER_ASSETS"];
  if (given !== undefined && given !== "") return checkGiven(given);
  const version = await goVersion(env);
  const cache = env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
  const folder = join(cache, `controlplane-${await buildKey(version)}`);
  const found = `Kubernetes ${KUBERNETES_VERSION} built with ${version}`;
  if ((await missingIn(folder)).length === 0) return { folder, found: `${found}, from the cache` };
  tell(`building the control plane (Kubernetes ${KUBERNETES_VERSION}) with ${version}: minutes, the first time only`);
  const begun = systemClock.monotonic();
  await build(cache, folder, env);
  return { folder, found: `${found} in ${Math.round((systemClock.monotonic() - begun) / 1000)} s` };
}

async function checkGiven(folder: string): Promise<Assets> {
  const missing = await missingIn(folder);
  if (missing.length === 0) return { folder, found: "KUBEBUILDER_ASSETS" };
  throw new Error(
    `KUBEBUILDER_ASSETS names ${folder}, which has no ${missing.join(", ")}: put them there, of the same Kubernetes version ` +
      "(setup-envtest brings only etcd and kube-apiserver), or unset it to have all four built with Go",
  );
}

async function missingIn(folder: string): Promise<readonly Program[]> {
  const there = await Promise.all(
    PROGRAMS.map((program) =>
      access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return PROGRAMS.filter((_, index) => there[index] === false);
}

/** `go1.26.8 linux/amd64`. */
async function goVersion(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("go", ["version"], { env });
    return stdout.trim().replace(/^go version /, "");
  } catch (error) {
    throw new Error(
      "the end-to-end tests need etcd, kube-apiserver, kube-controller-manager and kube-scheduler: name a folder with them in " +
        "KUBEBUILDER_ASSETS, or install Go 1.26 or newer to have them built",
      { cause: error },
    );
  }
}

/** Everything that decides what the build makes. */
async function buildKey(version: string): Promise<string> {
  const hash = createHash("sha256").update(`${version}\n${linkerFlags()}\n`);
  for (const name of SOURCES) hash.update(await readFile(new URL(name, MODULE_FOLDER)));
  return hash.digest("hex").slice(0, 16);
}

/** Without these it calls itself v0.0.0-master, and clients judge its features by that. */
function linkerFlags(): string {
  const [, major = "", minor = ""] = /^v(\d+)\.(\d+)\./.exec(KUBERNETES_VERSION) ?? [];
  const facts = { gitVersion: KUBERNETES_VERSION, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  const set = Object.entries(facts).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`);
  return ["-s", "-w", ...set].join(" ");
}

/** Builds into a folder of its own and moves that into place: whoever looks sees all four or none. */
async function build(cache: string, folder: string, env: Readonly<Record<string, string | undefined>>): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "building-"));
  try {
    const ready = join(work, "ready");
    await mkdir(ready);
    await runGo(
      ["build", "-trimpath", "-buildvcs=false", "-ldflags", linkerFlags(), "-o", join(ready, BINARY), "."],
      env,
    );
    for (const program of PROGRAMS) await symlink(BINARY, join(ready, program));
    await rename(ready, folder).catch(async (error: unknown) => {
      // Another build was faster, and what it made is the same.
      if ((await missingIn(folder)).length > 0) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function runGo(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, {
      cwd: fileURLToPath(MODULE_FOLDER),
      env: { ...env, CGO_ENABLED: "0", GOFLAGS: `${env["GOFLAGS"] ?? ""} -mod=readonly`.trim() },
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      code === 0
        ? resolve()
        : reject(new Error(`go build of test/controlplane ended with ${signal ?? String(code)} (see above)`)),
    );
  });
}

/** `node controller/launch.cjs test/tooling/controlplane.ts` prints the folder, for people and other tools. */
if (isMain(import.meta.url)) {
  const assets = await findAssets(process.env, (line) => process.stderr.write(`${line}\n`));
  process.stderr.write(`${assets.found}\n`);
  process.stdout.write(`${assets.folder}\n`);
}
