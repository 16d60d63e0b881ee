// Finds Gitea for the tests of its adapter: built once with Go from test/gitea/ into a cache outside the tree, with the templates and options
// that it reads when it starts. Anything missing is an error with what to do. Two builds at once do not harm each other.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, cp, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../controller/clock.ts";
import { isMain } from "./is-main.ts";

const MODULE_FOLDER = new URL("../gitea/", import.meta.url);
const SOURCES = ["go.mod", "go.sum", "main.go"];
/** What it reads below its static root when it starts; pages and scripts of its own front end are not among Go's modules. */
const STATIC = ["templates", "options", "public"];

export interface GiteaBuild {
  readonly program: string;
  readonly staticRoot: string;
  /** How it came there, for the first lines of a run. */
  readonly found: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Where it is. Builds it if need be, and says so through `tell`. Throws with what to do when that cannot be. */
export async function findGitea(env: Env, tell: (line: string) => void): Promise<GiteaBuild> {
  const version = await goVersion(env);
  const hash = createHash("sha256").update(version);
  for (const name of SOURCES) hash.update(await readFile(new URL(name, MODULE_FOLDER)));
  const cache = env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
  const folder = join(cache, `gitea-${hash.digest("hex").slice(0, 16)}`);
  const build = { program: join(folder, "gitea"), staticRoot: join(folder, "static") };
  const found = `Gitea ${await giteaVersion()} built with ${version}`;
  if (await isThere(build.program)) return { ...build, found: `${found}, from the cache` };
  tell(`building Gitea with ${version}: minutes, the first time only`);
  const begun = systemClock.monotonic();
  await make(cache, folder, env);
  return { ...build, found: `${found} in ${Math.round((systemClock.monotonic() - begun) / 1000)} s` };
}

function isThere(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** `go1.26.8 linux/amd64`. */
async function goVersion(env: Env): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("go", ["version"], { env });
    return stdout.trim().replace(/^go version /, "");
  } catch (error) {
    throw new Error("the tests of the Gitea adapter need Go 1.26 or newer to build Gitea", { cause: error });
  }
}

async function giteaVersion(): Promise<string> {
  const module = await readFile(new URL("go.mod", MODULE_FOLDER), "utf8");
  return /^replace gitea\.dev => \S+ (v\S+)$/m.exec(module)?.[1] ?? "of an unknown version";
}

/** Builds into a folder of its own and moves that into place: whoever looks sees all of it or nothing. */
async function make(cache: string, folder: string, env: Env): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "building-"));
  try {
    const ready = join(work, "ready");
    await mkdir(ready);
    const goEnv = { ...env, CGO_ENABLED: "0", GOFLAGS: `${env["GOFLAGS"] ?? ""} -mod=readonly`.trim() };
    const cwd = fileURLToPath(MODULE_FOLDER);
    await runGo(
      ["build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", join(ready, "gitea"), "."],
      cwd,
      goEnv,
    );
    const list = await promisify(execFile)("go", ["list", "-m", "-f", "{{.Dir}}", "gitea.dev"], { cwd, env: goEnv });
    for (const name of STATIC)
      await cp(join(list.stdout.trim(), name), join(ready, "static", name), {
        recursive: true,
        mode: constants.COPYFILE_FICLONE,
      });
    await rename(ready, folder).catch(async (error: unknown) => {
      // Another build was faster, and what it made is the same.
      if (!(await isThere(join(folder, "gitea")))) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function runGo(args: readonly string[], cwd: string, env: Env): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("go", args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      code === 0
        ? resolve()
        : reject(new Error(`go build of test/gitea ended with ${signal ?? String(code)} (see above)`)),
    );
  });
}

/** `node controller/launch.cjs test/tooling/gitea.ts` prints the program, for people and other tools. */
if (isMain(import.meta.url)) {
  const build = await findGitea(process.env, (line) => process.stderr.write(`${line}\n`));
  process.stderr.write(`${build.found}\n`);
  process.stdout.write(`${build.program}\n`);
}
