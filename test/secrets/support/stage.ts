// The real controller as a process of its own over the sandbox's cluster, with folders of its own for all that it could write, and everything that
// it says or writes gathered as text.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { seededRandom, systemClock } from "../../../controller/clock.ts";
import { type Client, createClient } from "../../../controller/kube/client.ts";
import type { KubeObject } from "../../../controller/kube/port.ts";
import { POLICY_REPOSITORIES, ROLLOUT_RINGS } from "../../../controller/kube/resources.ts";
import type { SandboxForge } from "../../../controller/sandbox/forge/index.ts";
import { installRingward, PERSON_USER, type Sandbox, startSandbox } from "../../../controller/sandbox/start.ts";
import { waitFor } from "../../e2e/support/waiting.ts";
import { type ControllerProcess, startController } from "../../support/controller-process.ts";
import { watchProcesses } from "./processes.ts";

export interface Stage {
  readonly sandbox: Sandbox;
  readonly client: Client;
  /** A file that only the controller reads; answers its path. */
  secretFile(name: string, text: string): string;
  /** Creates the PolicyRepository and starts the controller. */
  begin(spec: object, flags?: readonly string[]): Promise<void>;
  /** Where it takes webhooks, as it says. */
  webhooks(): string | undefined;
  /** What the controller printed so far. */
  said(): string;
  /** Reason of the repository's condition Ready. */
  ready(): Promise<{ readonly reason: string; readonly message: string } | undefined>;
  until<T>(what: string, look: () => Promise<T | undefined>): Promise<T>;
  /** All that anybody could see, by place. */
  places(forges?: readonly SandboxForge[]): Promise<ReadonlyMap<string, string>>;
  stop(): Promise<void>;
}

export async function startStage(): Promise<Stage> {
  const sandbox = await startSandbox({
    transport: systemClock,
    random: seededRandom(1),
    rate: 60,
    onError: () => undefined,
  });
  await installRingward(sandbox, {
    mode: "Enforce",
    limits: { nodes: 4, workloads: 12, nodesPerZone: 4 },
    clock: systemClock,
  });
  const client = createClient(sandbox.cluster.server.as(PERSON_USER), { fieldManager: "kubectl", clock: systemClock });
  const folder = (name: string): string => {
    const path = join(sandbox.workspace.directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const [data, home, temporary] = [folder("data"), folder("home"), folder("temporary")];
  folder("secrets");
  const watch = watchProcesses();
  let controller: ControllerProcess | undefined;
  const said = (): string => controller?.said() ?? "";
  const ready: Stage["ready"] = async () => {
    const { conditions = [] } = ((await client.get(POLICY_REPOSITORIES, { name: "policy" }))?.status ?? {}) as {
      readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
    };
    return conditions.find(({ type }) => type === "Ready");
  };
  return {
    sandbox,
    client,
    secretFile: (name, text) => sandbox.workspace.write(`secrets/${name}`, text),
    async begin(spec, flags = []) {
      await client.create(POLICY_REPOSITORIES, { metadata: { name: "policy" }, spec } as KubeObject);
      controller = startController(sandbox, {
        identity: "ringward-secrets",
        data,
        flags: ["--metrics-bind-address", "127.0.0.1:0", ...flags],
        env: { HOME: home, TMPDIR: temporary, DEBUG: "*" },
      });
    },
    webhooks: () => /"serving webhooks","url":"([^"]+)"/.exec(said())?.[1],
    said,
    ready,
    until: (what, look) =>
      waitFor(
        what,
        async () => {
          const died = controller?.died();
          if (died !== undefined) throw new Error(died);
          return await look();
        },
        { withinMs: 120_000, everyMs: 100 },
        async () =>
          `${JSON.stringify(await ready())} ${JSON.stringify((await client.list(ROLLOUT_RINGS)).items.map((x) => x.status))} ${said().slice(-3000)}`,
      ),
    async places(forges = []) {
      const places = new Map<string, string>();
      places.set("command lines", watch.seen().join("\n"));
      places.set("what the controller prints", said());
      places.set("the cluster's objects", JSON.stringify(sandbox.cluster.server.store.history()));
      for (const path of [data, home, temporary].flatMap((root) => filesBelow(root)))
        places.set(path, readFileSync(path, "latin1"));
      for (const [index, forge] of forges.entries()) {
        places.set(
          `records of forge ${index}`,
          JSON.stringify([await forge.pullRequests(), await forge.issues(), forge.pushes()]),
        );
        places.set(`commits of forge ${index}`, everyObject(forge.gitDirectory));
      }
      return places;
    },
    async stop() {
      watch.stop();
      await controller?.stop();
      await sandbox.stop();
    },
  };
}

function filesBelow(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((name) => join(root, name))
    .filter((path) => statSync(path).isFile());
}

/** Every commit, file and tree, unpacked: a pack hides what it holds from a search. */
function everyObject(gitDirectory: string): string {
  return execFileSync("git", ["-C", gitDirectory, "cat-file", "--batch", "--batch-all-objects", "--buffer"], {
    encoding: "latin1",
    maxBuffer: 1 << 28,
  });
}
