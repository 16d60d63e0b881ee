// Policy from Git to validated objects: 10,000 documents, each in a file of its own, with some history, in a bare repository on disk,
// through the clients that the controller uses (controller/git, controller/policy), with the ages of baselines and recipes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createValidators } from "../../controller/api/validator.ts";
import { systemClock } from "../../controller/clock.ts";
import type { PolicyGit } from "../../controller/git/port.ts";
import { openPolicyGit } from "../../controller/git/repository.ts";
import { loadPolicy } from "../../controller/policy/load.ts";
import { median, type Row, timeRuns } from "./measure.ts";

const DOCUMENTS = 10_000;
/** Commits on top of the first, each of one file. */
const CHANGES = 200;
/** A policy folder in a large repository of other things. */
const LARGE = { others: 90_000, changes: 20_000, runs: 3 };
const RUNS = 5;
const TIME = Date.parse("2024-12-16T06:00:00Z");

export async function benchPolicy(log: (line: string) => void): Promise<readonly Row[]> {
  return [...(await benchSmall(log)), ...(await benchLarge(log))];
}

/** The policy is a tenth of the repository, whose history is long; the server knows filters, as forges' do. */
async function benchLarge(log: (line: string) => void): Promise<readonly Row[]> {
  const what = `${DOCUMENTS + LARGE.others} files, ${LARGE.changes} commits, ${DOCUMENTS} policy documents`;
  log(`a repository of ${what}`);
  const folder = mkdtempSync(join(tmpdir(), "ringward-bench-"));
  try {
    const bare = makeRepository(folder, "policy/", LARGE);
    const parts: Parts[] = [];
    const stores: number[] = [];
    const whole = await timeRuns(LARGE.runs, async (run) => {
      const store = join(folder, `store-${run}`);
      parts.push(await loadOnce(bare, store, "policy"));
      stores.push(sizeOf(store));
    });
    const part = (name: keyof Parts): number => Math.round(median(parts.map((one) => one[name])));
    return [
      {
        what: `${what}, to validated objects`,
        unit: "ms",
        goal: undefined,
        measured: median(whole),
        note: `median of ${LARGE.runs} from an empty store: fetch ${part("fetch")} ms, read ${part("read")} ms, validators compiled, parsed and validated ${part("load")} ms, ages of 3,200 files ${part("ages")} ms; the store takes ${Math.round(median(stores))} MB, the server's repository ${Math.round(sizeOf(bare))} MB`,
      },
      await benchNews(folder, bare),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One more commit of one file, from the fetch to its text. */
async function benchNews(folder: string, bare: string): Promise<Row> {
  const git = await openStore(bare, join(folder, "store-0"));
  await git.fetch();
  const times = await timeRuns(5, async (run) => {
    const { path, text } = makeDocument(run * 11);
    addCommit(folder, bare, `policy/${path}`, `${text}# news ${run}\n`);
    const { head } = await git.fetch();
    const { files } = await git.read(head, "policy");
    if (files.length !== DOCUMENTS) throw new Error(`${files.length} files`);
  });
  return {
    what: "… one more commit of one file, from the fetch to the text of all files",
    unit: "ms",
    goal: undefined,
    measured: median(times.slice(1)),
    note: "median of 4, with the time that git takes to make the commit",
  };
}

function sizeOf(folder: string): number {
  const kilobytes = Number(execFileSync("du", ["-sk", folder], { encoding: "utf8" }).split("\t")[0]);
  return kilobytes / 1024;
}

async function benchSmall(log: (line: string) => void): Promise<readonly Row[]> {
  log(`a repository of ${DOCUMENTS} documents`);
  const folder = mkdtempSync(join(tmpdir(), "ringward-bench-"));
  try {
    const bare = makeRepository(folder);
    const parts: Parts[] = [];
    const whole = await timeRuns(RUNS, async (run) => {
      parts.push(await loadOnce(bare, join(folder, `store-${run}`)));
    });
    const part = (name: keyof Parts): number => Math.round(median(parts.map((one) => one[name])));
    return [
      {
        what: "10,000 policy documents, from Git to validated objects",
        unit: "ms",
        goal: { most: 2_000 },
        measured: median(whole),
        note: `median of ${RUNS} from an empty store: fetch ${part("fetch")} ms, read ${part("read")} ms, validators compiled, parsed and validated ${part("load")} ms, ages of 3,200 files ${part("ages")} ms`,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Parts {
  readonly fetch: number;
  readonly read: number;
  readonly load: number;
  readonly ages: number;
}

/** As a controller does it that starts with nothing. */
async function loadOnce(bare: string, directory: string, path = ""): Promise<Parts> {
  const marks = [systemClock.monotonic()];
  const mark = (): void => void marks.push(systemClock.monotonic());
  const git = await openStore(bare, directory);
  const { head } = await git.fetch();
  mark();
  const { files } = await git.read(head, path);
  mark();
  const { objects, problems } = loadPolicy({ files, validators: createValidators() });
  mark();
  const inputs = objects.filter(({ kind }) => kind === "PatchBaseline" || kind === "UpdateRecipe");
  const ages = await git.lastChanges(
    head,
    inputs.map(({ file }) => file),
  );
  mark();
  if (ages.size !== inputs.length) throw new Error(`the ages of ${ages.size} of ${inputs.length} files were found`);
  const bad = problems.find(({ severity }) => severity === "error");
  if (bad !== undefined) throw new Error(`${bad.file}:${bad.line}: ${bad.path}: ${bad.message}`);
  if (objects.length !== DOCUMENTS) throw new Error(`${objects.length} of ${DOCUMENTS} documents were loaded`);
  const between = (at: number): number => (marks[at + 1] ?? 0) - (marks[at] ?? 0);
  return { fetch: between(0), read: between(1), load: between(2), ages: between(3) };
}

function openStore(bare: string, directory: string): Promise<PolicyGit> {
  const author = { name: "bench", email: "bench@example.com" };
  return openPolicyGit({
    url: `file://${bare}`,
    branch: "main",
    directory,
    author,
    allowInsecure: true,
    clock: systemClock,
  });
}

function addCommit(folder: string, bare: string, path: string, text: string): void {
  execFileSync("git", ["--git-dir", bare, "fast-import", "--quiet"], {
    input: `commit refs/heads/main\ncommitter Bench <bench@example.com> ${TIME / 1000 + 10 ** 8} +0000\ndata 4\nnews\nfrom refs/heads/main^0\nM 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, GIT_CONFIG_NOSYSTEM: "1" },
  });
}

/** A bare repository with its history, written as one stream: a process per file would take half a minute. */
function makeRepository(
  folder: string,
  prefix = "",
  { others, changes: count } = { others: 0, changes: CHANGES },
): string {
  const bare = join(folder, "policy.git");
  const git = (args: readonly string[], input = ""): string =>
    execFileSync("git", args, {
      encoding: "utf8",
      input,
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", HOME: folder, GIT_CONFIG_NOSYSTEM: "1" },
    });
  git(["init", "-q", "--bare", "-b", "main", bare]);
  git(["--git-dir", bare, "config", "uploadpack.allowFilter", "true"]);
  const files = Array.from({ length: DOCUMENTS }, (_, index) => policyDocument(prefix, index))
    .concat(Array.from({ length: others }, (_, index) => makeOther(index)))
    .map(({ path, text }) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}\n`)
    .join("");
  const commit = (index: number): string =>
    `commit refs/heads/main\ncommitter Bench <bench@example.com> ${TIME / 1000 + index * 600} +0000\ndata 6\npolicy\n`;
  // Of a large repository's changes one in ten is about policy.
  const changes = Array.from({ length: count }, (_, index) => {
    const { path, text } =
      others > 0 && index % 10 !== 0
        ? makeOther((index * 37) % others)
        : policyDocument(prefix, (index * 37) % DOCUMENTS);
    const changed = `${text}# change ${index}\n`;
    return `${commit(index + 1)}M 100644 inline ${path}\ndata ${Buffer.byteLength(changed)}\n${changed}\n`;
  });
  git(["--git-dir", bare, "fast-import", "--quiet"], `${commit(0)}${files}\n${changes.join("")}`);
  return bare;
}

interface Document {
  readonly path: string;
  readonly text: string;
}

function policyDocument(prefix: string, index: number): Document {
  const { path, text } = makeDocument(index);
  return { path: `${prefix}${path}`, text };
}

/** Something of 2 KB that is no policy, a hundred to a folder. */
function makeOther(index: number): Document {
  const text = `file ${index}\n${`${index * 7919} some words that are no policy\n`.repeat(60)}`;
  return { path: `src/${Math.floor(index / 10_000)}/${Math.floor(index / 100)}/${index}.txt`, text };
}

/** Of a hundred documents: 60 exceptions, 30 baselines, 5 rings, 3 calendars, 2 recipes. */
function makeDocument(index: number): Document {
  const name = `n${String(index).padStart(5, "0")}`;
  const kind = index % 100;
  if (kind < 60) return document("exceptions", "PatchException", name, exceptionSpec(index));
  if (kind < 90) return document("baselines", "PatchBaseline", name, baselineSpec(index));
  if (kind < 95) return document("rings", "RolloutRing", name, ringSpec(index));
  if (kind < 98) return document("calendars", "MaintenanceCalendar", name, CALENDAR);
  return document("recipes", "UpdateRecipe", name, RECIPE);
}

function document(folder: string, kind: string, name: string, spec: string): Document {
  const text = `# ${name}\napiVersion: ringward.dev/v1alpha1\nkind: ${kind}\nmetadata:\n  name: ${name}\nspec:\n${spec}`;
  return { path: `${folder}/${name}.yaml`, text };
}

function exceptionSpec(index: number): string {
  return `  targets: { kind: Node, names: [node-${index}] }
  owner: team-${index % 40}
  justification: the batch run ${index} must not be interrupted
  expirationTime: 2025-01-31T00:00:00Z
`;
}

function baselineSpec(index: number): string {
  return `  target: Node
  node:
    nodeSelector: { matchLabels: { pool: pool-${index} } }
    product: { id: ubuntu, versionId: "22.04" }
    source: { snapshot: 20241212T000000Z }
    minimum:
      kernels:
        - { series: 5.15.0, flavour: generic, version: 5.15.0-125-generic }
      kubelet: 1.31.4
      containerRuntime: containerd://1.7.24
      packages:
        - { name: openssl, version: 3.0.2-0ubuntu1.18 }
        - { name: libssl3, version: 3.0.2-0ubuntu1.18 }
    recipeRef: { name: apt }
`;
}

function ringSpec(index: number): string {
  return `  members:
    nodes:
      selector: { matchLabels: { node-restriction.kubernetes.io/ring: ring-${index} } }
  budget: { nodes: 6, maxFailures: 0 }
  soak: 4h
  levels:
    - baseline: ubuntu-2204
`;
}

const CALENDAR = `  timeZone: Europe/Berlin
  windows:
    - { name: nights, schedule: "0 22 * * 1-5", duration: 6h, cutoff: 30m }
`;

const STEP = `{ image: "registry.example.com/recipe:1.0@sha256:${"5".repeat(64)}", command: [/recipe/apt, update], host: ReadWrite, timeout: 30m }`;
const RECIPE = `  match: { product: { id: ubuntu } }
  strategy: InPlace
  steps:
    update: ${STEP}
    reboot: ${STEP}
`;
