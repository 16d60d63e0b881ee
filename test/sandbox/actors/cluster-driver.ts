// Drives a sandbox cluster on a manual clock: rounds with policy time between them, until something is so.
import { manualClock, seededRandom } from "../../../controller/clock.ts";
import type { ManualClock } from "../../../controller/clock.ts";
import type { ApiResponse, KubeObject } from "../../../controller/kube/port.ts";
import { collectionPath, findResource, objectPath } from "../../../controller/kube/resources.ts";
import type { Resource } from "../../../controller/kube/resources.ts";
import type { Kinds, KindName } from "../../../controller/sandbox/actors/view.ts";
import { DEFAULT_TIMING } from "../../../controller/sandbox/actors/timing.ts";
import type { SandboxTiming } from "../../../controller/sandbox/actors/timing.ts";
import { createSandboxCluster } from "../../../controller/sandbox/cluster.ts";
import type { SandboxCluster } from "../../../controller/sandbox/cluster.ts";
import type { Fleet } from "../../../controller/sandbox/fleet/fleet.ts";
import { quickstartCatalogue } from "../../../controller/sandbox/fleet/images.ts";
import { quickstartMachines } from "../../../controller/sandbox/fleet/quickstart.ts";
import { namespaceObject } from "../../../controller/sandbox/fleet/workloads.ts";

export const START = Date.parse("2024-12-16T06:00:00Z");
const STEP_MS = 1_000;

export interface Driver {
  readonly cluster: SandboxCluster;
  readonly clock: ManualClock;
  /** One round, then a second of policy time. */
  round(): Promise<void>;
  /** Rounds until `done`; fails after `limit` rounds. `each` looks on after every round. */
  until(done: () => boolean, each?: () => void, limit?: number): Promise<void>;
  /** Rounds until nothing changes any more by itself. */
  settle(): Promise<void>;
  list<K extends KindName>(kind: K): readonly Kinds[K][];
  create(object: KubeObject): Promise<KubeObject>;
  get(apiVersion: string, kind: string, name: string, namespace?: string): Promise<KubeObject>;
  patch(
    apiVersion: string,
    kind: string,
    name: string,
    namespace: string | undefined,
    body: object,
  ): Promise<KubeObject>;
  remove(apiVersion: string, kind: string, name: string, namespace?: string): Promise<void>;
  evict(namespace: string, name: string): Promise<ApiResponse>;
  log(namespace: string, name: string): Promise<string>;
}

export interface DriverOptions {
  readonly nodes?: number;
  readonly objects?: readonly KubeObject[];
  readonly seed?: number;
  readonly timing?: Partial<SandboxTiming>;
  readonly fleet?: Fleet;
}

/** A small cluster with the namespaces `shop` and `ops`. */
export async function createDriver(options: DriverOptions = {}): Promise<Driver> {
  const { nodes = 3, objects = [], seed = 1, timing = {} } = options;
  const clock = manualClock(START);
  const fleet = options.fleet ?? {
    machines: quickstartMachines(nodes),
    catalogue: quickstartCatalogue(),
    objects: [namespaceObject("shop"), namespaceObject("ops"), ...objects],
  };
  const cluster = await createSandboxCluster({
    clock,
    random: seededRandom(seed),
    fleet,
    timing: { ...DEFAULT_TIMING, ...timing },
  });

  async function round(): Promise<void> {
    const { errors } = await cluster.runRound();
    const [first] = errors;
    if (first !== undefined) throw new Error(`${first.actor} failed`, { cause: first.error });
    clock.advance(STEP_MS);
  }
  async function until(done: () => boolean, each: () => void = () => undefined, limit = 400): Promise<void> {
    for (let count = 0; count < limit; count++) {
      await round();
      await cluster.view.refresh();
      each();
      if (done()) return;
    }
    throw new Error(`not so after ${limit} rounds`);
  }
  async function send(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<ApiResponse> {
    const contentType = method === "PATCH" ? { contentType: "application/merge-patch+json" } : {};
    const response = await cluster.port.request({
      method,
      path,
      ...(body === undefined ? {} : { body }),
      ...contentType,
    });
    if (response.status >= 300)
      throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(response.body)}`);
    return response;
  }
  return {
    cluster,
    clock,
    round,
    until,
    async settle() {
      let quiet = 0;
      for (let count = 0; count < 400 && quiet < 3; count++) {
        const { writes, errors } = await cluster.runRound();
        if (errors[0] !== undefined) throw new Error(`${errors[0].actor} failed`, { cause: errors[0].error });
        quiet = writes === 0 && !cluster.busy() ? quiet + 1 : 0;
        clock.advance(STEP_MS);
      }
      if (quiet < 3) throw new Error("the cluster does not come to rest");
    },
    list: (kind) => cluster.view.list(kind),
    create: async (object) => {
      const resource = resourceOf(object.apiVersion ?? "", object.kind ?? "");
      return (await send("POST", collectionPath(resource, object.metadata.namespace), object)).body as KubeObject;
    },
    get: async (apiVersion, kind, name, namespace) =>
      (await send("GET", objectPath(resourceOf(apiVersion, kind), { name, namespace }))).body as KubeObject,
    patch: async (apiVersion, kind, name, namespace, body) =>
      (await send("PATCH", objectPath(resourceOf(apiVersion, kind), { name, namespace }), body)).body as KubeObject,
    remove: async (apiVersion, kind, name, namespace) =>
      void (await send("DELETE", objectPath(resourceOf(apiVersion, kind), { name, namespace }))),
    evict: (namespace, name) =>
      cluster.port.request({
        method: "POST",
        path: `/api/v1/namespaces/${namespace}/pods/${name}/eviction`,
        body: { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } },
      }),
    log: async (namespace, name) =>
      String((await send("GET", `/api/v1/namespaces/${namespace}/pods/${name}/log`)).body),
  };
}

function resourceOf(apiVersion: string, kind: string): Resource {
  const resource = findResource(apiVersion, kind);
  if (resource === undefined) throw new Error(`no resource for ${kind} of ${apiVersion}`);
  return resource;
}

/** A job as Ringward makes them: pinned to a node, tolerating all, one attempt. */
export function recipeJob(
  name: string,
  node: string,
  tool: string,
  step: string,
  env: Record<string, string> = {},
  spec: object = {},
): KubeObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: "ops" },
    spec: {
      backoffLimit: 0,
      podReplacementPolicy: "Failed",
      ...spec,
      template: {
        spec: {
          nodeName: node,
          restartPolicy: "Never",
          tolerations: [{ operator: "Exists" }],
          containers: [
            {
              name: "recipe",
              image: "registry.example.com/ringward/recipe:1.0.0",
              command: [`/recipe/${tool}`],
              args: [step],
              env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
            },
          ],
        },
      },
    },
  };
}
