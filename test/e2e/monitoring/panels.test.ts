// The dashboards and rules that the chart ships, before a real Prometheus (Debian's) that scrapes the real controller while it patches a sandbox's
// fleet: every query of every panel answers something, every rule can be evaluated, and promtool has nothing to say about the metrics' names.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { mergeFromOutside } from "../../../controller/sandbox/demo/outside.ts";
import { installRingward, type Sandbox, startSandbox } from "../../../controller/sandbox/start.ts";
import { type ControllerProcess, startController } from "../../support/controller-process.ts";
import { debianProgram } from "../../tooling/debian-program.ts";
import { dashboardFiles } from "../../tooling/monitoring/dashboards/index.ts";
import { RULES_FILE } from "../../tooling/monitoring/files.ts";
import type { RenderedDashboard } from "../../tooling/monitoring/lint.ts";
import { freePorts } from "../support/processes.ts";
import { waitFor } from "../support/waiting.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** Policy time runs that many times as fast: windows come and go in seconds. */
const RATE = 160;
/** How long the fleet may take to do everything that the panels tell of. */
const MOST_MS = 100_000;

/** Of a query and its name. */
interface Query {
  readonly where: string;
  readonly expr: string;
  /** No answer is a good answer, and the panel says what it means. */
  readonly maybe: boolean;
}

/** Every query of every panel, with Grafana's variables as a person finds them: everything is chosen. */
const QUERIES: readonly Query[] = [...dashboardFiles().values()].flatMap((text) => {
  const { uid, panels } = JSON.parse(text) as RenderedDashboard;
  return panels.flatMap(({ title, targets = [], fieldConfig }) =>
    targets.map(({ refId, expr }) => ({
      where: `${uid}: ${title} ${refId}`,
      expr: fillIn(expr),
      maybe: fieldConfig?.defaults.noValue !== undefined,
    })),
  );
});

function fillIn(expr: string): string {
  return expr
    .replaceAll('job=~"$job"', 'job=~".+"')
    .replaceAll('cluster=~"$cluster"', 'cluster=~".*"')
    .replaceAll('ring=~"$ring"', 'ring=~".+"')
    .replaceAll('instance=~"$instance"', 'instance=~".+"')
    .replaceAll("$__rate_interval", "10s");
}

let folder = "";
let prometheus = "";
let metrics = "";
let sandbox: Sandbox;
let controller: ControllerProcess;
let server: ChildProcess;
let printed = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ringward-panels-"));
  const [own = 0, theirs = 0] = await freePorts(2);
  metrics = `127.0.0.1:${own}`;
  prometheus = `127.0.0.1:${theirs}`;
  sandbox = await startSandbox({
    transport: systemClock,
    random: seededRandom(1),
    rate: RATE,
    policy: await makePolicy(),
    onError: () => undefined,
  });
  await installRingward(sandbox, {
    mode: "Enforce",
    limits: { nodes: 12, workloads: 12, nodesPerZone: 12 },
    clock: systemClock,
  });
  await mkdir(join(folder, "data"));
  controller = startController(sandbox, {
    identity: "ringward-panels",
    data: join(folder, "data"),
    flags: ["--metrics-bind-address", metrics],
  });
  await startPrometheus();
}, 300_000);

afterAll(async () => {
  server?.kill();
  await controller?.stop();
  await sandbox?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** The quickstart's policy, but in a hurry, with deadlines, and with windows of 40 minutes in every hour. */
async function makePolicy(): Promise<string> {
  const policy = join(folder, "policy");
  await cp(join(ROOT, "examples/quickstart"), policy, { recursive: true });
  const edit = async (path: string, change: (text: string) => string): Promise<void> => {
    const before = await readFile(join(policy, path), "utf8");
    const after = change(before);
    if (after === before) throw new Error(`${path} is not as this test knows it`);
    await writeFile(join(policy, path), after);
  };
  await edit("calendars/weekdays.yaml", (text) =>
    text.replace(/schedule: .*/, 'schedule: "0 * * * *", duration: 40m, cutoff: 1m }'),
  );
  for (const ring of ["canary", "early", "broad"])
    await edit(`rings/${ring}.yaml`, (text) =>
      text
        .replace(/^ {2}soak: .*$/m, "  soak: 2m\n  deadline: 30m")
        .replace(/^ {2}budget: .*$/m, "  budget: { nodes: 6, workloads: 6 }"),
    );
  return policy;
}

async function startPrometheus(): Promise<void> {
  const config = {
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [join(ROOT, RULES_FILE)],
    scrape_configs: [{ job_name: "ringward", static_configs: [{ targets: [metrics] }] }],
  };
  // YAML takes JSON.
  await writeFile(join(folder, "prometheus.yml"), JSON.stringify(config));
  server = spawn(
    await debianProgram("prometheus"),
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      `--web.listen-address=${prometheus}`,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  server.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  await waitFor(
    "Prometheus to be ready",
    async () => (await fetch(`http://${prometheus}/-/ready`).catch(() => undefined))?.ok || undefined,
    { withinMs: 60_000 },
    () => Promise.resolve(printed.slice(-2_000)),
  );
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data?: { readonly result: readonly { readonly values: readonly (readonly [number, string])[] }[] };
}

/** As a panel asks: over the last minute, second by second. */
async function query(expr: string): Promise<Answer> {
  const end = systemClock.now() / 1000;
  const answer = await fetch(`http://${prometheus}/api/v1/query_range`, {
    method: "POST",
    body: new URLSearchParams({ query: expr, start: String(end - 60), end: String(end), step: "1s" }),
  });
  return (await answer.json()) as Answer;
}

/** Whether it answers a number at some time. */
function hasNumber({ data }: Answer): boolean {
  return data?.result.some(({ values }) => values.some(([, text]) => Number.isFinite(Number(text)))) === true;
}

describe("a Prometheus that scrapes the controller", () => {
  it("answers every query of every panel, at some time of a rollout, with a number", async () => {
    const waiting = new Map(QUERIES.map((one) => [one.where, one]));
    const wrong: string[] = [];
    const begun = systemClock.monotonic();
    let round = 0;
    let last: readonly string[] = [];
    const needed = (): readonly string[] =>
      [...waiting.values()].filter(({ maybe }) => !maybe).map(({ where }) => where);
    while (needed().length > 0 && systemClock.monotonic() - begun < MOST_MS) {
      const died = controller.died();
      if (died !== undefined) throw new Error(died);
      // Not at once: what waits must have been seen.
      round += 1;
      if (round % 3 === 0) await mergeFromOutside(sandbox.forge?.apiUrl ?? "", "all");
      for (const [where, { expr }] of waiting) {
        const answer = await query(expr);
        if (answer.status !== "success") wrong.push(`${where}: ${answer.error}`);
        if (answer.status !== "success" || hasNumber(answer)) waiting.delete(where);
      }
      last = needed().length === 0 ? last : needed();
      await systemClock.sleep(1_000);
    }

    process.stdout.write(
      `${QUERIES.length - waiting.size} of ${QUERIES.length} queries answered after ${Math.round((systemClock.monotonic() - begun) / 1000)} s, last of all ${last.join(", ")}\n`,
    );
    expect(wrong).toEqual([]);
    expect(needed(), controller.said().slice(-2_000)).toEqual([]);
    expect(QUERIES.filter(({ maybe }) => !maybe).length).toBeGreaterThan(70);
  });

  it("takes every rule, and records what the rules record", async () => {
    const answer = (await (await fetch(`http://${prometheus}/api/v1/rules`)).json()) as {
      readonly data: {
        readonly groups: readonly {
          readonly rules: readonly { readonly name: string; readonly type: string; readonly health: string }[];
        }[];
      };
    };
    const rules = answer.data.groups.flatMap((group) => group.rules);
    const recorded = rules.filter(({ type }) => type === "recording").map(({ name }) => name);

    expect(rules.length).toBeGreaterThan(30);
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    for (const name of recorded) expect(hasNumber(await query(name)), name).toBe(true);
  });

  it("is told metrics whose names and help promtool's linter accepts", async () => {
    const promtool = await debianProgram("prometheus", "promtool");
    const text = await (await fetch(`http://${metrics}/metrics`)).text();
    // Names of others are theirs.
    const own = text.split("\n").filter((line) => /^(# \w+ )?ringward_/.test(line));
    const complaints = await new Promise<string>((resolve) => {
      const child = execFile(promtool, ["check", "metrics"], (_, stdout, stderr) => resolve(stdout + stderr));
      child.stdin?.end(`${own.join("\n")}\n`);
    });

    expect(own.length).toBeGreaterThan(500);
    expect(complaints).toBe("");
  });
});
