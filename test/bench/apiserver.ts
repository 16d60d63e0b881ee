// The embedded API server: the sandbox, the tests and the crash sweep stand or fall with its speed. In process, without HTTP.
import { manualClock, seededRandom } from "../../controller/clock.ts";
import { createApiServer, type SandboxApiServer } from "../../controller/sandbox/apiserver/index.ts";
import { type Row, threadTime } from "./measure.ts";

const PODS = "/api/v1/namespaces/default/pods";
const CREATED = 10_000;
const LISTED = 5_000;
const SMALL = 300;
const RESTORES = 1_000;

export async function benchApiServer(log: (line: string) => void): Promise<readonly Row[]> {
  log(`${CREATED} pods in an embedded API server`);
  const server = createServer();
  const creating = await measure(() => createPods(server, CREATED));
  const listing = await measure(async () => {
    const query = { limit: String(LISTED), labelSelector: "app=web" };
    const { items } = (await request(server, "GET", PODS, undefined, query)) as { items?: readonly unknown[] };
    if (items?.length !== LISTED) throw new Error(`listed ${items?.length ?? "no"} pods of ${LISTED}`);
  });
  const small = createServer();
  await createPods(small, SMALL);
  const snapshot = small.store.snapshot();
  const restoring = await measure(async () => {
    for (let index = 0; index < RESTORES; index++) {
      await request(small, "DELETE", `${PODS}/${nameOf(index % SMALL)}`);
      small.store.restore(snapshot);
    }
  });
  const note = "processor time of one run, in process";
  return [
    row("embedded API server: 10,000 creates", 2_000, creating, note),
    row("embedded API server: a list of 5,000 pods by label", 300, listing, note),
    row("embedded API server: 1,000 × delete and go back to a snapshot of 300 pods", 2_000, restoring, note),
  ];
}

function row(what: string, most: number, measured: number, note: string): Row {
  return { what, unit: "ms", goal: { most }, measured, note };
}

async function measure(work: () => Promise<void>): Promise<number> {
  const start = threadTime();
  await work();
  return threadTime() - start;
}

function createServer(): SandboxApiServer {
  return createApiServer({ clock: manualClock(Date.parse("2026-03-01T12:00:00Z")), random: seededRandom(1) });
}

function nameOf(index: number): string {
  return `p${String(index).padStart(5, "0")}`;
}

async function createPods(server: SandboxApiServer, count: number): Promise<void> {
  for (let index = 0; index < count; index++)
    await request(server, "POST", PODS, {
      metadata: { name: nameOf(index), labels: { app: "web" } },
      spec: { nodeName: "n1", containers: [{ name: "c", image: "a:1" }] },
    });
}

async function request(
  server: SandboxApiServer,
  method: "GET" | "POST" | "DELETE",
  path: string,
  body?: unknown,
  query?: Readonly<Record<string, string>>,
): Promise<unknown> {
  const answer = await server.request({ method, path, body, ...(query === undefined ? {} : { query }) });
  if (answer.status >= 300) throw new Error(`${method} ${path} was answered ${answer.status}`);
  return answer.body;
}
