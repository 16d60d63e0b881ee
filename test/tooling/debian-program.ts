// Gets a program of Debian for tests without installing it: from PATH, else its package is fetched by apt-get into a cache outside the
// tree and unpacked there. Anything unexpected is an error with what to do; a test never silently does without.
import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** The path of a program that a package brings, by default that of the package's own name. */
export async function debianProgram(
  name: "prometheus" | "prometheus-alertmanager",
  program: string = name,
): Promise<string> {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, program);
    if (folder !== "" && (await exists(path))) return path;
  }
  const cache = process.env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
  const folder = join(cache, `debian-${name}`);
  if (!(await exists(join(folder, "usr", "bin", name)))) await fetchPackage(name, cache, folder);
  const path = join(folder, "usr", "bin", program);
  if (!(await exists(path))) throw new Error(`Debian's package ${name} brings no ${program}: put one into PATH`);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function fetchPackage(name: string, cache: string, folder: string): Promise<void> {
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, "fetching-"));
  try {
    await run("apt-get", ["download", name], { cwd: work });
    const [deb] = (await readdir(work)).filter((file) => file.endsWith(".deb"));
    if (deb === undefined) throw new Error("apt-get made no file");
    await run("dpkg-deb", ["-x", join(work, deb), join(work, "root")]);
    await rename(join(work, "root"), folder).catch(async (error: unknown) => {
      if (!(await exists(join(folder, "usr", "bin", name)))) throw error;
    });
  } catch (error) {
    throw new Error(
      `${name} for tests could not be fetched ("apt-get download ${name}"): run apt-get update, or put ${name} into PATH`,
      { cause: error },
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
