// Tiny Debian packages, and flat repositories of them.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

export interface Deb {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  /** Path -> content. */
  readonly files?: Readonly<Record<string, string>>;
  /** Maintainer scripts: name -> shell. */
  readonly scripts?: Readonly<Partial<Record<"preinst" | "postinst" | "prerm", string>>>;
}

/** Builds the package into the folder; its path. */
export function buildDeb(folder: string, deb: Deb): string {
  const tree = join(folder, `.build-${deb.name}`);
  const put = (path: string, text: string, mode = 0o644): void => {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const control = {
    Package: deb.name,
    Version: deb.version,
    Architecture: "all",
    Maintainer: "Nobody <nobody@example.com>",
    Description: "for a test",
    ...(deb.depends === undefined ? {} : { Depends: deb.depends }),
  };
  put(
    "DEBIAN/control",
    Object.entries(control)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(""),
  );
  put(`usr/share/test/${deb.name}`, `${deb.version}\n`);
  for (const [path, text] of Object.entries(deb.files ?? {})) put(path, text);
  for (const [name, text] of Object.entries(deb.scripts ?? {}))
    put(`DEBIAN/${name}`, `#!/bin/sh\nset -e\n${text}\n`, 0o755);
  const file = join(folder, `${deb.name}_${deb.version.replace(/^\d+:/, "")}_all.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Znone", "--build", tree, file], { stdio: "ignore" });
  rmSync(tree, { recursive: true });
  return file;
}

/** Fills `folder` with these packages and their index; what was there before is gone from it. */
export function debRepository(folder: string, debs: readonly Deb[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const deb of debs) buildDeb(folder, deb);
  const packages = readdirSync(folder)
    .filter((name) => name.endsWith(".deb"))
    .map((name) => {
      const bytes = readFileSync(join(folder, name));
      const control = execFileSync("dpkg-deb", ["--field", join(folder, name)], { encoding: "utf8" }).trim();
      const digest = createHash("sha256").update(bytes).digest("hex");
      return `${control}\nFilename: ./${name}\nSize: ${bytes.length}\nSHA256: ${digest}\n`;
    })
    .join("\n");
  writeFileSync(join(folder, "Packages"), packages);
  const digest = createHash("sha256").update(packages).digest("hex");
  writeFileSync(
    join(folder, "Release"),
    `Origin: test\nDate: Sat, 01 Nov 2025 00:00:00 UTC\nSHA256:\n ${digest} ${Buffer.byteLength(packages)} Packages\n`,
  );
}

/** Installs a package as an administrator would, without any repository. */
export function installDeb(root: string, folder: string, deb: Deb): void {
  const file = buildDeb(folder, deb);
  const inside = join(root, "tmp", basename(file));
  copyFileSync(file, inside);
  execFileSync("chroot", [root, "dpkg", "-i", `/tmp/${basename(file)}`], { stdio: "pipe" });
  rmSync(inside);
}
