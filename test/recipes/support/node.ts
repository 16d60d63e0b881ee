// A node for the tests of recipes: a copy of a root, and containers on it as a kubelet would run them: a mount namespace of their own, an
// image that holds nothing but sh and chroot, the node's root at /host (read-only for inventories), /dev/shm and /dev/termination-log.
// Three programs of the root are replaced, for a chroot has no systemd and no kernel of its own: systemd-run detaches by setsid,
// systemctl writes down what it was asked, uname says what a file says. Boot id and boot time are files that are bound over /proc's.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { load } from "js-yaml";
import { systemClock } from "../../../controller/clock.ts";
import type { UpdateRecipe } from "../../../controller/api/update-recipe.ts";
import { type InventoryReport, parseReport } from "../../../controller/inventory/report.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;

export type StepName = "inventory" | "stage" | "update" | "reboot" | "rollback";
export type Env = Readonly<Record<string, string>>;

export interface Ended {
  /** Undefined: it was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly log: string;
  /** What the pod's status would show. */
  readonly message: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  /** Kills the container with all that is in it, as the end of a job does. */
  kill(): Promise<void>;
}

export interface TestNode {
  readonly root: string;
  start(step: StepName, env?: Env, options?: RunOptions): Running;
  run(step: StepName, env?: Env, options?: RunOptions): Promise<Ended>;
  inventory(env?: Env): Promise<InventoryReport>;
  /** Runs a program in the root, as a person on the node would. */
  chroot(...command: readonly string[]): string;
  /** The same for what asks the test's own server, which answers meanwhile. */
  online(...command: readonly string[]): Promise<void>;
  write(path: string, text: string, mode?: number): void;
  read(path: string): string;
  /** Ends the transient unit with all its processes, as a power cut does. */
  killUnit(): void;
  /** Another boot: another boot id, and units are gone. */
  boot(bootId: string, at?: number): void;
  /** How often systemd-run took a unit of that name. */
  units(name: string): number;
  remove(): void;
}

export interface RunOptions {
  /** Shell that runs in the container's mount namespace before it starts, with the node's root in $NODE. */
  readonly before?: string;
}

export const BOOT_ID = "11111111-1111-4111-8111-111111111111";
/** 2024-01-01: later than all that came with the root. */
const BOOTED_AT = 1_704_067_200;

/** A node of the root with that name, updated by a recipe of policies/recipes/. */
export function makeNode(rootName: string, recipe: string, literal: Env = {}): TestNode {
  const roots = process.env["RINGWARD_RECIPE_ROOTS"];
  if (roots === undefined) throw new Error("RINGWARD_RECIPE_ROOTS is not set: run npm run test:recipes");
  const folder = mkdtempSync(join(tmpdir(), "ringward-node-"));
  const root = join(folder, "root");
  copyRoot(join(roots, rootName), folder, root);
  const carrier = makeCarrier(folder);
  const steps = readRecipe(recipe).spec.steps ?? {};
  const write = (path: string, text: string, mode?: number): void => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    writeFileSync(file, text);
    if (mode !== undefined) chmodSync(file, mode);
  };
  replacePrograms(write);

  const boot = (bootId: string, at = BOOTED_AT): void => {
    writeFileSync(join(folder, "boot_id"), `${bootId}\n`);
    writeFileSync(join(folder, "stat"), `cpu  1 1 1 1\nbtime ${at}\n`);
    rmSync(join(root, "run/test-units"), { recursive: true, force: true });
  };
  boot(BOOT_ID);

  const start = (step: StepName, env: Env = {}, { before = "" }: RunOptions = {}): Running => {
    const recipeStep = steps[step];
    if (recipeStep === undefined) throw new Error(`recipe ${recipe} has no step ${step}`);
    const set = { ...recipeEnv(recipeStep.env), ...literal, RINGWARD_STEP: step, RINGWARD_NODE_NAME: "node-1", ...env };
    const setup = [
      "set -e",
      'mount --bind "$NODE" "$CARRIER/host"',
      recipeStep.host === "ReadWrite" ? "" : 'mount -o remount,bind,ro "$CARRIER/host"',
      'mount --bind /proc "$CARRIER/host/proc"',
      'mount --bind "$FOLDER/boot_id" "$CARRIER/host/proc/sys/kernel/random/boot_id"',
      'mount --bind "$FOLDER/stat" "$CARRIER/host/proc/stat"',
      'mount --rbind /dev "$CARRIER/host/dev"',
      'mount -t tmpfs -o size=64m none "$CARRIER/dev/shm"',
      before,
      'exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"',
    ].join("\n");
    const assignments = Object.entries(set).map(([name, value]) => `${name}=${value}`);
    const args = [
      "--mount",
      "sh",
      "-c",
      setup,
      "sh",
      ...assignments,
      "chroot",
      carrier,
      "/bin/busybox",
      ...recipeStep.command,
    ];
    writeFileSync(join(carrier, "dev/termination-log"), "");
    const environment = { PATH: process.env["PATH"], NODE: root, CARRIER: carrier, FOLDER: folder };
    return watch(
      spawn("unshare", args, { detached: true, stdio: ["ignore", "pipe", "pipe"], env: environment }),
      carrier,
    );
  };

  return {
    root,
    start,
    run: (step, env, options) => start(step, env, options).ended,
    async inventory(env) {
      const { code, stdout, log } = await start("inventory", env).ended;
      const parsed = parseReport(stdout);
      if (code !== 0 || !parsed.ok)
        throw new Error(`inventory ended with ${code}: ${parsed.ok ? "" : parsed.message}\n${log}`);
      return parsed.report;
    },
    chroot: (...command) => chroot(root, command),
    async online(...command) {
      const { code, log } = await watch(spawn("chroot", [root, ...command], { env: PLAIN }), carrier).ended;
      if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${log}`);
    },
    write,
    read: (path) => readFileSync(join(root, path), "utf8"),
    killUnit: () => killTree(Number(readFileSync(join(root, "run/test-units/ringward-step"), "utf8"))),
    boot,
    units: (name) => linesOf(join(root, "var/log/test-units")).filter((line) => line.startsWith(`${name} `)).length,
    remove() {
      for (const unit of listFolder(join(root, "run/test-units")))
        killTree(Number(readFileSync(join(root, "run/test-units", unit), "utf8")));
      spawnSync("umount", ["--lazy", root]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** A root of its own: an overlay where the system has it, which is there at once, else a copy. */
function copyRoot(from: string, folder: string, root: string): void {
  const [upper, work] = [join(folder, "upper"), join(folder, "work")];
  for (const path of [root, upper, work]) mkdirSync(path);
  const layers = `lowerdir=${from},upperdir=${upper},workdir=${work},volatile`;
  if (spawnSync("mount", ["-t", "overlay", "overlay", "-o", layers, root]).status === 0) return;
  execFileSync("cp", ["-a", `${from}/.`, root]);
}

/** An image with two programs. */
function makeCarrier(folder: string): string {
  const carrier = join(folder, "carrier");
  for (const path of ["bin", "host", "dev/shm"]) mkdirSync(join(carrier, path), { recursive: true });
  const busybox = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
  copyFileSync(busybox, join(carrier, "bin/busybox"));
  writeFileSync(join(carrier, "dev/termination-log"), "");
  for (const name of ["sh", "chroot"]) symlinkSync("busybox", join(carrier, "bin", name));
  return carrier;
}

/** A recipe of policies/recipes/. */
export function readRecipe(name: string): UpdateRecipe {
  return load(readFileSync(join(ROOT, "policies/recipes", `${name}.yaml`), "utf8")) as UpdateRecipe;
}

function recipeEnv(env: readonly { readonly name: string; readonly value: string }[] | undefined): Env {
  return Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
}

function replacePrograms(write: TestNode["write"]): void {
  write(
    "usr/bin/systemd-run",
    `#!/bin/sh
# Stands for systemd-run: one unit of a name at a time, detached from whoever started it, with an environment of its own.
unit=
while :; do case $1 in --unit=*) unit=\${1#--unit=}; shift ;; --*) shift ;; *) break ;; esac; done
mkdir -p /run/test-units
if kill -0 "$(cat /run/test-units/$unit 2>/dev/null)" 2>/dev/null; then
  echo "Failed to start transient service unit: Unit $unit.service was already loaded or has a fragment file." >&2
  exit 1
fi
echo "$unit $*" >>/var/log/test-units
setsid -f env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c 'echo $$ >/run/test-units/$0; "$@"; rm -f /run/test-units/$0' "$unit" "$@" </dev/null >/dev/null 2>&1
while [ ! -e /run/test-units/$unit ] && [ $((n += 1)) -lt 50 ]; do sleep 0.02; done
`,
    0o755,
  );
  write("usr/bin/systemctl", '#!/bin/sh\necho "$*" >>/var/log/test-systemctl\n', 0o755);
  write("usr/bin/uname", "#!/bin/sh\ncat /etc/test-uname\n", 0o755);
  write("etc/test-uname", "6.1.0-27-amd64\n");
}

function watch(child: ReturnType<typeof spawn>, carrier: string): Running {
  let stdout = "";
  let log = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    log += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({
        code: code ?? undefined,
        stdout,
        log,
        message: readFileSync(join(carrier, "dev/termination-log"), "utf8").trim(),
      }),
    );
  });
  return {
    ended,
    async kill() {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await ended;
    },
  };
}

function chroot(root: string, command: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("chroot", [root, ...command], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
    env: PLAIN,
  });
  if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

const PLAIN = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" };

/** The process and what descends from it, each by its id. */
function killTree(pid: number): void {
  if (!Number.isInteger(pid) || pid <= 1) return;
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
  for (const child of children) killTree(child);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^\d+ \(.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1]);
  } catch {
    return undefined;
  }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

function listFolder(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** Waits until something is so, looking every 50 ms; throws after a minute. */
export async function until(what: string, check: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (check()) return;
    await systemClock.sleep(50);
  }
  throw new Error(`never came: ${what}`);
}

/** Another line at the end of a file of the root. */
export function append(node: TestNode, path: string, text: string): void {
  appendFileSync(join(node.root, path), text);
}
