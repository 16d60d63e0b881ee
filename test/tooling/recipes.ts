// `npm run test:recipes`: makes the roots that recipes are run on and the image is built from (once, in a cache outside of the tree), runs the tests, and ends with one
// line `N passed, N failed`. It needs root rights (chroot, mount namespaces) and Debian's debootstrap, and says so instead of skipping.
// `npm run test:recipes -- test/recipes/apt.test.ts` runs a part; further arguments go to vitest.
import { spawnSync } from "node:child_process";
import { isMain } from "./is-main.ts";
import { makeRoots } from "./recipe-roots.ts";
import { runVitest } from "./vitest-run.ts";

/** Program -> Debian package that brings it. */
const NEEDED: Readonly<Record<string, string>> = {
  debootstrap: "debootstrap",
  unshare: "util-linux",
  busybox: "busybox-static",
  "dpkg-deb": "dpkg",
  shellcheck: "shellcheck",
  rpmbuild: "rpm",
  createrepo_c: "createrepo-c",
  buildah: "buildah",
  "docker-registry": "docker-registry",
  setpriv: "util-linux",
  "/usr/sbin/sshd": "openssh-server",
  "ssh-keygen": "openssh-client",
  gpg: "gnupg",
};

async function runTests(args: readonly string[]): Promise<number> {
  const tell = (line: string): void => void process.stdout.write(`${line}\n`);
  try {
    checkMachine();
    const roots = makeRoots(process.env, tell);
    tell(`roots: ${roots}`);
    return await runVitest({ config: "test/recipes/vitest.config.ts", args, env: { RINGWARD_RECIPE_ROOTS: roots } });
  } catch (error) {
    tell(`${(error as Error).message}\n0 passed, 1 failed`);
    return 1;
  }
}

function checkMachine(): void {
  const missing = Object.keys(NEEDED).filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
  if (missing.length > 0) {
    const packages = missing.map((name) => NEEDED[name]).join(" ");
    throw new Error(`the tests of recipes need ${missing.join(", ")}: apt-get install ${packages}`);
  }
  if (spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).status !== 0)
    throw new Error("the tests of recipes need root rights: they chroot, and mount in namespaces of their own");
}

if (isMain(import.meta.url)) process.exitCode = await runTests(process.argv.slice(2));
