// The real sources against the real servers, Debian's Prometheus and Alertmanager, on loopback.
import { type ChildProcess, spawn } from "node:child_process";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../controller/clock.ts";
import { createAlertmanager } from "../../controller/gates/alertmanager.ts";
import { createJsonSource, type JsonSource } from "../../controller/gates/http.ts";
import { createPrometheus } from "../../controller/gates/prometheus.ts";
import { debianProgram } from "../tooling/debian-program.ts";
import { alertContract, queryContract } from "../gates/gates.contract.ts";

const running: ChildProcess[] = [];
const sources: JsonSource[] = [];
let folder = "";
let prometheus = "";
let alertmanager = "";

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Starts a server and waits until it says that it is ready; one that does not come shows what it printed. */
async function start(program: string, url: string, args: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  running.push(child);
  let printed = "";
  child.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  for (let round = 0; round < 600; round += 1) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (ready) return;
    if (child.exitCode !== null) break;
    await systemClock.sleep(100);
  }
  throw new Error(`${program} does not start:\n${printed.slice(-2_000)}`);
}

const addressOf = async (): Promise<string> => `127.0.0.1:${await freePort()}`;

const TEMPLATES = "/usr/share/prometheus/alertmanager";

/** Debian's build reads its templates there and nowhere else; where the package is only unpacked, a mount of our own shows them. */
async function alertmanagerCommand(): Promise<readonly string[]> {
  const program = await debianProgram("prometheus-alertmanager");
  const installed = await access(`${TEMPLATES}/default.tmpl`).then(
    () => true,
    () => false,
  );
  if (installed) return [program];
  const unpacked = join(dirname(program), "..", "share", "prometheus", "alertmanager");
  const script = `mount -t tmpfs none /usr/share && mkdir -p ${dirname(TEMPLATES)} && ln -s "$1" ${TEMPLATES} && shift && exec "$@"`;
  return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", unpacked, program];
}

async function startAlertmanager(): Promise<string> {
  const address = await addressOf();
  const storage = await mkdtemp(join(folder, "alerts-"));
  const [program = "", ...before] = await alertmanagerCommand();
  await start(program, `http://${address}`, [
    ...before,
    `--config.file=${join(folder, "alertmanager.yml")}`,
    `--storage.path=${storage}`,
    `--web.listen-address=${address}`,
    "--cluster.listen-address=",
  ]);
  return `http://${address}`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ringward-gates-"));
  await writeFile(join(folder, "prometheus.yml"), "global: { scrape_interval: 15s }\n");
  await writeFile(join(folder, "alertmanager.yml"), "route: { receiver: none }\nreceivers: [{ name: none }]\n");
  const address = await addressOf();
  await start(await debianProgram("prometheus"), `http://${address}`, [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "metrics")}`,
    `--web.listen-address=${address}`,
  ]);
  prometheus = `http://${address}`;
}, 300_000);

afterAll(async () => {
  await Promise.all(sources.map((source) => source.close()));
  for (const child of running) child.kill();
  await rm(folder, { recursive: true, force: true });
});

function open(url: string): JsonSource {
  const source = createJsonSource({ url: new URL(url) }, { clock: systemClock, deadlineMs: 30_000 });
  sources.push(source);
  return source;
}

queryContract("Prometheus", () =>
  // The queries say themselves what they answer.
  Promise.resolve({ source: createPrometheus(open(prometheus), systemClock), set: () => undefined }),
);

async function post(path: string, body: unknown): Promise<void> {
  const answer = await fetch(`${alertmanager}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

alertContract("Alertmanager", async () => {
  alertmanager = await startAlertmanager();
  const iso = (ms: number): string => new Date(systemClock.now() + ms).toISOString();
  return {
    source: createAlertmanager(open(alertmanager)),
    fire: (labels) => post("/api/v2/alerts", [{ labels }]),
    silence: (labels) =>
      post("/api/v2/silences", {
        matchers: Object.entries(labels).map(([name, value]) => ({ name, value, isRegex: false })),
        startsAt: iso(-1_000),
        endsAt: iso(3_600_000),
        createdBy: "test",
        comment: "known",
      }),
  };
});
