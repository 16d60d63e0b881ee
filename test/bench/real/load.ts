// The loaded etcd folder, from the cache or made now. It is keyed by everything that decides what is in it: the sources that make the
// objects and store them, and the version of Kubernetes. The Go program that loads is also the yardstick (inform.go).
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { crdFor } from "../../../controller/api/crd.ts";
import { KINDS } from "../../../controller/api/kinds.ts";
import { systemClock } from "../../../controller/clock.ts";
import { toApiError } from "../../../controller/kube/api-errors.ts";
import { KUBERNETES_VERSION } from "../../tooling/controlplane.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import { writeObjects } from "./objects.ts";
import { compactStore, type Server, startServer } from "./server.ts";

const FOLDER = new URL("./", import.meta.url);
const GO_SOURCES = ["go.mod", "go.sum", "main.go", "load.go", "inform.go"];
const OBJECT_SOURCES = ["dress.ts", "objects.ts", "../scene.ts", "../scene-policy.ts"];
const FLEET_SOURCES = ["generate.ts", "workloads.ts", "quickstart.ts"].map(
  (name) => `../../../controller/sandbox/fleet/${name}`,
);

export interface Loaded {
  /** etcd's data. Start servers over copies of it. */
  readonly data: string;
  readonly facts: LoadFacts;
}

export interface LoadFacts {
  readonly counts: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly bytesJson: number;
  readonly bytesStored: number;
}

function cacheFolder(): string {
  return process.env["RINGWARD_CACHE"] ?? join(homedir(), ".cache", "ringward");
}

async function hashOf(names: readonly string[], more: readonly string[]): Promise<string> {
  const hash = createHash("sha256").update(more.join("\n"));
  for (const name of names) hash.update(await readFile(new URL(name, FOLDER)));
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Builds the Go program into the cache unless it is there; answers its path. */
export async function buildProgram(log: (line: string) => void): Promise<string> {
  const { stdout } = await promisify(execFile)("go", ["version"]);
  const file = join(cacheFolder(), `bench-real-${await hashOf(GO_SOURCES, [stdout.trim()])}`);
  if (await exists(file)) return file;
  log(`building the Go side with ${stdout.trim()}`);
  const part = `${file}.${process.pid}`;
  await mkdir(cacheFolder(), { recursive: true });
  await promisify(execFile)("go", ["build", "-trimpath", "-buildvcs=false", "-o", part, "."], {
    cwd: fileURLToPath(FOLDER),
    env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly" },
  });
  await rename(part, file);
  return file;
}

/** The folder, loaded now if it is not in the cache. */
export async function loadStore(
  assets: string,
  program: string,
  log: (line: string) => void,
  nodes?: number,
): Promise<Loaded> {
  const key = await hashOf([...OBJECT_SOURCES, ...FLEET_SOURCES, "load.go"], [KUBERNETES_VERSION]);
  const folder = join(cacheFolder(), `bench-etcd-${nodes === undefined ? "" : `${nodes}-`}${key}`);
  if (!(await exists(folder))) {
    await mkdir(cacheFolder(), { recursive: true });
    const work = await mkdtemp(join(cacheFolder(), "loading-"));
    try {
      const begun = systemClock.monotonic();
      log("loading an etcd, the first time only: minutes");
      const facts = await load(assets, program, join(work, "etcd"), nodes);
      await writeFile(join(work, "facts.json"), JSON.stringify(facts));
      await rename(work, folder);
      log(`loaded in ${Math.round((systemClock.monotonic() - begun) / 1000)} s: ${JSON.stringify(facts)}`);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  const facts = JSON.parse(await readFile(join(folder, "facts.json"), "utf8")) as LoadFacts;
  return { data: join(folder, "etcd"), facts };
}

async function load(assets: string, program: string, data: string, nodes?: number): Promise<LoadFacts> {
  const server = await startServer(assets, data, false);
  try {
    await installKinds(server);
    // It would take in every object that is loaded, for nobody.
    await server.stopApiServer();
    const child = spawn(program, ["load", server.etcdUrl], { stdio: ["pipe", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
      child.stdin.once("error", reject);
    });
    const [counts, code] = await Promise.all([writeObjects(child.stdin, nodes), ended]);
    if (code !== 0) throw new Error(`loading failed (see above)`);
    await compactStore(server.etcdUrl);
    return { counts, ...(JSON.parse(output) as Omit<LoadFacts, "counts">) };
  } finally {
    await server.stop();
  }
}

/** Installs Ringward's kinds, and waits until the server serves them. */
async function installKinds({ admin }: Server): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  for (const kind of KINDS) {
    const answer = await admin.request({ method: "POST", path, body: crdFor(kind) });
    if (answer.status !== 201) throw toApiError(answer);
  }
  for (const { names } of KINDS.map((kind) => crdFor(kind)["spec"] as { readonly names: { readonly plural: string } }))
    await waitFor(
      `${names.plural} to be served`,
      async () => {
        const answer = await admin.request({
          method: "GET",
          path: `/apis/ringward.dev/v1alpha1/${names.plural}`,
          query: { limit: "1" },
        });
        return answer.status === 200 ? true : undefined;
      },
      { withinMs: 60_000 },
    );
}
