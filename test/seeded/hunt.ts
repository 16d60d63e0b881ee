// The hunt: a process for each seeded bug, in which the machine runs until it finds it. What it found is kept in results.json.
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../controller/clock.ts";
import type { Mutant } from "./mutant.ts";
import type { Found, HuntResult } from "./results.ts";
import { TRIALS } from "./trials.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
/** A process that ends no trial for so long turns round itself. */
const LONGEST_MS = 5 * 60_000;

/** Where a bug of some part is likely to be found soonest; what found it last time comes before that. */
const LIKELY: readonly (readonly [part: RegExp, trials: readonly string[]])[] = [
  [/^workload\.(vanish|live)|^ledger\.(vanished|lost-workload)/, ["workloads", "ledger lost"]],
  [/quorum|control-plane/, ["control plane", "untouched"]],
  [/^field-(5|6|8)/, ["untouched", "workloads"]],
  [
    /^field-(17|23)|vanish|live-uid|^states|release|^give-up|keep-away|failure-rests|^failures|job-failure|waits-for-people/,
    ["failing"],
  ],
  [/^field-21/, ["late pod"]],
  [/^field-18/, ["slow shutdown"]],
  [/^field-(10|12|13|20)/, ["hands"]],
  [/^field-(9|11|14|19)/, ["ring gone", "hands"]],
  [/^target\.not-available|^(verify|recover|job|node\.not)/, ["machines", "hands"]],
  [/^target/, ["untouched", "workloads", "hands"]],
  [/^budget/, ["plain", "untouched", "workloads"]],
  [/^(entry|offer|promotion)/, ["approvals"]],
  [/^ring\.(deferral|freezes|windows|cutoff|deadline|freeze|cluster)/, ["windows"]],
  [/^ring\.(scope|predecessors|unsoaked|withdrawn|halted)/, ["approvals"]],
  [/^ring\.brake-of-policy/, ["rewritten"]],
  [/^(ring|member|gate|exception|known|failures|complete|done|scope)/, ["untouched", "windows"]],
  [/^soak/, ["people", "plain", "untouched"]],
  [/^back-out\.rewritten/, ["rewritten"]],
  [/^back-out\.unreadable/, ["calendar gone"]],
  [/^back-out\.no-ring/, ["ring gone"]],
  [/^back-out\.(stop|observe)/, ["stopped"]],
  [/^back-out\.(freeze|window|grace)/, ["windows"]],
  [/^back-out\.(reverted|superseded|withdrawn)/, ["approvals", "rewritten"]],
  [/^(back-out|node|back|give-up|mark|evict|reboot|drain|serve|states|hold)/, ["hands", "stopped"]],
  [/^workload/, ["workloads", "stopped"]],
  [/^ledger/, ["ledger lost", "ledger old", "state lost"]],
  [/^freeze/, ["windows"]],
];

/** Trials to begin with. */
export function likelyTrials(id: string, last: readonly HuntResult[]): readonly string[] {
  const known = last.find((result) => result.id === id)?.found?.trial;
  const likely = LIKELY.find(([part]) => part.test(id))?.[1] ?? [];
  return [...(known === undefined ? [] : [known]), ...likely];
}

interface Answer {
  readonly found?: Found;
  readonly seconds: number;
  readonly traces?: Readonly<Record<string, unknown>>;
}

/** What the healthy controller left is the same while the sources are: it is kept by what they hold. */
const KEPT = fileURLToPath(new URL("../../node_modules/.cache/ringward-seeded", import.meta.url));

function healthyFile(): string {
  const hash = createHash("sha256");
  for (const folder of ["controller", "test/sweep", "test/seeded", "examples/quickstart", "crds"]) {
    const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url));
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).sort())
      if (/\.(ts|yaml)$/.test(name) && !/^(guards|hunt\.|list|hook|mutant|field-bugs|results|seeded)/.test(name))
        hash.update(name).update(readFileSync(join(root, name)));
  }
  return join(KEPT, `${hash.digest("hex").slice(0, 16)}.json`);
}

export interface HuntOptions {
  /** Names of trials; all unless given. */
  readonly only?: readonly string[];
  /** What earlier hunts found. */
  readonly last?: readonly HuntResult[];
  readonly jobs?: number;
  /** Only where each is likely to be found. */
  readonly quick?: boolean;
}

/** Runs the healthy controller first, trial by trial; throws where one finds something in it. */
export async function prepareHunt({
  only = [],
  last = [],
  jobs = 1,
  quick = false,
}: HuntOptions): Promise<(mutant: Mutant, only?: readonly string[]) => Promise<HuntResult>> {
  const file = healthyFile();
  const known = (existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}) as Record<string, unknown>;
  const wanted = TRIALS.filter(({ isCompared }) => isCompared)
    .map(({ name }) => name)
    .filter((name) => known[name] === undefined && (only.length === 0 || only.includes(name)));
  await inTurn(wanted, jobs, async (name) => {
    const { found, traces } = await play("", "-", [name], []);
    if (found !== undefined) throw new Error(`the healthy controller is found, too: ${found.trial}: ${found.says}`);
    Object.assign(known, traces);
    mkdirSync(KEPT, { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(known));
    renameSync(`${file}.new`, file);
  });
  return async ({ id }, mine = only) => {
    const likely = likelyTrials(id, last);
    const { found, seconds } = await play(id, file, quick ? [...likely, "people"] : mine, likely);
    const isWhole = !quick && mine.length === 0;
    return { id, ...(found === undefined ? {} : { found }), ...(isWhole ? { isWhole } : {}), seconds };
  };
}

/** Does something for each, so many at a time. */
export async function inTurn<T>(list: readonly T[], jobs: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...list];
  const worker = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

async function killWhenSilent(child: ChildProcess, told: () => number, over: AbortSignal): Promise<void> {
  for (let before = -1; before !== told() && !over.aborted;) {
    before = told();
    await systemClock.sleep(LONGEST_MS, over).catch(() => undefined);
  }
  if (!over.aborted) child.kill("SIGKILL");
}

function play(id: string, healthy: string, only: readonly string[], first: readonly string[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const args = ["--disable-warning=ExperimentalWarning", "--import", join(HERE, "hook.ts"), join(HERE, "hunted.ts")];
    const child = spawn(process.execPath, [...args, healthy, only.join(","), first.join(",")], {
      env: { ...process.env, RINGWARD_SEEDED_BUG: id },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, told] = ["", ""];
    const end = new AbortController();
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (told += chunk.toString()));
    void killWhenSilent(child, () => told.length, end.signal);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      end.abort();
      if (code === 0) return resolve(JSON.parse(out) as Answer);
      const says = signal === null ? told.trim().slice(-400) : `no trial ended in ${LONGEST_MS / 60_000} minutes`;
      const seconds = signal === null ? 0 : LONGEST_MS / 1000;
      // A bug that breaks the whole process is found; a hunt that does not start is no hunt.
      if (id === "" || (signal === null && !told.includes("  "))) return reject(new Error(told.trim().slice(-2000)));
      return resolve({ found: { trial: "process", by: [signal === null ? "error" : "V1"], says }, seconds });
    });
  });
}
