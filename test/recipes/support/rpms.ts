// Tiny rpm packages, and repositories of them as createrepo_c makes them.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

export interface Rpm {
  readonly name: string;
  /** `[EPOCH:]VERSION-RELEASE`. */
  readonly version: string;
  readonly provides?: readonly string[];
  /** Path -> content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Scriptlets: name -> shell. */
  readonly scripts?: Readonly<Partial<Record<"pre" | "post", string>>>;
}

/** Builds the package into the folder; its path. */
export function buildRpm(folder: string, rpm: Rpm): string {
  const top = join(folder, `.build-${rpm.name}`);
  mkdirSync(top, { recursive: true });
  const [, epoch, version, release] = /^(?:(\d+):)?([^-]+)-([^-]+)$/.exec(rpm.version) ?? [];
  if (version === undefined || release === undefined) throw new Error(`not a version of rpm: ${rpm.version}`);
  const files = Object.entries(rpm.files ?? {});
  files.forEach(([, text], index) => writeFileSync(join(top, `source-${index}`), text));
  const spec = [
    `Name: ${rpm.name}`,
    ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    "Summary: test",
    "License: none",
    "BuildArch: noarch",
    "AutoReqProv: no",
    ...(rpm.provides ?? []).map((one) => `Provides: ${one}`),
    "%description",
    "test",
    "%install",
    ...files.map(([path], index) => `install -D -m 644 '${join(top, `source-${index}`)}' '%{buildroot}/${path}'`),
    ...Object.entries(rpm.scripts ?? {}).map(([name, text]) => `%${name}\n${text}`),
    "%files",
    ...files.map(([path]) => `/${path}`),
  ];
  writeFileSync(join(top, "spec"), `${spec.join("\n")}\n`);
  const name = `${rpm.name}-${version}-${release}.noarch.rpm`;
  const defines = [`_topdir ${top}`, `_rpmdir ${folder}`, `_build_name_fmt ${name}`, "_binary_payload w0.ufdio"];
  const args = ["-bb", "--quiet", ...defines.flatMap((one) => ["--define", one]), join(top, "spec")];
  execFileSync("rpmbuild", args, { stdio: "pipe", env: { ...process.env, HOME: top } });
  rmSync(top, { recursive: true });
  return join(folder, name);
}

/** Fills `folder` with these packages and their index; what was there before is gone from it. */
export function rpmRepository(folder: string, rpms: readonly Rpm[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const rpm of rpms) buildRpm(folder, rpm);
  execFileSync("createrepo_c", ["--quiet", "--no-database", folder], { stdio: "pipe" });
}

/** Installs a package as an administrator would, without any repository. */
export function installRpm(root: string, folder: string, rpm: Rpm): void {
  const file = buildRpm(folder, rpm);
  const inside = join(root, "tmp", basename(file));
  copyFileSync(file, inside);
  execFileSync("chroot", [root, "rpm", ...RPM_INSTALL, `/tmp/${basename(file)}`], { stdio: "pipe" });
  rmSync(inside);
}

/** Debian's rpm asks whether one means it. */
export const RPM_INSTALL = ["--force-debian", "-i"] as const;
