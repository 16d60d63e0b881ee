// A host for the tests of preview recipes: a folder with the files that the scripts look at, and fakes of its system's tools (../fakes/), which
// keep their state in files and answer as the real ones are documented to. No root rights: nothing is entered by chroot. The recipe's own
// text runs, with the host's paths (/etc, /var/lib, …) moved into the folder and the fakes first in PATH.
import { spawn } from "node:child_process";
import {
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
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { load } from "js-yaml";
import type { UpdateRecipe } from "../../../controller/api/update-recipe.ts";
import { type InventoryReport, parseReport } from "../../../controller/inventory/report.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const FAKES = join(ROOT, "test/recipes-preview/fakes");
/** Paths of a host that the scripts name. */
const PATHS =
  /(?<=[\s"'=<>(])\/(?:host|dev\/termination-log|proc|etc|var\/lib|usr\/share|usr\/lib\/os-release|opt|lib\/modules|lib\/ld-musl-|lib\/apk|sbin\/openrc|bin\/busybox|sys|boot|run)(?=[/\s"';)*]|$)/gm;

export type Env = Readonly<Record<string, string>>;
export type StepName = "inventory" | "stage" | "update" | "reboot" | "rollback";

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly log: string;
  /** What the pod's status would show. */
  readonly message: string;
}

export interface FakeHost {
  run(step: StepName, env?: Env): Promise<Ended>;
  inventory(): Promise<InventoryReport>;
  write(path: string, text: string): void;
  delete(path: string): void;
  read(path: string): string;
  /** Lines of a file that a fake writes down what it was asked in; none: it was not asked. */
  lines(path: string): readonly string[];
  boot(bootId: string): void;
  remove(): void;
}

export const BOOT_ID = "11111111-1111-4111-8111-111111111111";

/** A host with the fakes of that system (a folder of ../fakes/) and those that all have. */
export function makeHost(system: string, files: Readonly<Record<string, string>>, literal: Env = {}): FakeHost {
  const root = mkdtempSync(join(tmpdir(), "ringward-host-"));
  const bin = join(root, "fakes");
  const recipe = load(readFileSync(join(ROOT, `policies/recipes/preview/${system}.yaml`), "utf8")) as UpdateRecipe;
  for (const path of ["dev", "proc/sys/kernel/random", "state", "lib/modules", "var/lib", "run", "host/bin", "fakes"])
    mkdirSync(join(root, path), { recursive: true });
  symlinkSync("/bin/sh", join(root, "host/bin/sh"));
  for (const folder of ["all", ...(system === "apk" ? [] : ["systemd"]), system]) {
    for (const name of readdirSync(join(FAKES, folder))) {
      copyFileSync(join(FAKES, folder, name), join(bin, name));
      chmodSync(join(bin, name), 0o755);
    }
  }
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const boot = (bootId: string): void => write("proc/sys/kernel/random/boot_id", `${bootId}\n`);
  boot(BOOT_ID);
  write("proc/stat", "cpu  1 1 1 1\nbtime 1704067200\n");
  for (const [path, text] of Object.entries(files)) write(path, text);

  const run = async (step: StepName, env: Env = {}): Promise<Ended> => {
    const found = recipe.spec.steps?.[step];
    if (found === undefined) throw new Error(`recipe ${system} has no step ${step}`);
    const own = Object.fromEntries((found.env ?? []).map(({ name, value }) => [name, value]));
    const path = `${bin}:${process.env["PATH"] ?? ""}`;
    const [shell = "", ...args] = found.command.map((word) =>
      word.replaceAll("PATH=/usr/sbin:/usr/bin:/sbin:/bin", () => `PATH='${path}'`).replace(PATHS, (at) => root + at),
    );
    write("dev/termination-log", "");
    const set = {
      PATH: path,
      FAKE_ROOT: root,
      ...own,
      ...literal,
      RINGWARD_STEP: step,
      RINGWARD_NODE_NAME: "node-1",
      ...env,
    };
    const ended = await ending(shell, args, set);
    return { ...ended, message: readFileSync(join(root, "dev/termination-log"), "utf8").trim() };
  };

  return {
    run,
    async inventory() {
      const { code, stdout, log } = await run("inventory");
      const parsed = parseReport(stdout);
      if (code !== 0 || !parsed.ok)
        throw new Error(`inventory ended with ${code}: ${parsed.ok ? "" : parsed.message}\n${log}`);
      return parsed.report;
    },
    write,
    delete: (path) => rmSync(join(root, path), { recursive: true }),
    read: (path) => readFileSync(join(root, path), "utf8"),
    lines: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8").trimEnd().split("\n") : []),
    boot,
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function ending(shell: string, args: readonly string[], env: Env): Promise<Omit<Ended, "message">> {
  return new Promise((resolve, reject) => {
    const child = spawn(shell, args, { stdio: ["ignore", "pipe", "pipe"], env });
    let stdout = "";
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      log += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, log }));
  });
}
