// A host for recipes in preview: a folder as its root, and fakes of its tools that keep their state in files and answer as the manuals
// say. It needs neither root rights nor a network. The script is the recipe's own; only its absolute paths are put into the folder, and
// the step from the container into the host's root is left out: there is no root to enter.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load } from "js-yaml";
import type { UpdateRecipe } from "../../../controller/api/update-recipe.ts";
import { type InventoryReport, parseReport } from "../../../controller/inventory/report.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
const SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin";

export interface Ended {
  readonly code: number | null;
  readonly log: string;
  /** What the pod's status would show. */
  readonly message: string;
}

export interface FakeHost {
  run(step: "stage" | "update" | "reboot" | "rollback", env?: Readonly<Record<string, string>>): Promise<Ended>;
  inventory(): Promise<InventoryReport>;
  /** A file of the fakes' state. */
  set(file: string, text: string): void;
  get(file: string): string;
  /** What the tools were asked. */
  calls(): readonly string[];
  boot(id: string): void;
  remove(): void;
}

/** A recipe of policies/recipes/preview/. */
export function readPreview(recipe: string): UpdateRecipe {
  return load(readFileSync(join(ROOT, `policies/recipes/preview/${recipe}.yaml`), "utf8")) as UpdateRecipe;
}

/** Tool -> fake. A tool with a "/" is put at that path of the root, another into PATH. */
export function makeHost(recipe: string, tools: Readonly<Record<string, string>>): FakeHost {
  const folder = mkdtempSync(join(tmpdir(), "ringward-preview-"));
  const [root, bin, state] = [join(folder, "root"), join(folder, "bin"), join(folder, "state")];
  for (const path of [bin, state, ...["bin", "usr/bin", "run", "etc", "lib/modules"].map((name) => join(root, name))])
    mkdirSync(path, { recursive: true });
  for (const [tool, fake] of Object.entries(tools))
    symlinkSync(
      join(ROOT, "test/recipes-preview/fakes", fake),
      tool.includes("/") ? join(root, tool) : join(bin, tool),
    );
  symlinkSync("/bin/sh", join(root, "bin/sh"));
  const steps = readPreview(recipe).spec.steps ?? {};
  const boot = (id: string): void => writeFileSync(join(root, "boot_id"), `${id}\n`);
  boot("boot-1");

  const place = (script: string): string =>
    script
      .replaceAll(`PATH=${SYSTEM}`, `PATH=${bin}:${SYSTEM}`)
      .replaceAll("chroot /host /bin/sh", "/bin/sh")
      .replaceAll("/host/", `${root}/`)
      .replaceAll("STATE=/var/lib/ringward", `STATE=${root}/var/lib/ringward`)
      .replaceAll("/proc/sys/kernel/random/boot_id", `${root}/boot_id`)
      .replaceAll("/dev/termination-log", `${root}/termination-log`)
      .replaceAll(/ \/(run\/reboot-needed|etc\/os-release|lib\/modules)/g, ` ${root}/$1`);

  const start = async (step: keyof typeof steps, env: Readonly<Record<string, string>>): Promise<Ended> => {
    const found = steps[step];
    if (found === undefined) throw new Error(`recipe ${recipe} has no step ${step}`);
    const [shell = "", ...rest] = found.command;
    writeFileSync(join(root, "termination-log"), "");
    const child = spawn(shell, [...rest.slice(0, -1), place(rest.at(-1) ?? "")], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: `${bin}:${SYSTEM}`,
        FAKE: state,
        RINGWARD_NODE_NAME: "node-1",
        RINGWARD_CLAIM: "claim-1",
        RINGWARD_ATTEMPT: "1",
        PACE_SECONDS: "0",
        LOCK_PAUSE: "0",
        ...Object.fromEntries((found.env ?? []).map(({ name, value }) => [name, value])),
        ...env,
        RINGWARD_STEP: step,
      },
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (log += chunk.toString()));
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    return { code, log, message: readFileSync(join(root, "termination-log"), "utf8").trim() };
  };

  const get = (file: string): string =>
    existsSync(join(state, file)) ? readFileSync(join(state, file), "utf8").trim() : "";
  return {
    run: (step, env = {}) => start(step, env),
    async inventory() {
      const { code, log } = await start("inventory", {});
      const parsed = parseReport(log);
      if (code !== 0 || !parsed.ok) throw new Error(`inventory ended with ${code}: ${log}`);
      return parsed.report;
    },
    set(file, text) {
      const path = file.startsWith("/") ? join(root, file) : join(state, file);
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, text === "" ? "" : `${text}\n`);
    },
    get,
    calls: () => get("calls").split("\n"),
    boot,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
  };
}
