// Root file systems for the tests of recipes and of the image: Debian's minimum by debootstrap, with its dnf or zypper in some, from the mirror that this machine's own apt uses, once,
// into a cache outside of the tree.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Raised when roots are made in another way. */
const EDITION = 1;

/** Root -> packages beside Debian's minimum. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  image: ["ca-certificates", "git", "gpg", "openssh-client"],
  dnf: ["dnf", "rpm"],
  zypper: ["zypper", "rpm"],
};

/** The folder that holds the roots. Throws with what to do when they cannot be made. */
export function makeRoots(env: NodeJS.ProcessEnv, tell: (line: string) => void): string {
  const { mirror, suite } = ownArchive();
  const cache = env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
  const folder = join(cache, `recipe-roots-${suite}-${EDITION}`);
  for (const [name, packages] of Object.entries(ROOTS)) {
    const path = join(folder, name);
    if (existsSync(path)) continue;
    tell(`making the root ${name} by debootstrap (once, about a minute)`);
    const part = `${path}.part`;
    const debs = join(folder, "debs");
    rmSync(part, { recursive: true, force: true });
    mkdirSync(debs, { recursive: true });
    const include = packages.length === 0 ? [] : [`--include=${packages.join(",")}`];
    run("debootstrap", ["--variant=minbase", `--cache-dir=${debs}`, ...include, suite, part, mirror]);
    slim(part);
    if (packages.includes("rpm")) likeRpmSystem(part);
    renameSync(part, path);
  }
  return folder;
}

/** Where this machine gets its Debian from, and which it is. */
function ownArchive(): { readonly mirror: string; readonly suite: string } {
  const format = "$(REPO_URI) $(CODENAME) $(COMPONENT) $(CREATED_BY)";
  const text = execFileSync("apt-get", ["indextargets", "--format", format], { encoding: "utf8" });
  const suite = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const mirror = text
    .split("\n")
    .map((line) => line.split(" "))
    .find(([, codename, component, by]) => codename === suite && component === "main" && by === "Packages")?.[0];
  if (mirror === undefined)
    throw new Error(
      `apt knows no archive of "${suite}" here, and the root for the tests of recipes is made from it: apt-get update`,
    );
  return { mirror, suite };
}

/** The root is copied for each test. Its packages were installed long ago: else all would be newer than the machine's boot. */
function slim(root: string): void {
  for (const path of ["usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/zoneinfo", "usr/share/info"])
    rmSync(join(root, path), { recursive: true, force: true });
  const rest = `rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/etc/apt/sources.list.d
mkdir -p "$1/var/lib/apt/lists/partial" "$1/etc/apt/sources.list.d"
touch -d 2020-01-01 "$1"/var/lib/dpkg/info/*.list`;
  run("sh", ["-ec", rest, "sh", root]);
}

/** rpm's database where systems of rpm have it, kernels beside each other, and no repository of Debian's own making. */
function likeRpmSystem(root: string): void {
  mkdirSync(join(root, "etc/rpm"), { recursive: true });
  writeFileSync(join(root, "etc/rpm/macros"), "%_dbpath /var/lib/rpm\n");
  rmSync(join(root, "etc/dnf/plugins/local.conf"), { force: true });
  if (existsSync(join(root, "etc/zypp")))
    writeFileSync(join(root, "etc/zypp/zypp.conf"), "[main]\nmultiversion = provides:multiversion(kernel)\n");
}

function run(file: string, args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(file, args, {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    // Nobody needs these files after a power cut: without waiting for the disk it takes a fraction of the time.
    env: { ...process.env, LC_ALL: "C", DPKG_FORCE: "unsafe-io", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` },
  });
  if (status === 0) return;
  const last = `${stdout}${stderr}`.trim().split("\n").slice(-5).join("\n");
  throw new Error(`${file} ${args.join(" ")}: ${error?.message ?? `ended with ${status}`}\n${last}`);
}
